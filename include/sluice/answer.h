/*
 * answer: everything the gateway says itself, as application/problem+json (RFC 9457). One row per answer: identifier,
 * status, word, short text, sentence. The word is the log's `reason` and ends the problem's type URI
 * ("urn:sluice:problem:no_key"); 429 uses the registered type of the rate limit draft.
 */
#ifndef SLUICE_ANSWER_H
#define SLUICE_ANSWER_H

#include "sluice/exchange.h"

#define SL_ANSWERS(X)                                                                                                  \
    X(TO_HTTPS, 308, "to_https", "Moved to https", "This address only leads to the same URL as https.")                \
    X(BAD_REQUEST, 400, "bad_request", "Bad request", "The request is not well-formed HTTP.")                          \
    X(BAD_PATH, 400, "bad_path", "Bad path", "The request target is not a valid path.")                                \
    X(BAD_BODY, 400, "bad_body", "Bad request body", "The request body is not what it says.")                          \
    X(BAD_INPUT, 400, "bad_input", "Bad request", "The request lacks what a part of the answer is asked with.")        \
    X(BAD_VERSION, 400, "bad_version", "No known version", "The request must name a version of this endpoint.")        \
    X(NO_KEY, 401, "no_key", "API key required", "This endpoint needs an API key.")                                    \
    X(TWO_KEYS, 401, "two_keys", "Two different API keys", "The request carries more than one API key; send one.")     \
    X(UNKNOWN_KEY, 401, "unknown_key", "Invalid API key", "This API key is not known.")                                \
    X(DISABLED_KEY, 401, "disabled_key", "API key disabled", "This API key is disabled.")                              \
    X(EXPIRED_KEY, 401, "expired_key", "API key expired", "This API key has expired.")                                 \
    X(NO_SERVICE_RIGHT, 403, "service_forbidden", "Service not allowed", "This API key has no right to this service.") \
    X(NO_METHOD_RIGHT, 403, "method_forbidden", "Method not allowed for this key",                                     \
      "This API key has no right to this method.")                                                                     \
    X(NO_SCOPE, 403, "scope_missing", "Scope missing", "This API key lacks a scope that this endpoint needs.")         \
    X(NO_ROUTE, 404, "no_route", "Unknown service", "No route matches this request.")                                  \
    X(NO_VERSION, 404, "no_version", "Unknown version", "There is no such version of this endpoint.")                  \
    X(NO_METHOD, 405, "method_not_allowed", "Method not allowed", "This path does not take this method.")              \
    X(NOT_ACCEPTABLE, 406, "not_acceptable", "Not acceptable",                                                         \
      "This answer can be had as JSON or as MessagePack, and Accept names neither.")                                   \
    X(REQUEST_TIMEOUT, 408, "request_timeout", "Request timeout", "The request did not arrive fast enough.")           \
    X(VERSION_GONE, 410, "version_gone", "Version gone", "This version of the endpoint has ended.")                    \
    X(VERSION_BROWNOUT, 410, "version_brownout", "Version going",                                                      \
      "This version of the endpoint will end; for a stated time some of its requests are refused on trial.")           \
    X(BODY_TOO_LARGE, 413, "body_too_large", "Body too large", "The request body is larger than this endpoint takes.") \
    X(TARGET_TOO_LONG, 414, "target_too_long", "Request target too long",                                              \
      "The request target is longer than this gateway takes.")                                                         \
    X(BAD_MEDIA, 415, "bad_media", "Unsupported media type", "The request body is coded in a way that is not read.")   \
    X(EXPECTATION, 417, "expectation_failed", "Expectation failed", "Only 'Expect: 100-continue' is understood.")      \
    X(LIMITED, 429, "limited", "Rate limit exceeded", "Too many requests with this API key.")                          \
    X(HEAD_TOO_LARGE, 431, "head_too_large", "Request header fields too large",                                        \
      "The request's header fields are larger than this gateway takes.")                                               \
    X(CLIENT_LEFT, 499, "client_left", "Client closed request", "The client left before the answer was ready.")        \
    X(INTERNAL, 500, "internal", "Internal error", "The gateway could not handle this request.")                       \
    X(UNKNOWN_CODING, 501, "unknown_coding", "Unknown transfer coding",                                                \
      "Only the transfer coding 'chunked' is understood.")                                                             \
    X(UPSTREAM_BROKEN, 502, "upstream_broken", "Bad gateway", "The service gave no valid answer.")                     \
    X(UPSTREAM_REFUSED, 502, "upstream_refused", "Bad gateway", "The service cannot be reached.")                      \
    X(ANSWER_TOO_LARGE, 502, "answer_too_large", "Bad gateway", "The service's answer is larger than can be changed.") \
    X(PART_FAILED, 502, "part_failed", "Bad gateway", "A part of this answer could not be had.")                       \
    X(NOT_COMPOSED, 502, "not_composed", "Bad gateway", "The parts of this answer do not fit together.")               \
    X(BROKEN_RECORD, 503, "broken_record", "Service unavailable",                                                      \
      "The record of this API key cannot be read; its administrator has been told.")                                   \
    X(NO_REDIS, 503, "redis_unavailable", "Service unavailable",                                                       \
      "The gateway cannot check API keys and limits just now.")                                                        \
    X(BREAKER_OPEN, 503, "breaker_open", "Service unavailable",                                                        \
      "The service is failing and is being left alone for a while.")                                                   \
    X(OVERLOADED, 503, "overloaded", "Service unavailable", "The gateway has as much to do as it takes; try again.")   \
    X(SHUTTING_DOWN, 503, "shutting_down", "Service unavailable", "This connection is being closed.")                  \
    X(UPSTREAM_TIMEOUT, 504, "upstream_timeout", "Gateway timeout", "The service did not answer in time.")             \
    X(HTTP_VERSION, 505, "http_version", "HTTP version not supported", "Only HTTP/1.0 and HTTP/1.1 are spoken here.")

