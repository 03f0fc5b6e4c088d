"""A client of HTTP/2 on one socket. Legal things go by way of python3-h2; frames of any kind can be sent as bytes."""

import contextlib
import socket
import struct

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import hpack

from . import http
from .http import Answer, BrokenAnswer
from .waiting import PATIENCE

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, END_HEADERS = 1, 4
NO_ERROR, PROTOCOL_ERROR, FLOW_CONTROL_ERROR, STREAM_CLOSED, REFUSED_STREAM, ENHANCE_YOUR_CALM = 0, 1, 3, 5, 7, 11


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def text(value):
    """A string of HPACK, not compressed (RFC 7541 §5.2)."""
    data = value.encode("latin-1") if isinstance(value, str) else value
    if len(data) < 127:
        return bytes([len(data)]) + data
    size, rest = b"\x7f", len(data) - 127
    while rest >= 128:
        size += bytes([rest % 128 + 128])
        rest //= 128
    return size + bytes([rest]) + data


def head(pairs):
    """A header block of literals: it depends on nothing that was sent before and leaves nothing behind."""
    return b"".join(b"\0" + text(name) + text(value) for name, value in pairs)


def request_fields(path="/", method="GET", authority="gateway.test", scheme="http", more=()):
    return [(":method", method), (":scheme", scheme), (":path", path), (":authority", authority), *more]


class Client:
    """One connection. `sock` may be a TLS socket that has agreed on h2."""

    def __init__(self, address, sock=None, timeout=10.0):
        self.socket = sock or socket.create_connection(address)
        self.socket.settimeout(timeout * PATIENCE)
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=True, header_encoding="utf-8", validate_outbound_headers=False, normalize_outbound_headers=False))
        self.h2.initiate_connection()
        self.answers, self.resets, self.goaways, self.ended = {}, {}, [], False
        self._heads, self._bodies = {}, {}
        self._flush()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.socket.close()

    def _flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def begin(self, fields, end=True):
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, fields, end_stream=end)
        self._flush()
        return stream

    def begin_together(self, count, fields):
        """So many equal requests in one piece of bytes."""
        streams = []
        for _ in range(count):
            streams.append(self.h2.get_next_available_stream_id())
            self.h2.send_headers(streams[-1], fields, end_stream=True)
        self._flush()
        return streams

    def send_data(self, stream, data, end=True):
        self.h2.send_data(stream, data, end_stream=end)
        self._flush()

    def reset(self, stream):
        self.h2.reset_stream(stream, error_code=8)
        self._flush()

    def request(self, path="/", method="GET", body=None, **options):
        stream = self.begin(request_fields(path, method, **options), end=body is None)
        if body is not None:
            self.send_data(stream, body)
        return self.answer(stream)

    def raw(self, data):
        """Bytes that the h2 library does not know of; what comes back for them is still read by it."""
        self.socket.sendall(data)

    def answer(self, stream):
        """The complete answer of a stream; BrokenAnswer when it was reset or the connection ended."""
        while stream not in self.answers:
            if stream in self.resets:
                raise BrokenAnswer(f"reset with {self.resets[stream]}")
            if self.ended:
                raise BrokenAnswer(f"ended, {self.goaways}")
            self.read()
        return self.answers[stream]

    def outcome(self, stream):
        """Status of the answer, or what happened instead of one: "reset 1", "goaway 11", "closed"."""
        try:
            return self.answer(stream).status
        except BrokenAnswer:
            if stream in self.resets:
                return f"reset {self.resets[stream]}"
            errors = [code for code in self.goaways if code != NO_ERROR]
            return f"goaway {errors[-1]}" if errors else "closed"

    def read_until_end(self):
        while not self.ended:
            self.read()
        return self.goaways

    def read(self):
        try:
            data = self.socket.recv(262144)
        except ConnectionError:
            data = b""
        if not data:
            self.ended = True
            return
        for event in self._events(data):
            self._take(event)
        with contextlib.suppress(ConnectionError):  # who takes nothing more may have said why: that is still to be read
            self._flush()

    def _events(self, data):
        try:
            return self.h2.receive_data(data)
        except h2.exceptions.ProtocolError:  # about streams that were opened behind its back
            return []

    def _take(self, event):
        stream = getattr(event, "stream_id", None)
        if isinstance(event, h2.events.ResponseReceived):
            self._heads[stream], self._bodies[stream] = event.headers, []
        elif isinstance(event, h2.events.DataReceived):
            self._bodies[stream].append(event.data)
            if event.flow_controlled_length and not self.ended:
                self.h2.acknowledge_received_data(event.flow_controlled_length, stream)
        elif isinstance(event, h2.events.StreamEnded):
            fields = [(name, value) for name, value in self._heads[stream] if not name.startswith(":")]
            status = int(dict(self._heads[stream])[":status"])
            self.answers[stream] = Answer(status, "", fields, b"".join(self._bodies[stream]))
        elif isinstance(event, h2.events.StreamReset):
            self.resets[stream] = int(event.error_code)
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.goaways.append(int(event.error_code))


class RawClient:
    """Frames by hand, both ways: for what no library would send."""

    def __init__(self, address, settings=b"", timeout=10.0):
        self.socket = http.Connection(address).socket
        self.socket.settimeout(timeout * PATIENCE)
        self.buffer = b""
        self.decoder = hpack.Decoder()
        self.send(PREFACE + frame(SETTINGS, 0, 0, settings))

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def next_frame(self):
        """(kind, flags, stream, payload), or None at the end."""
        while len(self.buffer) < 9 or len(self.buffer) < 9 + int.from_bytes(self.buffer[:3], "big"):
            try:
                data = self.socket.recv(262144)
            except ConnectionError:
                data = b""
            if not data:
                return None
            self.buffer += data
        length = int.from_bytes(self.buffer[:3], "big")
        kind, flags, stream = struct.unpack(">BBI", self.buffer[3:9])
        payload, self.buffer = self.buffer[9:9 + length], self.buffer[9 + length:]
        return kind, flags, stream, payload

    def outcome(self, stream):
        """What becomes of a stream: status, "reset N", "goaway N" or "closed"."""
        while True:
            got = self.next_frame()
            if got is None:
                return "closed"
            kind, _, where, payload = got
            if kind == GOAWAY and payload[4:8] != bytes(4):
                return f"goaway {int.from_bytes(payload[4:8], 'big')}"
            if kind == RST_STREAM and where == stream:
                return f"reset {int.from_bytes(payload, 'big')}"
            if kind == HEADERS:
                fields = self.decoder.decode(payload)
                if where == stream:
                    return int(dict(fields)[":status"])

    def read_until_end(self):
        """Error codes of the GOAWAY frames until the connection ends."""
        codes = []
        while True:
            got = self.next_frame()
            if got is None:
                return codes
            if got[0] == GOAWAY:
                codes.append(int.from_bytes(got[3][4:8], "big"))
