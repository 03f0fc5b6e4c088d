/*
 * deadline: as many deadlines of as many different lengths as there are calls, for one worker.
 *
 * libh2o's timers follow the wall clock and want one list per duration. These follow CLOCK_MONOTONIC through one
 * timerfd, so a stepped clock changes nothing. They are lazy: moving a deadline back, or clearing it, touches neither
 * the heap nor the kernel; the old place in the heap is looked at when its time comes. Traffic that never runs into a
 * deadline costs a system call per shortest deadline, not per request.
 */
#ifndef SLUICE_UPSTREAM_DEADLINE_H
#define SLUICE_UPSTREAM_DEADLINE_H

#include <h2o.h>
#include <stdbool.h>

typedef struct sl_deadline_t sl_deadline_t;
struct sl_deadline_t {
    void (*on_due)(sl_deadline_t *deadline); /* set by the owner, once; the deadline is clear when it is called */
    uint64_t due_us;                         /* 0: clear */
    uint64_t queued_us;                      /* key in the heap; 0: not in it. Never later than due_us */
    size_t place;
};

typedef struct sl_deadlines_t {
    h2o_socket_t *timer;
    uint64_t armed_us; /* 0: the timer sleeps */
    bool is_running;   /* inside callbacks: the timer is armed once, afterwards */
    bool has_waited;   /* the loop was held up, and all sockets have had a turn since the timer rang */
    sl_deadline_t **heap;
    size_t count, capacity;
} sl_deadlines_t;

void sl_deadlines_init(sl_deadlines_t *deadlines, h2o_loop_t *loop);
/* Deadlines that are still set are forgotten. */
void sl_deadlines_dispose(sl_deadlines_t *deadlines);

/* `due_us` of sl_clock_us; in the past: on the loop's next turn. */
void sl_deadline_set(sl_deadlines_t *deadlines, sl_deadline_t *deadline, uint64_t due_us);
static inline void sl_deadline_clear(sl_deadline_t *deadline)
{
    deadline->due_us = 0;
}
/* Before the memory of a deadline goes. */
void sl_deadline_remove(sl_deadlines_t *deadlines, sl_deadline_t *deadline);

#endif
