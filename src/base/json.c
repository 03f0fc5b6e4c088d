/*
 * json: bytes from anywhere (a client's path, a key's owner) as a JSON string that every reader takes.
 *
 * Runs of ordinary ASCII are copied whole, since nearly every field of a log line is one such run. A byte that belongs
 * to no well-formed UTF-8 sequence (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF) becomes one
 * U+FFFD.
 */
#include "sluice/bytes.h"
#include "sluice/octets.h"

/* A table: this is asked of every byte of every log line. */
static bool is_ordinary(unsigned char c)
{
    static const bool ordinary[256] = {
        [0x20 ... '"' - 1] = true, ['"' + 1 ... '\\' - 1] = true, ['\\' + 1 ... 0x7e] = true};
    return ordinary[c];
}

static bool are_ordinary(uint64_t octets)
{
    return (sl_octets_wide(octets) | sl_octets_below(octets, 0x20) | sl_octets_equal(octets, '"') |
            sl_octets_equal(octets, '\\') | sl_octets_equal(octets, 0x7f)) == 0;
}

static const unsigned char *end_of_run(const unsigned char *at, const unsigned char *end)
{
    while (end - at >= SL_OCTETS && are_ordinary(sl_octets_at((const char *)at)))
        at += SL_OCTETS;
    while (at != end && is_ordinary(*at))
        ++at;
    return at;
}

static bool is_continuation(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

size_t sl_utf8_length(const char *start, size_t left)
{
    const unsigned char *at = (const unsigned char *)start;
    unsigned char lead = at[0];
    size_t length = lead >= 0xc2 && lead <= 0xdf ? 2 : (lead & 0xf0) == 0xe0 ? 3 : lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
    if (length == 0 || left < length)
        return 0;
    for (size_t i = 1; i != length; ++i)
        if (!is_continuation(at[i]))
            return 0;
    /* the second byte tells overlong forms, surrogates and what lies above U+10FFFF */
    if ((lead == 0xe0 && at[1] < 0xa0) || (lead == 0xed && at[1] > 0x9f) || (lead == 0xf0 && at[1] < 0x90) ||
        (lead == 0xf4 && at[1] > 0x8f))
        return 0;
    return length;
}

static void put_escaped(sl_text_t *text, unsigned char c)
{
    switch (c) {
    case '"':
        sl_text_append(text, "\\\"", 2);
        break;
    case '\\':
        sl_text_append(text, "\\\\", 2);
        break;
    case '\n':
        sl_text_append(text, "\\n", 2);
        break;
    case '\r':
        sl_text_append(text, "\\r", 2);
        break;
    case '\t':
        sl_text_append(text, "\\t", 2);
        break;
    default:
        sl_text_format(text, "\\u%04x", c);
    }
}

/* Copies one sequence of several bytes, or U+FFFD in its place; returns how many bytes it used up. */
static size_t put_wide(sl_text_t *text, const unsigned char *at, size_t left)
{
    size_t length = sl_utf8_length((const char *)at, left);
    if (length == 0) {
        sl_text_append(text, "\xef\xbf\xbd", 3);
        return 1;
    }
    sl_text_append(text, (const char *)at, length);
    return length;
}

void sl_text_json(sl_text_t *text, h2o_iovec_t bytes)
{
    sl_text_append(text, "\"", 1);
    sl_text_json_piece(text, bytes);
    sl_text_append(text, "\"", 1);
}

void sl_text_json_piece(sl_text_t *text, h2o_iovec_t bytes)
{
    if (bytes.len == 0) /* may have no base */
        return;
    const unsigned char *at = (const unsigned char *)bytes.base, *end = at + bytes.len;
    while (at != end) {
        const unsigned char *run = at;
        at = end_of_run(run, end);
        sl_text_append(text, (const char *)run, (size_t)(at - run));
        if (at == end)
            break;
        if (*at < 0x80)
            put_escaped(text, *at++);
        else
            at += put_wide(text, at, (size_t)(end - at));
    }
}
