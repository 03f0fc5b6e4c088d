/*
 * count_hops: how many parties may still pass this request on? (Max-Forwards, RFC 9110 §7.6.2)
 *
 *   in   exchange->route
 *   out  an answer 204 / 405, when it was to come no further than here
 *
 * It means something to OPTIONS and TRACE only, with which a client looks for the party that goes round in circles or
 * changes what passes. What is no number says nothing, and goes on as it came.
 */
#include "request.h"
#include "sluice/answer.h"
#include "sluice/parse.h"
#include "sluice/stages.h"
#include <inttypes.h>
#include <stdio.h>

static bool is_counted(h2o_iovec_t method)
{
    return sl_bytes_equal(method, SL_LIT("OPTIONS")) || sl_bytes_equal(method, SL_LIT("TRACE"));
}

bool sl_is_last_hop(const sl_exchange_t *exchange)
{
    const h2o_headers_t *headers = &exchange->req->headers;
    uint64_t hops;

    if (!is_counted(exchange->req->method))
        return false;
    for (ssize_t at = -1; (at = h2o_find_header_by_str(headers, H2O_STRLIT("max-forwards"), at)) != -1;)
        if (sl_parse_count(sl_bytes_trim(headers->entries[at].value), &hops) && hops == 0)
            return true;
    return false;
}

h2o_iovec_t sl_hops_left(sl_exchange_t *exchange, h2o_iovec_t name, h2o_iovec_t value)
{
    uint64_t hops;

    if (!sl_bytes_equal(name, SL_LIT("max-forwards")) || !is_counted(exchange->req->method))
        return value;
    if (!sl_parse_count(value, &hops) || hops == 0)
        return value;
    char *left = h2o_mem_alloc_pool(&exchange->req->pool, sizeof(H2O_UINT64_LONGEST_STR));
    return sl_bytes(left, (size_t)sprintf(left, "%" PRIu64, hops - 1));
}

/* What can be asked for here, as far as this node knows; that is where the question was to end. */
static h2o_iovec_t allowed_methods(sl_exchange_t *exchange)
{
    sl_request_line_t line;
    sl_route_match_t match;
    char allow[256];

    sl_match_route(exchange, &line, &match);
    size_t len = sl_route_table_allow(exchange->config->table, &line, allow, sizeof(allow));
    return sl_exchange_copy(exchange, sl_bytes(allow, len));
}

/* TRACE has no answer of ours: what came is not sent back, since fields that only the proxies in front of us should
 * know would be in it. */
sl_verdict_t sl_count_hops(sl_exchange_t *exchange)
{
    h2o_req_t *req = exchange->req;

    if (!sl_is_last_hop(exchange))
        return SL_NEXT;
    bool is_trace = sl_bytes_equal(req->method, SL_LIT("TRACE"));
    h2o_iovec_t allow = is_trace ? SL_LIT("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS") : allowed_methods(exchange);
    h2o_add_header_by_str(&req->pool, &req->res.headers, H2O_STRLIT("allow"), 0, "Allow", allow.base, allow.len);
    if (is_trace)
        return sl_answer(exchange, SL_ANSWER_NO_METHOD, &(sl_answer_details_t){.log_detail = "Max-Forwards is 0"});
    exchange->reason = "options";
    exchange->outcome = SL_ADMISSION_OPEN_ROUTE;
    return sl_answer_send(exchange, 204, sl_bytes(NULL, 0), sl_bytes(NULL, 0));
}
