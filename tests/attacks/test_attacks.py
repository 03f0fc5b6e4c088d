"""Every attack of the kit, a few seconds each, on one node: nobody dies, memory stays within the attack's bound, a bystander is served.

`tests/attacks/run` does the same by hand, longer and with figures. SLUICE_LONG=1 attacks for 30 seconds each.
"""

import os
import sys
import time

import pytest
from sluice.waiting import PATIENCE, until

sys.path.insert(0, os.path.dirname(__file__))
from kit import frames, judge  # noqa: E402
from kit.enemy import Enemy  # noqa: E402
from kit.target import NodeTarget  # noqa: E402

SECONDS = 30.0 if os.environ.get("SLUICE_LONG") else 2.0
# Whoever must be ended by a deadline needs its time; a table of cases needs only that.
LONGER = {"drip_head": 7.0, "drip": 7.0, "smuggling": 8.0, "downgrade": 8.0}
# Sanitizers pay for each byte with several, and give nothing back for a while.
MEMORY_FACTOR = 12 if os.environ.get("SLUICE_SANITIZER") else 1


@pytest.fixture(scope="module")
def target():
    made = NodeTarget(workers=2)
    judge.undisturbed(made, 0.5)
    yield made
    made.close()


@pytest.mark.parametrize("name", judge.names())
def test_attack(target, name):
    outcome = judge.run(name, target, max(SECONDS, LONGER.get(name, 0)), MEMORY_FACTOR)

    assert not outcome.complaints, f"{outcome}\n{target.node.errors()[-2000:]}"
    # generous: the machine also runs the attacker
    assert outcome.worst_ms < 2500 * PATIENCE, outcome


def test_the_node_is_as_it_was_afterwards(target):
    """What the attacks have opened is gone: connections, requests, calls."""
    metrics = target.node.metrics
    until(lambda: metrics().total("sluice_connections_open") <= 8, lambda: metrics().total("sluice_connections_open"), seconds=15)
    until(lambda: metrics().total("sluice_requests_in_flight") == 0, lambda: metrics().total("sluice_requests_in_flight"), seconds=15)
    assert metrics().total("sluice_worker_deaths_total") == 0


def test_an_address_that_attacks_gets_nothing_until_it_rests(target):
    """Else each new connection brings a fresh budget."""
    attacker, other = Enemy("grudge", target.seen_by_enemy(), "h2c", 60), Enemy("innocent", target.seen_by_enemy(), "h2c", 60)
    attack = frames.opening() + frames.frame(frames.PING, 0, 0, b"anything") * 5000

    def is_served(enemy):
        connection = enemy.connect()
        if connection is None:
            return False
        with connection:
            enemy.push(connection, frames.opening() + frames.request(1, path=b"/open/bytes/1"))
            seen, is_over, limit = b"", False, time.monotonic() + 5 * PATIENCE
            while not has_answer(seen) and not is_over and time.monotonic() < limit:
                more, is_over = enemy.listen(connection, 0.1)
                seen += more
            return has_answer(seen)

    def has_answer(seen):
        return any(kind == frames.HEADERS for kind, _, _, _ in frames.split(seen)[0])

    assert is_served(attacker)
    for _ in range(40):
        connection = attacker.connect()
        if connection is None:
            break
        with connection:
            attacker.push(connection, attack)
            attacker.listen(connection, 2)

    assert not is_served(attacker)
    assert is_served(other)
    refused = target.node.metrics().total("sluice_connections_refused_total", reason="address_full")
    assert refused > 0
    until(lambda: is_served(attacker), "it is never forgiven", seconds=15, pause=0.5)
