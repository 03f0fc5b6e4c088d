"""`sluice explain` against a Redis of the test's own: what it tells, word for word, and that it changes nothing."""

import json
import os
import subprocess
import time

import pytest
from sluice.certificates import Authority
from sluice.node import binary
from sluice.redis_server import digest

KEY = "sk-explained"
ID = digest(KEY)[:8]

CONFIG = """
redis: %s
keys: {limit: 10/60s, query: api_key}
services:
  search: {instances: "http://127.0.0.1:1", breaker: {failures: 5, recovery: 30s}}
  research: {instances: ["http://127.0.0.1:2", "http://127.0.0.1:3"]}
  scrape: {instances: "http://127.0.0.1:4", breaker: off}
routes:
  - {path: /api/v1/search/*, service: search, strip_prefix: /api, request_headers: {set: {X-Made: here}, remove: X-Secret}}
  - {path: /api/v1/search/exact, method: POST, service: search, cost: 3}
  - {path: /api/*, service: scrape, auth: none, fallback: {status: 200}}
  - {path: /hosted, host: a.example, service: scrape, auth: none}
  - {path: /hosted, host: "*.example", service: scrape, auth: none}
  - {path: /hosted, headers: {X-A: "1", X-B: "*"}, service: scrape, auth: none}
  - path: /api/v1/aggregated/*
    method: POST
    calls:
      search: {service: search, post: /api/v1/search, body: {query: $request.body.query, num_results: 10}, required: true}
      research:
        service: research
        get: /api/v1/research/${request.query.none ?? "all"}
        query: {q: $request.body.query, l: $request.query.limit}
        headers: {X-Lang: $request.headers.accept-language, X-First: $search.body.results[0].id}
      part: {service: scrape, get: /parts/${item.id}, for_each: $research.body.parts ?? [], default: [], cost: 2}
    answer: {search_results: $search.body.results ?? [], parts: $part.body}
    shapes:
      mobile: {path: /mobile, hint: mobile, select: [search_results], limit: {search_results: 3}}
      web: {header: {X-Client: web}, answer: {all: $part.body}}
  - path: /v/{version}/things
    service: scrape
    auth: none
    versions:
      by: path
      list:
        1: {service: research, deprecated: 2020-01-31, sunset: 2021-01-31, successor: /v/2/things}
        2: {transform: {response: [{wrap: "", in: data}]}}
  - path: /things
    service: scrape
    auth: none
    versions: {by: header, initial: new, list: {old: {}, new: {}}}
  - path: /changed
    service: scrape
    auth: none
    transform: {query: {rename: {old: new}, set: {id: 'i-${request.query.n}'}}, request: [{rename: a.b, to: c}], form: to_json}
  - path: /secret
    method: GET
    service: scrape
    auth: none
    request_headers: {set: {Authorization: Bearer hidden}}
  - path: /secrets
    method: PUT
    headers: {X-Origin-Token: hidden}
    auth: none
    calls: {one: {service: scrape, get: /, query: {api-key: hidden}, headers: {Cookie: hidden, X-Token: $request.headers.x-token}}}
    answer: $one.body
  - path: /hiding
    auth: none
    calls:
      one:
        service: scrape
        put: /
        query: {apiKey: hidden, plain: seen}
        body: {client_secret: hidden, nested: {credentials: [hidden, null]}, password: $request.body.password, plain: seen}
    answer: {token: hidden, one: $one.body}
  - path: /edited
    service: scrape
    auth: none
    transform: {query: {set: {backend_key: hidden}}, response: [{set: user.token, value: hidden}, {set: a, value: seen}]}
  - {path: /queried, service: scrape, auth: none, versions: {by: query, name: v, list: {one: {}}}}
  - {path: /media, service: scrape, auth: none, versions: {by: media_type, initial: 1, list: {1: {}, 2: {}}}}
"""


