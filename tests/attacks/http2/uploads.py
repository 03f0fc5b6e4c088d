"""Uploads × streams: a hundred bodies on every connection, none of them finished.

RFC 9113 §5.1.2, §6.9. The library keeps whole bodies before any handler runs: 50 streams of 8 MB held 440 MB. The budget for
buffered bodies must bound it for each worker, counted as they arrive: 64 MiB here, twice that because buffers grow by
doubling, and 64 MiB for what the allocator keeps.
"""
from kit.frames import DATA, frame, opening, request

LISTENER = "h2c"
GROWTH_MIB, IS_PER_WORKER = 192, True
CONNECTIONS, STREAMS, PIECES = 8, 100, 60


def attack(enemy):
    held = []
    begun = opening() + b"".join(request(stream, ends=False, method=b"POST") for stream in range(1, 2 * STREAMS, 2))
    wave = b"".join(frame(DATA, 0, stream, b"u" * 16384) for stream in range(1, 2 * STREAMS, 2))
    for _ in range(CONNECTIONS):
        connection = enemy.connect()
        if connection is not None and enemy.push(connection, begun):
            held.append(connection)
    for _ in range(PIECES):
        for connection in list(held):
            if not enemy.push(connection, wave):
                held.remove(connection)
        if not held:
            break
    enemy.hold(held)
