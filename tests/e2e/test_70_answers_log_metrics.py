"""What the gateway says itself, and what it tells the operator."""

import json
import os
import resource
import socket
import time

import pytest
from sluice import http, service
from sluice.house import simple
from sluice.problems import assert_problem
from sluice.redis_server import digest
from sluice.waiting import until

LOG_FIELDS = {"time", "request_id", "method", "path", "status", "duration_ms", "route", "service", "instance", "key_id", "owner", "reason",
              "bytes_in", "bytes_out", "redis_ms", "upstream_ms", "tries", "client", "host", "protocol", "user_agent", "trace_id"}
SECRET = "sk-live-a-secret-that-must-never-be-seen"


@pytest.fixture(scope="module")
def gate(shared_house):
    shared_house.main = shared_house.service(service.echo, "main")
    shared_house.broken = shared_house.service(service.sends(b"no http\r\n\r\n"), "broken")
    shared_house.slow = shared_house.service(service.hangs(), "slow")
    gone = shared_house.service(service.echo, "gone")
    gone.stop()
    services = {name: {"instances": [one.url], "breaker": "off", "retries": 0} for name, one in
                [("main", shared_house.main), ("broken", shared_house.broken), ("slow", shared_house.slow), ("gone", gone)]}
    services["slow"]["timeouts"] = {"first_byte": "200ms"}
    shared_house.gateway = shared_house.node({
        "keys": {"limit": "1/3600s", "query": "key", "bearer": True},
        "limits": {"body": "1000B"},
        "services": services,
        "routes": [{"path": f"/{name}/*", "service": name, "auth": "none"} for name in services] +
                  [{"path": "/api/*", "service": "main"}, {"path": "/get", "method": "GET", "service": "main", "auth": "none"}]})
    return shared_house


def own_answers(gate):
    """One request for each answer of the gateway's own: name -> (status, answer)."""
    gateway, redis = gate.gateway, gate.redis
    spent = redis.provision("spent")
    gateway.fetch(target="/api/x", key=spent)
    return {
        "bad_path": (400, gateway.fetch(target="/main/%zz")),
        "no_key": (401, gateway.fetch(target="/api/x")),
        "two_keys": (401, gateway.fetch(target="/api/x", headers=[("X-API-Key", "a"), ("X-API-Key", "b")])),
        "unknown_key": (401, gateway.fetch(target="/api/x", key="unknown")),
        "disabled_key": (401, gateway.fetch(target="/api/x", key=redis.provision("off", enabled=0))),
        "expired_key": (401, gateway.fetch(target="/api/x", key=redis.provision("old", expires=1))),
        "service_forbidden": (403, gateway.fetch(target="/api/x", key=redis.provision("else", services="other"))),
        "method_forbidden": (403, gateway.fetch(target="/api/x", key=redis.provision("post", methods="POST"))),
        "no_route": (404, gateway.fetch(target="/nowhere")),
        "method_not_allowed": (405, gateway.fetch("DELETE", "/get")),
        "body_too_large": (413, gateway.fetch("POST", "/main/x", body=b"x" * 1001)),
        "limited": (429, gateway.fetch(target="/api/x", key=spent)),
        "upstream_broken": (502, gateway.fetch(target="/broken/x")),
        "upstream_refused": (502, gateway.fetch(target="/gone/x")),
        "broken_record": (503, gateway.fetch(target="/api/x", key=redis.provision("broken", limit="x"))),
        "upstream_timeout": (504, gateway.fetch(target="/slow/x")),
    }


def test_every_answer_of_our_own_is_a_problem_with_all_its_parts(gate):
    for reason, (status, answer) in own_answers(gate).items():
        problem = assert_problem(answer, status)
        assert reason == "limited" or problem["type"].endswith(":" + reason), problem
        assert answer["server"]
        assert answer["date"]
        line = gate.gateway.log_line(request_id=answer["x-request-id"])
        assert (line["status"], line["reason"]) == (status, reason)


def test_a_head_request_gets_the_same_head_and_no_body(gate):
    with gate.gateway.connect() as connection:
        head = connection.request("HEAD", "/nowhere")
        get = connection.request("GET", "/nowhere")

    assert (head.status, head.body) == (404, b"")
    assert head["content-length"] == get["content-length"]


def test_text_of_the_client_cannot_break_the_problem(gate):
    answer = gate.gateway.fetch(target='/no%22where/%3Cscript%3E/"\\')

    problem = assert_problem(answer, 404)
    assert '"' not in problem["instance"].replace("%22", "")


