"""The worked example: three services behind one policy, row by row."""

import math
import time

import pytest
from sluice import service
from sluice.house import worked_example
from sluice.problems import assert_problem

SERVICES = ("search", "scrape", "research")


@pytest.fixture(scope="module")
def example(shared_house):
    shared_house.services = {name: shared_house.service(service.echo, name) for name in SERVICES}
    shared_house.gateway = shared_house.node(worked_example(**shared_house.services))
    return shared_house


def test_health_names_the_services_and_needs_no_key(example):
    answer = example.gateway.fetch(target="/health")

    assert answer.status == 200
    assert answer["content-type"].startswith("application/json")
    assert answer.json() == {"status": "ok", "services": ["search", "scrape", "research"]}


@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
def test_any_method_reaches_its_service_with_everything(example, name, method):
    key = example.redis.provision(f"all-{name}-{method}")
    body = b'{"a":\x00}' if method in ("POST", "PUT", "PATCH", "DELETE") else None

    answer = example.gateway.fetch(method, f"/api/v1/{name}/deep/path?q=1&r=%20x", {"X-Custom": "kept", "Accept": "*/*"}, body, key=key)

    assert answer.status == 200
    seen = example.services[name].last
    assert (seen.method, seen.target) == (method, f"/api/v1/{name}/deep/path?q=1&r=%20x")
    assert seen.body == (body or b"")
    assert seen["host"] == example.services[name].authority
    assert (seen["x-custom"], seen["accept"]) == ("kept", "*/*")
    if method != "HEAD":
        assert answer.json()["service"] == name


def test_the_key_does_not_reach_the_service(example):
    key = example.redis.provision("not-forwarded")

    example.gateway.fetch(target="/api/v1/search/x", key=key)

    assert example.services["search"].last["x-api-key"] is None


def test_a_request_without_a_key_is_told_that_one_is_required(example):
    before = example.services["search"].count

    answer = example.gateway.fetch(target="/api/v1/search/x")

    problem = assert_problem(answer, 401)
    assert answer["www-authenticate"]
    assert "required" in (problem["error"] + problem["detail"]).lower()
    assert example.services["search"].count == before


@pytest.mark.parametrize("fields", [None, {"enabled": "0"}, {"expires": "1"}], ids=["unknown", "disabled", "expired"])
def test_a_key_that_is_not_good_is_401(example, fields):
    key = f"bad-{fields}"
    if fields is not None:
        example.redis.provision(key, **fields)

    answer = example.gateway.fetch(target="/api/v1/search/x", key=key)

    assert_problem(answer, 401)
    assert answer["www-authenticate"]


@pytest.mark.parametrize("fields", [{"services": "scrape research"}, {"methods": "POST"}], ids=["service", "method"])
def test_a_known_key_without_the_right_is_403(example, fields):
    key = example.redis.provision(f"without-{fields}", **fields)

    assert_problem(example.gateway.fetch(target="/api/v1/search/x", key=key), 403)


def test_one_hundred_requests_in_a_minute_and_then_429(example):
    # given a key without a limit of its own: the configuration's 100/60s
    key = example.redis.provision("hundred")
    admitted, started = 0, time.monotonic()

    # when it is used as fast as one connection can
    with example.gateway.connect() as connection:
        while True:
            answer = connection.request("GET", "/api/v1/search/x", {"X-API-Key": key})
            if answer.status == 429:
                break
            assert answer.status == 200
            admitted += 1
            assert admitted < 200

    # then a hundred pass, and what came back meanwhile
    assert 100 <= admitted <= 100 + math.ceil((time.monotonic() - started) * 100 / 60)
    problem = assert_problem(answer, 429)
    assert problem["remaining"] == 0
    assert problem["retry_after"] == 1
    assert problem["violated_policies"] == ["key"]


def test_an_unknown_service_is_404(example):
    key = example.redis.provision("other")

    for headers in ({}, {"X-API-Key": key}):
        assert_problem(example.gateway.fetch(target="/api/v1/other/x", headers=headers), 404, "Unknown service")


def test_every_answer_tells_its_time_and_leaves_one_log_line(example):
    key = example.redis.provision("logged")
    for method, target, headers, status in [
            ("GET", "/health", {}, 200), ("POST", "/api/v1/scrape/a?b=c", {"X-API-Key": key}, 200),
            ("GET", "/api/v1/scrape/a", {}, 401), ("GET", "/nowhere", {}, 404)]:
        answer = example.gateway.fetch(method, target, headers, body=b"" if method == "POST" else None)

        assert answer.status == status
        assert 0 <= float(answer["x-response-time"]) < 60
        line = example.gateway.log_line(request_id=answer["x-request-id"])
        assert (line["method"], line["path"], line["status"]) == (method, target.partition("?")[0], status)
        assert line["duration_ms"] >= 0


def test_five_failures_in_a_row_open_the_breaker(house):
    # given the example, with a service that fails
    failing = house.service(service.answers(500, "upstream's own words"), "search")
    others = [house.service(service.echo, name) for name in ("scrape", "research")]
    gateway = house.node(worked_example(failing, *others))
    key = house.redis.provision("breaker", limit=1000)

    # when it has failed five times
    for _ in range(5):
        answer = gateway.fetch(target="/api/v1/search/x", key=key)
        assert (answer.status, answer.body) == (500, b"upstream's own words")
    gateway.wait_every_worker(503, "/api/v1/search/x", key)
    reached = failing.count

    # then every worker refuses at once, by name; the others are untouched
    for _ in range(10):
        problem = assert_problem(gateway.fetch(target="/api/v1/search/x", key=key), 503)
        assert problem["service"] == "search"
        assert 1 <= problem["retry_after"] <= 30
    assert failing.count == reached
    assert gateway.fetch(target="/api/v1/scrape/x", key=key).status == 200
