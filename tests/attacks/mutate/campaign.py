"""Throws mutated inputs at a node until the time is over; says where it stood when something broke."""

import collections
import random
import select
import socket
import struct
import time

from sluice.node import SANITIZER_REPORT

from .mutations import KINDS, input_number

OPEN = 48        # connections that stay open while others are sent: half of what goes wrong needs time, or company
LOOK_EVERY = 200


class Campaign:
    """`begin_at` continues, or repeats, a campaign: input n of a seed is always the same."""

    def __init__(self, target, name, seed, begin_at=0):
        self.target, self.name, self.seed = target, name, seed
        self.kind = KINDS[name]()
        self.number = self.begin_at = begin_at
        self.open = collections.deque()
        self.pids = target.workers()
        self.answers = collections.Counter()

    @property
    def executions(self):
        return self.number - self.begin_at

    def _throw(self, data):
        connection = socket.socket()
        dice = random.Random(self.number)
        if dice.random() < 0.3:  # a client that hardly reads: writes stay unfinished
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(5)
        # each from an address of its own: whoever attacks is refused after a while, and nothing would be tried any more
        connection.setsockopt(socket.IPPROTO_IP, getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24), 1)
        connection.bind((f"127.10.{self.number // 250 % 250}.{1 + self.number % 250}", 0))
        connection.connect(self.target.addresses[self.kind.listener])
        connection.setblocking(False)
        cut = dice.randrange(len(data) + 1) if dice.random() < 0.3 else 0  # sometimes in two pieces
        for piece in (data[:cut], data[cut:]):
            try:
                if piece:
                    connection.send(piece)
            except OSError:
                break
        self.open.append((connection, dice.random()))

    def _throw_patiently(self, data):
        """A machine that is busy may take a while to accept; a minute is no such while."""
        problem = None
        for _ in range(12):
            try:
                return self._throw(data)
            except OSError as error:
                problem = error
                time.sleep(0.2)
        return problem

    def _retire(self):
        """The oldest connection: reads what is there, then leaves in one of three ways."""
        connection, way = self.open.popleft()
        try:
            readable, _, _ = select.select([connection], [], [], 0)
            if readable:
                self.answers[connection.recv(65536)[9:12] if self.name == "http1" else "some"] += 1
            if way < 0.3:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif way < 0.6:
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        connection.close()

    def complaint(self):
        """What is wrong with the node, or None."""
        if self.target.workers() != self.pids:
            return "a worker died"
        if SANITIZER_REPORT.search(self.target.node.errors()):
            return "a sanitizer complains"
        return None

    def run(self, seconds=None, count=None):
        """Nothing, or a text that says which inputs to repeat."""
        until = time.monotonic() + seconds if seconds else None
        while (until is None or time.monotonic() < until) and (count is None or self.executions < count):
            problem = self._throw_patiently(input_number(self.kind, self.seed, self.number))
            self.number += 1
            if problem:
                return self._tell(f"no connection any more ({problem})")
            while len(self.open) > OPEN:
                self._retire()
            if self.number % LOOK_EVERY == 0 and self.complaint():
                return self._tell(self.complaint())
        while self.open:
            self._retire()
        time.sleep(0.3)
        return self._tell(self.complaint()) if self.complaint() else None

    def _tell(self, what):
        begin = max(self.begin_at, self.number - LOOK_EVERY - OPEN)
        return (f"{self.name}: {what} near input {self.number}; to repeat: tests/attacks/mutate/run {self.name} --seed {self.seed} "
                f"--begin-at {begin} --count {self.number - begin}\n{self.target.node.errors()[-5000:]}")
