/*
 * greeting: taking the PROXY header off a connection before TLS or HTTP begins.
 *
 * The bytes are looked at where they lie in the kernel, and exactly the header's are then taken, so that whoever reads
 * next finds the client's first byte. The socket is armed without being read (h2o_socket_dont_read), and SO_RCVLOWAT
 * keeps the kernel from waking us before enough has come to know more. How long that may take is the sweep's to watch.
 */
#include "process.h"
#include "sluice/log.h"
#include "sluice/proxy_protocol.h"
#include <errno.h>
#include <poll.h>

static void on_stir(h2o_socket_t *sock, const char *error);

static void wake_at(h2o_socket_t *sock, size_t bytes)
{
    int least = (int)bytes;
    setsockopt(h2o_socket_get_fd(sock), SOL_SOCKET, SO_RCVLOWAT, &least, sizeof least);
}

void sl_greeting_start(sl_connection_t *connection)
{
    connection->is_greeting = true;
    h2o_socket_dont_read(connection->sock, 1);
    h2o_socket_read_start(connection->sock, on_stir);
}

static bool take(h2o_socket_t *sock, size_t bytes)
{
    char header[SL_PROXY_HEADER_MAX];
    return recv(h2o_socket_get_fd(sock), header, bytes, MSG_DONTWAIT) == (ssize_t)bytes;
}

static void finish(sl_connection_t *connection, const sl_proxy_header_t *header)
{
    h2o_socket_t *sock = connection->sock;
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    if (!take(sock, header->length)) {
        h2o_socket_close(sock);
        return;
    }
    h2o_socket_read_stop(sock);
    h2o_socket_dont_read(sock, 0);
    wake_at(sock, 1);
    connection->is_greeting = false;
    if (header->has_address)
        sl_welcome_as(connection, &header->source);
    else
        sl_welcome_in(connection, &address); /* the balancer itself, which is trusted and not counted */
}

/* The bytes that came before an end hide it from recv(2). */
static bool is_over(const sl_connection_t *connection)
{
    struct pollfd end = {.fd = h2o_socket_get_fd(connection->sock), .events = POLLRDHUP};
    return connection->is_doomed || (poll(&end, 1, 0) == 1 && (end.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0);
}

void on_stir(h2o_socket_t *sock, const char *error)
{
    sl_connection_t *connection = sock->on_close.data;
    char bytes[SL_PROXY_HEADER_MAX];
    sl_proxy_header_t header;
    ssize_t got = error != NULL ? 0 : recv(h2o_socket_get_fd(sock), bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) { /* a balancer that looks whether the port is open does this all day */
        h2o_socket_close(sock);
        return;
    }

    switch (sl_proxy_parse(sl_bytes(bytes, (size_t)got), &header)) {
    case SL_PROXY_INCOMPLETE:
        if (is_over(connection))
            h2o_socket_close(sock);
        else
            wake_at(sock, header.length);
        break;
    case SL_PROXY_COMPLETE:
        finish(connection, &header);
        break;
    case SL_PROXY_BROKEN:
        sl_log_limited(SL_LOG_WARN, "proxy_broken", "%s sent %s to %s: refused", connection->peer, header.error,
                       connection->listen->text);
        sl_welcome_refuse(connection, SL_REFUSAL_PROXY_BROKEN);
        break;
    }
}
