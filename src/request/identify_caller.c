/*
 * identify_caller: which API key does this request carry?
 *
 *   in   exchange->route, the key header, the query parameter, Authorization: Bearer
 *   out  exchange->caller.digest, or an answer 401
 *
 * Only the digest goes on from here: the key itself is neither kept nor logged. Two places may carry the key, but they
 * must agree: guessing which one was meant would let one policy check the first and another one the last.
 */
#include "request.h"
#include "sluice/answer.h"
#include "sluice/path.h"
#include "sluice/stages.h"

typedef struct candidates_t {
    h2o_iovec_t key;
    bool disagree;
} candidates_t;

static void consider(candidates_t *candidates, h2o_iovec_t key)
{
    key = sl_bytes_trim(key);
    if (key.len == 0)
        return;
    if (candidates->key.len != 0 && !sl_bytes_equal(candidates->key, key))
        candidates->disagree = true;
    candidates->key = key;
}

static void consider_headers(sl_exchange_t *exchange, candidates_t *candidates)
{
    const h2o_headers_t *headers = &exchange->req->headers;
    h2o_iovec_t name = sl_bytes_of(exchange->config->keys.header);

    for (size_t i = 0; i != headers->size; ++i)
        if (sl_bytes_equal_fold(*headers->entries[i].name, name))
            consider(candidates, headers->entries[i].value);
}

static void consider_bearer(sl_exchange_t *exchange, candidates_t *candidates)
{
    const h2o_headers_t *headers = &exchange->req->headers;
    ssize_t index = -1;

    while ((index = h2o_find_header(headers, H2O_TOKEN_AUTHORIZATION, index)) != -1) {
        h2o_iovec_t value = headers->entries[index].value;
        if (value.len > 7 && strncasecmp(value.base, "Bearer ", 7) == 0)
            consider(candidates, sl_bytes(value.base + 7, value.len - 7));
    }
}

static void consider_query(sl_exchange_t *exchange, candidates_t *candidates)
{
    h2o_iovec_t name = sl_bytes_of(exchange->config->keys.query), rest = exchange->query, found;

    while ((found = sl_query_find(rest, name)).base != NULL) {
        h2o_iovec_t key = {h2o_mem_alloc_pool(&exchange->req->pool, found.len + 1), 0};
        if (sl_query_decode(found, key.base, &key.len))
            consider(candidates, key);
        const char *end = rest.base + rest.len;
        rest = sl_bytes(found.base + found.len, (size_t)(end - (found.base + found.len)));
    }
}

void sl_add_challenge(sl_exchange_t *exchange)
{
    h2o_req_t *req = exchange->req;
    h2o_iovec_t realm = sl_bytes_of(exchange->config->keys.realm);
    h2o_iovec_t value = h2o_concat(&req->pool, SL_LIT("Key realm=\""), realm, SL_LIT("\""));

    h2o_add_header_by_str(&req->pool, &req->res.headers, H2O_STRLIT("www-authenticate"), 0, "WWW-Authenticate",
                          value.base, value.len);
}

static sl_verdict_t refuse(sl_exchange_t *exchange, sl_answer_id_t answer)
{
    exchange->outcome = SL_ADMISSION_NO_KEY;
    sl_add_challenge(exchange);
    return sl_answer(exchange, answer, NULL);
}

sl_key_finding_t sl_find_key(sl_exchange_t *exchange)
{
    const sl_key_settings_t *settings = &exchange->config->keys;
    candidates_t candidates = {{NULL, 0}, false};

    consider_headers(exchange, &candidates);
    if (settings->bearer)
        consider_bearer(exchange, &candidates);
    if (settings->query != NULL)
        consider_query(exchange, &candidates);

    if (candidates.key.len == 0)
        return SL_KEY_NONE;
    if (candidates.disagree)
        return SL_KEY_AMBIGUOUS;
    exchange->caller.has_key = true;
    sl_digest_key(settings->pepper, candidates.key, exchange->caller.digest);
    return SL_KEY_FOUND;
}

sl_verdict_t sl_identify_caller(sl_exchange_t *exchange)
{
    sl_key_finding_t finding = exchange->route->needs_key ? sl_find_key(exchange) : SL_KEY_FOUND;

    if (finding == SL_KEY_FOUND)
        return SL_NEXT;
    return refuse(exchange, finding == SL_KEY_NONE ? SL_ANSWER_NO_KEY : SL_ANSWER_TWO_KEYS);
}
