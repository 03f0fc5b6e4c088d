/* patterns: what a route matches (path, host, method), prefixes that are cut or put, and the path of the health answer.
 */
#include "endpoint.h"
#include "settings.h"
#include "sluice/path.h"
#include <ctype.h>
#include <stdlib.h>

/* --- path --- */

static bool check_path(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node)
{
    if (!sl_take_scalar(reader, setting, node))
        return false;
    const char *why = sl_pattern_check_path(node->text);
    if (why != NULL)
        sl_report_add(reader->report, node->place, "'%s' cannot be '%.*s': %s", setting->name, sl_shown(node->text),
                      node->text.base, why);
    return why == NULL;
}

/* "/users/:id" is a path like any other, and other gateways' way to write a parameter. */
static void warn_of_colons(sl_reader_t *reader, const sl_node_t *node)
{
    const char *end = node->text.base + node->text.len;
    for (const char *colon = node->text.base; (colon = memmem(colon, (size_t)(end - colon), "/:", 2)) != NULL;) {
        const char *name = colon += 2, *rest = name;
        while (rest != end && *rest != '/')
            ++rest;
        if (rest != name)
            sl_report_warn(reader->report, node->place, "':%.*s' is taken as it stands; a parameter is written {%.*s}",
                           (int)(rest - name), name, (int)(rest - name), name);
    }
}

static void read_path(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    if (!check_path(reader, setting, node))
        return;
    warn_of_colons(reader, node);
    reader->scope.path = sl_keep(reader, node->text);
    *(h2o_iovec_t *)sl_field(setting, target) = reader->scope.path;
}

static void print_path(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    sl_emit_text(emitter, *(const h2o_iovec_t *)sl_field_const(setting, target));
}

static bool path_is_set(const sl_setting_t *setting, const void *target)
{
    return ((const h2o_iovec_t *)sl_field_const(setting, target))->len != 0;
}

#define PATH_SCHEMA "\"type\":\"string\",\"pattern\":\"^/|\\\\$\\\\{\""

const sl_type_t sl_type_path = {.noun = "a path such as /a/b, /a/{id} or /a/*",
                                .schema = PATH_SCHEMA,
                                .read = read_path,
                                .print = print_path,
                                .is_set = path_is_set};

/* --- a prefix: kept without the '/' at its end, which the rest of the path brings along --- */

static bool is_normal(h2o_iovec_t path)
{
    size_t len;
    char *normal = h2o_mem_alloc(3 * path.len + 1);
    bool is_same = sl_path_normalise(path, normal, &len) == SL_PATH_OK && sl_bytes_equal(path, sl_bytes(normal, len));
    free(normal);
    return is_same;
}

static void read_path_prefix(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    h2o_iovec_t path = node->text;
    if (!sl_take_scalar(reader, setting, node))
        return;
    if (!is_normal(path) || memchr(path.base, '?', path.len) != NULL) {
        sl_reject(reader, setting, node);
        return;
    }
    if (path.base[path.len - 1] == '/')
        --path.len;
    *(h2o_iovec_t *)sl_field(setting, target) = sl_keep(reader, path);
}

const sl_type_t sl_type_path_prefix = {.noun = "a path in normal form such as /v2",
                                       .schema = PATH_SCHEMA,
                                       .read = read_path_prefix,
                                       .print = print_path,
                                       .is_set = path_is_set};

/* --- host --- */

static bool is_host(h2o_iovec_t text)
{
    sl_endpoint_t endpoint;
    struct sockaddr_storage address;
    if (text.len > 2 && memcmp(text.base, "*.", 2) == 0)
        text = sl_bytes(text.base + 2, text.len - 2);
    return sl_endpoint_read(text, &endpoint) && !endpoint.has_port &&
           (sl_endpoint_is_name(&endpoint) || sl_endpoint_literal(&endpoint, &address) != 0);
}

static bool read_host(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *item, void *slot)
{
    if (!is_host(item->text)) {
        sl_reject(reader, setting, item);
        return false;
    }
    h2o_iovec_t host = sl_keep(reader, item->text);
    if (host.base[host.len - 1] == '.')
        --host.len; /* the root's dot, of requests' hosts it is cut too */
    for (size_t i = 0; i < host.len; ++i)
        host.base[i] = (char)tolower((unsigned char)host.base[i]);
    *(h2o_iovec_t *)slot = host;
    return true;
}

