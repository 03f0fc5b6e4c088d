"""Heads and bodies of HTTP/1 as strictly as RFC 9112 allows: each line of libh2o's leniencies, said as bytes on a socket.

What is refused is answered as a problem, logged, and the connection is closed with nothing behind it interpreted.
"""

import time

import pytest
from sluice import service
from sluice.problems import assert_problem

BEHIND = b"GET /open/behind HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture(scope="module")
def house(shared_house):
    shared_house.main = shared_house.service(service.echo)
    shared_house.gateway = shared_house.node({
        "services": {"main": {"instances": [shared_house.main.url]}},
        "routes": [{"path": "/open/*", "service": "main", "auth": "none"}],
        "limits": {"body": "64KiB", "header": "16KiB", "target": "4KiB", "header_lines": 50},
        "workers": 1,
    })
    return shared_house


def get(*lines, version="1.1", target="/open/x", method="GET"):
    return "\r\n".join([f"{method} {target} HTTP/{version}", *lines, "", ""]).encode("latin-1")


def post(*lines, body=b"", **options):
    return get(*lines, method="POST", **options) + body


def refused(house, data, status, reason=None, behind=BEHIND):
    """The answer to bytes that must be refused; the request behind them must never be seen."""
    before = house.main.count
    with house.gateway.connect() as connection:
        connection.send(data + behind)
        answer = connection.answer()
        assert answer["connection"] == "close"
        assert connection.ended()
    problem = assert_problem(answer, status)
    line = house.gateway.log_line(request_id=problem["request_id"])
    assert line["status"] == status
    assert line["detail"] or reason
    if reason is not None:
        assert line["reason"] == reason
    assert house.main.count == before
    return line


# --- heads ---

CHUNKED = b"5\r\nhello\r\n0\r\n\r\n"
BAD = {
    "no host": get(),
    "two hosts": get("Host: a", "Host: a"),
    "two different hosts": get("Host: a", "Host: b"),
    "two hosts in 1.0": get("Host: a", "Host: b", version="1.0"),
    "host with userinfo": get("Host: user@a"),
    "host with a path": get("Host: a/b"),
    "host with a blank": get("Host: a b"),
    "host with two ports": get("Host: a:80:80"),
    "two equal lengths": post("Host: a", "Content-Length: 5", "Content-Length: 5", body=b"hello"),
    "two different lengths": post("Host: a", "Content-Length: 5", "Content-Length: 6", body=b"hello"),
    "list of lengths": post("Host: a", "Content-Length: 5,5", body=b"hello"),
    "signed length": post("Host: a", "Content-Length: +5", body=b"hello"),
    "hexadecimal length": post("Host: a", "Content-Length: 0x5", body=b"hello"),
    "length in two words": post("Host: a", "Content-Length: 1 5", body=b"hello"),
    "empty length": post("Host: a", "Content-Length:"),
    "endless length": post("Host: a", "Content-Length: " + "9" * 25),
    "length then coding": post("Host: a", "Content-Length: 5", "Transfer-Encoding: chunked", body=CHUNKED),
    "coding then length": post("Host: a", "Transfer-Encoding: chunked", "Content-Length: 5", body=CHUNKED),
    "two codings": post("Host: a", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body=CHUNKED),
    "identity then chunked": post("Host: a", "Transfer-Encoding: identity", "Transfer-Encoding: chunked", body=CHUNKED),
    "coding in 1.0": post("Host: a", "Transfer-Encoding: chunked", version="1.0", body=CHUNKED),
    "chunked not last": post("Host: a", "Transfer-Encoding: chunked, gzip", body=CHUNKED),
    "chunked twice": post("Host: a", "Transfer-Encoding: chunked, chunked", body=CHUNKED),
    "blank before colon": get("Host: a", "X : y"),
    "coding with a blank before its colon": post("Host: a", "Transfer-Encoding : chunked", body=CHUNKED),
    "folded line": get("Host: a", "X: y", " z"),
    "folded first line": get(" X: y", "Host: a"),
    "empty name": get("Host: a", ": y"),
    "name with a bracket": get("Host: a", "X[0]: y"),
    "line without colon": get("Host: a", "X"),
    "zero byte in a value": get("Host: a", "X: a\0b"),
    "control in a value": get("Host: a", "X: a\x01b"),
    "CR in a value": get("Host: a", "X: a\rb"),
    "LF for line ends": b"GET /open/x HTTP/1.1\nHost: a\n\n",
    "LF behind the request line": b"GET /open/x HTTP/1.1\nHost: a\r\n\r\n",
    "LF behind a field": b"GET /open/x HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
    "LF at the end": b"GET /open/x HTTP/1.1\r\nHost: a\r\n\n",
    "LF in front": b"\nGET /open/x HTTP/1.1\r\nHost: a\r\n\r\n",
    "CR CR LF": b"GET /open/x HTTP/1.1\r\nHost: a\r\r\n\r\n",
    "empty lines in front": b"\r\n\r\nGET /open/x HTTP/1.1\r\nHost: a\r\n\r\n",
    "no method": b" /open/x HTTP/1.1\r\nHost: a\r\n\r\n",
    "odd method": get("Host: a", method='G@{"'),
    "two blanks": b"GET  /open/x HTTP/1.1\r\nHost: a\r\n\r\n",
    "tab": b"GET\t/open/x HTTP/1.1\r\nHost: a\r\n\r\n",
    "target with a blank": get("Host: a", target="/open/x y"),
    "target that is no path": get("Host: a", target="foo"),
    "asterisk for GET": get("Host: a", target="*"),
    "authority for CONNECT": get("Host: a", target="a:443", method="CONNECT"),
    "path for CONNECT": get("Host: a", method="CONNECT"),
    "target with a fragment": get("Host: a", target="/open/x#y"),
    "other scheme": get("Host: a", target="ftp://a/open/x"),
    "absolute without host": get("Host: a", target="http:///open/x"),
    "absolute with userinfo": get("Host: a", target="http://u:p@a/open/x"),
    "version in small letters": b"GET /open/x http/1.1\r\nHost: a\r\n\r\n",
    "version without digits": b"GET /open/x HTTP/1.x\r\nHost: a\r\n\r\n",
    "noise": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
}


