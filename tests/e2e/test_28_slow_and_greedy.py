"""Clients that take their time, and clients that take too much: deadlines by phase and rate, bounds, budgets."""

import contextlib
import os
import socket
import struct
import time

import pytest
from sluice import http, http2, service
from sluice.house import simple
from sluice.problems import assert_problem
from sluice.waiting import PATIENCE, until

h2_config = pytest.importorskip("h2.config")
h2_connection = pytest.importorskip("h2.connection")
h2_events = pytest.importorskip("h2.events")

LONG = "100s"
LAZY = {"head_timeout": LONG, "body_grace": LONG, "idle": LONG, "stall": LONG}


def node(house, main, workers=1, http2=False, **limits):
    """All deadlines are far away but those that the test names."""
    gateway = house.configure(simple(main, workers=workers, limits={**LAZY, **limits}))
    if http2:
        gateway.config["listen"] = [{"address": gateway.config["listen"][0], "http2": True}]
        gateway.write_config()
    return gateway.start()


def cuts(gateway, kind):
    return gateway.metrics().total("sluice_deadlines_total", kind=kind)


def assert_cuts(gateway, kind, count):
    """Counted so often; the client may have seen the end before."""
    until(lambda: cuts(gateway, kind) >= count, lambda: f"{cuts(gateway, kind)} cuts of {kind}")
    assert cuts(gateway, kind) == count


def is_cut(connection):
    """Waits for the end of the connection; whatever comes before it is not looked at."""
    connection.socket.settimeout(15 * PATIENCE)
    with contextlib.suppress(ConnectionResetError):
        while connection.socket.recv(65536):
            pass
    return True


def upload(length, body=b"", target="/open/x"):
    return f"POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n".encode() + body


class Http2:
    """One HTTP/2 connection by prior knowledge."""

    def __init__(self, address, window=None):
        self.socket = socket.create_connection(address, timeout=15 * PATIENCE)
        self.h2 = h2_connection.H2Connection(h2_config.H2Configuration(header_encoding="utf-8"))
        self.h2.initiate_connection()
        if window is not None:
            self.h2.update_settings({4: window})
        self.events = []
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.socket.close()

    def flush(self):
        data = self.h2.data_to_send()
        if data:
            self.socket.sendall(data)

    def request(self, method="GET", target="/open/x", end=True):
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, [(":method", method), (":scheme", "http"), (":authority", "a"), (":path", target)], end_stream=end)
        self.flush()
        return stream

    def data(self, stream, data, end=False):
        while self.h2.local_flow_control_window(stream) < len(data):
            self.wait(h2_events.WindowUpdated)
        self.h2.send_data(stream, data, end_stream=end)
        self.flush()

    def wait(self, kind, seconds=15, **wanted):
        """The first event of that kind; None when the connection ends before."""
        limit = time.monotonic() + seconds * PATIENCE
        while time.monotonic() < limit:
            for event in self.events:
                if isinstance(event, kind) and all(getattr(event, name) == value for name, value in wanted.items()):
                    self.events.remove(event)
                    return event
            self.socket.settimeout(max(0.01, limit - time.monotonic()))
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                return None
            self.events += self.h2.receive_data(data)
            with contextlib.suppress(OSError):  # who takes nothing more may have said why: that is still to be read
                self.flush()
        raise AssertionError(f"no {kind.__name__}; got {self.events}")

    def status(self, stream):
        event = self.wait(h2_events.ResponseReceived, stream_id=stream)
        return int(dict(event.headers)[":status"])

    def is_over(self):
        return self.wait(type(None)) is None


# --- the head ---


@pytest.mark.parametrize("begun", [b"", b"G", b"GET /open/x HTTP/1.1\r\nHost: a\r\n"])
def test_a_head_that_does_not_come_is_cut(house, begun):
    gateway = node(house, house.service(), head_timeout="1s")
    with gateway.connect() as connection:
        connection.send(begun)
        assert is_cut(connection)
    assert_cuts(gateway, "head", 1)
    assert gateway.fetch(target="/open/x").status == 200


