/* worker: what one process that serves traffic owns. node/worker.c fills it; stages and steps read it. */
#ifndef SLUICE_WORKER_H
#define SLUICE_WORKER_H

#include "sluice/config.h"
#include "sluice/store.h"
#include "sluice/upstream.h"
#include <h2o.h>

typedef struct sl_account_t sl_account_t; /* response/account.c: the access log's queue */

typedef struct sl_worker_t {
    h2o_context_t ctx;
    sl_shared_t *shared;
    sl_worker_slot_t *slot;
    sl_config_t *config; /* in force; exchanges retain the one they began with */
    sl_store_t *store;
    sl_upstream_t *upstream;
    sl_account_t *account;
    h2o_linklist_t connections; /* sl_connection_t::link */
    size_t connection_count;
    size_t index_bytes; /* of what running aggregates have read; limits.bodies bounds it (request/aggregate.c) */
    /* from the guard, after each read from a client: a pointer, since libh2o's callers on every floor come by there */
    void (*note_arrival)(struct sl_worker_t *worker, size_t bytes);
    uint64_t body_bytes, arrived_bytes; /* exchange/bodies.c: at its last look, and what clients have sent since */
    bool is_draining;
} sl_worker_t;

#endif
