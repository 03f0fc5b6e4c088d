/* MessagePack both ways: what both formats hold comes back as it was, and every way to lie is found out. */
#include "json_generator.h"
#include "sluice/media.h"
#include <criterion/criterion.h>
#include <stdlib.h>

static const sl_media_limits_t limits = {.depth = 64, .values = 1000000, .bytes_max = 1 << 20};

/* --- JSON -> MessagePack --- */

static void expect_packed(const char *json, const char *wanted, size_t len)
{
    sl_text_t out = {0};
    size_t offset;
    const char *error = sl_json_to_msgpack(sl_bytes_of(json), &limits, &out, &offset);
    cr_assert_null(error, "%s: %s", json, error);
    bool is_same = sl_bytes_equal(sl_bytes(out.base, out.size), sl_bytes(wanted, len));
    cr_expect(is_same, "%s", json);
    sl_text_dispose(&out);
}

#define EXPECT_PACKED(json, bytes) expect_packed(json, bytes, sizeof(bytes) - 1)

Test(msgpack, values_take_their_shortest_form)
{
    EXPECT_PACKED("null", "\xc0");
    EXPECT_PACKED("false", "\xc2");
    EXPECT_PACKED("true", "\xc3");
    EXPECT_PACKED("0", "\x00");
    EXPECT_PACKED("127", "\x7f");
    EXPECT_PACKED("128", "\xcc\x80");
    EXPECT_PACKED("65536", "\xce\x00\x01\x00\x00");
    EXPECT_PACKED("18446744073709551615", "\xcf\xff\xff\xff\xff\xff\xff\xff\xff");
    EXPECT_PACKED("-1", "\xff");
    EXPECT_PACKED("-33", "\xd0\xdf");
    EXPECT_PACKED("-9223372036854775808", "\xd3\x80\x00\x00\x00\x00\x00\x00\x00");
    EXPECT_PACKED("\"a\\u00e9\"", "\xa3"
                                  "a\xc3\xa9");
    EXPECT_PACKED("\"\"", "\xa0");
    EXPECT_PACKED("[]", "\x90");
    EXPECT_PACKED("[1,[2]]", "\x92\x01\x91\x02");
    EXPECT_PACKED(" {\"a\" : {} , \"\\u0062\":[ ]}", "\x82\xa1"
                                                     "a\x80\xa1"
                                                     "b\x90");
    EXPECT_PACKED("{\"a\":1,\"a\":2}", "\x82\xa1"
                                       "a\x01\xa1"
                                       "a\x02");
    EXPECT_PACKED("\"01234567890123456789012345678901\"", "\xd9\x20"
                                                          "01234567890123456789012345678901");
}

Test(msgpack, decimals_become_doubles_when_no_digit_is_lost)
{
    EXPECT_PACKED("0.5", "\xcb\x3f\xe0\x00\x00\x00\x00\x00\x00");
    EXPECT_PACKED("-0", "\xcb\x80\x00\x00\x00\x00\x00\x00\x00");
    EXPECT_PACKED("0.10", "\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a");
    EXPECT_PACKED("1e0", "\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00");
    EXPECT_PACKED("100000000000000000000", "\xcb\x44\x15\xaf\x1d\x78\xb5\x8c\x40");
    EXPECT_PACKED("5e-324", "\xcb\x00\x00\x00\x00\x00\x00\x00\x01");
    EXPECT_PACKED("1.7976931348623157e308", "\xcb\x7f\xef\xff\xff\xff\xff\xff\xff");
    EXPECT_PACKED("0.30000000000000004", "\xcb\x3f\xd3\x33\x33\x33\x33\x33\x34");
    EXPECT_PACKED("0e99999999999", "\xcb\x00\x00\x00\x00\x00\x00\x00\x00");
}

