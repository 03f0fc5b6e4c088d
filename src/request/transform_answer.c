/*
 * transform_answer: the service's answer as the client wants it: operations on its JSON, JSON or MessagePack as Accept
 * says (RFC 9110 §12.5.1).
 *
 * It is the relay's business and no step of the way out, because only a head that has not been sent can still get a
 * length, or become a 502. What is not understood passes as it came, with a word in the log; so do coded answers and
 * ranges, which are not asked for here (forward_head.c). Of a changed answer a strong validator would lie, and so would
 * a digest: the first becomes weak, the others go.
 */
#include "sluice/method.h"
#include "transform.h"

/* Names of MessagePack that clients use, in the order in which they are offered. */
static const h2o_iovec_t json_name = {H2O_STRLIT("application/json")};
static const h2o_iovec_t msgpack_names[] = {{H2O_STRLIT("application/msgpack")},
                                            {H2O_STRLIT("application/vnd.msgpack")},
                                            {H2O_STRLIT("application/x-msgpack")}};
enum { MSGPACK_NAMES = sizeof(msgpack_names) / sizeof(msgpack_names[0]), OFFERS = MSGPACK_NAMES + 2 };

bool sl_changes_answers(const sl_transform_t *transform)
{
    return transform != NULL && (transform->response_edit_count != 0 || transform->json_to_service);
}

/* What JSON is called: as the service calls it ("application/problem+json"), and plainly. */
static int negotiate(const sl_exchange_t *exchange, h2o_iovec_t called, h2o_iovec_t *chosen)
{
    const h2o_iovec_t offers[OFFERS] = {called, json_name, msgpack_names[0], msgpack_names[1], msgpack_names[2]};
    h2o_iovec_t accept = sl_list_field(exchange, SL_LIT("accept"));
    int best = sl_media_negotiate(accept, offers, OFFERS);

    if (best >= 0)
        *chosen = offers[best];
    return best;
}

static bool is_msgpack(int offer)
{
    return offer >= OFFERS - MSGPACK_NAMES;
}

bool sl_wants_msgpack(const sl_exchange_t *exchange)
{
    h2o_iovec_t chosen;

    return exchange->transform != NULL && exchange->transform->json_to_service &&
           is_msgpack(negotiate(exchange, json_name, &chosen));
}

/* --- fields of the answer --- */

static h2o_iovec_t find(const h2o_req_t *req, const char *name, size_t len)
{
    ssize_t at = h2o_find_header_by_str(&req->res.headers, name, len, -1);

    return at != -1 ? req->res.headers.entries[at].value : SL_LIT("");
}

static void drop(h2o_req_t *req, const char *name, size_t len)
{
    for (ssize_t at; (at = h2o_find_header_by_str(&req->res.headers, name, len, -1)) != -1;)
        h2o_delete_header(&req->res.headers, at);
}

static void weaken_tag(h2o_req_t *req)
{
    ssize_t at = h2o_find_header_by_str(&req->res.headers, H2O_STRLIT("etag"), -1);

    if (at == -1 || req->res.headers.entries[at].value.len == 0 || req->res.headers.entries[at].value.base[0] != '"')
        return;
    h2o_iovec_t *value = &req->res.headers.entries[at].value;
    *value = h2o_concat(&req->pool, SL_LIT("W/"), *value);
}

/* What no longer holds of the body. */
static void drop_claims(h2o_req_t *req)
{
    static const h2o_iovec_t claims[] = {{H2O_STRLIT("content-md5")},
                                         {H2O_STRLIT("digest")},
                                         {H2O_STRLIT("content-digest")},
                                         {H2O_STRLIT("repr-digest")},
                                         {H2O_STRLIT("accept-ranges")}};

    for (size_t i = 0; i != sizeof(claims) / sizeof(claims[0]); ++i)
        drop(req, claims[i].base, claims[i].len);
    weaken_tag(req);
}

static void correct_head(sl_exchange_t *exchange, const sl_answer_change_t *change, size_t length)
{
    h2o_req_t *req = exchange->req;

    drop_claims(req);
    req->res.content_length = length;
    drop(req, H2O_STRLIT("content-type"));
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, change->content_type.base,
                   change->content_type.len);
}

/* --- the plan --- */

/* The type without its parameters. */
static h2o_iovec_t essence(h2o_iovec_t content_type)
{
    const char *semicolon = content_type.len != 0 ? memchr(content_type.base, ';', content_type.len) : NULL;

    return semicolon == NULL ? content_type
                             : sl_bytes_trim(sl_bytes(content_type.base, (size_t)(semicolon - content_type.base)));
}

/* Once something was done, or for the bad news that an error is, a form that was not asked for is better than none. */
static bool may_refuse(const sl_exchange_t *exchange)
{
    return exchange->req->res.status < 300 && sl_is_get_or_head(exchange->req->method);
}