def test_a_log_line_holds_every_field(gate):
    key = gate.redis.provision("whole-line", owner="acme corp", limit=100)

    answer = gate.gateway.fetch("POST", "/api/deep/x?secret=1", {"User-Agent": 'odd "agent" \xff'}, b"hello", host="Public.test:80", key=key)

    line = gate.gateway.log_line(request_id=answer["x-request-id"])
    assert LOG_FIELDS <= set(line), LOG_FIELDS - set(line)
    assert (line["method"], line["path"], line["status"], line["reason"]) == ("POST", "/api/deep/x", 200, "proxied")
    assert (line["service"], line["owner"], line["key_id"]) == ("main", "acme corp", digest(key)[:8])
    assert (line["bytes_in"], line["bytes_out"], line["tries"]) == (5, len(answer.body), 1)
    assert gate.main.authority in line["instance"]
    assert (line["client"], line["protocol"]) == ("127.0.0.1", "HTTP/1.1")
    assert line["host"].lower().startswith("public.test")
    assert line["user_agent"].startswith('odd "agent"')
    assert 0 < line["redis_ms"] <= line["duration_ms"]
    assert 0 < line["upstream_ms"] <= line["duration_ms"]
    assert line["route"]
    time.strptime(line["time"][:19], "%Y-%m-%dT%H:%M:%S")


def test_each_request_leaves_exactly_one_line_whatever_happens_to_it(house):
    # given services that do what they like
    services = {"echo": service.echo, "cut": service.sends(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"), "reset": service.resets(),
                "hang": service.hangs(), "left": service.hangs(), "chunks": service.sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")}
    running = {name: house.service(behaviour, name) for name, behaviour in services.items()}
    gateway = house.node({
        "services": {name: {"instances": [one.url], "breaker": "off", "retries": 0, "timeouts": {"first_byte": "300ms" if name == "hang" else "20s"}}
                     for name, one in running.items()},
        "routes": [{"path": f"/{name}/*", "service": name, "auth": "none"} for name in services],
        "limits": {"body": "100B", "idle": "1s"}})

    # when requests end in every way
    paths = []
    for name in services.keys() - {"left"}:
        for number in range(3):
            paths.append(f"/{name}/{number}")
            with gateway.connect() as connection:
                connection.send(http.compose("GET", paths[-1]))
                try:
                    connection.answer()
                except http.BrokenAnswer:
                    pass
    paths.append("/left/1")
    with gateway.connect() as connection:
        connection.send(http.compose("GET", paths[-1]))
        until(lambda: running["left"].count == 1, "not forwarded")
    paths.append("/echo/large")
    gateway.fetch("POST", paths[-1], body=b"x" * 1000)
    paths.append("/nowhere")
    gateway.fetch(target=paths[-1])
    paths += ["/echo/p1", "/echo/p2"]
    with gateway.connect() as connection:
        connection.send(http.compose("GET", "/echo/p1") + http.compose("GET", "/echo/p2"))
        connection.answer(), connection.answer()

    # then there is one line for each
    until(lambda: len([line for line in gateway.log_lines() if line["path"] in paths]) >= len(paths),
          lambda: f"missing: {set(paths) - {line['path'] for line in gateway.log_lines()}}")
    gateway.stop()
    logged = [line["path"] for line in gateway.log_lines()]
    assert sorted(logged) == sorted(paths)
    assert [line["status"] for line in gateway.log_lines() if line["path"] == "/left/1"] == [499]


def test_many_workers_write_whole_lines(house):
    main = house.service(service.plain)
    gateway = house.node(simple(main, workers=4))

    load = gateway.hammer("/open/x", connections=16, requests=3000, seconds=120)
    gateway.stop()

    assert len(gateway.log_lines()) == 3000 == load.statuses[200]
    assert len({line["request_id"] for line in gateway.log_lines()}) == 3000


def test_a_reader_of_the_log_that_sleeps_delays_nobody(house):
    # given a log that goes into a pipe which nobody reads
    main = house.service(service.plain)
    path = os.path.join(house.folder, "pipe")
    os.mkfifo(path)
    reader = os.open(path, os.O_RDWR)
    gateway = house.node(simple(main, log={"path": path}))

    # when more is logged than a pipe and the queue hold
    load = gateway.hammer("/open/" + "x" * 2000, connections=16, requests=3000, seconds=120)

    # then all requests are served, and what was dropped is counted
    assert load.statuses == {200: 3000} and not load.failures
    assert gateway.settled().total("sluice_log_lines_dropped_total") > 0
    os.close(reader)


def test_a_log_on_a_full_disk_is_told_of(house):
    # given a device that is always full
    gateway = house.node(simple(house.service(service.plain), log={"path": "/dev/full"}))

    # when something is logged
    assert gateway.fetch(target="/open/x").status == 200

    # then an operator learns of it at once, not by the lines that are dropped much later
    until(lambda: gateway.events("access_log"), "nothing is told")
    assert "No space left on device" in gateway.events("access_log")[0]["message"]


def test_a_bound_on_the_size_of_files_costs_the_log_and_no_worker(house):
    # given a log that is as large as the workers may make a file (ulimit -f, LimitFSIZE)
    path, most = os.path.join(house.folder, "bounded.log"), 65536
    with open(path, "wb") as file:
        file.write(b"\n" * most)
    gateway = house.node(simple(house.service(service.plain), log={"path": path}))
    workers = gateway.workers()
    for pid in workers:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))

    # when something is logged
    assert gateway.fetch(target="/open/x").status == 200

    # then it stays a matter of the log
    until(lambda: gateway.events("access_log") or gateway.events("child_died"), "nothing happened")
    assert "File too large" in gateway.events("access_log")[0]["message"]
    assert gateway.workers() == workers


