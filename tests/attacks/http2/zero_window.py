"""Zero window: answers are asked for and never taken.

CVE-2019-9517 and the family of slow HTTP/2 attacks; RFC 9113 §6.9. 100 streams on each connection want 4 MB with a window of 0.
Memory per stream must be small, and limits.stall must end it.
"""
from kit.frames import opening, request

LISTENER = "h2c"
GROWTH_MIB = 400  # a quarter of a megabyte for each stream
CONNECTIONS, STREAMS = 16, 100


def attack(enemy):
    held = []
    wave = opening(initial_window_size=0) + b"".join(request(stream, path=b"/open/bytes/4000000") for stream in range(1, 2 * STREAMS, 2))
    for _ in range(CONNECTIONS):
        connection = enemy.connect()
        if connection is not None and enemy.push(connection, wave):
            held.append(connection)
    enemy.hold(held)
