/* json_text: what stands between the quotes of a JSON string, for the rest of this room. */
#ifndef SLUICE_POLICY_JSON_TEXT_H
#define SLUICE_POLICY_JSON_TEXT_H

#include "sluice/json.h"

/* The bytes between the quotes of a string value or, with `name`, of a member's name: still escaped. */
h2o_iovec_t sl_json_inside(const sl_json_t *json, uint32_t value, bool name);
/* The next character of such bytes as UTF-8; returns its length (1 to 4) and moves `at` on. Only for bytes that were
 * indexed: escapes are taken to be well-formed. */
size_t sl_json_next_character(const char **at, char character[4]);
/* Appends such bytes without escapes. */
void sl_json_decode(h2o_iovec_t inside, sl_text_t *out);
/* Are such bytes, decoded, this name? */
bool sl_json_is_name(h2o_iovec_t inside, h2o_iovec_t name);
/* Where the bytes of a container's children begin and end, names included; {begin, begin} when it has none. */
typedef struct sl_json_span_t {
    uint32_t begin, end;
} sl_json_span_t;
sl_json_span_t sl_json_children_span(const sl_json_t *json, uint32_t container);
/* Where a child begins: at its name when it has one. */
uint32_t sl_json_child_begin(const sl_json_value_t *child);

#endif
