/*
 * relay: the exchange of an exchange. Sends the request to the service, its answer to the client, and tells the breaker
 * how it went.
 *
 *   service ── on_head ──> res          ┐
 *           ── on_body ──> pending ──┐  ├── pump: one h2o_send at a time, from `pending` by way of `flight`
 *           ── on_end  ──> finished  ┘  ┘        proceed: libh2o has taken `flight`, pump again
 *
 * Back pressure: when `pending` exceeds the high-water mark the call is paused, and resumed once it was handed over; so
 * a client that does not read costs two such buffers, never the whole answer. The pump runs from a zero timer, so that
 * a head and a body that came in one packet leave in one write; it still runs within the same loop turn, so server-sent
 * events pass unbuffered. Until the first h2o_send, a failure can still become a proper answer; after it the connection
 * can only be cut.
 *
 * An answer that is to be changed is held whole in `pending`, within the transformation's bound and without back
 * pressure, and goes through the same pump at its end (transform_answer.c).
 */
#include "sluice/clock.h"
#include "transform.h"
#include <assert.h>

#define HIGH_WATER_BYTES (256 * 1024)
#define HIGH_WATER_HTTP2_BYTES (32 * 1024) /* of one stream among many */
#define PIECE_BYTES 4096                   /* holds nearly every answer of an API */
#define PIECES_KEPT 256

/* libh2o's own keeps no more than 16 of its buffers, too few for all that is under way at once. */
static h2o_buffer_prototype_t pieces = {.allocator = {.max = PIECES_KEPT},
                                        ._initial_buf = {.capacity = PIECE_BYTES},
                                        .mmap_settings = &h2o_socket_buffer_mmap_settings};

typedef struct relay_t {
    h2o_generator_t super;
    sl_exchange_t *exchange;
    h2o_buffer_t *pending, *flight;
    h2o_timeout_entry_t pump_soon;
    bool has_head, is_started, is_sending, is_paused, is_finished;
    bool is_held; /* nothing leaves before the whole is here */
    sl_answer_change_t change;
    bool is_good; /* with is_finished: the whole answer came */
} relay_t;

static void on_head(void *data, const sl_call_head_t *head);
static size_t high_water(const relay_t *relay)
{
    return relay->exchange->req->version >= 0x200 ? HIGH_WATER_HTTP2_BYTES : HIGH_WATER_BYTES;
}

static void on_body(void *data, h2o_iovec_t bytes);
static void on_end(void *data, sl_upstream_result_t result);
static void on_pump(h2o_timeout_entry_t *entry);
static void on_proceed(h2o_generator_t *self, h2o_req_t *req);
static void on_stop(h2o_generator_t *self, h2o_req_t *req);
static void on_dispose(void *object);
static void tell_breaker(relay_t *relay, sl_upstream_result_t result);
static void refuse_answer(relay_t *relay);

sl_verdict_t sl_relay_start(sl_exchange_t *exchange)
{
    static const sl_call_callbacks_t callbacks = {on_head, on_body, on_end};
    h2o_req_t *req = exchange->req;
    const sl_route_t *route = exchange->route;

    relay_t *relay = h2o_mem_alloc_shared(&req->pool, sizeof(*relay), on_dispose);
    *relay = (relay_t){.super = {on_proceed, on_stop}, .exchange = exchange, .pump_soon = {.cb = on_pump}};
    h2o_buffer_init(&relay->pending, &pieces);
    h2o_buffer_init(&relay->flight, &pieces);

    sl_call_request_t *request = h2o_mem_alloc_pool(&req->pool, sizeof(*request));
    *request = (sl_call_request_t){
        .method = req->method,
        .target = sl_forward_target(exchange),
        .host = route->preserve_host ? exchange->authority : route->host_override,
        .headers = sl_forward_headers(exchange),
        .body = exchange->changed.body.base != NULL ? exchange->changed.body : req->entity,
        .has_body = req->entity.base != NULL,
        .service = exchange->service,
        .timeouts = route->timeouts,
    };
    exchange->reason = "proxied";
    exchange->call = sl_upstream_start(exchange->worker->upstream, request, &callbacks, relay);
    return SL_ANSWERED;
}

/* --- from the service --- */

