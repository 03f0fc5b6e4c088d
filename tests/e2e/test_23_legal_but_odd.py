"""Requests that are legal and odd: strictness must not cost anybody who keeps to the rules. RFC 9110, RFC 9112."""

import pytest
from sluice import http2, service
from sluice.problems import assert_problem
from sluice.waiting import until

HOST = b"Host: gateway.test\r\n"


def ask(line=b"GET /open/x HTTP/1.1", fields=HOST, body=b""):
    return line + b"\r\n" + fields + b"\r\n" + body


def chunks(body, fields=b""):
    return ask(b"POST /open/x HTTP/1.1", HOST + b"Transfer-Encoding: chunked\r\n" + fields, body)


# name, bytes, what the service must see
ODD = [
    ("an empty line first (RFC 9112 §2.2)", b"\r\n" + ask(), {}),
    ("no blank after the colon", ask(fields=b"Host:gateway.test\r\nX-Odd:value\r\n"), {"x-odd": "value"}),
    ("blanks and tabs around a value", ask(fields=HOST + b"X-Odd: \t value \t \r\n"), {"x-odd": "value"}),
    ("a tab inside a value", ask(fields=HOST + b"X-Odd: a\tb\r\n"), {"x-odd": "a\tb"}),
    ("an empty value", ask(fields=HOST + b"X-Odd:\r\n"), {"x-odd": ""}),
    ("bytes above 0x7f in a value (obs-text)", ask(fields=HOST + b"X-Odd: caf\xc3\xa9\r\n"), {"x-odd": "caf\u00c3\u00a9"}),
    ("all token characters in a name", ask(fields=HOST + b"!#$%&'*+-.^_`|~09AZ: value\r\n"), {"!#$%&'*+-.^_`|~09az": "value"}),
    ("names in any case", ask(fields=b"hOsT: gateway.test\r\nx-ODD: value\r\n"), {"x-odd": "value"}),
    ("host in upper case with a port", ask(fields=b"Host: GATEWAY.TEST:8080\r\n"), {}),
    ("host with an empty port (RFC 3986 §3.2.3)", ask(fields=b"Host: gateway.test:\r\n"), {}),
    ("host as IPv6", ask(fields=b"Host: [::1]:8080\r\n"), {}),
    ("an empty host (RFC 9112 §3.2)", ask(fields=b"Host:\r\n"), {}),
    ("twice the same field", ask(fields=HOST + b"X-Odd: a\r\nX-Odd: b\r\n"), {"x-odd": ["a", "b"]}),
    ("a method that nobody knows", ask(b"FROB /open/x HTTP/1.1"), {"method": "FROB"}),
    ("a method with all token characters", ask(b"M-!#$%&'*+.^_`|~ /open/x HTTP/1.1"), {"method": "M-!#$%&'*+.^_`|~"}),
    ("a method in lower case", ask(b"get /open/x HTTP/1.1"), {"method": "get"}),
    ("a minor version to come (RFC 9110 §2.5)", ask(b"GET /open/x HTTP/1.2"), {}),
    ("HTTP/1.0 without Host", ask(b"GET /open/x HTTP/1.0", b"X-Odd: value\r\n"), {"x-odd": "value"}),
    ("absolute target (RFC 9112 §3.2.2)", ask(b"GET http://gateway.test/open/x?y HTTP/1.1"), {"target": "/open/x?y"}),
    ("absolute target in upper case", ask(b"GET HTTP://GATEWAY.TEST/open/x HTTP/1.1"), {"target": "/open/x"}),
    ("absolute target with another Host", ask(b"GET http://gateway.test/open/x HTTP/1.1", b"Host: other.test\r\n"), {"target": "/open/x"}),
    ("an empty query", ask(b"GET /open/x? HTTP/1.1"), {"target": "/open/x?"}),
    ("question marks in a query", ask(b"GET /open/x?a?b=/c HTTP/1.1"), {"target": "/open/x?a?b=/c"}),
    ("path characters that are no letters", ask(b"GET /open/-._~!$&'()*+,;=:@ HTTP/1.1"), {"target": "/open/-._~!$&'()*+,;=:@"}),
    ("an escaped UTF-8 name", ask(b"GET /open/caf%C3%A9 HTTP/1.1"), {"target": "/open/caf%C3%A9"}),
    ("a target of 7 KB", ask(b"GET /open/" + b"t" * 7000 + b" HTTP/1.1"), {"target": "/open/" + "t" * 7000}),
    ("ninety fields", ask(fields=HOST + b"".join(b"X-%d: y\r\n" % number for number in range(90))), {"x-89": "y"}),
    ("a length with zeros in front", ask(b"POST /open/x HTTP/1.1", HOST + b"Content-Length: 0005\r\n", b"hello"), {"body": "hello"}),
    ("a length with blanks around", ask(b"POST /open/x HTTP/1.1", HOST + b"Content-Length: \t 5 \r\n", b"hello"), {"body": "hello"}),
    ("a body with GET (RFC 9110 §9.3.1)", ask(fields=HOST + b"Content-Length: 5\r\n", body=b"hello"), {"body": "hello"}),
    ("POST without any body", ask(b"POST /open/x HTTP/1.1"), {"body": "", "method": "POST"}),
    ("coding in upper case", ask(b"POST /open/x HTTP/1.1", HOST + b"Transfer-Encoding: CHUNKED\r\n", b"5\r\nhello\r\n0\r\n\r\n"), {"body": "hello"}),
    ("coding with blanks around", ask(b"POST /open/x HTTP/1.1", HOST + b"Transfer-Encoding: \t chunked \r\n", b"5\r\nhello\r\n0\r\n\r\n"),
     {"body": "hello"}),
    ("chunks of one byte", chunks(b"".join(b"1\r\n%c\r\n" % letter for letter in b"hello") + b"0\r\n\r\n"), {"body": "hello"}),
    ("chunk sizes in upper case and with zeros", chunks(b"000A\r\n0123456789\r\n0\r\n\r\n"), {"body": "0123456789"}),
    ("several zeros as the last chunk", chunks(b"5\r\nhello\r\n000\r\n\r\n"), {"body": "hello"}),
    ("a chunk extension (RFC 9112 §7.1.1)", chunks(b"5;a=b;c\r\nhello\r\n0;d\r\n\r\n"), {"body": "hello"}),
    ("a quoted chunk extension", chunks(b'5;a="b;\\"c"\r\nhello\r\n0\r\n\r\n'), {"body": "hello"}),
    ("blanks in a chunk extension", chunks(b"5 ; a = b\r\nhello\r\n0\r\n\r\n"), {"body": "hello"}),
    ("trailers (RFC 9112 §7.1.2)", chunks(b"5\r\nhello\r\n0\r\nX-Late: value\r\nX-Later: value\r\n\r\n", b"Trailer: X-Late\r\n"),
     {"body": "hello", "x-late": None}),
    ("Expect with a body that is sent at once", ask(b"POST /open/x HTTP/1.1", HOST + b"Expect: 100-continue\r\nContent-Length: 5\r\n", b"hello"),
     {"body": "hello", "expect": None}),
    ("Expect in upper case", ask(b"POST /open/x HTTP/1.1", HOST + b"Expect: 100-CONTINUE\r\nContent-Length: 5\r\n", b"hello"), {"body": "hello"}),
    ("Connection with names of fields", ask(fields=HOST + b"Connection: X-Hop, keep-alive\r\nX-Hop: value\r\nX-Odd: value\r\n"),
     {"x-hop": None, "x-odd": "value"}),
    ("Connection as a list with empty elements", ask(fields=HOST + b"Connection: , keep-alive, ,\r\n"), {}),
    ("Upgrade to something that we do not speak (RFC 9110 §7.8)", ask(fields=HOST + b"Connection: Upgrade\r\nUpgrade: h2c, other/1\r\n"),
     {"upgrade": None}),
    ("TE", ask(fields=HOST + b"Connection: TE\r\nTE: trailers\r\n"), {"te": None}),
    ("cookies with odd characters", ask(fields=HOST + b"Cookie: a=\"b\"; c={\"d\":[1,2]}; e=f=g\r\n"), {"cookie": 'a="b"; c={"d":[1,2]}; e=f=g'}),
]


