"""A key that Redis did not know a moment ago is refused without asking again; one that appears is admitted by the very next request."""

import os
import threading

import pytest
from sluice import service
from sluice.house import simple
from sluice.problems import assert_problem
from sluice.waiting import until

ROUNDS = 2000 if os.environ.get("SLUICE_LONG") else 200


class Gate:
    """A node, and a connection to each of its workers."""

    def __init__(self, house, **keys):
        self.redis = house.private_redis(is_durable=True)
        self.node = house.node(simple(house.service(service.echo), redis={"url": self.redis.url, "timeout": "5s"}, limits={"idle": "1h"},
                                      keys={"limit": "1000000/1s", "remember_unknown": "5s", **keys}))
        self.connections = {}

    def each(self, key):
        """What each worker answers."""
        return [connection.request("GET", "/api/x", {"X-API-Key": key}).status for connection in self._connections()]

    def _connections(self):
        def all_found():
            connection = self.node.connect()
            worker = self.node.worker_of(connection)
            if worker in self.connections:
                connection.close()
            else:
                self.connections[worker] = connection
            return len(self.connections) == self.node.config["workers"]
        if not self.connections:
            until(all_found, "not all workers accept connections", seconds=20)
        return self.connections.values()

    def remembered(self):
        return self.node.settled().total("sluice_unknown_keys_remembered_total")

    def learn(self, key):
        """Each worker remembers that it is unknown: all of them refuse it, and Redis is asked nothing."""
        def all_remember():
            before = self.remembered()
            assert set(self.each(key)) == {401}
            return self.remembered() == before + len(self.connections)
        until(all_remember, lambda: f"{key} is not remembered:\n{self.node.errors()[-2000:]}")

    def provision(self, key):
        """As it is written in the guide: one command."""
        self.redis.client.hset(self.redis.record(key), mapping={"enabled": "1", "owner": "acme", "services": "*"})

    def close(self):
        for connection in self.connections.values():
            connection.close()


@pytest.fixture
def gate(house):
    made = Gate(house)
    yield made
    made.close()


def test_the_answer_is_the_same_whoever_gives_it(gate):
    gate.node.reload(keys={"limit": "1000000/1s", "remember_unknown": "0"})
    asked = gate.node.fetch(target="/api/x", key="nobody")
    gate.node.reload(keys={"limit": "1000000/1s", "remember_unknown": "5s"})
    gate.learn("nobody")

    def count_of(name, **labels):
        return gate.node.settled().total(name, **labels)

    def fetch_unasked():  # not while a message of Redis happens to wait: then it is asked
        before = gate.remembered(), count_of("sluice_admissions_total", outcome="unknown_key")
        answer = gate.node.fetch(target="/api/x", key="nobody")
        assert count_of("sluice_admissions_total", outcome="unknown_key") == before[1] + 1
        return answer if gate.remembered() == before[0] + 1 else None
    remembered = until(fetch_unasked, "Redis is always asked")

    def telling(answer):
        problem = assert_problem(answer, 401, "Invalid API key")
        return ({name: value for name, value in problem.items() if name != "request_id"},
                [pair for pair in answer.headers if pair[0] not in ("date", "x-request-id", "x-response-time")])
    assert telling(remembered) == telling(asked)
    lines = [gate.node.log_line(request_id=answer["x-request-id"]) for answer in (asked, remembered)]
    assert [line["reason"] for line in lines] == ["unknown_key"] * 2
    assert lines[1].get("redis_ms", 0) == 0
    assert set(lines[0]) - set(lines[1]) <= {"redis_ms"} and set(lines[1]) <= set(lines[0])


def test_a_key_that_appears_is_admitted_by_the_next_request_of_each_worker(gate):
    gate.learn("warm")
    before = gate.remembered()
    for number in range(ROUNDS):
        key = f"appears-{number}"
        assert gate.each(key) + gate.each(key) == [401] * 4
        gate.provision(key)
        assert gate.each(key) == [200, 200], number

    # not each second refusal need be a remembered one: Redis is asked while a message of it waits
    assert gate.remembered() - before > ROUNDS // 4


def test_a_key_that_goes_and_comes_again(gate):
    for _ in range(10):
        gate.provision("again")
        assert gate.each("again") == [200, 200]
        gate.redis.client.delete(gate.redis.record("again"))
        gate.learn("again")


def test_while_others_are_provisioned_in_floods(gate):
    is_over = threading.Event()

    def flood():
        number = 0
        while not is_over.is_set():
            with gate.redis.client.pipeline(transaction=True) as pipe:
                for _ in range(1000):
                    number += 1
                    pipe.hset(gate.redis.record(f"flood-{number}"), "enabled", "1")
                pipe.execute()
            if number >= 30000:
                return
    flooding = threading.Thread(target=flood)
    flooding.start()
    try:
        for number in range(30):
            key = f"amid-{number}"
            assert gate.each(key) + gate.each(key) == [401] * 4
            gate.provision(key)
            assert gate.each(key) == [200, 200], number
    finally:
        is_over.set()
        flooding.join()

    assert "redis_lost" not in gate.node.errors()


def test_without_pushes_redis_is_asked(gate):
    for number in range(10):
        key = f"deaf-{number}"
        gate.learn(key)
        with gate.redis.client.pipeline(transaction=False) as pipe:
            pipe.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            pipe.hset(gate.redis.record(key), mapping={"enabled": "1", "services": "*"})
            pipe.execute()
        assert gate.each(key) == [200, 200]


def test_a_redis_that_lost_its_memory(gate):
    gate.learn("lost")
    gate.redis.client.flushall()
    gate.learn("lost")
    gate.provision("lost")

    assert gate.each("lost") == [200, 200]


def test_a_redis_that_was_started_anew(gate):
    gate.learn("restarted")
    gate.redis.kill()
    gate.redis.start()
    gate.provision("restarted")

    seen = set()

    def all_admit():
        answers = gate.each("restarted")
        seen.update(answers)
        return answers == [200, 200]
    until(all_admit, lambda: f"not admitted: {seen}")
    assert seen <= {200, 503}


def test_a_reload_can_switch_it_off_and_on(gate):
    gate.learn("switched")
    gate.node.reload(keys={"limit": "1000000/1s", "remember_unknown": "0"})
    before = gate.remembered()
    for _ in range(5):
        assert gate.each("switched") == [401, 401]
    assert gate.remembered() == before

    gate.node.reload(keys={"limit": "1000000/1s", "remember_unknown": "5s"})
    gate.learn("switched")
