/* ops: the process beside the workers that serves /live, /ready and /metrics and keeps the addresses of named instances
 * fresh. It touches no traffic. */
#ifndef SLUICE_OPS_H
#define SLUICE_OPS_H

#include "sluice/config.h"

/* The whole life of the process; returns its exit status. `listener` is -1 when ops is off; `channel` is its end of the
 * control channel (channel.h). */
int sl_ops_run(sl_shared_t *shared, sl_config_t *config, int channel, int listener);

/* What /metrics holds, as a table in Markdown. */
void sl_metrics_reference(sl_text_t *out);

#endif
