/*
 * metrics: every number that a node exports, declared once. Storage, the Prometheus page and the guide come from these
 * rows.
 *
 * Counters live in the mapped segment (shared.h), one slot per worker: one owner adds, everybody reads, nobody locks. A
 * slot outlives its worker, so totals never fall. The cost of a scrape depends on the tables and on the configured
 * names, never on the traffic.
 */
#ifndef SLUICE_METRICS_H
#define SLUICE_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

/* X(identifier, exported name, type, help): one number per worker, exported as the sum over the workers. */
#define SL_WORKER_METRICS(X)                                                                                           \
    X(CONNECTIONS, "sluice_connections_total", "counter", "Client connections accepted.")                              \
    X(CONNECTIONS_OPEN, "sluice_connections_open", "gauge", "Client connections open now.")                            \
    X(REQUESTS_IN_FLIGHT, "sluice_requests_in_flight", "gauge", "Requests being served now.")                          \
    X(CLIENT_LEFT, "sluice_client_left_total", "counter",                                                              \
      "Requests whose client left before the answer was complete.")                                                    \
    X(GUARD_REFUSED, "sluice_guard_refused_total", "counter", "Requests refused because of their framing or syntax.")  \
    X(HTTP2_BUDGET_EXCEEDED, "sluice_http2_budget_exceeded_total", "counter",                                          \
      "HTTP/2 connections closed because they did too much of something.")                                             \
    X(REDIS_QUESTIONS, "sluice_redis_questions_total", "counter", "Commands sent to Redis.")                           \
    X(REDIS_WRITES, "sluice_redis_writes_total", "counter",                                                            \
      "Writes to the Redis link; questions per write is the pipelining depth.")                                        \
    X(REDIS_FAILURES, "sluice_redis_failures_total", "counter",                                                        \
      "Questions that Redis did not answer well (silence, loss, refusal).")                                            \
    X(REDIS_RECONNECTS, "sluice_redis_reconnects_total", "counter", "Redis connections opened again after a loss.")    \
    X(REDIS_UP, "sluice_redis_up", "gauge", "Workers whose link to Redis is ready.")                                   \
    X(LOG_LINES_DROPPED, "sluice_log_lines_dropped_total", "counter",                                                  \
      "Access log lines dropped because their reader was too slow.")                                                   \
    X(UNKNOWN_REMEMBERED, "sluice_unknown_keys_remembered_total", "counter",                                           \
      "Requests refused without asking Redis: their key was unknown a moment ago.")                                    \
    X(BROKEN_RECORDS, "sluice_broken_records_total", "counter",                                                        \
      "Requests refused because the key's record holds garbage.")                                                      \
    X(BODY_BYTES, "sluice_request_body_bytes", "gauge", "Bytes of request bodies held in memory.")                     \
    X(TLS_RESUMPTIONS, "sluice_tls_resumptions_total", "counter", "TLS handshakes that resumed a session.")            \
    X(WORKERS_READY, "sluice_workers_ready", "gauge", "Workers that accept connections.")

typedef enum {
#define X(id, name, type, help) SL_M_##id,
    SL_WORKER_METRICS(X)
#undef X
        SL_M_COUNT
} sl_metric_t;

/* X(identifier, label value): outcomes of admission, sluice_admissions_total{outcome}. */
#define SL_ADMISSION_OUTCOMES(X)                                                                                       \
    X(ADMITTED, "admitted")                                                                                            \
    X(NO_KEY, "no_key")                                                                                                \
    X(UNKNOWN, "unknown_key")                                                                                          \
    X(DISABLED, "disabled")                                                                                            \
    X(EXPIRED, "expired")                                                                                              \
    X(FORBIDDEN, "forbidden")                                                                                          \
    X(LIMITED, "limited")                                                                                              \
    X(SHADOW_LIMITED, "shadow_limited")                                                                                \
    X(BREAKER, "breaker_open")                                                                                         \
    X(BROKEN, "broken_record")                                                                                         \
    X(NO_REDIS, "redis_unavailable")                                                                                   \
    X(OPEN_ROUTE, "no_key_needed")

