/*
 * What is JSON and what is not, after the categories of the JSON parsing test suites: texts that must be taken, texts
 * that must be refused, and texts where implementations differ, with the outcome that is ours. Then values found by
 * name, number and path.
 */
#include "sluice/json.h"
#include <criterion/criterion.h>
#include <stdlib.h>

static const char *index_of(sl_json_t *json, h2o_iovec_t text, size_t *offset)
{
    return sl_json_index(json, text, NULL, offset);
}

/* --- taken --- */

static const char *const taken[] = {
    "null", "true", "false", "0", "-0", "10", "-1", "0.10", "1e5", "1E+5", "1e-5", "-0.0e0", "\"\"", "\"a\"", "[]",
    "{}", " [ ] ", "\n\t{\r }\n", "[1,2]", "[[[]]]", "[null,true,false]", "{\"\":0}", "{\"a\":{\"b\":[1]}}",
    "{\"a\":1,\"b\":2}",
    /* strings */
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\u0061\\u00E9\\uFFFF\\u0000\"", "\"\\uD834\\uDD1E\"", "\"\xc3\xa9\"",
    "\"\xe2\x82\xac\"", "\"\xf0\x9d\x84\x9e\"", "\"\xf4\x8f\xbf\xbf\"", "\"\xed\x9f\xbf\"", "\"\x7f\"", "\"a b/c\"",
    "\"\xef\xbf\xbe\"", "\"12345678\"", "\"1234567\\n\"", "\"12345678\xc3\xa9 12345678\"",
    /* blanks in long runs */
    "[\n                    1,\n                    2\n]", "                 1                 "};

/* Implementations differ; we take them, and keep their bytes. */
static const char *const taken_by_us[] = {"123456789012345678901234567890",
                                          "-123456789012345678901234567890",
                                          "1e400",
                                          "-1e400",
                                          "1e-400",
                                          "0.1e99999999999",
                                          "1.00000000000000000000000000000000000001",
                                          "{\"a\":1,\"a\":2}",
                                          "{\"a\":1,\"a\":1}",
                                          "{\"a\":1,\"\\u0061\":2}",
                                          "\"\\uFDD0\"",
                                          "\"\xef\xbb\xbf\"",
                                          "[\"\\u0000\"]"};

static void expect_taken(const char *text)
{
    sl_json_t json = {0};
    size_t offset;
    const char *error = index_of(&json, sl_bytes_of(text), &offset);
    cr_expect_null(error, "%s: %s at %zu", text, error, offset);
    cr_expect_geq(json.count, 1);
    sl_json_dispose(&json);
}

Test(json, what_is_json_is_taken)
{
    for (size_t i = 0; i != sizeof(taken) / sizeof(taken[0]); ++i)
        expect_taken(taken[i]);
}

Test(json, numbers_without_bounds_and_repeated_names_are_taken)
{
    for (size_t i = 0; i != sizeof(taken_by_us) / sizeof(taken_by_us[0]); ++i)
        expect_taken(taken_by_us[i]);
}

/* --- refused --- */

