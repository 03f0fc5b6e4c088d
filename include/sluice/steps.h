/* steps: the way out. Each is one file of src/response/. */
#ifndef SLUICE_STEPS_H
#define SLUICE_STEPS_H

#include "sluice/exchange.h"

h2o_ostream_t **sl_tell_version(sl_exchange_t *exchange, h2o_ostream_t **slot);
h2o_ostream_t **sl_add_headers(sl_exchange_t *exchange, h2o_ostream_t **slot);

/* Replaces libh2o's chunked encoder on a path that was just registered (libh2o.md 2.9). */
void sl_chunk_install(h2o_pathconf_t *pathconf);
/* Answers that libh2o makes by itself (413, 417, broken chunks) get an exchange, our words and the same way out. */
void sl_own_words_install(h2o_pathconf_t *pathconf, sl_worker_t *worker, const sl_step_t *steps);

#endif
