"""Services that refuse, hang, die, drip or talk nonsense. The client gets a proper 502 or 504, or a cut that it can recognise as one; never a wrong answer."""

import os
import signal
import socket
import threading
import time

import pytest
from sluice import http, service
from sluice.house import simple
from sluice.problems import assert_problem
from sluice.waiting import until

OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture(scope="module")
def gate(shared_house):
    """Routes to one scripted service; the breaker is off so that each fault is met afresh. What waits for a deadline asks for "hasty": the same
    service with deadlines that end soon; all others have the time that a busy machine needs."""
    shared_house.main = shared_house.service(service.plain, "main")
    hasty = {"connect": "300ms", "first_byte": "400ms", "idle": "400ms", "total": "2s"}
    patient = {"connect": "10s", "first_byte": "10s", "idle": "2s", "total": "60s"}
    shared_house.gateway = shared_house.node(simple(shared_house.main, services={
        name: {"instances": [shared_house.main.url], "breaker": "off", "retries": 1, "timeouts": timeouts}
        for name, timeouts in (("main", patient), ("hasty", hasty))}, routes=[
            {"path": "/open/*", "service": "main", "auth": "none"}, {"path": "/hasty/*", "service": "hasty", "auth": "none"}]))
    return shared_house


BROKEN_HEADS = {
    "nothing at all": b"",
    "no HTTP": b"220 mail.test ESMTP\r\n\r\n",
    "half a status line": b"HTTP/1.1 2",
    "half a head": OK + b"Content-Le",
    "status of two digits": b"HTTP/1.1 42 Odd\r\nContent-Length: 0\r\n\r\n",
    "status 042": b"HTTP/1.1 042 Odd\r\nContent-Length: 0\r\n\r\n",
    "status 000": b"HTTP/1.1 000 Odd\r\nContent-Length: 0\r\n\r\n",
    "status 999": b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
    "HTTP/2": b"HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n",
    "switching unasked": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "two lengths": OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
    "negative length": OK + b"Content-Length: -1\r\n\r\n",
    "length in words": OK + b"Content-Length: two\r\n\r\nok",
    "length too long": OK + b"Content-Length: 99999999999999999999999\r\n\r\nok",
    "length and chunks": OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "unknown coding": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "folded line": OK + b"X-A: one\r\n two\r\nContent-Length: 0\r\n\r\n",
    "name with blank": OK + b"X A: one\r\nContent-Length: 0\r\n\r\n",
    "no colon": OK + b"X-A\r\nContent-Length: 0\r\n\r\n",
    "NUL in a value": OK + b"X-A: a\x00b\r\nContent-Length: 0\r\n\r\n",
    "head without end": OK + b"".join(b"X-%d: %s\r\n" % (i, b"x" * 1000) for i in range(200)) + b"\r\n",
    "a thousand fields": OK + b"".join(b"X-%d: 1\r\n" % i for i in range(1000)) + b"\r\n",
    "endless interim answers": b"HTTP/1.1 100 Continue\r\n\r\n" * 1000,
}


@pytest.mark.parametrize("name", BROKEN_HEADS)
def test_a_broken_head_is_502(gate, name):
    gate.main.behaviour = service.sends(BROKEN_HEADS[name])

    answer = gate.gateway.fetch("POST", "/open/x", body=b"")

    problem = assert_problem(answer, 502, "Bad gateway")
    assert problem["service"] == "main"
    assert gate.gateway.log_line(request_id=answer["x-request-id"])["reason"] in ("upstream_broken", "upstream_refused")


BROKEN_BODIES = {
    "half of a length": OK + b"Content-Length: 10\r\n\r\nhalf",
    "between chunks": OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    "inside a chunk": OK + b"Transfer-Encoding: chunked\r\n\r\nff\r\nhalf",
    "bad chunk size": OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nxyz\r\n",
    "negative chunk size": OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n-1\r\n",
    "huge chunk size": OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nfffffffffffffffff\r\n",
    "chunk without its end": OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalfXX0\r\n\r\n",
}


@pytest.mark.parametrize("name", BROKEN_BODIES)
def test_a_broken_body_never_looks_complete(gate, name):
    gate.main.behaviour = service.sends(BROKEN_BODIES[name])

    with gate.gateway.connect() as connection:
        connection.send(http.compose("GET", "/open/x"))
        try:
            answer = connection.answer()
        except http.BrokenAnswer:
            answer = None

    # Either nothing had been sent yet and it is a clean 502, or the client sees the cut.
    if answer is not None:
        assert_problem(answer, 502)


