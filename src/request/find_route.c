/*
 * find_route: which route serves this request?
 *
 *   in   the request line and its headers
 *   out  exchange->authority, host, path, query, route, service; or an answer 400 / 404 / 405 / 413
 *
 * The path is normalised before anything is decided, and what was matched is what goes on (policy/path.c): no rule can
 * be walked around by spelling.
 */
#include "request.h"
#include "sluice/answer.h"
#include "sluice/framing.h"
#include "sluice/path.h"
#include "sluice/stages.h"

static void take_host(sl_exchange_t *exchange)
{
    h2o_iovec_t host = sl_exchange_copy(exchange, exchange->authority);
    size_t end = host.len;

    while (end > 0 && host.base[end - 1] >= '0' && host.base[end - 1] <= '9')
        --end;
    if (end > 0 && host.base[end - 1] == ':')
        host.len = end - 1;
    if (host.len > 1 && host.base[host.len - 1] == '.')
        --host.len; /* the root's dot: the same host, so the same rules */
    h2o_strtolower(host.base, host.len);
    exchange->host = host;
}

/* An absolute target's authority outranks Host (RFC 9112 §3.2.2), and an empty path in it means "/". */
static h2o_iovec_t take_authority(sl_exchange_t *exchange)
{
    h2o_iovec_t target = exchange->req->path, rest;

    exchange->authority = exchange->req->input.authority;
    if (!sl_target_split(target, &exchange->authority, &rest))
        return target;
    if (rest.len != 0 && rest.base[0] == '/')
        return rest;
    h2o_iovec_t with_slash = {h2o_mem_alloc_pool(&exchange->req->pool, rest.len + 1), rest.len + 1};
    with_slash.base[0] = '/';
    if (rest.len != 0)
        memcpy(with_slash.base + 1, rest.base, rest.len);
    return with_slash;
}

static const char *take_path(sl_exchange_t *exchange)
{
    h2o_iovec_t raw;

    sl_path_split(take_authority(exchange), &raw, &exchange->query);
    char *path = h2o_mem_alloc_pool(&exchange->req->pool, raw.len * 3 + 1);
    sl_path_error_t error = sl_path_normalise(raw, path, &exchange->path.len);
    exchange->path.base = path;
    if (error == SL_PATH_OK)
        return NULL;
    exchange->path.len = 0;
    return sl_path_error_text(error);
}

static h2o_iovec_t find_header(void *data, h2o_iovec_t name)
{
    return sl_exchange_header(data, name.base, name.len);
}

static sl_verdict_t answer_no_method(sl_exchange_t *exchange, const sl_request_line_t *line)
{
    h2o_req_t *req = exchange->req;
    char allow[256];
    size_t len = sl_route_table_allow(exchange->config->table, line, allow, sizeof(allow));
    h2o_iovec_t copy = sl_exchange_copy(exchange, sl_bytes(allow, len));

    h2o_add_header_by_str(&req->pool, &req->res.headers, H2O_STRLIT("allow"), 0, "Allow", copy.base, copy.len);
    return sl_answer(exchange, SL_ANSWER_NO_METHOD, NULL);
}

const char *sl_match_route(sl_exchange_t *exchange, sl_request_line_t *line, sl_route_match_t *match)
{
    const char *error = take_path(exchange);

    if (error != NULL)
        return error;
    take_host(exchange);
    *line = (sl_request_line_t){exchange->host, exchange->req->method, exchange->path, find_header, exchange};
    sl_route_table_find(exchange->config->table, line, match);
    if (match->index >= 0) {
        exchange->route = &exchange->config->routes[match->index];
        exchange->service = exchange->route->service;
    }
    return NULL;
}

sl_verdict_t sl_find_route(sl_exchange_t *exchange)
{
    sl_request_line_t line;
    sl_route_match_t match;

    const char *error = sl_match_route(exchange, &line, &match);
    if (error != NULL)
        return sl_answer(exchange, SL_ANSWER_BAD_PATH,
                         &(sl_answer_details_t){.text = sl_bytes_of(error), .log_detail = error});
    if (match.index < 0)
        return match.path_known ? answer_no_method(exchange, &line) : sl_answer(exchange, SL_ANSWER_NO_ROUTE, NULL);
    if (exchange->req->entity.len > exchange->route->body_max || exchange->announced > exchange->route->body_max)
        return sl_answer(exchange, SL_ANSWER_BODY_TOO_LARGE, NULL);
    return SL_NEXT;
}
