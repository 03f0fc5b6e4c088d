/*
 * template_compile: JSON with holes becomes a program (template_program.h).
 *
 * Bytes that stay are collected until something that changes comes along. A container without spreads and optional
 * members has its commas among those bytes; in the others each child asks for one while filling in.
 */
#include "json_text.h"
#include "template_program.h"
#include <h2o/string_.h>

#define WHOLE_TEXT UINT32_MAX

typedef struct compiler_t {
    h2o_mem_pool_t *pool;
    sl_json_t json;
    H2O_VECTOR(sl_op_t) ops;
    sl_text_t waiting; /* bytes that are not an operation yet */
    bool is_text;
    const char *error;
    size_t offset;
} compiler_t;

static bool compile_value(compiler_t *compiler, uint32_t value);

static bool fail(compiler_t *compiler, size_t offset, const char *error)
{
    compiler->offset = offset;
    compiler->error = error;
    return false;
}

/* --- the program grows --- */

static void flush(compiler_t *compiler);

static sl_op_t *add_op(compiler_t *compiler, sl_op_kind_t kind)
{
    flush(compiler);
    h2o_vector_reserve(compiler->pool, &compiler->ops, compiler->ops.size + 1);
    sl_op_t *op = &compiler->ops.entries[compiler->ops.size++];
    *op = (sl_op_t){.kind = kind};
    return op;
}

static void flush(compiler_t *compiler)
{
    if (compiler->waiting.size == 0)
        return;
    h2o_iovec_t bytes = h2o_strdup(compiler->pool, compiler->waiting.base, compiler->waiting.size);
    sl_text_clear(&compiler->waiting);
    add_op(compiler, SL_OP_BYTES)->bytes = bytes;
}

static void put(compiler_t *compiler, h2o_iovec_t bytes)
{
    sl_text_append(&compiler->waiting, bytes.base, bytes.len);
}

/* --- strings --- */

/* Where the character at place `at` of a decoded string stands in the template. */
static size_t raw_offset(const compiler_t *compiler, uint32_t string, size_t at)
{
    if (string == WHOLE_TEXT)
        return at;
    h2o_iovec_t inside = sl_json_inside(&compiler->json, string, false);
    const char *raw = inside.base, *end = raw + inside.len;
    char character[4];
    for (size_t seen = 0; seen < at && raw != end;)
        seen += sl_json_next_character(&raw, character);
    return (size_t)(raw - compiler->json.text.base);
}

static h2o_iovec_t decoded(compiler_t *compiler, uint32_t value, bool name)
{
    sl_text_t text = {0};
    sl_json_unescape(&compiler->json, value, name, &text);
    h2o_iovec_t kept = h2o_strdup(compiler->pool, text.base, text.size);
    sl_text_dispose(&text);
    return kept;
}

static bool read_chain(compiler_t *compiler, uint32_t string, h2o_iovec_t text, bool in_braces, sl_chain_t *chain,
                       size_t *at)
{
    const char *error = sl_chain_read(compiler->pool, text, in_braces, chain, at);
    if (error != NULL)
        return fail(compiler, raw_offset(compiler, string, *at), error);
    for (size_t i = 0; i != chain->count; ++i)
        chain->references[i].offset = raw_offset(compiler, string, chain->references[i].offset);
    return true;
}

/* A chain that takes the string up to its end. */
static bool read_whole_chain(compiler_t *compiler, uint32_t string, h2o_iovec_t text, size_t at, sl_chain_t *chain)
{
    if (!read_chain(compiler, string, text, false, chain, &at))
        return false;
    if (at != text.len)
        return fail(compiler, raw_offset(compiler, string, at),
                    "text behind a reference; inside text it is written ${...}");
    return true;
}

/* A string that is one reference: "$" and a name. */
static bool is_reference(h2o_iovec_t text)
{
    return text.len >= 2 && text.base[0] == '$' && text.base[1] != '$' && text.base[1] != '{';
}

static bool has_dollar(h2o_iovec_t text)
{
    return text.len != 0 && memchr(text.base, '$', text.len) != NULL;
}

static void put_piece(compiler_t *compiler, h2o_iovec_t piece)
{
    if (compiler->is_text)
        put(compiler, piece);
    else
        sl_text_json_piece(&compiler->waiting, piece);
}

