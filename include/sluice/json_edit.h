/*
 * json_edit: changing a document without touching what is not meant. Pure. The result is spliced from the bytes that
 * came: numbers, order, escapes and blanks of everything else survive.
 *
 * Operations, done in the order of the list, each on the result of those before:
 *   rename  path, name      the member at path gets another name and stays where it is; one that had this name goes
 *   move    path, to        the value goes to another path, as if it were set there; what stands in the way stays, and
 *                           then so does the value
 *   remove  path            member or element away
 *   set     path, value     value (JSON or a template) put there, whatever was there
 *   default path, value     the same, only when absent or null
 *   wrap    path, name      value becomes {"name": value}; path "" wraps the document
 *   unwrap  path            the document (or the value at `to`) becomes the value at path
 *   keep    paths           of the object (or array) at `path` (NULL: the document) only what these paths, which begin
 *                           there, lead to stays (select)
 *   flatten path            members of the object at path go up into its parent, where it stood; a name that is there
 *                           already stays (collisions are told by `sluice check` where it can know)
 *   limit   path, count     the array at path keeps its first `count` elements
 *
 * Paths may hold [*]: the operation is done for every element (map over arrays). A path that leads nowhere is no error:
 * nothing is done. Where something is put, missing objects (and nulls) on the way are made, and the element behind the
 * last one of an array. `path` and `to` go from an element to the same element: see sl_json_paths_pair. Of a name that
 * an object has several times, rename, move and remove mean all, the others the last one.
 */
#ifndef SLUICE_JSON_EDIT_H
#define SLUICE_JSON_EDIT_H

#include "sluice/template.h"

typedef enum {
    SL_EDIT_RENAME,
    SL_EDIT_MOVE,
    SL_EDIT_REMOVE,
    SL_EDIT_SET,
    SL_EDIT_DEFAULT,
    SL_EDIT_WRAP,
    SL_EDIT_UNWRAP,
    SL_EDIT_KEEP,
    SL_EDIT_FLATTEN,
    SL_EDIT_LIMIT
} sl_edit_kind_t;

typedef struct sl_edit_t {
    sl_edit_kind_t kind;
    sl_json_path_t *path, *to;
    h2o_iovec_t name;
    sl_template_t *value;
    sl_json_path_t **paths; /* keep */
    size_t path_count;
    uint64_t count; /* limit */
} sl_edit_t;

/* Can a value go from one to the other: do both have the same steps up to their last [*], and as many of them? An edit
 * whose paths cannot does nothing. */
bool sl_json_paths_pair(const sl_json_path_t *path, const sl_json_path_t *to);

/* Applies all to `text` and appends the result. NULL for well; else what is wrong with `text` (not JSON, too deep ...),
 * *offset where; `out` is then as before. `bytes_max` bounds every intermediate result ("the result is too large").
 * `resolve` serves templates in values; may be NULL when there are none. */
const char *sl_json_edit(h2o_iovec_t text, const sl_edit_t *edits, size_t count, const sl_json_limits_t *limits,
                         size_t bytes_max, sl_template_resolve_t resolve, void *data, sl_text_t *out, size_t *offset);

/* The sources that are needed of a template (`written`, the JSON that it is compiled from) when what it makes is then
 * edited: not those of what the first edits, as far as they only remove and keep, take away again; and those that the
 * edits' values refer to. At most `room`, each once, in the pool. */
size_t sl_edits_sources(h2o_mem_pool_t *pool, h2o_iovec_t written, const sl_edit_t *edits, size_t count,
                        h2o_iovec_t *names, size_t room);

#endif
