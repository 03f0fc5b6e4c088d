/* What the stages of this room share. */
#ifndef SLUICE_REQUEST_ROOM_H
#define SLUICE_REQUEST_ROOM_H

#include "sluice/exchange.h"
#include "sluice/preview.h"

/* find_route.c: fills authority, path, query, host, and route and service when there is one. NULL for well, else what
 * is wrong with the target. */
const char *sl_match_route(sl_exchange_t *exchange, sl_request_line_t *line, sl_route_match_t *match);
/* identify_caller.c: looks wherever a key may stand, and fills the caller's digest. */
sl_key_finding_t sl_find_key(sl_exchange_t *exchange);

/* redirect.c: the request's URL as https; len 0: it names no host. */
h2o_iovec_t sl_https_url(sl_exchange_t *exchange, uint64_t port);

/* find_version.c: what the request asks for (base NULL: nothing; false: two different ones), and the version of that
 * name; without a wish the initial one. NULL: there is none. */
bool sl_version_wish(sl_exchange_t *exchange, h2o_iovec_t *wish);
const sl_version_t *sl_version_called(const sl_versions_t *versions, h2o_iovec_t wish);
/* Fills version, transform and, where it has its own, service. NULL: what the route itself says. */
void sl_version_take(sl_exchange_t *exchange, const sl_version_t *version);

/* count_hops.c: OPTIONS and TRACE that nobody may pass on any more; what a field (lower-case name) says to the next. */
bool sl_is_last_hop(const sl_exchange_t *exchange);
h2o_iovec_t sl_hops_left(sl_exchange_t *exchange, h2o_iovec_t name, h2o_iovec_t value);

/* identify_caller.c: WWW-Authenticate for a 401 (RFC 9110 §11.6.1). */
void sl_add_challenge(sl_exchange_t *exchange);

/* check_breaker.c: the breaker of exchange->service refuses: 503, or (NEXT) the route's fallback takes over in forward.
 */
sl_verdict_t sl_breaker_refuses(sl_exchange_t *exchange, uint64_t wait_us);
/* admit.c: Redis did not answer well. */
sl_verdict_t sl_answer_without_redis(sl_exchange_t *exchange, const char *error);

/* forward_head.c: the target and the header lines that the service gets; all in the request's pool. */
h2o_iovec_t sl_forward_target(sl_exchange_t *exchange);
h2o_iovec_t sl_forward_headers(sl_exchange_t *exchange);
/* What every call of an aggregate gets of them: nothing that speaks of a body or of its form, and no trace context. */
h2o_iovec_t sl_forward_common_headers(sl_exchange_t *exchange);
/* Is this the field (lower-case name) by which the caller's key came, and stays here? */
bool sl_carries_key(const sl_exchange_t *exchange, h2o_iovec_t name, h2o_iovec_t value);
/* Fields that speak of one connection only, by lower-case name (RFC 9110 §7.6.1). `connection` is the value of the
 * Connection field, which may name more. */
bool sl_is_hop_by_hop(h2o_iovec_t name, h2o_iovec_t connection);
/* A Connection field that says no more than that: it names nothing that sl_is_hop_by_hop would not know anyway. */
bool sl_is_keep_alive(h2o_iovec_t connection);

/* relay.c: sends the request to exchange->service and its answer to the client. Always SL_ANSWERED. */
sl_verdict_t sl_relay_start(sl_exchange_t *exchange);

/* fields.c, names in lower case: a list from all lines (base NULL: absent), and a field of one value (base NULL:
 * absent); false when it came with two different ones. */
h2o_iovec_t sl_list_field(const sl_exchange_t *exchange, h2o_iovec_t name);
bool sl_single_field(const sl_exchange_t *exchange, h2o_iovec_t name, h2o_iovec_t *value);

/* choose_shape.c: the front end's form of the answer, NULL for the route's own; names in Vary what it was chosen by. */
const sl_shape_t *sl_choose_shape(sl_exchange_t *exchange);
/* The same, and nothing is named. */
const sl_shape_t *sl_find_shape(const sl_exchange_t *exchange);
/* Bit i: the aggregate's calls[i] is made for this request. */
uint64_t sl_calls_wanted(const sl_exchange_t *exchange);

/* aggregate_rights.c: what admission asks the key for. */
h2o_iovec_t sl_aggregate_services(sl_exchange_t *exchange);
uint64_t sl_aggregate_units(const sl_exchange_t *exchange);
/* What a call takes of a key's limit for its service. */
uint64_t sl_call_service_units(const sl_call_plan_t *call);

/* fall_back.c: what the route offers while its service is left alone. */
sl_verdict_t sl_fall_back(sl_exchange_t *exchange);

#endif
