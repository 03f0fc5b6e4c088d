/* The input is a template and, behind a zero byte, a document that all of its references lead into. What comes out is
 * JSON within its bound, and text is text. */
#include "sluice/template.h"
#include <stdlib.h>

#define BYTES_MAX 100000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static sl_template_value_t resolve(void *data, h2o_iovec_t source, h2o_iovec_t first, const sl_json_path_t *rest)
{
    const sl_json_t *json = data;
    require(source.len != 0);
    if (sl_bytes_equal(first, SL_LIT("status")))
        return (sl_template_value_t){.is_known = true, .is_json = true, .text = SL_LIT("200")};
    if (sl_bytes_equal(first, SL_LIT("headers")) || json->count == 0)
        return (sl_template_value_t){.is_known = true, .text = json->text};
    int64_t value = rest == NULL ? 0 : sl_json_path_find(json, rest);
    return (sl_template_value_t){.is_known = value >= 0, .document = json, .value = (uint32_t)(value < 0 ? 0 : value)};
}

static void check_json(const sl_template_t *template, sl_json_t *document)
{
    static const sl_json_limits_t deep = {.depth = 200, .values = 1000000};
    sl_text_t out = {0}, tight = {0};
    if (sl_template_fill(template, resolve, document, BYTES_MAX, &out)) {
        sl_json_t json = {0};
        size_t offset;
        require(out.size <= BYTES_MAX);
        require(sl_json_index(&json, sl_bytes(out.base, out.size), &deep, &offset) == NULL);
        require(!sl_template_fill(template, resolve, document, out.size - 1, &tight) && tight.size == 0);
        sl_json_dispose(&json);
    }
    sl_template_holds(template, resolve, document);
    sl_text_dispose(&out);
    sl_text_dispose(&tight);
}

static void check_text(const sl_template_t *template, sl_json_t *document)
{
    sl_text_t out = {0};
    require(!sl_template_fill_text(template, resolve, document, SL_ENCODE_VALUES, BYTES_MAX, &out) ||
            out.size <= BYTES_MAX);
    sl_template_holds(template, resolve, document);
    sl_text_dispose(&out);
}

static void check_sources(const sl_template_t *template, size_t size)
{
    h2o_iovec_t names[8];
    size_t count = sl_template_sources(template, names, 8);
    for (size_t i = 0; i != count; ++i)
        require(sl_template_source_offset(template, names[i]) <= size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    h2o_mem_pool_t pool;
    sl_json_t document = {0};
    const char *error;
    size_t offset;
    const uint8_t *border = size == 0 ? NULL : memchr(data, '\0', size);
    h2o_iovec_t text = sl_bytes((const char *)data, border == NULL ? size : (size_t)(border - data));
    if (border != NULL)
        sl_json_index(&document, sl_bytes((const char *)border + 1, size - text.len - 1), NULL, &offset);

    h2o_mem_init_pool(&pool);
    sl_template_t *template = sl_template_compile(&pool, text, &error, &offset);
    require(template != NULL || (error != NULL && offset <= text.len));
    if (template != NULL) {
        check_json(template, &document);
        check_sources(template, text.len);
    }
    template = sl_template_compile_text(&pool, text, &error, &offset);
    require(template != NULL || (error != NULL && offset <= text.len));
    if (template != NULL)
        check_text(template, &document);
    sl_json_dispose(&document);
    h2o_mem_clear_pool(&pool);
    return 0;
}
