/* framing: what an HTTP/1 head may look like before anything else is decided (RFC 9112; libh2o's leniencies, one row
 * each). */
#include "sluice/framing.h"
#include <criterion/criterion.h>

#define FIELDS_MAX 8

/* Small, so that the rows stay readable. */
static const sl_head_limits_t limits = {.target = 33, .bytes = 200, .lines = 4};

typedef struct case_t {
    const char *method, *target;
    int minor_version;
    const char *fields[FIELDS_MAX * 2 + 2]; /* name, value, ... NULL */
    sl_framing_error_t expected;
} case_t;

static const case_t cases[] = {
    {"GET", "/", 1, {"host", "a"}, SL_FRAMING_OK},
    {"GET", "/x?y=z%20", 1, {"host", "a.example:8080", "accept", "*/*"}, SL_FRAMING_OK},
    {"GET", "/", 0, {NULL}, SL_FRAMING_OK},
    {"GET", "http://a/b", 1, {"host", "a"}, SL_FRAMING_OK},
    {"GET", "HTTPS://a:1?x", 1, {"host", "a"}, SL_FRAMING_OK},
    {"OPTIONS", "*", 1, {"host", "a"}, SL_FRAMING_OK},
    {"POST", "/", 1, {"host", "[::1]:80", "content-length", "5"}, SL_FRAMING_OK},
    {"POST", "/", 1, {"host", "a", "transfer-encoding", "Chunked "}, SL_FRAMING_OK},
    {"GET", "/", 1, {"host", ""}, SL_FRAMING_OK},
    {"G@T{", "/", 1, {"host", "a"}, SL_FRAMING_METHOD},
    {"", "/", 1, {"host", "a"}, SL_FRAMING_METHOD},
    {"GET", "foo", 1, {"host", "a"}, SL_FRAMING_TARGET},
    {"GET", "ftp://a/", 1, {"host", "a"}, SL_FRAMING_TARGET},
    {"GET", "http:///b", 1, {"host", "a"}, SL_FRAMING_TARGET_HOST},
    {"GET", "http://user@a/b", 1, {"host", "a"}, SL_FRAMING_TARGET_HOST},
    {"GET", "*", 1, {"host", "a"}, SL_FRAMING_TARGET},
    {"CONNECT", "a:443", 1, {"host", "a"}, SL_FRAMING_TARGET},
    {"GET", "/a\x01", 1, {"host", "a"}, SL_FRAMING_TARGET},
    {"GET", "/a#b", 1, {"host", "a"}, SL_FRAMING_TARGET},
    {"GET", "/", 1, {"host", "a", "", " folded"}, SL_FRAMING_FOLDED},
    {"GET", "/", 1, {"host", "a", "x y", "z"}, SL_FRAMING_FIELD_NAME},
    {"GET", "/", 1, {"host", "a", "x", "a\x01"}, SL_FRAMING_FIELD_VALUE},
    {"GET", "/", 1, {NULL}, SL_FRAMING_NO_HOST},
    {"GET", "/", 1, {"host", "a", "Host", "b"}, SL_FRAMING_NO_HOST},
    {"GET", "/", 0, {"host", "a", "host", "a"}, SL_FRAMING_NO_HOST},
    {"GET", "/", 1, {"host", "user@a"}, SL_FRAMING_BAD_HOST},
    {"GET", "/", 1, {"host", "a/b"}, SL_FRAMING_BAD_HOST},
    {"GET", "/", 1, {"host", "a:80:80"}, SL_FRAMING_BAD_HOST},
    {"GET", "/", 1, {"host", "[::1"}, SL_FRAMING_BAD_HOST},
    {"POST", "/", 1, {"host", "a", "content-length", "5", "content-length", "5"}, SL_FRAMING_TWO_LENGTHS},
    {"POST", "/", 1, {"host", "a", "content-length", "+5"}, SL_FRAMING_BAD_LENGTH},
    {"POST", "/", 1, {"host", "a", "content-length", "3,3"}, SL_FRAMING_BAD_LENGTH},
    {"POST", "/", 1, {"host", "a", "content-length", "99999999999999999999"}, SL_FRAMING_BAD_LENGTH},
    {"POST", "/", 1, {"host", "a", "content-length", ""}, SL_FRAMING_BAD_LENGTH},
    {"POST",
     "/",
     1,
     {"host", "a", "transfer-encoding", "chunked", "transfer-encoding", "chunked"},
     SL_FRAMING_TWO_CODINGS},
    {"POST", "/", 1, {"host", "a", "transfer-encoding", "gzip, chunked"}, SL_FRAMING_UNKNOWN_CODING},
    {"POST", "/", 1, {"host", "a", "transfer-encoding", "identity"}, SL_FRAMING_UNKNOWN_CODING},
    {"POST", "/", 1, {"host", "a", "transfer-encoding", "xchunked"}, SL_FRAMING_UNKNOWN_CODING},
    {"POST", "/", 1, {"host", "a", "transfer-encoding", "chunked, gzip"}, SL_FRAMING_BAD_CODING},
    {"POST", "/", 1, {"host", "a", "transfer-encoding", "chunked, chunked"}, SL_FRAMING_BAD_CODING},
    {"POST", "/", 1, {"host", "a", "transfer-encoding", "chunked,"}, SL_FRAMING_BAD_CODING},
    {"POST", "/", 1, {"host", "a", "transfer-encoding", ""}, SL_FRAMING_BAD_CODING},
    {"POST", "/", 1, {"host", "a", "transfer-encoding", "gzip", "content-length", "3"}, SL_FRAMING_LENGTH_AND_CODING},
    {"POST", "/", 1, {"host", "a", "expect", "100-Continue"}, SL_FRAMING_OK},
    {"GET", "/", 1, {"host", "a", "expect", "200-ok"}, SL_FRAMING_EXPECTATION},
    {"POST", "/", 1, {"host", "a", "expect", "x", "content-length", "+1"}, SL_FRAMING_BAD_LENGTH},
    {"GET", "/123456789/123456789/123456789/12", 1, {"host", "a"}, SL_FRAMING_OK},
    {"GET", "/123456789/123456789/123456789/123", 1, {"host", "a"}, SL_FRAMING_TARGET_LONG},
    {"GET", "/", 1, {"host", "a", "a", "", "b", "", "c", ""}, SL_FRAMING_OK},
    {"GET", "/", 1, {"host", "a", "a", "", "b", "", "c", "", "d", ""}, SL_FRAMING_TOO_MANY},
    {"POST",
     "/",
     1,
     {"host", "a", "content-length", "5", "transfer-encoding", "chunked"},
     SL_FRAMING_LENGTH_AND_CODING},
    {"POST",
     "/",
     1,
     {"host", "a", "transfer-encoding", "chunked", "content-length", "5"},
     SL_FRAMING_LENGTH_AND_CODING},
    {"POST", "/", 0, {"host", "a", "transfer-encoding", "chunked"}, SL_FRAMING_CODING_IN_1_0},
};

