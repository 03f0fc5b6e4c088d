"""Aggregates: one answer made of several services' answers, as a graph of calls."""

import json
import os
import threading
import time

import msgpack
import pytest
from sluice import service
from sluice.aggregates import aggregate, asks, json_answer, results
from sluice.house import worked_example
from sluice.problems import assert_problem
from sluice.waiting import until

SERVICES = ("search", "scrape", "research")


# --- the worked example ---


@pytest.fixture(scope="module")
def example(shared_house):
    services = {name: shared_house.service(service.echo, name) for name in SERVICES}
    shared_house.services = services
    config = worked_example(**services)
    config["routes"].append({
        "path": "/api/v1/aggregated", "method": "POST",
        "calls": {
            "search": {"service": "search", "post": "/api/v1/search", "body": {"query": "$request.body.query", "num_results": 10}},
            "research": {"service": "research", "post": "/api/v1/research", "body": {"query": "$request.body.query"}}},
        "answer": {"search_results": "$search.body.results ?? []", "research": "$research.body.results ?? []"}})
    shared_house.gateway = shared_house.node(config)
    return shared_house


def test_the_worked_example(example):
    # given two services that answer with results of their own
    example.services["search"].behaviour = results('[{"id": 9223372036854775807, "p": 0.10}, "b"]')
    example.services["research"].behaviour = results('[1e400, {"z": 1, "a": 2}]')
    key = example.redis.provision("aggregated")

    # when both are asked through one endpoint
    answer = example.gateway.fetch("POST", "/api/v1/aggregated", body='{"query":"x"}', key=key)

    # then each got its own question, and each answer came through as it was
    assert answer.status == 200
    assert answer["content-type"] == "application/json"
    assert answer.body == (b'{"search_results":[{"id": 9223372036854775807, "p": 0.10}, "b"],'
                           b'"research":[1e400, {"z": 1, "a": 2}]}')
    asked = {name: example.services[name].last for name in ("search", "research")}
    assert (asked["search"].method, asked["search"].target) == ("POST", "/api/v1/search")
    assert json.loads(asked["search"].body) == {"query": "x", "num_results": 10}
    assert json.loads(asked["research"].body) == {"query": "x"}
    assert all(request["content-type"] == "application/json" for request in asked.values())
    assert answer["x-ratelimit-remaining"] == "99"


@pytest.mark.parametrize("body", ['{"service": "search"}', '{"results": null}', '{"results": []}'])
def test_a_part_without_results_is_an_empty_list(example, body):
    example.services["search"].behaviour = json_answer(body)
    example.services["research"].behaviour = results("[1]")
    key = example.redis.provision("empty")

    answer = example.gateway.fetch("POST", "/api/v1/aggregated", body='{"query":"x"}', key=key)

    assert answer.body == b'{"search_results":[],"research":[1]}'


def test_it_needs_a_key_with_the_right_to_every_service(example):
    for name in SERVICES:
        example.services[name].behaviour = results("[]")
    body = '{"query":"x"}'

    assert_problem(example.gateway.fetch("POST", "/api/v1/aggregated", body=body), 401)
    for services, status in (("search research", 200), ("search", 403), ("research scrape", 403), ("*", 200)):
        key = example.redis.provision(f"rights-{services}", services=services)
        asked = example.services["search"].count
        assert example.gateway.fetch("POST", "/api/v1/aggregated", body=body, key=key).status == status, services
        assert example.services["search"].count == asked + (status == 200)


def test_other_methods_are_405(example):
    key = example.redis.provision("methods")
    assert_problem(example.gateway.fetch("GET", "/api/v1/aggregated", key=key), 405)


def test_its_log_line_tells_what_happened(example):
    example.services["search"].behaviour = results("[]")
    example.services["research"].behaviour = service.answers(500)
    key = example.redis.provision("logged")

    answer = example.gateway.fetch("POST", "/api/v1/aggregated", body='{"query":"x"}', key=key)

    line = example.gateway.log_line(request_id=answer["x-request-id"])
    assert (line["status"], line["reason"], line["detail"]) == (200, "aggregated", "research:status")
    assert line["tries"] == 2
    assert line["upstream_ms"] > 0 and line["complete"] is True


