/*
 * fetch: one call to a service, past its breaker.
 *
 * Legs that would ask exactly the same of the same service share one answer, also one that is there already, as long as
 * the method is safe and no call that may change something began since.
 */
#include "inside.h"
#include "sluice/clock.h"
#include "sluice/method.h"

/* Of a body that nobody reads so much is let go by to keep the connection; what is longer costs the connection. */
#define DRAINED_BYTES_MAX 65536

static void on_pass(void *asker, bool granted, const sl_pass_t *pass, uint64_t wait_us, const char *error);
static void on_head(void *data, const sl_call_head_t *head);
static void on_body(void *data, h2o_iovec_t bytes);
static void on_end(void *data, sl_upstream_result_t result);

static sl_fetch_t *create(sl_leg_t *leg)
{
    sl_compose_t *compose = leg->part->compose;
    sl_fetch_t *fetch = h2o_mem_alloc_pool(&compose->pool, sizeof(*fetch));

    *fetch = (sl_fetch_t){.compose = compose, .owner = leg->part};
    fetch->is_safe = sl_is_get_or_head(leg->part->plan->method);
    fetch->unsafe_before = compose->unsafe_count;
    return fetch;
}

static void join(sl_leg_t *leg, sl_fetch_t *fetch)
{
    leg->fetch = fetch;
    if (fetch->is_ended)
        return;
    sl_leg_t **last = &fetch->legs;
    while (*last != NULL)
        last = &(*last)->next;
    *last = leg;
}

/* --- starting --- */

static void forget_sent(sl_fetch_t *fetch)
{
    sl_text_dispose(&fetch->lines);
    sl_text_dispose(&fetch->sent_body);
}

static void end_at_once(sl_fetch_t *fetch, sl_part_error_t error)
{
    fetch->error = error;
    fetch->is_ended = true;
    forget_sent(fetch);
}

static uint64_t shorter(uint64_t a, uint64_t b)
{
    return b == 0 || (a != 0 && a < b) ? a : b;
}

/* What the call may take, in milliseconds: its own timeout, or what the deadline of the whole has left. 0: nothing is
 * left. */
static uint64_t given_ms(sl_fetch_t *fetch)
{
    const sl_compose_t *compose = fetch->compose;
    uint64_t now_us = sl_clock_us(), own_ms = fetch->owner->plan->timeout_ms;

    if (now_us + 1000 > compose->deadline_us)
        return 0;
    uint64_t given = shorter((compose->deadline_us - now_us) / 1000, own_ms);
    fetch->had_its_time = given >= shorter(compose->request.aggregate->timeout_ms, own_ms) / 2;
    return given;
}

static void call_service(sl_fetch_t *fetch)
{
    static const sl_call_callbacks_t callbacks = {on_head, on_body, on_end};
    sl_compose_t *compose = fetch->compose;
    uint64_t given = given_ms(fetch);

    if (given == 0) {
        sl_store_settle(compose->env.store, &fetch->pass, SL_OUTCOME_UNKNOWN);
        end_at_once(fetch, SL_PART_TIMEOUT);
        return;
    }
    if (!fetch->is_safe)
        ++compose->unsafe_count;
    sl_outgoing_finish(fetch, given);
    fetch->request.service = fetch->owner->plan->service;
    fetch->request.method = fetch->owner->plan->method;
    fetch->request.retries = &fetch->owner->plan->retries;
    fetch->request.timeouts = fetch->request.service->timeouts;
    fetch->request.timeouts.total_ms = given;
    fetch->call = sl_upstream_start(compose->env.upstream, &fetch->request, &callbacks, fetch);
}

static void refuse(sl_fetch_t *fetch, uint64_t wait_us)
{
    const sl_service_t *service = fetch->owner->plan->service;

    sl_number_add(&fetch->compose->env.slot->services[service->slot].breaker_refused, 1);
    fetch->wait_us = wait_us;
    end_at_once(fetch, SL_PART_BREAKER_OPEN);
}

