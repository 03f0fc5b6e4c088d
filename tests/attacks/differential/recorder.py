"""The service behind all three gateways: it answers with what has reached it, byte for byte as far as JSON can say it."""

import json
import socket
import threading

from sluice import processes


class Recorder:
    def __init__(self):
        self.address = ("127.0.0.1", processes.free_port())
        self.count = 0
        self.broken = []  # what came and was no request: nothing may
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(self.address)
        self.listener.listen(256)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, connection.makefile("rb") as stream:
            try:
                while True:
                    head = self._head(stream)
                    if not head:
                        return
                    self._answer(connection, head, self._body(stream, head))
            except (OSError, ValueError, IndexError, OverflowError) as problem:
                if not isinstance(problem, OSError):
                    self.broken.append(repr(problem))

    def _head(self, stream):
        lines = []
        while True:
            line = stream.readline()
            if not line:
                if lines:
                    raise ValueError(f"half a head: {lines[:3]}")
                return None
            if line == b"\r\n":
                break
            if not line.endswith(b"\r\n"):
                raise ValueError(f"no line: {line[:100]!r}")
            lines.append(line[:-2].decode("latin-1"))
        method, target, version = lines[0].split(" ")
        fields = [(name.lower(), value.strip(" \t")) for name, _, value in (line.partition(":") for line in lines[1:])]
        return {"method": method, "target": target, "version": version, "fields": fields}

    def _body(self, stream, head):
        lengths = [value for name, value in head["fields"] if name == "content-length"]
        codings = [value for name, value in head["fields"] if name == "transfer-encoding"]
        if len(lengths) + len(codings) > 1:
            raise ValueError(f"two framings: {head}")
        if lengths:
            return stream.read(int(lengths[0]))
        body = b""
        while codings:
            size = int(stream.readline().split(b";")[0], 16)
            body += stream.read(size)
            if stream.readline() != b"\r\n":
                if size:
                    raise ValueError("no line end after a chunk")
                while stream.readline() not in (b"\r\n", b""):
                    pass  # trailers
            if size == 0:
                break
        return body

    def _answer(self, connection, head, body):
        self.count += 1
        content = json.dumps({**head, "body": body.decode("latin-1")}).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Recorder: 1\r\nContent-Length: %d\r\n\r\n" % len(content)
                           + (b"" if head["method"] == "HEAD" else content))
