/* endpoint: "host:port" and the socket addresses that need no resolver. */
#ifndef SLUICE_CONFIG_ENDPOINT_H
#define SLUICE_CONFIG_ENDPOINT_H

#include "sluice/bytes.h"
#include <stdint.h>
#include <sys/socket.h>

typedef struct sl_endpoint_t {
    char host[256]; /* without the brackets of IPv6 */
    uint16_t port;
    bool has_port, is_bracketed;
} sl_endpoint_t;

/* "host", "host:port", "[v6]:port". False when it is none, or the port isn't 1..65535. The host is not looked at. */
bool sl_endpoint_read(h2o_iovec_t text, sl_endpoint_t *endpoint);
/* When the host is an address: its length. 0: it is not. */
socklen_t sl_endpoint_literal(const sl_endpoint_t *endpoint, struct sockaddr_storage *address);
/* Could be a host's name: letters, digits, '-', '_', '.'. */
bool sl_endpoint_is_name(const sl_endpoint_t *endpoint);
/* 0: no absolute path, or too long for the kernel. */
socklen_t sl_endpoint_unix(h2o_iovec_t path, struct sockaddr_storage *address);

#endif
