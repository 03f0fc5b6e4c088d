"""The processes of a node: reload, drain, death of a worker, health pages."""

import ctypes
import errno
import json
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest
from sluice import http, processes, service
from sluice.house import simple
from sluice.node import binary
from sluice.waiting import PATIENCE, until


@pytest.fixture
def running(house):
    house.main = house.service(service.plain, "main")
    house.gateway = house.node(simple(house.main))
    return house


# --- health pages ---


def test_live_and_ready_answer_json(running):
    for page in ("/live", "/ready"):
        answer = http.fetch(running.gateway.ops_address, target=page)
        assert (answer.status, answer["content-type"]) == (200, "application/json")
        json.loads(answer.body)


def test_a_node_without_redis_is_alive_but_not_ready_and_says_why(house):
    main = house.service()
    gateway = house.configure(simple(main, redis="unix:///nowhere/redis.sock"))
    gateway.start(wait=False)

    answer = until(lambda: gateway.ready().status and gateway.ready(), "no ops listener", seconds=10)

    assert answer.status == 503
    assert "redis" in answer.body.decode()
    assert http.fetch(gateway.ops_address, target="/live").status == 200


def test_a_node_that_says_ready_can_serve_with_every_worker(house):
    main = house.service(service.plain)
    key = house.redis.provision("early")
    for _ in range(10):
        gateway = house.configure(simple(main, workers=4))
        gateway.start(wait=False)
        until(lambda: gateway.ready().status == 200, "not ready", seconds=10, pause=0.001)

        assert [gateway.fetch(target="/api/x", key=key).status for _ in range(12)] == [200] * 12

        gateway.stop()


# --- reload ---


def test_a_reload_changes_what_a_request_meets(running):
    other = running.service(service.echo, "other")

    running.gateway.reload(services={"main": {"instances": [other.url]}}, routes=[{"path": "/new/*", "service": "main", "auth": "none"}])

    until(lambda: running.gateway.fetch(target="/new/x").status == 200, "the new route is not there")
    until(lambda: [running.gateway.fetch(target="/open/x").status for _ in range(6)] == [404] * 6, "the old route stays")
    assert other.count >= 1


def test_a_bad_file_changes_nothing_and_is_said_loudly(running):
    gateway = running.gateway
    before = gateway.metrics()

    gateway.write_config("listen: [\n  nonsense: {")
    gateway.signal(signal.SIGHUP)
    until(lambda: gateway.metrics().total("sluice_config_reload_failures_total") == 1, "the failure is not counted")

    assert gateway.fetch(target="/open/x").status == 200
    until(lambda: "stays in force" in gateway.errors(), "not said")  # the last of what it says
    assert "sluice.yaml:" in gateway.errors()
    assert any(json.loads(line)["level"] == "error" for line in gateway.errors().splitlines() if "reload" in line)
    after = gateway.metrics()
    assert after.total("sluice_config_reloads_total") == before.total("sluice_config_reloads_total")

    # and a good one is taken afterwards
    gateway.reload(server_name="renamed")
    until(lambda: "renamed" in (gateway.fetch(target="/open/x")["via"] or ""), "not taken")


def test_what_check_warns_of_is_logged_once_by_each_load(house):
    main = house.service()
    gateway = house.node(simple(main, keys={"limit": "100/1s"}, routes=[
        {"path": "/open/*", "service": "main", "auth": "none"}, {"path": "/api/*", "service": "main", "cost": 101}]))

    def warnings():
        return gateway.events("config_warning")
    assert len(warnings()) == 1, warnings()
    assert warnings()[0]["level"] == "warn" and re.search(r"sluice\.yaml:\d+:\d+: warning: a request takes 101 units", warnings()[0]["message"])

    gateway.reload(server_name="renamed")
    until(lambda: "renamed" in (gateway.fetch(target="/open/x")["via"] or ""), "not taken")
    assert len(warnings()) == 2, warnings()


def test_a_setting_that_needs_a_restart_is_refused_by_name(running):
    gateway = running.gateway
    gateway.config["workers"] = 3
    gateway.write_config()

    gateway.signal(signal.SIGHUP)

    until(lambda: gateway.metrics().total("sluice_config_reload_failures_total") == 1, "the failure is not counted")
    until(lambda: "stays in force" in gateway.errors(), "not said")
    assert "'workers'" in gateway.errors()
    gateway.config["workers"] = 2