@pytest.mark.parametrize("name", BAD)
def test_a_doubtful_head_is_400_and_nothing_behind_it_is_read(house, name):
    refused(house, BAD[name], 400, "bad_request")


OTHERS = {
    "unknown coding": (501, "unknown_coding", post("Host: a", "Transfer-Encoding: gzip, chunked", body=CHUNKED)),
    "unknown last coding": (501, "unknown_coding", post("Host: a", "Transfer-Encoding: xchunked", body=CHUNKED)),
    "identity": (501, "unknown_coding", post("Host: a", "Transfer-Encoding: identity")),
    "HTTP/2.0": (505, "http_version", get("Host: a", version="2.0")),
    "HTTP/0.9": (505, "http_version", get("Host: a", version="0.9")),
    "HTTP/3": (505, "http_version", get("Host: a", version="3")),
    "no version": (505, "http_version", b"GET /open/x\r\n"),
    "preface of HTTP/2": (505, "http_version", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9)),
    "long target": (414, "target_too_long", get("Host: a", target="/open/" + "x" * 4096)),
    "target beyond the bound of the whole head": (414, "target_too_long", get("Host: a", target="/open/" + "x" * 20000)),
    "endless target": (414, "target_too_long", b"GET /open/" + b"x" * 5000),
    "many fields": (431, "head_too_large", get("Host: a", *["X: y"] * 50)),
    "more fields than the library takes": (431, "head_too_large", get("Host: a", *["X: y"] * 150)),
    "long field": (431, "head_too_large", get("Host: a", "X: " + "y" * 16384)),
    "endless field": (431, "head_too_large", b"GET /open/x HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 20000),
    "endless fields": (431, "head_too_large", b"GET /open/x HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 60),
    "unknown expectation": (417, "expectation_failed", get("Host: a", "Expect: 200-ok")),
    "unknown expectation with a body": (417, "expectation_failed", post("Host: a", "Expect: x", "Content-Length: 5", body=b"hello")),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_not_doubtful_but_not_taken_has_its_own_status(house, name):
    status, reason, data = OTHERS[name]
    refused(house, data, status, reason, b"" if name.startswith("endless") else BEHIND)


def test_a_refused_head_is_counted_and_its_method_host_and_path_are_logged(house):
    before = house.gateway.metrics().total("sluice_guard_refused_total")

    line = refused(house, post("Host: a", "Content-Length: 5", "Content-Length: 6"), 400)

    assert (line["method"], line["host"], line["path"]) == ("POST", "a", "/open/x")
    assert line["detail"] == "more than one Content-Length"
    assert house.gateway.metrics().total("sluice_guard_refused_total") == before + 1


@pytest.mark.parametrize("lines", [("Host: a", "Host: b"), ("Host: a/b",), ()], ids=["two", "none that is one", "none"])
def test_a_host_that_is_refused_is_not_logged(house, lines):
    assert refused(house, get(*lines), 400).get("host", "") == ""


def test_the_client_is_told_what_to_do(house):
    with house.gateway.connect() as connection:
        connection.send(post("Host: a", "Content-Length: 5", "Content-Length: 6"))
        assert assert_problem(connection.answer("POST"), 400)["detail"] == "There is more than one Content-Length: send it once."


def test_a_refused_HEAD_has_no_body(house):
    with house.gateway.connect() as connection:
        connection.send(get(method="HEAD") + BEHIND)
        answer = connection.answer("HEAD")
        assert answer.status == 400 and int(answer["content-length"]) > 0
        assert connection.ended()


def test_a_bad_head_that_comes_byte_by_byte_is_refused_all_the_same(house):
    with house.gateway.connect() as connection:
        for byte in get("Host: a", "Host: b"):
            connection.send(bytes([byte]))
        assert_problem(connection.answer(), 400)
        assert connection.ended()


def test_many_lines_are_refused_before_the_head_ends(house):
    with house.gateway.connect() as connection:
        connection.send(b"GET /open/x HTTP/1.1\r\nHost: a\r\n")
        for _ in range(52):
            connection.send(b"X: y\r\n")
            time.sleep(0.001)
        assert_problem(connection.answer(), 431)
        assert connection.ended()


def test_an_earlier_request_of_the_connection_is_answered_first(house):
    with house.gateway.connect() as connection:
        connection.send(get("Host: a") + get("Host: a", "Host: b") + BEHIND)
        assert connection.answer().status == 200
        assert_problem(connection.answer(), 400)
        assert connection.ended()


# --- legal, if odd ---

GOOD = {
    "empty host": get("Host:"),
    "host with port": get("Host: a.example:8080"),
    "IPv6 host": get("Host: [::1]:80"),
    "1.0 without host": get(version="1.0"),
    "1.9": get("Host: a", version="1.9"),
    "one empty line in front": b"\r\n" + get("Host: a"),
    "Chunked in capitals": post("Host: a", "TRANSFER-ENCODING: ChUnKeD", body=CHUNKED),
    "coding with blanks": post("Host: a", "Transfer-Encoding: \t chunked \t ", body=CHUNKED),
    "bytes above 0x7f": get("Host: a", "X: \xe9\xff"),
    "tab in a value": get("Host: a", "X: a\tb"),
    "no value": get("Host: a", "X:"),
    "unknown method": get("Host: a", method="BREW"),
    "absolute target": get("Host: other", target="http://a/open/x"),
    "as many fields as are taken": get("Host: a", *["X: y"] * 49),
    "as long a target as is taken": get("Host: a", target="/open/" + "x" * 4090),
    "length with zeros": post("Host: a", "Content-Length: 0005", body=b"hello"),
    "body of no bytes": post("Host: a", "Content-Length: 0"),
    "GET with a body": get("Host: a", "Content-Length: 5") + b"hello",
}


@pytest.mark.parametrize("name", GOOD)
def test_what_is_legal_passes(house, name):
    assert house.gateway.raw(GOOD[name]).status == 200


def test_blanks_around_values_are_not_part_of_them(house):
    house.gateway.raw(get("Host: a", "X-Blank:  \t y z \t "))
    assert house.main.last["x-blank"] == "y z"


# --- OPTIONS * ---

def test_options_asterisk_is_about_the_gateway(house):
    answer = house.gateway.raw(get("Host: a", target="*", method="OPTIONS"))

    assert answer.status == 204 and answer.body == b"" and answer["content-length"] is None
    assert "GET" in answer["allow"] and "OPTIONS" in answer["allow"]
    assert house.gateway.log_line(request_id=answer["x-request-id"])["reason"] == "options"


# --- persistence ---

@pytest.mark.parametrize("version, lines, persists", [
    ("1.1", [], True), ("1.1", ["Connection: close"], False), ("1.1", ["Connection: keep-alive"], True),
    ("1.1", ["Connection: close, keep-alive"], False), ("1.1", ["Connection: keep-alive, close"], False),
    ("1.1", ["Connection: close", "Connection: keep-alive"], False), ("1.1", ["Connection: keep-alive", "Connection: close"], False),
    ("1.1", ["Connection: x-foo"], True), ("1.1", ["Connection: TE", "TE: trailers"], True), ("1.1", ["Connection: CLOSE"], False),
    ("1.0", [], False), ("1.0", ["Connection: keep-alive"], True), ("1.0", ["Connection: Keep-Alive, x-foo"], True),
    ("1.0", ["Connection: close, keep-alive"], False), ("1.0", ["Connection: x-foo"], False),
])
def test_connection_tokens_decide_whether_it_persists(house, version, lines, persists):
    with house.gateway.connect() as connection:
        connection.send(get("Host: a", *lines, version=version) + get("Host: a", "Connection: close"))
        first = connection.answer()
        assert first.status == 200
        assert first["connection"] == ("keep-alive" if persists else "close")
        if persists:
            assert connection.answer().status == 200
        assert connection.ended()


def test_pipelined_requests_are_answered_in_order(house):
    with house.gateway.connect() as connection:
        connection.send(b"".join(post("Host: a", "Content-Length: 2", target=f"/open/{i}", body=b"ab") for i in range(40)))
        for i in range(40):
            assert connection.answer().json()["target"] == f"/open/{i}"


def test_an_upgrade_to_cleartext_http2_is_not_taken(house):
    with house.gateway.connect() as connection:
        connection.send(get("Host: a", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA"))
        assert connection.answer().status == 200
        assert house.main.last["upgrade"] is None and house.main.last["http2-settings"] is None


# --- Expect ---

def first_lines(connection, count):
    while connection.buffer.count(b"\r\n") < count:
        connection._read_more()
    return connection.buffer


def test_100_is_sent_before_the_body_comes(house):
    with house.gateway.connect() as connection:
        connection.send(post("Host: a", "Expect: 100-Continue", "Content-Length: 5"))
        assert first_lines(connection, 2).startswith(b"HTTP/1.1 100 ")
        connection.send(b"hello")
        assert connection.answer().status == 200
        assert house.main.last.body == b"hello" and house.main.last["expect"] is None


def test_no_100_is_sent_to_http_1_0(house):
    with house.gateway.connect() as connection:
        connection.send(post("Host: a", "Expect: 100-continue", "Content-Length: 5", version="1.0", body=b"hello"))
        assert b" 200 " in first_lines(connection, 1)


def test_no_100_is_sent_where_there_is_no_body(house):
    with house.gateway.connect() as connection:
        connection.send(get("Host: a", "Expect: 100-continue"))
        assert b" 200 " in first_lines(connection, 1)


def test_a_body_that_is_too_large_is_413_without_100(house):
    with house.gateway.connect() as connection:
        connection.send(post("Host: a", "Expect: 100-continue", "Content-Length: 100000000"))
        assert b" 413 " in first_lines(connection, 1)
        assert_problem(connection.answer(), 413)
        assert connection.ended()


# --- chunked bodies ---

def chunked(body):
    return post("Host: a", "Transfer-Encoding: chunked", body=body)


@pytest.mark.parametrize("coded, body", [
    (CHUNKED, b"hello"),
    (b"5;a=b;c=\"d\"\r\nhello\r\n0\r\n\r\n", b"hello"),
    (b"A\r\n0123456789\r\na\r\n0123456789\r\n000\r\n\r\n", b"0123456789" * 2),
    (b"5\r\nhello\r\n0\r\nX-Trailer: y\r\nX-API-Key: z\r\n\r\n", b"hello"),
    (b"0\r\n\r\n", b""),
])
def test_chunked_bodies_are_decoded_and_trailers_dropped(house, coded, body):
    with house.gateway.connect() as connection:
        connection.send(chunked(coded) + BEHIND)
        assert connection.answer().status == 200
        assert connection.answer().json()["target"] == "/open/behind"
    sent = house.main.requests[-2]
    assert sent.body == body
    assert sent["x-trailer"] is None and sent["transfer-encoding"] is None


@pytest.mark.parametrize("coded", [
    b"5\nhello\r\n0\r\n\r\n", b"5\r\nhello\n0\r\n\r\n", b"5 \r\nhello\r\n0\r\n\r\n", b"5 x\r\nhello\r\n0\r\n\r\n", b"0x5\r\nhello\r\n0\r\n\r\n",
    b"5\r\r\nhello\r\n0\r\n\r\n", b"5\r\nhello!\r\n0\r\n\r\n", b"+5\r\nhello\r\n0\r\n\r\n", b"\r\n", b"g\r\n", b"0000000000000005\r\nhello\r\n0\r\n\r\n",
    b"ffffffffffffffff\r\n", b"10000000000000005\r\nhello\r\n0\r\n\r\n", b"0\r\nX: y\n\r\n", b"0\r\n\n", b"0\r\n folded\r\n\r\n", b"0\r\nX y: z\r\n\r\n",
    b"5;" + b"x" * 17000 + b"\r\nhello\r\n0\r\n\r\n", b"0\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
])
def test_a_doubtful_chunk_is_400_and_closes(house, coded):
    before = house.main.count
    with house.gateway.connect() as connection:
        connection.send(chunked(coded) + BEHIND)
        problem = assert_problem(connection.answer(), 400)
        assert connection.ended()
    assert house.gateway.log_line(request_id=problem["request_id"])["reason"] == "bad_request"
    assert house.main.count == before