class Explain:
    def __init__(self, house, redis=None):
        self.redis = house.redis
        self.redis.client.flushall()
        self.config = os.path.join(house.folder, "explain.yaml")
        with open(self.config, "w") as file:
            file.write(CONFIG % (redis or self.redis.url))

    def run(self, *words, body=None):
        return subprocess.run([binary(), "explain", *words, "-c", self.config], input=body, capture_output=True, text=True, timeout=30)

    def text(self, *words, status=0, **more):
        done = self.run(*words, **more)
        assert (done.returncode, done.stderr) == (status, ""), done.stdout + done.stderr
        return done.stdout

    def json(self, *words, status=0, **more):
        return json.loads(self.text(*words, "--json", status=status, **more))

    def provision(self, **fields):
        self.redis.client.hset(self.redis.record(KEY), mapping={"enabled": 1, "owner": "acme", "services": "*", **fields})

    def written(self):
        return {name: self.redis.client.dump(name) for name in self.redis.client.keys("*")}


@pytest.fixture
def explain(shared_house):
    return Explain(shared_house)


# --- the whole story, word for word ---


PROXIED = f"""\
outcome:
  served: true
  by: service search
request:
  method: GET
  host: api.example
  path: /api/v1/search/a
  query: q=1
route:
  name: /api/v1/search/*
  path: /api/v1/search/*
  service: search
key:
  needed: true
  id: {ID}
  verdict: admitted
  owner: acme
  name: Acme Inc.
  units: 1
  limits:
    - name: key
      rate: 5/60s
      left_after_it: 4
      more_in_s: 12
breakers:
  - service: search
    state: closed
    failures: 0
forward:
  service: search
  instances:
    - http://127.0.0.1:1
  method: GET
  target: /v1/search/a?q=1
  host: (the instance's)
  headers:
    - Accept: text/*
    - X-Forwarded-For: (client)
    - X-Forwarded-Proto: http
    - X-Forwarded-Host: API.example:8080
    - X-Forwarded-Prefix: /api
    - Via: 1.1 sluice
    - X-Request-Id: (made)
    - X-Credential-Identifier: {ID}
    - X-Consumer-Id: acme
    - X-Consumer-Name: Acme Inc.
    - traceparent: (made)
    - X-Made: here
other_routes:
  - POST /api/v1/search/exact: takes path /api/v1/search/exact
  - /api/*: would take it too, but its path is less specific
  - a.example/hosted: takes host a.example
  - *.example/hosted: takes path /hosted
  - /hosted: takes path /hosted
  - POST /api/v1/aggregated/*: takes path /api/v1/aggregated/*
  - /v/{{version}}/things: takes path /v/{{version}}/things
  - /things: takes path /things
  - /changed: takes path /changed
  - GET /secret: takes path /secret
  - PUT /secrets: takes path /secrets
  - /hiding: takes path /hiding
  - /edited: takes path /edited
  - /queried: takes path /queried
  - /media: takes path /media
  - GET /health: takes path /health
"""


def test_a_proxied_request_is_told_word_for_word(explain):
    explain.provision(name="Acme Inc.", limit=5)

    told = explain.text("GET", "http://API.example:8080/api//v1/x/../search/%61?q=1", "--key", KEY, "-H", "Accept: text/*", "-H", "X-Secret: s",
                        "-H", "X-Consumer-Id: forged", "-H", "Connection: x-hop", "-H", "X-Hop: 1")

    assert told == PROXIED
    assert KEY not in told


AGGREGATE = """\
aggregate:
  timeout_ms: 10000
  headers_of_all_calls:
    - Accept-Language: de
    - X-Forwarded-For: (client)
    - X-Forwarded-Proto: http
    - X-Forwarded-Host: localhost
    - Via: 1.1 sluice
    - X-Request-Id: (made)
    - X-Credential-Identifier: %s
    - X-Consumer-Id: acme
    - Accept: application/json
    - Accept-Encoding: identity
  calls:
    - name: search
      step: 1
      service: search
      asks: POST /api/v1/search
      body: {"query":"tea & 10.50","num_results":10}
      cost: 0
      timeout_ms: 10000
      required: true
    - name: research
      step: 2
      after:
        - search
      service: research
      asks: GET /api/v1/research/all?q=tea%%20%%26%%2010.50
      headers:
        - X-Lang: de
        - X-First: $search.body.results[0].id
      cost: 0
      timeout_ms: 10000
      required: false
    - name: part
      step: 3
      after:
        - research
      service: scrape
      asks: GET /parts/${item.id}
      for_each: "$research.body.parts ?? []"
      concurrency: 4
      for_each_max: 100
      cost_of_each: 2
      timeout_ms: 10000
      required: false
      default: []
  calls_left_out: none
  shape: none: the answer as it is
  answer: {"search_results":"$search.body.results ?? []","parts":"$part.body"}
""" % ID


