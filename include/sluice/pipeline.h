/* pipeline: the two lists that every request walks, and how they hang on libh2o. */
#ifndef SLUICE_PIPELINE_H
#define SLUICE_PIPELINE_H

#include "sluice/worker.h"

/* Call for the catch-all path and for the host's fallback path, right after it was registered. The worker must outlive
 * the context. */
void sl_pipeline_register(sl_worker_t *worker, h2o_pathconf_t *pathconf, bool is_fallback);

#endif
