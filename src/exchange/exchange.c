/*
 * exchange: birth, walk and end.
 *
 *   on_req ── begin ──(zero timer)──> advance: stage → stage → … → ANSWERED
 *                                        ▲                │
 *                    callbacks (Redis) ──┘                ▼
 *                                              h2o_start_response → prefilter → walk_out: step → step → libh2o
 *   the request's pool dies ── end: whatever is awaited or still running is called off, the snapshot is given back
 *
 * The exchange lives in the request's pool, and the prefilter that runs the way out is also how a logger or filter
 * finds its exchange again.
 */
#include "exchange.h"
#include "sluice/answer.h"
#include "sluice/clock.h"
#include <assert.h>

typedef struct prefilter_t {
    h2o_req_prefilter_t super;
    sl_exchange_t *exchange;
} prefilter_t;

static void on_start(h2o_timeout_entry_t *entry);
static void on_answer_begins(h2o_req_prefilter_t *self, h2o_req_t *req, h2o_ostream_t **slot);
static void on_end(void *object);

static sl_exchange_t *create(sl_worker_t *worker, h2o_req_t *req, const sl_step_t *steps)
{
    sl_exchange_t *exchange = h2o_mem_alloc_shared(&req->pool, sizeof(*exchange), on_end);
    *exchange = (sl_exchange_t){.req = req, .worker = worker, .steps = steps};
    exchange->connection = sl_connection_of(req);
    exchange->config = sl_config_retain(worker->config);
    exchange->begun_us = sl_clock_us();
    exchange->upstream_result = SL_UPSTREAM_RESULT_COUNT;
    exchange->outcome = SL_ADMISSION_COUNT;
    if (exchange->connection != NULL) {
        ++exchange->connection->in_flight;
        ++exchange->connection->requests;
    }
    sl_number_add(&worker->slot->numbers[SL_M_REQUESTS_IN_FLIGHT], 1);
    sl_exchange_find_client(exchange);
    sl_exchange_correlate(exchange);

    prefilter_t *prefilter = (prefilter_t *)h2o_add_prefilter(req, sizeof(*prefilter));
    prefilter->super.on_setup_ostream = on_answer_begins;
    prefilter->exchange = exchange;
    return exchange;
}

static bool is_one_too_many(const sl_exchange_t *exchange)
{
    const sl_number_t *in_flight = &exchange->worker->slot->numbers[SL_M_REQUESTS_IN_FLIGHT];
    const sl_connection_t *connection = exchange->connection;

    return sl_number_get(in_flight) > exchange->config->limits.in_flight ||
           (connection != NULL && connection->in_flight > exchange->config->limits.in_flight_per_connection);
}

static bool is_body_left(const sl_exchange_t *exchange, size_t *announced)
{
    const sl_connection_t *connection = exchange->connection;

    if (connection == NULL)
        return false;
    if (exchange->req->version >= 0x200)
        return sl_http2_is_body_left(exchange->req, announced);
    if (connection->is_body_left)
        *announced = connection->announced;
    return connection->is_body_left;
}

void sl_exchange_begin(sl_worker_t *worker, h2o_req_t *req, const sl_stage_t *stages, const sl_step_t *steps)
{
    sl_exchange_t *exchange = create(worker, req, steps);
    exchange->stage = stages;
    exchange->is_one_too_many = is_one_too_many(exchange);
    exchange->is_body_left = is_body_left(exchange, &exchange->announced);
    exchange->may_send_more = req->http1_is_persistent != 0 || exchange->is_body_left;
    sl_departure_watch(exchange);
    exchange->start.cb = on_start;
    h2o_timeout_link(worker->ctx.loop, &worker->ctx.zero_timeout, &exchange->start);
}

sl_exchange_t *sl_exchange_adopt(sl_worker_t *worker, h2o_req_t *req, const sl_step_t *steps)
{
    sl_exchange_t *exchange = create(worker, req, steps);
    exchange->may_send_more = true;
    return exchange;
}

static void on_start(h2o_timeout_entry_t *entry)
{
    sl_exchange_t *exchange = H2O_STRUCT_FROM_MEMBER(sl_exchange_t, start, entry);

    /* A connection that was shut down may still hand over requests from its input buffer. */
    if (exchange->connection != NULL && exchange->connection->is_doomed) {
        sl_answer_and_close(exchange, SL_ANSWER_SHUTTING_DOWN, NULL);
        return;
    }
    if (exchange->is_one_too_many) {
        sl_answer_and_close(exchange, SL_ANSWER_OVERLOADED, &(sl_answer_details_t){.retry_after_s = 1});
        return;
    }
    sl_exchange_advance(exchange, exchange->stage->run(exchange));
}

