/*
 * preview: an exchange without client, worker and connection, for `sluice explain` (preview.h).
 *
 * What the gateway makes up for each request (id, trace, the client's address) is named instead of made up.
 */
#include "sluice/preview.h"
#include "aggregate.h"
#include "transform.h"

#define FILLED_BYTES_MAX (1 << 20)

typedef struct preview_t {
    sl_exchange_t exchange; /* first: the one is the other */
    h2o_req_t req;
    sl_request_line_t line; /* what was asked of the route table */
    sl_request_values_t values;
    bool has_values;
} preview_t;

static preview_t *preview_of(const sl_exchange_t *exchange)
{
    return (preview_t *)(uintptr_t)exchange;
}

static h2o_iovec_t copy(sl_exchange_t *exchange, h2o_iovec_t bytes)
{
    return sl_exchange_copy(exchange, bytes);
}

/* --- life --- */

static void name_what_is_made(sl_exchange_t *exchange)
{
    static const char id[] = "(made)";

    memcpy(exchange->request_id, id, sizeof(id));
    exchange->request_id_len = sizeof(id) - 1;
    memset(exchange->trace_id, '.', sizeof(exchange->trace_id));
    memset(exchange->span_id, '.', sizeof(exchange->span_id));
    memset(exchange->trace_flags, '.', sizeof(exchange->trace_flags));
    exchange->client.address = exchange->client.forwarded_for = SL_LIT("(client)");
    exchange->client.proto = SL_LIT("http");
}

sl_exchange_t *sl_preview_create(sl_config_t *config, h2o_iovec_t method, h2o_iovec_t target, h2o_iovec_t body)
{
    preview_t *preview = h2o_mem_alloc(sizeof(*preview));
    sl_exchange_t *exchange = &preview->exchange;

    memset(preview, 0, sizeof(*preview));
    h2o_mem_init_pool(&preview->req.pool);
    exchange->req = &preview->req;
    exchange->config = sl_config_retain(config);
    preview->req.method = preview->req.input.method = copy(exchange, method);
    preview->req.entity = copy(exchange, body);
    preview->req.version = 0x101;
    preview->req.path = preview->req.input.path = copy(exchange, target);
    name_what_is_made(exchange);
    return exchange;
}

void sl_preview_destroy(sl_exchange_t *exchange)
{
    preview_t *preview = preview_of(exchange);

    if (preview->has_values)
        sl_request_values_dispose(&preview->values);
    sl_config_release(exchange->config);
    h2o_mem_clear_pool(&preview->req.pool);
    free(preview);
}

void sl_preview_add_header(sl_exchange_t *exchange, h2o_iovec_t name, h2o_iovec_t value)
{
    h2o_req_t *req = exchange->req;
    h2o_iovec_t lower = copy(exchange, name), kept = copy(exchange, value);

    h2o_strtolower(lower.base, lower.len);
    if (!sl_bytes_equal(lower, SL_LIT("host")))
        h2o_add_header_by_str(&req->pool, &req->headers, lower.base, lower.len, 1, copy(exchange, name).base, kept.base,
                              kept.len);
    else
        req->input.authority = kept;
}

/* --- framing --- */

sl_framing_error_t sl_preview_framing(sl_exchange_t *exchange)
{
    const h2o_req_t *req = exchange->req;
    const sl_config_t *config = exchange->config;
    sl_head_limits_t limits = {config->limits.target_max, config->limits.header_max, config->limits.header_lines};
    size_t count = 1 + req->headers.size;
    sl_head_field_t *fields = h2o_mem_alloc_pool(&exchange->req->pool, count * sizeof(*fields));

    fields[0] = (sl_head_field_t){SL_LIT("Host"), req->input.authority};
    for (size_t i = 0; i != req->headers.size; ++i)
        fields[1 + i] = (sl_head_field_t){*req->headers.entries[i].name, req->headers.entries[i].value};
    sl_head_t head = {
        .method = req->method, .target = req->path, .minor_version = 1, .fields = fields, .field_count = count};
    return sl_framing_check(&head, &limits);
}

/* --- route --- */

const char *sl_preview_route(sl_exchange_t *exchange, sl_route_match_t *match)
{
    return sl_match_route(exchange, &preview_of(exchange)->line, match);
}

bool sl_preview_is_last_hop(const sl_exchange_t *exchange)
{
    return sl_is_last_hop(exchange);
}

bool sl_preview_fits(sl_exchange_t *exchange, const sl_pattern_t *pattern, sl_rule_t rule)
{
    sl_pattern_t alone = {.path = SL_LIT("/*")};
    const sl_pattern_t *list = &alone;
    sl_route_match_t match;

    if (rule == SL_RULE_HOST) {
        alone.hosts = pattern->hosts;
        alone.host_count = pattern->host_count;
    } else if (rule == SL_RULE_PATH) {
        alone.path = pattern->path;
    } else if (rule == SL_RULE_METHOD) {
        alone.methods = pattern->methods;
        alone.method_count = pattern->method_count;
    } else {
        alone.headers = pattern->headers;
        alone.header_count = pattern->header_count;
    }
    sl_route_table_t *table = sl_route_table_create(&list, 1);
    sl_route_table_find(table, &preview_of(exchange)->line, &match);
    sl_route_table_destroy(table);
    return match.index == 0;
}

