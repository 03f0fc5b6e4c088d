/*
 * compose: runs the calls of an aggregate as a graph and keeps their answers for the template that is filled in from
 * them. It knows nothing of clients and exchanges: what it asks with comes as a resolver and as ready header lines.
 *
 * A call starts the moment the last of the calls it refers to has settled, well or not: what did not do well is its
 * `default`, or unknown. A part has done well when every answer was 2xx and JSON (or had no body). When a required part
 * fails, the rest is called off and the end is told at once.
 */
#ifndef SLUICE_COMPOSE_H
#define SLUICE_COMPOSE_H

#include "sluice/config.h"
#include "sluice/store.h"
#include "sluice/upstream.h"

/* X(identifier, word, what the part did): why a part has no answer. The word stands in `_meta`, log and problem. */
#define SL_PART_ERRORS(X)                                                                                              \
    X(STATUS, "status", "answered with an error")                                                                      \
    X(TIMEOUT, "timeout", "did not answer in time")                                                                    \
    X(REFUSED, "refused", "could not be reached")                                                                      \
    X(BROKEN, "broken", "broke off or broke HTTP")                                                                     \
    X(NOT_JSON, "not_json", "answered something that is not JSON")                                                     \
    X(TOO_DEEP, "too_deep", "answered JSON of more depth or values than are taken")                                    \
    X(TOO_LARGE, "too_large", "answered more than is taken")                                                           \
    X(BREAKER_OPEN, "breaker_open", "is being left alone for a while")                                                 \
    X(NO_REDIS, "redis_unavailable", "could not be asked without Redis")                                               \
    X(LIMITED, "limited", "would have cost more than the limits of the key have left")                                 \
    X(NOT_ALLOWED, "not_allowed", "is no longer allowed to the key")                                                   \
    X(BAD_INPUT, "bad_input", "could not be asked with what there was to ask with")                                    \
    X(NOT_A_LIST, "not_a_list", "was to be asked for each element of what is no array")                                \
    X(TOO_MANY, "too_many", "was to be asked for more elements than allowed")

typedef enum {
    SL_PART_WELL,
#define X(id, word, text) SL_PART_##id,
    SL_PART_ERRORS(X)
#undef X
        SL_PART_ERROR_COUNT
} sl_part_error_t;

const char *sl_part_error_word(sl_part_error_t error);
const char *sl_part_error_text(sl_part_error_t error);

/* How a call, or all calls of a for_each together, went. */
typedef struct sl_part_report_t {
    sl_part_error_t error;
    int status;           /* of the service's answer, for a for_each of its first bad one; 0: none */
    uint64_t us;          /* from its start to its end */
    uint64_t wait_us;     /* BREAKER_OPEN, LIMITED: until asking again can help; 0: unknown, or never */
    size_t count, failed; /* for_each: its elements, and how many did not do well; count 0: no for_each */
} sl_part_report_t;

typedef struct sl_compose_env_t {
    h2o_context_t *ctx;
    sl_upstream_t *upstream;
    sl_store_t *store;
    sl_worker_slot_t *slot;
    size_t *index_bytes; /* the worker's: the run adds what its own indexes take, for as long as it has them */
} sl_compose_env_t;

/* A question about money, asked before the elements of a for_each are: WELL lets them go. */
typedef void (*sl_on_paid_t)(void *part, sl_part_error_t error, uint64_t wait_us);

typedef struct sl_compose_request_t {
    const sl_aggregate_t *aggregate; /* all that is pointed to outlives the run */
    uint64_t calls;                  /* bit i: calls[i] is made; what is not needs none, and is unknown */
    sl_template_resolve_t resolve;   /* the sources that are no calls: request, caller */
    void *data;
    /* Pays for `count` calls beyond the first of a for_each; NULL: they are free. on_paid comes once, and never before
     * this has returned, nor after the seat was cancelled. */
    sl_seat_t *(*pay)(void *data, const sl_call_plan_t *plan, size_t count, sl_on_paid_t on_paid, void *part);
    h2o_iovec_t headers;               /* lines that every call gets, each with CRLF */
    h2o_iovec_t trace_id, trace_flags; /* W3C trace context; each call gets a span of its own */
    uint64_t timeout_ms;               /* shorter than the aggregate's; 0: the aggregate's */
    void (*on_done)(void *asker); /* every part has settled, or a required one failed; the run may be destroyed in it */
} sl_compose_request_t;

typedef struct sl_compose_t sl_compose_t;

/* on_done gets `asker`, and never comes before this has returned. */
sl_compose_t *sl_compose_start(const sl_compose_env_t *env, const sl_compose_request_t *request, void *asker);
/* Calls everything off that still runs; no callback comes any more. The answers stay. */
void sl_compose_cancel(sl_compose_t *compose);
/* Cancels, and frees all. */
void sl_compose_destroy(sl_compose_t *compose);

/* By the index of the aggregate's call. A part that was not wanted (`when`) counts as well. */
const sl_part_report_t *sl_compose_report(const sl_compose_t *compose, size_t call);
/* The required part that failed; -1: none. */
ssize_t sl_compose_failed_call(const sl_compose_t *compose);
/* How many times services were tried. */
unsigned sl_compose_tries(const sl_compose_t *compose);

/* For templates: `compose` is a sl_compose_t. Calls by name, `item` and `index` while a for_each asks, else the
 * request's own. */
sl_template_value_t sl_compose_resolve(void *compose, h2o_iovec_t source, h2o_iovec_t first,
                                       const sl_json_path_t *rest);

#endif
