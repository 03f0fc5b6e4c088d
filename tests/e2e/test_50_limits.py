"""Limits: what the headers say, what a refusal costs (nothing), and how several limits act as one."""

import re
import time

import pytest
from sluice import service
from sluice.house import simple
from sluice.problems import assert_problem


@pytest.fixture(scope="module")
def gate(shared_house):
    shared_house.main = shared_house.service(service.echo, "main")
    shared_house.gateway = shared_house.node({
        "keys": {"limit": "10/3600s"},
        "services": {"main": {"instances": [shared_house.main.url]}, "second": {"instances": [shared_house.main.url]}},
        "routes": [
            {"path": "/api/*", "service": "main"},
            {"path": "/second/*", "service": "second"},
            {"path": "/costly/*", "service": "main", "cost": 4},
            {"path": "/shadow/*", "service": "main", "mode": "shadow"},
            {"path": "/open/*", "service": "main", "auth": "none"},
        ]})
    return shared_house


def fetch(gate, key, target="/api/x"):
    return gate.gateway.fetch(target=target, key=key)


def spend(gate, key, count, target="/api/x"):
    for _ in range(count):
        assert fetch(gate, key, target).status == 200


def items(field):
    """"a";q=1;w=2, "b";q=3  ->  {"a": {"q": 1, "w": 2}, "b": {"q": 3}}"""
    found = {}
    for item in field.split(", "):
        assert re.fullmatch(r'"[a-z]+"(;[a-z]+=[0-9]+)+', item), field
        name, *parameters = item.split(";")
        found[name.strip('"')] = {one.split("=")[0]: int(one.split("=")[1]) for one in parameters}
    return found


def test_every_answer_says_what_is_left(gate):
    key = gate.redis.provision("headers")
    for used in range(1, 11):
        answer = fetch(gate, key)

        assert answer.status == 200
        assert items(answer["ratelimit-policy"]) == {"key": {"q": 10, "w": 3600}}
        state = items(answer["ratelimit"])["key"]
        assert state["r"] == 10 - used
        assert 1 <= state["t"] <= 360
        assert (answer["x-ratelimit-limit"], answer["x-ratelimit-remaining"]) == ("10", str(10 - used))
        assert 1 <= int(answer["x-ratelimit-reset"]) <= 360 * used
        assert answer["retry-after"] is None


def test_a_refusal_says_when_to_come_again(gate):
    key = gate.redis.provision("refusal")
    spend(gate, key, 10)

    answer = fetch(gate, key)

    problem = assert_problem(answer, 429, "Rate limit exceeded")
    assert (problem["remaining"], problem["violated_policies"]) == (0, ["key"])
    assert problem["type"] == "https://iana.org/assignments/http-problem-types#quota-exceeded"
    assert 300 <= problem["retry_after"] <= 360  # less by what spending took
    state = items(answer["ratelimit"])["key"]
    assert state["r"] == 0 and state["t"] <= problem["retry_after"]
    assert items(answer["ratelimit-policy"]) == {"key": {"q": 10, "w": 3600}}
    assert answer["x-ratelimit-remaining"] == "0"


def test_retry_after_is_the_truth(gate):
    key = gate.redis.provision("truth", limit=1, window=2)
    answer = fetch(gate, key)
    while answer.status == 200:  # at least two in two seconds
        answer = fetch(gate, key)
    assert answer.status == 429

    time.sleep(int(answer["retry-after"]))

    assert fetch(gate, key).status == 200


def test_a_refused_request_costs_nothing_anywhere(gate):
    key = gate.redis.provision("free-refusal", limit=3, window=3600, quota_day=50, quota_month=60, limit__main=30, window__main=3600)
    spend(gate, key, 3)
    before = gate.redis.snapshot()

    for _ in range(20):
        assert fetch(gate, key).status == 429

    assert gate.redis.snapshot() == before


@pytest.mark.parametrize("fields", [{"enabled": "0"}, {"services": "second"}, {"methods": "POST"}, {"expires": "1"}, {"quota_day": "x"}])
def test_a_forbidden_request_costs_nothing_anywhere(gate, fields):
    key = gate.redis.provision(f"forbidden-{fields}", **fields)
    before = gate.redis.snapshot()

    for _ in range(5):
        assert fetch(gate, key).status in (401, 403, 503)

    assert gate.redis.snapshot() == before


def test_the_records_own_limit_beats_the_configured_one(gate):
    key = gate.redis.provision("own", limit=2, window=3600)
    spend(gate, key, 2)
    assert fetch(gate, key).status == 429


def test_the_burst_can_differ_from_the_limit(gate):
    small = gate.redis.provision("small-burst", limit=100, window=3600, burst=2)
    spend(gate, small, 2)
    assert fetch(gate, small).status == 429
    large = gate.redis.provision("large-burst", limit=1, window=3600, burst=5)
    spend(gate, large, 5)
    assert fetch(gate, large).status == 429


