/*
 * supervisor: the process that everything hangs on. It touches no request, runs no event loop of libh2o and has one
 * thread, so forking it is safe at any time.
 *
 *   supervisor.c       start, loop, signals, the way down
 *   snapshot.c         reading a configuration, and telling the children (their half is reload.c)
 *   children.c         fork, deaths, back-off
 *   child.c            what a fork does first
 *   belongings.c       giving up what the supervisor holds
 *   bound.c            sockets
 *   embedded_redis.c   the private redis-server
 */
#ifndef SLUICE_NODE_SUPERVISOR_H
#define SLUICE_NODE_SUPERVISOR_H

#include "bound.h"
#include "sluice/channel.h"
#include "sluice/node.h"
#include <sys/types.h>

typedef enum { SL_CHILD_WORKER, SL_CHILD_OPS, SL_CHILD_REDIS } sl_child_kind_t;

typedef struct sl_child_t {
    sl_child_kind_t kind;
    unsigned slot;       /* of a worker */
    pid_t pid;           /* 0: not running */
    int channel;         /* -1: none */
    uint64_t generation; /* of the configuration that it said is in force */
    uint64_t started_us;
    uint64_t respawn_at_us; /* while not running */
    unsigned deaths_in_row; /* since it last lived long enough */
} sl_child_t;

typedef struct sl_supervisor_t {
    const char *config_path;
    sl_ops_main_t ops_main;
    sl_shared_t *shared;
    sl_config_t *config; /* in force */
    size_t workers;
    sl_bound_t *bound; /* as config->listens */
    size_t bound_count;
    sl_bound_t ops_bound; /* fd_count 0: ops is off */
    int redis_lock;       /* -1: Redis is not ours */
    int signals;
    sl_child_t children[SL_MAX_WORKERS + 2];
    size_t child_count;
    uint64_t rotate_at_us; /* the keys of session tickets */
    uint64_t closes_at_us; /* told to end, still accepting: limits.drain_delay; 0: not told */
    bool is_ending;
    bool is_hurried;   /* told to end twice */
    unsigned way_down; /* index into the steps of ending */
    uint64_t patience_until_us;
} sl_supervisor_t;

/* belongings.c: frees what is in memory and closes descriptors; a child calls it for what it inherited (`is_child`).
 */
void sl_supervisor_dispose(sl_supervisor_t *supervisor, bool is_child);

/* children.c */
void sl_children_add(sl_supervisor_t *supervisor, sl_child_kind_t kind, unsigned slot);
/* Starts those whose time has come. */
void sl_children_start_due(sl_supervisor_t *supervisor, uint64_t now_us);
/* Takes note of every child that has ended. */
void sl_children_reap(sl_supervisor_t *supervisor, uint64_t now_us);
/* Kills and leaves the rest to the reaping. */
void sl_child_kill(sl_child_t *child, int signal_number);

/* child.c: "worker 3"; what a fork does, which does not return. */
void sl_child_describe(const sl_child_t *child, char *text, size_t size);
void sl_child_live(sl_supervisor_t *supervisor, const sl_child_t *child, int channel) __attribute__((noreturn));

/* snapshot.c. The first returns false after it has told standard error why. */
bool sl_snapshot_first(sl_supervisor_t *supervisor);
void sl_snapshot_reload(sl_supervisor_t *supervisor);

/* embedded_redis.c. Makes the data directory and locks it; returns the lock, -1 with a reason. */
int sl_redis_prepare(const sl_redis_settings_t *settings, sl_text_t *error);
/* In the child: becomes redis-server. Does not return. */
void sl_redis_become(const sl_redis_settings_t *settings, int lock) __attribute__((noreturn));

#endif
