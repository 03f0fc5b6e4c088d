/*
 * check_breaker: is the service worth asking at all?
 *
 *   in   exchange->service, this worker's view of its breaker
 *   out  exchange->pass (closed), exchange->ask_breaker (only Redis can tell), or an answer 503, or use_fallback
 *
 * It stands before admission so that an open circuit costs no token and no call to Redis.
 */
#include "request.h"
#include "sluice/answer.h"
#include "sluice/clock.h"
#include "sluice/stages.h"

sl_verdict_t sl_breaker_refuses(sl_exchange_t *exchange, uint64_t wait_us)
{
    exchange->ask_breaker = false;
    if (exchange->route->fallback.kind != SL_FALLBACK_NONE && !exchange->use_fallback) {
        exchange->use_fallback = true;
        return SL_NEXT;
    }
    exchange->outcome = SL_ADMISSION_BREAKER;
    sl_number_add(&exchange->worker->slot->services[exchange->service->slot].breaker_refused, 1);
    bool is_other = exchange->use_fallback && exchange->route->service != NULL; /* the client asked for the route's */
    sl_answer_details_t details = {.service = (is_other ? exchange->route->service : exchange->service)->name,
                                   .retry_after_s = sl_retry_after_s(wait_us)};
    if (wait_us == 0) /* no time will end it */
        details.text = SL_LIT("An operator has taken the service out of use until further notice.");
    return sl_answer(exchange, SL_ANSWER_BREAKER_OPEN, &details);
}

sl_verdict_t sl_check_breaker(sl_exchange_t *exchange)
{
    uint64_t wait_us = 0;

    if (exchange->service == NULL) /* an aggregate: each of its calls asks its own service's breaker */
        return SL_NEXT;
    sl_service_breaker_t *breaker = sl_store_breaker(exchange->worker->store, exchange->service);
    switch (sl_store_gate(breaker, sl_clock_last_us(), &exchange->pass, &wait_us)) {
    case SL_GATE_REFUSE:
        return sl_breaker_refuses(exchange, wait_us);
    case SL_GATE_ASK:
        exchange->ask_breaker = true;
        return SL_NEXT;
    case SL_GATE_PASS:
    default:
        return SL_NEXT;
    }
}
