/*
 * worker: birth, loop and teardown of a process that serves traffic.
 *
 * libh2o gets one host with one catch-all path: its host and path objects cannot change while contexts live, so routing
 * is ours, in a snapshot that can be exchanged. Signals reach a worker only through the supervisor's channel; a
 * terminal's Ctrl-C goes to the whole group and must not cut requests.
 *
 * Teardown is done in full whenever the worker drains, in an order that libh2o insists on: our own lists, its context,
 * two turns of the loop for what was closed in them, the loop, the configuration.
 */
#include "process.h"
#include "sluice/account.h"
#include "sluice/exchange.h"
#include "sluice/guard.h"
#include "sluice/log.h"
#include "sluice/pipeline.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define SPARE_BUFFERS 256 /* of 8 KiB: what as many connections read into at once is not given back in between */
#define LOOP_MS 1000
#define NEVER_MS (30ull * 86400 * 1000)

static void on_channel(h2o_socket_t *sock, const char *error);

static void prepare_path(sl_process_t *process, h2o_pathconf_t *path, bool is_fallback)
{
    path->error_log.emit_request_errors =
        0; /* a line on standard error per bad request, written by the client so to speak */
    sl_pipeline_register(&process->super, path, is_fallback);
}

/* Without strict heads no traffic may be taken. Without the rest of the guard a dozen frames of HTTP/2 kill a worker.
 */
static void stand_guard(const sl_process_t *process, bool speaks_for_all)
{
    const char *obstacle = sl_guard_http1_obstacle();
    if (obstacle != NULL) {
        sl_log(SL_LOG_ERROR, "guard_missing", "requests cannot be checked: %s", obstacle);
        exit(1);
    }
    sl_guard_prepare();
    const sl_config_t *config = process->super.config;
    bool is_wanted = false;
    for (size_t i = 0; i != config->listen_count; ++i)
        is_wanted |= config->listens[i].http2;
    if (is_wanted && speaks_for_all && !sl_guard_http2_is_effective())
        sl_log(SL_LOG_WARN, "http2_off", "HTTP/2 is not offered: %s", sl_guard_http2_obstacle());
}

