/*
 * exchange: a request and its answer, from on_req to the last byte. It walks one list of stages on the way in and one
 * list of steps on the way out; both lists stand in src/pipeline.c, and this room knows none of their members by name.
 *
 *   on_req -> sl_exchange_begin -> (zero timer) -> stage, stage, stage ... ANSWERED
 *                                                  h2o_start_response -> step, step ... -> libh2o
 *   the end: account, then the pool
 *
 * Rules: a stage returns NEXT, WAITING (it has set `wait`; a callback will end in exactly one sl_exchange_advance) or
 * ANSWERED (the answer has begun, or will by a callback of the relay). After sl_exchange_advance, and after an answer
 * was sent, the exchange may be gone: touch nothing. Each field is written by the file named beside it and only read by
 * others.
 */
#ifndef SLUICE_EXCHANGE_H
#define SLUICE_EXCHANGE_H

#include "sluice/admission.h"
#include "sluice/connection.h"
#include "sluice/digest.h"
#include "sluice/metrics.h"
#include "sluice/pace.h"
#include "sluice/worker.h"

typedef enum { SL_NEXT, SL_WAITING, SL_ANSWERED } sl_verdict_t;

typedef struct sl_stage_t {
    const char *name;
    sl_verdict_t (*run)(sl_exchange_t *exchange);
} sl_stage_t; /* the list's last stage always answers */

typedef struct sl_step_t {
    const char *name;
    /* May edit req->res and may insert an ostream; returns the slot for the next one. */
    h2o_ostream_t **(*run)(sl_exchange_t *exchange, h2o_ostream_t **slot);
} sl_step_t; /* ends with run NULL */

/* The one thing an exchange waits for, and how to call it off. */
typedef struct sl_wait_t {
    void (*cancel)(void *object);
    void *object;
    uint64_t since_us; /* 0: this wait is not for Redis */
} sl_wait_t;

#define SL_REQUEST_ID_MAX 64
#define SL_TRACE_ID_HEX 32
#define SL_SPAN_ID_HEX 16

/* Who speaks, as far as trusted_proxies let us believe it. */
typedef struct sl_client_t {
    h2o_iovec_t address;       /* numeric, of the client itself */
    h2o_iovec_t forwarded_for; /* what goes on in X-Forwarded-For */
    h2o_iovec_t proto, host;   /* X-Forwarded-Proto, X-Forwarded-Host */
    bool is_believed;          /* the peer is in trusted_proxies */
} sl_client_t;

typedef struct sl_caller_t {
    bool has_key;
    char digest[SL_DIGEST_HEX]; /* names the record; the key itself is not kept */
    h2o_iovec_t owner, name;    /* from the record; len 0 before admission */
} sl_caller_t;

struct sl_exchange_t {
    h2o_req_t *req;
    sl_worker_t *worker;
    sl_connection_t *connection; /* NULL only for requests that libh2o answered before it told us of a socket */
    sl_config_t *config;         /* retained: the snapshot this exchange began with */
    const sl_stage_t *stage;     /* where the way in stands or ended */
    const sl_step_t *steps;
    sl_wait_t wait;
    uint64_t redis_us; /* all waits of the whole request for Redis that are over; not those of parts, side by side */
    h2o_timeout_entry_t start;
    uint64_t begun_us;    /* monotonic: on_req */
    bool is_one_too_many; /* when it began there were more in flight, or more bytes of bodies, than limits allow */
    bool is_body_left;    /* the head alone is answered: the guard has found that it will be refused (guard/judge.c) */
    size_t announced;     /* with is_body_left: Content-Length; 0: none */
    bool may_send_more;   /* HTTP/1: should the connection close after this answer, its client does not know yet */

    /* exchange/correlation.c */
    char request_id[SL_REQUEST_ID_MAX + 1];
    size_t request_id_len;
    char trace_id[SL_TRACE_ID_HEX], span_id[SL_SPAN_ID_HEX]; /* ours: the span of this node */
    char trace_flags[2];
    sl_client_t client; /* exchange/client.c */

    /* request/find_route.c */
    h2o_iovec_t authority; /* of an absolute target, else of Host, as sent */
    h2o_iovec_t host;      /* the same in lower case, without port and without the root's dot */
    h2o_iovec_t path;      /* normalised */
    h2o_iovec_t query;     /* as sent; base NULL: none */
    const sl_route_t *route;
    const sl_service_t *service; /* the route's, or the fallback's once that was taken */

    /* request/find_version.c */
    const sl_version_t *version;     /* NULL: the route has but one */
    const sl_transform_t *transform; /* the version's, else the route's; NULL: bodies pass as they are */

    /* request/transform_request.c: what the service gets in place of what came; base NULL: what came */
    struct {
        h2o_iovec_t query, body, content_type;
    } changed;

    size_t index_bytes; /* request/aggregate.c: the index of the body, which counts as body held (sweep.c) */

