/* segment: cutting, comparing and hashing the parts of a path. */
#include "segment.h"
#include "sluice/escape.h"

bool sl_segment_next(h2o_iovec_t *rest, h2o_iovec_t *segment)
{
    if (rest->len == 0)
        return false;
    const char *begin = rest->base + 1, *end = rest->base + rest->len;
    const char *slash = begin == end ? NULL : memchr(begin, '/', (size_t)(end - begin));

    if (slash == NULL)
        slash = end;
    *segment = sl_bytes(begin, (size_t)(slash - begin));
    *rest = sl_bytes(slash, (size_t)(end - slash));
    return true;
}

/* sub-delims, ':' and '@': what a segment may hold raw beside unreserved characters (RFC 3986 §3.3) */
static bool may_be_raw(int octet)
{
    return octet != 0 && strchr("!$&'()*+,;=:@", octet) != NULL;
}

/* Octets that stay escaped are kept apart from raw ones: "%2F" is no slash. */
static unsigned next_character(const char **at, const char *end)
{
    int octet = **at == '%' ? sl_escaped_octet(*at, end) : -1;

    if (octet < 0)
        return (unsigned char)*(*at)++;
    *at += 3;
    return may_be_raw(octet) ? (unsigned)octet : 0x100 | (unsigned)octet;
}

bool sl_segment_equal(h2o_iovec_t a, h2o_iovec_t b)
{
    if (sl_bytes_equal(a, b))
        return true;
    const char *at = a.base, *end = a.base + a.len, *other = b.base, *other_end = b.base + b.len;

    while (at != end && other != other_end)
        if (next_character(&at, end) != next_character(&other, other_end))
            return false;
    return at == end && other == other_end;
}

/* FNV-1a. The table's keys come from the configuration, so a client can only choose what to look up, not what collides.
 */
uint32_t sl_segment_hash(uint32_t seed, h2o_iovec_t segment)
{
    uint32_t hash = seed ^ 2166136261u;

    if (segment.len == 0) /* may have no base */
        return hash;
    for (const char *at = segment.base, *end = at + segment.len; at != end;)
        hash = (hash ^ next_character(&at, end)) * 16777619u;
    return hash ^ hash >> 15;
}
