/*
 * jitter: a busy machine, played. Preloaded into all that a suite starts, and into the suite itself, it makes some
 * system calls wait, before or after, for up to as long as a scheduler may leave a process out. What is wrong only once
 * in a thousand runs is then wrong in one of ten.
 *
 *   SLUICE_JITTER=ONE_IN:MOST_US   one call in so many waits, and at most so long (default 20:20000)
 *
 * A delay proves a fault but never its absence, and no test passes because of one.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static unsigned one_in = 20, most_us = 20000;

__attribute__((constructor)) static void read_setting(void)
{
    const char *setting = getenv("SLUICE_JITTER");

    if (setting != NULL &&
        (sscanf(setting, "%u:%u", &one_in, &most_us) != 2 || one_in == 0 || most_us == 0 || most_us >= 1000000)) {
        fprintf(stderr, "SLUICE_JITTER is '%s': it takes ONE_IN:MOST_US, as 20:20000, less than a second\n", setting);
        _exit(2);
    }
}

/* xorshift64 (Marsaglia 2003), for each thread one that begins elsewhere. */
static uint64_t draw(void)
{
    static __thread uint64_t state;
    struct timespec now;

    if (state == 0) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        state = ((uint64_t)now.tv_nsec << 20) ^ (uintptr_t)&state ^ (uint64_t)getpid() ^ 1;
    }
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void tarry(void)
{
    uint64_t number = draw();
    int error = errno;

    if (number % one_in == 0)
        nanosleep(&(struct timespec){.tv_nsec = (long)(number / one_in % most_us) * 1000}, NULL);
    errno = error;
}

/* NAME waits before and after what it stands for. */
#define TARRYING(result, name, parameters, arguments)                                                                  \
    result name parameters                                                                                             \
    {                                                                                                                  \
        static result(*real) parameters;                                                                               \
        if (real == NULL)                                                                                              \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                                                 \
        tarry();                                                                                                       \
        result value = real arguments;                                                                                 \
        tarry();                                                                                                       \
        return value;                                                                                                  \
    }

TARRYING(ssize_t, read, (int fd, void *base, size_t size), (fd, base, size))
TARRYING(ssize_t, write, (int fd, const void *base, size_t size), (fd, base, size))
TARRYING(ssize_t, readv, (int fd, const struct iovec *vectors, int count), (fd, vectors, count))
TARRYING(ssize_t, writev, (int fd, const struct iovec *vectors, int count), (fd, vectors, count))
TARRYING(ssize_t, recv, (int fd, void *base, size_t size, int flags), (fd, base, size, flags))
TARRYING(ssize_t, send, (int fd, const void *base, size_t size, int flags), (fd, base, size, flags))
TARRYING(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags))
TARRYING(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags))
TARRYING(int, connect, (int fd, const struct sockaddr *address, socklen_t size), (fd, address, size))
TARRYING(int, accept4, (int fd, struct sockaddr *address, socklen_t *size, int flags), (fd, address, size, flags))
TARRYING(int, epoll_wait, (int fd, struct epoll_event *events, int most, int wait_ms), (fd, events, most, wait_ms))
TARRYING(int, close, (int fd), (fd))