def test_a_head_in_drops_is_cut_too(house):
    gateway = node(house, house.service(), head_timeout="500ms")
    with gateway.connect() as connection, pytest.raises(OSError):
        connection.send(b"GET /open/x HTTP/1.1\r\nX: ")
        for _ in range(400):
            connection.send(b"a")
            time.sleep(0.02 * PATIENCE)
    assert_cuts(gateway, "head", 1)


def test_the_second_head_has_its_own_time(house):
    gateway = node(house, house.service(), head_timeout="1s")
    with gateway.connect() as connection:
        assert connection.request("GET", "/open/1").status == 200
        time.sleep(1.5)  # idle is another deadline
        assert connection.request("GET", "/open/2").status == 200
        connection.send(b"GET /open/3 HTTP/1.1\r\n")
        assert is_cut(connection)
    assert_cuts(gateway, "head", 1)


def test_an_http2_connection_without_a_request_is_cut(house):
    gateway = node(house, house.service(), http2=True, head_timeout="300ms", handshake_timeout="100ms")
    with Http2(gateway.address) as client:
        assert client.is_over()
    assert_cuts(gateway, "head", 1)


# --- the body ---


def test_a_body_that_does_not_come_is_answered_408(house):
    main = house.service()
    gateway = node(house, main, body_grace="300ms")
    with gateway.connect() as connection:
        connection.send(upload(1000, b"half"))
        answer = connection.answer("POST")
        assert connection.ended()
    assert_problem(answer, 408, "Request timeout")
    assert answer["connection"] == "close"
    assert main.count == 0
    assert_cuts(gateway, "body", 1)
    assert gateway.log_line(status=408)["reason"] == "request_timeout"


