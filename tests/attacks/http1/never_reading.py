"""Never reading: large answers are asked for and not taken.

RFC 9112 §9.5. The service must be slowed down to the client's pace, so that a stalled answer holds a buffer and not its body; limits.stall
ends it.
"""
LISTENER = "http1"
GROWTH_MIB = 64
CONNECTIONS = 100


def attack(enemy):
    held = []
    for _ in range(CONNECTIONS):
        connection = enemy.connect(receive_buffer=32768)
        if connection is not None:
            connection.sendall(b"GET /open/bytes/8000000 HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
            held.append(connection)
    enemy.note("held", len(held))
    enemy.rest(100)
