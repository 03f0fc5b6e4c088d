/* lists: settings of several equal elements, written as a list or, as the environment can only give them, as one scalar
 * with blanks or commas in between. */
#include "settings.h"
#include <inttypes.h>

static const sl_node_t **split_scalar(sl_reader_t *reader, const sl_node_t *node, size_t *count)
{
    static const char borders[] = " ,\t\r\n";
    const sl_node_t **nodes = h2o_mem_alloc_pool(reader->scratch, (node->text.len / 2 + 1) * sizeof(const sl_node_t *));
    for (const char *at = node->text.base; *(at += strspn(at, borders)) != 0;) {
        size_t len = strcspn(at, borders);
        sl_node_t *part = h2o_mem_alloc_pool(reader->scratch, sizeof(*part));
        *part = (sl_node_t){.place = node->place, .text = h2o_strdup(reader->scratch, at, len)};
        nodes[(*count)++] = part;
        at += len;
    }
    return nodes;
}

static bool check_count(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, size_t count)
{
    uint64_t least = 0, most = UINT64_MAX;
    if (setting->range == NULL)
        return true;
    const char *dots = strstr(setting->range, "..");
    if (!sl_parse_count(sl_bytes(setting->range, (size_t)(dots - setting->range)), &least) ||
        !sl_parse_count(sl_bytes_of(dots + 2), &most))
        h2o_fatal("a list's range counts its elements");
    if (count >= least && count <= most)
        return true;
    sl_report_add(reader->report, node->place, "'%s' takes %" PRIu64 " to %" PRIu64 " elements, not %zu", setting->name,
                  least, most, count);
    return false;
}

static bool check_item(sl_reader_t *reader, const sl_setting_t *setting, const sl_items_t *items, size_t index)
{
    const sl_node_t *item = items->nodes[index];
    if (item->kind == SL_NODE_MAP && setting->section != NULL)
        return !item->is_broken;
    if (item->is_broken || !sl_take_scalar(reader, setting, item))
        return false;
    for (size_t i = 0; i < index; ++i)
        if (items->nodes[i]->kind == SL_NODE_SCALAR && sl_bytes_equal(items->nodes[i]->text, item->text)) {
            sl_text_t shown = {0};
            sl_put_shown(&shown, setting, item->text);
            sl_report_add(reader->report, item->place, "'%s' stands in '%s' twice", shown.base, setting->name);
            sl_text_dispose(&shown);
            return false;
        }
    return true;
}

bool sl_take_items(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, sl_items_t *items)
{
    *items = (sl_items_t){node->items, node->count};
    if (node->kind == SL_NODE_MAP) {
        sl_reject(reader, setting, node);
        return false;
    }
    if (node->kind == SL_NODE_SCALAR) {
        items->count = 0;
        items->nodes = split_scalar(reader, node, &items->count);
    }
    if (!check_count(reader, setting, node, items->count))
        return false;
    sl_items_t good = {h2o_mem_alloc_pool(reader->scratch, items->count * sizeof(*good.nodes)), 0};
    for (size_t i = 0; i < items->count; ++i)
        if (check_item(reader, setting, items, i))
            good.nodes[good.count++] = items->nodes[i];
    *items = good;
    return true;
}

/* --- the type of a list whose elements fill an array of structs --- */

void sl_list_read(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    sl_items_t items;
    if (!sl_take_items(reader, setting, node, &items))
        return;
    size_t size = setting->type->item_size, count = 0;
    char *slots = sl_keep_zeroed(reader, items.count * size);
    for (size_t i = 0; i < items.count; ++i) {
        if (setting->type->read_item(reader, setting, items.nodes[i], slots + count * size))
            ++count;
        else
            memset(slots + count * size, 0, size); /* the next element must find nothing of this one */
    }
    memcpy(sl_field(setting, target), &slots, sizeof(slots)); /* the field is a pointer of its own type */
    *sl_count_field(setting, target) = count;
}

static size_t count_of(const sl_setting_t *setting, const void *target)
{
    return *sl_count_field(setting, target);
}

bool sl_list_is_set(const sl_setting_t *setting, const void *target)
{
    return count_of(setting, target) != 0;
}

void sl_list_print(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    const char *slots;
    memcpy(&slots, sl_field_const(setting, target), sizeof(slots));
    sl_emit_list(emitter, true);
    for (size_t i = 0; i < count_of(setting, target); ++i)
        setting->type->print_item(emitter, slots + i * setting->type->item_size);
    sl_emit_list_end(emitter);
}
