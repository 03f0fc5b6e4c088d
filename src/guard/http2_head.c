/*
 * http2_head: heads of HTTP/2, judged in the moment they are unpacked.
 *
 * A refusal is told to libh2o as a field with a bad character, the one error that it answers 400 at once, before any
 * body: response/own_words.c finds the true reason in the connection and says it (RFC 9113 §8.1.1 allows an answer
 * before the stream ends). So it has a status, a problem body and its line in the log, and its body is not wanted any
 * more, whether it is still to come or right behind. Only a head without method, path or scheme is reset by the library
 * without a word.
 *
 * Kept from the library: Cache-Digest (each of them unpacks into a multiple of its size), trailers (it would merge them
 * into the head), and what the client calls its scheme (it is what the connection is).
 */
#include "judge.h"
#include "library.h"
#include "reading.h"
#include "sluice/clock.h"
#include "sluice/connection.h"
#include "sluice/framing.h"
#include "sluice/guard.h"

/* Beyond so many times the allowed size a head is no mistake any more: the connection ends. Unpacked fields cost memory
 * before anybody can look at them. */
#define PATIENCE 2

static unsigned lengths_seen;

/* Called for each content-length while a head is unpacked; afterwards only the last one is known. */
size_t h2o_strtosize(const char *s, size_t len)
{
    REAL(h2o_strtosize);
    ++lengths_seen;
    return real(s, len);
}

static int unpack_trailers(h2o_req_t *req, h2o_hpack_header_table_t *table, const uint8_t *src, size_t len,
                           size_t *content_length, const char **err_desc)
{
    REAL(h2o_hpack_parse_headers);
    size_t kept = req->headers.size;

    int result = real(req, table, src, len, NULL, content_length, NULL, err_desc);
    req->headers.size = kept;
    return result;
}

/* :authority, or Host where it is missing (RFC 9113 §8.3.1). Host itself goes: what agrees with it says the same. */
static void take_authority(h2o_req_t *req)
{
    ssize_t host = h2o_find_header(&req->headers, H2O_TOKEN_HOST, -1);

    if (req->input.authority.base == NULL && host != -1)
        req->input.authority = req->headers.entries[host].value;
}

static void drop_hosts(h2o_req_t *req)
{
    size_t kept = 0;

    for (size_t i = 0; i != req->headers.size; ++i)
        if (req->headers.entries[i].name != &H2O_TOKEN_HOST->buf)
            req->headers.entries[kept++] = req->headers.entries[i];
    req->headers.size = kept;
}

static sl_framing_error_t judge_fields(const h2o_req_t *req, const sl_head_limits_t *limits)
{
    sl_head_field_t *fields = alloca(sizeof(*fields) * (req->headers.size + 1));
    sl_head_t head = {.method = req->input.method, .target = req->input.path, .fields = fields};

    for (; head.field_count != req->headers.size; ++head.field_count) {
        const h2o_header_t *header = &req->headers.entries[head.field_count];
        fields[head.field_count] = (sl_head_field_t){*header->name, header->value};
    }
    return sl_framing_check_http2(&head, req->input.authority, limits);
}

static bool awaits_body(const h2o_req_t *req)
{
    return H2O_STRUCT_FROM_MEMBER(h2o_http2_stream_t, req, req)->_req_body != NULL;
}

static sl_framing_error_t judge_length(const h2o_req_t *req, size_t length)
{
    if (lengths_seen > 1)
        return SL_FRAMING_TWO_LENGTHS;
    if (length == SIZE_MAX)
        return SL_FRAMING_OK;
    if (length > req->conn->ctx->globalconf->max_request_entity_size)
        return SL_FRAMING_BODY_TOO_LARGE;
    /* The library compares it with the body, but not where there is none. */
    return !awaits_body(req) && length != 0 ? SL_FRAMING_LENGTH_UNLIKE_BODY : SL_FRAMING_OK;
}

