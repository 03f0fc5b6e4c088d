/*
 * process: a worker from the inside. sl_worker_t is what stages may see of it; the rest is this room's business:
 * libh2o's configuration, the listeners, the channel to the supervisor, and how it ends.
 *
 *   worker.c    birth, loop, teardown       listener.c   accepting
 *   opening.c   when it begins to accept    welcome.c    from accept to libh2o, the life of a connection
 *   reload.c    a new snapshot arrives      greeting.c   the PROXY header before it
 *   drain.c     the orderly end             sweeper.c    when the worker is looked over
 *   retire.c    the end of a listener       linger.c     ends that wait for the client
 *                                           grudge.c     addresses that have attacked
 */
#ifndef SLUICE_NODE_PROCESS_H
#define SLUICE_NODE_PROCESS_H

#include "sluice/channel.h"
#include "sluice/connection.h"
#include "sluice/worker.h"
#include "terms.h"

typedef struct sl_process_t sl_process_t;

typedef struct sl_listener_t {
    char *text; /* as in the configuration; names it across reloads */
    h2o_socket_t *sock;
    sl_terms_t *terms; /* retained */
    sl_process_t *process;
    h2o_timeout_entry_t pause;    /* linked while descriptors have run out */
    h2o_timeout_entry_t farewell; /* linked while it retires */
    uint64_t closes_us;           /* at the latest; 0 unless it retires */
} sl_listener_t;

struct sl_process_t {
    sl_worker_t super;
    h2o_globalconf_t global;
    h2o_accept_ctx_t accept;   /* what is alike for all listeners; the whole is in their terms */
    sl_config_t *first_config; /* the store keeps pointing at its Redis settings, which only a restart changes */
    sl_listener_t **listeners;
    size_t listener_count;
    bool is_open; /* accepts; not yet while the link to Redis comes up */
    bool is_full; /* at limits.connections: nothing is accepted until one closes */
    h2o_socket_t *channel;
    h2o_timeout_t looks; /* every 5 ms: at the link to Redis until is_open, at who is half connected when it retires */
    h2o_timeout_entry_t look;
    uint64_t born_us;
    h2o_timeout_entry_t second;
    h2o_linklist_t grudges;   /* grudge.c */
    h2o_linklist_t lingering; /* sl_connection_t::link; linger.c */
    h2o_timeout_entry_t drain_tick;
    uint64_t drain_began_us;
    bool has_killed; /* the drain's patience is over */
    bool is_done;
};

/* What the supervisor hands to a new worker. The worker owns the descriptors; listeners are in the order of
 * config->listens. */
typedef struct sl_worker_seed_t {
    sl_shared_t *shared;
    sl_config_t *config;
    unsigned slot;
    int channel;
    const int *listeners;
} sl_worker_seed_t;

/* worker.c: the whole life of the process; returns its exit status. */
int sl_worker_run(const sl_worker_seed_t *seed);

/* apply.c. Bounds of libh2o that follow from a snapshot, and the log's level; safe while it runs. */
void sl_apply_limits(sl_process_t *process, const sl_config_t *config);
/* Lets the store read every breaker now, so that the first request of a service does not have to ask. */
void sl_watch_breakers(sl_process_t *process, const sl_config_t *config);

/* listener.c. `terms` is taken over. */
void sl_listener_open(sl_process_t *process, sl_terms_t *terms, int fd);
/* For the connections that come from now on; those that are here keep theirs. */
void sl_listener_set_terms(sl_listener_t *listener, sl_terms_t *terms);
/* Accepts again, unless something else forbids it. */
void sl_listener_resume(sl_listener_t *listener);
/* At once: accepts what the kernel has queued and frees the listener. */
void sl_listener_close(sl_listener_t *listener);
/* One that does not retire, or NULL. */
sl_listener_t *sl_listener_find(const sl_process_t *process, const char *text);
/* All of them, again or for the first time. */
void sl_listeners_resume(sl_process_t *process);
/* After limits.connections has changed. */
void sl_listeners_reconsider(sl_process_t *process);

/* retire.c. Nobody new is let in from now on; those who are on their way are, for a while, then it closes. */
void sl_listener_retire(sl_listener_t *listener);
bool sl_listener_is_retiring(const sl_listener_t *listener);

/* welcome.c. Takes the socket over. */
void sl_welcome(sl_listener_t *listener, h2o_socket_t *sock);
/* Its PROXY header has named another source; the connection may be gone then. */
void sl_welcome_as(sl_connection_t *connection, const struct sockaddr_storage *source);
/* To libh2o, if its address has room; the connection may be gone then. */
void sl_welcome_in(sl_connection_t *connection, const struct sockaddr_storage *address);
/* Resets it; it is gone then. */
void sl_welcome_refuse(sl_connection_t *connection, sl_refusal_t refusal);
/* The last of it: the connection is gone from the kernel, too. */
void sl_welcome_forget(sl_connection_t *connection);

/* linger.c: libh2o has closed the connection, and it has a second descriptor. */
void sl_linger_begin(sl_process_t *process, sl_connection_t *connection);
/* Those that have lingered for too long at `now_us`. */
void sl_lingers_end(sl_process_t *process, uint64_t now_us);

/* greeting.c */
void sl_greeting_start(sl_connection_t *connection);

/* opening.c: start; call off; and at the end, when nothing else uses the loop's timers. */
void sl_opening_start(sl_process_t *process);
void sl_opening_stop(sl_process_t *process);
void sl_opening_dispose(sl_process_t *process);

/* reload.c: takes the descriptors of the message. */
void sl_reload(sl_process_t *process, sl_message_t *message);

/* grudge.c: the connection, which is counted, ends for having exceeded a budget. */
void sl_grudge_bear(sl_process_t *process, const sl_connection_t *connection);
/* Those that are over at `until_us`. */
void sl_grudges_drop(sl_process_t *process, uint64_t until_us);

/* sweeper.c */
void sl_sweeper_start(sl_process_t *process);
void sl_sweeper_stop(sl_process_t *process);

/* drain.c */
void sl_drain_begin(sl_process_t *process);
void sl_drain_stop(sl_process_t *process);
/* A connection has ended while draining. */
void sl_drain_note_gone(sl_process_t *process);

#endif