def test_what_services_learn_of_the_caller(example):
    example.services["search"].behaviour = example.services["research"].behaviour = results("[]")
    key = example.redis.provision("identity", owner="acme", name="laptop")

    example.gateway.fetch("POST", "/api/v1/aggregated", body='{"query":"x"}', key=key, headers={
        "Accept": "text/html", "Accept-Encoding": "gzip", "If-None-Match": '"x"', "Range": "bytes=0-1", "Accept-Language": "de",
        "X-Consumer-Id": "somebody", "X-Request-Deadline-Ms": "5000"})

    search, research = example.services["search"].last, example.services["research"].last
    assert (search["x-consumer-id"], search["x-consumer-name"]) == ("acme", "laptop")
    assert search["x-api-key"] is None
    assert (search["accept"], search["accept-encoding"], search["accept-language"]) == ("application/json", "identity", "de")
    assert search["if-none-match"] is None and search["range"] is None
    assert search["x-request-id"] == research["x-request-id"]
    traces = [request["traceparent"].split("-") for request in (search, research)]
    assert traces[0][1] == traces[1][1] and traces[0][2] != traces[1][2]
    assert 0 < int(search["x-request-deadline-ms"]) <= 5000


# --- the graph ---


def waiting_chain(house, seconds):
    """a, then b with a's answer, then c with b's."""
    main = house.service(service.waits(seconds, asks(lambda request: {"value": request.target})))
    calls = {"c": {"get": "/c", "query": {"after": "$b.body.value"}}, "b": {"get": "/b", "query": {"after": "$a.body.value"}},
             "a": {"get": "/a"}}
    return main, aggregate(house, main, calls, {"value": "$c.body.value"})


def test_a_chain_takes_the_sum_whatever_the_order_in_the_file(house):
    main, gateway = waiting_chain(house, 0.15)

    begun = time.monotonic()
    answer = gateway.fetch()
    took = time.monotonic() - begun

    assert answer.json() == {"value": "/c?after=%2Fb%3Fafter%3D%252Fa"}
    assert [request.target[:2] for request in main.requests] == ["/a", "/b", "/c"]
    assert took >= 0.45


def test_ten_parallel_calls_take_the_slowest(house):
    together = threading.Barrier(10)

    def answers_when_all_are_there(request, wire):
        together.wait(20)
        return json_answer("1")(request, wire)
    main = house.service(answers_when_all_are_there)
    calls = {f"c{i}": {"get": f"/{i}"} for i in range(10)}
    gateway = aggregate(house, main, calls, {f"c{i}": f"$c{i}.body" for i in range(10)}, timeout="60s")

    assert gateway.fetch().json() == {f"c{i}": 1 for i in range(10)}


def test_a_call_starts_when_its_own_inputs_are_known(house):
    """b needs a only: it does not wait for the slow one beside them."""
    slow = threading.Event()

    def behaviour(request, wire):
        if request.target == "/slow":
            slow.wait(10)
        return wire.reply(200, "{}")
    main = house.service(behaviour)
    gateway = aggregate(house, main, {
        "slow": {"get": "/slow"}, "a": {"get": "/a"}, "b": {"get": "/b", "query": {"n": "$a.status"}}}, {"slow": "$slow.status", "b": "$b.status"})
    answers = []
    thread = threading.Thread(target=lambda: answers.append(gateway.fetch()))
    thread.start()

    until(lambda: any(request.target == "/b?n=200" for request in main.requests), "b waits for what it does not need")
    assert not answers
    slow.set()
    thread.join()
    assert answers[0].json() == {"slow": 200, "b": 200}


@pytest.mark.parametrize("body, called", [
    ('{"wanted": true}', True), ('{"wanted": 1}', True), ('{"wanted": "x"}', True), ('{"wanted": false}', False), ('{"wanted": null}', False),
    ('{"wanted": 0}', False), ('{"wanted": ""}', False), ("{}", False)])
