/*
 * http2_trailers: trailers behind a body that nobody wants any more (exchange/unwanted.c).
 *
 * libh2o takes HEADERS on a stream that it answers, or has done with, for an error of the whole connection, and every
 * other request on it would end as well. Nor can they be skipped unread: both sides pack fields by one table, and what
 * a block adds to it stands there for all that come later. So they are unpacked for the table's sake alone.
 *
 * A block in several frames is still the error that it was: trailers of 16 KiB are nobody's. So is a second one.
 */
#include "reading.h"

static int unpack(h2o_http2_conn_t *conn, const h2o_http2_headers_payload_t *payload, const char **err_desc)
{
    h2o_req_t nobody;
    size_t length;
    const char *why = NULL;

    memset(&nobody, 0, sizeof(nobody));
    nobody.conn = &conn->super;
    h2o_mem_init_pool(&nobody.pool);
    int error = h2o_hpack_parse_headers(&nobody, &conn->_input_header_table, payload->headers, payload->headers_len,
                                        NULL, &length, NULL, &why);
    h2o_mem_clear_pool(&nobody.pool);
    if (error == 0 || error == H2O_HTTP2_ERROR_INVALID_HEADER_CHAR) /* which nobody will read */
        return 0;
    *err_desc = why;
    return error;
}

int sl_guard_take_trailers(sl_connection_t *connection, h2o_http2_frame_t *frame, bool *is_taken, const char **err_desc)
{
    const uint8_t whole = H2O_HTTP2_FRAME_FLAG_END_HEADERS | H2O_HTTP2_FRAME_FLAG_END_STREAM;
    h2o_http2_headers_payload_t payload;

    if ((frame->flags & whole) != whole || !sl_http2_throw_trailers_away(connection, frame->stream_id))
        return 0;
    int error = h2o_http2_decode_headers_payload(&payload, frame, err_desc);
    if (error != 0)
        return error;
    *is_taken = true;
    return unpack(connection->sock->data, &payload, err_desc);
}
