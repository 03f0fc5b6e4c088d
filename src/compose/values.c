/*
 * values: what the references of a template stand for while calls run and when their answers are put together.
 *
 * $part.body is the answer of a call that did well, else its default; an error's body is never taken for one, since a
 * template could not tell the two apart. $part.status and $part.headers tell of the answer whatever it was; of a
 * for_each, they tell of its first answer that did not do well, or of its first one.
 */
#include "inside.h"

static const sl_template_value_t unknown = {.is_known = false};

static sl_part_t *find_part(sl_compose_t *compose, h2o_iovec_t name)
{
    for (size_t i = 0; i != compose->part_count; ++i)
        if (sl_bytes_equal(sl_bytes_of(compose->parts[i].plan->name), name))
            return &compose->parts[i];
    return NULL;
}

static sl_template_value_t within(const sl_json_t *document, const sl_json_path_t *path)
{
    int64_t value = path != NULL ? sl_json_path_find(document, path) : 0;

    if (value < 0)
        return unknown;
    return (sl_template_value_t){.is_known = true, .document = document, .value = (uint32_t)value};
}

static sl_template_value_t number(const char *digits)
{
    return (sl_template_value_t){.is_known = true, .text = sl_bytes_of(digits), .is_json = true};
}

static sl_template_value_t item_value(const sl_compose_t *compose, const sl_json_path_t *rest)
{
    return compose->has_item ? within(&compose->item, rest) : unknown;
}

static sl_template_value_t status_value(sl_part_t *part)
{
    if (part->report.status == 0)
        return unknown;
    *sl_put_number(part->status_text, (unsigned long long)part->report.status) = '\0';
    return number(part->status_text);
}

/* The first line with that name; several are not joined. */
static sl_template_value_t find_field(const sl_text_t *fields, h2o_iovec_t name)
{
    for (size_t at = 0; at < fields->size;) {
        const char *line = fields->base + at, *end = memchr(line, '\r', fields->size - at);
        size_t len = (size_t)(end - line);
        if (len >= name.len + 2 && line[name.len] == ':' && sl_bytes_equal_fold(sl_bytes(line, name.len), name))
            return (sl_template_value_t){.is_known = true, .text = sl_bytes(line + name.len + 2, len - name.len - 2)};
        at += len + 2;
    }
    return unknown;
}

static sl_template_value_t field_value(const sl_part_t *part, h2o_iovec_t name)
{
    const sl_leg_t *told = part->leg_count != 0 && part->legs != NULL ? &part->legs[0] : NULL;

    for (size_t i = 0; told != NULL && i != part->leg_count; ++i)
        if (part->legs[i].error != SL_PART_WELL) {
            told = &part->legs[i];
            break;
        }
    return told != NULL && told->fetch != NULL ? find_field(&told->fetch->fields, name) : unknown;
}

static sl_template_value_t part_value(sl_part_t *part, h2o_iovec_t first, const sl_json_path_t *rest)
{
    if (part->state != SL_PART_SETTLED)
        return unknown;
    if (sl_bytes_equal(first, SL_LIT("body")))
        return part->has_body ? within(&part->body, rest) : unknown;
    if (sl_bytes_equal(first, SL_LIT("status")))
        return status_value(part);
    return sl_bytes_equal(first, SL_LIT("headers")) ? field_value(part, sl_json_path_name(rest)) : unknown;
}

sl_template_value_t sl_compose_resolve(void *data, h2o_iovec_t source, h2o_iovec_t first, const sl_json_path_t *rest)
{
    sl_compose_t *compose = data;

    if (sl_bytes_equal(source, SL_LIT("request")) || sl_bytes_equal(source, SL_LIT("caller")))
        return compose->request.resolve(compose->request.data, source, first, rest);
    if (sl_bytes_equal(source, SL_LIT("item")))
        return item_value(compose, rest);
    if (sl_bytes_equal(source, SL_LIT("index")))
        return compose->has_item ? number(compose->index_text) : unknown;
    sl_part_t *part = find_part(compose, source);
    return part != NULL ? part_value(part, first, rest) : unknown;
}
