"""One request to three gateways; what each made of it; differences grouped by the oddity that brings them out."""

import json
import re
import socket
import threading
import time
from collections import Counter, defaultdict, namedtuple

from .grammar import generate

# It follows every request at once. A gateway that is still in step afterwards answers it, and only one that has refused and closed does not.
MARKER = b"GET /open/marker HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n\r\n"
QUIET = 0.4  # so long nothing comes: it waits for more

# kind: passes, refused, answered (by itself), closed, waits.  status: of the first answer.  seen: what reached the service, or None.
# in_step: the marker was answered as a request of its own.  extra: requests that reached the service beyond the two.
Outcome = namedtuple("Outcome", "kind status seen in_step extra")


def exchange(address, data):
    """All that comes back, and whether it ended."""
    with socket.create_connection(address, 2) as connection:
        connection.settimeout(QUIET)
        received = b""
        try:
            connection.sendall(data + MARKER)
        except OSError:
            pass  # closed while we were still sending: what it said before may be readable
        try:
            while True:
                more = connection.recv(65536)
                if not more:
                    return received, True
                received += more
        except socket.timeout:
            return received, False
        except OSError:
            return received, True


def answers(received, is_head):
    """(status, is it the recorder's, content) of each final answer."""
    found = []
    while True:
        head, mark, rest = received.partition(b"\r\n\r\n")
        match = re.match(rb"HTTP/1\.[01] (\d{3})", head)
        if not mark or not match:
            return found
        status, lower = int(match[1]), head.lower()
        length = re.search(rb"\r\ncontent-length: *(\d+)", lower)
        size = int(length[1]) if length else len(rest) if b"\r\ntransfer-encoding" not in lower else rest.find(b"0\r\n\r\n") + 5
        if status < 200 or status in (204, 304) or (is_head and not found):
            size = 0
        if status >= 200:
            found.append((status, b"\r\nx-recorder: 1" in lower, rest[:size]))
        received = rest[size:]


def judge(address, data):
    received, ended = exchange(address, data)
    found = answers(received, data.lstrip(b"\r\n").startswith(b"HEAD "))
    seen = [json.loads(content) if content else {} for _, is_recorder, content in found if is_recorder]
    in_step = bool(seen) and seen[-1].get("target") == "/open/marker"
    if not found:
        return Outcome("closed" if ended else "waits", 0, None, False, 0)
    status, is_recorder, _ = found[0]
    if is_recorder and seen[0].get("target") != "/open/marker":
        return Outcome("passes", status, seen[0], in_step, len(seen) - 1 - in_step)
    if status < 400:
        return Outcome("answered", status, None, in_step, len(seen) - in_step)
    return Outcome("refused", status, None, in_step, len(seen) - in_step)


def ours(name):
    """Fields that gateways add by themselves."""
    return name in ("via", "connection", "host", "content-length", "transfer-encoding", "user-agent") or \
        name.startswith(("x-forwarded", "x-request-id", "x-real", "forwarded", "traceparent"))


def describe(outcomes, data):
    """The outcomes in words that are the same for the same behaviour. Details are told where those who pass do not agree."""
    passing = [outcome.seen for outcome in outcomes if outcome.kind == "passes" and outcome.seen]
    names = [{name for name, _ in seen["fields"] if not ours(name)} for seen in passing]
    everywhere, anywhere = (set.intersection(*names), set.union(*names)) if names else (set(), set())
    bodies = {seen["body"] for seen in passing}
    values = [dict(seen["fields"]) for seen in passing]
    words = data.split(None, 2)
    sent = words[1].decode("latin-1") if len(words) > 1 else ""

    def word(outcome):
        if outcome.kind != "passes":
            said = outcome.kind + (f" {outcome.status}" if outcome.status else "")
            return said + (", goes on" if outcome.in_step and outcome.status >= 400 else "")
        text = "passes"
        if outcome.seen:
            if outcome.seen["target"] != sent and len({seen["target"] for seen in passing} | {sent}) > 1:
                text += f", target becomes {outcome.seen['target'][:40]}"
            mine = {name for name, _ in outcome.seen["fields"] if not ours(name)}
            missing = sorted(anywhere - mine)
            if missing and everywhere != anywhere:
                text += ", without " + " ".join(name[:20] for name in missing[:3])
            changed = sorted(name for name in mine & everywhere if len({value[name] for value in values}) > 1)
            if changed:
                text += ", " + "; ".join(f"{name[:20]} = {dict(outcome.seen['fields'])[name][:20]!r}" for name in changed[:2])
            if len(bodies) > 1:
                text += f", body {outcome.seen['body'][:12]!r}"
        return text + ("" if outcome.in_step or not outcome.seen else ", then closes")
    return tuple(word(outcome) for outcome in outcomes)


class Comparison:
    def __init__(self, gateways):
        self.gateways = gateways
        self.rows = []  # (labels, data, outcomes)

    def run(self, seed, count):
        """The same requests to all of them, side by side."""
        requests = list(generate(seed, count))
        results = [[None] * count for _ in self.gateways]

        def work(number, gateway):
            for index, (_, data) in enumerate(requests):
                results[number][index] = self._patiently(gateway.address, data)
        threads = [threading.Thread(target=work, args=pair) for pair in enumerate(self.gateways)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.rows += [(labels, data, [result[index] for result in results]) for index, (labels, data) in enumerate(requests)]
        return self

    @staticmethod
    def _patiently(address, data):
        for _ in range(50):
            try:
                return judge(address, data)
            except OSError:
                time.sleep(0.05)
        return Outcome("unreachable", 0, None, False, 0)

    def by_label(self):
        """label → how often each combination of words came, from requests with one oddity."""
        groups = defaultdict(Counter)
        for labels, data, outcomes in self.rows:
            if len(labels) <= 1:
                groups[labels[0] if labels else "plain"][describe(outcomes, data)] += 1
        return groups

    def kinds_by_label(self):
        """label → the kinds that the three came to."""
        groups = defaultdict(set)
        for labels, _, outcomes in self.rows:
            if len(labels) <= 1:
                groups[labels[0] if labels else "plain"].add(tuple(outcome.kind for outcome in outcomes))
        return groups

    def totals(self):
        return {gateway.name: Counter(row[2][number].kind for row in self.rows) for number, gateway in enumerate(self.gateways)}