def test_when_decides_whether_a_call_is_made(house, body, called):
    main = house.service(json_answer('"made"'))
    gateway = aggregate(house, main, {"a": {"get": "/a", "when": "$request.body.wanted", "default": "not made"}}, {"a": "$a.body"})

    answer = gateway.fetch("POST", body=body)

    assert answer.json() == {"a": "made" if called else "not made"}
    assert main.count == called


# --- for_each ---


def test_for_each_keeps_the_order_and_its_bound(house):
    # given a service that counts who is in at once, and answers the first elements last
    lock, inside, most, first_three = threading.Lock(), [0], [0], threading.Barrier(3)

    def behaviour(request, wire):
        number = int(request.target.rpartition("/")[2])
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        if number < 3:
            first_three.wait(20)
        time.sleep(0.06 - number * 0.003)
        with lock:
            inside[0] -= 1
        return wire.reply(200, json.dumps({"n": number, "index": request["x-index"]}))
    main = house.service(behaviour)
    gateway = aggregate(house, main, {"all": {
        "get": "/items/${item.id}", "headers": {"X-Index": "${index}"}, "for_each": "$request.body.items", "concurrency": 3}}, "$all.body")

    # when twelve are asked for
    answer = gateway.fetch("POST", body=json.dumps({"items": [{"id": n} for n in range(12)]}))

    # then they stand in order, and never more than three were under way
    assert answer.json() == [{"n": n, "index": str(n)} for n in range(12)]
    assert most[0] == 3


def test_an_element_that_fails_leaves_null_in_its_place(house):
    main = house.service(lambda request, wire: wire.reply(404 if request.target == "/2" else 200, json.dumps(request.target)))
    gateway = aggregate(house, main, {"all": {"get": "/${item}", "for_each": "$request.body"}}, {"all": "$all.body"})

    answer = gateway.fetch("POST", body="[1, 2, 3]").json()

    assert answer["all"] == ["/1", None, "/3"]
    part = answer["_meta"]["parts"]["all"]
    assert list(part) == ["status", "ms", "error", "failed", "of"]
    assert (part["status"], part["error"], part["failed"], part["of"]) == (404, "status", 1, 3)


@pytest.mark.parametrize("body, error", [('{"items": {"a": 1}}', "not_a_list"), ("{}", "not_a_list"), ('{"items": [1,2,3,4]}', "too_many")])
@pytest.mark.parametrize("required", [False, True])
def test_a_list_that_is_none_is_a_failed_part(house, body, error, required):
    main = house.service(json_answer("1"))
    gateway = aggregate(house, main, {"all": {
        "get": "/${item}", "for_each": "$request.body.items", "for_each_max": 3, "required": required, "default": "d"}}, {"all": "$all.body"})

    answer = gateway.fetch("POST", body=body)

    if required:
        assert assert_problem(answer, 400)["part"] == "all"
    else:
        assert answer.json()["all"] == "d"
        assert answer.json()["_meta"]["parts"]["all"]["error"] == error
    assert main.count == 0


def test_an_empty_list_asks_nobody(house):
    main = house.service(json_answer("1"))
    gateway = aggregate(house, main, {"all": {"get": "/${item}", "for_each": "$request.body"}}, {"all": "$all.body"})

    assert gateway.fetch("POST", body="[]").body == b'{"all":[]}'
    assert main.count == 0


# --- sharing ---


def test_identical_gets_of_one_request_are_one_call(house):
    main = house.service(service.waits(0.05, json_answer("7")))
    calls = {"a": {"get": "/same"}, "b": {"get": "/same"}, "c": {"get": "/same", "query": {"late": "${a.headers.nothing}"}},
             "other": {"get": "/same", "headers": {"X-Kind": "other"}}, "post": {"post": "/same", "body": {}}}
    gateway = aggregate(house, main, calls, {name: f"${name}.body" for name in calls})

    assert gateway.fetch().json() == dict.fromkeys(calls, 7)
    asked = sorted((request.method, request["x-kind"]) for request in main.requests if request["x-kind"] is None)
    # c needs a, whose answer is there by then; but a POST began after it, so it is asked anew
    assert asked == [("GET", None), ("GET", None), ("POST", None)]
    assert main.count == 4

    assert gateway.fetch().status == 200
    assert main.count == 8  # nothing is shared between requests


