"""Clients that leave, send too much, or never read."""

import os
import random
import socket
import time

import pytest
from sluice import http, service
from sluice.house import simple
from sluice.problems import assert_problem
from sluice.waiting import PATIENCE, now_us, until


def test_a_client_that_leaves_while_waiting_calls_off_the_service(house):
    main = house.service(service.hangs())
    gateway = house.node(simple(main))
    key = house.redis.provision("leaver")

    took_us = []
    for number in range(1, 6):
        with gateway.connect() as connection:
            connection.send(http.compose("GET", "/api/x", {"X-API-Key": key}))
            until(lambda: main.count == number, "not forwarded")
        left_us = now_us()
        until(lambda: main.left == number, "the service still works for nobody", pause=0.001)
        took_us.append(now_us() - left_us)

    # The sweep of once a second would find them as well; but whoever leaves just after it would be noticed by the next one only.
    assert sorted(took_us)[2] < 700_000, took_us
    until(lambda: gateway.metrics().total("sluice_client_left_total") == 5, "not counted")
    until(lambda: [line["status"] for line in gateway.log_lines()] == [499] * 5, lambda: gateway.log_lines())
    gateway.settled()


def test_a_client_that_resets_while_waiting_is_noticed_as_well(house):
    main = house.service(service.hangs())
    gateway = house.node(simple(main))
    connection = gateway.connect()
    connection.send(http.compose("GET", "/open/x"))
    until(lambda: main.count == 1, "not forwarded")

    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    connection.close()

    until(lambda: main.left == 1, "the service still works for nobody")


def test_a_client_that_leaves_after_pipelining_is_noticed(house):
    main = house.service(service.hangs())
    gateway = house.node(simple(main))
    with gateway.connect() as connection:
        connection.send(http.compose("GET", "/open/1") + http.compose("GET", "/open/2"))
        until(lambda: main.count == 1, "not forwarded")
    # bytes of the second request hide the end; the sweeper finds it within seconds
    until(lambda: main.left >= 1, "the service still works for nobody", seconds=10)


