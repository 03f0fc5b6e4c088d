/*
 * explain: what the parts of `sluice explain` know of each other. Each tells one part of the story into the outline.
 *
 * explain.c goes through the parts, and these know explain_outcome.c and explain_masked.c below them, not each other.
 */
#ifndef SLUICE_CLI_EXPLAIN_H
#define SLUICE_CLI_EXPLAIN_H

#include "outline.h"
#include "redis_session.h"
#include "sluice/preview.h"

typedef struct sl_explain_t {
    sl_session_t session; /* redis NULL: it cannot be asked */
    sl_exchange_t *exchange;
    sl_outline_t outline;
    sl_route_match_t match;
    bool was_routed;     /* a route was looked for */
    const char *refusal; /* the first reason why the request would not be served; NULL: none so far */
    int status;          /* of that answer */
    bool is_unsure;      /* Redis would have to be asked */
} sl_explain_t;

/* --- below --- */

/* explain_outcome.c: notes why the request would not be served, the first time that it is called ... */
void sl_explain_refuse(sl_explain_t *explain, int status, const char *why);
/* ... and puts what came of it in front of the outline, which has ended. */
void sl_explain_outcome(sl_explain_t *explain);
/* explain_masked.c: the header lines that a service gets; of an aggregate those that each of its calls begins with.
 * JSON, and a query, are told without the values whose names say that they are secrets. */
void sl_explain_headers(sl_explain_t *explain, const char *name);
void sl_explain_json(sl_explain_t *explain, const char *name, h2o_iovec_t json);
void sl_explain_query(sl_explain_t *explain, h2o_iovec_t query, sl_text_t *out);

/* --- the parts, in their order --- */

/* explain_request.c: what was asked. False when it is answered before any route is looked at. */
bool sl_explain_request(sl_explain_t *explain);
/* explain_route.c: the route; false when there is none. And, behind everything else, why no other. */
bool sl_explain_route(sl_explain_t *explain);
void sl_explain_other_routes(sl_explain_t *explain);
/* explain_version.c: which version, and by what. */
void sl_explain_version(sl_explain_t *explain);
/* explain_limits.c: the key, its limits, the breakers. */
void sl_explain_limits(sl_explain_t *explain);
/* explain_forward.c: what one service would get. */
void sl_explain_forward(sl_explain_t *explain);
/* explain_aggregate.c: the graph of calls, what each would be asked, the form of the answer. */
void sl_explain_aggregate(sl_explain_t *explain);

#endif
