/*
 * json_path: "results[0].id" compiled into steps, and walked.
 *
 *   name          any bytes but  . [ ] { } ' " ? * and blanks; anything else in ['...'] with \' and \\ inside
 *   [3] [-1]      an element, from the front or from the end
 *   [*]           every element
 */
#include "json_path.h"
#include <h2o/string_.h>

#define STEPS_MAX 64
#define INDEX_DIGITS_MAX 9

typedef struct reader_t {
    h2o_mem_pool_t *pool;
    const char *base, *at, *end;
    bool allow_every;
    const char *error;
    sl_json_step_t steps[STEPS_MAX];
    size_t count, every_count;
} reader_t;

bool sl_json_is_name_byte(char c)
{
    return (unsigned char)c > ' ' && c != 0x7f && strchr(".[]{}'\"?*", c) == NULL;
}

static bool fail(reader_t *reader, const char *at, const char *error)
{
    reader->at = at;
    reader->error = error;
    return false;
}

static bool add_step(reader_t *reader, sl_json_step_t step)
{
    if (reader->count == STEPS_MAX)
        return fail(reader, reader->at, "a path has at most 64 steps");
    reader->steps[reader->count++] = step;
    return true;
}

static bool read_bare_name(reader_t *reader)
{
    const char *start = reader->at;
    while (reader->at != reader->end && sl_json_is_name_byte(*reader->at))
        ++reader->at;
    if (reader->at == start)
        return fail(reader, start, "a name is missing in a path");
    h2o_iovec_t name = h2o_strdup(reader->pool, start, (size_t)(reader->at - start));
    return add_step(reader, (sl_json_step_t){.kind = SL_STEP_NAME, .name = name});
}

/* Behind "['"; leaves at the closing bracket. */
static bool read_quoted_name(reader_t *reader)
{
    const char *at = reader->at;
    char *name = h2o_mem_alloc_pool(reader->pool, (size_t)(reader->end - at) + 1), *to = name;
    while (at != reader->end && *at != '\'') {
        if (*at == '\\' && reader->end - at > 1)
            ++at;
        *to++ = *at++;
    }
    if (at == reader->end)
        return fail(reader, at, "a quoted name does not end");
    reader->at = at + 1;
    return add_step(reader, (sl_json_step_t){.kind = SL_STEP_NAME, .name = sl_bytes(name, (size_t)(to - name))});
}

static bool read_index(reader_t *reader)
{
    const char *at = reader->at;
    bool is_negative = at != reader->end && *at == '-';
    if (is_negative)
        ++at;
    int64_t index = 0;
    size_t digits = 0;
    for (; at != reader->end && *at >= '0' && *at <= '9' && digits <= INDEX_DIGITS_MAX; ++at, ++digits)
        index = index * 10 + (*at - '0');
    if (digits == 0 || digits > INDEX_DIGITS_MAX)
        return fail(reader, reader->at, "brackets hold a number, a quoted name or *");
    reader->at = at;
    return add_step(reader, (sl_json_step_t){.kind = SL_STEP_INDEX, .index = is_negative ? -index : index});
}

static bool read_every(reader_t *reader)
{
    if (!reader->allow_every)
        return fail(reader, reader->at, "[*] stands for many values; one is wanted here");
    ++reader->at;
    ++reader->every_count;
    return add_step(reader, (sl_json_step_t){.kind = SL_STEP_EVERY});
}

/* Behind the opening bracket. */
static bool read_bracket(reader_t *reader)
{
    bool is_well;
    if (reader->at != reader->end && *reader->at == '\'') {
        ++reader->at;
        is_well = read_quoted_name(reader);
    } else if (reader->at != reader->end && *reader->at == '*') {
        is_well = read_every(reader);
    } else {
        is_well = read_index(reader);
    }
    if (!is_well)
        return false;
    if (reader->at == reader->end || *reader->at != ']')
        return fail(reader, reader->at, "a closing bracket is missing in a path");
    ++reader->at;
    return true;
}

static bool read_steps(reader_t *reader, bool is_behind)
{
    if (!is_behind && reader->at != reader->end && sl_json_is_name_byte(*reader->at) && !read_bare_name(reader))
        return false;
    while (reader->at != reader->end) {
        char c = *reader->at;
        if (c == '[') {
            ++reader->at;
            if (!read_bracket(reader))
                return false;
        } else if (c == '.' && (is_behind || reader->count != 0)) {
            ++reader->at;
            if (!read_bare_name(reader))
                return false;
        } else {
            break;
        }
    }
    return true;
}

sl_json_path_t *sl_json_path_read(h2o_mem_pool_t *pool, h2o_iovec_t text, bool is_behind, bool allow_every,
                                  size_t *used, const char **error, size_t *offset)
{
    reader_t reader = {.pool = pool, .base = text.base, .at = text.base, .allow_every = allow_every};
    reader.end = text.len == 0 ? text.base : text.base + text.len;
    if (!read_steps(&reader, is_behind)) {
        *error = reader.error;
        *offset = (size_t)(reader.at - reader.base);
        return NULL;
    }
    sl_json_path_t *path = h2o_mem_alloc_pool(pool, sizeof(*path));
    size_t bytes = reader.count * sizeof(*path->steps);
    *path = (sl_json_path_t){
        .steps = h2o_mem_alloc_pool(pool, bytes + 1), .count = reader.count, .every_count = reader.every_count};
    memcpy(path->steps, reader.steps, bytes);
    *used = (size_t)(reader.at - reader.base);
    return path;
}

sl_json_path_t *sl_json_path_compile(h2o_mem_pool_t *pool, h2o_iovec_t text, bool allow_every, const char **error,
                                     size_t *offset)
{
    size_t used;
    sl_json_path_t *path = sl_json_path_read(pool, text, false, allow_every, &used, error, offset);
    if (path != NULL && used != text.len) {
        *error = "not part of a path";
        *offset = used;
        return NULL;
    }
    return path;
}

size_t sl_json_path_every_count(const sl_json_path_t *path)
{
    return path->every_count;
}

h2o_iovec_t sl_json_path_name(const sl_json_path_t *path)
{
    if (path == NULL || path->count != 1 || path->steps[0].kind != SL_STEP_NAME)
        return sl_bytes(NULL, 0);
    return path->steps[0].name;
}

int64_t sl_json_step(const sl_json_t *json, uint32_t value, const sl_json_step_t *step)
{
    switch (step->kind) {
    case SL_STEP_NAME:
        return sl_json_member(json, value, step->name);
    case SL_STEP_INDEX:
        return sl_json_element(json, value, step->index);
    case SL_STEP_EVERY:
        break;
    }
    return -1;
}

int64_t sl_json_path_find_from(const sl_json_t *json, uint32_t value, const sl_json_path_t *path)
{
    int64_t found = value;
    for (size_t i = 0; i != path->count && found >= 0; ++i)
        found = sl_json_step(json, (uint32_t)found, &path->steps[i]);
    return found;
}

int64_t sl_json_path_find(const sl_json_t *json, const sl_json_path_t *path)
{
    return sl_json_path_find_from(json, 0, path);
}
