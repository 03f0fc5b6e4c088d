"""Which route serves a request, and what arrives at the service."""

import pytest
from sluice import service
from sluice.house import simple
from sluice.problems import assert_problem


@pytest.fixture(scope="module")
def routing(shared_house):
    """Routes named after what they prove; each sets X-Route for the service."""
    main = shared_house.service(service.echo, "main")
    other = shared_house.service(service.echo, "other")

    def route(name, **fields):
        return {"name": name, "auth": "none", "service": "main", "request_headers": {"set": {"X-Route": name}}, **fields}

    shared_house.main, shared_house.other = main, other
    shared_house.gateway = shared_house.node({
        "services": {"main": {"instances": [main.url]}, "other": {"instances": [other.url]}},
        "routes": [
            route("everything-below", path="/p/*"),
            route("exact", path="/p/exact"),
            route("parameter", path="/p/{id}/detail"),
            route("literal-beats-parameter", path="/p/fixed/detail"),
            route("deeper-prefix", path="/p/deep/*"),
            route("only-post", path="/m/thing", method="POST"),
            route("only-put", path="/m/thing", method="PUT"),
            route("get-serves-head", path="/m/read", method="GET"),
            route("host-exact", path="/h/*", host="a.example.test"),
            route("host-suffix", path="/h/*", host="*.example.test"),
            route("host-longer-suffix", path="/h/*", host="*.deep.example.test"),
            route("host-any", path="/h/*", service="other"),
            route("with-header", path="/hd/*", headers={"X-Version": "2"}),
            route("without-header", path="/hd/*"),
            route("stripped", path="/strip/*", strip_prefix="/strip"),
            route("prefixed", path="/prefix/*", prefix="/base"),
            route("rewritten", path="/old/api/*", strip_prefix="/old/api", prefix="/new"),
            route("host-preserved", path="/host/preserve", host_header="preserve"),
            route("host-replaced", path="/host/replace", host_header="replaced.test:99"),
            route("operations", path="/ops/*",
                  request_headers={"set": {"X-Set": "new"}, "append": {"X-List": "three"}, "remove": ["X-Gone"]},
                  response_headers={"set": {"X-Answer": "ours"}, "append": {"X-More": "b"}, "remove": ["X-Secret"]}),
        ],
    })
    return shared_house


def routed(routing, target, method="GET", **options):
    answer = routing.gateway.fetch(method, target, **options)
    assert answer.status == 200, answer
    return dict((name.lower(), value) for name, value in answer.json()["headers"])["x-route"]


@pytest.mark.parametrize("target, name", [
    ("/p", "everything-below"), ("/p/", "everything-below"), ("/p/x/y/z", "everything-below"),
    ("/p/exact", "exact"), ("/p/exact/more", "everything-below"),
    ("/p/7/detail", "parameter"), ("/p/7/detail/more", "everything-below"), ("/p/fixed/detail", "literal-beats-parameter"),
    ("/p/deep/x", "deeper-prefix"), ("/p/deep", "deeper-prefix"), ("/p/deeper", "everything-below"),
])
def test_the_most_specific_path_wins(routing, target, name):
    assert routed(routing, target) == name


@pytest.mark.parametrize("host, name", [
    ("a.example.test", "host-exact"), ("A.EXAMPLE.test", "host-exact"), ("a.example.test:8080", "host-exact"),
    ("a.example.test.", "host-exact"), ("a.example.test.:8080", "host-exact"), ("b.example.test.", "host-suffix"),
    ("b.example.test", "host-suffix"), ("x.deep.example.test", "host-longer-suffix"),
    ("example.test", "host-any"), ("elsewhere.test", "host-any"), ("127.0.0.1:1", "host-any"),
])
def test_the_most_specific_host_wins(routing, host, name):
    assert routed(routing, "/h/x", host=host) == name


def test_a_header_condition_chooses_the_route(routing):
    assert routed(routing, "/hd/x", headers={"X-Version": "2"}) == "with-header"
    assert routed(routing, "/hd/x", headers={"X-Version": "3"}) == "without-header"
    assert routed(routing, "/hd/x") == "without-header"


