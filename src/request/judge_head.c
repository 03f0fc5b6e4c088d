/*
 * judge_head: would this head be refused whatever its body is? Asked by the guard before the body has come
 * (guard/judge.c).
 *
 * The answer comes from the functions of the stages redirect, route, version and identify, asked of an exchange that is
 * only made for it; the request itself walks through the very stages afterwards. What depends on chance or on Redis is
 * not asked here: a brown-out, a key's rights, its limits.
 */
#include "request.h"
#include "sluice/clock.h"
#include "sluice/stages.h"

static bool is_redirected(const sl_connection_t *connection)
{
    /* a trusted peer may say that its client came by https already */
    return connection->listen->redirects_to_https && !connection->is_trusted_peer;
}

static bool names_no_living_version(sl_exchange_t *exchange)
{
    const sl_versions_t *versions = exchange->route->versions;
    h2o_iovec_t wish;
    uint64_t retry_after_s;

    if (versions == NULL)
        return false;
    const sl_version_t *version = sl_version_wish(exchange, &wish) ? sl_version_called(versions, wish) : NULL;
    return version == NULL ||
           sl_version_fate(&version->life, sl_clock_wall_ms() / 1000, 1000, &retry_after_s) == SL_VERSION_GONE;
}

static bool is_refused(sl_exchange_t *exchange, size_t announced)
{
    sl_route_match_t match;

    if (sl_preview_route(exchange, &match) != NULL || match.index < 0)
        return true;
    if (announced > exchange->route->body_max || names_no_living_version(exchange))
        return true;
    return exchange->route->needs_key && sl_find_key(exchange) != SL_KEY_FOUND;
}

bool sl_judge_head(const sl_head_question_t *question)
{
    sl_exchange_t *exchange;

    if (is_redirected(question->connection))
        return true;
    if (sl_bytes_equal(question->target, SL_LIT("*")))
        return false; /* the gateway as a whole */
    exchange =
        sl_preview_create(question->connection->worker->config, question->method, question->target, sl_bytes(NULL, 0));
    for (size_t i = 0; i != question->field_count; ++i)
        sl_preview_add_header(exchange, question->fields[i].name, question->fields[i].value);
    if (question->authority.base != NULL)
        sl_preview_add_header(exchange, SL_LIT("host"), question->authority);
    bool refused = is_refused(exchange, question->announced);
    sl_preview_destroy(exchange);
    return refused;
}
