/*
 * inside: what the files of this room share.
 *
 *   compose    the run of one aggregate
 *     part     one call of the plan: waits for those it needs, then has one leg, or one per element of its for_each
 *       leg    one answer that a part waits for
 *         fetch  one call to a service; legs that would ask exactly the same share one
 *
 * Each file knows those below it: compose.c -> part.c -> fetch.c -> outgoing.c, same.c -> values.c. An end goes
 * upwards, through what the upper ones have left with the lower: leg->on_end, compose->advance. Nothing on that way
 * starts what depends on it, except compose->advance, which is called last: it may tell the end, and then all of this
 * may be gone.
 */
#ifndef SLUICE_COMPOSE_INSIDE_H
#define SLUICE_COMPOSE_INSIDE_H

#include "sluice/compose.h"

typedef struct sl_fetch_t sl_fetch_t;
typedef struct sl_leg_t sl_leg_t;
typedef struct sl_part_t sl_part_t;

struct sl_leg_t {
    sl_part_t *part;
    void (*on_end)(sl_leg_t *leg); /* the fetch that it waited for has ended */
    sl_fetch_t *fetch;             /* NULL: it never came to one */
    sl_leg_t *next;                /* of those that wait for the same fetch */
    sl_part_error_t error;
    bool is_ended;
};

typedef enum { SL_PART_WAITING, SL_PART_RUNNING, SL_PART_SETTLED } sl_part_state_t;

struct sl_part_t {
    sl_compose_t *compose;
    const sl_call_plan_t *plan;
    sl_part_state_t state;
    sl_part_report_t report;
    uint64_t begun_us;

    sl_leg_t *legs;
    size_t leg_count, next_leg, running;
    sl_seat_t *payment;  /* for_each: its elements are known, and are being paid for */
    size_t asked_bytes;  /* of the targets and fields that its legs ask with: bounded by bytes_max, too */
    size_t held_bytes;   /* of all answers that its legs fetch: bounded by bytes_max */
    sl_text_t list_text; /* for_each: what is gone through ... */
    sl_json_t list;
    uint32_t next_item; /* ... and where it stands; 0: at the end */

    bool has_body;
    sl_json_t body;      /* indexes a fetch's bytes, the default's, or `joined` */
    sl_text_t joined;    /* for_each: the answers as one array */
    char status_text[8]; /* the value of $part.status */
};

struct sl_fetch_t {
    sl_fetch_t *next;      /* in compose->fetches */
    sl_fetch_t *next_same; /* in a bucket of compose->same */
    uint64_t hash;
    sl_compose_t *compose;
    sl_part_t *owner; /* whose settings it has, and whose bytes it takes */
    sl_leg_t *legs;   /* that wait for its end */

    sl_call_request_t request;
    sl_text_t lines, sent_body; /* what `request` refers to, given up as soon as the call has ended */
    h2o_iovec_t identity;       /* the header lines without what differs from call to call */
    bool is_safe;
    size_t unsafe_before; /* compose->unsafe_count when it began: what changed since, it does not know */
    bool had_its_time;    /* the deadline left it at least half of the time that it may take */

    sl_pass_t pass;
    sl_ticket_t *ticket;
    sl_call_t *call;

    bool is_ended;
    sl_part_error_t error;
    int status;
    uint64_t wait_us;
    sl_text_t fields; /* "name: value\r\n" as received */
    sl_text_t body;
    size_t drained_bytes; /* of a body that nobody will read */
};

/* Calls by what they ask. All zero is empty. */
typedef struct sl_same_t {
    sl_fetch_t **heads;
    size_t size, count; /* buckets, a power of two; calls in them */
    uint64_t secret;
} sl_same_t;

struct sl_compose_t {
    sl_compose_env_t env;
    sl_compose_request_t request;
    void *asker;
    /* Starts what can start, and tells the end when there is one: called last, all may be gone afterwards. */
    void (*advance)(sl_compose_t *compose);
    h2o_mem_pool_t pool;
    h2o_timeout_entry_t done_soon;
    uint64_t begun_us, deadline_us;
    sl_part_t *parts;
    size_t part_count;
    sl_fetch_t *fetches;
    sl_same_t same;
    size_t unsafe_count;
    unsigned tries;
    size_t index_bytes; /* what this run has added to env.index_bytes */
    ssize_t failed_call;
    bool is_starting, is_over;

    /* while the templates of a for_each are filled in */
    sl_json_t item;
    bool has_item;
    char index_text[24];
    sl_json_t checked; /* memory for looking at answers that only have to be JSON */
    sl_text_t scratch;
};

/* --- part.c --- */

void sl_part_start(sl_part_t *part);
void sl_part_cancel(sl_part_t *part);
void sl_part_dispose(sl_part_t *part);

/* --- fetch.c --- */

/* Asks the service, or joins a call that asks the same. The leg may have ended when this returns. */
void sl_fetch_begin(sl_leg_t *leg);
void sl_fetch_cancel(sl_fetch_t *fetch);
void sl_fetch_dispose(sl_fetch_t *fetch);

/* --- same.c --- */

/* The call that asks the same as `wanted`, which is made as far as its target, fields and body; NULL: there is none,
 * and `wanted` will be found from now on, unless it may not be shared. */
sl_fetch_t *sl_same_find_or_add(sl_same_t *same, sl_fetch_t *wanted);
void sl_same_dispose(sl_same_t *same);

/* --- outgoing.c --- */

/* Fills in target, header lines and body of a call. False: they cannot be made of what is there. */
bool sl_outgoing_make(sl_fetch_t *fetch);
/* The lines that every try differs in, once it is clear that there will be a call. */
void sl_outgoing_finish(sl_fetch_t *fetch, uint64_t given_ms);

#endif
