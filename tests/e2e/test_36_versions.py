"""Versions of a route: what tells them, what is told of their lives, old clients on a new service, who still calls."""

import datetime
import http.client
import json
import os
import subprocess
import time

import pytest
from sluice import node as nodes
from sluice.problems import assert_problem
from sluice.waiting import until

DAY = 86400
NOW = int(time.time())


def http_date(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")


class Versioned:
    """A node with one route of several versions; v1 has a service of its own."""

    def __init__(self, house, versions, path="/api/*", auth="none", **route):
        self.new, self.old = house.service(name="new"), house.service(name="old")
        self.node = house.node({"services": {"new": {"instances": [self.new.url]}, "old": {"instances": [self.old.url]}},
                                "routes": [{"name": "api", "path": path, "service": "new", "auth": auth, "versions": versions, **route}]})

    def get(self, target="/api/x", headers=(), **options):
        return self.node.fetch("GET", target, headers, **options)

    def served_by(self, *arguments, **options):
        answer = self.get(*arguments, **options)
        assert answer.status == 200, answer
        return answer.json()["service"]


OLD_AND_NEW = {"1": {"service": "old"}, "2": {}}


# --- what tells the version ---


def test_by_header(house):
    api = Versioned(house, {"by": "header", "list": OLD_AND_NEW, "initial": "1"})
    assert api.served_by() == "old"
    assert api.served_by(headers=[("api-version", "2")]) == "new"
    assert api.served_by(headers=[("API-Version", " 1 ")]) == "old"
    assert api.get(headers=[("API-Version", "2")])["vary"] == "API-Version"
    problem = assert_problem(api.get(headers=[("API-Version", "9")]), 400)
    assert "'9'" in problem["detail"] and "1, 2." in problem["detail"] and "API-Version" in problem["detail"]
    assert_problem(api.get(headers=[("API-Version", "v2")]), 400)
    assert_problem(api.get(headers=[("API-Version", "")]), 400)


@pytest.mark.parametrize("lines, status", [
    (["1", "2"], 400), (["2", "1"], 400), (["1", ""], 400), (["1", "1"], 200), (["1", " 1"], 200)])
def test_two_different_versions_in_header_lines_are_none(house, lines, status):
    """Which of them counts would be for each reader to guess."""
    api = Versioned(house, {"by": "header", "list": OLD_AND_NEW, "initial": "1"})
    answer = api.get(headers=[("API-Version", line) for line in lines])
    assert answer.status == status
    if status == 400:
        assert assert_problem(answer, 400)["detail"] == "The request names two different versions of this endpoint."
    assert api.old.count == (status == 200) and api.new.count == 0


@pytest.mark.parametrize("query, status", [
    ("version=1&version=2", 400), ("a=b&version=1&c=d&version=2", 400), ("version=1&version", 400), ("version=1&version=%31", 200), ("version=1&Version=2", 200)])
def test_two_different_versions_in_the_query_are_none(house, query, status):
    api = Versioned(house, {"by": "query", "list": OLD_AND_NEW})
    assert api.get(f"/api/x?{query}").status == status
    assert api.old.count == (status == 200) and api.new.count == 0


def test_accept_may_come_in_several_lines(house):
    api = Versioned(house, {"by": "media_type", "list": OLD_AND_NEW, "initial": "2"})
    assert api.served_by(headers=[("Accept", "text/html"), ("Accept", "application/json;version=1")]) == "old"
    assert api.served_by(headers=[("Accept", "application/json;version=1;q=0.5"), ("Accept", "application/json;version=2")]) == "new"


def test_without_an_initial_version_one_must_be_named(house):
    api = Versioned(house, {"by": "header", "name": "X-V", "list": OLD_AND_NEW})
    problem = assert_problem(api.get(), 400)
    assert "'X-V'" in problem["detail"] and "1, 2." in problem["detail"]
    assert api.served_by(headers=[("X-V", "2")]) == "new"


def test_by_query(house):
    api = Versioned(house, {"by": "query", "list": {"2024-06-01": {"service": "old"}, "2025-01-01": None}, "initial": "2025-01-01"})
    assert api.served_by("/api/x?version=2024-06-01") == "old"
    assert api.served_by("/api/x?a=1&version=2024%2D06-01") == "old"
    assert api.served_by("/api/x?Version=2024-06-01") == "new"
    assert api.get("/api/x?version=2024-06-01")["vary"] is None
    assert_problem(api.get("/api/x?version=2024"), 400)


@pytest.mark.parametrize("accept, wanted", [
    ("application/json;version=1", "old"), ("application/json; version=2", "new"), ('application/json;version="1"', "old"),
    ("application/vnd.acme.v1+json", "old"), ("text/html, application/vnd.acme.v2+json;q=0.5", "new"), ("application/json", "new"), (None, "new")])
def test_by_media_type(house, accept, wanted):
    api = Versioned(house, {"by": "media_type", "list": OLD_AND_NEW, "initial": "2"})
    headers = [("Accept", accept)] if accept else []
    assert api.served_by(headers=headers) == wanted
    assert api.get(headers=headers)["vary"] == "Accept"
    assert_problem(api.get(headers=[("Accept", "application/vnd.acme.v3+json")]), 400)


def test_by_path_the_segment_stays_or_goes(house):
    kept = Versioned(house, {"by": "path", "list": {"v1": {"service": "old"}, "v2": {}}}, "/api/{version}/*")
    cut = Versioned(house, {"by": "path", "segment": "cut", "list": {"v1": {"service": "old"}, "v2": {}}}, "/api/{version}/*",
                    strip_prefix="/api", prefix="/v2")
    for api, v1, v2 in ((kept, "/api/v1/a/b?c=1", "/api/v2/a/b?c=1"), (cut, "/v2/a/b?c=1", "/v2/a/b?c=1")):
        assert api.served_by("/api/v1/a/b?c=1") == "old"
        assert api.old.last.target == v1
        assert api.served_by("/api//v2/./a/b?c=1") == "new"
        assert api.new.last.target == v2
        problem = assert_problem(api.get("/api/v3/a"), 404)
        assert "v1, v2." in problem["detail"]


def test_a_version_of_its_own_service_needs_the_right_to_that_service(house):
    api = Versioned(house, {"by": "header", "list": OLD_AND_NEW, "initial": "1"}, auth="key")
    house.redis.provision("only-new", services="new")
    assert api.get(headers=[("API-Version", "2")], key="only-new").status == 200
    assert assert_problem(api.get(key="only-new"), 403)["service"] == "old"


# --- lives ---


def test_every_answer_tells_the_version_s_life(house):
    deprecated, sunset = NOW - 10 * DAY, NOW + 10 * DAY
    api = Versioned(house, {"by": "header", "initial": "1", "list": {
        "1": {"deprecated": deprecated, "sunset": sunset, "successor": "https://a.test/v2", "documentation": "https://a.test/docs"}, "2": {}}}, auth="key")
    house.redis.provision("good")

    for got, status in ((api.get(key="good"), 200), (api.get(), 401)):
        assert got.status == status
        assert got["deprecation"] == f"@{deprecated}"
        assert got["sunset"] == http_date(sunset)
        assert got["link"] == '<https://a.test/v2>; rel="successor-version", <https://a.test/docs>; rel="deprecation"'
    got = api.get(headers=[("API-Version", "2")], key="good")
    assert [got[name] for name in ("deprecation", "sunset", "link")] == [None] * 3


def test_after_its_sunset_a_version_is_gone(house):
    api = Versioned(house, {"by": "header", "initial": "1", "list": {"1": {"sunset": NOW - 1, "successor": "/v2"}, "2": {}}}, auth="key")
    got = api.get()
    assert_problem(got, 410)  # before anybody asks for the key
    assert (got["sunset"], got["retry-after"], got["link"]) == (http_date(NOW - 1), None, '</v2>; rel="successor-version"')
    assert api.new.count == api.old.count == 0
    assert "is one of: 2." in assert_problem(api.get(headers=[("API-Version", "3")]), 400)["detail"]


def test_it_ends_while_the_node_runs(house):
    end = int(time.time()) + 2
    api = Versioned(house, {"by": "header", "initial": "1", "list": {"1": {"sunset": end}}})
    assert api.get().status == 200
    until(lambda: api.get().status == 410, "the version is not gone")
    assert time.time() >= end


@pytest.mark.parametrize("share, fewest, most", [("100%", 40, 40), ("0%", 0, 0), ("50%", 3, 37)])
def test_brown_outs_refuse_a_share(house, share, fewest, most):
    brownout = {"from": NOW - 60, "to": NOW + 3600, "share": share}
    api = Versioned(house, {"by": "header", "initial": "1", "list": {"1": {"sunset": NOW + DAY, "brownouts": [brownout]}}})
    answers = [api.get() for _ in range(40)]
    refused = [answer for answer in answers if answer.status == 410]
    assert fewest <= len(refused) <= most
    assert all(answer.status == 200 for answer in answers if answer not in refused)
    for answer in refused[:1]:
        assert assert_problem(answer, 410)["retry_after"] in range(3000, 3601)
    assert api.new.count == 40 - len(refused)


def test_no_brown_out_before_or_after(house):
    around = [{"from": NOW - 100, "to": NOW - 50}, {"from": NOW + 1000, "to": NOW + 2000}]
    api = Versioned(house, {"by": "header", "initial": "1", "list": {"1": {"brownouts": around}}})
    assert [api.get().status for _ in range(10)] == [200] * 10


# --- old clients on a new service ---


def shop(request, wire):
    """Version 2 alone: names in two parts, prices in cents, everything in `data`."""
    if request.target != "/v2/orders?page_size=5":
        return wire.reply(404, '{"error":"no such thing"}', [("Content-Type", "application/json")])
    order = json.loads(request.body)
    if set(order) != {"customer", "items", "currency"} or "given" not in order["customer"]:
        return wire.reply(422, '{"error":"not version 2"}', [("Content-Type", "application/json")])
    answer = {"data": {"order_id": 9007199254740993, "customer": order["customer"], "items": order["items"], "trace": "x"}}
    return wire.reply(201, json.dumps(answer), [("Content-Type", "application/json"), ("ETag", '"7"')])


@pytest.fixture
def bridge(house):
    main = house.service(shop)
    first = {
        "deprecated": NOW - DAY, "sunset": NOW + DAY, "successor": "/v2/orders",
        "transform": {
            "query": {"rename": {"limit": "page_size"}},
            "request": [{"move": "name", "to": "customer.given"}, {"rename": "lines", "to": "items"}, {"rename": "items[*].qty", "to": "count"},
                        {"default": "currency", "value": "EUR"}],
            "response": [{"unwrap": "data"}, {"rename": "order_id", "to": "id"}, {"move": "customer.given", "to": "name"},
                         {"remove": ["customer", "trace"]}, {"rename": "items[*].count", "to": "qty"}, {"rename": "items", "to": "lines"}]}}
    return house.node({"services": {"main": {"instances": [main.url]}},
                       "routes": [{"path": "/{version}/orders", "service": "main", "auth": "none", "prefix": "/v2",
                                   "versions": {"by": "path", "segment": "cut", "list": {"v1": first, "v2": {}}}}]})


ORDER_1 = {"name": "Ada", "lines": [{"qty": 2, "sku": "a"}, {"qty": 1, "sku": "b"}]}
ANSWER_1 = {"id": 9007199254740993, "lines": ORDER_1["lines"], "name": "Ada"}


def test_two_real_clients_of_version_1_live_on_version_2(bridge):
    address = "127.0.0.1:%d" % bridge.address[1]

    # curl
    run = subprocess.run(["curl", "-sS", "-D", "/dev/stderr", "-H", "Content-Type: application/json", "-d", json.dumps(ORDER_1),
                          "--compressed", f"http://{address}/v1/orders?limit=5"], capture_output=True, text=True, check=True, timeout=20)
    assert json.loads(run.stdout) == ANSWER_1
    assert f"Sunset: {http_date(NOW + DAY)}" in run.stderr

    # http.client, twice over one connection
    client = http.client.HTTPConnection(address, timeout=20)
    for _ in range(2):
        client.request("POST", "/v1/orders?limit=5", json.dumps(ORDER_1), {"Content-Type": "application/json"})
        answer = client.getresponse()
        body = answer.read()
        assert (answer.status, json.loads(body)) == (201, ANSWER_1)
        assert int(answer.headers["Content-Length"]) == len(body) and answer.headers["ETag"] == 'W/"7"'
        assert answer.headers["Deprecation"] == f"@{NOW - DAY}"
    client.close()

    # and version 2 itself, untouched
    order = {"customer": {"given": "Ada"}, "items": [], "currency": "EUR"}
    got = bridge.fetch("POST", "/v2/orders?page_size=5", [("Content-Type", "application/json")], json.dumps(order))
    assert (got.status, got["etag"], got.json()["data"]["trace"], got["deprecation"]) == (201, '"7"', "x", None)


# --- who still calls ---


def versions_of(node, *options):
    run = subprocess.run([nodes.binary(), "versions", "-c", node.config_path, *options], capture_output=True, text=True,
                         timeout=20, env={**os.environ})
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_who_still_calls_is_counted_per_key(house):
    redis = house.private_redis()
    old, new = house.service(name="old"), house.service(name="new")
    node = house.node({"redis": {"url": redis.url, "timeout": "1s"}, "services": {"old": {"instances": [old.url]}, "new": {"instances": [new.url]}},
                       "routes": [{"name": "api", "path": "/api/*", "service": "new",
                                   "versions": {"by": "header", "initial": "1", "list": OLD_AND_NEW}},
                                  {"name": "open", "path": "/open/*", "service": "new", "auth": "none",
                                   "versions": {"by": "query", "initial": "1", "list": {"1": {}}}}]})
    redis.provision("ann", owner="Ann & Co")
    redis.provision("bob", owner="bob")
    for key, version, times in (("ann", "1", 3), ("bob", "1", 1), ("ann", "2", 2)):
        for _ in range(times):
            assert node.fetch("GET", "/api/x", [("API-Version", version)], key=key).status == 200
    assert node.fetch("GET", "/api/x", key="stranger").status == 401
    assert node.fetch("GET", "/open/x").status == 200

    def told():
        rows = json.loads(versions_of(node, "--json"))
        return rows if [row["requests"] for row in rows] == [4, 2, 1] else None
    rows = until(told, "not all calls are counted")

    assert [(row["route"], row["version"], row["keys"]) for row in rows] == [("api", "1", 2), ("api", "2", 1), ("open", "1", 0)]
    callers = {caller["owner"]: caller["requests"] for caller in rows[0]["callers"]}
    assert callers == {"Ann & Co": 3, "bob": 1}
    assert all(abs(row["last_s"] - time.time()) < 60 for row in rows)
    assert rows[2]["callers"] == []
    table = versions_of(node)
    assert "Ann & Co" in table and rows[0]["callers"][0]["id"] in table and "stranger" not in table


def test_counting_costs_no_request_anything_when_redis_is_gone(house):
    redis = house.private_redis()
    main = house.service()
    node = house.node({"redis": {"url": redis.url, "timeout": "1s"}, "services": {"main": {"instances": [main.url], "breaker": "off"}},
                       "routes": [{"name": "open", "path": "/*", "service": "main", "auth": "none",
                                   "versions": {"by": "query", "initial": "1", "list": {"1": {}}}}]})
    redis.kill()
    assert [node.fetch("GET", "/x").status for _ in range(20)] == [200] * 20
    redis.start()
    until(lambda: json.loads(versions_of(node, "--json"))[0]["requests"] == 20, "what came meanwhile is not counted")
