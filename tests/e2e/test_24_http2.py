"""HTTP/2 in front: what passes to the service, what is refused and how, budgets, draining, and that one worker outlives it all."""

import fcntl
import os
import re
import shutil
import signal
import struct
import subprocess
import termios
import threading
import time

import pytest
from sluice import http, http2, processes, service
from sluice.http2 import (CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE, Client, RawClient,
                          frame, head, request_fields)
from sluice.house import simple
from sluice.problems import assert_problem
from sluice.waiting import until


def behave(request, wire):
    if request.target.startswith("/open/slow"):
        time.sleep(1.5)
    if request.target == "/open/hang":
        wire.wait_until_left()
        return False
    if request.target == "/open/cut":
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        return False
    if request.target == "/open/204":
        return wire.reply(204)
    if request.target == "/open/304":
        return wire.reply(304, headers=[("ETag", '"x"')])
    if request.target == "/open/large":
        return wire.reply(200, b"x" * 3_000_000)
    return service.echo(request, wire)


def listener():
    port = processes.free_port()
    return ("127.0.0.1", port), {"address": f"127.0.0.1:{port}", "http2": True}


@pytest.fixture(scope="module")
def house(shared_house):
    shared_house.main = shared_house.service(behave)
    node = shared_house.configure({
        "services": {"main": {"instances": [shared_house.main.url], "breaker": False}},
        "routes": [{"path": "/open/*", "service": "main", "auth": "none"}, {"path": "/api/*", "service": "main"}],
        "limits": {"body": "100KiB", "header": "16KiB", "target": "4KiB", "header_lines": 50, "streams": 8},
        "workers": 1,
    })
    shared_house.both, entry = listener()
    node.config["listen"].append(entry)
    node.write_config()
    node.start()
    shared_house.gateway = node
    return shared_house


@pytest.fixture
def client(house):
    with Client(house.both) as made:
        yield made


@pytest.fixture(autouse=True)
def same_worker(house):
    """Whatever a test does, the worker is the same afterwards, and serves."""
    before = set(house.gateway.family())
    yield
    assert set(house.gateway.family()) == before
    assert house.gateway.fetch(target="/health").status == 200


# --- what passes ---

def test_a_request_reaches_the_service_as_http_1(house, client):
    answer = client.request("/open/x?y=z", "POST", b"hello", more=[("x-a", "1"), ("te", "trailers"), ("content-length", "5")])

    assert answer.status == 200
    sent = house.main.last
    assert (sent.method, sent.target, sent.body) == ("POST", "/open/x?y=z", b"hello")
    assert sent["x-a"] == "1" and sent["te"] is None
    assert sent["host"] == house.main.authority
    assert sent["x-forwarded-host"] == "gateway.test" and sent["x-forwarded-proto"] == "http" and sent["x-forwarded-for"] == "127.0.0.1"
    assert sent["via"] == "2 sluice"
    assert answer["connection"] is None and answer["transfer-encoding"] is None
    line = house.gateway.log_line(request_id=answer["x-request-id"])
    assert (line["protocol"], line["host"], line["reason"], line["complete"]) == ("HTTP/2", "gateway.test", "proxied", True)


def test_the_scheme_is_what_the_connection_is(house, client):
    client.request("/open/x", scheme="https")
    assert house.main.last["x-forwarded-proto"] == "http"


def test_host_stands_in_for_a_missing_authority(house, client):
    fields = [(":method", "GET"), (":scheme", "http"), (":path", "/open/x"), ("host", "other.test")]

    assert client.answer(client.begin(fields)).status == 200
    assert house.main.last["x-forwarded-host"] == "other.test"


def test_cookies_are_joined(house, client):
    client.request("/open/x", more=[("cookie", "a=1"), ("x", "y"), ("cookie", "b=2"), ("cookie", "c=3")])
    assert house.main.last.all("cookie") == ["a=1; b=2; c=3"]


def test_a_key_is_asked_for_here_too(client):
    problem = assert_problem(client.request("/api/x"), 401)
    assert problem["instance"] == "/api/x"


