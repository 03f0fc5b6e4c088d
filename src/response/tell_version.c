/*
 * tell_version: what every answer of a version tells of its life (Deprecation, Sunset, Link), refusals included, and
 * what the answer depends on beside the URL (Vary, one field, together with what the service named there).
 */
#include "sluice/steps.h"

#define FIELD_ROOM 256 /* dates and relation names; the URLs come on top */

static void add(h2o_req_t *req, const char *lower, size_t name_len, const char *name, const char *text, size_t len)
{
    if (len != 0)
        h2o_add_header_by_str(&req->pool, &req->res.headers, lower, name_len, 1, name, text, len);
}

static void add_life(h2o_req_t *req, const sl_version_life_t *life)
{
    size_t size = life->successor.len + life->documentation.len + FIELD_ROOM;
    char *deprecation = h2o_mem_alloc_pool(&req->pool, FIELD_ROOM),
         *sunset = h2o_mem_alloc_pool(&req->pool, FIELD_ROOM), *link = h2o_mem_alloc_pool(&req->pool, size);

    add(req, H2O_STRLIT("deprecation"), "Deprecation", deprecation,
        sl_version_deprecation_field(life, deprecation, FIELD_ROOM));
    add(req, H2O_STRLIT("sunset"), "Sunset", sunset, sl_version_sunset_field(life, sunset, FIELD_ROOM));
    add(req, H2O_STRLIT("link"), "Link", link, sl_version_link_field(life, link, size));
}

/* --- Vary --- */

static void join(h2o_req_t *req, h2o_iovec_t *all, h2o_iovec_t names)
{
    if (names.len != 0)
        *all = all->len == 0 ? names : h2o_concat(&req->pool, *all, SL_LIT(", "), names);
}

/* All Vary fields become one list, which names this, too. */
static void vary_by(h2o_req_t *req, h2o_iovec_t name)
{
    h2o_iovec_t all = {NULL, 0};

    for (ssize_t at; (at = h2o_find_header(&req->res.headers, H2O_TOKEN_VARY, -1)) != -1;) {
        join(req, &all, req->res.headers.entries[at].value);
        h2o_delete_header(&req->res.headers, at);
    }
    h2o_iovec_t lower = h2o_strdup(&req->pool, name.base, name.len), folded = h2o_strdup(&req->pool, all.base, all.len);
    h2o_strtolower(lower.base, lower.len);
    h2o_strtolower(folded.base, folded.len);
    bool is_there = all.len != 0 && (h2o_contains_token(folded.base, folded.len, lower.base, lower.len, ',') ||
                                     h2o_contains_token(folded.base, folded.len, "*", 1, ','));
    if (!is_there)
        join(req, &all, name);
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_VARY, NULL, all.base, all.len);
}

static void add_vary(sl_exchange_t *exchange)
{
    const sl_versions_t *versions = exchange->route->versions;
    bool is_negotiated = exchange->transform != NULL && exchange->transform->json_to_service;

    if (versions != NULL && versions->by == SL_VERSION_BY_HEADER)
        vary_by(exchange->req, versions->name);
    if (is_negotiated || (versions != NULL && versions->by == SL_VERSION_BY_MEDIA))
        vary_by(exchange->req, SL_LIT("Accept"));
}

h2o_ostream_t **sl_tell_version(sl_exchange_t *exchange, h2o_ostream_t **slot)
{
    if (exchange->version != NULL)
        add_life(exchange->req, &exchange->version->life);
    if (exchange->route != NULL)
        add_vary(exchange);
    return slot;
}
