"""Scripted services on raw sockets: each behaviour below is one way in which a real service answers, or fails to.

A behaviour is a function (request, wire). It writes to the wire what it likes; returning True keeps the connection.
"""

import contextlib
import json
import os
import socket
import struct
import threading
import time

from . import processes
from .waiting import now_us


class Request:
    def __init__(self, method, target, headers, body, service):
        self.method, self.target, self.headers, self.body = method, target, headers, body
        self.service = service
        self.at_us = now_us()

    def all(self, name):
        return [value for header, value in self.headers if header.lower() == name.lower()]

    def __getitem__(self, name):
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times: {values}"
        return values[0] if values else None

    def __repr__(self):
        return f"<{self.method} {self.target} {self.headers}>"


class Wire:
    """One connection as its service sees it."""

    def __init__(self, connection):
        self.socket = connection
        self.buffer = b""
        self.left = threading.Event()  # the other side has gone

    def send(self, data):
        self.socket.sendall(data)

    def reply(self, status=200, body=b"", headers=(), reason="Scripted"):
        body = body.encode() if isinstance(body, str) else body
        lines = [f"HTTP/1.1 {status} {reason}"] + [f"{name}: {value}" for name, value in headers]
        if status not in (204, 304):
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        return True

    def reset(self):
        """RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def wait_until_left(self, seconds=60):
        """Waits for the other side to close; True when it did."""
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(65536):
                pass
        except socket.timeout:
            return False
        except OSError:
            pass
        self.left.set()
        return True

    def read_request(self, service):
        head = self._read_until(b"\r\n\r\n")
        if head is None:
            return None
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
        length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
        while len(self.buffer) < length:
            data = self.socket.recv(262144)
            if not data:
                return None
            self.buffer += data
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return Request(method, target, headers, body, service)

    def _read_until(self, mark):
        while mark not in self.buffer:
            data = self.socket.recv(65536)
            if not data:
                return None
            self.buffer += data
        head, _, self.buffer = self.buffer.partition(mark)
        return head


class Service:
    def __init__(self, behaviour=None, name="service", path=None):
        self.behaviour = behaviour or echo
        self.name = name
        self.path = path
        self.port = None if path else processes.free_port()
        self.requests = []
        self.accepted = 0
        self.left = 0  # connections that the gateway closed while a behaviour was still waiting
        self._open = set()
        self._lock = threading.Lock()
        self.listener = None
        self.start()

    @property
    def url(self):
        return f"http://unix:{self.path}:" if self.path else f"http://127.0.0.1:{self.port}"

    @property
    def authority(self):
        return "localhost" if self.path else f"127.0.0.1:{self.port}"

    @property
    def count(self):
        return len(self.requests)

    @property
    def last(self):
        return self.requests[-1]

    def start(self):
        if self.path:
            self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.listener.bind(self.path)
        else:
            self.listener = socket.socket()
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(1024)
        self.accepting = threading.Thread(target=self._accept, args=(self.listener,), daemon=True)
        self.accepting.start()

    def stop(self):
        """As if it were killed: connections die, new ones are refused."""
        # shutdown wakes the thread in accept(). Closed any sooner, its descriptor may be another listener's by the time that it accepts.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.accepting.join()
        self.listener.close()
        if self.path:
            os.unlink(self.path)
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def close(self):
        try:
            self.stop()
        except OSError:
            pass

    @property
    def open_connections(self):
        with self._lock:
            return len(self._open)

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.accepted += 1
            with self._lock:
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        if connection.family == socket.AF_INET:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire = Wire(connection)
        try:
            while True:
                request = wire.read_request(self)
                if request is None:
                    break
                self.requests.append(request)
                if not self.behaviour(request, wire):
                    break
        except OSError:
            pass
        finally:
            with self._lock:
                connection.close()
                self._open.discard(connection)
                self.left += wire.left.is_set()


# --- behaviours ---


def echo(request, wire):
    """What reached the service, as JSON."""
    answer = {"service": request.service.name, "method": request.method, "target": request.target, "headers": request.headers,
              "body": request.body[:4096].decode("latin-1"), "body_bytes": len(request.body)}
    if request.method == "HEAD":
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(json.dumps(answer)))
        return True
    return wire.reply(200, json.dumps(answer), [("Content-Type", "application/json")])


def plain(request, wire):
    """The cheapest complete answer, for load."""
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    return True


def answers(status=200, body=b"", headers=()):
    return lambda request, wire: wire.reply(status, body, headers)


def sends(data, then_close=True):
    """Raw bytes instead of an answer."""
    def behaviour(request, wire):
        wire.send(data)
        return not then_close
    return behaviour


def hangs(after=b""):
    """Sends `after` (nothing, part of a head, part of a body), then stays silent until the gateway goes away."""
    def behaviour(request, wire):
        wire.send(after)
        wire.wait_until_left()
        return False
    return behaviour


def drips(data, pause_s=0.05, size=1, at_once=b""):
    """An answer in small pieces, after a first one."""
    def behaviour(request, wire):
        wire.send(at_once)
        for start in range(0, len(data), size):
            wire.send(data[start:start + size])
            time.sleep(pause_s)
        return True
    return behaviour


def waits(seconds, behaviour=plain):
    def waiting(request, wire):
        time.sleep(seconds)
        return behaviour(request, wire)
    return waiting


def resets(after=b""):
    """RST after some bytes."""
    def behaviour(request, wire):
        wire.send(after)
        time.sleep(0.05)  # so that the bytes arrive before the reset throws them away
        wire.reset()
        return False
    return behaviour


def streams(total, block=b"0123456789abcdef" * 4096):
    """A body of `total` bytes, as fast as the gateway takes it."""
    def behaviour(request, wire):
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        left = total
        while left > 0:
            wire.send(block[:left])
            left -= len(block)
        return True
    return behaviour


def in_turn(*behaviours):
    """One after the other; the last one stays."""
    turn = iter(range(len(behaviours)))
    lock = threading.Lock()
    last = [0]

    def behaviour(request, wire):
        with lock:
            last[0] = next(turn, last[0])
            chosen = behaviours[last[0]]
        return chosen(request, wire)
    return behaviour
