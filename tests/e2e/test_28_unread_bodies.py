"""Bodies that nobody will read: refused while they arrive, or before. The budget holds to the byte that comes, and whoever is refused hears why,
although he sends all he has before he listens.
"""

import contextlib
import socket

import pytest
from sluice import http, processes, service
from sluice.house import simple
from sluice.problems import assert_problem
from sluice.waiting import until

http2 = pytest.importorskip("sluice.http2")

MEGABYTE = 1_000_000
LONG = "100s"
LAZY = {"head_timeout": LONG, "body_grace": LONG, "idle": LONG, "stall": LONG}


def node(house, main, listens_to_http2=False, **limits):
    gateway = house.configure(simple(main, workers=1, limits={**LAZY, **limits}))
    if listens_to_http2:
        gateway.config["listen"] = [{"address": gateway.config["listen"][0], "http2": True}]
        gateway.write_config()
    return gateway.start()


def post(*lines, target="/open/x", version="1.1"):
    return "\r\n".join([f"POST {target} HTTP/{version}", "Host: a", *lines, "", ""]).encode()


def reset_of(client, stream):
    """The code of RST_STREAM, which comes behind the answer."""
    while stream not in client.resets:
        assert not client.ended, "left open"
        client.read()
    return client.resets[stream]


def budget_cuts(gateway):
    return gateway.metrics().total("sluice_deadlines_total", kind="bodies")


# --- one budget for all bodies ---

PIECE = 500_000


def test_no_burst_gets_beyond_the_budget(house):
    """Whole bodies, all at once, faster than anybody looks. Each that was taken stays: the service never answers."""
    main = house.service(service.hangs())
    gateway = node(house, main, body="1MiB", bodies="2MiB")
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(gateway.connect()) for _ in range(24)]
        for client in clients:
            client.send(post(f"Content-Length: {PIECE}") + b"x" * PIECE)
        until(lambda: main.count + budget_cuts(gateway) == 24, lambda: f"{main.count} taken, {budget_cuts(gateway)} refused")
        assert main.count <= 4
        refused = 0
        for client in clients:
            client.socket.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                if client.socket.recv(1, socket.MSG_PEEK):
                    client.socket.setblocking(True)
                    answer = client.answer("POST")
                    assert_problem(answer, 503)
                    assert answer["retry-after"] == "1"
                    refused += 1
        assert refused == 24 - main.count
    until(lambda: gateway.metrics().total("sluice_request_body_bytes") == 0, "not given back")


