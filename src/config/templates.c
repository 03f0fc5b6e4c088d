/* templates: settings that are filled in for each request. They are compiled here, and every source that they refer to
 * must be known where they stand. */
#include "meant.h"
#include "sluice/route_table.h"
#include <ctype.h>

enum { SOURCES_MAX = SL_CALLS_MAX + 8 };

/* --- sources --- */

static bool is_call(sl_reader_t *reader, h2o_iovec_t name)
{
    const sl_node_t *calls = reader->scope.calls;
    for (size_t i = 0; calls != NULL && i < calls->count; ++i)
        if (sl_bytes_equal(calls->pairs[i].name, name)) {
            reader->scope.seen |= UINT64_C(1) << i;
            return true;
        }
    return false;
}

static size_t known_names(const sl_reader_t *reader, const char **names)
{
    const sl_node_t *calls = reader->scope.calls;
    size_t count = 0;
    for (size_t i = 0; calls != NULL && i < calls->count; ++i)
        names[count++] = calls->pairs[i].name.base;
    names[count++] = "request";
    names[count++] = "caller";
    if (reader->scope.has_item) {
        names[count++] = "item";
        names[count++] = "index";
    }
    return count;
}

static void report_source(sl_reader_t *reader, sl_place_t place, h2o_iovec_t name)
{
    const char *names[SOURCES_MAX];
    size_t count = known_names(reader, names);
    const char *near = sl_nearest_name(name, names, count);
    const char *kind = reader->scope.calls != NULL ? "call" : "source";

    if (sl_bytes_equal(name, SL_LIT("item")) || sl_bytes_equal(name, SL_LIT("index")))
        sl_report_add(reader->report, place, "'$%.*s' is known inside a call with 'for_each' only", sl_shown(name),
                      name.base);
    else if (near != NULL)
        sl_report_add(reader->report, place, "there is no %s '%.*s' (did you mean '%s'?)", kind, sl_shown(name),
                      name.base, near);
    else
        sl_report_add(reader->report, place, "there is no %s '%.*s'", kind, sl_shown(name), name.base);
}

static bool is_known(sl_reader_t *reader, h2o_iovec_t name)
{
    return sl_bytes_equal(name, SL_LIT("request")) || sl_bytes_equal(name, SL_LIT("caller")) ||
           (reader->scope.has_item &&
            (sl_bytes_equal(name, SL_LIT("item")) || sl_bytes_equal(name, SL_LIT("index")))) ||
           is_call(reader, name);
}

static void note_fields(sl_reader_t *reader, const sl_template_t *made, h2o_iovec_t name)
{
    if (is_call(reader, name) && sl_template_refers(made, name, SL_LIT("headers")))
        reader->scope.sees_fields = true;
}

static sl_place_t place_of(const sl_node_t *node, const sl_written_t *written, size_t offset)
{
    return written != NULL ? sl_written_place(written, offset) : sl_node_place(node, offset);
}

/* "$request.path.idd" where the path has {id} only: a value that is never there. */
static void check_parameters(sl_reader_t *reader, const sl_template_t *made, const sl_node_t *node,
                             const sl_written_t *written)
{
    h2o_iovec_t path = reader->scope.path, name;
    size_t offset;
    for (size_t i = 0; path.len != 0 && sl_template_name(made, SL_LIT("request"), SL_LIT("path"), i, &name, &offset);
         ++i)
        if (sl_pattern_parameter(path, path, name).base == NULL)
            sl_report_add(reader->report, place_of(node, written, offset), "path '%.*s' has no '{%.*s}'",
                          sl_shown(path), path.base, sl_shown(name), name.base);
}

/* `written` NULL: the template is the node's plain text. */
static void check_sources(sl_reader_t *reader, const sl_template_t *made, const sl_node_t *node,
                          const sl_written_t *written)
{
    h2o_iovec_t names[SOURCES_MAX];
    size_t count = sl_template_sources(made, names, SOURCES_MAX);
    for (size_t i = 0; i < count; ++i) {
        if (is_known(reader, names[i])) {
            note_fields(reader, made, names[i]);
            sl_note_body_use(reader, made, node, written);
            continue;
        }
        report_source(reader, place_of(node, written, sl_template_source_offset(made, names[i])), names[i]);
    }
    check_parameters(reader, made, node, written);
}

/* --- the dollar that was forgotten: "user.body.name" is a text like any other --- */

