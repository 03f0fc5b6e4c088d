/*
 * check_framing: may this request be taken at its word?
 *
 *   in   what http1_head.c left in the connection; the Connection fields
 *   out  an answer 400, 413, 414, 417, 431, 501 or 505 and a closed connection; 204 for `OPTIONS *`; or NEXT
 *
 * HTTP/2 is answered earlier, by http2_head.c. And, once the head has been looked at: is the body here as well?
 */
#include "sluice/answer.h"
#include "sluice/framing.h"
#include "sluice/guard.h"

static sl_verdict_t refuse(sl_exchange_t *exchange, sl_framing_error_t error)
{
    exchange->may_send_more = true; /* whatever its version says */
    sl_number_add(&exchange->worker->slot->numbers[SL_M_GUARD_REFUSED], 1);
    return sl_answer_and_close(exchange, sl_answer_for_status(sl_framing_error_status(error)),
                               &(sl_answer_details_t){.text = sl_bytes_of(sl_framing_error_advice(error)),
                                                      .log_detail = sl_framing_error_text(error)});
}

/* libh2o takes "close, keep-alive" for the latter, any unknown token for the former, and looks at one line only. */
static void set_persistence(h2o_req_t *req)
{
    sl_persistence_t persistence = {false, false};
    ssize_t index = h2o_find_header(&req->headers, H2O_TOKEN_CONNECTION, -1);

    if (index == -1 || req->conn->ctx->shutdown_requested)
        return;
    for (; index != -1; index = h2o_find_header(&req->headers, H2O_TOKEN_CONNECTION, index))
        sl_persistence_note(&persistence, req->headers.entries[index].value);
    req->http1_is_persistent = sl_persistence_decide(&persistence, req->version < 0x101);
}

/* About the gateway, not about a resource (RFC 9110 §9.3.7): what it passes on where a route takes it. */
static sl_verdict_t answer_options(sl_exchange_t *exchange)
{
    h2o_req_t *req = exchange->req;

    exchange->reason = "options";
    exchange->outcome = SL_ADMISSION_OPEN_ROUTE;
    h2o_add_header_by_str(&req->pool, &req->res.headers, H2O_STRLIT("allow"), 0, "Allow",
                          H2O_STRLIT("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
    return sl_answer_send(exchange, 204, sl_bytes(NULL, 0), sl_bytes(NULL, 0));
}

sl_verdict_t sl_check_framing(sl_exchange_t *exchange)
{
    h2o_req_t *req = exchange->req;

    if (req->version < 0x200 && exchange->connection != NULL) {
        sl_framing_error_t error = exchange->connection->refusal;
        exchange->connection->refusal = SL_FRAMING_OK;
        if (error != SL_FRAMING_OK)
            return refuse(exchange, error);
        set_persistence(req);
        if (exchange->is_body_left)
            req->http1_is_persistent = 0; /* what comes next is that body */
    }
    if (sl_bytes_equal(req->input.path, SL_LIT("*")))
        return answer_options(exchange);
    return SL_NEXT;
}

/* The judge of heads has said that nobody gets this far (judge.c). Should a new configuration have come in between,
 * the client is asked to try again: a request must never go on without its body. */
sl_verdict_t sl_require_body(sl_exchange_t *exchange)
{
    if (!exchange->is_body_left)
        return SL_NEXT;
    return sl_answer_and_close(exchange, SL_ANSWER_OVERLOADED, &(sl_answer_details_t){.retry_after_s = 1});
}
