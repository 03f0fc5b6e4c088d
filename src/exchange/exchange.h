/* What the files of this room tell each other. */
#ifndef SLUICE_EXCHANGE_ROOM_H
#define SLUICE_EXCHANGE_ROOM_H

#include "http2.h"
#include "sluice/exchange.h"

/* Counts what was ended by a bound of `limits`. */
static inline void sl_cut_count(sl_worker_t *worker, sl_cut_t cut)
{
    sl_number_add(&worker->slot->cuts[cut], 1);
}

/* correlation.c: request id and trace context, made or (from trusted peers) taken over. Needs client.is_believed. */
void sl_exchange_correlate(sl_exchange_t *exchange);
/* client.c: the client's address and what goes on in X-Forwarded-*. */
void sl_exchange_find_client(sl_exchange_t *exchange);

/* unfinished.c, of a request that has no exchange yet. Its body so far (in HTTP/1 with the head before it). */
sl_phase_t sl_exchange_phase(const sl_connection_t *connection, h2o_req_t *req);
size_t sl_exchange_body_bytes(const sl_connection_t *connection, h2o_req_t *req);
/* Only in the phases BODY and TURN: answers with the gateway's words for the status; what still comes is not wanted. */
void sl_exchange_answer_unfinished(h2o_req_t *req, int status);

/* bodies.c: adds up what bodies take, and upholds limits.bodies. */
void sl_exchange_look_at_bodies(sl_worker_t *worker);

#endif