static bool begins_with_part(h2o_iovec_t rest)
{
    static const char *const parts[] = {"body", "status", "headers", "query", "path", "method", "owner"};
    size_t len = 0;
    while (len < rest.len && islower((unsigned char)rest.base[len]))
        ++len;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); ++i)
        if (sl_bytes_equal(sl_bytes(rest.base, len), sl_bytes_of(parts[i])))
            return len == rest.len || strchr(".[", rest.base[len]) != NULL;
    return false;
}

static bool is_source(const sl_reader_t *reader, h2o_iovec_t name)
{
    const char *names[SOURCES_MAX];
    size_t count = known_names(reader, names);
    for (size_t i = 0; i < count; ++i)
        if (sl_bytes_equal(sl_bytes_of(names[i]), name))
            return true;
    return false;
}

static void warn_of_text(sl_reader_t *reader, const sl_node_t *node)
{
    const char *dot = node->is_plain && node->text.len != 0 ? memchr(node->text.base, '.', node->text.len) : NULL;
    if (dot == NULL)
        return;
    size_t len = (size_t)(dot - node->text.base);
    if (is_source(reader, sl_bytes(node->text.base, len)) &&
        begins_with_part(sl_bytes(dot + 1, node->text.len - len - 1)))
        sl_report_warn(reader->report, node->place, "'%.*s' is a text as it stands; a reference begins with '$'",
                       sl_shown(node->text), node->text.base);
}

static void warn_of_texts(sl_reader_t *reader, const sl_node_t *node)
{
    if (node->kind == SL_NODE_SCALAR)
        warn_of_text(reader, node);
    for (size_t i = 0; i < node->count; ++i)
        warn_of_texts(reader, node->kind == SL_NODE_MAP ? node->pairs[i].value : node->items[i]);
}

/* --- JSON with holes --- */

sl_template_t *sl_template_take(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node,
                                h2o_iovec_t *kept)
{
    sl_written_t written;
    const char *error;
    size_t offset;

    if (!sl_written_make(reader, node, &written))
        return NULL;
    sl_template_t *made = sl_template_compile(reader->pool, written.json, &error, &offset);
    if (made == NULL) {
        sl_report_add(reader->report, sl_written_place(&written, offset), "'%s': %s", setting->name, error);
        return NULL;
    }
    check_sources(reader, made, node, &written);
    warn_of_texts(reader, node);
    if (kept != NULL)
        *kept = written.json;
    return made;
}

static void read_template(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    *(sl_template_t **)sl_field(setting, target) =
        sl_template_take(reader, setting, node, sl_written_field(setting, target));
}

#define ANYTHING_SCHEMA "\"type\":[\"object\",\"array\",\"string\",\"number\",\"boolean\",\"null\"]"

const sl_type_t sl_type_template = {.noun = "JSON with references such as $request.body.query",
                                    .schema = ANYTHING_SCHEMA,
                                    .is_raw = true,
                                    .read = read_template,
                                    .print = sl_written_print,
                                    .is_set = sl_written_is_set};

/* --- one reference and nothing else --- */

static bool is_reference(const sl_node_t *node)
{
    return node->kind == SL_NODE_SCALAR && node->raw.base != NULL && node->raw.len > 1 && node->raw.base[0] == '$' &&
           (isalpha((unsigned char)node->raw.base[1]) || node->raw.base[1] == '_');
}

static void read_reference(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    bool has_item = reader->scope.has_item; /* elements come of it, so it cannot speak of one */
    if (!is_reference(node)) {
        sl_reject(reader, setting, node);
        return;
    }
    reader->scope.has_item = false;
    read_template(reader, setting, node, target);
    reader->scope.has_item = has_item;
}

const sl_type_t sl_type_reference = {.noun = "a reference such as $search.body.items",
                                     .schema = "\"type\":\"string\",\"pattern\":\"^[$][A-Za-z_]\"",
                                     .is_raw = true,
                                     .read = read_reference,
                                     .print = sl_written_print,
                                     .is_set = sl_written_is_set};

/* --- JSON as it stands --- */

static void read_json(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    sl_written_t written;
    if (sl_written_make(reader, node, &written))
        *sl_written_field(setting, target) = written.json;
}

const sl_type_t sl_type_json = {.noun = "JSON",
                                .schema = ANYTHING_SCHEMA,
                                .is_raw = true,
                                .read = read_json,
                                .print = sl_written_print,
                                .is_set = sl_written_is_set};

/* --- plain text with holes --- */

