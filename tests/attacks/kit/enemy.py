"""One attacker: a process of its own with a clock, sockets from an address of its own, and notes of what it has seen."""

import json
import multiprocessing
import os
import select
import socket
import ssl
import time
import zlib

from . import frames

PIECE = 65536


def address_of(name):
    """Not the bystander's address, because bounds per address must hit the attacker only; and another one for each attack, because an address
    that has attacked is remembered."""
    number = zlib.crc32(name.encode())
    return f"127.{1 + number % 200}.{number // 200 % 200}.{1 + number // 40000 % 200}"


class Enemy:
    def __init__(self, name, target, listener, seconds):
        self.address = address_of(name)
        self.target = target
        self.listener = listener
        self.ends_at = time.monotonic() + seconds
        self.notes = {}
        self.held = []

    # --- time and notes ---

    def goes_on(self):
        return time.monotonic() < self.ends_at

    def rest(self, seconds):
        time.sleep(max(0.0, min(seconds, self.ends_at - time.monotonic())))

    def note(self, what, count=1):
        self.notes[what] = self.notes.get(what, 0) + count

    def keep(self, what, value):
        self.notes[what] = value

    # --- sockets ---

    def connect(self, listener=None, receive_buffer=None, segment=None, timeout=2.0):
        """A connection, or None when the target takes none just now."""
        made = socket.socket()
        if receive_buffer:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if segment:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment)
        # the port is chosen at connect, together with the peer: thousands of connections need that
        made.setsockopt(socket.IPPROTO_IP, getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24), 1)
        made.bind((self.address, 0))
        made.settimeout(timeout)
        try:
            made.connect(self.target.addresses[listener or self.listener])
        except OSError:
            made.close()
            self.note("refused connections")
            time.sleep(0.01)
            return None
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.note("connections")
        return made

    def secure(self, protocols=("h2", "http/1.1"), **options):
        """A TLS connection, or None."""
        plain = self.connect("tls", **options)
        if plain is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(list(protocols))
        try:
            return context.wrap_socket(plain, server_hostname="gateway.test")
        except OSError:
            plain.close()
            self.note("failed handshakes")
            return None

    def push(self, connection, data, reads=True):
        """Sends all of it, as fast as the target takes it, throwing away what comes back. False: the connection has ended,
        or the time has."""
        view = memoryview(data)
        connection.setblocking(False)
        try:
            while view:
                if not self.goes_on():
                    return False
                readable, writable, _ = select.select([connection] if reads else [], [connection], [], 0.1)
                if readable and not connection.recv(262144):
                    self.note("closed by target")
                    return False
                if writable:
                    sent = connection.send(view[:PIECE])
                    view = view[sent:]
                    self.note("bytes", sent)
        except OSError:
            self.note("closed by target")
            return False
        return True

    def listen(self, connection, seconds, most=1 << 20):
        """What comes within the time; ends early when the target closes (then the second value is True)."""
        until, seen = time.monotonic() + seconds, b""
        connection.setblocking(True)
        while time.monotonic() < until and len(seen) < most:
            connection.settimeout(max(0.01, until - time.monotonic()))
            try:
                data = connection.recv(65536)
            except TimeoutError:
                break
            except OSError:
                return seen, True
            if not data:
                return seen, True
            seen += data
        return seen, False

    def is_closed(self, connection):
        """Has the target ended it?"""
        try:
            connection.setblocking(False)
            while True:
                if not connection.recv(262144):
                    return True
        except BlockingIOError:
            return False
        except OSError:
            return True

    def flood(self, opening, unit, reads=True):
        """The opening, then the unit again and again; a new connection when one ends. The usual shape of a flood."""
        while self.goes_on():
            connection = self.connect()
            if connection is None:
                continue
            with connection:
                if self.push(connection, opening, reads):
                    while self.push(connection, unit, reads):
                        self.note("units")

    def flood_http2(self, unit, before=b"", reads=True, **settings):
        self.flood(frames.opening(**settings) + before, unit, reads)

    def hold(self, connections, touch=None, pause=0.2):
        """Keeps connections to the end, touching each from time to time; notes how many the target has closed."""
        self.note("held", len(connections))
        living = list(connections)
        while self.goes_on() and living:
            for connection in list(living):
                if self.is_closed(connection) or (touch is not None and not touch(connection)):
                    living.remove(connection)
                    connection.close()
                    self.note("held, closed by target")
            self.rest(pause)
        for connection in living:
            connection.close()


def _run(module, target, seconds, pipe):
    os.setpriority(os.PRIO_PROCESS, 0, 5)  # it shares the machine with its target, which an attacker elsewhere would not
    enemy = Enemy(module.__name__, target, module.LISTENER, seconds)
    try:
        module.attack(enemy)
    except Exception as problem:  # the runner tells, whatever it was
        enemy.keep("attack failed", repr(problem))
    pipe.send_bytes(json.dumps(enemy.notes).encode())


class Attacker:
    """The enemy's process."""

    def __init__(self, module, target, seconds):
        fork = multiprocessing.get_context("fork")
        self.pipe, theirs = fork.Pipe(duplex=False)
        self.seconds = seconds
        self.process = fork.Process(target=_run, args=(module, target.seen_by_enemy(), seconds, theirs), daemon=True)
        self.process.start()
        theirs.close()

    def finish(self):
        try:
            if not self.pipe.poll(self.seconds + 30):
                return {"attack failed": "it did not end"}
            return json.loads(self.pipe.recv_bytes())
        except EOFError:
            return {"attack failed": "its process died"}
        finally:
            self.process.join(5)
            if self.process.is_alive():
                self.process.kill()