def test_a_body_in_drops_is_answered_408(house):
    gateway = node(house, house.service(), body_grace="500ms", stall="500ms", body_rate="1KiB")
    with gateway.connect() as connection:
        connection.send(upload(100000))
        with contextlib.suppress(OSError):
            for _ in range(200):
                connection.send(b"a")
                time.sleep(0.02)
                connection.socket.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    if connection.socket.recv(1, socket.MSG_PEEK):
                        break
                connection.socket.setblocking(True)
        connection.socket.settimeout(10 * PATIENCE)
        assert_problem(connection.answer("POST"), 408)


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_an_honest_slow_upload_lives_longer_than_any_deadline(house, framing):
    main = house.service()
    gateway = node(house, main, head_timeout="1s", body_grace="1s", idle="1s", stall="1s", body_rate="1KiB")
    pieces = 30
    with gateway.connect() as connection:
        if framing == "length":
            connection.send(upload(pieces * 1024))
        else:
            connection.send(b"POST /open/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(pieces):  # ten times the rate, three times the deadline
            connection.send(b"x" * 1024 if framing == "length" else b"400\r\n" + b"x" * 1024 + b"\r\n")
            time.sleep(0.1)
        if framing == "chunks":
            connection.send(b"0\r\n\r\n")
        assert connection.answer("POST").json()["body_bytes"] == pieces * 1024
    assert cuts(gateway, "body") == 0


def test_a_continue_does_not_restart_the_clock(house):
    gateway = node(house, house.service(), body_grace="300ms")
    with gateway.connect() as connection:
        connection.send(b"POST /open/x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n")
        assert_problem(connection.answer("POST"), 408)


def test_an_http2_body_that_does_not_come_is_answered_408_and_the_others_live(house):
    main = house.service(service.waits(1.5))
    gateway = node(house, main, http2=True, body_grace="300ms")
    with Http2(gateway.address) as client:
        late, good = client.request("POST", end=False), client.request("GET")
        client.data(late, b"half")
        assert client.status(late) == 408
        assert client.status(good) == 200
        assert client.status(client.request("GET")) == 200
    assert_cuts(gateway, "body", 1)
    assert main.count == 2


def test_bodies_beyond_the_budget_are_answered_503_largest_first(house):
    gateway = node(house, house.service(), bodies="300KiB", body="1MiB")
    with gateway.connect() as small, gateway.connect() as large:
        small.send(upload(100_001, b"x" * 100_000))
        until(lambda: gateway.metrics().total("sluice_request_body_bytes") >= 100_000, "not counted", seconds=5)
        large.send(upload(250_001, b"x" * 250_000))
        answer = large.answer("POST")
        assert_problem(answer, 503)
        small.send(b"x")
        assert small.answer("POST").json()["body_bytes"] == 100_001
    assert_cuts(gateway, "bodies", 1)
    until(lambda: gateway.metrics().total("sluice_request_body_bytes") == 0, "not given back", seconds=5)


def test_bodies_of_http2_count_as_well(house):
    gateway = node(house, house.service(), http2=True, bodies="128KiB", body="1MiB")
    with Http2(gateway.address) as client:
        streams = [client.request("POST", end=False) for _ in range(4)]
        for stream in streams[:3]:
            for _ in range(2):
                client.data(stream, b"x" * 10_000)
        for _ in range(8):  # 140,000 in all; this one has most
            client.data(streams[3], b"x" * 10_000)
        assert client.status(streams[3]) == 503
        for stream in streams[:3]:
            client.data(stream, b"x", end=True)
            assert client.status(stream) == 200
    assert_cuts(gateway, "bodies", 1)


# --- the answer ---


def test_an_answer_that_nobody_takes_is_cut(house):
    main = house.service(service.streams(100_000_000))
    gateway = node(house, main, stall="500ms")
    with gateway.connect() as connection:
        connection.send(http.compose("GET", "/open/x"))
        connection.socket.recv(100)
        until(lambda: main.open_connections == 0, "still sends", seconds=10)
    assert_cuts(gateway, "stall", 1)
    assert gateway.log_line(reason="client_stalled")["status"] == 200


def test_a_slow_reader_lives(house):
    total = 3_000_000
    gateway = node(house, house.service(service.streams(total)), stall="2s")
    with gateway.connect() as connection:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.send(http.compose("GET", "/open/x"))
        got = 0
        while got < total:
            data = connection.socket.recv(60_000)
            assert data, f"cut after {got}"
            got += len(data)
            time.sleep(0.05)
    assert cuts(gateway, "stall") == 0


def test_a_stream_whose_window_stays_shut_is_reset_and_the_others_live(house):
    gateway = node(house, house.service(service.streams(50_000)), http2=True, stall="500ms")
    with Http2(gateway.address, window=0) as client:
        shut = client.request()
        assert client.status(shut) == 200
        assert client.wait(h2_events.StreamReset, stream_id=shut).error_code == 8  # CANCEL
        client.h2.update_settings({4: 65535})
        client.flush()
        good = client.request()
        assert client.status(good) == 200
        assert client.wait(h2_events.StreamEnded, stream_id=good)
    assert_cuts(gateway, "stall", 1)
    until(lambda: gateway.metrics().total("sluice_requests_in_flight") == 0, "still held")


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNIX], ids=["tcp", "unix"])
def test_an_http2_client_that_takes_nothing_loses_its_connection(house, family):
    """Its windows are open; but it does not read, and no reset gets through to it."""
    path = os.path.join(house.folder, "front.sock")
    gateway = house.configure(simple(house.service(service.streams(300_000_000)), workers=1, limits={**LAZY, "stall": "1s"}))
    gateway.config["listen"] = [{"address": address, "http2": True} for address in (gateway.config["listen"][0], f"unix:{path}")]
    gateway.write_config()
    gateway.start()
    with http2.RawClient(gateway.address if family == socket.AF_INET else path, struct.pack(">HI", 4, 1 << 30)) as raw:
        raw.send(http2.frame(http2.WINDOW_UPDATE, 0, 0, struct.pack(">I", 1 << 30)))
        raw.send(http2.frame(http2.HEADERS, http2.END_STREAM | http2.END_HEADERS, 1, http2.head(http2.request_fields("/open/x"))))
        until(lambda: gateway.metrics().total("sluice_connections_open") == 1, "no connection")
        until(lambda: gateway.metrics().total("sluice_connections_open") == 0, "it stays")
    assert cuts(gateway, "stall") >= 1  # its stream may have been reset as well