def test_an_aggregate_is_told_word_for_word(explain):
    explain.provision()

    told = explain.text("POST", "/api/v1/aggregated/x", "--key", KEY, "-H", "Accept-Language: de", "--body", "-", body='{"query": "tea & 10.50"}')

    assert told[told.index("aggregate:"):told.index("other_routes:")] == AGGREGATE
    assert told.startswith("outcome:\n  served: true\n  by: the gateway, from several calls\nrequest:\n")
    assert "units: 3\n" in told
    assert "breakers:\n  - service: search\n    state: closed\n    failures: 0\n  - service: research\n" in told
    assert "  - service: scrape\n    state: none\n" in told


def test_calls_that_the_shape_does_not_need_are_left_out(explain):
    explain.provision()

    told = explain.json("POST", "/api/v1/aggregated/mobile", "--key", KEY)

    assert [call["name"] for call in told["aggregate"]["calls"]] == ["search"]
    assert told["aggregate"]["calls_left_out"] == ["research", "part"]
    assert {name: told["aggregate"][name] for name in ("shape", "select", "limit")} == {"shape": "mobile", "select": ["search_results"], "limit": {"search_results": 3}}
    assert (told["key"]["units"], [breaker["service"] for breaker in told["breakers"]]) == (1, ["search"])


def test_the_shape_is_chosen_as_for_a_request(explain):
    explain.provision()

    def shape(path, *headers):
        words = [word for header in headers for word in ("-H", header)]
        return explain.json("POST", path, "--key", KEY, *words)["aggregate"]

    assert shape("/api/v1/aggregated/x")["shape"] == "none: the answer as it is"
    assert shape("/api/v1/aggregated/x", "Sec-CH-UA-Mobile: ?1")["shape"] == "mobile"
    assert shape("/api/v1/aggregated/x", "X-Client: web") | {"calls": 0, "headers_of_all_calls": 0} == {
        "timeout_ms": 10000, "headers_of_all_calls": 0, "calls": 0, "calls_left_out": [], "shape": "web", "answer": {"all": "$part.body"}}


def test_a_body_that_cannot_be_read_is_said(explain):
    explain.provision()

    told = explain.json("POST", "/api/v1/aggregated/x", "--key", KEY, "--body", "-", body='{"query": nope}', status=1)

    assert told["aggregate"]["body"].startswith("cannot be read: ")
    assert told["outcome"] == {"served": False, "status": 400, "why": told["aggregate"]["body"].removeprefix("cannot be read: ")}
    coded = explain.json("POST", "/api/v1/aggregated/x", "--key", KEY, "--header", "Content-Encoding: gzip", "--body", "-", body="{}", status=1)
    assert (coded["outcome"]["served"], coded["outcome"]["status"]) == (False, 415)


# --- routes ---


def why_not(told):
    return {other["name"]: other["why_not"] for other in told["other_routes"]}


def test_each_rule_of_precedence_is_named(explain):
    host = explain.json("GET", "http://a.example/hosted", "-H", "X-A: 1", "-H", "X-B: x")
    header = explain.json("GET", "http://b.test/hosted", "-H", "X-A: 1", status=1)
    method = explain.json("GET", "/api/v1/search/exact", status=1)

    assert host["route"]["name"] == "a.example/hosted"
    assert why_not(host)["*.example/hosted"] == "would take it too, but its host is less specific"
    assert why_not(host)["/hosted"] == "would take it too, but its host is less specific"
    assert why_not(header)["/hosted"] == "needs header x-a: 1, x-b"
    assert header["route"] == "none" and header["outcome"] == {"served": False, "status": 404, "why": "no route takes this request"}
    assert method["route"]["name"] == "/api/v1/search/*"
    assert why_not(method)["POST /api/v1/search/exact"] == "takes method POST"


