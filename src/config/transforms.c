/* transforms: what is done to the query of a proxied request. Operations on bodies are in edits.c. */
#include "written.h"

static bool read_name(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *item, void *slot)
{
    (void)setting;
    *(h2o_iovec_t *)slot = sl_keep(reader, item->text);
    return true;
}

static void print_name(sl_emitter_t *emitter, const void *slot)
{
    sl_emit_text(emitter, *(const h2o_iovec_t *)slot);
}

const sl_type_t sl_type_parameter_names = SL_LIST_TYPE("names of query parameters", h2o_iovec_t, read_name, print_name);

/* --- old names and new ones; the struct has no name of its own, so its pointer is taken over as it is --- */

typedef struct rename_t {
    h2o_iovec_t from, to;
} rename_t;

_Static_assert(sizeof(rename_t) == sizeof(*((sl_transform_t *)0)->query.rename), "one layout");

static void read_renames(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    if (node->kind != SL_NODE_MAP) {
        sl_reject(reader, setting, node);
        return;
    }
    rename_t *list = sl_keep_zeroed(reader, node->count * sizeof(*list));
    size_t count = 0;
    for (size_t i = 0; i < node->count; ++i) {
        const sl_node_t *value = node->pairs[i].value;
        if (value->kind != SL_NODE_SCALAR || value->is_null || value->text.len == 0)
            sl_reject(reader, setting, value);
        else
            list[count++] = (rename_t){sl_keep(reader, node->pairs[i].name), sl_keep(reader, value->text)};
    }
    memcpy(sl_field(setting, target), &list, sizeof(list));
    *sl_count_field(setting, target) = count;
}

static void print_renames(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    const rename_t *list;
    memcpy(&list, sl_field_const(setting, target), sizeof(list));
    sl_emit_map(emitter);
    for (size_t i = 0; i < *sl_count_field(setting, target); ++i) {
        sl_emit_text(emitter, list[i].from);
        sl_emit_text(emitter, list[i].to);
    }
    sl_emit_map_end(emitter);
}

const sl_type_t sl_type_parameter_renames = {
    .noun = "a mapping of old names to new ones",
    .schema = "\"type\":\"object\",\"additionalProperties\":{\"type\":[\"string\",\"number\"]}",
    .read = read_renames,
    .print = print_renames,
    .is_set = sl_list_is_set};

bool sl_transform_has_query(const void *target)
{
    const sl_transform_t *transform = target;
    return transform->query.set_count + transform->query.add_count + transform->query.remove_count +
               transform->query.rename_count !=
           0;
}
