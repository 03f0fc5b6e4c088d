/* Which instance and which connection a request goes to, and when it is sent again: kept connections, refusals, the
 * budget. */
#include "upstream_fixture.h"

UPSTREAM_SUITE(upstream_retries);

/* --- retries --- */

Test(upstream_retries, a_refusing_instance_alone_is_refused)
{
    service_refuse(&first, 1);
    instances[0] = first.instance;
    watched_t watched = {0};
    start(&watched, "GET");
    expect_end(&watched, SL_UPSTREAM_REFUSED, "");
    cr_expect_eq(watched.facts.tries, 1);
}

Test(upstream_retries, a_refused_POST_goes_to_another_instance)
{
    service_refuse(&first, 1);
    instances[0] = first.instance;
    serve_second({"<", ">" HELLO, "$"});
    watched_t watched = {0};
    start(&watched, "POST");
    expect_end(&watched, SL_UPSTREAM_OK, "hello");
    cr_expect_eq(watched.facts.tries, 2);
    cr_expect_eq(watched.facts.instance, &instances[1]);
    cr_expect_eq(count_of(SL_UPSTREAM_REFUSED), 1);
    cr_expect_eq(sl_number_get(&slot->services[SLOT].retries), 1);
}

Test(upstream_retries, a_POST_that_could_not_connect_in_time_goes_to_another_instance)
{
    service_black_hole(&first, 1);
    instances[0] = first.instance;
    serve_second({"<", ">" HELLO, "$"});
    watched_t watched = {0};
    sl_call_request_t request = request_of("POST");
    request.timeouts.connect_ms = 50;
    start_request(&watched, &request);
    expect_end(&watched, SL_UPSTREAM_OK, "hello");
    cr_expect_eq(count_of(SL_UPSTREAM_CONNECT_TIMEOUT), 1);
}

Test(upstream_retries, an_instance_without_socket_is_told_after_start_has_returned)
{
    service_start_unix(&first, 1, NULL, 0);
    instances[0] = first.instance;
    watched_t watched = {0};
    start(&watched, "GET");
    cr_expect(!watched.has_ended);
    expect_end(&watched, SL_UPSTREAM_REFUSED, "");
    service_stop_unix(&first);
}

Test(upstream_retries, a_name_without_address_is_unresolved)
{
    instances[0] = (sl_instance_t){.url = "http://name", .authority = "name", .host = "name", .port = 80, .slot = 1};
    watched_t watched = {0};
    start(&watched, "GET");
    expect_end(&watched, SL_UPSTREAM_UNRESOLVED, "");
    cr_expect_null(watched.facts.instance);
    cr_expect_eq(watched.facts.tries, 0);
    cr_expect_eq(count_of(SL_UPSTREAM_UNRESOLVED), 1);
}

Test(upstream_retries, a_service_may_forbid_retries)
{
    service_refuse(&first, 1);
    instances[0] = first.instance;
    serve_second({"<", ">" HELLO, "$"});
    service.retries = 0;
    watched_t watched = {0};
    start(&watched, "GET");
    expect_end(&watched, SL_UPSTREAM_REFUSED, "");
}

Test(upstream_retries, retries_are_held_to_the_budget)
{
    service_refuse(&first, 1);
    service_refuse(&second, 2);
    instances[0] = first.instance;
    instances[1] = second.instance;
    service.instance_count = 2;
    for (int i = 0; i != 100; ++i) {
        watched_t watched = {0};
        start(&watched, "GET");
        expect_end(&watched, SL_UPSTREAM_REFUSED, "");
    }
    uint64_t retries = sl_number_get(&slot->services[SLOT].retries);
    /* 10 to begin with, 20 for 100 calls, and one for each second that passed meanwhile */
    cr_expect(retries >= 30 && retries < 100, "%lu retries", (unsigned long)retries);
}

/* The connection is kept, and closed by the service when it sees the next request on it. */
#define STALE_SCRIPT                                                                                                   \
    {                                                                                                                  \
        "<", ">" HELLO, "<", "x"                                                                                       \
    }

