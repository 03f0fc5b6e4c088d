"""Calls the scripts the way a node does, and reads the admission reply by the layout of include/sluice/admission.h."""

import dataclasses
import hashlib
import struct

(ADMITTED, UNKNOWN, DISABLED, EXPIRED, SERVICE, METHOD, SCOPE, LIMITED, BREAKER, BROKEN) = range(10)
KEY_LIMIT, SERVICE_LIMIT, DAY_LIMIT, MONTH_LIMIT = range(4)

RECORD = "sluice:key:{a}"
BUCKET = "sluice:bucket:{a}"
CIRCUIT = "sluice:breaker:{search}"


@dataclasses.dataclass
class Limit:
    kind: int
    is_violated: bool
    quota: float
    window_s: float
    remaining: float
    more_us: float
    full_us: float


@dataclasses.dataclass
class Admission:
    verdict: int
    is_shadow: bool
    is_probe: bool
    granted: int
    wait_us: float
    generation: float
    probe_id: float
    limits: list
    owner: bytes
    name: bytes


def read_admission(reply):
    version, verdict, flags, count, granted, wait_us, generation, probe_id = struct.unpack_from("<BBBBIddd", reply)
    assert version == 1 and flags & ~3 == 0
    at = 32
    limits = []
    for _ in range(count):
        kind, is_violated, *numbers = struct.unpack_from("<BBddddd", reply, at)
        limits.append(Limit(kind, bool(is_violated), *numbers))
        at += 42
    owner_size, name_size = struct.unpack_from("<HH", reply, at)
    owner = reply[at + 4:at + 4 + owner_size]
    name = reply[at + 4 + owner_size:]
    assert len(name) == name_size
    return Admission(verdict, bool(flags & 1), bool(flags & 2), granted, wait_us, generation, probe_id, limits, owner, name)


class Scripts:
    def __init__(self, client, texts):
        self.client = client
        self.texts = texts
        for text in texts.values():
            client.script_load(text)

    def run(self, name, keys, *arguments):
        sha1 = hashlib.sha1(self.texts[name].encode()).hexdigest()
        return self.client.evalsha(sha1, len(keys), *keys, *arguments)

    def provision(self, record=RECORD, **fields):
        """A word like limit__search stands for the field limit:search; None leaves a field out."""
        named = {"enabled": 1, "owner": "acme", "services": "search scrape", **fields}
        self.client.delete(record)
        self.client.hset(record, mapping={key.replace("__", ":"): value for key, value in named.items() if value is not None})

    def admit_raw(self, service="search", method="GET", scopes="", wanted=1, least=1, limit=100, window=60, burst=0, mode="enforce",
                  breaker=None, keys=(RECORD, BUCKET)):
        arguments = [service, method, scopes, wanted, least, limit, window, burst, mode]
        if breaker is not None:
            return self.run("admit", [*keys, CIRCUIT], *arguments, *breaker)
        return self.run("admit", keys, *arguments)

    def admit(self, **how):
        return read_admission(self.admit_raw(**how))

    # The breaker's settings are those of the worked example unless a test says otherwise.

    def ask(self, probes=1, successes=1, lease_ms=10000):
        return self.run("breaker_try", [CIRCUIT], probes, successes, lease_ms)

    def settle(self, generation, probe_id, outcome, probes=1, successes=1, recovery_ms=30000, recovery_max_ms=30000):
        applied, state, *numbers = self.run(
            "breaker_settle", [CIRCUIT], generation, probe_id, outcome, probes, successes, recovery_ms, recovery_max_ms)
        return [applied, state.decode(), *numbers]

    def report(self, generation=0, ok=0, failed=0, streak=None, had_ok=False, failures=5, ratio_permille=0, minimum=0, window_ms=10000,
               recovery_ms=30000, recovery_max_ms=30000):
        applied, state, *numbers = self.run(
            "breaker_report", [CIRCUIT], generation, ok, failed, failed if streak is None else streak, int(had_ok), failures, ratio_permille,
            minimum, window_ms, recovery_ms, recovery_max_ms)
        return [applied, state.decode(), *numbers]

    def read(self):
        state, generation, failures, wait_us, forced, changed = self.run("breaker_read", [CIRCUIT])
        return [state.decode(), generation, failures, wait_us, forced.decode(), changed]

    def force(self, wish):
        state, generation = self.run("breaker_force", [CIRCUIT], wish)
        return [state.decode(), generation]


class PlayedScripts(Scripts):
    """The same texts, except that they take the time from a list in Redis instead of from its clock."""

    REAL = "redis.call('TIME')"
    PLAYED = "redis.call('LRANGE', 'played:clock', 0, 1)"

    def __init__(self, client, texts):
        assert all(text.count(self.REAL) >= 1 for text in texts.values())
        super().__init__(client, {name: text.replace(self.REAL, self.PLAYED) for name, text in texts.items()})
        self.now_us = None
        # Far enough ahead that no expiry falls into the server's own past, and not at a round number.
        self.set_clock(1_900_000_000_123_457)

    def set_clock(self, now_us):
        self.now_us = now_us
        with self.client.pipeline(transaction=True) as pipe:
            pipe.delete("played:clock")
            pipe.rpush("played:clock", now_us // 1_000_000, now_us % 1_000_000)
            pipe.execute()

    def advance(self, **span):
        units = {"s": 1_000_000, "ms": 1_000, "us": 1}
        self.set_clock(self.now_us + sum(count * units[unit] for unit, count in span.items()))
