"""Unknown frames: types of extensions that nobody has.

RFC 9113 §5.5 says that they are ignored. The library prints a line to standard error for each (50,000 frames, 50,000 lines).
"""
from kit.frames import frame

LISTENER = "h2c"
GROWTH_MIB = 16


def attack(enemy):
    enemy.flood_http2(b"".join(frame(kind, 0, 0, b"extension") for kind in range(0x10, 0x90)) * 20)


def judge(notes):
    return [] if notes.get("closed by target") else ["no connection was ended"]
