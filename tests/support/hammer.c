/*
 * hammer: a load client for the tests. Many keep-alive connections, one thread, each connection has one request under
 * way.
 *
 * Where wrk and h2load give totals, this one tells what the proofs need: the status of each single answer with the
 * moments at which the request was sent and the answer was complete (CLOCK_MONOTONIC, the clock of Python's
 * time.monotonic_ns), and for each connection that failed, how far it had come.
 *
 *   sluice-hammer --target 127.0.0.1:8080 [--target ...] --path /x --connections 16 --seconds 5
 *                 [--requests N] [--header 'X-API-Key: k']... [--method GET] [--body BYTES] [--close] [--pause-us N]
 * [--trace FILE]
 *
 * Connections are dealt out to the targets in turn. A summary comes as one JSON object on standard output; the trace
 * has one line "sent_us received_us status target connection" per answer.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_TARGETS = 16, MAX_CONNECTIONS = 4096, MAX_HEADERS = 16, HEAD_BYTES = 32768, MAX_EVENTS_TOLD = 200 };
#define GRACE_US 15000000u /* for answers still outstanding when the time is over */
#define RETRY_US 20000u    /* before a refused connection is tried again */

typedef enum { IDLE, CONNECTING, SENDING, IN_HEAD, IN_BODY, IN_CHUNKS } state_t;

/* How a request was lost. STALE: a kept connection closed before the first byte, which any client would simply send
 * again. */
typedef enum { REFUSED, STALE, DROPPED, BROKEN, UNPARSABLE, UNANSWERED, FAILURE_KINDS } failure_t;
static const char *const failure_names[FAILURE_KINDS] = {"refused", "stale",      "dropped",
                                                         "broken",  "unparsable", "unanswered"};

typedef struct connection_t {
    int fd;
    int target;
    state_t state;
    bool was_used;
    bool closes;
    int status;
    size_t sent, head_len, body_left;
    unsigned tail_matched; /* of the last chunk's "0 CR LF CR LF" after a line start */
    uint64_t sent_us, wait_until_us;
    char head[HEAD_BYTES];
} connection_t;

static struct {
    struct sockaddr_in targets[MAX_TARGETS];
    int target_count, connection_count, header_count;
    const char *path, *method, *headers[MAX_HEADERS];
    size_t body_bytes;
    uint64_t seconds_us, pause_us, requests;
    bool close_each;
    FILE *trace;
} options = {.path = "/", .method = "GET", .connection_count = 1, .seconds_us = 1000000, .requests = UINT64_MAX};

static connection_t connections[MAX_CONNECTIONS];
static char *request;
static size_t request_len;
static int poller;
static volatile sig_atomic_t is_told_to_end;
static uint64_t begun, statuses[1000], failures[FAILURE_KINDS], target_statuses[MAX_TARGETS][6];
static unsigned events_told;
static char events_text[MAX_EVENTS_TOLD * 128];

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

static void watch(connection_t *connection, uint32_t events, int operation)
{
    struct epoll_event event = {.events = events, .data.ptr = connection};
    if (epoll_ctl(poller, operation, connection->fd, &event) != 0) {
        perror("epoll_ctl");
        exit(2);
    }
}

static void rest(connection_t *connection, uint64_t pause_us)
{
    connection->state = IDLE;
    connection->wait_until_us = now_us() + pause_us;
}

static void hang_up(connection_t *connection)
{
    close(connection->fd);
    connection->fd = -1;
    connection->was_used = false;
}

static void note_failure(connection_t *connection, failure_t kind)
{
    ++failures[kind];
    if (events_told < MAX_EVENTS_TOLD) {
        size_t length = strlen(events_text);
        snprintf(events_text + length, sizeof(events_text) - length,
                 "%s{\"kind\":\"%s\",\"at_us\":%" PRIu64 ",\"sent_us\":%" PRIu64 ",\"target\":%d,\"connection\":%d}",
                 events_told++ > 0 ? "," : "", failure_names[kind], now_us(), connection->sent_us, connection->target,
                 (int)(connection - connections));
    }
    hang_up(connection);
    rest(connection, kind == REFUSED ? RETRY_US : options.pause_us);
}

