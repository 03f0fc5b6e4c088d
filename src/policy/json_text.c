/* json_text: strings of a document without their escapes, and values found by name or number. */
#include "json_text.h"
#include "sluice/escape.h"

h2o_iovec_t sl_json_bytes(const sl_json_t *json, uint32_t value)
{
    const sl_json_value_t *given = &json->values[value];
    return sl_bytes(json->text.base + given->begin, given->end - given->begin);
}

h2o_iovec_t sl_json_inside(const sl_json_t *json, uint32_t value, bool name)
{
    const sl_json_value_t *given = &json->values[value];
    uint32_t begin = name ? given->name_begin : given->begin, end = name ? given->name_end : given->end;
    return sl_bytes(json->text.base + begin + 1, end - begin - 2);
}

uint32_t sl_json_child_begin(const sl_json_value_t *child)
{
    return child->name_end != 0 ? child->name_begin : child->begin;
}

sl_json_span_t sl_json_children_span(const sl_json_t *json, uint32_t container)
{
    const sl_json_value_t *given = &json->values[container], *child = given + 1;
    if (given->count == 0)
        return (sl_json_span_t){given->begin + 1, given->begin + 1};
    uint32_t begin = sl_json_child_begin(child);
    while (child->next != 0)
        child = &json->values[child->next];
    return (sl_json_span_t){begin, child->end};
}

static size_t put_utf8(uint32_t code, char character[4])
{
    if (code < 0x80) {
        character[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        character[0] = (char)(0xc0 | code >> 6);
        character[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        character[0] = (char)(0xe0 | code >> 12);
        character[1] = (char)(0x80 | (code >> 6 & 0x3f));
        character[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    character[0] = (char)(0xf0 | code >> 18);
    character[1] = (char)(0x80 | (code >> 12 & 0x3f));
    character[2] = (char)(0x80 | (code >> 6 & 0x3f));
    character[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

static uint32_t read_unit(const char *digits)
{
    uint32_t unit = 0;
    for (int i = 0; i != 4; ++i)
        unit = unit << 4 | (uint32_t)sl_hex_value(digits[i]);
    return unit;
}

/* `at` stands behind \u. */
static size_t next_unicode_escape(const char **at, char character[4])
{
    uint32_t code = read_unit(*at);
    *at += 4;
    if ((code & 0xfc00) == 0xd800) {
        code = 0x10000 + ((code & 0x3ff) << 10) + (read_unit(*at + 2) & 0x3ff);
        *at += 6;
    }
    return put_utf8(code, character);
}

size_t sl_json_next_character(const char **at, char character[4])
{
    static const char meaning[128] = {
        ['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t'};
    if (**at != '\\') {
        character[0] = *(*at)++;
        return 1;
    }
    char letter = (*at)[1];
    *at += 2;
    if (letter == 'u')
        return next_unicode_escape(at, character);
    character[0] = meaning[letter & 0x7f];
    return 1;
}

void sl_json_decode(h2o_iovec_t inside, sl_text_t *out)
{
    const char *at = inside.base, *end = at + inside.len;
    sl_text_reserve(out, inside.len); /* never longer without escapes */
    while (at != end) {
        const char *escape = memchr(at, '\\', (size_t)(end - at));
        const char *border = escape == NULL ? end : escape;
        sl_text_append(out, at, (size_t)(border - at));
        at = border;
        if (escape != NULL) {
            char character[4];
            size_t length = sl_json_next_character(&at, character);
            sl_text_append(out, character, length);
        }
    }
}

void sl_json_unescape(const sl_json_t *json, uint32_t value, bool name, sl_text_t *out)
{
    sl_json_decode(sl_json_inside(json, value, name), out);
}

/* Character by character: only for names with escapes, which are rare. */
static bool is_decoded_name(h2o_iovec_t inside, h2o_iovec_t name)
{
    const char *at = inside.base, *end = at + inside.len;
    size_t seen = 0;
    while (at != end) {
        char character[4];
        size_t length = sl_json_next_character(&at, character);
        if (name.len - seen < length || memcmp(name.base + seen, character, length) != 0)
            return false;
        seen += length;
    }
    return seen == name.len;
}

bool sl_json_is_name(h2o_iovec_t inside, h2o_iovec_t name)
{
    if (inside.len < name.len)
        return false; /* escapes are longer than what they stand for */
    if (inside.len == 0)
        return true;
    if (memchr(inside.base, '\\', inside.len) == NULL)
        return sl_bytes_equal(inside, name);
    return is_decoded_name(inside, name);
}

int64_t sl_json_member(const sl_json_t *json, uint32_t object, h2o_iovec_t name)
{
    int64_t found = -1;
    if (json->values[object].type != SL_JSON_OBJECT || json->values[object].count == 0)
        return -1;
    for (uint32_t child = object + 1; child != 0; child = json->values[child].next)
        if (sl_json_is_name(sl_json_inside(json, child, true), name))
            found = child;
    return found;
}

int64_t sl_json_element(const sl_json_t *json, uint32_t array, int64_t index)
{
    const sl_json_value_t *given = &json->values[array];
    if (given->type != SL_JSON_ARRAY)
        return -1;
    if (index < 0)
        index += given->count;
    if (index < 0 || index >= given->count)
        return -1;
    uint32_t child = array + 1;
    while (index-- > 0)
        child = json->values[child].next;
    return child;
}
