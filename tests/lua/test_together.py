"""Eight processes at once on the server's own clock: what is counted holds whoever asks."""

import multiprocessing
import time

import pytest
import redis
import redis_scripts
from redis_scripts import ADMITTED, CIRCUIT

PROCESSES = 8


@pytest.fixture(scope="module")
def askers(server, texts):
    """Processes with a connection each, kept for the module: starting them is what takes time."""
    with multiprocessing.get_context("fork").Pool(PROCESSES, connect, (server.path, texts)) as pool:
        yield pool


def connect(path, texts):
    global scripts_here
    scripts_here = redis_scripts.Scripts(redis.Redis(unix_socket_path=path), texts)


def all_at_once(askers, task, *arguments):
    """One task in each process, begun at the same instant."""
    start_at = time.monotonic() + 0.01
    return askers.starmap(task, [(start_at, *arguments)] * PROCESSES, chunksize=1)


def wait_until(start_at):
    while time.monotonic() < start_at:
        time.sleep(0)


def hammer(start_at, seconds, wanted):
    wait_until(start_at)
    granted = 0
    while time.monotonic() < start_at + seconds:
        granted += scripts_here.admit(wanted=wanted).granted
    return granted


def spend(start_at, seconds):
    """Until nothing is left; the time is only for a script that never says so."""
    wait_until(start_at)
    granted, got = 0, 1
    while got and time.monotonic() < start_at + seconds:
        got = scripts_here.admit(wanted=1).granted
        granted += got
    return granted


def server_us(client):
    second, microsecond = client.time()
    return second * 1_000_000 + microsecond


@pytest.mark.parametrize("limit, window, burst, wanted", [(1000, 1, 100, 1), (3000, 1, 1, 1), (100, 60, 100, 1), (7000, 3, 500, 16)])
def test_one_key_never_gets_more_than_its_burst_and_rate(scripts, askers, limit, window, burst, wanted):
    scripts.provision(limit=limit, window=window, burst=burst)
    begin_us = server_us(scripts.client)
    admitted = sum(all_at_once(askers, hammer, 1.0, wanted))
    elapsed_us = server_us(scripts.client) - begin_us
    assert burst <= admitted <= burst + elapsed_us * limit / window / 1_000_000


def test_one_quota_is_given_once(scripts, askers):
    scripts.provision(limit=10**6, window=1, quota_month=777)
    assert sum(all_at_once(askers, spend, 60)) == 777


def ask_for_probes(start_at, count, probes):
    wait_until(start_at)
    return [answer[2] for answer in (scripts_here.ask(probes=probes, successes=probes) for _ in range(count)) if answer[0] == 2]


def admit_with_breaker(start_at, count, probes):
    wait_until(start_at)
    told = [scripts_here.admit(breaker=(probes, probes, 10000)) for _ in range(count)]
    return [int(one.probe_id) for one in told if one.is_probe]


@pytest.mark.parametrize("task", [ask_for_probes, admit_with_breaker])
@pytest.mark.parametrize("probes", [1, 3, 5])
def test_a_half_open_breaker_gives_exactly_its_probes(scripts, askers, task, probes):
    scripts.provision(limit=10**6)
    for _ in range(25):
        scripts.client.delete(CIRCUIT)
        scripts.client.hset(CIRCUIT, mapping={"state": "open", "generation": 1, "open_until": server_us(scripts.client) - 1})
        given = [probe for answers in all_at_once(askers, task, 10, probes) for probe in answers]
        assert sorted(given) == list(range(1, probes + 1))


def test_after_an_operator_disabled_a_key_nobody_is_admitted(scripts, askers):
    for _ in range(10):
        scripts.client.delete("revoked")
        scripts.provision(limit=10**6, window=1)
        pending = askers.starmap_async(count_late_admissions, [(0.05,)] * PROCESSES, chunksize=1)
        time.sleep(0.02)
        scripts.client.hset(redis_scripts.RECORD, "enabled", 0)
        scripts.client.set("revoked", 1)
        assert sum(pending.get()) == 0


def count_late_admissions(seconds):
    """Admissions of calls that were sent after the operator's write was known to have returned."""
    late, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        is_revoked = scripts_here.client.exists("revoked")
        verdict = scripts_here.admit().verdict
        late += bool(is_revoked) and verdict == ADMITTED
    return late
