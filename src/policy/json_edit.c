/*
 * json_edit: the list of edits, one after the other. Each reads an index and leaves splices; only when there are any is
 * the document copied, and only when another edit follows is the copy indexed.
 */
#include "json_editing.h"
#include <stdlib.h>

typedef void (*pass_t)(sl_editing_t *editing);

/* The second pass sees what the first has left. */
static const struct {
    pass_t first, second;
} kinds[] = {
    [SL_EDIT_RENAME] = {sl_edit_rename, NULL},   [SL_EDIT_MOVE] = {sl_edit_take, sl_edit_put},
    [SL_EDIT_REMOVE] = {sl_edit_remove, NULL},   [SL_EDIT_SET] = {sl_edit_set, NULL},
    [SL_EDIT_DEFAULT] = {sl_edit_default, NULL}, [SL_EDIT_WRAP] = {sl_edit_wrap, NULL},
    [SL_EDIT_UNWRAP] = {sl_edit_unwrap, NULL},   [SL_EDIT_KEEP] = {sl_edit_keep, NULL},
    [SL_EDIT_FLATTEN] = {sl_edit_flatten, NULL}, [SL_EDIT_LIMIT] = {sl_edit_limit, NULL},
};

typedef struct work_t {
    sl_editing_t editing;
    sl_json_t json;
    h2o_iovec_t text;       /* what the edits so far have made of it */
    h2o_iovec_t previous;   /* before the present edit */
    sl_text_t made, before; /* `text` is in `made`, once something was changed */
    bool is_indexed;
    const sl_json_limits_t *limits;
    sl_template_resolve_t resolve;
    void *data;
    size_t offset;
} work_t;

void sl_json_each(sl_editing_t *editing, uint32_t value, const sl_json_step_t *steps, size_t count,
                  sl_json_found_t found)
{
    const sl_json_t *json = editing->json;
    for (; count != 0 && steps->kind != SL_STEP_EVERY; ++steps, --count) {
        int64_t next = sl_json_step(json, value, steps);
        if (next < 0)
            return;
        value = (uint32_t)next;
    }
    if (count == 0) {
        found(editing, value);
        return;
    }
    if (json->values[value].type != SL_JSON_ARRAY || json->values[value].count == 0)
        return;
    for (uint32_t child = value + 1; child != 0; child = json->values[child].next)
        sl_json_each(editing, child, steps + 1, count - 1, found);
}

static const char *run_pass(work_t *work, pass_t pass)
{
    sl_editing_t *editing = &work->editing;
    if (!work->is_indexed) {
        const char *error = sl_json_index(&work->json, work->text, work->limits, &work->offset);
        if (error != NULL)
            return error;
        work->is_indexed = true;
    }
    sl_splices_clear(&editing->splices);
    if (pass != NULL)
        pass(editing);
    if (editing->moved.is_lost) { /* back to where the first pass began */
        sl_text_t made = work->before;
        work->before = work->made;
        work->made = made;
        work->text = work->previous;
        work->is_indexed = false;
        return NULL;
    }
    if (editing->splices.count == 0 && !editing->splices.is_full)
        return NULL;

    sl_text_t before = work->before;
    sl_text_clear(&before);
    work->before = work->made;
    work->made = before;
    work->offset = 0;
    if (!sl_splices_apply(&editing->splices, work->text, &work->made))
        return "the result is too large";
    work->text = sl_bytes(work->made.base, work->made.size);
    work->is_indexed = false;
    return NULL;
}

static const char *run_edit(work_t *work, const sl_edit_t *edit)
{
    sl_editing_t *editing = &work->editing;
    editing->edit = edit;
    sl_text_clear(&editing->value);
    if (edit->value != NULL &&
        !sl_template_fill(edit->value, work->resolve, work->data, editing->splices.bytes_max, &editing->value))
        return "the result is too large";
    sl_text_clear(&editing->moved.bytes);
    editing->moved.count = editing->moved.next = 0;
    editing->moved.is_lost = false;
    work->previous = work->text;
    const char *error = run_pass(work, kinds[edit->kind].first);
    if (error == NULL && kinds[edit->kind].second != NULL && editing->moved.count != 0)
        error = run_pass(work, kinds[edit->kind].second);
    return error;
}

static void dispose(work_t *work)
{
    sl_json_dispose(&work->json);
    sl_text_dispose(&work->made);
    sl_text_dispose(&work->before);
    sl_splices_dispose(&work->editing.splices);
    sl_text_dispose(&work->editing.value);
    sl_text_dispose(&work->editing.moved.bytes);
    free(work->editing.moved.list);
}

const char *sl_json_edit(h2o_iovec_t text, const sl_edit_t *edits, size_t count, const sl_json_limits_t *limits,
                         size_t bytes_max, sl_template_resolve_t resolve, void *data, sl_text_t *out, size_t *offset)
{
    work_t work = {.text = text, .limits = limits, .resolve = resolve, .data = data};
    work.editing.json = &work.json;
    work.editing.splices.bytes_max = bytes_max;
    const char *error = run_pass(&work, NULL); /* is it JSON at all? */
    for (size_t i = 0; i != count && error == NULL; ++i)
        error = run_edit(&work, &edits[i]);
    if (error == NULL && work.text.len > bytes_max) {
        error = "the result is too large";
        work.offset = 0;
    }
    if (error == NULL)
        sl_text_append(out, work.text.base, work.text.len);
    *offset = work.offset;
    dispose(&work);
    return error;
}
