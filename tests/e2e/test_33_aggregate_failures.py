"""The truth table of aggregates: what becomes of the answer when parts of it fail, for every combination of three parts."""

import concurrent.futures
import itertools
import json
import os
import random
import re
import threading

import pytest
from sluice import service
from sluice.aggregates import json_answer
from sluice.waiting import until

LONG = os.environ.get("SLUICE_LONG")
ROUTES_PER_NODE = 900

# outcome -> what _meta says of it, the answer when it was required, how soon it is known
OUTCOMES = {
    "ok": None,
    "bad": ('{"status":500,"ms":0,"error":"status"}', 502, 1),
    "slow": ('{"status":null,"ms":0,"error":"timeout"}', 504, 2),
    "garbage": ('{"status":200,"ms":0,"error":"not_json"}', 502, 1),
    "open": ('{"status":null,"ms":0,"error":"breaker_open"}', 503, 0),
}
KINDS = {"required": {"required": True}, "optional": {}, "default": {"default": {"d": 0.10}}}
GOOD, DEFAULT = '{"id":9007199254740993,"p":0.10}', '{"d":0.1}'
PARTS = "abc"


def wanted_cases():
    every = list(itertools.product(itertools.product(OUTCOMES, repeat=3), itertools.product(KINDS, repeat=3)))
    if LONG:
        return every
    # all outcomes with three parts of one kind, and some of each mixture
    uniform = [case for case in every if len(set(case[1])) == 1]
    chosen = random.Random(33)
    mixed = [(chosen.choice(every)[0], kinds) for kinds in itertools.product(KINDS, repeat=3) if len(set(kinds)) > 1 for _ in range(8)]
    return uniform + sorted(set(mixed))


CASES = wanted_cases()


def path(case):
    return "/" + "/".join(case[0]) + "/" + "/".join(case[1])


def service_of(case, part):
    """Where another part decides before any time is over, the slow one is given time without end: which comes first is no matter of speed then."""
    outcome = dict(zip(PARTS, case[0]))[part]
    return "endless" if outcome == "slow" and deciding(*case) and part not in deciding(*case) else outcome


def route(case):
    calls = {part: {"service": service_of(case, part), "get": f"/{part}", **KINDS[kind]} for part, kind in zip(PARTS, case[1])}
    return {"path": path(case), "auth": "none", "calls": calls, "answer": {part: f"${part}.body" for part in PARTS}}


@pytest.fixture(scope="module")
def answers(shared_house):
    """All of them asked at once: what takes time is only what shall time out."""
    house = shared_house
    behaviours = {"ok": json_answer(GOOD), "bad": json_answer('{"error": "no"}', 500), "slow": service.hangs(), "endless": service.hangs(),
                  "garbage": service.answers(200, "<html>"), "open": json_answer("1", 500)}
    services = {name: {"instances": [house.service(behaviour, name).url], "breaker": "off"} for name, behaviour in behaviours.items()}
    services["slow"]["timeouts"] = {"total": "500ms"}
    services["endless"]["timeouts"] = {"total": "5m"}
    services["open"]["breaker"] = {"failures": 1, "recovery": "1h"}
    found = {}
    for start in range(0, len(CASES), ROUTES_PER_NODE):
        cases = CASES[start:start + ROUTES_PER_NODE]
        node = house.node({"workers": 1, "services": services,
                           "routes": [route(case) for case in cases] + [{"path": "/open", "service": "open", "auth": "none"}]})
        until(lambda: node.fetch(target="/open").status == 503, "the breaker stays closed")
        with concurrent.futures.ThreadPoolExecutor(24) as pool:
            found.update(zip(cases, pool.map(lambda case: node.fetch(target=path(case), timeout=30), cases)))
        again = [case for case in cases if is_overtaken(case, found[case])]
        found.update({case: node.fetch(target=path(case), timeout=30) for case in again})
    return found


def is_overtaken(case, answer):
    """Where all were asked at once on a machine that stood still, a deadline may come before another part's answer; alone it cannot."""
    required = deciding(*case)
    return bool(required) and answer.status == OUTCOMES["slow"][1] and OUTCOMES["slow"][1] not in required.values()


