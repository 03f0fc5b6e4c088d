/*
 * scripted_service: a service on a real socket that does exactly what its script says, so that an answer can be broken
 * at any byte.
 *
 * One script per connection, in the order of accepting; later connections play the last script. Steps, by their first
 * character:
 *   "<"        take one request, head and body by its Content-Length
 *   ">text"    send the text
 *   ".text"    send the text byte by byte
 *   "*number"  send so many bytes, counted in `poured`
 *   "@"        wait for service_go of this connection
 *   "$"        wait until the other side closes
 *   "x"        close (FIN, everything received has been read)
 *   "!"        reset (RST)
 */
#ifndef SCRIPTED_SERVICE_H
#define SCRIPTED_SERVICE_H

#include "sluice/config.h"
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <linux/sockios.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/un.h>
#include <unistd.h>

#define SERVICE_CONNECTIONS 8
#define SERVICE_STEPS 12

typedef const char *script_t[SERVICE_STEPS];

typedef struct scripted_service_t {
    const script_t *scripts;
    size_t script_count;
    int listener;
    sl_instance_t instance;
    char url[192], authority[160];
    sem_t go[SERVICE_CONNECTIONS];
    atomic_size_t accepted, requests, poured;
    atomic_int pouring;  /* the connection that pours */
    char request[65536]; /* the last one, as received */
    atomic_size_t request_len;
} scripted_service_t;

typedef struct service_connection_t {
    scripted_service_t *service;
    const char *const *steps;
    int fd;
    sem_t *go;
} service_connection_t;

/* Bytes of the body that a head announces. */
static size_t announced_body(const char *head)
{
    const char *field = strcasestr(head, "\r\ncontent-length:");
    return field != NULL ? strtoul(field + strlen("\r\ncontent-length:"), NULL, 10) : 0;
}

static bool receive_request(service_connection_t *connection)
{
    static _Thread_local char bytes[65536], rest[65536];
    size_t len = 0;
    char *end = NULL;
    while (end == NULL) {
        ssize_t got = recv(connection->fd, bytes + len, sizeof bytes - 1 - len, 0);
        if (got <= 0)
            return false;
        len += (size_t)got;
        bytes[len] = '\0';
        end = strstr(bytes, "\r\n\r\n");
    }
    size_t body = announced_body(bytes), have = len - (size_t)(end + 4 - bytes);
    while (have < body) {
        ssize_t got = recv(connection->fd, rest, sizeof rest, 0);
        if (got <= 0)
            return false;
        have += (size_t)got;
    }
    memcpy(connection->service->request, bytes, len + 1);
    connection->service->request_len = len;
    ++connection->service->requests;
    return true;
}

static bool send_all(int fd, const char *bytes, size_t len)
{
    while (len != 0) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        len -= (size_t)sent;
    }
    return true;
}

static bool drip_all(int fd, const char *bytes)
{
    for (; *bytes != '\0'; ++bytes) {
        if (!send_all(fd, bytes, 1))
            return false;
        usleep(2000);
    }
    return true;
}

/* Byte number i of what "*" sends. */
static char poured_byte(size_t i)
{
    return (char)('a' + i % 23);
}

static bool pour(service_connection_t *connection, size_t count)
{
    connection->service->pouring = connection->fd;
    char bytes[23 * 1024];
    for (size_t i = 0; i != sizeof bytes; ++i)
        bytes[i] = poured_byte(i);
    for (size_t sent = 0; sent != count;) {
        size_t len = count - sent < sizeof bytes ? count - sent : sizeof bytes;
        if (!send_all(connection->fd, bytes, len))
            return false;
        sent += len;
        connection->service->poured += len;
    }
    return true;
}

/* How much of it the other side has taken. */
static inline size_t service_taken(scripted_service_t *service)
{
    int waiting = 0;
    ioctl(service->pouring, SIOCOUTQ, &waiting);
    return service->poured - (size_t)waiting;
}

static void wait_for_close(int fd)
{
    char bytes[4096];
    while (recv(fd, bytes, sizeof bytes, 0) > 0)
        ;
}

static void reset(int fd)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

/* False: the connection is over. */
static bool play_step(service_connection_t *connection, const char *step)
{
    switch (step[0]) {
    case '<':
        return receive_request(connection);
    case '>':
        return send_all(connection->fd, step + 1, strlen(step + 1));
    case '.':
        return drip_all(connection->fd, step + 1);
    case '*':
        return pour(connection, strtoul(step + 1, NULL, 10));
    case '@':
        return sem_wait(connection->go) == 0;
    case '$':
        wait_for_close(connection->fd);
        return false;
    case '!':
        reset(connection->fd);
        return false;
    default:
        return false;
    }
}

