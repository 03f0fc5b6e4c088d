/*
 * transform_query: parameters taken away, renamed, set and added, in this order. What is not meant keeps its bytes and
 * its place; what is set goes to the end. The caller's key never gets another name here: it is taken out first, unless
 * services get it anyway.
 */
#include "aggregate.h"
#include "sluice/path.h"
#include "transform.h"

/* Beyond it a value is left out: no service takes such a query, and one body must not become many. */
#define QUERY_BYTES_MAX (16 * 1024)

static void remove_parameter(sl_text_t *query, h2o_iovec_t name)
{
    if (query->size != 0)
        sl_text_cut(query, sl_query_remove(sl_bytes(query->base, query->size), name, query->base));
}

static void rename_parameter(sl_text_t *query, h2o_iovec_t from, h2o_iovec_t to)
{
    sl_text_t renamed = {0};

    if (query->size == 0)
        return;
    sl_query_rename(sl_bytes(query->base, query->size), from, to, &renamed);
    sl_text_dispose(query);
    *query = renamed;
}

static bool has_parameter(const sl_text_t *query, h2o_iovec_t name)
{
    return query->size != 0 && sl_query_find(sl_bytes(query->base, query->size), name).base != NULL;
}

/* Filled in as plain text and then encoded as a whole: what the configuration writes is text like any other. */
static void put_parameter(sl_text_t *query, const sl_named_template_t *parameter, sl_request_values_t *values)
{
    sl_text_t plain = {0};

    if (sl_template_fill_text(parameter->value, sl_request_values_resolve, values, SL_ENCODE_NOTHING, QUERY_BYTES_MAX,
                              &plain)) {
        if (query->size != 0)
            sl_text_put(query, "&");
        sl_query_encode(parameter->name, query);
        sl_text_put(query, "=");
        sl_query_encode(sl_bytes(plain.base, plain.size), query);
    }
    sl_text_dispose(&plain);
}

static bool refers_to_body(const sl_named_template_t *list, size_t count)
{
    for (size_t i = 0; i != count; ++i)
        if (sl_template_refers(list[i].value, SL_LIT("request"), SL_LIT("body")))
            return true;
    return false;
}

static void put_parameters(sl_exchange_t *exchange, sl_text_t *query)
{
    const sl_transform_t *transform = exchange->transform;
    sl_request_values_t values = {.exchange = exchange};

    if (refers_to_body(transform->query.set, transform->query.set_count) ||
        refers_to_body(transform->query.add, transform->query.add_count))
        sl_request_values_init(&values, exchange);
    for (size_t i = 0; i != transform->query.set_count; ++i) {
        remove_parameter(query, transform->query.set[i].name);
        put_parameter(query, &transform->query.set[i], &values);
    }
    for (size_t i = 0; i != transform->query.add_count; ++i)
        if (!has_parameter(query, transform->query.add[i].name))
            put_parameter(query, &transform->query.add[i], &values);
    sl_request_values_dispose(&values);
}

void sl_transform_query(sl_exchange_t *exchange)
{
    const sl_transform_t *transform = exchange->transform;
    const sl_key_settings_t *keys = &exchange->config->keys;
    sl_text_t query = {0};

    if (transform->query.remove_count + transform->query.rename_count + transform->query.set_count +
            transform->query.add_count ==
        0)
        return;
    sl_text_append(&query, exchange->query.base, exchange->query.len);
    if (keys->query != NULL && !keys->forward)
        remove_parameter(&query, sl_bytes_of(keys->query));
    for (size_t i = 0; i != transform->query.remove_count; ++i)
        remove_parameter(&query, transform->query.remove[i]);
    for (size_t i = 0; i != transform->query.rename_count; ++i)
        rename_parameter(&query, transform->query.rename[i].from, transform->query.rename[i].to);
    put_parameters(exchange, &query);
    exchange->changed.query = sl_exchange_copy(exchange, sl_bytes(query.base, query.size));
    sl_text_dispose(&query);
}
