/*
 * ticket_keys: see ticket_keys.h. A reader looks at the count before and after it copies; a rotation in between, which
 * wipes the oldest key, makes it look again. Nobody waits for anybody.
 */
#include "sluice/ticket_keys.h"
#include "sluice/bytes.h"
#include <errno.h>
#include <h2o.h>
#include <sys/random.h>

void sl_ticket_keys_rotate(sl_ticket_keys_t *keys)
{
    uint32_t next = atomic_load_explicit(&keys->rotations, memory_order_relaxed) + 1;
    sl_ticket_key_t *key = &keys->keys[next % SL_TICKET_KEYS];
    while (getrandom(key, sizeof *key, 0) != sizeof *key)
        if (errno != EINTR)
            h2o_fatal("getrandom");
    atomic_store_explicit(&keys->rotations, next, memory_order_release);
    atomic_thread_fence(memory_order_release);
    /* the slot that comes next holds the oldest key: wiped now, so that it opens nothing from here on */
    memset(&keys->keys[(next + 1) % SL_TICKET_KEYS], 0, sizeof *key);
}

static bool copy_key(const sl_ticket_keys_t *keys, uint32_t back, sl_ticket_key_t *key)
{
    _Atomic uint32_t *rotations = &((sl_ticket_keys_t *)keys)->rotations;
    uint32_t newest = atomic_load_explicit(rotations, memory_order_acquire);
    for (uint32_t before = 0; newest > back && newest != before;) {
        before = newest;
        *key = keys->keys[(newest - back) % SL_TICKET_KEYS];
        atomic_thread_fence(memory_order_acquire);
        newest = atomic_load_explicit(rotations, memory_order_relaxed);
    }
    return newest > back;
}

bool sl_ticket_keys_newest(const sl_ticket_keys_t *keys, sl_ticket_key_t *key)
{
    return copy_key(keys, 0, key);
}

bool sl_ticket_keys_find(const sl_ticket_keys_t *keys, const uint8_t name[16], sl_ticket_key_t *key, bool *is_newest)
{
    for (uint32_t back = 0; back != SL_TICKET_KEYS - 1; ++back) {
        if (!copy_key(keys, back, key))
            return false;
        *is_newest = back == 0;
        if (memcmp(key->name, name, sizeof key->name) == 0)
            return true;
    }
    return false;
}