@pytest.mark.parametrize("path, method, status", [("/open/204", "GET", 204), ("/open/304", "GET", 304), ("/open/x", "HEAD", 200), ("/nowhere", "HEAD", 404)])
def test_answers_without_a_body_have_none(client, path, method, status):
    answer = client.request(path, method)
    assert (answer.status, answer.body) == (status, b"")


def test_options_asterisk_is_about_the_gateway(client):
    answer = client.request("*", "OPTIONS")
    assert answer.status == 204 and "GET" in answer["allow"]


def test_a_large_answer_comes_whole(client):
    assert client.request("/open/large").body == b"x" * 3_000_000


def test_an_answer_that_the_service_cuts_is_reset(house, client):
    stream = client.begin(request_fields("/open/cut"))

    assert client.outcome(stream).startswith("reset")
    assert client.request("/open/x").status == 200
    assert house.gateway.log_line(path="/open/cut")["reason"] == "upstream_cut"


def test_trailers_do_not_become_headers(house, client):
    stream = client.begin(request_fields("/open/x", "POST"), end=False)
    client.send_data(stream, b"hello", end=False)
    client.h2.send_headers(stream, [("x-trailer", "y"), ("x-api-key", "z")], end_stream=True)
    client._flush()

    assert client.answer(stream).status == 200
    assert house.main.last.body == b"hello" and house.main.last["x-trailer"] is None


def test_a_client_that_gives_up_is_noticed_and_logged(house, client):
    stream = client.begin(request_fields("/open/hang"))
    until(lambda: house.main.count and house.main.last.target == "/open/hang", lambda: "it never arrived")
    left = house.main.left

    client.reset(stream)

    until(lambda: house.main.left > left, lambda: "the call goes on")
    line = house.gateway.log_line(path="/open/hang")
    assert (line["status"], line["reason"], line["complete"]) == (499, "client_left", False)


def test_more_requests_than_may_run_wait_their_turn(house, client):
    streams = [client.begin(request_fields("/open/slow")) for _ in range(12)]
    assert [client.answer(stream).status for stream in streams] == [200] * 12


# --- what does not ---

REFUSED = {
    "method with a request line": request_fields("/open/x", "GET /secret HTTP/1.1"),
    "empty method": request_fields("/open/x", ""),
    "path with a request line": request_fields("/open/x HTTP/1.1"),
    "empty path": request_fields(""),
    "path without slash": request_fields("open/x"),
    "path with a control": request_fields("/open/x\ty"),
    "absolute path": request_fields("http://gateway.test/open/x"),
    "asterisk for GET": request_fields("*"),
    "authority with userinfo": request_fields("/open/x", authority="u@a"),
    "authority with a blank": request_fields("/open/x", authority="a b"),
    "no authority": [(":method", "GET"), (":scheme", "http"), (":path", "/open/x")],
    "other host": request_fields("/open/x", more=[("host", "other.test")]),
    "keep-alive": request_fields("/open/x", more=[("keep-alive", "5")]),
    "proxy-connection": request_fields("/open/x", more=[("proxy-connection", "close")]),
    "blank in front of a value": request_fields("/open/x", more=[("x", " y")]),
    "blank in a name": request_fields("/open/x", more=[("x y", "z")]),
    "LF in a value": request_fields("/open/x", more=[("x", "y\nz: 1")]),
    "CONNECT": request_fields("/open/x", "CONNECT"),
    "length without a body": request_fields("/open/x", "POST", more=[("content-length", "5")]),
    "two lengths": request_fields("/open/x", "POST", more=[("content-length", "0"), ("content-length", "0")]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_malformed_request_is_400_and_the_connection_lives(house, client, name):
    before = house.main.count

    answer = client.answer(client.begin(REFUSED[name]))

    problem = assert_problem(answer, 400)
    line = house.gateway.log_line(request_id=problem["request_id"])
    assert line["reason"] == "bad_request" and line["detail"] and problem["detail"].endswith(".")
    assert client.request("/open/after").status == 200
    assert house.main.count == before + 1


@pytest.mark.parametrize("fields, outcomes", [
    (request_fields("/open/x", more=[("connection", "close")]), ["goaway 1"]),
    (request_fields("/open/x", more=[("transfer-encoding", "chunked")]), ["goaway 1"]),
    (request_fields("/open/x", more=[("upgrade", "websocket")]), ["goaway 1"]),
    (request_fields("/open/x", more=[("te", "gzip")]), ["goaway 1"]),
    (request_fields("/open/x", more=[("X-Upper", "y")]), ["goaway 1"]),
    (request_fields("/open/x", more=[(":path", "/open/y")]), ["goaway 1"]),
    ([(":method", "GET"), (":scheme", "http"), (":authority", "a")], ["reset 1"]),
    ([(":method", "GET"), (":path", "/open/x"), (":authority", "a")], ["reset 1"]),
])
def test_what_the_library_refuses_by_itself(house, fields, outcomes):
    before = house.main.count
    with RawClient(house.both) as raw:
        raw.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, head(fields)))
        assert raw.outcome(1) in outcomes
    assert house.main.count == before


