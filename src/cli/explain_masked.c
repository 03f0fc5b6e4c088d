/* explain_masked: header lines, JSON and queries as they are shown: without what is made anew for each request, and
 * without secrets. */
#include "explain.h"
#include "sluice/secret.h"

static h2o_iovec_t next_line(h2o_iovec_t *rest)
{
    const char *end = memmem(rest->base, rest->len, "\r\n", 2);
    h2o_iovec_t line = sl_bytes(rest->base, (size_t)(end - rest->base));

    *rest = sl_bytes(end + 2, rest->len - line.len - 2);
    return line;
}

/* Of a value that the configuration takes from the environment the name tells nothing. */
static bool is_from_environment(const sl_route_t *route, h2o_iovec_t name)
{
    for (size_t i = 0; i != route->request_header_count; ++i)
        if (route->request_headers[i].is_from_environment && sl_bytes_equal_fold(route->request_headers[i].name, name))
            return true;
    return false;
}

/* The trace is made anew for each request, and a secret is nobody's business but the service's. */
static void tell_line(sl_explain_t *explain, h2o_iovec_t line)
{
    const char *colon = memchr(line.base, ':', line.len);
    size_t name_len = colon != NULL ? (size_t)(colon - line.base) : line.len;

    if (sl_bytes_equal_fold(sl_bytes(line.base, name_len), SL_LIT("traceparent")))
        sl_outline_text(&explain->outline, NULL, SL_LIT("traceparent: (made)"));
    else if (sl_is_secret_name(sl_bytes(line.base, name_len), explain->exchange->config->keys.header) ||
             is_from_environment(explain->exchange->route, sl_bytes(line.base, name_len)))
        sl_outline_format(&explain->outline, NULL, "%.*s: " SL_SECRET_MASK, (int)name_len, line.base);
    else
        sl_outline_text(&explain->outline, NULL, line);
}

void sl_explain_headers(sl_explain_t *explain, const char *name)
{
    h2o_iovec_t rest = sl_preview_headers(explain->exchange);

    sl_outline_list(&explain->outline, name);
    while (rest.len != 0)
        tell_line(explain, next_line(&rest));
    sl_outline_close(&explain->outline);
}

void sl_explain_json(sl_explain_t *explain, const char *name, h2o_iovec_t json)
{
    sl_text_t masked = {0};

    sl_mask_json(json, explain->exchange->config->keys.header, &masked);
    sl_outline_json(&explain->outline, name, sl_bytes(masked.base, masked.size));
    sl_text_dispose(&masked);
}

void sl_explain_query(sl_explain_t *explain, h2o_iovec_t query, sl_text_t *out)
{
    sl_mask_query(query, explain->exchange->config->keys.query, out);
}
