/*
 * proxy_protocol: the header by which a balancer tells whose connection it passes on, versions 1 and 2
 * (https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt). Pure: bytes in, verdict out.
 */
#ifndef SLUICE_PROXY_PROTOCOL_H
#define SLUICE_PROXY_PROTOCOL_H

#include "sluice/bytes.h"
#include <sys/socket.h>

/* Longer headers are refused; what balancers send, extensions included, is a tenth of it. */
#define SL_PROXY_HEADER_MAX 4096

typedef enum { SL_PROXY_INCOMPLETE, SL_PROXY_COMPLETE, SL_PROXY_BROKEN } sl_proxy_state_t;

typedef struct sl_proxy_header_t {
    size_t length;    /* complete: its bytes, what follows is the client's; incomplete: so many are needed at least */
    bool has_address; /* false: the balancer speaks for itself (a health check), or does not know */
    struct sockaddr_storage source; /* AF_INET or AF_INET6, with port */
    const char *error;              /* broken: what is wrong */
} sl_proxy_header_t;

/* Looks at the first bytes of a connection. */
sl_proxy_state_t sl_proxy_parse(h2o_iovec_t bytes, sl_proxy_header_t *header);

#endif
