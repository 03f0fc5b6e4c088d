"""Redis absent, killed, stopped, emptied: what needs it is refused with 503 and nothing else, and it comes back by itself."""

import signal
import time

import pytest
from sluice import http, processes, redis_server, service
from sluice.house import simple
from sluice.problems import assert_problem
from sluice.waiting import now_us, until


def gateway_of(house, redis, timeout="1s", **changes):
    """Its deadline is far beyond what a busy machine needs, so that only a Redis that is really gone misses it."""
    main = house.service(service.plain, "main")
    return main, house.configure(simple(main, redis={"url": redis.url, "timeout": timeout}, **changes))


def finish_early(load):
    """The hammer ends its time now and tells what it has."""
    load.process.send_signal(signal.SIGUSR1)
    return load.finish()


def middle(samples):
    """How long one in the middle has waited, in microseconds."""
    waits = sorted(sample.received_us - sample.sent_us for sample in samples)
    return waits[len(waits) // 2]


def test_a_node_starts_without_redis_serves_open_routes_and_becomes_ready_later(house):
    # given no Redis
    redis = house.private_redis()
    redis.kill()
    main = house.service(service.plain, "main")
    gateway = house.configure(simple(main, redis={"url": redis.url, "timeout": "5s"}, services={"main": {"instances": [main.url], "breaker": "off"}}))
    gateway.start(wait=False)
    until(lambda: gateway.ready().status == 503, "no ops listener", seconds=10)

    # then routes that need nothing of it work, the others say what is missing
    until(lambda: gateway.fetch(target="/open/x").status == 200, "open routes do not work")
    assert gateway.fetch(target="/health").status == 200
    problem = assert_problem(gateway.fetch(target="/api/x", key="any"), 503)
    assert problem["type"].endswith("redis_unavailable")
    assert problem["retry_after"] >= 1
    assert_problem(gateway.fetch(target="/api/x"), 401)  # that a key is missing needs no Redis

    # when it comes
    redis.start()
    key = redis.provision("late")

    # then all works
    gateway.wait_ready()
    assert gateway.fetch(target="/api/x", key=key).status == 200


def test_redis_killed_and_restarted_under_load_leads_to_503_only(house):
    # given load with a good key and a bucket that remembers what was spent
    redis = house.private_redis(is_durable=True)
    main, gateway = gateway_of(house, redis)
    gateway.start()
    key = redis.provision("loaded")
    spent = redis.provision("spent", limit=5, window=36000)
    assert [gateway.fetch(target="/api/x", key=spent).status for _ in range(6)] == [200] * 5 + [429]
    load = house.load(gateway.load("/api/x", key=key, connections=16, seconds=120, pause_us=1000))
    time.sleep(1)

    # when Redis is killed, and comes again
    redis.kill()
    until(lambda: workers_with_redis(gateway) == 0, "nobody noticed")
    noticed = now_us()
    time.sleep(2)
    gone_until = now_us()
    redis.start()
    gateway.wait_serving("/api/x", key)  # by itself
    back = now_us()
    time.sleep(0.5)
    finish_early(load)

    # then nothing but 503 came in between: never 401, 403, 500
    assert set(load.statuses) == {200, 503} and not load.failures
    between = [sample for sample in load.samples if noticed < sample.sent_us and sample.received_us < gone_until]
    assert between and {sample.status for sample in between} == {503}
    # refusals are told at once, not after a deadline each
    assert middle(between) < 500_000
    # then all is as it was, and the buckets are
    assert {sample.status for sample in load.samples if sample.sent_us > back} == {200}
    assert gateway.fetch(target="/api/x", key=spent).status == 429


def workers_with_redis(gateway):
    return gateway.ready().json()["workers"]["with_redis"]


def test_a_stopped_redis_costs_one_deadline_and_then_nothing(house):
    redis = house.private_redis()
    main, gateway = gateway_of(house, redis)
    gateway.start()
    key = redis.provision("frozen")
    load = house.load(gateway.load("/api/x", key=key, connections=8, seconds=120, pause_us=1000))
    time.sleep(0.5)

    redis.freeze()
    until(lambda: workers_with_redis(gateway) == 0, "nobody noticed")
    noticed = now_us()
    assert gateway.fetch(target="/open/x").status == 200
    time.sleep(3)
    thawed = now_us()
    redis.thaw()
    gateway.wait_serving("/api/x", key)
    finish_early(load)

    assert set(load.statuses) == {200, 503} and not load.failures
    during = [sample for sample in load.samples if noticed < sample.sent_us and sample.received_us < thawed]
    assert during and {sample.status for sample in during} == {503}
    # a refusal per request, not a deadline per request
    assert middle(during) < 500_000


def test_what_was_asked_of_a_stopped_redis_is_not_charged_twice(house):
    """Late answers of a Redis that slept belong to requests that were refused long ago; they must not be taken for others'."""
    redis = house.private_redis()
    main, gateway = gateway_of(house, redis, "500ms")
    gateway.start()
    good, bad = redis.provision("good"), redis.provision("bad", enabled=0)
    assert gateway.fetch(target="/api/x", key=good).status == 200

    for _ in range(5):
        redis.freeze()
        statuses = {gateway.fetch(target="/api/x", key=key).status for key in (good, bad, good, bad)}
        assert statuses == {503}
        redis.thaw()
        gateway.wait_serving("/api/x", good)
        for _ in range(10):
            assert gateway.fetch(target="/api/x", key=bad).status == 401
            assert gateway.fetch(target="/api/x", key=good).status == 200


def test_a_client_that_leaves_while_redis_is_asked_is_logged_with_what_it_waited(house):
    redis = house.private_redis()
    main, gateway = gateway_of(house, redis, "60s")
    gateway.start()
    key = redis.provision("leaver")
    assert gateway.fetch(target="/api/x", key=key).status == 200

    redis.freeze()
    with gateway.connect() as connection:
        connection.send(http.compose("GET", "/api/x", {"X-API-Key": key}))
        until(lambda: gateway.metrics().total("sluice_requests_in_flight") == 1, "not under way")
        time.sleep(0.3)
    line = gateway.log_line(status=499)
    redis.thaw()

    assert 100 <= line["redis_ms"] <= line["duration_ms"]


def test_flushed_scripts_are_loaded_again_unnoticed(house):
    redis = house.private_redis()
    main, gateway = gateway_of(house, redis)
    gateway.start()
    key = redis.provision("flushed")
    load = house.load(gateway.load("/api/x", key=key, connections=8, seconds=3, pause_us=500))

    for _ in range(10):
        time.sleep(0.2)
        redis.client.script_flush()
    load.finish()

    assert set(load.statuses) == {200} and not load.failures


def test_cut_connections_are_made_again(house):
    redis = house.private_redis()
    main, gateway = gateway_of(house, redis)
    gateway.start()
    key = redis.provision("cut")
    load = house.load(gateway.load("/api/x", key=key, connections=8, seconds=3, pause_us=1000))

    for _ in range(5):
        time.sleep(0.4)
        redis.client.client_kill_filter(_type="normal", skipme=True)
        redis.client.client_kill_filter(_type="pubsub", skipme=True)
    load.finish()

    assert set(load.statuses) <= {200, 503} and not load.failures
    gateway.wait_serving("/api/x", key)
    assert gateway.metrics().total("sluice_redis_reconnects_total") > 0


def test_a_full_redis_refuses_nobody_it_need_not(house):
    redis = house.private_redis("--maxmemory-policy", "noeviction")
    main, gateway = gateway_of(house, redis)
    gateway.start()
    key = redis.provision("full")
    redis.client.config_set("maxmemory", 1)

    # The scripts may write what little they need; if not, it is 503 and never a wrong yes.
    assert gateway.fetch(target="/api/x", key=key).status in (200, 503)
    assert gateway.fetch(target="/api/x", key="unknown").status in (401, 503)

    redis.client.config_set("maxmemory", 0)
    gateway.wait_serving("/api/x", key)


def test_a_replica_that_may_not_write_is_503(house):
    redis = house.private_redis()
    main, gateway = gateway_of(house, redis)
    gateway.start()
    key = redis.provision("replica")
    assert gateway.fetch(target="/api/x", key=key).status == 200

    redis.client.replicaof("127.0.0.1", processes.free_port())
    until(lambda: redis.client.info("replication")["role"] == "slave", "no replica")
    statuses = {gateway.fetch(target="/api/x", key=key).status for _ in range(20)}
    assert statuses <= {503}

    redis.client.replicaof("NO", "ONE")
    gateway.wait_serving("/api/x", key)


def test_a_busy_script_is_503_and_passes(house):
    redis = house.private_redis("--busy-reply-threshold", "50")
    main, gateway = gateway_of(house, redis)
    gateway.start()
    key = redis.provision("busy")
    assert gateway.fetch(target="/api/x", key=key).status == 200
    busy = processes.start(["redis-cli", "-s", redis.path, "EVAL",
                            "local t = redis.call('TIME')[1] while redis.call('TIME')[1] - t < 2 do end", "0"])

    seen = set()
    while busy.poll() is None:
        seen.add(gateway.fetch(target="/api/x", key=key).status)

    assert 503 in seen and seen <= {200, 503}
    gateway.wait_serving("/api/x", key)


def test_the_breaker_still_protects_a_service_while_redis_is_away(house):
    redis = house.private_redis()
    main, gateway = gateway_of(house, redis)
    gateway.start()
    redis.kill()
    main.behaviour = service.answers(500)

    # open routes pass while nobody can be told that the service fails; nothing worse than its own answers comes out
    assert {gateway.fetch(target="/open/x").status for _ in range(20)} <= {500, 503}

    redis.start()
    until(lambda: gateway.fetch(target="/open/x").status == 503, "never opens", seconds=10)


@pytest.mark.parametrize("kind", ["password", "user"])
def test_redis_over_tcp_with_a_password_or_a_user(house, kind):
    redis = house.private_redis("--requirepass", "the password", with_port=True)
    redis.client.close()
    redis.client = redis_server.redis.Redis(unix_socket_path=redis.path, password="the password")
    redis.client.acl_setuser("gateway", enabled=True, passwords=["+user-secret"], keys=["sluice:*"], channels=["*"],
                             categories=["+@all", "-@dangerous"], commands=["+client|id", "+client|tracking", "+info"])
    settings = {"url": f"redis://127.0.0.1:{redis.port}", "timeout": "5s"}
    settings.update({"password": "the password"} if kind == "password" else {"username": "gateway", "password": "user-secret"})
    main = house.service(service.plain, "main")
    gateway = house.node(simple(main, redis=settings))

    key = redis.provision("tcp")
    assert gateway.fetch(target="/api/x", key=key).status == 200
    assert "the password" not in gateway.errors() and "user-secret" not in gateway.errors()


def test_a_wrong_password_is_said_and_nothing_passes(house):
    redis = house.private_redis("--requirepass", "right", with_port=True)
    main = house.service(service.plain, "main")
    gateway = house.configure(simple(main, redis=f"redis://:wrong@127.0.0.1:{redis.port}"))
    gateway.start(wait=False)

    until(lambda: gateway.ready().status == 503, "no ops listener", seconds=10)
    until(lambda: fetch_status(gateway) == 503, "not refused")
    until(lambda: "WRONGPASS" in gateway.errors() or "password" in gateway.errors(), "not said")
    assert "right" not in gateway.errors().replace("rights", "") and ":wrong@" not in gateway.errors()


def fetch_status(gateway):
    try:
        return gateway.fetch(target="/api/x", key="any").status
    except (OSError, http.BrokenAnswer):
        return 0


TAMPERED = {
    "silence": lambda said: b"",
    "garbage": lambda said: bytes(range(256)),
    "half an answer": lambda said: said[:len(said) // 2],
    "nothing but nil": lambda said: b"$-1\r\n",
    "an empty list": lambda said: b"*0\r\n",
    "numbers out of range": lambda said: b"*12\r\n" + b":9223372036854775807\r\n" * 12,
    "words for numbers": lambda said: b"*12\r\n" + b"$3\r\nyes\r\n" * 12,
    "an error without words": lambda said: b"-\r\n",
    "an unknown error": lambda said: b"-ODD \x01\xff\"\\\r\n",
    "lists in lists": lambda said: b"*1\r\n" * 100000,
    "a list of two thousand million": lambda said: b"*2000000000\r\n",
    "a word of a gigabyte": lambda said: b"$1000000000\r\n" + b"x" * 1000000,
    "a message that nobody waits for": lambda said: b"*3\r\n$7\r\nmessage\r\n$1\r\nx\r\n*2\r\n:1\r\n$-1\r\n" + said,
}


@pytest.mark.parametrize("name", TAMPERED)
def test_what_is_not_redis_leads_to_refusals_and_nothing_else(house, name):
    # given somebody between the node and its Redis
    redis = house.private_redis()
    between = house.impostor(redis)
    _, gateway = gateway_of(house, between, "500ms")  # some of it is silence
    gateway.start()
    workers = gateway.workers()
    key = redis.provision("tampered")
    assert gateway.fetch(target="/api/x", key=key).status == 200

    # when its answers are tampered with, first on connections that are well, then from the greeting on
    seen = set()
    between.tamper = TAMPERED[name]
    for _ in range(2):
        seen |= {gateway.fetch(target="/api/x", key=key).status for _ in range(8)}
        between.cut()
    assert seen <= {200, 503}
    assert gateway.fetch(target="/open/x").status == 200

    # then everything is as before once Redis is heard again
    between.tamper = None
    between.cut()
    gateway.wait_serving("/api/x", key)
    assert gateway.workers() == workers
    gateway.settled()
