/*
 * handshakes: clients that begin one TLS session after the other, as many as the machine gives, for the proof that a
 * change of certificates fails nobody.
 *
 * One thread and no verification of chains, because what a client spends is missing at the server under test. Nothing
 * is lost by that: the handshake proves that the server has the key of what it shows, and the caller knows the
 * fingerprint of every certificate that may be shown. Each handshake is a full one, and each is followed by one
 * request: with TLS 1.3 a client is done before the server has agreed.
 *
 *   sluice-handshakes --target 127.0.0.1:8443 [--name HOST] [--path /health] [--clients 8] [--seconds 5]
 *
 * Says "certificate SHA256" on standard output whenever another certificate than the last one is shown, "failed WORDS"
 * for each of the first failures, and at the end, which TERM brings as well, one line of JSON.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    MAX_CLIENTS = 256,
    MAX_FAILURES_TOLD = 20,
    SLOWEST_MS = 60000,
    DIGEST_BYTES = 32,
    ANSWER_BYTES = 12 /* "HTTP/1.1 200" */
};
#define CLIENT_PATIENCE_US 20000000u /* a machine that is busy is no failure of the server's */

typedef enum { SHAKING, ASKING, READING } state_t;

typedef struct client_t {
    SSL *ssl;
    state_t state;
    uint64_t begun_us;
    size_t answer_len;
    char answer[ANSWER_BYTES];
} client_t;

static struct {
    struct sockaddr_in target;
    const char *name, *path;
    int clients;
    double seconds;
} options = {.name = "gateway.test", .path = "/health", .clients = 8, .seconds = 5};

static client_t clients[MAX_CLIENTS];
static char request[512];
static SSL_CTX *context;
static int poller;
static volatile sig_atomic_t is_told_to_end;
static unsigned long done, failed, changes, by_tenths_of_ms[SLOWEST_MS * 10];
static unsigned char shown[DIGEST_BYTES];

static void on_signal(int number)
{
    (void)number;
    is_told_to_end = 1;
}

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static _Noreturn void give_up(const char *what)
{
    perror(what);
    exit(2);
}

/* Leaves with a reset: the rest of a connection would hold its port for a minute, and there are 28,000. */
static void leave(client_t *client)
{
    if (client->ssl == NULL)
        return;
    int fd = SSL_get_fd(client->ssl);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    SSL_free(client->ssl);
    close(fd);
    client->ssl = NULL;
}

static void fail(client_t *client, const char *what)
{
    static const char *const states[] = {"handshake", "request", "answer"};
    unsigned long error = ERR_get_error();
    if (++failed <= MAX_FAILURES_TOLD)
        printf("failed %s: %s: %s\n", states[client->state], what,
               error != 0 ? ERR_reason_error_string(error) : strerror(errno));
    leave(client);
}

static void begin(client_t *client)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        give_up("socket");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    *client = (client_t){.ssl = SSL_new(context), .begun_us = now_us()};
    if (client->ssl == NULL || SSL_set_fd(client->ssl, fd) != 1 ||
        SSL_set_tlsext_host_name(client->ssl, options.name) != 1)
        give_up("SSL_new");
    SSL_set_connect_state(client->ssl);
    if (connect(fd, (const struct sockaddr *)&options.target, sizeof(options.target)) != 0 && errno != EINPROGRESS) {
        fail(client, "connect");
        return;
    }
    /* edge-triggered: each event goes on until it would block, whichever way OpenSSL waits */
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = client};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0)
        give_up("epoll_ctl");
}

static void note_certificate(SSL *ssl)
{
    unsigned char digest[DIGEST_BYTES];
    const X509 *certificate = SSL_get0_peer_certificate(ssl);
    if (certificate == NULL || X509_digest(certificate, EVP_sha256(), digest, NULL) != 1)
        give_up("certificate");
    if (memcmp(digest, shown, sizeof(shown)) == 0)
        return;
    memcpy(shown, digest, sizeof(shown));
    ++changes;
    printf("certificate ");
    for (size_t i = 0; i != sizeof(digest); ++i)
        printf("%02x", digest[i]);
    printf("\n");
}

/* One step of OpenSSL: whether it was done. What would block comes again with the next event; all else is a failure. */
static bool is_done(client_t *client, int result)
{
    if (result > 0)
        return true;
    int error = SSL_get_error(client->ssl, result);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
        fail(client, error == SSL_ERROR_ZERO_RETURN ? "closed" : error == SSL_ERROR_SYSCALL ? "cut" : "refused");
    return false;
}

