/* resolver: one thread that asks the system for the names of instances, so that nothing else ever waits for that. */
#ifndef SLUICE_OPS_RESOLVER_H
#define SLUICE_OPS_RESOLVER_H

#include "sluice/config.h"

void sl_resolver_start(sl_shared_t *shared, const sl_config_t *config);
/* After a reload: these names from now on. */
void sl_resolver_change(const sl_config_t *config);
/* False when the thread still waits for an answer: it is left behind, and what it uses may not be freed. */
bool sl_resolver_stop(void);

#endif
