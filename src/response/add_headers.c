/*
 * add_headers: what the gateway adds to every answer, its own and the services' alike: how long it took, the request's
 * id, what is left of the limits, and the route's own operations. Also the place where a draining worker asks its
 * HTTP/1 clients to go elsewhere.
 */
#include "sluice/clock.h"
#include "sluice/steps.h"

/* A name of ours is written down once, in both forms; libh2o's own way of adding copies it for each answer. */
typedef struct name_t {
    h2o_iovec_t lower;
    const char *usual;
} name_t;

static const name_t server = {{H2O_STRLIT("server")}, "Server"},
                    hsts = {{H2O_STRLIT("strict-transport-security")}, "Strict-Transport-Security"},
                    response_time = {{H2O_STRLIT("x-response-time")}, "X-Response-Time"},
                    request_id = {{H2O_STRLIT("x-request-id")}, "X-Request-Id"},
                    ratelimit_policy = {{H2O_STRLIT("ratelimit-policy")}, "RateLimit-Policy"},
                    ratelimit = {{H2O_STRLIT("ratelimit")}, "RateLimit"},
                    x_limit = {{H2O_STRLIT("x-ratelimit-limit")}, "X-RateLimit-Limit"},
                    x_remaining = {{H2O_STRLIT("x-ratelimit-remaining")}, "X-RateLimit-Remaining"},
                    x_reset = {{H2O_STRLIT("x-ratelimit-reset")}, "X-RateLimit-Reset"};

static void add(h2o_req_t *req, const name_t *name, h2o_iovec_t value)
{
    h2o_headers_t *headers = &req->res.headers;

    h2o_vector_reserve(&req->pool, headers, headers->size + 1);
    headers->entries[headers->size++] = (h2o_header_t){(h2o_iovec_t *)&name->lower, name->usual, value};
}

static void add_number(h2o_req_t *req, const name_t *name, uint64_t value)
{
    char *text = h2o_mem_alloc_pool(&req->pool, SL_NUMBER_DIGITS);

    add(req, name, sl_bytes(text, (size_t)(sl_put_number(text, value) - text)));
}

static void add_time(sl_exchange_t *exchange)
{
    uint64_t us = sl_clock_us() - exchange->begun_us;
    char *text = h2o_mem_alloc_pool(&exchange->req->pool, SL_NUMBER_DIGITS + 7),
         *end = sl_put_number(text, us / 1000000);

    *end++ = '.';
    end = sl_put_padded(end, us % 1000000, 6);
    add(exchange->req, &response_time, sl_bytes(text, (size_t)(end - text)));
}

static void add_limits(sl_exchange_t *exchange)
{
    h2o_req_t *req = exchange->req;
    const sl_admission_t *admission = &exchange->admission;
    char text[512];

    h2o_iovec_t policy =
        sl_exchange_copy(exchange, sl_bytes(text, sl_admission_policy_field(admission, text, sizeof(text))));
    if (policy.len == 0)
        return;
    add(req, &ratelimit_policy, policy);
    h2o_iovec_t state =
        sl_exchange_copy(exchange, sl_bytes(text, sl_admission_ratelimit_field(admission, text, sizeof(text))));
    add(req, &ratelimit, state);
    if (!exchange->config->keys.x_ratelimit)
        return;
    const sl_limit_state_t *limit = sl_admission_tightest(admission);
    add_number(req, &x_limit, limit->quota);
    add_number(req, &x_remaining, limit->remaining);
    add_number(req, &x_reset, (limit->full_us + 999999) / 1000000);
}

static void remove_all(h2o_req_t *req, h2o_iovec_t name)
{
    h2o_headers_t *headers = &req->res.headers;
    size_t kept = 0;

    for (size_t i = 0; i != headers->size; ++i)
        if (!sl_bytes_equal_fold(*headers->entries[i].name, name))
            headers->entries[kept++] = headers->entries[i];
    headers->size = kept;
}

static void apply(h2o_req_t *req, const sl_header_op_t *operation)
{
    if (operation->kind != SL_HEADER_APPEND)
        remove_all(req, operation->name);
    if (operation->kind == SL_HEADER_REMOVE)
        return;
    h2o_iovec_t lower = h2o_strdup(&req->pool, operation->name.base, operation->name.len);
    h2o_strtolower(lower.base, lower.len);
    h2o_add_header_by_str(&req->pool, &req->res.headers, lower.base, lower.len, 1, operation->name.base,
                          operation->value.base, operation->value.len);
}

/* Whoever terminates TLS answers for it: a service's own field would be the second of two. */
static void add_hsts(sl_exchange_t *exchange)
{
    if (exchange->connection == NULL || !exchange->connection->listen->has_hsts)
        return;
    const h2o_iovec_t *field = &exchange->connection->listen->hsts.field;
    remove_all(exchange->req, hsts.lower);
    add(exchange->req, &hsts, *field);
}

h2o_ostream_t **sl_add_headers(sl_exchange_t *exchange, h2o_ostream_t **slot)
{
    h2o_req_t *req = exchange->req;
    const sl_route_t *route = exchange->route;

    if (exchange->worker->is_draining || sl_exchange_is_last(exchange) ||
        (exchange->connection != NULL && exchange->connection->is_doomed))
        req->http1_is_persistent = 0;
    if (exchange->is_own_answer)
        add(req, &server, sl_bytes_of(exchange->config->server_name));
    add_time(exchange);
    add(req, &request_id, sl_bytes(exchange->request_id, exchange->request_id_len));
    add_hsts(exchange);
    if (exchange->has_admission)
        add_limits(exchange);
    for (size_t i = 0; route != NULL && i != route->response_header_count; ++i)
        apply(req, &route->response_headers[i]);
    return slot;
}