static void prepare_h2o(sl_process_t *process)
{
    h2o_config_init(&process->global);
    process->global.server_name = h2o_iovec_init("", 0);
    process->global.http1.req_timeout = NEVER_MS; /* the sweeper decides, by rate and phase (node/sweeper.c) */
    process->global.http1.upgrade_to_http2 = sl_guard_http2_is_effective(); /* the guard decides who may */
    h2o_socket_buffer_mmap_settings.threshold = SIZE_MAX;      /* else big buffers become files, with blocking calls */
    h2o_socket_buffer_prototype.allocator.max = SPARE_BUFFERS; /* libh2o keeps 16, and frees one for most requests */
    h2o_hostconf_t *host = h2o_config_register_host(&process->global, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    host->authority.hostport.len = 0; /* libh2o takes it for what a request of HTTP/1.0 without Host asked for */
    host->http2.push_preload = 0;
    prepare_path(process, h2o_config_register_path(host, "/", 0), false);
    prepare_path(process, &host->fallback_path, true);
    h2o_context_init(&process->super.ctx, h2o_evloop_create(), &process->global);
    process->accept = (h2o_accept_ctx_t){.ctx = &process->super.ctx, .hosts = process->global.hosts};
}

/* The check of the configuration has used the same certificates in the same way. */
static sl_terms_t *take_terms(sl_process_t *process, size_t index)
{
    sl_config_t *config = process->super.config;
    sl_text_t error = {0};
    sl_terms_t *terms =
        sl_terms_create(config, &config->listens[index], &process->accept, &process->super.shared->ticket_keys, &error);
    if (terms == NULL) {
        sl_log(SL_LOG_ERROR, "tls_failed", "%s", error.base);
        exit(1);
    }
    return terms;
}

static void set_up(sl_process_t *process, const sl_worker_seed_t *seed)
{
    sl_worker_t *worker = &process->super;
    worker->shared = seed->shared;
    worker->slot = &seed->shared->slots[seed->slot];
    worker->config = sl_config_retain(seed->config);
    process->first_config = sl_config_retain(seed->config);
    h2o_linklist_init_anchor(&worker->connections);
    h2o_linklist_init_anchor(&process->grudges);
    h2o_linklist_init_anchor(&process->lingering);
    worker->note_arrival = sl_exchange_note_arrival;

    stand_guard(process, seed->slot == 0);
    prepare_h2o(process);
    sl_apply_limits(process, worker->config);
    worker->store = sl_store_create(&worker->ctx, &process->first_config->redis, worker->slot);
    sl_watch_breakers(process, worker->config);
    worker->upstream = sl_upstream_create(&worker->ctx, worker->shared, worker->slot);
    worker->account = sl_account_create(&worker->ctx, worker->config, worker->slot);

    process->channel = h2o_evloop_socket_create(worker->ctx.loop, seed->channel, H2O_SOCKET_FLAG_DONT_READ);
    process->channel->data = process;
    h2o_socket_read_start(process->channel, on_channel);
    for (size_t i = 0; i != worker->config->listen_count; ++i)
        sl_listener_open(process, take_terms(process, i), seed->listeners[i]);
    sl_sweeper_start(process);
    sl_opening_start(process);
}

static void obey(sl_process_t *process, sl_message_t *message)
{
    switch (message->kind) {
    case SL_MESSAGE_CONFIG:
        sl_reload(process, message);
        break;
    case SL_MESSAGE_DRAIN:
        sl_drain_begin(process);
        break;
    case SL_MESSAGE_STOP: /* the operator has asked twice */
        _exit(0);
    case SL_MESSAGE_READY:
    case SL_MESSAGE_REFUSED:
        break;
    }
}

void on_channel(h2o_socket_t *sock, const char *error)
{
    sl_process_t *process = sock->data;
    sl_message_t message;
    for (;;) {
        switch (error != NULL ? SL_CHANNEL_CLOSED : sl_channel_receive(h2o_socket_get_fd(sock), &message)) {
        case SL_CHANNEL_MESSAGE:
            obey(process, &message);
            break;
        case SL_CHANNEL_EMPTY:
            return;
        case SL_CHANNEL_CLOSED:
            sl_log(SL_LOG_ERROR, "supervisor_gone", "the supervisor has died: finishing what is under way");
            h2o_socket_read_stop(sock);
            sl_drain_begin(process);
            return;
        }
    }
}

static void run_loop(sl_process_t *process)
{
    while (!process->is_done)
        if (h2o_evloop_run(process->super.ctx.loop, LOOP_MS) != 0 && errno != EINTR)
            sl_log_limited(SL_LOG_ERROR, "loop_failed", "event loop: %s", strerror(errno));
}

static void tear_down(sl_process_t *process)
{
    sl_worker_t *worker = &process->super;
    h2o_loop_t *loop = worker->ctx.loop;
    h2o_multithread_queue_t *queue = worker->ctx.queue;
    sl_account_destroy(worker->account);
    sl_upstream_destroy(worker->upstream);
    sl_store_destroy(worker->store);
    sl_sweeper_stop(process);
    sl_grudges_drop(process, UINT64_MAX);
    sl_drain_stop(process);
    sl_opening_dispose(process);
    h2o_socket_close(process->channel);
    free(process->listeners);

    h2o_timeout_unlink(&worker->ctx.http2._graceful_shutdown_timeout); /* linked by the request to shut down */
    h2o_context_dispose(&worker->ctx);
    for (int turns = 0; turns != 2; ++turns)
        h2o_evloop_run(loop, 0);
    h2o_evloop_destroy(loop);
    free(queue); /* libh2o 2.2.5 empties it and forgets the memory */
    h2o_config_dispose(&process->global);
    sl_config_release(worker->config);
    sl_config_release(process->first_config);
}

int sl_worker_run(const sl_worker_seed_t *seed)
{
    sl_process_t *process = h2o_mem_alloc(sizeof *process);
    memset(process, 0, sizeof *process);
    set_up(process, seed);
    run_loop(process);
    if (process->super.connection_count != 0) { /* they did not even end when cut: nothing can be taken down safely */
        sl_log(SL_LOG_ERROR, "drain_failed", "%zu connections would not end", process->super.connection_count);
        _exit(1);
    }
    tear_down(process);
    free(process);
    return 0;
}
