/* http1_head: the guard between libh2o and its parser of HTTP/1. The input is what a client sends, behind one byte that
 * says in pieces of what size it comes. What passes is a head that every program reads alike, which a reader of our
 * own, made of nothing but RFC 9112, says too; and the pieces change nothing. */
#include "guard/library.h"
#include "sluice/connection.h"
#include "sluice/guard.h"
#include "sluice/worker.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static sl_config_t config = {.limits = {.target_max = 200, .header_max = 2000, .header_lines = 20}};
static sl_worker_t worker = {.config = &config};
static sl_listen_t listen_on;
static sl_connection_t connection = {.worker = &worker, .listen = &listen_on};
static h2o_socket_t client = {.on_close = {.data = &connection}};

typedef struct parsed_t {
    h2o_req_t req;
    struct phr_header headers[H2O_MAX_HEADERS];
    size_t header_count;
    int result;
    sl_framing_error_t refusal;
} parsed_t;

static void require(bool holds)
{
    if (!holds)
        abort();
}

static h2o_socket_t *get_socket(h2o_conn_t *conn)
{
    (void)conn;
    return &client;
}

/* As libh2o does with what has come so far; `before` of it had been looked at already. */
static void parse(parsed_t *parsed, const char *bytes, size_t len, size_t before)
{
    static const h2o_conn_callbacks_t callbacks = {.get_socket = get_socket};
    static h2o_conn_t conn = {.callbacks = &callbacks};
    h2o_req_t *req = &parsed->req;
    int minor_version = 0;

    req->conn = &conn;
    connection.refusal = SL_FRAMING_OK;
    parsed->header_count = H2O_MAX_HEADERS;
    parsed->result = phr_parse_request(bytes, len, (const char **)&req->input.method.base, &req->input.method.len,
                                       (const char **)&req->input.path.base, &req->input.path.len, &minor_version,
                                       parsed->headers, &parsed->header_count, before);
    parsed->refusal = connection.refusal;
    req->version = 0x100 | minor_version;
}

/* --- a reader of our own --- */

static h2o_iovec_t take_line(h2o_iovec_t *rest)
{
    size_t end = 0;

    while (end + 1 < rest->len && (rest->base[end] != '\r' || rest->base[end + 1] != '\n'))
        ++end;
    require(end + 1 < rest->len);
    h2o_iovec_t line = sl_bytes(rest->base, end);
    require(memchr(line.base, '\n', line.len) == NULL && memchr(line.base, '\r', line.len) == NULL);
    require(memchr(line.base, '\0', line.len) == NULL);
    *rest = sl_bytes(rest->base + end + 2, rest->len - end - 2);
    return line;
}

static bool is_digits(h2o_iovec_t value)
{
    for (size_t i = 0; i != value.len; ++i)
        if (value.base[i] < '0' || value.base[i] > '9')
            return false;
    return value.len != 0;
}

static void check_request_line(h2o_iovec_t line)
{
    const char *blank = memchr(line.base, ' ', line.len), *end = line.base + line.len;

    require(blank != NULL && sl_is_token(sl_bytes(line.base, (size_t)(blank - line.base))));
    h2o_iovec_t rest = sl_bytes(blank + 1, (size_t)(end - blank - 1));
    blank = memchr(rest.base, ' ', rest.len);
    require(blank != NULL && blank != rest.base);
    h2o_iovec_t version = sl_bytes(blank + 1, (size_t)(end - blank - 1)); /* later minor versions are read as 1.1 */
    require(version.len == 8 && memcmp(version.base, "HTTP/1.", 7) == 0 && is_digits(sl_bytes(version.base + 7, 1)));
}

typedef struct counts_t {
    size_t hosts, lengths, codings, lines;
} counts_t;

static void check_field(h2o_iovec_t line, counts_t *counts)
{
    const char *colon = memchr(line.base, ':', line.len), *end = line.base + line.len;

    require(colon != NULL);
    h2o_iovec_t name = sl_bytes(line.base, (size_t)(colon - line.base)), value;
    for (++colon; colon != end && (*colon == ' ' || *colon == '\t'); ++colon) {
    }
    while (end != colon && (end[-1] == ' ' || end[-1] == '\t'))
        --end;
    value = sl_bytes(colon, (size_t)(end - colon));
    require(sl_is_token(name)); /* no blank before the colon, and so no folded line */
    counts->hosts += sl_bytes_equal_fold(name, SL_LIT("host"));
    if (sl_bytes_equal_fold(name, SL_LIT("content-length"))) {
        ++counts->lengths;
        require(is_digits(value));
    }
    if (sl_bytes_equal_fold(name, SL_LIT("transfer-encoding"))) {
        ++counts->codings;
        require(sl_bytes_equal_fold(value, SL_LIT("chunked")));
    }
    ++counts->lines;
}

static void check_passed(h2o_iovec_t head, const parsed_t *parsed)
{
    counts_t counts = {0};
    h2o_iovec_t rest = head, line = take_line(&rest);

    if (line.len == 0) /* one empty line may come before (RFC 9112 §2.2) */
        line = take_line(&rest);
    check_request_line(line);
    while ((line = take_line(&rest)).len != 0)
        check_field(line, &counts);
    require(rest.len == 0); /* the first empty line ends it, for everybody */
    require(counts.hosts <= 1 && (counts.hosts == 1 || parsed->req.version == 0x100));
    require(counts.lengths + counts.codings <= 1 && (counts.codings == 0 || parsed->req.version > 0x100));
    require(counts.lines <= config.limits.header_lines && head.len <= config.limits.header_max);
    require(parsed->header_count <= counts.lines && parsed->req.input.path.len <= config.limits.target_max);
}

/* What libh2o is given instead of a head that was refused: all bytes, and nothing that it could act on. */
static void check_refused(size_t len, const parsed_t *parsed)
{
    require(parsed->result == (int)len && parsed->header_count <= 1);
    require(sl_is_token(parsed->req.input.method) && parsed->req.input.path.len != 0 &&
            parsed->req.input.path.base[0] == '/');
    require(sl_framing_error_status(parsed->refusal) >= 400);
}

/* --- */

/* Each time in memory of its own, of that length exactly: who reads behind it is found out. */
static void look(parsed_t *parsed, const char *bytes, size_t len, size_t before)
{
    char *copy = malloc(len);

    require(copy != NULL);
    memcpy(copy, bytes, len);
    *parsed = (parsed_t){.result = 0};
    parse(parsed, copy, len, before);
    if (parsed->refusal != SL_FRAMING_OK)
        check_refused(len, parsed);
    else if (parsed->result > 0)
        check_passed(sl_bytes(copy, (size_t)parsed->result), parsed);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static parsed_t whole, part;
    size_t step = size != 0 ? (size_t)data[0] + 1 : 1, before = 0;

    if (size < 2)
        return 0;
    const char *bytes = (const char *)data + 1;
    --size;
    connection.head_lines = 0;
    look(&whole, bytes, size, 0);

    for (size_t len = step < size ? step : size;; len = len + step < size ? len + step : size) {
        look(&part, bytes, len, before);
        if (part.result != -2 || len == size)
            break;
        before = len;
    }
    bool passes = whole.refusal == SL_FRAMING_OK && whole.result > 0;
    require(passes == (part.refusal == SL_FRAMING_OK && part.result > 0));
    require(!passes || (part.result == whole.result && part.header_count == whole.header_count));
    return 0;
}