def test_the_log_can_be_switched_off_or_be_text(house):
    main = house.service(service.plain)
    silent = house.node(simple(main, log={"access": "off"}))
    text = house.node(simple(main, log={"access": "text"}))

    silent.fetch(target="/open/x")
    answer = text.fetch(target="/open/x")
    until(lambda: answer["x-request-id"] in text.log_text(), "no line")
    silent.stop()

    assert silent.log_text() == ""
    line = text.log_text().strip()
    assert "GET" in line and "/open/x" in line and "200" in line and "\n" not in line


def test_a_secret_appears_nowhere(gate, house):
    # given a key that travels in every way that is allowed, and some that are not
    gateway, redis = gate.gateway, gate.redis
    for fields in ({"limit": 100}, {"enabled": "0"}, {"limit": "garbage"}, {"services": "none"}, {"expires": "1"}):
        redis.provision(SECRET, **fields)
        for request in ({"key": SECRET}, {"headers": {"Authorization": f"Bearer {SECRET}"}}, {"target": f"/api/x?key={SECRET}"},
                        {"target": f"/api/{SECRET[:3]}?key={SECRET}&key=b"}, {"key": SECRET, "headers": {"X-API-Key": "other"}}):
            answer = gateway.fetch(**{"target": "/api/x", **request})
            assert SECRET not in str(answer.headers) and SECRET.encode() not in answer.body or answer.status == 200
    for target in ("/broken/x", "/gone/x", "/slow/x", "/nowhere", "/main/%zz"):
        gateway.fetch(target=target + f"?key={SECRET}", headers={"Authorization": f"Bearer {SECRET}"}, key=SECRET)
    last = gateway.fetch(target="/nowhere")
    gateway.log_line(request_id=last["x-request-id"])

    # then neither logs nor pages nor Redis hold it
    assert SECRET not in gateway.log_text()
    assert SECRET not in gateway.errors()
    for page in ("/metrics", "/live", "/ready"):
        assert SECRET.encode() not in http.fetch(gateway.ops_address, target=page).body
    for name, value in redis.snapshot().items():
        assert SECRET.encode() not in name + value
    # and none of the services got it
    for one in (gate.main, gate.broken, gate.slow):
        assert all(SECRET not in str(request) for request in one.requests if request.target.startswith("/api"))


# --- metrics ---


def test_the_metrics_page_is_valid_and_its_size_does_not_grow_with_traffic(gate):
    def traffic(count):
        for number in range(count):
            gate.gateway.fetch(target=f"/nowhere/{number}", key=f"unknown-{number}")
            gate.gateway.fetch(target=f"/main/{number}", host=f"{number}.test")
            gate.gateway.fetch(target="/api/x", key=f"unknown-{number}")
    own_answers(gate)
    traffic(1)
    size = len(gate.gateway.settled().samples)

    traffic(50)

    assert len(gate.gateway.settled().samples) == size