def test_an_empty_header_name_is_refused(house):
    with RawClient(house.both) as raw:
        raw.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, head(request_fields("/open/x")) + b"\x00\x00\x01y"))
        assert raw.outcome(1) == 400


@pytest.mark.parametrize("status, reason, fields", [
    (414, "target_too_long", request_fields("/open/" + "x" * 4096)),
    (431, "head_too_large", request_fields("/open/x", more=[("x", "y" * 17000)])),
    (431, "head_too_large", request_fields("/open/x", more=[(f"x-{i}", "y") for i in range(51)])),
    (417, "expectation_failed", request_fields("/open/x", more=[("expect", "200-ok")])),
    (413, "body_too_large", request_fields("/open/x", "POST", more=[("content-length", "1000000")])),
])
def test_what_is_well_formed_but_not_taken_has_its_own_status(house, client, status, reason, fields):
    answer = client.answer(client.begin(fields))

    assert_problem(answer, status)
    assert house.gateway.log_line(request_id=answer["x-request-id"])["reason"] == reason
    assert client.request("/open/x").status == 200


def test_many_cookies_are_one_field(client):
    assert client.request("/open/x", more=[("cookie", f"c{i}=1") for i in range(90)]).status == 200


def test_a_body_unlike_its_length_is_reset(house, client):
    stream = client.begin(request_fields("/open/x", "POST", more=[("content-length", "9")]), end=False)
    client.raw(frame(DATA, END_STREAM, stream, b"hello"))
    assert client.outcome(stream) == "reset 1"


def test_a_listener_without_http2_says_505(house):
    with http.Connection(house.gateway.address) as connection:
        connection.send(http2.PREFACE + frame(SETTINGS))
        assert_problem(connection.answer(), 505)
        assert connection.ended()


def test_the_preface_is_for_the_beginning_of_a_connection_only(house):
    with http.Connection(house.both) as connection:
        assert connection.request("GET", "/open/x").status == 200
        connection.send(http2.PREFACE + frame(SETTINGS))
        assert_problem(connection.answer(), 505)
        assert connection.ended()


# --- the end of a connection for an error ---

GET = head(request_fields("/open/x"))
OPEN_WINDOWS = struct.pack(">HI", 4, 1 << 30)
WRONG = frame(HEADERS, END_STREAM | END_HEADERS, 2, GET)  # clients have odd numbers


def test_an_error_is_told_whatever_is_under_way(house):
    """Sooner or later it comes when an answer has been written, and the reset that follows it has not."""
    request = frame(HEADERS, END_HEADERS, 1, head(request_fields("/nowhere", "POST")))
    for turn in range(200):
        with RawClient(house.both) as raw:
            raw.send(request)
            moment = time.perf_counter() + turn * 3e-6
            while time.perf_counter() < moment:
                pass
            raw.send(WRONG)
            assert raw.read_until_end()[-1:] == [http2.PROTOCOL_ERROR], turn


def wait_until_full(raw):
    """No more of the answer comes: the kernel's buffers are full."""
    last = -1

    def stays_as_it_is():
        nonlocal last
        before, last = last, struct.unpack("i", fcntl.ioctl(raw.socket, termios.FIONREAD, bytes(4)))[0]
        return before == last > 0
    until(stays_as_it_is, "the answer goes on and on", pause=0.3)