def test_repeated_elements_are_asked_for_once(house):
    main = house.service(asks(lambda request: request.target))
    gateway = aggregate(house, main, {"all": {"get": "/${item}", "for_each": "$request.body", "concurrency": 1}}, "$all.body")

    assert gateway.fetch("POST", body="[5, 6, 5, 5]").json() == ["/5", "/6", "/5", "/5"]
    assert main.count == 2


# --- deadlines ---


def test_the_deadline_is_told_and_shrinks_along_a_chain(house):
    main = house.service(service.waits(0.2, asks(lambda request: int(request["x-request-deadline-ms"]))))
    gateway = aggregate(house, main, {
        "a": {"get": "/a"}, "b": {"get": "/b", "query": {"n": "$a.status"}}, "short": {"get": "/c", "timeout": "5s"}},
        {name: f"${name}.body" for name in ("a", "b", "short")}, timeout="20s")

    left = gateway.fetch().json()

    assert left["b"] <= left["a"] - 200 <= 19800
    assert left["short"] <= 5000


def test_a_client_may_shorten_the_deadline_but_never_lengthen_it(house):
    main = house.service(asks(lambda request: int(request["x-request-deadline-ms"])))
    gateway = aggregate(house, main, {"a": {"get": "/a"}}, {"a": "$a.body"}, timeout="3s")

    for given, most in (("1000", 1000), ("99999999", 3000), ("0", 3000), ("soon", 3000), ("-1", 3000)):
        left = gateway.fetch(headers={"X-Request-Deadline-Ms": given}).json()["a"]
        assert most - 900 < left <= most, given


def test_the_whole_ends_with_its_deadline(house):
    main = house.service(service.hangs())
    gateway = aggregate(house, main, {"a": {"get": "/a"}, "b": {"get": "/b", "query": {"n": "$a.body"}}}, {"b": "$b.body ?? 5"}, timeout="200ms")

    begun = time.monotonic()
    answer = gateway.fetch().json()
    took = time.monotonic() - begun

    assert answer["b"] == 5
    assert {name: part["error"] for name, part in answer["_meta"]["parts"].items()} == {"a": "timeout", "b": "timeout"}
    assert took < 10  # a service that hangs does so for a minute
    until(lambda: main.count == 1, "it was not even asked")


def test_clients_that_grant_no_time_open_no_breaker(house):
    main = house.service(service.hangs())
    gateway = aggregate(house, main, {"a": {"get": "/a"}}, {"a": "$a.body"}, breaker={"failures": 2, "recovery": "30s"}, timeout="10s")

    for _ in range(6):
        assert gateway.fetch(headers={"X-Request-Deadline-Ms": "30"}).json()["_meta"]["parts"]["a"]["error"] == "timeout"

    assert house.redis.breaker_state("main") in ("closed", None)


# --- the client leaves, big parts ---


