"""WINDOW_UPDATE flood on a connection without a request.

RFC 9113 §6.9. Costs processor time only; the increments are kept below the overflow that would end the connection by itself.
"""
from kit.frames import opening, request, window_update

LISTENER = "h2c"
GROWTH_MIB = 16


def attack(enemy):
    # one byte each: 2^31 - 1 of them fit
    enemy.flood(opening() + request(1, path=b"/open/bytes/1"), window_update(0, 1) * 5000)


def judge(notes):
    return [] if notes.get("closed by target") else ["no connection was ended"]
