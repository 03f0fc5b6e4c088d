/*
 * access_fields: one row per field of the access log. Never a secret: the key appears as eight digits of its digest,
 * and the path without its query, where keys and tokens like to hide.
 */
#include "access_fields.h"
#include "sluice/account.h"
#include <time.h>

#define VALUE_BYTES_MAX 512 /* so that a line stays below one page */

static void put_string(sl_text_t *line, h2o_iovec_t value)
{
    if (value.len > VALUE_BYTES_MAX)
        value.len = VALUE_BYTES_MAX;
    sl_text_json(line, value);
}

static void put_word(sl_text_t *line, const char *value)
{
    put_string(line, value != NULL ? sl_bytes_of(value) : SL_LIT(""));
}

/* What holds nothing that JSON escapes: ids of ours and constants. */
static void put_plain(sl_text_t *line, h2o_iovec_t value)
{
    sl_text_put(line, "\"");
    sl_text_append(line, value.base, value.len);
    sl_text_put(line, "\"");
}

static void put_constant(sl_text_t *line, const char *value)
{
    put_plain(line, value != NULL ? sl_bytes_of(value) : SL_LIT(""));
}

/* Microseconds as milliseconds with three places. */
static void put_ms(sl_text_t *line, uint64_t us)
{
    char text[SL_NUMBER_DIGITS + 4], *end = sl_put_number(text, us / 1000);

    *end++ = '.';
    end = sl_put_padded(end, us % 1000, 3);
    sl_text_append(line, text, (size_t)(end - text));
}

static void put_time(sl_text_t *line, uint64_t wall_ms)
{
    static time_t last = -1;
    static char text[sizeof("2026-11-24T22:13:33.000Z")]; /* up to the point it is made once a second */
    char *fraction = text + sizeof("2026-11-24T22:13:33") - 1;
    time_t seconds = (time_t)(wall_ms / 1000);

    if (seconds != last) {
        struct tm parts;
        gmtime_r(&seconds, &parts);
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S.000Z", &parts);
        last = seconds;
    }
    sl_put_padded(fraction + 1, wall_ms % 1000, 3);
    sl_text_append(line, text, sizeof(text) - 1);
}

/* Each row: function suffix, name, meaning, and the statement that writes the value; `e` is the exchange, `req`
 * libh2o's request. */
#define FIELDS(F)                                                                                                      \
    F(request_id, "The id that the client sees in X-Request-Id.",                                                      \
      put_plain(line, sl_bytes(e->request_id, e->request_id_len)))                                                     \
    F(trace_id, "Trace id of the W3C trace context.", put_plain(line, sl_bytes(e->trace_id, SL_TRACE_ID_HEX)))         \
    F(client, "Address of the client; behind trusted proxies the one they name.", put_string(line, e->client.address)) \
    F(method, "Method as received.", put_string(line, req->input.method))                                              \
    F(host, "Host as received; of an absolute target the target's, which counts.",                                     \
      put_string(line, e->authority.base != NULL ? e->authority : req->input.authority))                               \
    F(path, "Normalised path without query; as received when it was refused.",                                         \
      put_string(line, e->path.len != 0 ? e->path : path_of(req)))                                                     \
    F(protocol, "Protocol of the request.", put_constant(line, protocol_of(req)))                                      \
    F(tls_version, "Version of TLS; empty in the clear.", put_word(line, tls_version_of(e)))                           \
    F(tls_cipher, "Cipher suite of TLS, in OpenSSL's words.",                                                          \
      put_word(line, e->connection != NULL ? e->connection->tls.cipher : NULL))                                        \
    F(status, "Status of the answer.", sl_text_number(line, (unsigned long long)req->res.status))                      \
    F(reason, "Why this answer: 'proxied', or the word of the gateway's own answer.", put_constant(line, e->reason))   \
    F(detail, "More about the reason.", put_word(line, e->detail))                                                     \
    F(duration_ms, "From the request's arrival to the end of its answer.", put_ms(line, ended->duration_us))           \
    F(redis_ms, "Waited for Redis.", put_ms(line, e->redis_us))                                                        \
    F(upstream_ms, "Waited for the service, all tries together.", put_ms(line, e->upstream_us))                        \
    F(route, "Name of the route.", put_word(line, e->route != NULL ? e->route->name : NULL))                           \
    F(service, "Name of the service.", put_word(line, e->service != NULL ? e->service->name : NULL))                   \
    F(instance, "Instance that was tried last.", put_word(line, e->instance != NULL ? e->instance->url : NULL))        \
    F(tries, "Tries at the service.", sl_text_number(line, e->tries))                                                  \
    F(upstream_result, "How the last try ended.",                                                                      \
      put_constant(line, e->upstream_result < SL_UPSTREAM_RESULT_COUNT ? sl_upstream_result_name(e->upstream_result)   \
                                                                       : NULL))                                        \
    F(key_id, "First eight digits of the key's digest.",                                                               \
      put_plain(line, sl_bytes(e->caller.digest, e->caller.has_key ? 8 : 0)))                                          \
    F(owner, "Owner in the key's record.", put_string(line, e->caller.owner))                                          \
    F(bytes_in, "Bytes of the request's body.", sl_text_number(line, req->entity.len))                                 \
    F(bytes_out, "Bytes of the answer's body.", sl_text_number(line, req->bytes_sent))                                 \
    F(complete, "Whether the whole answer was handed over.", sl_text_put(line, e->is_complete ? "true" : "false"))     \
    F(user_agent, "User-Agent as received.", put_string(line, sl_exchange_header(e, H2O_STRLIT("user-agent"))))

