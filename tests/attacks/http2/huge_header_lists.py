"""Huge header lists: thousands of small fields, and fields of hundreds of kilobytes.

RFC 9113 §10.5.1. Refused with 431 or the connection ended, and never forwarded.
"""
from kit.frames import block, head, literal, opening

LISTENER = "h2c"
GROWTH_MIB = 48
FEW, MANY = 400_000, 12_000


def attack(enemy):
    many = b"".join(literal(b"x-%d" % number, b"v") for number in range(MANY))
    large = literal(b"x-large", b"v" * FEW)
    cookies = literal(b"cookie", b"a=b") * MANY
    while enemy.goes_on():
        for fields in (many, large, cookies):
            connection = enemy.connect()
            if connection is None:
                continue
            with connection:
                enemy.push(connection, opening() + b"".join(head(stream, block() + fields) for stream in (1, 3, 5, 7)))
                enemy.listen(connection, 0.1)
                enemy.note("lists", 4)


def judge(notes):
    return [f"{notes['service calls']} calls reached the service"] if notes.get("service calls", 0) > 10 else []
