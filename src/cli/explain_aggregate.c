/*
 * explain_aggregate: which calls go out at once and which after which, what each service would be asked, and the form
 * of the answer.
 *
 * Templates that need the request only are filled in; the others are shown as they are written, since nobody is asked.
 */
#include "explain.h"
#include "sluice/secret.h"

/* Calls of step 1 go out at once; the others when those that they need are there. Each stands behind what it needs. */
static unsigned *steps_of(sl_exchange_t *exchange, const sl_aggregate_t *aggregate)
{
    unsigned *steps = h2o_mem_alloc_pool(&exchange->req->pool, (aggregate->call_count + 1) * sizeof(*steps));

    for (size_t i = 0; i != aggregate->call_count; ++i) {
        steps[i] = 1;
        for (size_t j = 0; j != aggregate->calls[i].need_count; ++j) {
            unsigned after = steps[aggregate->calls[i].needs[j]] + 1;
            steps[i] = after > steps[i] ? after : steps[i];
        }
    }
    return steps;
}

static void put_text(sl_explain_t *explain, const sl_template_t *given, h2o_iovec_t written,
                     sl_template_encode_t encode, sl_text_t *out)
{
    size_t before = out->size;

    if (sl_preview_fill_text(explain->exchange, given, encode, out))
        return;
    out->size = before;
    sl_text_append(out, written.base, written.len);
}

/* A secret is shown as a reference when it is one, and never filled in. */
static void put_value(sl_explain_t *explain, const sl_named_template_t *named, sl_template_encode_t encode,
                      sl_text_t *out)
{
    if (!sl_is_secret_name(named->name, explain->exchange->config->keys.header))
        put_text(explain, named->value, named->written, encode, out);
    else if (sl_is_bare_reference(named->written))
        sl_text_append(out, named->written.base, named->written.len);
    else
        sl_text_put(out, SL_SECRET_MASK);
}

static void tell_target(sl_explain_t *explain, const sl_call_plan_t *call)
{
    sl_text_t target = {0};

    sl_text_append(&target, call->method.base, call->method.len);
    sl_text_put(&target, " ");
    put_text(explain, call->path, call->written.path, SL_ENCODE_VALUES, &target);
    const char *border = "?";
    for (size_t i = 0; i != call->query_count; ++i) {
        if (sl_preview_lacks(explain->exchange, call->query[i].value))
            continue;
        sl_text_put(&target, border);
        border = "&";
        sl_text_append(&target, call->query[i].name.base, call->query[i].name.len);
        sl_text_put(&target, "=");
        put_value(explain, &call->query[i], SL_ENCODE_ALL, &target);
    }
    sl_outline_text(&explain->outline, "asks", sl_bytes(target.base, target.size));
    sl_text_dispose(&target);
}

static void tell_headers(sl_explain_t *explain, const sl_call_plan_t *call)
{
    if (call->header_count == 0)
        return;
    sl_outline_list(&explain->outline, "headers");
    for (size_t i = 0; i != call->header_count; ++i) {
        sl_text_t line = {0};
        if (sl_preview_lacks(explain->exchange, call->headers[i].value))
            continue;
        sl_text_append(&line, call->headers[i].name.base, call->headers[i].name.len);
        sl_text_put(&line, ": ");
        put_value(explain, &call->headers[i], SL_ENCODE_NOTHING, &line);
        sl_outline_text(&explain->outline, NULL, sl_bytes(line.base, line.size));
        sl_text_dispose(&line);
    }
    sl_outline_close(&explain->outline);
}

/* JSON, filled in where that is possible. */
static void tell_json(sl_explain_t *explain, const char *name, const sl_template_t *given, h2o_iovec_t written)
{
    sl_text_t filled = {0};

    if (given == NULL)
        return;
    bool is_filled = sl_preview_fill(explain->exchange, given, &filled);
    sl_explain_json(explain, name, is_filled ? sl_bytes(filled.base, filled.size) : written);
    sl_text_dispose(&filled);
}

static void tell_needs(sl_explain_t *explain, const sl_aggregate_t *aggregate, const sl_call_plan_t *call)
{
    if (call->need_count == 0)
        return;
    sl_outline_list(&explain->outline, "after");
    for (size_t i = 0; i != call->need_count; ++i)
        sl_outline_text(&explain->outline, NULL, sl_bytes_of(aggregate->calls[call->needs[i]].name));
    sl_outline_close(&explain->outline);
}

