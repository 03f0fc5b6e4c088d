/*
 * bare_h2o: the library with its defaults and nothing of ours around it. The attack kit runs against it where that
 * tells what the gateway adds, and uses it as a fast service behind the node that is attacked.
 *
 *   sluice-bare-h2o PORT [TLS_PORT CERTIFICATE KEY]
 *
 * It answers .../bytes/N with N bytes, /count with the number of requests so far, anything else with "ok".
 */
#include <arpa/inet.h>
#include <h2o.h>
#include <h2o/http1.h>
#include <h2o/http2.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define MEMORY_MAX ((rlim_t)6 << 30) /* a bomb ends this program, not the machine that it runs on */
#define ANSWER_MAX (64u << 20)

static h2o_globalconf_t globals;
static h2o_context_t context;
static h2o_accept_ctx_t plain, secure;
static uint64_t requests;
static char *filling;

/* The bytes are ours for ever, so the library need not copy them. */
static void answer(h2o_req_t *req, const char *bytes, size_t len)
{
    static h2o_generator_t generator = {NULL, NULL};
    h2o_iovec_t body = h2o_iovec_init(bytes, len);

    req->res.status = 200;
    req->res.reason = "OK";
    req->res.content_length = len;
    h2o_start_response(req, &generator);
    h2o_send(req, &body, 1, H2O_SEND_STATE_FINAL);
}

static int on_request(h2o_handler_t *handler, h2o_req_t *req)
{
    char text[64];
    const char *bytes;
    uintmax_t wanted;
    (void)handler;

    snprintf(text, sizeof text, "%.*s", (int)(req->path.len < 63 ? req->path.len : 63), req->path.base);
    if ((bytes = strstr(text, "/bytes/")) != NULL && sscanf(bytes, "/bytes/%ju", &wanted) == 1 &&
        wanted <= ANSWER_MAX) {
        answer(req, filling, wanted);
    } else if (strcmp(text, "/count") == 0) {
        snprintf(text, sizeof text, "%" PRIu64, requests);
        answer(req, h2o_strdup(&req->pool, text, SIZE_MAX).base, strlen(text));
        return 0;
    } else {
        answer(req, "ok", 2);
    }
    ++requests;
    return 0;
}

static void on_accept(h2o_socket_t *listener, const char *error)
{
    h2o_socket_t *accepted;

    if (error == NULL && (accepted = h2o_evloop_socket_accept(listener)) != NULL)
        h2o_accept(listener->data, accepted);
}

static void listen_on(const char *port, h2o_accept_ctx_t *accept_ctx)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, SOMAXCONN) != 0) {
        perror("sluice-bare-h2o");
        exit(1);
    }
    h2o_socket_t *listener = h2o_evloop_socket_create(context.loop, fd, H2O_SOCKET_FLAG_DONT_READ);
    accept_ctx->ctx = &context;
    accept_ctx->hosts = globals.hosts;
    listener->data = accept_ctx;
    h2o_socket_read_start(listener, on_accept);
}

static SSL_CTX *load(const char *certificate, const char *key)
{
    SSL_CTX *ssl = SSL_CTX_new(TLS_server_method());

    SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION);
    h2o_ssl_register_alpn_protocols(ssl, h2o_http2_alpn_protocols);
    if (SSL_CTX_use_certificate_chain_file(ssl, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(ssl, key, SSL_FILETYPE_PEM) != 1) {
        fprintf(stderr, "sluice-bare-h2o: cannot use %s and %s\n", certificate, key);
        exit(1);
    }
    return ssl;
}

int main(int argc, char **argv)
{
    if (argc != 2 && argc != 5) {
        fprintf(stderr, "sluice-bare-h2o PORT [TLS_PORT CERTIFICATE KEY]\n");
        return 2;
    }
#ifndef __SANITIZE_ADDRESS__ /* whose shadow is larger than any bound */
    setrlimit(RLIMIT_AS, &(struct rlimit){MEMORY_MAX, MEMORY_MAX});
#endif
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    signal(SIGPIPE, SIG_IGN);
    filling = h2o_mem_alloc(ANSWER_MAX);
    memset(filling, 'x', ANSWER_MAX);

    h2o_config_init(&globals);
    h2o_hostconf_t *host = h2o_config_register_host(&globals, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
    h2o_create_handler(path, sizeof(h2o_handler_t))->on_req = on_request;
    h2o_context_init(&context, h2o_evloop_create(), &globals);

    listen_on(argv[1], &plain);
    if (argc == 5) {
        secure.ssl_ctx = load(argv[3], argv[4]);
        listen_on(argv[2], &secure);
    }
    for (;;)
        h2o_evloop_run(context.loop, INT32_MAX);
}