Test(upstream_retries, a_GET_on_a_connection_that_turned_out_closed_is_sent_again_on_a_fresh_one)
{
    serve_first(STALE_SCRIPT, {"<", ">" HELLO, "$"});
    service.retries = 0; /* that one is always allowed */
    leave_kept_connection();
    watched_t watched = {0};
    start(&watched, "GET");
    expect_end(&watched, SL_UPSTREAM_OK, "hello");
    cr_expect_eq(watched.facts.tries, 2);
    cr_expect(!watched.facts.was_kept);
    cr_expect_eq(count_of(SL_UPSTREAM_STALE), 1);
}

Test(upstream_retries, a_kept_connection_that_dies_within_the_head_was_not_stale)
{
    serve_first({"<", ">" HELLO, "<", ">HTTP/1.1 2", "x"}, {"<", ">" HELLO, "$"});
    leave_kept_connection();
    watched_t watched = {0};
    start(&watched, "GET");
    expect_end(&watched, SL_UPSTREAM_BROKEN_HEAD, "");
    cr_expect_eq(watched.facts.tries, 1);
}

Test(upstream_retries, a_POST_on_a_connection_that_turned_out_closed_is_not_sent_again)
{
    serve_first(STALE_SCRIPT, {"<", ">" HELLO, "$"});
    leave_kept_connection();
    watched_t watched = {0};
    start(&watched, "POST");
    expect_end(&watched, SL_UPSTREAM_STALE, "");
    cr_expect_eq(first.requests, 2);
}

Test(upstream_retries, a_kept_connection_closed_by_the_service_is_never_tried_with_a_POST)
{
    serve_first({"<", ">" HELLO, "@", "x"}, {"<", ">" HELLO, "$"});
    leave_kept_connection();
    service_go(&first, 0);
    usleep(50000); /* the end has come, and the loop has not turned since */
    watched_t watched = {0};
    start(&watched, "POST");
    expect_end(&watched, SL_UPSTREAM_OK, "hello");
    cr_expect_eq(watched.facts.tries, 1);
    cr_expect_eq(count_of(SL_UPSTREAM_STALE), 0);
}

Test(upstream_retries, a_GET_whose_fresh_connection_dies_unanswered_goes_to_another_instance)
{
    serve_first({"<", "!"});
    serve_second({"<", ">" HELLO, "$"});
    watched_t watched = {0};
    start(&watched, "GET");
    expect_end(&watched, SL_UPSTREAM_OK, "hello");
    cr_expect_eq(watched.facts.tries, 2);
}

Test(upstream_retries, a_POST_whose_fresh_connection_dies_unanswered_is_not_sent_again)
{
    serve_first({"<", "!"});
    serve_second({"<", ">" HELLO, "$"});
    watched_t watched = {0};
    start(&watched, "POST");
    expect_end(&watched, SL_UPSTREAM_BROKEN_HEAD, "");
    cr_expect_eq(second.accepted, 0);
}

Test(upstream_retries, a_broken_answer_is_not_asked_for_again)
{
    serve_first({"<", ">nonsense", "$"});
    serve_second({"<", ">" HELLO, "$"});
    watched_t watched = {0};
    start(&watched, "GET");
    expect_end(&watched, SL_UPSTREAM_BROKEN_HEAD, "");
    cr_expect_eq(second.accepted, 0);
}

/* --- kept connections --- */

Test(upstream_retries, a_kept_connection_that_speaks_or_closes_is_closed_at_once)
{
    serve_first({"<", ">" HELLO, "@", ">" HELLO, "$"}, {"<", ">" HELLO, "@", "x"});
    for (int i = 0; i != 2; ++i) {
        leave_kept_connection();
        service_go(&first, (size_t)i);
        turn_until(idle_connections() == 0);
        cr_expect_eq(open_connections(), 0);
    }
}

