/* json_names: the names of an object's members as a set, so that two objects from outside can be compared without the
 * square of their sizes. */
#ifndef SLUICE_POLICY_JSON_NAMES_H
#define SLUICE_POLICY_JSON_NAMES_H

#include "sluice/json.h"

typedef struct sl_json_names_t {
    h2o_iovec_t *names; /* still escaped, sorted by what they stand for; points into the document */
    size_t count;
} sl_json_names_t;

/* Of an object; `without` is a child to be left out, 0 none. Heap: dispose. */
void sl_json_names_init(sl_json_names_t *names, const sl_json_t *json, uint32_t object, uint32_t without);
void sl_json_names_dispose(sl_json_names_t *names);
/* `inside`: a name between its quotes, still escaped. */
bool sl_json_names_have(const sl_json_names_t *names, h2o_iovec_t inside);

#endif
