/*
 * http2_frames: each frame of HTTP/2 passes here on its way in, and is counted against its connection's budgets
 * (http2_budget.h). Who sends it is known from the read that is under way (reading.c). What still
 * comes of a body that nobody wants ends here.
 */
#include "library.h"
#include "reading.h"
#include "sluice/clock.h"
#include "sluice/connection.h"
#include "sluice/guard.h"
#include "sluice/log.h"

static bool body_has_come; /* behind the last frame */

bool sl_guard_body_has_come(void)
{
    return body_has_come;
}

/* The usual case of a request with a small body: all of it came in one packet. */
static bool ends_stream(const uint8_t *next, size_t len)
{
    if (len < H2O_HTTP2_FRAME_HEADER_SIZE || next[3] != H2O_HTTP2_FRAME_TYPE_DATA)
        return false;
    size_t payload = (size_t)next[0] << 16 | (size_t)next[1] << 8 | next[2];
    return (next[4] & H2O_HTTP2_FRAME_FLAG_END_STREAM) != 0 && len - H2O_HTTP2_FRAME_HEADER_SIZE >= payload;
}

/* --- what does it cost? --- */

static bool is_empty_data(const h2o_http2_frame_t *frame)
{
    size_t padding =
        (frame->flags & H2O_HTTP2_FRAME_FLAG_PADDED) != 0 && frame->length != 0 ? (size_t)frame->payload[0] + 1 : 0;

    return frame->length <= padding && (frame->flags & H2O_HTTP2_FRAME_FLAG_END_STREAM) == 0;
}

static bool count_block(sl_connection_t *connection, const h2o_http2_frame_t *frame, uint64_t now_us)
{
    sl_http2_ledger_t *ledger = &connection->http2;

    if (frame->type == H2O_HTTP2_FRAME_TYPE_HEADERS) {
        ledger->block_bytes = 0;
        sl_http2_note_stream(ledger, now_us);
    } else {
        sl_http2_spend(ledger, SL_HTTP2_BUDGET_CONTINUATION, 1, now_us);
    }
    ledger->block_bytes += frame->length;
    if (ledger->block_bytes >
        connection->worker->config->limits.header_max * 2 + H2O_HTTP2_SETTINGS_DEFAULT.max_frame_size)
        return false; /* it cannot end well; what has come is not gathered any longer */
    return sl_http2_spend(ledger, SL_HTTP2_BUDGET_HEADER_BYTES, frame->length, now_us);
}

static bool count(sl_connection_t *connection, const h2o_http2_frame_t *frame, uint64_t now_us)
{
    static const sl_http2_budget_t budgets[] = {
        [H2O_HTTP2_FRAME_TYPE_PRIORITY] = SL_HTTP2_BUDGET_PRIORITY,
        [H2O_HTTP2_FRAME_TYPE_RST_STREAM] = SL_HTTP2_BUDGET_RST_FRAMES,
        [H2O_HTTP2_FRAME_TYPE_SETTINGS] = SL_HTTP2_BUDGET_SETTINGS,
        [H2O_HTTP2_FRAME_TYPE_PUSH_PROMISE] = SL_HTTP2_BUDGET_UNKNOWN,
        [H2O_HTTP2_FRAME_TYPE_PING] = SL_HTTP2_BUDGET_PING,
        [H2O_HTTP2_FRAME_TYPE_GOAWAY] = SL_HTTP2_BUDGET_UNKNOWN,
        [H2O_HTTP2_FRAME_TYPE_WINDOW_UPDATE] = SL_HTTP2_BUDGET_WINDOW_UPDATE,
    };

    switch (frame->type) {
    case H2O_HTTP2_FRAME_TYPE_DATA:
        return !is_empty_data(frame) || sl_http2_spend(&connection->http2, SL_HTTP2_BUDGET_EMPTY_DATA, 1, now_us);
    case H2O_HTTP2_FRAME_TYPE_HEADERS:
    case H2O_HTTP2_FRAME_TYPE_CONTINUATION:
        return count_block(connection, frame, now_us);
    default:
        return sl_http2_spend(&connection->http2,
                              frame->type < H2O_HTTP2_FRAME_TYPE_CONTINUATION ? budgets[frame->type]
                                                                              : SL_HTTP2_BUDGET_UNKNOWN,
                              1, now_us);
    }
}

static const char *name_exceeded(const sl_http2_ledger_t *ledger)
{
    return ledger->is_exceeded ? sl_http2_budget_name(ledger->exceeded) : "bytes of one head";
}

static ssize_t end_connection(sl_connection_t *connection, const char **err_desc)
{
    sl_number_add(&connection->worker->slot->numbers[SL_M_HTTP2_BUDGET_EXCEEDED], 1);
    sl_log_limited(SL_LOG_WARN, "http2_budget", "%s: too many %s: its connection is closed", connection->peer,
                   name_exceeded(&connection->http2));
    *err_desc = name_exceeded(&connection->http2);
    return H2O_HTTP2_ERROR_ENHANCE_YOUR_CALM;
}

/* What we do not know is skipped (RFC 9113 §4.1), and so is what is not wanted: as an answer to a PING that nobody
 * sent: the library would write a line to standard error for each. Only in the middle of a head it stays what it is,
 * which is an error there. */
static void disguise(h2o_http2_frame_t *frame)
{
    static const uint8_t zeros[8];

    *frame = (h2o_http2_frame_t){.length = sizeof(zeros),
                                 .type = H2O_HTTP2_FRAME_TYPE_PING,
                                 .flags = H2O_HTTP2_FRAME_FLAG_ACK,
                                 .payload = zeros};
}

/* Does it belong to a body that nobody wants? Not 0: the error that ends the connection. */
static int take_unwanted(sl_connection_t *connection, h2o_http2_frame_t *frame, bool *is_taken, const char **err_desc)
{
    if (frame->type == H2O_HTTP2_FRAME_TYPE_DATA)
        *is_taken = sl_http2_throw_away(connection, frame->stream_id, frame->length);
    else if (frame->type == H2O_HTTP2_FRAME_TYPE_HEADERS)
        return sl_guard_take_trailers(connection, frame, is_taken, err_desc);
    return 0;
}

ssize_t h2o_http2_decode_frame(h2o_http2_frame_t *frame, const uint8_t *src, size_t len,
                               const h2o_http2_settings_t *host_settings, const char **err_desc)
{
    REAL(h2o_http2_decode_frame);
    ssize_t size = real(frame, src, len, host_settings, err_desc);

    if (size < 0)
        return size;
    body_has_come = ends_stream(src + size, len - (size_t)size);
    sl_connection_t *connection = sl_guard_who_sends();
    bool is_unwanted = false;
    if (connection != NULL) {
        if (connection->http2.is_exceeded || !count(connection, frame, sl_clock_us()))
            return end_connection(connection, err_desc);
        int error = take_unwanted(connection, frame, &is_unwanted, err_desc);
        if (error != 0)
            return error;
    }
    if (is_unwanted || frame->type > H2O_HTTP2_FRAME_TYPE_CONTINUATION)
        disguise(frame);
    return size;
}