void sl_exchange_advance(sl_exchange_t *exchange, sl_verdict_t verdict)
{
    while (verdict == SL_NEXT) {
        ++exchange->stage;
        verdict = exchange->stage->run(exchange);
    }
}

void sl_exchange_wait_for(sl_exchange_t *exchange, void (*cancel)(void *), void *object)
{
    assert(exchange->wait.cancel == NULL);
    exchange->wait = (sl_wait_t){cancel, object, sl_clock_last_us()};
}

void sl_exchange_wait_for_services(sl_exchange_t *exchange, void (*cancel)(void *), void *object)
{
    assert(exchange->wait.cancel == NULL);
    exchange->wait = (sl_wait_t){cancel, object, 0};
}

void sl_exchange_waited(sl_exchange_t *exchange)
{
    if (exchange->wait.since_us != 0)
        exchange->redis_us += sl_clock_last_us() - exchange->wait.since_us;
    exchange->wait = (sl_wait_t){NULL, NULL, 0};
}

static void on_answer_begins(h2o_req_prefilter_t *self, h2o_req_t *req, h2o_ostream_t **slot)
{
    prefilter_t *prefilter = (prefilter_t *)self;
    h2o_setup_next_prefilter(self, req, sl_exchange_walk_out(prefilter->exchange, slot));
}

h2o_ostream_t **sl_exchange_walk_out(sl_exchange_t *exchange, h2o_ostream_t **slot)
{
    exchange->has_begun_answer = true;
    for (const sl_step_t *step = exchange->steps; step->run != NULL; ++step)
        slot = step->run(exchange, slot);
    if (exchange->may_send_more && exchange->req->version < 0x200 && !exchange->req->http1_is_persistent &&
        exchange->connection != NULL)
        sl_connection_let_linger(exchange->connection);
    return slot;
}

sl_exchange_t *sl_exchange_of(h2o_req_t *req)
{
    for (h2o_req_prefilter_t *prefilter = req->prefilters; prefilter != NULL; prefilter = prefilter->next)
        if (prefilter->on_setup_ostream == on_answer_begins)
            return ((prefilter_t *)prefilter)->exchange;
    return NULL;
}

/* The request's pool is being cleared: nobody may call back into this exchange any more. */
static void on_end(void *object)
{
    sl_exchange_t *exchange = object;

    h2o_timeout_unlink(&exchange->start);
    if (exchange->wait.cancel != NULL)
        exchange->wait.cancel(exchange->wait.object);
    sl_exchange_cancel_call(exchange);
    sl_store_settle(exchange->worker->store, &exchange->pass, SL_OUTCOME_UNKNOWN);
    sl_departure_unwatch(exchange);
    if (exchange->connection != NULL)
        --exchange->connection->in_flight;
    sl_number_sub(&exchange->worker->slot->numbers[SL_M_REQUESTS_IN_FLIGHT], 1);
    sl_config_release(exchange->config);
}

static void note_call(sl_exchange_t *exchange, sl_upstream_result_t result, uint64_t now_us)
{
    const sl_call_facts_t *facts = sl_call_facts(exchange->call);

    exchange->instance = facts->instance;
    exchange->tries = facts->tries;
    exchange->upstream_result = result;
    exchange->upstream_us = now_us - facts->started_us;
    exchange->call = NULL;
}

void sl_exchange_note_call(sl_exchange_t *exchange, sl_upstream_result_t result)
{
    note_call(exchange, result, sl_clock_last_us());
}

void sl_exchange_cancel_call(sl_exchange_t *exchange)
{
    sl_call_t *call = exchange->call;

    if (call == NULL)
        return;
    note_call(exchange, SL_UPSTREAM_CANCELLED, sl_clock_us());
    sl_call_cancel(call);
}

h2o_iovec_t sl_exchange_header(const sl_exchange_t *exchange, const char *name, size_t name_len)
{
    ssize_t index = h2o_find_header_by_str(&exchange->req->headers, name, name_len, -1);
    return index == -1 ? sl_bytes(NULL, 0) : exchange->req->headers.entries[index].value;
}

h2o_iovec_t sl_exchange_copy(sl_exchange_t *exchange, h2o_iovec_t bytes)
{
    return h2o_strdup(&exchange->req->pool, bytes.base, bytes.len);
}
