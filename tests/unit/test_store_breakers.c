/* Breakers' views: what others do to a breaker is pushed to this worker, what it does itself reaches Redis. */
#include "store_house.h"
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>

/* --- a relay before the server, which can swallow what passes on the connection for pushes --- */

#define RELAYED_MAX 32

typedef struct relayed_t {
    int client, server;
    bool is_pushes, is_swallowed;
} relayed_t;

static char relay_path[64];
static atomic_bool must_swallow_pushes;
static atomic_int pushes_connections;

static void connect_to(const char *path, int fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    strcpy(address.sun_path, path);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        abort();
}

static void pass_on(relayed_t *relayed, int from, int to)
{
    char bytes[65536];
    ssize_t len = read(from, bytes, sizeof(bytes));

    if (len <= 0) {
        shutdown(relayed->client, SHUT_RDWR);
        shutdown(relayed->server, SHUT_RDWR);
        return;
    }
    if (!relayed->is_pushes && memmem(bytes, (size_t)len, "SUBSCRIBE", 9) != NULL) {
        relayed->is_pushes = true;
        atomic_fetch_add(&pushes_connections, 1);
    }
    if (!relayed->is_swallowed && write(to, bytes, (size_t)len) != len)
        shutdown(relayed->client, SHUT_RDWR);
}

static void *run_relay(void *data)
{
    int listener = (int)(intptr_t)data;
    relayed_t relayed[RELAYED_MAX];
    struct pollfd polled[1 + 2 * RELAYED_MAX] = {{.fd = listener, .events = POLLIN}};

    for (nfds_t count = 0;;) {
        poll(polled, 1 + 2 * count, 5);
        bool must_swallow = atomic_exchange(&must_swallow_pushes, false);
        for (nfds_t i = 0; i != count; ++i) {
            relayed[i].is_swallowed |= must_swallow && relayed[i].is_pushes;
            if (polled[1 + 2 * i].revents != 0)
                pass_on(relayed + i, relayed[i].client, relayed[i].server);
            if (polled[2 + 2 * i].revents != 0)
                pass_on(relayed + i, relayed[i].server, relayed[i].client);
        }
        if (polled[0].revents == 0 || count == RELAYED_MAX)
            continue;
        relayed[count] = (relayed_t){accept(listener, NULL, NULL), socket(AF_UNIX, SOCK_STREAM, 0), false, false};
        connect_to(socket_path, relayed[count].server);
        polled[1 + 2 * count] = (struct pollfd){.fd = relayed[count].client, .events = POLLIN};
        polled[2 + 2 * count] = (struct pollfd){.fd = relayed[count].server, .events = POLLIN};
        ++count;
    }
    return NULL;
}

static void start_relay(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    pthread_t thread;

    snprintf(relay_path, sizeof(relay_path), "%s/relay.sock", house_dir);
    strcpy(address.sun_path, relay_path);
    cr_assert_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    cr_assert_eq(listen(listener, 16), 0);
    cr_assert_eq(pthread_create(&thread, NULL, run_relay, (void *)(intptr_t)listener), 0);
    pthread_detach(thread);
}

/* --- breakers --- */

static sl_service_t search = {
    .name = "search",
    .slot = 1,
    .has_breaker = true,
    .breaker =
        {.failures = 5, .recovery_ms = 300, .recovery_max_ms = 300, .probes = 1, .successes = 1, .lease_ms = 60000},
};

static sl_service_breaker_t *breaker;
static sl_breaker_state_t wanted_state;

static bool is_in_wanted_state(void)
{
    return sl_store_breaker_view(breaker)->state == wanted_state;
}

static void wait_for_state(sl_breaker_state_t state)
{
    wanted_state = state;
    run_until(is_in_wanted_state);
}

static void open_breaker_view(void)
{
    open_all();
    breaker = sl_store_breaker(store, &search);
    wait_for_state(SL_BREAKER_CLOSED);
}

static bool is_pushed_to(void)
{
    redisReply *reply = redisCommand(admin, "CLIENT LIST TYPE pubsub");
    bool is_there = reply->len != 0;
    freeReplyObject(reply);
    return is_there;
}

static void on_pass(void *asker, bool granted, const sl_pass_t *pass, uint64_t wait_us, const char *error)
{
    answer_t *answer = note_answer(asker, error);

    answer->verdict = granted ? SL_VERDICT_ADMITTED : SL_VERDICT_BREAKER;
    answer->wait_us = wait_us;
    if (granted)
        answer->pass = *pass;
}

