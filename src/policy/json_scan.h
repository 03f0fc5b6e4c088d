/* json_scan: eight bytes at a time over what needs no attention in strings. */
#ifndef SLUICE_POLICY_JSON_SCAN_H
#define SLUICE_POLICY_JSON_SCAN_H

#include "sluice/json.h"
#include <endian.h>

static inline uint64_t sl_load_word(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    return le64toh(word);
}

#define SL_EACH(byte) (0x0101010101010101u * (uint64_t)(byte))

/* High bits where a byte is a quote, a backslash, a control or no ASCII; the lowest of them is exact, since only a byte
 * that is flagged itself can borrow from the next one. */
static inline uint64_t sl_unusual(uint64_t word)
{
    uint64_t quote = word ^ SL_EACH('"'), escape = word ^ SL_EACH('\\');
    return ((word - SL_EACH(0x20)) | (quote - SL_EACH(1)) | (escape - SL_EACH(1)) | word) & SL_EACH(0x80);
}

static inline const char *sl_skip_ordinary(const char *at, const char *end)
{
    while (end - at >= 8) {
        uint64_t flags = sl_unusual(sl_load_word(at));
        if (flags != 0)
            return at + (__builtin_ctzll(flags) >> 3);
        at += 8;
    }
    while (at != end && (unsigned char)(*at - 0x20) < 0x60 && *at != '"' && *at != '\\')
        ++at;
    return at;
}

#endif
