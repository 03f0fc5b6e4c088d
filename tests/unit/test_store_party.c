/* Requests that ask the same of the same key in one turn: one question, and what each is told of it. */
#include "store_house.h"

TestSuite(store_party, .init = open_house, .fini = close_house, .timeout = 60);

static uint64_t questions_before;

static void open_with_limit(const char *limit)
{
    settings.timeout_ms = 5000; /* a busy machine is not what these cases are about */
    open_all();
    operate("HSET sluice:key:{%s} limit %s window 36000", digest, limit);
    let_it_settle();
    told = 0;
    questions_before = number(SL_M_REDIS_QUESTIONS);
}

static uint64_t questions(void)
{
    return number(SL_M_REDIS_QUESTIONS) - questions_before;
}

static bool has_asked(void)
{
    return questions() != 0;
}

static void ask_alike(int from, int to, uint64_t units)
{
    for (int i = from; i != to; ++i)
        ask_by(i, "GET", units);
}

static void expect_verdicts(int from, int to, sl_admission_verdict_t verdict)
{
    for (int i = from; i != to; ++i) {
        cr_assert(!answers[i].is_error, "%s", answers[i].error);
        cr_assert_eq(answers[i].times, 1);
        cr_assert_eq(answers[i].verdict, verdict, "%d: %d", i, answers[i].verdict);
    }
}

Test(store_party, those_of_one_turn_share_a_question_and_each_is_told_its_own_share)
{
    open_with_limit("100");

    ask_alike(0, 40, 1);
    wait_for_told(40);

    cr_assert_eq(questions(), 1);
    expect_verdicts(0, 40, SL_VERDICT_ADMITTED);
    for (int i = 0; i != 40; ++i) {
        cr_assert_eq(answers[i].order, i);
        cr_assert_eq(answers[i].remaining, 99 - (uint64_t)i);
        cr_assert_eq(answers[i].full_us, 360000000 * ((uint64_t)i + 1));
    }
}

Test(store_party, the_next_turn_asks_anew)
{
    open_with_limit("100");

    ask_alike(0, 3, 1);
    wait_for_told(3);
    ask_alike(3, 6, 1);
    wait_for_told(6);

    cr_assert_eq(questions(), 2);
    cr_assert_eq(answers[5].remaining, 94);
}

Test(store_party, what_is_left_goes_to_the_first_and_redis_itself_refuses_the_rest)
{
    open_with_limit("25");

    ask_alike(0, 40, 1);
    wait_for_told(40);

    cr_assert_eq(questions(), 2);
    expect_verdicts(0, 25, SL_VERDICT_ADMITTED);
    expect_verdicts(25, 40, SL_VERDICT_LIMITED);
    cr_assert_eq(answers[24].remaining, 0);
    cr_assert_eq(answers[25].remaining, 0);
    cr_assert_gt(answers[39].wait_us, 0);
}

Test(store_party, a_request_of_several_units_gets_all_or_nothing)
{
    open_with_limit("20");

    ask_alike(0, 9, 3);
    wait_for_told(9);

    expect_verdicts(0, 6, SL_VERDICT_ADMITTED);
    expect_verdicts(6, 9, SL_VERDICT_LIMITED);
    cr_assert_eq(answers[0].remaining, 17);
    cr_assert_eq(answers[5].remaining, 2);
    cr_assert_eq(answers[8].remaining, 2, "what was refused has cost nothing");
}

Test(store_party, who_wants_no_units_passes_without_any)
{
    open_with_limit("20");

    ask_alike(0, 3, 0);
    wait_for_told(3);

    expect_verdicts(0, 3, SL_VERDICT_ADMITTED);
    cr_assert_eq(answers[2].remaining, 20);
}

Test(store_party, who_asks_something_else_sits_elsewhere)
{
    open_with_limit("100");

    ask_by(0, "GET", 1);
    ask_by(1, "PUT", 1);
    ask_by(2, "GET", 2);
    ask_by(3, "GET", 2);
    wait_for_told(4);

    cr_assert_eq(questions(), 3);
    expect_verdicts(0, 4, SL_VERDICT_ADMITTED);
    cr_assert_eq(answers[3].remaining, 94);
}

Test(store_party, who_leaves_before_the_question_does_is_not_charged)
{
    open_with_limit("10");

    ask_alike(0, 10, 1);
    sl_seat_cancel(&seats[0]);
    sl_seat_cancel(&seats[4]);
    sl_seat_cancel(&seats[9]);
    wait_for_told(7);

    cr_assert_eq(questions(), 1);
    cr_assert_eq(answers[0].times + answers[4].times + answers[9].times, 0);
    cr_assert_eq(answers[8].remaining, 3);
    ask_alike(10, 11, 1);
    wait_for_told(8);
    cr_assert_eq(answers[10].remaining, 2, "seven and one were charged");
}

Test(store_party, a_question_that_everybody_has_left_is_not_asked)
{
    open_with_limit("10");

    ask_alike(0, 4, 1);
    for (int i = 0; i != 4; ++i)
        sl_seat_cancel(&seats[i]);
    ask_alike(4, 5, 1);
    wait_for_told(1);

    cr_assert_eq(questions(), 1);
    cr_assert_eq(answers[4].remaining, 9);
}

Test(store_party, who_leaves_while_the_question_is_under_way_is_charged_and_not_told)
{
    open_with_limit("10");
    kill(server, SIGSTOP);

    ask_alike(0, 5, 1);
    run_until(has_asked);
    sl_seat_cancel(&seats[1]);
    kill(server, SIGCONT);
    wait_for_told(4);
    ask_alike(5, 6, 1);
    wait_for_told(5);

    cr_assert_eq(answers[1].times, 0);
    cr_assert_eq(answers[5].remaining, 4);
}

Test(store_party, an_error_is_told_to_all)
{
    open_with_limit("10");
    kill_server();

    ask_alike(0, 8, 1);
    sl_store_destroy(store);
    store = NULL;
    cr_assert_eq(told, 8);

    for (int i = 0; i != 8; ++i)
        expect_error(i, "redis: ");
}

Test(store_party, an_unknown_key_is_unknown_to_all)
{
    open_with_limit("10");
    operate("DEL sluice:key:{%s}", digest);

    ask_alike(0, 8, 1);
    wait_for_told(8);

    expect_verdicts(0, 8, SL_VERDICT_UNKNOWN);
}

Test(store_party, the_lost_connection_is_made_good_for_all)
{
    open_with_limit("100");
    ask_alike(0, 8, 1);
    operate("CLIENT KILL TYPE normal SKIPME yes");
    wait_for_told(8);

    expect_verdicts(0, 8, SL_VERDICT_ADMITTED);
}