static void tell_call(sl_explain_t *explain, const sl_aggregate_t *aggregate, size_t index, unsigned step)
{
    const sl_call_plan_t *call = &aggregate->calls[index];
    sl_outline_t *outline = &explain->outline;

    sl_outline_map(outline, NULL);
    sl_outline_text(outline, "name", sl_bytes_of(call->name));
    sl_outline_number(outline, "step", step);
    tell_needs(explain, aggregate, call);
    sl_outline_text(outline, "service", sl_bytes_of(call->service->name));
    tell_target(explain, call);
    tell_headers(explain, call);
    tell_json(explain, "body", call->body, call->written.body);
    tell_json(explain, "when", call->when, call->written.when);
    tell_json(explain, "for_each", call->for_each, call->written.for_each);
    if (call->for_each != NULL)
        sl_outline_number(outline, "concurrency", call->concurrency);
    if (call->for_each != NULL)
        sl_outline_number(outline, "for_each_max", call->for_each_max);
    sl_outline_number(outline, call->for_each != NULL ? "cost_of_each" : "cost", call->cost);
    sl_outline_number(outline, "timeout_ms", call->timeout_ms);
    sl_outline_flag(outline, "required", call->is_required);
    if (call->default_json.len != 0)
        sl_explain_json(explain, "default", call->default_json);
    sl_outline_close(outline);
}

/* Calls whose answers this form would not show: they are not made. */
static void tell_left_out(sl_explain_t *explain, const sl_aggregate_t *aggregate)
{
    sl_outline_list(&explain->outline, "calls_left_out");
    for (size_t i = 0; i != aggregate->call_count; ++i)
        if (!sl_preview_makes(explain->exchange, i))
            sl_outline_text(&explain->outline, NULL, sl_bytes_of(aggregate->calls[i].name));
    sl_outline_close(&explain->outline);
}

static void tell_answer(sl_explain_t *explain)
{
    const sl_route_t *route = explain->exchange->route;
    const sl_shape_t *shape = sl_preview_shape(explain->exchange);
    sl_outline_t *outline = &explain->outline;

    if (route->shape_count != 0)
        sl_outline_text(outline, "shape",
                        shape != NULL ? sl_bytes_of(shape->name) : SL_LIT("none: the answer as it is"));
    bool has_own = shape != NULL && shape->answer != NULL;
    sl_explain_json(explain, "answer", has_own ? shape->written.answer : route->aggregate->written);
    if (shape == NULL)
        return;
    const struct {
        const char *name;
        h2o_iovec_t written;
    } edits[] = {{"select", shape->written.select}, {"drop", shape->written.drop},
                 {"rename", shape->written.rename}, {"flatten", shape->written.flatten},
                 {"limit", shape->written.limit},   {"edit", shape->written.edit}};
    for (size_t i = 0; i != sizeof(edits) / sizeof(edits[0]); ++i)
        if (edits[i].written.len != 0)
            sl_explain_json(explain, edits[i].name, edits[i].written);
}

void sl_explain_aggregate(sl_explain_t *explain)
{
    const sl_aggregate_t *aggregate = explain->exchange->route->aggregate;
    int status;
    const char *error = sl_preview_body_error(explain->exchange, &status);
    const unsigned *steps = steps_of(explain->exchange, aggregate);
    sl_outline_t *outline = &explain->outline;

    if (error != NULL)
        sl_explain_refuse(explain, status, error);
    sl_outline_map(outline, "aggregate");
    sl_outline_number(outline, "timeout_ms", aggregate->timeout_ms);
    if (error != NULL)
        sl_outline_format(outline, "body", "cannot be read: %s", error);
    sl_explain_headers(explain, "headers_of_all_calls");
    sl_outline_list(outline, "calls");
    for (size_t i = 0; i != aggregate->call_count; ++i)
        if (sl_preview_makes(explain->exchange, i))
            tell_call(explain, aggregate, i, steps[i]);
    sl_outline_close(outline);
    tell_left_out(explain, aggregate);
    tell_answer(explain);
    sl_outline_close(outline);
}