/* X(word, means): the log's `reason` where no answer of the gateway's own was sent. */
#define SL_OTHER_REASONS(X)                                                                                            \
    X("proxied", "The service's answer went to the client.")                                                           \
    X("aggregated", "An answer was made of several services'; `detail` names the parts that failed.")                  \
    X("fallback", "The breaker is open, and the route's fallback answered.")                                           \
    X("health", "The health answer.")                                                                                  \
    X("options", "`OPTIONS *`, or OPTIONS with `Max-Forwards: 0`, answered by the gateway.")                           \
    X("upstream_cut", "The service broke off in the middle of its answer, and so did the gateway.")                    \
    X("client_stalled", "The client took its answer too slowly and was cut off (limits.stall, limits.body_rate).")

typedef enum {
#define X(id, status, word, title, text) SL_ANSWER_##id,
    SL_ANSWERS(X)
#undef X
        SL_ANSWER_COUNT
} sl_answer_id_t;

/* What an answer may add to its row; all zero: nothing. */
typedef struct sl_answer_details_t {
    h2o_iovec_t text;       /* instead of the row's sentence */
    const char *service;    /* member `service` */
    const char *part;       /* member `part`: the call of an aggregate that failed */
    uint64_t retry_after_s; /* Retry-After and member `retry_after`; 0: none */
    bool has_limits;        /* members `remaining`, `violated_policies` from exchange->admission */
    const char *log_detail; /* for the log only */
} sl_answer_details_t;

/* Begins and completes the answer: the exchange may be gone afterwards. Always SL_ANSWERED, so that a stage can `return
 * sl_answer(...)`. */
sl_verdict_t sl_answer(sl_exchange_t *exchange, sl_answer_id_t id, const sl_answer_details_t *details);
/* The same, and the connection is closed after it. */
sl_verdict_t sl_answer_and_close(sl_exchange_t *exchange, sl_answer_id_t id, const sl_answer_details_t *details);

/* An answer of ours that is no problem: begins and completes it as above. `body` lives as long as the request; without
 * one there is no Content-Type either. */
sl_verdict_t sl_answer_send(sl_exchange_t *exchange, int status, h2o_iovec_t content_type, h2o_iovec_t body);

int sl_answer_status(sl_answer_id_t id);
const char *sl_answer_word(sl_answer_id_t id);
/* The row for a status that libh2o answered by itself. */
sl_answer_id_t sl_answer_for_status(int status);
/* The problem body of a row, in the request's pool; fills status, reason word and the content type, and sends nothing.
 */
h2o_iovec_t sl_answer_compose(sl_exchange_t *exchange, sl_answer_id_t id, const sl_answer_details_t *details);

/* Reason phrase of a status (RFC 9110 §15). */
const char *sl_reason_phrase(int status);

#endif