#define SECOND "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond"

/* Leaves two connections of which the second ended last. */
static void leave_two_connections(void)
{
    serve_first({"<", "@", ">" HELLO, "<", ">" HELLO, "$"}, {"<", "@", ">" SECOND, "<", ">" SECOND, "$"});
    watched_t one = {0}, two = {0};
    start(&one, "GET");
    turn_until(first.requests == 1);
    start(&two, "GET");
    turn_until(first.requests == 2);
    service_go(&first, 0);
    expect_end(&one, SL_UPSTREAM_OK, "hello");
    service_go(&first, 1);
    expect_end(&two, SL_UPSTREAM_OK, "second");
}

Test(upstream_retries, the_newest_kept_connection_is_used_first)
{
    leave_two_connections();
    cr_expect_eq(idle_connections(), 2);
    watched_t watched = {0};
    start(&watched, "GET");
    expect_end(&watched, SL_UPSTREAM_OK, "second");
}

Test(upstream_retries, kept_connections_are_bounded_and_the_oldest_goes)
{
    service.connections_idle = 1;
    leave_two_connections();
    cr_expect_eq(idle_connections(), 1);
    cr_expect_eq(open_connections(), 1);
    watched_t watched = {0};
    start(&watched, "GET");
    expect_end(&watched, SL_UPSTREAM_OK, "second");
}

Test(upstream_retries, a_kept_connection_lives_only_so_long)
{
    serve_first({"<", ">" HELLO, "$"});
    service.idle_keep_ms = 20;
    leave_kept_connection();
    turn_until(open_connections() == 0);
    cr_expect_eq(idle_connections(), 0);
}

Test(upstream_retries, connections_of_instances_that_left_the_configuration_are_closed)
{
    serve_first({"<", ">" HELLO, "$"});
    leave_kept_connection();
    sl_config_t config = {.services = &service, .service_count = 1};

    sl_upstream_forget(upstream, &config);
    cr_expect_eq(idle_connections(), 1);

    instances[0].slot = 2;
    sl_upstream_forget(upstream, &config);
    cr_expect_eq(idle_connections(), 0);
}

Test(upstream_retries, instances_that_had_to_share_a_slot_never_share_connections)
{
    static const script_t scripts[] = {{"<", ">" HELLO, "<", ">" HELLO, "$"}};
    service_start(&first, 0, scripts, 1);
    service_start(&second, 0, scripts, 1);
    instances[0] = first.instance;
    instances[1] = second.instance;
    service.instance_count = 2;
    for (int i = 0; i != 4; ++i) {
        watched_t watched = {0};
        start(&watched, "GET");
        expect_end(&watched, SL_UPSTREAM_OK, "hello");
        cr_expect_eq(watched.facts.instance, &instances[i % 2]);
    }
    cr_expect_eq(first.requests, 2);
    cr_expect_eq(second.requests, 2);
}

Test(upstream_retries, a_slot_that_changed_hands_while_a_call_ran_gets_no_foreign_connection)
{
    static const script_t of_first[] = {{"<", "@", ">" HELLO, "<", ">" HELLO, "$"}};
    static const script_t of_second[] = {{"<", "@", ">" SECOND, "$"}, {"<", ">" SECOND, "$"}};
    service_start(&first, 0, of_first, 1);
    service_start(&second, 0, of_second, 2);
    instances[0] = first.instance;
    instances[1] = second.instance;
    service.instance_count = 2;
    watched_t one = {0}, two = {0}, three = {0}, four = {0};

    start(&one, "GET");
    start(&two, "GET");
    service_go(&first, 0);
    expect_end(&one, SL_UPSTREAM_OK, "hello");

    start(&three, "GET");
    expect_end(&three, SL_UPSTREAM_OK, "hello");
    start(&four, "GET");
    expect_end(&four, SL_UPSTREAM_OK, "second");
    service_go(&second, 0);
    expect_end(&two, SL_UPSTREAM_OK, "second");
}