static sl_ticket_t *ask_pass(int index)
{
    answers[index] = (answer_t){0};
    return sl_store_ask_pass(store, breaker, on_pass, answers + index);
}

static void ask_pass_and_wait(void)
{
    told = 0;
    ask_pass(0);
    wait_for_told(1);
}

static void fail(int times)
{
    for (int i = 0; i != times; ++i) {
        sl_pass_t pass = {breaker, sl_store_breaker_view(breaker)->generation, 0};
        sl_store_settle(store, &pass, SL_OUTCOME_FAILURE);
        cr_assert_null(pass.breaker);
    }
}

static sl_gate_t gate(void)
{
    uint64_t wait_us;
    return sl_breaker_gate(sl_store_breaker_view(breaker), sl_clock_us(), &wait_us);
}

static bool gate_asks(void)
{
    return gate() == SL_GATE_ASK;
}

TestSuite(store_breakers, .init = open_house, .fini = close_house, .timeout = 60);

Test(store_breakers, unread_breaker_is_asked_for)
{
    open_all();
    breaker = sl_store_breaker(store, &search);

    cr_assert_eq(gate(), SL_GATE_ASK);
    cr_assert_eq(sl_store_breaker(store, &search), breaker);
    ask_pass_and_wait();
    cr_assert_eq(answers[0].verdict, SL_VERDICT_ADMITTED);
    cr_assert_eq(answers[0].pass.probe_id, 0);
    cr_assert_eq(gate(), SL_GATE_PASS);
    cr_assert_eq(sl_number_get(&slot.services[1].breaker_transitions), 0);
}

Test(store_breakers, service_without_breaker_has_none)
{
    sl_service_t plain = {.name = "plain", .slot = 2};
    open_all();

    cr_assert_null(sl_store_breaker(store, &plain));
}

Test(store_breakers, services_that_share_a_slot_keep_their_own_breakers)
{
    sl_service_t other = search;
    other.name = "other";
    open_all();

    cr_assert_neq(sl_store_breaker(store, &search), sl_store_breaker(store, &other));
}

Test(store_breakers, transition_made_elsewhere_is_pushed)
{
    open_breaker_view();
    run_until(is_pushed_to);

    operate("HSET sluice:breaker:{search} state open generation 7 open_until 9000000000000000");
    wait_for_state(SL_BREAKER_OPEN);
    cr_assert_eq(sl_store_breaker_view(breaker)->generation, 7);
    cr_assert_eq(gate(), SL_GATE_REFUSE);
    cr_assert_eq(sl_number_get(&slot.services[1].breaker_state), SL_BREAKER_OPEN);
    cr_assert_eq(sl_number_get(&slot.services[1].breaker_transitions), 1);

    operate("FLUSHALL");
    wait_for_state(SL_BREAKER_CLOSED);
    cr_assert_eq(sl_store_breaker_view(breaker)->generation, 0);
}

Test(store_breakers, transitions_reach_the_view_again_after_the_push_connection_was_lost)
{
    open_breaker_view();
    run_until(is_pushed_to);

    operate("CLIENT KILL TYPE pubsub");
    operate("HSET sluice:breaker:{search} state open generation 1 open_until 9000000000000000");
    wait_for_state(SL_BREAKER_OPEN);

    run_until(is_pushed_to);
    operate("DEL sluice:breaker:{search}");
    wait_for_state(SL_BREAKER_CLOSED);
}

static bool is_subscribed_anew(void)
{
    return atomic_load(&pushes_connections) >= 2;
}

Test(store_breakers, push_connection_that_went_silent_is_replaced)
{
    start_server();
    allow_key();
    start_relay();
    settings.path = relay_path;
    open_store();
    run_until(is_ready);
    breaker = sl_store_breaker(store, &search);
    run_until(is_pushed_to);
    run_for_ms(200); /* Redis has subscribed us; we are to know it */

    atomic_store(&must_swallow_pushes, true);
    run_until(is_subscribed_anew);

    cr_assert_eq(number(SL_M_REDIS_RECONNECTS), 0, "the link for questions is well");
    run_for_ms(200);
    operate("HSET sluice:breaker:{search} state open generation 1 open_until 9000000000000000");
    wait_for_state(SL_BREAKER_OPEN);
}