def test_a_client_that_leaves_calls_everything_off(house):
    main = house.service(service.hangs())
    calls = {f"c{i}": {"get": f"/{i}"} for i in range(5)}
    gateway = aggregate(house, main, calls, {name: f"${name}.body" for name in calls}, timeout="1h")

    with gateway.connect() as connection:
        connection.send(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
        until(lambda: main.count == 5, "the calls do not arrive")

    until(lambda: main.left == 5, lambda: f"only {main.left} of 5 calls were called off")
    line = gateway.log_line(reason="client_left")
    assert line["status"] == 499
    assert line["redis_ms"] == 0 < line["upstream_ms"], "what services take is told as their time, and not as that of Redis"


def test_a_required_failure_calls_the_others_off_at_once(house):
    main = house.service(lambda request, wire: service.hangs()(request, wire) if request.target == "/slow" else wire.reply(500))
    gateway = aggregate(house, main, {"slow": {"get": "/slow"}, "bad": {"get": "/bad", "required": True}}, {"slow": "$slow.body"}, timeout="1h")

    problem = assert_problem(gateway.fetch(), 502)

    assert (problem["part"], problem["service"], problem["error"]) == ("bad", "main", "Bad gateway")
    assert "500" in problem["detail"]
    until(lambda: main.left == 1, "the other call goes on")


def test_parts_are_bounded_whatever_services_send(house):
    endless = house.service(service.streams(1 << 30), "endless")
    chunked = house.service(service.sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"10000\r\n" + b"x" * 65536 + b"\r\n",
                                          then_close=False), "chunked")
    chunked.behaviour = endless_chunks
    config = {"services": {"endless": {"instances": [endless.url]}, "chunked": {"instances": [chunked.url]}},
              "workers": 1,
              "routes": [{"path": "/a", "auth": "none", "bytes": "1MiB",
                          "calls": {"a": {"service": "endless", "get": "/"}, "b": {"service": "chunked", "get": "/"}},
                          "answer": {"a": "$a.body ?? 1", "b": "$b.body ?? 2"}}]}
    gateway = house.node(config)
    gateway.fetch(target="/a")
    before = sum(gateway.resident_kib().values())

    for _ in range(20):
        answer = gateway.fetch(target="/a").json()
        assert (answer["a"], answer["b"]) == (1, 2)
        assert {part["error"] for part in answer["_meta"]["parts"].values()} == {"too_large"}

    if not os.environ.get("SLUICE_SANITIZER"):  # it keeps freed memory for a while
        assert sum(gateway.resident_kib().values()) - before < 16 * 1024


def endless_chunks(request, wire):
    wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        wire.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")


def test_a_large_answer_arrives_whole(house):
    big = json.dumps([f"element {n}" for n in range(60000)])
    main = house.service(json_answer(big))
    gateway = aggregate(house, main, {"a": {"get": "/a"}}, {"a": "$a.body"}, bytes="4MiB")

    assert gateway.fetch().body == b'{"a":' + big.encode() + b"}"


def test_an_answer_beyond_its_bound_is_502(house):
    main = house.service(json_answer(json.dumps("x" * 700)))
    gateway = aggregate(house, main, {"a": {"get": "/a"}}, {"a": "$a.body", "again": "$a.body"}, bytes="1KiB")

    assert_problem(gateway.fetch(), 502)


# --- what comes in ---


@pytest.mark.parametrize("content_type, body", [
    ("application/json", '{"q": "a b"}'), ("application/vnd.x+json", '{"q": "a b"}'), ("application/x-www-form-urlencoded", "q=a+b"),
    ("application/x-www-form-urlencoded", ' {"q": "a b"}'), (None, '{"q": "a b"}')])
def test_the_body_is_json_or_a_form(house, content_type, body):
    main = house.service(asks(lambda request: json.loads(request.body)))
    gateway = aggregate(house, main, {"a": {"post": "/", "body": {"q": "$request.body.q"}}}, "$a.body")

    answer = gateway.fetch("POST", body=body, headers={"Content-Type": content_type} if content_type else {})

    assert answer.json() == {"q": "a b"}


def test_the_body_may_be_messagepack(house):
    main = house.service(asks(lambda request: json.loads(request.body)))
    gateway = aggregate(house, main, {"a": {"post": "/", "body": {"q": "$request.body.q", "n": "$request.body.n"}}}, "$a.body")

    for name in ("application/msgpack", "application/vnd.msgpack", "application/x-msgpack"):
        answer = gateway.fetch("POST", body=msgpack.packb({"q": "ä", "n": [2**64 - 1, None]}), headers={"Content-Type": name})
        assert answer.json() == {"q": "ä", "n": [2**64 - 1, None]}
    problem = assert_problem(gateway.fetch("POST", body=b"\x82\xa1q\x01", headers={"Content-Type": "application/msgpack"}), 400)
    assert "byte 1" in problem["detail"]