static h2o_iovec_t path_of(const h2o_req_t *req)
{
    const char *question = req->input.path.len != 0 ? memchr(req->input.path.base, '?', req->input.path.len) : NULL;

    return sl_bytes(req->input.path.base,
                    question != NULL ? (size_t)(question - req->input.path.base) : req->input.path.len);
}

static const char *protocol_of(const h2o_req_t *req)
{
    return req->version >= 0x200 ? "HTTP/2" : req->version >= 0x101 ? "HTTP/1.1" : "HTTP/1.0";
}

static const char *tls_version_of(const sl_exchange_t *exchange)
{
    static const char *const labels[] = {
#define X(id, label) label,
        SL_TLS_VERSIONS(X)
#undef X
    };
    const sl_connection_t *connection = exchange->connection;
    return connection != NULL && connection->tls.is_done ? labels[connection->tls.version] : NULL;
}

static void write_time(sl_text_t *line, const sl_ended_t *ended)
{
    sl_text_put(line, "\"");
    put_time(line, ended->wall_ms);
    sl_text_put(line, "\"");
}

#define F(name, meaning, statement)                                                                                    \
    static void write_##name(sl_text_t *line, const sl_ended_t *ended)                                                 \
    {                                                                                                                  \
        const sl_exchange_t *e = ended->exchange;                                                                      \
        const h2o_req_t *req = e->req;                                                                                 \
        (void)req;                                                                                                     \
        statement;                                                                                                     \
    }
FIELDS(F)
#undef F

const sl_access_field_t sl_access_fields[] = {{"time", "End of the request, UTC.", SL_LIT("{\"time\":"), write_time},
#define F(name, meaning, statement) {#name, meaning, SL_LIT(",\"" #name "\":"), write_##name},
                                              FIELDS(F)
#undef F
};
const size_t sl_access_field_count = sizeof(sl_access_fields) / sizeof(sl_access_fields[0]);

void sl_account_reference(sl_text_t *out)
{
    sl_text_put(out, "| field | meaning |\n| --- | --- |\n");
    for (size_t i = 0; i != sl_access_field_count; ++i) {
        sl_text_format(out, "| `%s` | ", sl_access_fields[i].name);
        sl_text_cell(out, sl_access_fields[i].meaning);
        sl_text_put(out, " |\n");
    }
}

void sl_access_write_json(sl_text_t *line, const sl_ended_t *ended)
{
    for (size_t i = 0; i != sl_access_field_count; ++i) {
        sl_text_append(line, sl_access_fields[i].opening.base, sl_access_fields[i].opening.len);
        sl_access_fields[i].write(line, ended);
    }
    sl_text_put(line, "}\n");
}

void sl_access_write_text(sl_text_t *line, const sl_ended_t *ended)
{
    const sl_exchange_t *e = ended->exchange;

    put_time(line, ended->wall_ms);
    sl_text_put(line, " ");
    sl_text_append(line, e->client.address.base, e->client.address.len);
    sl_text_put(line, " ");
    write_method(line, ended);
    sl_text_put(line, " ");
    write_path(line, ended);
    sl_text_put(line, " ");
    write_status(line, ended);
    sl_text_put(line, " ");
    put_ms(line, ended->duration_us);
    sl_text_put(line, "ms ");
    sl_text_put(line, e->reason != NULL ? e->reason : "-");
    sl_text_put(line, " ");
    sl_text_put(line, e->route != NULL ? e->route->name : "-");
    sl_text_put(line, " ");
    sl_text_append(line, e->request_id, e->request_id_len);
    sl_text_put(line, "\n");
}
