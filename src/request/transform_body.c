/*
 * transform_body: a body from one form to another, with operations on the JSON in between.
 *
 *   JSON ───────────────┐               ┌─> JSON
 *   MessagePack ─> JSON ├─> operations ─┤
 *   form ───────> JSON  ┘               └─> MessagePack
 *
 * At most two texts of the transformation's `bytes` exist at a time, and the index of one of them.
 */
#include "aggregate.h"
#include "transform.h"

#define DEPTH_MAX 64
#define VALUES_MAX 1000000

bool sl_change_was_too_large(const char *error)
{
    return error == sl_json_too_many || strcmp(error, "the result is too large") == 0;
}

bool sl_has_other_charset(h2o_iovec_t content_type)
{
    h2o_iovec_t charset = sl_media_charset(content_type);

    return charset.len != 0 && !sl_bytes_equal_fold(charset, SL_LIT("utf-8")) &&
           !sl_bytes_equal_fold(charset, SL_LIT("utf8")) && !sl_bytes_equal_fold(charset, SL_LIT("us-ascii"));
}

bool sl_is_coded(h2o_iovec_t content_encoding)
{
    h2o_iovec_t coding = sl_bytes_trim(content_encoding);

    return coding.len != 0 && !sl_bytes_equal_fold(coding, SL_LIT("identity"));
}

/* --- values for templates --- */

static bool refers_to_body(const sl_body_change_t *change)
{
    for (size_t i = 0; i != change->edit_count; ++i)
        if (change->edits[i].value != NULL &&
            sl_template_refers(change->edits[i].value, SL_LIT("request"), SL_LIT("body")))
            return true;
    return false;
}

/* Reading the request's body is paid for only by those who use it. */
static void prepare_values(const sl_body_change_t *change, h2o_iovec_t json, sl_request_values_t *values)
{
    size_t offset;

    *values = (sl_request_values_t){.exchange = change->exchange};
    if (!refers_to_body(change))
        return;
    if (change->is_request)
        values->has_body = sl_json_index(&values->body, json, NULL, &offset) == NULL;
    else
        sl_request_values_init(values, change->exchange);
}

/* --- the way of a body --- */

static sl_media_limits_t limits_of(const sl_body_change_t *change)
{
    return (sl_media_limits_t){DEPTH_MAX, VALUES_MAX, change->exchange->transform->bytes_max};
}

static const char *edit(const sl_body_change_t *change, h2o_iovec_t json, sl_text_t *out, size_t *offset)
{
    static const sl_json_limits_t limits = {DEPTH_MAX, VALUES_MAX};
    sl_request_values_t values;

    prepare_values(change, json, &values);
    const char *error =
        sl_json_edit(json, change->edits, change->edit_count, &limits, change->exchange->transform->bytes_max,
                     sl_request_values_resolve, &values, out, offset);
    sl_request_values_dispose(&values);
    return error;
}

static const char *to_json(const sl_body_change_t *change, h2o_iovec_t body, sl_text_t *json, size_t *offset)
{
    sl_media_limits_t limits = limits_of(change);

    return change->from == SL_MEDIA_FORM ? sl_form_to_json(body, &limits, json, offset)
                                         : sl_msgpack_to_json(body, &limits, json, offset);
}

static const char *from_json(const sl_body_change_t *change, h2o_iovec_t json, sl_text_t *out, size_t *offset)
{
    sl_media_limits_t limits = limits_of(change);
    sl_text_t edited = {0};
    const char *error = NULL;

    if (change->to != SL_MEDIA_MSGPACK)
        return edit(change, json, out, offset);
    if (change->edit_count != 0) {
        error = edit(change, json, &edited, offset);
        json = sl_bytes(edited.base, edited.size);
    }
    if (error == NULL)
        error = sl_json_to_msgpack(json, &limits, out, offset);
    sl_text_dispose(&edited);
    return error;
}

const char *sl_change_body(const sl_body_change_t *change, h2o_iovec_t body, sl_text_t *out, size_t *offset)
{
    sl_text_t json = {0};

    if (change->from == SL_MEDIA_JSON)
        return from_json(change, body, out, offset);
    const char *error = to_json(change, body, &json, offset);
    if (error == NULL)
        error = from_json(change, sl_bytes(json.base, json.size), out, offset);
    sl_text_dispose(&json);
    return error;
}
