/* clock: two readings. Deadlines and durations use the first; only log lines and dates use the second. */
#ifndef SLUICE_CLOCK_H
#define SLUICE_CLOCK_H

#include <stdint.h>

/* Microseconds of CLOCK_MONOTONIC. */
uint64_t sl_clock_us(void);
/* What sl_clock_us last returned to this thread, for whoever was called by somebody who has just asked: a reading costs
 * as much as a hundred instructions. */
uint64_t sl_clock_last_us(void);
/* Milliseconds since 1970, UTC. */
uint64_t sl_clock_wall_ms(void);

#endif
