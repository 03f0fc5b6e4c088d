/*
 * media: media types, what a client accepts (RFC 9110 §12.5.1), and the conversions between JSON, MessagePack and
 * forms. Pure.
 */
#ifndef SLUICE_MEDIA_H
#define SLUICE_MEDIA_H

#include "sluice/json.h"

typedef enum { SL_MEDIA_OTHER, SL_MEDIA_JSON, SL_MEDIA_MSGPACK, SL_MEDIA_FORM } sl_media_t;

/* Of a Content-Type value: application/json and +json; application/msgpack, application/vnd.msgpack,
 * application/x-msgpack, +msgpack; application/x-www-form-urlencoded. */
sl_media_t sl_media_of(h2o_iovec_t content_type);
/* charset parameter, len 0 when there is none; JSON is UTF-8 whatever it says, anything else is refused by the caller.
 */
h2o_iovec_t sl_media_charset(h2o_iovec_t content_type);

/* Index of the best offer by q-value, then by specificity, then by order; -1 when none is acceptable (406). An absent
 * Accept (base NULL) accepts all. */
int sl_media_negotiate(h2o_iovec_t accept, const h2o_iovec_t *offers, size_t count);
/* The value of parameter `name` of a media range in Accept ("application/json;version=2"), or the "v2" of
 * "application/vnd.acme.v2+json": that of the greatest weight, of several the first; q=0 is none. len 0: none. */
h2o_iovec_t sl_media_version(h2o_iovec_t accept, h2o_iovec_t parameter);

typedef struct sl_media_limits_t {
    size_t depth, values, bytes_max;
} sl_media_limits_t;

/* Conversions append to `out`. NULL for well, else what is wrong with the input (static text), *offset where; `out` is
 * then as before. JSON numbers become the shortest MessagePack form that keeps them exactly: int64/uint64, else float64
 * when the decimal text is what that double prints back shortest, else a string is NOT made: "a number that MessagePack
 * cannot hold" is an error. MessagePack -> JSON: bin as base64 string, ext as {"type":n,"data":"base64"}, timestamps
 * (ext -1) as RFC 3339 text, NaN and infinities are errors, map keys must be strings. Lying lengths, trailing bytes,
 * depth: errors, never an allocation by a length that the input cannot fill. */
const char *sl_json_to_msgpack(h2o_iovec_t json, const sl_media_limits_t *limits, sl_text_t *out, size_t *offset);
const char *sl_msgpack_to_json(h2o_iovec_t msgpack, const sl_media_limits_t *limits, sl_text_t *out, size_t *offset);
/* a=1&b=x&b=y -> {"a":"1","b":["x","y"]}; all values are strings, repeated names become arrays in order, order of first
 * appearance is kept. Invalid UTF-8 or escapes: an error. */
const char *sl_form_to_json(h2o_iovec_t form, const sl_media_limits_t *limits, sl_text_t *out, size_t *offset);

#endif
