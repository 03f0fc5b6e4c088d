/*
 * supervisor: start, loop, signals, and the way down.
 *
 *   HUP        a new configuration (snapshot.c)
 *   TERM, INT  readiness says 503, sockets close, workers drain, then ops, then Redis; a second one ends at once
 *   CHLD       somebody has ended (children.c)
 *
 * All waiting is done in one poll(2) over the signals and the children's channels.
 */
#include "supervisor.h"
#include "sluice/clock.h"
#include "sluice/log.h"
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define NEVER UINT64_MAX
#define DESCRIPTORS_ENOUGH 1048576

/* --- the way down: each kind is asked when the kind before has ended, and killed when its patience is over --- */

static void ask_worker(const sl_supervisor_t *supervisor, sl_child_t *child)
{
    sl_message_t message = {.kind = supervisor->is_hurried ? SL_MESSAGE_STOP : SL_MESSAGE_DRAIN};
    sl_channel_send(child->channel, &message);
}

static void ask_ops(const sl_supervisor_t *supervisor, sl_child_t *child)
{
    (void)supervisor;
    sl_channel_send(child->channel, &(sl_message_t){.kind = SL_MESSAGE_STOP});
}

static void ask_redis(const sl_supervisor_t *supervisor, sl_child_t *child)
{
    (void)supervisor;
    sl_child_kill(child, SIGTERM); /* it writes its file and ends */
}

typedef struct way_down_t {
    sl_child_kind_t kind;
    void (*ask)(const sl_supervisor_t *supervisor, sl_child_t *child);
    uint64_t patience_ms; /* beyond limits.drain_ms for workers */
    uint64_t hurried_ms;
} way_down_t;

static const way_down_t steps_down[] = {{SL_CHILD_WORKER, ask_worker, 4000, 200},
                                        {SL_CHILD_OPS, ask_ops, 1000, 200},
                                        {SL_CHILD_REDIS, ask_redis, 10000, 3000}};
#define STEPS_DOWN (sizeof steps_down / sizeof steps_down[0])

static size_t count_alive(const sl_supervisor_t *supervisor, sl_child_kind_t kind)
{
    size_t alive = 0;
    for (size_t i = 0; i != supervisor->child_count; ++i)
        alive += supervisor->children[i].kind == kind && supervisor->children[i].pid != 0;
    return alive;
}

static void ask_all(sl_supervisor_t *supervisor, uint64_t now_us)
{
    const way_down_t *step = &steps_down[supervisor->way_down];
    uint64_t patience_ms = supervisor->is_hurried ? step->hurried_ms : step->patience_ms;
    if (step->kind == SL_CHILD_WORKER && !supervisor->is_hurried)
        patience_ms += supervisor->config->limits.drain_ms;
    supervisor->patience_until_us = now_us + patience_ms * 1000;
    for (size_t i = 0; i != supervisor->child_count; ++i)
        if (supervisor->children[i].kind == step->kind && supervisor->children[i].pid != 0)
            step->ask(supervisor, &supervisor->children[i]);
}

static void kill_late(sl_supervisor_t *supervisor, uint64_t now_us)
{
    if (now_us < supervisor->patience_until_us)
        return;
    for (size_t i = 0; i != supervisor->child_count; ++i)
        if (supervisor->children[i].kind == steps_down[supervisor->way_down].kind)
            sl_child_kill(&supervisor->children[i], SIGKILL);
    supervisor->patience_until_us = NEVER;
}

/* True when nobody is left. */
static bool go_down(sl_supervisor_t *supervisor, uint64_t now_us)
{
    while (count_alive(supervisor, steps_down[supervisor->way_down].kind) == 0) {
        if (++supervisor->way_down == STEPS_DOWN)
            return true;
        ask_all(supervisor, now_us);
    }
    kill_late(supervisor, now_us);
    return false;
}

static void close_sockets(sl_supervisor_t *supervisor)
{
    for (size_t i = 0; i != supervisor->bound_count; ++i)
        sl_bound_close(&supervisor->bound[i], true);
    supervisor->bound_count = 0;
}

