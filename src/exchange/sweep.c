/*
 * sweep: what no event tells. It looks at every request of a worker, those that still arrive included, then at every
 * connection.
 *
 *   a request that arrives    head and idle time: the connection is cut; body too slow: 408, where there is still a way
 *                             to say it; what all bodies take together is bodies.c's
 *   a request being answered  has an HTTP/1 client left? does the client take the answer?
 *   a connection              PROXY header awaited for too long; HTTP/2: idle, old, never a request, or takes nothing
 *
 * libh2o has no room for our state in a request before on_req, but filters may be hung onto it at any time. So what the
 * sweep remembers of an arriving request hangs there and dies with it, which makes each request on a kept connection
 * begin anew by itself.
 *
 * Killing a connection is shutdown(2), safe while libh2o walks its lists. An answer may end a connection at once, so
 * answers wait until the walk is over.
 */
#include "exchange.h"
#include "http2.h"
#include <h2o/http1.h>
#include <h2o/http2.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>

#define ESTABLISHED 1 /* TCP_ESTABLISHED of <netinet/tcp.h>, whose struct lacks the field that we need */
/* A worker that has slept must look again before it judges. */
#define STUCK_SWEEPS 4
/* Per sweep; the next one sees what found no room. */
#define ENDINGS_MAX 1024

typedef struct arrival_t {
    h2o_req_prefilter_t super;
    sl_phase_t phase;
    uint64_t since_us; /* of the phase */
    sl_pace_t pace;    /* of the body */
} arrival_t;

/* What is done when the walk is over. */
typedef enum { ANSWER_LATE, RESET } end_t;

typedef struct ending_t {
    h2o_req_t *req;
    end_t end;
} ending_t;

typedef struct sweep_t {
    sl_worker_t *worker;
    uint64_t now_us, number;
    ending_t endings[ENDINGS_MAX];
    size_t ending_count;
} sweep_t;

static sweep_t sweep; /* one thread, and libh2o's walk calls back */

static void kill_for(sl_connection_t *connection, sl_cut_t cut)
{
    if (connection->is_doomed)
        return;
    sl_cut_count(connection->worker, cut);
    sl_connection_kill(connection, cut == SL_CUT_STALL ? "client_stalled" : "deadline");
}

static void note_end(h2o_req_t *req, end_t end)
{
    if (sweep.ending_count != ENDINGS_MAX)
        sweep.endings[sweep.ending_count++] = (ending_t){req, end};
}

bool sl_exchange_is_last(const sl_exchange_t *exchange)
{
    const sl_connection_t *connection = exchange->connection;
    const sl_config_t *config = exchange->config;

    if (connection == NULL || exchange->req->version >= 0x200)
        return false;
    bool is_used_up = config->limits.requests != 0 && connection->requests >= config->limits.requests;
    bool is_old = config->limits.lifetime_ms != 0 &&
                  exchange->begun_us - connection->accepted_us > config->limits.lifetime_ms * 1000;
    if (is_used_up || is_old)
        sl_cut_count(exchange->worker, is_used_up ? SL_CUT_REQUESTS : SL_CUT_LIFETIME);
    return is_used_up || is_old;
}

/* --- requests that arrive --- */

/* The answer begins: our note is of no more use, and not in its way. */
static void on_answer_begins(h2o_req_prefilter_t *self, h2o_req_t *req, h2o_ostream_t **slot)
{
    h2o_setup_next_prefilter(self, req, slot);
}

static arrival_t *arrival_of(h2o_req_t *req)
{
    for (h2o_req_prefilter_t *prefilter = req->prefilters; prefilter != NULL; prefilter = prefilter->next)
        if (prefilter->on_setup_ostream == on_answer_begins)
            return (arrival_t *)prefilter;
    arrival_t *arrival = (arrival_t *)h2o_add_prefilter(req, sizeof *arrival);
    arrival->super.on_setup_ostream = on_answer_begins;
    arrival->phase = SL_PHASE_OTHER;
    arrival->since_us = sweep.now_us;
    return arrival;
}

static void check_body(sl_connection_t *connection, h2o_req_t *req, arrival_t *arrival)
{
    const sl_config_t *config = sweep.worker->config;
    uint64_t grace_us = config->limits.body_grace_ms * 1000, stall_us = config->limits.stall_ms * 1000;
    bool keeps_up = sl_pace_keeps(&arrival->pace, sweep.now_us, sl_exchange_body_bytes(connection, req),
                                  config->limits.body_rate, grace_us > stall_us ? grace_us : stall_us);

    if (!keeps_up)
        note_end(req, ANSWER_LATE);
}

