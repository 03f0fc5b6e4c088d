/*
 * unwanted: bodies of HTTP/2 requests that were answered, or are being answered, before they have come.
 *
 * libh2o would meet DATA that still comes for such a stream with RST_STREAM(STREAM_CLOSED), and so end the answer
 * before the client has it. Therefore such DATA is kept from it (guard/http2_frames.c), its bytes are given back to the
 * connection's window, and once the answer is out the stream is reset with NO_ERROR, as RFC 9113 §8.1 has it. The
 * stream's own window is not opened again: so much can come at most.
 */
#include "unwanted.h"
#include "http2.h"

static h2o_http2_stream_t *stream_of(h2o_req_t *req)
{
    return H2O_STRUCT_FROM_MEMBER(h2o_http2_stream_t, req, req);
}

sl_unwanted_t *sl_http2_note_unwanted(sl_connection_t *connection, h2o_http2_stream_t *stream)
{
    ssize_t left = h2o_http2_window_get_window(&stream->input_window);

    if (connection->unwanted == NULL) {
        connection->unwanted = h2o_mem_alloc(SL_UNWANTED_MAX * sizeof(connection->unwanted[0]));
        memset(connection->unwanted, 0, SL_UNWANTED_MAX * sizeof(connection->unwanted[0]));
    }
    sl_unwanted_t *unwanted = &connection->unwanted[connection->unwanted_next++ % SL_UNWANTED_MAX];
    *unwanted = (sl_unwanted_t){.stream = stream->stream_id, .left = left > 0 ? (uint32_t)left : 0, .is_open = true};
    return unwanted;
}

static sl_unwanted_t *find_unwanted(const sl_connection_t *connection, uint32_t stream)
{
    for (size_t i = 0; connection->unwanted != NULL && i != SL_UNWANTED_MAX; ++i)
        if (connection->unwanted[i].stream == stream)
            return &connection->unwanted[i];
    return NULL;
}

bool sl_http2_throw_trailers_away(sl_connection_t *connection, uint32_t stream)
{
    sl_unwanted_t *unwanted = stream != 0 ? find_unwanted(connection, stream) : NULL;

    if (unwanted == NULL || unwanted->is_ended)
        return false;
    unwanted->is_ended = true;
    return true;
}

void sl_http2_leave_body(sl_connection_t *connection, h2o_req_t *req, size_t announced)
{
    h2o_http2_stream_t *stream = stream_of(req);
    sl_unwanted_t *unwanted = sl_http2_note_unwanted(connection, stream);

    unwanted->is_left = true;
    unwanted->announced = announced;
    h2o_buffer_dispose(&stream->_req_body); /* without it the library takes the request for complete */
}

bool sl_http2_is_body_left(h2o_req_t *req, size_t *announced)
{
    const sl_unwanted_t *unwanted = find_unwanted(sl_connection_of(req), stream_of(req)->stream_id);

    if (unwanted == NULL || !unwanted->is_left)
        return false;
    *announced = unwanted->announced;
    return true;
}

/* What libh2o does for DATA of any stream. */
static void give_back(h2o_http2_conn_t *conn, size_t bytes)
{
    ssize_t whole = H2O_HTTP2_SETTINGS_HOST.initial_window_size;

    h2o_http2_window_consume_window(&conn->_input_window, bytes);
    ssize_t window = h2o_http2_window_get_window(&conn->_input_window);
    if (window * 2 >= whole)
        return;
    h2o_http2_encode_window_update_frame(&conn->_write.buf, 0, (int32_t)(whole - window));
    h2o_http2_conn_request_write(conn);
    h2o_http2_window_update(&conn->_input_window, whole - window);
}

bool sl_http2_throw_away(sl_connection_t *connection, uint32_t stream, size_t bytes)
{
    sl_unwanted_t *unwanted = stream != 0 ? find_unwanted(connection, stream) : NULL;
    h2o_http2_conn_t *conn = connection->sock->data;

    if (unwanted == NULL || bytes > unwanted->left || conn->state >= H2O_HTTP2_CONN_STATE_IS_CLOSING)
        return false;
    unwanted->left -= (uint32_t)bytes;
    give_back(conn, bytes);
    return true;
}

void sl_http2_note_closed(sl_connection_t *connection, uint32_t stream, bool is_complete)
{
    sl_unwanted_t *unwanted = find_unwanted(connection, stream);
    h2o_http2_conn_t *conn = connection->sock->data;

    if (unwanted == NULL || !unwanted->is_open)
        return;
    unwanted->is_open = false;
    /* A write in flight: the whole connection ends, by a write that failed. Else libh2o goes on to write by itself; to
     * ask for it would be one timer too many where it closes. */
    if (!is_complete || conn->_write.buf_in_flight != NULL || conn->state >= H2O_HTTP2_CONN_STATE_IS_CLOSING)
        return;
    /* by its inner name: the other one takes errors only */
    h2o_http2__encode_rst_stream_frame(&conn->_write.buf, stream, H2O_HTTP2_ERROR_NONE);
}
