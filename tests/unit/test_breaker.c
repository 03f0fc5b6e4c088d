/* A worker's view of one breaker: what the gate says, what is learned, what is reported and what is not. */
#include "sluice/breaker.h"
#include <criterion/criterion.h>

#define MS 1000u
#define S 1000000u

static const sl_breaker_settings_t five_in_a_row = {.failures = 5, .recovery_ms = 30000, .probes = 1, .successes = 1};
static const sl_breaker_settings_t half_of_ten = {
    .ratio_permille = 500, .minimum = 10, .window_ms = 10000, .recovery_ms = 30000, .probes = 1, .successes = 1};

static sl_breaker_view_t view;
static uint64_t now_us = 1000 * S;

static bool note(const sl_breaker_settings_t *settings, bool is_failure)
{
    return sl_breaker_note(&view, settings, view.generation, is_failure, now_us);
}

static bool fail(void)
{
    return note(&five_in_a_row, true);
}

static bool succeed(void)
{
    return note(&five_in_a_row, false);
}

static bool learn(sl_breaker_state_t state, uint64_t generation, uint64_t streak, uint64_t wait_us)
{
    return sl_breaker_learn(&view, state, generation, streak, wait_us, false, now_us);
}

static void expect_gate(sl_gate_t wanted, uint64_t wanted_wait_us)
{
    uint64_t wait_us = 77;
    cr_expect_eq(sl_breaker_gate(&view, now_us, &wait_us), wanted);
    cr_expect_eq(wait_us, wanted_wait_us, "wait is %lu us", (unsigned long)wait_us);
}

/* The first failures are told one by one; what follows is batched. */
static void five_at_once(void)
{
    for (int i = 0; i != 5; ++i) {
        fail();
        sl_breaker_take_report(&view, now_us);
    }
}

static void expect_report(uint64_t ok, uint64_t failed, uint64_t streak, bool had_ok)
{
    sl_breaker_report_t report = sl_breaker_take_report(&view, now_us);
    cr_expect_eq(report.generation, view.generation);
    cr_expect_eq(report.ok, ok, "ok %lu", (unsigned long)report.ok);
    cr_expect_eq(report.failed, failed, "failed %lu", (unsigned long)report.failed);
    cr_expect_eq(report.streak, streak, "streak %lu", (unsigned long)report.streak);
    cr_expect_eq(report.had_ok, had_ok);
}

/* --- what counts as a failure --- */

static void mark(sl_breaker_settings_t *settings, int status)
{
    settings->failure_codes[(status - 100) / 8] |= (uint8_t)(1 << (status - 100) % 8);
}

Test(failure_codes, exactly_the_marked_statuses_fail)
{
    sl_breaker_settings_t settings = {.failures = 5};
    for (int status = 500; status <= 599; ++status)
        if (status != 501)
            mark(&settings, status);
    mark(&settings, 100);
    mark(&settings, 429);

    for (int status = 0; status != 1000; ++status) {
        bool wanted = (status >= 500 && status <= 599 && status != 501) || status == 100 || status == 429;
        cr_expect_eq(sl_breaker_status_fails(&settings, status), wanted, "%d", status);
    }
    cr_expect(!sl_breaker_status_fails(&settings, -1));
}

Test(states, have_the_names_that_stand_in_redis)
{
    cr_expect_str_eq(sl_breaker_state_name(SL_BREAKER_CLOSED), "closed");
    cr_expect_str_eq(sl_breaker_state_name(SL_BREAKER_HALF_OPEN), "half_open");
    cr_expect_str_eq(sl_breaker_state_name(SL_BREAKER_OPEN), "open");
}

/* --- the gate --- */

Test(gate, closed_lets_pass)
{
    expect_gate(SL_GATE_PASS, 0);
    learn(SL_BREAKER_CLOSED, 4, 3, 0);
    expect_gate(SL_GATE_PASS, 0);
}

Test(gate, open_refuses_until_its_time_and_then_asks)
{
    learn(SL_BREAKER_OPEN, 1, 0, 30 * S);

    expect_gate(SL_GATE_REFUSE, 30 * S);
    now_us += 30 * S - 1;
    expect_gate(SL_GATE_REFUSE, 1);
    now_us += 1;
    expect_gate(SL_GATE_ASK, 0);
    now_us += 100 * S;
    expect_gate(SL_GATE_ASK, 0);
}

