/*
 * template_reference: "request.headers.X-Tenant ?? $caller.owner ?? \"nobody\"" read into a chain.
 *
 * What can stand behind each source is a table, so that a misspelt "$request.bdoy" is told when the configuration is
 * read and not by an empty field in production. A source that the table does not name is a call.
 */
#include "json_path.h"
#include "template_program.h"

#define CHAIN_MAX 16
#define SHOWN_BYTES_MAX 60 /* of what was written, in an error */

typedef enum { REST_NONE, REST_NAME, REST_ANY } rest_t;

static const struct {
    const char *source; /* NULL: any call */
    const char *first;  /* NULL: nothing, the path begins at once */
    rest_t rest;
} parts[] = {
    {"request", "method", REST_NONE}, {"request", "id", REST_NONE},      {"request", "path", REST_NAME},
    {"request", "query", REST_NAME},  {"request", "headers", REST_NAME}, {"request", "body", REST_ANY},
    {"caller", "owner", REST_NONE},   {"caller", "name", REST_NONE},     {"item", NULL, REST_ANY},
    {"index", NULL, REST_NONE},       {NULL, "status", REST_NONE},       {NULL, "headers", REST_NAME},
    {NULL, "body", REST_ANY},
};
#define PART_COUNT (sizeof(parts) / sizeof(parts[0]))

typedef struct reader_t {
    h2o_mem_pool_t *pool;
    h2o_iovec_t text;
    size_t at;
    bool in_braces;
    const char *error;
} reader_t;

static bool fail(reader_t *reader, size_t at, const char *error)
{
    reader->at = at;
    reader->error = error;
    return false;
}

static bool is_letter(char c)
{
    char lower = (char)(c | 0x20);
    return (lower >= 'a' && lower <= 'z') || c == '_';
}

static h2o_iovec_t read_word(reader_t *reader)
{
    size_t start = reader->at;
    h2o_iovec_t text = reader->text;
    if (reader->at != text.len && is_letter(text.base[reader->at]))
        while (reader->at != text.len && (is_letter(text.base[reader->at]) || text.base[reader->at] == '-' ||
                                          (text.base[reader->at] >= '0' && text.base[reader->at] <= '9')))
            ++reader->at;
    return sl_bytes(text.base + start, reader->at - start);
}

static void skip_blanks(reader_t *reader)
{
    while (reader->at != reader->text.len && strchr(" \t\r\n", reader->text.base[reader->at]) != NULL &&
           reader->text.base[reader->at] != '\0')
        ++reader->at;
}

static bool is_named_source(h2o_iovec_t source)
{
    for (size_t i = 0; i != PART_COUNT; ++i)
        if (parts[i].source != NULL && sl_bytes_equal(source, sl_bytes_of(parts[i].source)))
            return true;
    return false;
}

/* The row for what is written; PART_COUNT when there is none. */
static size_t find_part(h2o_iovec_t source, bool is_named, h2o_iovec_t first)
{
    for (size_t i = 0; i != PART_COUNT; ++i) {
        bool is_source = is_named ? parts[i].source != NULL && sl_bytes_equal(source, sl_bytes_of(parts[i].source))
                                  : parts[i].source == NULL;
        if (is_source && (parts[i].first == NULL || sl_bytes_equal(first, sl_bytes_of(parts[i].first))))
            return i;
    }
    return PART_COUNT;
}

/* "..., not 'x'", in the reader's pool; long ones are cut, never inside a character. */
static const char *keep_error(reader_t *reader, sl_text_t *text, h2o_iovec_t written)
{
    size_t len = written.len < SHOWN_BYTES_MAX ? written.len : SHOWN_BYTES_MAX;
    while (len != written.len && len != 0 && ((unsigned char)written.base[len] & 0xc0) == 0x80)
        --len;
    if (len != 0)
        sl_text_format(text, ", not '%.*s'", (int)len, written.base);
    char *kept = h2o_mem_alloc_pool(reader->pool, text->size + 1);
    memcpy(kept, text->base, text->size + 1);
    sl_text_dispose(text);
    return kept;
}

/* "request has method, id, ..., not 'bdoy'" */
static const char *tell_parts(reader_t *reader, h2o_iovec_t source, bool is_named, h2o_iovec_t written)
{
    sl_text_t text = {0};
    const char *glue = " has ";
    if (is_named)
        sl_text_append(&text, source.base, source.len);
    else
        sl_text_put(&text, "the answer of a call");
    for (size_t i = 0; i != PART_COUNT; ++i)
        if (parts[i].first != NULL && (parts[i].source != NULL) == is_named &&
            (!is_named || sl_bytes_equal(source, sl_bytes_of(parts[i].source)))) {
            sl_text_put(&text, glue);
            sl_text_put(&text, parts[i].first);
            glue = ", ";
        }
    return keep_error(reader, &text, written);
}

