/* pulse: when the store gets its turn (pulse.h says why not by libh2o's timers alone). */
#include "pulse.h"
#include "sluice/clock.h"
#include <errno.h>
#include <sys/timerfd.h>

#define REPEAT_MS 100  /* an alarm rings again should its turn never come */
#define STUCK_US 20000 /* a zero timer that waits for longer was caught by a step of the wall clock */
#define FROM_WITHIN_US 1000
#define SAFETY_US 50000 /* no turn waits for longer than this, whatever the wall clock does */

static void on_alarm(h2o_socket_t *timer, const char *err);
static void on_soon(h2o_timeout_entry_t *entry);

void sl_pulse_init(sl_pulse_t *pulse, h2o_loop_t *loop, sl_on_pulse_t on_pulse, void *data)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

    if (fd == -1)
        h2o_fatal("timerfd_create failed");
    *pulse = (sl_pulse_t){.loop = loop, .alarm_us = SL_NEVER, .on_pulse = on_pulse, .data = data};
    h2o_timeout_init(loop, &pulse->soon, 0);
    pulse->soon_entry.cb = on_soon;
    pulse->timer = h2o_evloop_socket_create(loop, fd, 0);
    pulse->timer->data = pulse;
    h2o_socket_read_start(pulse->timer, on_alarm);
}

void sl_pulse_dispose(sl_pulse_t *pulse)
{
    assert(!pulse->is_running);
    if (h2o_timeout_is_linked(&pulse->soon_entry))
        h2o_timeout_unlink(&pulse->soon_entry);
    h2o_timeout_dispose(pulse->loop, &pulse->soon);
    h2o_socket_close(pulse->timer);
}

static void set_alarm(sl_pulse_t *pulse, uint64_t at_us)
{
    if (at_us >= pulse->alarm_us)
        return;

    struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)(at_us / 1000000), .tv_nsec = (long)(at_us % 1000000) * 1000},
        .it_interval = {.tv_sec = 0, .tv_nsec = REPEAT_MS * 1000000L},
    };
    timerfd_settime(h2o_socket_get_fd(pulse->timer), TFD_TIMER_ABSTIME, &when, NULL);
    pulse->alarm_us = at_us;
}

void sl_pulse_soon(sl_pulse_t *pulse, uint64_t now_us)
{
    if (pulse->is_running) {
        set_alarm(pulse, now_us + FROM_WITHIN_US);
        return;
    }
    if (h2o_timeout_is_linked(&pulse->soon_entry))
        return;
    pulse->soon_since_us = now_us;
    set_alarm(pulse, now_us + SAFETY_US);
    h2o_timeout_link(pulse->loop, &pulse->soon, &pulse->soon_entry);
}

static void take_turn(sl_pulse_t *pulse, uint64_t now_us)
{
    if (now_us >= pulse->alarm_us)
        pulse->alarm_us = SL_NEVER;
    pulse->is_running = true;
    uint64_t next_us = pulse->on_pulse(pulse->data, now_us);
    pulse->is_running = false;
    if (next_us != SL_NEVER)
        set_alarm(pulse, next_us > now_us ? next_us : now_us + FROM_WITHIN_US);
}

static void on_alarm(h2o_socket_t *timer, const char *err)
{
    sl_pulse_t *pulse = timer->data;
    uint64_t now_us = sl_clock_us();

    h2o_buffer_consume(&timer->input, timer->input->size);
    if (err != NULL)
        return;
    if (now_us < pulse->alarm_us)
        return; /* set anew since it rang */
    if (h2o_timeout_is_linked(&pulse->soon_entry) && now_us > pulse->soon_since_us + STUCK_US) {
        h2o_timeout_unlink(&pulse->soon_entry);
        take_turn(pulse, now_us);
        return;
    }
    /* what other sockets have received is read first: an answer that is here already is not late */
    sl_pulse_soon(pulse, now_us);
}

static void on_soon(h2o_timeout_entry_t *entry)
{
    take_turn(H2O_STRUCT_FROM_MEMBER(sl_pulse_t, soon_entry, entry), sl_clock_us());
}