def test_a_client_that_leaves_inside_the_answer_calls_off_the_service(house):
    main = house.service(service.streams(200_000_000))
    gateway = house.node(simple(main))
    for number in range(1, 11):
        with gateway.connect() as connection:
            connection.send(http.compose("GET", "/open/x"))
            connection.socket.recv(1000 if number % 2 else 1_000_000)
            if number % 3 == 0:
                connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # RST

        until(lambda: main.open_connections == 0, "the service still sends")

    until(lambda: len(gateway.log_lines()) == 10, "not logged")
    assert all(line["bytes_out"] < 100_000_000 for line in gateway.log_lines())
    assert {line["reason"] for line in gateway.log_lines()} == {"client_left"}
    assert gateway.metrics().total("sluice_client_left_total") == 10


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_a_body_that_is_too_large_is_413_and_does_not_reach_the_service(house, framing):
    main = house.service()
    gateway = house.node(simple(main, limits={"body": "100KiB"}))
    body = b"x" * (100 * 1024 + 1)

    with gateway.connect() as connection:
        if framing == "length":
            connection.send(http.compose("POST", "/open/x", body=body)[:-len(body)])
        else:
            connection.send(b"POST /open/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            try:
                for _ in range(20):
                    connection.send(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
            except (BrokenPipeError, ConnectionResetError):
                pass
        answer = connection.answer()

    assert_problem(answer, 413, "Body too large")
    assert main.count == 0
    # what just fits passes
    assert gateway.fetch("POST", "/open/x", body=body[:-1]).json()["body_bytes"] == 100 * 1024


def test_a_route_can_take_larger_bodies_than_the_rest(house):
    main = house.service()
    gateway = house.node(simple(main, limits={"body": "1KiB"}, routes=[
        {"path": "/open/*", "service": "main", "auth": "none"},
        {"path": "/upload/*", "service": "main", "auth": "none", "body": "1MiB"}]))

    assert_problem(gateway.fetch("POST", "/open/x", body=b"x" * 2000), 413)
    assert gateway.fetch("POST", "/upload/x", body=b"x" * 1_000_000).status == 200


def test_a_client_that_never_reads_costs_little_memory(house):
    # given many stalled downloads of 300 MB
    main = house.service(service.streams(300_000_000))
    gateway = house.node(simple(main, workers=1, services={"main": {"instances": [main.url], "timeouts": {"idle": "60s", "total": "120s"}}}))
    connections = []
    before = gateway.resident_kib()
    for _ in range(8):
        connection = http.Connection(gateway.address)
        connection.send(http.compose("GET", "/open/x"))
        connection.socket.recv(100)
        connections.append(connection)

    # when nobody reads for a while
    time.sleep(3)

    # then each costs less than a megabyte
    after = gateway.resident_kib()
    grown = max(after[pid] - before.get(pid, after[pid]) for pid in after)
    if not os.environ.get("SLUICE_SANITIZER"):  # which keep freed memory to find its late users
        assert grown < len(connections) * 1024, f"{grown} KiB for {len(connections)} stalled downloads"
    # and one of them can still go on
    head = connections[0].socket.recv(65536)
    assert head
    for connection in connections:
        connection.close()
    until(lambda: main.open_connections == 0, "the service still sends")


def test_an_answer_that_nobody_takes_is_cut_in_the_end(house):
    main = house.service(service.streams(300_000_000))
    gateway = house.node(simple(main, limits={"stall": "1s"}))
    with gateway.connect() as connection:
        connection.send(http.compose("GET", "/open/x"))
        until(lambda: main.count == 1, "not forwarded")

        until(lambda: main.open_connections == 0, "still waiting for the client", seconds=10)
    until(lambda: [line["reason"] for line in gateway.log_lines()] == ["client_stalled"], lambda: gateway.log_lines())


def test_a_request_that_never_ends_is_cut(house):
    main = house.service()
    gateway = house.node(simple(main, limits={"head_timeout": "1s", "body_grace": "1s"}))

    for begun in (b"", b"GET /open/x HTT", b"GET /open/x HTTP/1.1\r\nHost: a\r\n", b"POST /open/x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf"):
        with gateway.connect() as connection:
            connection.send(begun)
            connection.socket.settimeout(20 * PATIENCE)
            data = connection.socket.recv(65536)  # an end, or an answer like 408
            assert data == b"" or data.startswith(b"HTTP/1.1 4")
    assert main.count == 0


def test_slow_clients_do_not_hold_up_others(house):
    main = house.service(service.plain)
    gateway = house.node(simple(main, workers=1))
    slow = [gateway.connect() for _ in range(200)]
    for connection in slow:
        connection.send(b"GET /open/x HTTP/1.1\r\nHost: a\r\nX-")

    load = gateway.hammer("/open/x", connections=8, requests=500, seconds=20)

    assert load.statuses == {200: 500} and not load.failures
    for connection in slow:
        connection.close()


def test_connections_beyond_the_bound_wait_for_their_turn(house):
    main = house.service(service.plain)
    gateway = house.node(simple(main, workers=1, limits={"connections": 10}))
    held = [gateway.connect() for _ in range(10)]
    for connection in held:
        assert connection.request("GET", "/open/x").status == 200

    with gateway.connect() as waiting:
        waiting.send(http.compose("GET", "/open/late"))
        time.sleep(0.3)
        assert main.count == 10
        held[0].close()
        assert waiting.answer().status == 200
    for connection in held:
        connection.close()


def test_nonsense_of_all_kinds_leaves_the_node_alive(house):
    main = house.service(service.plain)
    gateway = house.node(simple(main))
    workers = gateway.workers()
    generator = random.Random(1)
    seeds = [http.compose("GET", "/open/x"), http.compose("POST", "/open/x", body=b"hello"),
             b"POST /open/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"]

    for _ in range(400):
        data = bytearray(generator.choice(seeds))
        for _ in range(generator.randint(1, 6)):
            position = generator.randrange(len(data))
            change = generator.random()
            if change < 0.4:
                data[position] = generator.randrange(256)
            elif change < 0.7:
                del data[position:position + generator.randint(1, 8)]
            else:
                data[position:position] = bytes(generator.randrange(256) for _ in range(generator.randint(1, 8)))
            if not data:
                data = bytearray(b"\r\n")
        try:
            with gateway.connect(timeout=1) as connection:
                connection.send(bytes(data))
                connection.socket.shutdown(socket.SHUT_WR)
                connection.socket.recv(65536)
        except OSError:
            pass

    assert gateway.workers() == workers
    assert gateway.fetch(target="/open/x").status == 200