typedef enum {
#define X(id, label) SL_ADMISSION_##id,
    SL_ADMISSION_OUTCOMES(X)
#undef X
        SL_ADMISSION_COUNT
} sl_admission_outcome_t;

/* X(identifier, label value): connections closed before a byte of HTTP was read,
 * sluice_connections_refused_total{reason}. */
#define SL_REFUSALS(X)                                                                                                 \
    X(ADDRESS_FULL, "address_full")                                                                                    \
    X(PROXY_UNTRUSTED, "proxy_untrusted")                                                                              \
    X(PROXY_BROKEN, "proxy_broken")

typedef enum {
#define X(id, label) SL_REFUSAL_##id,
    SL_REFUSALS(X)
#undef X
        SL_REFUSAL_COUNT
} sl_refusal_t;

/* X(identifier, label value): why connections and requests were ended by the clock or a budget,
 * sluice_deadlines_total{kind}. */
#define SL_CUTS(X)                                                                                                     \
    X(HEAD, "head")                                                                                                    \
    X(BODY, "body")                                                                                                    \
    X(BODIES, "bodies")                                                                                                \
    X(STALL, "stall")                                                                                                  \
    X(IDLE, "idle")                                                                                                    \
    X(LIFETIME, "lifetime")                                                                                            \
    X(REQUESTS, "requests")                                                                                            \
    X(PROXY, "proxy")

typedef enum {
#define X(id, label) SL_CUT_##id,
    SL_CUTS(X)
#undef X
        SL_CUT_COUNT
} sl_cut_t;

/* X(identifier, label value): versions of TLS; none: the handshake ended before one was agreed on.
 * sluice_tls_handshakes_total{version}, sluice_tls_handshake_failures_total{version}. */
#define SL_TLS_VERSIONS(X)                                                                                             \
    X(1_2, "1.2")                                                                                                      \
    X(1_3, "1.3")                                                                                                      \
    X(NONE, "none")

typedef enum {
#define X(id, label) SL_TLS_##id,
    SL_TLS_VERSIONS(X)
#undef X
        SL_TLS_VERSION_COUNT
} sl_tls_version_t;

/* X(signal, label value): what workers died of, sluice_worker_deaths_total{signal}; 0 is an end without a signal. */
#define SL_DEATHS(X)                                                                                                   \
    X(0, "none")                                                                                                       \
    X(SIGABRT, "SIGABRT")                                                                                              \
    X(SIGSEGV, "SIGSEGV")                                                                                              \
    X(SIGBUS, "SIGBUS")                                                                                                \
    X(SIGFPE, "SIGFPE")                                                                                                \
    X(SIGILL, "SIGILL")                                                                                                \
    X(SIGKILL, "SIGKILL")                                                                                              \
    X(-1, "other")
enum { SL_DEATH_COUNT = 8 }; /* rows above */
/* Row of a signal. */
int sl_death_slot(int signal_number);

/* X(identifier, label value, means): how one try at an instance ended, sluice_upstream_results_total{service,result}.
 */