Test(gate, half_open_asks_unless_all_probes_are_out)
{
    learn(SL_BREAKER_HALF_OPEN, 2, 0, 0);
    expect_gate(SL_GATE_ASK, 0);

    learn(SL_BREAKER_HALF_OPEN, 2, 0, 10 * S);
    expect_gate(SL_GATE_REFUSE, 10 * S);
    now_us += 10 * S;
    expect_gate(SL_GATE_ASK, 0);
}

Test(gate, an_operators_open_has_no_probes_and_no_end)
{
    sl_breaker_learn(&view, SL_BREAKER_OPEN, 1, 0, 0, true, now_us);
    expect_gate(SL_GATE_REFUSE, 0);
    now_us += 1000000ull * S;
    expect_gate(SL_GATE_REFUSE, 0);
}

Test(gate, an_operators_closed_lets_pass_and_counts_nothing)
{
    sl_breaker_learn(&view, SL_BREAKER_CLOSED, 1, 0, 0, true, now_us);

    expect_gate(SL_GATE_PASS, 0);
    for (int i = 0; i != 20; ++i)
        cr_expect(!fail());
    cr_expect(!sl_breaker_report_due(&view, now_us));
}

/* --- learning --- */

Test(learn, every_transition_is_told_and_only_transitions)
{
    for (int from = SL_BREAKER_CLOSED; from <= SL_BREAKER_OPEN; ++from)
        for (int to = SL_BREAKER_CLOSED; to <= SL_BREAKER_OPEN; ++to) {
            view = (sl_breaker_view_t){.state = (sl_breaker_state_t)from, .generation = 3};
            cr_expect_eq(learn((sl_breaker_state_t)to, 4, 0, 0), from != to, "from %d to %d", from, to);
            cr_expect_eq(view.state, (sl_breaker_state_t)to);
            cr_expect_eq(view.generation, 4);
        }
}

Test(learn, a_wait_of_the_past_does_not_outlive_the_next_truth)
{
    learn(SL_BREAKER_OPEN, 1, 0, 30 * S);
    learn(SL_BREAKER_HALF_OPEN, 2, 0, 0);
    expect_gate(SL_GATE_ASK, 0);
    learn(SL_BREAKER_OPEN, 3, 0, UINT64_MAX);
    uint64_t wait_us;
    cr_expect_eq(sl_breaker_gate(&view, now_us, &wait_us), SL_GATE_REFUSE, "an endless wait does not wrap around");
}

Test(learn, results_of_another_generation_are_dropped)
{
    for (int i = 0; i != 7; ++i)
        fail();
    learn(SL_BREAKER_OPEN, 1, 0, 30 * S);
    learn(SL_BREAKER_CLOSED, 3, 0, 0);

    cr_expect(!sl_breaker_report_due(&view, now_us + 10 * S));
    expect_report(0, 0, 0, false);
}

Test(learn, a_generation_that_begins_at_zero_again_is_taken_over)
{
    learn(SL_BREAKER_OPEN, 17, 0, 30 * S);
    cr_expect(learn(SL_BREAKER_CLOSED, 0, 0, 0), "the operator deleted the hash");

    expect_gate(SL_GATE_PASS, 0);
    cr_expect(!sl_breaker_note(&view, &five_in_a_row, 17, true, now_us), "a result of the old count");
    cr_expect(sl_breaker_note(&view, &five_in_a_row, 0, true, now_us));
    expect_report(0, 1, 1, false);
}

Test(learn, what_was_gathered_before_the_count_began_again_is_dropped)
{
    learn(SL_BREAKER_CLOSED, 17, 0, 0);
    fail();
    fail();
    learn(SL_BREAKER_CLOSED, 0, 0, 0);

    cr_expect(!sl_breaker_report_due(&view, now_us + S));
    expect_report(0, 0, 0, false);
}

Test(learn, results_do_not_outlive_the_closed_state_whatever_the_generation)
{
    for (int i = 0; i != 6; ++i)
        fail();
    learn(SL_BREAKER_OPEN, 0, 0, S);
    learn(SL_BREAKER_CLOSED, 0, 0, 0);

    cr_expect(!sl_breaker_report_due(&view, now_us + S));
    expect_report(0, 0, 0, false);
}

