/* The reader of response heads: what it takes and how it frames the body, what it refuses, and that dripping changes
 * nothing. */
#include "upstream/response_head.h"
#include <criterion/criterion.h>
#include <stdio.h>

#define OK_LINE "HTTP/1.1 200 OK\r\n"
#define UNKNOWN SIZE_MAX

typedef struct good_t {
    const char *text;
    int status;
    sl_framing_t framing;
    size_t length;
    bool keeps_alive;
} good_t;

static const good_t good_heads[] = {
    {OK_LINE "Content-Length: 5\r\n\r\n", 200, SL_FRAMING_LENGTH, 5, true},
    {OK_LINE "content-length:5\r\n\r\n", 200, SL_FRAMING_LENGTH, 5, true},
    {OK_LINE "Content-Length: \t 5 \t\r\n\r\n", 200, SL_FRAMING_LENGTH, 5, true},
    {OK_LINE "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 200, SL_FRAMING_LENGTH, 5, true},
    {OK_LINE "Content-Length: 0005\r\n\r\n", 200, SL_FRAMING_LENGTH, 5, true},
    {OK_LINE "Content-Length: 0\r\n\r\n", 200, SL_FRAMING_NONE, 0, true},
    {OK_LINE "Content-Length: 18446744073709551614\r\n\r\n", 200, SL_FRAMING_LENGTH, SIZE_MAX - 1, true},
    {OK_LINE "Transfer-Encoding: chunked\r\n\r\n", 200, SL_FRAMING_CHUNKED, UNKNOWN, true},
    {OK_LINE "Transfer-Encoding: Chunked\r\n\r\n", 200, SL_FRAMING_CHUNKED, UNKNOWN, true},
    {OK_LINE "\r\n", 200, SL_FRAMING_CLOSE, UNKNOWN, false},
    {OK_LINE "Connection: keep-alive\r\n\r\n", 200, SL_FRAMING_CLOSE, UNKNOWN, false},
    {OK_LINE "Connection: close\r\nContent-Length: 5\r\n\r\n", 200, SL_FRAMING_LENGTH, 5, false},
    {OK_LINE "Connection: CLOSE\r\nContent-Length: 5\r\n\r\n", 200, SL_FRAMING_LENGTH, 5, false},
    {OK_LINE "Connection: x, close\r\nContent-Length: 5\r\n\r\n", 200, SL_FRAMING_LENGTH, 5, false},
    {OK_LINE "Connection: x\r\nConnection: close ,y\r\nContent-Length: 5\r\n\r\n", 200, SL_FRAMING_LENGTH, 5, false},
    {OK_LINE "Connection: closed\r\nContent-Length: 5\r\n\r\n", 200, SL_FRAMING_LENGTH, 5, true},
    {OK_LINE "Connection:\r\nContent-Length: 5\r\n\r\n", 200, SL_FRAMING_LENGTH, 5, true},
    {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", 200, SL_FRAMING_LENGTH, 5, false},
    {"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 5\r\n\r\n", 200, SL_FRAMING_LENGTH, 5, true},
    {"HTTP/1.0 200 OK\r\n\r\n", 200, SL_FRAMING_CLOSE, UNKNOWN, false},
    {"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\n", 200, SL_FRAMING_LENGTH, 5, true},
    {"HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\n", 200, SL_FRAMING_LENGTH, 5, true},
    {"HTTP/1.1 418 I'm a te\xc3\xa9pot\r\nContent-Length: 5\r\n\r\n", 418, SL_FRAMING_LENGTH, 5, true},
    {"HTTP/1.1 599 x\r\nContent-Length: 5\r\n\r\n", 599, SL_FRAMING_LENGTH, 5, true},
    {"HTTP/1.1 100 Continue\r\n\r\n", 100, SL_FRAMING_NONE, UNKNOWN, true},
    {"HTTP/1.1 204 No Content\r\n\r\n", 204, SL_FRAMING_NONE, UNKNOWN, true},
    {"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", 204, SL_FRAMING_NONE, UNKNOWN, true},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, SL_FRAMING_NONE, 5, true},
    {OK_LINE "Empty:\r\nContent-Length: 5\r\n\r\n", 200, SL_FRAMING_LENGTH, 5, true},
    {OK_LINE "!#$%&'*+-.^_`|~0aZ: v\xff\tw\r\nContent-Length: 5\r\n\r\n", 200, SL_FRAMING_LENGTH, 5, true},
};

static const char *const broken_heads[] = {
    "garbage that no service of HTTP would send",
    "HTTQ/1.1 200 OK\r\n\r\n",
    "http/1.1 200 OK\r\n\r\n",
    "HTTP/2.0 200 OK\r\n\r\n",
    "HTTP/1.x 200 OK\r\n\r\n",
    "HTTP/1.10 200 OK\r\n\r\n",
    "\r\nHTTP/1.1 200 OK\r\n\r\n",
    " HTTP/1.1 200 OK\r\n\r\n",
    "HTTP/1.1  200 OK\r\n\r\n",
    "HTTP/1.1\t200 OK\r\n\r\n",
    "HTTP/1.1 042 OK\r\n\r\n",
    "HTTP/1.1 000 OK\r\n\r\n",
    "HTTP/1.1 600 OK\r\n\r\n",
    "HTTP/1.1 999 OK\r\n\r\n",
    "HTTP/1.1 20 OK\r\n\r\n",
    "HTTP/1.1 2000 OK\r\n\r\n",
    "HTTP/1.1 2x0 OK\r\n\r\n",
    "HTTP/1.1 -20 OK\r\n\r\n",
    "HTTP/1.1 200OK\r\n\r\n",
    "HTTP/1.1 200 O\x01K\r\n\r\n",
    "HTTP/1.1 200 O\rK\r\n\r\n",
    "HTTP/1.1\r\n\r\n",
    "HTTP/1.1 200 OK\n\n",
    "HTTP/1.1 200 OK\n\r\n",
    OK_LINE "A: b\nContent-Length: 5\r\n\r\n",
    OK_LINE "A: b\r\r\n\r\n",
    OK_LINE "A: b\r\n\n",
    OK_LINE "A: b\r\n folded\r\n\r\n",
    OK_LINE " A: b\r\n\r\n",
    OK_LINE "A : b\r\n\r\n",
    OK_LINE ": b\r\n\r\n",
    OK_LINE "no colon\r\n\r\n",
    OK_LINE "a(b): c\r\n\r\n",
    OK_LINE "A\xc3\xa9: c\r\n\r\n",
    OK_LINE "A: b\x7f\r\n\r\n",
    OK_LINE "A: b\x02z\r\n\r\n",
    OK_LINE "A: b\rContent-Length: 5\r\n\r\n",
    OK_LINE "Content-Length: abc\r\n\r\n",
    OK_LINE "Content-Length:\r\n\r\n",
    OK_LINE "Content-Length: -1\r\n\r\n",
    OK_LINE "Content-Length: +5\r\n\r\n",
    OK_LINE "Content-Length: 5, 5\r\n\r\n",
    OK_LINE "Content-Length: 5 5\r\n\r\n",
    OK_LINE "Content-Length: 0x5\r\n\r\n",
    OK_LINE "Content-Length: 18446744073709551615\r\n\r\n",
    OK_LINE "Content-Length: 18446744073709551616\r\n\r\n",
    OK_LINE "Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
    OK_LINE "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
    OK_LINE "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
    OK_LINE "Transfer-Encoding: gzip, chunked\r\n\r\n",
    OK_LINE "Transfer-Encoding: chunked, gzip\r\n\r\n",
    OK_LINE "Transfer-Encoding: chunked;q=1\r\n\r\n",
    OK_LINE "Transfer-Encoding: identity\r\n\r\n",
    OK_LINE "Transfer-Encoding: xchunked\r\n\r\n",
    OK_LINE "Transfer-Encoding:\r\n\r\n",
    OK_LINE "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
};

static sl_head_verdict_t parse(h2o_iovec_t bytes, sl_response_head_t *response)
{
    size_t scanned = 0;
    return sl_response_head_parse(bytes, false, &scanned, response);
}

/* As if each read had brought one byte; the bytes lie in memory of exactly their size, so that reading on is seen. */
static sl_head_verdict_t drip(h2o_iovec_t bytes, sl_response_head_t *response)
{
    size_t scanned = 0;
    for (size_t len = 1; len <= bytes.len; ++len) {
        char *copy = memcpy(malloc(len), bytes.base, len);
        sl_head_verdict_t verdict = sl_response_head_parse(sl_bytes(copy, len), false, &scanned, response);
        free(copy);
        if (verdict != SL_HEAD_PARTIAL)
            return verdict;
    }
    return SL_HEAD_PARTIAL;
}

Test(response_head, good_heads_are_read_and_framed)
{
    for (size_t i = 0; i != sizeof good_heads / sizeof good_heads[0]; ++i) {
        const good_t *good = &good_heads[i];
        sl_response_head_t response;
        cr_assert_eq(parse(sl_bytes_of(good->text), &response), SL_HEAD_COMPLETE, "%s", good->text);
        cr_expect_eq(response.len, strlen(good->text), "%s", good->text);
        cr_expect_eq(response.head.status, good->status, "%s", good->text);
        cr_expect_eq(response.framing, good->framing, "%s", good->text);
        cr_expect_eq(response.head.content_length, good->length, "%s", good->text);
        cr_expect_eq(response.head.has_body, good->framing != SL_FRAMING_NONE, "%s", good->text);
        cr_expect_eq(response.keeps_alive, good->keeps_alive, "%s", good->text);
    }
}

Test(response_head, broken_heads_are_refused)
{
    for (size_t i = 0; i != sizeof broken_heads / sizeof broken_heads[0]; ++i) {
        sl_response_head_t response;
        cr_expect_eq(parse(sl_bytes_of(broken_heads[i]), &response), SL_HEAD_BROKEN, "%s", broken_heads[i]);
    }
}

Test(response_head, a_zero_byte_is_refused)
{
    sl_response_head_t response;
    cr_expect_eq(parse(SL_LIT(OK_LINE "A: b\0c\r\n\r\n"), &response), SL_HEAD_BROKEN);
    cr_expect_eq(parse(SL_LIT(OK_LINE "A\0: b\r\n\r\n"), &response), SL_HEAD_BROKEN);
}

Test(response_head, a_head_that_drips_in_is_read_like_one_that_came_whole)
{
    for (size_t i = 0; i != sizeof good_heads / sizeof good_heads[0]; ++i) {
        sl_response_head_t response;
        cr_expect_eq(drip(sl_bytes_of(good_heads[i].text), &response), SL_HEAD_COMPLETE, "%s", good_heads[i].text);
    }
    for (size_t i = 0; i != sizeof broken_heads / sizeof broken_heads[0]; ++i) {
        sl_response_head_t response;
        cr_expect_eq(drip(sl_bytes_of(broken_heads[i]), &response), SL_HEAD_BROKEN, "%s", broken_heads[i]);
    }
}

Test(response_head, what_follows_the_head_is_not_part_of_it)
{
    sl_response_head_t response;
    cr_assert_eq(parse(SL_LIT(OK_LINE "Content-Length: 5\r\n\r\nhe\n\nlo"), &response), SL_HEAD_COMPLETE);
    cr_expect_eq(response.len, strlen(OK_LINE "Content-Length: 5\r\n\r\n"));
}

Test(response_head, fields_come_in_order_with_trimmed_values)
{
    sl_response_head_t response;

    cr_assert_eq(parse(SL_LIT(OK_LINE "Set-Cookie: a=1\r\nX-Y: \t two words \r\nset-cookie:b\r\n\r\n"), &response),
                 SL_HEAD_COMPLETE);

    const char *const wanted[][2] = {{"Set-Cookie", "a=1"}, {"X-Y", "two words"}, {"set-cookie", "b"}};
    cr_assert_eq(response.head.field_count, 3);
    for (size_t i = 0; i != 3; ++i) {
        cr_expect(sl_bytes_equal(response.head.fields[i].name, sl_bytes_of(wanted[i][0])));
        cr_expect(sl_bytes_equal(response.head.fields[i].value, sl_bytes_of(wanted[i][1])));
    }
    cr_expect(sl_bytes_equal(response.head.reason, SL_LIT("OK")));
}

Test(response_head, an_answer_to_HEAD_has_a_length_but_no_body)
{
    sl_response_head_t response;
    size_t scanned = 0;
    h2o_iovec_t bytes = SL_LIT(OK_LINE "Content-Length: 5\r\n\r\n");

    cr_assert_eq(sl_response_head_parse(bytes, true, &scanned, &response), SL_HEAD_COMPLETE);

    cr_expect_eq(response.framing, SL_FRAMING_NONE);
    cr_expect_eq(response.head.content_length, 5);
    cr_expect(!response.head.has_body);
    cr_expect(response.keeps_alive);
}

static sl_head_verdict_t parse_fields(size_t count)
{
    sl_response_head_t response;
    sl_text_t text = {0};
    sl_text_put(&text, OK_LINE);
    for (size_t i = 0; i != count; ++i)
        sl_text_put(&text, "A: b\r\n");
    sl_text_put(&text, "\r\n");
    sl_head_verdict_t verdict = parse(sl_bytes(text.base, text.size), &response);
    sl_text_dispose(&text);
    return verdict;
}

Test(response_head, a_hundred_fields_are_enough)
{
    cr_expect_eq(parse_fields(SL_RESPONSE_FIELDS), SL_HEAD_COMPLETE);
    cr_expect_eq(parse_fields(SL_RESPONSE_FIELDS + 1), SL_HEAD_BROKEN);
}

static sl_head_verdict_t parse_sized(size_t head_bytes, bool with_end)
{
    sl_response_head_t response;
    static const char start[] = OK_LINE "A: ";
    char *text = malloc(head_bytes);
    memset(text, 'x', head_bytes);
    memcpy(text, start, sizeof start - 1);
    if (with_end)
        memcpy(text + head_bytes - 4, "\r\n\r\n", 4);
    sl_head_verdict_t verdict = parse(sl_bytes(text, head_bytes), &response);
    free(text);
    return verdict;
}

Test(response_head, a_head_is_bounded_in_bytes)
{
    cr_expect_eq(parse_sized(SL_RESPONSE_HEAD_BYTES, true), SL_HEAD_COMPLETE);
    cr_expect_eq(parse_sized(SL_RESPONSE_HEAD_BYTES + 1, true), SL_HEAD_BROKEN);
    cr_expect_eq(parse_sized(SL_RESPONSE_HEAD_BYTES - 1, false), SL_HEAD_PARTIAL);
    cr_expect_eq(parse_sized(SL_RESPONSE_HEAD_BYTES, false), SL_HEAD_BROKEN);
}
