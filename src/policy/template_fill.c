/*
 * template_fill: runs a template's program. Values are copied as the bytes that came, whether they become a value, part
 * of a string or members of an object; only text that was no JSON is escaped.
 */
#include "json_names.h"
#include "json_text.h"
#include "template_program.h"

typedef struct filler_t {
    const sl_template_t *program;
    sl_template_resolve_t resolve;
    void *data;
    sl_text_t *out;
    size_t size_max; /* of `out`, with what stood there before */
    sl_template_encode_t encode;
    bool is_full;
} filler_t;

static void put(filler_t *filler, h2o_iovec_t bytes)
{
    if (!filler->is_full && filler->size_max - filler->out->size < bytes.len)
        filler->is_full = true;
    if (!filler->is_full)
        sl_text_append(filler->out, bytes.base, bytes.len);
}

/* --- values --- */

static bool is_null(const sl_template_value_t *value)
{
    if (value->document != NULL)
        return value->document->values[value->value].type == SL_JSON_NULL;
    return value->is_json && sl_bytes_equal(value->text, SL_LIT("null"));
}

static sl_template_value_t look_up(const filler_t *filler, const sl_chain_t *chain)
{
    for (size_t i = 0; i != chain->count && filler->resolve != NULL; ++i) {
        const sl_reference_t *reference = &chain->references[i];
        sl_template_value_t value = filler->resolve(filler->data, reference->source, reference->first, reference->rest);
        if (value.is_known && !is_null(&value))
            return value;
    }
    sl_template_value_t fallback = {.is_known = chain->fallback != NULL, .document = chain->fallback};
    if (fallback.is_known && is_null(&fallback))
        fallback.is_known = false;
    return fallback;
}

static h2o_iovec_t json_bytes(const sl_template_value_t *value)
{
    return value->document != NULL ? sl_json_bytes(value->document, value->value) : value->text;
}

static bool is_plain(const sl_template_value_t *value)
{
    return value->document == NULL && !value->is_json;
}

static bool is_string(h2o_iovec_t json)
{
    return json.len >= 2 && json.base[0] == '"';
}

static h2o_iovec_t unquoted(h2o_iovec_t string)
{
    return sl_bytes(string.base + 1, string.len - 2);
}

/* Escaping makes text up to six times as long: looked at before and behind. */
static void put_escaped(filler_t *filler, h2o_iovec_t text)
{
    if (!filler->is_full && filler->size_max - filler->out->size < text.len)
        filler->is_full = true;
    if (filler->is_full)
        return;
    sl_text_json_piece(filler->out, text);
    filler->is_full = filler->out->size > filler->size_max;
}

static void put_value(filler_t *filler, const sl_template_value_t *value)
{
    if (!value->is_known) {
        put(filler, SL_LIT("null"));
    } else if (is_plain(value)) {
        put(filler, SL_LIT("\""));
        put_escaped(filler, value->text);
        put(filler, SL_LIT("\""));
    } else {
        put(filler, json_bytes(value));
    }
}

/* Inside a JSON string: the bytes of a string need nothing, they are escaped already. */
static void put_inside(filler_t *filler, const sl_template_value_t *value)
{
    h2o_iovec_t json = json_bytes(value);
    if (!is_plain(value) && is_string(json))
        put(filler, unquoted(json));
    else
        put_escaped(filler, json);
}

static void put_percent_encoded(filler_t *filler, h2o_iovec_t text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i != text.len && !filler->is_full; ++i) {
        unsigned char c = (unsigned char)text.base[i];
        bool is_unreserved = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' ||
                             c == '.' || c == '_' || c == '~';
        char escape[3] = {'%', digits[c >> 4], digits[c & 15]};
        put(filler, is_unreserved ? sl_bytes(text.base + i, 1) : sl_bytes(escape, 3));
    }
}