static const struct {
    const char *text;
    size_t len; /* 0: up to the final zero */
    size_t offset;
    const char *error;
} refused[] = {
    {"", 0, 0, "nothing there"},
    {" ", 0, 1, "a value is missing"},
    {"\xef\xbb\xbf{}", 0, 0, "a byte order mark"},
    {"\xff\xfe{\0}\0", 6, 0, "no value begins like this"},
    /* words */
    {"nul", 0, 0, "no value begins like this"},
    {"True", 0, 0, "no value begins like this"},
    {"NaN", 0, 0, "no value begins like this"},
    {"Infinity", 0, 0, "no value begins like this"},
    {"-Infinity", 0, 1, "a digit is missing in a number"},
    {"[nullx]", 0, 5, "a comma or a closing bracket is missing"},
    {"undefined", 0, 0, "no value begins like this"},
    {"'a'", 0, 0, "no value begins like this"},
    {"/* */1", 0, 0, "no value begins like this"},
    {"\xc2\xa0[]", 0, 0, "no value begins like this"},
    {"\f1", 0, 0, "no value begins like this"},
    {"a", 0, 0, "no value begins like this"},
    /* numbers */
    {"01", 0, 1, "bytes behind the document"},
    {"-01", 0, 2, "bytes behind the document"},
    {"[01]", 0, 2, "a comma or a closing bracket is missing"},
    {"-", 0, 1, "a digit is missing in a number"},
    {"+1", 0, 0, "no value begins like this"},
    {".5", 0, 0, "no value begins like this"},
    {"1.", 0, 2, "a digit is missing in a number"},
    {"1.e5", 0, 2, "a digit is missing in a number"},
    {"1e", 0, 2, "a digit is missing in a number"},
    {"1e+", 0, 3, "a digit is missing in a number"},
    {"0x10", 0, 1, "bytes behind the document"},
    {"1_000", 0, 1, "bytes behind the document"},
    {"1 2", 0, 2, "bytes behind the document"},
    {"--1", 0, 1, "a digit is missing in a number"},
    /* strings */
    {"\"", 0, 1, "the string does not end"},
    {"\"a", 0, 2, "the string does not end"},
    {"\"a\\", 0, 3, "the string does not end"},
    {"\"\\x\"", 0, 1, "no such escape"},
    {"\"\\\0\"", 4, 1, "no such escape"},
    {"\"\\u12\"", 0, 3, "four hexadecimal digits belong behind \\u"},
    {"\"\\u00g0\"", 0, 3, "four hexadecimal digits belong behind \\u"},
    {"\"\\uD800\"", 0, 1, "half of a surrogate pair"},
    {"\"\\uDC00\"", 0, 1, "half of a surrogate pair"},
    {"\"\\uD800\\n\"", 0, 1, "half of a surrogate pair"},
    {"\"\\uD800\\uD800\"", 0, 1, "half of a surrogate pair"},
    {"\"\\uD800\\uZZZZ\"", 0, 1, "half of a surrogate pair"},
    {"\"\\uDC00\\uD800\"", 0, 1, "half of a surrogate pair"},
    {"\"a\nb\"", 0, 2, "a control character in a string"},
    {"\"\t\"", 0, 1, "a control character in a string"},
    {"\"\0\"", 3, 1, "a control character in a string"},
    {"\"12345678\x1f\"", 0, 9, "a control character in a string"},
    {"\"\xff\"", 0, 1, "not UTF-8"},
    {"\"\xc3\"", 0, 1, "not UTF-8"},
    {"\"\xc0\x80\"", 0, 1, "not UTF-8"},
    {"\"\xe0\x80\x80\"", 0, 1, "not UTF-8"},
    {"\"\xed\xa0\x80\"", 0, 1, "not UTF-8"},
    {"\"\xf4\x90\x80\x80\"", 0, 1, "not UTF-8"},
    {"\"\xf0\x9d\x84", 0, 1, "not UTF-8"},
    {"\"\x80\"", 0, 1, "not UTF-8"},
    {"{\"\xff\":1}", 0, 2, "not UTF-8"},
    /* arrays */
    {"[", 0, 1, "a value is missing"},
    {"[1", 0, 2, "the array does not end"},
    {"[1,", 0, 3, "a value is missing"},
    {"[1,]", 0, 3, "no value begins like this"},
    {"[,1]", 0, 1, "no value begins like this"},
    {"[1 2]", 0, 3, "a comma or a closing bracket is missing"},
    {"[1}", 0, 2, "a comma or a closing bracket is missing"},
    {"]", 0, 0, "no value begins like this"},
    {"[]]", 0, 2, "bytes behind the document"},
    {"[1]x", 0, 3, "bytes behind the document"},
    {"[1]\0", 4, 3, "bytes behind the document"},
    /* objects */
    {"{", 0, 1, "a member begins with its name in quotes"},
    {"{\"a\"", 0, 4, "a colon is missing behind a name"},
    {"{\"a\":", 0, 5, "a value is missing"},
    {"{\"a\":1", 0, 6, "the object does not end"},
    {"{\"a\":1,}", 0, 7, "a member begins with its name in quotes"},
    {"{\"a\" 1}", 0, 5, "a colon is missing behind a name"},
    {"{a:1}", 0, 1, "a member begins with its name in quotes"},
    {"{1:1}", 0, 1, "a member begins with its name in quotes"},
    {"{\"a\":1]", 0, 6, "a comma or a closing bracket is missing"},
    {"{\"a\":1 \"b\":2}", 0, 7, "a comma or a closing bracket is missing"},
    {"{}{}", 0, 2, "bytes behind the document"},
    {"{\"a\":1}//", 0, 7, "bytes behind the document"},
};