Test(store_breakers, without_pushes_views_are_read_again)
{
    start_server();
    allow_key();
    operate("ACL SETUSER default -subscribe");
    open_store();
    run_until(is_ready);
    breaker = sl_store_breaker(store, &search);
    wait_for_state(SL_BREAKER_CLOSED);

    operate("HSET sluice:breaker:{search} state open generation 1 open_until 9000000000000000");
    sl_store_breaker(store, &search);
    wait_for_state(SL_BREAKER_OPEN);
}

Test(store_breakers, five_failures_open_and_one_successful_probe_closes)
{
    open_breaker_view();

    fail(5);
    wait_for_state(SL_BREAKER_OPEN);
    cr_assert_eq(gate(), SL_GATE_REFUSE);
    run_until(gate_asks);

    told = 0;
    ask_with(0, breaker);
    ask_with(1, breaker);
    wait_for_told(2);
    cr_assert_eq(answers[0].verdict, SL_VERDICT_ADMITTED);
    cr_assert(answers[0].is_probe);
    cr_assert_eq(answers[1].verdict, SL_VERDICT_BREAKER);
    cr_assert_gt(answers[1].wait_us, 0);

    sl_pass_t pass = {breaker, answers[0].pass.generation, answers[0].pass.probe_id};
    sl_store_settle(store, &pass, SL_OUTCOME_SUCCESS);
    wait_for_state(SL_BREAKER_CLOSED);
    cr_assert_eq(gate(), SL_GATE_PASS);
}

Test(store_breakers, success_ends_a_run_of_failures)
{
    open_breaker_view();
    fail(4);
    run_for_ms(100);

    sl_pass_t pass = {breaker, sl_store_breaker_view(breaker)->generation, 0};
    sl_store_settle(store, &pass, SL_OUTCOME_SUCCESS);
    run_for_ms(300);
    fail(4);
    run_for_ms(300);

    cr_assert_eq(sl_store_breaker_view(breaker)->state, SL_BREAKER_CLOSED);
}

Test(store_breakers, healthy_service_costs_redis_nothing)
{
    open_breaker_view();
    let_it_settle();
    redisReply *before = redisCommand(admin, "INFO commandstats");
    cr_assert_null(strstr(before->str, "breaker_report"));
    freeReplyObject(before);
    uint64_t questions = number(SL_M_REDIS_QUESTIONS);

    for (int i = 0; i != 1000; ++i) {
        sl_pass_t pass = {breaker, 0, 0};
        sl_store_settle(store, &pass, SL_OUTCOME_SUCCESS);
    }
    run_for_ms(100);

    cr_assert_leq(number(SL_M_REDIS_QUESTIONS) - questions, 1, "at most a beat");
}

Test(store_breakers, probe_of_an_asker_who_left_is_given_back)
{
    open_breaker_view();
    fail(5);
    wait_for_state(SL_BREAKER_OPEN);
    run_until(gate_asks);

    sl_ticket_cancel(ask_pass(0));
    run_for_ms(200);

    ask_pass_and_wait();
    cr_assert_eq(answers[0].verdict, SL_VERDICT_ADMITTED);
    cr_assert_neq(answers[0].pass.probe_id, 0);
}

Test(store_breakers, probe_without_a_result_is_given_to_the_next)
{
    open_breaker_view();
    fail(5);
    wait_for_state(SL_BREAKER_OPEN);
    run_until(gate_asks);
    ask_pass_and_wait();
    cr_assert_neq(answers[0].pass.probe_id, 0);

    sl_store_settle(store, &answers[0].pass, SL_OUTCOME_UNKNOWN);
    ask_pass_and_wait();
    cr_assert_neq(answers[0].pass.probe_id, 0);

    sl_store_settle(store, &answers[0].pass, SL_OUTCOME_FAILURE);
    wait_for_state(SL_BREAKER_OPEN);
}

Test(store_breakers, operator_holds_a_breaker_open)
{
    open_breaker_view();
    operate("HSET sluice:breaker:{search} state open forced open generation 3");
    wait_for_state(SL_BREAKER_OPEN);

    cr_assert_eq(gate(), SL_GATE_REFUSE);
    cr_assert(sl_store_breaker_view(breaker)->is_forced);
    ask_pass_and_wait();
    cr_assert_eq(answers[0].verdict, SL_VERDICT_BREAKER);
    cr_assert(sl_store_breaker_view(breaker)->is_forced);
}
