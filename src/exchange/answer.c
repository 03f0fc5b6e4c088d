/*
 * answer: the gateway's own words, as problem+json (RFC 9457), from the rows in answer.h.
 *
 * The refusals are the second-busiest road of a gateway, so the body is put together once, in the request's pool, and
 * leaves with its head in one write.
 */
#include "sluice/answer.h"
#include "sluice/clock.h"
#include "sluice/method.h"

typedef struct row_t {
    int status;
    const char *word, *title, *text;
} row_t;

static const row_t rows[] = {
#define X(id, status, word, title, text) {status, word, title, text},
    SL_ANSWERS(X)
#undef X
};

int sl_answer_status(sl_answer_id_t id)
{
    return rows[id].status;
}

const char *sl_answer_word(sl_answer_id_t id)
{
    return rows[id].word;
}

sl_answer_id_t sl_answer_for_status(int status)
{
    switch (status) {
    case 408:
        return SL_ANSWER_REQUEST_TIMEOUT;
    case 503:
        return SL_ANSWER_OVERLOADED;
    case 413:
        return SL_ANSWER_BODY_TOO_LARGE;
    case 414:
        return SL_ANSWER_TARGET_TOO_LONG;
    case 417:
        return SL_ANSWER_EXPECTATION;
    case 431:
        return SL_ANSWER_HEAD_TOO_LARGE;
    case 500:
        return SL_ANSWER_INTERNAL;
    case 501:
        return SL_ANSWER_UNKNOWN_CODING;
    case 505:
        return SL_ANSWER_HTTP_VERSION;
    default:
        return SL_ANSWER_BAD_REQUEST;
    }
}

static void put_member(sl_text_t *body, const char *name, h2o_iovec_t value)
{
    sl_text_put(body, ",\"");
    sl_text_put(body, name);
    sl_text_put(body, "\":");
    sl_text_json(body, value);
}

static void put_number(sl_text_t *body, const char *name, unsigned long long value)
{
    sl_text_put(body, ",\"");
    sl_text_put(body, name);
    sl_text_put(body, "\":");
    sl_text_number(body, value);
}

static void put_limits(sl_text_t *body, const sl_admission_t *admission)
{
    const sl_limit_state_t *tightest = sl_admission_tightest(admission);
    const char *separator = "";

    if (tightest != NULL)
        put_number(body, "remaining", tightest->remaining);
    sl_text_put(body, ",\"violated_policies\":[");
    for (size_t i = 0; i != admission->limit_count; ++i) {
        if (!admission->limits[i].is_violated)
            continue;
        sl_text_put(body, separator);
        sl_text_json(body, sl_bytes_of(sl_limit_name(admission->limits[i].kind)));
        separator = ",";
    }
    sl_text_put(body, "]");
}

static void write_problem(sl_text_t *body, const sl_exchange_t *exchange, sl_answer_id_t id,
                          const sl_answer_details_t *details)
{
    const row_t *row = &rows[id];
    h2o_iovec_t text = details != NULL && details->text.len != 0 ? details->text : sl_bytes_of(row->text);

    sl_text_put(body, "{\"type\":\"");
    if (id == SL_ANSWER_LIMITED)
        sl_text_put(body, "https://iana.org/assignments/http-problem-types#quota-exceeded");
    else {
        sl_text_put(body, "urn:sluice:problem:");
        sl_text_put(body, row->word);
    }
    sl_text_put(body, "\"");
    put_member(body, "title", sl_bytes_of(sl_reason_phrase(row->status)));
    put_number(body, "status", (unsigned long long)row->status);
    put_member(body, "detail", text);
    if (exchange->path.len != 0)
        put_member(body, "instance", exchange->path);
    put_member(body, "error", sl_bytes_of(row->title));
    put_member(body, "request_id", sl_bytes(exchange->request_id, exchange->request_id_len));
    if (details != NULL && details->service != NULL)
        put_member(body, "service", sl_bytes_of(details->service));
    if (details != NULL && details->part != NULL)
        put_member(body, "part", sl_bytes_of(details->part));
    if (details != NULL && details->retry_after_s != 0)
        put_number(body, "retry_after", details->retry_after_s);
    if (details != NULL && details->has_limits)
        put_limits(body, &exchange->admission);
    sl_text_put(body, "}\n");
}

static void add_retry_after(h2o_req_t *req, uint64_t seconds)
{
    char *text = h2o_mem_alloc_pool(&req->pool, SL_NUMBER_DIGITS);

    h2o_add_header_by_str(&req->pool, &req->res.headers, H2O_STRLIT("retry-after"), 0, "Retry-After", text,
                          (size_t)(sl_put_number(text, seconds) - text));
}

h2o_iovec_t sl_answer_compose(sl_exchange_t *exchange, sl_answer_id_t id, const sl_answer_details_t *details)
{
    static sl_text_t scratch; /* one thread: the memory is used again and again */
    h2o_req_t *req = exchange->req;

    exchange->is_own_answer = true;
    exchange->reason = rows[id].word;
    if (details != NULL && details->log_detail != NULL)
        exchange->detail = details->log_detail;
    req->res.status = rows[id].status;
    req->res.reason = sl_reason_phrase(rows[id].status);
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, H2O_STRLIT("application/problem+json"));
    if (details != NULL && details->retry_after_s != 0)
        add_retry_after(req, details->retry_after_s);

    sl_text_clear(&scratch);
    write_problem(&scratch, exchange, id, details);
    h2o_iovec_t body = sl_exchange_copy(exchange, sl_bytes(scratch.base, scratch.size));
    req->res.content_length = body.len;
    return body;
}

/* `body` is the whole of it. For HEAD, and for a status without content (RFC 9110 §8.6), the head goes alone. */
static sl_verdict_t complete(sl_exchange_t *exchange, h2o_iovec_t body)
{
    static h2o_generator_t generator = {NULL, NULL};
    h2o_req_t *req = exchange->req;
    bool has_content = req->res.status != 204 && req->res.status != 304;
    bool is_bare = !has_content || body.len == 0 || sl_is_head(req->input.method);

    req->res.content_length = has_content ? body.len : SIZE_MAX;
    exchange->is_complete = true;
    exchange->sending_since_us = sl_clock_us();
    h2o_start_response(req, &generator);
    h2o_send(req, &body, is_bare ? 0 : 1, H2O_SEND_STATE_FINAL);
    return SL_ANSWERED;
}

sl_verdict_t sl_answer_send(sl_exchange_t *exchange, int status, h2o_iovec_t content_type, h2o_iovec_t body)
{
    h2o_req_t *req = exchange->req;

    exchange->is_own_answer = true;
    req->res.status = status;
    req->res.reason = sl_reason_phrase(status);
    if (body.len != 0)
        h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, content_type.base,
                       content_type.len);
    return complete(exchange, body);
}

sl_verdict_t sl_answer(sl_exchange_t *exchange, sl_answer_id_t id, const sl_answer_details_t *details)
{
    return complete(exchange, sl_answer_compose(exchange, id, details));
}

sl_verdict_t sl_answer_and_close(sl_exchange_t *exchange, sl_answer_id_t id, const sl_answer_details_t *details)
{
    exchange->req->http1_is_persistent = 0;
    return sl_answer(exchange, id, details);
}
