/*
 * khash: stands in for the header that libh2o's http2_internal.h wants and its package does not ship. We look at
 * streams and connections, never into the table that keeps them; so these names only have to exist.
 */
#ifndef SLUICE_EXCHANGE_KHASH_H
#define SLUICE_EXCHANGE_KHASH_H

typedef unsigned khiter_t;
#define khash_t(name) void
#define KHASH_MAP_INIT_INT64(name, type) typedef type sl_khash_value_of_##name;
#define kh_get(name, table, key) ((void)(table), (void)(key), 0u)
#define kh_end(table) ((void)(table), 0u)
#define kh_val(table, iterator) ((void)(iterator), (sl_khash_value_of_h2o_http2_stream_t)(table))

#endif