def test_methods_choose_the_route_and_are_told_with_405(routing):
    assert routed(routing, "/m/thing", "POST", body=b"") == "only-post"
    assert routed(routing, "/m/thing", "PUT", body=b"") == "only-put"

    answer = routing.gateway.fetch("DELETE", "/m/thing")

    assert_problem(answer, 405)
    assert sorted(answer["allow"].replace(" ", "").split(",")) == ["POST", "PUT"]


def test_get_serves_head_and_allow_says_so(routing):
    assert routing.gateway.fetch("HEAD", "/m/read").status == 200
    assert routing.main.last.method == "HEAD"

    answer = routing.gateway.fetch("POST", "/m/read", body=b"")

    assert_problem(answer, 405)
    assert sorted(answer["allow"].replace(" ", "").split(",")) == ["GET", "HEAD"]


@pytest.mark.parametrize("target", ["/", "/nowhere", "/P/exact", "/m", "/pp"])
def test_a_path_without_route_is_404(routing, target):
    assert_problem(routing.gateway.fetch(target=target), 404, "Unknown service")


@pytest.mark.parametrize("sent, forwarded", [
    ("/p/a/./b", "/p/a/b"), ("/p/a/../b", "/p/b"), ("/p/a/%2e%2E/b", "/p/b"), ("/p/a/.%2e/b", "/p/b"), ("/p/%2e/b", "/p/b"),
    ("/p//a///b", "/p/a/b"), ("//p/a", "/p/a"), ("/x/../p/a", "/p/a"), ("/../../p/a", "/p/a"), ("/p/a/..", "/p/"), ("/p/a/.", "/p/a/"),
    ("/p/%41%7e", "/p/A~"), ("/p/a%2Fb", "/p/a%2Fb"), ("/p/a%2fb", "/p/a%2Fb"), ("/p/%25", "/p/%25"),
    ("/p/%252e%252e", "/p/%252e%252e"), ("/p/a;b=c", "/p/a;b=c"), ("/p/a%20b", "/p/a%20b"), ("/p/%c3%a9", "/p/%C3%A9"),
    ("/p/a?x=../y&z=%2e%2F//", "/p/a?x=../y&z=%2e%2F//"), ("/p/a?", "/p/a?"), ("/p/a?b?c", "/p/a?b?c"),
])
def test_what_is_matched_is_what_is_forwarded(routing, sent, forwarded):
    answer = routing.gateway.fetch(target=sent)

    assert answer.status == 200
    assert answer.json()["target"] == forwarded


@pytest.mark.parametrize("target", ["/p/%", "/p/%zz", "/p/%4", "/p/%00", "/p/%0d%0aX:%20y", "/p/a#b", "p/x", "/p/..%2fx", "/p/%2e%2e%5cx", "/p/..;a/x"])
def test_a_target_that_is_no_path_is_400(routing, target):
    before = routing.main.count

    assert_problem(routing.gateway.fetch(target=target), 400)

    assert routing.main.count == before


def test_no_spelling_walks_around_a_policy(house):
    # given one part with a key and one without
    main = house.service()
    gateway = house.node(simple(main))

    # when the closed part is spelled in other ways
    for target in ["/open/../api/x", "/open/%2e%2e/api/x", "/open/.%2E/api/x", "//api/x", "/open//../api/x", "/api/../api/x", "/./api/x",
                   "/%61pi/x", "/open/x/../../api/x", "/api", "/api/"]:
        assert_problem(gateway.fetch(target=target), 401)

    # then nothing reached it
    assert main.count == 0


@pytest.mark.parametrize("sent, forwarded", [
    ("/strip/a/b?c=d", "/a/b?c=d"), ("/strip", "/"), ("/strip/", "/"), ("/prefix/a", "/base/prefix/a"),
    ("/old/api/v/1", "/new/v/1"), ("/old/api", "/new"),
])
def test_prefixes_are_cut_and_put(routing, sent, forwarded):
    assert routing.gateway.fetch(target=sent).json()["target"] == forwarded


