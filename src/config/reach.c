/*
 * reach: which calls does each form of an aggregate's answer need?
 *
 * Always those that are required, since they decide whether there is an answer, and those with another method than GET
 * and HEAD, since they are made for what they do. Of the others those whose answers the form shows, and all that one of
 * these needs. Nobody is asked for what the chosen shape takes away again.
 */
#include "composition.h"
#include "sluice/json_edit.h"
#include "sluice/method.h"

enum { SOURCES_MAX = SL_CALLS_MAX + 8 };

static uint64_t bit(size_t call)
{
    return UINT64_C(1) << call;
}

static bool is_made_anyway(const sl_call_plan_t *call)
{
    return call->is_required || !sl_is_get_or_head(call->method);
}

static uint64_t named(const sl_aggregate_t *aggregate, const h2o_iovec_t *names, size_t count)
{
    uint64_t calls = 0;
    for (size_t i = 0; i < aggregate->call_count; ++i)
        for (size_t j = 0; j < count; ++j)
            if (sl_bytes_equal(sl_bytes_of(aggregate->calls[i].name), names[j]))
                calls |= bit(i);
    return calls;
}

/* Each call stands behind those that it needs. */
static uint64_t with_needs(const sl_aggregate_t *aggregate, uint64_t calls)
{
    for (size_t i = aggregate->call_count; i-- > 0;)
        for (size_t j = 0; (calls & bit(i)) != 0 && j < aggregate->calls[i].need_count; ++j)
            calls |= bit(aggregate->calls[i].needs[j]);
    return calls;
}

static uint64_t needed(sl_reader_t *reader, const sl_aggregate_t *aggregate, h2o_iovec_t answer, const sl_edit_t *edits,
                       size_t edit_count)
{
    h2o_iovec_t names[SOURCES_MAX];
    size_t count = sl_edits_sources(reader->scratch, answer, edits, edit_count, names, SOURCES_MAX);
    uint64_t calls = named(aggregate, names, count);
    for (size_t i = 0; i < aggregate->call_count; ++i)
        if (is_made_anyway(&aggregate->calls[i]))
            calls |= bit(i);
    return with_needs(aggregate, calls);
}

uint64_t sl_reach_calls(sl_reader_t *reader, sl_route_t *route)
{
    sl_aggregate_t *aggregate = route->aggregate;
    uint64_t all = aggregate->calls_needed = needed(reader, aggregate, aggregate->written, NULL, 0);
    for (size_t i = 0; i < route->shape_count; ++i) {
        sl_shape_t *shape = &route->shapes[i];
        bool has_own = shape->written.answer.len != 0;
        shape->calls = needed(reader, aggregate, has_own ? shape->written.answer : aggregate->written, shape->edits,
                              shape->edit_count);
        all |= shape->calls;
    }
    return all;
}
