/*
 * pace: is somebody keeping up with a minimum rate? Time is spent and bytes earn it back; who has run ahead may rest,
 * up to a bound. So an honest slow upload lives however long it takes, and one that only pretends does not (GCRA with
 * bytes for cells). Pure.
 */
#ifndef SLUICE_PACE_H
#define SLUICE_PACE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct sl_pace_t {
    uint64_t bytes;  /* so far */
    uint64_t due_us; /* silence until then is fine */
} sl_pace_t;

void sl_pace_begin(sl_pace_t *pace, uint64_t now_us, uint64_t grace_us);
/* `bytes` is the total so far, `rest_us` the longest rest that can be earned. False: too slow. A rate of 0 is kept by
 * everybody. */
bool sl_pace_keeps(sl_pace_t *pace, uint64_t now_us, uint64_t bytes, uint64_t rate, uint64_t rest_us);

#endif
