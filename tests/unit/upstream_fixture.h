/*
 * upstream_fixture: the upstream client on a real loop, up to two scripted services, and calls whose callbacks are
 * watched. Every test also proves that nothing is left behind.
 */
#ifndef UPSTREAM_FIXTURE_H
#define UPSTREAM_FIXTURE_H

#include "scripted_service.h"
#include "sluice/upstream.h"
#include <signal.h>

#define SLOT 1
#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define HEAD_OK "HTTP/1.1 200 OK\r\n"
#define CHUNKED HEAD_OK "Transfer-Encoding: chunked\r\n\r\n"
#define LENGTH_OF(array) (sizeof(array) / sizeof *(array))

static h2o_context_t ctx;
static sl_shared_t *shared;
static sl_worker_slot_t *slot;
static sl_upstream_t *upstream;
static scripted_service_t services[2];
#define first (services[0])
#define second (services[1])
static sl_instance_t instances[2];
static sl_service_t service = {.name = "svc",
                               .slot = SLOT,
                               .instances = instances,
                               .instance_count = 1,
                               .retries = 2,
                               .connections_idle = 4,
                               .idle_keep_ms = 60000};

typedef enum { KEEP_ON, CANCEL_IN_HEAD, CANCEL_IN_BODY, CANCEL_IN_END, PAUSE_IN_HEAD, PAUSE_IN_BODY } habit_t;

typedef struct watched_t {
    sl_call_t *call;
    habit_t habit;
    bool is_started; /* sl_upstream_start has returned */
    bool is_over;    /* ended or cancelled: nothing may come any more */
    bool has_ended;
    bool is_paused;
    sl_upstream_result_t result;
    sl_call_facts_t facts;
    unsigned heads;
    sl_call_head_t head; /* without its fields */
    sl_text_t body;
    size_t body_bytes;
    size_t pause_at; /* PAUSE_IN_BODY: not before so many bytes */
    bool is_counted; /* the body is compared with what "*" pours, and not kept */
} watched_t;

static inline void cancel(watched_t *watched)
{
    watched->is_over = true;
    sl_call_cancel(watched->call);
}

static inline void on_head(void *data, const sl_call_head_t *head)
{
    watched_t *watched = data;
    cr_assert(watched->is_started && !watched->is_over);
    cr_assert_eq(++watched->heads, 1);
    watched->head = *head;
    if (watched->habit == CANCEL_IN_HEAD) {
        cancel(watched);
    } else if (watched->habit == PAUSE_IN_HEAD) {
        watched->is_paused = true;
        sl_call_pause(watched->call);
    }
}

static inline void on_body(void *data, h2o_iovec_t bytes)
{
    watched_t *watched = data;
    cr_assert(watched->is_started && !watched->is_over && !watched->is_paused);
    cr_assert_eq(watched->heads, 1);
    cr_assert_neq(bytes.len, 0);
    for (size_t i = 0; watched->is_counted && i != bytes.len; ++i)
        cr_assert_eq(bytes.base[i], poured_byte((watched->body_bytes + i) % (23 * 1024)));
    if (!watched->is_counted)
        sl_text_append(&watched->body, bytes.base, bytes.len);
    watched->body_bytes += bytes.len;
    if (watched->habit == CANCEL_IN_BODY) {
        cancel(watched);
    } else if (watched->habit == PAUSE_IN_BODY && watched->body_bytes >= watched->pause_at) {
        watched->is_paused = true;
        sl_call_pause(watched->call);
    }
}

static inline void on_end(void *data, sl_upstream_result_t result)
{
    watched_t *watched = data;
    cr_assert(watched->is_started && !watched->is_over);
    watched->facts = *sl_call_facts(watched->call);
    watched->result = result;
    watched->has_ended = true;
    if (watched->habit == CANCEL_IN_END)
        sl_call_cancel(watched->call);
    watched->is_over = true;
}

static const sl_call_callbacks_t callbacks = {on_head, on_body, on_end};

static inline sl_call_request_t request_of(const char *method)
{
    return (sl_call_request_t){.method = sl_bytes_of(method),
                               .target = SL_LIT("/path?q=1"),
                               .headers = SL_LIT("Accept: */*\r\n"),
                               .service = &service,
                               .timeouts = {5000, 5000, 5000, 10000}};
}

static inline void start_request(watched_t *watched, const sl_call_request_t *request)
{
    watched->call = sl_upstream_start(upstream, request, &callbacks, watched);
    watched->is_started = true;
}

static inline void start(watched_t *watched, const char *method)
{
    sl_call_request_t request = request_of(method);
    start_request(watched, &request);
}

static inline void turn(void)
{
    cr_assert_eq(h2o_evloop_run(ctx.loop, 100), 0);
}

static inline void finish(watched_t *watched)
{
    while (!watched->is_over)
        turn();
}

static inline void resume(watched_t *watched)
{
    watched->is_paused = false;
    sl_call_resume(watched->call);
}

/* Turns until the condition holds; the suite's limit ends what never holds. */
#define turn_until(condition)                                                                                          \
    do {                                                                                                               \
        while (!(condition))                                                                                           \
            turn();                                                                                                    \
    } while (0)

static inline uint64_t count_of(sl_upstream_result_t result)
{
    return sl_number_get(&slot->services[SLOT].results[result]);
}

static inline uint64_t open_connections(void)
{
    return sl_number_get(&slot->services[SLOT].connections_open);
}

static inline uint64_t idle_connections(void)
{
    return sl_number_get(&slot->services[SLOT].connections_idle);
}

#define serve_first(...)                                                                                               \
    do {                                                                                                               \
        static const script_t scripts[] = {__VA_ARGS__};                                                               \
        service_start(&first, 1, scripts, LENGTH_OF(scripts));                                                         \
        instances[0] = first.instance;                                                                                 \
    } while (0)
#define serve_second(...)                                                                                              \
    do {                                                                                                               \
        static const script_t scripts[] = {__VA_ARGS__};                                                               \
        service_start(&second, 2, scripts, LENGTH_OF(scripts));                                                        \
        instances[1] = second.instance;                                                                                \
        service.instance_count = 2;                                                                                    \
    } while (0)

static inline void set_up(void)
{
    signal(SIGPIPE, SIG_IGN);
    ctx.loop = h2o_evloop_create();
    shared = sl_shared_create();
    slot = &shared->slots[0];
    upstream = sl_upstream_create(&ctx, shared, slot);
}

static inline void tear_down(void)
{
    sl_upstream_destroy(upstream);
    cr_expect_eq(open_connections(), 0);
    cr_expect_eq(idle_connections(), 0);
    h2o_evloop_run(ctx.loop, 0);
    h2o_evloop_destroy(ctx.loop);
}

static inline void expect_end(watched_t *watched, sl_upstream_result_t result, const char *body)
{
    finish(watched);
    cr_expect_eq(watched->result, result, "ended as %s", sl_upstream_result_name(watched->result));
    cr_expect(sl_bytes_equal(sl_bytes(watched->body.base, watched->body.size), sl_bytes_of(body)), "body '%s'",
              watched->body.base);
    sl_text_dispose(&watched->body);
}

/* Leaves a kept connection to the first service. */
static inline void leave_kept_connection(void)
{
    watched_t watched = {0};
    start(&watched, "GET");
    expect_end(&watched, SL_UPSTREAM_OK, "hello");
    cr_assert_eq(idle_connections(), 1);
}

#define UPSTREAM_SUITE(suite) TestSuite(suite, .init = set_up, .fini = tear_down, .timeout = 60)

#endif