static void put_text(filler_t *filler, const sl_template_value_t *value)
{
    sl_text_t decoded = {0};
    h2o_iovec_t text = json_bytes(value);
    if (!is_plain(value) && is_string(text)) {
        sl_json_decode(unquoted(text), &decoded);
        text = sl_bytes(decoded.base, decoded.size);
    }
    if (filler->encode != SL_ENCODE_NOTHING)
        put_percent_encoded(filler, text);
    else
        put(filler, text);
    sl_text_dispose(&decoded);
}

/* --- spreads --- */

static void put_separator(filler_t *filler)
{
    char last = filler->out->base[filler->out->size - 1];
    if (last != '{' && last != '[')
        put(filler, SL_LIT(","));
}

/* A value that can be walked: JSON that came as text is indexed, and held in *own. */
typedef struct tree_t {
    const sl_json_t *json;
    uint32_t value;
    sl_json_t own;
} tree_t;

/* False when there is nothing to spread. */
static bool open_tree(tree_t *tree, const sl_template_value_t *value)
{
    *tree = (tree_t){.json = value->document, .value = value->value};
    if (!value->is_known)
        return false;
    if (tree->json != NULL)
        return true;
    size_t offset;
    if (is_plain(value) || sl_json_index(&tree->own, value->text, NULL, &offset) != NULL)
        return false;
    tree->json = &tree->own;
    tree->value = 0;
    return true;
}

static h2o_iovec_t children_bytes(const tree_t *tree)
{
    sl_json_span_t span = sl_json_children_span(tree->json, tree->value);
    return sl_bytes(tree->json->text.base + span.begin, span.end - span.begin);
}

static void put_elements(filler_t *filler, const sl_op_t *op)
{
    sl_template_value_t value = look_up(filler, &op->chain);
    tree_t tree;
    bool is_tree = open_tree(&tree, &value);
    if (is_tree && tree.json->values[tree.value].type == SL_JSON_ARRAY) {
        h2o_iovec_t elements = children_bytes(&tree);
        if (elements.len != 0) {
            put_separator(filler);
            put(filler, elements);
        }
    } else if (value.is_known) { /* one value is a list of one */
        put_separator(filler);
        put_value(filler, &value);
    }
    sl_json_dispose(&tree.own);
}

static bool is_taken(const sl_op_t *op, h2o_iovec_t inside)
{
    for (size_t i = 0; i != op->taken_count; ++i)
        if (sl_json_is_name(inside, op->taken[i]))
            return true;
    return false;
}

/* The later spread has its own later one, and so on: all of their names win over ours. */
static bool wins_later(filler_t *filler, const sl_op_t *op, const sl_json_names_t *names, h2o_iovec_t inside)
{
    for (size_t i = 0; op->later != 0; ++i, op = &filler->program->ops[op->later])
        if (sl_json_names_have(&names[i], inside))
            return true;
    return false;
}

/* The names of all later spreads; returns how many there are. */
static size_t open_later(filler_t *filler, const sl_op_t *op, tree_t *trees, sl_json_names_t *names)
{
    size_t count = 0;
    for (; op->later != 0; ++count) {
        op = &filler->program->ops[op->later];
        sl_template_value_t value = look_up(filler, &op->chain);
        names[count] = (sl_json_names_t){0};
        if (open_tree(&trees[count], &value))
            sl_json_names_init(&names[count], trees[count].json, trees[count].value, 0);
    }
    return count;
}

static void put_members_but_taken(filler_t *filler, const sl_op_t *op, const tree_t *tree)
{
    tree_t trees[SL_SPREADS_MAX];
    sl_json_names_t names[SL_SPREADS_MAX];
    size_t later = open_later(filler, op, trees, names);
    const sl_json_value_t *values = tree->json->values;
    for (uint32_t child = tree->value + 1; child != 0 && !filler->is_full; child = values[child].next) {
        h2o_iovec_t inside = sl_json_inside(tree->json, child, true);
        if (is_taken(op, inside) || wins_later(filler, op, names, inside))
            continue;
        put_separator(filler);
        put(filler,
            sl_bytes(tree->json->text.base + values[child].name_begin, values[child].end - values[child].name_begin));
    }
    for (size_t i = 0; i != later; ++i) {
        sl_json_names_dispose(&names[i]);
        sl_json_dispose(&trees[i].own);
    }
}

