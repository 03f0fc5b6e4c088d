/* server: the listener, its connections, and libh2o's set-up for one thread. */
#include "demo.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

/* The gateway bounds bodies before they come here; this is for those who ask the service directly. */
#define BODY_BYTES_MAX (64 << 20)
#define IDLE_MS 60000
#define CONNECTIONS_MAX 4096
#define ACCEPTS_PER_TURN 16

typedef struct connection_t {
    h2o_linklist_t link;
    demo_t *demo;
    h2o_socket_t *socket;
    unsigned calls; /* requests being answered */
} connection_t;

typedef struct handler_t {
    h2o_handler_t super;
    demo_t *demo;
} handler_t;

static void on_accept(h2o_socket_t *listener, const char *error);
static void on_close(void *connection);
static int on_req(h2o_handler_t *handler, h2o_req_t *req);
static void on_call_end(void *guard);

/* "HOST:PORT", "[ADDRESS]:PORT", "*:PORT": addresses, no names to look up */
static const char *open_socket(const char *text, int *fd)
{
    const char *colon = strrchr(text, ':');
    char host[64];
    struct addrinfo *address,
        hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    bool is_bracketed = *text == '[' && colon != NULL && colon[-1] == ']';

    if (colon == NULL || (size_t)(colon - text) >= sizeof(host))
        return "expected HOST:PORT";
    int len = (int)(colon - text) - (is_bracketed ? 2 : 0);
    snprintf(host, sizeof(host), "%.*s", len, text + (is_bracketed ? 1 : 0));
    if (getaddrinfo(strcmp(host, "*") == 0 ? NULL : host, colon + 1, &hints, &address) != 0)
        return "expected an address and a port";

    *fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool is_open = *fd >= 0 && setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) == 0 &&
                   bind(*fd, address->ai_addr, address->ai_addrlen) == 0 && listen(*fd, 1024) == 0;
    freeaddrinfo(address);
    return is_open ? NULL : strerror(errno);
}

static void set_up_library(demo_t *demo)
{
    h2o_config_init(&demo->config);
    /* also in the library's own refusals: every answer names the service */
    demo->config.server_name = h2o_concat(NULL, SL_LIT("sluice-demo-"), sl_bytes_of(demo->service), sl_bytes("", 1));
    --demo->config.server_name.len;
    demo->config.max_request_entity_size = BODY_BYTES_MAX;
    demo->config.http1.req_timeout = IDLE_MS;
    demo->config.http1.upgrade_to_http2 = 0;
    /* bodies stay in memory: the image's root is read-only */
    h2o_socket_buffer_mmap_settings.threshold = SIZE_MAX;

    h2o_hostconf_t *host = h2o_config_register_host(&demo->config, SL_LIT("default"), 65535);
    h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
    handler_t *handler = (handler_t *)h2o_create_handler(path, sizeof(*handler));
    handler->super.on_req = on_req;
    handler->demo = demo;

    h2o_context_init(&demo->context, h2o_evloop_create(), &demo->config);
    demo->accept = (h2o_accept_ctx_t){.ctx = &demo->context, .hosts = demo->config.hosts};
}

const char *demo_server_open(demo_t *demo, const char *listen_text)
{
    int fd;
    const char *error = open_socket(listen_text, &fd);

    if (error != NULL)
        return error;
    set_up_library(demo);
    h2o_linklist_init_anchor(&demo->connections);
    demo_waits_init(demo);
    demo->listener = h2o_evloop_socket_create(demo->context.loop, fd, H2O_SOCKET_FLAG_DONT_READ);
    demo->listener->data = demo;
    h2o_socket_read_start(demo->listener, on_accept);
    return NULL;
}

static void on_accept(h2o_socket_t *listener, const char *error)
{
    demo_t *demo = listener->data;

    if (error != NULL)
        return;
    for (int i = 0; i != ACCEPTS_PER_TURN; ++i) {
        if (demo->connection_count == CONNECTIONS_MAX) {
            h2o_socket_read_stop(listener); /* until one closes; the rest waits in the kernel */
            return;
        }
        h2o_socket_t *socket = h2o_evloop_socket_accept(listener);
        if (socket == NULL)
            return;
        connection_t *connection = h2o_mem_alloc(sizeof(*connection));
        *connection = (connection_t){.demo = demo, .socket = socket};
        h2o_linklist_insert(&demo->connections, &connection->link);
        ++demo->connection_count;
        socket->on_close.cb = on_close;
        socket->on_close.data = connection;
        setsockopt(h2o_socket_get_fd(socket), IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        h2o_accept(&demo->accept, socket);
    }
}

static int on_req(h2o_handler_t *handler, h2o_req_t *req)
{
    connection_t *connection = req->conn->callbacks->get_socket(req->conn)->on_close.data;
    connection_t **guard = h2o_mem_alloc_shared(&req->pool, sizeof(*guard), on_call_end);

    *guard = connection;
    ++connection->calls;
    demo_dispatch(((handler_t *)handler)->demo, req);
    return 0;
}

static void on_call_end(void *guard)
{
    connection_t *connection = *(connection_t **)guard;
    --connection->calls;
    if (connection->demo->is_leaving && connection->calls == 0)
        shutdown(h2o_socket_get_fd(connection->socket), SHUT_RD);
}

static void on_close(void *connection_of_socket)
{
    connection_t *connection = connection_of_socket;
    demo_t *demo = connection->demo;

    h2o_linklist_unlink(&connection->link);
    free(connection);
    if (demo->connection_count-- == CONNECTIONS_MAX && demo->listener != NULL)
        h2o_socket_read_start(demo->listener, on_accept);
}

static void cut_idle_connections(demo_t *demo)
{
    for (h2o_linklist_t *link = demo->connections.next; link != &demo->connections; link = link->next) {
        connection_t *connection = H2O_STRUCT_FROM_MEMBER(connection_t, link, link);
        if (connection->calls == 0 && connection->socket->input->size == 0)
            shutdown(h2o_socket_get_fd(connection->socket), SHUT_RD);
    }
}

void demo_server_leave(demo_t *demo)
{
    demo->is_leaving = true;
    h2o_socket_close(demo->listener);
    demo->listener = NULL;
    h2o_context_request_shutdown(&demo->context);
    cut_idle_connections(demo);
}

void demo_server_close(demo_t *demo)
{
    h2o_loop_t *loop = demo->context.loop;

    /* linked for a second by the shutdown request; disposing of its list would fail an assertion */
    h2o_timeout_unlink(&demo->context.http2._graceful_shutdown_timeout);
    demo_waits_dispose(demo);
    h2o_context_dispose(&demo->context);
    for (int i = 0; i != 2; ++i)
        h2o_evloop_run(loop, 0);
    h2o_evloop_destroy(loop);
    free(demo->config.server_name.base);
    h2o_config_dispose(&demo->config);
}
