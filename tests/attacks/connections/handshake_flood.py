"""Handshake flood: full TLS handshakes, each thrown away.

The processor attack on TLS (THC-SSL-DOS without renegotiation). The server's share of an ECDSA handshake is small; the bystander must not feel it.
"""
LISTENER = "tls"
GROWTH_MIB = 32


def attack(enemy):
    while enemy.goes_on():
        connection = enemy.secure()
        if connection is not None:
            enemy.note("handshakes")
            connection.close()