    sl_caller_t caller;       /* request/identify_caller.c; owner and name: request/admit.c */
    sl_admission_t admission; /* request/admit.c */
    bool has_admission;
    sl_admission_outcome_t outcome; /* counted by account */
    bool ask_breaker;               /* request/check_breaker.c: the view could not tell, Redis decides */
    bool use_fallback;              /* the breaker refused and the route has something else to offer */
    sl_pass_t pass;                 /* check_breaker or admit; settled by the relay */

    /* request/relay.c */
    sl_call_t *call;               /* running; NULL before and after */
    const sl_instance_t *instance; /* last tried */
    unsigned tries;
    sl_upstream_result_t upstream_result; /* SL_UPSTREAM_RESULT_COUNT: no call has ended */
    uint64_t upstream_us;                 /* from the call's start to its end */

    /* exchange/answer.c, response/ */
    const char *reason;        /* one word for the log: "proxied", "no_key", "limited" ... */
    const char *detail;        /* more for the log; static or in the pool; may be NULL */
    bool is_own_answer;        /* the gateway speaks, not the service */
    bool has_begun_answer;     /* h2o_start_response was called */
    bool is_complete;          /* the final chunk was handed over */
    bool has_left;             /* the client has */
    uint64_t sending_since_us; /* a send is out and libh2o has not asked for more; 0: none */

    /* exchange/sweep.c: how the client takes the send that began at `taking_since_us` */
    sl_pace_t taking;
    uint64_t taking_since_us;
    bool has_stalled;
    uint64_t taken_mark; /* HTTP/1: bytes acknowledged on the connection; HTTP/2: bytes not yet taken */
};

/* Called from on_req. The walk begins on a zero timer of the same loop turn, after the input batch (libh2o.md 2.6). */
void sl_exchange_begin(sl_worker_t *worker, h2o_req_t *req, const sl_stage_t *stages, const sl_step_t *steps);
/* An exchange for an answer that libh2o makes by itself (413, 417, broken chunks): no stages, the same way out. Called
 * before the answer's filters run. */
sl_exchange_t *sl_exchange_adopt(sl_worker_t *worker, h2o_req_t *req, const sl_step_t *steps);
/* The exchange of a request, NULL when it has none. */
sl_exchange_t *sl_exchange_of(h2o_req_t *req);
void sl_exchange_advance(sl_exchange_t *exchange, sl_verdict_t verdict);
/* Runs the steps; the prefilter's work, also used for adopted exchanges. */
h2o_ostream_t **sl_exchange_walk_out(sl_exchange_t *exchange, h2o_ostream_t **slot);

/* Sets and clears what it waits for: when the question was asked, and in its callback. The time in between is kept when
 * it is Redis that is waited for, by the clock's last reading on either side; for services others keep it. */
void sl_exchange_wait_for(sl_exchange_t *exchange, void (*cancel)(void *), void *object);
void sl_exchange_wait_for_services(sl_exchange_t *exchange, void (*cancel)(void *), void *object);
void sl_exchange_waited(sl_exchange_t *exchange);

/* The running call has ended, or is called off: what the log needs is taken over, and `call` cleared. Harmless without
 * a call. */
void sl_exchange_note_call(sl_exchange_t *exchange, sl_upstream_result_t result);
void sl_exchange_cancel_call(sl_exchange_t *exchange);

/* HTTP/1: the client socket stays armed while its request is served (libh2o.md 2.8). */
void sl_departure_watch(sl_exchange_t *exchange);
void sl_departure_unwatch(sl_exchange_t *exchange);
/* libh2o disposes of a request that was never answered: its client has reset the stream or dropped the connection. */
void sl_departure_note(sl_exchange_t *exchange);

/* From node/sweeper.c: clients that left unseen, requests that do not arrive in time, answers of which the client takes
 * nothing, connections that are idle or old, bodies beyond the budget. */
void sl_exchange_sweep(sl_worker_t *worker, uint64_t now_us);
/* The worker's note_arrival: should all bodies together have become too large now, some of those
 * that arrive are answered 503 at once. */
void sl_exchange_note_arrival(sl_worker_t *worker, size_t bytes);
/* Has the connection had its requests or its time, so that this answer is its last? (HTTP/1.) */
bool sl_exchange_is_last(const sl_exchange_t *exchange);
/* HTTP/1: has the client closed its connection? Then the exchange ends, and may be gone. */
void sl_departure_check(sl_exchange_t *exchange, int tcp_state);

/* A request header by lower-case name; base NULL when absent. */
h2o_iovec_t sl_exchange_header(const sl_exchange_t *exchange, const char *name, size_t name_len);
/* Copies into the request's pool, with a final zero after the bytes. */
h2o_iovec_t sl_exchange_copy(sl_exchange_t *exchange, h2o_iovec_t bytes);

/* Is the peer or an address inside one of the blocks? Unix peers match the block "unix". */
bool sl_blocks_contain(const sl_block_t *blocks, size_t count, const struct sockaddr *address);

#endif