/* text[*at] is a dollar; leaves behind what it began. */
static bool compile_hole(compiler_t *compiler, uint32_t string, h2o_iovec_t text, size_t *at)
{
    size_t dollar = *at;
    char next = dollar + 1 == text.len ? '\0' : text.base[dollar + 1];
    *at = dollar + 2;
    if (next == '$') {
        put_piece(compiler, SL_LIT("$"));
        return true;
    }
    if (next != '{')
        return fail(compiler, raw_offset(compiler, string, dollar),
                    "in text a reference is written ${...} and a dollar sign $$");
    sl_chain_t chain;
    if (!read_chain(compiler, string, text, true, &chain, at))
        return false;
    if (*at == text.len || text.base[*at] != '}')
        return fail(compiler, raw_offset(compiler, string, *at), "a closing brace is missing behind a reference");
    ++*at;
    add_op(compiler, SL_OP_TEXT)->chain = chain;
    return true;
}

static bool compile_pieces(compiler_t *compiler, uint32_t string, h2o_iovec_t text)
{
    size_t at = 0;
    while (at != text.len) {
        const char *dollar = memchr(text.base + at, '$', text.len - at);
        size_t border = dollar == NULL ? text.len : (size_t)(dollar - text.base);
        put_piece(compiler, sl_bytes(text.base + at, border - at));
        at = border;
        if (dollar != NULL && !compile_hole(compiler, string, text, &at))
            return false;
    }
    return true;
}

static bool compile_string(compiler_t *compiler, uint32_t string)
{
    h2o_iovec_t text = decoded(compiler, string, false);
    if (!has_dollar(text)) {
        put(compiler, sl_json_bytes(&compiler->json, string));
        return true;
    }
    if (is_reference(text)) {
        sl_chain_t chain;
        if (!read_whole_chain(compiler, string, text, 1, &chain))
            return false;
        add_op(compiler, SL_OP_VALUE)->chain = chain;
        return true;
    }
    put(compiler, SL_LIT("\""));
    if (!compile_pieces(compiler, string, text))
        return false;
    put(compiler, SL_LIT("\""));
    return true;
}

/* --- spreads --- */

/* The reference of a spread: `skip` bytes of dots and its dollar in front. */
static bool compile_spread(compiler_t *compiler, uint32_t string, h2o_iovec_t text, size_t skip, sl_json_type_t wanted)
{
    sl_chain_t chain;
    if (!read_whole_chain(compiler, string, text, skip, &chain))
        return false;
    if (chain.fallback != NULL && chain.fallback->values[0].type != wanted &&
        chain.fallback->values[0].type != SL_JSON_NULL)
        return fail(compiler, compiler->json.values[string].begin,
                    wanted == SL_JSON_OBJECT ? "the default of a spread into an object is an object"
                                             : "the default of a spread into an array is an array");
    add_op(compiler, wanted == SL_JSON_OBJECT ? SL_OP_MEMBERS : SL_OP_ELEMENTS)->chain = chain;
    return true;
}

static bool is_element_spread(h2o_iovec_t inside)
{
    return inside.len > 4 && memcmp(inside.base, "...$", 4) == 0;
}

/* What a member's name asks for, by its end. */
typedef enum { PLAIN, OPTIONAL, SPREAD } asks_t;

typedef struct member_t {
    asks_t asks;
    h2o_iovec_t name;    /* still escaped, without marks */
    h2o_iovec_t decoded; /* the same without escapes */
} member_t;

/* "name?" is optional, "name??" is a plain "name?". */
static member_t read_member(compiler_t *compiler, uint32_t child)
{
    h2o_iovec_t name = sl_json_inside(&compiler->json, child, true), plain = decoded(compiler, child, true);
    if (sl_bytes_equal(name, SL_LIT("...")))
        return (member_t){.asks = SPREAD};
    size_t marks = 0;
    while (marks != 2 && marks != name.len && name.base[name.len - 1 - marks] == '?')
        ++marks;
    size_t dropped = marks != 0;
    return (member_t){marks == 1 ? OPTIONAL : PLAIN, sl_bytes(name.base, name.len - dropped),
                      sl_bytes(plain.base, plain.len - dropped)};
}