@pytest.mark.parametrize("target", ["/health", "/open/x"], ids=["health", "fallback"])
def test_an_answer_of_our_own_with_a_body_of_its_own_is_reset_too(house, target):
    main = house.service(service.answers(500))
    gateway = house.configure(simple(main, workers=1, limits={**LAZY, "stall": "500ms"}))
    gateway.config["listen"] = [{"address": gateway.config["listen"][0], "http2": True}]
    gateway.config["services"]["main"].update(retries=0, breaker={"failures": 1, "recovery": "60s"})
    gateway.config["routes"][1]["fallback"] = {"body": "instead"}
    gateway.write_config()
    gateway.start()
    until(lambda: gateway.fetch(target="/open/x").body == b"instead", "the breaker stays closed")
    with Http2(gateway.address, window=0) as client:
        shut = client.request(target=target)
        assert client.status(shut) == 200
        assert client.wait(h2_events.StreamReset, stream_id=shut, seconds=5).error_code == 8  # CANCEL
    assert_cuts(gateway, "stall", 1)


def test_an_answer_of_our_own_does_not_wait_for_ever_either(house):
    gateway = node(house, house.service(), http2=True, stall="500ms")
    with Http2(gateway.address, window=0) as client:
        shut = client.request(target="/nowhere")
        assert client.status(shut) == 404
        assert client.wait(h2_events.StreamReset, stream_id=shut)


# --- connections ---


def test_an_idle_connection_is_closed(house):
    gateway = node(house, house.service(), idle="300ms")
    with gateway.connect() as connection:
        assert connection.request("GET", "/open/x").status == 200
        assert is_cut(connection)
    assert_cuts(gateway, "idle", 1)


def test_a_request_that_takes_long_is_not_idle(house):
    gateway = node(house, house.service(service.waits(1.5)), idle="300ms", head_timeout="300ms", stall="300ms", body_grace="300ms")
    with gateway.connect() as connection:
        assert connection.request("GET", "/open/x").status == 200


def test_an_idle_http2_connection_is_told_goodbye(house):
    gateway = node(house, house.service(), http2=True, idle="500ms")
    with Http2(gateway.address) as client:
        assert client.status(client.request()) == 200
        goodbye = client.wait(h2_events.ConnectionTerminated)
        assert goodbye is not None and goodbye.error_code == 0
        assert client.is_over()


def test_pings_keep_no_http2_connection_alive(house):
    gateway = node(house, house.service(), http2=True, idle="500ms")
    with Http2(gateway.address) as client:
        assert client.status(client.request()) == 200
        limit = time.monotonic() + 10 * PATIENCE
        while client.h2.state_machine.state.name != "CLOSED":
            assert time.monotonic() < limit, "kept alive"
            time.sleep(0.1)
            client.h2.ping(b"12345678")
            with contextlib.suppress(OSError):
                client.flush()
            if client.wait((h2_events.PingAckReceived, h2_events.ConnectionTerminated)) is None:
                break  # ended; the word of it may be lost when a ping comes after the close


def test_the_last_request_of_a_connection_says_so(house):
    gateway = node(house, house.service(), requests=3)
    with gateway.connect() as connection:
        answers = [connection.request("GET", f"/open/{number}") for number in range(3)]
        assert [answer["connection"] for answer in answers] == ["keep-alive", "keep-alive", "close"]
        assert connection.ended()
    assert_cuts(gateway, "requests", 1)


def test_an_old_connection_ends_with_its_request(house):
    main = house.service()
    gateway = node(house, main, lifetime="2s")
    with gateway.connect() as connection:
        assert connection.request("GET", "/open/1")["connection"] == "keep-alive"
        main.behaviour = service.in_turn(service.waits(2.2), service.plain)
        connection.send(http.compose("GET", "/open/2") + http.compose("GET", "/open/3"))  # young when the second begins, old when the third does
        assert [connection.answer()["connection"] for _ in range(2)] == ["keep-alive", "close"]
        assert connection.ended()
    assert_cuts(gateway, "lifetime", 1)