static void begin_to_end(sl_supervisor_t *supervisor, uint64_t now_us)
{
    supervisor->is_ending = true;
    sl_log(SL_LOG_INFO, "draining", "told to end: finishing what is under way, for at most %" PRIu64 " ms",
           supervisor->config->limits.drain_ms);
    close_sockets(supervisor);
    ask_all(supervisor, now_us);
}

static void on_told_to_end(sl_supervisor_t *supervisor, uint64_t now_us)
{
    if (supervisor->is_ending) {
        sl_log(SL_LOG_WARN, "ending_now", "told to end again: what is under way is cut");
        supervisor->is_hurried = true;
        ask_all(supervisor, now_us);
        return;
    }
    sl_number_set(&supervisor->shared->is_draining, 1); /* before the sockets close: the balancer shall know first */
    uint64_t delay_ms = supervisor->config->limits.drain_delay_ms;
    if (supervisor->closes_at_us == 0 && delay_ms != 0) {
        supervisor->closes_at_us = now_us + delay_ms * 1000;
        sl_log(SL_LOG_INFO, "unready", "told to end: /ready says so, accepting goes on for %" PRIu64 " ms", delay_ms);
        return;
    }
    begin_to_end(supervisor, now_us);
}

/* --- the loop --- */

static void on_signals(sl_supervisor_t *supervisor, uint64_t now_us)
{
    struct signalfd_siginfo info;
    while (read(supervisor->signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            sl_children_reap(supervisor, now_us);
        else if (info.ssi_signo != SIGHUP)
            on_told_to_end(supervisor, now_us);
        else if (!supervisor->is_ending && supervisor->closes_at_us == 0)
            sl_snapshot_reload(supervisor);
    }
}

static bool is_in_force(const sl_supervisor_t *supervisor, uint64_t generation)
{
    for (size_t i = 0; i != supervisor->child_count; ++i)
        if (supervisor->children[i].kind == SL_CHILD_WORKER && supervisor->children[i].generation != generation)
            return false;
    return true;
}

static void on_message(sl_supervisor_t *supervisor, sl_child_t *child, const sl_message_t *message)
{
    char name[32];
    sl_child_describe(child, name, sizeof name);
    for (size_t i = 0; i != message->fd_count; ++i)
        close(message->fds[i]);
    if (message->kind == SL_MESSAGE_REFUSED)
        sl_log(SL_LOG_ERROR, "reload_refused", "%s could not take configuration %" PRIu64, name, message->generation);
    if (message->kind != SL_MESSAGE_READY)
        return;
    child->generation = message->generation;
    if (child->kind == SL_CHILD_WORKER && is_in_force(supervisor, message->generation))
        sl_log(SL_LOG_INFO, "in_force", "configuration %" PRIu64 " is in force in all %zu workers", message->generation,
               supervisor->workers);
}

static void on_channel(sl_supervisor_t *supervisor, sl_child_t *child)
{
    sl_message_t message;
    sl_channel_state_t state;
    while ((state = sl_channel_receive(child->channel, &message)) == SL_CHANNEL_MESSAGE)
        on_message(supervisor, child, &message);
    if (state == SL_CHANNEL_CLOSED) { /* its death is told by SIGCHLD */
        close(child->channel);
        child->channel = -1;
    }
}

static int wait_ms(const sl_supervisor_t *supervisor, uint64_t now_us)
{
    uint64_t until_us = supervisor->is_ending           ? supervisor->patience_until_us
                        : supervisor->closes_at_us != 0 ? supervisor->closes_at_us
                                                        : supervisor->rotate_at_us;
    for (size_t i = 0; i != supervisor->child_count && !supervisor->is_ending; ++i)
        if (supervisor->children[i].pid == 0 && supervisor->children[i].respawn_at_us < until_us)
            until_us = supervisor->children[i].respawn_at_us;
    if (until_us == NEVER)
        return -1;
    return until_us <= now_us ? 0 : (int)((until_us - now_us) / 1000 + 1);
}

static void wait_and_serve(sl_supervisor_t *supervisor)
{
    struct pollfd polled[SL_MAX_WORKERS + 3] = {{.fd = supervisor->signals, .events = POLLIN}};
    for (size_t i = 0; i != supervisor->child_count; ++i)
        polled[i + 1] = (struct pollfd){.fd = supervisor->children[i].channel, .events = POLLIN};
    if (poll(polled, supervisor->child_count + 1, wait_ms(supervisor, sl_clock_us())) <= 0)
        return;
    for (size_t i = 0; i != supervisor->child_count; ++i)
        if (polled[i + 1].revents != 0)
            on_channel(supervisor, &supervisor->children[i]);
    if (polled[0].revents != 0)
        on_signals(supervisor, sl_clock_us());
}

/* The first ones before the first worker is born. */
static void rotate_ticket_keys(sl_supervisor_t *supervisor, uint64_t now_us)
{
    if (now_us < supervisor->rotate_at_us)
        return;
    sl_ticket_keys_rotate(&supervisor->shared->ticket_keys);
    supervisor->rotate_at_us = now_us + SL_TICKET_ROTATION_S * 1000000ull;
}

static void run(sl_supervisor_t *supervisor)
{
    for (;;) {
        uint64_t now_us = sl_clock_us();
        if (!supervisor->is_ending && supervisor->closes_at_us != 0 && now_us >= supervisor->closes_at_us)
            begin_to_end(supervisor, now_us);
        if (supervisor->is_ending && go_down(supervisor, now_us))
            return;
        rotate_ticket_keys(supervisor, now_us);
        sl_children_start_due(supervisor, now_us);
        wait_and_serve(supervisor);
    }
}

/* --- start and end --- */

static int catch_signals(void)
{
    sigset_t caught;
    signal(SIGPIPE, SIG_IGN); /* a write to a peer that left must fail, not kill */
    signal(SIGXFSZ, SIG_IGN); /* nor must one to a log that may not grow */
    sigemptyset(&caught);
    sigaddset(&caught, SIGTERM);
    sigaddset(&caught, SIGINT);
    sigaddset(&caught, SIGHUP);
    sigaddset(&caught, SIGCHLD);
    sigprocmask(SIG_BLOCK, &caught, NULL);
    return signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void name_children(sl_supervisor_t *supervisor)
{
    if (supervisor->config->redis.kind == SL_REDIS_EMBEDDED)
        sl_children_add(supervisor, SL_CHILD_REDIS, 0);
    for (unsigned slot = 0; slot != supervisor->workers; ++slot)
        sl_children_add(supervisor, SL_CHILD_WORKER, slot);
    sl_children_add(supervisor, SL_CHILD_OPS, 0);
}

static void say_where(const sl_supervisor_t *supervisor)
{
    sl_text_t where = {0};
    for (size_t i = 0; i != supervisor->bound_count; ++i)
        sl_text_format(&where, "%s%s", i != 0 ? ", " : "", supervisor->bound[i].text);
    sl_log(SL_LOG_INFO, "started", "%zu workers listen on %s; ops on %s", supervisor->workers, where.base,
           supervisor->config->ops.text != NULL ? supervisor->config->ops.text : "no address");
    sl_text_dispose(&where);
}

/* The soft limit is for programs that use select(2): 1024 in most places, and a worker's connections go far beyond.
 * What the administrator bounds is the hard one. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= DESCRIPTORS_ENOUGH)
        return;
    limit.rlim_cur = limit.rlim_max < DESCRIPTORS_ENOUGH ? limit.rlim_max : DESCRIPTORS_ENOUGH;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int sl_supervise(const char *config_path, sl_ops_main_t ops_main)
{
    sl_supervisor_t supervisor = {
        .config_path = config_path, .ops_main = ops_main, .redis_lock = -1, .signals = catch_signals()};
    int status = 1;
    sl_log_set_role("supervisor");
    raise_descriptor_limit();
    supervisor.shared = sl_shared_create();
    if (supervisor.shared == NULL || supervisor.signals == -1)
        perror("sluice");
    else if (sl_snapshot_first(&supervisor)) {
        sl_number_set(&supervisor.shared->started_wall_ms, sl_clock_wall_ms());
        name_children(&supervisor);
        say_where(&supervisor);
        run(&supervisor);
        sl_log(SL_LOG_INFO, "ended", "all processes of this node have ended");
        status = 0;
    }
    sl_supervisor_dispose(&supervisor, false);
    return status;
}
