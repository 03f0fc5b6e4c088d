/*
 * aggregate_body: does an aggregate look into the request's body, and is that in a form which is read. A body that
 * nobody refers to harms nobody, whatever it is. The stage and `sluice explain` both ask here.
 */
#include "aggregate.h"
#include "transform.h"

static bool refers(const sl_template_t *given)
{
    return given != NULL && sl_template_refers(given, SL_LIT("request"), SL_LIT("body"));
}

static bool any_refers(const sl_named_template_t *list, size_t count)
{
    for (size_t i = 0; i != count; ++i)
        if (refers(list[i].value))
            return true;
    return false;
}

static bool call_refers(const sl_call_plan_t *plan)
{
    return refers(plan->path) || refers(plan->body) || refers(plan->when) || refers(plan->for_each) ||
           any_refers(plan->query, plan->query_count) || any_refers(plan->headers, plan->header_count);
}

static bool shape_refers(const sl_shape_t *shape)
{
    for (size_t i = 0; i != shape->edit_count; ++i)
        if (refers(shape->edits[i].value))
            return true;
    return refers(shape->answer);
}

bool sl_aggregate_wants_body(sl_exchange_t *exchange, const sl_shape_t *shape)
{
    const sl_aggregate_t *aggregate = exchange->route->aggregate;
    uint64_t calls = sl_calls_wanted(exchange);

    for (size_t i = 0; i != aggregate->call_count; ++i)
        if ((calls >> i & 1) != 0 && call_refers(&aggregate->calls[i]))
            return true;
    return refers(aggregate->answer) || (shape != NULL && shape_refers(shape));
}

const char *sl_aggregate_coding_problem(const sl_exchange_t *exchange)
{
    if (exchange->req->entity.len == 0)
        return NULL;
    if (sl_is_coded(sl_exchange_header(exchange, H2O_STRLIT("content-encoding"))))
        return "This endpoint reads the request body, which must have no Content-Encoding.";
    h2o_iovec_t type;
    if (!sl_single_field(exchange, SL_LIT("content-type"), &type))
        return "This endpoint reads the request body, which must have one Content-Type.";
    if (type.base != NULL && sl_has_other_charset(type))
        return "This endpoint reads the request body, which must be in UTF-8.";
    return NULL;
}
