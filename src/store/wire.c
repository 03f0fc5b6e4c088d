/*
 * wire: one connection to Redis (wire.h).
 *
 *   resting -> resolving -> connecting -> greeting -> settled
 *      ^            |            |            |          |
 *      +------------+------------+------------+----------+   lose(): once per attempt, tells the owner why
 *
 * One deadline covers everything from resolving to the last answer of the greeting: a stopped server accepts
 * connections (its kernel does) and then says nothing.
 */
#include "wire.h"
#include "lookup.h"
#include "resp.h"
#include "sluice/clock.h"
#include "sluice/digest.h"
#include "sluice/log.h"
#include <errno.h>
#include <stdio.h>
#include <sys/un.h>

#define FIRST_REST_US 50000
#define LONGEST_REST_US 640000 /* plus a quarter of jitter: back within a second of Redis' return */
#define AGAIN_SAYS_US 30000000 /* a lasting loss is logged again after so long */
#define STARTS_US 30000000     /* more than the embedded Redis takes until it answers */
#define ELEMENTS_MAX 65536     /* of one answer; hiredis would take room for as many as it is told */

typedef enum { RESTING, RESOLVING, CONNECTING, GREETING, SETTLED } wire_state_t;

struct sl_wire_t {
    h2o_context_t *ctx;
    const sl_redis_settings_t *settings;
    sl_pulse_t *pulse;
    sl_wire_owner_t owner;
    wire_state_t state;
    h2o_socket_t *lookup; /* while resolving */
    sl_lookup_answer_t found;
    size_t address_index;
    size_t address_first; /* moves on when one swallowed the whole deadline */
    h2o_socket_t *sock;
    redisReader *reader;
    sl_text_t out, flight;
    unsigned greetings;      /* answers to AUTH, SELECT and PING still to come */
    uint64_t deadline_us;    /* of getting settled */
    uint64_t rest_until_us;  /* while resting */
    unsigned failures;       /* losses since it last proved itself */
    uint64_t epoch;          /* grows with each loss: loops over replies see that theirs has ended */
    uint64_t said_us;        /* when the present loss was last logged; 0: all is well */
    uint64_t quiet_until_us; /* until then no loss is news: the embedded Redis is started together with us */
    char why[192];
};

static void connect_next(sl_wire_t *wire);
static void on_connect(h2o_socket_t *sock, const char *err);
static void on_read(h2o_socket_t *sock, const char *err);

uint64_t sl_wire_rest_us(unsigned failures)
{
    if (failures == 0)
        return 0;
    uint64_t rest_us = (uint64_t)FIRST_REST_US << (failures > 16 ? 15 : failures - 1);
    return rest_us < LONGEST_REST_US ? rest_us : LONGEST_REST_US;
}

/* A first try after a good connection comes almost at once (a server that merely restarted is there again); all workers
 * lose at the same time, so spread them. */
static uint64_t jittered_rest_us(unsigned failures)
{
    uint64_t rest_us = sl_wire_rest_us(failures);
    return rest_us + sl_random_below(rest_us != 0 ? (uint32_t)(rest_us / 4) : 5000);
}

sl_wire_t *sl_wire_create(h2o_context_t *ctx, const sl_redis_settings_t *settings, sl_pulse_t *pulse,
                          const sl_wire_owner_t *owner)
{
    sl_wire_t *wire = h2o_mem_alloc(sizeof(*wire));

    *wire = (sl_wire_t){.ctx = ctx, .settings = settings, .pulse = pulse, .owner = *owner, .state = RESTING};
    if (settings->kind == SL_REDIS_EMBEDDED)
        wire->quiet_until_us = sl_clock_us() + STARTS_US;
    sl_pulse_soon(pulse, sl_clock_us());
    return wire;
}

/* --- losing --- */

static void close_everything(sl_wire_t *wire)
{
    if (wire->lookup != NULL)
        h2o_socket_close(wire->lookup);
    wire->lookup = NULL;
    if (wire->sock != NULL)
        h2o_socket_close(wire->sock);
    wire->sock = NULL;
    if (wire->reader != NULL)
        redisReaderFree(wire->reader);
    wire->reader = NULL;
    sl_text_clear(&wire->out);
    sl_text_clear(&wire->flight);
    wire->greetings = 0;
}

void sl_wire_destroy(sl_wire_t *wire)
{
    close_everything(wire);
    sl_text_dispose(&wire->out);
    sl_text_dispose(&wire->flight);
    free(wire);
}

/* Logs the first loss, each new reason, and a reminder now and then: not every attempt. */
static void say_loss(sl_wire_t *wire, const char *why, uint64_t now_us)
{
    bool is_news = wire->said_us == 0 || strcmp(wire->why, why) != 0 || now_us - wire->said_us > AGAIN_SAYS_US;

    snprintf(wire->why, sizeof(wire->why), "%s", why);
    if (!is_news || now_us < wire->quiet_until_us)
        return;
    wire->said_us = now_us;
    sl_log(SL_LOG_WARN, "redis_lost", "%s: %s", wire->owner.name, why);
}

