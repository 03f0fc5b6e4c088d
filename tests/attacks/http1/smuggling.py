"""Request smuggling: heads of which two programs in a row can think differently.

CWE-444; RFC 9112 §2.2, §3.2, §5, §6.1, §6.3, §7.1; RFC 9110 §5.5, §7.2. Each case is followed, in the same packet, by a whole second request. The
first must be refused with the status named here and the connection closed; the second must never be answered, nor reach the service.
"""
import re

LISTENER = "http1"
GROWTH_MIB = 16

H = b"Host: gateway.test\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
BODY = b"5\r\nhello\r\n0\r\n\r\n"
SECOND = b"GET /open/smuggled HTTP/1.1\r\nHost: gateway.test\r\n\r\n"


def get(fields=H, line=b"GET /open/x HTTP/1.1\r\n"):
    return line + fields + b"\r\n"


def post(fields, body=b"", line=b"POST /open/x HTTP/1.1\r\n"):
    return line + H + fields + b"\r\n" + body


def chunks(body):
    return post(CHUNKED, body)


CASES = [
    # name, bytes, statuses that are right
    ("no Host", get(b""), (400,)),
    ("two Hosts", get(H + H), (400,)),
    ("two Hosts that differ", get(H + b"Host: other.test\r\n"), (400,)),
    ("userinfo in Host", get(b"Host: user@gateway.test\r\n"), (400,)),
    ("path in Host", get(b"Host: gateway.test/x\r\n"), (400,)),
    ("blank in Host", get(b"Host: a b\r\n"), (400,)),
    ("comma in Host", get(b"Host: a.test, b.test\r\n"), (400,)),
    ("port that is no number", get(b"Host: gateway.test:80x\r\n"), (400,)),
    ("two equal lengths", post(b"Content-Length: 5\r\nContent-Length: 5\r\n", b"hello"), (400,)),
    ("two lengths that differ", post(b"Content-Length: 5\r\nContent-Length: 0\r\n", b"hello"), (400,)),
    ("list of lengths", post(b"Content-Length: 5, 5\r\n", b"hello"), (400,)),
    ("length with plus", post(b"Content-Length: +5\r\n", b"hello"), (400,)),
    ("negative length", post(b"Content-Length: -5\r\n", b"hello"), (400,)),
    ("hexadecimal length", post(b"Content-Length: 0x5\r\n", b"hello"), (400,)),
    ("empty length", post(b"Content-Length: \r\n"), (400,)),
    ("length with blank inside", post(b"Content-Length: 1 0\r\n"), (400,)),
    ("length of 20 digits", post(b"Content-Length: 99999999999999999999\r\n"), (400, 413)),
    ("length beyond 2^64", post(b"Content-Length: 18446744073709551621\r\n", b"hello"), (400, 413)),
    ("length and coding", post(b"Content-Length: 5\r\n" + CHUNKED, BODY), (400,)),
    ("coding and length", post(CHUNKED + b"Content-Length: 5\r\n", BODY), (400,)),
    ("two codings", post(CHUNKED + CHUNKED, BODY), (400, 501)),
    ("identity, then chunked", post(b"Transfer-Encoding: identity\r\n" + CHUNKED, BODY), (400, 501)),
    ("coding in HTTP/1.0", post(CHUNKED, BODY, b"POST /open/x HTTP/1.0\r\n"), (400,)),
    ("coding identity", post(b"Transfer-Encoding: identity\r\nX: y\r\n"), (400, 501)),
    ("coding xchunked", post(b"Transfer-Encoding: xchunked\r\n", BODY), (400, 501)),
    ("coding gzip", post(b"Transfer-Encoding: gzip\r\n"), (400, 501)),
    ("coding gzip, chunked", post(b"Transfer-Encoding: gzip, chunked\r\n", BODY), (400, 501)),
    ("coding chunked, identity", post(b"Transfer-Encoding: chunked, identity\r\n", BODY), (400, 501)),
    ("coding with vertical tab", post(b"Transfer-Encoding: \x0bchunked\r\n", BODY), (400, 501)),
    ("coding in quotes", post(b'Transfer-Encoding: "chunked"\r\n', BODY), (400, 501)),
    ("coding without value", post(b"Transfer-Encoding:\r\n"), (400, 501)),
    ("coding with blank before colon", post(b"Transfer-Encoding : chunked\r\n", BODY), (400,)),
    ("length with blank before colon", post(b"Content-Length : 5\r\n", b"hello"), (400,)),
    ("folded coding", post(b"Transfer-Encoding:\r\n chunked\r\n", BODY), (400, 501)),
    ("folded field", get(H + b"X-A: one\r\n two\r\n"), (400,)),
    ("first line begins with blank", get(b" Host: gateway.test\r\n" + H), (400,)),
    ("empty name", get(H + b": value\r\n"), (400,)),
    ("name with blank", get(H + b"X A: value\r\n"), (400,)),
    ("name with a character that no token has", get(H + b"X(A): value\r\n"), (400,)),
    ("line without colon", get(H + b"nothing\r\n"), (400,)),
    ("NUL in a value", get(H + b"X-A: a\x00b\r\n"), (400,)),
    ("control in a value", get(H + b"X-A: a\x01b\r\n"), (400,)),
    ("DEL in a value", get(H + b"X-A: a\x7fb\r\n"), (400,)),
    ("bare CR in a value", get(H + b"X-A: a\rb\r\n"), (400,)),
    ("bare CR before a field", get(H + b"X-A: a\rTransfer-Encoding: chunked\r\n"), (400,)),
    ("bare LF after a field", get(H + b"X-A: a\nX-B: b\r\n"), (400,)),
    ("bare LF after the request line", b"GET /open/x HTTP/1.1\n" + H + b"\r\n", (400,)),
    ("bare LFs only", b"GET /open/x HTTP/1.1\nHost: gateway.test\n\n", (400,)),
    ("empty method", get(line=b" /open/x HTTP/1.1\r\n"), (400,)),
    ("method no token", get(line=b'G@{"} /open/x HTTP/1.1\r\n'), (400,)),
    ("two blanks in the request line", get(line=b"GET  /open/x HTTP/1.1\r\n"), (400,)),
    ("tab in the request line", get(line=b"GET\t/open/x HTTP/1.1\r\n"), (400,)),
    ("blank in the target", get(line=b"GET /open/x y HTTP/1.1\r\n"), (400, 505)),
    ("blank at the end of the request line", get(line=b"GET /open/x HTTP/1.1 \r\n"), (400, 505)),
    ("control in the target", get(line=b"GET /open/\x01 HTTP/1.1\r\n"), (400,)),
    ("NUL in the target", get(line=b"GET /open/\x00 HTTP/1.1\r\n"), (400,)),
    ("fragment in the target", get(line=b"GET /open/x#y HTTP/1.1\r\n"), (400,)),
    ("target without slash", get(line=b"GET open/x HTTP/1.1\r\n"), (400,)),
    ("asterisk with GET", get(line=b"GET * HTTP/1.1\r\n"), (400,)),
    ("userinfo in an absolute target", get(line=b"GET http://u@gateway.test/open/x HTTP/1.1\r\n"), (400,)),
    ("no host in an absolute target", get(line=b"GET http:///open/x HTTP/1.1\r\n"), (400,)),
    ("other scheme", get(line=b"GET ftp://gateway.test/open/x HTTP/1.1\r\n"), (400,)),
    ("CONNECT", get(line=b"CONNECT gateway.test:443 HTTP/1.1\r\n"), (400, 405, 501)),
    ("HTTP/2.0", get(line=b"GET /open/x HTTP/2.0\r\n"), (400, 505)),
    ("HTTP/1.10", get(line=b"GET /open/x HTTP/1.10\r\n"), (400, 505)),
    ("HTTP/0.9 with a version", get(line=b"GET /open/x HTTP/0.9\r\n"), (400, 505)),
    ("no version", get(line=b"GET /open/x\r\n"), (400, 505)),
    ("version in lower case", get(line=b"GET /open/x http/1.1\r\n"), (400, 505)),
    ("version with a plus", get(line=b"GET /open/x HTTP/+1.1\r\n"), (400, 505)),
    ("many empty lines first", b"\r\n\r\n\r\n\r\n" + get(), (400,)),
    ("101 lines", get(H + b"".join(b"X-%d: y\r\n" % number for number in range(101))), (400, 431)),
    ("head of 300 KB", get(H + b"X-A: " + b"a" * 300_000 + b"\r\n"), (400, 431)),
    ("target of 20 KB", get(line=b"GET /open/" + b"a" * 20_000 + b" HTTP/1.1\r\n"), (400, 414)),
    ("chunk size no number", chunks(b"z\r\nhello\r\n0\r\n\r\n"), (400,)),
    ("chunk size with 0x", chunks(b"0x5\r\nhello\r\n0\r\n\r\n"), (400,)),
    ("chunk size with plus", chunks(b"+5\r\nhello\r\n0\r\n\r\n"), (400,)),
    ("negative chunk size", chunks(b"-5\r\nhello\r\n0\r\n\r\n"), (400,)),
    ("chunk size of 17 digits", chunks(b"00000000000000005\r\nhello\r\n0\r\n\r\n"), (400, 413)),
    ("chunk size beyond 2^64", chunks(b"10000000000000005\r\nhello\r\n0\r\n\r\n"), (400, 413)),
    ("junk after the chunk size", chunks(b"5 x\r\nhello\r\n0\r\n\r\n"), (400,)),
    ("blank before the chunk size", chunks(b" 5\r\nhello\r\n0\r\n\r\n"), (400,)),
    ("bare LF after the chunk size", chunks(b"5\nhello\r\n0\r\n\r\n"), (400,)),
    ("bare CR after the chunk size", chunks(b"5\r\rhello\r\n0\r\n\r\n"), (400,)),
    ("LF inside a chunk extension", chunks(b"5;a\nb\r\nhello\r\n0\r\n\r\n"), (400,)),
    ("no CR LF after the chunk", chunks(b"5\r\nhelloX\r\n0\r\n\r\n"), (400,)),
    ("bare LF after the chunk", chunks(b"5\r\nhello\n0\r\n\r\n"), (400,)),
    ("longer than its size", chunks(b"3\r\nhello\r\n0\r\n\r\n"), (400,)),
    ("bare LFs after the last chunk", chunks(b"5\r\nhello\r\n0\n\n"), (400,)),
    ("empty chunk size", chunks(b"\r\nhello\r\n0\r\n\r\n"), (400,)),
    ("megabyte of chunk extension", chunks(b"5;" + b"e" * 1_000_000 + b"\r\nhello\r\n0\r\n\r\n"), (400, 413, 431)),
    ("megabyte of trailers", chunks(b"5\r\nhello\r\n0\r\n" + b"X-T: y\r\n" * 130_000 + b"\r\n"), (400, 413, 431)),
]


