/* Query parameters: found by any spelling of their name, and removed by every one. */
#include "sluice/path.h"
#include <criterion/criterion.h>

static void expect_value(const char *query, const char *name, const char *wanted)
{
    h2o_iovec_t value = sl_query_find(sl_bytes_of(query), sl_bytes_of(name));
    if (wanted == NULL)
        cr_expect_null(value.base, "'%s' has '%s': '%.*s'", query, name, (int)value.len, value.base);
    else
        cr_expect(value.base != NULL && sl_bytes_equal(value, sl_bytes_of(wanted)), "'%s' in '%s' is '%.*s'", name,
                  query, (int)value.len, value.base);
}

static void expect_without(const char *query, const char *name, const char *wanted)
{
    char out[256];
    size_t len = sl_query_remove(sl_bytes_of(query), sl_bytes_of(name), out);
    cr_expect(sl_bytes_equal(sl_bytes(out, len), sl_bytes_of(wanted)), "'%s' without '%s' is '%.*s'", query, name,
              (int)len, out);
    cr_expect_leq(len, strlen(query));
}

Test(query, the_first_parameter_of_a_name_is_found_still_encoded)
{
    expect_value("key=1", "key", "1");
    expect_value("a=1&key=2&key=3", "key", "2");
    expect_value("key=a%20b+c", "key", "a%20b+c");
    expect_value("key=a=b", "key", "a=b");
    expect_value("key=", "key", "");
    expect_value("key", "key", "");
    expect_value("&&key=1", "key", "1");
}

Test(query, a_part_of_a_name_is_another_name)
{
    expect_value("", "key", NULL);
    expect_value("keys=1&ke=2&xkey=3", "key", NULL);
    expect_value("a=key", "key", NULL);
    expect_value("Key=1", "key", NULL);
    expect_value("a=1;key=2", "key", NULL);
}

Test(query, an_absent_query_has_no_parameters)
{
    h2o_iovec_t absent = {NULL, 0};
    char out[1];

    cr_expect_null(sl_query_find(absent, SL_LIT("key")).base);
    cr_expect_eq(sl_query_remove(absent, SL_LIT("key"), out), 0);
}

Test(query, every_spelling_of_the_name_is_the_name)
{
    expect_value("api%5Fkey=1", "api_key", "1");
    expect_value("%61pi_ke%79=1", "api_key", "1");
    expect_value("my+key=1", "my key", "1");
    expect_value("key%3D=1", "key", NULL);
    expect_value("key%=1&key=2", "key", "2");
    expect_value("key%3=1", "key", NULL);
}

Test(query, removing_takes_every_parameter_of_the_name_and_nothing_else)
{
    expect_without("key=1", "key", "");
    expect_without("a=1&key=2&b=3", "key", "a=1&b=3");
    expect_without("key=2&b=3", "key", "b=3");
    expect_without("a=1&key=2", "key", "a=1");
    expect_without("key=1&a=%2F&k%65y=2&b&key", "key", "a=%2F&b");
    expect_without("a=1&&b=", "key", "a=1&&b=");
    expect_without("a=key&keys=1", "key", "a=key&keys=1");
}

static void expect_decoded(const char *text, const char *wanted)
{
    char out[256];
    size_t len = 99;
    bool is_good = sl_query_decode(sl_bytes_of(text), out, &len);
    cr_expect_eq(is_good, wanted != NULL, "'%s'", text);
    if (is_good && wanted != NULL)
        cr_expect(sl_bytes_equal(sl_bytes(out, len), sl_bytes_of(wanted)), "'%s' became '%.*s'", text, (int)len, out);
}

Test(query, values_are_decoded)
{
    expect_decoded("", "");
    expect_decoded("abc", "abc");
    expect_decoded("a+b%20c%2Bd", "a b c+d");
    expect_decoded("%c3%A9%2525", "\xc3\xa9%25");
}

Test(query, bad_escapes_and_control_characters_are_refused)
{
    static const char *const refused[] = {"%", "a%4", "%zz", "%%41", "%00", "%0d%0a", "a\nb", "%7f", "\x7f"};
    for (size_t i = 0; i != sizeof refused / sizeof refused[0]; ++i)
        expect_decoded(refused[i], NULL);
}

Test(query, text_is_taken_as_it_is)
{
    static const char *const texts[][2] = {{"", ""},       {"a+b%20c", "a b c"}, {"%", "%"},    {"100%25%", "100%%"},
                                           {"a%4", "a%4"}, {"%zz%0a", "%zz\n"},  {"%%41", "%A"}};
    for (size_t i = 0; i != sizeof texts / sizeof texts[0]; ++i) {
        char out[16];
        size_t len = sl_query_text(sl_bytes_of(texts[i][0]), out);
        cr_expect(sl_bytes_equal(sl_bytes(out, len), sl_bytes_of(texts[i][1])), "'%s' became '%.*s'", texts[i][0],
                  (int)len, out);
    }
}

static void expect_renamed(const char *query, const char *from, const char *to, const char *wanted)
{
    sl_text_t out = {0};
    sl_query_rename(sl_bytes_of(query), sl_bytes_of(from), sl_bytes_of(to), &out);
    cr_expect(sl_bytes_equal(sl_bytes(out.base, out.size), sl_bytes_of(wanted)), "'%s' became '%s'", query, out.base);
    sl_text_dispose(&out);
}

Test(query, every_parameter_of_a_name_gets_another_and_keeps_its_place_and_value)
{
    expect_renamed("a=1&q=x%20y&b&q=&q", "q", "s", "a=1&s=x%20y&b&s=&s");
    expect_renamed("%71=1&qq=2", "q", "a b&c=d", "a%20b%26c%3Dd=1&qq=2");
    expect_renamed("a=q", "q", "s", "a=q");
    expect_renamed("&&q", "q", "q", "&&q");
}

Test(query, what_is_not_unreserved_is_encoded)
{
    const char plain[] = "aZ09-._~ +&=%/?#\xc3\xa9\r\n";
    sl_text_t out = {0};
    sl_query_encode(sl_bytes(plain, sizeof(plain)), &out); /* its final zero, too */
    cr_expect_str_eq(out.base, "aZ09-._~%20%2B%26%3D%25%2F%3F%23%C3%A9%0D%0A%00");
    sl_text_dispose(&out);
}