static void lose(sl_wire_t *wire, const char *why)
{
    uint64_t now_us = sl_clock_us();

    say_loss(wire, why, now_us);
    close_everything(wire);
    ++wire->epoch;
    wire->state = RESTING;
    wire->rest_until_us = now_us + jittered_rest_us(wire->failures++);
    wire->owner.on_lost(wire->owner.data, wire->why);
    sl_pulse_soon(wire->pulse, now_us);
}

void sl_wire_drop(sl_wire_t *wire, const char *why)
{
    if (wire->state != RESTING)
        lose(wire, why);
}

/* --- finding the address --- */

static void on_looked_up(h2o_socket_t *sock, const char *err)
{
    sl_wire_t *wire = sock->data;

    if (err == NULL && !sl_lookup_read(sock, &wire->found))
        return;
    h2o_socket_close(sock);
    wire->lookup = NULL;
    if (wire->found.count == 0) {
        char why[sizeof(wire->why)];
        snprintf(why, sizeof(why), "cannot resolve '%.80s': %s", wire->settings->host, wire->found.error);
        lose(wire, why);
        return;
    }
    connect_next(wire);
}

/* False when the answer comes later. */
static bool find_tcp_addresses(sl_wire_t *wire)
{
    if (sl_lookup_literal(wire->settings->host, wire->settings->port, &wire->found))
        return true;
    wire->lookup = sl_lookup_start(wire->ctx->loop, wire->settings->host, wire->settings->port);
    if (wire->lookup == NULL)
        return true;
    wire->state = RESOLVING;
    wire->lookup->data = wire;
    h2o_socket_read_start(wire->lookup, on_looked_up);
    return false;
}

static void find_unix_address(sl_wire_t *wire)
{
    struct sockaddr_un *address = (struct sockaddr_un *)&wire->found.addresses[0].storage;

    if (strlen(wire->settings->path) >= sizeof(address->sun_path))
        return;
    address->sun_family = AF_UNIX;
    strcpy(address->sun_path, wire->settings->path);
    wire->found.addresses[0].len = sizeof(*address);
    wire->found.count = 1;
}

static void begin(sl_wire_t *wire, uint64_t now_us)
{
    wire->deadline_us = now_us + wire->settings->connect_timeout_ms * 1000;
    wire->address_index = 0;
    memset(&wire->found, 0, sizeof(wire->found));
    if (wire->settings->kind != SL_REDIS_TCP)
        find_unix_address(wire);
    else if (!find_tcp_addresses(wire))
        return;
    connect_next(wire);
}

/* --- connecting --- */

static void refuse(sl_wire_t *wire, const char *reason)
{
    char why[sizeof(wire->why)];

    if (wire->settings->kind == SL_REDIS_TCP)
        snprintf(why, sizeof(why), "cannot connect to %s:%u: %s", wire->settings->host, (unsigned)wire->settings->port,
                 reason);
    else
        snprintf(why, sizeof(why), "cannot connect to %s: %s", wire->settings->path, reason);
    lose(wire, why);
}

/* Tries the addresses in turn, each failure leading to the next at once. */
static void connect_next(sl_wire_t *wire)
{
    int error = wire->settings->kind == SL_REDIS_TCP ? EAGAIN : ENAMETOOLONG; /* should there be no address at all */

    while (wire->address_index != wire->found.count) {
        sl_lookup_address_t *address =
            wire->found.addresses + (wire->address_first + wire->address_index++) % wire->found.count;
        wire->sock =
            h2o_socket_connect(wire->ctx->loop, (struct sockaddr *)&address->storage, address->len, on_connect);
        if (wire->sock != NULL) {
            wire->sock->data = wire;
            wire->state = CONNECTING;
            return;
        }
        error = errno;
    }
    refuse(wire, strerror(error));
}

static void write_credentials(sl_wire_t *wire)
{
    const sl_redis_settings_t *settings = wire->settings;

    if (settings->password != NULL && settings->username != NULL)
        sl_resp_command(&wire->out, 3, (const char *[]){"AUTH", settings->username, settings->password});
    else if (settings->password != NULL)
        sl_resp_command(&wire->out, 2, (const char *[]){"AUTH", settings->password});
    wire->greetings += settings->password != NULL;

    if (settings->database != 0) {
        char number[24];
        snprintf(number, sizeof(number), "%llu", (unsigned long long)settings->database);
        sl_resp_command(&wire->out, 2, (const char *[]){"SELECT", number});
        ++wire->greetings;
    }
    /* tells in plain words that a password is wanted or that the data are still loading, before anything of the owner's
     * does so obscurely */
    sl_resp_command(&wire->out, 1, (const char *[]){"PING"});
    ++wire->greetings;
}

/* --- the codec --- */

static void *(*create_any_array)(const redisReadTask *task, int elements);

