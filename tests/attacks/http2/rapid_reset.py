"""Rapid reset: requests that are taken back in the same breath.

CVE-2023-44487; RFC 9113 §5.4.2. Each costs the client 20 bytes. Hardly any may reach the service, and the connection must be
ended long before its streams are used up.
"""
from kit.frames import GOAWAY, opening, request, reset, split

LISTENER = "h2c"
GROWTH_MIB = 32
STREAMS = 20_000


def attack(enemy):
    wave = b"".join(request(stream) + reset(stream) for stream in range(1, 2 * STREAMS, 2))
    probe = enemy.connect()
    with probe:
        enemy.push(probe, opening() + wave)
        seen, is_closed = enemy.listen(probe, 1)
        goaways = [payload for kind, _, _, payload in split(seen)[0] if kind == GOAWAY]
        enemy.keep("closed", is_closed or bool(goaways))
        enemy.keep("allowed", int.from_bytes(goaways[-1][:4], "big") // 2 if goaways else None)
    while enemy.goes_on():
        connection = enemy.connect()
        if connection is None:
            continue
        with connection:
            if enemy.push(connection, opening() + wave):
                enemy.note("whole waves")


def judge(notes):
    complaints = []
    if not notes.get("closed"):
        complaints.append(f"a connection was allowed {STREAMS} resets")
    if notes.get("service calls", 0) > 100 * notes.get("connections", 0):
        complaints.append(f"{notes['service calls']} calls reached the service")
    return complaints