size_t sl_preview_allow(sl_exchange_t *exchange, char *text, size_t size)
{
    return sl_route_table_allow(exchange->config->table, &preview_of(exchange)->line, text, size);
}

bool sl_preview_version(sl_exchange_t *exchange, h2o_iovec_t *wish)
{
    const sl_versions_t *versions = exchange->route->versions;
    bool is_one = versions == NULL || sl_version_wish(exchange, wish);

    sl_version_take(exchange, versions != NULL && is_one ? sl_version_called(versions, *wish) : NULL);
    return is_one;
}

/* --- key and admission --- */

sl_key_finding_t sl_preview_key(sl_exchange_t *exchange)
{
    return sl_find_key(exchange);
}

h2o_iovec_t sl_preview_services(sl_exchange_t *exchange)
{
    return exchange->route->aggregate != NULL ? sl_aggregate_services(exchange) : sl_bytes_of(exchange->service->name);
}

uint64_t sl_preview_units(const sl_exchange_t *exchange)
{
    return exchange->route->aggregate != NULL ? sl_aggregate_units(exchange) : exchange->route->cost;
}

/* --- what goes out --- */

const char *sl_preview_transform(sl_exchange_t *exchange, int *status)
{
    h2o_iovec_t type = sl_exchange_header(exchange, H2O_STRLIT("content-type"));
    sl_media_t media = sl_media_of(type.base != NULL ? type : SL_LIT(""));
    size_t offset;

    if (exchange->transform == NULL)
        return NULL;
    sl_transform_query(exchange);
    const char *coding = sl_request_coding_problem(exchange, media);
    *status = sl_answer_status(SL_ANSWER_BAD_MEDIA);
    if (coding != NULL || exchange->req->entity.len == 0 || !sl_must_change_request(exchange->transform, media))
        return coding;
    *status = sl_answer_status(SL_ANSWER_BODY_TOO_LARGE);
    if (exchange->req->entity.len > exchange->transform->bytes_max)
        return "the body is larger than the transformation holds";
    const char *error = sl_change_request(exchange, media, &offset);
    if (error != NULL && !sl_change_was_too_large(error))
        *status = sl_answer_status(SL_ANSWER_BAD_BODY);
    return error;
}

h2o_iovec_t sl_preview_target(sl_exchange_t *exchange)
{
    return sl_forward_target(exchange);
}

h2o_iovec_t sl_preview_headers(sl_exchange_t *exchange)
{
    return exchange->route->aggregate != NULL ? sl_forward_common_headers(exchange) : sl_forward_headers(exchange);
}

const sl_shape_t *sl_preview_shape(const sl_exchange_t *exchange)
{
    return sl_find_shape(exchange);
}

bool sl_preview_makes(const sl_exchange_t *exchange, size_t call)
{
    return (sl_calls_wanted(exchange) >> call & 1) != 0;
}

static sl_request_values_t *values_of(sl_exchange_t *exchange)
{
    preview_t *preview = preview_of(exchange);

    if (!preview->has_values)
        sl_request_values_init(&preview->values, exchange);
    preview->has_values = true;
    return &preview->values;
}

static bool needs_request_only(const sl_template_t *given)
{
    h2o_iovec_t names[80];
    size_t count = sl_template_sources(given, names, sizeof(names) / sizeof(names[0]));

    for (size_t i = 0; i != count; ++i)
        if (!sl_bytes_equal(names[i], SL_LIT("request")) && !sl_bytes_equal(names[i], SL_LIT("caller")))
            return false;
    return true;
}

bool sl_preview_fill(sl_exchange_t *exchange, const sl_template_t *given, sl_text_t *out)
{
    return needs_request_only(given) &&
           sl_template_fill(given, sl_request_values_resolve, values_of(exchange), FILLED_BYTES_MAX, out);
}

bool sl_preview_fill_text(sl_exchange_t *exchange, const sl_template_t *given, sl_template_encode_t encode,
                          sl_text_t *out)
{
    return needs_request_only(given) &&
           sl_template_fill_text(given, sl_request_values_resolve, values_of(exchange), encode, FILLED_BYTES_MAX, out);
}

bool sl_preview_lacks(sl_exchange_t *exchange, const sl_template_t *given)
{
    return needs_request_only(given) && sl_template_lacks(given, sl_request_values_resolve, values_of(exchange));
}

const char *sl_preview_body_error(sl_exchange_t *exchange, int *status)
{
    const char *coding = sl_aggregate_coding_problem(exchange);

    if (!sl_aggregate_wants_body(exchange, sl_find_shape(exchange)))
        return NULL;
    *status = sl_answer_status(coding != NULL ? SL_ANSWER_BAD_MEDIA : SL_ANSWER_BAD_BODY);
    return coding != NULL ? coding : values_of(exchange)->body_error;
}