def test_two_different_content_types_are_415_where_the_body_is_read(house):
    main = house.service(json_answer("1"))
    wanting = aggregate(house, main, {"a": {"post": "/", "body": {"b": "$request.body.b"}}}, "$a.body")
    careless = aggregate(house, main, {"a": {"get": "/"}}, "$a.body")
    two = [("Content-Type", "application/json"), ("Content-Type", "application/x-www-form-urlencoded")]

    assert_problem(wanting.fetch("POST", body="{}", headers=two), 415)
    assert main.count == 0
    assert careless.fetch("POST", body="{}", headers=two).status == 200
    assert wanting.fetch("POST", body="{}", headers=[two[0], two[0]]).status == 200


def test_what_elements_are_asked_with_is_bounded(house):
    """Each target is kept to the end of the request, for others that ask the same: a long one, thousands of times, is no request."""
    main = house.service(json_answer("1"))
    gateway = aggregate(house, main, {"a": {"get": "/${item}", "query": {"big": "$request.body.big"}, "for_each": "$request.body.items", "for_each_max": 10000,
                                            "concurrency": 64}}, {"a": "$a.body"}, bytes="64KiB")

    answer = gateway.fetch("POST", body=json.dumps({"big": "x" * 15000, "items": list(range(3000))})).json()

    assert (answer["a"][:4], answer["a"][4:]) == ([1] * 4, [None] * 2996)
    part = answer["_meta"]["parts"]["a"]
    assert (part["error"], part["failed"], part["of"]) == ("bad_input", 2996, 3000)
    assert main.count == 4


@pytest.mark.parametrize("field", [("Content-Encoding", "gzip"), ("Content-Type", "application/json; charset=iso-8859-1")])
def test_a_coded_body_is_415_where_it_is_wanted(house, field):
    main = house.service(json_answer("1"))
    wanting = aggregate(house, main, {"a": {"post": "/", "body": {"b": "$request.body.b ?? 1"}}}, "$a.body")
    careless = aggregate(house, main, {"a": {"get": "/"}}, "$a.body")

    assert_problem(wanting.fetch("POST", body="{}", headers=dict([field])), 415)
    assert main.count == 0
    assert careless.fetch("POST", body="{}", headers=dict([field])).body == b"1"
    assert wanting.fetch("POST", body="{}", headers={"Content-Encoding": "identity", "Content-Type": "application/json; charset=UTF-8"}).body == b"1"


@pytest.mark.parametrize("body", ["{", "[1,]", '{"a": NaN}', "\ufeff{}", '{"a": "\\ud800"}', "[" * 10000, "{} {}", "nonsense"])
def test_a_body_that_is_not_json_is_400_where_it_is_wanted(house, body):
    main = house.service(json_answer("1"))
    wanting = aggregate(house, main, {"a": {"post": "/", "body": {"q": "$request.query.q", "b": "$request.body.b ?? 1"}}}, "$a.body")
    careless = aggregate(house, main, {"a": {"get": "/"}}, "$a.body")

    problem = assert_problem(wanting.fetch("POST", body=body), 400)
    assert "byte" in problem["detail"]
    assert main.count == 0
    assert careless.fetch("POST", body=body).body == b"1"


def test_values_come_from_everywhere_in_the_request(house):
    main = house.service(service.echo)
    gateway = aggregate(house, main, {"a": {
        "put": "/users/${request.path.id}/x", "query": {"q": "${request.query.q}", "none": "$request.query.none", "text": "a b&c ${request.query.q}"},
        "headers": {"X-Tenant": "t-${request.headers.X-Tenant}", "X-None": "$request.headers.None", "Accept-Language": "en"},
        "body": {"method": "$request.method", "id": "$request.id", "owner": "$caller.owner ?? \"none\"", "key": "$request.headers.X-API-Key"}}},
        "$a.body", path="/a/{id}", method="POST", auth="key")
    key = house.redis.provision("everywhere", owner="acme")

    answer = gateway.fetch("POST", "/a/b%2Fc%20d?q=%26x%3D1", headers={"X-Tenant": "7", "Accept-Language": "de"}, key=key)

    asked = main.last
    assert asked.target == "/users/b%2Fc%20d/x?q=%26x%3D1&text=a%20b%26c%20%26x%3D1"
    assert (asked["x-tenant"], asked["x-none"], asked["accept-language"]) == ("t-7", None, "en")
    assert json.loads(asked.body) == {"method": "POST", "id": answer["x-request-id"], "owner": "acme", "key": None}


