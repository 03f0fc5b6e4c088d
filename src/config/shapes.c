/* shapes: the forms that one answer takes for several front ends, and what chooses them. */
#include "composition.h"
#include "endpoint.h"
#include "written.h"
#include <ctype.h>

enum { SHAPES_MAX = 64 };

/* --- what chooses one --- */

static void read_header(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    sl_shape_t *shape = target;
    const sl_pair_t *pair = node->kind == SL_NODE_MAP && node->count == 1 ? &node->pairs[0] : NULL;
    if (pair == NULL || pair->value->kind != SL_NODE_SCALAR || sl_check_token(pair->name) != NULL ||
        sl_check_field_value(pair->value->text) != NULL || pair->value->text.len == 0) {
        sl_reject(reader, setting, node);
        return;
    }
    shape->header_name = sl_keep(reader, pair->name);
    for (size_t i = 0; i < shape->header_name.len; ++i)
        shape->header_name.base[i] = (char)tolower((unsigned char)shape->header_name.base[i]);
    if (!sl_bytes_equal(pair->value->text, SL_LIT("*")))
        shape->header_value = sl_keep(reader, pair->value->text);
}

static bool header_is_set(const sl_setting_t *setting, const void *target)
{
    (void)setting;
    return ((const sl_shape_t *)target)->header_name.len != 0;
}

static void print_header(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    (void)setting;
    const sl_shape_t *shape = target;
    sl_emit_map(emitter);
    sl_emit_text(emitter, shape->header_name);
    if (shape->header_value.len != 0)
        sl_emit_field_value(emitter, shape->header_name, shape->header_value);
    else
        sl_emit_text(emitter, SL_LIT("*"));
    sl_emit_map_end(emitter);
}

const sl_type_t sl_type_header_condition = {
    .noun = "one header name with its value, such as {X-Client: mobile}, or * for any",
    .schema = "\"type\":\"object\",\"minProperties\":1,\"maxProperties\":1,\"additionalProperties\":{\"type\":["
              "\"string\",\"number\",\"boolean\"]}",
    .read = read_header,
    .print = print_header,
    .is_set = header_is_set};

static void read_host(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    sl_endpoint_t endpoint;
    if (!sl_take_scalar(reader, setting, node))
        return;
    if (!sl_endpoint_read(node->text, &endpoint) || endpoint.has_port || !sl_endpoint_is_name(&endpoint)) {
        sl_reject(reader, setting, node);
        return;
    }
    h2o_iovec_t host = sl_keep(reader, node->text);
    for (size_t i = 0; i < host.len; ++i)
        host.base[i] = (char)tolower((unsigned char)host.base[i]);
    *(h2o_iovec_t *)sl_field(setting, target) = host;
}

static bool host_is_set(const sl_setting_t *setting, const void *target)
{
    return ((const h2o_iovec_t *)sl_field_const(setting, target))->len != 0;
}

static void print_host(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    sl_emit_text(emitter, *(const h2o_iovec_t *)sl_field_const(setting, target));
}

const sl_type_t sl_type_host = {.noun = "a host such as m.example, without port",
                                .schema = "\"type\":\"string\"",
                                .read = read_host,
                                .print = print_host,
                                .is_set = host_is_set};

bool sl_shape_has_hint(const void *target)
{
    return ((const sl_shape_t *)target)->by_client_hint_mobile;
}

void sl_finish_shape(sl_reader_t *reader, const sl_node_t *node, void *target)
{
    static const char *const choosers[] = {"path", "header", "host", "hint"};
    const sl_shape_t *shape = target;
    bool is_chosen = false;
    for (size_t i = 0; i < sizeof(choosers) / sizeof(*choosers); ++i)
        is_chosen |= sl_node_find(node, choosers[i]) != NULL;
    if (!is_chosen)
        sl_report_add(reader->report, node->place,
                      "nothing chooses this shape: it needs 'path', 'header', 'host' or 'hint'");
    if (shape->answer != NULL && shape->edit_count != 0)
        sl_report_add(reader->report, sl_node_find(node, "answer")->place,
                      "a shape has an 'answer' of its own, or changes that of the route");
}

/* --- the mapping --- */

static void read_shapes(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    sl_route_t *route = target;
    if (node->kind != SL_NODE_MAP || node->count > SHAPES_MAX) {
        sl_reject(reader, setting, node);
        return;
    }
    route->shapes = sl_keep_zeroed(reader, node->count * sizeof(*route->shapes));
    route->shape_count = node->count;
    for (size_t i = 0; i < node->count; ++i) {
        const sl_pair_t *pair = &node->pairs[i];
        const sl_node_t name = sl_name_node(pair);
        const char *why = sl_check_name(pair->name);
        route->shapes[i].name = sl_keep(reader, pair->name).base;
        if (why != NULL)
            sl_reject_because(reader, setting, &name, why);
        if (pair->value->kind == SL_NODE_MAP)
            sl_section_read(reader, setting->section, pair->value, &route->shapes[i]);
        else
            sl_report_add(reader->report, pair->value->place, "shape '%s' takes a mapping", route->shapes[i].name);
    }
}

