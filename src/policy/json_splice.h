/* json_splice: changes to a document, collected while it is read and then done in one copy. */
#ifndef SLUICE_POLICY_JSON_SPLICE_H
#define SLUICE_POLICY_JSON_SPLICE_H

#include "sluice/json.h"

/* The bytes [begin, end) give way to `len` bytes of `made`. */
typedef struct sl_splice_t {
    uint32_t begin, end;
    size_t from, len;
} sl_splice_t;

typedef struct sl_splices_t {
    sl_splice_t *list;
    size_t count, capacity;
    sl_text_t made;
    size_t bytes_max;
    bool is_full; /* what was asked for is more than bytes_max: all of `made` would stand in the result */
} sl_splices_t;

/* Changes may be added in any order; none may overlap another. */
void sl_splices_add(sl_splices_t *splices, uint32_t begin, uint32_t end, h2o_iovec_t bytes);
/* The same with bytes that the caller appended to `made` since it was `from` long. */
void sl_splices_add_made(sl_splices_t *splices, uint32_t begin, uint32_t end, size_t from);
/* Takes children out of a container, each with the comma that is one too many. */
typedef bool (*sl_json_is_doomed_t)(void *data, uint32_t child);
void sl_splices_remove_children(sl_splices_t *splices, const sl_json_t *json, uint32_t container,
                                sl_json_is_doomed_t is_doomed, void *data);
/* Puts one child behind the others, with a comma when there are any. */
void sl_splices_append_child(sl_splices_t *splices, const sl_json_t *json, uint32_t container, h2o_iovec_t child);

/* Appends the changed text; false when it is larger than bytes_max. */
bool sl_splices_apply(sl_splices_t *splices, h2o_iovec_t text, sl_text_t *out);
void sl_splices_clear(sl_splices_t *splices);
void sl_splices_dispose(sl_splices_t *splices);

#endif