static sl_framing_error_t check(const case_t *given)
{
    sl_head_field_t fields[FIELDS_MAX];
    size_t count = 0;

    while (given->fields[count * 2] != NULL) {
        fields[count] =
            (sl_head_field_t){sl_bytes_of(given->fields[count * 2]), sl_bytes_of(given->fields[count * 2 + 1])};
        ++count;
    }
    sl_head_t head = {sl_bytes_of(given->method), sl_bytes_of(given->target), given->minor_version, fields, count};
    return sl_framing_check(&head, &limits);
}

Test(framing, every_ambiguous_head_is_refused_and_every_legal_one_passes)
{
    for (size_t i = 0; i != sizeof(cases) / sizeof(cases[0]); ++i)
        cr_expect_eq(check(&cases[i]), cases[i].expected, "row %zu: %s %s gave '%s'", i, cases[i].method,
                     cases[i].target, sl_framing_error_text(check(&cases[i])));
}

Test(framing, a_zero_byte_in_a_value_is_a_control_character)
{
    sl_head_field_t fields[] = {{SL_LIT("host"), SL_LIT("a")}, {SL_LIT("x"), SL_LIT("a\0b")}};
    sl_head_t head = {SL_LIT("GET"), SL_LIT("/"), 1, fields, 2};

    cr_expect_eq(sl_framing_check(&head, &limits), SL_FRAMING_FIELD_VALUE);
}

/* Eight bytes are looked at together: each place among them, and beyond them, must count. */
Test(framing, a_control_character_is_found_wherever_it_stands)
{
    for (int c = 0; c != 256; ++c)
        for (size_t place = 0; place != 19; ++place) {
            char value[20] = "\xff\tcdefghijklmnopq\t\x80";
            value[place] = (char)c;
            bool is_fine = c == '\t' || (c >= 0x20 && c != 0x7f);
            cr_assert_eq(sl_is_field_value(sl_bytes(value, 19)), is_fine, "byte %d at %zu", c, place);
        }
}

Test(framing, the_characters_of_a_token_are_those_of_the_standard)
{
    for (int c = 0; c != 256; ++c) {
        bool is_one = c != 0 && strchr("!#$%&'*+-.^_`|~0123456789"
                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
                                       c) != NULL;
        cr_assert_eq(sl_is_token_character((unsigned char)c), is_one, "byte %d", c);
    }
}

Test(framing, an_absolute_target_splits_into_authority_and_rest)
{
    h2o_iovec_t authority, rest;

    cr_assert(sl_target_split(SL_LIT("http://a.example:80/b?c"), &authority, &rest));
    cr_expect(sl_bytes_equal(authority, SL_LIT("a.example:80")) && sl_bytes_equal(rest, SL_LIT("/b?c")));
    cr_assert(sl_target_split(SL_LIT("https://a?c"), &authority, &rest));
    cr_expect(sl_bytes_equal(authority, SL_LIT("a")) && sl_bytes_equal(rest, SL_LIT("?c")));
    cr_expect_not(sl_target_split(SL_LIT("/http://a"), &authority, &rest));
}

