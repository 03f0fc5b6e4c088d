/*
 * call: the life of a call: start, tries and retries, deadlines, end.
 *
 * A call never goes while one of its callbacks runs: cancelled there, it is marked, and whoever called the callback
 * recycles it. Ended calls are used again with their place in the deadlines' heap, so that the next one seldom has to
 * move anything there.
 */
#include "inside.h"
#include "sluice/clock.h"
#include <stdlib.h>

/* None are spared under AddressSanitizer, so that it sees a call that is used after its end. */
#ifdef __SANITIZE_ADDRESS__
#define SPARE_CALLS_MAX 0
#else
#define SPARE_CALLS_MAX 256
#endif
/* A spare call gives back what held an unusually large piece. */
#define SPARE_HELD_BYTES 4096

static void try_next_instance(sl_call_t *call);
static void begin_try(sl_call_t *call, bool fresh);
static void on_deadline(sl_deadline_t *deadline);

static uint64_t after_ms(uint64_t now_us, uint64_t ms)
{
    return ms == 0 || ms > (UINT64_MAX - now_us) / 1000 ? 0 : now_us + ms * 1000;
}

static sl_call_t *take_spare(sl_upstream_t *upstream)
{
    sl_call_t *call = upstream->spare;
    if (call == NULL) {
        call = h2o_mem_alloc(sizeof *call);
        *call = (sl_call_t){.deadline.on_due = on_deadline};
        return call;
    }
    upstream->spare = call->next_spare;
    --upstream->spare_count;
    *call = (sl_call_t){.deadline = call->deadline, .held = call->held};
    return call;
}

sl_call_t *sl_upstream_start(sl_upstream_t *upstream, const sl_call_request_t *request,
                             const sl_call_callbacks_t *callbacks, void *data)
{
    uint64_t now_us = sl_clock_us();
    sl_call_t *call = take_spare(upstream);
    call->upstream = upstream;
    call->request = *request;
    call->callbacks = *callbacks;
    call->data = data;
    call->facts.started_us = now_us;
    call->total_us = after_ms(now_us, request->timeouts.total_ms);

    sl_budget_pay(&upstream->budgets[request->service->slot], now_us);
    sl_turn_begin(&call->turn, request->service, &upstream->cursors[request->service->slot]);
    call->is_starting = true;
    try_next_instance(call);
    call->is_starting = false;
    return call;
}

const sl_call_facts_t *sl_call_facts(const sl_call_t *call)
{
    return &call->facts;
}

/* --- tries --- */

static void doom(sl_call_t *call, sl_upstream_result_t result)
{
    call->stage = SL_CALL_DOOMED;
    call->doom = result;
    sl_deadline_set(&call->upstream->deadlines, &call->deadline, sl_clock_us());
}

static void tell_end(sl_call_t *call, sl_upstream_result_t result)
{
    sl_deadline_clear(&call->deadline);
    call->is_entered = true;
    call->callbacks.on_end(call->data, result);
    sl_call_recycle(call);
}

/* Callbacks never come before sl_upstream_start has returned. */
static void fail(sl_call_t *call, sl_upstream_result_t result)
{
    if (call->is_starting)
        doom(call, result);
    else
        tell_end(call, result);
}

static void try_next_instance(sl_call_t *call)
{
    call->facts.instance = sl_turn_next(&call->turn, call->request.service, call->upstream->shared);
    if (call->facts.instance != NULL) {
        begin_try(call, false);
        return;
    }
    sl_number_add(&sl_call_numbers(call)->results[SL_UPSTREAM_UNRESOLVED], 1);
    fail(call, SL_UPSTREAM_UNRESOLVED);
}

static void begin_try(sl_call_t *call, bool fresh)
{
    sl_kept_t *home = fresh ? NULL : sl_pool_home(call->upstream, call->facts.instance);
    ++call->facts.tries;
    call->try_us = call->facts.tries == 1 ? call->facts.started_us : sl_clock_us();
    call->is_send_broken = false;
    call->has_answered = false;
    call->held.size = 0;
    call->head_scanned = 0;
    call->interim_heads = 0;
    call->wire = home != NULL ? sl_pool_take(home, call) : NULL;
    call->facts.was_kept = call->wire != NULL;
    if (call->wire != NULL) {
        sl_call_send(call);
        return;
    }
    sl_upstream_result_t result = sl_wire_open(call);
    if (result != SL_UPSTREAM_OK)
        sl_call_try_failed(call, result);
}

static void end_try(sl_call_t *call, sl_upstream_result_t result, bool keep_wire)
{
    sl_service_numbers_t *numbers = sl_call_numbers(call);
    sl_number_add(&numbers->results[result], 1);
    sl_histogram_note(&numbers->duration, sl_clock_us() - call->try_us);
    if (call->wire == NULL)
        return;
    if (keep_wire)
        sl_pool_keep(call->wire);
    else
        sl_wire_close(call->wire);
    call->wire = NULL;
}

bool sl_call_is_idempotent(const sl_call_t *call)
{
    static const char *const methods[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};
    for (size_t i = 0; i != sizeof methods / sizeof methods[0]; ++i) {
        if (sl_bytes_equal(call->request.method, sl_bytes_of(methods[i])))
            return true;
    }
    return false;
}

/* May the request be sent again after such a failure? */
static bool is_repeatable(const sl_call_t *call, sl_upstream_result_t result)
{
    switch (result) {
    case SL_UPSTREAM_REFUSED:
    case SL_UPSTREAM_CONNECT_TIMEOUT:
        return true; /* nothing was sent */
    case SL_UPSTREAM_STALE:
    case SL_UPSTREAM_SEND_FAILED:
        return sl_call_is_idempotent(call);
    case SL_UPSTREAM_BROKEN_HEAD:
        return !call->has_answered && sl_call_is_idempotent(call);
    default:
        return false;
    }
}