@pytest.fixture(scope="module")
def house(shared_house):
    shared_house.main = shared_house.service(service.echo)
    shared_house.gateway = shared_house.node({"services": {"main": {"instances": [shared_house.main.url]}},
                                              "routes": [{"path": "/open/*", "service": "main", "auth": "none"}]})
    return shared_house


def seen(answer, name):
    """A member of the echo, or the values of a field."""
    echo = answer.json()
    if name in ("method", "target", "body"):
        return echo[name]
    values = [value for field, value in echo["headers"] if field.lower() == name]
    return None if not values else values[0] if len(values) == 1 else values


@pytest.mark.parametrize("name, data, expected", ODD, ids=[name for name, _, _ in ODD])
def test_it_is_answered_right(house, name, data, expected):
    with house.gateway.connect() as connection:
        connection.send(data)
        answer = connection.answer()

    assert answer.status == 200, answer
    assert {field: seen(answer, field) for field in expected} == expected


@pytest.mark.parametrize("name, data, expected", ODD, ids=[name for name, _, _ in ODD])
def test_it_is_answered_right_a_byte_at_a_time_and_the_connection_goes_on(house, name, data, expected):
    if len(data) > 1500:
        data = data[:20] + data[20:]
        pieces = [data[at:at + 100] for at in range(0, len(data), 100)]
    else:
        pieces = [data[at:at + 1] for at in range(len(data))]
    with house.gateway.connect() as connection:
        for piece in pieces:
            connection.send(piece)
        answer = connection.answer()
        assert answer.status == 200, answer
        assert {field: seen(answer, field) for field in expected} == expected
        if answer["connection"] != "close" and b"HTTP/1.0" not in data:
            assert connection.request("GET", "/open/next").json()["target"] == "/open/next"


