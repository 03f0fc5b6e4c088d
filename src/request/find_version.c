/*
 * find_version: which version of the route's API is asked for, and does it still live?
 *
 *   in   exchange->route, path, query, the request's fields
 *   out  exchange->version, transform, and service where the version has its own; or an answer 400 (none, two, or none
 *        that is known), 404 (the same in the path: such a resource does not exist), 410 (gone, or a brown-out)
 *
 * It stands before the key is looked at: what has ended costs no token and no call to Redis.
 */
#include "request.h"
#include "sluice/answer.h"
#include "sluice/clock.h"
#include "sluice/digest.h"
#include "sluice/media.h"
#include "sluice/path.h"
#include "sluice/stages.h"

static bool header_wish(sl_exchange_t *exchange, h2o_iovec_t name, h2o_iovec_t *wish)
{
    h2o_iovec_t lower = sl_exchange_copy(exchange, name);

    h2o_strtolower(lower.base, lower.len);
    return sl_single_field(exchange, lower, wish);
}

static h2o_iovec_t next_parameter(sl_exchange_t *exchange, h2o_iovec_t name, h2o_iovec_t *rest)
{
    h2o_iovec_t value = sl_query_find(*rest, name), plain = sl_exchange_copy(exchange, value);
    const char *end = rest->base + rest->len;

    if (value.base == NULL)
        return value;
    *rest = sl_bytes(value.base + value.len, (size_t)(end - value.base) - value.len);
    return sl_query_decode(value, plain.base, &plain.len) ? plain : value;
}

static bool query_wish(sl_exchange_t *exchange, h2o_iovec_t name, h2o_iovec_t *wish)
{
    h2o_iovec_t rest = exchange->query, other = *wish = next_parameter(exchange, name, &rest);

    while (other.base != NULL && sl_bytes_equal(other, *wish))
        other = next_parameter(exchange, name, &rest);
    return other.base == NULL;
}

/* A list of media types may name several versions: the client has ranked them. */
static h2o_iovec_t media_wish(sl_exchange_t *exchange, h2o_iovec_t name)
{
    h2o_iovec_t accept = sl_list_field(exchange, SL_LIT("accept"));
    h2o_iovec_t wish = accept.base != NULL ? sl_media_version(accept, name) : accept;

    return wish.len != 0 ? wish : sl_bytes(NULL, 0);
}

bool sl_version_wish(sl_exchange_t *exchange, h2o_iovec_t *wish)
{
    const sl_versions_t *versions = exchange->route->versions;

    switch (versions->by) {
    case SL_VERSION_BY_PATH:
        *wish = sl_pattern_parameter(exchange->route->pattern.path, exchange->path, versions->name);
        return true;
    case SL_VERSION_BY_HEADER:
        return header_wish(exchange, versions->name, wish);
    case SL_VERSION_BY_QUERY:
        return query_wish(exchange, versions->name, wish);
    case SL_VERSION_BY_MEDIA:
    default:
        *wish = media_wish(exchange, versions->name);
        return true;
    }
}

const sl_version_t *sl_version_called(const sl_versions_t *versions, h2o_iovec_t wish)
{
    if (wish.base == NULL)
        return versions->initial;
    for (size_t i = 0; i != versions->count; ++i)
        if (sl_version_is_called(versions->list[i].name, wish, versions->by))
            return &versions->list[i];
    return NULL;
}

/* Names every version that still lives, so that a developer need not look further. */
static h2o_iovec_t name_known(sl_exchange_t *exchange, h2o_iovec_t wish)
{
    static const char *const places[] = {[SL_VERSION_BY_PATH] = "the path",
                                         [SL_VERSION_BY_HEADER] = "the header field",
                                         [SL_VERSION_BY_QUERY] = "the query parameter",
                                         [SL_VERSION_BY_MEDIA] = "Accept with the parameter"};
    const sl_versions_t *versions = exchange->route->versions;
    uint64_t now_s = sl_clock_wall_ms() / 1000, retry_after_s;
    const char *separator = "";
    sl_text_t text = {0};

    if (wish.base != NULL)
        sl_text_format(&text, "There is no version '%.*s' of this endpoint. ", (int)(wish.len < 64 ? wish.len : 64),
                       wish.base);
    sl_text_format(&text, "Its version is told by %s '%.*s' and is one of: ", places[versions->by],
                   (int)versions->name.len, versions->name.base);
    for (size_t i = 0; i != versions->count; ++i) {
        if (sl_version_fate(&versions->list[i].life, now_s, 1000, &retry_after_s) == SL_VERSION_GONE)
            continue;
        sl_text_put(&text, separator);
        sl_text_put(&text, versions->list[i].name);
        separator = ", ";
    }
    sl_text_put(&text, ".");
    h2o_iovec_t copy = sl_exchange_copy(exchange, sl_bytes(text.base, text.size));
    sl_text_dispose(&text);
    return copy;
}

static sl_verdict_t refuse_unknown(sl_exchange_t *exchange, h2o_iovec_t wish)
{
    bool is_in_path = exchange->route->versions->by == SL_VERSION_BY_PATH;

    return sl_answer(exchange, is_in_path ? SL_ANSWER_NO_VERSION : SL_ANSWER_BAD_VERSION,
                     &(sl_answer_details_t){.text = name_known(exchange, wish)});
}

static sl_verdict_t refuse_two(sl_exchange_t *exchange)
{
    static const char text[] = "The request names two different versions of this endpoint.";

    return sl_answer(exchange, SL_ANSWER_BAD_VERSION,
                     &(sl_answer_details_t){.text = SL_LIT(text), .log_detail = "two versions"});
}

void sl_version_take(sl_exchange_t *exchange, const sl_version_t *version)
{
    exchange->version = version;
    exchange->transform = exchange->route->aggregate == NULL ? exchange->route->transform : NULL;
    if (version == NULL ||
        exchange->route->aggregate != NULL) /* its calls name their services, and its answer is a template */
        return;
    if (version->service != NULL)
        exchange->service = version->service;
    if (version->transform != NULL)
        exchange->transform = version->transform;
}

sl_verdict_t sl_find_version(sl_exchange_t *exchange)
{
    const sl_route_t *route = exchange->route;
    uint64_t retry_after_s;

    sl_version_take(exchange, NULL);
    if (route->versions == NULL)
        return SL_NEXT;
    h2o_iovec_t wish;
    if (!sl_version_wish(exchange, &wish))
        return refuse_two(exchange);
    const sl_version_t *version = sl_version_called(route->versions, wish);
    if (version == NULL)
        return refuse_unknown(exchange, wish);
    sl_version_take(exchange, version);
    switch (sl_version_fate(&version->life, sl_clock_wall_ms() / 1000, sl_random_below(1000), &retry_after_s)) {
    case SL_VERSION_GONE:
        return sl_answer(exchange, SL_ANSWER_VERSION_GONE, NULL);
    case SL_VERSION_BROWNED_OUT:
        return sl_answer(exchange, SL_ANSWER_VERSION_BROWNOUT, &(sl_answer_details_t){.retry_after_s = retry_after_s});
    case SL_VERSION_SERVES:
    default:
        return SL_NEXT;
    }
}
