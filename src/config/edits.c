/*
 * edits: lists of operations on JSON documents. Each operation is a mapping of its word, what it is done to, and at
 * most one more name: {rename: user.name, to: full_name}, {set: a.b, value: 1}, {remove: [a, b]}.
 */
#include "written.h"
#include <h2o/string_.h>

typedef enum { ARGUMENT_NONE, ARGUMENT_NAME, ARGUMENT_TO, ARGUMENT_AT, ARGUMENT_VALUE, ARGUMENT_COUNT } argument_kind_t;

typedef struct operation_t {
    const char *word;
    sl_edit_kind_t kind;
    enum { ONE_PATH, EACH_PATH, ALL_PATHS } subject; /* one; one operation for each; several for one operation */
    const char *argument;
    argument_kind_t argument_kind;
    bool is_needed;
} operation_t;

static const operation_t operations[] = {
    {"rename", SL_EDIT_RENAME, ONE_PATH, "to", ARGUMENT_NAME, true},
    {"move", SL_EDIT_MOVE, ONE_PATH, "to", ARGUMENT_TO, true},
    {"remove", SL_EDIT_REMOVE, EACH_PATH, NULL, ARGUMENT_NONE, false},
    {"set", SL_EDIT_SET, ONE_PATH, "value", ARGUMENT_VALUE, true},
    {"default", SL_EDIT_DEFAULT, ONE_PATH, "value", ARGUMENT_VALUE, true},
    {"wrap", SL_EDIT_WRAP, ONE_PATH, "in", ARGUMENT_NAME, true},
    {"unwrap", SL_EDIT_UNWRAP, ONE_PATH, "at", ARGUMENT_TO, false},
    {"keep", SL_EDIT_KEEP, ALL_PATHS, "of", ARGUMENT_AT, false},
    {"flatten", SL_EDIT_FLATTEN, EACH_PATH, NULL, ARGUMENT_NONE, false},
    {"limit", SL_EDIT_LIMIT, ONE_PATH, "count", ARGUMENT_COUNT, true},
};
enum { OPERATIONS = sizeof(operations) / sizeof(*operations) };

/* --- the growing list --- */

void sl_edit_add(sl_reader_t *reader, const sl_setting_t *setting, void *target, sl_edit_t edit)
{
    sl_edit_t **list = sl_field(setting, target);
    size_t *count = sl_count_field(setting, target);
    sl_edit_t *grown = sl_keep_zeroed(reader, (*count + 1) * sizeof(*grown));
    if (*count != 0)
        memcpy(grown, *list, *count * sizeof(*grown));
    grown[(*count)++] = edit;
    *list = grown;
}

sl_json_path_t *sl_edit_path(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node)
{
    const char *error;
    size_t offset;
    if (node->kind != SL_NODE_SCALAR || node->raw.base == NULL) {
        sl_reject_because(reader, setting, node, "takes paths such as user.name or items[*].id");
        return NULL;
    }
    sl_json_path_t *path = sl_json_path_compile(reader->pool, sl_keep(reader, node->raw), true, &error, &offset);
    if (path == NULL)
        sl_report_add(reader->report, sl_node_place(node, offset), "'%.*s' is no path: %s", sl_shown(node->raw),
                      node->raw.base, error);
    return path;
}

bool sl_edit_items(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, sl_items_t *items)
{
    if (node->kind == SL_NODE_MAP) {
        sl_reject(reader, setting, node);
        return false;
    }
    if (node->kind == SL_NODE_LIST) {
        *items = (sl_items_t){node->items, node->count};
        return true;
    }
    items->nodes = h2o_mem_alloc_pool(reader->scratch, sizeof(*items->nodes));
    items->nodes[0] = node;
    items->count = 1;
    return true;
}

/* --- one operation --- */

static const operation_t *find_operation(const sl_node_t *node)
{
    for (size_t i = 0; i < OPERATIONS; ++i)
        if (sl_node_find(node, operations[i].word) != NULL)
            return &operations[i];
    return NULL;
}

static void report_words(sl_reader_t *reader, const sl_node_t *node)
{
    const char *names[OPERATIONS];
    sl_text_t all = {0};
    for (size_t i = 0; i < OPERATIONS; ++i) {
        names[i] = operations[i].word;
        sl_text_format(&all, "%s%s", i == 0 ? "" : ", ", names[i]);
    }
    const sl_pair_t *first = node->kind == SL_NODE_MAP && node->count != 0 ? &node->pairs[0] : NULL;
    const char *near = first != NULL ? sl_nearest_name(first->name, names, OPERATIONS) : NULL;
    if (near != NULL)
        sl_report_add(reader->report, first->place, "there is no operation '%.*s' (did you mean '%s'?)",
                      sl_shown(first->name), first->name.base, near);
    else
        sl_report_add(reader->report, node->place, "an operation is a mapping with one of %s", all.base);
    sl_text_dispose(&all);
}

/* Only the word and its argument may stand there. */
static bool check_names(sl_reader_t *reader, const operation_t *operation, const sl_node_t *node)
{
    for (size_t i = 0; i < node->count; ++i) {
        h2o_iovec_t name = node->pairs[i].name;
        if (sl_bytes_equal(name, sl_bytes_of(operation->word)) ||
            (operation->argument != NULL && sl_bytes_equal(name, sl_bytes_of(operation->argument))))
            continue;
        if (operation->argument != NULL)
            sl_report_add(reader->report, node->pairs[i].place, "'%s' takes '%s' beside it, not '%.*s'",
                          operation->word, operation->argument, sl_shown(name), name.base);
        else
            sl_report_add(reader->report, node->pairs[i].place, "'%s' takes nothing beside it, not '%.*s'",
                          operation->word, sl_shown(name), name.base);
        return false;
    }
    if (!operation->is_needed || sl_node_find(node, operation->argument) != NULL)
        return true;
    sl_report_add(reader->report, node->place, "'%s' needs '%s' beside it", operation->word, operation->argument);
    return false;
}

