/*
 * routes: the list of routes and what must hold between them.
 *
 * A route is read alone first; then all get names, and each is held against the earlier ones, so that an error can name
 * the other route and its line. The answer of `health` is a route like the others, put at the end.
 */
#include "composition.h"
#include "meant.h"
#include <inttypes.h>

enum { ROUTES_MAX = SL_MAX_ROUTES - 2, NAME_BYTES_MAX = 90 };

/* --- one route --- */

void sl_begin_route(sl_reader_t *reader, void *target)
{
    sl_route_t *route = target;
    route->shadow = reader->config->keys.shadow;
    route->body_max = reader->config->limits.body_max;
    route->timeouts = (sl_timeouts_t){SL_UNSET, SL_UNSET, SL_UNSET, SL_UNSET};
    reader->scope = (sl_scope_t){.calls = NULL};
}

bool sl_route_is_proxied(const void *target)
{
    return ((const sl_route_t *)target)->aggregate == NULL;
}

static void inherit(uint64_t *own, uint64_t services)
{
    if (*own == SL_UNSET)
        *own = services;
}

static void inherit_timeouts(sl_route_t *route)
{
    static const sl_timeouts_t none = {0};
    const sl_timeouts_t *services = route->service != NULL ? &route->service->timeouts : &none;
    inherit(&route->timeouts.connect_ms, services->connect_ms);
    inherit(&route->timeouts.first_byte_ms, services->first_byte_ms);
    inherit(&route->timeouts.idle_ms, services->idle_ms);
    inherit(&route->timeouts.total_ms, services->total_ms);
}

/* Every path that the route matches must begin with what is cut from it, at the border of a segment. */
static bool can_strip(h2o_iovec_t path, h2o_iovec_t prefix)
{
    return path.len >= prefix.len && memcmp(path.base, prefix.base, prefix.len) == 0 &&
           (path.len == prefix.len || path.base[prefix.len] == '/');
}

static void check_who_answers(sl_reader_t *reader, const sl_node_t *node, sl_route_t *route)
{
    if (route->aggregate != NULL)
        sl_finish_aggregate(reader, node, route);
    else if (sl_node_find(node, "service") == NULL && sl_node_find(node, "calls") == NULL)
        sl_report_add(reader->report, node->place, "a route needs 'service': who answers (or 'calls' to several)");
}

/* A bucket that is never full enough admits nobody. Records may name limits of their own, so it is no error. */
static void warn_of_cost(sl_reader_t *reader, const sl_node_t *node, const sl_route_t *route)
{
    const sl_key_settings_t *keys = &reader->config->keys;
    uint64_t most = keys->burst != 0 ? keys->burst : keys->limit.limit, units = route->cost + reader->scope.units;
    if (!route->needs_key || route->shadow || units <= most)
        return;
    const sl_node_t *cost = sl_node_find(node, "cost");
    sl_report_warn(reader->report, cost != NULL ? cost->place : node->place,
                   "a request takes %" PRIu64
                   " units, and keys without a burst of their own never have more than %" PRIu64,
                   units, most);
}

void sl_finish_route(sl_reader_t *reader, const sl_node_t *node, void *target)
{
    sl_route_t *route = target;
    inherit_timeouts(route);
    check_who_answers(reader, node, route);
    warn_of_cost(reader, node, route);
    sl_warn_of_body_use(reader, route);
    sl_warn_of_route_body(reader, node, route);
    if (route->versions != NULL)
        sl_check_versions(reader, node, route);
    if (route->strip_prefix.len != 0 && route->pattern.path.len != 0 &&
        !can_strip(route->pattern.path, route->strip_prefix))
        sl_report_add(reader->report, sl_node_find(node, "strip_prefix")->place,
                      "'strip_prefix' must be the beginning of 'path', whole segments of it");
    if (!route->needs_key && route->scopes.len != 0) /* whoever names scopes means to keep others out */
        sl_report_add(reader->report, sl_node_find(node, "scopes")->place,
                      "'scopes' are of keys, and 'auth: none' asks for no key");
    if (route->fallback.service != NULL && route->fallback.service == route->service)
        sl_report_add(reader->report, sl_node_find(node, "fallback")->place,
                      "the fallback of a route is another service than its own");
}