Test(learn, the_same_generation_keeps_what_was_gathered)
{
    five_at_once();
    fail();
    learn(SL_BREAKER_CLOSED, 0, 3, 0);

    expect_report(0, 1, 1, false);
}

/* Its success waits for the next report, and a failure follows: without this the two would wipe out what others have
 * counted of the new run. */
Test(learn, a_run_that_others_have_ended_is_not_ended_again)
{
    five_at_once();
    learn(SL_BREAKER_CLOSED, 0, 4, 0);
    cr_assert(!succeed(), "told with the next report");
    fail();
    learn(SL_BREAKER_CLOSED, 0, 0, 0);

    expect_report(0, 1, 1, false);
}

/* --- what is reported --- */

Test(report, a_healthy_service_costs_none)
{
    for (int i = 0; i != 100000; ++i) {
        cr_assert(!succeed());
        cr_assert(!note(&half_of_ten, false));
        now_us += 10 * MS;
        cr_assert(!sl_breaker_report_due(&view, now_us));
    }
}

Test(report, a_service_without_breaker_costs_none)
{
    static const sl_breaker_settings_t none = {.failures = 0};
    for (int i = 0; i != 100; ++i)
        cr_assert(!note(&none, true));
    cr_expect(!sl_breaker_report_due(&view, now_us + 10 * S));
}

Test(report, a_closed_breakers_first_failures_go_at_once)
{
    for (int i = 0; i != 5; ++i) {
        cr_expect(fail(), "failure %d", i);
        expect_report(0, 1, 1, false);
    }
}

Test(report, later_failures_go_at_most_once_in_100_ms)
{
    five_at_once();

    unsigned reports = 0, reported = 0, noted = 0;
    for (int ms = 0; ms != 1000; ++ms, ++noted) {
        if (fail()) {
            ++reports;
            reported += (unsigned)sl_breaker_take_report(&view, now_us).failed;
        }
        now_us += 1 * MS;
    }
    cr_expect_eq(reports, 9, "%u reports in a second that began with one", reports);
    cr_expect_leq(noted - reported, 100);
}

Test(report, a_batch_becomes_due_without_another_result)
{
    five_at_once();
    cr_expect(!fail());
    cr_expect(!fail());

    cr_expect(!sl_breaker_report_due(&view, now_us));
    now_us += 100 * MS - 1;
    cr_expect(!sl_breaker_report_due(&view, now_us));
    now_us += 1;
    cr_expect(sl_breaker_report_due(&view, now_us));
    expect_report(0, 2, 2, false);
    cr_expect(!sl_breaker_report_due(&view, now_us + S), "what was taken is gone");
}

Test(report, after_a_quiet_second_failures_go_at_once_again)
{
    for (int i = 0; i != 6; ++i)
        fail();
    sl_breaker_take_report(&view, now_us);
    now_us += 999 * MS;
    fail();
    sl_breaker_take_report(&view, now_us);
    now_us += 1;
    cr_expect(!fail(), "no second has passed since the last report");
    sl_breaker_take_report(&view, now_us);

    now_us += 1 * S;
    for (int i = 0; i != 5; ++i) {
        cr_expect(fail(), "failure %d", i);
        sl_breaker_take_report(&view, now_us);
    }
    cr_expect(!fail());
}

Test(report, a_new_generation_has_its_first_failures_again)
{
    for (int i = 0; i != 6; ++i)
        fail();
    sl_breaker_take_report(&view, now_us);
    learn(SL_BREAKER_OPEN, 1, 0, S);
    learn(SL_BREAKER_HALF_OPEN, 2, 0, 0);
    learn(SL_BREAKER_CLOSED, 3, 0, 0);

    for (int i = 0; i != 5; ++i) {
        cr_expect(fail(), "failure %d", i);
        sl_breaker_take_report(&view, now_us);
    }
    cr_expect(!fail());
}

Test(report, results_of_older_requests_are_dropped)
{
    learn(SL_BREAKER_CLOSED, 3, 0, 0);

    cr_expect(!sl_breaker_note(&view, &five_in_a_row, 1, true, now_us));
    cr_expect(!sl_breaker_note(&view, &five_in_a_row, 4, true, now_us));
    cr_expect(!sl_breaker_report_due(&view, now_us + S));
    expect_report(0, 0, 0, false);
}

