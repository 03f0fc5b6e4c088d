/*
 * departure: noticing that an HTTP/1 client has left while its request is being served, and calling the work off.
 *
 * libh2o stops reading meanwhile, so nobody would see the end of the connection. The socket therefore stays armed with
 * h2o_socket_dont_read: we are told that something came, nothing is read, and the hot path spends no epoll_ctl.
 * Pipelined bytes disarm it; from then on, and where a TLS close_notify hides the end, the sweep (sweep.c) asks the
 * kernel. A client that closes its sending side only is taken to have left, as most proxies do.
 */
#include "sluice/answer.h"
#include "sluice/clock.h"
#include "sluice/exchange.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>

static void on_client_stirs(h2o_socket_t *sock, const char *error);
static void leave(sl_exchange_t *exchange);

void sl_departure_watch(sl_exchange_t *exchange)
{
    sl_connection_t *connection = exchange->connection;

    if (connection == NULL || exchange->req->version >= 0x200)
        return;
    connection->waiting = exchange;
    h2o_socket_dont_read(connection->sock, 1);
    h2o_socket_read_start(connection->sock, on_client_stirs);
}

void sl_departure_unwatch(sl_exchange_t *exchange)
{
    sl_connection_t *connection = exchange->connection;

    if (connection == NULL || connection->waiting != exchange)
        return;
    connection->waiting = NULL;
    h2o_socket_dont_read(connection->sock, 0);
}

static void on_client_stirs(h2o_socket_t *sock, const char *error)
{
    sl_connection_t *connection = sock->on_close.data;
    char byte;

    ssize_t got = error != NULL ? 0 : recv(h2o_socket_get_fd(sock), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    h2o_socket_read_stop(sock);
    if (got <= 0 && connection->waiting != NULL)
        leave(connection->waiting);
}

void sl_departure_note(sl_exchange_t *exchange)
{
    exchange->has_left = true;
    exchange->reason = sl_answer_word(SL_ANSWER_CLIENT_LEFT);
    exchange->req->res.status = sl_answer_status(SL_ANSWER_CLIENT_LEFT);
}

static void leave(sl_exchange_t *exchange)
{
    if (exchange->has_left)
        return;
    exchange->has_left = true;
    if (!exchange->has_begun_answer) {
        if (exchange->wait.cancel != NULL) {
            sl_clock_us(); /* nobody else did, and the end of the wait goes by the last reading */
            exchange->wait.cancel(exchange->wait.object);
            sl_exchange_waited(exchange);
        }
        sl_exchange_cancel_call(exchange);
        h2o_timeout_unlink(&exchange->start);
        sl_answer_and_close(exchange, SL_ANSWER_CLIENT_LEFT, NULL);
    } else if (exchange->sending_since_us == 0 && exchange->req->_generator != NULL) {
        exchange->reason = "client_left";
        h2o_send(exchange->req, NULL, 0, H2O_SEND_STATE_ERROR); /* the exchange may be gone now */
    }
    /* Else a send is out: the relay sees has_left as soon as libh2o asks for more, or the write fails by itself. */
}

void sl_departure_check(sl_exchange_t *exchange, int tcp_state)
{
    if (tcp_state != TCP_ESTABLISHED)
        leave(exchange);
}

void sl_connection_kill(sl_connection_t *connection, const char *reason)
{
    connection->is_doomed = true;
    connection->end_reason = reason;
    if (connection->waiting != NULL)
        connection->waiting->reason = reason;
    shutdown(h2o_socket_get_fd(connection->sock), SHUT_RDWR);
}

void sl_connection_let_linger(sl_connection_t *connection)
{
    if (connection->second_fd == -1) /* it stays at that when descriptors have run out */
        connection->second_fd = fcntl(h2o_socket_get_fd(connection->sock), F_DUPFD_CLOEXEC, 0);
}
