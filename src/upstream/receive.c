/*
 * receive: bytes that came, from the socket to on_head, on_body and on_end.
 *
 * One read per event into the worker's scratch: whatever the sizes, a call holds at most that much outside the kernel,
 * and many calls that move much share what a turn of the loop should take.
 * After any callback the call may be gone; every function that may lose it returns whether it is still there, or is
 * called last.
 */
#include "inside.h"
#include "sluice/clock.h"
#include "sluice/method.h"
#include <errno.h>
#include <unistd.h>

/* Of one answer: 100 Continue, 102 Processing and 103 Early Hints come singly, or every few seconds. */
#define INTERIM_HEADS_MAX 16

static void take_head(sl_call_t *call, h2o_iovec_t bytes);
static void take_body(sl_call_t *call, h2o_iovec_t bytes);
static void on_kept_readable(sl_wire_t *wire);
static void on_bytes(sl_call_t *call, h2o_iovec_t bytes);
static void on_closed(sl_call_t *call, bool is_clean);

void sl_wire_on_readable(h2o_socket_t *sock, const char *err)
{
    (void)err;
    sl_wire_t *wire = sock->data;
    sl_call_t *call = wire->call;
    if (call == NULL) {
        on_kept_readable(wire);
        return;
    }
    if (call->stage == SL_CALL_BODY && call->is_paused) {
        /* Only now: a pause that is over before more comes costs no system call. */
        h2o_socket_read_stop(sock);
        wire->is_read_stopped = true;
        return;
    }
    if (call->stage == SL_CALL_BODY && call->held.size != 0) {
        sl_call_take_held(call);
        return;
    }

    char *scratch = call->upstream->scratch;
    size_t share = sl_share_take(&call->upstream->share, h2o_now(call->upstream->loop));
    ssize_t len = read(h2o_socket_get_fd(sock), scratch, share);
    if (len > 0)
        on_bytes(call, sl_bytes(scratch, (size_t)len));
    else if (len == 0)
        on_closed(call, true);
    else if (errno != EAGAIN && errno != EINTR)
        on_closed(call, false);
}

/* The service closed it, or sent what nobody asked for. */
static void on_kept_readable(sl_wire_t *wire)
{
    char byte;
    if (read(h2o_socket_get_fd(wire->sock), &byte, 1) != -1 || (errno != EAGAIN && errno != EINTR))
        sl_wire_close(wire);
}

static void on_bytes(sl_call_t *call, h2o_iovec_t bytes)
{
    call->has_answered = true;
    if (call->stage == SL_CALL_BODY) {
        sl_call_enter_stage(call, SL_CALL_BODY, call->request.timeouts.idle_ms);
        take_body(call, bytes);
    } else if (call->held.size == 0) {
        take_head(call, bytes);
    } else {
        sl_text_append(&call->held, bytes.base, bytes.len);
        take_head(call, sl_bytes(call->held.base, call->held.size));
    }
}

static void on_closed(sl_call_t *call, bool is_clean)
{
    if (call->stage == SL_CALL_BODY) {
        /* A connection that broke while we sent can look cleanly closed to the reader. */
        bool is_end = call->framing == SL_FRAMING_CLOSE && is_clean && !call->is_send_broken;
        sl_call_end(call, is_end ? SL_UPSTREAM_OK : SL_UPSTREAM_BROKEN_BODY, false);
    } else if (call->facts.was_kept && !call->has_answered) {
        sl_call_try_failed(call, SL_UPSTREAM_STALE);
    } else {
        sl_call_try_failed(call, call->is_send_broken ? SL_UPSTREAM_SEND_FAILED : SL_UPSTREAM_BROKEN_HEAD);
    }
}

/* Keeps bytes for later. They may lie in `held` already. */
static void hold(sl_call_t *call, h2o_iovec_t bytes)
{
    if (call->held.size != 0) {
        memmove(call->held.base, bytes.base, bytes.len);
        call->held.size = bytes.len;
    } else {
        sl_text_append(&call->held, bytes.base, bytes.len);
    }
}

/* After a callback. False: the call is gone. */
static bool leave(sl_call_t *call)
{
    call->is_entered = false;
    if (!call->is_cancelled)
        return true;
    sl_call_recycle(call);
    return false;
}

static bool tell_head(sl_call_t *call, const sl_response_head_t *response)
{
    call->framing = response->framing;
    call->keeps_alive = response->keeps_alive;
    call->body_left = response->head.content_length;
    call->facts.head_us = sl_clock_us();
    sl_call_enter_stage(call, SL_CALL_BODY, call->is_paused ? 0 : call->request.timeouts.idle_ms);
    call->is_entered = true;
    call->callbacks.on_head(call->data, &response->head);
    return leave(call);
}