Test(json, what_is_no_json_is_refused_with_its_place)
{
    for (size_t i = 0; i != sizeof(refused) / sizeof(refused[0]); ++i) {
        size_t len = refused[i].len != 0 ? refused[i].len : strlen(refused[i].text), offset;
        /* at the very end of its memory: whoever reads on is caught by the sanitizer */
        char *text = malloc(len + 1);
        memcpy(text, refused[i].text, len);
        char *exact = realloc(text, len == 0 ? 1 : len);
        sl_json_t json = {0};
        const char *error = index_of(&json, sl_bytes(exact, len), &offset);
        cr_expect(error != NULL && strcmp(error, refused[i].error) == 0 && offset == refused[i].offset,
                  "%s: '%s' at %zu, not '%s' at %zu", refused[i].text, error == NULL ? "taken" : error, offset,
                  refused[i].error, refused[i].offset);
        cr_expect_eq(json.count, 0);
        sl_json_dispose(&json);
        free(exact);
    }
}

/* --- limits --- */

static const char *index_repeated(char c, size_t count, const sl_json_limits_t *limits, sl_json_t *json, size_t *offset)
{
    char *text = malloc(count);
    memset(text, c, count);
    const char *error = sl_json_index(json, sl_bytes(text, count), limits, offset);
    free(text);
    return error;
}

Test(json, ten_megabytes_of_brackets_end_at_the_limit)
{
    sl_json_t json = {0};
    size_t offset;
    cr_expect_str_eq(index_repeated('[', 10 << 20, NULL, &json, &offset), "nested too deeply");
    cr_expect_eq(offset, 64);
    sl_json_dispose(&json);
}

/* Depth costs no stack: the limit is there for those who walk the document later. */
Test(json, a_limit_of_millions_breaks_nothing)
{
    sl_json_t json = {0};
    size_t offset;
    sl_json_limits_t limits = {.depth = SIZE_MAX, .values = 20000000};
    cr_expect_str_eq(index_repeated('[', 10 << 20, &limits, &json, &offset), "a value is missing");
    cr_expect_eq(offset, 10 << 20);
    sl_json_dispose(&json);
}

Test(json, exactly_the_allowed_depth_is_taken)
{
    sl_json_t json = {0};
    size_t offset;
    sl_json_limits_t limits = {.depth = 3, .values = 100};
    cr_expect_null(sl_json_index(&json, SL_LIT("[{\"a\":[1]}]"), &limits, &offset));
    cr_expect_null(sl_json_index(&json, SL_LIT("[[[]],[[]]]"), &limits, &offset));
    cr_expect_str_eq(sl_json_index(&json, SL_LIT("[{\"a\":[{}]}]"), &limits, &offset), "nested too deeply");
    cr_expect_eq(offset, 7);
    sl_json_dispose(&json);
}

Test(json, exactly_the_allowed_values_are_taken)
{
    sl_json_t json = {0};
    size_t offset;
    sl_json_limits_t limits = {.depth = 3, .values = 4};
    cr_expect_null(sl_json_index(&json, SL_LIT("[1,2,3]"), &limits, &offset));
    cr_expect_str_eq(sl_json_index(&json, SL_LIT("[1,2,3,4]"), &limits, &offset), "too many values");
    cr_expect_eq(offset, 7);
    cr_expect_leq(json.capacity, 4);
    sl_json_dispose(&json);
}

/* --- what the index says --- */

static sl_json_t index_well(const char *text)
{
    sl_json_t json = {0};
    size_t offset;
    const char *error = index_of(&json, sl_bytes_of(text), &offset);
    cr_assert_null(error, "%s: %s", text, error);
    return json;
}

static void expect_bytes(const sl_json_t *json, int64_t value, const char *wanted)
{
    if (wanted == NULL) {
        cr_expect_eq(value, -1, "%.*s is there", (int)json->text.len, json->text.base);
        return;
    }
    cr_assert_geq(value, 0, "%s is not there", wanted);
    h2o_iovec_t bytes = sl_json_bytes(json, (uint32_t)value);
    cr_expect(sl_bytes_equal(bytes, sl_bytes_of(wanted)), "%.*s, not %s", (int)bytes.len, bytes.base, wanted);
}

