/* Minimum rates: who keeps up, who does not, and from when on. */
#include "sluice/pace.h"
#include <criterion/criterion.h>

#define SECOND 1000000ull
#define RATE 1024
#define REST (60 * SECOND)

static sl_pace_t pace;

static void begin(void)
{
    sl_pace_begin(&pace, 0, 10 * SECOND);
}

TestSuite(pace, .init = begin);

static bool keeps(uint64_t at_s, uint64_t bytes)
{
    return sl_pace_keeps(&pace, at_s * SECOND, bytes, RATE, REST);
}

Test(pace, silence_is_fine_for_the_grace)
{
    cr_expect(keeps(10, 0));
    cr_expect_not(keeps(11, 0));
}

Test(pace, the_minimum_lives_for_hours)
{
    for (uint64_t second = 1; second != 7200; ++second)
        cr_assert(keeps(second, second * RATE), "cut after %llu s", (unsigned long long)second);
}

Test(pace, half_of_it_lives_twice_the_grace)
{
    uint64_t second = 1;
    while (keeps(second, second * RATE / 2))
        ++second;
    cr_expect_eq(second, 21);
}

Test(pace, a_byte_now_and_then_does_not_help)
{
    uint64_t second = 1;
    while (keeps(second, second))
        ++second;
    cr_expect_eq(second, 11);
}

Test(pace, who_has_run_ahead_may_rest_but_not_for_ever)
{
    cr_expect(keeps(1, 100 * 1024 * 1024)); /* a day's worth */
    cr_expect(keeps(61, 100 * 1024 * 1024));
    cr_expect_not(keeps(62, 100 * 1024 * 1024));
}

Test(pace, a_late_byte_comes_too_late)
{
    cr_expect_not(keeps(12, RATE));
}

Test(pace, no_rate_no_deadline)
{
    cr_expect(sl_pace_keeps(&pace, UINT32_MAX * SECOND, 0, 0, 0));
}

Test(pace, a_grace_longer_than_the_rest_is_kept)
{
    sl_pace_begin(&pace, 0, 100 * SECOND);
    cr_expect(keeps(1, RATE));
    cr_expect(keeps(99, RATE));
}