def test_requests_and_durations_are_counted_by_route_and_status(gate):
    before = gate.gateway.settled()

    for _ in range(7):
        gate.gateway.fetch(target="/main/x")
    answer = gate.gateway.fetch(target="/broken/x")

    route = gate.gateway.log_line(request_id=answer["x-request-id"])["route"]
    after = gate.gateway.settled()

    def grown(name, **labels):
        return after.total(name, **labels) - before.total(name, **labels)
    assert grown("sluice_requests_total", code="200") == 7
    assert grown("sluice_requests_total", code="502", route=route) == 1
    assert grown("sluice_request_duration_seconds_count") == 8
    assert grown("sluice_upstream_results_total", service="main", result="ok") == 7
    assert grown("sluice_upstream_results_total", service="broken", result="broken_head") == 1
    assert grown("sluice_upstream_duration_seconds_count", service="main") == 7
    assert grown("sluice_connections_total") == 8
    assert grown("sluice_admissions_total", outcome="no_key_needed") == 8


def test_admission_outcomes_are_counted(gate):
    before = gate.gateway.settled()
    own_answers(gate)
    after = gate.gateway.settled()

    for outcome, count in {"no_key": 2, "unknown_key": 1, "disabled": 1, "expired": 1, "forbidden": 2, "broken_record": 1}.items():
        assert after.get("sluice_admissions_total", outcome=outcome) - before.get("sluice_admissions_total", outcome=outcome) == count, outcome


def test_the_node_says_what_it_is(gate):
    metrics = gate.gateway.settled()

    assert metrics.total("sluice_build_info") == 1
    assert metrics.total("sluice_config_info") == 1
    assert metrics.total("sluice_redis_up") == metrics.total("sluice_workers_ready") == 2
    assert metrics.total("sluice_requests_in_flight") == 0


def test_connections_are_a_gauge(gate):
    until(lambda: gate.gateway.metrics().total("sluice_connections_open") == 0, "connections stay open")
    connections = [gate.gateway.connect() for _ in range(5)]
    for connection in connections:
        connection.request("GET", "/main/x")

    assert gate.gateway.metrics().total("sluice_connections_open") == 5

    for connection in connections:
        connection.close()
    until(lambda: gate.gateway.metrics().total("sluice_connections_open") == 0, "connections stay open")


def test_the_ops_listener_says_no_to_anything_else(gate):
    for method, target in (("GET", "/"), ("GET", "/api/x"), ("GET", "/metrics/x")):
        answer = http.fetch(gate.gateway.ops_address, method, target)
        assert answer.status == 404
        assert answer["content-type"] == "application/problem+json"
        json.loads(answer.body)


# --- framing ---


@pytest.mark.parametrize("name, head", [
    ("CL and TE", b"POST /main/x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("two CL", b"POST /main/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    ("the same CL twice", b"POST /main/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na"),
    ("CL list", b"POST /main/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1,1\r\n\r\na"),
    ("CL sign", b"POST /main/x HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na"),
    ("two TE", b"POST /main/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("TE on 1.0", b"POST /main/x HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("no Host", b"GET /main/x HTTP/1.1\r\n\r\n"),
    ("two Hosts", b"GET /main/x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    ("obs-fold", b"GET /main/x HTTP/1.1\r\nHost: a\r\nX-A: one\r\n two\r\n\r\n"),
    ("bad method", b"G@{T /main/x HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("blank in name", b"GET /main/x HTTP/1.1\r\nHost: a\r\nX-A : 1\r\n\r\n"),
    ("NUL in value", b"GET /main/x HTTP/1.1\r\nHost: a\r\nX-A: a\x00b\r\n\r\n"),
    ("TLS", b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + b"x" * 100),
], ids=lambda value: value if isinstance(value, str) else "")
def test_doubtful_framing_is_400_and_ends_the_connection(gate, name, head):
    before = gate.main.count

    with gate.gateway.connect() as connection:
        connection.send(head + b"GET /main/smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = connection.answer()
        assert_problem(answer, 400, "Bad request")
        assert connection.ended()

    assert gate.main.count == before
    assert gate.gateway.log_line(request_id=answer["x-request-id"])["reason"] == "bad_request"


def test_an_absolute_target_is_served_by_its_own_host(gate):
    answer = gate.gateway.raw(b"GET http://public.test/main/x?y HTTP/1.1\r\nHost: public.test\r\n\r\n")

    assert answer.status == 200
    assert gate.main.last.target == "/main/x?y"
    assert gate.main.last["x-forwarded-host"] == "public.test"


def test_a_head_that_is_too_large_is_refused(gate):
    with gate.gateway.connect() as connection:
        try:
            connection.send(b"GET /main/x HTTP/1.1\r\nHost: a\r\nX-Large: " + b"x" * 600_000 + b"\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError, socket.timeout):
            return  # refused before all of it was sent
        try:
            assert_problem(connection.answer(), 431, "Request header fields too large")
        except http.BrokenAnswer as end:
            assert "reset" in str(end)
