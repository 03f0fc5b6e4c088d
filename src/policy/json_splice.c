/* json_splice: what is not spoken of is copied as it came, in as few pieces as there are changes. */
#include "json_splice.h"
#include "json_text.h"
#include <stdlib.h>

void sl_splices_add_made(sl_splices_t *splices, uint32_t begin, uint32_t end, size_t from)
{
    if (splices->made.size > splices->bytes_max) {
        splices->is_full = true;
        splices->made.size = from;
        return;
    }
    if (splices->count == splices->capacity) {
        splices->capacity = splices->capacity == 0 ? 16 : splices->capacity * 2;
        splices->list = h2o_mem_realloc(splices->list, splices->capacity * sizeof(*splices->list));
    }
    splices->list[splices->count++] =
        (sl_splice_t){.begin = begin, .end = end, .from = from, .len = splices->made.size - from};
}

void sl_splices_add(sl_splices_t *splices, uint32_t begin, uint32_t end, h2o_iovec_t bytes)
{
    size_t from = splices->made.size;
    if (bytes.len > splices->bytes_max) {
        splices->is_full = true;
        return;
    }
    sl_text_append(&splices->made, bytes.base, bytes.len);
    sl_splices_add_made(splices, begin, end, from);
}

/*
 * Children that go stand in runs. A run goes up to where the next child that stays begins, so that this one takes its
 * place; the last run goes from the end of the last child that stays, since its comma goes, too.
 */
void sl_splices_remove_children(sl_splices_t *splices, const sl_json_t *json, uint32_t container,
                                sl_json_is_doomed_t is_doomed, void *data)
{
    const sl_json_value_t *values = json->values;
    uint32_t run_begin = 0, run_end = 0, kept_end = 0; /* 0: none; no child lies there */
    if (values[container].count == 0)
        return;
    for (uint32_t child = container + 1; child != 0; child = values[child].next) {
        uint32_t begin = sl_json_child_begin(&values[child]);
        if (is_doomed(data, child)) {
            run_begin = run_begin == 0 ? begin : run_begin;
            run_end = values[child].end;
            continue;
        }
        if (run_begin != 0)
            sl_splices_add(splices, run_begin, begin, sl_bytes(NULL, 0));
        run_begin = 0;
        kept_end = values[child].end;
    }
    if (run_begin != 0)
        sl_splices_add(splices, kept_end != 0 ? kept_end : run_begin, run_end, sl_bytes(NULL, 0));
}

void sl_splices_append_child(sl_splices_t *splices, const sl_json_t *json, uint32_t container, h2o_iovec_t child)
{
    uint32_t end = sl_json_children_span(json, container).end;
    size_t from = splices->made.size;
    if (child.len > splices->bytes_max) {
        splices->is_full = true;
        return;
    }
    if (json->values[container].count != 0)
        sl_text_append(&splices->made, ",", 1);
    sl_text_append(&splices->made, child.base, child.len);
    sl_splices_add_made(splices, end, end, from);
}

static int compare_splices(const void *a, const void *b)
{
    const sl_splice_t *first = a, *second = b;
    if (first->begin != second->begin)
        return first->begin < second->begin ? -1 : 1;
    return (first->end > second->end) - (first->end < second->end);
}

bool sl_splices_apply(sl_splices_t *splices, h2o_iovec_t text, sl_text_t *out)
{
    size_t size = text.len;
    for (size_t i = 0; i != splices->count; ++i)
        size = size + splices->list[i].len - (splices->list[i].end - splices->list[i].begin);
    if (splices->is_full || size > splices->bytes_max)
        return false;

    qsort(splices->list, splices->count, sizeof(*splices->list), compare_splices);
    sl_text_reserve(out, size);
    size_t at = 0;
    for (const sl_splice_t *splice = splices->list, *end = splice + splices->count; splice != end; ++splice) {
        sl_text_append(out, text.base + at, splice->begin - at);
        sl_text_append(out, splices->made.base + splice->from, splice->len);
        at = splice->end;
    }
    sl_text_append(out, text.base + at, text.len - at);
    return true;
}

void sl_splices_clear(sl_splices_t *splices)
{
    splices->count = 0;
    splices->is_full = false;
    sl_text_clear(&splices->made);
}

void sl_splices_dispose(sl_splices_t *splices)
{
    free(splices->list);
    sl_text_dispose(&splices->made);
    *splices = (sl_splices_t){0};
}
