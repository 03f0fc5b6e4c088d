/* node: the supervisor and its workers. */
#ifndef SLUICE_NODE_H
#define SLUICE_NODE_H

#include "sluice/config.h"

/* What the ops process runs; handed in, because rooms of one floor do not know each other (sl_ops_run is meant). */
typedef int (*sl_ops_main_t)(sl_shared_t *shared, sl_config_t *config, int channel, int listener);

/* Serves until told to end; returns the exit status of the program. Errors at start are told on standard error. */
int sl_supervise(const char *config_path, sl_ops_main_t ops_main);

#endif
