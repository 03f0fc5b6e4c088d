"""Connection flood from one address: as many as the address has, opened and held.

RFC 9110 §17 leaves it to us. limits.connections_per_address must stop it, so that everybody else is still accepted.
"""
import resource

LISTENER = "http1"
GROWTH_MIB = 64
MOST = 8000


def attack(enemy):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    held = []
    while enemy.goes_on():
        if len(held) >= min(MOST, hard - 100):
            held.pop(0).close()
        connection = enemy.connect(timeout=0.2)
        if connection is not None:
            held.append(connection)
    enemy.keep("ended at once", sum(enemy.is_closed(connection) for connection in held))


def judge(notes):
    return [] if notes.get("ended at once") or notes.get("refused connections") else ["an address may hold thousands of connections"]