static bool choose_form(const sl_exchange_t *exchange, sl_answer_change_t *change)
{
    h2o_iovec_t came = change->content_type, chosen;

    change->to = change->from;
    if (!exchange->transform->json_to_service)
        return true;
    int offer = negotiate(exchange, change->from == SL_MEDIA_JSON ? essence(came) : json_name, &chosen);
    if (offer < 0)
        return !may_refuse(exchange);
    change->to = is_msgpack(offer) ? SL_MEDIA_MSGPACK : SL_MEDIA_JSON;
    if (change->to != change->from)
        change->content_type = sl_exchange_copy((sl_exchange_t *)exchange, chosen);
    return true;
}

static sl_answer_fate_t refuse(sl_answer_change_t *change, sl_answer_id_t answer)
{
    change->refusal = answer;
    return SL_FATE_REFUSED;
}

/* NULL: it can be changed; "": nobody needs to be told why not. */
static const char *why_untouched(const h2o_req_t *req, const sl_transform_t *transform,
                                 const sl_answer_change_t *change)
{
    if (req->res.status == 206)
        return "answer_is_a_range";
    if (change->from != SL_MEDIA_JSON && (change->from != SL_MEDIA_MSGPACK || !transform->json_to_service))
        return "";
    if (sl_is_coded(find(req, H2O_STRLIT("content-encoding"))))
        return "answer_is_coded";
    return sl_has_other_charset(change->content_type) ? "answer_not_utf8" : NULL;
}

static sl_answer_fate_t pass(sl_exchange_t *exchange, const char *why)
{
    if (why[0] != '\0')
        exchange->detail = why;
    return SL_FATE_PASSES;
}

sl_answer_fate_t sl_answer_plan(sl_exchange_t *exchange, sl_answer_change_t *change)
{
    h2o_req_t *req = exchange->req;
    const sl_transform_t *transform = exchange->transform;

    if (!sl_changes_answers(transform))
        return SL_FATE_PASSES;
    if (req->res.status == 304)
        weaken_tag(req); /* as the 200 had it */
    if (req->res.status == 304 || req->res.status == 204)
        return SL_FATE_PASSES;
    change->content_type = find(req, H2O_STRLIT("content-type"));
    change->from = sl_media_of(change->content_type);
    const char *why = why_untouched(req, transform, change);
    if (why != NULL)
        return pass(exchange, why);
    if (!choose_form(exchange, change))
        return refuse(change, SL_ANSWER_NOT_ACCEPTABLE);
    if (change->from == change->to && transform->response_edit_count == 0)
        return SL_FATE_PASSES;
    if (sl_is_head(req->method)) {
        correct_head(exchange, change, SIZE_MAX);
        return SL_FATE_PASSES;
    }
    if (req->res.content_length != SIZE_MAX && req->res.content_length > transform->bytes_max)
        return refuse(change, SL_ANSWER_ANSWER_TOO_LARGE);
    return SL_FATE_HELD;
}

/* --- the body --- */

static const char *change_body(sl_exchange_t *exchange, const sl_answer_change_t *change, h2o_iovec_t body,
                               sl_text_t *out)
{
    const sl_transform_t *transform = exchange->transform;
    sl_body_change_t way = {.exchange = exchange,
                            .from = change->from,
                            .to = change->to,
                            .edits = transform->response_edits,
                            .edit_count = transform->response_edit_count};
    size_t offset;

    return sl_change_body(&way, body, out, &offset);
}

/* A number that MessagePack cannot hold must not undo the operations: the client gets them as JSON. */
static const char *change_to_json_instead(sl_exchange_t *exchange, sl_answer_change_t *change, h2o_iovec_t body,
                                          sl_text_t *out)
{
    change->to = SL_MEDIA_JSON;
    change->content_type = find(exchange->req, H2O_STRLIT("content-type"));
    const char *error = change_body(exchange, change, body, out);
    if (error == NULL)
        exchange->detail = "answer_stays_json";
    return error;
}

sl_answer_fate_t sl_answer_apply(sl_exchange_t *exchange, sl_answer_change_t *change, h2o_iovec_t body, sl_text_t *out)
{
    if (body.len == 0)
        return SL_FATE_PASSES;
    const char *error = change_body(exchange, change, body, out);
    if (error != NULL && !sl_change_was_too_large(error) && change->from == SL_MEDIA_JSON &&
        change->to == SL_MEDIA_MSGPACK)
        error = change_to_json_instead(exchange, change, body, out);
    if (error == NULL) {
        correct_head(exchange, change, out->size);
        return SL_FATE_HELD;
    }
    if (sl_change_was_too_large(error))
        return refuse(change, SL_ANSWER_ANSWER_TOO_LARGE);
    return pass(exchange, change->from == SL_MEDIA_JSON ? "answer_not_json" : "answer_not_messagepack");
}
