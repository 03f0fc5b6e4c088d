/*
 * ops: the process that answers operators. Its pages come from the mapped segment, so neither traffic nor a silent
 * Redis can delay them.
 *
 *   GET /live     200 while this process runs
 *   GET /ready    200, or 503 with the reason
 *   GET /metrics  Prometheus text
 */
#include "sluice/ops.h"
#include "page.h"
#include "resolver.h"
#include "sluice/channel.h"
#include "sluice/log.h"
#include <errno.h>
#include <h2o.h>
#include <stdlib.h>
#include <unistd.h>

#define CONNECTIONS_MAX 256
#define ACCEPTS_PER_TURN 16

typedef struct ops_t {
    sl_shared_t *shared;
    sl_config_t *config; /* in force */
    h2o_globalconf_t global;
    h2o_context_t ctx;
    h2o_accept_ctx_t accept;
    h2o_socket_t *listener, *channel;
    size_t connections;
    bool is_done;
} ops_t;

static ops_t ops; /* one per process; libh2o's handlers have no room for a pointer that is simpler */

/* --- pages --- */

typedef struct page_t {
    const char *path;
    const char *content_type;
    void (*write)(const sl_shared_t *shared, sl_text_t *text);
    bool may_be_unready;
} page_t;

static void write_live(const sl_shared_t *shared, sl_text_t *text)
{
    (void)shared;
    sl_text_put(text, "{\"live\":true}\n");
}

static void write_metrics(const sl_shared_t *shared, sl_text_t *text)
{
    sl_metrics_page(shared, text);
    sl_certificates_page(ops.config, text);
}

static const page_t pages[] = {{"/live", "application/json", write_live, false},
                               {"/ready", "application/json", sl_ready_page, true},
                               {"/metrics", "text/plain; version=0.0.4; charset=utf-8", write_metrics, false}};

static void send_text(h2o_req_t *req, int status, const char *reason, const char *content_type, const sl_text_t *text)
{
    h2o_iovec_t body = h2o_strdup(&req->pool, text->base, text->size);
    req->res.status = status;
    req->res.reason = reason;
    req->res.content_length = body.len;
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, content_type, strlen(content_type));
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CACHE_CONTROL, NULL, H2O_STRLIT("no-store"));
    h2o_send_inline(req, body.base, body.len);
}

static void send_problem(h2o_req_t *req, int status, const char *title, const char *detail)
{
    sl_text_t text = {0};
    sl_text_format(&text,
                   "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"detail\":\"%s\",\"instance\":", title,
                   status, detail);
    sl_text_json(&text, req->path_normalized);
    sl_text_put(&text, "}\n");
    send_text(req, status, title, "application/problem+json", &text);
    sl_text_dispose(&text);
}

static void send_page(h2o_req_t *req, const page_t *page)
{
    sl_text_t text = {0};
    bool is_unready = page->may_be_unready && sl_unready_reason(ops.shared) != NULL;
    page->write(ops.shared, &text);
    send_text(req, is_unready ? 503 : 200, is_unready ? "Service Unavailable" : "OK", page->content_type, &text);
    sl_text_dispose(&text);
}

static bool is_method(const h2o_req_t *req, const char *method)
{
    return h2o_memis(req->method.base, req->method.len, method, strlen(method));
}

static int on_req(h2o_handler_t *handler, h2o_req_t *req)
{
    (void)handler;
    for (size_t i = 0; i != sizeof pages / sizeof pages[0]; ++i) {
        if (!h2o_memis(req->path_normalized.base, req->path_normalized.len, pages[i].path, strlen(pages[i].path)))
            continue;
        if (is_method(req, "GET") || is_method(req, "HEAD")) {
            send_page(req, &pages[i]);
            return 0;
        }
        h2o_add_header_by_str(&req->pool, &req->res.headers, H2O_STRLIT("allow"), 0, NULL, H2O_STRLIT("GET, HEAD"));
        send_problem(req, 405, "Method Not Allowed", "This page can only be read.");
        return 0;
    }
    send_problem(req, 404, "Not Found", "There are /live, /ready and /metrics.");
    return 0;
}

/* --- connections --- */

static void on_accept(h2o_socket_t *sock, const char *error);

static void on_gone(void *unused)
{
    (void)unused;
    if (ops.connections-- == CONNECTIONS_MAX)
        h2o_socket_read_start(ops.listener, on_accept);
}

void on_accept(h2o_socket_t *sock, const char *error)
{
    h2o_socket_t *accepted;
    for (int i = 0; error == NULL && i != ACCEPTS_PER_TURN && ops.connections != CONNECTIONS_MAX; ++i) {
        if ((accepted = h2o_evloop_socket_accept(sock)) == NULL)
            return;
        accepted->on_close.cb = on_gone;
        ++ops.connections;
        h2o_accept(&ops.accept, accepted);
    }
    if (ops.connections == CONNECTIONS_MAX)
        h2o_socket_read_stop(sock);
}

