/*
 * choose_shape: which front end's form does the answer take?
 *
 * Shapes are tried in the order of the file, and the first of which any condition fits is taken. Vary names the fields
 * that could have led to another one at this very URL: those of the shapes that were tried before, and of the chosen
 * one only when it was not the path or the host that chose it. So a cache keeps apart what must be apart, and no more.
 */
#include "request.h"

static bool ends_with(h2o_iovec_t text, h2o_iovec_t end)
{
    return end.len != 0 && text.len >= end.len && memcmp(text.base + text.len - end.len, end.base, end.len) == 0;
}

static bool fits_url(const sl_exchange_t *exchange, const sl_shape_t *shape)
{
    return ends_with(exchange->path, shape->path_suffix) ||
           (shape->host.len != 0 && sl_bytes_equal(exchange->host, shape->host));
}

static bool has_field(const sl_exchange_t *exchange, h2o_iovec_t name, h2o_iovec_t wanted)
{
    h2o_iovec_t value;
    bool is_one = sl_single_field(exchange, name, &value);

    return value.base != NULL && (wanted.len == 0 || (is_one && sl_bytes_equal(value, wanted)));
}

static bool fits_fields(const sl_exchange_t *exchange, const sl_shape_t *shape)
{
    return (shape->header_name.len != 0 && has_field(exchange, shape->header_name, shape->header_value)) ||
           (shape->by_client_hint_mobile && has_field(exchange, SL_LIT("sec-ch-ua-mobile"), SL_LIT("?1")));
}

static void add_to_vary(h2o_mem_pool_t *pool, h2o_iovec_t *vary, h2o_iovec_t name)
{
    if (name.len == 0 || (vary->len != 0 && h2o_contains_token(vary->base, vary->len, name.base, name.len, ',')))
        return;
    *vary = vary->len == 0 ? name : h2o_concat(pool, *vary, SL_LIT(", "), name);
}

static void note_fields(sl_exchange_t *exchange, const sl_shape_t *shape, h2o_iovec_t *vary)
{
    add_to_vary(&exchange->req->pool, vary, shape->header_name);
    if (shape->by_client_hint_mobile)
        add_to_vary(&exchange->req->pool, vary, SL_LIT("sec-ch-ua-mobile"));
}

static bool fits(const sl_exchange_t *exchange, const sl_shape_t *shape)
{
    return fits_url(exchange, shape) || fits_fields(exchange, shape);
}

const sl_shape_t *sl_find_shape(const sl_exchange_t *exchange)
{
    const sl_route_t *route = exchange->route;

    for (size_t i = 0; i != route->shape_count; ++i)
        if (fits(exchange, &route->shapes[i]))
            return &route->shapes[i];
    return NULL;
}

uint64_t sl_calls_wanted(const sl_exchange_t *exchange)
{
    const sl_shape_t *shape = sl_find_shape(exchange);
    return shape != NULL ? shape->calls : exchange->route->aggregate->calls_needed;
}

const sl_shape_t *sl_choose_shape(sl_exchange_t *exchange)
{
    const sl_route_t *route = exchange->route;
    const sl_shape_t *chosen = sl_find_shape(exchange);
    h2o_req_t *req = exchange->req;
    h2o_iovec_t vary = {NULL, 0};

    for (size_t i = 0; i != route->shape_count; ++i) {
        if (!fits_url(exchange, &route->shapes[i]))
            note_fields(exchange, &route->shapes[i], &vary);
        if (&route->shapes[i] == chosen)
            break;
    }
    if (vary.len != 0)
        h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_VARY, NULL, vary.base, vary.len);
    return chosen;
}