/* --- heads that no parser takes, and parts of heads --- */

Test(framing, a_head_that_cannot_be_parsed_is_explained)
{
    static const struct {
        const char *head;
        sl_framing_error_t expected;
    } rows[] = {
        {"GET / HTTP/2.0\r\nhost: a\r\n\r\n", SL_FRAMING_VERSION},
        {"\r\nGET / HTTP/0.9\r\n\r\n", SL_FRAMING_VERSION},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", SL_FRAMING_VERSION},
        {"GET / HTTP/2\r\n\r\n", SL_FRAMING_VERSION},
        {"GET /\r\n", SL_FRAMING_VERSION},
        {"GET / http/1.1\r\n\r\n", SL_FRAMING_SYNTAX},
        {"GET / HTTP/1.x\r\n\r\n", SL_FRAMING_SYNTAX},
        {"GET / HTTP/\r\n\r\n", SL_FRAMING_SYNTAX},
        {"GET / HTTP/1.1\r\nx y: z\r\n\r\n", SL_FRAMING_SYNTAX},
        {"\r\n\r\n", SL_FRAMING_SYNTAX},
        {"\x16\x03\x01", SL_FRAMING_SYNTAX},
        {"", SL_FRAMING_SYNTAX},
        {"GET / HTTP/1.1\r\na:\r\nb:\r\nc:\r\nd:\r\n\r\nGET / HTTP/1.1\r\n", SL_FRAMING_SYNTAX},
        {"GET / HTTP/1.1\r\na:\r\nb:\r\nc:\r\nd:\r\ne:\r\n\r\n", SL_FRAMING_TOO_MANY},
    };

    for (size_t i = 0; i != sizeof(rows) / sizeof(rows[0]); ++i)
        cr_expect_eq(sl_framing_explain(sl_bytes_of(rows[i].head), &limits), rows[i].expected, "row %zu: '%s'", i,
                     sl_framing_error_text(sl_framing_explain(sl_bytes_of(rows[i].head), &limits)));
}

Test(framing, an_incomplete_head_is_refused_as_soon_as_it_is_too_large)
{
    cr_expect_eq(sl_framing_check_part(97, 0, &limits), SL_FRAMING_OK);
    cr_expect_eq(sl_framing_check_part(98, 0, &limits), SL_FRAMING_TARGET_LONG);
    cr_expect_eq(sl_framing_check_part(98, 1, &limits), SL_FRAMING_OK);
    cr_expect_eq(sl_framing_check_part(201, 1, &limits), SL_FRAMING_TOO_LONG);
    cr_expect_eq(sl_framing_check_part(100, 6, &limits), SL_FRAMING_OK);
    cr_expect_eq(sl_framing_check_part(100, 7, &limits), SL_FRAMING_TOO_MANY);
}

Test(framing, each_error_has_a_status_and_words)
{
    for (sl_framing_error_t error = SL_FRAMING_OK + 1; error != SL_FRAMING_ERROR_COUNT; ++error) {
        const char *advice = sl_framing_error_advice(error);
        cr_expect(sl_framing_error_status(error) >= 400 && sl_framing_error_text(error)[0] != '\0');
        cr_expect(advice[strlen(advice) - 1] == '.' && advice[0] >= 'A' && advice[0] <= 'Z', "%s", advice);
    }
}

/* --- persistence --- */

Test(framing, connection_tokens_decide_whether_the_connection_persists)
{
    static const struct {
        const char *first, *second;
        bool in_1_0, in_1_1;
    } rows[] = {
        {"close", NULL, false, false},
        {"keep-alive", NULL, true, true},
        {"close, keep-alive", NULL, false, false},
        {"keep-alive, close", NULL, false, false},
        {"keep-alive", "close", false, false},
        {"close", "keep-alive", false, false},
        {"foo", NULL, false, true},
        {"foo , Keep-Alive", NULL, true, true},
        {"closed", NULL, false, true},
        {"", NULL, false, true},
        {"upgrade", "CLOSE", false, false},
    };

    for (size_t i = 0; i != sizeof(rows) / sizeof(rows[0]); ++i) {
        sl_persistence_t persistence = {false, false};
        sl_persistence_note(&persistence, sl_bytes_of(rows[i].first));
        if (rows[i].second != NULL)
            sl_persistence_note(&persistence, sl_bytes_of(rows[i].second));
        cr_expect_eq(sl_persistence_decide(&persistence, true), rows[i].in_1_0, "row %zu in 1.0", i);
        cr_expect_eq(sl_persistence_decide(&persistence, false), rows[i].in_1_1, "row %zu in 1.1", i);
    }
}