def test_a_listener_can_come_and_go(running):
    gateway = running.gateway
    extra = ("127.0.0.1", processes.free_port())

    gateway.reload(listen=gateway.config["listen"] + ["%s:%d" % extra])
    until(lambda: answers(extra), "the new listener does not answer")
    with http.Connection(extra) as kept:
        assert kept.request("GET", "/open/x").status == 200

        gateway.reload(listen=gateway.config["listen"][:1])
        until(lambda: not answers(extra), "the old listener stays")
    assert gateway.fetch(target="/open/x").status == 200


@pytest.mark.parametrize("first, then", [("*:%d", "127.0.0.1:%d"), ("127.0.0.1:%d", "*:%d"), ("0.0.0.0:%d", "127.0.0.1:%d")], ids=["narrower", "wider", "ipv4"])
def test_an_address_that_the_node_itself_is_in_the_way_of_needs_a_restart(house, first, then):
    port = processes.free_port()
    gateway = house.node(simple(house.service(), listen=["127.0.0.1:%d" % processes.free_port(), first % port]))

    gateway.config["listen"][1] = then % port
    gateway.write_config()
    gateway.signal(signal.SIGHUP)

    until(lambda: "stays in force" in gateway.errors(), "not said")
    assert gateway.events("reload_failed")[0]["message"] == (
        f"cannot listen on {then % port}: Address already in use (this node itself listens on {first % port}: "
        "only a restart can change one into the other)")
    assert answers(("127.0.0.1", port))


def answers(address):
    try:
        return http.fetch(address, target="/open/x").status == 200
    except (OSError, http.BrokenAnswer):
        return False


def test_fifty_reloads_under_load_fail_no_request(running):
    gateway = running.gateway
    key = running.redis.provision("reloading")
    load = running.load(gateway.load("/api/x", key=key, connections=16, seconds=30 * PATIENCE, pause_us=500))
    fresh = running.load(gateway.load("/open/x", connections=4, seconds=30 * PATIENCE, close=True, pause_us=2000))

    for number in range(50):
        gateway.reload(server_name=f"reload-{number}")
    for one in (load, fresh):
        os.kill(one.process.pid, 0)  # still at it
    until(lambda: "reload-49" in gateway.fetch(target="/open/x")["via"], "not the last one")

    finished = [finish_early(one) for one in (load, fresh)]
    for one in finished:
        assert set(one.statuses) == {200}
        assert not one.failures, one.events[:5]
        assert one.statuses[200] > 100


def finish_early(load):
    """The hammer ends its time now and tells what it has."""
    load.process.send_signal(signal.SIGUSR1)
    return load.finish()


# --- the end ---


def holds_back(main):
    """The service answers when the event is set that this returns."""
    event = threading.Event()

    def behaviour(request, wire):
        event.wait(60)
        return service.plain(request, wire)
    main.behaviour = behaviour
    return event


def test_term_lets_running_requests_finish_and_says_close(running):
    # given a request under way and an idle connection
    gateway = running.gateway
    with gateway.connect() as busy, gateway.connect() as idle:
        assert idle.request("GET", "/open/x").status == 200
        answers_now = holds_back(running.main)
        before = running.main.count
        busy.send(http.compose("GET", "/open/x"))
        until(lambda: running.main.count > before, "not under way")

        # when the node is told to end
        gateway.signal(signal.SIGTERM)

        # then the idle connection closes, the running request is answered, with the news that it was the last
        assert idle.ended()
        until(lambda: http.refuses(gateway.address), "still accepts")  # by now every worker has heard of it
        answers_now.set()
        answer = busy.answer()
        assert (answer.status, answer["connection"]) == (200, "close")
        assert busy.ended()
    assert gateway.process.wait(timeout=10 * PATIENCE) == 0