/* May the body be left to come and go, because the head alone is refused? */
static bool leaves_body(const sl_connection_t *connection, const h2o_req_t *req, size_t announced)
{
    if (!awaits_body(req) || sl_guard_body_has_come())
        return false;
    sl_head_field_t *fields = alloca(sizeof(*fields) * (req->headers.size + 1));
    for (size_t i = 0; i != req->headers.size; ++i)
        fields[i] = (sl_head_field_t){*req->headers.entries[i].name, req->headers.entries[i].value};
    return sl_guard_refuses_head(&(sl_head_question_t){.connection = connection,
                                                       .method = req->input.method,
                                                       .target = req->input.path,
                                                       .authority = req->input.authority,
                                                       .fields = fields,
                                                       .field_count = req->headers.size,
                                                       .announced = announced});
}

static size_t measure(const h2o_req_t *req)
{
    size_t bytes = 0;

    for (size_t i = 0; i != req->headers.size; ++i)
        bytes += req->headers.entries[i].name->len + req->headers.entries[i].value.len + 32;
    return bytes;
}

static int refuse(sl_connection_t *connection, h2o_req_t *req, sl_framing_error_t error, const char **err_desc)
{
    connection->refusal = error;
    if (awaits_body(req))
        sl_http2_leave_body(connection, req, 0);
    sl_number_add(&connection->worker->slot->numbers[SL_M_GUARD_REFUSED], 1);
    sl_http2_spend(&connection->http2, SL_HTTP2_BUDGET_MALFORMED, 1, sl_clock_us());
    *err_desc = sl_framing_error_text(error);
    return H2O_HTTP2_ERROR_INVALID_HEADER_CHAR;
}

/* A head that lacks one of these is reset by the library; it may be one too many for its connection, too. */
static bool is_whole(const h2o_req_t *req)
{
    const h2o_http2_conn_t *conn = (const h2o_http2_conn_t *)req->conn;

    return req->input.method.base != NULL && req->input.path.base != NULL && req->input.scheme != NULL &&
           conn->num_streams.pull.open <= H2O_HTTP2_SETTINGS_HOST.max_concurrent_streams;
}

/* The library has found a bad character by itself. */
static sl_framing_error_t explain(const char *err_desc)
{
    return err_desc != NULL && strstr(err_desc, "name") != NULL ? SL_FRAMING_FIELD_NAME : SL_FRAMING_FIELD_VALUE;
}

int h2o_hpack_parse_headers(h2o_req_t *req, h2o_hpack_header_table_t *header_table, const uint8_t *src, size_t len,
                            int *pseudo_header_exists_map, size_t *content_length, h2o_cache_digests_t **digests,
                            const char **err_desc)
{
    REAL(h2o_hpack_parse_headers);
    sl_connection_t *connection = sl_connection_of(req);
    const sl_config_t *config = connection->worker->config;
    sl_head_limits_t limits = {config->limits.target_max, config->limits.header_max, config->limits.header_lines};

    (void)digests;
    connection->refusal = SL_FRAMING_OK;
    if (len > limits.bytes * PATIENCE)
        return H2O_HTTP2_ERROR_ENHANCE_YOUR_CALM;
    if (pseudo_header_exists_map == NULL)
        return unpack_trailers(req, header_table, src, len, content_length, err_desc);

    lengths_seen = 0;
    int result = real(req, header_table, src, len, pseudo_header_exists_map, content_length, NULL, err_desc);
    if (result != 0 && result != H2O_HTTP2_ERROR_INVALID_HEADER_CHAR)
        return result;
    if (req->headers.size > limits.bytes * PATIENCE / 32 || measure(req) > limits.bytes * PATIENCE)
        return H2O_HTTP2_ERROR_ENHANCE_YOUR_CALM;
    if (req->input.scheme != NULL)
        req->input.scheme = connection->sock->ssl != NULL ? &H2O_URL_SCHEME_HTTPS : &H2O_URL_SCHEME_HTTP;
    take_authority(req);
    sl_framing_error_t error = result != 0 ? explain(*err_desc) : judge_fields(req, &limits);
    if (error == SL_FRAMING_OK)
        error = judge_length(req, *content_length);
    drop_hosts(req);
    if (error != SL_FRAMING_OK)
        return refuse(connection, req, error, err_desc);
    size_t announced = *content_length != SIZE_MAX ? *content_length : 0;
    if (is_whole(req) && leaves_body(connection, req, announced))
        sl_http2_leave_body(connection, req, announced);
    return 0;
}
