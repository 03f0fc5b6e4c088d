/*
 * http2_end: the end of HTTP/2 connections, while a worker drains and for an error.
 *
 * For an error the library queues a GOAWAY, and closes when that is written. Three things may stand before the write:
 * one in flight, a timer, or the word that the socket takes more. Of the third it does not think, so it closes at once:
 * the client is left without the GOAWAY and all else that was queued. Here it is made to believe, until its read is
 * over, that a write is in flight. The socket's word then comes by the usual way, writes, and closes.
 *
 * And it reads on as long as a client takes nothing: what comes after the error is gathered and never looked at. Here
 * it is thrown away. What still comes after the close is taken by node/linger.c, or it would make a reset of it, which
 * overtakes the GOAWAY.
 */
#include "library.h"
#include "reading.h"
#include "sluice/connection.h"
#include "sluice/guard.h"

static bool is_receiving(const h2o_http2_conn_t *conn)
{
    return conn->num_streams.pull.open != conn->num_streams.pull.half_closed;
}

static h2o_http2_conn_t *delayed; /* in the read that is under way */

void h2o_http2_encode_goaway_frame(h2o_buffer_t **buf, uint32_t last_stream_id, int errnum, h2o_iovec_t additional_data)
{
    REAL(h2o_http2_encode_goaway_frame);
    h2o_http2_conn_t *conn = H2O_STRUCT_FROM_MEMBER(h2o_http2_conn_t, _write.buf, buf);
    sl_connection_t *connection = sl_guard_who_sends();

    real(buf, last_stream_id, errnum, additional_data);
    if (errnum == H2O_HTTP2_ERROR_NONE || connection == NULL)
        return;
    if (!connection->http2.is_exceeded) /* who attacks may miss the reason */
        sl_connection_let_linger(connection);
    if (conn->_write.buf_in_flight != NULL || conn->sock->_cb.write == NULL)
        return;
    h2o_buffer_init(&conn->_write.buf_in_flight, &h2o_socket_buffer_prototype);
    delayed = conn;
}

void sl_guard_http2_was_read(void)
{
    if (delayed != NULL)
        h2o_buffer_dispose(&delayed->_write.buf_in_flight);
    delayed = NULL;
}

bool sl_guard_http2_is_over(h2o_socket_t *sock)
{
    const h2o_http2_conn_t *conn = sock->data;

    return conn->state == H2O_HTTP2_CONN_STATE_IS_CLOSING;
}

void sl_guard_http2_finish(h2o_context_t *ctx, bool hurry)
{
    for (h2o_linklist_t *node = ctx->http2._conns.next; node != &ctx->http2._conns; node = node->next) {
        h2o_http2_conn_t *conn = H2O_STRUCT_FROM_MEMBER(h2o_http2_conn_t, _conns, node);
        if (!is_receiving(conn) || hurry)
            sl_http2_say_goodbye(conn->sock, true);
    }
}
