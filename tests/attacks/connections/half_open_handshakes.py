"""Half-open handshakes: TLS connections that say nothing, half a ClientHello, or a byte now and then.

RFC 8446 §4. The handshake timeout must end them; until then each costs little.
"""
LISTENER = "tls"
GROWTH_MIB = 64
EACH = 150
# a record that announces 512 bytes of ClientHello and has eleven of them
HALF = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"


def attack(enemy):
    held = []
    for begun in (b"", HALF[:3], HALF):
        for _ in range(EACH):
            connection = enemy.connect()
            if connection is not None:
                try:
                    connection.sendall(begun)
                except OSError:
                    enemy.note("closed by target")
                    continue
                held.append(connection)
    enemy.hold(held)