static bool compile_object_spread(compiler_t *compiler, uint32_t value)
{
    const sl_json_t *json = &compiler->json;
    bool is_list = json->values[value].type == SL_JSON_ARRAY && json->values[value].count != 0;
    for (uint32_t child = is_list ? value + 1 : value; child != 0; child = is_list ? json->values[child].next : 0) {
        h2o_iovec_t text = sl_bytes(NULL, 0);
        if (json->values[child].type == SL_JSON_STRING)
            text = decoded(compiler, child, false);
        if (!is_reference(text))
            return fail(compiler, json->values[child].begin, "a spread takes a reference or a list of them");
        if (!compile_spread(compiler, child, text, 1, SL_JSON_OBJECT))
            return false;
    }
    return true;
}

/* --- containers --- */

typedef struct object_t {
    uint32_t value;
    member_t *members;
    size_t count;
    bool is_dynamic; /* not every member is always there */
} object_t;

static bool read_members(compiler_t *compiler, object_t *object)
{
    const sl_json_value_t *values = compiler->json.values;
    object->members = h2o_mem_alloc_pool(compiler->pool, (object->count + 1) * sizeof(member_t));
    uint32_t child = object->value + 1;
    for (size_t i = 0; i != object->count; ++i, child = values[child].next) {
        member_t member = object->members[i] = read_member(compiler, child);
        object->is_dynamic |= member.asks != PLAIN;
        for (size_t k = 0; k != i; ++k)
            if (object->members[k].asks != SPREAD && member.asks != SPREAD &&
                sl_bytes_equal(object->members[k].decoded, member.decoded))
                return fail(compiler, values[child].name_begin, "this name stands in the object already");
    }
    return true;
}

static bool compile_member(compiler_t *compiler, const object_t *object, size_t i, uint32_t child)
{
    const member_t *member = &object->members[i];
    if (member->asks == SPREAD)
        return compile_object_spread(compiler, child);
    size_t optional = SIZE_MAX;
    /* only what refers can be missing */
    if (member->asks == OPTIONAL && compiler->json.values[child].type == SL_JSON_STRING) {
        add_op(compiler, SL_OP_OPTIONAL);
        optional = compiler->ops.size - 1;
    }
    if (object->is_dynamic)
        add_op(compiler, SL_OP_SEPARATOR);
    else if (i != 0)
        put(compiler, SL_LIT(","));
    put(compiler, SL_LIT("\""));
    put(compiler, member->name);
    put(compiler, SL_LIT("\":"));
    if (!compile_value(compiler, child))
        return false;
    if (optional != SIZE_MAX) {
        flush(compiler);
        compiler->ops.entries[optional].end = compiler->ops.size;
    }
    return true;
}

/* Tells the spreads of an object, which are done by now, what they must leave out. */
static void settle_spreads(compiler_t *compiler, const object_t *object, const size_t *spreads, size_t count)
{
    h2o_iovec_t *taken = h2o_mem_alloc_pool(compiler->pool, (object->count + 1) * sizeof(*taken));
    size_t taken_count = 0;
    for (size_t i = 0; i != object->count; ++i)
        if (object->members[i].asks != SPREAD)
            taken[taken_count++] = object->members[i].decoded;
    for (size_t i = 0; i != count; ++i) {
        sl_op_t *op = &compiler->ops.entries[spreads[i]];
        op->taken = taken;
        op->taken_count = taken_count;
        op->later = i + 1 == count ? 0 : spreads[i + 1];
    }
}

static bool compile_object(compiler_t *compiler, uint32_t value)
{
    const sl_json_t *json = &compiler->json;
    object_t object = {.value = value, .count = json->values[value].count};
    H2O_VECTOR(size_t) spreads = {0};
    if (!read_members(compiler, &object))
        return false;

    put(compiler, SL_LIT("{"));
    uint32_t child = value + 1;
    for (size_t i = 0; i != object.count; ++i, child = json->values[child].next) {
        size_t first = SIZE_MAX;
        if (object.members[i].asks == SPREAD) {
            flush(compiler);
            first = compiler->ops.size;
        }
        if (!compile_member(compiler, &object, i, child))
            return false;
        for (size_t k = first; k < compiler->ops.size; ++k) {
            h2o_vector_reserve(compiler->pool, &spreads, spreads.size + 1);
            spreads.entries[spreads.size++] = k;
        }
    }
    if (spreads.size > SL_SPREADS_MAX)
        return fail(compiler, json->values[value].begin, "an object takes at most 16 spreads");
    if (spreads.size != 0)
        settle_spreads(compiler, &object, spreads.entries, spreads.size);
    put(compiler, SL_LIT("}"));
    return true;
}

