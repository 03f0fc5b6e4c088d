/*
 * upstream: our HTTP/1.1 client (RFC 9112) on h2o_socket_t. One pool per worker; kept connections per instance, newest
 * first.
 *
 * A call picks an instance (round robin), tries, and retries where that is safe: never sent -> another instance, any
 * method; a kept connection that turned out closed before the first byte of an answer -> a fresh one, idempotent
 * methods only (RFC 9110 §9.2.2). Retries beyond the first of a stale connection are held to 20 % of the service's live
 * traffic. on_head is called once, at the final (non-1xx) head; on_end exactly once, unless cancelled, and after it the
 * call is gone. Callbacks never come before sl_upstream_start has returned. Inside any callback sl_call_cancel is
 * allowed.
 */
#ifndef SLUICE_UPSTREAM_H
#define SLUICE_UPSTREAM_H

#include "sluice/config.h"
#include <h2o.h>

typedef struct sl_upstream_t sl_upstream_t; /* a worker's pool */
typedef struct sl_call_t sl_call_t;

/* The process ignores SIGPIPE. */
sl_upstream_t *sl_upstream_create(h2o_context_t *ctx, sl_shared_t *shared, sl_worker_slot_t *slot);
/* No call may be running. */
void sl_upstream_destroy(sl_upstream_t *upstream);
/* Closes kept connections of instances that `config` no longer names. */
void sl_upstream_forget(sl_upstream_t *upstream, const sl_config_t *config);

typedef struct sl_call_request_t {
    h2o_iovec_t method;
    h2o_iovec_t target;  /* path and query as sent */
    h2o_iovec_t host;    /* len 0: the chosen instance's authority */
    h2o_iovec_t headers; /* whole lines, each with CRLF, without Host, Content-Length, Transfer-Encoding, Connection */
    h2o_iovec_t body;
    bool has_body;               /* content-length is sent, even 0 */
    const sl_service_t *service; /* outlives the call: the exchange holds its snapshot */
    sl_timeouts_t timeouts;      /* 0: for ever */
    const uint64_t *retries;     /* instead of the service's; NULL: the service's */
} sl_call_request_t;             /* all bytes stay valid until the call ends */

typedef struct sl_field_t {
    h2o_iovec_t name, value; /* as received; name not folded; value trimmed */
} sl_field_t;

typedef struct sl_call_head_t {
    int status;
    h2o_iovec_t reason;
    const sl_field_t *fields; /* framing and hop-by-hop fields included; borrowed until on_head returns */
    size_t field_count;
    size_t content_length; /* SIZE_MAX: unknown */
    bool has_body;         /* false for HEAD, 204, 304, length 0 */
} sl_call_head_t;

typedef struct sl_call_callbacks_t {
    void (*on_head)(void *data, const sl_call_head_t *head);
    void (*on_body)(void *data, h2o_iovec_t bytes); /* borrowed */
    /* after on_head: OK, BROKEN_BODY, IDLE_TIMEOUT or TOTAL_TIMEOUT */
    void (*on_end)(void *data, sl_upstream_result_t result);
} sl_call_callbacks_t;

/* What the log says of a call; valid until on_end returns or the call is cancelled. */
typedef struct sl_call_facts_t {
    const sl_instance_t *instance; /* last tried; NULL before the first try */
    unsigned tries;
    bool was_kept;       /* the last try went over a kept connection */
    uint64_t started_us; /* monotonic */
    uint64_t head_us;    /* when the final head was complete; 0: never */
} sl_call_facts_t;

sl_call_t *sl_upstream_start(sl_upstream_t *upstream, const sl_call_request_t *request,
                             const sl_call_callbacks_t *callbacks, void *data);
const sl_call_facts_t *sl_call_facts(const sl_call_t *call);
/* Back pressure: no on_body while paused, the kernel's buffer fills, the service slows down. The idle deadline rests.
 * on_end may come while paused when nothing is left to be told, or when the total deadline passes. Resuming never calls
 * back from within. */
void sl_call_pause(sl_call_t *call);
void sl_call_resume(sl_call_t *call);
/* No callback comes any more; the connection is closed; the call is gone. */
void sl_call_cancel(sl_call_t *call);

/* What kind of end a result is, for whoever has to answer because of it. */
typedef enum { SL_END_GOOD, SL_END_UNTRIED, SL_END_REFUSED, SL_END_TIMEOUT, SL_END_BROKEN } sl_call_end_kind_t;
sl_call_end_kind_t sl_upstream_end_kind(sl_upstream_result_t result);
/* Does the breaker take it for a failure of the service? For complete answers (OK) their status decides. */
bool sl_upstream_counts_as_failure(const sl_breaker_settings_t *settings, sl_upstream_result_t result, int status);

#endif
