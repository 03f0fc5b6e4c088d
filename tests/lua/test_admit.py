"""Who may do what, and what each limit gives: one case per rule, on a clock that the test moves."""

import calendar
import struct

import pytest
from redis_scripts import ADMITTED, BREAKER, BUCKET, CIRCUIT, DISABLED, EXPIRED, LIMITED, METHOD, SCOPE, SERVICE, UNKNOWN


def verdict(scripts, **how):
    return scripts.admit(**how).verdict


# Permissions.

def test_a_key_without_record_is_unknown(played):
    assert verdict(played) == UNKNOWN
    assert not played.client.exists(BUCKET)


def test_a_record_without_enabled_is_disabled(played):
    played.provision(enabled=None)
    assert verdict(played) == DISABLED


def test_a_disabled_record_is_told_with_its_owner(played):
    played.provision(enabled=0, name="laptop")
    told = played.admit()
    assert (told.verdict, told.owner, told.name) == (DISABLED, b"acme", b"laptop")


def test_an_operators_disable_comes_before_all_complaints(played):
    played.provision(enabled=0, owner="a\r\nb", limit="rubbish", expires="rubbish")
    told = played.admit()
    assert (told.verdict, told.owner) == (DISABLED, b"")


def test_a_key_ends_in_the_second_of_its_expiry(played):
    second = played.now_us // 1_000_000
    played.provision(expires=second + 1)
    assert verdict(played) == ADMITTED
    played.set_clock((second + 1) * 1_000_000 - 1)
    assert verdict(played) == ADMITTED
    played.set_clock((second + 1) * 1_000_000)
    assert verdict(played) == EXPIRED


@pytest.mark.parametrize("services", [None, "", " ", ",", "searc", "search2", "researchsearch", "xsearch", "search-2", "SEARCH", "sear ch", "search.*"])
def test_a_service_is_not_found_in_what_only_resembles_it(played, services):
    played.provision(services=services)
    assert verdict(played, service="search") == SERVICE


@pytest.mark.parametrize("services", ["search", "*", "scrape search", "search,scrape", " scrape ,\t search ", "scrape\nsearch", "scrape *"])
def test_a_service_is_found_however_the_list_is_separated(played, services):
    played.provision(services=services)
    assert verdict(played, service="search") == ADMITTED


@pytest.mark.parametrize("service", ["", " ", "search scrape", "search,scrape", "h s", "%a+", "."])
def test_no_spelling_of_a_service_matches_across_items(played, service):
    played.provision(services="search scrape")
    assert verdict(played, service=service) == SERVICE


@pytest.mark.parametrize("methods, expected", [
    (None, ADMITTED), ("*", ADMITTED), ("GET", ADMITTED), ("POST,GET", ADMITTED), ("", METHOD), ("POST", METHOD), ("GETS", METHOD), ("get", METHOD)])
def test_methods_are_all_when_absent_and_none_when_empty(played, methods, expected):
    played.provision(methods=methods)
    assert verdict(played, method="GET") == expected


@pytest.mark.parametrize("methods, expected", [("GET", ADMITTED), ("HEAD", ADMITTED), ("POST", METHOD), ("HEADS", METHOD), ("", METHOD)])
def test_who_may_get_may_ask_for_the_head_too(played, methods, expected):
    played.provision(methods=methods)
    assert verdict(played, method="HEAD") == expected
    played.provision(methods="HEAD")
    assert verdict(played, method="GET") == METHOD


@pytest.mark.parametrize("scopes, needed, expected", [
    (None, "", ADMITTED), (None, "read", SCOPE), ("", "read", SCOPE), ("read", "read", ADMITTED), ("read", "read write", SCOPE),
    ("write,read", "read write", ADMITTED), ("*", "read write", ADMITTED), ("reader", "read", SCOPE), ("read write", "read  write", ADMITTED)])
def test_all_needed_scopes_must_be_there(played, scopes, needed, expected):
    played.provision(scopes=scopes)
    assert verdict(played, scopes=needed) == expected


def test_permissions_are_refused_in_the_order_of_the_record(played):
    played.provision(services="scrape", methods="POST", scopes="write")
    assert verdict(played, scopes="read") == SERVICE
    played.provision(methods="POST", scopes="write")
    assert verdict(played, scopes="read") == METHOD
    played.provision(scopes="write")
    assert verdict(played, scopes="read") == SCOPE


# Buckets.

def test_a_burst_gives_exactly_its_units_and_then_one_per_interval(played):
    played.provision(limit=100, window=60)
    assert [verdict(played) for _ in range(101)] == [ADMITTED] * 100 + [LIMITED]

    played.advance(us=599_999)
    told = played.admit()
    assert (told.verdict, told.wait_us) == (LIMITED, 1)
    played.advance(us=1)
    assert [verdict(played), verdict(played)] == [ADMITTED, LIMITED]