def test_a_service_is_told_the_prefix_that_was_cut(routing):
    for target, prefix in (("/strip/a", "/strip"), ("/old/api/v", "/old/api"), ("/prefix/a", None)):
        routing.gateway.fetch(target=target, headers={"X-Forwarded-Prefix": "/evil"})
        assert routing.main.last["x-forwarded-prefix"] == prefix


def test_host_is_the_services_unless_the_route_says_otherwise(routing):
    routing.gateway.fetch(target="/p/x", host="client.test")
    assert routing.main.last["host"] == routing.main.authority
    routing.gateway.fetch(target="/host/preserve", host="Client.test:81")
    assert routing.main.last["host"] == "Client.test:81"
    routing.gateway.fetch(target="/host/replace", host="client.test")
    assert routing.main.last["host"] == "replaced.test:99"


def test_header_operations_work_both_ways(house):
    main = house.service(service.answers(200, b"x", [("X-Answer", "theirs"), ("X-More", "a"), ("X-Secret", "s"), ("X-Kept", "k")]))
    gateway = house.node({
        "services": {"main": {"instances": [main.url]}},
        "routes": [{"path": "/*", "service": "main", "auth": "none",
                    "request_headers": {"set": {"X-Set": "new"}, "append": {"X-List": "three"}, "remove": ["X-Gone"]},
                    "response_headers": {"set": {"X-Answer": "ours"}, "append": {"X-More": "b"}, "remove": ["x-secret"]}}]})

    answer = gateway.fetch(target="/x", headers=[("x-set", "old"), ("X-Set", "older"), ("X-List", "one"), ("X-Gone", "g"), ("X-Kept", "k")])

    assert main.last.all("x-set") == ["new"]
    assert ",".join(main.last.all("x-list")).replace(" ", "") == "one,three"
    assert (main.last["x-gone"], main.last["x-kept"]) == (None, "k")
    assert answer.all("x-answer") == ["ours"]
    assert ",".join(answer.all("x-more")).replace(" ", "") == "a,b"
    assert (answer["x-secret"], answer["x-kept"]) == (None, "k")


def test_hop_by_hop_headers_stay_on_their_hop_on_the_way_in(routing):
    routing.gateway.fetch(target="/p/x", headers=[
        ("Connection", "keep-alive, X-Private"), ("X-Private", "1"), ("Keep-Alive", "timeout=5"), ("Proxy-Connection", "keep-alive"),
        ("TE", "trailers"), ("Trailer", "X"), ("Proxy-Authorization", "Basic eDp5"), ("X-Public", "1")])

    seen = routing.main.last
    for name in ("x-private", "keep-alive", "proxy-connection", "te", "trailer", "proxy-authorization", "upgrade"):
        assert seen[name] is None, name
    assert "x-private" not in (seen["connection"] or "").lower()
    assert seen["x-public"] == "1"


def test_hop_by_hop_headers_stay_on_their_hop_on_the_way_out(house):
    main = house.service(service.sends(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: X-Private\r\nX-Private: 1\r\nConnection: X-Second\r\nX-Second: 1\r\nKeep-Alive: timeout=9\r\nProxy-Connection: close\r\n"
        b"Proxy-Authenticate: Basic\r\nUpgrade: h2c\r\nTrailer: X\r\nX-Public: 1\r\n\r\nok"))
    gateway = house.node(simple(main))

    answer = gateway.fetch(target="/open/x")

    assert (answer.status, answer.body, answer["x-public"]) == (200, b"ok", "1")
    for name in ("x-private", "x-second", "proxy-connection", "proxy-authenticate", "upgrade", "trailer"):
        assert answer[name] is None, name
    assert "timeout=9" not in (answer["keep-alive"] or "")


def test_a_strangers_forwarding_headers_are_replaced(routing):
    answer = routing.gateway.fetch(target="/p/x", host="public.test", headers=[
        ("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.test"), ("X-Request-Id", "mine"),
        ("traceparent", "00-" + "a" * 32 + "-" + "b" * 16 + "-01")])

    seen = routing.main.last
    assert (seen["x-forwarded-for"], seen["x-forwarded-proto"], seen["x-forwarded-host"]) == ("127.0.0.1", "http", "public.test")
    assert seen["x-request-id"] == answer["x-request-id"] != "mine"
    version, trace, span, flags = seen["traceparent"].split("-")
    assert (version, len(trace), len(span), len(flags)) == ("00", 32, 16, 2)
    assert trace != "a" * 32
    assert routing.gateway.log_line(request_id=answer["x-request-id"])["trace_id"] == trace


