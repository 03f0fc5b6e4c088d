/*
 * retire: the end of a listener, at a drain or when a reload has dropped its address, without a reset for anybody.
 *
 * The kernel lets a client believe that it is connected before we can accept it: until its ACK is here, the connection
 * is but half made, and a socket that closes resets what is half made or queued. So first nobody new comes in, then
 * those who are on their way are waited for, and only then is it closed:
 *
 *   TCP    a filter on the socket drops each SYN. A client tells it again after a second, and is refused then or is let
 *          in by whoever listens there by that time
 *   Unix   shut for reading it refuses from now on, and what is queued can still be accepted
 *
 * It closes as soon as the kernel knows of nobody who is half connected, and at the latest after WAIT_US: a client that
 * has nothing to say yet may hold its ACK back for 200 ms (TCP_DELACK_MAX of Linux).
 */
#include "half_open.h"
#include "process.h"
#include "sluice/clock.h"
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define WAIT_US 300000u
#define FLAGS_AT 13 /* in the head of TCP, which is where such a filter begins (RFC 9293 section 3.1) */
#define SYN 0x02
#define ACK 0x10

static void close_to_newcomers(sl_listener_t *listener)
{
    static struct sock_filter lines[] = {BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FLAGS_AT),
                                         BPF_STMT(BPF_ALU | BPF_AND | BPF_K, SYN | ACK),
                                         BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYN, 0, 1), BPF_STMT(BPF_RET | BPF_K, 0),
                                         BPF_STMT(BPF_RET | BPF_K, UINT32_MAX)};
    static const struct sock_fprog drop_syn = {.len = sizeof lines / sizeof lines[0], .filter = lines};
    int fd = h2o_socket_get_fd(listener->sock);

    if (listener->terms->listen->address.ss_family == AF_UNIX)
        shutdown(fd, SHUT_RD);
    else /* if the kernel was built without filters, the few microseconds before close() are as they always were */
        setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &drop_syn, sizeof drop_syn);
}

/* Never not at all: a SYN that has just passed may not be in the kernel's table yet. */
static void wait_a_while(sl_listener_t *listener)
{
    h2o_timeout_link(listener->process->super.ctx.loop, &listener->process->looks, &listener->farewell);
}

static bool is_awaited(const sl_listener_t *listener)
{
    return sl_clock_us() < listener->closes_us && sl_half_open_exist(h2o_socket_get_fd(listener->sock));
}

static void on_farewell(h2o_timeout_entry_t *entry)
{
    sl_listener_t *listener = H2O_STRUCT_FROM_MEMBER(sl_listener_t, farewell, entry);
    sl_process_t *process = listener->process;

    if (is_awaited(listener)) {
        wait_a_while(listener);
        return;
    }
    sl_listener_close(listener);
    sl_drain_note_gone(process);
}

bool sl_listener_is_retiring(const sl_listener_t *listener)
{
    return listener->closes_us != 0;
}

void sl_listener_retire(sl_listener_t *listener)
{
    if (sl_listener_is_retiring(listener))
        return;
    close_to_newcomers(listener);
    listener->closes_us = sl_clock_us() + WAIT_US;
    listener->farewell.cb = on_farewell;
    wait_a_while(listener);
    sl_listener_resume(listener);
}
