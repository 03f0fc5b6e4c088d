/*
 * linger: the end of a connection whose client may still be sending (RFC 9112 §9.6).
 *
 *   the answer begins   exchange/: a second descriptor is taken, since libh2o will close its own
 *   libh2o closes       our side is shut, so that the client reads the end of the answer; what still comes is dropped
 *   the client closes,  or is silent for too long, or sends too much: the connection ends
 *
 * A socket that is closed with unread bytes in it resets the connection, and the reset overtakes the answer: the client
 * would see "connection reset" instead of why it was refused. A lingering connection keeps its place among all that are
 * counted and in the crowd of its address, so it is no way around either bound.
 */
#include "process.h"
#include "sluice/clock.h"
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define SILENCE_US 2000000u
#define WHOLE_US 10000000u
#define BYTES_MAX (32u << 20)
#define BYTES_AT_ONCE 65536 /* of TCP they are not even copied */

static void end(sl_connection_t *connection)
{
    h2o_linklist_unlink(&connection->link);
    h2o_socket_close(connection->sock);
    sl_welcome_forget(connection);
}

static void on_more(h2o_socket_t *sock, const char *error)
{
    static char unread[BYTES_AT_ONCE];
    sl_connection_t *connection = sock->data;
    ssize_t got = error != NULL ? 0 : recv(h2o_socket_get_fd(sock), unread, sizeof(unread), MSG_DONTWAIT | MSG_TRUNC);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got > 0 && (connection->lingered_bytes += (size_t)got) <= BYTES_MAX)
        connection->lingered_us = sl_clock_us();
    else
        end(connection);
}

void sl_linger_begin(sl_process_t *process, sl_connection_t *connection)
{
    sl_worker_t *worker = &process->super;
    int fd = connection->second_fd;

    connection->second_fd = -1;
    shutdown(fd, SHUT_WR);
    connection->sock = h2o_evloop_socket_create(worker->ctx.loop, fd, H2O_SOCKET_FLAG_DONT_READ);
    connection->sock->data = connection;
    connection->closed_us = connection->lingered_us = sl_clock_us();
    h2o_linklist_insert(&process->lingering, &connection->link);
    h2o_socket_read_start(connection->sock, on_more);
}

void sl_lingers_end(sl_process_t *process, uint64_t now_us)
{
    h2o_linklist_t *node = process->lingering.next;

    while (node != &process->lingering) {
        sl_connection_t *connection = H2O_STRUCT_FROM_MEMBER(sl_connection_t, link, node);
        node = node->next; /* first: the connection may end here */
        if (now_us > connection->lingered_us + SILENCE_US || now_us > connection->closed_us + WHOLE_US)
            end(connection);
    }
}