static bool is_over(uint64_t since_us, uint64_t bound_ms)
{
    return sweep.now_us > since_us + bound_ms * 1000;
}

static void check_arrival(sl_connection_t *connection, h2o_req_t *req)
{
    const sl_config_t *config = sweep.worker->config;
    arrival_t *arrival = arrival_of(req);
    sl_phase_t phase = sl_exchange_phase(connection, req);

    if (arrival->phase != phase) {
        arrival->phase = phase;
        arrival->since_us = sweep.now_us;
        sl_pace_begin(&arrival->pace, sweep.now_us, config->limits.body_grace_ms * 1000);
    }
    switch (phase) {
    case SL_PHASE_HEAD:
        if (is_over(arrival->since_us, config->limits.head_ms))
            kill_for(connection, SL_CUT_HEAD);
        break;
    case SL_PHASE_IDLE:
        if (is_over(arrival->since_us, config->limits.idle_ms))
            kill_for(connection, SL_CUT_IDLE);
        else if (config->limits.lifetime_ms != 0 && is_over(connection->accepted_us, config->limits.lifetime_ms))
            kill_for(connection, SL_CUT_LIFETIME);
        break;
    case SL_PHASE_BODY:
        check_body(connection, req, arrival);
        break;
    case SL_PHASE_TURN:
    case SL_PHASE_OTHER:
        break;
    }
}

/* --- requests that are answered --- */

/* How many bytes more of the answer the client has taken since it was last asked. */
static uint64_t newly_taken(sl_exchange_t *exchange, const struct tcp_info *info)
{
    uint64_t before = exchange->taken_mark;
    if (exchange->req->version >= 0x200) {
        exchange->taken_mark = sl_http2_unsent_bytes(exchange->req);
        return before > exchange->taken_mark ? before - exchange->taken_mark : 0;
    }
    exchange->taken_mark = info->tcpi_bytes_acked;
    return exchange->taken_mark - before;
}

static void check_taking(sl_connection_t *connection, sl_exchange_t *exchange, const struct tcp_info *info)
{
    const sl_config_t *config = exchange->config;
    uint64_t stall_us = config->limits.stall_ms * 1000;

    if (exchange->sending_since_us == 0)
        return;
    uint64_t taken = newly_taken(exchange, info);
    if (exchange->taking_since_us != exchange->sending_since_us) {
        exchange->taking_since_us = exchange->sending_since_us;
        sl_pace_begin(&exchange->taking, exchange->sending_since_us, stall_us);
        return;
    }
    uint64_t rate = config->limits.body_rate != 0 ? config->limits.body_rate : 1;
    if (sl_pace_keeps(&exchange->taking, sweep.now_us, exchange->taking.bytes + taken, rate, stall_us))
        return;
    exchange->has_stalled = true;
    exchange->reason = "client_stalled";
    if (exchange->req->version < 0x200)
        kill_for(connection, SL_CUT_STALL);
    else
        note_end(exchange->req, RESET);
}

static void check_answer(sl_connection_t *connection, sl_exchange_t *exchange)
{
    struct tcp_info info = {.tcpi_state = ESTABLISHED}; /* Unix sockets have none; the armed socket tells */
    socklen_t size = sizeof info;

    if (exchange->req->version < 0x200)
        getsockopt(h2o_socket_get_fd(connection->sock), IPPROTO_TCP, TCP_INFO, &info, &size);
    connection->tcp_state = info.tcpi_state;
    check_taking(connection, exchange, &info);
}

static int on_request(h2o_req_t *req, void *unused)
{
    sl_connection_t *connection = sl_connection_of(req);
    (void)unused;
    if (connection == NULL)
        return 0;
    connection->swept = sweep.number;
    sl_exchange_t *exchange = sl_exchange_of(req);
    if (exchange != NULL)
        check_answer(connection, exchange);
    else if (req->processed_at.at.tv_sec == 0)
        check_arrival(connection, req);
    return 0;
}

/* --- what is done when the walk is over --- */

static void carry_out(const ending_t *ending)
{
    sl_connection_t *connection = sl_connection_of(ending->req);

    if (connection->is_doomed)
        return;
    sl_cut_count(sweep.worker, ending->end == RESET ? SL_CUT_STALL : SL_CUT_BODY);
    if (ending->end == RESET)
        sl_http2_reset(ending->req);
    else
        sl_exchange_answer_unfinished(ending->req, 408);
}

/* --- connections --- */

