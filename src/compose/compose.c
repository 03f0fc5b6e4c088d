/*
 * compose: the run of an aggregate from its start to its end.
 *
 * The plan lists every call behind those it needs, so one walk over the parts starts all that can start. There is no
 * timer for the whole: each call's own deadline is cut to what is left.
 */
#include "inside.h"
#include "sluice/clock.h"
#include <stdlib.h>

static void advance(sl_compose_t *compose);
static void on_done_soon(h2o_timeout_entry_t *entry);

static const struct {
    const char *word, *text;
} errors[] = {{"", "did well"},
#define X(id, word, text) {word, text},
              SL_PART_ERRORS(X)
#undef X
};

const char *sl_part_error_word(sl_part_error_t error)
{
    return errors[error].word;
}

const char *sl_part_error_text(sl_part_error_t error)
{
    return errors[error].text;
}

static void init_parts(sl_compose_t *compose, const sl_aggregate_t *aggregate)
{
    compose->part_count = aggregate->call_count;
    compose->parts = h2o_mem_alloc_pool(&compose->pool, (compose->part_count + 1) * sizeof(sl_part_t));
    for (size_t i = 0; i != compose->part_count; ++i)
        compose->parts[i] = (sl_part_t){
            .compose = compose,
            .plan = &aggregate->calls[i],
            .state = (compose->request.calls >> i & 1) != 0 ? SL_PART_WAITING : SL_PART_SETTLED,
        };
}

sl_compose_t *sl_compose_start(const sl_compose_env_t *env, const sl_compose_request_t *request, void *asker)
{
    sl_compose_t *compose = h2o_mem_alloc(sizeof(*compose));
    uint64_t timeout_ms = request->aggregate->timeout_ms;

    if (request->timeout_ms != 0 && request->timeout_ms < timeout_ms)
        timeout_ms = request->timeout_ms;
    *compose =
        (sl_compose_t){.env = *env, .request = *request, .asker = asker, .begun_us = sl_clock_us(), .failed_call = -1};
    compose->advance = advance;
    compose->deadline_us = compose->begun_us + timeout_ms * 1000;
    compose->done_soon.cb = on_done_soon;
    h2o_mem_init_pool(&compose->pool);
    init_parts(compose, request->aggregate);

    compose->is_starting = true;
    advance(compose);
    compose->is_starting = false;
    return compose;
}

static bool is_ready(const sl_part_t *part)
{
    if (part->state != SL_PART_WAITING)
        return false;
    for (size_t i = 0; i != part->plan->need_count; ++i)
        if (part->compose->parts[part->plan->needs[i]].state != SL_PART_SETTLED)
            return false;
    return true;
}

/* True when the part decides the end of the whole. */
static bool has_failed_all(const sl_part_t *part)
{
    return part->state == SL_PART_SETTLED && part->plan->is_required && part->report.error != SL_PART_WELL;
}

static bool walk(sl_compose_t *compose)
{
    bool is_settled = true;

    for (size_t i = 0; i != compose->part_count; ++i) {
        sl_part_t *part = &compose->parts[i];
        if (is_ready(part))
            sl_part_start(part);
        if (has_failed_all(part)) {
            compose->failed_call = (ssize_t)i;
            return true;
        }
        is_settled = is_settled && part->state == SL_PART_SETTLED;
    }
    return is_settled;
}

static void advance(sl_compose_t *compose)
{
    h2o_context_t *ctx = compose->env.ctx;

    if (compose->is_over || !walk(compose))
        return;
    sl_compose_cancel(compose);
    if (compose->is_starting)
        h2o_timeout_link(ctx->loop, &ctx->zero_timeout, &compose->done_soon);
    else
        compose->request.on_done(compose->asker);
}

static void on_done_soon(h2o_timeout_entry_t *entry)
{
    sl_compose_t *compose = H2O_STRUCT_FROM_MEMBER(sl_compose_t, done_soon, entry);

    compose->request.on_done(compose->asker);
}

void sl_compose_cancel(sl_compose_t *compose)
{
    compose->is_over = true;
    h2o_timeout_unlink(&compose->done_soon);
    for (sl_fetch_t *fetch = compose->fetches; fetch != NULL; fetch = fetch->next)
        sl_fetch_cancel(fetch);
    for (size_t i = 0; i != compose->part_count; ++i)
        sl_part_cancel(&compose->parts[i]);
}

void sl_compose_destroy(sl_compose_t *compose)
{
    sl_compose_cancel(compose);
    for (sl_fetch_t *fetch = compose->fetches; fetch != NULL; fetch = fetch->next)
        sl_fetch_dispose(fetch);
    for (size_t i = 0; i != compose->part_count; ++i)
        sl_part_dispose(&compose->parts[i]);
    sl_same_dispose(&compose->same);
    sl_json_dispose(&compose->item);
    sl_json_dispose(&compose->checked);
    *compose->env.index_bytes -= compose->index_bytes;
    sl_text_dispose(&compose->scratch);
    h2o_mem_clear_pool(&compose->pool);
    free(compose);
}

const sl_part_report_t *sl_compose_report(const sl_compose_t *compose, size_t call)
{
    return &compose->parts[call].report;
}

ssize_t sl_compose_failed_call(const sl_compose_t *compose)
{
    return compose->failed_call;
}

unsigned sl_compose_tries(const sl_compose_t *compose)
{
    return compose->tries;
}