def test_a_method_that_no_route_takes_is_405_with_the_others(explain):
    told = explain.json("GET", "/api/v1/aggregated/x")
    assert told["route"]["name"] == "/api/*"

    told = explain.json("PUT", "/health", status=1)
    assert told["allow"] == "GET, HEAD"
    assert told["outcome"]["status"] == 405


def test_a_path_that_is_none_is_told(explain):
    told = explain.json("GET", "/a%zz", status=1)

    assert told["outcome"]["status"] == 400 and "route" not in told


# --- what the guard answers ---


@pytest.mark.parametrize("words, status, why", [
    (("CONNECT", "a.example:443"), 400, "the request target is neither"), (("CONNECT", "/api/x"), 400, "the request target is neither"),
    (("G@T", "/api/x"), 400, "the method is not a token"), (("", "/api/x"), 400, "the method is not a token"),
    (("GET", "*"), 400, "the request target is neither"), (("GET", ""), 400, "the request target is neither"),
    (("GET", "api/x"), 400, "the request target is neither"),
    (("GET", "http://u@a.example/api/x"), 400, "the host in the request target is not"), (("GET", "/api/x", "-H", "Host: a b"), 400, "Host is not a host name"),
    (("GET", "/api/" + "x" * 20000), 414, "the request target is longer"), (("GET", "/api/x", "-H", "Expect: tea"), 417, "only 'Expect"),
    (("GET", "/api/x", "-H", "X A: 1"), 400, "a header name is not a token")])
def test_what_the_guard_refuses_is_not_served(explain, words, status, why):
    told = explain.json(*words, status=1)

    assert (told["outcome"]["served"], told["outcome"]["status"]) == (False, status)
    assert told["outcome"]["why"].startswith(why) and "route" not in told


def test_options_of_the_gateway_as_a_whole_are_its_own_to_answer(explain):
    told = explain.json("OPTIONS", "*")

    assert told == {"request": {"method": "OPTIONS", "path": "*"}, "answers": "the gateway itself, 204 with the methods it takes",
                    "outcome": {"served": True, "by": "the gateway itself"}}


def test_who_asks_the_last_hop_is_answered_by_the_gateway(explain):
    last = ("-H", "Max-Forwards: 0")
    told, refused = explain.json("OPTIONS", "/api/x", *last), explain.json("TRACE", "/api/x", *last, status=1)

    assert told["answers"] == "the gateway itself, 204 with the methods it takes" and "route" not in told
    assert told["outcome"] == {"served": True, "by": "the gateway itself"}
    assert refused["outcome"]["status"] == 405


def test_a_method_is_taken_as_it_is_given(explain):
    assert explain.json("put", "/health", status=1)["outcome"]["status"] == 405
    assert explain.json("get", "/health", status=1)["request"]["method"] == "get"


# --- secrets ---


@pytest.mark.parametrize("words", [("GET", "/secret", "-H", "Cookie: hidden"), ("PUT", "/secrets", "-H", "X-Origin-Token: hidden", "-H", "X-Token: hidden")])
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_secret_of_the_configuration_or_the_request_is_not_repeated(explain, words, form):
    told = explain.text(*words, *form)

    assert "hidden" not in told and "********" in told


def test_secrets_in_bodies_queries_and_edits_are_not_repeated(explain):
    told = explain.text("PUT", "/hiding?access_token=hidden&q=1", "--json", "--body", "-", body='{"password": "hidden"}')
    assert "hidden" not in told
    told = json.loads(told)
    assert told["request"]["query"] == "access_token=********&q=1"
    call = told["aggregate"]["calls"][0]
    assert call["body"] == {"client_secret": "********", "nested": {"credentials": ["********", None]}, "password": "********", "plain": "seen"}
    assert call["asks"] == "PUT /?apiKey=********&plain=seen"

    told = explain.text("GET", "/edited?sig=1&signature=hidden", "--json")
    assert "hidden" not in told
    forward = json.loads(told)["forward"]
    assert forward["target"] == "/edited?sig=1&signature=********&backend_key=********"
    assert forward["transform"]["response"] == [{"set": "user.token", "value": "********"}, {"set": "a", "value": "seen"}]


