/*
 * http2_streams: what libh2o 2.2.5 does to its streams, made safe.
 *
 * The library asserts that a stream which waits for its last write has no closed window that opens again
 * (update_stream_output_window); a client brings that about with a dozen frames, and the worker dies. So the window of
 * a stream that has ended is set to a value that no client can close: half again 2^30. SETTINGS can move it by 2^30 at
 * most, because the initial window is held to that (to use less than was granted is legal), so it stays above zero; and
 * a WINDOW_UPDATE of up to 2^29 does not make it overflow. A stream ends when its last byte was handed to the write, or
 * when it is reset with a write under way.
 */
#include "library.h"
#include "sluice/clock.h"
#include "sluice/connection.h"
#include "sluice/guard.h"

#define INITIAL_WINDOW_MAX (1u << 30)
#define WINDOW_OF_ENDED ((ssize_t)3 << 29)

static sl_connection_t *connection_of(const h2o_http2_conn_t *conn)
{
    return conn->sock->on_close.data;
}

void h2o_http2_stream_send_pending_data(h2o_http2_conn_t *conn, h2o_http2_stream_t *stream)
{
    REAL(h2o_http2_stream_send_pending_data);
    uint64_t before = stream->req.bytes_sent;

    real(conn, stream);
    sl_http2_note_sent(&connection_of(conn)->http2, stream->req.bytes_sent - before, sl_clock_us());
    if (stream->state == H2O_HTTP2_STREAM_STATE_END_STREAM)
        stream->output_window._avail = WINDOW_OF_ENDED;
}

/* Also called for what the client makes us reset (CVE-2025-8671). Not once an answer is complete: that costs nothing
 * any more. */
static void count(h2o_http2_conn_t *conn, const h2o_http2_stream_t *stream)
{
    bool is_refused = stream->state == H2O_HTTP2_STREAM_STATE_RECV_HEADERS &&
                      conn->num_streams.pull.open > H2O_HTTP2_SETTINGS_HOST.max_concurrent_streams;

    if (stream->state < H2O_HTTP2_STREAM_STATE_SEND_BODY_IS_FINAL)
        sl_http2_spend(&connection_of(conn)->http2, is_refused ? SL_HTTP2_BUDGET_REFUSED : SL_HTTP2_BUDGET_RESETS, 1,
                       sl_clock_us());
}

void h2o_http2_stream_reset(h2o_http2_conn_t *conn, h2o_http2_stream_t *stream)
{
    REAL(h2o_http2_stream_reset);

    count(conn, stream);
    sl_http2_note_closed(connection_of(conn), stream->stream_id, false); /* who resets owes no further reset */
    if (stream->state >= H2O_HTTP2_STREAM_STATE_SEND_HEADERS)
        stream->output_window._avail = WINDOW_OF_ENDED;
    real(conn, stream); /* the stream may be gone now */
}

void h2o_http2_stream_close(h2o_http2_conn_t *conn, h2o_http2_stream_t *stream)
{
    REAL(h2o_http2_stream_close);
    uint32_t stream_id = stream->stream_id;
    bool is_complete = stream->state == H2O_HTTP2_STREAM_STATE_END_STREAM;

    real(conn, stream);
    if (conn->sock != NULL)
        sl_http2_note_closed(connection_of(conn), stream_id, is_complete);
}

int h2o_http2_update_peer_settings(h2o_http2_settings_t *settings, const uint8_t *src, size_t len,
                                   const char **err_desc)
{
    REAL(h2o_http2_update_peer_settings);
    int result = real(settings, src, len, err_desc);

    if (settings->initial_window_size > INITIAL_WINDOW_MAX)
        settings->initial_window_size = INITIAL_WINDOW_MAX;
    return result;
}
