"""Downgrade injections: fields that are harmless in HTTP/2 and become lines in the HTTP/1.1 of the service.

RFC 9113 §8.2, §8.3, §10.3. Every one of these requests is malformed; none may reach the service. What the library does with each by
itself stands in the name of the case (refused or accepted).
"""
from kit.frames import DATA, END_HEADERS, END_STREAM, HEADERS, RST_STREAM, GOAWAY, block, frame, head, literal, opening, request, split

LISTENER = "h2c"
GROWTH_MIB = 16

PATH = b"/open/injected"
WHOLE = {
    "blank in :method": block(PATH, method=b"GET /secret HTTP/1.1"),
    "empty :method": block(PATH, method=b""),
    "line end in :method": block(PATH, method=b"GET / HTTP/1.1\r\nx: y\r\n\r\n"),
    "blank in :path": block(PATH + b" HTTP/1.1"),
    "line end in :path": block(PATH + b" HTTP/1.1\r\nx: y"),
    "empty :path": block(b""),
    ":path without slash": block(b"open/injected"),
    "control in :path": block(PATH + b"\x01"),
    "NUL in :path": block(PATH + b"\x00"),
    "fragment in :path": block(PATH + b"#x"),
    "no :path": block(None),
    "no :method": block(PATH, method=None),
    "no :scheme": block(PATH, scheme=None),
    "two :path": block(PATH) + literal(b":path", b"/open/other"),
    "two :method": block(PATH) + literal(b":method", b"POST"),
    "unknown pseudo field": block(PATH) + literal(b":unknown", b"x"),
    ":status in a request": block(PATH) + literal(b":status", b"200"),
    "pseudo field after a field": literal(b"x-first", b"1") + block(PATH),
    "blank in :authority": block(PATH, authority=b"a b"),
    "userinfo in :authority": block(PATH, authority=b"user@gateway.test"),
    "path in :authority": block(PATH, authority=b"gateway.test/x"),
    "line end in :authority": block(PATH, authority=b"a\r\nx: y"),
    "host and :authority differ": block(PATH, fields=[(b"host", b"other.test")]),
    "two hosts": block(PATH, authority=None, fields=[(b"host", b"a.test"), (b"host", b"b.test")]),
    "upper case name": block(PATH, fields=[(b"X-Upper", b"1")]),
    "empty name": block(PATH, fields=[(b"", b"1")]),
    "blank in a name": block(PATH, fields=[(b"x y", b"1")]),
    "colon in a name": block(PATH, fields=[(b"x:y", b"1")]),
    "line end in a name": block(PATH, fields=[(b"x\r\ny", b"1")]),
    "CR LF in a value": block(PATH, fields=[(b"x-a", b"1\r\nx-b: 2")]),
    "LF in a value": block(PATH, fields=[(b"x-a", b"1\nx-b: 2")]),
    "CR in a value": block(PATH, fields=[(b"x-a", b"1\rx")]),
    "NUL in a value": block(PATH, fields=[(b"x-a", b"1\x00x")]),
    "connection": block(PATH, fields=[(b"connection", b"close")]),
    "keep-alive": block(PATH, fields=[(b"keep-alive", b"timeout=5")]),
    "proxy-connection": block(PATH, fields=[(b"proxy-connection", b"keep-alive")]),
    "upgrade": block(PATH, fields=[(b"upgrade", b"websocket")]),
    "transfer-encoding": block(PATH, fields=[(b"transfer-encoding", b"chunked")]),
    "te other than trailers": block(PATH, fields=[(b"te", b"gzip")]),
    "two content-lengths": block(PATH, method=b"POST", fields=[(b"content-length", b"5"), (b"content-length", b"6")]),
    "content-length no number": block(PATH, method=b"POST", fields=[(b"content-length", b"+5")]),
    "content-length 5 without body": block(PATH, method=b"POST", fields=[(b"content-length", b"5")]),
    "CONNECT": block(None, method=b"CONNECT", scheme=None, authority=b"gateway.test:443"),
    "CONNECT with :path": block(PATH, method=b"CONNECT"),
}


def sequences():
    """Cases of more than one frame."""
    yield "DATA shorter than content-length", request(1, ends=False, path=PATH, method=b"POST", fields=[(b"content-length", b"5")]) + \
        frame(DATA, END_STREAM, 1, b"abc")
    yield "DATA longer than content-length", request(1, ends=False, path=PATH, method=b"POST", fields=[(b"content-length", b"2")]) + \
        frame(DATA, END_STREAM, 1, b"abc")
    yield "pseudo field in trailers", request(1, ends=False, path=PATH, method=b"POST") + frame(DATA, 0, 1, b"abc") + \
        head(1, literal(b":path", b"/open/other"))
    yield "trailers that do not end the stream", request(1, ends=False, path=PATH, method=b"POST") + frame(DATA, 0, 1, b"abc") + \
        frame(HEADERS, END_HEADERS, 1, literal(b"x-trailer", b"1")) + frame(DATA, END_STREAM, 1, b"more")
    for name, whole in WHOLE.items():
        yield name, head(1, whole)


def status(payload):
    """Of an answer's header block: the static index or the literal of `:status`."""
    statuses = {0x88: 200, 0x89: 204, 0x8a: 206, 0x8b: 304, 0x8c: 400, 0x8d: 404, 0x8e: 500}
    if payload[0] in statuses:
        return statuses[payload[0]]
    import hpack
    return int(dict(hpack.Decoder().decode(payload))[":status"])


def verdict(seen, is_closed):
    answers = [frame_ for frame_ in split(seen)[0] if frame_[2] == 1 or frame_[0] == GOAWAY]
    for kind, _, _, payload in answers:
        if kind == HEADERS:
            return status(payload)
        if kind in (RST_STREAM, GOAWAY):
            return "refused"
    return "refused" if is_closed else "silent"


def attack(enemy):
    passed = []
    for name, frames in sequences():
        connection = enemy.connect()
        if connection is None:
            continue
        with connection:
            connection.sendall(opening() + frames)
            connection.shutdown(1)
            seen, is_closed = enemy.listen(connection, 2)
            outcome = verdict(seen, is_closed)
            enemy.note(f"answered {outcome}")
            if outcome != "refused" and not (isinstance(outcome, int) and 400 <= outcome < 600):
                passed.append(f"{name}: {outcome}")
    enemy.keep("passed", passed)


def judge(notes):
    complaints = [f"accepted: {case}" for case in notes.get("passed", [])]
    if notes.get("service calls"):
        complaints.append(f"{notes['service calls']} reached the service")
    return complaints
