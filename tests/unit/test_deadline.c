/* Deadlines on a real loop. No durations are asserted: only what comes, and in which order. */
#include "sluice/clock.h"
#include "upstream/deadline.h"
#include <criterion/criterion.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT 200

typedef struct entry_t {
    sl_deadline_t deadline;
    uint64_t wanted_us;
    bool has_come;
} entry_t;

static h2o_loop_t *loop;
static sl_deadlines_t deadlines;
static entry_t entries[COUNT];
static unsigned come;
static uint64_t last_us;

static void on_due(sl_deadline_t *deadline)
{
    entry_t *entry = (entry_t *)deadline;
    cr_expect(!entry->has_come, "came twice");
    cr_expect(entry->wanted_us <= sl_clock_us(), "came too early");
    entry->has_come = true;
    last_us = entry->wanted_us;
    ++come;
}

static void set(entry_t *entry, uint64_t due_us)
{
    entry->wanted_us = due_us;
    sl_deadline_set(&deadlines, &entry->deadline, due_us);
}

static void on_readable(h2o_socket_t *sock, const char *err)
{
    cr_expect_null(err);
    h2o_socket_read_stop(sock);
    sl_deadline_clear(&entries[0].deadline);
}

static void set_up(void)
{
    loop = h2o_evloop_create();
    sl_deadlines_init(&deadlines, loop);
    for (size_t i = 0; i != COUNT; ++i)
        entries[i] = (entry_t){.deadline.on_due = on_due};
}

static void tear_down(void)
{
    sl_deadlines_dispose(&deadlines);
    h2o_evloop_run(loop, 0);
    h2o_evloop_destroy(loop);
}

static void run_until(unsigned count)
{
    while (come < count)
        h2o_evloop_run(loop, 1000);
}

TestSuite(deadline, .init = set_up, .fini = tear_down, .timeout = 20);

Test(deadline, each_comes_once_and_never_early)
{
    uint64_t now_us = sl_clock_us();
    for (size_t i = 0; i != COUNT; ++i)
        set(&entries[i], now_us + (uint64_t)rand() % 50000);
    run_until(COUNT);
    cr_expect_eq(deadlines.count, 0);
}

Test(deadline, one_in_the_past_comes_on_the_next_turn)
{
    set(&entries[0], sl_clock_us());
    cr_expect_eq(come, 0);
    run_until(1);
}

Test(deadline, what_came_while_the_loop_was_held_up_is_not_late)
{
    int ends[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    h2o_socket_t *sock = h2o_evloop_socket_create(loop, ends[0], 0);
    h2o_socket_read_start(sock, on_readable);
    h2o_evloop_run(loop, 0);
    set(&entries[0], sl_clock_us() + 1000);
    set(&entries[1], sl_clock_us() + 2000);

    cr_assert_eq(write(ends[1], "x", 1), 1);
    usleep(50000);
    run_until(1);

    cr_expect(entries[1].has_come);
    cr_expect(!entries[0].has_come, "an answer that was here has been overtaken by its deadline");
    h2o_socket_close(sock);
    close(ends[1]);
}

Test(deadline, a_cleared_one_does_not_come)
{
    uint64_t now_us = sl_clock_us();
    set(&entries[0], now_us + 1000);
    set(&entries[1], now_us + 30000);
    sl_deadline_clear(&entries[0].deadline);
    run_until(1);
    cr_expect(!entries[0].has_come);
}

Test(deadline, a_removed_one_leaves_the_others_in_order)
{
    uint64_t now_us = sl_clock_us();
    unsigned removed = 0;
    for (size_t i = 0; i != COUNT; ++i)
        set(&entries[i], now_us + (uint64_t)rand() % 50000);
    for (size_t i = 0; i < COUNT; i += 3, ++removed) {
        sl_deadline_remove(&deadlines, &entries[i].deadline);
        sl_deadline_remove(&deadlines, &entries[i].deadline);
    }
    for (size_t i = 1; i != deadlines.count; ++i)
        cr_assert(deadlines.heap[(i - 1) / 2]->queued_us <= deadlines.heap[i]->queued_us);
    run_until(COUNT - removed);
    for (size_t i = 0; i != COUNT; ++i)
        cr_expect_eq(entries[i].has_come, i % 3 != 0);
}

Test(deadline, one_that_is_moved_back_comes_at_its_new_time)
{
    uint64_t now_us = sl_clock_us();
    set(&entries[0], now_us + 1000);
    set(&entries[1], now_us + 20000);
    set(&entries[0], now_us + 50000);
    run_until(2);
    cr_expect_eq(last_us, now_us + 50000);
}

Test(deadline, one_that_is_moved_forward_comes_before_those_it_overtook)
{
    uint64_t now_us = sl_clock_us();
    set(&entries[0], now_us + 3600000000u);
    set(&entries[1], now_us + 30000);
    set(&entries[0], now_us + 1000);
    run_until(1);
    cr_expect(entries[0].has_come);
    run_until(2);
}