Test(json, values_keep_their_bytes)
{
    sl_json_t json = index_well(" {\"a\" : 0.10, \"b\":[ 1e400 ,\"\\u0041\" ],\"c\":{ \"d\":null } } ");
    expect_bytes(&json, 0, "{\"a\" : 0.10, \"b\":[ 1e400 ,\"\\u0041\" ],\"c\":{ \"d\":null } }");
    expect_bytes(&json, 1, "0.10");
    expect_bytes(&json, 2, "[ 1e400 ,\"\\u0041\" ]");
    expect_bytes(&json, 3, "1e400");
    expect_bytes(&json, 5, "{ \"d\":null }");
    cr_expect_eq(json.count, 7);
    cr_expect_eq(json.values[0].count, 3);
    cr_expect_eq(json.values[1].next, 2);
    cr_expect_eq(json.values[2].next, 5);
    cr_expect_eq(json.values[5].next, 0);
    cr_expect_eq(json.values[4].type, SL_JSON_STRING);
    sl_json_dispose(&json);
}

Test(json, an_index_can_be_used_again)
{
    sl_json_t json = index_well("[1,2,3]");
    size_t offset;
    cr_assert_null(index_of(&json, SL_LIT("{\"a\":[]}"), &offset));
    cr_expect_eq(json.count, 2);
    expect_bytes(&json, sl_json_member(&json, 0, SL_LIT("a")), "[]");
    sl_json_dispose(&json);
}

static void expect_text(const char *json_text, const char *wanted, size_t len)
{
    sl_json_t json = index_well(json_text);
    sl_text_t out = {0};
    sl_json_unescape(&json, 0, false, &out);
    cr_expect(sl_bytes_equal(sl_bytes(out.base, out.size), sl_bytes(wanted, len)), "%s is %.*s", json_text,
              (int)out.size, out.base);
    sl_text_dispose(&out);
    sl_json_dispose(&json);
}