def test_waiting_as_long_as_told_is_enough_and_a_microsecond_less_is_not(played):
    played.provision(limit=7, window=3, burst=5)
    played.admit(wanted=5)
    for _ in range(20):
        wait_us = int(played.admit(wanted=2, least=2).wait_us)
        played.advance(us=wait_us - 1)
        assert verdict(played, wanted=2, least=2) == LIMITED
        played.advance(us=1)
        assert verdict(played, wanted=2, least=2) == ADMITTED


def test_a_grant_is_what_is_left_when_that_is_acceptable(played):
    played.provision(limit=37, window=3600)
    grants = [played.admit(wanted=16).granted for _ in range(4)]
    assert grants == [16, 16, 5, 0]
    assert played.admit(wanted=16, least=10).verdict == LIMITED


def test_many_single_calls_and_few_large_ones_get_the_same(played):
    played.provision(limit=37, window=3600)
    assert sum(played.admit().granted for _ in range(50)) == 37


def test_more_than_the_burst_at_once_can_never_be_had_and_no_wait_is_told(played):
    played.provision(limit=10, window=60)
    told = played.admit(wanted=11, least=11)
    assert (told.verdict, told.wait_us, told.limits[0].remaining) == (LIMITED, 0, 10)


def test_a_rate_that_divides_badly_never_gains_by_rounding(played):
    """Three a second: what each unit is rounded by adds up, and must add up on the strict side."""
    played.provision(limit=3, window=1, burst=3000)
    for _ in range(3000):
        told = played.admit()
    assert 1_000_000_000 <= told.limits[0].full_us <= 1_000_000_000 + 3000 / 4
    assert verdict(played) == LIMITED


def test_records_without_limit_get_the_nodes(played):
    played.provision()
    limit = played.admit(limit=20, window=30, burst=5).limits[0]
    assert (limit.quota, limit.window_s, limit.remaining) == (20, 30, 4)


def test_a_burst_not_named_anywhere_is_the_limit(played):
    played.provision(limit=8)
    limit = played.admit(limit=20, window=30, burst=0).limits[0]
    assert (limit.quota, limit.window_s, limit.remaining) == (8, 30, 7)


def test_a_limit_of_one_service_leaves_the_other_alone(played):
    played.provision(limit=100, window=60, limit__search=2, window__search=10)
    assert [verdict(played, service="search") for _ in range(3)] == [ADMITTED, ADMITTED, LIMITED]
    assert verdict(played, service="scrape") == ADMITTED
    assert played.admit(service="scrape").limits[0].remaining == 96


def test_a_refusal_by_one_limit_charges_none(played):
    played.provision(limit=100, window=60, limit__search=50, quota_day=1000, quota_month=3)
    for _ in range(3):
        assert verdict(played) == ADMITTED
    before = played.client.hgetall(BUCKET)

    told = played.admit()

    assert [limit.is_violated for limit in told.limits] == [False, False, False, True]
    assert [limit.remaining for limit in told.limits] == [97, 47, 997, 0]
    assert played.client.hgetall(BUCKET) == before


def test_the_wait_is_the_longest_of_all_violated_limits(played):
    played.provision(limit=1, window=60, limit__search=1, window__search=3600)
    played.admit()
    told = played.admit()
    assert [limit.is_violated for limit in told.limits] == [True, True]
    assert told.wait_us == 3_600_000_000


