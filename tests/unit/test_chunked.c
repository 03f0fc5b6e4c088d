/* The chunked decoder: what it takes and refuses, its bounds, and that the places where reads cut the stream do not
 * matter. */
#include "upstream/chunked.h"
#include <criterion/criterion.h>
#include <stdio.h>

typedef struct outcome_t {
    sl_chunked_verdict_t verdict;
    size_t used;
    size_t len;
    char data[4096];
} outcome_t;

/* `next_size` tells how many bytes the next read brings. Each read has memory of its own, of exactly its size. */
static outcome_t feed(h2o_iovec_t stream, size_t (*next_size)(void))
{
    sl_chunked_t decoder = {0};
    outcome_t outcome = {SL_CHUNKED_MORE, 0, 0, {0}};
    while (outcome.used != stream.len && outcome.verdict == SL_CHUNKED_MORE) {
        size_t size = next_size(), rest = stream.len - outcome.used, used;
        size = size < rest ? size : rest;
        char *copy = memcpy(malloc(size), stream.base + outcome.used, size);
        h2o_iovec_t payload;
        outcome.verdict = sl_chunked_decode(&decoder, sl_bytes(copy, size), &payload, &used);
        cr_assert(outcome.len + payload.len < sizeof outcome.data);
        memcpy(outcome.data + outcome.len, payload.base, payload.len);
        outcome.len += payload.len;
        outcome.used += used;
        free(copy);
    }
    return outcome;
}

static size_t whole(void)
{
    return SIZE_MAX;
}

static size_t one(void)
{
    return 1;
}

static size_t some(void)
{
    return 1 + (size_t)rand() % 7;
}

static void expect_same_however_cut(h2o_iovec_t stream)
{
    outcome_t at_once = feed(stream, whole);
    for (int round = 0; round != 20; ++round) {
        outcome_t cut = feed(stream, round == 0 ? one : some);
        cr_expect_eq(cut.verdict, at_once.verdict, "%s", stream.base);
        cr_expect_eq(cut.used, at_once.used, "%s", stream.base);
        cr_expect(sl_bytes_equal(sl_bytes(cut.data, cut.len), sl_bytes(at_once.data, at_once.len)), "%s", stream.base);
    }
}

static void expect(const char *stream, sl_chunked_verdict_t verdict, const char *data)
{
    outcome_t outcome = feed(sl_bytes_of(stream), whole);
    cr_expect_eq(outcome.verdict, verdict, "'%s' gave %d", stream, outcome.verdict);
    cr_expect_str_eq(outcome.data, data, "'%s' gave '%s'", stream, outcome.data);
    expect_same_however_cut(sl_bytes_of(stream));
}

Test(chunked, well_formed_bodies_are_decoded)
{
    expect("0\r\n\r\n", SL_CHUNKED_DONE, "");
    expect("5\r\nhello\r\n0\r\n\r\n", SL_CHUNKED_DONE, "hello");
    expect("5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n", SL_CHUNKED_DONE, "hello, world");
    expect("0005\r\nhello\r\n000\r\n\r\n", SL_CHUNKED_DONE, "hello");
    expect("a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n", SL_CHUNKED_DONE, "01234567890123456789a");
    expect("2\r\n\r\n\r\n0\r\n\r\n", SL_CHUNKED_DONE, "\r\n");
}

Test(chunked, extensions_and_trailers_are_dropped)
{
    expect("5;name=value\r\nhello\r\n0;last\r\n\r\n", SL_CHUNKED_DONE, "hello");
    expect("5 ; name=\"v;\t\"\r\nhello\r\n0\r\n\r\n", SL_CHUNKED_DONE, "hello");
    expect("5  \r\nhello\r\n0 \r\n\r\n", SL_CHUNKED_DONE, "hello");
    expect("5\r\nhello\r\n0\r\nA: b\r\nContent-Length: 7\r\n\r\n", SL_CHUNKED_DONE, "hello");
}

