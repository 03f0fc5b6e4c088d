/*
 * path: the one spelling under which a path is matched and forwarded.
 *
 * One pass, segment by segment, into the caller's buffer. Slashes are merged while segments are copied, so "/a//../b"
 * is "/b", as it is for a file system and for most services; taking the empty segment for a directory would let "//.."
 * climb less far here than behind us.
 */
#include "sluice/path.h"
#include "sluice/escape.h"
#include <assert.h>

enum { FORBIDDEN, ENCODED, RESERVED, UNRESERVED };

/* What a raw octet may do in a segment (RFC 3986 §3.3). FORBIDDEN is zero: what stands in no row is a control
 * character. '%' and '/' never get here. */
static const unsigned char octet_class[256] = {
    [' '] = ENCODED,
    ['!'] = RESERVED,
    ['"'] = ENCODED,
    ['#'] = FORBIDDEN,
    ['$'] = RESERVED,
    ['&' ... ','] = RESERVED,
    ['-' ... '.'] = UNRESERVED,
    ['0' ... '9'] = UNRESERVED,
    [':' ... ';'] = RESERVED,
    ['<'] = ENCODED,
    ['='] = RESERVED,
    ['>' ... '?'] = ENCODED,
    ['@'] = RESERVED,
    ['A' ... 'Z'] = UNRESERVED,
    ['[' ... '^'] = ENCODED,
    ['_'] = UNRESERVED,
    ['`'] = ENCODED,
    ['a' ... 'z'] = UNRESERVED,
    ['{' ... '}'] = ENCODED,
    ['~'] = UNRESERVED,
    [0x80 ... 0xff] = ENCODED,
};

static char *put_escape(char *to, int octet)
{
    static const char digits[] = "0123456789ABCDEF";

    *to++ = '%';
    *to++ = digits[octet >> 4];
    *to++ = digits[octet & 15];
    return to;
}

/* Copies the segment at `*from` up to a slash or `end`, one spelling per octet. */
static sl_path_error_t copy_segment(const char **from, const char *end, char **to)
{
    const char *at = *from;
    char *out = *to;

    for (; at != end && *at != '/'; ++at) {
        int octet = (unsigned char)*at;
        if (octet != '%') {
            if (octet_class[octet] == FORBIDDEN)
                return SL_PATH_CONTROL;
            if (octet_class[octet] == ENCODED)
                out = put_escape(out, octet);
            else
                *out++ = *at;
            continue;
        }
        if ((octet = sl_escaped_octet(at, end)) < 0)
            return SL_PATH_BAD_ESCAPE;
        if (sl_is_control(octet))
            return SL_PATH_CONTROL;
        if (octet_class[octet] == UNRESERVED)
            *out++ = (char)octet;
        else
            out = put_escape(out, octet);
        at += 2;
    }
    *from = at;
    *to = out;
    return SL_PATH_OK;
}

static bool is_dots(const char *base, size_t len)
{
    return (len == 1 && base[0] == '.') || (len == 2 && base[0] == '.' && base[1] == '.');
}

/* Length of a separator that some servers see inside a segment: ';' begins parameters, %2F and %5C are decoded before
 * their dot segments are resolved. */
static size_t inner_separator(const char *at, const char *end)
{
    if (*at == ';')
        return 1;
    return *at == '%' && (sl_escaped_octet(at, end) == '/' || sl_escaped_octet(at, end) == '\\') ? 3 : 0;
}

/* "..;x" or "..%2Fadmin": nothing to us, the parent directory to a service that is more lenient. No honest client
 * writes that. */
static bool hides_dots(const char *segment, const char *end)
{
    const char *part = segment;

    if (memchr(segment, '.', (size_t)(end - segment)) == NULL)
        return false;
    for (const char *at = segment; at != end;) {
        size_t separator = inner_separator(at, end);
        if (separator != 0 && is_dots(part, (size_t)(at - part)))
            return true;
        at += separator != 0 ? separator : 1;
        if (separator != 0)
            part = at;
    }
    return part != segment && is_dots(part, (size_t)(end - part));
}

/* Where to write on after the segment that stands at `segment`, which is resolved when it is empty or made of dots (RFC
 * 3986 §5.2.4). */
static char *close_segment(char *out, char *segment, char *end, bool is_last)
{
    size_t len = (size_t)(end - segment);

    if (len == 0 || !is_dots(segment, len)) {
        if (len != 0 && !is_last)
            *end++ = '/';
        return end;
    }
    if (len == 2 && segment - out > 1) {
        --segment;
        while (segment[-1] != '/')
            --segment;
    }
    return segment;
}

sl_path_error_t sl_path_normalise(h2o_iovec_t path, char *out, size_t *len)
{
    if (path.len == 0 || path.base[0] != '/')
        return SL_PATH_NOT_ABSOLUTE;

    const char *from = path.base + 1, *end = path.base + path.len;
    char *to = out;
    *to++ = '/';
    for (;;) {
        char *segment = to;
        sl_path_error_t error = copy_segment(&from, end, &to);
        if (error != SL_PATH_OK)
            return error;
        if (hides_dots(segment, to))
            return SL_PATH_HIDDEN_DOTS;
        to = close_segment(out, segment, to, from == end);
        if (from++ == end)
            break;
    }
    *len = (size_t)(to - out);
    assert(*len <= 3 * path.len);
    return SL_PATH_OK;
}

const char *sl_path_error_text(sl_path_error_t error)
{
    static const char *const texts[] = {
        [SL_PATH_OK] = "the path is well formed",
        [SL_PATH_NOT_ABSOLUTE] = "the path does not begin with '/'",
        [SL_PATH_BAD_ESCAPE] = "the path has a '%' that two hex digits do not follow",
        [SL_PATH_CONTROL] = "the path has a control character or '#'",
        [SL_PATH_HIDDEN_DOTS] = "the path hides a dot segment behind ';', %2F or %5C",
    };

    return texts[error];
}

void sl_path_split(h2o_iovec_t target, h2o_iovec_t *path, h2o_iovec_t *query)
{
    const char *mark = target.len == 0 ? NULL : memchr(target.base, '?', target.len);

    *path = target;
    *query = sl_bytes(NULL, 0);
    if (mark != NULL) {
        path->len = (size_t)(mark - target.base);
        *query = sl_bytes(mark + 1, target.len - path->len - 1);
    }
}
