/*
 * bodies: one budget for all request bodies that a worker holds in memory (limits.bodies).
 *
 * libh2o gathers a body before any handler is called, and tells nobody. So every byte that clients send is added to
 * what the last look has found (the guard sees each read); when the sum exceeds the budget there is a new look at once,
 * in the same turn of the loop, and while the bodies together are too large, the largest of those that nobody has begun
 * to serve is answered 503: it makes most room, and the many small ones are somebody else's. What is being served has
 * been taken, and ends by itself.
 *
 * A look costs a walk over all requests. It is worth one only when a part of the budget has come since the last one, so
 * that a client cannot have a walk for each byte while the budget is used up by bodies that are being served.
 */
#include "exchange.h"
#include "http2.h"
#include <h2o/http1.h>
#include <h2o/http2.h>
#include <stdlib.h>

#define WORTH_A_LOOK 64 /* of the budget: by one part in so many it may be exceeded, and by one read */

typedef struct candidate_t {
    h2o_req_t *req;
    size_t bytes;
} candidate_t;

typedef struct look_t {
    uint64_t bytes; /* of all bodies */
    H2O_VECTOR(candidate_t) candidates;
} look_t;

static look_t look; /* one thread, and libh2o's walk calls back; its memory is used again and again */

static void note_candidate(h2o_req_t *req, size_t bytes)
{
    h2o_vector_reserve(NULL, &look.candidates, look.candidates.size + 1);
    look.candidates.entries[look.candidates.size++] = (candidate_t){req, bytes};
}

/* libh2o still has it; what it takes, and may it be refused? */
static void look_at_unserved(sl_connection_t *connection, h2o_req_t *req)
{
    size_t bytes = sl_exchange_body_bytes(connection, req);
    sl_phase_t phase = sl_exchange_phase(connection, req);

    look.bytes += bytes;
    if (bytes != 0 && (phase == SL_PHASE_BODY || phase == SL_PHASE_TURN) && !connection->is_doomed)
        note_candidate(req, bytes);
}

static int on_request(h2o_req_t *req, void *unused)
{
    sl_connection_t *connection = sl_connection_of(req);
    sl_exchange_t *exchange = sl_exchange_of(req);

    (void)unused;
    if (exchange == NULL && connection != NULL)
        look_at_unserved(connection, req);
    if (exchange == NULL || exchange->is_one_too_many) /* which ends in this turn */
        return 0;
    look.bytes += req->entity.len + exchange->index_bytes;
    if (req->entity.len != 0 && h2o_timeout_is_linked(&exchange->start))
        note_candidate(req, req->entity.len);
    return 0;
}

/* One that is all here, and would be begun in this very turn, is refused there (exchange.c). */
static void refuse(sl_worker_t *worker, h2o_req_t *req)
{
    sl_exchange_t *exchange = sl_exchange_of(req);

    sl_cut_count(worker, SL_CUT_BODIES);
    if (exchange != NULL)
        exchange->is_one_too_many = true;
    else
        sl_exchange_answer_unfinished(req, 503);
}

static int compare_sizes(const void *one, const void *other)
{
    size_t a = ((const candidate_t *)one)->bytes, b = ((const candidate_t *)other)->bytes;
    return a < b ? 1 : a > b ? -1 : 0;
}

static void uphold(sl_worker_t *worker)
{
    if (look.bytes <= worker->config->limits.bodies)
        return;
    qsort(look.candidates.entries, look.candidates.size, sizeof(look.candidates.entries[0]), compare_sizes);
    for (size_t i = 0; i != look.candidates.size && look.bytes > worker->config->limits.bodies; ++i) {
        look.bytes -= look.candidates.entries[i].bytes;
        refuse(worker, look.candidates.entries[i].req);
    }
}

void sl_exchange_look_at_bodies(sl_worker_t *worker)
{
    look.bytes = 0;
    look.candidates.size = 0;
    H2O_HTTP1_CALLBACKS.foreach_request(&worker->ctx, on_request, NULL);
    H2O_HTTP2_CALLBACKS.foreach_request(&worker->ctx, on_request, NULL);
    uphold(worker);
    worker->body_bytes = look.bytes;
    worker->arrived_bytes = 0;
    sl_number_set(&worker->slot->numbers[SL_M_BODY_BYTES], look.bytes);
}

void sl_exchange_note_arrival(sl_worker_t *worker, size_t bytes)
{
    uint64_t budget = worker->config->limits.bodies;

    worker->arrived_bytes += bytes;
    if (worker->body_bytes + worker->arrived_bytes > budget && worker->arrived_bytes > budget / WORTH_A_LOOK)
        sl_exchange_look_at_bodies(worker);
}