def test_where_a_secret_stands_is_told(explain):
    assert {"Authorization: ********", "Cookie: ********"} <= set(explain.json("GET", "/secret", "-H", "Cookie: a")["forward"]["headers"])
    told = explain.json("PUT", "/secrets", "-H", "X-Origin-Token: hidden", "-H", "X-Token: t")["aggregate"]["calls"][0]
    assert told["asks"] == "GET /?api-key=********" and told["headers"] == ["Cookie: ********", "X-Token: $request.headers.x-token"]
    assert why_not(explain.json("GET", "/secret"))["PUT /secrets"] == "takes path /secrets"
    assert why_not(explain.json("PUT", "/secrets", status=1))["PUT /secrets"] == "needs header x-origin-token: ********"


# --- versions ---


def test_a_version_is_told_with_what_chose_it(explain):
    gone = explain.json("GET", "/v/1/things", status=1)
    new = explain.json("GET", "/v/2/things")
    none = explain.json("GET", "/v/3/things", status=1)

    assert gone["version"] == {"name": "1", "chosen_by": "path 'version': 1", "deprecated": "2020-01-31T00:00:00Z", "sunset": "2021-01-31T00:00:00Z",
                               "successor": "/v/2/things"}
    assert gone["outcome"]["status"] == 410 and gone["forward"]["service"] == "research"
    assert new["forward"]["transform"] == {"response": [{"wrap": "", "in": "data"}]}
    assert none["version"] == {"chosen_by": "path 'version': 3"} and none["outcome"]["served"] is False


def test_two_versions_at_once_are_refused_as_a_request_would_be(explain):
    told = explain.json("GET", "/things", "-H", "API-Version: old", "-H", "API-Version: new", status=1)
    assert told["version"] == {"chosen_by": "nothing: the request names two different versions"}
    assert told["outcome"]["status"] == 400


def test_parameters_of_the_path_are_told_by_their_names(explain):
    assert explain.json("GET", "/v/2/things")["route"]["parameters"] == {"version": "2"}
    assert "parameters" not in explain.json("GET", "/things")["route"]


def test_without_a_version_the_initial_one_is_told(explain):
    assert explain.json("GET", "/things")["version"] == {"name": "new", "chosen_by": "initial: the request has no header 'API-Version'"}
    assert explain.json("GET", "/things", "-H", "api-version: old")["version"] == {"name": "old", "chosen_by": "header 'API-Version': old"}


# --- transformations ---


def test_what_a_transformation_makes_of_the_request_is_told(explain):
    json_type, form = ("-H", "Content-Type: application/json"), ("-H", "Content-Type: application/x-www-form-urlencoded")

    told = explain.json("POST", "/changed?old=1&n=7", *json_type, "--body", "-", body='{"a": {"b": 1.50}}')
    assert told["forward"]["target"] == "/changed?new=1&n=7&id=i-7"
    assert told["forward"]["body"] == {"a": {"c": 1.5}}

    told = explain.json("POST", "/changed", *form, "--body", "-", body="x=1&x=2")
    assert told["forward"]["body"] == {"x": ["1", "2"]}
    assert "Content-Type: application/json" in told["forward"]["headers"]

    for words, body, status in [((), "{", 400), (("-H", "Content-Encoding: gzip"), "{}", 415), ((), json.dumps("x" * 2 ** 20), 413)]:
        told = explain.json("POST", "/changed", *json_type, *words, "--body", "-", body=body, status=1)
        assert told["outcome"]["status"] == status


@pytest.mark.parametrize("target, words, name, status", [
    ("/queried?v=%6fne", (), "one", 200), ("/queried?v=three", (), None, 400), ("/queried", (), None, 400), ("/things", ("-H", "API-Version: 9"), None, 400),
    ("/v/3/things", (), None, 404), ("/media", ("-H", "Accept: application/vnd.x.v2+json;version=v2"), "2", 200)])
