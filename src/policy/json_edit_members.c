/* json_edit_members: what happens to members and elements where they stand (rename, remove, wrap, flatten, limit). */
#include "json_editing.h"
#include "json_names.h"
#include "json_text.h"

static const sl_json_step_t *last_step(const sl_editing_t *editing)
{
    return &editing->edit->path->steps[editing->edit->path->count - 1];
}

/* Calls back for the containers of what the path leads to. The document itself is in none. */
static void each_container(sl_editing_t *editing, sl_json_found_t found)
{
    const sl_json_path_t *path = editing->edit->path;
    if (path->count != 0)
        sl_json_each(editing, 0, path->steps, path->count - 1, found);
}

static bool is_called(const sl_editing_t *editing, uint32_t child, h2o_iovec_t name)
{
    return sl_json_is_name(sl_json_inside(editing->json, child, true), name);
}

/* --- rename --- */

static bool is_in_the_way(void *data, uint32_t child)
{
    sl_editing_t *editing = data;
    return is_called(editing, child, editing->edit->name);
}

static void rename_in(sl_editing_t *editing, uint32_t object)
{
    const sl_json_value_t *values = editing->json->values;
    h2o_iovec_t old = last_step(editing)->name;
    if (sl_json_member(editing->json, object, old) < 0)
        return;
    sl_splices_remove_children(&editing->splices, editing->json, object, is_in_the_way, editing);
    for (uint32_t child = object + 1; child != 0; child = values[child].next) {
        if (!is_called(editing, child, old))
            continue;
        size_t from = editing->splices.made.size;
        sl_text_json(&editing->splices.made, editing->edit->name);
        sl_splices_add_made(&editing->splices, values[child].name_begin, values[child].name_end, from);
    }
}

void sl_edit_rename(sl_editing_t *editing)
{
    if (editing->edit->path->count != 0 && last_step(editing)->kind == SL_STEP_NAME &&
        !sl_bytes_equal(last_step(editing)->name, editing->edit->name))
        each_container(editing, rename_in);
}

/* --- remove --- */

typedef struct removal_t {
    const sl_editing_t *editing;
    int64_t element;
} removal_t;

/* Of a name all that have it: what must not be seen must not be seen twice. */
static bool is_removed(void *data, uint32_t child)
{
    const removal_t *removal = data;
    const sl_json_step_t *step = last_step(removal->editing);
    switch (step->kind) {
    case SL_STEP_NAME:
        return is_called(removal->editing, child, step->name);
    case SL_STEP_INDEX:
        return removal->element == child;
    case SL_STEP_EVERY:
        break;
    }
    return true;
}

static void remove_in(sl_editing_t *editing, uint32_t container)
{
    const sl_json_step_t *step = last_step(editing);
    sl_json_type_t type = editing->json->values[container].type;
    if (type != (step->kind == SL_STEP_NAME ? SL_JSON_OBJECT : SL_JSON_ARRAY))
        return;
    removal_t removal = {editing, -1};
    if (step->kind == SL_STEP_INDEX)
        removal.element = sl_json_element(editing->json, container, step->index);
    sl_splices_remove_children(&editing->splices, editing->json, container, is_removed, &removal);
}

void sl_edit_remove(sl_editing_t *editing)
{
    each_container(editing, remove_in);
}

/* --- wrap --- */

static void wrap_value(sl_editing_t *editing, uint32_t value)
{
    const sl_json_value_t *given = &editing->json->values[value];
    sl_splices_t *splices = &editing->splices;
    size_t from = splices->made.size;
    sl_text_put(&splices->made, "{");
    sl_text_json(&splices->made, editing->edit->name);
    sl_text_put(&splices->made, ":");
    sl_splices_add_made(splices, given->begin, given->begin, from);
    sl_splices_add(splices, given->end, given->end, SL_LIT("}"));
}

void sl_edit_wrap(sl_editing_t *editing)
{
    sl_json_each(editing, 0, editing->edit->path->steps, editing->edit->path->count, wrap_value);
}

/* --- flatten --- */

static bool is_flattened(void *data, uint32_t child)
{
    return child == *(uint32_t *)data;
}

/* The members that go up, with commas between them, appended to `made`. */
static void put_members(sl_editing_t *editing, uint32_t inner, const sl_json_names_t *names)
{
    const sl_json_value_t *values = editing->json->values;
    sl_text_t *made = &editing->splices.made;
    size_t from = made->size;
    if (values[inner].count == 0)
        return;
    for (uint32_t child = inner + 1; child != 0; child = values[child].next) {
        if (sl_json_names_have(names, sl_json_inside(editing->json, child, true)))
            continue;
        if (made->size != from)
            sl_text_append(made, ",", 1);
        sl_text_append(made, editing->json->text.base + values[child].name_begin,
                       values[child].end - values[child].name_begin);
    }
}

static void flatten_in(sl_editing_t *editing, uint32_t object)
{
    const sl_json_t *json = editing->json;
    int64_t found = sl_json_member(json, object, last_step(editing)->name);
    if (found < 0 || json->values[found].type != SL_JSON_OBJECT)
        return;
    uint32_t inner = (uint32_t)found;
    sl_json_names_t names;
    sl_json_names_init(&names, json, object, inner);
    size_t from = editing->splices.made.size;
    put_members(editing, inner, &names);
    if (editing->splices.made.size != from)
        sl_splices_add_made(&editing->splices, json->values[inner].name_begin, json->values[inner].end, from);
    else
        sl_splices_remove_children(&editing->splices, json, object, is_flattened, &inner);
    sl_json_names_dispose(&names);
}

void sl_edit_flatten(sl_editing_t *editing)
{
    if (editing->edit->path->count != 0 && last_step(editing)->kind == SL_STEP_NAME)
        each_container(editing, flatten_in);
}

/* --- limit --- */

static void limit_array(sl_editing_t *editing, uint32_t array)
{
    const sl_json_value_t *values = editing->json->values;
    uint64_t count = editing->edit->count;
    if (values[array].type != SL_JSON_ARRAY || values[array].count <= count)
        return;
    sl_json_span_t span = sl_json_children_span(editing->json, array);
    if (count != 0)
        span.begin = values[sl_json_element(editing->json, array, (int64_t)count - 1)].end;
    sl_splices_add(&editing->splices, span.begin, span.end, sl_bytes(NULL, 0));
}

void sl_edit_limit(sl_editing_t *editing)
{
    sl_json_each(editing, 0, editing->edit->path->steps, editing->edit->path->count, limit_array);
}