static void expect_not_packed(const char *json, size_t wanted_offset, const char *wanted)
{
    sl_text_t out = {0};
    size_t offset;
    sl_text_put(&out, "before");
    const char *error = sl_json_to_msgpack(sl_bytes_of(json), &limits, &out, &offset);
    cr_expect(error != NULL && strcmp(error, wanted) == 0, "%s: %s", json, error == NULL ? "taken" : error);
    cr_expect_eq(offset, wanted_offset, "%s: %zu", json, offset);
    cr_expect_str_eq(out.base, "before");
    sl_text_dispose(&out);
}

Test(msgpack, what_would_lose_a_digit_is_refused)
{
    const char *const numbers[] = {"18446744073709551616",
                                   "-9223372036854775809",
                                   "1e400",
                                   "1e-400",
                                   "0.1000000000000000055",
                                   "0.10000000000000001",
                                   "3.14159265358979323846",
                                   "123456789012345678901234567890",
                                   "2e308",
                                   "4.9e-324"};
    for (size_t i = 0; i != sizeof(numbers) / sizeof(numbers[0]); ++i) {
        char json[64];
        snprintf(json, sizeof(json), "[1,%s]", numbers[i]);
        expect_not_packed(json, 3, "a number that MessagePack cannot hold");
    }
    expect_not_packed("[1,]", 3, "no value begins like this");
}

/* --- MessagePack -> JSON --- */

static void expect_json(const char *bytes, size_t len, const char *wanted)
{
    sl_text_t out = {0};
    size_t offset;
    const char *error = sl_msgpack_to_json(sl_bytes(bytes, len), &limits, &out, &offset);
    cr_assert_null(error, "%s: %s at %zu", wanted, error, offset);
    cr_expect_str_eq(out.base, wanted, "%s, not %s", out.base, wanted);
    sl_text_dispose(&out);
}

#define EXPECT_JSON(bytes, wanted) expect_json(bytes, sizeof(bytes) - 1, wanted)

Test(msgpack, every_type_has_its_json)
{
    EXPECT_JSON("\xc0", "null");
    EXPECT_JSON("\x93\xc2\xc3\x05", "[false,true,5]");
    EXPECT_JSON("\xe0", "-32");
    EXPECT_JSON("\xcc\xff", "255");
    EXPECT_JSON("\xcd\xff\xff", "65535");
    EXPECT_JSON("\xce\xff\xff\xff\xff", "4294967295");
    EXPECT_JSON("\xcf\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615");
    EXPECT_JSON("\xd0\x80", "-128");
    EXPECT_JSON("\xd1\x80\x00", "-32768");
    EXPECT_JSON("\xd2\x80\x00\x00\x00", "-2147483648");
    EXPECT_JSON("\xd3\x80\x00\x00\x00\x00\x00\x00\x00", "-9223372036854775808");
    EXPECT_JSON("\xd3\x00\x00\x00\x00\x00\x00\x00\x07", "7");
    EXPECT_JSON("\xca\x3f\x00\x00\x00", "0.5");
    EXPECT_JSON("\xca\x3d\xcc\xcc\xcd", "0.10000000149011612");
    EXPECT_JSON("\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a", "0.1");
    EXPECT_JSON("\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00", "1.0");
    EXPECT_JSON("\xcb\x80\x00\x00\x00\x00\x00\x00\x00", "-0.0");
    EXPECT_JSON("\xcb\x00\x00\x00\x00\x00\x00\x00\x01", "5e-324");
    EXPECT_JSON("\xcb\x7f\xef\xff\xff\xff\xff\xff\xff", "1.7976931348623157e+308");
    EXPECT_JSON("\xcb\x43\x40\x00\x00\x00\x00\x00\x00", "9007199254740992.0");
    EXPECT_JSON("\xa4\"\n\xc3\xa9", "\"\\\"\\n\xc3\xa9\"");
    EXPECT_JSON("\xd9\x03"
                "abc",
                "\"abc\"");
    EXPECT_JSON("\xda\x00\x03"
                "abc",
                "\"abc\"");
    EXPECT_JSON("\xdb\x00\x00\x00\x03"
                "abc",
                "\"abc\"");
    EXPECT_JSON("\xdc\x00\x02\x01\x90", "[1,[]]");
    EXPECT_JSON("\xdd\x00\x00\x00\x01\x80", "[{}]");
    EXPECT_JSON("\x82\xa1"
                "a\x81\xa1"
                "b\x01\xa1"
                "c\x92\x01\x02",
                "{\"a\":{\"b\":1},\"c\":[1,2]}");
    EXPECT_JSON("\xde\x00\x01\xd9\x01"
                "a\xc0",
                "{\"a\":null}");
    EXPECT_JSON("\xdf\x00\x00\x00\x01\xa1"
                "a\xc0",
                "{\"a\":null}");
    EXPECT_JSON("\x82\xa1"
                "a\x01\xa1"
                "a\x02",
                "{\"a\":1,\"a\":2}");
}

