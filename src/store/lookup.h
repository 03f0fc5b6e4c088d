/*
 * lookup: the addresses of a host name, without blocking the loop. The system's resolver blocks, so a thread of the
 * lookup's own asks it and sends the answer through a socket pair: giving up is closing our end, and the thread owns
 * nothing that could die under it.
 */
#ifndef SLUICE_STORE_LOOKUP_H
#define SLUICE_STORE_LOOKUP_H

#include <h2o.h>
#include <stdbool.h>
#include <stdint.h>

#define SL_LOOKUP_MAX 8

typedef struct sl_lookup_address_t {
    struct sockaddr_storage storage;
    socklen_t len;
} sl_lookup_address_t;

typedef struct sl_lookup_answer_t {
    size_t count;
    sl_lookup_address_t addresses[SL_LOOKUP_MAX]; /* in the system's order of preference */
    char error[80];                               /* when count is 0 */
} sl_lookup_answer_t;

/* A literal address, on the spot. */
bool sl_lookup_literal(const char *host, uint16_t port, sl_lookup_answer_t *answer);
/* The socket to read the answer from; close it at any time. NULL with errno when the system refuses. */
h2o_socket_t *sl_lookup_start(h2o_loop_t *loop, const char *host, uint16_t port);
/* In the read callback of that socket: false while the answer is not complete. */
bool sl_lookup_read(h2o_socket_t *sock, sl_lookup_answer_t *answer);

#endif