static void print_bytes_item(sl_emitter_t *emitter, const void *slot)
{
    sl_emit_text(emitter, *(const h2o_iovec_t *)slot);
}

const sl_type_t sl_type_hosts =
    SL_LIST_TYPE("hosts such as api.example or *.example, without port", h2o_iovec_t, read_host, print_bytes_item);

/* --- method --- */

/* Any token is a method, so a slip of the hand is legal too: it is told where the word is none of those in use, and
 * near to one of them. */
static void warn_of_method(sl_reader_t *reader, const sl_node_t *item)
{
    static const char *const known[] = {
        "GET",    "HEAD",   "POST", "PUT",    "PATCH",  "DELETE", "OPTIONS", "TRACE",    "ACL",      "BIND",
        "COPY",   "LABEL",  "LINK", "LIST",   "LOCK",   "MERGE",  "MKCOL",   "MOVE",     "PURGE",    "QUERY",
        "REPORT", "SEARCH", "VIEW", "UNBIND", "UNLINK", "UNLOCK", "UPDATE",  "PROPFIND", "PROPPATCH"};
    const char *near = sl_nearest_name(item->text, known, sizeof(known) / sizeof(known[0]));
    if (near != NULL && !sl_bytes_equal_fold(item->text, sl_bytes_of(near)))
        sl_report_warn(reader->report, item->place, "'%.*s' is no method of HTTP's own (did you mean '%s'?)",
                       sl_shown(item->text), item->text.base, near);
}

static bool read_method(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *item, void *slot)
{
    if (sl_check_token(item->text) != NULL || sl_bytes_equal_fold(item->text, SL_LIT("CONNECT"))) {
        sl_reject(reader, setting, item);
        return false;
    }
    warn_of_method(reader, item);
    h2o_iovec_t method = sl_keep(reader, item->text);
    for (size_t i = 0; i < method.len; ++i)
        method.base[i] = (char)toupper((unsigned char)method.base[i]);
    *(h2o_iovec_t *)slot = method;
    return true;
}

const sl_type_t sl_type_methods =
    SL_LIST_TYPE("methods such as GET or POST (CONNECT is none)", h2o_iovec_t, read_method, print_bytes_item);

/* --- scopes: kept in one text, one blank apart, as the record of a key has them --- */

static bool is_scope(h2o_iovec_t text) /* RFC 6749 §3.3 */
{
    for (size_t i = 0; i < text.len; ++i)
        if (text.base[i] <= 0x20 || text.base[i] == 0x7f || text.base[i] == '"' || text.base[i] == '\\')
            return false;
    return text.len != 0;
}

static void read_scopes(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    sl_items_t items;
    sl_text_t joined = {0};
    if (!sl_take_items(reader, setting, node, &items))
        return;
    for (size_t i = 0; i < items.count; ++i) {
        h2o_iovec_t scope = items.nodes[i]->text;
        if (!is_scope(scope))
            sl_reject(reader, setting, items.nodes[i]);
        sl_text_format(&joined, "%s%.*s", i == 0 ? "" : " ", (int)scope.len, scope.base);
    }
    *(h2o_iovec_t *)sl_field(setting, target) = sl_keep(reader, sl_bytes(joined.base, joined.size));
    sl_text_dispose(&joined);
}

const sl_type_t sl_type_scopes = {.noun = "words of printable ASCII without '\"' and '\\'",
                                  .schema = SL_LIST_SCHEMA,
                                  .is_list = true,
                                  .read = read_scopes,
                                  .print = print_path,
                                  .is_set = path_is_set};

/* --- health: becomes a route once all others are known --- */

static void read_health(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    (void)target;
    if (sl_node_is_off(node) || !check_path(reader, setting, node))
        return;
    if (memchr(node->text.base, '{', node->text.len) != NULL || memchr(node->text.base, '*', node->text.len) != NULL) {
        sl_reject(reader, setting, node);
        return;
    }
    reader->health_path = sl_keep(reader, node->text);
    reader->health_place = node->place;
}

static void print_health(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    (void)setting;
    const sl_config_t *config = target;
    if (config->route_count != 0 && config->routes[config->route_count - 1].is_health)
        sl_emit_text(emitter, config->routes[config->route_count - 1].pattern.path);
    else
        sl_emit_word(emitter, "off");
}

const sl_type_t sl_type_health = {.noun = "one path such as /health, or off",
                                  .schema = "\"anyOf\":["
                                            "{\"const\":false},{\"type\":\"string\"}]",
                                  .read = read_health,
                                  .print = print_health};