def read_answers(seen):
    """The statuses of the answers, one behind the other."""
    found = []
    while True:
        head, mark, rest = seen.partition(b"\r\n\r\n")
        if not mark or not head.startswith(b"HTTP/1."):
            return found
        length = re.search(rb"\r\ncontent-length: *(\d+)", head.lower())
        if head[9:12] != b"100":
            found.append(int(head[9:12]))
        seen = rest[int(length[1]) if length else 0 if head[9:10] == b"1" else len(rest):]


def attack(enemy):
    passed = []
    for name, data, statuses in CASES:
        connection = enemy.connect()
        if connection is None:
            continue
        with connection:
            try:
                connection.sendall(data + SECOND)
                connection.shutdown(1)
            except OSError:
                pass  # refused before all of it was sent: the answer tells
            seen, _ = enemy.listen(connection, 3)
            statuses_seen = read_answers(seen)
            answers, status = len(statuses_seen), statuses_seen[0] if statuses_seen else 0
            enemy.note(f"answered {status}")
            if answers != 1 or status not in statuses:
                passed.append(f"{name}: {answers} answers, first {status}")
    enemy.keep("passed", passed)
    enemy.keep("cases", len(CASES))


def judge(notes):
    complaints = [f"accepted: {case}" for case in notes.get("passed", [])]
    if notes.get("service calls"):
        complaints.append(f"{notes['service calls']} reached the service")
    return complaints