static void put_members(filler_t *filler, const sl_op_t *op)
{
    sl_template_value_t value = look_up(filler, &op->chain);
    tree_t tree;
    bool is_object = open_tree(&tree, &value) && tree.json->values[tree.value].type == SL_JSON_OBJECT;
    if (is_object && tree.json->values[tree.value].count != 0) {
        if (op->taken_count == 0 && op->later == 0) {
            put_separator(filler);
            put(filler, children_bytes(&tree));
        } else {
            put_members_but_taken(filler, op, &tree);
        }
    }
    sl_json_dispose(&tree.own);
}

/* --- the program --- */

/* False when a value is missing. */
static bool run_op(filler_t *filler, const sl_op_t *op)
{
    sl_template_value_t value;
    switch (op->kind) {
    case SL_OP_BYTES:
        (filler->encode == SL_ENCODE_ALL ? put_percent_encoded : put)(filler, op->bytes);
        break;
    case SL_OP_SEPARATOR:
        put_separator(filler);
        break;
    case SL_OP_VALUE:
        value = look_up(filler, &op->chain);
        put_value(filler, &value);
        return value.is_known;
    case SL_OP_TEXT:
        value = look_up(filler, &op->chain);
        if (value.is_known)
            (filler->program->is_text ? put_text : put_inside)(filler, &value);
        return value.is_known;
    case SL_OP_MEMBERS:
        put_members(filler, op);
        break;
    case SL_OP_ELEMENTS:
        put_elements(filler, op);
        break;
    case SL_OP_OPTIONAL:
        break;
    }
    return true;
}

static bool run(filler_t *filler)
{
    const sl_template_t *program = filler->program;
    size_t start = filler->out->size, optional_start = 0, optional_end = 0;
    filler->size_max = filler->size_max > SIZE_MAX - start ? SIZE_MAX : filler->size_max + start;
    sl_text_reserve(filler->out, 1);
    for (size_t i = 0; i != program->count && !filler->is_full;) {
        const sl_op_t *op = &program->ops[i++];
        if (op->kind == SL_OP_OPTIONAL) {
            optional_start = filler->out->size;
            optional_end = op->end;
        }
        if (!run_op(filler, op) && i <= optional_end) {
            filler->out->size = optional_start;
            i = optional_end;
        }
    }
    if (filler->is_full)
        filler->out->size = start;
    filler->out->base[filler->out->size] = '\0';
    return !filler->is_full;
}

bool sl_template_fill(const sl_template_t *given, sl_template_resolve_t resolve, void *data, size_t bytes_max,
                      sl_text_t *out)
{
    filler_t filler = {.program = given, .resolve = resolve, .data = data, .out = out, .size_max = bytes_max};
    return run(&filler);
}

bool sl_template_fill_text(const sl_template_t *given, sl_template_resolve_t resolve, void *data,
                           sl_template_encode_t encode, size_t bytes_max, sl_text_t *out)
{
    filler_t filler = {
        .program = given, .resolve = resolve, .data = data, .out = out, .size_max = bytes_max, .encode = encode};
    return run(&filler);
}

/* --- conditions --- */

/* 0, -0, 0.00, 0e9 */
static bool is_zero(h2o_iovec_t number)
{
    for (size_t i = 0; i != number.len && (number.base[i] | 0x20) != 'e'; ++i)
        if (number.base[i] >= '1' && number.base[i] <= '9')
            return false;
    return number.len != 0 && (number.base[0] == '-' || number.base[0] == '0');
}

static bool json_holds(h2o_iovec_t json)
{
    return !sl_bytes_equal(json, SL_LIT("null")) && !sl_bytes_equal(json, SL_LIT("false")) &&
           !sl_bytes_equal(json, SL_LIT("\"\"")) && !is_zero(json);
}

