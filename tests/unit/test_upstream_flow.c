/* What callers do to a call: pausing it, cancelling it anywhere, starting the next from its end. */
#include "upstream_fixture.h"

UPSTREAM_SUITE(upstream_flow);

/* --- back pressure --- */

static size_t resident_bytes(void)
{
    size_t pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    cr_assert_eq(fscanf(file, "%*u %zu", &pages), 1);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

#define LARGE "52428800"

Test(upstream_flow, a_paused_call_holds_little_and_loses_nothing)
{
    serve_first({"<", ">HTTP/1.1 200 OK\r\nContent-Length: " LARGE "\r\n\r\n", "*" LARGE, "$"});
    /* not at once: the kernel gives a reader that has been fast more and more, unless it is told not to */
    watched_t watched = {.habit = PAUSE_IN_BODY, .pause_at = 20000000, .is_counted = true};
    start(&watched, "GET");
    turn_until(watched.is_paused);
    size_t resident = resident_bytes();

    size_t poured;
    do { /* until the service can send no more */
        poured = first.poured;
        for (int i = 0; i != 5; ++i)
            turn();
    } while (poured != first.poured);

    cr_expect(resident_bytes() < resident + 512 * 1024);
    size_t waiting = service_taken(&first) - watched.body_bytes;
    cr_expect(waiting < 512 * 1024, "%zu bytes wait in the kernel", waiting);
    cr_expect(!watched.is_over);
    watched.habit = KEEP_ON;
    resume(&watched);
    expect_end(&watched, SL_UPSTREAM_OK, "");
    cr_expect_eq(watched.body_bytes, 52428800);
    cr_expect_eq(idle_connections(), 1);
}

Test(upstream_flow, a_call_may_pause_after_every_piece)
{
    serve_first({"<", ">HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n", "*3000000", "$"});
    watched_t watched = {.habit = PAUSE_IN_BODY, .is_counted = true};
    start(&watched, "GET");
    while (!watched.is_over) {
        turn();
        if (watched.is_paused && !watched.is_over)
            resume(&watched);
    }
    expect_end(&watched, SL_UPSTREAM_OK, "");
    cr_expect_eq(watched.body_bytes, 3000000);
}

Test(upstream_flow, bytes_that_came_with_the_head_of_a_paused_call_wait_for_it)
{
    static const char *const texts[] = {HELLO, CHUNKED "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"};
    serve_first({"<", ">" HELLO, "<", ">" CHUNKED "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", "<", "." HELLO, "$"});
    for (size_t i = 0; i != LENGTH_OF(texts) + 1; ++i) {
        watched_t watched = {.habit = PAUSE_IN_HEAD};
        start(&watched, "GET");
        turn_until(watched.heads == 1);
        for (int j = 0; j != 2; ++j)
            turn();
        cr_expect_eq(watched.body_bytes, 0);
        resume(&watched);
        cr_expect_eq(watched.body_bytes, 0, "a callback came from within sl_call_resume");
        expect_end(&watched, SL_UPSTREAM_OK, "hello");
    }
    cr_expect_eq(first.accepted, 1);
}

Test(upstream_flow, the_idle_deadline_rests_while_paused_but_the_total_one_does_not)
{
    serve_first({"<", ">HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", "$"});
    watched_t watched = {.habit = PAUSE_IN_BODY};
    sl_call_request_t request = request_of("GET");
    request.timeouts = (sl_timeouts_t){5000, 5000, 20, 1000};
    start_request(&watched, &request);
    expect_end(&watched, SL_UPSTREAM_TOTAL_TIMEOUT, "hello");
}

/* --- cancelling --- */

#define UNENDING CHUNKED "5\r\nhello\r\n5\r\nworld\r\n"

Test(upstream_flow, a_call_may_be_cancelled_in_every_callback)
{
    static const habit_t habits[] = {CANCEL_IN_HEAD, CANCEL_IN_HEAD, CANCEL_IN_BODY, CANCEL_IN_BODY, CANCEL_IN_END};
    serve_first({"<", ">" HELLO, "$"}, {"<", ">" UNENDING, "$"}, {"<", ">" HELLO, "$"}, {"<", ">" UNENDING, "$"},
                {"<", ">" HELLO, "$"});
    for (size_t i = 0; i != LENGTH_OF(habits); ++i) {
        watched_t watched = {.habit = habits[i]};
        start(&watched, "GET");
        finish(&watched);
        turn();
        cr_expect_eq(watched.has_ended, watched.habit == CANCEL_IN_END);
        sl_text_dispose(&watched.body);
    }
    cr_expect_eq(count_of(SL_UPSTREAM_CANCELLED), 4);
    cr_expect_eq(count_of(SL_UPSTREAM_OK), 1);
}

Test(upstream_flow, a_call_may_be_cancelled_while_it_connects)
{
    service_black_hole(&first, 1);
    instances[0] = first.instance;
    watched_t watched = {0};
    start(&watched, "GET");
    turn();
    cancel(&watched);
    turn();
    cr_expect_eq(open_connections(), 0);
    cr_expect_eq(count_of(SL_UPSTREAM_CANCELLED), 1);
}

Test(upstream_flow, a_call_may_be_cancelled_before_its_failure_is_told)
{
    service_start_unix(&first, 1, NULL, 0);
    instances[0] = first.instance;
    watched_t watched = {0};
    start(&watched, "GET");
    cancel(&watched);
    for (int i = 0; i != 2; ++i)
        turn();
    service_stop_unix(&first);
}

Test(upstream_flow, a_call_may_be_cancelled_while_it_sends_waits_or_is_paused)
{
    serve_first({"@", "$"}, {"<", "$"}, {"<", ">" HELLO, "$"});
    static char body[10 << 20];
    watched_t sending = {0}, waiting = {0}, paused = {.habit = PAUSE_IN_HEAD};
    sl_call_request_t request = request_of("POST");
    request.body = sl_bytes(body, sizeof body);
    request.has_body = true;

    start_request(&sending, &request);
    turn_until(first.accepted == 1);
    turn();
    cancel(&sending);

    start(&waiting, "GET");
    turn_until(first.requests == 1);
    cancel(&waiting);

    start(&paused, "GET");
    turn_until(paused.heads == 1);
    turn();
    cancel(&paused);

    turn();
    cr_expect_eq(open_connections(), 0);
    cr_expect_eq(count_of(SL_UPSTREAM_CANCELLED), 3);
}

/* --- calls from callbacks --- */

static watched_t chained[50];

static void on_chained_end(void *data, sl_upstream_result_t result)
{
    watched_t *watched = data;
    on_end(data, result);
    sl_text_dispose(&watched->body);
    if (watched + 1 != &chained[LENGTH_OF(chained)]) {
        sl_call_request_t request = request_of("GET");
        static const sl_call_callbacks_t chain = {on_head, on_body, on_chained_end};
        watched[1].call = sl_upstream_start(upstream, &request, &chain, watched + 1);
        watched[1].is_started = true;
    }
}

Test(upstream_flow, the_end_of_a_call_may_start_the_next_on_the_same_connection)
{
    serve_first({"<", ">" HELLO, "<", ">" HELLO, "<", ">" HELLO, "<", ">" HELLO, "<", ">" HELLO, "$"});
    static const sl_call_callbacks_t chain = {on_head, on_body, on_chained_end};
    sl_call_request_t request = request_of("GET");
    chained[0].call = sl_upstream_start(upstream, &request, &chain, &chained[0]);
    chained[0].is_started = true;
    finish(&chained[4]);
    cr_expect_eq(first.accepted, 1);
    cancel(&chained[5]);
}

Test(upstream_flow, the_end_of_a_call_may_start_the_next_when_instances_fail_at_once)
{
    service_start_unix(&first, 1, NULL, 0);
    instances[0] = first.instance;
    static const sl_call_callbacks_t chain = {on_head, on_body, on_chained_end};
    sl_call_request_t request = request_of("GET");
    chained[0].call = sl_upstream_start(upstream, &request, &chain, &chained[0]);
    chained[0].is_started = true;
    finish(&chained[LENGTH_OF(chained) - 1]);
    cr_expect_eq(count_of(SL_UPSTREAM_REFUSED), LENGTH_OF(chained));
    service_stop_unix(&first);
}