/* Nothing of ours has so many: it is no Redis that speaks. */
static void *create_array(const redisReadTask *task, int elements)
{
    return elements <= ELEMENTS_MAX ? create_any_array(task, elements) : NULL;
}

static redisReader *create_reader(void)
{
    static redisReplyObjectFunctions functions;
    redisReader *reader = redisReaderCreate();

    if (reader == NULL)
        h2o_fatal("no memory");
    create_any_array = reader->fn->createArray;
    functions = *reader->fn;
    functions.createArray = create_array;
    reader->fn = &functions;
    return reader;
}

static void on_connect(h2o_socket_t *sock, const char *err)
{
    sl_wire_t *wire = sock->data;

    if (err != NULL) {
        h2o_socket_close(sock);
        wire->sock = NULL;
        if (wire->address_index != wire->found.count)
            connect_next(wire);
        else
            refuse(wire, err);
        return;
    }
    wire->state = GREETING;
    wire->reader = create_reader();
    h2o_socket_read_start(sock, on_read);
    write_credentials(wire);
    wire->owner.on_connected(wire->owner.data);
    sl_pulse_soon(wire->pulse, sl_clock_us());
}

void sl_wire_settle(sl_wire_t *wire)
{
    assert(wire->state == GREETING);
    wire->state = SETTLED;
    wire->quiet_until_us = 0;
    if (wire->said_us != 0)
        sl_log(SL_LOG_INFO, "redis_back", "%s: connected again", wire->owner.name);
    wire->said_us = 0;
}

void sl_wire_prove(sl_wire_t *wire)
{
    wire->failures = 0;
}

/* --- bytes --- */

sl_text_t *sl_wire_out(sl_wire_t *wire)
{
    return wire->state == GREETING || wire->state == SETTLED ? &wire->out : NULL;
}

static void on_written(h2o_socket_t *sock, const char *err)
{
    sl_wire_t *wire = sock->data;

    sl_text_clear(&wire->flight);
    if (err != NULL)
        lose(wire, "connection lost while writing");
    else if (wire->out.size != 0)
        sl_pulse_soon(wire->pulse, sl_clock_us());
}

bool sl_wire_flush(sl_wire_t *wire)
{
    if (wire->sock == NULL || wire->out.size == 0 || h2o_socket_is_writing(wire->sock))
        return false;

    sl_text_t empty = wire->flight;
    wire->flight = wire->out;
    wire->out = empty;
    h2o_iovec_t bytes = sl_bytes(wire->flight.base, wire->flight.size);
    h2o_socket_write(wire->sock, &bytes, 1, on_written);
    return true;
}

static void take_reply(sl_wire_t *wire, redisReply *reply)
{
    if (wire->greetings == 0) {
        wire->owner.on_reply(wire->owner.data, reply);
        return;
    }
    --wire->greetings;
    if (reply->type == REDIS_REPLY_ERROR)
        lose(wire, reply->str);
}

/* Cuts what has arrived into replies, until one of them ends the connection. */
static void take_replies(sl_wire_t *wire)
{
    uint64_t epoch = wire->epoch;

    while (wire->epoch == epoch) {
        redisReply *reply = NULL;
        if (redisReaderGetReply(wire->reader, (void **)&reply) != REDIS_OK) {
            lose(wire, "the answer is not Redis' protocol");
            return;
        }
        if (reply == NULL)
            return;
        take_reply(wire, reply);
        freeReplyObject(reply);
    }
}

static void on_read(h2o_socket_t *sock, const char *err)
{
    sl_wire_t *wire = sock->data;

    if (sock->input->size != 0) {
        if (redisReaderFeed(wire->reader, sock->input->bytes, sock->input->size) != REDIS_OK)
            h2o_fatal("no memory");
        h2o_buffer_consume(&sock->input, sock->input->size);
        take_replies(wire);
    }
    if (err != NULL && wire->sock == sock)
        lose(wire, err == h2o_socket_error_closed ? "Redis closed the connection" : "connection lost");
}

/* A long reply comes in pieces: with its first one read and the next one not here yet, only the reader knows. */
bool sl_wire_has_unread(const sl_wire_t *wire)
{
    char byte;

    if (sl_resp_is_midway(wire->reader))
        return true;
    return recv(h2o_socket_get_fd(wire->sock), &byte, 1, MSG_PEEK | MSG_DONTWAIT) != -1 || errno != EAGAIN;
}

/* --- time --- */

uint64_t sl_wire_turn(sl_wire_t *wire, uint64_t now_us)
{
    if (wire->state == SETTLED)
        return SL_NEVER;
    if (wire->state == RESTING && now_us >= wire->rest_until_us)
        begin(wire, now_us);
    else if (wire->state != RESTING && now_us >= wire->deadline_us) {
        ++wire->address_first;
        lose(wire, wire->state == GREETING ? "connected, but no answer to the greeting" : "no connection in time");
    }
    return wire->state == RESTING ? wire->rest_until_us : wire->deadline_us;
}