static void *play(void *argument)
{
    service_connection_t *connection = argument;
    for (const char *const *step = connection->steps; *step != NULL && play_step(connection, *step); ++step)
        ;
    close(connection->fd);
    free(connection);
    return NULL;
}

static void *serve(void *argument)
{
    scripted_service_t *service = argument;
    int fd;
    while ((fd = accept(service->listener, NULL, NULL)) != -1) {
        size_t number = service->accepted++;
        service_connection_t *connection = malloc(sizeof *connection);
        pthread_t thread;
        size_t script = number < service->script_count ? number : service->script_count - 1;
        *connection =
            (service_connection_t){service, service->scripts[script], fd, &service->go[number % SERVICE_CONNECTIONS]};
        pthread_create(&thread, NULL, play, connection);
        pthread_detach(thread);
    }
    return NULL;
}

/* A listening socket on a free port, as an instance in `slot`. */
static void service_bind(scripted_service_t *service, int slot, int backlog)
{
    struct sockaddr_in *address = (struct sockaddr_in *)&service->instance.literal;
    socklen_t len = sizeof *address;
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    service->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(service->listener, (struct sockaddr *)address, len), 0);
    cr_assert_eq(listen(service->listener, backlog), 0);
    getsockname(service->listener, (struct sockaddr *)address, &len);
    snprintf(service->authority, sizeof service->authority, "127.0.0.1:%d", ntohs(address->sin_port));
    snprintf(service->url, sizeof service->url, "http://%s", service->authority);
    service->instance.literal_len = len;
    service->instance.url = service->url;
    service->instance.authority = service->authority;
    service->instance.slot = slot;
}

static void service_run(scripted_service_t *service, const script_t *scripts, size_t count)
{
    pthread_t thread;
    service->scripts = scripts;
    service->script_count = count;
    for (size_t i = 0; i != SERVICE_CONNECTIONS; ++i)
        sem_init(&service->go[i], 0, 0);
    pthread_create(&thread, NULL, serve, service);
    pthread_detach(thread);
}

static inline void service_start(scripted_service_t *service, int slot, const script_t *scripts, size_t count)
{
    service_bind(service, slot, 64);
    service_run(service, scripts, count);
}

/* The same on a Unix socket; `path` NULL: one where nobody listens. */
static inline void service_start_unix(scripted_service_t *service, int slot, const script_t *scripts, size_t count)
{
    struct sockaddr_un *address = (struct sockaddr_un *)&service->instance.literal;
    char directory[] = "/tmp/sluice-test-XXXXXX";
    cr_assert_not_null(mkdtemp(directory));
    address->sun_family = AF_UNIX;
    snprintf(address->sun_path, sizeof address->sun_path, "%s/socket", directory);
    snprintf(service->url, sizeof service->url, "unix:%s", address->sun_path);
    service->instance.literal_len = sizeof *address;
    service->instance.url = service->url;
    service->instance.authority = strcpy(service->authority, "localhost");
    service->instance.slot = slot;
    if (scripts != NULL) {
        service->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        cr_assert_eq(bind(service->listener, (struct sockaddr *)address, sizeof *address), 0);
        cr_assert_eq(listen(service->listener, 64), 0);
        service_run(service, scripts, count);
    }
}

static inline void service_stop_unix(scripted_service_t *service)
{
    char *path = ((struct sockaddr_un *)&service->instance.literal)->sun_path;
    unlink(path);
    *strrchr(path, '/') = '\0';
    rmdir(path);
}

/* An instance that refuses: bound once, listened to by nobody. */
static inline void service_refuse(scripted_service_t *service, int slot)
{
    service_bind(service, slot, 1);
    close(service->listener);
}

/* An instance that never completes a connection: its queue is full and nobody accepts. */
static inline void service_black_hole(scripted_service_t *service, int slot)
{
    service_bind(service, slot, 0);
    for (int i = 0; i != 4; ++i) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        connect(fd, (struct sockaddr *)&service->instance.literal, service->instance.literal_len);
    }
}

static inline void service_go(scripted_service_t *service, size_t connection)
{
    sem_post(&service->go[connection]);
}

#endif
