"""Front ends: one endpoint, several shapes of its answer, chosen by path, host, header or client hint."""

import json

import pytest
from sluice.aggregates import aggregate, json_answer

USER = {"id": 9007199254740993, "name": "Ada", "address": {"city": "London", "zip": "N1"}, "tags": [1, 2, 3, 4],
        "orders": [{"id": 1, "lines": [1, 2]}, {"id": 2, "lines": [3]}]}

SHAPES = {
    "tiny": {"path": "/tiny", "header": {"X-Tiny": "*"}, "select": ["id", "address.city"]},
    "mobile": {"header": {"X-Client": "mobile"}, "hint": "mobile", "drop": ["address"], "limit": {"tags": 2}, "rename": {"name": "title"}},
    "tv": {"host": "tv.example", "flatten": ["address"]},
    "web": {"header": {"X-Client": "web"}, "answer": {"who": "$user.body.name", "_links": {"self": "/users/${user.body.id}"}}},
}

MOBILE = {"id": USER["id"], "title": "Ada", "tags": [1, 2], "orders": USER["orders"]}
TV = {**{name: value for name, value in USER.items() if name != "address"}, "city": "London", "zip": "N1"}
WEB = {"who": "Ada", "_links": {"self": "/users/9007199254740993"}}
TINY = {"id": USER["id"], "address": {"city": "London"}}


@pytest.fixture(scope="module")
def gateway(shared_house):
    main = shared_house.service(json_answer(json.dumps(USER)), "user")
    return aggregate(shared_house, main, {"user": {"get": "/user"}}, "$user.body", path="/user/*", shapes=SHAPES)


@pytest.mark.parametrize("target, headers, host, wanted, vary", [
    ("/user", {}, "a", USER, "x-tiny, x-client, sec-ch-ua-mobile"),
    ("/user/tiny", {"X-Client": "mobile"}, "a", TINY, None),
    ("/user", {"X-Tiny": "anything"}, "a", TINY, "x-tiny"),
    ("/user/tinyx", {}, "a", USER, "x-tiny, x-client, sec-ch-ua-mobile"),
    ("/user", {"X-Client": "mobile"}, "a", MOBILE, "x-tiny, x-client, sec-ch-ua-mobile"),
    ("/user", {"x-client": " mobile "}, "a", MOBILE, "x-tiny, x-client, sec-ch-ua-mobile"),
    ("/user", {"Sec-CH-UA-Mobile": "?1"}, "a", MOBILE, "x-tiny, x-client, sec-ch-ua-mobile"),
    ("/user", {"Sec-CH-UA-Mobile": "?0"}, "a", USER, "x-tiny, x-client, sec-ch-ua-mobile"),
    ("/user", {}, "TV.example:8080", TV, "x-tiny, x-client, sec-ch-ua-mobile"),
    ("/user", {"X-Client": "mobile"}, "tv.example", MOBILE, "x-tiny, x-client, sec-ch-ua-mobile"),
    ("/user", {"X-Client": "web"}, "a", WEB, "x-tiny, x-client, sec-ch-ua-mobile"),
    ("/user", {"X-Client": "Web"}, "a", USER, "x-tiny, x-client, sec-ch-ua-mobile"),
])
def test_the_first_shape_that_fits_is_taken(gateway, target, headers, host, wanted, vary):
    answer = gateway.fetch(target=target, headers=headers, host=host)

    assert answer.json() == wanted
    assert answer["vary"] == vary
    assert answer["content-length"] == str(len(answer.body))


@pytest.mark.parametrize("lines, shape", [(["web", "web"], WEB), (["web", "mobile"], USER), (["mobile", "web"], USER)])
def test_a_field_that_says_two_things_chooses_no_shape(gateway, lines, shape):
    assert gateway.fetch(target="/user", headers=[("X-Client", line) for line in lines]).json() == shape


def test_numbers_survive_every_shape(house):
    main = house.service(json_answer('{"a":0.10,"b":{"c":1e400,"d":-0.0},"e":[18446744073709551616,1.0]}'))
    gateway = aggregate(house, main, {"m": {"get": "/"}}, "$m.body", shapes={
        "s": {"header": {"S": "*"}, "flatten": ["b"], "limit": {"e": 1}, "rename": {"a": "z"}}})

    assert gateway.fetch(headers={"S": "1"}).body == b'{"z":0.10,"c":1e400,"d":-0.0,"e":[18446744073709551616]}'


