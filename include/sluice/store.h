/*
 * store: what a worker asks Redis. One link per worker (own connection on h2o_socket_t, hiredis as codec), one more for
 * pushes.
 *
 * A question never calls back before it has returned; an immediate failure is told on the next turn of the loop. Every
 * question has a deadline, kept here. `error` is NULL for well, else a short text for the log ("redis: no answer within
 * 50 ms"); replies are borrowed and die after the callback. Questions of one loop turn leave in one write. While the
 * link is sick or away, questions fail on the next turn without waiting for their deadline.
 */
#ifndef SLUICE_STORE_H
#define SLUICE_STORE_H

#include "sluice/admission.h"
#include "sluice/breaker.h"
#include "sluice/config.h"
#include <h2o.h>

typedef struct sl_store_t sl_store_t;
typedef struct sl_ticket_t sl_ticket_t; /* a question under way; gone once its callback was called */

/* Starts connecting at once and keeps trying: at once after a loss, then after 50 ms .. 0.8 s with jitter, so that a
 * Redis that returns is found within a second. `slot` is where it counts. */
sl_store_t *sl_store_create(h2o_context_t *ctx, const sl_redis_settings_t *settings, sl_worker_slot_t *slot);
/* Fails what is pending (on the spot), closes both links, frees. */
void sl_store_destroy(sl_store_t *store);
bool sl_store_is_ready(const sl_store_t *store);

/* The asker has gone: its callback will not be called. The command itself may still run in Redis. */
void sl_ticket_cancel(sl_ticket_t *ticket);

/* --- admission: lua/admit.lua --- */

typedef struct sl_service_breaker_t sl_service_breaker_t;

typedef struct sl_admission_question_t {
    const char *digest;  /* SL_DIGEST_HEX bytes */
    h2o_iovec_t service; /* one, or those of an aggregate: "search:2 research:1", each with its own limit's units */
    h2o_iovec_t method, scopes;
    uint64_t units;
    const sl_key_settings_t *defaults;
    bool shadow;
    sl_service_breaker_t *breaker; /* not NULL: decide the breaker in the same call (its gate said ASK) */
} sl_admission_question_t;

typedef void (*sl_on_admission_t)(void *asker, const sl_admission_t *admission, const char *error);

/* One request's place in a question: those of one loop turn that ask the same of the same key share one. */
typedef struct sl_seat_t {
    sl_on_admission_t on_admission;
    void *asker;
    /* the store's */
    struct sl_party_t *party;
    h2o_linklist_t in_party;
} sl_seat_t;

/* `seat`, with its first two fields, must stay until it was told or cancelled. */
void sl_store_admit(sl_store_t *store, const sl_admission_question_t *question, sl_seat_t *seat);
void sl_seat_cancel(sl_seat_t *seat); /* as sl_ticket_cancel */

/* Redis has said within the last `for_ms` that there is no record of this key, and would have told of one since. */
bool sl_store_remembers_unknown(sl_store_t *store, const char *digest, uint64_t for_ms);

/* --- circuit breaker: lua/breaker_*.lua --- */

/* The worker's view of a service's breaker, made at first use and kept while the store lives. NULL when the service has
 * none. Until Redis has been read it counts as half-open: its gate says ASK. */
sl_service_breaker_t *sl_store_breaker(sl_store_t *store, const sl_service_t *service);
const sl_breaker_view_t *sl_store_breaker_view(const sl_service_breaker_t *breaker);

/* What a request carries from the gate to its outcome. */
typedef struct sl_pass_t {
    sl_service_breaker_t *breaker; /* NULL: nothing to report */
    uint64_t generation;
    uint64_t probe_id; /* 0: an ordinary request */
} sl_pass_t;

/* Before a request: may it go? PASS: yes, with this pass (also where there is no breaker). ASK: only Redis can tell.
 * REFUSE: not now, as sl_breaker_gate has it. */
sl_gate_t sl_store_gate(sl_service_breaker_t *breaker, uint64_t now_us, sl_pass_t *pass, uint64_t *wait_us);

/* Asks for a pass without admission (open routes, fallbacks). granted false: refused for wait_us. */
typedef void (*sl_on_pass_t)(void *asker, bool granted, const sl_pass_t *pass, uint64_t wait_us, const char *error);
sl_ticket_t *sl_store_ask_pass(sl_store_t *store, sl_service_breaker_t *breaker, sl_on_pass_t on_pass, void *asker);

typedef enum {
    SL_OUTCOME_SUCCESS,
    SL_OUTCOME_FAILURE,
    SL_OUTCOME_UNKNOWN /* the client left, or nothing was asked of the service: a probe's lease is given back */
} sl_outcome_t;
/* Fire and forget; clears pass->breaker, so calling twice does no harm. */
void sl_store_settle(sl_store_t *store, sl_pass_t *pass, sl_outcome_t outcome);

/* --- versions: lua/count_version.lua --- */

/* One call of a version ("route/version"; copied) by a key, or by nobody known (NULL). Gathered, and told once a
 * second.
 */
void sl_store_count_version(sl_store_t *store, h2o_iovec_t label, const char *digest, uint64_t now_us);

#endif