def test_nothing_is_kept_of_what_comes_after_an_error(house):
    # given a client that takes little of a long answer, so that the error cannot be told yet
    main = house.service(service.streams(300_000_000))
    address, entry = listener()
    gateway = house.node(simple(main, listen=[entry], workers=1))
    with RawClient(address, OPEN_WINDOWS) as raw:
        raw.send(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1 << 30)) + frame(HEADERS, END_STREAM | END_HEADERS, 1, GET))
        wait_until_full(raw)
        raw.send(WRONG)
        before = gateway.resident_kib()

        # when it sends on and on before it takes the rest
        for _ in range(100):
            raw.send(b"x" * 1_000_000)

        # then that is taken and thrown away, and in the end the error is told
        after = gateway.resident_kib()
        assert raw.read_until_end()[-1:] == [http2.PROTOCOL_ERROR]
    if not os.environ.get("SLUICE_SANITIZER"):  # which keep freed memory to find its late users
        assert max(after[pid] - before[pid] for pid in after) < 8 * 1024, (before, after)


# --- budgets ---

BUDGETS = {
    "PING": [frame(PING, 0, 0, bytes(8))] * 1200,
    "SETTINGS": [frame(SETTINGS)] * 200,
    "PRIORITY": [frame(PRIORITY, 0, 1, struct.pack(">IB", 0, 15))] * 1500,
    "WINDOW_UPDATE": [frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1))] * 1500,
    "unknown frames": [frame(0x42, 0, 0, b"x")] * 1500,
    "empty DATA": [frame(HEADERS, END_HEADERS, 1, GET)] + [frame(DATA, 0, 1)] * 400,
    "padding only": [frame(HEADERS, END_HEADERS, 1, GET)] + [frame(DATA, 8, 1, bytes([2, 0, 0]))] * 400,
    "CONTINUATION": [frame(HEADERS, END_STREAM, 1, GET)] + [frame(CONTINUATION, 0, 1)] * 800,
    "long head": [frame(HEADERS, END_STREAM, 1, GET)] + [frame(CONTINUATION, 0, 1, b"\x00\x01x\x7f\xd1\x0f" + b"y" * 2000)] * 40,
    "rapid reset": [frame(HEADERS, END_STREAM | END_HEADERS, i, GET) + frame(RST_STREAM, 0, i, struct.pack(">I", 8)) for i in range(1, 2001, 2)],
    "made you reset": [frame(HEADERS, END_STREAM | END_HEADERS, i, GET) + frame(WINDOW_UPDATE, 0, i, bytes(4)) for i in range(1, 2001, 2)],
    "malformed": [frame(HEADERS, END_STREAM | END_HEADERS, i, head(request_fields("open"))) for i in range(1, 801, 2)],
}


def exceeded(house):
    return house.gateway.metrics().total("sluice_http2_budget_exceeded_total")


@pytest.mark.parametrize("name", BUDGETS)
def test_a_client_that_makes_work_loses_its_connection(house, name):
    before, asked = exceeded(house), house.main.count
    with RawClient(house.both) as raw:
        sending = threading.Thread(target=send_all, args=(raw, BUDGETS[name]), daemon=True)
        sending.start()
        codes = raw.read_until_end()
        sending.join()  # before the socket closes: what it sends later would go to whoever has that descriptor next
    assert codes[-1:] == [http2.ENHANCE_YOUR_CALM]
    assert exceeded(house) == before + 1
    assert house.main.count - asked <= 50


def send_all(raw, frames):
    try:
        for data in frames:
            raw.send(data)
    except OSError:
        pass


def test_unknown_frames_are_skipped_in_silence(house, client):
    said = len(house.gateway.errors())
    client.raw(frame(0x42, 0, 0, b"x") * 100 + frame(0xFF, 0xFF, 7, bytes(300)))
    assert client.request("/open/x").status == 200
    assert len(house.gateway.errors()) == said


def test_honest_use_exceeds_nothing(house, client):
    before = exceeded(house)
    for i in range(300):
        stream = client.begin(request_fields("/open/x"))
        if i % 3 == 0:
            client.reset(stream)
        else:
            assert client.answer(stream).status == 200
        client.raw(frame(PING, 0, 0, bytes(8)))
    assert exceeded(house) == before