def test_no_other_forwarding_header_reaches_a_service(routing):
    names = ("X-Forwarded-Port", "X-Forwarded-Ssl", "X-Forwarded-Scheme", "X_Forwarded_Server", "X-Forwarded-Anything", "X-Real-IP", "Forwarded")
    routing.gateway.fetch(target="/p/x", headers=[(name, "forged") for name in names] + [("X-Forwarded", "kept")])

    seen = routing.main.last
    assert [name for name in names if seen[name.lower()] is not None] == []
    assert seen["x-forwarded"] == "kept"


def test_a_trusted_proxys_forwarding_headers_are_carried_on(house):
    main = house.service()
    gateway = house.node(simple(main, trusted_proxies=["127.0.0.1", "10.0.0.0/8"]))
    parent = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"

    answer = gateway.fetch(target="/open/x", headers=[
        ("X-Forwarded-For", "6.6.6.6, 7.7.7.7"), ("X-Forwarded-For", "10.1.2.3"), ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "public.test"), ("X-Request-Id", "theirs-1"), ("traceparent", parent), ("tracestate", "v=1")])

    seen = main.last
    assert ",".join(seen.all("x-forwarded-for")).replace(" ", "") == "6.6.6.6,7.7.7.7,10.1.2.3,127.0.0.1"
    assert (seen["x-forwarded-proto"], seen["x-forwarded-host"]) == ("https", "public.test")
    assert seen["x-request-id"] == answer["x-request-id"] == "theirs-1"
    assert seen["tracestate"] == "v=1"
    _, trace, span, flags = seen["traceparent"].split("-")
    assert (trace, flags) == ("a" * 32, "01") and span != "b" * 16
    assert gateway.log_line(request_id="theirs-1")["client"] == "7.7.7.7"


def test_a_trusted_proxys_garbage_is_not_carried_on(house):
    main = house.service()
    gateway = house.node(simple(main, trusted_proxies=["127.0.0.0/8"]))

    answer = gateway.fetch(target="/open/x", headers={"X-Request-Id": 'a"b', "traceparent": "00-" + "0" * 32 + "-" + "b" * 16 + "-01"})

    assert main.last["x-request-id"] == answer["x-request-id"] != 'a"b'
    assert main.last["traceparent"].split("-")[1] != "0" * 32


def test_via_is_added_both_ways(house):
    main = house.service(service.answers(200, b"x", [("Via", "1.0 inner")]))
    gateway = house.node(simple(main, server_name="edge"))

    answer = gateway.fetch(target="/open/x", headers={"Via": "1.1 outer"})

    assert ", ".join(main.last.all("via")).split(", ")[-1] == "1.1 edge"
    assert ", ".join(answer.all("via")).split(", ") == ["1.0 inner", "1.1 edge"]


def test_server_is_the_gateways_only_for_its_own_words(house):
    main = house.service(service.answers(200, b"x", [("Server", "theirs")]))
    gateway = house.node(simple(main))

    assert gateway.fetch(target="/open/x")["server"] == "theirs"
    assert gateway.fetch(target="/nowhere")["server"] != "theirs"


def test_upstream_errors_and_odd_statuses_pass_untouched(house):
    main = house.service(lambda request, wire: wire.reply(int(request.target.rpartition("/")[2]), b"own words", [("X-Own", "1")]))
    gateway = house.node(simple(main, services={"main": {"instances": [main.url], "breaker": "off"}}))

    for status in (201, 204, 206, 301, 304, 400, 401, 404, 418, 429, 500, 502, 503, 599):
        answer = gateway.fetch(target=f"/open/{status}")
        assert answer.status == status
        assert answer["x-own"] == "1"
        assert answer.body == (b"" if status in (204, 304) else b"own words")