static sl_template_t *take_text(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node)
{
    const char *error;
    size_t offset;
    sl_template_t *made = sl_template_compile_text(reader->pool, sl_keep(reader, node->raw), &error, &offset);
    if (made == NULL)
        sl_report_add(reader->report, sl_node_place(node, offset), "'%s': %s", setting->name, error);
    else
        check_sources(reader, made, node, NULL);
    return made;
}

/* Outside of ${...}, where blanks are the reference's. */
static bool is_path(h2o_iovec_t text)
{
    bool is_inside = false;
    for (size_t i = 0; i < text.len; ++i) {
        is_inside =
            is_inside ? text.base[i] != '}' : text.base[i] == '$' && i + 1 < text.len && text.base[i + 1] == '{';
        unsigned char character = (unsigned char)text.base[i];
        if (!is_inside && (character <= 0x20 || character == 0x7f || character == '?' || character == '#'))
            return false;
    }
    return text.len != 0 && text.base[0] == '/';
}

/* Each method is a setting, and its value the path. */
static void read_call_path(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    sl_call_plan_t *call = target;
    if (node->kind != SL_NODE_SCALAR || node->raw.base == NULL || !is_path(node->raw)) {
        sl_reject(reader, setting, node);
        return;
    }
    if (call->method.len != 0) {
        sl_report_add(reader->report, node->place, "a call has one method, and '%.*s' is given already",
                      (int)call->method.len, call->method.base);
        return;
    }
    call->method = sl_keep(reader, sl_bytes_of(setting->name));
    h2o_iovec_t *method = &call->method;
    for (size_t i = 0; i < method->len; ++i)
        method->base[i] = (char)toupper((unsigned char)method->base[i]);
    call->path = take_text(reader, setting, node);
    call->written.path = sl_keep(reader, node->raw);
}

static bool is_method(const sl_setting_t *setting, const void *target)
{
    return sl_bytes_equal_fold(sl_bytes_of(setting->name), ((const sl_call_plan_t *)target)->method);
}

static void print_call_path(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    (void)setting;
    sl_emit_raw(emitter, ((const sl_call_plan_t *)target)->written.path);
}

const sl_type_t sl_type_call_path = {
    .noun = "a path such as /items/${request.path.id}, without '?' ('query' has parameters)",
    .schema = "\"type\":\"string\",\"pattern\":\"^/\"",
    .is_raw = true,
    .read = read_call_path,
    .print = print_call_path,
    .is_set = is_method};

/* --- names with texts --- */

static bool check_pair(sl_reader_t *reader, const sl_setting_t *setting, const sl_pair_t *pair)
{
    const sl_node_t name = sl_name_node(pair), *value = pair->value;
    const char *why = setting->check != NULL ? setting->check(pair->name) : NULL;
    if (why != NULL) {
        sl_reject_because(reader, setting, &name, why);
        return false;
    }
    if (value->kind == SL_NODE_SCALAR && value->raw.base != NULL && !value->is_null)
        return true;
    sl_reject_because(reader, setting, value, "takes a value for each name");
    return false;
}

static void read_named(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    if (node->kind != SL_NODE_MAP) {
        sl_reject(reader, setting, node);
        return;
    }
    sl_named_template_t *list = sl_keep_zeroed(reader, node->count * sizeof(*list));
    size_t count = 0;
    for (size_t i = 0; i < node->count; ++i) {
        const sl_pair_t *pair = &node->pairs[i];
        sl_template_t *value = check_pair(reader, setting, pair) ? take_text(reader, setting, pair->value) : NULL;
        if (value != NULL)
            list[count++] =
                (sl_named_template_t){sl_keep(reader, pair->name), value, sl_keep(reader, pair->value->raw)};
    }
    *(sl_named_template_t **)sl_field(setting, target) = list;
    *sl_count_field(setting, target) = count;
}

static void print_named(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    const sl_named_template_t *list = *(sl_named_template_t *const *)sl_field_const(setting, target);
    sl_emit_map(emitter);
    for (size_t i = 0; i < *sl_count_field(setting, target); ++i) {
        sl_emit_raw(emitter, list[i].name);
        sl_emit_field_template(emitter, list[i].name, list[i].written);
    }
    sl_emit_map_end(emitter);
}

#define NAMED_SCHEMA "\"type\":\"object\",\"additionalProperties\":{\"type\":[\"string\",\"number\",\"boolean\"]}"

const sl_type_t sl_type_parameters = {.noun = "a mapping of names to values",
                                      .schema = NAMED_SCHEMA,
                                      .is_raw = true,
                                      .read = read_named,
                                      .print = print_named,
                                      .is_set = sl_list_is_set};
