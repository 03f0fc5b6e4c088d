/* deadline: a binary heap over a timerfd. */
#include "deadline.h"
#include "sluice/clock.h"
#include <errno.h>
#include <stdio.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* After a wake-up the next one comes no sooner: many deadlines close together share one. */
#define REST_US 4000
/* A timer that comes later than this found the loop held up: what the sockets have received meanwhile is not late. */
#define HELD_UP_US 10000

static void on_timer(h2o_socket_t *timer, const char *err);

void sl_deadlines_init(sl_deadlines_t *deadlines, h2o_loop_t *loop)
{
    *deadlines = (sl_deadlines_t){0};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (fd == -1)
        h2o_fatal("timerfd_create");
    deadlines->timer = h2o_evloop_socket_create(loop, fd, 0);
    deadlines->timer->data = deadlines;
    h2o_socket_dont_read(deadlines->timer, 1);
    h2o_socket_read_start(deadlines->timer, on_timer);
}

void sl_deadlines_dispose(sl_deadlines_t *deadlines)
{
    h2o_socket_close(deadlines->timer);
    free(deadlines->heap);
    *deadlines = (sl_deadlines_t){0};
}

static void put(sl_deadlines_t *deadlines, size_t place, sl_deadline_t *deadline)
{
    deadlines->heap[place] = deadline;
    deadline->place = place;
}

static void sift_up(sl_deadlines_t *deadlines, size_t place, sl_deadline_t *deadline)
{
    while (place != 0) {
        size_t parent = (place - 1) / 2;
        if (deadlines->heap[parent]->queued_us <= deadline->queued_us)
            break;
        put(deadlines, place, deadlines->heap[parent]);
        place = parent;
    }
    put(deadlines, place, deadline);
}

static void sift_down(sl_deadlines_t *deadlines, size_t place, sl_deadline_t *deadline)
{
    for (;;) {
        size_t child = place * 2 + 1;
        if (child >= deadlines->count)
            break;
        if (child + 1 < deadlines->count && deadlines->heap[child + 1]->queued_us < deadlines->heap[child]->queued_us)
            ++child;
        if (deadline->queued_us <= deadlines->heap[child]->queued_us)
            break;
        put(deadlines, place, deadlines->heap[child]);
        place = child;
    }
    put(deadlines, place, deadline);
}

static void insert(sl_deadlines_t *deadlines, sl_deadline_t *deadline)
{
    if (deadlines->count == deadlines->capacity) {
        deadlines->capacity = deadlines->capacity != 0 ? deadlines->capacity * 2 : 64;
        deadlines->heap = h2o_mem_realloc(deadlines->heap, deadlines->capacity * sizeof(*deadlines->heap));
    }
    deadline->queued_us = deadline->due_us;
    sift_up(deadlines, deadlines->count++, deadline);
}

static void arm(sl_deadlines_t *deadlines, uint64_t at_us)
{
    struct itimerspec when = {.it_value = {(time_t)(at_us / 1000000), (long)(at_us % 1000000 * 1000)}};
    deadlines->armed_us = at_us;
    timerfd_settime(h2o_socket_get_fd(deadlines->timer), TFD_TIMER_ABSTIME, &when, NULL);
}

void sl_deadline_set(sl_deadlines_t *deadlines, sl_deadline_t *deadline, uint64_t due_us)
{
    deadline->due_us = due_us;
    if (deadline->queued_us == 0) {
        insert(deadlines, deadline);
    } else if (due_us < deadline->queued_us) {
        deadline->queued_us = due_us;
        sift_up(deadlines, deadline->place, deadline);
    } else {
        return;
    }
    if (!deadlines->is_running && (deadlines->armed_us == 0 || due_us < deadlines->armed_us))
        arm(deadlines, due_us);
}

void sl_deadline_remove(sl_deadlines_t *deadlines, sl_deadline_t *deadline)
{
    deadline->due_us = 0;
    if (deadline->queued_us == 0)
        return;
    deadline->queued_us = 0;
    sl_deadline_t *last = deadlines->heap[--deadlines->count];
    if (last == deadline)
        return;
    sift_up(deadlines, deadline->place, last);
    sift_down(deadlines, last->place, last);
}

/* The first in the heap has reached its key: is its deadline really over, or has it been moved or cleared since? */
static void look_at_first(sl_deadlines_t *deadlines, uint64_t now_us)
{
    sl_deadline_t *deadline = deadlines->heap[0];
    uint64_t due_us = deadline->due_us;
    if (due_us > now_us) {
        deadline->queued_us = due_us;
        sift_down(deadlines, 0, deadline);
        return;
    }
    sl_deadline_remove(deadlines, deadline);
    if (due_us != 0)
        deadline->on_due(deadline);
}

/* Whether the other sockets shall have a turn before deadlines are judged: libh2o serves what came last first, so an
 * answer that was here in time would find its call timed out. */
static bool must_wait_a_turn(sl_deadlines_t *deadlines, uint64_t now_us)
{
    bool is_held_up = deadlines->count != 0 && now_us > deadlines->heap[0]->queued_us + HELD_UP_US;
    deadlines->has_waited = is_held_up && !deadlines->has_waited;
    return deadlines->has_waited;
}

static void on_timer(h2o_socket_t *timer, const char *err)
{
    (void)err;
    sl_deadlines_t *deadlines = timer->data;
    uint64_t expirations;
    if (read(h2o_socket_get_fd(timer), &expirations, sizeof expirations) == -1 && errno == EAGAIN)
        return;

    uint64_t now_us = sl_clock_us();
    if (must_wait_a_turn(deadlines, now_us)) {
        arm(deadlines, now_us);
        return;
    }
    deadlines->armed_us = 0;
    deadlines->is_running = true;
    while (deadlines->count != 0 && deadlines->heap[0]->queued_us <= now_us)
        look_at_first(deadlines, now_us);
    deadlines->is_running = false;

    if (deadlines->count != 0) {
        uint64_t next_us = deadlines->heap[0]->queued_us;
        arm(deadlines, next_us > now_us + REST_US ? next_us : now_us + REST_US);
    }
}