Test(chunked, an_unfinished_body_wants_more)
{
    expect("", SL_CHUNKED_MORE, "");
    expect("5", SL_CHUNKED_MORE, "");
    expect("5\r", SL_CHUNKED_MORE, "");
    expect("5\r\nhel", SL_CHUNKED_MORE, "hel");
    expect("5\r\nhello", SL_CHUNKED_MORE, "hello");
    expect("5\r\nhello\r\n", SL_CHUNKED_MORE, "hello");
    expect("0\r\n", SL_CHUNKED_MORE, "");
    expect("0\r\nA: b\r\n", SL_CHUNKED_MORE, "");
    expect("0\r\nA: b\r\n\r", SL_CHUNKED_MORE, "");
}

Test(chunked, broken_framing_is_refused_after_what_came_before)
{
    expect("\r\n", SL_CHUNKED_BROKEN, "");
    expect("x\r\n", SL_CHUNKED_BROKEN, "");
    expect("-5\r\nhello\r\n", SL_CHUNKED_BROKEN, "");
    expect("0x5\r\nhello\r\n", SL_CHUNKED_BROKEN, "");
    expect(" 5\r\nhello\r\n", SL_CHUNKED_BROKEN, "");
    expect(";a\r\nhello\r\n", SL_CHUNKED_BROKEN, "");
    expect("5\nhello\r\n", SL_CHUNKED_BROKEN, "");
    expect("5;a\nhello\r\n", SL_CHUNKED_BROKEN, "");
    expect("5;a\x01\r\nhello\r\n", SL_CHUNKED_BROKEN, "");
    expect("5\rhello\r\n", SL_CHUNKED_BROKEN, "");
    expect("5\r\r\nhello\r\n", SL_CHUNKED_BROKEN, "");
    expect("5\r\nhello\n0\r\n\r\n", SL_CHUNKED_BROKEN, "hello");
    expect("5\r\nhello0\r\n\r\n", SL_CHUNKED_BROKEN, "hello");
    expect("5\r\nhello!\r\n0\r\n\r\n", SL_CHUNKED_BROKEN, "hello");
    expect("5\r\nhello\r\r\n0\r\n\r\n", SL_CHUNKED_BROKEN, "hello");
    expect("0\r\n\n", SL_CHUNKED_BROKEN, "");
    expect("0\r\nA: b\n\r\n", SL_CHUNKED_BROKEN, "");
    expect("0\r\nA: b\r\r\n\r\n", SL_CHUNKED_BROKEN, "");
}

Test(chunked, a_size_that_could_overflow_is_refused)
{
    expect("3fffffffffffffff\r\nx", SL_CHUNKED_MORE, "x");
    expect("4000000000000000\r\n", SL_CHUNKED_BROKEN, "");
    expect("ffffffffffffffff\r\n", SL_CHUNKED_BROKEN, "");
    expect("10000000000000005\r\n", SL_CHUNKED_BROKEN, "");
    expect("00000000000000005\r\n", SL_CHUNKED_BROKEN, "");
}

Test(chunked, bytes_after_the_end_are_left)
{
    outcome_t outcome = feed(SL_LIT("5\r\nhello\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n"), whole);
    cr_expect_eq(outcome.verdict, SL_CHUNKED_DONE);
    cr_expect_eq(outcome.used, strlen("5\r\nhello\r\n0\r\n\r\n"));
}

/* `before`, then `count` times 'x', then `after`. */
static sl_chunked_verdict_t feed_long(const char *before, size_t count, const char *after)
{
    sl_text_t text = {0};
    sl_text_put(&text, before);
    memset(sl_text_reserve(&text, count), 'x', count);
    text.size += count;
    sl_text_put(&text, after);
    sl_chunked_verdict_t verdict = feed(sl_bytes(text.base, text.size), whole).verdict;
    sl_text_dispose(&text);
    return verdict;
}

Test(chunked, extensions_and_trailers_are_bounded)
{
    cr_expect_eq(feed_long("1;", SL_CHUNK_EXTENSION_BYTES, "\r\na\r\n0\r\n\r\n"), SL_CHUNKED_DONE);
    cr_expect_eq(feed_long("1;", SL_CHUNK_EXTENSION_BYTES + 1, "\r\na\r\n0\r\n\r\n"), SL_CHUNKED_BROKEN);
    cr_expect_eq(feed_long("0\r\nA: ", SL_TRAILER_BYTES - 8, "\r\n\r\n"), SL_CHUNKED_DONE);
    cr_expect_eq(feed_long("0\r\nA: ", SL_TRAILER_BYTES, "\r\n\r\n"), SL_CHUNKED_BROKEN);
}
