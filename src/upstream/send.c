/* send: the request as one vector for one writev, nothing copied. Reading goes on meanwhile, so an early answer is
 * seen. */
#include "inside.h"
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

enum { PARTS_MAX = 10 };

typedef struct parts_t {
    h2o_iovec_t parts[PARTS_MAX];
    size_t count;
} parts_t;

static void write_parts(sl_call_t *call, parts_t *vector);
static void drop_sent(parts_t *vector, size_t sent);
static void note_broken(sl_call_t *call);
static void on_sent(h2o_socket_t *sock, const char *err);

/* libh2o waits for a last part that is empty. */
static void add(parts_t *vector, h2o_iovec_t part)
{
    if (part.len != 0)
        vector->parts[vector->count++] = part;
}

void sl_call_send(sl_call_t *call)
{
    const sl_call_request_t *request = &call->request;
    parts_t vector = {.count = 0};

    add(&vector, request->method);
    add(&vector, SL_LIT(" "));
    add(&vector, request->target);
    add(&vector, SL_LIT(" HTTP/1.1\r\nHost: "));
    add(&vector, request->host.len != 0 ? request->host : sl_bytes_of(call->facts.instance->authority));
    add(&vector, SL_LIT("\r\n"));
    add(&vector, request->headers);
    if (request->has_body) {
        snprintf(call->length_line, sizeof call->length_line, "Content-Length: %zu\r\n\r\n", request->body.len);
        add(&vector, sl_bytes_of(call->length_line));
        add(&vector, request->body);
    } else {
        add(&vector, SL_LIT("\r\n"));
    }

    sl_call_enter_stage(call, SL_CALL_HEAD, request->timeouts.first_byte_ms);
    write_parts(call, &vector);
}

/* Nearly every request goes whole, and then needs nothing more of libh2o; what the kernel does not take is left to it.
 */
static void write_parts(sl_call_t *call, parts_t *vector)
{
    struct msghdr message = {.msg_iov = (struct iovec *)vector->parts, .msg_iovlen = vector->count};
    ssize_t sent = sendmsg(h2o_socket_get_fd(call->wire->sock), &message, MSG_NOSIGNAL);
    if (sent == -1 && errno != EAGAIN && errno != EINTR) {
        note_broken(call);
        return;
    }
    drop_sent(vector, sent > 0 ? (size_t)sent : 0);
    if (vector->count != 0)
        h2o_socket_write(call->wire->sock, vector->parts, vector->count, on_sent);
}

static void drop_sent(parts_t *vector, size_t sent)
{
    size_t whole = 0;
    while (whole != vector->count && vector->parts[whole].len <= sent)
        sent -= vector->parts[whole++].len;
    vector->count -= whole;
    memmove(vector->parts, vector->parts + whole, vector->count * sizeof vector->parts[0]);
    if (vector->count != 0)
        vector->parts[0] = sl_bytes(vector->parts[0].base + sent, vector->parts[0].len - sent);
}

/* The service may have answered before it closed: what can still be read decides (receive.c). */
static void note_broken(sl_call_t *call)
{
    call->is_send_broken = true;
}

static void on_sent(h2o_socket_t *sock, const char *err)
{
    sl_wire_t *wire = sock->data;
    if (err != NULL)
        note_broken(wire->call);
    else if (wire->call->stage == SL_CALL_HEAD)
        sl_call_enter_stage(wire->call, SL_CALL_HEAD, wire->call->request.timeouts.first_byte_ms);
}