def test_a_version_is_found_as_a_request_would_find_it(explain, target, words, name, status):
    told = explain.json("GET", target, *words, status=0 if status == 200 else 1)

    assert told["version"].get("name") == name
    assert told["outcome"].get("status", 200) == status


# --- keys and limits ---


@pytest.mark.parametrize("target, told", [
    ("/api/v1/search/a?x=1&api%%5Fkey=%s&y=2", "x=1&y=2&api_key=(the key)"), ("/api/v1/search/a?api_key=%s", "api_key=(the key)"), ("/a%%zz?api_key=%s", None)])
def test_a_key_in_the_query_is_not_repeated(explain, target, told):
    done = explain.run("GET", target % KEY, "--json")

    assert json.loads(done.stdout)["request"].get("query") == told
    assert KEY not in done.stdout + done.stderr


@pytest.mark.parametrize("fields, status, verdict", [
    (None, 401, "the key is not known"),
    ({"enabled": 0}, 401, "the key is disabled"),
    ({"expires": 1}, 401, "the key has expired"),
    ({"services": "scrape"}, 403, "the key has no right to the service"),
    ({"methods": "POST"}, 403, "the key has no right to the method"),
    ({"limit": "many"}, 503, "the record of the key is broken"),
])
def test_a_key_that_would_be_refused_is_told_why(explain, fields, status, verdict):
    if fields is not None:
        explain.provision(**fields)

    told = explain.json("GET", "/api/v1/search/a", "--key", KEY, status=1)

    assert told["key"]["verdict"] == verdict
    assert told["outcome"] == {"served": False, "status": status, "why": verdict}


def test_a_missing_key_and_two_keys_are_told(explain):
    assert explain.json("GET", "/api/v1/search/a", status=1)["outcome"]["why"] == "the route needs a key, and the request has none"
    assert explain.json("GET", "/api/v1/search/a", "--key", "a", "-H", "X-API-Key: b", status=1)["key"]["verdict"] == "two different keys"


def test_nothing_is_taken_and_nothing_changes_by_any_kind_of_request(explain):
    """Every key of Redis is the same to the byte: buckets of services, breakers that might be claimed, calls of versions."""
    explain.provision(limit=100, quota_day=10, **{"limit:search": 50, "limit:scrape": 50})
    explain.redis.client.hset("sluice:breaker:{search}", mapping={"state": "half_open", "generation": 3, "changed": 1})
    before = explain.written()

    for words in (("GET", "/api/v1/search/a"), ("POST", "/api/v1/aggregated/x"), ("POST", "/api/v1/aggregated/mobile"), ("GET", "/v/2/things"),
                  ("GET", "/things"), ("POST", "/changed?n=1"), ("DELETE", "/nowhere"), ("GET", "/health")):
        explain.run(*words, "--key", KEY, "--body", "-", body='{"query": "x"}')
        explain.run(*words, "--key", "sk-unknown", "--json")

    assert explain.written() == before


def test_nothing_is_taken_and_nothing_changes(explain, shared_house):
    explain.provision(limit=3, quota_day=10)
    before = explain.written()

    for _ in range(5):
        told = explain.json("GET", "/api/v1/search/a", "--key", KEY)

    assert [(limit["name"], limit["left_after_it"]) for limit in told["key"]["limits"]] == [("key", 2), ("day", 9)]
    assert explain.written() == before


def test_a_spent_limit_is_told_with_its_wait(explain):
    explain.provision(limit=2)

    told = explain.json("POST", "/api/v1/search/exact", "--key", KEY, status=1)

    assert told["key"]["verdict"] == "a limit is spent" and told["key"]["units"] == 3
    assert told["key"]["limits"][0] == {"name": "key", "rate": "2/60s", "left_after_it": 2, "violated": True}
    assert told["outcome"]["status"] == 429