/* False when nothing more can be done now. */
static bool take_step(client_t *client)
{
    int got;
    ERR_clear_error();
    errno = 0;
    switch (client->state) {
    case SHAKING:
        if (!is_done(client, SSL_do_handshake(client->ssl)))
            return false;
        note_certificate(client->ssl);
        client->state = ASKING;
        return true;
    case ASKING:
        if (!is_done(client, SSL_write(client->ssl, request, (int)strlen(request))))
            return false;
        client->state = READING;
        return true;
    case READING:
        got = SSL_read(client->ssl, client->answer + client->answer_len, (int)(ANSWER_BYTES - client->answer_len));
        if (!is_done(client, got))
            return false;
        client->answer_len += (size_t)got;
        break;
    }
    if (client->answer_len < ANSWER_BYTES)
        return true;
    if (memcmp(client->answer, "HTTP/1.1 200", ANSWER_BYTES) != 0) {
        fail(client, "another answer than 200");
        return false;
    }
    ++done;
    uint64_t tenths = (now_us() - client->begun_us) / 100;
    ++by_tenths_of_ms[tenths < SLOWEST_MS * 10 ? tenths : SLOWEST_MS * 10 - 1];
    leave(client);
    return false;
}

/* How many are under way. No new ones at the end: those that have begun are brought to theirs, and a server that counts
 * failed handshakes has none to count. */
static int turn(bool is_over)
{
    int open = 0;
    struct epoll_event events[MAX_CLIENTS];
    int count = epoll_wait(poller, events, MAX_CLIENTS, 100);

    for (int i = 0; i < count; ++i)
        while (take_step(events[i].data.ptr)) {
        }
    for (int i = 0; i != options.clients; ++i) {
        if (clients[i].ssl != NULL && now_us() - clients[i].begun_us > CLIENT_PATIENCE_US)
            fail(&clients[i], "too late");
        if (clients[i].ssl == NULL && !is_over)
            begin(&clients[i]);
        open += clients[i].ssl != NULL;
    }
    return open;
}

/* How long all but the slowest of a hundred took, from connect to answer. */
static double p99_ms(void)
{
    unsigned long so_far = 0;
    size_t tenths = 0;

    while (tenths != SLOWEST_MS * 10 && (so_far += by_tenths_of_ms[tenths]) * 100 < done * 99)
        ++tenths;
    return (double)(tenths + 1) / 10;
}

static void read_target(char *text)
{
    char *colon = strrchr(text, ':');
    if (colon == NULL) {
        fprintf(stderr, "--target takes ADDRESS:PORT\n");
        exit(2);
    }
    *colon = '\0';
    options.target = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(colon + 1))};
    if (inet_pton(AF_INET, text, &options.target.sin_addr) != 1) {
        fprintf(stderr, "no IPv4 address: %s\n", text);
        exit(2);
    }
}

static void read_options(int argc, char **argv)
{
    static const struct option names[] = {{"target", 1, NULL, 't'},  {"name", 1, NULL, 'n'},    {"path", 1, NULL, 'p'},
                                          {"clients", 1, NULL, 'c'}, {"seconds", 1, NULL, 's'}, {NULL, 0, NULL, 0}};
    int letter;
    while ((letter = getopt_long(argc, argv, "", names, NULL)) != -1)
        switch (letter) {
        case 't':
            read_target(optarg);
            break;
        case 'n':
            options.name = optarg;
            break;
        case 'p':
            options.path = optarg;
            break;
        case 'c':
            options.clients = atoi(optarg);
            break;
        case 's':
            options.seconds = atof(optarg);
            break;
        default:
            exit(2);
        }
    if (options.target.sin_port == 0 || options.clients < 1 || options.clients > MAX_CLIENTS) {
        fprintf(stderr, "a --target, and 1 to %d --clients\n", MAX_CLIENTS);
        exit(2);
    }
}

static void set_up(void)
{
    context = SSL_CTX_new(TLS_client_method());
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (context == NULL || poller < 0)
        give_up("set up");
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    /* one share of a key, of the group that the server prefers */
    if (SSL_CTX_set1_groups_list(context, "X25519") != 1)
        give_up("groups");
    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", options.path, options.name);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_signal}, NULL);
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0); /* whoever waits for the next certificate reads along */
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    set_up();
    uint64_t from_us = now_us(), until_us = from_us + (uint64_t)(options.seconds * 1e6);

    while (turn(is_told_to_end || now_us() >= until_us) != 0) {
    }
    double seconds = (double)(now_us() - from_us) / 1e6;
    printf("{\"done\": %lu, \"failed\": %lu, \"certificates\": %lu, \"seconds\": %.3f, \"per_second\": %.0f, "
           "\"p99_ms\": %.1f}\n",
           done, failed, changes, seconds, (double)done / seconds, p99_ms());
    return 0;
}
