/*
 * http1_head: heads of HTTP/1, judged in the moment they are parsed.
 *
 *   libh2o ── phr_parse_request (ours) ── the library's parser ── judge ──┬─> fine: as it was, a little tidied
 *                                                                         └─> refused: a harmless head instead
 *
 * The harmless head (method, path and host of the client where they are harmless, no other fields, all bytes consumed)
 * makes libh2o call the handler at once and look for no body; the refusal waits in the connection, and the first stage
 * answers it and closes. So each head is parsed once, a refusal is an ordinary exchange with its line in the log, and
 * nothing behind it is ever interpreted.
 */
#include "judge.h"
#include "library.h"
#include "sluice/connection.h"
#include "sluice/framing.h"
#include "sluice/guard.h"

#define METHOD_MAX 32 /* of a refused request, for the log */

typedef struct parse_t {
    sl_connection_t *connection;
    h2o_iovec_t bytes;
    size_t before;  /* bytes that had been looked at before */
    int size;       /* what the parser said: of the head, -1, -2 */
    sl_head_t head; /* without its fields */
    struct phr_header *headers;
} parse_t;

static sl_head_limits_t limits_of(const sl_connection_t *connection)
{
    const sl_config_t *config = connection->worker->config;

    return (sl_head_limits_t){config->limits.target_max, config->limits.header_max, config->limits.header_lines};
}

/* The parser takes a bare LF for the end of a line; where a CR LF stands is known from what it found. */
static bool ends_lines_properly(const parse_t *parse)
{
    const char *head = parse->bytes.base, *end = head + parse->size;
    h2o_iovec_t target = parse->head.target;

    if (head[0] == '\n' || end[-2] != '\r')
        return false;
    if (target.base == NULL || target.base[target.len + sizeof(" HTTP/1.1") - 1] != '\r')
        return false;
    for (size_t i = 0; i != parse->head.field_count; ++i)
        if (parse->headers[i].value[parse->headers[i].value_len] != '\r')
            return false;
    return true;
}

static sl_framing_error_t judge_complete(parse_t *parse, const sl_head_limits_t *limits)
{
    sl_head_field_t fields[SL_HEAD_LINES_MAX];

    if (parse->head.target.len > limits->target)
        return SL_FRAMING_TARGET_LONG; /* of two sizes the one that can be named */
    if ((size_t)parse->size > limits->bytes)
        return SL_FRAMING_TOO_LONG;
    if (!ends_lines_properly(parse))
        return SL_FRAMING_LINE_END;
    for (size_t i = 0; i != parse->head.field_count; ++i) {
        struct phr_header *header = &parse->headers[i];
        while (header->value_len != 0 &&
               (header->value[header->value_len - 1] == ' ' || header->value[header->value_len - 1] == '\t'))
            --header->value_len;
        fields[i] = (sl_head_field_t){sl_bytes(header->name, header->name != NULL ? header->name_len : 0),
                                      sl_bytes(header->value, header->value_len)};
    }
    sl_head_t head = parse->head;
    head.fields = fields;
    return sl_framing_check(&head, limits);
}

/* Only what is new is counted, so a head that comes byte by byte costs no more than one that comes at once. */
static sl_framing_error_t judge_part(parse_t *parse, const sl_head_limits_t *limits)
{
    uint32_t *lines = &parse->connection->head_lines;
    const char *at = parse->bytes.base + parse->before, *end = parse->bytes.base + parse->bytes.len;

    if (parse->before == 0)
        *lines = 0;
    while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        ++*lines;
        ++at;
    }
    return sl_framing_check_part(parse->bytes.len, *lines, limits);
}

static sl_framing_error_t judge(parse_t *parse)
{
    sl_head_limits_t limits = limits_of(parse->connection);

    if (parse->size == -2)
        return judge_part(parse, &limits);
    if (parse->size == -1)
        return sl_framing_explain(parse->bytes, &limits);
    return judge_complete(parse, &limits);
}

/* --- what the library does better itself --- */

static bool starts_with(h2o_iovec_t bytes, h2o_iovec_t start)
{
    return bytes.len >= start.len && memcmp(bytes.base, start.base, start.len) == 0;
}

