/*
 * bound: the sockets of one address, opened once by the supervisor and kept while the address is configured, so that a
 * worker's death loses nothing that was queued. TCP addresses have one socket per worker (SO_REUSEPORT: the kernel
 * deals connections out), Unix sockets one for all (src/decisions/0002-listeners.md).
 */
#ifndef SLUICE_NODE_BOUND_H
#define SLUICE_NODE_BOUND_H

#include "sluice/config.h"

typedef struct sl_bound_t {
    char *text;
    char *unlink_path; /* of a Unix socket, NULL for TCP */
    int *fds;
    size_t fd_count;
} sl_bound_t;

/* False with a reason in `error`; then nothing is open. */
bool sl_bound_open(sl_bound_t *bound, const sl_listen_t *listen, size_t workers, sl_text_t *error);
/* The descriptor that worker `slot` listens on. */
int sl_bound_fd(const sl_bound_t *bound, size_t slot);
/* Closes our copies; workers that hold theirs still get what is queued. Takes the socket file away when `is_ours`,
 * which a worker that frees its inheritance is not. */
void sl_bound_close(sl_bound_t *bound, bool is_ours);

#endif
