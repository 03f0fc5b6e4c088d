"""Connections that are closed, or reset, as soon as they are open.

What a port scanner and a broken health check do, at full speed. Accepting must not starve those who are already here.
"""
import socket
import struct

LISTENER = "http1"
GROWTH_MIB = 16


def attack(enemy):
    count = 0
    while enemy.goes_on():
        connection = enemy.connect(timeout=0.2)
        if connection is None:
            continue
        if count % 2:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        count += 1