Test(msgpack, bytes_and_extensions_become_base64)
{
    EXPECT_JSON("\xc4\x00", "\"\"");
    EXPECT_JSON("\xc4\x04\x00\xff\x01\x02", "\"AP8BAg==\"");
    EXPECT_JSON("\xc5\x00\x01"
                "a",
                "\"YQ==\"");
    EXPECT_JSON("\xc6\x00\x00\x00\x03"
                "abc",
                "\"YWJj\"");
    EXPECT_JSON("\xd4\x05"
                "a",
                "{\"type\":5,\"data\":\"YQ==\"}");
    EXPECT_JSON("\xd5\xfe"
                "ab",
                "{\"type\":-2,\"data\":\"YWI=\"}");
    EXPECT_JSON("\xc7\x00\x01", "{\"type\":1,\"data\":\"\"}");
    EXPECT_JSON("\xc8\x00\x01\x80"
                "a",
                "{\"type\":-128,\"data\":\"YQ==\"}");
    EXPECT_JSON("\x92\xd8\x01"
                "0123456789abcdef\x01",
                "[{\"type\":1,\"data\":\"MDEyMzQ1Njc4OWFiY2RlZg==\"},1]");
}

Test(msgpack, timestamps_become_dates)
{
    EXPECT_JSON("\xd6\xff\x00\x00\x00\x00", "\"1970-01-01T00:00:00Z\"");
    EXPECT_JSON("\xd6\xff\x65\x92\x00\x80", "\"2024-01-01T00:00:00Z\"");
    EXPECT_JSON("\xd7\xff\x00\x00\x00\x04\x00\x00\x00\x01", "\"1970-01-01T00:00:01.000000001Z\"");
    EXPECT_JSON("\xc7\x0c\xff\x1d\xcd\x65\x00\xff\xff\xff\xff\xff\xff\xff\xff", "\"1969-12-31T23:59:59.500000000Z\"");
    EXPECT_JSON("\xc7\x0c\xff\x00\x00\x00\x00\xff\xff\xff\xf1\x86\x8b\x84\x00", "\"0000-01-01T00:00:00Z\"");
}