#define SL_UPSTREAM_RESULTS(X)                                                                                         \
    X(OK, "ok", "complete answer")                                                                                     \
    X(REFUSED, "refused", "connection refused, reset or unreachable before anything was sent")                         \
    X(CONNECT_TIMEOUT, "connect_timeout", "no connection in time")                                                     \
    X(UNRESOLVED, "unresolved", "the instance's name has no address")                                                  \
    X(NO_SOCKET, "no_socket", "not tried: this worker had no descriptor, memory or port left for a connection")        \
    X(STALE, "stale", "a kept connection had been closed by the service")                                              \
    X(SEND_FAILED, "send_failed", "the connection broke while the request was sent")                                   \
    X(FIRST_BYTE_TIMEOUT, "first_byte_timeout", "no complete answer head in time")                                     \
    X(IDLE_TIMEOUT, "idle_timeout", "the answer's body stopped for too long")                                          \
    X(TOTAL_TIMEOUT, "total_timeout", "the whole exchange took too long")                                              \
    X(BROKEN_HEAD, "broken_head", "the answer's head breaks HTTP/1.1")                                                 \
    X(BROKEN_BODY, "broken_body", "the answer's body was cut short or badly framed")                                   \
    X(CANCELLED, "cancelled", "the client left")

typedef enum {
#define X(id, label, means) SL_UPSTREAM_##id,
    SL_UPSTREAM_RESULTS(X)
#undef X
        SL_UPSTREAM_RESULT_COUNT
} sl_upstream_result_t;

/* Label value of a result ("refused"). */
const char *sl_upstream_result_name(sl_upstream_result_t result);

/* Status codes counted one by one; any other counts as its class's row ("2xx"...). */
/* clang-format off */
#define SL_STATUS_CODES(X)                                                                                             \
    X(200) X(201) X(202) X(204) X(206) X(301) X(302) X(303) X(304) X(307) X(308) X(400) X(401) X(403) X(404) X(405)    \
    X(406) X(408) X(409) X(410) X(413) X(414) X(415) X(422) X(429) X(431) X(499) X(500) X(501) X(502) X(503) X(504)
/* clang-format on */
enum {
#define X(code) SL_CODE_##code,
    SL_STATUS_CODES(X)
#undef X
        SL_CODE_1XX,
    SL_CODE_2XX,
    SL_CODE_3XX,
    SL_CODE_4XX,
    SL_CODE_5XX,
    SL_CODE_COUNT
};
/* Row of a status (100..599); anything else counts as 5xx. */
int sl_code_slot(int status);
/* "200", "5xx". */
const char *sl_code_label(int slot);

/* Upper bounds of the duration histograms in microseconds; one more bucket holds the rest. Exported in seconds. */
/* clang-format off */
#define SL_BUCKETS(X)                                                                                                  \
    X(500, "0.0005") X(1000, "0.001") X(2500, "0.0025") X(5000, "0.005") X(10000, "0.01") X(25000, "0.025")            \
    X(50000, "0.05") X(100000, "0.1") X(250000, "0.25") X(500000, "0.5") X(1000000, "1") X(2500000, "2.5")             \
    X(5000000, "5") X(10000000, "10") X(30000000, "30")
/* clang-format on */
enum {
#define X(us, label) SL_BUCKET_##us,
    SL_BUCKETS(X)
#undef X
        SL_BUCKET_COUNT
};

typedef _Atomic uint64_t sl_number_t;

typedef struct sl_histogram_t {
    sl_number_t buckets[SL_BUCKET_COUNT + 1]; /* not cumulative here; the page adds them up */
    sl_number_t sum_us;
} sl_histogram_t;

/* One owner per number, so a plain add is enough: no locked instruction. */
static inline void sl_number_add(sl_number_t *number, uint64_t more)
{
    atomic_store_explicit(number, atomic_load_explicit(number, memory_order_relaxed) + more, memory_order_relaxed);
}
static inline void sl_number_sub(sl_number_t *number, uint64_t less)
{
    atomic_store_explicit(number, atomic_load_explicit(number, memory_order_relaxed) - less, memory_order_relaxed);
}
static inline void sl_number_set(sl_number_t *number, uint64_t value)
{
    atomic_store_explicit(number, value, memory_order_relaxed);
}
static inline uint64_t sl_number_get(const sl_number_t *number)
{
    return atomic_load_explicit((sl_number_t *)number, memory_order_relaxed);
}
void sl_histogram_note(sl_histogram_t *histogram, uint64_t us);

#endif
