/* ticket_keys: a ring of keys; which of them still open a ticket. */
#include "sluice/ticket_keys.h"
#include <criterion/criterion.h>
#include <string.h>

static sl_ticket_keys_t keys;

static bool opens(const sl_ticket_key_t *key, bool *is_newest)
{
    sl_ticket_key_t found;
    return sl_ticket_keys_find(&keys, key->name, &found, is_newest) && memcmp(&found, key, sizeof found) == 0;
}

static sl_ticket_key_t rotate(void)
{
    sl_ticket_key_t newest;
    sl_ticket_keys_rotate(&keys);
    cr_assert(sl_ticket_keys_newest(&keys, &newest));
    return newest;
}

Test(ticket_keys, before_the_first_rotation_there_is_none)
{
    sl_ticket_key_t key;
    bool is_newest;
    cr_expect_not(sl_ticket_keys_newest(&keys, &key));
    cr_expect_not(sl_ticket_keys_find(&keys, (const uint8_t[16]){0}, &key, &is_newest));
}

Test(ticket_keys, a_key_opens_for_two_more_rotations_and_then_no_longer)
{
    bool is_newest = false;
    for (int i = 0; i != 9; ++i) {
        sl_ticket_key_t key = rotate();
        cr_expect(opens(&key, &is_newest) && is_newest);
        rotate();
        cr_expect(opens(&key, &is_newest) && !is_newest);
        rotate();
        cr_expect(opens(&key, &is_newest) && !is_newest);
        rotate();
        cr_expect_not(opens(&key, &is_newest));
    }
}

Test(ticket_keys, a_forgotten_key_is_wiped_and_its_place_opens_nothing)
{
    static const sl_ticket_key_t nothing;
    sl_ticket_key_t found, key = rotate();
    bool is_newest;
    for (int i = 0; i != 3; ++i)
        rotate();
    for (size_t i = 0; i != SL_TICKET_KEYS; ++i)
        cr_expect_neq(memcmp(&keys.keys[i], &key, sizeof key), 0);
    cr_expect_not(sl_ticket_keys_find(&keys, nothing.name, &found, &is_newest), "sealed with zeros, opened");
}

Test(ticket_keys, all_parts_of_a_key_are_new_each_time)
{
    sl_ticket_key_t first = rotate(), second = rotate();
    cr_expect_neq(memcmp(first.name, second.name, sizeof first.name), 0);
    cr_expect_neq(memcmp(first.cipher, second.cipher, sizeof first.cipher), 0);
    cr_expect_neq(memcmp(first.digest, second.digest, sizeof first.digest), 0);
}
