"""The circuit breaker: one state for the whole cluster, exactly as many probes as configured, nothing asked of Redis while all is well."""

import contextlib
import os
import signal
import subprocess
import time

import pytest
from sluice import http, service
from sluice.house import simple
from sluice.load import Load
from sluice.node import binary
from sluice.problems import assert_problem
from sluice.waiting import now_us, until

LONG = os.environ.get("SLUICE_LONG")


def breaking(main, **breaker):
    """A short recovery, so that tests can wait for it; also when a slow machine has let some probes fail before the test begins."""
    pauses = {} if "recovery" in breaker else {"recovery": "1s", "recovery_max": "2s"}
    return simple(main, services={"main": {"instances": [main.url], "retries": 0, "breaker": {"failures": 5, "probes": 1, **pauses, **breaker}}})


def open_it(gateway, main, failures=5):
    """Returns when every worker knows. They are not asked: where the recovery is short, asking is probing."""
    before = len(gateway.events("breaker"))
    main.behaviour = service.answers(500)
    for _ in range(failures):
        gateway.fetch(target="/open/x")

    def who_knows():
        return {line["role"] for line in gateway.events("breaker")[before:] if ": open after " in line["message"]}
    until(lambda: len(who_knows()) == gateway.config["workers"], lambda: f"only {who_knows()} know:\n{gateway.errors()[-3000:]}")


def state(house):
    return house.redis.breaker_state("main")


def generation(house):
    """How often it has changed: 2 more with each recovery that failed."""
    return int(house.redis.client.hget(house.redis.breaker("main"), "generation") or 0)


def failures_told(house):
    return int(house.redis.client.hget(house.redis.breaker("main"), "failures") or 0)


def a_connection_to_each_worker(gateway, stack):
    connections = {}
    while len(connections) < gateway.config["workers"]:
        connection = stack.enter_context(gateway.connect())
        connections.setdefault(gateway.worker_of(connection), connection)
    return list(connections.values())


def a_success_ends_the_row(house, connection):
    """One at a time: a second one on its way might end the row that the test begins next."""
    assert connection.request("GET", "/open/x").status == 200
    with contextlib.suppress(AssertionError):
        until(lambda: failures_told(house) == 0, "", seconds=0.5)
    return failures_told(house) == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_failures_must_come_in_a_row(house, workers):
    """Whoever saw them: with two workers, one sees all that fails and the other all that succeeds."""
    main = house.service()
    gateway = house.node({**breaking(main, recovery="30s"), "workers": workers})

    with contextlib.ExitStack() as stack:
        connections = a_connection_to_each_worker(gateway, stack)
        for _ in range(5):
            main.behaviour = service.answers(500)
            for _ in range(4):
                assert connections[0].request("GET", "/open/x").status == 500
            # A worker tells of what it saw after its answer, and the others hear of it a moment later; a success after that ends the row.
            until(lambda: failures_told(house) == 4, lambda: f"not 4 failures but {failures_told(house)} are told")
            main.behaviour = service.plain
            until(lambda: a_success_ends_the_row(house, connections[-1]), "the success is not told")

    assert state(house) == "closed"


