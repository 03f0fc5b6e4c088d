/* escape: hexadecimal digits, and percent-encoded octets (RFC 3986 §2.1), read the same way by everybody who meets
 * them: two readings of one escape would be two meanings of one path. */
#ifndef SLUICE_ESCAPE_H
#define SLUICE_ESCAPE_H

#include <stdbool.h>

/* -1 when it is no digit. Takes bytes of either sign. */
static inline int sl_hex_value(int digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    /* setting this bit folds the case of letters and makes no letter out of anything that was none */
    int lower = digit | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The octet that the escape at `at` (a '%') stands for; -1 when it is none. */
static inline int sl_escaped_octet(const char *at, const char *end)
{
    if (end - at < 3)
        return -1;
    int high = sl_hex_value(at[1]), low = sl_hex_value(at[2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Encoded or raw, these have no business in a URI: they end up in log lines, headers and file names of services. */
static inline bool sl_is_control(int octet)
{
    return octet < 0x20 || octet == 0x7f;
}

#endif
