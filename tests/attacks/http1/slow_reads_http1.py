"""Slow reads: an answer taken byte by byte through a tiny receive buffer.

The "slow read" attack on HTTP/1.1. A client may be slow, so it is served; what it may not do is cost memory.
"""
LISTENER = "http1"
GROWTH_MIB = 64
CONNECTIONS = 100


def attack(enemy):
    held = []
    for _ in range(CONNECTIONS):
        connection = enemy.connect(receive_buffer=2048, segment=536)
        if connection is not None:
            connection.sendall(b"GET /open/bytes/8000000 HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
            connection.setblocking(False)
            held.append(connection)
    while enemy.goes_on():
        for connection in held:
            try:
                connection.recv(1)
                enemy.note("bytes read")
            except OSError:
                pass
        enemy.rest(0.05)
