/*
 * json_edit_place: values that are put somewhere (set, default, move, unwrap).
 *
 * On the way to a place, objects that are missing or null are made; anything else that is no container stands in the
 * way, and nothing is done. With [*], a move goes from each element to the same element: `path` and `to` are the same
 * up to their last [*].
 */
#include "json_editing.h"
#include "json_text.h"

/* What is put at the end of a path. */
typedef struct placing_t {
    sl_editing_t *editing;
    h2o_iovec_t value;
    bool only_missing; /* default: what is there and not null stays */
    bool is_lenient; /* an index behind the last element appends: the element before it may just have been taken out */
    bool is_trial;   /* only: could it be put there? */
    bool is_done;
} placing_t;

/* --- what is missing is made --- */

static bool can_make(const sl_json_step_t *steps, size_t count)
{
    for (size_t i = 0; i != count; ++i)
        if (steps[i].kind == SL_STEP_EVERY || (steps[i].kind == SL_STEP_INDEX && steps[i].index != 0))
            return false;
    return true;
}

/* {"a":[{"b":value}]} */
static void make(sl_text_t *text, const sl_json_step_t *steps, size_t count, h2o_iovec_t value)
{
    for (size_t i = 0; i != count; ++i) {
        bool is_name = steps[i].kind == SL_STEP_NAME;
        sl_text_put(text, is_name ? "{" : "[");
        if (is_name) {
            sl_text_json(text, steps[i].name);
            sl_text_put(text, ":");
        }
    }
    sl_text_append(text, value.base, value.len);
    for (size_t i = count; i-- != 0;)
        sl_text_put(text, steps[i].kind == SL_STEP_NAME ? "}" : "]");
}

static void replace(placing_t *placing, uint32_t value, const sl_json_step_t *steps, size_t count)
{
    const sl_json_value_t *old = &placing->editing->json->values[value];
    sl_splices_t *splices = &placing->editing->splices;
    placing->is_done = true;
    if (placing->is_trial)
        return;
    size_t from = splices->made.size;
    make(&splices->made, steps, count, placing->value);
    sl_splices_add_made(splices, old->begin, old->end, from);
}

static void append(placing_t *placing, uint32_t container, const sl_json_step_t *steps, size_t count)
{
    placing->is_done = true;
    if (placing->is_trial)
        return;
    sl_text_t child = {0};
    if (steps->kind == SL_STEP_NAME) {
        sl_text_json(&child, steps->name);
        sl_text_put(&child, ":");
    }
    make(&child, steps + 1, count - 1, placing->value);
    sl_splices_append_child(&placing->editing->splices, placing->editing->json, container,
                            sl_bytes(child.base, child.size));
    sl_text_dispose(&child);
}

/* The first of `steps` leads nowhere from `value`. */
static void put_missing(placing_t *placing, uint32_t value, const sl_json_step_t *steps, size_t count)
{
    const sl_json_value_t *there = &placing->editing->json->values[value];
    bool is_name = steps->kind == SL_STEP_NAME;
    if (!can_make(steps + 1, count - 1))
        return;
    if (there->type == SL_JSON_NULL && (is_name || steps->index == 0))
        replace(placing, value, steps, count);
    else if (there->type == SL_JSON_OBJECT && is_name)
        append(placing, value, steps, count);
    else if (there->type == SL_JSON_ARRAY && !is_name &&
             (steps->index == there->count || (placing->is_lenient && steps->index > there->count)))
        append(placing, value, steps, count);
}

static void place(placing_t *placing, uint32_t value, const sl_json_step_t *steps, size_t count)
{
    const sl_json_t *json = placing->editing->json;
    for (; count != 0 && steps->kind != SL_STEP_EVERY; ++steps, --count) {
        int64_t next = sl_json_step(json, value, steps);
        if (next < 0) {
            put_missing(placing, value, steps, count);
            return;
        }
        value = (uint32_t)next;
    }
    if (count == 0) {
        if (!placing->only_missing || json->values[value].type == SL_JSON_NULL)
            replace(placing, value, steps, 0);
        return;
    }
    if (json->values[value].type != SL_JSON_ARRAY || json->values[value].count == 0)
        return;
    for (uint32_t child = value + 1; child != 0; child = json->values[child].next)
        place(placing, child, steps + 1, count - 1);
}

static void put_value(sl_editing_t *editing, bool only_missing)
{
    placing_t placing = {
        .editing = editing, .value = sl_bytes(editing->value.base, editing->value.size), .only_missing = only_missing};
    if (placing.value.len != 0)
        place(&placing, 0, editing->edit->path->steps, editing->edit->path->count);
}

void sl_edit_set(sl_editing_t *editing)
{
    put_value(editing, false);
}

void sl_edit_default(sl_editing_t *editing)
{
    put_value(editing, true);
}

/* --- from one place to another --- */

static bool is_same_step(const sl_json_step_t *a, const sl_json_step_t *b)
{
    return a->kind == b->kind && (a->kind != SL_STEP_NAME || sl_bytes_equal(a->name, b->name)) &&
           (a->kind != SL_STEP_INDEX || a->index == b->index);
}