static bool is_kept_from_client(const sl_exchange_t *exchange, h2o_iovec_t name)
{
    static const h2o_iovec_t always[] = {{H2O_STRLIT("content-length")},
                                         {H2O_STRLIT("date")},
                                         {H2O_STRLIT("x-request-id")},
                                         {H2O_STRLIT("x-response-time")}};
    static const h2o_iovec_t limits[] = {{H2O_STRLIT("ratelimit")},
                                         {H2O_STRLIT("ratelimit-policy")},
                                         {H2O_STRLIT("x-ratelimit-limit")},
                                         {H2O_STRLIT("x-ratelimit-remaining")},
                                         {H2O_STRLIT("x-ratelimit-reset")}};

    for (size_t i = 0; i != sizeof(always) / sizeof(always[0]); ++i)
        if (sl_bytes_equal(always[i], name))
            return true;
    for (size_t i = 0; exchange->has_admission && i != sizeof(limits) / sizeof(limits[0]); ++i)
        if (sl_bytes_equal(limits[i], name))
            return true;
    return false;
}

/* Several Connection fields are one list (RFC 9110 §5.3). */
static h2o_iovec_t join_connection(sl_exchange_t *exchange, const sl_call_head_t *head)
{
    h2o_iovec_t all = {NULL, 0};

    for (size_t i = 0; i != head->field_count; ++i) {
        h2o_iovec_t value = head->fields[i].value;
        if (!sl_bytes_equal_fold(head->fields[i].name, SL_LIT("connection")) || sl_is_keep_alive(value))
            continue;
        all = all.len == 0 ? value : h2o_concat(&exchange->req->pool, all, SL_LIT(","), value);
    }
    return all;
}

static size_t measure_fields(const sl_call_head_t *head)
{
    size_t bytes = 0;

    for (size_t i = 0; i != head->field_count; ++i)
        bytes += head->fields[i].name.len * 2 + head->fields[i].value.len;
    return bytes;
}

/* The fields are borrowed, so they are copied: name as it came, name in lower case (libh2o's form), value. */
static void copy_fields(sl_exchange_t *exchange, const sl_call_head_t *head)
{
    h2o_req_t *req = exchange->req;
    h2o_iovec_t connection = join_connection(exchange, head);
    char *to = h2o_mem_alloc_pool(&req->pool, measure_fields(head) + 1);

    for (size_t i = 0; i != head->field_count; ++i) {
        h2o_iovec_t name = head->fields[i].name, value = head->fields[i].value;
        char *original = memcpy(to, name.base, name.len), *lower = memcpy(to + name.len, name.base, name.len);
        h2o_strtolower(lower, name.len);
        h2o_iovec_t folded = {lower, name.len};
        if (sl_is_hop_by_hop(folded, connection) || is_kept_from_client(exchange, folded))
            continue;
        to += name.len * 2;
        char *copy = value.len != 0 ? memcpy(to, value.base, value.len) : to;
        to += value.len;
        h2o_add_header_by_str(&req->pool, &req->res.headers, lower, name.len, 1, original, copy, value.len);
    }
}

static void add_via(sl_exchange_t *exchange)
{
    h2o_req_t *req = exchange->req;
    h2o_iovec_t value = h2o_concat(&req->pool, SL_LIT("1.1 "), sl_bytes_of(exchange->config->server_name));

    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_VIA, NULL, value.base, value.len);
}

static void schedule_pump(relay_t *relay)
{
    h2o_context_t *ctx = &relay->exchange->worker->ctx;

    if (!h2o_timeout_is_linked(&relay->pump_soon))
        h2o_timeout_link(ctx->loop, &ctx->zero_timeout, &relay->pump_soon);
}

static void on_head(void *data, const sl_call_head_t *head)
{
    relay_t *relay = data;
    h2o_req_t *req = relay->exchange->req;

    relay->has_head = true;
    req->res.status = head->status;
    req->res.reason =
        head->reason.len != 0 ? sl_exchange_copy(relay->exchange, head->reason).base : sl_reason_phrase(head->status);
    req->res.content_length = head->content_length;
    copy_fields(relay->exchange, head);
    add_via(relay->exchange);
    if (sl_breaker_status_fails(&relay->exchange->service->breaker, head->status))
        tell_breaker(relay, SL_UPSTREAM_OK); /* at once: the body may take long, and the next requests need to know */
    sl_answer_fate_t fate = sl_answer_plan(relay->exchange, &relay->change);
    relay->is_held = fate == SL_FATE_HELD;
    if (fate == SL_FATE_REFUSED)
        refuse_answer(relay);
    else if (!relay->is_held)
        schedule_pump(relay);
}