/* The beginning of HTTP/2 without TLS and without asking; the library changes over when its parser has failed. */
static bool is_prior_knowledge(const parse_t *parse)
{
    const sl_connection_t *connection = parse->connection;

    return connection->listen->http2 && connection->sock->ssl == NULL && connection->requests == 0 &&
           sl_guard_http2_is_effective() && starts_with(parse->bytes, SL_LIT("PRI * HTTP/2"));
}

/* Line ends where a request should begin: the library closes without a word, which is right. */
static bool is_nothing(h2o_iovec_t bytes)
{
    for (size_t i = 0; i != bytes.len; ++i)
        if (bytes.base[i] != '\r' && bytes.base[i] != '\n')
            return false;
    return bytes.len <= 4;
}

/* --- tidying --- */

/* Fields that would make libh2o do what it must not: change to HTTP/2 in the middle of HTTP/1 (behind a TLS balancer
 * that walks around its rules), and promise 100 to HTTP/1.0, which has no such status (RFC 9110 §10.1.1). */
static bool is_kept_from_library(const struct phr_header *header, int minor_version)
{
    h2o_iovec_t name = {(char *)header->name, header->name_len}, value = {(char *)header->value, header->value_len};

    if (sl_bytes_equal_fold(name, SL_LIT("upgrade")))
        return h2o_strstr(value.base, value.len, H2O_STRLIT("h2c")) != SIZE_MAX ||
               h2o_strstr(value.base, value.len, H2O_STRLIT("H2C")) != SIZE_MAX;
    return minor_version == 0 && sl_bytes_equal_fold(name, SL_LIT("expect"));
}

static size_t tidy(struct phr_header *headers, size_t count, int minor_version)
{
    size_t kept = 0;

    for (size_t i = 0; i != count; ++i)
        if (headers[i].name != NULL && !is_kept_from_library(&headers[i], minor_version))
            headers[kept++] = headers[i];
    return kept;
}

/* --- bodies that nobody will read --- */

static bool is_of_body(h2o_iovec_t name)
{
    return sl_bytes_equal_fold(name, SL_LIT("content-length")) ||
           sl_bytes_equal_fold(name, SL_LIT("transfer-encoding"));
}

typedef struct body_t {
    bool is_announced, is_chunked;
    size_t length; /* 0 when chunked */
} body_t;

static body_t find_body(const sl_head_field_t *fields, size_t count)
{
    body_t body = {.is_announced = false};

    for (size_t i = 0; i != count; ++i) {
        if (!is_of_body(fields[i].name))
            continue;
        body.is_announced = true;
        body.is_chunked = sl_bytes_equal_fold(fields[i].name, SL_LIT("transfer-encoding"));
        if (!body.is_chunked)
            body.length = h2o_strtosize(fields[i].value.base, fields[i].value.len);
    }
    return body;
}

/* A guess is enough for chunks: who guesses wrong waits for the body, or asks for nothing. */
static bool has_come(const parse_t *parse, const body_t *body)
{
    h2o_iovec_t rest = {parse->bytes.base + parse->size, parse->bytes.len - (size_t)parse->size};
    h2o_iovec_t last = SL_LIT("0\r\n\r\n");

    if (!body->is_chunked)
        return rest.len >= body->length;
    return rest.len >= last.len && memcmp(rest.base + rest.len - last.len, last.base, last.len) == 0;
}

static h2o_iovec_t find_host(const sl_head_field_t *fields, size_t count)
{
    for (size_t i = 0; i != count; ++i)
        if (sl_bytes_equal_fold(fields[i].name, SL_LIT("host")))
            return fields[i].value;
    return sl_bytes(NULL, 0);
}

/* May the body be left where it is, because the head alone is refused? */
static bool leaves_body(parse_t *parse)
{
    sl_head_field_t fields[SL_HEAD_LINES_MAX];
    size_t count = parse->head.field_count;

    for (size_t i = 0; i != count; ++i)
        fields[i] = (sl_head_field_t){sl_bytes(parse->headers[i].name, parse->headers[i].name_len),
                                      sl_bytes(parse->headers[i].value, parse->headers[i].value_len)};
    body_t body = find_body(fields, count);
    if (!body.is_announced || has_come(parse, &body))
        return false;
    parse->connection->announced = body.length;
    return sl_guard_refuses_head(&(sl_head_question_t){.connection = parse->connection,
                                                       .method = parse->head.method,
                                                       .target = parse->head.target,
                                                       .authority = find_host(fields, count),
                                                       .fields = fields,
                                                       .field_count = count,
                                                       .announced = body.length});
}