static void lose(connection_t *connection)
{
    if (connection->state == CONNECTING)
        note_failure(connection, REFUSED);
    else if (connection->state == SENDING || (connection->state == IN_HEAD && connection->head_len == 0))
        note_failure(connection, connection->was_used ? STALE : DROPPED);
    else
        note_failure(connection, BROKEN);
}

static void start_request(connection_t *connection)
{
    ++begun;
    connection->sent = connection->head_len = connection->body_left = 0;
    connection->tail_matched = 0;
    connection->closes = false;
    connection->sent_us = now_us();
    connection->state = connection->fd < 0 ? CONNECTING : SENDING;
    if (connection->fd >= 0) {
        watch(connection, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
        return;
    }
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->fd < 0) {
        perror("socket");
        exit(2);
    }
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    const struct sockaddr_in *address = &options.targets[connection->target];
    if (connect(connection->fd, (const struct sockaddr *)address, sizeof(*address)) != 0 && errno != EINPROGRESS) {
        note_failure(connection, REFUSED);
        return;
    }
    watch(connection, EPOLLIN | EPOLLOUT, EPOLL_CTL_ADD);
}

static void finish_answer(connection_t *connection)
{
    ++statuses[connection->status];
    ++target_statuses[connection->target][connection->status / 100];
    if (options.trace != NULL)
        fprintf(options.trace, "%" PRIu64 " %" PRIu64 " %d %d %d\n", connection->sent_us, now_us(), connection->status,
                connection->target, (int)(connection - connections));
    connection->was_used = true;
    if (connection->closes || options.close_each)
        hang_up(connection);
    rest(connection, options.pause_us);
}

/* The value of a header line of the zero-terminated head, or NULL. */
static const char *find_header(const char *head, const char *name)
{
    size_t name_len = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, name_len) == 0 && line[2 + name_len] == ':')
            return line + 2 + name_len + 1 + strspn(line + 2 + name_len + 1, " \t");
    }
    return NULL;
}

static bool read_head(connection_t *connection)
{
    if (sscanf(connection->head, "HTTP/1.%*1d %3d", &connection->status) != 1 || connection->status < 100 ||
        connection->status > 599)
        return false;
    const char *closing = find_header(connection->head, "connection");
    const char *coding = find_header(connection->head, "transfer-encoding");
    const char *length = find_header(connection->head, "content-length");
    connection->closes = closing != NULL && strncasecmp(closing, "close", 5) == 0;
    if (coding != NULL && strncasecmp(coding, "chunked", 7) == 0) {
        connection->state = IN_CHUNKS;
    } else if (length != NULL) {
        connection->state = IN_BODY;
        connection->body_left = strtoull(length, NULL, 10);
    } else {
        connection->state = IN_BODY;
        connection->body_left = 0;
        return connection->status == 204 || connection->status == 304;
    }
    if (strcmp(options.method, "HEAD") == 0) {
        connection->state = IN_BODY;
        connection->body_left = 0;
    }
    return true;
}

/* True when the last chunk has passed. Test services send no body that looks like one. */
static bool skip_chunks(connection_t *connection, const char *bytes, size_t len)
{
    static const char tail[] = "\r\n0\r\n\r\n";
    for (size_t i = 0; i < len; ++i) {
        if (bytes[i] == tail[connection->tail_matched])
            ++connection->tail_matched;
        else
            connection->tail_matched = bytes[i] == '\r' ? 1 : 0;
        if (connection->tail_matched == sizeof(tail) - 1)
            return true;
    }
    return false;
}

static void take_body(connection_t *connection, const char *bytes, size_t len)
{
    bool is_complete;
    if (connection->state == IN_CHUNKS) {
        is_complete = skip_chunks(connection, bytes, len);
    } else {
        connection->body_left -= len < connection->body_left ? len : connection->body_left;
        is_complete = connection->body_left == 0;
    }
    if (is_complete)
        finish_answer(connection);
}