/* How many steps lead to the elements inside which both paths stay; SIZE_MAX when they do not go together. */
static size_t common_steps(const sl_json_path_t *path, const sl_json_path_t *to)
{
    size_t count = 0;
    for (size_t i = 0; i != path->count; ++i)
        if (path->steps[i].kind == SL_STEP_EVERY)
            count = i + 1;
    if (to->count < count || path->every_count != to->every_count)
        return SIZE_MAX;
    for (size_t i = 0; i != count; ++i)
        if (!is_same_step(&path->steps[i], &to->steps[i]))
            return SIZE_MAX;
    return count;
}

static int64_t follow(const sl_json_t *json, uint32_t value, const sl_json_path_t *path, size_t first)
{
    if (first == path->count) /* of the path to the whole there is no step to point at */
        return value;
    sl_json_path_t rest = {.steps = path->steps + first, .count = path->count - first};
    return sl_json_path_find_from(json, value, &rest);
}

bool sl_json_paths_pair(const sl_json_path_t *path, const sl_json_path_t *to)
{
    return common_steps(path, to) != SIZE_MAX;
}

static void remember(sl_editing_t *editing, h2o_iovec_t bytes, bool is_there)
{
    if (editing->moved.count == editing->moved.capacity) {
        editing->moved.capacity = editing->moved.capacity == 0 ? 16 : editing->moved.capacity * 2;
        editing->moved.list =
            h2o_mem_realloc(editing->moved.list, editing->moved.capacity * sizeof(*editing->moved.list));
    }
    editing->moved.list[editing->moved.count++] = (sl_piece_t){editing->moved.bytes.size, bytes.len, is_there};
    sl_text_append(&editing->moved.bytes, bytes.base, bytes.len);
}

typedef struct doom_t {
    const sl_json_t *json;
    const sl_json_step_t *step;
    uint32_t value;
} doom_t;

/* Of a name all that have it: an earlier one must not come to light because the last one has gone. */
static bool is_doomed(void *data, uint32_t child)
{
    const doom_t *doom = data;
    return doom->step->kind == SL_STEP_NAME ? sl_json_is_name(sl_json_inside(doom->json, child, true), doom->step->name)
                                            : child == doom->value;
}

static void take_from(sl_editing_t *editing, uint32_t base)
{
    const sl_json_t *json = editing->json;
    const sl_json_path_t *path = editing->edit->path, *to = editing->edit->to;
    size_t common = common_steps(path, to);
    int64_t value = follow(json, base, path, common);
    placing_t trial = {.editing = editing, .is_trial = true};
    if (value >= 0)
        place(&trial, base, to->steps + common, to->count - common);
    if (!trial.is_done) {
        remember(editing, sl_bytes(NULL, 0), false);
        return;
    }
    remember(editing, sl_json_bytes(json, (uint32_t)value), true);
    sl_json_path_t above = {.steps = path->steps + common, .count = path->count - common - 1};
    int64_t container = sl_json_path_find_from(json, base, &above);
    doom_t doom = {json, &path->steps[path->count - 1], (uint32_t)value};
    sl_splices_remove_children(&editing->splices, json, (uint32_t)container, is_doomed, &doom);
}

void sl_edit_take(sl_editing_t *editing)
{
    const sl_json_path_t *path = editing->edit->path, *to = editing->edit->to;
    size_t common = common_steps(path, to);
    bool is_same = common != SIZE_MAX && path->count == to->count;
    for (size_t i = 0; is_same && i != path->count; ++i)
        is_same = is_same_step(&path->steps[i], &to->steps[i]);
    if (common != SIZE_MAX && path->count > common && !is_same)
        sl_json_each(editing, 0, path->steps, common, take_from);
}

static void put_into(sl_editing_t *editing, uint32_t base)
{
    const sl_json_path_t *to = editing->edit->to;
    size_t common = common_steps(editing->edit->path, to);
    const sl_piece_t *piece = &editing->moved.list[editing->moved.next++];
    placing_t placing = {
        .editing = editing, .value = sl_bytes(editing->moved.bytes.base + piece->from, piece->len), .is_lenient = true};
    if (piece->is_there)
        place(&placing, base, to->steps + common, to->count - common);
    editing->moved.is_lost |= piece->is_there && !placing.is_done;
}

void sl_edit_put(sl_editing_t *editing)
{
    const sl_json_path_t *path = editing->edit->path;
    sl_json_each(editing, 0, path->steps, common_steps(path, editing->edit->to), put_into);
}

/* --- unwrap --- */

static const sl_json_path_t whole_document;

static const sl_json_path_t *target(const sl_edit_t *edit)
{
    return edit->to != NULL ? edit->to : &whole_document;
}

static void unwrap_in(sl_editing_t *editing, uint32_t base)
{
    const sl_json_t *json = editing->json;
    const sl_json_path_t *path = editing->edit->path, *to = target(editing->edit);
    size_t common = common_steps(path, to);
    int64_t value = follow(json, base, path, common), place_of = follow(json, base, to, common);
    if (value < 0 || place_of < 0 || value == place_of)
        return;
    const sl_json_value_t *old = &json->values[place_of];
    sl_splices_add(&editing->splices, old->begin, old->end, sl_json_bytes(json, (uint32_t)value));
}

void sl_edit_unwrap(sl_editing_t *editing)
{
    const sl_json_path_t *path = editing->edit->path;
    size_t common = common_steps(path, target(editing->edit));
    if (common != SIZE_MAX)
        sl_json_each(editing, 0, path->steps, common, unwrap_in);
}
