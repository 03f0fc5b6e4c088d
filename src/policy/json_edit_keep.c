/*
 * json_edit_keep: of an object only what is named stays.
 *
 * First every value that stays is marked, with those on the way to it; then each container on the way loses the
 * children that bear no mark. An array that [*] goes through keeps its objects and arrays even where they have nothing
 * of what is asked for, so that the others keep their places.
 */
#include "json_editing.h"
#include <stdlib.h>

typedef enum { NO_MARK, ON_THE_WAY, WHOLE } mark_t;

typedef struct keeping_t {
    const sl_json_t *json;
    uint32_t first;       /* the object; its values follow each other in the index */
    unsigned char *marks; /* of `first` and those behind it */
} keeping_t;

static bool is_container(const sl_json_t *json, uint32_t value)
{
    return json->values[value].type == SL_JSON_ARRAY || json->values[value].type == SL_JSON_OBJECT;
}

static void raise_mark(keeping_t *keeping, uint32_t value, mark_t mark)
{
    unsigned char *there = &keeping->marks[value - keeping->first];
    if (*there < mark)
        *there = (unsigned char)mark;
}

static bool mark(keeping_t *keeping, uint32_t value, const sl_json_step_t *steps, size_t count);

static bool mark_elements(keeping_t *keeping, uint32_t array, const sl_json_step_t *steps, size_t count)
{
    const sl_json_value_t *values = keeping->json->values;
    if (values[array].type != SL_JSON_ARRAY)
        return false;
    raise_mark(keeping, array, ON_THE_WAY);
    for (uint32_t child = values[array].count == 0 ? 0 : array + 1; child != 0; child = values[child].next)
        if (!mark(keeping, child, steps, count) && is_container(keeping->json, child))
            raise_mark(keeping, child, ON_THE_WAY);
    return true;
}

/* As deep as the path has steps. */
static bool mark(keeping_t *keeping, uint32_t value, const sl_json_step_t *steps, size_t count)
{
    if (count == 0) {
        raise_mark(keeping, value, WHOLE);
        return true;
    }
    if (steps->kind == SL_STEP_EVERY)
        return mark_elements(keeping, value, steps + 1, count - 1);
    int64_t next = sl_json_step(keeping->json, value, steps);
    if (next < 0 || !mark(keeping, (uint32_t)next, steps + 1, count - 1))
        return false;
    raise_mark(keeping, value, ON_THE_WAY);
    return true;
}

static bool is_unmarked(void *data, uint32_t child)
{
    const keeping_t *keeping = data;
    return keeping->marks[child - keeping->first] == NO_MARK;
}

static void prune(sl_editing_t *editing, keeping_t *keeping, uint32_t behind)
{
    const sl_json_t *json = editing->json;
    uint32_t whole_end = 0;
    for (uint32_t value = keeping->first; value != behind; ++value) {
        mark_t there = keeping->marks[value - keeping->first];
        if (json->values[value].begin < whole_end)
            continue;
        if (there == WHOLE)
            whole_end = json->values[value].end;
        else if (there == ON_THE_WAY && is_container(json, value))
            sl_splices_remove_children(&editing->splices, json, value, is_unmarked, keeping);
    }
}

static void keep_in(sl_editing_t *editing, uint32_t object)
{
    if (!is_container(editing->json, object))
        return;
    const sl_edit_t *edit = editing->edit;
    const sl_json_value_t *values = editing->json->values;
    uint32_t behind = object + 1; /* the first value outside */
    while (behind != editing->json->count && values[behind].begin < values[object].end)
        ++behind;
    keeping_t keeping = {editing->json, object, h2o_mem_alloc(behind - object)};
    memset(keeping.marks, NO_MARK, behind - object);
    raise_mark(&keeping, object, ON_THE_WAY);
    for (size_t i = 0; i != edit->path_count; ++i)
        mark(&keeping, object, edit->paths[i]->steps, edit->paths[i]->count);
    prune(editing, &keeping, behind);
    free(keeping.marks);
}

void sl_edit_keep(sl_editing_t *editing)
{
    const sl_json_path_t *path = editing->edit->path;
    sl_json_each(editing, 0, path == NULL ? NULL : path->steps, path == NULL ? 0 : path->count, keep_in);
}
