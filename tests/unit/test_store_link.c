/* The link to Redis against a real redis-server of each case's own: absent, refusing, killed, stopped, forgetful, full.
 */
#include "store_house.h"

static const char *expected_part;
static bool is_told_expected_part(void)
{
    ask_and_wait(1);
    return strstr(answers[0].error, expected_part) != NULL;
}

static bool admits(void)
{
    ask_and_wait(1);
    return !answers[0].is_error;
}

TestSuite(store_link, .init = open_house, .fini = close_house, .timeout = 60);

Test(store_link, questions_of_one_turn_are_answered_in_order_from_one_write)
{
    open_all();
    let_it_settle();
    uint64_t writes = number(SL_M_REDIS_WRITES), questions = number(SL_M_REDIS_QUESTIONS);

    ask_and_wait(MANY);

    expect_admitted(MANY);
    for (int i = 0; i != MANY; ++i)
        cr_assert_eq(answers[i].order, i);
    cr_assert_eq(number(SL_M_REDIS_QUESTIONS) - questions, MANY);
    cr_assert_leq(number(SL_M_REDIS_WRITES) - writes, 3, "pushes and beats may write once each");
}

Test(store_link, absent_server_fails_questions_at_once_and_is_found_when_it_comes)
{
    open_store();
    run_for_ms(50);

    ask_and_wait(1);
    expect_error(0, "cannot connect");
    cr_assert(!sl_store_is_ready(store));
    cr_assert_eq(number(SL_M_REDIS_UP), 0);

    start_server();
    allow_key();
    run_until(is_ready);
    cr_assert_eq(number(SL_M_REDIS_UP), 1);
    ask_and_wait(1);
    expect_admitted(1);
}

Test(store_link, refused_port_is_told_as_such)
{
    settings.kind = SL_REDIS_TCP;
    settings.host = "127.0.0.1";
    settings.port = 1;
    open_store();
    run_for_ms(50);

    ask_and_wait(1);

    expect_error(0, "cannot connect to 127.0.0.1:1");
}

Test(store_link, unknown_host_name_is_told_as_such_and_does_not_block)
{
    settings.kind = SL_REDIS_TCP;
    settings.host = "no-such-host.invalid";
    settings.port = 6379;
    settings.connect_timeout_ms = 10000;
    open_store();

    expected_part = "cannot resolve 'no-such-host.invalid'";
    run_until(is_told_expected_part);
}

Test(store_link, store_may_go_while_a_name_is_looked_up)
{
    settings.kind = SL_REDIS_TCP;
    settings.host = "no-such-host.invalid";
    open_store();
    h2o_evloop_run(ctx.loop, 0);
}

Test(store_link, host_name_leads_to_the_server)
{
    char port[16];
    start_server();
    for (unsigned guess = 21000 + (unsigned)getpid() % 10000;; ++guess) {
        redisReply *reply = redisCommand(admin, "CONFIG SET port %u", guess);
        bool is_taken = reply->type == REDIS_REPLY_ERROR;
        freeReplyObject(reply);
        snprintf(port, sizeof(port), "%u", guess);
        if (!is_taken)
            break;
    }
    allow_key();
    settings.kind = SL_REDIS_TCP;
    settings.host = "localhost";
    settings.port = (uint16_t)atoi(port);
    settings.connect_timeout_ms = 5000;
    open_store();

    run_until(is_ready);
    ask_and_wait(2);
    expect_admitted(2);
}

Test(store_link, killed_server_answers_each_pending_question_once)
{
    open_all();
    kill(server, SIGSTOP);
    ask_many(MANY);
    run_for_ms(10);

    kill_server();
    wait_for_told(MANY);

    for (int i = 0; i != MANY; ++i)
        expect_error(i, "redis: ");
    start_server();
    allow_key();
    run_until(is_ready);
    run_for_ms(100);
    cr_assert_eq(told, MANY, "nobody is told twice");
    cr_assert_geq(number(SL_M_REDIS_RECONNECTS), 1);
    ask_and_wait(4);
    expect_admitted(4);
}

Test(store_link, lost_connection_with_a_living_server_costs_no_question)
{
    settings.timeout_ms = 2000;
    open_all();
    ask_many(8);
    h2o_evloop_run(ctx.loop, 0);

    operate("CLIENT KILL TYPE normal");
    wait_for_told(8);

    expect_admitted(8);
}

Test(store_link, stopped_server_fails_questions_by_deadline_then_at_once_then_recovers)
{
    open_all();
    kill(server, SIGSTOP);

    ask_and_wait(2);
    expect_error(0, "no answer within 500 ms");
    run_until(is_not_ready);
    uint64_t questions = number(SL_M_REDIS_QUESTIONS);
    ask_and_wait(MANY);
    expect_error(MANY - 1, "no answer");
    cr_assert_leq(number(SL_M_REDIS_QUESTIONS) - questions, 1, "a sick link asks nothing but a PING");

    kill(server, SIGCONT);
    run_until(is_ready);
    ask_and_wait(2);
    expect_admitted(2);
    cr_assert_eq(number(SL_M_REDIS_RECONNECTS), 0, "a short stop needs no new connection");
}

/* A distant or busy Redis, and an operator who rather waits than refuses. */
Test(store_link, nobody_is_refused_before_the_deadline_that_was_set)
{
    settings.timeout_ms = 5000;
    open_all();
    kill(server, SIGSTOP);
    ask_many(1);
    run_for_ms(1500);
    cr_expect(is_ready(), "silent for less than a question may take");
    ask_by(1, "LATE", 1);

    kill(server, SIGCONT);
    wait_for_told(2);

    expect_admitted(2);
    cr_assert_eq(number(SL_M_REDIS_RECONNECTS), 0);
}

