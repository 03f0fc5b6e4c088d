/* The input is lines and a document behind them. Each line is an edit: a digit for its kind, a path, and behind a space
 * another path, which is its `to`, its name and what it keeps. Whatever is done, JSON comes out, within its bound. */
#include "sluice/json_edit.h"
#include <stdlib.h>

#define EDITS_MAX 6
#define BYTES_MAX 50000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* False when the line is no edit. */
static bool read_edit(h2o_mem_pool_t *pool, h2o_iovec_t line, sl_edit_t *edit)
{
    const char *error;
    size_t offset;
    if (line.len == 0 || line.base[0] < '0' || line.base[0] > '9')
        return false;
    line = sl_bytes(line.base + 1, line.len - 1);
    const char *space = line.len == 0 ? NULL : memchr(line.base, ' ', line.len);
    h2o_iovec_t first = sl_bytes(line.base, space == NULL ? line.len : (size_t)(space - line.base));
    h2o_iovec_t second = space == NULL ? sl_bytes(NULL, 0) : sl_bytes(space + 1, line.len - first.len - 1);
    *edit = (sl_edit_t){.kind = (sl_edit_kind_t)(line.base[-1] - '0'), .name = second, .count = second.len};
    edit->path = sl_json_path_compile(pool, first, true, &error, &offset);
    edit->to = sl_json_path_compile(pool, second, true, &error, &offset);
    edit->value = sl_template_compile(pool, SL_LIT("{\"set\":[1.0]}"), &error, &offset);
    edit->paths = &edit->to;
    edit->path_count = 1;
    return edit->path != NULL && edit->to != NULL;
}

static size_t read_edits(h2o_mem_pool_t *pool, h2o_iovec_t *rest, sl_edit_t *edits)
{
    size_t count = 0;
    while (count != EDITS_MAX && rest->len != 0) {
        const char *end = memchr(rest->base, '\n', rest->len);
        if (end == NULL)
            break;
        size_t len = (size_t)(end - rest->base);
        if (!read_edit(pool, sl_bytes(rest->base, len), &edits[count]))
            break;
        ++count;
        *rest = sl_bytes(end + 1, rest->len - len - 1);
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const sl_json_limits_t deep = {.depth = 1000, .values = 1000000};
    h2o_mem_pool_t pool;
    h2o_iovec_t text = sl_bytes((const char *)data, size);
    sl_edit_t edits[EDITS_MAX];
    sl_text_t out = {0};
    sl_json_t json = {0};
    size_t offset;

    h2o_mem_init_pool(&pool);
    size_t count = read_edits(&pool, &text, edits);
    const char *error = sl_json_edit(text, edits, count, NULL, BYTES_MAX, NULL, NULL, &out, &offset);
    if (error == NULL) {
        require(out.size <= BYTES_MAX);
        require(sl_json_index(&json, sl_bytes(out.base, out.size), &deep, &offset) == NULL);
    } else {
        require(out.size == 0);
    }
    sl_json_dispose(&json);
    sl_text_dispose(&out);
    h2o_mem_clear_pool(&pool);
    return 0;
}