static bool shapes_are_set(const sl_setting_t *setting, const void *target)
{
    (void)setting;
    return ((const sl_route_t *)target)->shape_count != 0;
}

static void print_shapes(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    const sl_route_t *route = target;
    sl_emit_map(emitter);
    for (size_t i = 0; i < route->shape_count; ++i) {
        sl_emit_text(emitter, sl_bytes_of(route->shapes[i].name));
        sl_section_print(emitter, setting->section, &route->shapes[i]);
    }
    sl_emit_map_end(emitter);
}

static void put_shapes_schema(sl_text_t *out, const sl_setting_t *setting)
{
    sl_text_put(out, "\"type\":\"object\",\"additionalProperties\":{");
    sl_schema_section(out, setting->section);
    sl_text_put(out, "}");
}

const sl_type_t sl_type_shapes = {.noun = "a mapping of at most 64 names to shapes",
                                  .put_schema = put_shapes_schema,
                                  .read = read_shapes,
                                  .print = print_shapes,
                                  .is_set = shapes_are_set};

/* --- can it be chosen? --- */

static bool ends_with(h2o_iovec_t text, h2o_iovec_t end)
{
    return text.len >= end.len && memcmp(text.base + text.len - end.len, end.base, end.len) == 0;
}

/* A path of the route can end so: the pattern does, or leaves its end open. */
static bool can_end(h2o_iovec_t pattern, h2o_iovec_t suffix)
{
    return ends_with(pattern, SL_LIT("/*")) || ends_with(pattern, SL_LIT("}")) || ends_with(pattern, suffix);
}

static bool takes_host(const sl_pattern_t *pattern, h2o_iovec_t host)
{
    for (size_t i = 0; i < pattern->host_count; ++i) {
        h2o_iovec_t known = pattern->hosts[i];
        if (sl_bytes_equal(known, host) ||
            (known.base[0] == '*' && ends_with(host, sl_bytes(known.base + 1, known.len - 1))))
            return true;
    }
    return pattern->host_count == 0;
}

static void check_reach(sl_reader_t *reader, const sl_node_t *node, const sl_shape_t *shape, const sl_route_t *route)
{
    const sl_pattern_t *pattern = &route->pattern;
    if (shape->path_suffix.len != 0 && pattern->path.len != 0 && !can_end(pattern->path, shape->path_suffix))
        sl_report_add(reader->report, sl_node_find(node, "path")->place,
                      "no path of the route '%s' ends with '%s': end it with /*", pattern->path.base,
                      shape->path_suffix.base);
    if (shape->host.len != 0 && !takes_host(pattern, shape->host))
        sl_report_add(reader->report, sl_node_find(node, "host")->place, "the route does not take host '%s'",
                      shape->host.base);
}

static bool has_path_of(const sl_shape_t *earlier, const sl_shape_t *shape)
{
    return shape->path_suffix.len == 0 ||
           (earlier->path_suffix.len != 0 && ends_with(shape->path_suffix, earlier->path_suffix));
}

static bool has_header_of(const sl_shape_t *earlier, const sl_shape_t *shape)
{
    return shape->header_name.len == 0 ||
           (sl_bytes_equal(earlier->header_name, shape->header_name) &&
            (earlier->header_value.len == 0 || sl_bytes_equal(earlier->header_value, shape->header_value)));
}

static bool has_host_of(const sl_shape_t *earlier, const sl_shape_t *shape)
{
    return shape->host.len == 0 || sl_bytes_equal(earlier->host, shape->host);
}

/* Whatever chooses `shape` chooses an earlier one first, condition by condition. */
static bool is_hidden(const sl_shape_t *shapes, size_t index)
{
    const sl_shape_t *shape = &shapes[index];
    bool path = shape->path_suffix.len == 0, header = shape->header_name.len == 0, host = shape->host.len == 0,
         hint = !shape->by_client_hint_mobile;
    for (size_t i = 0; i < index; ++i) {
        path |= has_path_of(&shapes[i], shape);
        header |= has_header_of(&shapes[i], shape);
        host |= has_host_of(&shapes[i], shape);
        hint |= shapes[i].by_client_hint_mobile;
    }
    return index != 0 && path && header && host && hint;
}

void sl_check_shapes(sl_reader_t *reader, const sl_node_t *node, const sl_route_t *route)
{
    for (size_t i = 0; i < route->shape_count && i < node->count; ++i) {
        const sl_shape_t *shape = &route->shapes[i];
        bool is_chosen = shape->path_suffix.len + shape->header_name.len + shape->host.len != 0;
        if (!is_chosen && !shape->by_client_hint_mobile) /* reported */
            continue;
        check_reach(reader, node->pairs[i].value, shape, route);
        if (is_hidden(route->shapes, i))
            sl_report_warn(reader->report, node->pairs[i].place,
                           "shape '%s' is never chosen: the shapes before it take all its requests", shape->name);
    }
}
