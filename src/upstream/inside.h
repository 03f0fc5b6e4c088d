/*
 * inside: what the files of this room share. A call makes tries; a try uses one wire; a wire is one connection to an
 * instance, and outlives the try when the answer left it clean.
 *
 *   sl_upstream_start -> balance -> [kept wire | connect] -> send -> receive: head, body -> end
 *                           ^------------ retry ---------------------------'
 */
#ifndef SLUICE_UPSTREAM_INSIDE_H
#define SLUICE_UPSTREAM_INSIDE_H

#include "balance.h"
#include "budget.h"
#include "chunked.h"
#include "deadline.h"
#include "response_head.h"
#include "sluice/share.h"
#include "sluice/upstream.h"

/* What one read takes at most, and so what a paused call can hold outside the kernel. */
#define SL_READ_BYTES SL_SHARE_BYTES_MAX

/* Kept connections of one instance, newest first. */
typedef struct sl_kept_t {
    char *url; /* whose they are; NULL: nobody's yet */
    h2o_linklist_t wires;
    size_t count;
} sl_kept_t;

struct sl_upstream_t {
    h2o_loop_t *loop;
    sl_shared_t *shared;
    sl_worker_slot_t *slot;
    sl_deadlines_t deadlines;
    sl_kept_t kept[SL_MAX_INSTANCES];
    size_t cursors[SL_MAX_SERVICES];
    sl_budget_t budgets[SL_MAX_SERVICES];
    sl_call_t *spare; /* ended calls, to be used again */
    size_t spare_count;
    sl_share_t share;
    char scratch[SL_READ_BYTES]; /* every read lands here; nothing in it outlives the read's callback */
};

typedef struct sl_wire_t {
    h2o_linklist_t link; /* sl_kept_t::wires while kept */
    sl_upstream_t *upstream;
    h2o_socket_t *sock;
    sl_call_t *call; /* NULL while kept */
    sl_kept_t *home; /* where it is kept */
    sl_service_numbers_t *numbers;
    sl_deadline_t keep_until;
    bool is_read_stopped;
} sl_wire_t;

typedef enum {
    SL_CALL_CONNECTING,
    SL_CALL_HEAD,
    SL_CALL_BODY,
    SL_CALL_DOOMED /* failed while it was started: told on the next turn */
} sl_call_stage_t;

struct sl_call_t {
    sl_upstream_t *upstream;
    sl_call_request_t request;
    sl_call_callbacks_t callbacks;
    void *data;
    sl_call_facts_t facts;
    sl_call_t *next_spare;

    sl_call_stage_t stage;
    bool is_starting;  /* sl_upstream_start has not returned */
    bool is_entered;   /* inside a callback: the call may not go yet */
    bool is_cancelled; /* goes as soon as the callback returns */
    bool is_paused;

    /* deadlines: `deadline` is the nearer of the two, 0 is never */
    sl_deadline_t deadline;
    uint64_t total_us;
    uint64_t stage_us;

    /* tries */
    sl_turn_t turn;
    unsigned retries;
    unsigned stale_tries;
    sl_upstream_result_t doom;
    sl_wire_t *wire;      /* of the try under way */
    uint64_t try_us;      /* when it began */
    char length_line[48]; /* of the request: has to outlive the write */
    bool is_send_broken;
    bool has_answered; /* at least one byte came */

    /* the answer */
    sl_text_t held; /* the part of a head that has come, or body bytes that came with the head of a paused call */
    size_t head_scanned;
    unsigned interim_heads;
    sl_framing_t framing;
    bool keeps_alive;
    uint64_t body_left;
    sl_chunked_t chunked;
};

static inline sl_service_numbers_t *sl_call_numbers(const sl_call_t *call)
{
    return &call->upstream->slot->services[call->request.service->slot];
}

/* --- call.c --- */

/* The try has failed before the final head: another one, or the end. The call may be gone. */
void sl_call_try_failed(sl_call_t *call, sl_upstream_result_t result);
/* Tells the end. The call is gone. */
void sl_call_end(sl_call_t *call, sl_upstream_result_t result, bool keep_wire);
/* Enters a stage that may last `limit_ms` (0: for ever). */
void sl_call_enter_stage(sl_call_t *call, sl_call_stage_t stage, uint64_t limit_ms);
/* Frees what has been cancelled or ended. */
void sl_call_recycle(sl_call_t *call);
/* RFC 9110 §9.2.2 */
bool sl_call_is_idempotent(const sl_call_t *call);

/* --- connect.c --- */

/* OK: the call connects, and hears of it. Else why there is nothing to hear of. */
sl_upstream_result_t sl_wire_open(sl_call_t *call);

/* --- send.c --- */

/* Sends the request over call->wire and waits for the head. */
void sl_call_send(sl_call_t *call);

/* --- receive.c --- */

/* The only read callback of wires, kept or in use. */
void sl_wire_on_readable(h2o_socket_t *sock, const char *err);
/* Goes on with bytes that were held while the call was paused. The call may be gone. */
void sl_call_take_held(sl_call_t *call);

/* --- pool.c --- */

/* Where connections to the instance are kept; NULL when its slot belongs to another one. */
sl_kept_t *sl_pool_home(sl_upstream_t *upstream, const sl_instance_t *instance);
/* The newest kept connection, NULL when there is none. */
sl_wire_t *sl_pool_take(sl_kept_t *home, sl_call_t *call);
/* Takes back the wire of a call that has ended well. */
void sl_pool_keep(sl_wire_t *wire);
void sl_wire_on_keep_over(sl_deadline_t *deadline);
void sl_wire_close(sl_wire_t *wire);

#endif
