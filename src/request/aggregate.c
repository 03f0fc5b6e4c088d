/*
 * aggregate: the answer is made of several services' answers.
 *
 *   in   exchange->route->aggregate (NULL: the next stage's business), path, query, caller
 *   out  an answer: the template filled in, in the front end's shape; or 400 / 502 / 503 / 504
 *
 *   values of the request ──> compose: calls ──> answer template ──> shape ──> _meta ──> client
 *
 * The answer is whole before its first byte leaves, so whatever happens on the way to it can still become a proper one.
 * It leaves in pieces, each after the client has taken the one before: a client that stalls is seen by the sweep.
 */
#include "aggregate.h"
#include "sluice/answer.h"
#include "sluice/clock.h"
#include "sluice/json_edit.h"
#include "sluice/method.h"
#include "sluice/parse.h"
#include "sluice/stages.h"
#include "transform.h"

#define PIECE_BYTES (256 * 1024)

typedef struct job_t {
    h2o_generator_t super;
    sl_exchange_t *exchange;
    uint64_t began_us;
    const sl_shape_t *shape;
    sl_request_values_t values;
    sl_compose_t *compose;
    sl_text_t answer;
    size_t sent;
} job_t;

static void on_composed(void *data);
static void on_proceed(h2o_generator_t *self, h2o_req_t *req);
static void on_stop(h2o_generator_t *self, h2o_req_t *req);
static void on_dispose(void *object);

/* --- asking --- */

static sl_verdict_t refuse_body(job_t *job)
{
    sl_text_t text = {0};

    sl_text_format(&text, "The request body cannot be read: %s, at byte %zu.", job->values.body_error,
                   job->values.body_offset);
    h2o_iovec_t copy = sl_exchange_copy(job->exchange, sl_bytes(text.base, text.size));
    sl_text_dispose(&text);
    return sl_answer(job->exchange, SL_ANSWER_BAD_BODY,
                     &(sl_answer_details_t){.text = copy, .log_detail = job->values.body_error});
}

/* A client may ask for less time than the route gives, never for more. */
static uint64_t client_timeout_ms(const sl_exchange_t *exchange)
{
    uint64_t ms = 0;
    h2o_iovec_t given = sl_exchange_header(exchange, H2O_STRLIT("x-request-deadline-ms"));

    return given.base != NULL && sl_parse_count(given, &ms) ? ms : 0;
}

static void cancel(void *object)
{
    job_t *job = object;
    job->exchange->upstream_us = sl_clock_us() - job->began_us;
    sl_compose_cancel(job->compose);
}

static sl_verdict_t ask(job_t *job)
{
    sl_exchange_t *exchange = job->exchange;
    sl_worker_t *worker = exchange->worker;
    sl_compose_env_t env = {&worker->ctx, worker->upstream, worker->store, worker->slot, &worker->index_bytes};
    sl_compose_request_t request = {
        .aggregate = exchange->route->aggregate,
        .calls = sl_calls_wanted(exchange),
        .resolve = sl_request_values_resolve,
        .data = &job->values,
        .pay = exchange->route->needs_key ? sl_pay_for_elements : NULL,
        .headers = sl_forward_common_headers(exchange),
        .trace_id = sl_bytes(exchange->trace_id, SL_TRACE_ID_HEX),
        .trace_flags = sl_bytes(exchange->trace_flags, sizeof(exchange->trace_flags)),
        .timeout_ms = client_timeout_ms(exchange),
        .on_done = on_composed,
    };

    job->compose = sl_compose_start(&env, &request, job);
    sl_exchange_wait_for_services(exchange, cancel, job);
    return SL_WAITING;
}

/* The sweep bounds bodies that arrive; an index is made of one that is there, all at once, so it is bounded here. */
static bool hold_index(job_t *job)
{
    sl_exchange_t *exchange = job->exchange;
    sl_worker_t *worker = exchange->worker;
    size_t bytes = job->values.body.capacity * sizeof(sl_json_value_t) + job->values.converted.capacity;

    if (bytes != 0 && worker->index_bytes + bytes > worker->config->limits.bodies) {
        sl_request_values_dispose(&job->values);
        return false;
    }
    worker->index_bytes += bytes;
    exchange->index_bytes = bytes;
    return true;
}

sl_verdict_t sl_aggregate(sl_exchange_t *exchange)
{
    if (exchange->route->aggregate == NULL)
        return SL_NEXT;
    job_t *job = h2o_mem_alloc_shared(&exchange->req->pool, sizeof(*job), on_dispose);
    *job = (job_t){.super = {on_proceed, on_stop}, .exchange = exchange};
    exchange->reason = "aggregated";
    job->began_us = sl_clock_us();
    job->shape = sl_choose_shape(exchange);
    const char *coding = sl_aggregate_coding_problem(exchange);
    if (coding != NULL && sl_aggregate_wants_body(exchange, job->shape))
        return sl_answer(exchange, SL_ANSWER_BAD_MEDIA, &(sl_answer_details_t){.text = sl_bytes_of(coding)});
    sl_request_values_init(&job->values, exchange);
    if (!hold_index(job))
        return sl_answer(exchange, SL_ANSWER_OVERLOADED,
                         &(sl_answer_details_t){.retry_after_s = 1, .log_detail = "bodies"});
    if (job->values.body_error != NULL && sl_aggregate_wants_body(exchange, job->shape))
        return refuse_body(job);
    return ask(job);
}