def test_all_of_them_in_one_packet_are_answered_in_order(house):
    lasting = [(data, expected) for _, data, expected in ODD if b"HTTP/1.0" not in data]
    with house.gateway.connect() as connection:
        connection.send(b"".join(data for data, _ in lasting))
        for data, expected in lasting:
            answer = connection.answer()
            assert answer.status == 200, (data[:200], answer)
            assert {field: seen(answer, field) for field in expected} == expected, data[:200]


@pytest.mark.parametrize("data", [ask(b"GET /open/x HTTP/1.0", b""), ask(fields=b"Host:\r\n")], ids=["HTTP/1.0", "HTTP/1.1"])
def test_who_names_no_host_is_not_given_one(house, data):
    with house.gateway.connect() as connection:
        connection.send(data)
        answer = connection.answer()

    assert seen(answer, "x-forwarded-host") is None
    assert house.gateway.log_line(request_id=answer["x-request-id"])["host"] == ""


def test_the_log_names_the_host_that_routes_were_matched_with(house):
    with house.gateway.connect() as connection:
        connection.send(ask(b"GET http://Gateway.test:81/open/x HTTP/1.1", b"Host: other.test\r\n"))
        answer = connection.answer()

    assert seen(answer, "x-forwarded-host") == "Gateway.test:81"
    assert house.gateway.log_line(request_id=answer["x-request-id"])["host"] == "Gateway.test:81"


def test_options_of_the_server_as_a_whole(house):
    before = house.main.count
    answer = house.gateway.raw(b"OPTIONS * HTTP/1.1\r\nHost: gateway.test\r\n\r\n", "OPTIONS")

    assert answer.status in (200, 204), answer
    assert answer["allow"]
    assert house.main.count == before