@pytest.mark.parametrize("written, text, passed_on", [
    ("two%0Alines%0D", "two\nlines\r", "two%0Alines%0D"), ("100%", "100%", "100%25"), ("%zz+%4", "%zz %4", "%25zz%20%254"), ("a%00b", "a\0b", "a%00b")])
def test_a_parameter_that_is_there_is_never_taken_for_a_missing_one(house, written, text, passed_on):
    main = house.service(json_answer("1"))
    gateway = aggregate(house, main, {"a": {"get": "/", "query": {"q": "$request.query.q"}}}, {"a": "$a.body", "q": "$request.query.q"})

    assert gateway.fetch(target=f"/a?q={written}").json() == {"a": 1, "q": text}
    assert main.last.target == f"/?q={passed_on}"


@pytest.mark.parametrize("value", [None, "", "..", ".", {"a": 1}])
def test_a_path_with_a_hole_or_a_way_out_is_not_asked_for(house, value):
    main = house.service(json_answer("1"))
    calls = {"a": {"get": "/users/${request.body.id}/x", "required": True}}
    gateway = aggregate(house, main, calls, "$a.body")

    answer = gateway.fetch("POST", body=json.dumps({"id": value}))

    if isinstance(value, dict):
        assert main.last.target == "/users/%7B%22a%22%3A%201%7D/x"
    else:
        assert assert_problem(answer, 400)["part"] == "a"
        assert main.count == 0


def test_no_value_brings_a_header_line_of_its_own(house):
    main = house.service(json_answer("1"))
    gateway = aggregate(house, main, {"a": {"get": "/", "headers": {"X-A": "$request.body.a"}}}, {"a": "$a.body"})

    answer = gateway.fetch("POST", body='{"a": "x\\r\\nX-Consumer-Id: root"}').json()

    assert answer["_meta"]["parts"]["a"]["error"] == "bad_input"
    assert main.count == 0


def test_head_asks_and_sends_no_body(house):
    main = house.service(json_answer("[1,2]"))
    gateway = aggregate(house, main, {"a": {"get": "/"}}, "$a.body", method="GET")

    answer = gateway.fetch("HEAD")

    assert (answer.status, answer.body, answer["content-length"]) == (200, b"", "5")


def test_numbers_order_and_duplicates_survive(house):
    text = '{"b": 18446744073709551616, "a": 0.10, "c": 1e400, "a": -0.0, "s": "\\u00e9\\/", "n": [1.0, {"z":1,"y":[ ]}]}'
    main = house.service(json_answer(text))
    gateway = aggregate(house, main, {"a": {"get": "/"}}, {"all": "$a.body", "part": "$a.body.n[-1]", "last": "$a.body.a"})

    assert gateway.fetch().body.decode() == '{"all":%s,"part":{"z":1,"y":[ ]},"last":-0.0}' % text


def test_per_service_limits_and_costs_are_charged(house):
    main = house.service(json_answer("1"))
    gateway = aggregate(house, main, {"a": {"get": "/a", "cost": 2}, "b": {"get": "/b"}}, ["$a.body", "$b.body"], auth="key", cost=3)
    key = house.redis.provision("costs", services="main", limit=11, window=3600, **{"limit:main": 7, "window:main": 3600})

    answers = [gateway.fetch(key=key) for _ in range(3)]

    # 3 + 2 + 0 units each of the key's limit, 2 + 1 of the service's
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[2].json()["violated_policies"] == ["key", "service"]
    assert main.count == 4