def test_a_failed_part_is_told_whatever_the_shape_leaves(house):
    main = house.service(json_answer("{}", 500))
    gateway = aggregate(house, main, {"m": {"post": "/"}}, {"a": 1, "b": "$m.body"}, shapes={"s": {"header": {"S": "*"}, "select": ["a"]}})

    answer = gateway.fetch(headers={"S": "1"}).json()

    assert list(answer) == ["a", "_meta"]
    assert answer["_meta"]["parts"]["m"]["error"] == "status"


def asked_for(house, headers):
    """Names of the calls that one request makes, and its answer."""
    main = house.service(json_answer('{"id":7}'))
    calls = {"user": {"get": "/user"}, "orders": {"get": "/orders/${user.body.id}"}, "offers": {"get": "/offers"},
             "must": {"get": "/must", "required": True}, "seen": {"post": "/seen"}}
    gateway = aggregate(house, main, calls, {"user": "$user.body", "orders": "$orders.body", "offers": "$offers.body"}, shapes={
        "small": {"header": {"S": "small"}, "drop": ["orders", "offers"]}, "orders": {"header": {"S": "orders"}, "select": ["orders"]},
        "own": {"header": {"S": "own"}, "answer": {"of": "$offers.body"}}, "none": {"header": {"S": "none"}, "answer": {"ok": True}}})
    answer = gateway.fetch(headers=headers)
    return sorted(request.target.split("/")[1] for request in main.requests), answer.body


@pytest.mark.parametrize("shape, calls, body", [
    (None, ["must", "offers", "orders", "seen", "user"], b'{"user":{"id":7},"orders":{"id":7},"offers":{"id":7}}'),
    ("small", ["must", "seen", "user"], b'{"user":{"id":7}}'),
    ("orders", ["must", "orders", "seen", "user"], b'{"orders":{"id":7}}'),  # user: orders are asked for with its answer
    ("own", ["must", "offers", "seen"], b'{"of":{"id":7}}'),
    ("none", ["must", "seen"], b'{"ok":true}')])
def test_nobody_is_asked_for_what_the_shape_does_not_show(house, shape, calls, body):
    """Required calls are made always, and so is what is no GET: it is made for what it does."""
    assert asked_for(house, {"S": shape} if shape else {}) == (calls, body)


def test_rights_and_costs_are_those_of_the_calls_that_are_made(house):
    main, other = house.service(json_answer("1"), "main"), house.service(json_answer("2"), "other")
    node = house.node({"services": {"main": {"instances": [main.url]}, "other": {"instances": [other.url]}}, "routes": [{
        "path": "/a", "calls": {"a": {"service": "main", "get": "/a", "cost": 2}, "b": {"service": "other", "get": "/b", "cost": 5}},
        "answer": {"a": "$a.body", "b": "$b.body"},
        "shapes": {"small": {"header": {"S": "small"}, "drop": "b"}, "none": {"header": {"S": "none"}, "answer": {}}}}]})
    key = house.redis.provision("narrow", services="main", limit=10, window=3600)
    both = house.redis.provision("both", services="main other", limit=10, window=3600)

    def left(key, **headers):
        answer = node.fetch(target="/a", key=key, headers=headers)
        return answer.status, answer["x-ratelimit-remaining"]

    assert left(key)[0] == 403
    assert left(key, S="small") == (200, "7")  # 1 for the route, 2 for the call
    assert left(key, S="none")[0] == 403  # nobody is asked, and the endpoint is still not the key's
    assert left(both) == (200, "2")
    assert left(both, S="none") == (200, "1")


@pytest.mark.parametrize("answer, told", [("$m.body", "null"), ({}, None), ([1], "[1]"), ({"_meta": "mine"}, '{"_meta":"mine"}')])
def test_meta_goes_into_objects_that_have_none(house, answer, told):
    main = house.service(json_answer("{}", 500))
    body = aggregate(house, main, {"m": {"post": "/"}}, answer).fetch().body.decode()

    assert body == told if told is not None else body.startswith('{"_meta":{"parts":{"m":{"status":500,"ms":')


def test_meta_can_be_switched_off(house):
    main = house.service(json_answer("{}", 500))
    assert aggregate(house, main, {"m": {"get": "/"}}, {"m": "$m.body"}, meta=False).fetch().body == b'{"m":null}'


def test_a_problem_varies_too(house):
    main = house.service(json_answer("{}", 500))
    gateway = aggregate(house, main, {"m": {"get": "/", "required": True}}, {"m": "$m.body"}, shapes={"s": {"header": {"S": "*"}, "drop": ["m"]}})

    answer = gateway.fetch()

    assert (answer.status, answer["vary"]) == (502, "s")
