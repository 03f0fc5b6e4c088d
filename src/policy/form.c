/*
 * form: application/x-www-form-urlencoded as a JSON object of strings.
 *
 * Names that come again are found by sorting, not by looking through all that came before: a body full of parameters
 * costs n log n.
 */
#include "sluice/escape.h"
#include "sluice/media.h"
#include <stdlib.h>

typedef struct pair_t {
    size_t name, name_len, value, value_len; /* places in `decoded` */
    size_t next;                             /* the next pair of the same name, 0: none */
    bool is_again;                           /* not the first of its name */
} pair_t;

typedef struct form_t {
    sl_text_t decoded;
    pair_t *pairs;
    size_t count, capacity;
    const char *error;
    size_t offset;
} form_t;

static const char *check_utf8(const char *at, const char *end)
{
    while (at != end) {
        size_t length = (unsigned char)*at < 0x80 ? 1 : sl_utf8_length(at, (size_t)(end - at));
        if (length == 0)
            return "not UTF-8";
        at += length;
    }
    return NULL;
}

/* Appends text[begin, end) without its escapes; false when it is wrong. */
static bool decode(form_t *form, h2o_iovec_t text, size_t begin, size_t end)
{
    size_t from = form->decoded.size;
    sl_text_reserve(&form->decoded, end - begin);
    form->offset = begin;
    for (size_t i = begin; i != end; ++i) {
        char c = text.base[i];
        if (c == '%') {
            int octet = sl_escaped_octet(text.base + i, text.base + end);
            if (octet < 0) {
                form->offset = i;
                form->error = "an escape that is none";
                return false;
            }
            c = (char)octet;
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        sl_text_append(&form->decoded, &c, 1);
    }
    form->error = check_utf8(form->decoded.base + from, form->decoded.base + form->decoded.size);
    return form->error == NULL;
}

static bool add_pair(form_t *form, h2o_iovec_t text, size_t begin, size_t end)
{
    const char *sign = memchr(text.base + begin, '=', end - begin);
    size_t name_end = sign == NULL ? end : (size_t)(sign - text.base);
    pair_t pair = {.name = form->decoded.size};
    if (!decode(form, text, begin, name_end))
        return false;
    pair.name_len = form->decoded.size - pair.name;
    pair.value = form->decoded.size;
    if (sign != NULL && !decode(form, text, name_end + 1, end))
        return false;
    pair.value_len = form->decoded.size - pair.value;

    if (form->count == form->capacity) {
        form->capacity = form->capacity == 0 ? 16 : form->capacity * 2;
        form->pairs = h2o_mem_realloc(form->pairs, form->capacity * sizeof(*form->pairs));
    }
    form->pairs[form->count++] = pair;
    return true;
}

/* Pairs without a byte between two signs are none. */
static bool read_pairs(form_t *form, h2o_iovec_t text, size_t values_max)
{
    for (size_t begin = 0; begin < text.len;) {
        const char *border = memchr(text.base + begin, '&', text.len - begin);
        size_t end = border == NULL ? text.len : (size_t)(border - text.base);
        if (form->count == values_max) {
            form->offset = begin;
            form->error = "too many values";
            return false;
        }
        if (end != begin && !add_pair(form, text, begin, end))
            return false;
        begin = end + 1;
    }
    return true;
}

static int compare_pairs(const void *a, const void *b, void *data)
{
    const form_t *form = data;
    size_t first = *(const size_t *)a, second = *(const size_t *)b;
    const pair_t *one = &form->pairs[first], *other = &form->pairs[second];
    size_t len = one->name_len < other->name_len ? one->name_len : other->name_len;
    int order = len == 0 ? 0 : memcmp(form->decoded.base + one->name, form->decoded.base + other->name, len);
    if (order == 0)
        order = (one->name_len > other->name_len) - (one->name_len < other->name_len);
    return order != 0 ? order : (first > second) - (first < second);
}

static bool is_same_name(const form_t *form, const pair_t *one, const pair_t *other)
{
    return one->name_len == other->name_len &&
           (one->name_len == 0 ||
            memcmp(form->decoded.base + one->name, form->decoded.base + other->name, one->name_len) == 0);
}

static void link_names(form_t *form)
{
    size_t *order = h2o_mem_alloc((form->count + 1) * sizeof(*order));
    for (size_t i = 0; i != form->count; ++i)
        order[i] = i;
    qsort_r(order, form->count, sizeof(*order), compare_pairs, form);
    for (size_t i = 1; i < form->count; ++i)
        if (is_same_name(form, &form->pairs[order[i - 1]], &form->pairs[order[i]])) {
            form->pairs[order[i - 1]].next = order[i];
            form->pairs[order[i]].is_again = true;
        }
    free(order);
}

static void put_text(const form_t *form, size_t at, size_t len, sl_text_t *out)
{
    sl_text_json(out, sl_bytes(form->decoded.base + at, len));
}

static void put_pair(const form_t *form, const pair_t *pair, sl_text_t *out)
{
    put_text(form, pair->name, pair->name_len, out);
    if (pair->next == 0) {
        sl_text_put(out, ":");
        put_text(form, pair->value, pair->value_len, out);
        return;
    }
    const char *glue = ":[";
    for (;; pair = &form->pairs[pair->next], glue = ",") {
        sl_text_put(out, glue);
        put_text(form, pair->value, pair->value_len, out);
        if (pair->next == 0)
            break;
    }
    sl_text_put(out, "]");
}

static void put_object(form_t *form, size_t bytes_max, sl_text_t *out)
{
    size_t start = out->size;
    const char *glue = "{";
    for (size_t i = 0; i != form->count && form->error == NULL; ++i) {
        if (form->pairs[i].is_again)
            continue;
        sl_text_put(out, glue);
        put_pair(form, &form->pairs[i], out);
        glue = ",";
        if (out->size - start > bytes_max)
            form->error = "the result is too large";
    }
    sl_text_put(out, form->count == 0 ? "{}" : "}");
    if (out->size - start > bytes_max)
        form->error = "the result is too large";
}

const char *sl_form_to_json(h2o_iovec_t text, const sl_media_limits_t *limits, sl_text_t *out, size_t *offset)
{
    form_t form = {0};
    size_t start = out->size;
    sl_text_reserve(&form.decoded, text.len); /* an empty text has a place, too */
    if (read_pairs(&form, text, limits->values)) {
        link_names(&form);
        form.offset = 0;
        put_object(&form, limits->bytes_max, out);
    }
    if (form.error != NULL)
        sl_text_cut(out, start);
    *offset = form.error == NULL ? 0 : form.offset;
    sl_text_dispose(&form.decoded);
    free(form.pairs);
    return form.error;
}
