/*
 * aggregate_pay: the elements of a for_each cost like calls, and how many there are is known only when its array is
 * there.
 *
 * Admission has charged one of them; this asks for the others, all or none, by the same script and so in the same
 * terms: the key must still be good, and its limits must have as much. One request can never make more calls than it
 * pays for.
 */
#include "aggregate.h"

typedef struct payment_t {
    sl_seat_t seat;
    sl_exchange_t *exchange;
    sl_on_paid_t on_paid;
    void *part;
} payment_t;

static void on_admission(void *asker, const sl_admission_t *admission, const char *error)
{
    const payment_t *payment = asker;
    sl_exchange_t *exchange = payment->exchange;
    sl_part_error_t told = SL_PART_NOT_ALLOWED;

    if (error != NULL) {
        payment->on_paid(payment->part, SL_PART_NO_REDIS, 0);
        return;
    }
    if (admission->verdict == SL_VERDICT_ADMITTED || admission->verdict == SL_VERDICT_LIMITED) {
        told = admission->verdict == SL_VERDICT_ADMITTED ? SL_PART_WELL : SL_PART_LIMITED;
        /* what the answer tells of the limits is what they have left now */
        exchange->admission.limit_count = admission->limit_count;
        memcpy(exchange->admission.limits, admission->limits, sizeof(admission->limits));
    }
    payment->on_paid(payment->part, told, admission->wait_us);
}

sl_seat_t *sl_pay_for_elements(void *values, const sl_call_plan_t *plan, size_t count, sl_on_paid_t on_paid, void *part)
{
    sl_exchange_t *exchange = ((sl_request_values_t *)values)->exchange;
    payment_t *payment = h2o_mem_alloc_pool(&exchange->req->pool, sizeof(*payment));
    sl_text_t service = {0};

    *payment = (payment_t){{.on_admission = on_admission, .asker = payment}, exchange, on_paid, part};
    sl_text_put(&service, plan->service->name);
    sl_text_put(&service, ":");
    sl_text_number(&service, sl_call_service_units(plan) * count);
    sl_admission_question_t question = {
        .digest = exchange->caller.digest,
        .service = sl_bytes(service.base, service.size),
        .method = exchange->req->method,
        .scopes = exchange->route->scopes,
        .units = plan->cost * count,
        .defaults = &exchange->config->keys,
        .shadow = exchange->route->shadow,
    };
    sl_store_admit(exchange->worker->store, &question, &payment->seat);
    sl_text_dispose(&service);
    return &payment->seat;
}
