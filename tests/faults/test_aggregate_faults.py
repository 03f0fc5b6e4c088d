"""Aggregates whose services misbehave at any byte: always a failed part, never a broken answer, and the next request is well."""

import json
import time

import pytest
from sluice import service
from sluice.aggregates import aggregate, json_answer
from sluice.problems import assert_problem
from sluice.waiting import until

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

BROKEN = {
    "cut head": (service.sends(b"HTTP/1.1 200 OK\r\nConte"), "broken"),
    "garbage head": (service.sends(b"SMTP? no\r\n\r\n"), "broken"),
    "no answer": (service.sends(b""), "broken"),
    "cut body": (service.sends(HEAD + b'Content-Length: 100\r\n\r\n{"results": [1'), "broken"),
    "cut chunks": (service.sends(HEAD + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n'), "broken"),
    "bad chunk": (service.sends(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"), "broken"),
    "reset": (service.resets(HEAD + b'Content-Length: 100\r\n\r\n{"a"'), "broken"),
    "stalled body": (service.hangs(HEAD + b'Content-Length: 100\r\n\r\n{"a"'), "timeout"),
    "stalled head": (service.hangs(b"HTTP/1.1 200"), "timeout"),
    "dripping for ever": (service.drips(b" " * 1000, 0.02, at_once=HEAD + b"Content-Length: 2000\r\n\r\n["), "timeout"),
    "text": (service.answers(200, "certainly not"), "not_json"),
    "half a document": (json_answer('{"results": [1'), "not_json"),
    "two documents": (json_answer("{} {}"), "not_json"),
    "not a number": (json_answer('{"a": NaN}'), "not_json"),
    "byte order mark": (json_answer("\ufeff{}"), "not_json"),
    "not UTF-8": (json_answer(b'{"a": "\xff"}'), "not_json"),
    "lone surrogate": (json_answer('{"a": "\\ud800"}'), "not_json"),
    "gzip": (service.answers(200, b"\x1f\x8b\x08\x00\x00", [("Content-Encoding", "gzip")]), "not_json"),
    "deep": (json_answer("[" * 500 + "]" * 500), "too_deep"),
    "bomb": (json_answer("[" * 400000), "too_deep"),
    "large": (json_answer("[" + "1," * 600000 + "1]"), "too_large"),
    "redirect": (service.answers(302, "{}", [("Location", "/elsewhere")]), "status"),
    "long error": (service.answers(500, "x" * 300000), "status"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_whatever_a_service_does_it_is_a_failed_part(house, name):
    behaviour, error = BROKEN[name]
    main = house.service(behaviour)
    timeout = "700ms" if error == "timeout" else "20s"  # whoever answers has the time that a busy machine needs
    gateway = aggregate(house, main, {"a": {"get": "/a", "timeout": timeout}, "all": {"get": "/${item}", "for_each": "$request.body", "timeout": timeout}},
                        {"a": "$a.body", "all": "$all.body ?? 5"}, workers=1, timeout="60s")

    answer = gateway.fetch("POST", body="[1,2]")
    main.behaviour = json_answer("7")
    after = gateway.fetch("POST", body="[1,2]")

    assert answer.status == 200
    told = answer.json()
    assert (told["a"], told["all"]) == (None, 5)
    assert {name: part["error"] for name, part in told["_meta"]["parts"].items()} == {"a": error, "all": error}
    assert after.body == b'{"a":7,"all":[7,7]}'


def test_an_empty_answer_is_well_and_has_no_value(house):
    main = house.service(service.answers(204))
    gateway = aggregate(house, main, {"a": {"delete": "/a"}}, {"a": "$a.body", "status": "$a.status"})

    assert gateway.fetch().body == b'{"a":null,"status":204}'


def test_a_service_that_is_not_there_is_refused(house):
    main = house.service()
    gateway = aggregate(house, main, {"a": {"get": "/a", "required": True}}, "$a.body")
    main.stop()

    problem = assert_problem(gateway.fetch(), 502)

    assert (problem["part"], problem["service"]) == ("a", "main")


def test_failing_parts_open_the_breaker_and_a_part_is_its_probe(house):
    # given a service that fails in aggregates only
    main = house.service(json_answer("1", 500))
    gateway = aggregate(house, main, {"a": {"get": "/a"}, "b": {"get": "/b"}}, {"a": "$a.body", "b": "$b.body"}, workers=2,
                        breaker={"failures": 4, "recovery": "300ms", "probes": 1})

    def errors():
        return {part["error"] for part in gateway.fetch().json().get("_meta", {"parts": {}})["parts"].values()}

    # when it has failed often enough, then it is left alone
    until(lambda: errors() == {"breaker_open"}, "the breaker stays closed")

    # and when it is well again, one part at a time asks, and both pass in the end
    main.behaviour = json_answer("1")
    until(lambda: errors() == set(), "it never recovers", seconds=10)
    until(lambda: house.redis.breaker_state("main") == "closed", "the probe's end is not told")  # the answer does not wait for that


def test_clients_that_leave_give_their_probes_back(house):
    main = house.service(json_answer("1", 500))
    gateway = aggregate(house, main, {"a": {"get": "/a"}}, {"a": "$a.body"}, breaker={"failures": 1, "recovery": "100ms", "lease": "1h"})
    until(lambda: "breaker_open" in gateway.fetch().body.decode(), "the breaker stays closed")
    main.behaviour = service.hangs()

    # a client leaves while its part is the probe
    def probe_begins():
        before = main.count
        with gateway.connect() as connection:
            connection.send(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
            connection.socket.settimeout(0.2)
            try:
                connection.socket.recv(1)
            except OSError:
                pass
            return main.count > before
    until(probe_begins, "no probe")
    until(lambda: main.left >= 1, "the probe goes on")  # connections that other workers keep from before stay open
    time.sleep(0.2)  # for what would be told of it
    assert house.redis.breaker_state("main") != "closed"

    main.behaviour = json_answer("1")
    until(lambda: gateway.fetch().body == b'{"a":1}', "the probe's lease was lost", seconds=10)


def test_without_redis_open_routes_with_closed_breakers_go_on(house):
    redis = house.private_redis()
    main = house.service(json_answer(json.dumps({"x": 1})))
    node = house.node({"redis": {"url": redis.url}, "workers": 1, "services": {"main": {"instances": [main.url], "breaker": {"failures": 5}}},
                       "routes": [{"path": "/a", "auth": "none", "calls": {"a": {"service": "main", "get": "/"}}, "answer": {"a": "$a.body"}}]})
    until(lambda: node.fetch(target="/a").status == 200 and b"_meta" not in node.fetch(target="/a").body, "never well")
    redis.kill()

    answer = node.fetch(target="/a")

    assert answer.json()["a"] == {"x": 1}
