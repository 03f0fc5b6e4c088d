/*
 * shared: names with fixed slots, and addresses that one process writes while others read.
 *
 * Names are only ever added, in order, so a search may stop at the first free row, and the first character is stored
 * last: whoever sees a name sees all of it. Addresses are guarded by a sequence lock. Its writers are the supervisor
 * and the resolver of the ops process; either may be killed in the middle of a write, so nobody waits for an odd
 * version for long: a writer takes it over, a reader reports the instance as unresolved and is asked again.
 */
#include "sluice/shared.h"
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#define PATIENCE 200 /* looks at an odd version: a reader yields in between, a writer sleeps 1 ms */

typedef uint64_t __attribute__((may_alias)) word_t;
#define ADDRESS_WORDS (sizeof(struct sockaddr_storage) / sizeof(word_t))

static const int rows_of_kind[SL_NAME_KINDS] = {
    [SL_NAME_ROUTE] = SL_MAX_ROUTES, [SL_NAME_SERVICE] = SL_MAX_SERVICES, [SL_NAME_INSTANCE] = SL_MAX_INSTANCES};

sl_shared_t *sl_shared_create(void)
{
    sl_shared_t *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (shared == MAP_FAILED)
        return NULL;
    for (int kind = 0; kind != SL_NAME_KINDS; ++kind)
        shared->names[kind][0][0] = '-';
    if (getrandom(&shared->crowd_secret, sizeof shared->crowd_secret, 0) != sizeof shared->crowd_secret) {
        munmap(shared, sizeof *shared);
        return NULL;
    }
    return shared;
}

/* A name too long for a row keeps its beginning and gets a hash (FNV-1a), so that two long names stay two. */
static void fit_name(h2o_iovec_t name, char row[SL_NAME_BYTES])
{
    memset(row, 0, SL_NAME_BYTES);
    if (name.len < SL_NAME_BYTES) {
        memcpy(row, name.base, name.len);
        return;
    }
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i != name.len; ++i)
        hash = (hash ^ (unsigned char)name.base[i]) * 1099511628211u;
    snprintf(row, SL_NAME_BYTES, "%.*s~%016llx", SL_NAME_BYTES - 18, name.base, (unsigned long long)hash);
}

/* What the row holds; "" when it is free. */
static const char *name_at(const sl_shared_t *shared, sl_name_kind_t kind, int row)
{
    const char *name = shared->names[kind][row];
    return __atomic_load_n(name, __ATOMIC_ACQUIRE) == '\0' ? "" : name;
}

/* Row of the name, or of the first free one, or the count of rows. A configuration's names are asked for in the order
 * in which they were claimed, mostly: the row after the last one found is looked at first, or thousands of names would
 * cost millions of looks. */
static int seek_row(const sl_shared_t *shared, sl_name_kind_t kind, const char *fitted)
{
    static int likely[SL_NAME_KINDS];
    int row = likely[kind];
    if (row == 0 || row == rows_of_kind[kind] || strcmp(name_at(shared, kind, row), fitted) != 0)
        for (row = 1; row != rows_of_kind[kind]; ++row) {
            const char *name = name_at(shared, kind, row);
            if (*name == '\0' || strcmp(name, fitted) == 0)
                break;
        }
    likely[kind] = row != rows_of_kind[kind] ? row + 1 : 0;
    return row;
}

int sl_shared_claim(sl_shared_t *shared, sl_name_kind_t kind, h2o_iovec_t name)
{
    char fitted[SL_NAME_BYTES];
    if (name.len == 0)
        return 0;
    fit_name(name, fitted);
    int row = seek_row(shared, kind, fitted);
    if (row == rows_of_kind[kind])
        return 0;
    char *target = shared->names[kind][row];
    if (target[0] == '\0') {
        memcpy(target + 1, fitted + 1, SL_NAME_BYTES - 1);
        __atomic_store_n(target, fitted[0], __ATOMIC_RELEASE);
    }
    return row;
}

int sl_shared_find(const sl_shared_t *shared, sl_name_kind_t kind, h2o_iovec_t name)
{
    char fitted[SL_NAME_BYTES];
    if (name.len == 0)
        return 0;
    fit_name(name, fitted);
    int row = seek_row(shared, kind, fitted);
    if (row == rows_of_kind[kind] || shared->names[kind][row][0] == '\0')
        return 0;
    return row;
}

/* Makes the version odd and returns it. Patience is measured in milliseconds, so that a writer who only lost its CPU is
 * never overtaken. */
static uint32_t lock_for_writing(sl_address_slot_t *slot)
{
    for (unsigned looks = 0;; ++looks) {
        uint32_t version = atomic_load(&slot->version);
        bool is_free = (version & 1) == 0;
        uint32_t mine = is_free ? version + 1 : version + 2;
        if ((is_free || looks > PATIENCE) && atomic_compare_exchange_strong(&slot->version, &version, mine))
            return mine;
        usleep(1000);
    }
}

static void copy_words(word_t *to, const word_t *from)
{
    for (size_t i = 0; i != ADDRESS_WORDS; ++i)
        __atomic_store_n(&to[i], __atomic_load_n(&from[i], __ATOMIC_RELAXED), __ATOMIC_RELAXED);
}

void sl_address_store(sl_address_slot_t *slot, const struct sockaddr *address, socklen_t len)
{
    struct sockaddr_storage whole = {0};
    struct sockaddr_storage present;
    memcpy(&whole, address, len);
    if (sl_address_load(slot, &present) == len && memcmp(&present, &whole, len) == 0)
        return; /* the usual case of a name resolved again: readers are left in peace */
    uint32_t version = lock_for_writing(slot);
    atomic_thread_fence(memory_order_release);
    __atomic_store_n(&slot->len, len, __ATOMIC_RELAXED);
    copy_words((word_t *)&slot->address, (const word_t *)&whole);
    atomic_compare_exchange_strong_explicit(&slot->version, &version, version + 1, memory_order_release,
                                            memory_order_relaxed);
}

socklen_t sl_address_load(const sl_address_slot_t *slot, struct sockaddr_storage *address)
{
    sl_address_slot_t *source = (sl_address_slot_t *)slot;
    for (unsigned looks = 0; looks != PATIENCE; ++looks) {
        uint32_t version = atomic_load_explicit(&source->version, memory_order_acquire);
        if ((version & 1) == 0) {
            socklen_t len = __atomic_load_n(&source->len, __ATOMIC_RELAXED);
            copy_words((word_t *)address, (const word_t *)&source->address);
            atomic_thread_fence(memory_order_acquire);
            if (atomic_load_explicit(&source->version, memory_order_relaxed) == version)
                return len;
        }
        sched_yield();
    }
    return 0;
}