static void say_goodbye(sl_connection_t *connection, sl_cut_t cut, bool is_final)
{
    if (connection->goodbye_us == 0) {
        sl_cut_count(sweep.worker, cut);
        connection->goodbye_us = sweep.now_us;
    }
    sl_http2_say_goodbye(connection->sock, is_final);
}

/* Bytes that the other side has acknowledged; of a Unix socket those that it has not read. Either stands still when
 * nothing is taken. */
static uint64_t kernel_mark(const sl_connection_t *connection)
{
    struct tcp_info info;
    socklen_t size = sizeof info;
    int fd = h2o_socket_get_fd(connection->sock), waiting = 0;

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0)
        return info.tcpi_bytes_acked;
    ioctl(fd, SIOCOUTQ, &waiting);
    return (uint64_t)waiting;
}

/* Streams that are not taken are reset one by one. What is in the socket's hands already no reset can call back, and
 * the resets themselves wait behind it. */
static bool has_stalled(sl_connection_t *connection)
{
    if (!h2o_socket_is_writing(connection->sock)) {
        connection->stuck_seen = 0;
        return false;
    }
    uint64_t mark = kernel_mark(connection);
    if (connection->stuck_seen == 0 || mark != connection->stuck_at) {
        connection->stuck_seen = 1;
        connection->stuck_since_us = sweep.now_us;
        connection->stuck_at = mark;
        return false;
    }
    ++connection->stuck_seen;
    return connection->stuck_seen >= STUCK_SWEEPS &&
           is_over(connection->stuck_since_us, sweep.worker->config->limits.stall_ms);
}

/* First every request on the wire is still welcome; a second later, once none is arriving, the end is settled. */
static void check_http2(sl_connection_t *connection)
{
    const sl_config_t *config = sweep.worker->config;
    bool is_quiet = connection->swept != sweep.number;
    bool is_old = config->limits.lifetime_ms != 0 && is_over(connection->accepted_us, config->limits.lifetime_ms);
    bool is_used_up = config->limits.requests != 0 && connection->requests >= config->limits.requests;

    if (has_stalled(connection)) {
        kill_for(connection, SL_CUT_STALL);
        return;
    }
    if (connection->requests == 0) { /* its first request has to come like that of HTTP/1 */
        if (is_quiet && is_over(connection->accepted_us, config->limits.handshake_ms + config->limits.head_ms))
            kill_for(connection, SL_CUT_HEAD);
        return;
    }
    if (!is_quiet || connection->requests != connection->swept_requests)
        connection->idle_since_us = sweep.now_us;
    connection->swept_requests = connection->requests;
    if (is_quiet && is_over(connection->idle_since_us, config->limits.idle_ms))
        say_goodbye(connection, SL_CUT_IDLE, true);
    else if (connection->goodbye_us != 0 && is_over(connection->goodbye_us, 1000))
        say_goodbye(connection, SL_CUT_LIFETIME, is_quiet || is_over(connection->goodbye_us, config->limits.stall_ms));
    else if (connection->goodbye_us == 0 && (is_old || is_used_up))
        say_goodbye(connection, is_used_up ? SL_CUT_REQUESTS : SL_CUT_LIFETIME, false);
}

static void check_connection(sl_connection_t *connection)
{
    const sl_config_t *config = sweep.worker->config;

    if (connection->is_greeting) {
        if (is_over(connection->accepted_us, config->limits.head_ms))
            kill_for(connection, SL_CUT_PROXY);
    } else if (connection->waiting != NULL) {
        sl_departure_check(connection->waiting, connection->tcp_state);
    } else if (connection->is_http2) {
        check_http2(connection);
    } else if (connection->swept != sweep.number) { /* a handshake */
        if (is_over(connection->accepted_us, config->limits.handshake_ms + config->limits.head_ms))
            kill_for(connection, SL_CUT_HEAD);
    }
}

void sl_exchange_sweep(sl_worker_t *worker, uint64_t now_us)
{
    sweep.worker = worker;
    sweep.now_us = now_us;
    sweep.ending_count = 0;
    ++sweep.number;
    H2O_HTTP1_CALLBACKS.foreach_request(&worker->ctx, on_request, NULL);
    H2O_HTTP2_CALLBACKS.foreach_request(&worker->ctx, on_request, NULL);

    for (size_t i = 0; i != sweep.ending_count; ++i)
        carry_out(&sweep.endings[i]);
    sl_exchange_look_at_bodies(worker);

    h2o_linklist_t *node = worker->connections.next;
    while (node != &worker->connections) {
        sl_connection_t *connection = H2O_STRUCT_FROM_MEMBER(sl_connection_t, link, node);
        node = node->next; /* first: the connection may end here */
        check_connection(connection);
    }
}