def test_a_204_goes_on_without_the_length_that_it_came_with(house):
    main = house.service(lambda request, wire: wire.reply(204, headers=[("Content-Length", "0"), ("X-Own", "1")]))
    gateway = house.node(simple(main))

    with gateway.connect() as connection:
        for _ in range(2):
            answer = connection.request("GET", "/open/x")
            assert (answer.status, answer["x-own"], answer["content-length"]) == (204, "1", None)


def test_instances_take_turns(house):
    services = [house.service(service.echo, f"instance-{i}") for i in range(3)]
    gateway = house.node(simple(services[0], services={"main": {"instances": [one.url for one in services]}}, workers=1))

    for _ in range(12):
        assert gateway.fetch(target="/open/x").status == 200

    assert [one.count for one in services] == [4, 4, 4]


def test_a_service_can_listen_on_a_unix_socket(house):
    main = house.service(service.echo, "main", unix=True)
    gateway = house.node(simple(main))

    answer = gateway.fetch("POST", "/open/x", body=b"hello")

    assert answer.json()["body"] == "hello"
    assert main.last["host"] == "localhost"


def test_the_gateway_can_listen_on_a_unix_socket(house):
    main = house.service()
    path = house.folder + "/gateway.sock"
    gateway = house.configure(simple(main, trusted_proxies=["unix"]))
    gateway.config["listen"].append(f"unix:{path}")
    gateway.write_config()
    gateway.start()
    gateway.address = path

    assert gateway.fetch(target="/open/x", headers={"X-Forwarded-For": "9.9.9.9"}).status == 200
    assert main.last["x-forwarded-for"].startswith("9.9.9.9")


@pytest.mark.parametrize("size", [0, 1, 1000, 70_000, 3_000_000])
def test_bodies_of_any_size_pass_both_ways(house, size):
    body = bytes(i % 251 for i in range(size))
    main = house.service(lambda request, wire: wire.reply(200, request.body))
    gateway = house.node(simple(main))

    answer = gateway.fetch("POST", "/open/x", body=body)

    assert answer.body == body


def test_chunked_bodies_pass_both_ways(house):
    main = house.service(service.sends(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nX-Trailer: 1\r\n\r\n", then_close=False))
    gateway = house.node(simple(main))

    with gateway.connect() as connection:
        connection.send(b"POST /open/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n")
        first = connection.answer()
        second = connection.request("GET", "/open/y")

    assert (first.body, second.body) == (b"abcd", b"abcd")
    assert main.requests[0].body == b"hello world"


def test_an_answer_that_ends_with_its_connection_passes(house):
    main = house.service(service.sends(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end"))
    gateway = house.node(simple(main))

    assert gateway.fetch(target="/open/x").body == b"until the end"


def test_pipelined_requests_are_answered_in_order(house):
    main = house.service()
    gateway = house.node(simple(main))

    with gateway.connect() as connection:
        connection.send(b"".join(b"GET /open/%d HTTP/1.1\r\nHost: a\r\n\r\n" % i for i in range(5)))
        targets = [connection.answer().json()["target"] for _ in range(5)]

    assert targets == [f"/open/{i}" for i in range(5)]


def test_http_1_0_clients_are_served(house):
    main = house.service()
    gateway = house.node(simple(main))

    answer = gateway.raw(b"GET /open/x HTTP/1.0\r\nHost: a\r\n\r\n")

    assert answer.json()["target"] == "/open/x"


def test_expect_100_continue_is_honoured(house):
    main = house.service()
    gateway = house.node(simple(main))

    with gateway.connect() as connection:
        connection.send(b"POST /open/x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        assert connection.socket.recv(1000).startswith(b"HTTP/1.1 100")
        connection.send(b"hello")
        assert connection.answer().json()["body"] == "hello"
    assert main.last["expect"] is None


def test_hops_to_the_service_are_reused(house):
    main = house.service()
    gateway = house.node(simple(main, workers=1))

    with gateway.connect() as connection:
        for _ in range(20):
            connection.request("GET", "/open/x")

    assert main.accepted == 1
