/* text: bytes of strangers to JSON and back. */
#include "demo.h"

/* Parsing deeper than this is refused; our own requests have depth 1. */
#define JSON_DEPTH_MAX 32

/* Length of the well-formed UTF-8 sequence at `at` (Unicode 15, table 3-7), 0 when there is none. */
static size_t utf8_sequence(const uint8_t *at, size_t left)
{
    static const struct {
        uint8_t first, last, second_first, second_last;
        size_t length;
    } forms[] = {{0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
                 {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
                 {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};

    for (size_t i = 0; i != sizeof(forms) / sizeof(forms[0]); ++i) {
        if (at[0] < forms[i].first || at[0] > forms[i].last)
            continue;
        if (forms[i].length > left)
            return 0;
        if (forms[i].length > 1 && (at[1] < forms[i].second_first || at[1] > forms[i].second_last))
            return 0;
        for (size_t k = 2; k < forms[i].length; ++k)
            if ((at[k] & 0xc0) != 0x80)
                return 0;
        return forms[i].length;
    }
    return 0;
}

struct json_object *demo_json_text(h2o_iovec_t bytes)
{
    char *clean = h2o_mem_alloc(bytes.len * 3 + 1), *end = clean;

    for (size_t i = 0; i != bytes.len;) {
        size_t length = utf8_sequence((const uint8_t *)bytes.base + i, bytes.len - i);
        if (length == 0) {
            memcpy(end, "\xef\xbf\xbd", 3);
            end += 3;
            ++i;
        } else {
            memcpy(end, bytes.base + i, length);
            end += length;
            i += length;
        }
    }
    struct json_object *text = json_object_new_string_len(clean, (int)(end - clean));
    free(clean);
    return text;
}

bool demo_is_text(h2o_iovec_t bytes)
{
    for (size_t i = 0; i != bytes.len;) {
        uint8_t c = (uint8_t)bytes.base[i];
        size_t length = utf8_sequence((const uint8_t *)bytes.base + i, bytes.len - i);
        if (length == 0 || c == 0x7f || (c < 0x20 && c != '\t' && c != '\r' && c != '\n'))
            return false;
        i += length;
    }
    return true;
}

struct json_object *demo_parse_object(h2o_iovec_t bytes)
{
    struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
    struct json_object *json = NULL;

    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    if (bytes.len != 0)
        json = json_tokener_parse_ex(tokener, bytes.base, (int)bytes.len);
    if (json != NULL && json_object_get_type(json) != json_type_object) {
        json_object_put(json);
        json = NULL;
    }
    json_tokener_free(tokener);
    return json;
}

bool demo_parse_number(h2o_iovec_t text, uint64_t max, uint64_t *number)
{
    uint64_t value = 0;

    if (text.len == 0 || text.len > 18)
        return false;
    for (size_t i = 0; i != text.len; ++i) {
        if (text.base[i] < '0' || text.base[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text.base[i] - '0');
    }
    *number = value;
    return value <= max;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static h2o_iovec_t decode(h2o_mem_pool_t *pool, h2o_iovec_t in)
{
    h2o_iovec_t out = {h2o_mem_alloc_pool(pool, in.len + 1), 0};

    for (size_t i = 0; i != in.len; ++i) {
        char c = in.base[i] == '+' ? ' ' : in.base[i];
        if (c == '%') {
            int high = i + 2 < in.len ? hex_digit(in.base[i + 1]) : -1, low = high < 0 ? -1 : hex_digit(in.base[i + 2]);
            if (low < 0)
                return (h2o_iovec_t){NULL, 0};
            c = (char)(high << 4 | low);
            i += 2;
        }
        out.base[out.len++] = c;
    }
    return out;
}

h2o_iovec_t demo_query_value(demo_call_t *call, const char *name)
{
    const char *at = call->query.base, *end = at + call->query.len;
    size_t name_len = strlen(name);

    while (at != NULL && at < end) {
        const char *next = memchr(at, '&', (size_t)(end - at));
        if (next == NULL)
            next = end;
        if ((size_t)(next - at) > name_len && memcmp(at, name, name_len) == 0 && at[name_len] == '=')
            return decode(&call->req->pool, sl_bytes(at + name_len + 1, (size_t)(next - at) - name_len - 1));
        at = next + 1;
    }
    return (h2o_iovec_t){NULL, 0};
}