static bool tell_body(sl_call_t *call, h2o_iovec_t bytes)
{
    call->is_entered = true;
    call->callbacks.on_body(call->data, bytes);
    return leave(call);
}

/* Bytes beyond the end belong to no request of ours: whatever comes next on that connection cannot be believed. */
static void end_well(sl_call_t *call, bool has_extra)
{
    bool keep = call->keeps_alive && !has_extra && !call->is_send_broken && !h2o_socket_is_writing(call->wire->sock);
    sl_call_end(call, SL_UPSTREAM_OK, keep);
}

/* Skips interim heads. COMPLETE: the final one, and `bytes` are what follows it. */
static sl_head_verdict_t read_final_head(sl_call_t *call, h2o_iovec_t *bytes, sl_response_head_t *response)
{
    bool to_head = sl_is_head(call->request.method);
    while (bytes->len != 0) {
        sl_head_verdict_t verdict = sl_response_head_parse(*bytes, to_head, &call->head_scanned, response);
        if (verdict != SL_HEAD_COMPLETE)
            return verdict;
        *bytes = sl_bytes(bytes->base + response->len, bytes->len - response->len);
        call->head_scanned = 0;
        if (response->head.status >= 200)
            return SL_HEAD_COMPLETE;
        /* nobody asked for another protocol */
        if (response->head.status == 101 || ++call->interim_heads > INTERIM_HEADS_MAX)
            return SL_HEAD_BROKEN;
    }
    return SL_HEAD_PARTIAL;
}

static void take_head(sl_call_t *call, h2o_iovec_t bytes)
{
    sl_response_head_t response;
    sl_head_verdict_t verdict = read_final_head(call, &bytes, &response);
    if (verdict == SL_HEAD_BROKEN) {
        sl_call_try_failed(call, SL_UPSTREAM_BROKEN_HEAD);
        return;
    }
    if (verdict == SL_HEAD_PARTIAL) {
        hold(call, bytes);
        return;
    }
    if (!tell_head(call, &response))
        return;

    if (call->framing == SL_FRAMING_NONE) {
        end_well(call, bytes.len != 0);
    } else if (call->is_paused) {
        hold(call, bytes);
    } else {
        call->held.size = 0;
        take_body(call, bytes);
    }
}

void sl_call_take_held(sl_call_t *call)
{
    h2o_iovec_t bytes = sl_bytes(call->held.base, call->held.size);
    call->held.size = 0;
    sl_call_enter_stage(call, SL_CALL_BODY, call->request.timeouts.idle_ms);
    take_body(call, bytes);
}

typedef struct piece_t {
    h2o_iovec_t data;
    bool is_last, is_broken, has_extra;
} piece_t;

static piece_t take_counted(sl_call_t *call, h2o_iovec_t bytes)
{
    size_t len = bytes.len < call->body_left ? bytes.len : (size_t)call->body_left;
    call->body_left -= len;
    return (piece_t){.data = sl_bytes(bytes.base, len), .is_last = call->body_left == 0, .has_extra = len != bytes.len};
}

static piece_t take_chunked(sl_call_t *call, h2o_iovec_t bytes)
{
    piece_t piece = {.is_last = false};
    size_t used;
    sl_chunked_verdict_t verdict = sl_chunked_decode(&call->chunked, bytes, &piece.data, &used);
    piece.is_last = verdict == SL_CHUNKED_DONE;
    piece.is_broken = verdict == SL_CHUNKED_BROKEN;
    piece.has_extra = used != bytes.len;
    return piece;
}

static piece_t take_piece(sl_call_t *call, h2o_iovec_t bytes)
{
    switch (call->framing) {
    case SL_FRAMING_LENGTH:
        return take_counted(call, bytes);
    case SL_FRAMING_CHUNKED:
        return take_chunked(call, bytes);
    default:
        return (piece_t){.data = bytes};
    }
}

static void take_body(sl_call_t *call, h2o_iovec_t bytes)
{
    piece_t piece = take_piece(call, bytes);
    if (piece.data.len != 0 && !tell_body(call, piece.data))
        return;
    if (piece.is_broken)
        sl_call_end(call, SL_UPSTREAM_BROKEN_BODY, false);
    else if (piece.is_last)
        end_well(call, piece.has_extra);
}
