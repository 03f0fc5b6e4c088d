"""Who may pass: every answer that a key, or its record, can lead to."""

import time

import pytest
from sluice import service
from sluice.house import simple
from sluice.problems import assert_problem
from sluice.redis_server import RedisServer, digest


@pytest.fixture(scope="module")
def gate(shared_house):
    shared_house.main = shared_house.service(service.echo, "main")
    shared_house.gateway = shared_house.node({
        "keys": {"limit": "1000000/1s", "realm": "the realm"},
        "services": {"main": {"instances": [shared_house.main.url]}, "second": {"instances": [shared_house.main.url]}},
        "routes": [
            {"path": "/api/*", "service": "main"},
            {"path": "/second/*", "service": "second"},
            {"path": "/scoped/*", "service": "main", "scopes": ["read", "write"]},
            {"path": "/open/*", "service": "main", "auth": "none"},
        ]})
    return shared_house


def refused(gate, status, error=None, **request):
    """The request is refused with this answer, and nothing of it reached the service."""
    before = gate.main.count
    answer = gate.gateway.fetch(**{"target": "/api/x", **request})
    problem = assert_problem(answer, status, error)
    assert gate.main.count == before
    if status == 401:
        assert 'realm="the realm"' in answer["www-authenticate"]
    else:
        assert answer["www-authenticate"] is None
    return problem


def passes(gate, **request):
    answer = gate.gateway.fetch(**{"target": "/api/x", **request})
    assert answer.status == 200, answer
    return gate.main.last


# --- the key itself ---


def test_a_missing_or_empty_key_is_401(gate):
    refused(gate, 401, "API key required")
    refused(gate, 401, "API key required", headers={"X-API-Key": ""})
    refused(gate, 401, "API key required", headers={"X-API-Key": "   "})


def test_two_different_keys_are_401_even_when_both_are_good(gate):
    first, second = gate.redis.provision("first"), gate.redis.provision("second")

    refused(gate, 401, "Two different API keys", headers=[("X-API-Key", first), ("x-api-key", second)])


def test_the_same_key_twice_is_one_key(gate):
    key = gate.redis.provision("twice")

    passes(gate, headers=[("X-API-Key", key), ("X-API-Key", key)])


def test_an_unknown_key_is_401(gate):
    refused(gate, 401, "Invalid API key", key="nobody knows it")


def test_a_key_is_compared_whole(gate):
    key = gate.redis.provision("whole-key")

    for wrong in (key[:-1], key + "x", key.upper(), key + "," + key):
        refused(gate, 401, "Invalid API key", key=wrong)
    passes(gate, headers={"X-API-Key": f"  {key}\t "})


def test_an_open_route_asks_for_no_key_and_forwards_none(gate):
    seen = passes(gate, target="/open/x", key="whatever")

    assert seen["x-api-key"] is None


# --- what the record says ---


@pytest.mark.parametrize("enabled, error", [("0", "API key disabled"), (None, "API key disabled")])
def test_a_key_that_is_not_enabled_is_401(gate, enabled, error):
    refused(gate, 401, error, key=gate.redis.provision("not-enabled", enabled=enabled))


def test_expiry_is_looked_at_with_each_request(gate):
    now = int(time.time())
    refused(gate, 401, "API key expired", key=gate.redis.provision("expired", expires=now - 1))
    passes(gate, key=gate.redis.provision("not-expired", expires=now + 3600))
    passes(gate, key=gate.redis.provision("never-expires"))


@pytest.mark.parametrize("services", ["main", "*", "other main", "other,main", " main  other ", "main,"])
def test_a_record_names_the_services_that_it_allows(gate, services):
    passes(gate, key=gate.redis.provision("allowed-service", services=services))


@pytest.mark.parametrize("services", [None, "", "mai", "mainx", "xmain", "ma in", "Main", "second", "main-x main.x", "**"])
def test_a_service_that_is_not_named_is_403(gate, services):
    problem = refused(gate, 403, "Service not allowed", key=gate.redis.provision("no-service", services=services))

    assert problem["service"] == "main"


@pytest.mark.parametrize("methods, method, is_allowed", [
    (None, "DELETE", True), ("*", "DELETE", True), ("GET POST", "POST", True), ("GET,POST", "GET", True),
    ("", "GET", False), ("GET", "POST", False), ("GETX POS", "GET", False), ("get", "GET", False),
])
def test_a_record_can_name_the_methods_that_it_allows(gate, methods, method, is_allowed):
    key = gate.redis.provision("methods", methods=methods)
    body = b"" if method in ("POST", "DELETE") else None

    if is_allowed:
        passes(gate, method=method, body=body, key=key)
    else:
        refused(gate, 403, "Method not allowed for this key", method=method, body=body, key=key)


@pytest.mark.parametrize("scopes, is_allowed", [
    ("read write", True), ("write,x,read", True), ("*", True),
    (None, False), ("", False), ("read", False), ("read writer", False), ("read-write", False),
])
def test_every_scope_of_the_route_is_needed(gate, scopes, is_allowed):
    key = gate.redis.provision("scopes", scopes=scopes)

    if is_allowed:
        passes(gate, target="/scoped/x", key=key)
    else:
        refused(gate, 403, "Scope missing", target="/scoped/x", key=key)