static void put_pending(relay_t *relay, h2o_iovec_t bytes)
{
    h2o_iovec_t room = h2o_buffer_reserve(&relay->pending, bytes.len);

    if (bytes.len != 0)
        memcpy(room.base, bytes.base, bytes.len);
    relay->pending->size += bytes.len;
}

static void hold(relay_t *relay, h2o_iovec_t bytes)
{
    if (bytes.len > relay->exchange->transform->bytes_max - relay->pending->size) {
        relay->change.refusal = SL_ANSWER_ANSWER_TOO_LARGE;
        refuse_answer(relay);
        return;
    }
    put_pending(relay, bytes);
}

static void on_body(void *data, h2o_iovec_t bytes)
{
    relay_t *relay = data;

    if (relay->is_held) {
        hold(relay, bytes);
        return;
    }
    put_pending(relay, bytes);
    if (relay->pending->size >= high_water(relay) && !relay->is_paused) {
        relay->is_paused = true;
        sl_call_pause(relay->exchange->call);
    }
    schedule_pump(relay);
}

/* --- how it went --- */

static sl_answer_id_t answer_for(sl_upstream_result_t result)
{
    switch (sl_upstream_end_kind(result)) {
    case SL_END_UNTRIED:
        return SL_ANSWER_OVERLOADED;
    case SL_END_REFUSED:
        return SL_ANSWER_UPSTREAM_REFUSED;
    case SL_END_TIMEOUT:
        return SL_ANSWER_UPSTREAM_TIMEOUT;
    case SL_END_GOOD:
    case SL_END_BROKEN:
    default:
        return SL_ANSWER_UPSTREAM_BROKEN;
    }
}

static void tell_breaker(relay_t *relay, sl_upstream_result_t result)
{
    sl_exchange_t *exchange = relay->exchange;
    bool is_failure = sl_upstream_counts_as_failure(&exchange->service->breaker, result, exchange->req->res.status);
    sl_outcome_t outcome = is_failure ? SL_OUTCOME_FAILURE : SL_OUTCOME_SUCCESS;

    if (sl_upstream_end_kind(result) == SL_END_UNTRIED)
        outcome = SL_OUTCOME_UNKNOWN;
    if (result == SL_UPSTREAM_TOTAL_TIMEOUT && relay->is_paused)
        outcome = SL_OUTCOME_UNKNOWN; /* the service waits for the client: slow clients must not open its breaker */
    sl_store_settle(exchange->worker->store, &exchange->pass, outcome);
}

/* Nothing has been sent yet, so the client gets a proper answer instead of half of a broken one. */
static void answer_failure(relay_t *relay, sl_upstream_result_t result)
{
    sl_exchange_t *exchange = relay->exchange;
    sl_answer_details_t details = {.service = exchange->service->name, .log_detail = sl_upstream_result_name(result)};

    if (sl_upstream_end_kind(result) == SL_END_UNTRIED)
        details.retry_after_s = 1;
    h2o_timeout_unlink(&relay->pump_soon);
    memset(&exchange->req->res.headers, 0, sizeof(exchange->req->res.headers));
    sl_answer(exchange, answer_for(result), &details);
}

/* The service has answered, and well, but not in a way that can be handed on. The exchange may be gone afterwards. */
static void refuse_answer(relay_t *relay)
{
    sl_exchange_t *exchange = relay->exchange;
    sl_answer_details_t details = {.service = exchange->service->name};

    tell_breaker(relay, SL_UPSTREAM_OK);
    sl_exchange_cancel_call(exchange);
    memset(&exchange->req->res.headers, 0, sizeof(exchange->req->res.headers));
    sl_answer(exchange, relay->change.refusal, &details);
}