def test_no_burst_of_http2_gets_beyond_it_either(house):
    main = house.service(service.hangs())
    gateway = node(house, main, listens_to_http2=True, body="1MiB", bodies="2MiB")
    with http2.Client(gateway.address) as client:
        streams = [client.begin(http2.request_fields("/open/x", "POST"), end=False) for _ in range(24)]
        for stream in streams:
            pieces = [b"x" * 10_000] * (PIECE // 10_000)
            client.raw(b"".join(http2.frame(http2.DATA, http2.END_STREAM if number == len(pieces) - 1 else 0, stream, piece)
                                for number, piece in enumerate(pieces)))
        until(lambda: main.count + budget_cuts(gateway) == 24, lambda: f"{main.count} taken, {budget_cuts(gateway)} refused")
        assert main.count <= 4


def test_what_waits_for_its_turn_counts_as_well(house):
    """limits.streams lets one be served; the others' bodies are complete, and wait."""
    main = house.service(service.hangs())
    gateway = node(house, main, listens_to_http2=True, body="1MiB", bodies="2MiB", streams=1)
    with http2.Client(gateway.address) as client:
        for _ in range(3):
            stream = client.begin(http2.request_fields("/open/x", "POST"), end=False)
            client.raw(b"".join(http2.frame(http2.DATA, 0, stream, b"x" * 10_000) for _ in range(50)) +
                       http2.frame(http2.DATA, http2.END_STREAM, stream))
        until(lambda: gateway.metrics().total("sluice_request_body_bytes") == 3 * PIECE,
              lambda: gateway.metrics().total("sluice_request_body_bytes"))


def test_an_http2_client_that_goes_on_sending_gets_its_refusal_whole(house):
    """What comes of a refused body must not end the answer, nor use up the window of the others."""
    gateway = node(house, house.service(), listens_to_http2=True, body="10MiB", bodies="1MiB")
    with http2.Client(gateway.address) as client:
        for _ in range(3):
            stream = client.begin(http2.request_fields("/open/x", "POST"), end=False)
            for _ in range(600):
                client.raw(http2.frame(http2.DATA, 0, stream, b"x" * 10_000))
            assert client.answer(stream).status == 503
            assert reset_of(client, stream) == http2.NO_ERROR
        stream = client.begin(http2.request_fields("/open/x", "POST"), end=False)
        client.raw(http2.frame(http2.DATA, http2.END_STREAM, stream, b"small"))
        assert client.answer(stream).status == 200


# --- whoever is refused hears why ---

REFUSED = {
    "two lengths": (post("Content-Length: 5", "Content-Length: 6"), 400),
    "two lengths in 1.0": (post("Content-Length: 5", "Content-Length: 6", version="1.0"), 400),
    "unknown coding": (post("Transfer-Encoding: gzip"), 501),
    "head too large": (post("A: " + "a" * 70_000), 431),
    "body too large": (post("Content-Length: 100000000"), 413),
    "broken chunks": (post("Transfer-Encoding: chunked") + b"nonsense\r\n", 400),
    "chunks too large": (post("Transfer-Encoding: chunked") + b"500000\r\n", 413),
    "unknown expectation": (post("Content-Length: 5", "Expect: miracles"), 417),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_client_that_sends_all_before_it_reads_sees_the_refusal(house, name):
    head, status = REFUSED[name]
    gateway = node(house, house.service(), body="1MiB")
    for _ in range(3):
        with gateway.connect() as connection:
            connection.send(head + b"x" * 5 * MEGABYTE)
            answer = connection.answer("POST")
            assert_problem(answer, status)
            assert answer["connection"] == "close"
            assert connection.ended()
    until(lambda: gateway.metrics().total("sluice_connections_open") == 0, "not closed")


def test_nobody_lingers_for_ever(house):
    gateway = node(house, house.service())
    with gateway.connect() as silent:
        silent.send(REFUSED["two lengths"][0])
        assert_problem(silent.answer("POST"), 400)
        assert silent.ended()
        until(lambda: gateway.metrics().total("sluice_connections_open") == 0, "still open", seconds=15)
    with gateway.connect() as endless, pytest.raises(OSError):
        endless.send(REFUSED["two lengths"][0])
        while True:
            endless.send(b"x" * MEGABYTE)


def test_a_connection_that_lingers_is_counted(house):
    gateway = node(house, house.service(), connections_per_address=1)
    with gateway.connect() as first:
        first.send(REFUSED["two lengths"][0])
        assert_problem(first.answer("POST"), 400)
        with contextlib.suppress(OSError, http.BrokenAnswer), gateway.connect() as second:
            second.request("GET", "/open/x")
            pytest.fail("served beside one that lingers")
    assert gateway.metrics().total("sluice_connections_refused_total", reason="address_full") == 1


# --- heads that are refused whatever their body is ---


@pytest.fixture(scope="module")
def strict(shared_house):
    """Services that count, routes of which each refuses for another reason. Bodies are never sent in full."""
    shared_house.main = shared_house.service(service.echo)
    shared_house.both = ("127.0.0.1", processes.free_port())
    gateway = shared_house.configure({
        "listen": [{"address": "127.0.0.1:%d" % shared_house.both[1], "http2": True}],
        "services": {"main": {"instances": [shared_house.main.url]}},
        "routes": [{"path": "/api/*", "service": "main"},
                   {"path": "/open/*", "service": "main", "auth": "none"},
                   {"path": "/small/*", "service": "main", "auth": "none", "body": "1KiB"},
                   {"path": "/get/*", "service": "main", "auth": "none", "method": "GET"},
                   {"path": "/versions/*", "service": "main", "auth": "none",
                    "versions": {"by": "header", "list": {"1": {}}}}],
        "limits": LAZY, "workers": 1})
    gateway.address = shared_house.both
    shared_house.gateway = gateway.start()
    return shared_house


HEADS = {
    "no route": ("/nowhere", [], 404),
    "no method": ("/get/x", [], 405),
    "no path": ("/open/%zz", [], 400),
    "no key": ("/api/x", [], 401),
    "two keys": ("/api/x", [("x-api-key", "one"), ("x-api-key", "another")], 401),
    "too large for the route": ("/small/x", [], 413),
    "no version": ("/versions/x", [("api-version", "9")], 400),
}


def assert_refused_at_the_head(house, answer, status, target):
    """As on the usual road."""
    problem = assert_problem(answer, status)
    line = house.gateway.log_line(request_id=problem["request_id"])
    assert (line["status"], line["method"], line["host"]) == (status, "POST", "a")
    assert line["path"] == target


@pytest.mark.parametrize("expects", [(), ("Expect: 100-continue",)], ids=["", "expects 100"])
@pytest.mark.parametrize("name", HEADS)
def test_the_head_alone_is_answered(strict, name, expects):
    target, fields, status = HEADS[name]
    before = strict.main.count
    with strict.gateway.connect() as connection:
        connection.send(post("Content-Length: 5000000", *expects, *(f"{field}: {value}" for field, value in fields), target=target))
        assert connection.socket.recv(12, socket.MSG_PEEK | socket.MSG_WAITALL) == f"HTTP/1.1 {status}".encode()  # no 100 before it
        answer = connection.answer("POST")
        assert answer["connection"] == "close"
        connection.send(b"x" * 5_000_000)
        assert connection.ended()
    assert_refused_at_the_head(strict, answer, status, target)
    assert strict.main.count == before


def test_chunks_are_not_waited_for_either(strict):
    with strict.gateway.connect() as connection:
        connection.send(post("Transfer-Encoding: chunked", target="/api/x") + b"5\r\nhello\r\n")
        assert_problem(connection.answer("POST"), 401)
        assert connection.ended()


@pytest.mark.parametrize("name", HEADS)
def test_the_head_alone_is_answered_in_http2(strict, name):
    target, fields, status = HEADS[name]
    with http2.Client(strict.gateway.address) as client:
        request = http2.request_fields(target, "POST", authority="a", more=[("content-length", "5000000"), *fields])
        stream = client.begin(request, end=False)
        client.raw(http2.frame(http2.DATA, 0, stream, b"x" * 10_000) * 100)
        answer = client.answer(stream)
        assert reset_of(client, stream) == http2.NO_ERROR
        client.raw(http2.frame(http2.DATA, 0, stream, b"x" * 10_000) * 100)
        assert client.request("/open/x", authority="a").status == 200
    assert_refused_at_the_head(strict, answer, status, target)


def test_trailers_of_a_body_that_is_not_wanted_harm_nobody(strict):
    """While its answer is on the way, and when the stream is long closed; what they add to the table of fields is there afterwards."""
    with http2.Client(strict.gateway.address) as client:
        def trailers(stream, value):
            client.raw(http2.frame(http2.DATA, 0, stream, b"x" * 1000) +
                       http2.frame(http2.HEADERS, http2.END_HEADERS | http2.END_STREAM, stream, client.h2.encoder.encode([("x-sum", value)])))

        other, early, late = (client.begin(http2.request_fields(target, "POST", authority="a"), end=False)
                              for target in ("/open/x", "/nowhere", "/nowhere"))
        trailers(early, "early")
        for stream in (early, late):
            assert client.answer(stream).status == 404
            assert reset_of(client, stream) == http2.NO_ERROR
        trailers(late, "late")
        client.send_data(other, b"hello")
        assert client.answer(other).json()["body"] == "hello"
        answer = client.request("/open/x", authority="a", more=[("x-sum", "late")]).json()
        assert dict(answer["headers"])["x-sum"] == "late"


BROKEN_TRAILERS = {"no such entry": b"\xff\x7f", "cut off": b"\0\x0bx", "padding beyond the end": None}


@pytest.mark.parametrize("name", BROKEN_TRAILERS)
def test_trailers_that_cannot_be_unpacked_end_their_connection(strict, name):
    with http2.Client(strict.gateway.address) as client:
        stream = client.begin(http2.request_fields("/nowhere", "POST", authority="a"), end=False)
        assert client.answer(stream).status == 404
        flags = http2.END_HEADERS | http2.END_STREAM
        block = BROKEN_TRAILERS[name]
        client.raw(http2.frame(http2.HEADERS, flags, stream, block) if block else http2.frame(http2.HEADERS, flags | 8, stream, b"\x20a"))
        assert any(code != http2.NO_ERROR for code in client.read_until_end())


def test_trailers_come_once(strict):
    """Each HEADERS frame counts as a request does, and pays for frames of other kinds; these would cost nothing themselves."""
    with http2.Client(strict.gateway.address) as client:
        stream = client.begin(http2.request_fields("/nowhere", "POST", authority="a"), end=False)
        assert client.answer(stream).status == 404
        client.raw(http2.frame(http2.HEADERS, http2.END_HEADERS | http2.END_STREAM, stream, http2.head([("a", "b")])) * 2)
        assert http2.STREAM_CLOSED in client.read_until_end()


MALFORMED = {"too large": ([("content-length", "100000000")], 413), "two lengths": ([("content-length", "5"), ("content-length", "6")], 400),
             "control character": ([("a", "b\x01")], 400)}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_head_that_the_guard_refuses_is_answered_whole_in_http2(strict, name):
    """Its body is right behind it: a stream that is reset in the middle of its answer tells nothing."""
    more, status = MALFORMED[name]
    with http2.Client(strict.gateway.address) as client:
        stream = client.begin(http2.request_fields("/open/x", "POST", authority="a", more=more), end=False)
        client.raw(http2.frame(http2.DATA, 0, stream, b"x" * 10_000) * 10)
        assert_problem(client.answer(stream), status)
        assert reset_of(client, stream) == http2.NO_ERROR
        assert client.request("/open/x", authority="a").status == 200


@pytest.mark.parametrize("name", HEADS)
def test_with_a_body_that_is_here_the_connection_goes_on(strict, name):
    target, fields, status = HEADS[name]
    body = b"x" * (2000 if name.startswith("too large") else 10)
    with strict.gateway.connect() as connection:
        connection.send(post(f"Content-Length: {len(body)}", *(f"{field}: {value}" for field, value in fields), target=target) + body)
        answer = connection.answer("POST")
        assert answer.status == status and answer["connection"] == "keep-alive"
        assert connection.request("GET", "/nowhere").status == 404


def test_what_is_not_refused_waits_for_its_body(strict):
    with strict.gateway.connect() as connection:
        connection.send(post("Content-Length: 5", "Expect: 100-continue"))
        assert connection._read_until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue"
        connection.send(b"hello")
        assert connection.answer("POST").json()["body"] == "hello"
        assert connection.request("GET", "/open/y").status == 200