@pytest.mark.parametrize("limits,kind", [({"requests": 2}, "requests"), ({"lifetime": "500ms"}, "lifetime")])
def test_an_http2_connection_that_had_its_share_is_told_goodbye_and_loses_nothing(house, limits, kind):
    gateway = node(house, house.service(service.waits(1)), http2=True, **limits)
    with Http2(gateway.address) as client:
        streams = [client.request(), client.request()]
        goodbye = client.wait(h2_events.ConnectionTerminated)
        assert goodbye.error_code == 0 and goodbye.last_stream_id == 2**31 - 1
        client.h2.state_machine.state = h2_connection.ConnectionState.CLIENT_OPEN  # python-h2 takes any GOAWAY for the end
        assert [client.status(stream) for stream in streams] == [200, 200]
        assert client.is_over()
    assert_cuts(gateway, kind, 1)


# --- how many ---


def test_one_address_gets_so_many_connections_on_all_workers_together(house):
    gateway = node(house, house.service(), workers=2, connections_per_address=10)
    with contextlib.ExitStack() as stack:
        def serves():
            try:
                connection = stack.enter_context(gateway.connect())
                return connection.request("GET", "/open/x").status == 200
            except (OSError, http.BrokenAnswer):
                return False
        served = [serves() for _ in range(30)]
        # two workers may each let one in at the same moment; one after the other they do not
        assert served.count(True) == 10
        # another address is another client
        other = stack.enter_context(contextlib.closing(socket.create_connection(gateway.address, source_address=("127.0.0.2", 0))))
        other.sendall(http.compose("GET", "/open/x"))
        assert other.recv(100).startswith(b"HTTP/1.1 200")
    until(lambda: gateway.metrics().total("sluice_connections_refused_total", reason="address_full") == 20, "not counted")
    until(lambda: gateway.metrics().total("sluice_connections_open") == 0, "not closed")
    assert gateway.fetch(target="/open/x").status == 200


def test_a_dead_worker_gives_its_connections_back(house):
    gateway = node(house, house.service(), workers=2, connections_per_address=10)
    gateway.is_expected_to_die = True
    held = [gateway.connect() for _ in range(10)]
    for connection in held:
        connection.send(http.compose("GET", "/open/x"))
        connection.answer()
    victims = {gateway.worker_of(connection) for connection in held}
    for pid in victims:
        os.kill(pid, 9)

    def serves():
        with contextlib.suppress(OSError, http.BrokenAnswer):
            return gateway.fetch(target="/open/x").status == 200
    until(serves, "nobody gets in", seconds=10)


def test_a_flood_from_one_address_does_not_shut_out_the_others(house):
    gateway = node(house, house.service(), connections_per_address=20)
    limit = time.monotonic() + 2
    floods = 0
    slowest = 0
    while time.monotonic() < limit or floods <= 100:
        for _ in range(50):
            with contextlib.suppress(OSError), socket.create_connection(gateway.address, source_address=("127.0.0.3", 0), timeout=5 * PATIENCE):
                floods += 1
        began = time.monotonic()
        assert gateway.fetch(target="/open/x").status == 200
        slowest = max(slowest, time.monotonic() - began)
    assert slowest < 5 * PATIENCE


def test_more_requests_than_a_worker_takes_are_503(house):
    main = house.service(service.hangs())
    gateway = node(house, main, in_flight=5)
    with contextlib.ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(gateway.connect()).send(http.compose("GET", "/open/x"))
        until(lambda: main.count == 5, "not forwarded")
        answer = gateway.fetch(target="/open/x")
        assert_problem(answer, 503)
        assert answer["retry-after"] == "1"
        assert answer["connection"] == "close"
    until(lambda: gateway.metrics().total("sluice_requests_in_flight") == 0, "not called off")


def test_more_requests_than_a_connection_may_have_are_503(house):
    main = house.service(service.waits(1))
    gateway = node(house, main, http2=True, in_flight_per_connection=3)
    with Http2(gateway.address) as client:
        streams = [client.request() for _ in range(5)]
        statuses = sorted(client.status(stream) for stream in streams)
    assert statuses == [200, 200, 200, 503, 503]
    assert main.count == 3
