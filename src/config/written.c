/* written: YAML subtrees as JSON text, and back (written.h). */
#include "written.h"
#include <ctype.h>

/* --- numbers --- */

static size_t digits(const char *at)
{
    size_t count = 0;
    while (isdigit((unsigned char)at[count]))
        ++count;
    return count;
}

/* RFC 8259 §6 */
static bool is_json_number(const char *at)
{
    at += *at == '-';
    size_t whole = digits(at);
    if (whole == 0 || (whole > 1 && *at == '0'))
        return false;
    at += whole;
    if (*at == '.') {
        size_t fraction = digits(at + 1);
        if (fraction == 0)
            return false;
        at += fraction + 1;
    }
    if (*at == 'e' || *at == 'E') {
        at += 1 + (at[1] == '+' || at[1] == '-');
        size_t exponent = digits(at);
        if (exponent == 0)
            return false;
        at += exponent;
    }
    return *at == 0;
}

static bool is_among(h2o_iovec_t text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; ++i)
        if (sl_bytes_equal(text, sl_bytes_of(words[i])))
            return true;
    return false;
}

#define IS_AMONG(text, words) is_among(text, words, sizeof(words) / sizeof(*(words)))

/* YAML 1.2.2 §10.3.2: what is a number there though JSON has no such: 0x1F, 0o17, +1, 007, .5, 1., .inf */
static bool is_yaml_number(h2o_iovec_t text)
{
    static const char *const odd[] = {".inf",  ".Inf",  ".INF",  "+.inf", "+.Inf", "+.INF",
                                      "-.inf", "-.Inf", "-.INF", ".nan",  ".NaN",  ".NAN"};
    const char *at = text.base;
    if (IS_AMONG(text, odd))
        return true;
    if (text.len > 2 && at[0] == '0' && at[1] == 'x')
        return strspn(at + 2, "0123456789abcdefABCDEF") == text.len - 2;
    if (text.len > 2 && at[0] == '0' && at[1] == 'o')
        return strspn(at + 2, "01234567") == text.len - 2;
    at += *at == '+' || *at == '-';
    size_t whole = digits(at), fraction = at[whole] == '.' ? digits(at + whole + 1) : 0;
    if (whole + fraction == 0)
        return false;
    at += whole + (at[whole] == '.' ? fraction + 1 : 0);
    if (*at == 'e' || *at == 'E') {
        at += 1 + (at[1] == '+' || at[1] == '-');
        size_t exponent = digits(at);
        if (exponent == 0)
            return false;
        at += exponent;
    }
    return *at == 0;
}

/* The word that JSON has for it, NULL when it is a text. */
static const char *constant_of(h2o_iovec_t text)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"}, *const trues[] = {"true", "True", "TRUE"},
                             *const falses[] = {"false", "False", "FALSE"};
    return IS_AMONG(text, nulls) ? "null" : IS_AMONG(text, trues) ? "true" : IS_AMONG(text, falses) ? "false" : NULL;
}

/* --- from nodes to text --- */

typedef struct maker_t {
    sl_reader_t *reader;
    sl_written_t *written;
    sl_text_t text;
    bool is_well;
} maker_t;

static void mark(maker_t *maker, sl_place_t place, bool is_faithful)
{
    sl_written_t *written = maker->written;
    h2o_vector_reserve(maker->reader->scratch, &written->marks, written->marks.size + 1);
    written->marks.entries[written->marks.size++] = (sl_mark_t){maker->text.size, place, is_faithful, 0};
}

static void refuse_number(maker_t *maker, const sl_node_t *node)
{
    sl_report_add(maker->reader->report, node->place,
                  "'%.*s' is a number in YAML but none in JSON: write it in plain decimals, or in quotes for a text",
                  sl_shown(node->raw), node->raw.base);
    maker->is_well = false;
}

