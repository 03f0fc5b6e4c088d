/* explain_route: the route that takes the request, and why none of the others does. Precedence is that of
 * include/sluice/route_table.h: host, path, method, headers. */
#include "explain.h"
#include "sluice/path.h"
#include "sluice/secret.h"

#define OTHERS_MAX 100

static void put_methods(sl_text_t *out, const sl_pattern_t *pattern)
{
    for (size_t i = 0; i != pattern->method_count; ++i) {
        sl_text_put(out, i == 0 ? "" : ", ");
        sl_text_append(out, pattern->methods[i].base, pattern->methods[i].len);
    }
}

static void put_hosts(sl_text_t *out, const sl_pattern_t *pattern)
{
    for (size_t i = 0; i != pattern->host_count; ++i) {
        sl_text_put(out, i == 0 ? "" : ", ");
        sl_text_append(out, pattern->hosts[i].base, pattern->hosts[i].len);
    }
}

static void put_headers(sl_text_t *out, const sl_pattern_t *pattern, const char *key_header)
{
    for (size_t i = 0; i != pattern->header_count; ++i) {
        const sl_header_condition_t *condition = &pattern->headers[i];
        sl_text_format(out, "%s%.*s", i == 0 ? "" : ", ", (int)condition->name.len, condition->name.base);
        if (condition->value.base != NULL && sl_is_secret_name(condition->name, key_header))
            sl_text_put(out, ": " SL_SECRET_MASK);
        else if (condition->value.base != NULL)
            sl_text_format(out, ": %.*s", (int)condition->value.len, condition->value.base);
    }
}

/* The first rule by which it does not take the request; SL_RULE_COUNT: by all of them it would. */
static sl_rule_t first_obstacle(sl_explain_t *explain, const sl_pattern_t *pattern)
{
    for (unsigned rule = 0; rule != SL_RULE_COUNT; ++rule)
        if (!sl_preview_fits(explain->exchange, pattern, (sl_rule_t)rule))
            return (sl_rule_t)rule;
    return SL_RULE_COUNT;
}

static bool is_same_host(const sl_pattern_t *a, const sl_pattern_t *b)
{
    for (size_t i = 0; i != a->host_count; ++i)
        for (size_t j = 0; j != b->host_count; ++j)
            if (sl_bytes_equal(a->hosts[i], b->hosts[j]))
                return true;
    return a->host_count == 0 && b->host_count == 0;
}

/* Both take the request: the rule by which the chosen one came first. */
static const char *lost_by(const sl_pattern_t *chosen, const sl_pattern_t *other)
{
    if (chosen == NULL)
        return "would take it";
    if (!is_same_host(chosen, other))
        return "would take it too, but its host is less specific";
    if (!sl_bytes_equal(chosen->path, other->path))
        return "would take it too, but its path is less specific";
    if (chosen->method_count != 0 && other->method_count == 0)
        return "would take it too, but it names no method";
    if (chosen->header_count != other->header_count)
        return "would take it too, but it has fewer header conditions";
    return "would take it too, but it asks for fewer values of headers";
}

static void put_reason(sl_explain_t *explain, const sl_pattern_t *pattern, sl_text_t *why)
{
    sl_rule_t rule = first_obstacle(explain, pattern);

    switch (rule) {
    case SL_RULE_HOST:
        sl_text_put(why, "takes host ");
        put_hosts(why, pattern);
        break;
    case SL_RULE_PATH:
        sl_text_format(why, "takes path %.*s", (int)pattern->path.len, pattern->path.base);
        break;
    case SL_RULE_METHOD:
        sl_text_put(why, "takes method ");
        put_methods(why, pattern);
        break;
    case SL_RULE_HEADERS:
        sl_text_put(why, "needs header ");
        put_headers(why, pattern, explain->session.config->keys.header);
        break;
    case SL_RULE_COUNT:
    default:
        sl_text_put(why,
                    lost_by(explain->exchange->route != NULL ? &explain->exchange->route->pattern : NULL, pattern));
        break;
    }
}

void sl_explain_other_routes(sl_explain_t *explain)
{
    const sl_config_t *config = explain->session.config;
    sl_outline_t *outline = &explain->outline;
    size_t told = 0;

    sl_outline_list(outline, "other_routes");
    for (size_t i = 0; i != config->route_count && told != OTHERS_MAX; ++i) {
        const sl_route_t *route = &config->routes[i];
        sl_text_t why = {0};
        if (route == explain->exchange->route)
            continue;
        put_reason(explain, &route->pattern, &why);
        sl_outline_pair(outline, "name", sl_bytes_of(route->name), "why_not", sl_bytes(why.base, why.size));
        sl_text_dispose(&why);
        ++told;
    }
    sl_outline_close(outline);
}

/* By their names, as they stand in the path. */
static void tell_parameters(sl_explain_t *explain)
{
    h2o_iovec_t pattern = explain->exchange->route->pattern.path;
    const char *end = pattern.base + pattern.len, *open = memchr(pattern.base, '{', pattern.len);

    if (open == NULL)
        return;
    sl_outline_map(&explain->outline, "parameters");
    while (open != NULL) {
        const char *name = open + 1, *close = memchr(name, '}', (size_t)(end - name));
        h2o_iovec_t label = sl_exchange_copy(explain->exchange, sl_bytes(name, (size_t)(close - name)));
        sl_outline_text(&explain->outline, label.base, sl_pattern_parameter(pattern, explain->exchange->path, label));
        open = memchr(close, '{', (size_t)(end - close));
    }
    sl_outline_close(&explain->outline);
}

static void tell_chosen(sl_explain_t *explain)
{
    const sl_route_t *route = explain->exchange->route;
    sl_outline_t *outline = &explain->outline;

    sl_outline_map(outline, "route");
    sl_outline_text(outline, "name", sl_bytes_of(route->name));
    sl_outline_text(outline, "path", route->pattern.path);
    tell_parameters(explain);
    if (route->is_health)
        sl_outline_text(outline, "answers", SL_LIT("the gateway itself, with its health"));
    else if (route->aggregate != NULL)
        sl_outline_text(outline, "answers", SL_LIT("the gateway, from several calls"));
    else
        sl_outline_text(outline, "service", sl_bytes_of(route->service->name));
    sl_outline_close(outline);
}

static void tell_none(sl_explain_t *explain)
{
    char allow[256];

    sl_outline_text(&explain->outline, "route", SL_LIT("none"));
    if (!explain->match.path_known) {
        sl_explain_refuse(explain, 404, "no route takes this request");
        return;
    }
    size_t len = sl_preview_allow(explain->exchange, allow, sizeof(allow));
    sl_outline_text(&explain->outline, "allow", sl_bytes(allow, len));
    sl_explain_refuse(explain, 405, "no route of this path takes the method");
}

bool sl_explain_route(sl_explain_t *explain)
{
    if (explain->exchange->route != NULL)
        tell_chosen(explain);
    else
        tell_none(explain);
    return explain->exchange->route != NULL;
}
