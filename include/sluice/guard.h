/*
 * guard: stands before libh2o's parsers (libh2o.md 2.12, 2.13, 5.3), so that what may be read in two ways, or is meant
 * to wear us out, is refused before anything is made of it.
 *
 * Every request of HTTP/1 is judged while its head is parsed; a refusal waits in the connection for the first stage.
 * HTTP/2 is made safe to offer at all.
 */
#ifndef SLUICE_GUARD_H
#define SLUICE_GUARD_H

#include "sluice/exchange.h"

/* Once per process that serves, before any connection. */
void sl_guard_prepare(void);
/* NULL when every function that the guard needs really stands before the library's; else what is wrong. Without the
 * first, no traffic can be taken; without the second, no HTTP/2. */
const char *sl_guard_http1_obstacle(void);
const char *sl_guard_http2_obstacle(void);
bool sl_guard_http2_is_effective(void);

/* The stage "framing": answers what was refused, `OPTIONS *`, and sets right whether the connection persists. */
sl_verdict_t sl_check_framing(sl_exchange_t *exchange);

/* Will this head be refused whatever its body is? Then it is answered at once, and the body not waited for. Asked only
 * where the body is not here yet. Set once, before any connection, by whoever knows routes and keys; must say yes only
 * to what a stage before "body" will refuse. */
typedef bool (*sl_head_judge_t)(const sl_head_question_t *question);
void sl_guard_set_judge(sl_head_judge_t judge);
/* The stage "body", behind those that may refuse a head alone. */
sl_verdict_t sl_require_body(sl_exchange_t *exchange);

/* Draining: each HTTP/2 connection that receives no upload is told that it is over (the second GOAWAY) and closes after
 * its answers; with `hurry` those that do receive one, too. Call again until all have gone. */
void sl_guard_http2_finish(h2o_context_t *ctx, bool hurry);

#endif
