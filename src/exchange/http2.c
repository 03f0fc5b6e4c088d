/*
 * http2: what the sweep needs to know of HTTP/2 streams and connections, and may do to them. libh2o 2.2.5 offers none
 * of it, but its internal header is in the package; the layout is pinned to that version.
 *
 * An answer to a request whose body is still on its way is begun as the library itself begins one for a bad header: the
 * stream is put forward to the state in which answers are sent. What still comes of the body is unwanted.c's.
 */
#include "http2.h"
#include "sluice/connection.h"
#include "unwanted.h"

_Static_assert(H2O_LIBRARY_VERSION_MAJOR == 0 && H2O_LIBRARY_VERSION_MINOR == 13, "layouts are those of libh2o 2.2");

static h2o_http2_stream_t *stream_of(h2o_req_t *req)
{
    return H2O_STRUCT_FROM_MEMBER(h2o_http2_stream_t, req, req);
}

sl_phase_t sl_http2_phase(h2o_req_t *req)
{
    switch (stream_of(req)->state) {
    case H2O_HTTP2_STREAM_STATE_RECV_HEADERS:
        return SL_PHASE_HEAD;
    case H2O_HTTP2_STREAM_STATE_RECV_BODY:
        return SL_PHASE_BODY;
    case H2O_HTTP2_STREAM_STATE_REQ_PENDING:
        return SL_PHASE_TURN;
    case H2O_HTTP2_STREAM_STATE_IDLE:
    case H2O_HTTP2_STREAM_STATE_SEND_HEADERS:
    case H2O_HTTP2_STREAM_STATE_SEND_BODY:
    case H2O_HTTP2_STREAM_STATE_SEND_BODY_IS_FINAL:
    case H2O_HTTP2_STREAM_STATE_END_STREAM:
    default:
        return SL_PHASE_OTHER;
    }
}

size_t sl_http2_body_bytes(h2o_req_t *req)
{
    const h2o_http2_stream_t *stream = stream_of(req);
    return stream->_req_body != NULL ? stream->_req_body->size : 0;
}

size_t sl_http2_unsent_bytes(h2o_req_t *req)
{
    const h2o_http2_stream_t *stream = stream_of(req);
    size_t bytes = 0;
    for (size_t i = 0; i != stream->_data.size; ++i)
        bytes += stream->_data.entries[i].len;
    return bytes;
}

void sl_http2_skip_body(h2o_req_t *req)
{
    h2o_http2_stream_t *stream = stream_of(req);
    h2o_http2_conn_t *conn = (h2o_http2_conn_t *)req->conn;

    if (stream->state == H2O_HTTP2_STREAM_STATE_REQ_PENDING) {
        h2o_linklist_unlink(&stream->_refs.link); /* from those that wait for their turn */
    } else {
        sl_http2_note_unwanted(sl_connection_of(req), stream);
        h2o_http2_stream_set_state(conn, stream, H2O_HTTP2_STREAM_STATE_REQ_PENDING);
    }
    if (stream->_req_body != NULL)
        h2o_buffer_dispose(&stream->_req_body);
    req->entity = h2o_iovec_init(NULL, 0);
    h2o_http2_stream_set_state(conn, stream, H2O_HTTP2_STREAM_STATE_SEND_HEADERS);
}

/* --- ends --- */

void sl_http2_reset(h2o_req_t *req)
{
    h2o_http2_stream_t *stream = stream_of(req);
    h2o_http2_conn_t *conn = (h2o_http2_conn_t *)req->conn;
    h2o_http2_encode_rst_stream_frame(&conn->_write.buf, stream->stream_id, -H2O_HTTP2_ERROR_CANCEL);
    h2o_http2_conn_request_write(conn);
    h2o_http2_stream_reset(conn, stream);
}

/* RFC 9113 §6.8: first the greatest possible number, so that no request on the wire is lost; then the true one. */
void sl_http2_say_goodbye(h2o_socket_t *sock, bool is_final)
{
    h2o_http2_conn_t *conn = sock->data;
    /* Where TLS takes its leave, the library has freed its connection already and waits for the socket alone. */
    if (!h2o_socket_is_reading(sock) || conn->state != H2O_HTTP2_CONN_STATE_OPEN)
        return;
    uint32_t last = is_final ? conn->pull_stream_ids.max_open : INT32_MAX;
    h2o_http2_encode_goaway_frame(&conn->_write.buf, last, H2O_HTTP2_ERROR_NONE, h2o_iovec_init(NULL, 0));
    h2o_http2_conn_request_write(conn);
    if (is_final)
        conn->state = H2O_HTTP2_CONN_STATE_HALF_CLOSED; /* it closes with its last answer */
}