static void pass_breaker(sl_fetch_t *fetch)
{
    sl_store_t *store = fetch->compose->env.store;
    sl_service_breaker_t *breaker = sl_store_breaker(store, fetch->owner->plan->service);
    uint64_t wait_us = 0;

    switch (sl_store_gate(breaker, sl_clock_us(), &fetch->pass, &wait_us)) {
    case SL_GATE_REFUSE:
        refuse(fetch, wait_us);
        return;
    case SL_GATE_ASK:
        fetch->ticket = sl_store_ask_pass(store, breaker, on_pass, fetch);
        return;
    case SL_GATE_PASS:
    default:
        call_service(fetch);
    }
}

void sl_fetch_begin(sl_leg_t *leg)
{
    sl_fetch_t *fetch = create(leg);

    if (!sl_outgoing_make(fetch)) {
        forget_sent(fetch);
        leg->error = SL_PART_BAD_INPUT;
        return;
    }
    sl_fetch_t *same = sl_same_find_or_add(&fetch->compose->same, fetch);
    if (same != NULL) {
        join(leg, same);
        return;
    }
    fetch->next = fetch->compose->fetches;
    fetch->compose->fetches = fetch;
    pass_breaker(fetch);
    join(leg, fetch);
}

/* --- ending --- */

/* All may be gone afterwards. */
static void end(sl_fetch_t *fetch, sl_part_error_t error)
{
    sl_leg_t *leg = fetch->legs;

    end_at_once(fetch, error);
    fetch->legs = NULL;
    while (leg != NULL) {
        sl_leg_t *next = leg->next;
        leg->next = NULL;
        leg->on_end(leg);
        leg = next;
    }
    fetch->compose->advance(fetch->compose);
}

static void on_pass(void *asker, bool granted, const sl_pass_t *pass, uint64_t wait_us, const char *error)
{
    sl_fetch_t *fetch = asker;

    fetch->ticket = NULL;
    if (error != NULL) {
        end(fetch, SL_PART_NO_REDIS);
        return;
    }
    if (granted) {
        fetch->pass = *pass;
        call_service(fetch);
    } else {
        refuse(fetch, wait_us);
    }
    if (fetch->is_ended)
        end(fetch, fetch->error);
}

/* A service that was given hardly any time, or was not even asked, has not failed. */
static void tell_breaker(sl_fetch_t *fetch, sl_upstream_result_t result)
{
    const sl_breaker_settings_t *settings = &fetch->owner->plan->service->breaker;
    bool is_failure = sl_upstream_counts_as_failure(settings, result, fetch->status);
    sl_outcome_t outcome = is_failure ? SL_OUTCOME_FAILURE : SL_OUTCOME_SUCCESS;

    if (sl_upstream_end_kind(result) == SL_END_UNTRIED ||
        (sl_upstream_end_kind(result) == SL_END_TIMEOUT && !fetch->had_its_time))
        outcome = SL_OUTCOME_UNKNOWN;
    sl_store_settle(fetch->compose->env.store, &fetch->pass, outcome);
}

static bool is_well(const sl_fetch_t *fetch)
{
    return fetch->status >= 200 && fetch->status <= 299;
}

/* The rest of an answer is not wanted. Called within its callbacks. */
static void break_off(sl_fetch_t *fetch, sl_part_error_t error)
{
    sl_call_t *call = fetch->call;

    tell_breaker(fetch, SL_UPSTREAM_OK);
    fetch->compose->tries += sl_call_facts(call)->tries;
    fetch->call = NULL;
    sl_text_dispose(&fetch->body);
    sl_call_cancel(call);
    end(fetch, error);
}

static size_t room_left(const sl_fetch_t *fetch)
{
    size_t most = fetch->compose->request.aggregate->bytes_max;
    return most > fetch->owner->held_bytes ? most - fetch->owner->held_bytes : 0;
}