def test_an_instant_far_ahead_is_brought_back_even_by_a_refusal(played):
    played.provision(limit=10, window=10)
    an_hour_ahead = played.now_us + 3_600_000_000
    played.client.hset(BUCKET, "limit", struct.pack("<dd", an_hour_ahead, played.now_us // 1_000_000 + 7200))

    told = played.admit()

    assert (told.verdict, told.wait_us) == (LIMITED, 1_000_000)
    played.advance(s=1)
    assert verdict(played) == ADMITTED


def test_a_lowered_limit_never_locks_out_for_longer_than_one_bucket(played):
    played.provision(limit=1, window=3600, burst=50)
    played.admit(wanted=50)
    played.provision(limit=10, window=10)
    assert played.admit().wait_us == 1_000_000
    played.advance(s=1)
    assert verdict(played) == ADMITTED


def test_the_extremes_of_a_record_answer_within_what_a_reader_holds(played):
    played.provision(limit=1, window=10**12, burst=10**12)
    for wanted in (1, 2**32 - 1):
        told = played.admit(wanted=wanted)
        assert told.verdict == ADMITTED and told.limits[0].full_us <= 2**53
    played.client.delete(BUCKET)
    played.provision(limit=10**12, window=1, quota_day=10**12, quota_month=10**12)
    assert played.admit(wanted=2**32 - 1).granted == 2**32 - 1


# One call for several requests of one key.

@pytest.mark.parametrize("cost", [1, 3])
def test_a_call_for_several_is_what_as_many_calls_would_have_been(played, cost):
    fields = {"limit": 20, "window": 60, "limit__search": 18, "window__search": 100, "quota_day": 1000}
    played.provision(**fields)
    singly = [played.admit(wanted=cost, least=cost) for _ in range(30)]
    state = played.client.hgetall(BUCKET)
    passed = sum(told.verdict == ADMITTED for told in singly)
    played.client.delete(BUCKET)

    together = played.admit(wanted=30 * cost, least=cost)
    rest = played.admit(wanted=(30 - passed) * cost, least=cost)

    assert together.granted == passed * cost == 18
    assert played.client.hgetall(BUCKET) == state
    assert (together.verdict, together.limits) == (ADMITTED, singly[passed - 1].limits)
    assert (rest.verdict, rest.granted, rest.wait_us, rest.limits) == (LIMITED, 0, singly[-1].wait_us, singly[-1].limits)


def test_of_several_requests_only_whole_ones_are_granted(played):
    played.provision(limit=20, window=60)
    told = played.admit(wanted=27, least=3)
    assert (told.granted, told.limits[0].remaining) == (18, 2)


# Shadow mode.

def test_shadow_mode_admits_and_says_what_it_would_have_refused(played):
    played.provision(limit=2, window=60)
    told = [played.admit(mode="shadow") for _ in range(4)]
    assert [(one.verdict, one.granted, one.is_shadow) for one in told] == [(ADMITTED, 1, False)] * 2 + [(ADMITTED, 1, True)] * 2
    assert [one.limits[0].is_violated for one in told] == [False, False, True, True]


def test_shadow_mode_takes_only_what_is_there(played):
    played.provision(limit=2, window=60)
    for _ in range(10):
        played.admit(mode="shadow")
    assert played.admit().wait_us == 30_000_000


def test_shadow_mode_still_refuses_what_is_not_a_limit(played):
    played.provision(enabled=0)
    assert verdict(played, mode="shadow") == DISABLED


# Quotas.

def at(played, *date):
    played.set_clock(calendar.timegm(date) * 1_000_000)


def test_a_day_ends_at_midnight_utc(played):
    played.provision(limit=1000, quota_day=2)
    at(played, 2031, 5, 17, 23, 59, 59)
    assert [verdict(played) for _ in range(3)] == [ADMITTED, ADMITTED, LIMITED]
    told = played.admit()
    assert (told.wait_us, told.limits[1].window_s) == (1_000_000, 86400)
    at(played, 2031, 5, 18, 0, 0, 0)
    assert verdict(played) == ADMITTED


def test_a_month_ends_with_its_last_day(played):
    played.provision(limit=1000, quota_month=2)
    at(played, 2032, 2, 29, 23, 59, 59)
    assert [verdict(played) for _ in range(3)] == [ADMITTED, ADMITTED, LIMITED]
    assert played.admit().limits[1].window_s == 29 * 86400
    at(played, 2032, 3, 1, 0, 0, 0)
    assert [verdict(played) for _ in range(3)] == [ADMITTED, ADMITTED, LIMITED]
    assert played.admit().limits[1].window_s == 31 * 86400


def test_every_month_of_two_centuries_is_the_calendars(played):
    played.provision(limit=1000, quota_month=5)
    for year in range(1970, 2170):
        for month in range(1, 13):
            days = calendar.monthrange(year, month)[1]
            for day, clock in ((1, (0, 0, 0)), (days, (23, 59, 59)), (1 + (year * 7 + month * 5) % days, (12, 34, 56))):
                at(played, year, month, day, *clock)
                played.client.delete(BUCKET)
                limit = played.admit().limits[1]
                end = calendar.timegm((year, month, 1, 0, 0, 0)) + days * 86400
                assert (limit.window_s, limit.full_us) == (days * 86400, end * 1_000_000 - played.now_us), (year, month, day)


def test_a_date_set_back_keeps_what_was_used_but_not_the_far_end(played):
    played.provision(limit=1000, quota_day=1, quota_month=1)
    at(played, 2033, 3, 10, 12, 0, 0)
    played.admit()
    at(played, 2033, 2, 3, 12, 0, 0)
    assert verdict(played) == LIMITED
    at(played, 2033, 2, 4, 0, 0, 0)
    assert [limit.is_violated for limit in played.admit().limits] == [False, False, True]
    at(played, 2033, 3, 1, 0, 0, 0)
    assert verdict(played) == ADMITTED


def test_a_lowered_quota_that_is_already_used_up_refuses_until_the_period_ends(played):
    played.provision(limit=1000, quota_day=10)
    played.admit(wanted=8)
    played.provision(limit=1000, quota_day=5)
    told = played.admit()
    assert (told.verdict, told.limits[1].remaining) == (LIMITED, 0)


# What is kept, and for how long.

def test_the_state_outlives_the_longest_instant_in_it(played):
    second = played.now_us // 1_000_000
    for fields, needed_s in [({"limit": 1, "window": 60}, 1800), ({"limit": 1, "window": 60, "burst": 10_000}, 600_000),
                             ({"limit": 1, "limit__search": 1, "window__search": 90_000}, 90_000)]:
        played.client.delete(BUCKET)
        played.provision(**fields)
        played.admit()
        assert played.client.execute_command("EXPIRETIME", BUCKET) == second + 2 * needed_s
    played.provision(limit=1, window=10**12, burst=10**12)
    played.advance(s=3600)
    assert played.admit(wanted=1).verdict == ADMITTED
    assert played.client.execute_command("EXPIRETIME", BUCKET) > second + 10**10


def test_the_expiry_is_renewed_when_half_of_it_is_gone(played):
    played.provision(limit=10, window=1)
    played.admit()
    first = played.client.execute_command("EXPIRETIME", BUCKET)
    played.advance(s=1800)
    played.admit()
    assert played.client.execute_command("EXPIRETIME", BUCKET) == first
    played.advance(s=1)
    played.admit()
    assert played.client.execute_command("EXPIRETIME", BUCKET) == first + 1801


def calls(client):
    return {name.removeprefix("cmdstat_"): stat["calls"] for name, stat in client.info("commandstats").items()}


def test_an_ordinary_admission_is_two_reads_the_time_and_one_write(scripts):
    scripts.provision(limit=10, limit__search=10, quota_day=10, quota_month=10)
    scripts.admit()
    scripts.client.config_resetstat()
    scripts.admit()
    counted = calls(scripts.client)
    assert {name: counted[name] for name in counted if not name.startswith("config")} == {"evalsha": 1, "hmget": 2, "time": 1, "hset": 1}


def test_a_refusal_writes_nothing(scripts):
    scripts.provision(limit=1, window=3600)
    scripts.admit()
    scripts.client.config_resetstat()
    assert scripts.admit().verdict == LIMITED
    assert "hset" not in calls(scripts.client)


def test_admissions_go_on_when_redis_is_out_of_memory(scripts):
    scripts.provision()
    before = scripts.client.config_get("maxmemory")["maxmemory"]
    scripts.client.config_set("maxmemory", 1)
    try:
        assert scripts.admit().verdict == ADMITTED
    finally:
        scripts.client.config_set("maxmemory", before)


# With the service's breaker in the same call.

ONE_PROBE = (1, 1, 10000)


def test_a_closed_breaker_lets_pass_and_tells_its_generation(played):
    played.provision()
    played.client.hset(CIRCUIT, mapping={"state": "closed", "generation": 7})
    told = played.admit(breaker=ONE_PROBE)
    assert (told.verdict, told.generation, told.probe_id, told.is_probe) == (ADMITTED, 7, 0, False)


def test_an_open_breaker_charges_nothing_and_tells_the_wait(played):
    played.provision(limit=10)
    played.report(failed=5)
    told = played.admit(breaker=ONE_PROBE)
    assert (told.verdict, told.granted, told.wait_us, told.limits[0].remaining) == (BREAKER, 0, 30_000_000, 10)
    assert not played.client.exists(BUCKET)


def test_a_probe_is_claimed_and_charged_in_one_step(played):
    played.provision(limit=10)
    played.report(failed=5)
    played.advance(s=30)
    told = played.admit(breaker=ONE_PROBE)
    assert (told.verdict, told.is_probe, told.generation, told.probe_id, told.limits[0].remaining) == (ADMITTED, True, 2, 1, 9)
    assert verdict(played, breaker=ONE_PROBE) == BREAKER
    assert played.settle(2, 1, "success") == [1, "closed", 3, 0]


def test_a_limited_key_takes_no_probe(played):
    played.provision(limit=1, window=3600)
    played.admit()
    played.report(failed=5)
    played.advance(s=30)
    assert verdict(played, breaker=ONE_PROBE) == LIMITED
    assert played.ask() == [2, 2, 1]


def test_a_key_without_right_takes_no_probe(played):
    played.provision(services="scrape")
    played.report(failed=5)
    played.advance(s=30)
    before = played.client.hgetall(CIRCUIT)
    assert verdict(played, breaker=ONE_PROBE) == SERVICE
    assert played.client.hgetall(CIRCUIT) == before
