/* Text that grows, and JSON strings out of any bytes. */
#include "sluice/bytes.h"
#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>

static void expect_json(h2o_iovec_t bytes, const char *wanted)
{
    sl_text_t text = {0};
    sl_text_json(&text, bytes);
    cr_expect_str_eq(text.base, wanted, "%.*s became %s", (int)bytes.len, bytes.base, text.base);
    sl_text_dispose(&text);
}

Test(trim, blanks_and_tabs_go_at_both_ends_only)
{
    cr_expect(sl_bytes_equal(sl_bytes_trim(SL_LIT(" \ta b\t ")), SL_LIT("a b")));
    cr_expect_eq(sl_bytes_trim(SL_LIT(" \t ")).len, 0);
    cr_expect_eq(sl_bytes_trim(SL_LIT("")).len, 0);
}

Test(text, grows_over_many_appends_and_stays_terminated)
{
    sl_text_t text = {0};
    for (int i = 0; i != 1000; ++i)
        sl_text_put(&text, "0123456789");

    cr_expect_eq(text.size, 10000);
    cr_expect_eq(strlen(text.base), 10000);
    cr_expect(memcmp(text.base + 9990, "0123456789", 10) == 0);
    sl_text_dispose(&text);
}

Test(text, formats_longer_than_its_first_guess)
{
    char long_word[301];
    memset(long_word, 'x', 300);
    long_word[300] = '\0';
    sl_text_t text = {0};

    sl_text_format(&text, "<%s>", long_word);
    sl_text_format(&text, "%d", 7);

    cr_expect_eq(text.size, 303);
    cr_expect_str_eq(text.base + 300, "x>7");
    sl_text_dispose(&text);
}

Test(text, numbers_from_zero_to_the_largest)
{
    sl_text_t text = {0};
    sl_text_number(&text, 0);
    sl_text_put(&text, " ");
    sl_text_number(&text, 18446744073709551615ull);
    cr_expect_str_eq(text.base, "0 18446744073709551615");
    sl_text_dispose(&text);
}

Test(text, numbers_of_every_length_are_as_printf_writes_them)
{
    for (unsigned long long power = 1; power != 0; power = power <= ULLONG_MAX / 10 ? power * 10 : 0)
        for (unsigned long long number = power - 1; number <= power + 1 && number >= power - 1; ++number) {
            char ours[SL_NUMBER_DIGITS + 1], theirs[32];
            *sl_put_number(ours, number) = '\0';
            snprintf(theirs, sizeof(theirs), "%llu", number);
            cr_assert_str_eq(ours, theirs);
        }
}

Test(text, padded_numbers_have_their_width)
{
    char text[8] = {0};

    char *end = sl_put_padded(text, 7, 3);
    cr_expect_str_eq(text, "007");
    cr_expect_eq(end - text, 3);
    sl_put_padded(text, 123456, 6);
    cr_expect_str_eq(text, "123456");
}

Test(text, clearing_keeps_the_memory)
{
    sl_text_t text = {0};
    sl_text_put(&text, "hello");
    char *memory = text.base;

    sl_text_clear(&text);

    cr_expect_eq(text.size, 0);
    cr_expect_eq(text.base, memory);
    cr_expect_str_eq(text.base, "");
    sl_text_dispose(&text);
}

Test(json, plain_text_gets_quotes)
{
    expect_json(SL_LIT(""), "\"\"");
    expect_json(SL_LIT("/api/v1"), "\"/api/v1\"");
}

Test(cell, what_would_end_a_cell_or_be_markup_is_escaped)
{
    sl_text_t text = {0};
    sl_text_cell(&text, "a|b, *.suffix,\nas in <id>");
    cr_expect_str_eq(text.base, "a\\|b, \\*.suffix, as in \\<id>");
    sl_text_dispose(&text);
}

Test(json, quotes_backslashes_and_controls_are_escaped)
{
    expect_json(SL_LIT("a\"b\\c"), "\"a\\\"b\\\\c\"");
    expect_json(SL_LIT("\n\r\t"), "\"\\n\\r\\t\"");
    expect_json(sl_bytes("\0\x1f\x7f", 3), "\"\\u0000\\u001f\\u007f\"");
}

/* Eight bytes are looked at together: each place among them, and beyond them, must count. */
Test(json, every_byte_is_treated_alike_wherever_it_stands)
{
    for (int c = 0; c != 256; ++c)
        for (size_t place = 0; place != 19; ++place) {
            char bytes[20] = "abcdefghijklmnopqrs", alone[2] = {(char)c};
            sl_text_t told = {0}, wanted = {0};
            bytes[place] = (char)c;
            sl_text_json(&told, sl_bytes(bytes, 19));
            sl_text_append(&wanted, "\"abcdefghijklmnopqrs", place + 1);
            sl_text_json_piece(&wanted, sl_bytes(alone, 1));
            sl_text_put(&wanted, &"abcdefghijklmnopqrs\""[place + 1]);
            cr_assert_str_eq(told.base, wanted.base, "byte %d at %zu", c, place);
            sl_text_dispose(&told);
            sl_text_dispose(&wanted);
        }
}

Test(json, well_formed_utf8_passes)
{
    expect_json(SL_LIT("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"), "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"");
    expect_json(SL_LIT("\xf4\x8f\xbf\xbf"), "\"\xf4\x8f\xbf\xbf\"");
}

Test(json, bytes_that_are_not_utf8_become_replacement_characters)
{
#define U "\xef\xbf\xbd"
    expect_json(SL_LIT("\xff"), "\"" U "\"");
    expect_json(SL_LIT("a\xc3"), "\"a" U "\"");
    expect_json(SL_LIT("\xc3("), "\"" U "(\"");
    expect_json(SL_LIT("\xc0\x80"), "\"" U U "\"");             /* overlong */
    expect_json(SL_LIT("\xe0\x9f\x80"), "\"" U U U "\"");       /* overlong */
    expect_json(SL_LIT("\xed\xa0\x80"), "\"" U U U "\"");       /* surrogate */
    expect_json(SL_LIT("\xf4\x90\x80\x80"), "\"" U U U U "\""); /* above U+10FFFF */
    expect_json(SL_LIT("\xe2\x82\"x"), "\"" U U "\\\"x\"");
#undef U
}