static void take_bytes(connection_t *connection, const char *bytes, size_t len)
{
    if (connection->state != IN_HEAD) {
        take_body(connection, bytes, len);
        return;
    }
    if (connection->head_len + len >= HEAD_BYTES)
        len = HEAD_BYTES - 1 - connection->head_len;
    memcpy(connection->head + connection->head_len, bytes, len);
    connection->head_len += len;
    connection->head[connection->head_len] = '\0';
    char *end = strstr(connection->head, "\r\n\r\n");
    if (end == NULL)
        return;
    char *body = end + 4;
    size_t body_len = connection->head_len - (size_t)(body - connection->head);
    connection->tail_matched = 2; /* the head's end stands for the line end before the first chunk */
    bool is_valid;
    char kept = body[0];
    body[0] = '\0';
    is_valid = read_head(connection);
    body[0] = kept;
    if (!is_valid)
        note_failure(connection, UNPARSABLE);
    else
        take_body(connection, body, body_len);
}

static void on_readable(connection_t *connection)
{
    static char bytes[65536];
    size_t room = connection->state == IN_HEAD ? HEAD_BYTES - 1 - connection->head_len : sizeof(bytes);
    ssize_t got = read(connection->fd, bytes, room < sizeof(bytes) ? room : sizeof(bytes));
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got > 0 && connection->state == SENDING)
        connection->state = IN_HEAD; /* an early answer */
    if (got > 0 && connection->state != IDLE)
        take_bytes(connection, bytes, (size_t)got);
    else if (connection->state == IDLE)
        hang_up(connection); /* closed between two requests: nothing is lost */
    else
        lose(connection);
}

static void on_writable(connection_t *connection)
{
    if (connection->state == CONNECTING) {
        int error = 0;
        socklen_t size = sizeof(error);
        getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0) {
            note_failure(connection, REFUSED);
            return;
        }
        connection->state = SENDING;
        connection->sent_us = now_us();
    }
    if (connection->state != SENDING)
        return;
    ssize_t wrote = send(connection->fd, request + connection->sent, request_len - connection->sent, MSG_NOSIGNAL);
    if (wrote < 0) {
        if (errno != EAGAIN)
            lose(connection);
        return;
    }
    connection->sent += (size_t)wrote;
    if (connection->sent == request_len) {
        connection->state = IN_HEAD;
        watch(connection, EPOLLIN, EPOLL_CTL_MOD);
    }
}

static void build_request(void)
{
    size_t capacity = 16384 + options.body_bytes;
    request = malloc(capacity);
    if (request == NULL)
        abort();
    int length = snprintf(request, capacity, "%s %s HTTP/1.1\r\nHost: hammer.test\r\n", options.method, options.path);
    for (int i = 0; i < options.header_count; ++i)
        length += snprintf(request + length, capacity - (size_t)length, "%s\r\n", options.headers[i]);
    if (options.body_bytes > 0)
        length += snprintf(request + length, capacity - (size_t)length, "Content-Length: %zu\r\n", options.body_bytes);
    length += snprintf(request + length, capacity - (size_t)length, "\r\n");
    memset(request + length, 'x', options.body_bytes);
    request_len = (size_t)length + options.body_bytes;
}

static void add_target(const char *text)
{
    char host[64];
    unsigned port;
    struct sockaddr_in *address = &options.targets[options.target_count];
    if (options.target_count == MAX_TARGETS || sscanf(text, "%63[^:]:%u", host, &port) != 2 ||
        inet_pton(AF_INET, host, &address->sin_addr) != 1) {
        fprintf(stderr, "--target takes ADDRESS:PORT, at most %d of them: %s\n", MAX_TARGETS, text);
        exit(2);
    }
    address->sin_family = AF_INET;
    address->sin_port = htons((uint16_t)port);
    ++options.target_count;
}

static void open_trace(const char *path)
{
    options.trace = fopen(path, "w");
    if (options.trace == NULL) {
        perror(path);
        exit(2);
    }
}

