/* Names of key records (published vectors), and random octets that differ between parent and child. */
#include "sluice/digest.h"
#include <criterion/criterion.h>
#include <sys/wait.h>
#include <unistd.h>

static void expect_digest(h2o_iovec_t pepper, h2o_iovec_t key, const char *wanted)
{
    char hex[SL_DIGEST_HEX];
    sl_digest_key(pepper, key, hex);
    cr_expect(memcmp(hex, wanted, SL_DIGEST_HEX) == 0, "%.64s instead of %s", hex, wanted);
}

Test(digest, without_pepper_it_is_sha256)
{
    expect_digest(SL_LIT(""), SL_LIT(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect_digest(SL_LIT(""), SL_LIT("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

Test(digest, with_pepper_it_is_hmac_of_rfc_4231)
{
    char long_pepper[131];
    memset(long_pepper, 0xaa, sizeof long_pepper);
    expect_digest(SL_LIT("Jefe"), SL_LIT("what do ya want for nothing?"),
                  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    expect_digest(sl_bytes(long_pepper, sizeof long_pepper),
                  SL_LIT("Test Using Larger Than Block-Size Key - Hash Key First"),
                  "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

Test(digest, a_changed_pepper_takes_effect_at_once)
{
    char before[SL_DIGEST_HEX], after[SL_DIGEST_HEX], again[SL_DIGEST_HEX];
    sl_digest_key(SL_LIT("one"), SL_LIT("key"), before);
    sl_digest_key(SL_LIT("two"), SL_LIT("key"), after);
    sl_digest_key(SL_LIT("one"), SL_LIT("key"), again);
    cr_expect(memcmp(before, after, SL_DIGEST_HEX) != 0);
    cr_expect(memcmp(before, again, SL_DIGEST_HEX) == 0);
}

Test(random, parent_and_child_draw_different_octets)
{
    int answer[2];
    char first[32], parents[32], childs[32];
    sl_random_hex(first, 16); /* the buffer is full when the child inherits it */
    cr_assert_eq(pipe(answer), 0);

    pid_t child = fork();
    if (child == 0) {
        sl_random_hex(childs, 16);
        _exit(write(answer[1], childs, sizeof childs) == sizeof childs ? 0 : 1);
    }
    sl_random_hex(parents, 16);

    cr_assert_eq(read(answer[0], childs, sizeof childs), sizeof childs);
    waitpid(child, NULL, 0);
    cr_expect(memcmp(parents, childs, sizeof parents) != 0);
    cr_expect(memcmp(first, parents, sizeof parents) != 0);
}

Test(random, octets_outlast_the_buffer_and_are_hex)
{
    for (int i = 0; i != 1000; ++i) {
        char hex[32];
        sl_random_hex(hex, 16);
        for (size_t j = 0; j != sizeof hex; ++j)
            cr_assert(strchr("0123456789abcdef", hex[j]) != NULL && hex[j] != '\0');
    }
}

Test(random, a_bounded_number_stays_below_its_bound_and_reaches_each)
{
    unsigned seen = 0;
    for (int i = 0; i != 1000; ++i) {
        uint32_t number = sl_random_below(5);
        cr_assert_lt(number, 5);
        seen |= 1u << number;
    }
    cr_expect_eq(seen, 31);
    cr_expect_eq(sl_random_below(1), 0);
}