/* Text has no types: the query's "0" and "false" mean what they say. */
static bool text_holds(h2o_iovec_t text)
{
    return text.len != 0 && !sl_bytes_equal(text, SL_LIT("0")) && !sl_bytes_equal(text, SL_LIT("false"));
}

bool sl_template_holds(const sl_template_t *given, sl_template_resolve_t resolve, void *data)
{
    filler_t filler = {.program = given, .resolve = resolve, .data = data};
    if (given->count == 1 && (given->ops[0].kind == SL_OP_VALUE || given->ops[0].kind == SL_OP_TEXT)) {
        sl_template_value_t value = look_up(&filler, &given->ops[0].chain);
        if (!value.is_known)
            return false;
        return is_plain(&value) ? text_holds(value.text) : json_holds(json_bytes(&value));
    }
    sl_text_t out = {0};
    filler.out = &out;
    filler.size_max = SIZE_MAX;
    run(&filler);
    bool holds = (given->is_text ? text_holds : json_holds)(sl_bytes(out.base, out.size));
    sl_text_dispose(&out);
    return holds;
}

static bool is_empty(const sl_template_value_t *value)
{
    h2o_iovec_t bytes = json_bytes(value);
    return is_plain(value) ? bytes.len == 0 : sl_bytes_equal(bytes, SL_LIT("\"\""));
}

bool sl_template_lacks(const sl_template_t *given, sl_template_resolve_t resolve, void *data)
{
    filler_t filler = {.program = given, .resolve = resolve, .data = data};
    for (const sl_op_t *op = given->ops, *end = op + given->count; op != end; ++op) {
        sl_template_value_t value;
        if (op->chain.count == 0)
            continue;
        value = look_up(&filler, &op->chain);
        if (!value.is_known || is_empty(&value))
            return true;
    }
    return false;
}

/* --- what it refers to --- */

static bool is_among(const h2o_iovec_t *names, size_t count, h2o_iovec_t name)
{
    for (size_t i = 0; i != count; ++i)
        if (sl_bytes_equal(names[i], name))
            return true;
    return false;
}

size_t sl_template_sources(const sl_template_t *given, h2o_iovec_t *names, size_t room)
{
    size_t count = 0;
    for (const sl_op_t *op = given->ops, *end = op + given->count; op != end; ++op)
        for (size_t i = 0; i != op->chain.count && count != room; ++i)
            if (!is_among(names, count, op->chain.references[i].source))
                names[count++] = op->chain.references[i].source;
    return count;
}

static const sl_reference_t *find_reference(const sl_template_t *given, h2o_iovec_t source, h2o_iovec_t first,
                                            size_t index)
{
    for (const sl_op_t *op = given->ops, *end = op + given->count; op != end; ++op)
        for (size_t i = 0; i != op->chain.count; ++i) {
            const sl_reference_t *reference = &op->chain.references[i];
            if (sl_bytes_equal(reference->source, source) && sl_bytes_equal(reference->first, first) && index-- == 0)
                return reference;
        }
    return NULL;
}

bool sl_template_refers(const sl_template_t *given, h2o_iovec_t source, h2o_iovec_t first)
{
    return find_reference(given, source, first, 0) != NULL;
}

bool sl_template_name(const sl_template_t *given, h2o_iovec_t source, h2o_iovec_t first, size_t index,
                      h2o_iovec_t *name, size_t *offset)
{
    const sl_reference_t *reference = find_reference(given, source, first, index);
    if (reference == NULL || reference->rest == NULL)
        return false;
    *name = sl_json_path_name(reference->rest);
    *offset = reference->offset;
    return true;
}

size_t sl_template_source_offset(const sl_template_t *given, h2o_iovec_t name)
{
    for (const sl_op_t *op = given->ops, *end = op + given->count; op != end; ++op)
        for (size_t i = 0; i != op->chain.count; ++i)
            if (sl_bytes_equal(op->chain.references[i].source, name))
                return op->chain.references[i].offset;
    return SIZE_MAX;
}
