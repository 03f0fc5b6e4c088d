/* headers: names and values of header fields (RFC 9110 §5.1, §5.5), conditions on them, operations on them, and what
 * becomes of Host. */
#include "endpoint.h"
#include "settings.h"
#include "sluice/framing.h"
#include "sluice/secret.h"
#include <ctype.h>

/* --- what may stand in a field --- */

const char *sl_check_token(h2o_iovec_t text)
{
    return sl_is_token(text) ? NULL : "takes a token (letters, digits and !#$%&'*+-.^_`|~)";
}

/* Fields that belong to one connection or frame the message (RFC 9110 §7.6.1, RFC 9112 §6): the gateway writes them,
 * nobody else. */
const char *sl_check_field_name(h2o_iovec_t text)
{
    static const char *const owned[] = {"Connection", "Content-Length",    "Host",    "Keep-Alive", "Proxy-Connection",
                                        "TE",         "Transfer-Encoding", "Trailer", "Upgrade"};
    if (!sl_is_token(text))
        return "takes the name of a header field";
    for (size_t i = 0; i < sizeof(owned) / sizeof(*owned); ++i)
        if (sl_bytes_equal_fold(text, sl_bytes_of(owned[i])))
            return "takes no field that frames the message or belongs to one connection (for Host there is "
                   "'host_header')";
    return NULL;
}

const char *sl_check_field_value(h2o_iovec_t text)
{
    static const char wrong[] = "takes a field value: no control characters, no blanks at its ends";
    for (size_t i = 0; i < text.len; ++i)
        if (((unsigned char)text.base[i] < 0x20 && text.base[i] != '\t') || text.base[i] == 0x7f)
            return wrong;
    return sl_bytes_trim(text).len == text.len ? NULL : wrong;
}

/* Name and value of one entry of a mapping; false when it was reported. */
static bool check_pair(sl_reader_t *reader, const sl_setting_t *setting, const sl_pair_t *pair, const sl_node_t *value,
                       const char *(*check_name)(h2o_iovec_t))
{
    const sl_node_t name = {.kind = SL_NODE_SCALAR, .place = pair->place, .text = pair->name};
    const char *why = check_name(pair->name);
    if (why != NULL) {
        sl_reject_because(reader, setting, &name, why);
        return false;
    }
    why = value->kind != SL_NODE_SCALAR || value->is_null ? "takes a value for each field"
                                                          : sl_check_field_value(value->text);
    if (why != NULL && sl_is_secret_name(pair->name, NULL)) /* the message must not repeat it */
        sl_report_add(reader->report, value->place, "'%s' %s", setting->name, why);
    else if (why != NULL)
        sl_reject_because(reader, setting, value, why);
    return why == NULL;
}

/* --- conditions of a route --- */

static void lower(h2o_iovec_t text)
{
    for (size_t i = 0; i < text.len; ++i)
        text.base[i] = (char)tolower((unsigned char)text.base[i]);
}

static void read_conditions(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    sl_route_t *route = target;
    if (node->kind != SL_NODE_MAP) {
        sl_reject(reader, setting, node);
        return;
    }
    route->pattern.headers = sl_keep_zeroed(reader, node->count * sizeof(*route->pattern.headers));
    for (size_t i = 0; i < node->count; ++i) {
        const sl_pair_t *pair = &node->pairs[i];
        if (!check_pair(reader, setting, pair, pair->value, sl_check_token))
            continue;
        sl_header_condition_t *condition = &route->pattern.headers[route->pattern.header_count++];
        condition->name = sl_keep(reader, pair->name);
        lower(condition->name);
        if (!sl_bytes_equal(pair->value->text, SL_LIT("*")))
            condition->value = sl_keep(reader, pair->value->text);
    }
}

static bool conditions_are_set(const sl_setting_t *setting, const void *target)
{
    (void)setting;
    return ((const sl_route_t *)target)->pattern.header_count != 0;
}

static void print_conditions(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    (void)setting;
    const sl_pattern_t *pattern = &((const sl_route_t *)target)->pattern;
    sl_emit_map(emitter);
    for (size_t i = 0; i < pattern->header_count; ++i) {
        const sl_header_condition_t *condition = &pattern->headers[i];
        sl_emit_text(emitter, condition->name);
        if (condition->value.base != NULL)
            sl_emit_field_value(emitter, condition->name, condition->value);
        else
            sl_emit_text(emitter, SL_LIT("*"));
    }
    sl_emit_map_end(emitter);
}

#define FIELDS_SCHEMA "\"type\":\"object\",\"additionalProperties\":{\"type\":[\"string\",\"number\",\"boolean\"]}"

