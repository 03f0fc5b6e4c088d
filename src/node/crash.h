/* crash: what a process that dies of a fault still says (crash.c). */
#ifndef SLUICE_NODE_CRASH_H
#define SLUICE_NODE_CRASH_H

#include "sluice/metrics.h"
#include <stdbool.h>

/* Once per child, before it serves. `connections` (NULL: none) is read when it crashes: how many are lost. Without
 * `core_dumps` no core file is ever written: it would hold keys. Under a sanitizer its own report takes our line's
 * place. */
void sl_crash_prepare(const char *role, const sl_number_t *connections, bool core_dumps);

#endif