/* --- fallback --- */

bool sl_fallback_is_set(const void *target)
{
    return ((const sl_route_t *)target)->fallback.kind != SL_FALLBACK_NONE;
}

bool sl_fallback_is_answer(const void *target)
{
    return ((const sl_route_t *)target)->fallback.kind == SL_FALLBACK_ANSWER;
}

void sl_finish_fallback(sl_reader_t *reader, const sl_node_t *node, void *target)
{
    sl_route_t *route = target;
    bool has_answer = sl_node_find(node, "status") != NULL || sl_node_find(node, "content_type") != NULL ||
                      sl_node_find(node, "body") != NULL;
    bool has_service = sl_node_find(node, "service") != NULL;
    if (has_answer == has_service)
        sl_report_add(reader->report, node->place,
                      "a fallback is either an answer ('status', 'content_type', 'body') or a 'service'");
    if (has_answer && route->fallback.body.len != 0 && (route->fallback.status == 204 || route->fallback.status == 304))
        sl_report_add(reader->report, sl_node_find(node, "body")->place, "an answer %d has no body",
                      route->fallback.status);
    route->fallback.kind = has_service ? SL_FALLBACK_SERVICE : SL_FALLBACK_ANSWER;
}

/* --- names --- */

static const sl_route_t *find_name(const sl_config_t *config, const char *name)
{
    for (size_t i = 0; i < config->route_count; ++i)
        if (config->routes[i].name != NULL && strcmp(config->routes[i].name, name) == 0)
            return &config->routes[i];
    return NULL;
}

static void check_name(sl_reader_t *reader, const sl_node_t *list, size_t index)
{
    const sl_route_t *route = &reader->config->routes[index];
    const sl_route_t *first = route->name != NULL ? find_name(reader->config, route->name) : NULL;
    if (first == NULL || first == route)
        return;
    sl_report_add(reader->report, sl_node_find(list->items[index], "name")->place,
                  "the route of line %zu has the name '%s' too",
                  list->items[first - reader->config->routes]->place.line, route->name);
}

/* "GET,POST api.example/a/b" */
static void put_name(sl_text_t *out, const sl_pattern_t *pattern)
{
    for (size_t i = 0; i < pattern->method_count; ++i)
        sl_text_format(out, "%s%s", i == 0 ? "" : ",", pattern->methods[i].base);
    sl_text_format(out, "%s%s", out->size == 0 ? "" : " ", pattern->host_count != 0 ? pattern->hosts[0].base : "");
    sl_text_append(out, pattern->path.base, pattern->path.len);
    if (out->size > NAME_BYTES_MAX)
        out->size = NAME_BYTES_MAX;
    out->base[out->size] = 0;
}

/* Routes that differ in what the name leaves out get a number. */
static void give_name(sl_reader_t *reader, sl_route_t *route)
{
    sl_text_t name = {0};
    put_name(&name, &route->pattern);
    size_t made = name.size;
    for (unsigned number = 2; find_name(reader->config, name.base) != NULL; ++number) {
        name.size = made;
        sl_text_format(&name, " #%u", number);
    }
    route->name = sl_keep(reader, sl_bytes(name.base, name.size)).base;
    sl_text_dispose(&name);
}

/* --- between routes --- */