static size_t drop_body(struct phr_header *headers, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i != count; ++i) {
        h2o_iovec_t name = {(char *)headers[i].name, headers[i].name_len};
        if (!is_of_body(name) && !sl_bytes_equal_fold(name, SL_LIT("expect")))
            headers[kept++] = headers[i];
    }
    return kept;
}

/* --- refusing --- */

static h2o_iovec_t take_word(h2o_iovec_t *line)
{
    size_t end = 0;

    while (end != line->len && line->base[end] > ' ' && line->base[end] != 0x7f)
        ++end;
    h2o_iovec_t word = {line->base, end};
    bool has_more = end != line->len && line->base[end] == ' ';
    *line = has_more ? sl_bytes(line->base + end + 1, line->len - end - 1) : sl_bytes(line->base, 0);
    return word;
}

/* Method and path of the harmless head: the client's where they are harmless, for the log and for HEAD. A head that the
 * parser has refused has no fields. */
static void name_refused(const parse_t *parse, h2o_iovec_t *method, h2o_iovec_t *path)
{
    h2o_iovec_t line = parse->bytes;

    while (line.len != 0 && (line.base[0] == '\r' || line.base[0] == '\n'))
        line = sl_bytes(line.base + 1, line.len - 1);
    *method = take_word(&line);
    if (!sl_is_token(*method) || method->len > METHOD_MAX)
        *method = SL_LIT("GET");
    *path = take_word(&line);
    if (path->len == 0 || path->base[0] != '/' || path->len > limits_of(parse->connection).target)
        *path = SL_LIT("/");
}

/* The one field of the harmless head, for the log: the only Host, when it is one. */
static size_t name_refused_host(const parse_t *parse)
{
    const struct phr_header *host = NULL;

    for (size_t i = 0; i != parse->head.field_count; ++i) {
        const struct phr_header *header = &parse->headers[i];
        if (header->name == NULL || !sl_bytes_equal_fold(sl_bytes(header->name, header->name_len), SL_LIT("host")))
            continue;
        if (host != NULL)
            return 0;
        host = header;
    }
    if (host == NULL || !sl_is_authority(sl_bytes(host->value, host->value_len)))
        return 0;
    parse->headers[0] = *host;
    return 1;
}

int phr_parse_request(const char *buf, size_t len, const char **method, size_t *method_len, const char **path,
                      size_t *path_len, int *minor_version, struct phr_header *headers, size_t *num_headers,
                      size_t last_len)
{
    REAL(phr_parse_request);
    h2o_req_t *req = H2O_STRUCT_FROM_MEMBER(h2o_req_t, input.method.base, (char *)method);
    parse_t parse = {.bytes = {(char *)buf, len}, .before = last_len, .headers = headers};

    parse.size = real(buf, len, method, method_len, path, path_len, minor_version, headers, num_headers, last_len);
    parse.connection = sl_connection_of(req);
    if (parse.connection == NULL) /* the ops listener, where only operators ask */
        return parse.size;
    if (parse.size == -1 && (is_prior_knowledge(&parse) || is_nothing(parse.bytes)))
        return -1;
    if (parse.size > 0)
        parse.head = (sl_head_t){.method = {(char *)*method, *method_len},
                                 .target = {(char *)*path, *path_len},
                                 .minor_version = *minor_version,
                                 .field_count = *num_headers};
    sl_framing_error_t error = judge(&parse);
    parse.connection->refusal = error;
    if (error == SL_FRAMING_OK) {
        if (parse.size > 0)
            *num_headers = tidy(headers, *num_headers, *minor_version);
        parse.head.field_count = *num_headers;
        parse.connection->is_body_left = parse.size > 0 && leaves_body(&parse);
        if (parse.connection->is_body_left)
            *num_headers = drop_body(headers, *num_headers);
        return parse.size;
    }
    parse.connection->is_body_left = false;

    h2o_iovec_t harmless_method, harmless_path;
    name_refused(&parse, &harmless_method, &harmless_path);
    *method = harmless_method.base;
    *method_len = harmless_method.len;
    *path = harmless_path.base;
    *path_len = harmless_path.len;
    *minor_version = parse.size > 0 ? *minor_version : 1;
    *num_headers = name_refused_host(&parse);
    return (int)len;
}
