/*
 * query: parameters of a query string ("a=1&b=2"), found and removed without decoding the rest.
 *
 * Names are compared decoded: a key that came as "api%5Fkey" must be found, and above all removed, like one that came
 * as "api_key".
 */
#include "sluice/escape.h"
#include "sluice/path.h"

/* One octet of a form-encoded text. An escape that is none stands for itself here; sl_query_decode refuses it. */
static int next_octet(const char **at, const char *end)
{
    int octet = **at == '%' ? sl_escaped_octet(*at, end) : -1;

    if (octet >= 0) {
        *at += 3;
        return octet;
    }
    char raw = *(*at)++;
    return raw == '+' ? ' ' : (unsigned char)raw;
}

static bool is_named(h2o_iovec_t parameter, h2o_iovec_t name)
{
    const char *at = parameter.base, *end = parameter.base + parameter.len;

    for (size_t i = 0; i != name.len; ++i)
        if (at == end || *at == '=' || next_octet(&at, end) != (unsigned char)name.base[i])
            return false;
    return at == end || *at == '=';
}

/* Cuts the parameter that `*rest` begins with; false when none is left. rest->base is NULL after the last one. */
static bool next_parameter(h2o_iovec_t *rest, h2o_iovec_t *parameter)
{
    if (rest->base == NULL)
        return false;
    const char *border = rest->len == 0 ? NULL : memchr(rest->base, '&', rest->len);

    *parameter = *rest;
    if (border == NULL) {
        *rest = sl_bytes(NULL, 0);
    } else {
        parameter->len = (size_t)(border - rest->base);
        *rest = sl_bytes(border + 1, rest->len - parameter->len - 1);
    }
    return true;
}

h2o_iovec_t sl_query_find(h2o_iovec_t query, h2o_iovec_t name)
{
    h2o_iovec_t parameter;

    while (next_parameter(&query, &parameter)) {
        if (!is_named(parameter, name))
            continue;
        const char *sign = parameter.len == 0 ? NULL : memchr(parameter.base, '=', parameter.len);
        const char *end = parameter.base + parameter.len;
        const char *value = sign == NULL ? end : sign + 1;
        return sl_bytes(value, (size_t)(end - value));
    }
    return sl_bytes(NULL, 0);
}

size_t sl_query_remove(h2o_iovec_t query, h2o_iovec_t name, char *out)
{
    h2o_iovec_t parameter;
    char *to = out;
    bool is_first = true;

    while (next_parameter(&query, &parameter)) {
        if (is_named(parameter, name))
            continue;
        if (!is_first)
            *to++ = '&';
        is_first = false;
        if (parameter.len != 0)
            memcpy(to, parameter.base, parameter.len);
        to += parameter.len;
    }
    return (size_t)(to - out);
}

void sl_query_encode(h2o_iovec_t plain, sl_text_t *out)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i != plain.len; ++i) {
        unsigned char octet = (unsigned char)plain.base[i];
        bool is_unreserved = (octet >= '0' && octet <= '9') || ((octet | 0x20) >= 'a' && (octet | 0x20) <= 'z') ||
                             (octet != '\0' && strchr("-._~", octet) != NULL);
        char escaped[3] = {'%', hex[octet >> 4], hex[octet & 15]};
        if (is_unreserved)
            sl_text_append(out, plain.base + i, 1);
        else
            sl_text_append(out, escaped, sizeof(escaped));
    }
}

void sl_query_rename(h2o_iovec_t query, h2o_iovec_t from, h2o_iovec_t to, sl_text_t *out)
{
    h2o_iovec_t parameter;
    const char *separator = "";

    while (next_parameter(&query, &parameter)) {
        const char *sign = parameter.len == 0 ? NULL : memchr(parameter.base, '=', parameter.len);
        size_t name_len = sign != NULL ? (size_t)(sign - parameter.base) : parameter.len;
        sl_text_put(out, separator);
        separator = "&";
        if (!is_named(parameter, from)) {
            sl_text_append(out, parameter.base, parameter.len);
            continue;
        }
        sl_query_encode(to, out);
        sl_text_append(out, parameter.base + name_len, parameter.len - name_len);
    }
}

bool sl_query_decode(h2o_iovec_t in, char *out, size_t *len)
{
    char *to = out;

    *len = 0;
    if (in.len == 0) /* may have no base */
        return true;
    for (const char *at = in.base, *end = at + in.len; at != end;) {
        if (*at == '%' && sl_escaped_octet(at, end) < 0)
            return false;
        int octet = next_octet(&at, end);
        if (sl_is_control(octet))
            return false;
        *to++ = (char)octet;
    }
    *len = (size_t)(to - out);
    return true;
}

size_t sl_query_text(h2o_iovec_t in, char *out)
{
    char *to = out;

    if (in.len == 0)
        return 0;
    for (const char *at = in.base, *end = at + in.len; at != end;)
        *to++ = (char)next_octet(&at, end);
    return (size_t)(to - out);
}
