/*
 * transform_request: the request as its service wants it.
 *
 *   in   exchange->transform, query, the request's body
 *   out  exchange->changed; or an answer 400 (the body is not what it says), 413 (too large to be held), 415 (coded or
 *        in a charset that is not read)
 *
 * It stands behind admission: nobody without a right makes the gateway read documents. Bodies that nothing is to be
 * done to are not looked at, whatever they are.
 */
#include "sluice/stages.h"
#include "transform.h"

static h2o_iovec_t field(const sl_exchange_t *exchange, const char *name, size_t len)
{
    h2o_iovec_t value = sl_exchange_header(exchange, name, len);

    return value.base != NULL ? value : SL_LIT("");
}

bool sl_must_change_request(const sl_transform_t *transform, sl_media_t media)
{
    switch (media) {
    case SL_MEDIA_JSON:
        return transform->request_edit_count != 0;
    case SL_MEDIA_MSGPACK:
        return transform->json_to_service;
    case SL_MEDIA_FORM:
        return transform->form_to_json;
    case SL_MEDIA_OTHER:
    default:
        return false;
    }
}

static bool reads_any_request(const sl_transform_t *transform)
{
    return transform->request_edit_count != 0 || transform->json_to_service || transform->form_to_json;
}

const char *sl_request_coding_problem(const sl_exchange_t *exchange, sl_media_t media)
{
    const sl_transform_t *transform = exchange->transform;
    h2o_iovec_t content_type = field(exchange, H2O_STRLIT("content-type"));

    if (exchange->req->entity.len == 0)
        return NULL;
    if (reads_any_request(transform) && !sl_single_field(exchange, SL_LIT("content-type"), &content_type))
        return "This endpoint reads the request body, which must have one Content-Type.";
    if (!sl_must_change_request(transform, media))
        return NULL;
    if (sl_is_coded(field(exchange, H2O_STRLIT("content-encoding"))))
        return "This endpoint reads the request body, which must have no Content-Encoding.";
    if (sl_has_other_charset(content_type))
        return "This endpoint reads the request body, which must be in UTF-8.";
    return NULL;
}

static sl_verdict_t refuse_body(sl_exchange_t *exchange, sl_media_t media, const char *error, size_t offset)
{
    static const char *const names[] = {[SL_MEDIA_OTHER] = "body",
                                        [SL_MEDIA_JSON] = "JSON",
                                        [SL_MEDIA_MSGPACK] = "MessagePack",
                                        [SL_MEDIA_FORM] = "form"};
    char text[256];

    if (sl_change_was_too_large(error))
        return sl_answer(exchange, SL_ANSWER_BODY_TOO_LARGE, &(sl_answer_details_t){.log_detail = error});
    int len = snprintf(text, sizeof(text), "The request body is not the %s that it says, at byte %zu: %s.",
                       names[media], offset, error);
    h2o_iovec_t copy = sl_exchange_copy(exchange, sl_bytes(text, (size_t)len < sizeof(text) ? (size_t)len : 0));
    return sl_answer(exchange, SL_ANSWER_BAD_BODY, &(sl_answer_details_t){.text = copy, .log_detail = error});
}

const char *sl_change_request(sl_exchange_t *exchange, sl_media_t media, size_t *offset)
{
    const sl_transform_t *transform = exchange->transform;
    sl_body_change_t change = {.exchange = exchange,
                               .from = media,
                               .to = SL_MEDIA_JSON,
                               .edits = transform->request_edits,
                               .edit_count = transform->request_edit_count,
                               .is_request = true};
    sl_text_t out = {0};

    *offset = 0;
    const char *error = sl_change_body(&change, exchange->req->entity, &out, offset);
    if (error == NULL) {
        exchange->changed.body = sl_exchange_copy(exchange, sl_bytes(out.base, out.size));
        exchange->changed.content_type =
            media == SL_MEDIA_JSON ? field(exchange, H2O_STRLIT("content-type")) : SL_LIT("application/json");
    }
    sl_text_dispose(&out);
    return error;
}

sl_verdict_t sl_transform_request(sl_exchange_t *exchange)
{
    const sl_transform_t *transform = exchange->transform;
    size_t len = exchange->req->entity.len, offset;

    if (transform == NULL)
        return SL_NEXT;
    sl_transform_query(exchange);
    sl_media_t media = sl_media_of(field(exchange, H2O_STRLIT("content-type")));
    const char *coding = sl_request_coding_problem(exchange, media);
    if (coding != NULL)
        return sl_answer(exchange, SL_ANSWER_BAD_MEDIA, &(sl_answer_details_t){.text = sl_bytes_of(coding)});
    if (len == 0 || !sl_must_change_request(transform, media))
        return SL_NEXT;
    if (len > transform->bytes_max)
        return sl_answer(exchange, SL_ANSWER_BODY_TOO_LARGE, &(sl_answer_details_t){.log_detail = "transform"});
    const char *error = sl_change_request(exchange, media, &offset);
    return error == NULL ? SL_NEXT : refuse_body(exchange, media, error, offset);
}
