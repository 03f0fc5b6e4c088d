/*
 * access_queue: lines on their way to a file or pipe, never waiting for it. Lines gather in memory and leave together;
 * when the reader is too slow and the queue is full, whole lines are dropped and counted.
 */
#ifndef SLUICE_ACCESS_QUEUE_H
#define SLUICE_ACCESS_QUEUE_H

#include "sluice/metrics.h"
#include <h2o.h>

typedef struct sl_access_queue_t sl_access_queue_t;

/* `path` "-" is standard output. `dropped` counts lines. A path that cannot be opened is logged, and its lines are
 * dropped. */
sl_access_queue_t *sl_access_queue_create(h2o_context_t *ctx, const char *path, sl_number_t *dropped);
void sl_access_queue_reopen(sl_access_queue_t *queue, const char *path);
void sl_access_queue_put(sl_access_queue_t *queue, const char *line, size_t len);
/* Writes what the reader takes, then frees. */
void sl_access_queue_destroy(sl_access_queue_t *queue);

#endif
