/*
 * drain: the orderly end of a worker.
 *
 *   at once      the listeners retire (retire.c), every answer says "Connection: close"
 *                HTTP/2 clients are told that no new streams are welcome (GOAWAY with the largest number)
 *   after 1 s    HTTP/2: the last GOAWAY, then the end after the answers; connections that receive an upload are spared
 *                until two seconds before the cut
 *   after 1 s    connections without a request are shut; who was about to send the next one until then, was answered
 *   drain_ms     whatever is left is cut, those that linger (linger.c) as well
 *
 * HTTP/1 has no way to tell an idle client to go, and a request may be on the wire when we decide. Hence the second of
 * grace: under traffic nearly every connection ends by an answer that says so, and nobody loses a request.
 */
#include "process.h"
#include "sluice/clock.h"
#include "sluice/guard.h"
#include "sluice/log.h"
#include <sys/ioctl.h>
#include <sys/socket.h>

#define GRACE_MS 1000
#define LAST_MS 2000 /* after the cut: for the loop to see all connections end */

static void schedule(sl_process_t *process)
{
    h2o_timeout_link(process->super.ctx.loop, &process->super.ctx.hundred_ms_timeout, &process->drain_tick);
}

/* Neither a request under way nor a byte of the next one, here or in the kernel. HTTP/2 is told by GOAWAY instead; an
 * upload there is no exchange yet. */
static bool is_idle(const sl_connection_t *connection)
{
    int unread = 0;
    return !connection->is_http2 && connection->in_flight == 0 && connection->sock->input->size == 0 &&
           ioctl(h2o_socket_get_fd(connection->sock), FIONREAD, &unread) == 0 && unread == 0;
}

static void shut_idle(sl_process_t *process)
{
    h2o_linklist_t *list = &process->super.connections;
    for (h2o_linklist_t *node = list->next; node != list; node = node->next) {
        const sl_connection_t *connection = H2O_STRUCT_FROM_MEMBER(sl_connection_t, link, node);
        if (is_idle(connection))
            shutdown(h2o_socket_get_fd(connection->sock), SHUT_RD);
    }
}

static void kill_all(sl_process_t *process)
{
    h2o_linklist_t *list = &process->super.connections;
    sl_log(SL_LOG_WARN, "drain_cut", "%zu connections did not end within %llu ms and are cut",
           process->super.connection_count, (unsigned long long)process->super.config->limits.drain_ms);
    process->has_killed = true;
    for (h2o_linklist_t *node = list->next; node != list; node = node->next)
        sl_connection_kill(H2O_STRUCT_FROM_MEMBER(sl_connection_t, link, node), "drain_cut");
    sl_lingers_end(process, UINT64_MAX);
}

static void on_tick(h2o_timeout_entry_t *entry)
{
    sl_process_t *process = H2O_STRUCT_FROM_MEMBER(sl_process_t, drain_tick, entry);
    uint64_t waited_ms = (sl_clock_us() - process->drain_began_us) / 1000;
    uint64_t drain_ms = process->super.config->limits.drain_ms;
    if (waited_ms >= drain_ms && !process->has_killed)
        kill_all(process);
    else if (waited_ms >= drain_ms + LAST_MS)
        process->is_done = true;
    else if (waited_ms >= GRACE_MS) {
        shut_idle(process);
        sl_guard_http2_finish(&process->super.ctx, waited_ms + LAST_MS >= drain_ms);
    }
    schedule(process);
}

void sl_drain_begin(sl_process_t *process)
{
    if (process->super.is_draining)
        return;
    process->super.is_draining = true;
    sl_opening_stop(process);
    sl_number_set(&process->super.slot->numbers[SL_M_WORKERS_READY], 0);
    process->drain_began_us = sl_clock_us();
    process->drain_tick.cb = on_tick;
    schedule(process);
    for (size_t i = 0; i != process->listener_count; ++i)
        sl_listener_retire(process->listeners[i]);
    h2o_context_request_shutdown(&process->super.ctx);
    /* The library would say the last GOAWAY in a second, and drop what is being uploaded; on_tick does it better. */
    h2o_timeout_unlink(&process->super.ctx.http2._graceful_shutdown_timeout);
    sl_drain_note_gone(process);
}

void sl_drain_stop(sl_process_t *process)
{
    h2o_timeout_unlink(&process->drain_tick);
}

void sl_drain_note_gone(sl_process_t *process)
{
    if (process->super.is_draining && process->super.connection_count == 0 && process->listener_count == 0)
        process->is_done = true;
}
