/* The small written forms of settings: what is taken, what is refused, and that what is printed can be read again. */
#include "sluice/parse.h"
#include <criterion/criterion.h>

static void expect_duration(const char *text, uint64_t wanted_ms)
{
    uint64_t ms = 77;
    cr_expect(sl_parse_duration_ms(sl_bytes_of(text), &ms), "'%s' was refused", text);
    cr_expect_eq(ms, wanted_ms, "'%s' became %lu", text, (unsigned long)ms);
}

static void expect_size(const char *text, uint64_t wanted)
{
    uint64_t bytes = 77;
    cr_expect(sl_parse_size(sl_bytes_of(text), &bytes), "'%s' was refused", text);
    cr_expect_eq(bytes, wanted, "'%s' became %lu", text, (unsigned long)bytes);
}

Test(count, digits_are_a_count_and_nothing_else_is)
{
    uint64_t value;
    cr_assert(sl_parse_count(SL_LIT("18446744073709551615"), &value));
    cr_expect_eq(value, UINT64_MAX);

    const char *const refused[] = {"", "-1", "+1", " 1", "1 ", "1.5", "0x10", "18446744073709551616", "ten"};
    for (size_t i = 0; i != sizeof refused / sizeof refused[0]; ++i)
        cr_expect(!sl_parse_count(sl_bytes_of(refused[i]), &value), "'%s' was taken", refused[i]);
}

Test(duration, each_unit_counts)
{
    expect_duration("0", 0);
    expect_duration("250ms", 250);
    expect_duration("1s", 1000);
    expect_duration("5m", 300000);
    expect_duration("2h", 7200000);
    expect_duration("7d", 604800000);
}

Test(duration, a_number_without_unit_or_with_an_unknown_one_is_refused)
{
    uint64_t ms;
    const char *const refused[] = {"", "5", "s", "5 s", "5S", "1.5s", "-1s", "5sec", "18446744073709551615d"};
    for (size_t i = 0; i != sizeof refused / sizeof refused[0]; ++i)
        cr_expect(!sl_parse_duration_ms(sl_bytes_of(refused[i]), &ms), "'%s' was taken", refused[i]);
}

Test(duration, printing_uses_the_largest_unit_that_loses_nothing)
{
    char text[32];
    cr_expect_eq(sl_print_duration_ms(text, 0), 1);
    cr_expect_str_eq(text, "0");
    sl_print_duration_ms(text, 90000);
    cr_expect_str_eq(text, "90s");
    sl_print_duration_ms(text, 120000);
    cr_expect_str_eq(text, "2m");
    sl_print_duration_ms(text, 1001);
    cr_expect_str_eq(text, "1001ms");
}

Test(size, powers_of_two_and_of_ten_are_told_apart)
{
    expect_size("0", 0);
    expect_size("512", 512);
    expect_size("512B", 512);
    expect_size("64KiB", 65536);
    expect_size("10MiB", 10485760);
    expect_size("1GiB", 1073741824);
    expect_size("64KB", 64000);
    expect_size("1GB", 1000000000);
}

Test(size, what_is_printed_can_be_read_again)
{
    const uint64_t sizes[] = {0, 1, 1000, 1024, 65537, 10485760, 3221225472u, UINT64_MAX};
    for (size_t i = 0; i != sizeof sizes / sizeof sizes[0]; ++i) {
        char text[32];
        cr_expect_eq(sl_print_size(text, sizes[i]), strlen(text));
        expect_size(text, sizes[i]);
    }
}

Test(rate, so_many_per_so_long)
{
    sl_rate_t rate;
    cr_assert(sl_parse_rate(SL_LIT("100/60s"), &rate));
    cr_expect_eq(rate.limit, 100);
    cr_expect_eq(rate.window_s, 60);
    cr_assert(sl_parse_rate(SL_LIT("5/1m"), &rate));
    cr_expect_eq(rate.window_s, 60);
}

Test(rate, what_would_never_admit_or_never_refuse_is_no_rate)
{
    sl_rate_t rate;
    const char *const refused[] = {"",      "/",      "100",        "100/",   "/60s", "0/1s",
                                   "100/0", "100/0s", "100/1500ms", "100/60", "-1/1s"};
    for (size_t i = 0; i != sizeof refused / sizeof refused[0]; ++i)
        cr_expect(!sl_parse_rate(sl_bytes_of(refused[i]), &rate), "'%s' was taken", refused[i]);
}

Test(nearest, a_slip_of_the_hand_finds_its_name)
{
    const char *const names[] = {"listen", "redis", "services", "routes"};
    cr_expect_str_eq(sl_nearest_name(SL_LIT("lisetn"), names, 4), "listen");
    cr_expect_str_eq(sl_nearest_name(SL_LIT("Redis"), names, 4), "redis");
    cr_expect_str_eq(sl_nearest_name(SL_LIT("service"), names, 4), "services");
    cr_expect_str_eq(sl_nearest_name(SL_LIT("rout"), names, 4), "routes");
}

Test(nearest, a_strange_word_finds_nothing)
{
    const char *const names[] = {"listen", "redis", "ops"};
    cr_expect_null(sl_nearest_name(SL_LIT("banana"), names, 3));
    cr_expect_null(sl_nearest_name(SL_LIT("x"), names, 3));
    cr_expect_null(sl_nearest_name(SL_LIT(""), names, 3));
    cr_expect_null(sl_nearest_name(SL_LIT("listen"), NULL, 0));
}
