/*
 * listener: accepting connections; what becomes of them is in welcome.c, how a listener ends in retire.c.
 *
 * Sixteen connections per wake-up keep one busy listener from starving the requests that are already here. Two things
 * stop accepting: the bound on connections, until one closes, and a kernel out of descriptors, for 100 ms (a listener
 * that stays armed would spin).
 */
#include "process.h"
#include "sluice/log.h"
#include <errno.h>
#include <stdlib.h>

#define ACCEPTS_PER_TURN 16

static void on_accept(h2o_socket_t *sock, const char *error);
static void on_pause_over(h2o_timeout_entry_t *entry);

void sl_listener_open(sl_process_t *process, sl_terms_t *terms, int fd)
{
    sl_listener_t *listener = h2o_mem_alloc(sizeof *listener);
    *listener = (sl_listener_t){
        .text = h2o_strdup(NULL, terms->listen->text, SIZE_MAX).base, .terms = terms, .process = process};
    listener->pause.cb = on_pause_over;
    listener->sock = h2o_evloop_socket_create(process->super.ctx.loop, fd, H2O_SOCKET_FLAG_DONT_READ);
    listener->sock->data = listener;

    size_t count = process->listener_count + 1;
    process->listeners = h2o_mem_realloc(process->listeners, count * sizeof process->listeners[0]);
    process->listeners[process->listener_count++] = listener;
    if (process->is_open)
        sl_listener_resume(listener);
}

void sl_listener_set_terms(sl_listener_t *listener, sl_terms_t *terms)
{
    sl_terms_release(listener->terms);
    listener->terms = terms;
}

sl_listener_t *sl_listener_find(const sl_process_t *process, const char *text)
{
    for (size_t i = 0; i != process->listener_count; ++i)
        if (!sl_listener_is_retiring(process->listeners[i]) && strcmp(process->listeners[i]->text, text) == 0)
            return process->listeners[i];
    return NULL;
}

static bool has_room(const sl_process_t *process)
{
    return process->super.connection_count < process->super.config->limits.connections;
}

static void stop_accepting(sl_process_t *process)
{
    process->is_full = true;
    sl_log_limited(SL_LOG_WARN, "connections_full", "%zu connections are open: no more until one closes",
                   process->super.connection_count);
    for (size_t i = 0; i != process->listener_count; ++i)
        h2o_socket_read_stop(process->listeners[i]->sock);
}

void sl_listener_resume(sl_listener_t *listener)
{
    if (!listener->process->is_full && !h2o_timeout_is_linked(&listener->pause))
        h2o_socket_read_start(listener->sock, on_accept);
}

void sl_listeners_resume(sl_process_t *process)
{
    process->is_full = false;
    for (size_t i = 0; i != process->listener_count; ++i)
        sl_listener_resume(process->listeners[i]);
}

void sl_listeners_reconsider(sl_process_t *process)
{
    if (process->is_full && has_room(process))
        sl_listeners_resume(process);
}

static void pause_listener(sl_listener_t *listener)
{
    sl_log_limited(SL_LOG_ERROR, "accept_failed", "cannot accept on %s: %s; trying again in 100 ms", listener->text,
                   strerror(errno));
    h2o_socket_read_stop(listener->sock);
    h2o_timeout_link(listener->process->super.ctx.loop, &listener->process->super.ctx.hundred_ms_timeout,
                     &listener->pause);
}

static bool is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

void on_accept(h2o_socket_t *sock, const char *error)
{
    sl_listener_t *listener = sock->data;
    sl_process_t *process = listener->process;
    if (error != NULL)
        return;
    for (int i = 0; i != ACCEPTS_PER_TURN; ++i) {
        if (!has_room(process)) {
            stop_accepting(process);
            return;
        }
        h2o_socket_t *accepted = h2o_evloop_socket_accept(sock);
        if (accepted == NULL) {
            if (is_shortage(errno))
                pause_listener(listener);
            return;
        }
        sl_welcome(listener, accepted);
    }
}

void on_pause_over(h2o_timeout_entry_t *entry)
{
    sl_listener_resume(H2O_STRUCT_FROM_MEMBER(sl_listener_t, pause, entry));
}

void sl_listener_close(sl_listener_t *listener)
{
    sl_process_t *process = listener->process;
    h2o_socket_t *accepted;
    while (has_room(process) && (accepted = h2o_evloop_socket_accept(listener->sock)) != NULL)
        sl_welcome(listener, accepted);
    for (size_t i = 0; i != process->listener_count; ++i)
        if (process->listeners[i] == listener)
            process->listeners[i--] = process->listeners[--process->listener_count];
    h2o_timeout_unlink(&listener->pause);
    h2o_timeout_unlink(&listener->farewell);
    h2o_socket_close(listener->sock);
    sl_terms_release(listener->terms);
    free(listener->text);
    free(listener);
}
