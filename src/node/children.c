/*
 * children: forking workers, the ops process and redis-server (what they do then is in child.c); noting their deaths;
 * starting them again.
 *
 * The first death of a child is answered at once, since a crash that a request provoked says nothing about the next
 * request. A child that keeps dying waits 100 ms, 200 ms ... 5 s, until it has lived for 30 s. What a dead worker owned
 * of the gauges is set back; its totals stay.
 */
#include "sluice/clock.h"
#include "sluice/log.h"
#include "supervisor.h"
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST_DELAY_MS 100
#define LONGEST_DELAY_MS 5000
#define LONG_LIFE_US 30000000

void sl_children_add(sl_supervisor_t *supervisor, sl_child_kind_t kind, unsigned slot)
{
    supervisor->children[supervisor->child_count++] = (sl_child_t){.kind = kind, .slot = slot, .channel = -1};
}

void sl_child_kill(sl_child_t *child, int signal_number)
{
    if (child->pid != 0)
        kill(child->pid, signal_number);
}

static uint64_t delay_us(unsigned deaths_in_row)
{
    uint64_t delay_ms = FIRST_DELAY_MS;
    if (deaths_in_row <= 1)
        return 0;
    for (unsigned deaths = 2; deaths != deaths_in_row && delay_ms < LONGEST_DELAY_MS; ++deaths)
        delay_ms *= 2;
    return (delay_ms < LONGEST_DELAY_MS ? delay_ms : LONGEST_DELAY_MS) * 1000;
}

static void schedule_respawn(sl_child_t *child, uint64_t now_us)
{
    if (now_us - child->started_us >= LONG_LIFE_US)
        child->deaths_in_row = 0;
    child->respawn_at_us = now_us + delay_us(++child->deaths_in_row);
}

static void start(sl_supervisor_t *supervisor, sl_child_t *child, uint64_t now_us)
{
    int ends[2] = {-1, -1};
    child->started_us = now_us;
    bool has_channel = child->kind == SL_CHILD_REDIS || sl_channel_open(ends);
    pid_t pid = has_channel ? fork() : -1;
    if (pid == 0) {
        if (ends[0] != -1)
            close(ends[0]);
        sl_child_live(supervisor, child, ends[1]);
    }
    if (ends[1] != -1)
        close(ends[1]);
    if (pid == -1) {
        sl_log(SL_LOG_ERROR, "fork_failed", "no new process: %s", strerror(errno));
        if (ends[0] != -1)
            close(ends[0]);
        schedule_respawn(child, now_us);
        return;
    }
    child->pid = pid;
    child->channel = ends[0];
    if (child->kind == SL_CHILD_WORKER)
        sl_number_set(&supervisor->shared->slots[child->slot].pid, (uint64_t)pid);
}

void sl_children_start_due(sl_supervisor_t *supervisor, uint64_t now_us)
{
    for (size_t i = 0; i != supervisor->child_count && !supervisor->is_ending; ++i) {
        sl_child_t *child = &supervisor->children[i];
        if (child->pid == 0 && child->respawn_at_us <= now_us)
            start(supervisor, child, now_us);
    }
}

static void reset_gauges(sl_worker_slot_t *slot)
{
#define X(id, name, type, help)                                                                                        \
    if (strcmp(type, "gauge") == 0)                                                                                    \
        sl_number_set(&slot->numbers[SL_M_##id], 0);
    SL_WORKER_METRICS(X)
#undef X
    for (int i = 0; i != SL_MAX_SERVICES; ++i) {
        sl_service_numbers_t *service = &slot->services[i];
        sl_number_t *const gauges[] = {&service->connections_open, &service->connections_idle, &service->breaker_state};
        for (size_t j = 0; j != sizeof gauges / sizeof gauges[0]; ++j)
            if (sl_number_get(gauges[j]) != 0) /* reading an untouched page costs no memory, writing it does */
                sl_number_set(gauges[j], 0);
    }
    sl_crowd_clear(&slot->crowd);
    sl_number_set(&slot->generation, 0);
    sl_number_set(&slot->pid, 0);
}

static void describe_end(int status, char *text, size_t size)
{
    if (WIFSIGNALED(status))
        snprintf(text, size, "killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(text, size, "exit status %d", WEXITSTATUS(status));
}

static void note_death(sl_supervisor_t *supervisor, sl_child_t *child, int status, uint64_t now_us)
{
    char name[32], end[96];
    pid_t pid = child->pid;
    uint64_t lost = 0;
    sl_child_describe(child, name, sizeof name);
    describe_end(status, end, sizeof end);
    if (child->channel != -1)
        close(child->channel);
    child->channel = -1;
    child->pid = 0;
    child->generation = 0;
    if (child->kind == SL_CHILD_WORKER) {
        sl_worker_slot_t *slot = &supervisor->shared->slots[child->slot];
        lost = sl_number_get(&slot->numbers[SL_M_CONNECTIONS_OPEN]);
        reset_gauges(slot);
    }
    if (supervisor->is_ending) {
        sl_log(SL_LOG_DEBUG, "child_ended", "%s (pid %d) has ended: %s", name, (int)pid, end);
        return;
    }

    schedule_respawn(child, now_us);
    if (child->kind == SL_CHILD_WORKER)
        sl_number_add(&supervisor->shared->worker_deaths[sl_death_slot(WIFSIGNALED(status) ? WTERMSIG(status) : 0)], 1);
    sl_log(SL_LOG_ERROR, "child_died", "%s (pid %d) has died: %s; %" PRIu64 " connections lost; back in %" PRIu64 " ms",
           name, (int)pid, end, lost, (child->respawn_at_us - now_us) / 1000);
}

void sl_children_reap(sl_supervisor_t *supervisor, uint64_t now_us)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (size_t i = 0; i != supervisor->child_count; ++i)
            if (supervisor->children[i].pid == pid)
                note_death(supervisor, &supervisor->children[i], status, now_us);
}
