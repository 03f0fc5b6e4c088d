/* What the files that change a request and its answer share. */
#ifndef SLUICE_REQUEST_TRANSFORM_H
#define SLUICE_REQUEST_TRANSFORM_H

#include "request.h"
#include "sluice/answer.h"
#include "sluice/media.h"

/* --- transform_request.c --- */

/* Is a request body of this kind changed? */
bool sl_must_change_request(const sl_transform_t *transform, sl_media_t media);
/* Why a request body is in no form that is read; NULL: it is, or nothing of it is read. */
const char *sl_request_coding_problem(const sl_exchange_t *exchange, sl_media_t media);
/* Fills exchange->changed.body and its type. NULL for well; else what is wrong with the body (static text), *offset
 * where. */
const char *sl_change_request(sl_exchange_t *exchange, sl_media_t media, size_t *offset);

/* --- transform_query.c --- */

/* Fills exchange->changed.query, when the transformation has something to do there. */
void sl_transform_query(sl_exchange_t *exchange);

/* --- transform_body.c --- */

/* From one form to another, with operations on the JSON in between. */
typedef struct sl_body_change_t {
    sl_exchange_t *exchange;
    sl_media_t from, to;
    const sl_edit_t *edits;
    size_t edit_count;
    bool is_request; /* then $request.body is this very body, as JSON, before the operations */
} sl_body_change_t;

/* Appends the result. NULL for well; else what is wrong with the body (static text), *offset where. */
const char *sl_change_body(const sl_body_change_t *change, h2o_iovec_t body, sl_text_t *out, size_t *offset);
/* Is this what was wrong: that more would have to be held than is allowed? */
bool sl_change_was_too_large(const char *error);
/* Is there a charset parameter that names anything but UTF-8 and its subset ASCII? */
bool sl_has_other_charset(h2o_iovec_t content_type);
/* A Content-Encoding that names one. */
bool sl_is_coded(h2o_iovec_t content_encoding);

/* --- transform_answer.c --- */

/* Are answers changed by this transformation (NULL: none)? Then the service must send them whole and uncoded. */
bool sl_changes_answers(const sl_transform_t *transform);
/* Does the client prefer MessagePack, and may it have it? */
bool sl_wants_msgpack(const sl_exchange_t *exchange);

/* What is done to the service's answer. */
typedef struct sl_answer_change_t {
    sl_media_t from, to;
    h2o_iovec_t content_type; /* of the result */
    sl_answer_id_t refusal;   /* with SL_FATE_REFUSED: what the client gets instead */
} sl_answer_change_t;

typedef enum {
    SL_FATE_PASSES,
    SL_FATE_HELD,   /* gather the whole, then sl_answer_apply */
    SL_FATE_REFUSED /* the service's answer is of no use */
} sl_answer_fate_t;

/* The head stands in exchange->req->res; it is made right for HEAD and 304, which have no body to look at. */
sl_answer_fate_t sl_answer_plan(sl_exchange_t *exchange, sl_answer_change_t *change);
/* Changes the whole body, and the head with it. PASSES: `out` is empty, the body goes as it came. */
sl_answer_fate_t sl_answer_apply(sl_exchange_t *exchange, sl_answer_change_t *change, h2o_iovec_t body, sl_text_t *out);

#endif