const sl_type_t sl_type_conditions = {.noun = "a mapping of header names to values, * for any",
                                      .schema = FIELDS_SCHEMA,
                                      .read = read_conditions,
                                      .print = print_conditions,
                                      .is_set = conditions_are_set};

/* --- operations: the section's struct is a vector, which the route then takes over --- */

typedef H2O_VECTOR(sl_header_op_t) operations_t;

/* "$${" is only text. */
static bool is_from_environment(const sl_node_t *node)
{
    for (size_t i = 0; i + 1 < node->raw.len; ++i) {
        if (node->raw.base[i] != '$')
            continue;
        if (node->raw.base[i + 1] == '{')
            return true;
        ++i;
    }
    return false;
}

static void add_operation(sl_reader_t *reader, operations_t *operations, sl_header_op_kind_t kind, h2o_iovec_t name,
                          const sl_node_t *value)
{
    h2o_vector_reserve(reader->pool, operations, operations->size + 1);
    operations->entries[operations->size++] =
        (sl_header_op_t){kind, sl_keep(reader, name), value != NULL ? sl_keep(reader, value->text) : SL_LIT(""),
                         value != NULL && is_from_environment(value)};
}

static void print_value(sl_emitter_t *emitter, const sl_header_op_t *operation)
{
    if (operation->is_from_environment)
        sl_emit_secret(emitter, operation->value);
    else
        sl_emit_field_value(emitter, operation->name, operation->value);
}

static bool has_kind(const operations_t *operations, sl_header_op_kind_t kind)
{
    for (size_t i = 0; i < operations->size; ++i)
        if (operations->entries[i].kind == kind)
            return true;
    return false;
}

/* YAML sees two names where case is all that differs; HTTP sees one. */
static bool check_first(sl_reader_t *reader, const sl_setting_t *setting, const operations_t *operations,
                        sl_header_op_kind_t kind, h2o_iovec_t name, sl_place_t place)
{
    for (size_t i = 0; i < operations->size; ++i)
        if (operations->entries[i].kind == kind && sl_bytes_equal_fold(operations->entries[i].name, name)) {
            sl_report_add(reader->report, place, "'%.*s' stands in '%s' twice", sl_shown(name), name.base,
                          setting->name);
            return false;
        }
    return true;
}

static void read_remove(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    sl_items_t items;
    if (!sl_take_items(reader, setting, node, &items))
        return;
    for (size_t i = 0; i < items.count; ++i) {
        const sl_node_t *item = items.nodes[i];
        const char *why = sl_check_field_name(item->text);
        if (why != NULL)
            sl_reject_because(reader, setting, item, why);
        else if (check_first(reader, setting, target, SL_HEADER_REMOVE, item->text, item->place))
            add_operation(reader, target, SL_HEADER_REMOVE, item->text, NULL);
    }
}

static bool remove_is_set(const sl_setting_t *setting, const void *target)
{
    (void)setting;
    return has_kind(target, SL_HEADER_REMOVE);
}

static void print_remove(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    (void)setting;
    const operations_t *operations = target;
    sl_emit_list(emitter, true);
    for (size_t i = 0; i < operations->size; ++i)
        if (operations->entries[i].kind == SL_HEADER_REMOVE)
            sl_emit_text(emitter, operations->entries[i].name);
    sl_emit_list_end(emitter);
}

static void read_set(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    if (node->kind != SL_NODE_MAP) {
        sl_reject(reader, setting, node);
        return;
    }
    for (size_t i = 0; i < node->count; ++i) {
        const sl_pair_t *pair = &node->pairs[i];
        if (check_pair(reader, setting, pair, pair->value, sl_check_field_name) &&
            check_first(reader, setting, target, SL_HEADER_SET, pair->name, pair->place))
            add_operation(reader, target, SL_HEADER_SET, pair->name, pair->value);
    }
}

static bool set_is_set(const sl_setting_t *setting, const void *target)
{
    (void)setting;
    return has_kind(target, SL_HEADER_SET);
}

static void print_set(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    (void)setting;
    const operations_t *operations = target;
    sl_emit_map(emitter);
    for (size_t i = 0; i < operations->size; ++i)
        if (operations->entries[i].kind == SL_HEADER_SET) {
            sl_emit_text(emitter, operations->entries[i].name);
            print_value(emitter, &operations->entries[i]);
        }
    sl_emit_map_end(emitter);
}

