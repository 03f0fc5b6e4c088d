/* edit_words: the short forms of operations that shapes are written with: select, drop, rename, flatten, limit. */
#include "written.h"
#include <h2o/string_.h>

static void keep_written(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    sl_written_t written;
    if (node->count != 0 || node->kind == SL_NODE_SCALAR)
        if (sl_written_make(reader, node, &written))
            *sl_written_field(setting, target) = written.json;
}

static void read_select(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    sl_items_t items;
    if (!sl_edit_items(reader, setting, node, &items))
        return;
    sl_edit_t edit = {.kind = SL_EDIT_KEEP};
    edit.paths = sl_keep_zeroed(reader, items.count * sizeof(*edit.paths));
    for (size_t i = 0; i < items.count; ++i)
        if ((edit.paths[edit.path_count] = sl_edit_path(reader, setting, items.nodes[i])) != NULL)
            ++edit.path_count;
    sl_edit_add(reader, setting, target, edit);
    keep_written(reader, setting, node, target);
}

static void read_each(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target,
                      sl_edit_kind_t kind)
{
    sl_items_t items;
    if (!sl_edit_items(reader, setting, node, &items))
        return;
    for (size_t i = 0; i < items.count; ++i) {
        sl_edit_t edit = {.kind = kind, .path = sl_edit_path(reader, setting, items.nodes[i])};
        if (edit.path != NULL)
            sl_edit_add(reader, setting, target, edit);
    }
    keep_written(reader, setting, node, target);
}

static void read_drop(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    read_each(reader, setting, node, target, SL_EDIT_REMOVE);
}

static void read_flatten(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    read_each(reader, setting, node, target, SL_EDIT_FLATTEN);
}

/* Mappings of paths to something: a name, a count. */
static void read_pairs(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target,
                       bool (*take)(const sl_node_t *value, sl_reader_t *reader, sl_edit_t *edit))
{
    if (node->kind != SL_NODE_MAP) {
        sl_reject(reader, setting, node);
        return;
    }
    for (size_t i = 0; i < node->count; ++i) {
        const sl_node_t path = sl_name_node(&node->pairs[i]), *value = node->pairs[i].value;
        sl_edit_t edit = {.path = sl_edit_path(reader, setting, &path)};
        if (value->kind != SL_NODE_SCALAR || value->raw.len == 0 || !take(value, reader, &edit))
            sl_reject(reader, setting, value);
        else if (edit.path != NULL)
            sl_edit_add(reader, setting, target, edit);
    }
    keep_written(reader, setting, node, target);
}

static bool take_name(const sl_node_t *value, sl_reader_t *reader, sl_edit_t *edit)
{
    edit->kind = SL_EDIT_RENAME;
    edit->name = sl_keep(reader, value->raw);
    return true;
}

static void read_rename(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    read_pairs(reader, setting, node, target, take_name);
}

static bool take_count(const sl_node_t *value, sl_reader_t *reader, sl_edit_t *edit)
{
    (void)reader;
    edit->kind = SL_EDIT_LIMIT;
    return sl_parse_count(value->raw, &edit->count);
}

static void read_limit(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    read_pairs(reader, setting, node, target, take_count);
}

#define PATHS_SCHEMA "\"anyOf\":[{\"type\":\"string\"},{\"type\":\"array\",\"items\":{\"type\":\"string\"}}]"
#define WORD_TYPE(noun_, schema_, read_)                                                                               \
    {                                                                                                                  \
        .noun = (noun_), .schema = (schema_), .is_raw = true, .read = (read_), .print = sl_written_print,              \
        .is_set = sl_written_is_set                                                                                    \
    }

const sl_type_t sl_type_select = WORD_TYPE("paths such as user.name", PATHS_SCHEMA, read_select);
const sl_type_t sl_type_drop = WORD_TYPE("paths such as user.name", PATHS_SCHEMA, read_drop);
const sl_type_t sl_type_flatten = WORD_TYPE("paths such as user.address", PATHS_SCHEMA, read_flatten);
const sl_type_t sl_type_rename =
    WORD_TYPE("a mapping of paths to names",
              "\"type\":\"object\",\"additionalProperties\":{\"type\":[\"string\",\"number\"]}", read_rename);
const sl_type_t sl_type_limit =
    WORD_TYPE("a mapping of paths to whole numbers",
              "\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\"}", read_limit);
