/*
 * reading: each read from a client passes here. libh2o's callbacks are learnt when it sets them for a new connection,
 * and ours are set instead, so that it is known whose bytes are being taken apart (http2_frames.c), and how many have
 * come (exchange/bodies.c).
 *
 * Where there is no TLS we also read ourselves: the library would read until the kernel has nothing more, from each of
 * up to 256 connections in a row, and whoever waits behind them waits for all of it. Here each gets its share of the
 * turn, and what is left is told again in the next one. Of TLS one read takes at most what the kernel holds for the
 * connection (node/bound.c).
 *
 * The operational listener comes by as well; its connections are nobody's.
 */
#include "reading.h"
#include "library.h"
#include "sluice/exchange.h"
#include "sluice/guard.h"
#include "sluice/share.h"
#include <errno.h>
#include <h2o/http1.h>
#include <unistd.h>

#define FIRST_BYTES 4096 /* holds nearly every request of an API */

typedef struct protocol_t {
    h2o_socket_cb theirs; /* once it was seen */
    h2o_socket_cb ours;
} protocol_t;

static void on_http1(h2o_socket_t *sock, const char *error);
static void on_http2(h2o_socket_t *sock, const char *error);

static protocol_t http1 = {.ours = on_http1}, http2 = {.ours = on_http2};
static protocol_t *accepting;   /* the next callback that is set is this one's */
static sl_connection_t *sender; /* whose HTTP/2 is being taken apart */

sl_connection_t *sl_guard_who_sends(void)
{
    return sender;
}

/* As read(2). Small things take one call and little memory; more is read at once when the first piece was full. */
static ssize_t read_share(h2o_socket_t *sock, size_t most)
{
    size_t room = FIRST_BYTES, total = 0;

    for (;;) {
        h2o_iovec_t free_space = h2o_buffer_reserve(&sock->input, room);
        size_t wanted = free_space.len < most - total ? free_space.len : most - total;
        ssize_t got = read(h2o_socket_get_fd(sock), free_space.base, wanted);
        if (got <= 0)
            return total != 0 ? (ssize_t)total : got;
        sock->input->size += (size_t)got;
        total += (size_t)got;
        if ((size_t)got != wanted || total == most)
            return (ssize_t)total;
        room = most - total;
    }
}

/* False: there was nothing, so there is nothing to tell. */
static bool take_share(h2o_socket_t *sock, const sl_connection_t *connection, const char **error)
{
    static sl_share_t share;
    ssize_t got = read_share(sock, sl_share_take(&share, h2o_now(connection->worker->ctx.loop)));

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    sock->bytes_read = got > 0 ? (size_t)got : 0;
    if (got == 0)
        *error = h2o_socket_error_closed;
    else if (got < 0)
        *error = h2o_socket_error_io;
    return true;
}

static bool is_read_by_library(const h2o_socket_t *sock)
{
    return sock->ssl != NULL || sock->on_close.data == NULL;
}

/* Counted afterwards, because only then the bytes lie where they are looked for. The connection may be gone by then. */
static void read_and_count(const protocol_t *protocol, h2o_socket_t *sock, const char *error)
{
    sl_connection_t *connection = sock->on_close.data;
    sl_worker_t *worker = connection != NULL ? connection->worker : NULL;

    if (!is_read_by_library(sock) && !take_share(sock, connection, &error))
        return;
    size_t bytes = error == NULL ? sock->bytes_read : 0;
    protocol->theirs(sock, error);
    if (worker != NULL && bytes != 0)
        worker->note_arrival(worker, bytes);
}

/* Bytes that were left in the kernel would make a reset of the close, which overtakes what we say last. */
static void throw_away(h2o_socket_t *sock)
{
    const char *error = NULL;

    if (!is_read_by_library(sock) && !take_share(sock, sock->on_close.data, &error))
        return;
    h2o_buffer_consume(&sock->input, sock->input->size);
    if (error != NULL)
        http2.theirs(sock, error);
}

static void on_http1(h2o_socket_t *sock, const char *error)
{
    read_and_count(&http1, sock, error);
}

static void on_http2(h2o_socket_t *sock, const char *error)
{
    if (error == NULL && sl_guard_http2_is_over(sock)) {
        throw_away(sock);
        return;
    }
    sender = sock->on_close.data;
    read_and_count(&http2, sock, error);
    sl_guard_http2_was_read();
    sender = NULL;
}

void h2o_socket_read_start(h2o_socket_t *sock, h2o_socket_cb cb)
{
    REAL(h2o_socket_read_start);

    if (accepting != NULL) {
        accepting->theirs = cb;
        accepting = NULL;
    }
    if (cb != NULL && cb == http1.theirs)
        cb = http1.ours;
    else if (cb != NULL && cb == http2.theirs)
        cb = http2.ours;
    if (cb == on_http1 || cb == on_http2)
        h2o_socket_dont_read(sock, !is_read_by_library(sock));
    real(sock, cb);
}

void h2o_http1_accept(h2o_accept_ctx_t *ctx, h2o_socket_t *sock, struct timeval connected_at)
{
    REAL(h2o_http1_accept);

    accepting = &http1;
    real(ctx, sock, connected_at);
}

void h2o_http2_accept(h2o_accept_ctx_t *ctx, h2o_socket_t *sock, struct timeval connected_at)
{
    REAL(h2o_http2_accept);
    sl_connection_t *connection = sock->on_close.data;

    connection->is_http2 = true;
    accepting = &http2;
    sender = connection; /* what has come already is read at once */
    real(ctx, sock, connected_at);
    sl_guard_http2_was_read();
    sender = NULL;
}