def test_term_makes_the_node_unready_before_it_stops_accepting(running):
    gateway = running.gateway
    answers_now = holds_back(running.main)
    with gateway.connect() as busy:
        busy.send(http.compose("GET", "/open/x"))
        until(lambda: running.main.count == 1, "not under way")
        gateway.signal(signal.SIGTERM)

        answer = until(lambda: gateway.ready().status == 503 and gateway.ready(), "still ready", pause=0.001)
        assert b"drain" in answer.body
        until(lambda: http.refuses(gateway.address), "still accepts")
        answers_now.set()
        assert busy.answer().status == 200


def test_a_drain_delay_lets_a_balancer_look_before_the_listeners_close(house):
    main = house.service(service.plain)
    gateway = house.node(simple(main, limits={"drain_delay": "4s"}))

    gateway.signal(signal.SIGTERM)
    until(lambda: gateway.ready().status == 503, "still ready", pause=0.001)

    assert gateway.fetch(target="/open/x").status == 200
    assert gateway.process.wait(timeout=10 * PATIENCE) == 0
    assert http.refuses(gateway.address)


def test_term_under_load_fails_no_request(running):
    gateway = running.gateway
    load = running.load(gateway.load("/open/x", connections=16, seconds=60))
    until(lambda: gateway.metrics().total("sluice_requests_total") > 100, "no load")

    gateway.signal(signal.SIGTERM)
    assert gateway.process.wait(timeout=10 * PATIENCE) == 0
    finished = finish_early(load)

    assert set(finished.statuses) == {200}
    # once nobody listens, new connections are refused: nothing else may have gone wrong
    assert set(finished.failures) <= {"refused"}, finished.events[:5]


def half_connect(address):
    """Connected as the client sees it; but its ACK comes with the first byte, or 200 ms later."""
    client = socket.socket()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
    client.settimeout(10 * PATIENCE)
    client.connect(address)
    return client


def ask_and_read_all(client):
    client.sendall(http.compose("GET", "/open/x", headers={"Connection": "close"}))
    return b"".join(iter(lambda: client.recv(65536), b""))


def test_term_waits_for_those_who_are_half_connected(running):
    with half_connect(running.gateway.address) as client:
        running.gateway.signal(signal.SIGTERM)
        until(lambda: running.gateway.events("draining"), "does not drain", pause=0.001)
        time.sleep(0.05)

        assert ask_and_read_all(client).startswith(b"HTTP/1.1 200 ")
    assert running.gateway.process.wait(timeout=10 * PATIENCE) == 0


def test_a_client_that_never_finishes_its_handshake_does_not_hold_the_drain_up(running):
    """Its kernel drops all that comes to it, so it never sends an ACK."""
    client = socket.socket()
    drop_all = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
    client.setsockopt(socket.SOL_SOCKET, 26, struct.pack("HP", 1, ctypes.addressof(drop_all)))  # SO_ATTACH_FILTER
    client.setblocking(False)
    with client:
        assert client.connect_ex(running.gateway.address) == errno.EINPROGRESS

        running.gateway.signal(signal.SIGTERM)

        assert running.gateway.process.wait(timeout=10 * PATIENCE) == 0


def test_a_reload_that_drops_an_address_waits_for_those_who_are_half_connected(running):
    gateway = running.gateway
    extra = ("127.0.0.1", processes.free_port())
    gateway.reload(listen=gateway.config["listen"] + ["%s:%d" % extra])
    until(lambda: not http.refuses(extra), "does not listen")

    with half_connect(extra) as client:
        gateway.reload(listen=gateway.config["listen"][:1])
        time.sleep(0.05)

        assert ask_and_read_all(client).startswith(b"HTTP/1.1 200 ")
    until(lambda: http.refuses(extra), "still listens")


@pytest.fixture
def on_unix(house):
    gateway = house.configure(simple(house.service(service.plain, "main"), trusted_proxies=["unix"]))
    gateway.unix_path = house.folder + "/gateway.sock"
    gateway.config["listen"].append(f"unix:{gateway.unix_path}")
    gateway.write_config()
    return gateway.start()


def connect_unix(path):
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(10 * PATIENCE)
    client.connect(path)
    return client


