"""Slowloris: request heads that arrive a byte at a time and never end.

RFC 9110 §15.5.9. limits.head_timeout must end each however steadily it drips.
"""
LISTENER = "http1"
GROWTH_MIB = 16
CONNECTIONS = 200


def attack(enemy):
    held = []
    for _ in range(CONNECTIONS):
        connection = enemy.connect()
        if connection is not None:
            connection.sendall(b"GET /open/x HTTP/1.1\r\nHost: gateway.test\r\nX-Drip: ")
            held.append(connection)

    def touch(connection):
        try:
            connection.setblocking(True)
            connection.sendall(b"d")
        except OSError:
            return False
        return True
    enemy.hold(held, touch)


def judge(notes):
    if notes.get("held, closed by target", 0) < notes.get("held", 0) and notes.get("seconds", 0) >= 4:
        return [f"{notes.get('held, closed by target', 0)} of {notes['held']} were ended"]
    return []
