"""PING flood, answers never read.

CVE-2019-9512; RFC 9113 §6.7. Each PING wants an answer; whoever queues them for a client that does not read runs out of memory.
"""
from kit.frames import PING, frame

LISTENER = "h2c"
GROWTH_MIB = 32


def attack(enemy):
    enemy.flood_http2(frame(PING, 0, 0, b"anything") * 4000, reads=False)


def judge(notes):
    return [] if notes.get("closed by target") else ["no connection was ended"]