static void put_scalar(maker_t *maker, const sl_node_t *node)
{
    const char *constant = node->is_plain ? constant_of(node->raw) : NULL;

    if (node->raw.base == NULL) /* reported */
        maker->is_well = false;
    else if (constant != NULL || (node->is_plain && is_json_number(node->raw.base))) {
        mark(maker, node->place, false);
        sl_text_put(&maker->text, constant != NULL ? constant : node->raw.base);
    } else if (node->is_plain && is_yaml_number(node->raw))
        refuse_number(maker, node);
    else {
        size_t before = maker->text.size;
        mark(maker, node->place, false);
        sl_text_json(&maker->text, node->raw);
        sl_mark_t *last = &maker->written->marks.entries[maker->written->marks.size - 1];
        last->is_faithful = node->is_faithful && maker->text.size - before == node->raw.len + 2;
        last->quotes = node->is_plain ? 1 : 0;
    }
}

static void put_node(maker_t *maker, const sl_node_t *node);

static void put_list(maker_t *maker, const sl_node_t *node)
{
    mark(maker, node->place, false);
    sl_text_put(&maker->text, "[");
    for (size_t i = 0; i < node->count; ++i) {
        sl_text_put(&maker->text, i == 0 ? "" : ",");
        put_node(maker, node->items[i]);
    }
    sl_text_put(&maker->text, "]");
}

static void put_map(maker_t *maker, const sl_node_t *node)
{
    mark(maker, node->place, false);
    sl_text_put(&maker->text, "{");
    for (size_t i = 0; i < node->count; ++i) {
        sl_text_put(&maker->text, i == 0 ? "" : ",");
        mark(maker, node->pairs[i].place, false);
        sl_text_json(&maker->text, node->pairs[i].name);
        sl_text_put(&maker->text, ":");
        put_node(maker, node->pairs[i].value);
    }
    sl_text_put(&maker->text, "}");
}

static void put_node(maker_t *maker, const sl_node_t *node)
{
    if (node->kind == SL_NODE_SCALAR)
        put_scalar(maker, node);
    else if (node->kind == SL_NODE_LIST)
        put_list(maker, node);
    else
        put_map(maker, node);
}

bool sl_written_make(sl_reader_t *reader, const sl_node_t *node, sl_written_t *written)
{
    *written = (sl_written_t){.json = {NULL, 0}};
    maker_t maker = {reader, written, {0}, true};
    put_node(&maker, node);
    written->json = sl_keep(reader, sl_bytes(maker.text.base, maker.text.size));
    sl_text_dispose(&maker.text);
    return maker.is_well;
}

/* --- and the way back --- */

static size_t count_characters(const char *bytes, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len; ++i)
        count += ((unsigned char)bytes[i] & 0xc0) != 0x80;
    return count;
}

sl_place_t sl_written_place(const sl_written_t *written, size_t offset)
{
    size_t i = written->marks.size - 1;
    while (i > 0 && written->marks.entries[i].offset > offset)
        --i;
    const sl_mark_t *nearest = &written->marks.entries[i];
    sl_place_t place = nearest->place;
    if (nearest->is_faithful && offset > nearest->offset)
        place.column +=
            count_characters(written->json.base + nearest->offset, offset - nearest->offset) - nearest->quotes;
    return place;
}

sl_place_t sl_node_place(const sl_node_t *node, size_t offset)
{
    sl_place_t place = node->place;
    if (node->is_faithful)
        place.column += count_characters(node->raw.base, offset) + !node->is_plain;
    return place;
}

sl_node_t sl_name_node(const sl_pair_t *pair)
{
    return (sl_node_t){.kind = SL_NODE_SCALAR, .place = pair->place, .text = pair->name, .raw = pair->name};
}

/* --- what rows share that keep what was written --- */

bool sl_written_is_set(const sl_setting_t *setting, const void *target)
{
    return sl_written_field(setting, target)->len != 0;
}

void sl_written_print(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    sl_emit_json(emitter, *sl_written_field(setting, target));
}
