"""What a crash costs: one worker's connections, one line that says where, and no machine burnt by a worker that dies at once."""

import json
import os
import resource
import signal
import subprocess
import time

import pytest
from sluice import http, node, service
from sluice.house import simple
from sluice.waiting import until

IS_SANITIZED = bool(os.environ.get("SLUICE_SANITIZER"))


def lines(gateway, event):
    found = []
    for line in gateway.errors().splitlines():
        if line.startswith("{"):
            entry = json.loads(line)
            if entry["event"] == event:
                found.append(entry)
    return found


@pytest.mark.skipif(IS_SANITIZED, reason="the sanitizer has its own last words")
@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL])
def test_a_worker_that_crashes_says_what_of_and_where(house, number):
    gateway = house.node(simple(house.service()))
    held = [gateway.connect() for _ in range(8)]
    for connection in held:
        assert connection.request("GET", "/open/x").status == 200
    owners = [gateway.worker_of(connection) for connection in held]
    victim = owners[0]

    os.kill(victim, number)

    said = until(lambda: lines(gateway, "crashed"), "no last words")
    assert len(said) == 1
    assert said[0]["signal"] == number.name
    assert said[0]["sender"] == os.getpid()
    assert said[0]["connections"] == owners.count(victim)
    assert said[0]["role"].startswith("worker ")
    assert abs(time.mktime(time.strptime(said[0]["time"][:19], "%Y-%m-%dT%H:%M:%S")) - time.mktime(time.gmtime())) < 60
    assert any(frame.startswith("sluice+0x") for frame in said[0]["backtrace"]), said
    assert any(frame.startswith("libh2o") for frame in said[0]["backtrace"]), said
    # the supervisor agrees, and only that worker's connections are gone
    died = until(lambda: lines(gateway, "child_died"), "no word of the supervisor")
    assert f"signal {int(number)} " in died[0]["message"] and f"{owners.count(victim)} connections lost" in died[0]["message"]
    for connection, owner in zip(held, owners):
        if owner == victim:
            assert connection.ended()
        else:
            assert connection.request("GET", "/open/x").status == 200
    until(lambda: gateway.metrics().total("sluice_worker_deaths_total", signal=number.name) == 1, "not counted")
    assert gateway.metrics().total("sluice_worker_deaths_total") == 1


@pytest.mark.skipif(IS_SANITIZED, reason="the sanitizer has its own last words")
def test_the_backtrace_leads_to_a_line(house):
    gateway = house.node(simple(house.service()))
    with gateway.connect() as connection:
        os.kill(gateway.worker_of(connection), signal.SIGSEGV)
    said = until(lambda: lines(gateway, "crashed"), "no last words")[0]
    offsets = [frame.partition("+")[2] for frame in said["backtrace"] if frame.startswith("sluice+")]
    names = subprocess.run(["addr2line", "-f", "-e", node.binary(), *offsets], capture_output=True, text=True, check=True).stdout
    assert "sl_worker_run" in names or "run_loop" in names, names


@pytest.mark.skipif(IS_SANITIZED, reason="the sanitizer has its own last words")
def test_a_crash_under_load_costs_that_workers_connections_only(house):
    gateway = house.node(simple(house.service(service.waits(0.02))))  # so that every connection has something to lose
    load = house.load(gateway.load("/open/x", connections=16, seconds=5))
    until(lambda: gateway.metrics().total("sluice_requests_total") > 32, "no load")
    with gateway.connect() as connection:
        victim = gateway.worker_of(connection)
        os.kill(victim, signal.SIGSEGV)
    finished = load.finish()

    assert set(finished.statuses) == {200}
    assert 0 < sum(finished.failures.values()) <= 16
    until(lambda: len(gateway.workers()) == 2, "not replaced", seconds=10)


def test_no_core_is_left(house):
    gateway = house.node(simple(house.service()))
    with gateway.connect() as connection:
        limits = open(f"/proc/{gateway.worker_of(connection)}/limits").read()
    core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["1", "1"]


def test_cores_are_left_when_they_are_wanted(house):
    gateway = house.node(simple(house.service(), core_dumps=True))
    with gateway.connect() as connection:
        limits = open(f"/proc/{gateway.worker_of(connection)}/limits").read()
    core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    soft, _ = resource.getrlimit(resource.RLIMIT_CORE)
    assert core.split()[4] == ("unlimited" if soft == resource.RLIM_INFINITY else str(soft))


def test_a_worker_that_dies_at_once_is_forked_a_few_times_only(house):
    # given a worker that somebody kills as soon as it is there
    gateway = house.node(simple(house.service(), workers=1))
    gateway.is_expected_to_die = True
    with gateway.connect() as connection:
        victim = gateway.worker_of(connection)
    known = set(gateway.family())
    os.kill(victim, signal.SIGKILL)
    births = 0

    def pauses():
        return [int(line["message"].rsplit("back in ", 1)[1].split()[0]) for line in lines(gateway, "child_died")]

    # when that goes on
    limit = time.monotonic() + 60
    while max(pauses(), default=0) < 1600 and time.monotonic() < limit:
        for pid in set(gateway.family()) - known:
            births += 1
            known.add(pid)
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)

    # then the pauses grow: at once, 100 ms, 200 ms ... 1.6 s
    waits = pauses()
    assert waits[0] == 0 and waits == sorted(waits) and waits[-1] >= 1600, waits
    assert 3 <= births <= 8, births

    # and once it is left alone, it is back
    def serves():
        try:
            return gateway.fetch(target="/open/x").status == 200
        except (OSError, http.BrokenAnswer):
            return False
    until(serves, "not back", seconds=10)