/* Thousands of heads are no small thing: they are kept only for those who ask, and within what a part may hold. */
static bool keep_fields(sl_fetch_t *fetch, const sl_call_head_t *head)
{
    size_t bytes = 0;

    if (!fetch->compose->request.aggregate->keeps_fields)
        return true;
    for (size_t i = 0; i != head->field_count; ++i)
        bytes += head->fields[i].name.len + head->fields[i].value.len + 4;
    if (bytes > room_left(fetch))
        return false;
    fetch->owner->held_bytes += bytes;
    for (size_t i = 0; i != head->field_count; ++i) {
        sl_text_append(&fetch->fields, head->fields[i].name.base, head->fields[i].name.len);
        sl_text_put(&fetch->fields, ": ");
        sl_text_append(&fetch->fields, head->fields[i].value.base, head->fields[i].value.len);
        sl_text_put(&fetch->fields, "\r\n");
    }
    return true;
}

static void on_head(void *data, const sl_call_head_t *head)
{
    sl_fetch_t *fetch = data;

    fetch->status = head->status;
    if (sl_breaker_status_fails(&fetch->owner->plan->service->breaker, head->status))
        tell_breaker(fetch, SL_UPSTREAM_OK); /* at once, as the relay does */
    if (!keep_fields(fetch, head)) {
        break_off(fetch, SL_PART_TOO_LARGE);
        return;
    }
    if (!is_well(fetch) || !head->has_body || head->content_length == SIZE_MAX)
        return;
    if (head->content_length > room_left(fetch))
        break_off(fetch, SL_PART_TOO_LARGE);
    else
        sl_text_reserve(&fetch->body, head->content_length);
}

static void on_body(void *data, h2o_iovec_t bytes)
{
    sl_fetch_t *fetch = data;

    if (!is_well(fetch)) {
        fetch->drained_bytes += bytes.len;
        if (fetch->drained_bytes > DRAINED_BYTES_MAX)
            break_off(fetch, SL_PART_STATUS);
        return;
    }
    if (bytes.len > room_left(fetch)) {
        break_off(fetch, SL_PART_TOO_LARGE);
        return;
    }
    fetch->owner->held_bytes += bytes.len;
    sl_text_append(&fetch->body, bytes.base, bytes.len);
}

static sl_part_error_t error_of(const sl_fetch_t *fetch, sl_upstream_result_t result)
{
    switch (sl_upstream_end_kind(result)) {
    case SL_END_GOOD:
        return is_well(fetch) ? SL_PART_WELL : SL_PART_STATUS;
    case SL_END_UNTRIED:
    case SL_END_REFUSED:
        return SL_PART_REFUSED;
    case SL_END_TIMEOUT:
        return SL_PART_TIMEOUT;
    case SL_END_BROKEN:
    default:
        return SL_PART_BROKEN;
    }
}

static void on_end(void *data, sl_upstream_result_t result)
{
    sl_fetch_t *fetch = data;

    fetch->compose->tries += sl_call_facts(fetch->call)->tries;
    fetch->call = NULL;
    tell_breaker(fetch, result);
    end(fetch, error_of(fetch, result));
}

void sl_fetch_cancel(sl_fetch_t *fetch)
{
    if (fetch->ticket != NULL)
        sl_ticket_cancel(fetch->ticket);
    fetch->ticket = NULL;
    if (fetch->call != NULL) {
        fetch->compose->tries += sl_call_facts(fetch->call)->tries;
        sl_call_cancel(fetch->call);
    }
    fetch->call = NULL;
    sl_store_settle(fetch->compose->env.store, &fetch->pass, SL_OUTCOME_UNKNOWN);
}

void sl_fetch_dispose(sl_fetch_t *fetch)
{
    forget_sent(fetch);
    sl_text_dispose(&fetch->fields);
    sl_text_dispose(&fetch->body);
}
