"""The circuit breaker's moves, on a clock that the test moves."""

import pytest
import redis
from redis_scripts import CIRCUIT

REFUSED, CLOSED, PROBE = 0, 1, 2


def half_open(scripts, **settings):
    """Opens by failures and lets the recovery pass. The next probe is of generation 2."""
    assert scripts.report(failed=5, **settings)[:2] == [1, "open"]
    scripts.advance(s=30)


# Closed.

def test_a_service_never_heard_of_is_closed(played):
    assert played.ask() == [CLOSED, 0, 0]
    assert played.read() == ["closed", 0, 0, 0, "", 0]
    assert not played.client.exists(CIRCUIT)


def test_five_failures_in_a_row_open_it_whoever_saw_them(played):
    assert played.report(failed=2) == [1, "closed", 0, 0]
    assert played.report(failed=2) == [1, "closed", 0, 0]
    assert played.read() == ["closed", 0, 4, 0, "", 0]
    assert played.report(failed=1) == [1, "open", 1, 30_000_000]
    assert played.read() == ["open", 1, 0, 30_000_000, "", played.now_us]


def test_a_success_ends_the_row(played):
    played.report(failed=4)
    assert played.report(ok=1, failed=2, streak=2, had_ok=True) == [1, "closed", 0, 0]
    assert played.read()[2] == 2
    assert played.report(ok=3, failed=0, had_ok=True) == [1, "closed", 0, 0]
    assert played.read()[2] == 0


def test_a_row_within_one_report_opens_it_even_after_a_success(played):
    assert played.report(ok=9, failed=7, streak=5, had_ok=True)[:2] == [1, "open"]


def test_the_rule_of_rows_can_be_off(played):
    assert played.report(failed=1000, failures=0) == [1, "closed", 0, 0]


SHARE = {"failures": 0, "ratio_permille": 500, "minimum": 10, "window_ms": 10000}


def at_start_of_window(played):
    played.set_clock(played.now_us - played.now_us % 10_000_000 + 10_000_000)


def test_half_of_the_requests_failing_opens_it_once_there_are_enough(played):
    at_start_of_window(played)
    assert played.report(ok=4, failed=5, had_ok=True, **SHARE)[1] == "closed"
    assert played.report(ok=0, failed=1, **SHARE)[1] == "open"


def test_less_than_the_share_leaves_it_closed(played):
    at_start_of_window(played)
    assert played.report(ok=501, failed=499, had_ok=True, **SHARE)[1] == "closed"
    assert played.report(ok=0, failed=2, **SHARE)[1] == "open"


def test_the_previous_window_counts_by_what_is_still_in_sight(played):
    at_start_of_window(played)
    played.report(ok=20, failed=0, had_ok=True, **SHARE)
    played.advance(s=15)
    assert played.report(ok=0, failed=9, **SHARE)[1] == "closed"
    assert played.report(ok=0, failed=1, **SHARE)[1] == "open"


def test_what_is_two_windows_old_is_forgotten(played):
    at_start_of_window(played)
    played.report(ok=1000, failed=0, had_ok=True, **SHARE)
    played.advance(s=20)
    assert played.report(ok=0, failed=9, **SHARE)[1] == "closed"
    assert played.report(ok=0, failed=1, **SHARE)[1] == "open"


def test_successes_alone_never_open_it(played):
    assert played.report(ok=100, had_ok=True, failures=0, ratio_permille=1, minimum=0, window_ms=1000)[1] == "closed"


def test_no_requests_at_all_never_open_it(played):
    assert played.report(ratio_permille=500, minimum=0, window_ms=1000)[1] == "closed"


def test_a_report_of_a_generation_that_is_not_the_present_one_counts_nothing(played):
    played.report(failed=3)
    assert played.report(generation=7, failed=50) == [0, "closed", 0, 0]
    assert played.read()[2] == 3


def test_a_report_that_comes_after_the_opening_is_ignored_and_told_the_truth(played):
    played.report(failed=5)
    before = played.client.hgetall(CIRCUIT)
    assert played.report(generation=0, failed=50) == [0, "open", 1, 30_000_000]
    assert played.report(generation=1, failed=50) == [0, "open", 1, 30_000_000]
    assert played.client.hgetall(CIRCUIT) == before


# Open and half-open.

def test_an_open_breaker_refuses_until_its_time_is_over(played):
    played.report(failed=5)
    assert played.ask() == [REFUSED, 1, 30_000_000]
    played.advance(us=29_999_999)
    assert played.ask() == [REFUSED, 1, 1]
    played.advance(us=1)
    assert played.read()[:4] == ["open", 1, 0, 0]
    assert played.ask() == [PROBE, 2, 1]


