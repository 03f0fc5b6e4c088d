/* lookup: the addresses of a host name, without blocking the loop (lookup.h). libh2o's own resolver is not used: a name
 * still being looked up when its context ends would be answered into freed memory. */
#include "lookup.h"
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

typedef struct job_t {
    int fd;
    uint16_t port;
    char host[];
} job_t;

static int look_up(const char *host, uint16_t port, int flags, sl_lookup_answer_t *answer)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV}, *found;
    char port_text[8];

    memset(answer, 0, sizeof(*answer));
    snprintf(port_text, sizeof(port_text), "%u", (unsigned)port);
    int failure = getaddrinfo(host, port_text, &hints, &found);
    if (failure != 0)
        return failure;
    for (struct addrinfo *at = found; at != NULL && answer->count != SL_LOOKUP_MAX; at = at->ai_next) {
        sl_lookup_address_t *address = answer->addresses + answer->count++;
        memcpy(&address->storage, at->ai_addr, at->ai_addrlen);
        address->len = at->ai_addrlen;
    }
    freeaddrinfo(found);
    return 0;
}

bool sl_lookup_literal(const char *host, uint16_t port, sl_lookup_answer_t *answer)
{
    return look_up(host, port, AI_NUMERICHOST, answer) == 0;
}

/* The other end may be closed by now: then nobody wants it. */
static void *run_job(void *data)
{
    job_t *job = data;
    sl_lookup_answer_t answer;
    int failure = look_up(job->host, job->port, 0, &answer);

    if (failure != 0)
        snprintf(answer.error, sizeof(answer.error), "%s", gai_strerror(failure));
    while (send(job->fd, &answer, sizeof(answer), MSG_NOSIGNAL) == -1 && errno == EINTR)
        ;
    close(job->fd);
    free(job);
    return NULL;
}

/* Signals are for the loop's thread. */
static int start_thread(job_t *job)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;

    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failure = pthread_create(&thread, &attributes, run_job, job);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return failure;
}

h2o_socket_t *sl_lookup_start(h2o_loop_t *loop, const char *host, uint16_t port)
{
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == -1)
        return NULL;
    job_t *job = h2o_mem_alloc(sizeof(*job) + strlen(host) + 1);
    job->fd = fds[1];
    job->port = port;
    strcpy(job->host, host);
    int failure = start_thread(job);
    if (failure != 0) {
        close(fds[0]);
        close(fds[1]);
        free(job);
        errno = failure;
        return NULL;
    }
    return h2o_evloop_socket_create(loop, fds[0], 0);
}

bool sl_lookup_read(h2o_socket_t *sock, sl_lookup_answer_t *answer)
{
    if (sock->input->size < sizeof(*answer))
        return false;
    memcpy(answer, sock->input->bytes, sizeof(*answer));
    return true;
}
