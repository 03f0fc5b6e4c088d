/*
 * child: what a fork of the supervisor does first. It gives away all that is the supervisor's and becomes a worker, the
 * ops process or redis-server; it never returns.
 */
#include "crash.h"
#include "process.h"
#include "sluice/log.h"
#include "supervisor.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

void sl_child_describe(const sl_child_t *child, char *text, size_t size)
{
    static const char *const names[] = {
        [SL_CHILD_WORKER] = "worker", [SL_CHILD_OPS] = "ops", [SL_CHILD_REDIS] = "redis-server"};
    if (child->kind == SL_CHILD_WORKER)
        snprintf(text, size, "worker %u", child->slot);
    else
        snprintf(text, size, "%s", names[child->kind]);
}

static void become_child(sl_supervisor_t *supervisor, const sl_child_t *child)
{
    char name[32], title[48];
    sigset_t none;
    signal(SIGTERM, SIG_IGN); /* the way down is told over the channel */
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    sl_child_describe(child, name, sizeof name);
    sl_log_set_role(name);
    snprintf(title, sizeof title, "sluice %s", name);
    prctl(PR_SET_NAME, title);
    const sl_number_t *numbers = supervisor->shared->slots[child->slot].numbers;
    sl_crash_prepare(name, child->kind == SL_CHILD_WORKER ? &numbers[SL_M_CONNECTIONS_OPEN] : NULL,
                     supervisor->config->core_dumps);

    /* a sibling's channel held open here would hide the supervisor's death from that sibling */
    for (size_t i = 0; i != supervisor->child_count; ++i) {
        if (supervisor->children[i].channel != -1)
            close(supervisor->children[i].channel);
        supervisor->children[i].channel = -1;
    }
}

static int run_worker(sl_supervisor_t *supervisor, unsigned slot, int channel)
{
    int *listeners = h2o_mem_alloc(sizeof(int) * (supervisor->bound_count + 1));
    for (size_t i = 0; i != supervisor->bound_count; ++i)
        listeners[i] = dup(sl_bound_fd(&supervisor->bound[i], slot));
    sl_worker_seed_t seed = {.shared = supervisor->shared,
                             .config = sl_config_retain(supervisor->config),
                             .slot = slot,
                             .channel = channel,
                             .listeners = listeners};
    sl_supervisor_dispose(supervisor, true);
    int status = sl_worker_run(&seed);
    sl_config_release(seed.config);
    free(listeners);
    return status;
}

static int run_ops(sl_supervisor_t *supervisor, int channel)
{
    int listener = supervisor->ops_bound.fd_count != 0 ? dup(sl_bound_fd(&supervisor->ops_bound, 0)) : -1;
    sl_shared_t *shared = supervisor->shared;
    sl_config_t *config = sl_config_retain(supervisor->config);
    sl_ops_main_t ops_main = supervisor->ops_main;
    sl_supervisor_dispose(supervisor, true);
    int status = ops_main(shared, config, channel, listener);
    sl_config_release(config);
    return status;
}

void sl_child_live(sl_supervisor_t *supervisor, const sl_child_t *child, int channel)
{
    sl_child_kind_t kind = child->kind;
    if (kind == SL_CHILD_REDIS)
        sl_redis_become(&supervisor->config->redis, supervisor->redis_lock);
    unsigned slot = child->slot;
    become_child(supervisor, child);
    exit(kind == SL_CHILD_WORKER ? run_worker(supervisor, slot, channel) : run_ops(supervisor, channel));
}
