"""Slow reads: a byte of window at a time.

CVE-2019-9511 (data dribble); RFC 9113 §6.9. Each WINDOW_UPDATE of 1 asks for a DATA frame of one byte: nine bytes of frame, one
system call. The budget of WINDOW_UPDATEs must end it.
"""
from kit.frames import request, window_update

LISTENER = "h2c"
GROWTH_MIB = 64
STREAMS = 50


def attack(enemy):
    streams = range(1, 2 * STREAMS, 2)
    begun = b"".join(request(stream, path=b"/open/bytes/1000000") for stream in streams)
    enemy.flood_http2(b"".join(window_update(stream, 1) for stream in streams) * 20, begun, initial_window_size=0)
