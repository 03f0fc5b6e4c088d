/* framing_http2: what a head of HTTP/2 may look like (RFC 9113 §8.2, §8.3; what libh2o lets through, one row each). */
#include "sluice/framing.h"
#include <criterion/criterion.h>

#define FIELDS_MAX 8

static const sl_head_limits_t limits = {.target = 33, .bytes = 400, .lines = 4};

typedef struct case_t {
    const char *method, *path, *authority;
    const char *fields[FIELDS_MAX * 2 + 2]; /* name, value, ... NULL */
    sl_framing_error_t expected;
} case_t;

static const case_t cases[] = {
    {"GET", "/", "a", {NULL}, SL_FRAMING_OK},
    {"GET", "/x?y=%20", "a.example:8080", {"accept", "*/*", "x", ""}, SL_FRAMING_OK},
    {"OPTIONS", "*", "a", {NULL}, SL_FRAMING_OK},
    {"GET", "/", "a", {"te", "trailers"}, SL_FRAMING_OK},
    {"GET", "/", "A.example", {"host", "a.EXAMPLE"}, SL_FRAMING_OK},
    {"POST", "/", "a", {"expect", "100-continue"}, SL_FRAMING_OK},
    {"GET",
     "/",
     "a",
     {"cookie", "a=1", "cookie", "b=2", "cookie", "c=3", "cookie", "d=4", "cookie", "e=5"},
     SL_FRAMING_OK},
    {"GET /secret HTTP/1.1\r\nx:", "/", "a", {NULL}, SL_FRAMING_METHOD},
    {"GET /secret", "/", "a", {NULL}, SL_FRAMING_METHOD},
    {"", "/", "a", {NULL}, SL_FRAMING_METHOD},
    {"CONNECT", "/", "a", {NULL}, SL_FRAMING_METHOD},
    {"GET", "", "a", {NULL}, SL_FRAMING_TARGET},
    {"GET", "x", "a", {NULL}, SL_FRAMING_TARGET},
    {"GET", "*", "a", {NULL}, SL_FRAMING_TARGET},
    {"GET", "http://a/", "a", {NULL}, SL_FRAMING_TARGET},
    {"GET", "/ HTTP/1.1", "a", {NULL}, SL_FRAMING_TARGET},
    {"GET", "/a\tb", "a", {NULL}, SL_FRAMING_TARGET},
    {"GET", "/a#b", "a", {NULL}, SL_FRAMING_TARGET},
    {"GET", "/123456789/123456789/123456789/123", "a", {NULL}, SL_FRAMING_TARGET_LONG},
    {"GET", "/", "", {NULL}, SL_FRAMING_NO_AUTHORITY},
    {"GET", "/", "user@a", {NULL}, SL_FRAMING_BAD_HOST},
    {"GET", "/", "a b", {NULL}, SL_FRAMING_BAD_HOST},
    {"GET", "/", "a/b", {NULL}, SL_FRAMING_BAD_HOST},
    {"GET", "/", "a", {"host", "b"}, SL_FRAMING_AUTHORITY_DIFFERS},
    {"GET", "/", "a", {"host", "a", "host", "b"}, SL_FRAMING_AUTHORITY_DIFFERS},
    {"GET", "/", "a", {"", "x"}, SL_FRAMING_FIELD_NAME},
    {"GET", "/", "a", {"x y", "z"}, SL_FRAMING_FIELD_NAME},
    {"GET", "/", "a", {"x", " y"}, SL_FRAMING_FIELD_VALUE},
    {"GET", "/", "a", {"x", "y\t"}, SL_FRAMING_FIELD_VALUE},
    {"GET", "/", "a", {"x", "y\r\nz: 1"}, SL_FRAMING_FIELD_VALUE},
    {"GET", "/", "a", {"connection", "close"}, SL_FRAMING_CONNECTION_FIELD},
    {"GET", "/", "a", {"keep-alive", "1"}, SL_FRAMING_CONNECTION_FIELD},
    {"GET", "/", "a", {"proxy-connection", "x"}, SL_FRAMING_CONNECTION_FIELD},
    {"GET", "/", "a", {"transfer-encoding", "chunked"}, SL_FRAMING_CONNECTION_FIELD},
    {"GET", "/", "a", {"upgrade", "websocket"}, SL_FRAMING_CONNECTION_FIELD},
    {"GET", "/", "a", {"te", "gzip"}, SL_FRAMING_CONNECTION_FIELD},
    {"GET", "/", "a", {"te", "trailers, gzip"}, SL_FRAMING_CONNECTION_FIELD},
    {"POST", "/", "a", {"expect", "200-ok"}, SL_FRAMING_EXPECTATION},
    {"GET", "/", "a", {"a", "", "b", "", "c", "", "d", "", "e", ""}, SL_FRAMING_TOO_MANY},
    {"GET", "/", "a", {"a", "", "b", "", "c", "", "cookie", "1", "cookie", "2"}, SL_FRAMING_OK},
    {"GET", "/", "a", {"a", "", "b", "", "c", "", "d", "", "cookie", "2"}, SL_FRAMING_TOO_MANY},
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
    sl_head_t head = {sl_bytes_of(given->method), sl_bytes_of(given->path), 0, fields, count};
    return sl_framing_check_http2(&head, sl_bytes_of(given->authority), &limits);
}

Test(framing_http2, every_malformed_head_is_refused_and_every_legal_one_passes)
{
    for (size_t i = 0; i != sizeof(cases) / sizeof(cases[0]); ++i)
        cr_expect_eq(check(&cases[i]), cases[i].expected, "row %zu: %s %s gave '%s'", i, cases[i].method, cases[i].path,
                     sl_framing_error_text(check(&cases[i])));
}

Test(framing_http2, a_zero_byte_in_the_authority_is_refused)
{
    sl_head_t head = {.method = SL_LIT("GET"), .target = SL_LIT("/")};

    cr_expect_eq(sl_framing_check_http2(&head, SL_LIT("a\0b"), &limits), SL_FRAMING_BAD_HOST);
}

Test(framing_http2, size_counts_32_bytes_for_each_field)
{
    char value[334];
    memset(value, 'v', sizeof(value));
    sl_head_field_t field = {SL_LIT("x"), sl_bytes(value, 400 - 5 - 32 - 1 - 29)}; /* 5: method, path, authority */
    sl_head_t head = {SL_LIT("GET"), SL_LIT("/"), 0, &field, 1};

    cr_expect_eq(sl_framing_check_http2(&head, SL_LIT("a"), &limits), SL_FRAMING_OK);
    field.name = SL_LIT("123456789012345678901234567890");
    cr_expect_eq(sl_framing_check_http2(&head, SL_LIT("a"), &limits), SL_FRAMING_OK);
    field.name = SL_LIT("1234567890123456789012345678901");
    cr_expect_eq(sl_framing_check_http2(&head, SL_LIT("a"), &limits), SL_FRAMING_TOO_LONG);
}