# --- what reaches the service ---


def test_the_service_learns_who_calls_and_a_client_cannot_pretend(gate):
    key = gate.redis.provision("identity", owner="acme", name="nightly job")
    lies = [(name, "liar") for name in ("X-Consumer-Id", "x-consumer-name", "X-CREDENTIAL-IDENTIFIER", "X-Consumer-Id")]
    # to many services (CGI, WSGI) these are the same names
    lies += [(name, "liar") for name in ("X_Consumer_Id", "x_consumer-name", "X-Credential_Identifier", "X_Forwarded_For")]

    seen = passes(gate, key=key, headers=[*lies, ("X_Other", "kept")])

    assert (seen["x-consumer-id"], seen["x-consumer-name"]) == ("acme", "nightly job")
    assert seen["x-credential-identifier"] == digest(key)[:8]
    assert [name for name, value in seen.headers if value == "liar"] == [] and seen["x_other"] == "kept"


def test_a_stranger_on_an_open_route_cannot_pretend_either(gate):
    seen = passes(gate, target="/open/x", headers=[("X-Consumer-Id", "admin"), ("X-Consumer-Name", "a"), ("X-Credential-Identifier", "b")])

    assert (seen["x-consumer-id"], seen["x-consumer-name"], seen["x-credential-identifier"]) == (None, None, None)


# --- changes by the operator ---


def test_what_the_operator_wrote_holds_for_the_next_request(gate):
    key = gate.redis.provision("changing")
    record = gate.redis.record(key)
    for _ in range(20):
        passes(gate, key=key)
        gate.redis.client.hset(record, "enabled", "0")
        refused(gate, 401, "API key disabled", key=key)
        gate.redis.client.delete(record)
        refused(gate, 401, "Invalid API key", key=key)
        gate.redis.provision(key)


# --- other carriers, by configuration ---


def test_other_carriers_are_off_unless_configured(gate):
    key = gate.redis.provision("carrier")

    refused(gate, 401, "API key required", headers={"Authorization": f"Bearer {key}"})
    refused(gate, 401, "API key required", target=f"/api/x?key={key}")


def test_the_header_can_have_another_name(house):
    house.main = house.service()
    house.gateway = house.node(simple(house.main, keys={"header": "X-Other", "limit": "1000/1s"}))
    key = house.redis.provision("other-header")

    assert house.gateway.fetch(target="/api/x", headers={"x-other": key, "X-API-Key": "ignored"}).status == 200
    assert house.main.last["x-other"] is None
    assert_problem(house.gateway.fetch(target="/api/x", key=key), 401)


def test_a_bearer_token_can_carry_the_key(house):
    house.main = house.service()
    house.gateway = house.node(simple(house.main, keys={"bearer": True, "limit": "1000/1s"}))
    key = house.redis.provision("bearer-key")

    assert house.gateway.fetch(target="/api/x", headers={"Authorization": f"Bearer {key}"}).status == 200
    assert house.main.last["authorization"] is None
    assert house.gateway.fetch(target="/api/x", headers={"Authorization": f"bearer   {key} "}).status == 200
    assert_problem(house.gateway.fetch(target="/api/x", headers={"Authorization": f"Basic {key}"}), 401, "API key required")
    assert_problem(house.gateway.fetch(target="/api/x", headers={"Authorization": f"Bearer {key}", "X-API-Key": "b"}), 401,
                   "Two different API keys")
    # what is no key of ours stays the service's business
    assert house.gateway.fetch(target="/api/x", key=key, headers={"Authorization": "Basic eDp5"}).status == 200
    assert house.main.last["authorization"] == "Basic eDp5"


def test_a_query_parameter_can_carry_the_key(house):
    house.main = house.service()
    house.gateway = house.node(simple(house.main, keys={"query": "api_key", "limit": "1000/1s"}))
    house.redis.provision("query key+1")
    spelled = "query%20key%2B1"

    for target, forwarded in [(f"/api/x?api_key={spelled}", "/api/x"), (f"/api/x?a=1&api_key={spelled}&b=2", "/api/x?a=1&b=2"),
                              ("/api/x?api_key=query+key%2b1&a", "/api/x?a")]:
        assert house.gateway.fetch(target=target).status == 200
        assert house.main.last.target == forwarded
    assert_problem(house.gateway.fetch(target=f"/api/x?api_key={spelled}", key="b"), 401, "Two different API keys")
    assert_problem(house.gateway.fetch(target=f"/api/x?api_key={spelled}&api_key=b"), 401, "Two different API keys")
    assert_problem(house.gateway.fetch(target="/api/x?api_key="), 401, "API key required")
    assert_problem(house.gateway.fetch(target="/api/x?xapi_key=a"), 401, "API key required")
    # the parameter is in the request line, which is logged: its value must not be
    assert spelled not in house.gateway.log_text()