static void read_options(int argc, char **argv)
{
    static const struct option names[] = {{"target", 1, 0, 't'},   {"path", 1, 0, 'p'},     {"connections", 1, 0, 'c'},
                                          {"seconds", 1, 0, 's'},  {"requests", 1, 0, 'r'}, {"header", 1, 0, 'h'},
                                          {"method", 1, 0, 'm'},   {"body", 1, 0, 'b'},     {"close", 0, 0, 'C'},
                                          {"pause-us", 1, 0, 'u'}, {"trace", 1, 0, 'T'},    {NULL, 0, 0, 0}};
    for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (option) {
        case 't':
            add_target(optarg);
            break;
        case 'p':
            options.path = optarg;
            break;
        case 'c':
            options.connection_count = atoi(optarg);
            break;
        case 's':
            options.seconds_us = (uint64_t)(atof(optarg) * 1e6);
            break;
        case 'r':
            options.requests = strtoull(optarg, NULL, 10);
            break;
        case 'm':
            options.method = optarg;
            break;
        case 'b':
            options.body_bytes = strtoul(optarg, NULL, 10);
            break;
        case 'C':
            options.close_each = true;
            break;
        case 'u':
            options.pause_us = strtoull(optarg, NULL, 10);
            break;
        case 'T':
            open_trace(optarg);
            break;
        case 'h':
            if (options.header_count < MAX_HEADERS)
                options.headers[options.header_count++] = optarg;
            break;
        default:
            exit(2);
        }
    }
    if (options.target_count == 0 || options.connection_count < 1 || options.connection_count > MAX_CONNECTIONS) {
        fprintf(stderr, "needs at least one --target, and 1..%d --connections\n", MAX_CONNECTIONS);
        exit(2);
    }
}

static void start_what_may_start(uint64_t end_us)
{
    uint64_t now = now_us();
    for (int i = 0; i < options.connection_count; ++i) {
        connection_t *connection = &connections[i];
        if (connection->state == IDLE && begun < options.requests && now < end_us && now >= connection->wait_until_us)
            start_request(connection);
    }
}

static bool any_under_way(void)
{
    for (int i = 0; i < options.connection_count; ++i) {
        if (connections[i].state != IDLE)
            return true;
    }
    return false;
}

static void run(void)
{
    uint64_t end_us = now_us() + options.seconds_us;
    for (;;) {
        if (is_told_to_end && now_us() < end_us)
            end_us = now_us();
        start_what_may_start(end_us);
        bool is_over = now_us() >= end_us || begun >= options.requests;
        if (is_over && (!any_under_way() || now_us() > end_us + GRACE_US))
            break;
        struct epoll_event events[256];
        int count = epoll_wait(poller, events, 256, options.pause_us > 0 && options.pause_us < 1000 ? 1 : 5);
        for (int i = 0; i < count; ++i) {
            connection_t *connection = events[i].data.ptr;
            if (events[i].events & EPOLLOUT)
                on_writable(connection);
            if (connection->fd >= 0 && (events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
                on_readable(connection);
        }
    }
    for (int i = 0; i < options.connection_count; ++i) {
        if (connections[i].state != IDLE)
            note_failure(&connections[i], UNANSWERED);
    }
}

static void print_summary(double seconds)
{
    const char *comma = "";
    printf("{\"requests\":%" PRIu64 ",\"seconds\":%.6f,\"statuses\":{", begun, seconds);
    for (int status = 0; status < 1000; ++status) {
        if (statuses[status] > 0) {
            printf("%s\"%d\":%" PRIu64, comma, status, statuses[status]);
            comma = ",";
        }
    }
    printf("},\"successes_by_target\":[");
    for (int i = 0; i < options.target_count; ++i)
        printf("%s%" PRIu64, i > 0 ? "," : "", target_statuses[i][2]);
    printf("],\"failures\":{");
    for (int kind = 0; kind < FAILURE_KINDS; ++kind)
        printf("%s\"%s\":%" PRIu64, kind > 0 ? "," : "", failure_names[kind], failures[kind]);
    printf("},\"events\":[%s]}\n", events_text);
}

int main(int argc, char **argv)
{
    signal(SIGUSR1, on_signal);
    read_options(argc, argv);
    build_request();
    poller = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < options.connection_count; ++i) {
        connections[i].fd = -1;
        connections[i].target = i % options.target_count;
    }
    uint64_t started_us = now_us();
    run();
    print_summary((double)(now_us() - started_us) / 1e6);
    if (options.trace != NULL)
        fclose(options.trace);
    free(request);
    return 0;
}
