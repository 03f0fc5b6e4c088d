/* chunk_decoder: bodies whole, byte by byte and in any two parts give the same; everything lenient is refused. */
#include "sluice/bytes.h"
#include "sluice/chunk_decoder.h"
#include <criterion/criterion.h>
#include <stdlib.h>

typedef struct case_t {
    h2o_iovec_t coded;
    const char *data; /* NULL: broken */
    ssize_t after;    /* bytes behind the body, or SL_CHUNK_INCOMPLETE */
} case_t;

#define CODED(text)                                                                                                    \
    {                                                                                                                  \
        (char *)(text), sizeof(text) - 1                                                                               \
    }

static const case_t cases[] = {
    {CODED("0\r\n\r\n"), "", 0},
    {CODED("5\r\nhello\r\n0\r\n\r\n"), "hello", 0},
    {CODED("5\r\nhello\r\n1\r\n!\r\n000\r\n\r\nGET /"), "hello!", 5},
    {CODED("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n"), "01234567890123456789", 0},
    {CODED("5;a=b\r\nhello\r\n0;x=\"y\"\r\n\r\n"), "hello", 0},
    {CODED("5 \t;a\r\nhello\r\n0\r\n\r\n"), "hello", 0},
    {CODED("0\r\nA: b\r\nC:\r\n\r\n!"), "", 1},
    {CODED("5\r\nhel"), "hel", SL_CHUNK_INCOMPLETE},
    {CODED("5\r\nhello\r\n0\r\nA: b\r\n"), "hello", SL_CHUNK_INCOMPLETE},
    {CODED("000000000000005\r\nhello\r\n0\r\n\r\n"), "hello", 0},
    {CODED("\r\n"), NULL, 0},
    {CODED("x\r\n"), NULL, 0},
    {CODED("-1\r\n"), NULL, 0},
    {CODED("0x5\r\nhello\r\n0\r\n\r\n"), NULL, 0},
    {CODED(" 5\r\nhello\r\n0\r\n\r\n"), NULL, 0},
    {CODED("5 \r\nhello\r\n0\r\n\r\n"), NULL, 0},
    {CODED("5 x\r\nhello\r\n0\r\n\r\n"), NULL, 0},
    {CODED("5\nhello\r\n0\r\n\r\n"), NULL, 0},
    {CODED("5\r\r\nhello\r\n0\r\n\r\n"), NULL, 0},
    {CODED("5;a\nhello\r\n0\r\n\r\n"), NULL, 0},
    {CODED("5;a\r\rhello\r\n0\r\n\r\n"), NULL, 0},
    {CODED("5\r\nhello\n0\r\n\r\n"), NULL, 0},
    {CODED("5\r\nhello!\r\n0\r\n\r\n"), NULL, 0},
    {CODED("5\r\nhello0\r\n\r\n"), NULL, 0},
    {CODED("0\r\n\n"), NULL, 0},
    {CODED("0\r\nA: b\n\r\n"), NULL, 0},
    {CODED("0\r\nA b: c\r\n\r\n"), NULL, 0},
    {CODED("0\r\n: c\r\n\r\n!"), NULL, 0},
    {CODED("0\r\n folded\r\n\r\n"), NULL, 0},
    {CODED("0\r\nA: b\0\r\n\r\n"), NULL, 0},
    {CODED("0000000000000005\r\nhello\r\n0\r\n\r\n"), NULL, 0},
    {CODED("fffffffffffffffff\r\n"), NULL, 0},
};

/* In parts of `step` bytes, the way libh2o does it: what is decoded stays in front of what comes. */
static ssize_t decode(h2o_iovec_t coded, size_t first, size_t step, char *out, size_t *out_size)
{
    sl_chunk_decoder_t decoder = {.discards_trailer = 1};
    ssize_t result = SL_CHUNK_INCOMPLETE;
    size_t at = 0, part = first;

    *out_size = 0;
    while (at != coded.len && result == SL_CHUNK_INCOMPLETE) {
        size_t size = part < coded.len - at ? part : coded.len - at;
        memcpy(out + *out_size, coded.base + at, size);
        at += size;
        result = sl_chunk_decode(&decoder, out + *out_size, &size);
        *out_size += size;
        part = step;
    }
    return result >= 0 ? result + (ssize_t)(coded.len - at) : result;
}

static void expect(size_t row, size_t first, size_t step)
{
    const case_t *given = &cases[row];
    char *out = malloc(given->coded.len);
    size_t size;

    ssize_t result = decode(given->coded, first, step, out, &size);

    if (given->data == NULL) {
        cr_expect_eq(result, SL_CHUNK_BROKEN, "row %zu, parts of %zu: %zd", row, first, result);
    } else {
        cr_expect_eq(result, given->after, "row %zu, parts of %zu: %zd", row, first, result);
        cr_expect(sl_bytes_equal(sl_bytes(out, size), sl_bytes_of(given->data)), "row %zu: '%.*s'", row, (int)size,
                  out);
    }
    free(out);
}

Test(chunk_decoder, the_parts_in_which_a_body_comes_make_no_difference)
{
    for (size_t row = 0; row != sizeof(cases) / sizeof(cases[0]); ++row) {
        expect(row, cases[row].coded.len, 1);
        expect(row, 1, 1);
        for (size_t first = 1; first < cases[row].coded.len; ++first)
            expect(row, first, cases[row].coded.len);
    }
}

Test(chunk_decoder, extensions_and_trailers_end_somewhere)
{
    sl_chunk_decoder_t decoder = {.discards_trailer = 1};
    char bytes[] = "1;aaaaaaaa\r\nx\r\n";
    ssize_t result = SL_CHUNK_INCOMPLETE;
    size_t chunks = 0;

    for (; result == SL_CHUNK_INCOMPLETE && chunks != 10000; ++chunks) {
        char copy[sizeof(bytes)];
        size_t size = sizeof(bytes) - 1;
        memcpy(copy, bytes, sizeof(bytes));
        result = sl_chunk_decode(&decoder, copy, &size);
    }

    cr_expect_eq(result, SL_CHUNK_BROKEN);
    cr_expect_eq(chunks, SL_CHUNK_OVERHEAD_MAX / 9 + 1);
}

Test(chunk_decoder, what_follows_the_body_stands_behind_its_data)
{
    sl_chunk_decoder_t decoder = {.discards_trailer = 1};
    char bytes[] = "2\r\nab\r\n0\r\n\r\nNEXT";
    size_t size = sizeof(bytes) - 1;

    cr_assert_eq(sl_chunk_decode(&decoder, bytes, &size), 4);

    cr_expect_eq(size, 2);
    cr_expect_eq(memcmp(bytes, "abNEXT", 6), 0);
}