def deciding(outcomes, kinds):
    """The parts of which one decides the answer: required ones whose failure is known first."""
    failed = {part: OUTCOMES[outcome] for part, outcome, kind in zip(PARTS, outcomes, kinds) if kind == "required" and outcome != "ok"}
    first = min((rank for _, _, rank in failed.values()), default=None)
    return {part: status for part, (_, status, rank) in failed.items() if rank == first}


def golden(outcomes, kinds):
    values = [f'"{part}":' + (GOOD if outcome == "ok" else DEFAULT if kind == "default" else "null")
              for part, outcome, kind in zip(PARTS, outcomes, kinds)]
    meta = [f'"{part}":{OUTCOMES[outcome][0]}' for part, outcome in zip(PARTS, outcomes) if outcome != "ok"]
    return "{" + ",".join(values + (['"_meta":{"parts":{' + ",".join(meta) + "}}"] if meta else [])) + "}"


@pytest.mark.parametrize("case", CASES, ids=path)
def test_every_combination_has_its_answer(answers, case):
    answer, required = answers[case], deciding(*case)

    if required:
        problem = answer.json()
        assert answer["content-type"] == "application/problem+json"
        assert problem["part"] in required
        assert answer.status == problem["status"] == required[problem["part"]]
        assert problem["service"] == service_of(case, problem["part"])
        assert (answer["retry-after"] is not None) == (answer.status == 503)
    else:
        assert answer.status == 200
        assert re.sub(r'"ms":\d+', '"ms":0', answer.body.decode()) == golden(*case)


# --- memory ---


@pytest.mark.parametrize("method, body, headers", [
    ("post", {"text": "$request.body.text", "of": "$item"}, []), ("get", None, [(f"X-Long-{i}", "x" * 7000) for i in range(4)])], ids=["bodies", "fields"])
def test_what_a_call_sent_is_given_up_when_it_has_ended(house, method, body, headers):
    """One request, many calls, each of which sends all that the client sent: no more is held than what is under way."""
    count, held = 400, threading.Event()

    def answers(request, wire):
        if request.target.endswith(f"/{count - 1}"):
            held.wait(60)
        return wire.reply(200, "1", [("Content-Type", "application/json")])

    call = {"service": "main", method: "/p/${item}", "for_each": "$request.body.list", "for_each_max": count, **({"body": body} if body else {})}
    main = house.service(answers)
    node = house.node({"workers": 1, "services": {"main": {"instances": [main.url]}},
                       "routes": [{"path": "/a", "auth": "none", "calls": {"p": call}, "answer": {"p": "$p.body"}}]})
    asked = json.dumps({"list": list(range(count)), "text": "x" * (200000 if body else 1)})
    before = sum(node.resident_kib().values())
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(node.fetch, "POST", "/a", [("Content-Type", "application/json"), *headers], asked, timeout=60)
        try:
            until(lambda: main.count == count, lambda: f"{main.count} calls", seconds=30)
            grown = sum(node.resident_kib().values()) - before
        finally:
            held.set()
        assert answer.result().json() == {"p": [1] * count}
    if not os.environ.get("SLUICE_SANITIZER"):  # it keeps freed memory for a while
        assert grown < 8192


MANY = "[" + "1," * 98999 + "1]"  # its index takes 2.8 MB


def test_the_budget_of_bodies_knows_what_reading_one_costs(house):
    """A body of small values makes an index that is fourteen times the body."""
    main = house.service(service.hangs())
    node = house.node({"workers": 1, "services": {"main": {"instances": [main.url]}}, "routes": [
        {"path": "/a", "auth": "none", "timeout": "3s", "calls": {"p": {"service": "main", "get": "/p", "default": 1}}, "answer": ["$request.body[0]", "$p.body"]}]})
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(node.fetch, "POST", "/a", [("Content-Type", "application/json")], MANY, timeout=30)
        until(lambda: node.metrics().total("sluice_request_body_bytes") > 2 << 20, lambda: node.metrics().total("sluice_request_body_bytes"), seconds=2)
        assert answer.result().json()[0] == 1
    until(lambda: node.metrics().total("sluice_request_body_bytes") == 0, "still counted")