def test_a_limit_for_one_service_leaves_the_others_alone(gate):
    key = gate.redis.provision("per-service", limit=8, window=3600, limit__main=2, window__main=3600)
    spend(gate, key, 2)

    answer = fetch(gate, key)

    assert assert_problem(answer, 429)["violated_policies"] == ["service"]
    assert set(items(answer["ratelimit"])) == {"key", "service"}
    assert items(answer["ratelimit"])["key"]["r"] == 6
    spend(gate, key, 6, "/second/x")
    assert assert_problem(fetch(gate, key, "/second/x"), 429)["violated_policies"] == ["key"]
    assert sorted(assert_problem(fetch(gate, key), 429)["violated_policies"]) == ["key", "service"]


@pytest.mark.parametrize("quota, policy, most", [("quota_day", "day", 86400), ("quota_month", "month", 31 * 86400)])
def test_quotas_end_with_their_period(gate, quota, policy, most):
    key = gate.redis.provision(f"quota-{policy}", limit=100, window=1, **{quota: 3})
    spend(gate, key, 3)

    answer = fetch(gate, key)

    problem = assert_problem(answer, 429)
    assert problem["violated_policies"] == [policy]
    assert 1 <= problem["retry_after"] <= most
    assert items(answer["ratelimit-policy"])[policy]["q"] == 3


def test_a_request_can_cost_more_than_one(gate):
    key = gate.redis.provision("costly")
    spend(gate, key, 2, "/costly/x")

    assert fetch(gate, key, "/costly/x").status == 429
    spend(gate, key, 2)
    assert fetch(gate, key).status == 429


def test_a_request_that_costs_more_than_there_can_be_is_told_no_time_to_come_again(gate):
    key = gate.redis.provision("never", limit=3, window=60)

    answer = fetch(gate, key, "/costly/x")

    problem = assert_problem(answer, 429)
    assert answer["retry-after"] is None and "retry_after" not in problem
    assert "costs more" in problem["detail"]
    assert (problem["remaining"], problem["violated_policies"]) == (3, ["key"])
    spend(gate, key, 3)


def test_all_nodes_and_workers_share_one_bucket(gate):
    second = gate.node({name: value for name, value in gate.gateway.config.items() if name not in ("listen", "ops")})
    key = gate.redis.provision("shared")

    statuses = [node.fetch(target="/api/x", key=key).status for _ in range(10) for node in (gate.gateway, second)]

    assert statuses == [200] * 10 + [429] * 10


def test_shadow_mode_counts_and_says_but_never_refuses(gate):
    key = gate.redis.provision("shadow", limit=2, window=3600)
    spend(gate, key, 2, "/shadow/x")
    before = gate.gateway.settled().total("sluice_admissions_total", outcome="shadow_limited")

    spend(gate, key, 3, "/shadow/x")

    assert gate.gateway.settled().total("sluice_admissions_total", outcome="shadow_limited") == before + 3
    over = fetch(gate, key, "/shadow/x")
    line = gate.gateway.log_line(request_id=over["x-request-id"])
    assert (line["status"], line["reason"], line["detail"]) == (200, "proxied", "over the limit, in shadow mode")
    # elsewhere the same key is refused
    assert fetch(gate, key).status == 429


def test_open_routes_have_no_limit_and_say_nothing_of_one(gate):
    for _ in range(20):
        answer = gate.gateway.fetch(target="/open/x")
        assert (answer.status, answer["ratelimit"], answer["x-ratelimit-limit"]) == (200, None, None)


def test_a_services_own_limit_headers_do_not_mix_with_ours(house):
    main = house.service(service.answers(200, b"x", [("RateLimit", '"theirs";r=1;t=1'), ("X-RateLimit-Remaining", "77")]))
    gateway = house.node(simple(main))
    key = house.redis.provision("mixed", limit=5)

    answer = gateway.fetch(target="/api/x", key=key)
    assert (answer["x-ratelimit-remaining"], list(items(answer["ratelimit"]))) == ("4", ["key"])
    assert gateway.fetch(target="/open/x")["x-ratelimit-remaining"] == "77"


def test_the_older_headers_can_be_switched_off(house):
    main = house.service()
    gateway = house.node(simple(main, keys={"limit": "5/60s", "x_ratelimit": False}))

    answer = gateway.fetch(target="/api/x", key=house.redis.provision("modern"))

    assert answer["x-ratelimit-limit"] is answer["x-ratelimit-remaining"] is answer["x-ratelimit-reset"] is None
    assert answer["ratelimit"] and answer["ratelimit-policy"]


def test_a_whole_gateway_can_be_in_shadow_mode(house):
    main = house.service()
    gateway = house.node(simple(main, keys={"limit": "1/3600s", "mode": "shadow"}))
    key = house.redis.provision("all-shadow")

    assert [gateway.fetch(target="/api/x", key=key).status for _ in range(4)] == [200] * 4


def test_a_bucket_fills_at_its_rate(gate):
    # given a bucket of 6 per 2 s, emptied
    key = gate.redis.provision("refill", limit=6, window=2)
    while fetch(gate, key).status == 200:
        pass
    begun = time.monotonic()

    # when it is used again and again for a while
    admitted = 0
    while time.monotonic() - begun < 3:
        admitted += fetch(gate, key).status == 200

    # then what passed is what came back: 3 per second
    elapsed = time.monotonic() - begun
    assert elapsed * 3 * 0.7 - 1 <= admitted <= elapsed * 3 + 1