/* False when there is nothing left to be sent. */
static bool change_held(relay_t *relay)
{
    h2o_iovec_t body = {relay->pending->bytes, relay->pending->size};
    sl_text_t changed = {0};

    sl_answer_fate_t fate = sl_answer_apply(relay->exchange, &relay->change, body, &changed);
    if (fate == SL_FATE_HELD) {
        h2o_buffer_consume(&relay->pending, relay->pending->size);
        put_pending(relay, sl_bytes(changed.base, changed.size));
    }
    sl_text_dispose(&changed);
    if (fate == SL_FATE_REFUSED)
        refuse_answer(relay);
    return fate != SL_FATE_REFUSED;
}

static void on_end(void *data, sl_upstream_result_t result)
{
    relay_t *relay = data;

    sl_exchange_note_call(relay->exchange, result);
    tell_breaker(relay, result);
    if (result != SL_UPSTREAM_OK && !relay->is_started) {
        answer_failure(relay, result);
        return;
    }
    if (relay->is_held && !change_held(relay))
        return;
    relay->is_finished = true;
    relay->is_good = result == SL_UPSTREAM_OK;
    if (!relay->is_good) {
        relay->exchange->reason = "upstream_cut";
        relay->exchange->detail = sl_upstream_result_name(result);
    }
    schedule_pump(relay);
}

/* --- to the client --- */

static void call_off(sl_exchange_t *exchange)
{
    const sl_connection_t *connection = exchange->connection;

    if (connection != NULL && connection->is_doomed)
        exchange->reason = connection->end_reason; /* whoever ended it has said why */
    else if (!exchange->has_stalled)
        exchange->reason = "client_left";
    sl_exchange_cancel_call(exchange);
}

static void give_up_if_client_left(relay_t *relay)
{
    call_off(relay->exchange);
    h2o_send(relay->exchange->req, NULL, 0, H2O_SEND_STATE_ERROR);
}

/* The last line may end the exchange. */
static void pump(relay_t *relay)
{
    sl_exchange_t *exchange = relay->exchange;
    h2o_send_state_t state = H2O_SEND_STATE_IN_PROGRESS;

    if (relay->is_sending)
        return;
    if (!relay->is_started) {
        relay->is_started = true;
        h2o_start_response(exchange->req, &relay->super);
    } else if (relay->pending->size == 0 && !relay->is_finished) {
        return;
    }
    h2o_buffer_t *empty = relay->flight;
    relay->flight = relay->pending;
    relay->pending = empty;
    if (relay->is_paused) {
        relay->is_paused = false;
        if (exchange->call != NULL)
            sl_call_resume(exchange->call);
    }
    if (relay->is_finished && relay->pending->size == 0) { /* a resumed call may have brought more at once */
        state = relay->is_good ? H2O_SEND_STATE_FINAL : H2O_SEND_STATE_ERROR;
        exchange->is_complete = relay->is_good;
    }
    relay->is_sending = true;
    exchange->sending_since_us = sl_clock_us();
    h2o_iovec_t bytes = {relay->flight->bytes, relay->flight->size};
    h2o_send(exchange->req, &bytes, bytes.len != 0 ? 1 : 0, state);
}

static void on_pump(h2o_timeout_entry_t *entry)
{
    pump(H2O_STRUCT_FROM_MEMBER(relay_t, pump_soon, entry));
}

static void on_proceed(h2o_generator_t *self, h2o_req_t *req)
{
    relay_t *relay = H2O_STRUCT_FROM_MEMBER(relay_t, super, self);

    assert(relay->exchange->req == req);
    relay->is_sending = false;
    relay->exchange->sending_since_us = 0;
    h2o_buffer_consume(&relay->flight, relay->flight->size);
    if (relay->exchange->has_left)
        give_up_if_client_left(relay);
    else
        pump(relay);
}

/* The answer is cut short: the client's connection is gone. */
static void on_stop(h2o_generator_t *self, h2o_req_t *req)
{
    relay_t *relay = H2O_STRUCT_FROM_MEMBER(relay_t, super, self);

    assert(relay->exchange->req == req);
    call_off(relay->exchange);
}

static void on_dispose(void *object)
{
    relay_t *relay = object;

    h2o_timeout_unlink(&relay->pump_soon);
    h2o_buffer_dispose(&relay->pending);
    h2o_buffer_dispose(&relay->flight);
    sl_exchange_cancel_call(relay->exchange);
}
