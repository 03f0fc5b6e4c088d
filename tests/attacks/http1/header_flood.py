"""Header floods: heads without end, of many lines and of one.

RFC 9112 §2.2, RFC 6585 §5. Refused with 431 (or 400) while still incomplete, and the connection closed; what has arrived by then is all that
may be kept.
"""
LISTENER = "http1"
GROWTH_MIB = 16


def attack(enemy):
    begun = b"GET /open/x HTTP/1.1\r\nHost: gateway.test\r\n"
    units = (b"".join(b"X-%d: y\r\n" % number for number in range(4000)), b"X-Long: " + b"v" * 60000, b"\tfolded\r\n" * 5000, b"\r" * 50000)
    while enemy.goes_on():
        for unit in units:
            connection = enemy.connect()
            if connection is None:
                continue
            with connection:
                if enemy.push(connection, begun):
                    for _ in range(100):
                        if not enemy.push(connection, unit):
                            break
                    else:
                        enemy.note("not stopped")


def judge(notes):
    return [f"{notes['not stopped']} heads of megabytes were listened to"] if notes.get("not stopped") else []