def test_term_answers_who_is_queued_on_a_unix_socket(on_unix):
    workers = on_unix.workers()
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    clients = [connect_unix(on_unix.unix_path) for _ in range(8)]

    on_unix.signal(signal.SIGTERM)
    until(lambda: not os.path.exists(on_unix.unix_path), "the supervisor does not close")
    for worker in workers:
        os.kill(worker, signal.SIGCONT)

    for client in clients:
        with client:
            assert ask_and_read_all(client).startswith(b"HTTP/1.1 200 ")
    assert on_unix.process.wait(timeout=10 * PATIENCE) == 0


def test_the_drain_is_bounded(house):
    main = house.service(service.hangs())
    gateway = house.node(simple(main, limits={"drain": "1s"}))
    with gateway.connect() as stuck:
        stuck.send(http.compose("GET", "/open/x"))
        until(lambda: main.count == 1, "not under way")

        gateway.signal(signal.SIGTERM)

        assert gateway.process.wait(timeout=10 * PATIENCE) == 0
        assert stuck.ended()


def test_a_second_term_ends_at_once(house):
    main = house.service(service.hangs())
    gateway = house.node(simple(main, limits={"drain": "10m"}))
    family = gateway.family()
    with gateway.connect() as stuck:
        stuck.send(http.compose("GET", "/open/x"))
        until(lambda: main.count == 1, "not under way")

        gateway.signal(signal.SIGTERM)
        until(lambda: gateway.ready().status != 200, "does not drain")
        assert gateway.process.poll() is None
        gateway.signal(signal.SIGTERM)

        gateway.process.wait(timeout=10 * PATIENCE)
    until(lambda: not any(processes.is_alive(pid) for pid in family), "something is left")


def test_interrupt_ends_it_like_term(running):
    running.gateway.signal(signal.SIGINT)
    assert running.gateway.process.wait(timeout=10 * PATIENCE) == 0
    assert '"event":"ended"' in running.gateway.errors()


# --- deaths ---


def test_a_killed_worker_takes_only_its_own_connections_with_it(running):
    # given connections to both workers, all of them in use
    gateway = running.gateway
    workers = sorted(gateway.workers())
    running.main.behaviour = service.waits(0.02)  # so that every connection has something to lose
    load = running.load(gateway.load("/open/x", connections=32, seconds=6))
    until(lambda: gateway.metrics().total("sluice_requests_total") > 64, "no load")
    with gateway.connect() as one:
        victim = gateway.worker_of(one)
        mine = connections_of(victim, gateway.address[1])

        # when one worker is killed
        os.kill(victim, signal.SIGKILL)
        finished = load.finish()

    # then only its connections failed, each once, and it was replaced
    assert victim in workers
    assert set(finished.statuses) == {200}
    assert 0 < sum(finished.failures.values()) <= mine
    until(lambda: len(gateway.workers()) == 2 and victim not in gateway.workers(), "not replaced", seconds=10)
    assert gateway.settled().total("sluice_worker_deaths_total") == 1
    assert "worker" in gateway.errors()


def connections_of(pid, port):
    """How many connections to this port the process holds now."""
    inodes = set()
    with open("/proc/net/tcp") as table:
        for line in list(table)[1:]:
            columns = line.split()
            if int(columns[1].rpartition(":")[2], 16) == port and columns[3] == "01":
                inodes.add(f"socket:[{columns[9]}]")
    return sum(os.readlink(f"/proc/{pid}/fd/{entry}") in inodes for entry in os.listdir(f"/proc/{pid}/fd"))


def test_a_worker_that_dies_again_and_again_does_not_stop_the_others(running):
    gateway = running.gateway
    for _ in range(5):
        with gateway.connect() as connection:
            os.kill(gateway.worker_of(connection), signal.SIGKILL)
        until(lambda: fetches(gateway), "nobody serves", seconds=10)

    until(lambda: len(gateway.workers()) == 2, "not all back", seconds=20)
    assert gateway.metrics().total("sluice_worker_deaths_total") == 5


def fetches(gateway):
    try:
        return gateway.fetch(target="/open/x").status == 200
    except (OSError, http.BrokenAnswer):
        return False


def test_a_killed_supervisor_leaves_nobody_behind(running):
    gateway = running.gateway
    gateway.is_expected_to_die = True
    family = gateway.family()

    os.kill(gateway.process.pid, signal.SIGKILL)
    gateway.process.wait()

    until(lambda: not any(processes.is_alive(pid) for pid in family), lambda: f"left: {family}", seconds=10)