Test(json, escapes_are_undone)
{
    expect_text("\"plain\"", "plain", 5);
    expect_text("\"\"", "", 0);
    expect_text("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8);
    expect_text("\"\\u0041\\u00e9\\u20AC\"", "A\xc3\xa9\xe2\x82\xac", 6);
    expect_text("\"x\\uD834\\uDD1Ey\"", "x\xf0\x9d\x84\x9ey", 6);
    expect_text("\"a\\u0000b\"", "a\0b", 3);
}

static void expect_member(const char *text, const char *name, const char *wanted)
{
    sl_json_t json = index_well(text);
    expect_bytes(&json, sl_json_member(&json, 0, sl_bytes_of(name)), wanted);
    sl_json_dispose(&json);
}

Test(json, members_are_found_by_their_decoded_name)
{
    expect_member("{\"a\":1,\"b\":2}", "b", "2");
    expect_member("{\"a\":1,\"b\":2,\"a\":3}", "a", "3");
    expect_member("{\"\\u0061\":1}", "a", "1");
    expect_member("{\"a\":1,\"\\u0061\":2}", "a", "2");
    expect_member("{\"\":1}", "", "1");
    expect_member("{\"a\\nb\":1}", "a\nb", "1");
    expect_member("{\"\\ud834\\udd1e\":1}", "\xf0\x9d\x84\x9e", "1");
    expect_member("{\"a\\nb\":1}", "a\\nb", NULL);
    expect_member("{\"ab\":1}", "a", NULL);
    expect_member("{\"a\":1}", "ab", NULL);
    expect_member("{\"\\u0061b\":1}", "a", NULL);
    expect_member("{}", "a", NULL);
    expect_member("[{\"a\":1}]", "a", NULL);
    expect_member("\"a\"", "a", NULL);
}

static void expect_element(const char *text, int64_t index, const char *wanted)
{
    sl_json_t json = index_well(text);
    expect_bytes(&json, sl_json_element(&json, 0, index), wanted);
    sl_json_dispose(&json);
}

Test(json, elements_are_found_from_both_ends)
{
    expect_element("[10,[11],12]", 0, "10");
    expect_element("[10,[11],12]", 1, "[11]");
    expect_element("[10,[11],12]", -1, "12");
    expect_element("[10,[11],12]", -3, "10");
    expect_element("[10,[11],12]", 3, NULL);
    expect_element("[10,[11],12]", -4, NULL);
    expect_element("[]", 0, NULL);
    expect_element("{\"a\":1}", 0, NULL);
}

/* --- paths --- */

static void expect_path(const char *text, const char *path_text, const char *wanted)
{
    h2o_mem_pool_t pool;
    const char *error;
    size_t offset;
    h2o_mem_init_pool(&pool);
    sl_json_path_t *path = sl_json_path_compile(&pool, sl_bytes_of(path_text), false, &error, &offset);
    cr_assert_not_null(path, "%s: %s at %zu", path_text, error, offset);
    sl_json_t json = index_well(text);
    expect_bytes(&json, sl_json_path_find(&json, path), wanted);
    sl_json_dispose(&json);
    h2o_mem_clear_pool(&pool);
}

Test(json, paths_lead_to_values)
{
    expect_path("{\"results\":[{\"id\":12345678901234567890}]}", "results[0].id", "12345678901234567890");
    expect_path("[[1,2],[3,4]]", "[1][0]", "3");
    expect_path("[[1,2],[3,4]]", "[-1][-1]", "4");
    expect_path("{\"a\":1}", "", "{\"a\":1}");
    expect_path("{\"odd.name\":{\"x\":1}}", "['odd.name'].x", "1");
    expect_path("{\"it's \\\\\":1}", "['it\\'s \\\\']", "1");
    expect_path("{\"\":1}", "['']", "1");
    expect_path("{\"$ref\":1,\"@id\":2}", "@id", "2");
    expect_path("{\"caf\xc3\xa9\":1}", "caf\xc3\xa9", "1");
    expect_path("{\"a\":{\"b\":1}}", "a.c", NULL);
    expect_path("{\"a\":[1]}", "a[1]", NULL);
    expect_path("{\"a\":[1]}", "a.b", NULL);
    expect_path("{\"a\":{\"b\":1},\"a\":{}}", "a.b", NULL);
}

static void expect_no_path(const char *text, size_t wanted_offset, const char *wanted)
{
    h2o_mem_pool_t pool;
    const char *error;
    size_t offset;
    h2o_mem_init_pool(&pool);
    cr_assert_null(sl_json_path_compile(&pool, sl_bytes_of(text), false, &error, &offset), "%s", text);
    cr_expect_str_eq(error, wanted, "%s: %s", text, error);
    cr_expect_eq(offset, wanted_offset, "%s: %zu", text, offset);
    h2o_mem_clear_pool(&pool);
}

Test(json, wrong_paths_are_told_with_their_place)
{
    expect_no_path("a..b", 2, "a name is missing in a path");
    expect_no_path("a.", 2, "a name is missing in a path");
    expect_no_path(".a", 0, "not part of a path");
    expect_no_path("a b", 1, "not part of a path");
    expect_no_path("a[", 2, "brackets hold a number, a quoted name or *");
    expect_no_path("a[x]", 2, "brackets hold a number, a quoted name or *");
    expect_no_path("a[12345678901]", 2, "brackets hold a number, a quoted name or *");
    expect_no_path("a[1", 3, "a closing bracket is missing in a path");
    expect_no_path("a['x", 4, "a quoted name does not end");
    expect_no_path("a['x'", 5, "a closing bracket is missing in a path");
    expect_no_path("a[*]", 2, "[*] stands for many values; one is wanted here");
    expect_no_path("a.*", 2, "a name is missing in a path");
    expect_no_path("[0]b", 3, "not part of a path");
}

Test(json, a_path_of_one_name_tells_it)
{
    h2o_mem_pool_t pool;
    const char *error;
    size_t offset;
    h2o_mem_init_pool(&pool);
    sl_json_path_t *one = sl_json_path_compile(&pool, SL_LIT("X-Tenant"), false, &error, &offset);
    sl_json_path_t *two = sl_json_path_compile(&pool, SL_LIT("a[*].b[*]"), true, &error, &offset);
    cr_expect(sl_bytes_equal(sl_json_path_name(one), SL_LIT("X-Tenant")));
    cr_expect_eq(sl_json_path_name(two).len, 0);
    cr_expect_eq(sl_json_path_name(NULL).len, 0);
    cr_expect_eq(sl_json_path_every_count(one), 0);
    cr_expect_eq(sl_json_path_every_count(two), 2);
    h2o_mem_clear_pool(&pool);
}
