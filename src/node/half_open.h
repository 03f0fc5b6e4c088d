/*
 * half_open: clients of a listening socket whose handshake is under way (SYN_RECV), as the kernel lists them through
 * sock_diag(7). What it would take to see with one's own eyes: `ss -t state syn-recv sport = :8080`.
 */
#ifndef SLUICE_NODE_HALF_OPEN_H
#define SLUICE_NODE_HALF_OPEN_H

#include <stdbool.h>

/* Whether there is any at the port of listening socket `fd`, whichever process listens there. True also when the kernel
 * does not tell, false for Unix sockets, which connect in one step. Under SYN cookies nobody knows. */
bool sl_half_open_exist(int fd);

#endif