/* --- the supervisor's word --- */

static sl_config_t *read_snapshot(int fd)
{
    sl_text_t yaml = {0};
    sl_config_errors_t errors = {0};
    sl_config_t *config = NULL;
    if (sl_channel_unpack(fd, &yaml))
        config = sl_config_read("configuration", sl_bytes(yaml.base, yaml.size), &errors);
    sl_config_errors_dispose(&errors);
    sl_text_dispose(&yaml);
    return config;
}

static void on_snapshot(const sl_message_t *message)
{
    sl_config_t *config = message->fd_count != 0 ? read_snapshot(message->fds[0]) : NULL;
    for (size_t i = 0; i != message->fd_count; ++i)
        close(message->fds[i]);
    if (config != NULL) {
        sl_config_bind(config, ops.shared, false);
        sl_resolver_change(config);
        sl_log_set_level((sl_log_level_t)config->log.level);
        sl_config_release(ops.config);
        ops.config = config;
    }
    sl_message_t answer = {.kind = config != NULL ? SL_MESSAGE_READY : SL_MESSAGE_REFUSED,
                           .generation = message->generation};
    sl_channel_send(h2o_socket_get_fd(ops.channel), &answer);
}

static void on_channel(h2o_socket_t *sock, const char *error)
{
    sl_message_t message;
    sl_channel_state_t state = SL_CHANNEL_CLOSED;
    while (error == NULL && (state = sl_channel_receive(h2o_socket_get_fd(sock), &message)) == SL_CHANNEL_MESSAGE) {
        if (message.kind == SL_MESSAGE_CONFIG)
            on_snapshot(&message);
        else if (message.kind == SL_MESSAGE_STOP)
            ops.is_done = true;
    }
    if (state == SL_CHANNEL_CLOSED)
        ops.is_done = true; /* the supervisor has died */
}

/* --- life --- */

static void prepare_h2o(void)
{
    h2o_config_init(&ops.global);
    ops.global.server_name = h2o_iovec_init("", 0);
    ops.global.http1.upgrade_to_http2 = 0;
    ops.global.max_request_entity_size = 1024;
    h2o_hostconf_t *host = h2o_config_register_host(&ops.global, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
    path->error_log.emit_request_errors = 0;
    h2o_create_handler(path, sizeof(h2o_handler_t))->on_req = on_req;
    h2o_context_init(&ops.ctx, h2o_evloop_create(), &ops.global);
    ops.accept = (h2o_accept_ctx_t){.ctx = &ops.ctx, .hosts = ops.global.hosts};
}

/* Nothing here outlives an answer: when a client or the system's resolver holds us up, the process just ends. */
static void tear_down(void)
{
    h2o_loop_t *loop = ops.ctx.loop;
    h2o_multithread_queue_t *queue = ops.ctx.queue;
    if (!sl_resolver_stop() || ops.connections != 0)
        _exit(0);
    if (ops.listener != NULL)
        h2o_socket_close(ops.listener);
    h2o_socket_close(ops.channel);
    h2o_context_dispose(&ops.ctx);
    for (int turns = 0; turns != 2; ++turns)
        h2o_evloop_run(loop, 0);
    h2o_evloop_destroy(loop);
    free(queue); /* libh2o 2.2.5 empties it and forgets the memory */
    h2o_config_dispose(&ops.global);
    sl_config_release(ops.config);
}

int sl_ops_run(sl_shared_t *shared, sl_config_t *config, int channel, int listener)
{
    ops.shared = shared;
    ops.config = sl_config_retain(config);
    prepare_h2o();
    sl_resolver_start(shared, config);
    ops.channel = h2o_evloop_socket_create(ops.ctx.loop, channel, H2O_SOCKET_FLAG_DONT_READ);
    h2o_socket_read_start(ops.channel, on_channel);
    if (listener != -1) {
        ops.listener = h2o_evloop_socket_create(ops.ctx.loop, listener, H2O_SOCKET_FLAG_DONT_READ);
        h2o_socket_read_start(ops.listener, on_accept);
    }
    sl_message_t ready = {.kind = SL_MESSAGE_READY, .generation = config->generation};
    sl_channel_send(channel, &ready);
    while (!ops.is_done)
        if (h2o_evloop_run(ops.ctx.loop, INT32_MAX) != 0 && errno != EINTR)
            sl_log_limited(SL_LOG_ERROR, "loop_failed", "event loop: %s", strerror(errno));
    tear_down();
    return 0;
}
