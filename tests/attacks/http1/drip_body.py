"""R.U.D.Y.: request bodies that arrive a byte at a time, with a length and in chunks.

RFC 9110 §15.5.9. An honest slow upload lives, so the bound is a minimum rate (limits.body_rate); meanwhile each may cost only what has arrived.
"""
LISTENER = "http1"
GROWTH_MIB = 16
EACH = 100


def attack(enemy):
    held, pieces = [], {}
    for framing, piece in ((b"Content-Length: 1000000", b"b"), (b"Transfer-Encoding: chunked", b"1\r\nb\r\n")):
        for _ in range(EACH):
            connection = enemy.connect()
            if connection is not None:
                connection.sendall(b"POST /open/x HTTP/1.1\r\nHost: gateway.test\r\n" + framing + b"\r\n\r\n")
                held.append(connection)
                pieces[connection] = piece

    def touch(connection):
        try:
            connection.setblocking(True)
            connection.sendall(pieces[connection])
        except OSError:
            return False
        return True
    enemy.hold(held, touch)


def judge(notes):
    return [f"{notes['service calls']} calls reached the service"] if notes.get("service calls", 0) > 2 else []
