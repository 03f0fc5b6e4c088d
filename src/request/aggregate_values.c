/*
 * aggregate_values: what $request and $caller stand for.
 *
 * The body is JSON, or a form that is taken as JSON; a form's name is believed only when the bytes do not begin like a
 * document, since curl -d calls everything a form and no form begins with a bracket. The key that identified the caller
 * is nobody's value, unless the services get it anyway (`keys.forward`).
 */
#include "aggregate.h"
#include "sluice/escape.h"
#include "sluice/media.h"
#include "sluice/path.h"

static const sl_template_value_t unknown = {.is_known = false};

static sl_template_value_t text_value(h2o_iovec_t text)
{
    return (sl_template_value_t){.is_known = text.base != NULL, .text = text};
}

/* --- the body --- */

static bool begins_like_json(h2o_iovec_t body)
{
    size_t at = 0;

    while (at != body.len && strchr(" \t\r\n", body.base[at]) != NULL && body.base[at] != '\0')
        ++at;
    return at != body.len && (body.base[at] == '{' || body.base[at] == '[');
}

/* Each value costs fourteen times what it takes to send it: more of them are no request. */
#define DEPTH_MAX 64
#define VALUES_MAX 100000

/* As JSON, where it is something else; nothing grows beyond ten bytes for one. */
static const char *convert_body(h2o_iovec_t body, h2o_iovec_t type, sl_text_t *converted, size_t *offset)
{
    sl_media_limits_t limits = {.depth = DEPTH_MAX, .values = VALUES_MAX, .bytes_max = body.len * 10 + 1024};

    switch (sl_media_of(type)) {
    case SL_MEDIA_MSGPACK:
        return sl_msgpack_to_json(body, &limits, converted, offset);
    case SL_MEDIA_FORM: /* which is what curl calls everything */
        return begins_like_json(body) ? NULL : sl_form_to_json(body, &limits, converted, offset);
    case SL_MEDIA_JSON:
    case SL_MEDIA_OTHER:
    default:
        return NULL;
    }
}

static const char *index_body(sl_request_values_t *values, size_t *offset)
{
    const sl_exchange_t *exchange = values->exchange;
    h2o_iovec_t body = exchange->req->entity, type = sl_exchange_header(exchange, H2O_STRLIT("content-type"));
    static const sl_json_limits_t json_limits = {DEPTH_MAX, VALUES_MAX};

    const char *error = convert_body(body, type, &values->converted, offset);
    if (error != NULL)
        return error;
    if (values->converted.size != 0)
        body = sl_bytes(values->converted.base, values->converted.size);
    return sl_json_index(&values->body, body, &json_limits, offset);
}

void sl_request_values_init(sl_request_values_t *values, sl_exchange_t *exchange)
{
    *values = (sl_request_values_t){.exchange = exchange};
    if (exchange->req->entity.len != 0)
        values->body_error = index_body(values, &values->body_offset);
    values->has_body = exchange->req->entity.len != 0 && values->body_error == NULL;
}

void sl_request_values_dispose(sl_request_values_t *values)
{
    sl_json_dispose(&values->body);
    sl_text_dispose(&values->converted);
}

static sl_template_value_t body_value(const sl_request_values_t *values, const sl_json_path_t *rest)
{
    int64_t value = values->has_body ? (rest != NULL ? sl_json_path_find(&values->body, rest) : 0) : -1;
    if (value < 0)
        return unknown;
    return (sl_template_value_t){.is_known = true, .document = &values->body, .value = (uint32_t)value};
}

/* --- the head --- */

static h2o_iovec_t room_for(sl_exchange_t *exchange, size_t len)
{
    return sl_bytes(h2o_mem_alloc_pool(&exchange->req->pool, len + 1), 0);
}

/* The path was normalised: every escape in it is whole. */
static sl_template_value_t path_value(sl_exchange_t *exchange, h2o_iovec_t name)
{
    h2o_iovec_t value = sl_pattern_parameter(exchange->route->pattern.path, exchange->path, name);
    h2o_iovec_t decoded = room_for(exchange, value.len);

    if (value.base == NULL)
        return unknown;
    for (size_t i = 0; i != value.len; ++i) {
        int octet = value.base[i] == '%' ? sl_escaped_octet(value.base + i, value.base + value.len) : -1;
        decoded.base[decoded.len++] = octet < 0 ? value.base[i] : (char)octet;
        i += octet < 0 ? 0 : 2;
    }
    return text_value(decoded);
}

static sl_template_value_t query_value(sl_exchange_t *exchange, h2o_iovec_t name)
{
    const sl_key_settings_t *keys = &exchange->config->keys;
    h2o_iovec_t value = sl_query_find(exchange->query, name);
    h2o_iovec_t decoded = room_for(exchange, value.len);
    bool is_key = keys->query != NULL && !keys->forward && sl_bytes_equal(name, sl_bytes_of(keys->query));

    if (value.base == NULL || is_key)
        return unknown;
    decoded.len = sl_query_text(value, decoded.base);
    return text_value(decoded);
}

static sl_template_value_t field_value(sl_exchange_t *exchange, h2o_iovec_t name)
{
    h2o_iovec_t lower = sl_exchange_copy(exchange, name);

    h2o_strtolower(lower.base, lower.len);
    h2o_iovec_t value = sl_exchange_header(exchange, lower.base, lower.len);
    if (value.base == NULL || sl_carries_key(exchange, lower, value))
        return unknown;
    return text_value(sl_bytes_trim(value));
}

static sl_template_value_t request_value(sl_request_values_t *values, h2o_iovec_t first, const sl_json_path_t *rest)
{
    sl_exchange_t *exchange = values->exchange;

    if (sl_bytes_equal(first, SL_LIT("body")))
        return body_value(values, rest);
    if (sl_bytes_equal(first, SL_LIT("query")))
        return query_value(exchange, sl_json_path_name(rest));
    if (sl_bytes_equal(first, SL_LIT("path")))
        return path_value(exchange, sl_json_path_name(rest));
    if (sl_bytes_equal(first, SL_LIT("headers")))
        return field_value(exchange, sl_json_path_name(rest));
    if (sl_bytes_equal(first, SL_LIT("method")))
        return text_value(exchange->req->input.method);
    return text_value(sl_bytes(exchange->request_id, exchange->request_id_len));
}

sl_template_value_t sl_request_values_resolve(void *data, h2o_iovec_t source, h2o_iovec_t first,
                                              const sl_json_path_t *rest)
{
    sl_request_values_t *values = data;
    const sl_caller_t *caller = &values->exchange->caller;

    if (sl_bytes_equal(source, SL_LIT("request")))
        return request_value(values, first, rest);
    if (!sl_bytes_equal(source, SL_LIT("caller")))
        return unknown;
    h2o_iovec_t told = sl_bytes_equal(first, SL_LIT("owner")) ? caller->owner : caller->name;
    return told.len != 0 ? text_value(told) : unknown;
}