static bool may_retry(sl_call_t *call)
{
    uint64_t most = call->request.retries != NULL ? *call->request.retries : call->request.service->retries;
    return call->retries < most && sl_budget_take(&call->upstream->budgets[call->request.service->slot], sl_clock_us());
}

static void count_retry(sl_call_t *call)
{
    sl_number_add(&sl_call_numbers(call)->retries, 1);
}

static bool retry_fresh(sl_call_t *call)
{
    /* The first is free: a service that closes what it kept has done nothing wrong, and it costs it nothing but this
     * request. */
    if (++call->stale_tries > 1) {
        if (!may_retry(call))
            return false;
        ++call->retries;
    }
    count_retry(call);
    begin_try(call, true);
    return true;
}

static bool retry_elsewhere(sl_call_t *call)
{
    sl_turn_t ahead = call->turn;
    const sl_instance_t *instance = sl_turn_next(&ahead, call->request.service, call->upstream->shared);
    if (instance == NULL || !may_retry(call))
        return false;
    ++call->retries;
    count_retry(call);
    try_next_instance(call);
    return true;
}

void sl_call_try_failed(sl_call_t *call, sl_upstream_result_t result)
{
    end_try(call, result, false);
    bool is_retried =
        is_repeatable(call, result) && (result == SL_UPSTREAM_STALE ? retry_fresh(call) : retry_elsewhere(call));
    if (!is_retried)
        fail(call, result);
}

void sl_call_end(sl_call_t *call, sl_upstream_result_t result, bool keep_wire)
{
    end_try(call, result, keep_wire);
    tell_end(call, result);
}

/* --- deadlines --- */

static void set_deadline(sl_call_t *call)
{
    uint64_t due_us = call->stage_us;
    if (due_us == 0 || (call->total_us != 0 && call->total_us < due_us))
        due_us = call->total_us;
    if (due_us != 0)
        sl_deadline_set(&call->upstream->deadlines, &call->deadline, due_us);
    else
        sl_deadline_clear(&call->deadline);
}

void sl_call_enter_stage(sl_call_t *call, sl_call_stage_t stage, uint64_t limit_ms)
{
    call->stage = stage;
    call->stage_us = after_ms(sl_clock_us(), limit_ms);
    set_deadline(call);
}

static sl_upstream_result_t timeout_of(sl_call_stage_t stage)
{
    switch (stage) {
    case SL_CALL_CONNECTING:
        return SL_UPSTREAM_CONNECT_TIMEOUT;
    case SL_CALL_HEAD:
        return SL_UPSTREAM_FIRST_BYTE_TIMEOUT;
    default:
        return SL_UPSTREAM_IDLE_TIMEOUT;
    }
}

static void time_out(sl_call_t *call, sl_upstream_result_t result)
{
    if (call->stage == SL_CALL_BODY)
        sl_call_end(call, result, false);
    else
        sl_call_try_failed(call, result);
}

static void on_deadline(sl_deadline_t *deadline)
{
    sl_call_t *call = H2O_STRUCT_FROM_MEMBER(sl_call_t, deadline, deadline);
    uint64_t now_us = sl_clock_us();
    if (call->stage == SL_CALL_DOOMED)
        tell_end(call, call->doom);
    else if (call->total_us != 0 && now_us >= call->total_us)
        time_out(call, SL_UPSTREAM_TOTAL_TIMEOUT);
    else if (call->stage_us != 0 && now_us >= call->stage_us)
        time_out(call, timeout_of(call->stage));
    else if (call->stage == SL_CALL_BODY && call->held.size != 0 && !call->is_paused)
        sl_call_take_held(call);
    else
        set_deadline(call);
}

/* --- back pressure --- */

void sl_call_pause(sl_call_t *call)
{
    call->is_paused = true;
    if (call->stage != SL_CALL_BODY)
        return;
    call->stage_us = 0;
    set_deadline(call);
}

void sl_call_resume(sl_call_t *call)
{
    if (!call->is_paused)
        return;
    call->is_paused = false;
    if (call->stage != SL_CALL_BODY || call->wire == NULL)
        return;
    if (call->wire->is_read_stopped) {
        call->wire->is_read_stopped = false;
        h2o_socket_read_start(call->wire->sock, sl_wire_on_readable);
    }
    sl_call_enter_stage(call, SL_CALL_BODY, call->request.timeouts.idle_ms);
    /* Held bytes make no event of their own, and a callback from in here would surprise: the timer brings them. */
    if (call->held.size != 0)
        sl_deadline_set(&call->upstream->deadlines, &call->deadline, sl_clock_us());
}

/* --- end --- */

void sl_call_cancel(sl_call_t *call)
{
    if (call->wire != NULL)
        end_try(call, SL_UPSTREAM_CANCELLED, false);
    call->is_cancelled = true;
    if (!call->is_entered)
        sl_call_recycle(call);
}

void sl_call_recycle(sl_call_t *call)
{
    sl_upstream_t *upstream = call->upstream;
    sl_deadline_clear(&call->deadline);
    if (call->held.capacity > SPARE_HELD_BYTES)
        sl_text_dispose(&call->held);
    if (upstream->spare_count == SPARE_CALLS_MAX) {
        sl_deadline_remove(&upstream->deadlines, &call->deadline);
        sl_text_dispose(&call->held);
        free(call);
        return;
    }
    ++upstream->spare_count;
    call->next_spare = upstream->spare;
    upstream->spare = call;
}
