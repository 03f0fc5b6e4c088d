/*
 * grudge: an address whose HTTP/2 connection was closed for what it did is remembered for ten seconds. Each such
 * connection then still counts among its address's, and for a sixteenth of all that an address may have, so after
 * sixteen the address gets none until it rests.
 *
 * Without it an attacker who connects again at once has a fresh budget each time, and a rapid reset costs him a
 * handshake per four hundred requests.
 */
#include "process.h"
#include "sluice/clock.h"
#include <stdlib.h>

#define GRUDGE_US 10000000u
#define GRUDGES_TO_FILL 16

typedef struct grudge_t {
    h2o_linklist_t link; /* process->grudges, the oldest first */
    sl_crowd_place_t place;
    uint64_t weight; /* so many entries in the crowd are ours */
    uint64_t until_us;
} grudge_t;

void sl_grudge_bear(sl_process_t *process, const sl_connection_t *connection)
{
    sl_worker_t *worker = &process->super;
    grudge_t *grudge = h2o_mem_alloc(sizeof *grudge);

    *grudge = (grudge_t){.place = connection->place,
                         .weight = worker->config->limits.connections_per_address / GRUDGES_TO_FILL + 1,
                         .until_us = sl_clock_us() + GRUDGE_US};
    for (uint64_t i = 0; i != grudge->weight; ++i)
        sl_crowd_enter(&worker->slot->crowd, &grudge->place);
    h2o_linklist_insert(&process->grudges, &grudge->link);
}

void sl_grudges_drop(sl_process_t *process, uint64_t until_us)
{
    while (!h2o_linklist_is_empty(&process->grudges)) {
        grudge_t *grudge = H2O_STRUCT_FROM_MEMBER(grudge_t, link, process->grudges.next);
        if (grudge->until_us > until_us)
            return;
        for (uint64_t i = 0; i != grudge->weight; ++i)
            sl_crowd_leave(&process->super.slot->crowd, &grudge->place);
        h2o_linklist_unlink(&grudge->link);
        free(grudge);
    }
}