@pytest.mark.parametrize("held", ["body", "part"])
def test_indexes_of_all_that_run_are_bounded_together(house, held):
    """While one request holds most of limits.bodies, the next one that would exceed it is sent away; small ones are not."""
    release, hits = threading.Event(), []

    def waits(request, wire):
        hits.append(request.target)
        if request.target == "/hold":
            release.wait(60)
        return wire.reply(200, MANY if request.target == "/many" else "1", [("Content-Type", "application/json")])

    main = house.service(waits)
    call = {"service": "main"}
    node = house.node({"workers": 1, "limits": {"bodies": "4MiB"}, "services": {"main": {"instances": [main.url]}}, "routes": [
        {"path": "/a", "auth": "none", "calls": {"p": {**call, "get": "/${request.query.p}"}, "q": {**call, "get": "/${request.query.q}", "when": "$p.status"}},
         "answer": {"q": "$q.body", "first": "$request.body[0]"}}]})

    def ask(p, q, body):
        return node.fetch("POST", f"/a?p={p}&q={q}", [("Content-Type", "application/json")], body, timeout=60)

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask, *(("one", "hold", MANY) if held == "body" else ("many", "hold", "[1]")))
        try:
            until(lambda: "/hold" in hits, lambda: hits)
            refused, small = ask("one", "one", MANY), ask("one", "one", "[1]")
        finally:
            release.set()
        assert answer.result().json() == {"q": 1, "first": 1}
    assert (refused.status, refused.json()["type"].rsplit(":", 1)[-1], refused["retry-after"]) == (503, "overloaded", "1")
    assert small.json() == {"q": 1, "first": 1}
    assert ask("one", "one", MANY).json() == {"q": 1, "first": 1}


def test_a_body_of_too_many_values_is_refused(house):
    node = house.node({"workers": 1, "services": {"main": {"instances": [house.service(json_answer("1")).url]}}, "routes": [
        {"path": "/a", "auth": "none", "calls": {"p": {"service": "main", "get": "/p"}}, "answer": {"p": "$request.body[0]"}}]})
    answer = node.fetch("POST", "/a", [("Content-Type", "application/json")], "[" + "1," * 99999 + "1]")
    assert answer.status == 400
    assert "too many values" in answer.json()["detail"]


@pytest.mark.parametrize("wanted", [False, True], ids=["unasked", "wanted"])
def test_heads_of_answers_are_held_within_bounds(house, wanted):
    """Where nobody refers to fields they are not kept, else they count towards `bytes`."""
    count, last, release = 500, threading.Event(), threading.Event()

    def answers(request, wire):
        if request.target.endswith(f"/{count - 1}"):
            last.set()
            release.wait(60)
        return wire.reply(200, "1", [("Content-Type", "application/json"), *((f"X-Long-{i}", "x" * 7000) for i in range(6))])

    main = house.service(answers)
    call = {"service": "main", "get": "/p/${item}", "for_each": "$request.body", "for_each_max": count}
    node = house.node({"workers": 1, "services": {"main": {"instances": [main.url], "breaker": "off"}}, "routes": [
        {"path": "/a", "auth": "none", "timeout": "50s", "calls": {"p": call}, "answer": {"p": "$p.body", **({"type": "$p.headers.Content-Type"} if wanted else {})}}]})
    before = sum(node.resident_kib().values())
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(node.fetch, "POST", "/a", [("Content-Type", "application/json")], json.dumps(list(range(count))), timeout=60)
        try:
            assert last.wait(40)
            grown = sum(node.resident_kib().values()) - before
        finally:
            release.set()
        told = answer.result().json()
    if wanted:
        assert told["_meta"]["parts"]["p"]["error"] == "too_large"
        assert 10 < told["p"].count(1) < 30
    else:
        assert told == {"p": [1] * count}
    if not os.environ.get("SLUICE_SANITIZER"):
        assert grown < 8192
