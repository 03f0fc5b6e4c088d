"""A plain HTTP/1.1 client on sockets: it sends exactly the bytes it was told and reads answers strictly."""

import json
import socket

from .waiting import PATIENCE


class BrokenAnswer(AssertionError):
    """The connection ended, or the bytes were no HTTP/1.1 answer, before an answer was complete."""


class Answer:
    def __init__(self, status, reason, headers, body):
        self.status = status
        self.reason = reason
        self.headers = headers  # list of pairs, names in lower case, as received
        self.body = body

    def all(self, name):
        return [value for header, value in self.headers if header == name.lower()]

    def __getitem__(self, name):
        """The only value of a header, or None. Twice the same header is an error here."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times: {values}"
        return values[0] if values else None

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:400]!r}>"


class Connection:
    def __init__(self, address, timeout=10.0):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(timeout * PATIENCE)
        self.socket.connect(address)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def request(self, method, target, headers=(), body=None, host="gateway.test"):
        self.send(compose(method, target, headers, body, host))
        return self.answer(method)

    def answer(self, method="GET"):
        while True:
            head = self._read_until(b"\r\n\r\n")
            status, reason, headers = parse_head(head)
            if status >= 200:
                break
        return Answer(status, reason, headers, self._read_body(method, status, headers))

    def ended(self):
        """True when the other side has closed and nothing more comes."""
        try:
            more = self.buffer + self.socket.recv(65536)
        except ConnectionResetError:
            return True
        return more == b""

    def _read_more(self):
        try:
            data = self.socket.recv(262144)
        except ConnectionResetError as reset:
            raise BrokenAnswer(f"reset; so far {self.buffer[:200]!r}") from reset
        if not data:
            raise BrokenAnswer(f"ended; so far {self.buffer[:200]!r}")
        self.buffer += data

    def _read_until(self, mark):
        while mark not in self.buffer:
            self._read_more()
        data, _, self.buffer = self.buffer.partition(mark)
        return data

    def _read_exactly(self, count):
        parts, have = [self.buffer], len(self.buffer)
        while have < count:
            self.buffer = b""
            self._read_more()
            parts.append(self.buffer)
            have += len(self.buffer)
        data = b"".join(parts)
        self.buffer = data[count:]
        return data[:count]

    def _read_body(self, method, status, headers):
        lengths = [value for name, value in headers if name == "content-length"]
        codings = [value for name, value in headers if name == "transfer-encoding"]
        assert len(lengths) + len(codings) <= 1, f"two framings: {headers}"
        if method == "HEAD" or status in (204, 304):
            return b""
        if codings:
            assert codings == ["chunked"], codings
            return self._read_chunks()
        if lengths:
            return self._read_exactly(int(lengths[0]))
        return self._read_rest()

    def _read_chunks(self):
        parts = []
        while True:
            size = int(self._read_until(b"\r\n"), 16)
            if size == 0:
                assert self._read_until(b"\r\n") == b"", "trailers"
                return b"".join(parts)
            parts.append(self._read_exactly(size))
            assert self._read_exactly(2) == b"\r\n"

    def _read_rest(self):
        try:
            while True:
                self._read_more()
        except BrokenAnswer as end:
            if "reset" in str(end):
                raise
        data, self.buffer = self.buffer, b""
        return data


def compose(method, target, headers=(), body=None, host="gateway.test"):
    lines = [f"{method} {target} HTTP/1.1"]
    if host is not None:
        lines.append(f"Host: {host}")
    pairs = headers.items() if isinstance(headers, dict) else headers
    lines += [f"{name}: {value}" for name, value in pairs]
    if body is not None:
        body = body.encode() if isinstance(body, str) else body
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


def parse_head(head):
    lines = head.decode("latin-1").split("\r\n")
    version, _, rest = lines[0].partition(" ")
    status, _, reason = rest.partition(" ")
    if version not in ("HTTP/1.1", "HTTP/1.0") or len(status) != 3 or not status.isdigit():
        raise BrokenAnswer(f"no status line: {lines[0][:200]!r}")
    headers = []
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name or name.strip() != name:
            raise BrokenAnswer(f"no header line: {line[:200]!r}")
        headers.append((name.lower(), value.strip(" \t")))
    return int(status), reason, headers


def fetch(address, method="GET", target="/", headers=(), body=None, host="gateway.test", timeout=10.0):
    """One request on a connection of its own."""
    with Connection(address, timeout) as connection:
        return connection.request(method, target, headers, body, host)


def refuses(address):
    """True when nobody listens there any more. While a listener retires nobody answers at all."""
    try:
        socket.create_connection(address, timeout=0.05).close()
        return False
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
