/* json_names: sorted rather than hashed: whoever chooses the names cannot make them collide. */
#include "json_names.h"
#include "json_text.h"
#include <stdlib.h>

static bool has_escape(h2o_iovec_t inside)
{
    return inside.len != 0 && memchr(inside.base, '\\', inside.len) != NULL;
}

static int compare_bytes(h2o_iovec_t a, h2o_iovec_t b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.base, b.base, len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_decoded(h2o_iovec_t a, h2o_iovec_t b)
{
    sl_text_t first = {0}, second = {0};
    sl_json_decode(a, &first);
    sl_json_decode(b, &second);
    int order = compare_bytes(sl_bytes(first.base, first.size), sl_bytes(second.base, second.size));
    sl_text_dispose(&first);
    sl_text_dispose(&second);
    return order;
}

static int compare_names(const void *a, const void *b)
{
    const h2o_iovec_t *first = a, *second = b;
    if (has_escape(*first) || has_escape(*second))
        return compare_decoded(*first, *second);
    return compare_bytes(*first, *second);
}

void sl_json_names_init(sl_json_names_t *names, const sl_json_t *json, uint32_t object, uint32_t without)
{
    const sl_json_value_t *given = &json->values[object];
    *names = (sl_json_names_t){0};
    if (given->type != SL_JSON_OBJECT || given->count == 0)
        return;
    names->names = h2o_mem_alloc(given->count * sizeof(*names->names));
    for (uint32_t child = object + 1; child != 0; child = json->values[child].next)
        if (child != without)
            names->names[names->count++] = sl_json_inside(json, child, true);
    qsort(names->names, names->count, sizeof(*names->names), compare_names);
}

void sl_json_names_dispose(sl_json_names_t *names)
{
    free(names->names);
    *names = (sl_json_names_t){0};
}

bool sl_json_names_have(const sl_json_names_t *names, h2o_iovec_t inside)
{
    return names->count != 0 &&
           bsearch(&inside, names->names, names->count, sizeof(*names->names), compare_names) != NULL;
}
