/*
 * breaker: what one worker knows of a service's circuit breaker, and what it decides from that. Pure: no clock, no
 * Redis.
 *
 * The truth is the hash sluice:breaker:{service}, changed by scripts only (lua/breaker_*.lua); store/breakers.c keeps
 * this view fresh from pushes. A view never opens or closes anything and never hands out a probe: it only knows when
 * asking would be pointless, and when a result is worth reporting.
 */
#ifndef SLUICE_BREAKER_H
#define SLUICE_BREAKER_H

#include "sluice/bytes.h"
#include <stdint.h>

typedef enum { SL_BREAKER_CLOSED, SL_BREAKER_HALF_OPEN, SL_BREAKER_OPEN } sl_breaker_state_t;
const char *sl_breaker_state_name(sl_breaker_state_t state); /* "closed" "half_open" "open", as in Redis */

/* Settings of one service; all zero: no breaker. */
typedef struct sl_breaker_settings_t {
    uint64_t failures;       /* consecutive failures that open it; 0: not by this rule */
    uint64_t ratio_permille; /* share of failures in the window that opens it; 0: not by this rule */
    uint64_t minimum;        /* requests in the window before the ratio counts */
    uint64_t window_ms;
    uint64_t recovery_ms;                            /* from open to the first probe */
    uint64_t recovery_max_ms;                        /* cap of its doubling while probes fail; recovery_ms: no growth */
    uint64_t probes;                                 /* at once, in the whole cluster */
    uint64_t successes;                              /* probes that must succeed to close it */
    uint64_t lease_ms;                               /* a probe not answered for so long is given away again */
    uint8_t failure_codes[64];                       /* bit i: status 100 + i is a failure; 500 bits used */
    bool count_connect, count_timeout, count_broken; /* refused or unreachable; any timeout; broken answer */
} sl_breaker_settings_t;

/* Is this answer a failure? `status` 100..599. */
bool sl_breaker_status_fails(const sl_breaker_settings_t *settings, int status);

typedef struct sl_breaker_view_t {
    sl_breaker_state_t state;
    uint64_t generation;
    uint64_t streak_seen;     /* consecutive failures that Redis knows of: > 0 makes a success worth reporting */
    uint64_t refuse_until_us; /* open: no use in asking before (monotonic clock of this worker) */
    bool is_forced;           /* an operator said so; no probes */
    /* not yet reported, of the present generation */
    uint64_t ok, failed, streak;
    bool had_ok;              /* a success ended a run of failures that Redis or `failed` knows of */
    uint64_t report_after_us; /* failures beyond the first few are batched */
    uint64_t sent;            /* failures reported in this generation, since it was last quiet for a second */
    uint64_t ok_before, window_began_us; /* ratio: `ok` of the window before, which fades out as this one passes */
} sl_breaker_view_t;

typedef enum { SL_GATE_PASS, SL_GATE_ASK, SL_GATE_REFUSE } sl_gate_t;

/* PASS: closed, go. ASK: only Redis can tell. REFUSE: not now; `*wait_us` tells how long (0 when an operator holds it
 * open). */
sl_gate_t sl_breaker_gate(const sl_breaker_view_t *view, uint64_t now_us, uint64_t *wait_us);

/* A newer truth: takes over state, generation and streak; results gathered for another generation are dropped. Returns
 * true when the state changed. */
bool sl_breaker_learn(sl_breaker_view_t *view, sl_breaker_state_t state, uint64_t generation, uint64_t streak,
                      uint64_t wait_us, bool is_forced, uint64_t now_us);

/* Notes a result of a request that began in `generation`. Returns true when a report should be sent now. */
bool sl_breaker_note(sl_breaker_view_t *view, const sl_breaker_settings_t *settings, uint64_t generation,
                     bool is_failure, uint64_t now_us);
/* True when something waits to be reported and its time has come. */
bool sl_breaker_report_due(const sl_breaker_view_t *view, uint64_t now_us);

typedef struct sl_breaker_report_t {
    uint64_t generation, ok, failed, streak;
    bool had_ok;
} sl_breaker_report_t;
/* Takes what has been gathered. */
sl_breaker_report_t sl_breaker_take_report(sl_breaker_view_t *view, uint64_t now_us);

#endif