def test_the_guide_has_the_budgets_of_the_code():
    top = os.path.join(os.path.dirname(__file__), "../..")
    with open(os.path.join(top, "include/sluice/http2_budget.h")) as header, open(os.path.join(top, "deploy/guide/http2.md")) as guide:
        rows = re.findall(r'X\([A-Z_]+, ("[^"]+"), (\d+), (\d+),', header.read())
        told = re.findall(r"^\| ([^|]+) \| (\d+) \| (\d+) \|", guide.read(), re.M)
    assert len(rows) >= 12
    assert [(name.strip('"'), amount, more) for name, amount, more in rows] == told


# --- the shim ---

def test_a_window_that_closes_and_opens_under_a_write_kills_nobody(house):
    """libh2o.md 5.2: the assertion in update_stream_output_window."""
    with RawClient(house.both, settings=struct.pack(">HI", 4, 16384)) as raw:
        raw.socket.setsockopt(6, 12, 1)  # no quick acknowledgement; what we do not read stays in flight
        raw.send(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 2**30)))
        for wave in range(4):
            raw.send(b"".join(frame(HEADERS, END_STREAM | END_HEADERS, i, head(request_fields("/open/large"))) for i in range(wave * 16 + 1, wave * 16 + 17, 2)))
            for size in (0, 65535, 0, 2**31 - 1, 0, 16384):
                raw.send(frame(SETTINGS, 0, 0, struct.pack(">HI", 4, size)))
                time.sleep(0.01)


def test_cache_digest_and_indexed_fields_do_not_multiply(house):
    before = house.gateway.resident_kib()
    with RawClient(house.both) as raw:
        once = b"\x40\x0ccache-digest" + b"\x7f\x81\x07" + b"A" * 1024
        raw.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, GET + once + b"\xbe" * 10000))
        assert raw.outcome(1) == "goaway 11"
    after = house.gateway.resident_kib()
    assert all(after[pid] - before[pid] < 20000 for pid in before)


# --- the end ---

def drain_node(house):
    node = house.configure({
        "services": {"main": {"instances": [house.main.url]}}, "routes": [{"path": "/open/*", "service": "main", "auth": "none"}],
        "limits": {"drain": "30s"}, "workers": 1})
    address, entry = listener()
    node.config["listen"].append(entry)
    node.write_config()
    node.start()
    return node, address


def test_draining_finishes_requests_and_uploads_and_sends_goaway(house):
    node, address = drain_node(house)
    with RawClient(address) as running, RawClient(address) as uploading, RawClient(address) as idle:
        idle.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, GET))
        assert idle.outcome(1) == 200
        uploading.send(frame(HEADERS, END_HEADERS, 1, head(request_fields("/open/x", "POST"))) + frame(DATA, 0, 1, b"a" * 1000))
        running.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, head(request_fields("/open/slow"))))
        time.sleep(0.2)

        node.signal(signal.SIGTERM)

        assert idle.read_until_end() == [http2.NO_ERROR, http2.NO_ERROR]
        assert running.outcome(1) == 200
        for _ in range(10):  # beyond the second GOAWAY of the library
            time.sleep(0.2)
            uploading.send(frame(DATA, 0, 1, b"b" * 100))
        uploading.send(frame(DATA, END_STREAM, 1, b"c"))
        assert uploading.outcome(1) == 200
        assert len(house.main.last.body) == 2001
        running.read_until_end()
        uploading.read_until_end()
    node.process.wait(timeout=40)
    assert node.process.returncode == 0


# --- ordinary clients ---

def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def test_curl_asks(house):
    url = "http://%s:%d/open/x" % house.both
    assert run("curl", "-s", "-o", "/dev/null", "-w", "%{http_version} %{http_code}", "--http2-prior-knowledge", "-d", "hello", url) == "2 200"
    assert run("curl", "-s", "-o", "/dev/null", "-w", "%{http_version} %{http_code}", "--http2", url) == "1.1 200"


@pytest.mark.skipif(shutil.which("h2load") is None, reason="nghttp2-client is not installed")
def test_h2load_and_nghttp_ask(house):
    url = "http://%s:%d/open/x" % house.both
    assert "1000 succeeded" in run("h2load", "-n", "1000", "-c", "4", "-m", "20", url)
    assert "recv GOAWAY" not in run("nghttp", "-nv", url)