Test(report, nothing_is_gathered_while_the_breaker_is_not_closed)
{
    static const sl_breaker_state_t states[] = {SL_BREAKER_OPEN, SL_BREAKER_HALF_OPEN};
    for (size_t i = 0; i != 2; ++i) {
        learn(states[i], 1, 0, 0);
        cr_expect(!fail());
        cr_expect(!succeed());
        cr_expect(!sl_breaker_report_due(&view, now_us + S));
    }
}

Test(report, a_success_is_news_only_while_redis_knows_of_failures)
{
    cr_expect(!succeed());
    learn(SL_BREAKER_CLOSED, 0, 2, 0);

    cr_expect(succeed());
    expect_report(0, 0, 0, true);

    learn(SL_BREAKER_CLOSED, 0, 0, 0);
    now_us += S;
    cr_expect(!succeed());
}

Test(report, successes_that_end_a_run_are_batched_too)
{
    learn(SL_BREAKER_CLOSED, 0, 2, 0);
    succeed();
    sl_breaker_take_report(&view, now_us);

    cr_expect(!succeed(), "Redis has not answered yet");
    now_us += 100 * MS;
    cr_expect(succeed(), "the first report may have been lost");
}

Test(report, a_success_between_failures_restarts_the_run)
{
    for (int i = 0; i != 6; ++i) {
        fail();
        sl_breaker_take_report(&view, now_us);
    }
    fail();
    fail();
    succeed();
    fail();

    expect_report(0, 3, 1, true);
}

Test(report, a_success_from_before_the_failures_does_not_restart_the_run_of_other_workers)
{
    succeed();
    learn(SL_BREAKER_CLOSED, 0, 3, 0);
    fail();

    expect_report(0, 1, 1, false);
}

Test(report, a_success_that_came_too_late_to_end_a_run_is_forgotten)
{
    learn(SL_BREAKER_CLOSED, 0, 1, 0);
    view.report_after_us = now_us + 100 * MS;
    cr_expect(!succeed());
    learn(SL_BREAKER_CLOSED, 0, 0, 0);
    learn(SL_BREAKER_CLOSED, 0, 1, 0);

    cr_expect(!sl_breaker_report_due(&view, now_us + S), "it came before the run that Redis knows of now");
}

/* --- the ratio --- */

Test(ratio, successes_are_counted_here_and_travel_with_the_failures)
{
    for (int i = 0; i != 40; ++i)
        cr_expect(!note(&half_of_ten, false));
    cr_expect(note(&half_of_ten, true));

    expect_report(40, 1, 1, false);
}

Test(ratio, successes_after_a_failure_go_when_the_batch_is_due)
{
    note(&half_of_ten, true);
    sl_breaker_take_report(&view, now_us);
    cr_expect(!note(&half_of_ten, true));
    for (int i = 0; i != 8; ++i)
        cr_expect(!note(&half_of_ten, false));

    now_us += 100 * MS;
    cr_expect(sl_breaker_report_due(&view, now_us));
    cr_expect(note(&half_of_ten, false));
    expect_report(9, 1, 0, true);
}

Test(ratio, a_worker_without_failures_gives_its_share_while_others_have_some)
{
    for (int i = 0; i != 30; ++i)
        note(&half_of_ten, false);
    learn(SL_BREAKER_CLOSED, 0, 1, 0);

    cr_expect(note(&half_of_ten, false));
    expect_report(31, 0, 0, true);
}

Test(ratio, old_successes_fade_out_with_the_window)
{
    for (int i = 0; i != 1000; ++i)
        note(&half_of_ten, false);
    now_us += 12500 * MS;
    for (int i = 0; i != 10; ++i)
        note(&half_of_ten, false);
    note(&half_of_ten, true);
    expect_report(10 + 750, 1, 1, false);

    for (int i = 0; i != 1000; ++i)
        note(&half_of_ten, false);
    now_us += 20000 * MS;
    note(&half_of_ten, true);
    expect_report(0, 1, 1, false);
}

Test(ratio, without_it_successes_are_not_counted)
{
    for (int i = 0; i != 100; ++i)
        succeed();
    fail();

    expect_report(0, 1, 1, false);
}
