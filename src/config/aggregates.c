/* aggregates: how the settings of a route with calls fit together. */
#include "composition.h"
#include <inttypes.h>

/* What speaks of the one service that a route forwards to. */
static void refuse_forwarding(sl_reader_t *reader, const sl_node_t *node)
{
    static const char *const names[] = {"service",         "strip_prefix", "prefix",   "host_header",
                                        "request_headers", "timeouts",     "fallback", "transform"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); ++i) {
        const sl_node_t *value = sl_node_find(node, names[i]);
        if (value != NULL)
            sl_report_add(reader->report, value->place,
                          "'%s' cannot stand beside 'calls': a route forwards to one service, or asks several",
                          names[i]);
    }
}

static void refuse_in_versions(sl_reader_t *reader, const sl_node_t *node)
{
    const sl_node_t *versions = sl_node_find(node, "versions");
    const sl_node_t *list = versions != NULL ? sl_node_find(versions, "list") : NULL;
    static const char *const names[] = {"service", "transform"};
    for (size_t i = 0; list != NULL && list->kind == SL_NODE_MAP && i < list->count; ++i)
        for (size_t j = 0; j < sizeof(names) / sizeof(*names); ++j) {
            const sl_node_t *value = sl_node_find(list->pairs[i].value, names[j]);
            if (value != NULL)
                sl_report_add(reader->report, value->place,
                              "a version of a route with 'calls' has no '%s' of its own: make it a route of its own",
                              names[j]);
        }
}

/* In the order of the file; `made` goes by the order of need. */
static void warn_of_unused(sl_reader_t *reader, const sl_aggregate_t *aggregate, uint64_t made)
{
    const sl_node_t *calls = reader->scope.calls;
    for (size_t i = 0; i < calls->count; ++i)
        for (size_t j = 0; j < aggregate->call_count; ++j)
            if (sl_bytes_equal(sl_bytes_of(aggregate->calls[j].name), calls->pairs[i].name) && (made >> j & 1) == 0)
                sl_report_warn(reader->report, calls->pairs[i].place,
                               "call '%s' is never made: no form of the answer needs it, and it is not required",
                               aggregate->calls[j].name);
}

/* No call outlives the whole. */
static void bound_timeouts(sl_reader_t *reader, sl_aggregate_t *aggregate)
{
    for (size_t i = 0; i < aggregate->call_count; ++i) {
        sl_call_plan_t *call = &aggregate->calls[i];
        const sl_node_t *timeout = sl_node_find(sl_node_find(reader->scope.calls, call->name), "timeout");
        if (call->timeout_ms <= aggregate->timeout_ms)
            continue;
        call->timeout_ms = aggregate->timeout_ms;
        if (timeout != NULL)
            sl_report_warn(reader->report, timeout->place,
                           "the 'timeout' of the route ends call '%s' before its own does", call->name);
    }
}

void sl_finish_aggregate(sl_reader_t *reader, const sl_node_t *node, sl_route_t *route)
{
    const sl_node_t *answer = sl_node_find(node, "answer"), *shapes = sl_node_find(node, "shapes");

    refuse_forwarding(reader, node);
    refuse_in_versions(reader, node);
    if (answer == NULL)
        sl_report_add(reader->report, sl_node_find(node, "calls")->place,
                      "a route with 'calls' needs 'answer': what is made of what they bring");
    else if (route->aggregate->answer != NULL)
        sl_check_collisions(reader, answer, route->aggregate);
    for (size_t i = 0; shapes != NULL && shapes->kind == SL_NODE_MAP && i < shapes->count; ++i) {
        const sl_node_t *own = sl_node_find(shapes->pairs[i].value, "answer");
        if (own != NULL && route->shapes[i].answer != NULL)
            sl_check_collisions(reader, own, route->aggregate);
    }
    if (shapes != NULL && shapes->kind == SL_NODE_MAP)
        sl_check_shapes(reader, shapes, route);
    if (route->aggregate->answer != NULL)
        warn_of_unused(reader, route->aggregate, sl_reach_calls(reader, route));
    bound_timeouts(reader, route->aggregate);
    route->aggregate->keeps_fields = reader->scope.sees_fields;
}