def test_a_reset_in_a_body_that_ends_with_its_connection_is_a_cut(gate):
    gate.main.behaviour = service.resets(OK + b"Content-Type: text/plain\r\n\r\nhalf")

    with gate.gateway.connect() as connection:
        connection.send(http.compose("GET", "/open/x"))
        with pytest.raises(http.BrokenAnswer):
            answer = connection.answer()
            if answer.status == 502:
                raise http.BrokenAnswer("a clean one")


def test_silence_before_the_head_is_504(gate):
    for after in (b"", b"HTTP/1.1 200 OK\r\nX-Begun: 1\r\n"):
        gate.main.behaviour = service.hangs(after)

        problem = assert_problem(gate.gateway.fetch("POST", "/hasty/x", body=b""), 504, "Gateway timeout")

        assert problem["service"] == "hasty"
    until(lambda: gate.main.open_connections == 0, "the connection is kept although nobody waits any more")


def test_a_head_that_drips_has_one_deadline(gate):
    gate.main.behaviour = service.drips(OK + b"X-Slow: " + b"x" * 200 + b"\r\n\r\n")

    assert_problem(gate.gateway.fetch("POST", "/hasty/x", body=b""), 504)


def test_silence_inside_the_body_is_a_cut(gate):
    gate.main.behaviour = service.hangs(OK + b"Content-Length: 10\r\n\r\nhalf")

    with gate.gateway.connect() as connection:
        connection.send(http.compose("GET", "/hasty/x"))
        with pytest.raises(http.BrokenAnswer):
            connection.answer()


def test_the_total_deadline_ends_a_body_that_drips_for_ever(gate):
    gate.main.behaviour = service.drips(b"x" * 1000, pause_s=0.05, at_once=OK + b"Content-Length: 1000000\r\n\r\n")

    with gate.gateway.connect() as connection:
        connection.send(http.compose("GET", "/hasty/x"))
        with pytest.raises(http.BrokenAnswer):
            connection.answer()


def test_a_slow_body_within_its_deadlines_arrives(gate):
    gate.main.behaviour = service.drips(b"x" * 20, pause_s=0.12, at_once=OK + b"Content-Length: 20\r\n\r\n")  # in all longer than `idle`

    assert gate.gateway.fetch(target="/open/x").body == b"x" * 20


def test_a_slow_head_within_its_deadline_arrives(gate):
    gate.main.behaviour = service.drips(OK + b"Content-Length: 2\r\n\r\nok", pause_s=0.001)

    assert gate.gateway.fetch(target="/open/x").body == b"ok"


def test_an_unreachable_service_is_502(house):
    gone = house.service()
    gone.stop()
    gateway = house.node(simple(gone))

    problem = assert_problem(gateway.fetch(target="/open/x"), 502)

    assert problem["type"].endswith("upstream_refused")


def test_an_address_that_swallows_connections_is_504(house):
    # a listener whose queue is full drops what comes: the connection is never made
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    stuffing = []
    for _ in range(3):
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex(full.getsockname())
        stuffing.append(one)
    main = house.service()
    gateway = house.node(simple(main, services={"main": {
        "instances": ["http://127.0.0.1:%d" % full.getsockname()[1]], "retries": 0, "timeouts": {"connect": "200ms"}}}))

    problem = assert_problem(gateway.fetch(target="/open/x"), 504)

    assert problem["type"].endswith("upstream_timeout")
    for one in stuffing + [full]:
        one.close()


def test_a_name_without_address_is_502(house):
    main = house.service()
    gateway = house.node(simple(main, services={"main": {"instances": ["http://no-such-host.invalid:80"]}}))

    assert_problem(gateway.fetch(target="/open/x"), 502)


# --- retries ---


def test_what_was_never_sent_goes_to_another_instance_whatever_the_method(house):
    gone, alive = house.service(), house.service()
    gone.stop()
    gateway = house.node(simple(alive, services={"main": {"instances": [gone.url, alive.url], "breaker": "off", "retries": 1}}))

    # A budget bounds retries to a share of the live traffic, so a few requests decide.
    assert [gateway.fetch("POST", "/open/x", body=b"once").status for _ in range(4)].count(200) >= 3
    assert all(request.body == b"once" for request in alive.requests)


def test_a_request_that_may_have_been_served_is_not_sent_again(house):
    first = house.service(service.sends(b""))
    gateway = house.node(simple(first, services={"main": {"instances": [first.url], "breaker": "off", "retries": 3}}))

    for number in range(1, 6):
        assert_problem(gateway.fetch("POST", "/open/x", body=b"pay"), 502)
        assert first.count == number