static bool has_element_spread(const sl_json_t *json, uint32_t array)
{
    uint32_t child = json->values[array].count == 0 ? 0 : array + 1;
    for (; child != 0; child = json->values[child].next)
        if (json->values[child].type == SL_JSON_STRING && is_element_spread(sl_json_inside(json, child, false)))
            return true;
    return false;
}

static bool compile_element(compiler_t *compiler, uint32_t child, bool is_dynamic, bool is_first)
{
    const sl_json_t *json = &compiler->json;
    if (json->values[child].type == SL_JSON_STRING && is_element_spread(sl_json_inside(json, child, false)))
        return compile_spread(compiler, child, decoded(compiler, child, false), 4, SL_JSON_ARRAY);
    if (is_dynamic)
        add_op(compiler, SL_OP_SEPARATOR);
    else if (!is_first)
        put(compiler, SL_LIT(","));
    return compile_value(compiler, child);
}

static bool compile_array(compiler_t *compiler, uint32_t value)
{
    const sl_json_t *json = &compiler->json;
    bool is_dynamic = has_element_spread(json, value);
    put(compiler, SL_LIT("["));
    uint32_t child = json->values[value].count == 0 ? 0 : value + 1;
    for (bool is_first = true; child != 0; child = json->values[child].next, is_first = false)
        if (!compile_element(compiler, child, is_dynamic, is_first))
            return false;
    put(compiler, SL_LIT("]"));
    return true;
}

/* Recursion ends at the depth that the index allows. */
static bool compile_value(compiler_t *compiler, uint32_t value)
{
    switch (compiler->json.values[value].type) {
    case SL_JSON_STRING:
        return compile_string(compiler, value);
    case SL_JSON_ARRAY:
        return compile_array(compiler, value);
    case SL_JSON_OBJECT:
        return compile_object(compiler, value);
    case SL_JSON_NULL:
    case SL_JSON_FALSE:
    case SL_JSON_TRUE:
    case SL_JSON_NUMBER:
        break;
    }
    put(compiler, sl_json_bytes(&compiler->json, value));
    return true;
}

/* --- entrances --- */

static sl_template_t *finish(compiler_t *compiler, const char **error, size_t *offset)
{
    sl_template_t *made = NULL;
    if (compiler->error == NULL) {
        flush(compiler);
        made = h2o_mem_alloc_pool(compiler->pool, sizeof(*made));
        *made = (sl_template_t){compiler->ops.entries, compiler->ops.size, compiler->is_text};
    }
    *error = compiler->error;
    *offset = compiler->offset;
    sl_text_dispose(&compiler->waiting);
    sl_json_dispose(&compiler->json);
    return made;
}

sl_template_t *sl_template_compile(h2o_mem_pool_t *pool, h2o_iovec_t json, const char **error, size_t *offset)
{
    compiler_t compiler = {.pool = pool};
    compiler.error = sl_json_index(&compiler.json, json, NULL, &compiler.offset);
    if (compiler.error == NULL)
        compile_value(&compiler, 0);
    return finish(&compiler, error, offset);
}

sl_template_t *sl_template_compile_text(h2o_mem_pool_t *pool, h2o_iovec_t given, const char **error, size_t *offset)
{
    compiler_t compiler = {.pool = pool, .is_text = true};
    h2o_iovec_t text = h2o_strdup(pool, given.len == 0 ? "" : given.base, given.len);
    if (is_reference(text)) {
        sl_chain_t chain;
        if (read_whole_chain(&compiler, WHOLE_TEXT, text, 1, &chain))
            add_op(&compiler, SL_OP_TEXT)->chain = chain;
    } else {
        compile_pieces(&compiler, WHOLE_TEXT, text);
    }
    return finish(&compiler, error, offset);
}