@pytest.mark.parametrize("name, behaviour", [
    ("status", service.answers(503)), ("garbage", service.sends(b"SMTP? no\r\n\r\n")), ("cut", service.sends(b"HTTP/1.1 200 OK\r\nConte")),
    ("cut body", service.sends(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")), ("reset", service.resets()),
], ids=lambda value: value if isinstance(value, str) else "")
def test_broken_answers_open_it(house, name, behaviour):
    main = house.service(behaviour)
    gateway = house.node(breaking(main, recovery="30s"))

    for _ in range(5):
        with gateway.connect() as connection:
            connection.send(b"POST /open/x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            while connection.socket.recv(1000):  # to the end: a client that leaves before the cut proves nothing
                pass

    until(lambda: state(house) == "open", "the breaker stays closed")


def test_refused_connections_and_timeouts_open_it(house):
    for behaviour in ("refused", "hang"):
        main = house.service(service.hangs(), behaviour)
        config = breaking(main, recovery="30s")
        config["services"] = {behaviour: {**config["services"]["main"], "timeouts": {"first_byte": "100ms"}}}
        for route in config["routes"]:
            route["service"] = behaviour
        gateway = house.node(config)
        if behaviour == "refused":
            main.stop()

        for _ in range(5):
            assert gateway.fetch(target="/open/x").status in (502, 504)

        until(lambda: house.redis.breaker_state(behaviour) == "open", f"{behaviour} does not open it")


@pytest.mark.parametrize("status", [400, 404, 429, 501])
def test_answers_that_are_the_clients_fault_do_not_count(house, status):
    main = house.service(service.answers(status))
    gateway = house.node(breaking(main))

    assert [gateway.fetch(target="/open/x").status for _ in range(12)] == [status] * 12

    assert state(house) == "closed"


def test_clients_that_leave_do_not_count(house):
    main = house.service(service.hangs())
    gateway = house.node(breaking(main))

    for _ in range(8):
        before = main.count
        with gateway.connect() as connection:
            connection.send(b"GET /open/x HTTP/1.1\r\nHost: a\r\n\r\n")
            until(lambda: main.count > before, "the request does not arrive")

    main.behaviour = service.plain
    assert gateway.fetch(target="/open/x").status == 200
    assert state(house) == "closed"


def test_clients_that_take_their_answer_too_slowly_do_not_count(house):
    main = house.service(service.streams(300_000_000))
    config = breaking(main, failures=2, recovery="30s")
    config["services"]["main"]["timeouts"] = {"total": "3s"}
    gateway = house.node(config)

    connections = [gateway.connect() for _ in range(4)]
    for connection in connections:
        connection.send(b"GET /open/x HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.socket.recv(12) == b"HTTP/1.1 200"  # one that has no head in time would be a failure
    until(lambda: main.open_connections == 0, "the total timeout does not end them")
    for connection in connections:
        connection.close()

    main.behaviour = service.plain
    assert [gateway.fetch(target="/open/x").status for _ in range(4)] == [200] * 4
    assert state(house) == "closed"


def test_an_open_breaker_refuses_at_once_and_names_the_service(house):
    main = house.service()
    gateway = house.node(breaking(main, recovery="30s"))
    key = house.redis.provision("caller", limit=10, window=3600)
    open_it(gateway, main)
    reached = main.count

    for _ in range(20):
        answer = gateway.fetch(target="/api/x", key=key)
        problem = assert_problem(answer, 503)
        assert problem["service"] == "main"
        assert 1 <= problem["retry_after"] <= 30
    assert main.count == reached

    # and no token was spent on it
    assert not house.redis.client.exists(house.redis.bucket(key))


def test_one_good_probe_closes_it(house):
    main = house.service()
    gateway = house.node(breaking(main))
    open_it(gateway, main)
    reached = main.count

    main.behaviour = service.plain
    until(lambda: gateway.fetch(target="/open/x").status == 200, "it never recovers", seconds=10)

    until(lambda: state(house) == "closed", "the probe closed nothing")
    assert main.count == reached + 1
    gateway.wait_every_worker(200, "/open/x")


def test_one_bad_probe_opens_it_again_for_longer(house):
    main = house.service()
    gateway = house.node(breaking(main, recovery="500ms", recovery_max="3s"))

    def pause_us():
        until(lambda: state(house) == "open", "the failure opened nothing")
        ends, began = house.redis.client.hmget(house.redis.breaker("main"), "open_until", "changed")
        return int(ends) - int(began)

    main.behaviour = service.answers(500)
    for _ in range(5):
        gateway.fetch(target="/open/x")
    pauses = [pause_us()]
    # who has not heard of it yet would let a request through that is no probe
    until(lambda: len({line["role"] for line in gateway.events("breaker")}) == 2, "not all workers know")
    for _ in range(3):
        reached = main.count
        until(lambda: gateway.fetch(target="/open/x").status == 500, "no probe", seconds=20)
        pauses.append(pause_us())
        assert main.count == reached + 1

    assert pauses == [500_000, 1_000_000, 2_000_000, 3_000_000]


def test_a_probe_whose_client_leaves_decides_nothing(house):
    main = house.service()
    gateway = house.node(breaking(main))
    open_it(gateway, main)
    main.behaviour = service.hangs()
    reached = main.count

    def probe_is_out():
        with gateway.connect() as connection:
            connection.send(b"GET /open/x HTTP/1.1\r\nHost: a\r\n\r\n")
            connection.socket.settimeout(0.3)
            try:
                connection.socket.recv(1)
            except OSError:
                pass
            return main.count > reached
    until(probe_is_out, "no probe", seconds=10)

    # the place is free again: the next probe closes it
    main.behaviour = service.plain
    until(lambda: gateway.fetch(target="/open/x").status == 200, "the lease was not given back", seconds=5)


def test_every_node_refuses_within_moments_of_the_transition(house):
    # given 4 nodes of 2 workers, all of which know the service as healthy
    main = house.service(service.plain)
    nodes = [house.node(breaking(main, recovery="30s")) for _ in range(4)]
    for node in nodes:
        node.wait_every_worker(200, "/open/x")

    # when it fails under load from all of them
    load = house.load(Load([node.address for node in nodes], "/open/x", connections=16, seconds=120, pause_us=1000))
    time.sleep(1)
    main.behaviour = service.answers(500)
    failed_from = now_us()
    for node in nodes:
        node.wait_every_worker(503, "/open/x")
    all_know = now_us()
    time.sleep(1)
    load.process.send_signal(signal.SIGUSR1)  # enough
    load.finish()

    # then no node lets anything through once the news has spread
    assert state(house) == "open" and generation(house) == 1
    failures = [sample for sample in load.samples if sample.status == 500]
    refusals = [sample for sample in load.samples if sample.status == 503]
    first_refusal = min(sample.received_us for sample in refusals)
    assert failed_from < first_refusal and len(failures) >= 5
    assert max(sample.sent_us for sample in failures) < min(all_know, first_refusal + 2_500_000)
    # and whoever has heard of it never lets anything through again
    refused_since = {}
    for sample in sorted(refusals, key=lambda sample: sample.received_us):
        refused_since.setdefault(sample.connection, sample.received_us)
    assert [sample for sample in failures if sample.sent_us > refused_since[sample.connection]] == []
    assert {sample.target for sample in refusals} == {0, 1, 2, 3}
    assert not load.failures


def test_a_healthy_service_costs_no_call_to_redis(house):
    main = house.service(service.plain)
    gateway = house.node(breaking(main))
    gateway.wait_every_worker(200, "/open/x")  # each has asked once
    before = house.redis.client.info("commandstats")

    gateway.hammer("/open/x", connections=4, requests=2000, seconds=120)

    after = house.redis.client.info("commandstats")
    scripts = [name for name in after if name.startswith("cmdstat_eval")]
    assert sum(after[name]["calls"] - before.get(name, {"calls": 0})["calls"] for name in scripts) == 0


def test_every_recovery_takes_exactly_one_probe(house):
    # given 4 nodes of 2 workers and clients that never stop asking
    rounds = 50 if LONG else 6
    main = house.service(service.answers(500))
    nodes = [house.node(breaking(main, recovery="300ms", recovery_max="300ms")) for _ in range(4)]
    for _ in range(5):
        nodes[0].fetch(target="/open/x")
    until(lambda: state(house) == "open", "the breaker stays closed")
    for node in nodes:
        until(lambda: len({line["role"] for line in node.events("breaker")}) == 2, "not all workers know")
    began, reached = generation(house), main.count  # nobody asks: these stay

    # when it recovers to a service that still fails, again and again
    load = house.load(Load([node.address for node in nodes], "/open/x", connections=16, seconds=rounds * 10, pause_us=500))
    until(lambda: generation(house) >= began + 2 * rounds, "no recoveries", seconds=rounds * 5)
    load.process.send_signal(signal.SIGUSR1)  # each request under way is answered still
    load.finish()
    until(lambda: state(house) == "open", "the last probe is not settled")

    # then each recovery let exactly one request through
    assert set(load.statuses) == {500, 503} and not load.failures
    assert main.count - reached == (generation(house) - began) / 2 >= rounds
    assert load.statuses[500] == main.count - reached


def test_a_worker_that_dies_with_a_probe_does_not_keep_it(house):
    main = house.service()
    gateway = house.node(breaking(main, lease="1s"))
    open_it(gateway, main)
    main.behaviour = service.hangs()
    reached = main.count

    # given a probe under way in one worker
    connections = []

    def probe_is_out():
        connection = gateway.connect(timeout=30)
        connection.send(b"GET /open/x HTTP/1.1\r\nHost: a\r\n\r\n")
        connections.append(connection)
        return main.count > reached
    until(probe_is_out, "no probe", seconds=10, pause=0.1)

    # when the workers are killed
    for pid in {gateway.worker_of(connection) for connection in connections[-1:]}:
        os.kill(pid, signal.SIGKILL)
    for connection in connections:
        connection.close()
    main.behaviour = service.plain

    # then the lease runs out and another probe closes the breaker
    until(lambda: is_served(gateway), "the lease never ends", seconds=15, pause=0.1)


def is_served(gateway):
    """False also when the worker that took the connection is dying."""
    try:
        return gateway.fetch(target="/open/x").status == 200
    except (OSError, http.BrokenAnswer):
        return False


def test_an_operator_can_force_it_either_way(house):
    main = house.service(service.plain)
    gateway = house.node(breaking(main))

    def command(*words):
        return subprocess.run([binary(), "breaker", *words, "-c", gateway.config_path], capture_output=True, text=True, timeout=30)

    assert command("open", "main").returncode == 0
    gateway.wait_every_worker(503, "/open/x")
    reached = main.count
    time.sleep(1.2)  # longer than the recovery: an operator's word is not probed
    problem = assert_problem(gateway.fetch(target="/open/x"), 503)
    assert "operator" in problem["detail"] and problem["service"] == "main"
    assert main.count == reached

    assert command("close", "main").returncode == 0
    gateway.wait_every_worker(200, "/open/x")
    main.behaviour = service.answers(500)
    assert [gateway.fetch(target="/open/x").status for _ in range(10)] == [500] * 10

    main.behaviour = service.plain
    assert command("auto", "main").returncode == 0
    gateway.wait_every_worker(200, "/open/x")
    open_it(gateway, main)


def test_a_share_of_failures_can_open_it(house):
    main = house.service(service.answers(200))
    gateway = house.node(breaking(main, failures=0, ratio="50%", minimum=20, window="10s", recovery="30s"))

    for turn in range(60):
        main.behaviour = service.answers(500 if turn % 3 else 200)
        if gateway.fetch(target="/open/x").status == 503:
            break
    until(lambda: state(house) == "open", "two failures of three do not open it")


def test_a_fixed_fallback_answers_while_it_is_open(house):
    main = house.service()
    config = breaking(main, recovery="30s")
    config["routes"].append({"path": "/fixed/*", "service": "main", "auth": "none",
                             "fallback": {"status": 200, "content_type": "application/json", "body": '{"stale":true}'}})
    gateway = house.node(config)
    open_it(gateway, main)

    answer = gateway.fetch(target="/fixed/x")

    assert (answer.status, answer.body, answer["content-type"]) == (200, b'{"stale":true}', "application/json")
    assert gateway.log_line(request_id=answer["x-request-id"])["reason"] == "fallback"


def test_a_fallback_without_content_has_no_length(house):
    main = house.service()
    config = breaking(main, recovery="30s")
    config["routes"].append({"path": "/none/*", "service": "main", "auth": "none", "fallback": {"status": 204}})
    gateway = house.node(config)
    open_it(gateway, main)

    answer = gateway.fetch(target="/none/x")

    assert (answer.status, answer.body) == (204, b"")
    # RFC 9110 §8.6
    assert answer["content-length"] is None and answer["transfer-encoding"] is None and answer["content-type"] is None


def test_another_service_can_be_the_fallback(house):
    main, spare = house.service(name="main"), house.service(name="spare")
    config = breaking(main, recovery="30s")
    config["services"]["spare"] = {"instances": [spare.url]}
    config["routes"].append({"path": "/spared/*", "service": "main", "fallback": {"service": "spare"}})
    gateway = house.node(config)
    open_it(gateway, main)
    key = house.redis.provision("spared", limit=2, window=3600)

    assert gateway.fetch(target="/spared/x", key=key).json()["service"] == "spare"
    assert gateway.fetch(target="/spared/x", key=key).status == 200
    # the fallback is no way around the limit or the key
    assert_problem(gateway.fetch(target="/spared/x", key=key), 429)
    assert_problem(gateway.fetch(target="/spared/x"), 401)


def test_the_fallback_has_a_breaker_of_its_own(house):
    main, spare = house.service(service.answers(500), "main"), house.service(service.answers(500), "spare")
    config = breaking(main, recovery="30s")
    config["services"]["spare"] = {**config["services"]["main"], "instances": [spare.url]}
    config["routes"].append({"path": "/spared/*", "service": "main", "auth": "none", "fallback": {"service": "spare"}})
    gateway = house.node(config)
    open_it(gateway, main)

    until(lambda: gateway.fetch(target="/spared/x").status == 503 and house.redis.breaker_state("spare") == "open", "the spare one's stays closed")
    gateway.wait_every_worker(503, "/spared/x")

    reached = spare.count
    assert_problem(gateway.fetch(target="/spared/x"), 503)
    assert spare.count == reached >= 5


def test_the_fallback_answers_while_the_probe_is_out_and_is_charged_once(house):
    # given a half-open breaker whose only probe hangs
    main = house.service()
    config = breaking(main, lease="30s")
    config["routes"].append({"path": "/fixed/*", "service": "main", "fallback": {"body": "instead"}})
    gateway = house.node(config)
    key = house.redis.provision("meanwhile", limit=10, window=3600)
    open_it(gateway, main)
    main.behaviour = service.hangs()
    reached = main.count
    with contextlib.ExitStack() as connections:
        # a probe that went out while it was being opened has put the next one off: asks until one is out
        def ask():
            connections.enter_context(gateway.connect()).send(b"GET /open/x HTTP/1.1\r\nHost: a\r\n\r\n")
            return main.count > reached
        until(ask, "no probe", seconds=20, pause=0.1)
        assert state(house) == "half_open"

        answers = [gateway.fetch(target="/fixed/x", key=key) for _ in range(3)]

    assert [answer.body for answer in answers] == [b"instead"] * 3
    assert [answer["x-ratelimit-remaining"] for answer in answers] == ["9", "8", "7"]


def test_without_a_breaker_failures_pass_for_ever(house):
    main = house.service(service.answers(500))
    gateway = house.node(simple(main, services={"main": {"instances": [main.url], "breaker": "off"}}))

    assert [gateway.fetch(target="/open/x").status for _ in range(20)] == [500] * 20