static void check_conflicts(sl_reader_t *reader, const sl_node_t *list)
{
    const sl_config_t *config = reader->config;
    sl_pattern_t *patterns = h2o_mem_alloc_pool(reader->scratch, (config->route_count + 1) * sizeof(*patterns));
    size_t *origins = h2o_mem_alloc_pool(reader->scratch, (config->route_count + 1) * sizeof(*origins));
    for (size_t i = 0, count = 0; i < config->route_count; ++i) {
        if (config->routes[i].pattern.path.len == 0) /* reported already */
            continue;
        patterns[count] = config->routes[i].pattern;
        origins[count] = i;
        int other = sl_pattern_conflict(patterns, count++);
        if (other >= 0)
            sl_report_add(
                reader->report, sl_node_find(list->items[i], "path")->place,
                "route '%s' gets in the way of route '%s' of line %zu: host, method and headers do not tell them apart",
                config->routes[i].name, config->routes[origins[other]].name, list->items[origins[other]]->place.line);
    }
}

static void check_reserved(sl_reader_t *reader, const sl_node_t *list, size_t index)
{
    if (reader->health_path.len == 0 ||
        !sl_bytes_equal(reader->config->routes[index].pattern.path, reader->health_path))
        return;
    sl_report_add(reader->report, sl_node_find(list->items[index], "path")->place,
                  "'%s' is the gateway's own health answer; 'health' can move it or switch it off",
                  reader->health_path.base);
}

static void add_health(sl_reader_t *reader)
{
    static h2o_iovec_t get = {"GET", 3};
    sl_config_t *config = reader->config;
    if (reader->health_path.len == 0)
        return;
    sl_route_t *route = &config->routes[config->route_count];
    route->is_health = true;
    route->cost = 1;
    route->pattern = (sl_pattern_t){.path = reader->health_path, .methods = &get, .method_count = 1};
    give_name(reader, route);
    ++config->route_count;
}

static void check_together(sl_reader_t *reader, const sl_node_t *list)
{
    sl_config_t *config = reader->config;
    for (size_t i = 0; i < config->route_count; ++i)
        check_name(reader, list, i);
    for (size_t i = 0; i < config->route_count; ++i)
        if (config->routes[i].name == NULL && config->routes[i].pattern.path.len != 0)
            give_name(reader, &config->routes[i]);
    for (size_t i = 0; i < config->route_count; ++i)
        check_reserved(reader, list, i);
    check_conflicts(reader, list);
}

/* --- the list --- */

static bool check_list(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node)
{
    if (node->kind != SL_NODE_LIST) {
        sl_reject(reader, setting, node);
        return false;
    }
    if (node->count > ROUTES_MAX)
        sl_report_add(reader->report, node->place, "'%s' takes at most %d routes, not %zu", setting->name, ROUTES_MAX,
                      node->count);
    return node->count <= ROUTES_MAX;
}

static void read_routes(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    sl_config_t *config = target;
    if (!check_list(reader, setting, node))
        return;
    config->routes = sl_keep_zeroed(reader, (node->count + 1) * sizeof(*config->routes)); /* one more for health */
    config->route_count = node->count;
    for (size_t i = 0; i < node->count; ++i) {
        if (node->items[i]->kind == SL_NODE_MAP)
            sl_section_read(reader, setting->section, node->items[i], &config->routes[i]);
        else
            sl_report_add(reader->report, node->items[i]->place, "a route takes a mapping with 'path' and 'service'");
    }
    check_together(reader, node);
    add_health(reader);
}

static void print_routes(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    const sl_config_t *config = target;
    sl_emit_list(emitter, false);
    for (size_t i = 0; i < config->route_count; ++i)
        if (!config->routes[i].is_health)
            sl_section_print(emitter, setting->section, &config->routes[i]);
    sl_emit_list_end(emitter);
}

static void put_routes_schema(sl_text_t *out, const sl_setting_t *setting)
{
    sl_text_put(out, "\"type\":\"array\",\"items\":{");
    sl_schema_section(out, setting->section);
    sl_text_put(out, "}");
}

const sl_type_t sl_type_routes = {
    .noun = "a list of routes", .put_schema = put_routes_schema, .read = read_routes, .print = print_routes};