@pytest.mark.parametrize("method, came, goes", [
    ("OPTIONS", "7", "6"), ("TRACE", "1", "0"), ("OPTIONS", "010", "9"), ("OPTIONS", "18446744073709551615", "18446744073709551614"),
    ("OPTIONS", "many", "many"), ("OPTIONS", "-1", "-1"), ("GET", "7", "7"), ("POST", "0", "0")])
def test_max_forwards_is_counted_down_where_it_means_something(house, method, came, goes):
    answer = house.gateway.fetch(method, "/open/x", [("Max-Forwards", came)])

    assert answer.status == 200, answer
    assert seen(answer, "max-forwards") == goes


def test_who_asks_the_last_hop_is_answered_by_it(house):
    before = house.main.count
    with house.gateway.connect() as connection:
        options = connection.request("OPTIONS", "/open/x", [("Max-Forwards", "0")])
        trace = connection.request("TRACE", "/open/x", [("Max-Forwards", "0")])
        unknown = connection.request("OPTIONS", "/nowhere", [("Max-Forwards", "0")])

    assert (options.status, options["allow"]) == (204, "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT")
    assert (trace.status, unknown.status) == (405, 404)
    assert "TRACE" not in trace["allow"]
    assert house.main.count == before
    assert house.gateway.log_line(request_id=options["x-request-id"])["reason"] == "options"


def test_http_1_0_is_kept_alive_when_it_asks_for_it(house):
    with house.gateway.connect() as connection:
        for _ in range(2):
            connection.send(b"GET /open/x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            answer = connection.answer()
            assert answer.status == 200 and answer["connection"].lower() == "keep-alive"
    with house.gateway.connect() as connection:
        connection.send(b"GET /open/x HTTP/1.0\r\n\r\n")
        assert connection.answer().status == 200
        assert connection.ended()


def test_a_client_that_waits_for_100_gets_it(house):
    with house.gateway.connect() as connection:
        connection.send(b"POST /open/x HTTP/1.1\r\nHost: gateway.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        until(lambda: b"100 Continue\r\n\r\n" in connection.buffer or connection._read_more(), "no 100")
        connection.send(b"hello")
        assert connection.answer().json()["body"] == "hello"


@pytest.fixture(scope="module")
def bounded(shared_house):
    """A bound for all bodies, and a smaller one of a route; both versions of HTTP at one address."""
    main = shared_house.service(service.echo)
    node = shared_house.configure({
        "limits": {"body": "4KiB"}, "services": {"main": {"instances": [main.url]}}, "routes": [
            {"path": "/open/*", "service": "main", "auth": "none"}, {"path": "/open/small", "service": "main", "auth": "none", "body": "1KiB"}]})
    node.config["listen"] = [{"address": "%s:%d" % node.address, "http2": True}]
    node.write_config()
    return node.start()


def post_over_http2(node, path, body, more=()):
    with http2.Client(node.address) as client:
        stream = client.begin(http2.request_fields(path, "POST", more=more), end=False)
        client.send_data(stream, body)
        return client.answer(stream)


POSTS = {
    "length": lambda node, path, body: node.fetch("POST", path, body=body),
    "chunks": lambda node, path, body: node.raw(ask(b"POST %s HTTP/1.1" % path.encode(), HOST + b"Transfer-Encoding: chunked\r\n",
                                                    b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)), "POST"),
    "http2": post_over_http2,
    "http2 with length": lambda node, path, body: post_over_http2(node, path, body, [("content-length", str(len(body)))]),
}


@pytest.mark.parametrize("path, most", [("/open/x", 4096), ("/open/small", 1024)])
@pytest.mark.parametrize("form", POSTS)
def test_a_body_may_be_as_large_as_the_bound_says(bounded, form, path, most):
    answer = POSTS[form](bounded, path, b"x" * most)
    assert answer.status == 200
    assert len(answer.json()["body"]) == most

    assert_problem(POSTS[form](bounded, path, b"x" * (most + 1)), 413)