static bool read_rest(reader_t *reader, rest_t allowed, sl_reference_t *reference)
{
    size_t start = reader->at, used, offset;
    const char *error;
    h2o_iovec_t text = sl_bytes(reader->text.base + start, reader->text.len - start);
    sl_json_path_t *path = sl_json_path_read(reader->pool, text, true, false, &used, &error, &offset);
    if (path == NULL)
        return fail(reader, start + offset, error);
    if (allowed == REST_NONE && path->count != 0)
        return fail(reader, start, "nothing stands behind this");
    if (allowed == REST_NAME && sl_json_path_name(path).len == 0)
        return fail(reader, start, "exactly one name belongs behind this");
    reference->rest = path->count == 0 ? NULL : path;
    reader->at = start + used;
    return true;
}

static bool read_reference(reader_t *reader, sl_reference_t *reference)
{
    size_t start = reader->at;
    *reference = (sl_reference_t){.source = read_word(reader), .offset = start};
    if (reference->source.len == 0)
        return fail(reader, start, "a reference begins with a name; a dollar sign is written $$");

    bool is_named = is_named_source(reference->source);
    size_t part = find_part(reference->source, is_named, sl_bytes(NULL, 0));
    if (part == PART_COUNT) {
        if (reader->at != reader->text.len && reader->text.base[reader->at] == '.')
            ++reader->at;
        size_t place = reader->at;
        reference->first = read_word(reader);
        part = find_part(reference->source, is_named, reference->first);
        if (part == PART_COUNT)
            return fail(reader, place, tell_parts(reader, reference->source, is_named, reference->first));
    }
    return read_rest(reader, parts[part].rest, reference);
}

/* Where a default inside braces ends: at the '}' that closes nothing of its own. */
static size_t default_end(const reader_t *reader)
{
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = reader->at; i != reader->text.len; ++i) {
        char c = reader->text.base[i];
        if (in_string && c == '\\' && i + 1 != reader->text.len)
            ++i;
        else if (c == '"')
            in_string = !in_string;
        else if (in_string)
            continue;
        else if (c == '{' || c == '[')
            ++depth;
        else if (c == '}' && depth == 0)
            return i;
        else if ((c == '}' || c == ']') && depth != 0)
            --depth;
    }
    return reader->text.len;
}

/* The values of an index, moved to the pool: a default lives as long as its template. */
static sl_json_t *keep(h2o_mem_pool_t *pool, sl_json_t *json)
{
    sl_json_t *kept = h2o_mem_alloc_pool(pool, sizeof(*kept));
    size_t bytes = json->count * sizeof(*json->values);
    *kept = (sl_json_t){.text = json->text, .values = h2o_mem_alloc_pool(pool, bytes), .count = json->count};
    memcpy(kept->values, json->values, bytes);
    return kept;
}

static bool read_default(reader_t *reader, sl_chain_t *chain)
{
    size_t start = reader->at, end = reader->in_braces ? default_end(reader) : reader->text.len, offset;
    sl_json_t json = {0};
    h2o_iovec_t written = sl_bytes(reader->text.base + start, end - start);
    const char *error = sl_json_index(&json, written, NULL, &offset);
    if (error == NULL)
        chain->fallback = keep(reader->pool, &json);
    sl_json_dispose(&json);
    if (error != NULL) {
        sl_text_t text = {0};
        sl_text_put(&text, "a default is JSON or another reference");
        return fail(reader, start + offset, keep_error(reader, &text, sl_bytes_trim(written)));
    }
    reader->at = end;
    return true;
}

static bool starts_default(const reader_t *reader)
{
    return reader->text.len - reader->at >= 2 && memcmp(reader->text.base + reader->at, "??", 2) == 0;
}

static bool read_chain(reader_t *reader, sl_chain_t *chain)
{
    sl_reference_t references[CHAIN_MAX];
    for (;;) {
        if (!read_reference(reader, &references[chain->count]))
            return false;
        ++chain->count;
        skip_blanks(reader);
        if (!starts_default(reader))
            break;
        reader->at += 2;
        skip_blanks(reader);
        if (reader->at == reader->text.len || reader->text.base[reader->at] != '$') {
            if (!read_default(reader, chain))
                return false;
            break;
        }
        if (chain->count == CHAIN_MAX)
            return fail(reader, reader->at, "a chain has at most 16 references");
        ++reader->at;
    }
    size_t bytes = chain->count * sizeof(references[0]);
    chain->references = h2o_mem_alloc_pool(reader->pool, bytes);
    memcpy(chain->references, references, bytes);
    return true;
}

const char *sl_chain_read(h2o_mem_pool_t *pool, h2o_iovec_t text, bool in_braces, sl_chain_t *chain, size_t *at)
{
    reader_t reader = {.pool = pool, .text = text, .at = *at, .in_braces = in_braces};
    *chain = (sl_chain_t){0};
    read_chain(&reader, chain);
    *at = reader.at;
    return reader.error;
}
