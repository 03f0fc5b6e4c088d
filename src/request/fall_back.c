/*
 * fall_back: the service's breaker is open and the route has something else to offer: a fixed answer, or another
 * service. The other service's breaker has its say too; when that refuses as well, the client gets the 503.
 */
#include "request.h"
#include "sluice/answer.h"
#include "sluice/clock.h"

static void on_pass(void *asker, bool granted, const sl_pass_t *pass, uint64_t wait_us, const char *error);

static sl_verdict_t answer_fixed(sl_exchange_t *exchange)
{
    const sl_route_t *route = exchange->route; /* the snapshot outlives the exchange */

    exchange->reason = "fallback";
    return sl_answer_send(exchange, route->fallback.status, route->fallback.content_type, route->fallback.body);
}

static void cancel_ticket(void *object)
{
    sl_ticket_cancel(object);
}

static sl_verdict_t relay_to_other(sl_exchange_t *exchange)
{
    sl_store_t *store = exchange->worker->store;
    uint64_t wait_us = 0;

    exchange->service = exchange->route->fallback.service;
    sl_service_breaker_t *breaker = sl_store_breaker(store, exchange->service);
    switch (sl_store_gate(breaker, sl_clock_us(), &exchange->pass, &wait_us)) {
    case SL_GATE_REFUSE:
        return sl_breaker_refuses(exchange, wait_us);
    case SL_GATE_ASK:
        sl_exchange_wait_for(exchange, cancel_ticket, sl_store_ask_pass(store, breaker, on_pass, exchange));
        return SL_WAITING;
    case SL_GATE_PASS:
    default:
        return sl_relay_start(exchange);
    }
}

static void on_pass(void *asker, bool granted, const sl_pass_t *pass, uint64_t wait_us, const char *error)
{
    sl_exchange_t *exchange = asker;
    sl_verdict_t verdict;

    sl_exchange_waited(exchange);
    if (error != NULL) {
        verdict = sl_answer_without_redis(exchange, error);
    } else if (!granted) {
        verdict = sl_breaker_refuses(exchange, wait_us);
    } else {
        exchange->pass = *pass;
        verdict = sl_relay_start(exchange);
    }
    sl_exchange_advance(exchange, verdict);
}

sl_verdict_t sl_fall_back(sl_exchange_t *exchange)
{
    return exchange->route->fallback.kind == SL_FALLBACK_ANSWER ? answer_fixed(exchange) : relay_to_other(exchange);
}
