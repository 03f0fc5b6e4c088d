/* A corpus of generated documents: what is taken out of one and put into another keeps every byte, and a document put
 * together again from its pieces is the one that came. SLUICE_LONG=1: 10^5 documents instead of 10^4. */
#include "json_generator.h"
#include "sluice/json_edit.h"
#include <criterion/criterion.h>
#include <stdlib.h>

static size_t document_count(void)
{
    return getenv("SLUICE_LONG") != NULL ? 100000 : 10000;
}

typedef struct corpus_t {
    generator_t generator;
    sl_text_t text;
    sl_json_t json;
} corpus_t;

static void next_document(corpus_t *corpus)
{
    size_t offset;
    sl_text_clear(&corpus->text);
    put_document(&corpus->generator, 5, &corpus->text);
    const char *error = sl_json_index(&corpus->json, sl_bytes(corpus->text.base, corpus->text.size), NULL, &offset);
    cr_assert_null(error, "%s: %s at %zu", corpus->text.base, error, offset);
}

static void dispose(corpus_t *corpus)
{
    sl_text_dispose(&corpus->text);
    sl_json_dispose(&corpus->json);
}

static sl_template_value_t whole_document(void *data, h2o_iovec_t source, h2o_iovec_t first, const sl_json_path_t *rest)
{
    (void)source, (void)first, (void)rest;
    return (sl_template_value_t){.is_known = true, .document = data};
}

static sl_template_t *template_of(h2o_mem_pool_t *pool, const char *text)
{
    const char *error;
    size_t offset;
    sl_template_t *made = sl_template_compile(pool, sl_bytes_of(text), &error, &offset);
    cr_assert_not_null(made, "%s", error);
    return made;
}

Test(json_corpus, a_spliced_document_keeps_every_byte)
{
    h2o_mem_pool_t pool;
    h2o_mem_init_pool(&pool);
    sl_template_t *template = template_of(&pool, "{\"part\":\"$a.body\",\"list\":[\"$a.body\"]}");
    corpus_t corpus = {.generator.state = 1};
    sl_text_t out = {0}, wanted = {0};
    for (size_t i = document_count(); i != 0; --i) {
        next_document(&corpus);
        h2o_iovec_t document = sl_json_bytes(&corpus.json, 0);
        sl_text_clear(&out);
        sl_text_clear(&wanted);
        sl_text_format(&wanted, "{\"part\":%.*s,\"list\":[%.*s]}", (int)document.len, document.base, (int)document.len,
                       document.base);
        cr_assert(sl_template_fill(template, whole_document, &corpus.json, SIZE_MAX, &out));
        cr_assert_str_eq(out.base, wanted.base);
    }
    dispose(&corpus);
    sl_text_dispose(&out);
    sl_text_dispose(&wanted);
    h2o_mem_clear_pool(&pool);
}

/* Everything between the values, and the values: together the text. */
static void rebuild(const sl_json_t *json, sl_text_t *out)
{
    size_t at = 0;
    for (uint32_t i = 0; i != json->count; ++i) {
        const sl_json_value_t *value = &json->values[i];
        cr_assert(value->begin >= at && value->end > value->begin && value->end <= json->text.len);
        if (value->count != 0)
            continue; /* its children come */
        h2o_iovec_t bytes = sl_json_bytes(json, i);
        sl_text_append(out, json->text.base + at, value->begin - at);
        sl_text_append(out, bytes.base, bytes.len);
        at = value->end;
    }
    sl_text_append(out, json->text.base + at, json->text.len - at);
}

Test(json_corpus, values_and_what_lies_between_are_the_text)
{
    corpus_t corpus = {.generator.state = 2};
    sl_text_t out = {0};
    for (size_t i = document_count(); i != 0; --i) {
        next_document(&corpus);
        sl_text_clear(&out);
        rebuild(&corpus.json, &out);
        cr_assert(sl_bytes_equal(sl_bytes(out.base, out.size), sl_bytes(corpus.text.base, corpus.text.size)));
    }
    dispose(&corpus);
    sl_text_dispose(&out);
}

Test(json_corpus, what_is_added_and_removed_again_leaves_no_trace)
{
    h2o_mem_pool_t pool;
    const char *error;
    size_t offset;
    h2o_mem_init_pool(&pool);
    sl_json_path_t *root = sl_json_path_compile(&pool, SL_LIT(""), true, &error, &offset);
    sl_json_path_t *added = sl_json_path_compile(&pool, SL_LIT("w.added"), true, &error, &offset);
    sl_json_path_t *inner = sl_json_path_compile(&pool, SL_LIT("w"), true, &error, &offset);
    sl_edit_t edits[] = {{.kind = SL_EDIT_WRAP, .path = root, .name = SL_LIT("w")},
                         {.kind = SL_EDIT_SET, .path = added, .value = template_of(&pool, "[0]")},
                         {.kind = SL_EDIT_REMOVE, .path = added},
                         {.kind = SL_EDIT_UNWRAP, .path = inner}};
    corpus_t corpus = {.generator.state = 3};
    sl_text_t out = {0};
    for (size_t i = document_count() / 2; i != 0; --i) {
        next_document(&corpus);
        h2o_iovec_t document = sl_json_bytes(&corpus.json, 0);
        if (sl_bytes_equal(document, SL_LIT("null")))
            continue; /* becomes an object, as said */
        sl_text_clear(&out);
        error = sl_json_edit(document, edits, 4, NULL, SIZE_MAX, NULL, NULL, &out, &offset);
        cr_assert_null(error, "%s", error);
        cr_assert(sl_bytes_equal(sl_bytes(out.base, out.size), document), "%.*s became %s", (int)document.len,
                  document.base, out.base);
    }
    dispose(&corpus);
    sl_text_dispose(&out);
    h2o_mem_clear_pool(&pool);
}
