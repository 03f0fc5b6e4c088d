/* secret: what must not be repeated where people read along (dumps, explanations, tickets): the values of fields,
 * parameters and members whose names say that they carry credentials. Pure. */
#ifndef SLUICE_SECRET_H
#define SLUICE_SECRET_H

#include "sluice/bytes.h"

/* In place of a secret: that there is one may be known. */
#define SL_SECRET_MASK "********"

/* By the last word of its name, case folded; `key_name` is what the configuration calls the key, NULL: not known. */
bool sl_is_secret_name(h2o_iovec_t name, const char *key_name);
/* Is a template's text one reference and nothing else, no default either? It says where a value comes from, and not
 * which. */
bool sl_is_bare_reference(h2o_iovec_t text);

/* Appends a JSON document without the strings and numbers that stand under such a name, or under `value` of an edit
 * ({set: a.token, value: ...}); bare references stay. What is no JSON is appended as it is. */
void sl_mask_json(h2o_iovec_t json, const char *key_name, sl_text_t *out);
/* Appends a query (no question mark) without the values of such parameters. */
void sl_mask_query(h2o_iovec_t query, const char *key_name, sl_text_t *out);

#endif
