/*
 * pulse: when the store gets its turn. Either at the end of the present loop turn (something was asked), or at a time
 * on the monotonic clock.
 *
 * libh2o's own timers follow the wall clock: set back by an hour, they rest for an hour. So alarms come from a timerfd,
 * and a zero timer that such a step left hanging is found by the next alarm.
 */
#ifndef SLUICE_STORE_PULSE_H
#define SLUICE_STORE_PULSE_H

#include <h2o.h>
#include <stdbool.h>
#include <stdint.h>

#define SL_NEVER UINT64_MAX

/* One turn; returns the time of the next one that is needed, or SL_NEVER. */
typedef uint64_t (*sl_on_pulse_t)(void *data, uint64_t now_us);

typedef struct sl_pulse_t {
    h2o_loop_t *loop;
    h2o_socket_t *timer; /* a timerfd */
    h2o_timeout_t soon;
    h2o_timeout_entry_t soon_entry;
    uint64_t soon_since_us;
    uint64_t alarm_us; /* what the timer is set to */
    bool is_running;
    sl_on_pulse_t on_pulse;
    void *data;
} sl_pulse_t;

void sl_pulse_init(sl_pulse_t *pulse, h2o_loop_t *loop, sl_on_pulse_t on_pulse, void *data);
/* Not from within a turn. */
void sl_pulse_dispose(sl_pulse_t *pulse);
/* A turn at the end of this turn of the loop; asked for within a turn, a millisecond later, so that the loop goes on.
 */
void sl_pulse_soon(sl_pulse_t *pulse, uint64_t now_us);

#endif