static const struct {
    const char *bytes;
    size_t len, offset;
    const char *error;
} refused[] = {
#define REFUSED(bytes, offset, error)                                                                                  \
    {                                                                                                                  \
        bytes, sizeof(bytes) - 1, offset, error                                                                        \
    }
    REFUSED("", 0, "nothing there"),
    REFUSED("\xc1", 0, "a byte that begins nothing"),
    REFUSED("\x01\x02", 1, "bytes behind the document"),
    REFUSED("\x92\x01", 1, "a length beyond the end"),
    REFUSED("\xdd\xff\xff\xff\xff", 5, "a length beyond the end"),
    REFUSED("\xdf\xff\xff\xff\xff\xa1"
            "a\x01",
            5, "a length beyond the end"),
    REFUSED("\xdc\xff", 2, "cut short"),
    REFUSED("\xdb\xff\xff\xff\xff"
            "abc",
            5, "a length beyond the end"),
    REFUSED("\xc6\xff\xff\xff\xff"
            "abc",
            5, "a length beyond the end"),
    REFUSED("\xc9\xff\xff\xff\xff\x01"
            "abc",
            6, "a length beyond the end"),
    REFUSED("\xa3"
            "ab",
            1, "a length beyond the end"),
    REFUSED("\xd9", 1, "cut short"),
    REFUSED("\xcd\x01", 2, "cut short"),
    REFUSED("\xcb\x00\x00", 3, "cut short"),
    REFUSED("\xd6\x05"
            "ab",
            2, "a length beyond the end"),
    REFUSED("\xd4", 1, "cut short"),
    REFUSED("\x92\x92\x01\x02", 4, "cut short"),
    REFUSED("\x81\x01\x02", 1, "a name in a map is no string"),
    REFUSED("\x81\xc0\x02", 1, "a name in a map is no string"),
    REFUSED("\x81\xc4\x01"
            "a\x02",
            1, "a name in a map is no string"),
    REFUSED("\x82\xa1"
            "a\x01\x90\x02",
            4, "a name in a map is no string"),
    REFUSED("\xa2\xc3\x28", 1, "not UTF-8"),
    REFUSED("\xa3\xed\xa0\x80", 1, "not UTF-8"),
    REFUSED("\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", 0, "a number that JSON cannot hold"),
    REFUSED("\x91\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00", 1, "a number that JSON cannot hold"),
    REFUSED("\xca\xff\x80\x00\x00", 0, "a number that JSON cannot hold"),
    REFUSED("\xd4\xff\x00", 2, "a timestamp that is no date"),
    REFUSED("\xd7\xff\xff\xff\xff\xff\x00\x00\x00\x01", 2, "a timestamp that is no date"),
    REFUSED("\xc7\x0c\xff\x00\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff", 3, "a timestamp that is no date"),
};

Test(msgpack, every_lie_is_found_out)
{
    for (size_t i = 0; i != sizeof(refused) / sizeof(refused[0]); ++i) {
        char *exact = malloc(refused[i].len == 0 ? 1 : refused[i].len);
        memcpy(exact, refused[i].bytes, refused[i].len);
        sl_text_t out = {0};
        size_t offset;
        const char *error = sl_msgpack_to_json(sl_bytes(exact, refused[i].len), &limits, &out, &offset);
        cr_expect(error != NULL && strcmp(error, refused[i].error) == 0 && offset == refused[i].offset,
                  "case %zu: '%s' at %zu, not '%s' at %zu", i, error == NULL ? "taken" : error, offset,
                  refused[i].error, refused[i].offset);
        cr_expect_eq(out.size, 0);
        cr_expect_leq(out.capacity, 256, "case %zu made room for %zu bytes", i, out.capacity);
        sl_text_dispose(&out);
        free(exact);
    }
}

static const char *read_bounded(const char *bytes, size_t len, sl_media_limits_t bounds)
{
    sl_text_t out = {0};
    size_t offset;
    const char *error = sl_msgpack_to_json(sl_bytes(bytes, len), &bounds, &out, &offset);
    sl_text_dispose(&out);
    return error;
}

Test(msgpack, limits_are_kept_both_ways)
{
    const sl_media_limits_t two = {.depth = 2, .values = 3, .bytes_max = 100};
    sl_text_t out = {0};
    size_t offset;
    cr_expect_null(read_bounded("\x92\x91\x01", 3, two) == NULL ? "not cut short" : NULL);
    cr_expect_null(read_bounded("\x91\x91\x01", 3, two));
    cr_expect_str_eq(read_bounded("\x91\x91\x90", 3, two), "nested too deeply");
    cr_expect_str_eq(read_bounded("\x93\x01\x01\x01", 4, two), "too many values");
    cr_expect_null(read_bounded("\x82\xa1"
                                "a\x01\xa1"
                                "b\x01",
                                7, two)); /* names are no values */
    cr_expect_null(sl_json_to_msgpack(SL_LIT("[[1]]"), &two, &out, &offset));
    cr_expect_str_eq(sl_json_to_msgpack(SL_LIT("[[[]]]"), &two, &out, &offset), "nested too deeply");
    cr_expect_str_eq(sl_json_to_msgpack(SL_LIT("[1,1,1]"), &two, &out, &offset), "too many values");
    sl_text_dispose(&out);
}

