/* What the files of the aggregate's stage share: its request's values, and how its parts are told of. */
#ifndef SLUICE_REQUEST_AGGREGATE_H
#define SLUICE_REQUEST_AGGREGATE_H

#include "request.h"
#include "sluice/compose.h"

/* --- aggregate_values.c --- */

typedef struct sl_request_values_t {
    sl_exchange_t *exchange;
    sl_json_t body;
    sl_text_t converted; /* the body as JSON, when it was a form or MessagePack */
    bool has_body;
    const char *body_error; /* why it could not be read; NULL: well, or there is none */
    size_t body_offset;
} sl_request_values_t;

void sl_request_values_init(sl_request_values_t *values, sl_exchange_t *exchange);
void sl_request_values_dispose(sl_request_values_t *values);
/* sl_template_resolve_t for the sources `request` and `caller`. */
sl_template_value_t sl_request_values_resolve(void *values, h2o_iovec_t source, h2o_iovec_t first,
                                              const sl_json_path_t *rest);

/* --- aggregate_body.c --- */

/* Does anything of this form refer to the body? */
bool sl_aggregate_wants_body(sl_exchange_t *exchange, const sl_shape_t *shape);
/* Why the body is in no form that is read; NULL: it is. As on transformed routes. */
const char *sl_aggregate_coding_problem(const sl_exchange_t *exchange);

/* --- aggregate_pay.c --- */

/* sl_compose_request_t.pay; `values` are the request's. */
sl_seat_t *sl_pay_for_elements(void *values, const sl_call_plan_t *plan, size_t count, sl_on_paid_t on_paid,
                               void *part);

/* --- aggregate_parts.c --- */

/* "search:timeout research:status", in the request's pool; NULL when all did well. */
const char *sl_parts_detail(sl_exchange_t *exchange, const sl_compose_t *compose);
/* Puts _meta into the answer, when it is an object that has none, and a part did not do well. */
void sl_parts_put_meta(const sl_aggregate_t *aggregate, const sl_compose_t *compose, sl_text_t *answer);
/* The required part `call` failed: the answer that this makes. */
sl_verdict_t sl_parts_answer_failure(sl_exchange_t *exchange, const sl_compose_t *compose, size_t call);

#endif
