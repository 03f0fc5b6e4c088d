/*
 * flow: lets references stand unquoted inside {} and [].
 *
 * YAML ends a bare value there at the next bracket, so `{items: $search.body.items[0] ?? []}` or `{get: /users/${id}}`
 * would be refused, and nobody wants to quote every reference. Before libyaml sees the text, the characters that would
 * end such a value are exchanged for private ones of Unicode, one for one, so that lines and columns stay as they were;
 * whatever comes out of libyaml is changed back.
 */
#ifndef SLUICE_CONFIG_FLOW_H
#define SLUICE_CONFIG_FLOW_H

#include "sluice/bytes.h"

/* Appends the text with the brackets of references put out of sight. False: the text uses the private characters
 * itself, so it is left as it is and nothing is to be shown again. */
bool sl_flow_hide(h2o_iovec_t yaml, sl_text_t *out);
/* Changes them back, in place; returns the length. */
size_t sl_flow_show(char *bytes, size_t len);

#endif