Test(store_link, long_stopped_server_costs_the_connection_and_recovers)
{
    open_all();
    kill(server, SIGSTOP);
    ask_and_wait(1);
    run_for_ms(2000);
    ask_and_wait(1);
    expect_error(0, "redis: ");

    kill(server, SIGCONT);
    run_until(is_ready);

    ask_and_wait(2);
    expect_admitted(2);
    cr_assert_eq(number(SL_M_REDIS_RECONNECTS), 1);
}

Test(store_link, forgotten_scripts_are_sent_again_with_their_question)
{
    open_all();
    operate("SCRIPT FLUSH");

    ask_and_wait(4);

    expect_admitted(4);
}

Test(store_link, wrong_password_is_told_and_the_right_one_works)
{
    start_server();
    allow_key();
    operate("CONFIG SET requirepass secret");
    settings.password = "guess";
    open_store();
    run_for_ms(100);
    ask_and_wait(1);
    expect_error(0, "WRONGPASS");

    operate("CONFIG SET requirepass guess");
    run_until(is_ready);
    ask_and_wait(1);
    expect_admitted(1);
}

Test(store_link, missing_password_is_told)
{
    start_server();
    operate("CONFIG SET requirepass secret");
    open_store();
    run_for_ms(100);

    ask_and_wait(1);

    expect_error(0, "NOAUTH");
}

Test(store_link, user_and_database_are_taken)
{
    start_server();
    operate("ACL SETUSER gate on >secret ~* &* +@all");
    operate("SELECT 3");
    allow_key();
    settings.username = "gate";
    settings.password = "secret";
    settings.database = 3;
    open_store();
    run_until(is_ready);

    ask_and_wait(1);

    expect_admitted(1);
}

Test(store_link, questions_beyond_the_cap_fail_at_once)
{
    settings.pending_max = 16;
    settings.timeout_ms = 5000;
    open_all();
    run_for_ms(100); /* no beat of ours may be pending */

    ask_and_wait(20);

    expect_admitted(16);
    for (int i = 16; i != 20; ++i)
        expect_error(i, "too many questions");
}

Test(store_link, cancelled_questions_call_nobody_and_keep_the_order)
{
    open_all();
    ask_many(8);
    sl_seat_cancel(&seats[0]);
    sl_seat_cancel(&seats[3]);
    sl_seat_cancel(&seats[7]);

    wait_for_told(5);
    run_for_ms(100);

    cr_assert_eq(told, 5);
    cr_assert_eq(answers[0].times + answers[3].times + answers[7].times, 0);
    cr_assert(!answers[1].is_error && !answers[6].is_error);
}

Test(store_link, a_question_that_is_doomed_or_parked_can_be_cancelled)
{
    open_store();
    ask_many(2);
    sl_seat_cancel(&seats[0]);

    wait_for_told(1);
    run_for_ms(20);

    cr_assert_eq(answers[0].times, 0);
    expect_error(1, "redis: ");
}

Test(store_link, destroying_tells_everyone_who_waits)
{
    open_all();
    kill(server, SIGSTOP);
    ask_many(8);
    run_for_ms(5);
    sl_seat_cancel(&seats[2]);

    sl_store_destroy(store);
    store = NULL;

    cr_assert_eq(told, 7);
    expect_error(0, "closing");
}

Test(store_link, server_that_became_a_replica_is_left_and_found_again)
{
    open_all();
    operate("REPLICAOF 127.0.0.1 1");
    ask_and_wait(1);
    expect_error(0, "redis: ");

    operate("REPLICAOF NO ONE");
    run_until(admits);
    expect_admitted(1);
}

Test(store_link, loading_server_is_sick_until_it_has_loaded)
{
    start_server();
    allow_key();
    for (int i = 0; i != 40; ++i)
        operate("SET filler%d %d", i, i);
    operate("SAVE");
    kill_server();
    start_server_with("--key-load-delay", "50000");

    open_store();
    run_for_ms(500);
    ask_and_wait(1);
    expect_error(0, "redis: ");
    run_until(is_ready);
    ask_and_wait(1);
    expect_admitted(1);
}

Test(store_link, busy_server_is_sick_until_the_script_is_killed)
{
    open_all();
    operate("CONFIG SET busy-reply-threshold 20");
    redisContext *hog = redisConnectUnix(socket_path);
    redisAppendCommand(hog, "EVAL %s 0", "while true do end");
    int is_sent = 0;
    while (!is_sent)
        redisBufferWrite(hog, &is_sent);
    run_for_ms(100);

    run_until(is_not_ready);
    ask_and_wait(2);
    expect_error(0, "redis: ");
    operate("SCRIPT KILL");
    run_until(is_ready);

    ask_and_wait(2);
    expect_admitted(2);
    redisFree(hog);
}

Test(store_link, broken_record_type_fails_its_question_alone)
{
    open_all();
    operate("DEL sluice:key:{%s}", digest);
    operate("SET sluice:key:{%s} nonsense", digest);

    ask_and_wait(1);

    cr_assert(!answers[0].is_error);
    cr_assert_eq(answers[0].verdict, SL_VERDICT_BROKEN);
    cr_assert(sl_store_is_ready(store));
}

Test(store_link, wall_clock_set_back_fails_at_most_what_was_under_way)
{
    open_all();
    ask_many(2); /* its turn is linked to a timer of the loop ... */
    wall_shift_s = -3600;
    run_for_ms(150);

    ask_and_wait(4);
    expect_admitted(4);
    wall_shift_s = 3600;
    ask_and_wait(4);
    expect_admitted(4);
}