def for_each_node(house, main, **call):
    calls = {"all": {"get": "/${item}", "for_each": "$request.body", "concurrency": 64, **call}, "other": {"get": "/other"}}
    return aggregate(house, main, calls, {"all": "$all.body", "other": "$other.body"}, auth="key", method="POST", path="/a")


def test_each_element_is_paid_for(house):
    main = house.service(json_answer("1"))
    gateway = for_each_node(house, main)
    key = house.redis.provision("elements", services="main", limit=100, window=3600, **{"limit:main": 50, "window:main": 3600})

    def left(count):
        answer = gateway.fetch("POST", body=json.dumps(list(range(count))), key=key)
        limits = dict(part.strip().split(";")[0:2] for part in answer["ratelimit"].split(","))
        return answer.status, limits['"key"'], limits['"service"']

    assert left(1) == (200, "r=98", "r=48")  # one for the request, one for the element; of the service's the two calls
    assert left(0) == (200, "r=96", "r=46")  # the one that is taken with the request
    assert left(20) == (200, "r=75", "r=25")
    assert main.count == 2 + 1 + 21


@pytest.mark.parametrize("required", [False, True])
def test_elements_that_cannot_be_paid_for_are_not_asked(house, required):
    main = house.service(json_answer("1"))
    gateway = for_each_node(house, main, required=required, cost=2, default=["none"])
    key = house.redis.provision("poor", services="main", limit=10, window=3600)
    body = json.dumps(list(range(5)))

    assert gateway.fetch("POST", body="[1, 2, 3]", key=key)["x-ratelimit-remaining"] == "3"  # 1 + 3 * 2
    asked = main.count
    answer = gateway.fetch("POST", body=body, key=key)

    if required:
        problem = assert_problem(answer, 429)
        assert (problem["part"], problem["service"], problem["remaining"], problem["violated_policies"]) == ("all", "main", 0, ["key"])
        assert int(answer["retry-after"]) > 0
    else:
        assert answer.json()["all"] == ["none"]
        assert answer.json()["_meta"]["parts"]["all"]["error"] == "limited"
        assert answer["x-ratelimit-remaining"] == "0"
    assert not [request for request in main.requests[asked:] if request.target != "/other"]


def test_free_elements_count_as_one_call(house):
    main = house.service(json_answer("1"))
    gateway = for_each_node(house, main, cost=0)
    key = house.redis.provision("free", services="main", limit=10, window=3600, **{"limit:main": 10, "window:main": 3600})

    answer = gateway.fetch("POST", body=json.dumps(list(range(50))), key=key)

    assert (len(answer.json()["all"]), answer["x-ratelimit-remaining"]) == (50, "8")


def test_a_key_that_is_revoked_meanwhile_pays_for_nothing_more(house):
    redis = house.redis

    def behaviour(request, wire):
        if request.target == "/list":
            redis.client.hset(redis.record("meanwhile"), "enabled", 0)
        return wire.reply(200, "[1,2,3]")
    main = house.service(behaviour)
    gateway = aggregate(house, main, {"list": {"get": "/list"}, "all": {"get": "/${item}", "for_each": "$list.body"}}, {"all": "$all.body"}, auth="key")

    answer = gateway.fetch(key=redis.provision("meanwhile", services="main"))

    assert answer.json()["_meta"]["parts"]["all"]["error"] == "not_allowed"
    assert main.count == 1


def test_routes_without_a_key_have_nothing_to_pay_with(house):
    main = house.service(json_answer("1"))
    gateway = aggregate(house, main, {"all": {"get": "/${item}", "for_each": "$request.body"}}, {"all": "$all.body"})

    assert len(gateway.fetch("POST", body="[1,2,3]").json()["all"]) == 3


def test_services_are_counted_like_proxied_ones(house):
    main = house.service(json_answer("1"))
    gateway = aggregate(house, main, {"a": {"get": "/a"}, "b": {"get": "/b"}}, ["$a.body", "$b.body"])
    gateway.fetch()

    until(lambda: gateway.metrics().total("sluice_upstream_results_total", service="main", result="ok") == 2, "the calls are not counted")
