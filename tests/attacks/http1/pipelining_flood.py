"""Pipelined requests without a pause, answers never read.

RFC 9112 §9.3.2. A client may pipeline; the answers that it does not read must stop the reading of its requests.
"""
LISTENER = "http1"
GROWTH_MIB = 32


def attack(enemy):
    enemy.flood(b"", b"GET /open/bytes/4096 HTTP/1.1\r\nHost: gateway.test\r\n\r\n" * 1000, reads=False)
