"""Endless request lines: a target, and a method, that never end.

RFC 9112 §3: 414 for a target, 501 or 400 for a method, and the connection closed.
"""
LISTENER = "http1"
GROWTH_MIB = 16


def attack(enemy):
    while enemy.goes_on():
        for begun in (b"GET /open/", b""):
            connection = enemy.connect()
            if connection is None:
                continue
            with connection:
                for piece in (begun, *[b"M" * 60000] * 100):
                    if not enemy.push(connection, piece):
                        break
                else:
                    enemy.note("not stopped")


def judge(notes):
    return [f"{notes['not stopped']} lines of megabytes were listened to"] if notes.get("not stopped") else []
