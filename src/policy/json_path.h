/* json_path: the steps of a compiled path, for what walks documents in this room (templates, edits). */
#ifndef SLUICE_POLICY_JSON_PATH_H
#define SLUICE_POLICY_JSON_PATH_H

#include "sluice/json.h"

typedef enum { SL_STEP_NAME, SL_STEP_INDEX, SL_STEP_EVERY } sl_json_step_kind_t;

typedef struct sl_json_step_t {
    sl_json_step_kind_t kind;
    h2o_iovec_t name; /* decoded */
    int64_t index;    /* negative: from the end */
} sl_json_step_t;

struct sl_json_path_t {
    sl_json_step_t *steps;
    size_t count, every_count;
};

/* Reads a path as far as it goes, and tells in *used where that is: templates have other things behind. `is_behind`
 * says that something stands in front, so that the first name needs its dot. */
sl_json_path_t *sl_json_path_read(h2o_mem_pool_t *pool, h2o_iovec_t text, bool is_behind, bool allow_every,
                                  size_t *used, const char **error, size_t *offset);
/* The value one step further; -1 when there is none. Not for [*]. */
int64_t sl_json_step(const sl_json_t *json, uint32_t value, const sl_json_step_t *step);
/* From a value that is not the document. */
int64_t sl_json_path_find_from(const sl_json_t *json, uint32_t value, const sl_json_path_t *path);
/* Can this stand in a name without quotes? */
bool sl_json_is_name_byte(char c);

#endif
