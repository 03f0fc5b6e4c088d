/*
 * json: a document as an index over its own bytes (RFC 8259, I-JSON where it is stricter is not asked for). Nothing is
 * decoded that is not asked for, so a value that is taken from one document into another keeps the bytes that came:
 * 64-bit numbers, 0.10, 1e400, escapes, key order, blanks inside. Pure.
 *
 * Refused: anything that is not one JSON text, bytes behind it, a byte order mark, invalid UTF-8, control characters in
 * strings, lone surrogates in escapes, NaN and Infinity, more depth or more values than allowed. Duplicate names are
 * kept; a path finds the last one (what most parsers do).
 */
#ifndef SLUICE_JSON_H
#define SLUICE_JSON_H

#include "sluice/bytes.h"
#include <stdint.h>

typedef enum {
    SL_JSON_NULL,
    SL_JSON_FALSE,
    SL_JSON_TRUE,
    SL_JSON_NUMBER,
    SL_JSON_STRING,
    SL_JSON_ARRAY,
    SL_JSON_OBJECT
} sl_json_type_t;

typedef struct sl_json_value_t {
    uint32_t begin, end;           /* its bytes in the text, quotes and brackets included */
    uint32_t name_begin, name_end; /* of a member: its name with quotes; 0, 0 otherwise */
    uint32_t next;                 /* the next sibling's index; 0: none. The first child of i is i + 1 when count > 0 */
    uint32_t count;                /* children */
    sl_json_type_t type;
} sl_json_value_t;

typedef struct sl_json_t {
    h2o_iovec_t text;        /* borrowed */
    sl_json_value_t *values; /* [0] is the document; heap, sl_json_dispose */
    size_t count, capacity;
} sl_json_t;

typedef struct sl_json_limits_t {
    size_t depth;  /* 64 */
    size_t values; /* 1,000,000 */
} sl_json_limits_t;

/* NULL for well; else what is wrong (static text) with its place in *offset, and the index is empty. All zero `json` is
 * a valid start; it may be used again. `limits` NULL: the figures above. */
const char *sl_json_index(sl_json_t *json, h2o_iovec_t text, const sl_json_limits_t *limits, size_t *offset);
void sl_json_dispose(sl_json_t *json);
/* What it says of documents beyond the limits: these very texts, to be told from the others. */
extern const char sl_json_too_deep[], sl_json_too_many[];

/* The bytes of value i. */
h2o_iovec_t sl_json_bytes(const sl_json_t *json, uint32_t value);
/* A string value (or a member's name with `name`) without escapes, appended to `out` (UTF-8). */
void sl_json_unescape(const sl_json_t *json, uint32_t value, bool name, sl_text_t *out);
/* Member of an object by its decoded name; -1 when absent or not an object. The last one when there are several. */
int64_t sl_json_member(const sl_json_t *json, uint32_t object, h2o_iovec_t name);
/* Element of an array; negative counts from the end; -1 when absent. */
int64_t sl_json_element(const sl_json_t *json, uint32_t array, int64_t index);

/*
 * Paths: "results[0].id", "a.b[*].c", "['odd name'].x", "" (the whole). Compiled once from the configuration; [*] only
 * where several values are allowed (transformations).
 */
typedef struct sl_json_path_t sl_json_path_t;
/* NULL with *error (static text) and *offset. Memory from the pool. */
sl_json_path_t *sl_json_path_compile(h2o_mem_pool_t *pool, h2o_iovec_t text, bool allow_every, const char **error,
                                     size_t *offset);
/* One value, -1 when there is none (and for paths with [*]). */
int64_t sl_json_path_find(const sl_json_t *json, const sl_json_path_t *path);
/* How many [*] it has. */
size_t sl_json_path_every_count(const sl_json_path_t *path);
/* The name when the path is one name and nothing else; len 0 otherwise, and for NULL. */
h2o_iovec_t sl_json_path_name(const sl_json_path_t *path);

#endif