# --- what the system lends ---


def test_workers_may_open_what_the_hard_limit_allows(house):
    gateway = house.configure(simple(house.service()))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 512), hard))
    try:
        gateway.start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    allowed = min(hard, 1048576) if hard != resource.RLIM_INFINITY else 1048576
    assert {resource.prlimit(pid, resource.RLIMIT_NOFILE)[0] for pid in gateway.family()} == {allowed}


# --- the embedded Redis ---


def test_the_embedded_redis_keeps_its_keys_and_ends_with_the_node(house):
    main = house.service()
    data = os.path.join(house.folder, "data")
    gateway = house.node(simple(main, redis={"url": "embedded", "data": data, "timeout": "5s"}))

    created = subprocess.run([binary(), "key", "create", "-c", gateway.config_path, "--owner", "acme", "--services", "*", "--json"],
                             capture_output=True, text=True, timeout=30)
    assert created.returncode == 0, created.stderr
    key = json.loads(created.stdout)["key"]
    assert gateway.fetch(target="/api/x", key=key).status == 200
    assert os.stat(data).st_mode & 0o077 == 0
    gateway.stop()

    gateway.start()
    assert gateway.fetch(target="/api/x", key=key).status == 200


def test_that_the_embedded_redis_is_not_there_at_the_very_start_is_no_news(house):
    gateway = house.node(simple(house.service(), redis={"url": "embedded", "data": os.path.join(house.folder, "data")}))

    gateway.wait_every_worker(401, "/api/x", "unknown")

    assert "redis_lost" not in gateway.errors() and "redis_back" not in gateway.errors()


def test_an_embedded_redis_that_dies_is_started_again(house):
    main = house.service()
    gateway = house.node(simple(main, redis={"url": "embedded", "data": os.path.join(house.folder, "data")}))
    server = next(filter(is_redis, gateway.family()))

    os.kill(server, signal.SIGKILL)

    until(lambda: any(pid != server and is_redis(pid) for pid in gateway.family()), "not started again", seconds=10)
    gateway.wait_every_worker(401, "/api/x", "unknown")


def is_redis(pid):
    try:
        with open(f"/proc/{pid}/cmdline") as file:
            return "redis-server" in file.read()
    except OSError:
        return False


# --- the command line ---


def test_a_configuration_that_is_wrong_ends_the_start_with_all_errors(house):
    main = house.service()
    gateway = house.configure(simple(main))
    gateway.write_config("lisen: 1\nworkers: many\nops: 127.0.0.1:1\n")
    gateway.start(wait=False)
    gateway.is_expected_to_die = True

    assert gateway.process.wait(timeout=10 * PATIENCE) == 1
    for line in (1, 2):
        assert f"sluice.yaml:{line}:" in gateway.errors()


def test_a_port_in_use_ends_the_start_with_its_name(house):
    main = house.service()
    gateway = house.configure(simple(main))
    gateway.config["listen"] = [main.url.removeprefix("http://")]
    gateway.write_config()
    gateway.is_expected_to_die = True
    gateway.start(wait=False)

    assert gateway.process.wait(timeout=10 * PATIENCE) == 1
    assert str(main.port) in gateway.errors()


@pytest.mark.parametrize("words", [[], ["serve"], ["check"], ["config"], ["key"], ["breaker"], ["version"]], ids=lambda words: " ".join(words) or "sluice")
def test_every_command_has_help(words):
    told = subprocess.run([binary(), *words, "--help"], capture_output=True, text=True, timeout=30)

    assert told.returncode == 0
    assert "sage" in told.stdout


def test_many_idle_connections_cost_little(running):
    gateway = running.gateway
    gateway.reload(limits={"connections_per_address": 0})
    count = 2000
    before = sum(gateway.resident_kib().values())
    connections = [gateway.connect() for _ in range(count)]
    for connection in connections[::50]:
        assert connection.request("GET", "/open/x").status == 200

    grown = sum(gateway.resident_kib().values()) - before

    for connection in connections:
        connection.close()
    if not os.environ.get("SLUICE_SANITIZER"):
        assert grown < count * 16, f"{grown / count:.1f} KiB each"