def test_the_key_can_be_forwarded(house):
    house.main = house.service()
    house.gateway = house.node(simple(house.main, keys={"forward": True, "query": "k", "limit": "1000/1s"}))
    key = house.redis.provision("forwarded")

    house.gateway.fetch(target="/api/x", key=key)
    assert house.main.last["x-api-key"] == key
    house.gateway.fetch(target=f"/api/x?k={key}")
    assert house.main.last.target == f"/api/x?k={key}"


def test_with_a_pepper_only_peppered_records_count(house):
    house.main = house.service()
    house.gateway = house.node(simple(house.main, keys={"pepper": "the pepper", "limit": "1000/1s"}))
    house.redis.provision("plain")
    house.redis.provision("peppered", pepper="the pepper")

    assert house.gateway.fetch(target="/api/x", key="peppered").status == 200
    assert house.main.last["x-credential-identifier"] == digest("peppered", "the pepper")[:8]
    assert_problem(house.gateway.fetch(target="/api/x", key="plain"), 401, "Invalid API key")


# --- records that nobody can understand ---

NUMBERS = ["limit", "window", "burst", "limit__main", "window__main", "burst__main", "quota_day", "quota_month", "expires"]
GARBAGE = ["", "-1", "0", "many", "1e400", "nan", "inf", "0x10", "1 000", "9" * 40, "1" * 1_000_000, "\x00", "12\n"]


def with_field(gate, field, value):
    fields = {"limit": "100", "window": "60"}
    if field.endswith("__main"):
        fields.update({"limit__main": "10", "window__main": "60"})
    fields[field] = value
    return gate.redis.provision(f"broken-{field}", **fields)


@pytest.mark.parametrize("value", GARBAGE)
@pytest.mark.parametrize("field", NUMBERS)
def test_garbage_in_a_number_fails_closed(gate, field, value):
    problem = refused(gate, 503, key=with_field(gate, field, value))

    assert problem["type"].endswith("broken_record")


@pytest.mark.parametrize("field, value", [
    ("enabled", ""), ("enabled", "yes"), ("enabled", "-1"), ("enabled", "1" * 1_000_000), ("enabled", "01"),
    ("owner", "x" * 1_000_000), ("owner", "a\r\nX-Injected: 1"), ("owner", "a\x00b"), ("name", "y" * 1_000_000), ("name", "a\nb"),
    ("services", "s " * 500_000), ("methods", "M " * 500_000),
])
def test_a_field_that_cannot_be_meant_fails_closed(gate, field, value):
    problem = refused(gate, 503, key=gate.redis.provision(f"odd-{field}", **{field: value}))

    assert problem["type"].endswith("broken_record")


def test_scopes_of_a_megabyte_fail_closed(gate):
    refused(gate, 503, target="/scoped/x", key=gate.redis.provision("odd-scopes", scopes="s " * 500_000))


@pytest.mark.parametrize("wrong", ["string", "list", "set", "zset"])
def test_a_record_of_the_wrong_type_fails_closed(gate, wrong):
    name = RedisServer.record(f"type-{wrong}")
    {"string": lambda: gate.redis.client.set(name, "x"), "list": lambda: gate.redis.client.rpush(name, "x"),
     "set": lambda: gate.redis.client.sadd(name, "x"), "zset": lambda: gate.redis.client.zadd(name, {"x": 1})}[wrong]()

    refused(gate, 503, key=f"type-{wrong}")


def test_state_that_nobody_can_understand_fails_closed(gate):
    for spoil in (lambda name: gate.redis.client.set(name, "x"), lambda name: gate.redis.client.lpush(name, "x")):
        key = gate.redis.provision("spoiled-state", limit=5)
        gate.redis.client.delete(RedisServer.bucket(key))
        spoil(RedisServer.bucket(key))

        refused(gate, 503, key=key)


def test_a_broken_record_is_said_in_log_and_metrics_by_its_field(gate):
    before = gate.gateway.settled().total("sluice_broken_records_total")
    key = gate.redis.provision("reported", limit="lots")

    answer = gate.gateway.fetch(target="/api/x", key=key)

    line = gate.gateway.log_line(request_id=answer["x-request-id"])
    assert (line["reason"], line["key_id"]) == ("broken_record", digest(key)[:8])
    assert gate.gateway.settled().total("sluice_broken_records_total") == before + 1
    assert "limit" in gate.gateway.errors()
    # the client is not told what is wrong with the record
    assert "limit" not in answer.body.decode()


def test_values_at_the_edge_of_meaning_are_understood(gate):
    for fields in ({"limit": "1", "window": "1"}, {"limit": "1000000", "window": "86400"}, {"limit": "5", "burst": "1"}, {"limit": "0.5", "burst": "1"}):
        key = gate.redis.provision("edge-" + fields["limit"], **fields)
        assert gate.gateway.fetch(target="/api/x", key=key).status in (200, 503), fields
    passes(gate, key=gate.redis.provision("long-owner", owner="o" * 256))
    passes(gate, key=gate.redis.provision("unknown-field", colour="blue"))
