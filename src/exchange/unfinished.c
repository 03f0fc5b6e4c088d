/*
 * unfinished: what is known of a request that still arrives, and how it is answered before all of it has come.
 *
 * libh2o has no word for either. In HTTP/1 the connection holds one such request, its body lies in the socket's buffer,
 * and the connection ends with the answer; of HTTP/2 http2.c knows.
 */
#include "exchange.h"
#include "http2.h"

/* The first request has to come at once: before it, an HTTP/1 connection is not idle but late. */
sl_phase_t sl_exchange_phase(const sl_connection_t *connection, h2o_req_t *req)
{
    if (req->version >= 0x200)
        return sl_http2_phase(req);
    if (req->version != 0)
        return SL_PHASE_BODY; /* the head is parsed, and without a body it would have been dispatched */
    return connection->sock->input->size == 0 && connection->requests != 0 ? SL_PHASE_IDLE : SL_PHASE_HEAD;
}

size_t sl_exchange_body_bytes(const sl_connection_t *connection, h2o_req_t *req)
{
    if (req->version >= 0x200)
        return sl_http2_body_bytes(req);
    return req->version != 0 ? connection->sock->input->size : 0;
}

void sl_exchange_answer_unfinished(h2o_req_t *req, int status)
{
    sl_connection_t *connection = sl_connection_of(req);

    if (req->version >= 0x200) {
        sl_http2_skip_body(req);
    } else if (h2o_socket_is_writing(connection->sock)) { /* "100 Continue" is stuck */
        sl_connection_kill(connection, "deadline");
        return;
    } else {
        h2o_socket_read_stop(connection->sock);
        req->http1_is_persistent = 0;
    }
    h2o_send_error_generic(req, status, "", "", H2O_SEND_ERROR_HTTP1_CLOSE_CONNECTION); /* own_words finds the words */
}
