/* explain_forward: what the service of a proxied request would get. */
#include "explain.h"

static void tell_target(sl_explain_t *explain)
{
    h2o_iovec_t target = sl_preview_target(explain->exchange);
    const char *mark = memchr(target.base, '?', target.len);
    size_t path_len = mark != NULL ? (size_t)(mark - target.base) + 1 : target.len;
    sl_text_t told = {0};

    sl_text_append(&told, target.base, path_len);
    sl_explain_query(explain, sl_bytes(target.base + path_len, target.len - path_len), &told);
    sl_outline_text(&explain->outline, "target", sl_bytes(told.base, told.size));
    sl_text_dispose(&told);
}

static void tell_changes(sl_explain_t *explain, const sl_transform_t *transform)
{
    sl_outline_t *outline = &explain->outline;

    if (transform == NULL)
        return;
    sl_outline_map(outline, "transform");
    if (transform->written.request.len != 0)
        sl_explain_json(explain, "request", transform->written.request);
    if (transform->written.response.len != 0)
        sl_explain_json(explain, "response", transform->written.response);
    if (transform->form_to_json)
        sl_outline_text(outline, "form", SL_LIT("to_json"));
    if (transform->json_to_service)
        sl_outline_text(outline, "messagepack", SL_LIT("for clients that ask for it"));
    sl_outline_close(outline);
}

void sl_explain_forward(sl_explain_t *explain)
{
    sl_exchange_t *exchange = explain->exchange;
    const sl_route_t *route = exchange->route;
    const sl_service_t *service = exchange->service;
    int status;
    const char *error = sl_preview_transform(exchange, &status);
    sl_outline_t *outline = &explain->outline;

    if (error != NULL)
        sl_explain_refuse(explain, status, error);
    sl_outline_map(outline, "forward");
    sl_outline_text(outline, "service", sl_bytes_of(service->name));
    sl_outline_list(outline, "instances");
    for (size_t i = 0; i != service->instance_count; ++i)
        sl_outline_text(outline, NULL, sl_bytes_of(service->instances[i].url));
    sl_outline_close(outline);
    sl_outline_text(outline, "method", exchange->req->method);
    tell_target(explain);
    if (route->host_override.len != 0 || route->preserve_host)
        sl_outline_text(outline, "host", route->preserve_host ? exchange->authority : route->host_override);
    else
        sl_outline_text(outline, "host", SL_LIT("(the instance's)"));
    sl_explain_headers(explain, "headers");
    if (exchange->changed.body.base != NULL)
        sl_explain_json(explain, "body", exchange->changed.body);
    tell_changes(explain, exchange->transform);
    sl_outline_close(outline);
}