Test(msgpack, results_keep_within_their_bytes)
{
    sl_media_limits_t tight = {.depth = 9, .values = 99, .bytes_max = 5};
    sl_text_t out = {0};
    size_t offset;
    cr_expect_null(read_bounded("\xa3"
                                "abc",
                                4, tight));
    cr_expect_str_eq(read_bounded("\xa4"
                                  "abcd",
                                  5, tight),
                     "the result is too large");
    cr_expect_str_eq(read_bounded("\xa1\x01", 2, tight), "the result is too large"); /* \u0001 */
    cr_expect_str_eq(read_bounded("\x93\x01\x01\x01", 4, tight), "the result is too large");
    cr_expect_str_eq(read_bounded("\xc4\x03"
                                  "abc",
                                  5, tight),
                     "the result is too large");
    cr_expect_str_eq(sl_json_to_msgpack(SL_LIT("1.5"), &tight, &out, &offset), "the result is too large");
    cr_expect_null(sl_json_to_msgpack(SL_LIT("[1,2,3,4]"), &tight, &out, &offset));
    sl_text_dispose(&out);
}

static void depth_bomb(size_t count, char byte)
{
    char *bomb = malloc(count);
    memset(bomb, byte, count);
    cr_expect_str_eq(read_bounded(bomb, count, limits), "nested too deeply");
    free(bomb);
}

Test(msgpack, depth_bombs_end_at_the_limit)
{
    depth_bomb(10 << 20, '\x91');
    depth_bomb(10 << 20, '\x9f');
}

/* --- there and back --- */

Test(msgpack, what_both_hold_comes_back_as_it_was)
{
    generator_t generator = {.state = 7, .is_simple = true};
    sl_text_t json = {0}, packed = {0}, back = {0};
    for (size_t i = getenv("SLUICE_LONG") != NULL ? 100000 : 10000; i != 0; --i) {
        size_t offset;
        sl_text_clear(&json);
        sl_text_clear(&packed);
        sl_text_clear(&back);
        put_document(&generator, 5, &json);
        const char *error = sl_json_to_msgpack(sl_bytes(json.base, json.size), &limits, &packed, &offset);
        cr_assert_null(error, "%s: %s at %zu", json.base, error, offset);
        error = sl_msgpack_to_json(sl_bytes(packed.base, packed.size), &limits, &back, &offset);
        cr_assert_null(error, "%s: %s at %zu", json.base, error, offset);
        cr_assert_str_eq(back.base, json.base);
        cr_assert_leq(packed.size, json.size + json.size * 2);
    }
    sl_text_dispose(&json);
    sl_text_dispose(&packed);
    sl_text_dispose(&back);
}

/* Any double, printed and read again, is the same one. */
Test(msgpack, every_double_comes_back)
{
    generator_t generator = {.state = 8};
    sl_text_t json = {0}, packed = {0};
    for (size_t i = 0; i != 20000; ++i) {
        char bytes[9] = "\xcb";
        uint64_t bits = next_random(&generator);
        size_t offset;
        for (int k = 0; k != 8; ++k)
            bytes[1 + k] = (char)(bits >> (56 - 8 * k));
        if ((bits >> 52 & 0x7ff) == 0x7ff)
            continue; /* infinities and what is no number */
        sl_text_clear(&json);
        sl_text_clear(&packed);
        cr_assert_null(sl_msgpack_to_json(sl_bytes(bytes, 9), &limits, &json, &offset));
        const char *error = sl_json_to_msgpack(sl_bytes(json.base, json.size), &limits, &packed, &offset);
        cr_assert_null(error, "%s: %s", json.base, error);
        cr_assert(sl_bytes_equal(sl_bytes(packed.base, packed.size), sl_bytes(bytes, 9)), "%s", json.base);
    }
    sl_text_dispose(&json);
    sl_text_dispose(&packed);
}