/* --- putting together --- */

/* NULL for well. */
static const char *shape_answer(job_t *job, size_t most)
{
    sl_text_t shaped = {0};
    size_t offset;

    if (job->shape == NULL || job->shape->edit_count == 0)
        return NULL;
    const char *error =
        sl_json_edit(sl_bytes(job->answer.base, job->answer.size), job->shape->edits, job->shape->edit_count, NULL,
                     most, sl_compose_resolve, job->compose, &shaped, &offset);
    sl_text_dispose(&job->answer);
    job->answer = shaped;
    return error;
}

static const char *put_together(job_t *job)
{
    const sl_aggregate_t *aggregate = job->exchange->route->aggregate;
    const sl_template_t *wanted =
        job->shape != NULL && job->shape->answer != NULL ? job->shape->answer : aggregate->answer;

    if (!sl_template_fill(wanted, sl_compose_resolve, job->compose, aggregate->bytes_max, &job->answer))
        return "the answer is larger than the route's 'bytes'";
    const char *error = shape_answer(job, aggregate->bytes_max);
    if (error == NULL)
        sl_parts_put_meta(aggregate, job->compose, &job->answer);
    return error;
}

/* --- to the client --- */

/* The last line may end the exchange. */
static void send_piece(job_t *job)
{
    sl_exchange_t *exchange = job->exchange;
    size_t left = job->answer.size - job->sent, len = left < PIECE_BYTES ? left : PIECE_BYTES;
    h2o_iovec_t bytes = {job->answer.base + job->sent, len};
    bool is_last = len == left;

    if (sl_is_head(exchange->req->method)) {
        bytes.len = 0;
        is_last = true;
    }
    job->sent += len;
    exchange->is_complete = is_last;
    exchange->sending_since_us = sl_clock_us();
    h2o_send(exchange->req, &bytes, bytes.len != 0 ? 1 : 0,
             is_last ? H2O_SEND_STATE_FINAL : H2O_SEND_STATE_IN_PROGRESS);
}

static void begin_answer(job_t *job)
{
    h2o_req_t *req = job->exchange->req;

    job->exchange->is_own_answer = true;
    req->res.status = 200;
    req->res.reason = sl_reason_phrase(200);
    req->res.content_length = job->answer.size;
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, H2O_STRLIT("application/json"));
    h2o_start_response(req, &job->super);
    send_piece(job);
}

static void on_composed(void *data)
{
    job_t *job = data;
    sl_exchange_t *exchange = job->exchange;
    ssize_t failed = sl_compose_failed_call(job->compose);

    sl_exchange_waited(exchange);
    exchange->upstream_us = sl_clock_us() - job->began_us;
    exchange->tries = sl_compose_tries(job->compose);
    if (failed >= 0) {
        sl_parts_answer_failure(exchange, job->compose, (size_t)failed);
        return;
    }
    exchange->detail = sl_parts_detail(exchange, job->compose);
    const char *error = put_together(job);
    if (error != NULL)
        sl_answer(exchange, SL_ANSWER_NOT_COMPOSED, &(sl_answer_details_t){.log_detail = error});
    else
        begin_answer(job);
}

static void on_proceed(h2o_generator_t *self, h2o_req_t *req)
{
    job_t *job = H2O_STRUCT_FROM_MEMBER(job_t, super, self);

    job->exchange->sending_since_us = 0;
    if (job->exchange->has_left)
        h2o_send(req, NULL, 0, H2O_SEND_STATE_ERROR);
    else
        send_piece(job);
}

/* The answer is cut short: the client's connection is gone. */
static void on_stop(h2o_generator_t *self, h2o_req_t *req)
{
    job_t *job = H2O_STRUCT_FROM_MEMBER(job_t, super, self);

    (void)req;
    job->exchange->reason = "client_left";
    job->exchange->upstream_result = SL_UPSTREAM_CANCELLED;
}

static void on_dispose(void *object)
{
    job_t *job = object;

    if (job->exchange->wait.object == job)
        sl_exchange_waited(job->exchange);
    if (job->compose != NULL)
        sl_compose_destroy(job->compose);
    job->exchange->worker->index_bytes -= job->exchange->index_bytes;
    sl_request_values_dispose(&job->values);
    sl_text_dispose(&job->answer);
}