static bool take_name(sl_reader_t *reader, const operation_t *operation, const sl_node_t *node, sl_edit_t *edit)
{
    if (node->kind != SL_NODE_SCALAR || node->raw.len == 0) {
        sl_report_add(reader->report, node->place, "'%s' of '%s' takes a name", operation->argument, operation->word);
        return false;
    }
    edit->name = sl_keep(reader, node->raw);
    return true;
}

static bool take_count(sl_reader_t *reader, const operation_t *operation, const sl_node_t *node, sl_edit_t *edit)
{
    if (node->kind == SL_NODE_SCALAR && node->raw.base != NULL && sl_parse_count(node->raw, &edit->count))
        return true;
    sl_report_add(reader->report, node->place, "'%s' of '%s' takes a whole number", operation->argument,
                  operation->word);
    return false;
}

static bool take_argument(sl_reader_t *reader, const sl_setting_t *setting, const operation_t *operation,
                          const sl_node_t *node, sl_edit_t *edit)
{
    const sl_node_t *value = operation->argument != NULL ? sl_node_find(node, operation->argument) : NULL;
    if (value == NULL)
        return true;
    switch (operation->argument_kind) {
    case ARGUMENT_NAME:
        return take_name(reader, operation, value, edit);
    case ARGUMENT_TO:
        return (edit->to = sl_edit_path(reader, setting, value)) != NULL;
    case ARGUMENT_AT:
        return (edit->path = sl_edit_path(reader, setting, value)) != NULL;
    case ARGUMENT_VALUE:
        return (edit->value = sl_template_take(reader, setting, value, NULL)) != NULL;
    case ARGUMENT_COUNT:
        return take_count(reader, operation, value, edit);
    case ARGUMENT_NONE:
        break;
    }
    return true;
}

/* With [*] a value goes from an element to a place in the same element. */
static bool check_pair(sl_reader_t *reader, const operation_t *operation, const sl_node_t *node, const sl_edit_t *edit)
{
    if (edit->to == NULL || sl_json_paths_pair(edit->path, edit->to))
        return true;
    sl_report_add(reader->report, sl_node_find(node, operation->argument)->place,
                  "'%s' must be the same as '%s' up to its last [*]", operation->argument, operation->word);
    return false;
}

static void add_all_paths(sl_reader_t *reader, const sl_setting_t *setting, const sl_items_t *items, sl_edit_t edit,
                          void *target)
{
    edit.paths = sl_keep_zeroed(reader, items->count * sizeof(*edit.paths));
    for (size_t i = 0; i < items->count; ++i)
        if ((edit.paths[edit.path_count] = sl_edit_path(reader, setting, items->nodes[i])) != NULL)
            ++edit.path_count;
    sl_edit_add(reader, setting, target, edit);
}

static void read_operation(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    const operation_t *operation = node->kind == SL_NODE_MAP ? find_operation(node) : NULL;
    sl_items_t items;
    if (operation == NULL) {
        report_words(reader, node);
        return;
    }
    sl_edit_t edit = {.kind = operation->kind};
    const sl_node_t *subject = sl_node_find(node, operation->word);
    if (!check_names(reader, operation, node) || !take_argument(reader, setting, operation, node, &edit))
        return;
    if (operation->subject == ONE_PATH && subject->kind == SL_NODE_LIST) {
        sl_report_add(reader->report, subject->place, "'%s' takes one path", operation->word);
        return;
    }
    if (!sl_edit_items(reader, setting, subject, &items))
        return;
    if (operation->subject == ALL_PATHS) {
        add_all_paths(reader, setting, &items, edit, target);
        return;
    }
    for (size_t i = 0; i < items.count; ++i)
        if ((edit.path = sl_edit_path(reader, setting, items.nodes[i])) != NULL &&
            check_pair(reader, operation, node, &edit))
            sl_edit_add(reader, setting, target, edit);
}

/* --- the list --- */

static void read_edits(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    sl_written_t written;
    if (node->kind != SL_NODE_LIST) {
        sl_reject(reader, setting, node);
        return;
    }
    for (size_t i = 0; i < node->count; ++i)
        read_operation(reader, setting, node->items[i], target);
    if (node->count != 0 && sl_written_make(reader, node, &written))
        *sl_written_field(setting, target) = written.json;
}

static void put_edits_schema(sl_text_t *out, const sl_setting_t *setting)
{
    (void)setting;
    sl_text_put(out, "\"type\":\"array\",\"items\":{\"oneOf\":[");
    for (size_t i = 0; i < OPERATIONS; ++i) {
        const operation_t *operation = &operations[i];
        sl_text_format(out, "%s{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"%s\"",
                       i == 0 ? "" : ",", operation->word);
        if (operation->is_needed)
            sl_text_format(out, ",\"%s\"", operation->argument);
        sl_text_format(out, "],\"properties\":{\"%s\":{}", operation->word);
        if (operation->argument != NULL)
            sl_text_format(out, ",\"%s\":{}", operation->argument);
        sl_text_put(out, "}}");
    }
    sl_text_put(out, "]}");
}

const sl_type_t sl_type_edits = {.noun = "a list of operations such as {rename: user.name, to: full_name}",
                                 .put_schema = put_edits_schema,
                                 .is_raw = true,
                                 .read = read_edits,
                                 .print = sl_written_print,
                                 .is_set = sl_written_is_set};
