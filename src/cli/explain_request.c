/* explain_request: what was asked, as the gateway reads it, and what answers before any route is looked at. */
#include "explain.h"
#include "sluice/path.h"

/* A key that came in the query is not repeated, nor what looks like a secret: what explain prints ends up in tickets.
 */
static void tell_query(sl_explain_t *explain)
{
    sl_exchange_t *exchange = explain->exchange;
    const char *name = exchange->config->keys.query;
    h2o_iovec_t others = sl_exchange_copy(exchange, exchange->query);
    sl_text_t told = {0};

    if (name != NULL)
        others.len = sl_query_remove(exchange->query, sl_bytes_of(name), others.base);
    sl_explain_query(explain, others, &told);
    if (others.len != exchange->query.len)
        sl_text_format(&told, "%s%s=(the key)", others.len != 0 ? "&" : "", name);
    sl_outline_text(&explain->outline, "query", sl_bytes(told.base, told.size));
    sl_text_dispose(&told);
}

/* Of a target that cannot be read. */
static h2o_iovec_t without_query(h2o_iovec_t target)
{
    const char *mark = target.len != 0 ? memchr(target.base, '?', target.len) : NULL;

    return mark != NULL ? sl_bytes(target.base, (size_t)(mark - target.base)) : target;
}

/* A listener may only be there to lead to another one. */
static bool leads_elsewhere(sl_explain_t *explain)
{
    const sl_listen_t *listen = sl_preview_listen(explain->exchange);
    h2o_iovec_t url;

    if (listen == NULL || !sl_preview_redirect(explain->exchange, listen, &url))
        return false;
    sl_explain_refuse(explain, 308, "this listener only leads to https");
    sl_outline_text(&explain->outline, "listener", sl_bytes_of(listen->text));
    sl_outline_text(&explain->outline, "location", url);
    return true;
}

/* It has a route, and was to come no further than here. */
static bool ends_here(sl_explain_t *explain)
{
    sl_exchange_t *exchange = explain->exchange;

    if (explain->match.index < 0 || !sl_preview_is_last_hop(exchange))
        return false;
    if (sl_bytes_equal(exchange->req->method, SL_LIT("TRACE")))
        sl_explain_refuse(explain, 405, "Max-Forwards is 0, and the gateway itself does not take TRACE");
    return true;
}

/* No route is asked: the guard answers a head that it refuses, and OPTIONS of the gateway as a whole; a path may be
 * none. */
static bool ends_before_routes(sl_explain_t *explain)
{
    sl_exchange_t *exchange = explain->exchange;
    sl_framing_error_t error = sl_preview_framing(exchange);
    bool is_whole = sl_bytes_equal(exchange->req->path, SL_LIT("*"));

    if (error != SL_FRAMING_OK) {
        sl_explain_refuse(explain, sl_framing_error_status(error), sl_framing_error_text(error));
        return true;
    }
    if (leads_elsewhere(explain))
        return true;
    const char *why = is_whole ? NULL : sl_preview_route(exchange, &explain->match);
    if (why != NULL)
        sl_explain_refuse(explain, 400, why);
    return is_whole || why != NULL || ends_here(explain);
}

bool sl_explain_request(sl_explain_t *explain)
{
    sl_exchange_t *exchange = explain->exchange;
    sl_outline_t *outline = &explain->outline;

    sl_outline_map(outline, "request");
    sl_outline_text(outline, "method", exchange->req->method);
    if (ends_before_routes(explain)) {
        sl_outline_text(outline, "path", without_query(exchange->req->path));
        sl_outline_close(outline);
        if (explain->refusal == NULL)
            sl_outline_text(outline, "answers", SL_LIT("the gateway itself, 204 with the methods it takes"));
        return false;
    }
    explain->was_routed = true;
    sl_outline_text(outline, "host", exchange->host);
    sl_outline_text(outline, "path", exchange->path);
    if (exchange->query.base != NULL)
        tell_query(explain);
    sl_outline_close(outline);
    return true;
}
