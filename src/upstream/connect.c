/* connect: a new connection for a call. Nothing has been sent until it stands, so its failure is never ambiguous. */
#include "inside.h"
#include <errno.h>

/*
 * Bounds what the kernel piles up for a paused call: twice the figure, so less than 512 KiB with what one read holds.
 * Left alone it would grow to the maximum of net.ipv4.tcp_rmem, 6 MiB and more. Smaller costs: at 128 KiB a body of 1
 * MiB takes a quarter more CPU. Every host allows this one (net.core.rmem_max). Unix sockets are bounded by the
 * sender's buffer.
 */
#define RECEIVE_BUFFER_BYTES 212992

static void on_connect(h2o_socket_t *sock, const char *err);

/* What this machine lacks is no failure of the service: its breaker, which all nodes share, must not open for it. */
static bool is_own_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS || error == EADDRNOTAVAIL;
}

sl_upstream_result_t sl_wire_open(sl_call_t *call)
{
    sl_upstream_t *upstream = call->upstream;
    h2o_socket_t *sock =
        h2o_socket_connect(upstream->loop, (struct sockaddr *)call->turn.address, call->turn.address_len, on_connect);
    if (sock == NULL)
        return is_own_shortage(errno) ? SL_UPSTREAM_NO_SOCKET : SL_UPSTREAM_REFUSED;
    if (call->turn.address->sa_family != AF_UNIX) {
        int bytes = RECEIVE_BUFFER_BYTES;
        setsockopt(h2o_socket_get_fd(sock), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    }
    sl_wire_t *wire = h2o_mem_alloc(sizeof *wire);
    *wire = (sl_wire_t){.upstream = upstream,
                        .sock = sock,
                        .call = call,
                        .numbers = sl_call_numbers(call),
                        .keep_until = {.on_due = sl_wire_on_keep_over}};
    sl_number_add(&wire->numbers->connections_open, 1);
    sock->data = wire;
    call->wire = wire;
    sl_call_enter_stage(call, SL_CALL_CONNECTING, call->request.timeouts.connect_ms);
    return SL_UPSTREAM_OK;
}

static void on_connect(h2o_socket_t *sock, const char *err)
{
    sl_wire_t *wire = sock->data;
    if (err != NULL) {
        sl_call_try_failed(wire->call, SL_UPSTREAM_REFUSED);
        return;
    }
    /* We read ourselves, into the worker's scratch: libh2o would gather whatever has come in one growing buffer. */
    h2o_socket_dont_read(sock, 1);
    h2o_socket_read_start(sock, sl_wire_on_readable);
    sl_call_send(wire->call);
}