def test_a_probe_that_succeeds_closes_it_with_clean_counters(played):
    half_open(played)
    played.ask()
    assert played.settle(2, 1, "success") == [1, "closed", 3, 0]
    assert played.read() == ["closed", 3, 0, 0, "", played.now_us]
    assert played.report(generation=3, failed=4) == [1, "closed", 3, 0]


def test_one_probe_at_a_time_and_the_next_by_its_lease(played):
    half_open(played)
    assert played.ask(lease_ms=150) == [PROBE, 2, 1]
    assert played.ask(lease_ms=150) == [REFUSED, 2, 150_000]
    played.advance(ms=149)
    assert played.ask(lease_ms=150) == [REFUSED, 2, 1000]
    played.advance(ms=1)
    assert played.ask(lease_ms=150) == [PROBE, 2, 2]


def test_a_lease_that_was_given_to_another_counts_no_more(played):
    half_open(played)
    played.ask(lease_ms=150)
    played.advance(ms=150)
    played.ask(lease_ms=150)
    assert played.settle(2, 1, "success") == [0, "half_open", 2, 0]
    assert played.settle(2, 1, "failure") == [0, "half_open", 2, 0]
    assert played.settle(2, 2, "success") == [1, "closed", 3, 0]


def test_a_result_counts_once(played):
    half_open(played)
    played.ask(probes=2, successes=2)
    assert played.settle(2, 1, "success", successes=2) == [1, "half_open", 2, 0]
    assert played.settle(2, 1, "success", successes=2) == [0, "half_open", 2, 0]


def test_a_probe_without_result_gives_its_lease_back_and_counts_nothing(played):
    half_open(played)
    played.ask()
    assert played.ask()[0] == REFUSED
    assert played.settle(2, 1, "unknown") == [1, "half_open", 2, 0]
    assert played.ask() == [PROBE, 2, 2]
    assert played.settle(2, 2, "success")[1] == "closed"


def test_giving_back_one_lease_leaves_the_others(played):
    half_open(played)
    for _ in range(3):
        played.ask(probes=3, successes=3)
    played.settle(2, 2, "unknown", successes=3)
    assert played.settle(2, 1, "success", successes=3)[0] == 1
    assert played.settle(2, 3, "success", successes=3)[0] == 1
    assert played.settle(2, 2, "success", successes=3)[0] == 0


def test_probes_of_an_older_generation_are_ignored(played):
    half_open(played)
    played.ask(probes=2, successes=2)
    played.ask(probes=2, successes=2)
    assert played.settle(2, 1, "failure", successes=2)[:3] == [1, "open", 3]
    assert played.settle(2, 2, "success", successes=2) == [0, "open", 3, 30_000_000]
    played.advance(s=30)
    assert played.ask(probes=2, successes=2) == [PROBE, 4, 3]
    assert played.settle(4, 2, "success", successes=2)[0] == 0


def test_not_more_probes_than_can_still_be_needed(played):
    half_open(played)
    assert played.ask(probes=5, successes=2)[0] == PROBE
    assert played.ask(probes=5, successes=2)[0] == PROBE
    assert played.ask(probes=5, successes=2)[0] == REFUSED
    played.settle(2, 1, "success", successes=2)
    assert played.ask(probes=5, successes=2)[0] == REFUSED
    assert played.settle(2, 2, "success", successes=2)[1] == "closed"


def test_not_more_probes_at_once_than_allowed_however_many_are_needed(played):
    half_open(played)
    assert played.ask(probes=2, successes=9)[0] == PROBE
    assert played.ask(probes=2, successes=9)[0] == PROBE
    assert played.ask(probes=2, successes=9)[0] == REFUSED


def test_a_running_probe_does_not_count_for_another_generation(played):
    half_open(played)
    played.ask()
    assert played.settle(1, 1, "success") == [0, "half_open", 2, 0]


def test_a_probe_without_result_closes_nothing_even_when_enough_have_succeeded(played):
    half_open(played)
    played.ask(successes=3)
    played.settle(2, 1, "success", successes=3)
    played.ask(successes=3)
    assert played.settle(2, 2, "unknown", successes=1) == [1, "half_open", 2, 0]


def test_opened_by_hand_it_forgets_the_probes_of_before(played):
    half_open(played)
    played.ask()
    played.client.hset(CIRCUIT, mapping={"state": "open", "open_until": played.now_us})
    assert played.ask() == [PROBE, 3, 2]


def test_lowering_the_needed_successes_does_not_leave_it_half_open(played):
    half_open(played)
    played.ask(probes=1, successes=3)
    played.settle(2, 1, "success", successes=3)
    assert played.ask(probes=1, successes=1) == [PROBE, 2, 2]
    assert played.settle(2, 2, "success", successes=1)[1] == "closed"


