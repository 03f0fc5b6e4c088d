/*
 * access_queue: two thresholds and a timer. A write happens when 32 KiB have gathered, or 100 ms after the first line.
 * Pipes get at most PIPE_BUF bytes at a time, cut at a line's end, so that the lines of several workers do not mix
 * (pipe(7)); O_APPEND does the same for files.
 *
 * Standard output is opened anew through /proc/self/fd: O_NONBLOCK belongs to the open file description, which others
 * share. A socket cannot be opened so; it is sent to with MSG_DONTWAIT.
 */
#include "access_queue.h"
#include "sluice/log.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define QUEUE_BYTES (1024 * 1024)
#define WRITE_BYTES (32 * 1024)

typedef enum { SINK_FILE, SINK_PIPE, SINK_SOCKET } sink_t;

struct sl_access_queue_t {
    h2o_context_t *ctx;
    sl_number_t *dropped;
    int fd; /* -1: nothing to write to */
    sink_t sink;
    bool is_blocked; /* the reader did not take all; the timer tries again */
    h2o_timeout_entry_t flush_soon;
    size_t size;
    char bytes[QUEUE_BYTES];
};

static int open_standard_output(void)
{
    int fd = open("/proc/self/fd/1", O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

    return fd != -1 ? fd : fcntl(1, F_DUPFD_CLOEXEC, 3);
}

static void open_sink(sl_access_queue_t *queue, const char *path)
{
    struct stat status;

    queue->fd = strcmp(path, "-") == 0
                    ? open_standard_output()
                    : open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0640);
    if (queue->fd == -1 || fstat(queue->fd, &status) != 0) {
        sl_log(SL_LOG_ERROR, "access_log", "cannot open %s: %s; access log lines are dropped", path, strerror(errno));
        return;
    }
    queue->sink = S_ISSOCK(status.st_mode) ? SINK_SOCKET : S_ISFIFO(status.st_mode) ? SINK_PIPE : SINK_FILE;
}

/* How much to hand over at once: for a pipe, whole lines that the kernel takes in one piece. */
static size_t portion(const sl_access_queue_t *queue, size_t from)
{
    size_t left = queue->size - from;

    if (queue->sink != SINK_PIPE || left <= PIPE_BUF)
        return left;
    const char *newline = memrchr(queue->bytes + from, '\n', PIPE_BUF);
    return newline != NULL ? (size_t)(newline + 1 - (queue->bytes + from)) : PIPE_BUF;
}

static ssize_t hand_over(const sl_access_queue_t *queue, const char *bytes, size_t len)
{
    if (queue->sink == SINK_SOCKET)
        return send(queue->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    return write(queue->fd, bytes, len);
}

static void flush(sl_access_queue_t *queue)
{
    size_t from = 0;

    queue->is_blocked = false;
    while (from != queue->size && queue->fd != -1) {
        ssize_t taken = hand_over(queue, queue->bytes + from, portion(queue, from));
        if (taken > 0) {
            from += (size_t)taken;
        } else if (errno != EINTR) {
            if (errno != EAGAIN)
                sl_log_limited(SL_LOG_ERROR, "access_log", "cannot be written: %s; lines wait, up to 1 MiB of them",
                               strerror(errno));
            queue->is_blocked = true;
            break;
        }
    }
    queue->size -= from;
    memmove(queue->bytes, queue->bytes + from, queue->size);
}

static void schedule(sl_access_queue_t *queue)
{
    if (queue->size != 0 && !h2o_timeout_is_linked(&queue->flush_soon))
        h2o_timeout_link(queue->ctx->loop, &queue->ctx->hundred_ms_timeout, &queue->flush_soon);
}

static void on_flush(h2o_timeout_entry_t *entry)
{
    sl_access_queue_t *queue = H2O_STRUCT_FROM_MEMBER(sl_access_queue_t, flush_soon, entry);

    flush(queue);
    schedule(queue);
}

sl_access_queue_t *sl_access_queue_create(h2o_context_t *ctx, const char *path, sl_number_t *dropped)
{
    sl_access_queue_t *queue = h2o_mem_alloc(sizeof(*queue));

    queue->ctx = ctx;
    queue->dropped = dropped;
    queue->size = 0;
    queue->is_blocked = false;
    queue->flush_soon = (h2o_timeout_entry_t){.cb = on_flush};
    open_sink(queue, path);
    return queue;
}

void sl_access_queue_reopen(sl_access_queue_t *queue, const char *path)
{
    flush(queue);
    if (queue->fd != -1)
        close(queue->fd);
    open_sink(queue, path);
}

void sl_access_queue_put(sl_access_queue_t *queue, const char *line, size_t len)
{
    if (queue->fd == -1 || queue->size + len > QUEUE_BYTES) {
        sl_number_add(queue->dropped, 1);
        return;
    }
    memcpy(queue->bytes + queue->size, line, len);
    queue->size += len;
    if (queue->size >= WRITE_BYTES && !queue->is_blocked)
        flush(queue);
    schedule(queue);
}

void sl_access_queue_destroy(sl_access_queue_t *queue)
{
    flush(queue);
    h2o_timeout_unlink(&queue->flush_soon);
    if (queue->fd != -1)
        close(queue->fd);
    free(queue);
}
