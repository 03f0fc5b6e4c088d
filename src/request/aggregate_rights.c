/*
 * aggregate_rights: what an aggregate asks of a key: the right to every service that it calls for this request, and the
 * units of the route and of these calls together.
 *
 * "search:2 research:1" (lua/admit.lua): each service once, with what its own limit is charged, at least one unit for
 * each call. How many elements a for_each will have is not known yet: it is asked for as one call here, and for the
 * others when they are known (aggregate_pay.c).
 */
#include "request.h"

static bool has_bit(uint64_t calls, size_t call)
{
    return (calls >> call & 1) != 0;
}

static bool is_first_of_its_service(const sl_aggregate_t *aggregate, uint64_t calls, size_t call)
{
    for (size_t i = 0; i != call; ++i)
        if (has_bit(calls, i) && aggregate->calls[i].service == aggregate->calls[call].service)
            return false;
    return true;
}

uint64_t sl_call_service_units(const sl_call_plan_t *call)
{
    return call->cost != 0 ? call->cost : 1;
}

static uint64_t units_of_service(const sl_aggregate_t *aggregate, uint64_t calls, const sl_service_t *service)
{
    uint64_t units = 0;

    for (size_t i = 0; i != aggregate->call_count; ++i)
        if (has_bit(calls, i) && aggregate->calls[i].service == service)
            units += sl_call_service_units(&aggregate->calls[i]);
    return units;
}

h2o_iovec_t sl_aggregate_services(sl_exchange_t *exchange)
{
    static sl_text_t list; /* one thread: the memory is used again and again */
    const sl_aggregate_t *aggregate = exchange->route->aggregate;
    uint64_t made = sl_calls_wanted(exchange), calls = made != 0 ? made : UINT64_MAX;

    /* a form that asks nobody still needs the rights of the endpoint */
    sl_text_clear(&list);
    for (size_t i = 0; i != aggregate->call_count; ++i) {
        const sl_service_t *service = aggregate->calls[i].service;
        if (!has_bit(calls, i) || !is_first_of_its_service(aggregate, calls, i))
            continue;
        if (list.size != 0)
            sl_text_put(&list, " ");
        sl_text_put(&list, service->name);
        sl_text_put(&list, ":");
        sl_text_number(&list, units_of_service(aggregate, made, service));
    }
    return sl_exchange_copy(exchange, sl_bytes(list.base, list.size));
}

uint64_t sl_aggregate_units(const sl_exchange_t *exchange)
{
    const sl_aggregate_t *aggregate = exchange->route->aggregate;
    uint64_t units = exchange->route->cost, calls = sl_calls_wanted(exchange);

    for (size_t i = 0; i != aggregate->call_count; ++i)
        units += has_bit(calls, i) ? aggregate->calls[i].cost : 0;
    return units;
}