def test_recovery_doubles_up_to_its_cap_and_starts_anew_after_closing(played):
    growth = {"recovery_ms": 1000, "recovery_max_ms": 5000}
    assert played.report(failed=5, **growth)[3] == 1_000_000
    waits, generation = [], 1
    for probe in range(1, 5):
        played.advance(s=5)
        assert played.ask() == [PROBE, generation + 1, probe]
        applied, state, generation, wait_us = played.settle(generation + 1, probe, "failure", **growth)
        assert (applied, state) == (1, "open")
        waits.append(wait_us)
    assert waits == [2_000_000, 4_000_000, 5_000_000, 5_000_000]

    played.advance(s=5)
    played.ask()
    closed = played.settle(generation + 1, 5, "success", **growth)
    assert played.report(generation=closed[2], failed=5, **growth)[3] == 1_000_000


def test_without_a_cap_above_it_recovery_stays_the_same(played):
    half_open(played)
    played.ask()
    assert played.settle(2, 1, "failure", recovery_ms=30000, recovery_max_ms=0)[3] == 30_000_000


def test_a_breaker_open_for_the_thousandth_time_still_has_a_wait(played):
    half_open(played)
    played.ask()
    played.client.hset(CIRCUIT, "opened", 5000)
    assert played.settle(2, 1, "failure", recovery_max_ms=60000)[3] == 60_000_000


# Operators.

def test_forced_open_refuses_everything_and_hands_out_no_probe(played):
    assert played.force("open") == ["open", 1]
    played.advance(s=3600)
    assert played.ask() == [REFUSED, 1, 0]
    assert played.read()[:5] == ["open", 1, 0, 0, "open"]


def test_forced_closed_passes_everything_and_counts_nothing(played):
    played.report(failed=5)
    assert played.force("closed") == ["closed", 2]
    assert played.ask() == [CLOSED, 2, 0]
    assert played.report(generation=2, failed=1000) == [0, "closed", 2, 0]
    assert played.read() == ["closed", 2, 0, 0, "closed", played.now_us]


def test_handing_it_back_begins_closed_and_clean(played):
    played.report(failed=4)
    played.force("open")
    assert played.force("auto") == ["closed", 2]
    assert played.read() == ["closed", 2, 0, 0, "", played.now_us]
    assert played.report(generation=2, failed=4)[1] == "closed"
    assert played.report(generation=2, failed=1)[1] == "open"


def test_a_probe_under_way_when_the_operator_speaks_is_ignored(played):
    half_open(played)
    played.ask()
    played.force("closed")
    played.force("auto")
    assert played.settle(2, 1, "failure") == [0, "closed", 4, 0]


@pytest.mark.parametrize("wish", ["", "OPEN", "half_open", "Auto"])
def test_any_other_wish_is_an_error_and_changes_nothing(played, wish):
    with pytest.raises(redis.ResponseError, match="expected open, closed or auto"):
        played.force(wish)
    assert not played.client.exists(CIRCUIT)


def test_an_override_written_by_hand_works_too(played):
    played.client.hset(CIRCUIT, "forced", "open")
    assert played.ask() == [REFUSED, 0, 0]
    played.client.hset(CIRCUIT, "forced", "")
    assert played.ask() == [CLOSED, 0, 0]


def test_an_override_of_what_is_open_anyway_tells_no_wait(played):
    played.report(failed=5)
    played.client.hset(CIRCUIT, "forced", "open")
    assert played.ask() == [REFUSED, 1, 0]


# What else can stand there.

def test_rubbish_in_the_hash_counts_as_absent(played):
    played.client.hset(CIRCUIT, mapping={
        "state": "ajar", "generation": "-3", "failures": "nan", "window": "inf", "ok": "x", "forced": "perhaps", "probes": "???", "probe_id": "1e300"})
    assert played.ask() == [CLOSED, 0, 0]
    assert played.report(failed=5, ratio_permille=500, minimum=1)[:3] == [1, "open", 1]


def test_rubbish_in_the_leases_gives_a_probe(played):
    half_open(played)
    played.client.hset(CIRCUIT, mapping={"state": "half_open", "probes": "not leases"})
    assert played.ask()[0] == PROBE


@pytest.mark.parametrize("call", [
    lambda scripts: scripts.ask(), lambda scripts: scripts.settle(1, 1, "success"), lambda scripts: scripts.report(failed=1),
    lambda scripts: scripts.read(), lambda scripts: scripts.force("open")])
def test_a_key_that_is_no_hash_is_said_and_stays(played, call):
    played.client.set(CIRCUIT, "x")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        call(played)
    assert played.client.get(CIRCUIT) == b"x"


def test_reading_is_allowed_where_writing_is_not(scripts, server):
    scripts.client.replicaof("127.0.0.1", "1")
    try:
        assert scripts.read()[0] == "closed"
        with pytest.raises(redis.exceptions.ReadOnlyError):
            scripts.ask()
    finally:
        scripts.client.replicaof("NO", "ONE")