/* One value, or a list of them: a field may be appended several times. */
static void read_append(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    if (node->kind != SL_NODE_MAP) {
        sl_reject(reader, setting, node);
        return;
    }
    for (size_t i = 0; i < node->count; ++i) {
        const sl_pair_t *pair = &node->pairs[i];
        bool is_list = pair->value->kind == SL_NODE_LIST;
        const sl_node_t *const *values = is_list ? pair->value->items : &pair->value;
        for (size_t j = 0; j < (is_list ? pair->value->count : 1); ++j)
            if (check_pair(reader, setting, pair, values[j], sl_check_field_name))
                add_operation(reader, target, SL_HEADER_APPEND, pair->name, values[j]);
    }
}

static bool append_is_set(const sl_setting_t *setting, const void *target)
{
    (void)setting;
    return has_kind(target, SL_HEADER_APPEND);
}

/* Those of one name follow each other, as they were read. */
static void print_append(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    (void)setting;
    const operations_t *operations = target;
    h2o_iovec_t name = {NULL, 0};
    sl_emit_map(emitter);
    for (size_t i = 0; i < operations->size; ++i) {
        const sl_header_op_t *operation = &operations->entries[i];
        if (operation->kind != SL_HEADER_APPEND)
            continue;
        if (name.base == NULL || !sl_bytes_equal(name, operation->name)) {
            if (name.base != NULL)
                sl_emit_list_end(emitter);
            name = operation->name;
            sl_emit_text(emitter, name);
            sl_emit_list(emitter, true);
        }
        print_value(emitter, operation);
    }
    sl_emit_list_end(emitter);
    sl_emit_map_end(emitter);
}

const sl_type_t sl_type_header_remove = {.noun = "names of header fields",
                                         .schema = SL_LIST_SCHEMA,
                                         .is_list = true,
                                         .read = read_remove,
                                         .print = print_remove,
                                         .is_set = remove_is_set};
const sl_type_t sl_type_header_set = {.noun = "a mapping of header names to values",
                                      .schema = FIELDS_SCHEMA,
                                      .read = read_set,
                                      .print = print_set,
                                      .is_set = set_is_set};
const sl_type_t sl_type_header_append = {
    .noun = "a mapping of header names to values or lists of them",
    .schema = "\"type\":\"object\",\"additionalProperties\":{\"type\":[\"string\",\"number\",\"boolean\",\"array\"]}",
    .read = read_append,
    .print = print_append,
    .is_set = append_is_set};

static void read_operations(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    operations_t operations = {0};
    if (node->kind != SL_NODE_MAP) {
        sl_reject(reader, setting, node);
        return;
    }
    sl_section_read(reader, setting->section, node, &operations);
    *(sl_header_op_t **)sl_field(setting, target) = operations.entries;
    *(size_t *)((char *)target + setting->beside) = operations.size;
}

static bool operations_are_set(const sl_setting_t *setting, const void *target)
{
    return *(const size_t *)((const char *)target + setting->beside) != 0;
}

static void print_operations(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    operations_t operations = {.entries = *(sl_header_op_t *const *)sl_field_const(setting, target),
                               .size = *(const size_t *)((const char *)target + setting->beside)};
    sl_section_print(emitter, setting->section, &operations);
}

static void put_operations_schema(sl_text_t *out, const sl_setting_t *setting)
{
    sl_schema_section(out, setting->section);
}

const sl_type_t sl_type_header_operations = {.noun = "a mapping",
                                             .put_schema = put_operations_schema,
                                             .read = read_operations,
                                             .print = print_operations,
                                             .is_set = operations_are_set};

/* --- Host of requests to the service --- */

static void read_host_header(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    sl_route_t *route = target;
    sl_endpoint_t endpoint;
    struct sockaddr_storage address;
    if (!sl_take_scalar(reader, setting, node))
        return;
    if (sl_bytes_equal(node->text, SL_LIT("preserve")))
        route->preserve_host = true;
    else if (sl_endpoint_read(node->text, &endpoint) &&
             (sl_endpoint_is_name(&endpoint) || sl_endpoint_literal(&endpoint, &address) != 0))
        route->host_override =
            sl_bytes_equal(node->text, SL_LIT("service")) ? sl_bytes(NULL, 0) : sl_keep(reader, node->text);
    else
        sl_reject(reader, setting, node);
}

static void print_host_header(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    (void)setting;
    const sl_route_t *route = target;
    if (route->host_override.len != 0)
        sl_emit_text(emitter, route->host_override);
    else
        sl_emit_word(emitter, route->preserve_host ? "preserve" : "service");
}

const sl_type_t sl_type_host_header = {.noun = "preserve, service, or a host such as api.example:8080",
                                       .schema = "\"type\":\"string\"",
                                       .read = read_host_header,
                                       .print = print_host_header};