def test_an_open_breaker_is_told(explain):
    explain.provision()
    until_us = int((time.time() + 60) * 1e6)
    explain.redis.client.hset("sluice:breaker:{search}", mapping={"state": "open", "generation": 2, "open_until": until_us, "changed": 1})

    told = explain.json("GET", "/api/v1/search/a", "--key", KEY, status=1)

    assert told["breakers"][0]["state"] == "open" and 0 < told["breakers"][0]["probe_in_s"] <= 60
    assert told["outcome"] == {"served": False, "status": 503, "why": "the breaker of the service is open"}


# --- without Redis ---


def test_without_redis_the_rest_is_told(shared_house):
    explain = Explain(shared_house, redis="unix:///nowhere/redis.sock")

    done = explain.run("GET", "/api/v1/search/a", "--key", KEY, "--json")
    told = json.loads(done.stdout)

    assert done.returncode == 0
    assert "cannot connect to Redis at /nowhere/redis.sock" in done.stderr and "are left out" in done.stderr
    assert told["key"]["verdict"] == "unknown without Redis" and told["outcome"] == {"served": None, "why": "the key and its limits are known to Redis only"}
    assert told["forward"]["target"] == "/v1/search/a"


def test_a_net_of_calls_is_told_as_fast_as_a_chain(shared_house):
    """Sixty calls, each behind the two before it: there are more ways through them than seconds in an hour of a fast machine."""
    calls = {"c0": {"service": "s", "get": "/0"}, "c1": {"service": "s", "get": "/1"}}
    for n in range(2, 60):
        calls[f"c{n}"] = {"service": "s", "get": f"/{n}", "query": {"a": f"$c{n - 1}.status", "b": f"$c{n - 2}.status"}}
    path = os.path.join(shared_house.folder, "net.yaml")
    with open(path, "w") as file:
        json.dump({"redis": shared_house.redis.url, "services": {"s": {"instances": "http://127.0.0.1:1"}},
                   "routes": [{"path": "/a", "auth": "none", "calls": calls, "answer": "$c59.status"}]}, file)

    done = subprocess.run([binary(), "explain", "GET", "/a", "--json", "-c", path], capture_output=True, text=True, timeout=60)

    steps = [call["step"] for call in json.loads(done.stdout)["aggregate"]["calls"]]
    assert steps == [1, *range(1, 60)]


# --- listeners ---


@pytest.mark.parametrize("url, status, location", [
    ("http://a.example/health", 308, "https://a.example/health"), ("http://a.example:8080/health?x=1", 308, "https://a.example/health?x=1"),
    ("https://a.example/health", 200, None), ("http://a.example:8081/health", 200, None), ("/health", 200, None)])
def test_a_listener_that_only_leads_to_https_is_told(shared_house, url, status, location):
    pair = Authority(shared_house.folder).issue("explained", ["a.example"])
    path = os.path.join(shared_house.folder, "listeners.yaml")
    with open(path, "w") as file:
        json.dump({"redis": shared_house.redis.url, "services": {}, "routes": [], "listen": [
            {"address": "127.0.0.1:8080", "redirect": "https"}, {"address": "127.0.0.1:8081"},
            {"address": "127.0.0.1:8443", "tls": {"certificates": [pair.setting()]}}]}, file)

    done = subprocess.run([binary(), "explain", "GET", url, "--json", "-c", path], capture_output=True, text=True, timeout=30)
    told = json.loads(done.stdout)

    assert (done.returncode, told["outcome"]["served"]) == ((0, True) if status == 200 else (1, False))
    assert told["outcome"].get("status", 200) == status
    assert told["request"].get("location") == location
    if location:
        assert told["request"]["listener"] == "127.0.0.1:8080" and "route" not in told


# --- the command ---


def test_wrong_use_is_told(explain):
    assert explain.run("GET").returncode == 2
    assert "'explain' needs METHOD URL" in explain.run("GET").stderr
    assert "'nonsense' is no header" in explain.run("GET", "/a", "-H", "nonsense").stderr
    assert "cannot be read from '/nonexistent'" in explain.run("GET", "/a", "--body", "/nonexistent").stderr
    assert explain.run("--help").stdout.startswith("usage: sluice explain ")