def closes_later(request, wire):
    """An answer that promises to go on, and the end 20 ms after it."""
    wire.reply(200, b"ok")
    time.sleep(0.02)
    return False


def test_a_stale_kept_connection_never_surfaces(house):
    main = house.service(closes_later)
    gateway = house.node(simple(main, services={"main": {"instances": [main.url], "breaker": "off"}}, workers=1))

    # when requests come around the moment of closing
    statuses = []
    for number in range(100):
        time.sleep(0.015 + (number % 20) * 0.0005)
        statuses.append(gateway.fetch(target="/open/x").status)

    assert statuses == [200] * 100


def test_a_kept_connection_that_was_closed_is_not_used_for_a_post(house):
    """Sent before the close, a POST cannot be sent again: it may have been served. Sent after it, it must not meet the old connection."""
    main = house.service(closes_later)
    gateway = house.node(simple(main, services={"main": {"instances": [main.url], "breaker": "off"}}, workers=1))

    statuses = []
    for _ in range(100):
        statuses.append(gateway.fetch("POST", "/open/x", body=b"").status)
        until(lambda: main.open_connections == 0, "still open", pause=0.0005)

    assert statuses == [200] * 100


def test_retries_are_held_to_a_share_of_the_traffic(house):
    # given two instances of which one refuses all
    gone, alive = house.service(), house.service(service.plain)
    gone.stop()
    gateway = house.node(simple(alive, services={"main": {"instances": [gone.url], "breaker": "off", "retries": 5}}))

    gateway.hammer("/open/x", connections=8, requests=500, seconds=30)

    assert gateway.metrics().total("sluice_upstream_retries_total", service="main") <= 500 * 0.2 + 50


# --- odd but right ---


@pytest.mark.parametrize("name, data, body", [
    ("interim answers", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nok", b"ok"),
    ("no reason", b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", b"ok"),
    ("upper-case chunked", OK + b"TRANSFER-ENCODING: Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"ok"),
    ("until the end", OK + b"\r\nok", b"ok"),
    ("HTTP/1.0", b"HTTP/1.0 200 OK\r\n\r\nok", b"ok"),
    ("more than announced", OK + b"Content-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", b"ok"),
    ("the same length twice", OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok", None),
], ids=lambda value: value if isinstance(value, str) else "")
def test_odd_answers(gate, name, data, body):
    gate.main.behaviour = service.sends(data)

    for _ in range(3):
        answer = gate.gateway.fetch(target="/open/x")
        if body is None:
            assert answer.status in (200, 502)
        else:
            assert (answer.status, answer.body) == (200, body)


def test_an_early_answer_to_a_large_upload_arrives(house):
    # given a service that refuses an upload after its head and closes
    def refuses_early(wire):
        wire.socket.recv(1000)
        wire.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
        time.sleep(0.3)
    main = house.service()

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            refuses_early(service.Wire(connection))
            connection.close()
    main.stop()
    listener = socket.create_server(("127.0.0.1", main.port), reuse_port=True)
    threading.Thread(target=accept, daemon=True).start()
    gateway = house.node(simple(main, limits={"body": "50MiB"}, services={"main": {"instances": [main.url], "retries": 0}}))

    answer = gateway.fetch("POST", "/open/x", body=b"x" * 20_000_000)
    listener.shutdown(socket.SHUT_RDWR)  # wakes the thread, which would keep it listening
    listener.close()

    # the answer was there before the upload ended: it is delivered if the reset did not overtake it
    assert answer.status in (413, 502)


def test_an_answer_that_is_here_is_not_late_when_its_worker_has_slept(house):
    """A machine that holds a worker up for longer than a deadline must not turn answers that came in time into 504s."""
    answers_now = threading.Event()

    def behaviour(request, wire):
        answers_now.wait(60)
        return service.plain(request, wire)
    main = house.service(behaviour)
    gateway = house.node(simple(main, workers=1, services={"main": {
        "instances": [main.url], "breaker": "off", "retries": 0, "timeouts": {"first_byte": "2s"}}}))
    connections = [gateway.connect() for _ in range(8)]
    worker = gateway.worker_of(connections[0])
    for connection in connections:
        connection.send(http.compose("GET", "/open/x"))
    until(lambda: main.count == 8, "not forwarded")

    os.kill(worker, signal.SIGSTOP)
    answers_now.set()
    time.sleep(2.5)
    os.kill(worker, signal.SIGCONT)

    assert [connection.answer().status for connection in connections] == [200] * 8
