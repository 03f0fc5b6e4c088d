"""A listener behind a balancer that speaks the PROXY protocol: whose address counts, who is refused, and that TLS and HTTP find their first byte."""

import contextlib
import socket
import ssl
import struct
import subprocess
import time

import pytest
from sluice import http
from sluice.house import simple
from sluice.waiting import until

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V1 = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n"


def crc32c(data):
    crc = 0xffffffff
    for octet in data:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def v2(source="192.0.2.7", port=56324, command=0x21, extensions=b"", checksum=False):
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    addresses = socket.inet_pton(family, source) + socket.inet_pton(family, "::1" if ":" in source else "127.0.0.1") + struct.pack("!HH", port, 443)
    if checksum:
        extensions += b"\x03\0\x04\0\0\0\0"
    header = SIGNATURE + bytes([command, 0x21 if ":" in source else 0x11]) + struct.pack("!H", len(addresses + extensions)) + addresses + extensions
    return header[:-4] + struct.pack("!I", crc32c(header)) if checksum else header


def test_the_checksum_is_the_one_of_the_rfc():
    assert crc32c(b"123456789") == 0xe3069283


@pytest.fixture(scope="module")
def behind(shared_house):
    """A node behind a balancer on 127.0.0.1, and the service that sees what it tells."""
    main = shared_house.service()
    gateway = shared_house.configure(simple(main, trusted_proxies=["127.0.0.1", "10.0.0.0/8"],
                                            limits={"head_timeout": "4s", "connections_per_address": 5}))
    gateway.config["listen"] = [{"address": gateway.config["listen"][0], "proxy_protocol": True}]
    gateway.write_config()
    gateway.start()
    gateway.main = main
    return gateway


def refused(gateway, reason):
    return gateway.metrics().total("sluice_connections_refused_total", reason=reason)


def told(answer):
    """What the service was told about the client."""
    assert answer.status == 200, answer
    return next(value for name, value in answer.json()["headers"] if name.lower() == "x-forwarded-for")


def seen(gateway, beginning, headers=(), path="/open/x"):
    """The same for a connection that begins so."""
    with gateway.connect() as connection:
        connection.send(beginning + http.compose("GET", path, headers))
        client = told(connection.answer())
        assert told(connection.request("GET", "/open/again", headers)) == client  # the header is for the whole connection
    return client


@pytest.mark.parametrize("header,client", [
    (V1, "192.0.2.7"), (b"PROXY TCP6 2001:db8::7 2001:db8::1 1 2\r\n", "2001:db8::7"), (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
    (v2(), "192.0.2.7"), (v2("2001:db8::7"), "2001:db8::7"), (v2("::ffff:192.0.2.9"), "192.0.2.9"),
    (SIGNATURE + b"\x20\0\0\0", "127.0.0.1"), (v2(command=0x20), "127.0.0.1"),
    (v2(extensions=b"\x04\0\x03abc" + b"\xea\0\x10" + b"v" * 16), "192.0.2.7"), (v2(extensions=b"\x04\x03\xe8" + b"n" * 1000), "192.0.2.7"),
    (v2(checksum=True), "192.0.2.7"), (v2("2001:db8::7", checksum=True, extensions=b"\x01\0\x02h2"), "2001:db8::7")])
def test_the_client_is_who_the_header_says(behind, header, client):
    path = f"/open/{abs(hash(header))}"
    assert seen(behind, header, path=path) == client
    assert behind.log_line(path=path)["client"] == client


def test_a_client_of_the_balancer_is_not_trusted_itself(behind):
    assert seen(behind, V1, {"X-Forwarded-For": "203.0.113.1"}) == "192.0.2.7"
    # a proxy behind the balancer is, if its address is among trusted_proxies
    assert seen(behind, v2("10.1.2.3"), {"X-Forwarded-For": "203.0.113.1"}) == "203.0.113.1, 10.1.2.3"


@pytest.mark.parametrize("header", [V1, v2(checksum=True, extensions=b"\x04\0\x40" + b"n" * 64)])
def test_a_header_in_pieces_is_put_together(behind, header):
    for size in (1, 7):
        with behind.connect() as connection:
            connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for at in range(0, len(header), size):
                connection.send(header[at:at + size])
                time.sleep(0.001)
            assert told(connection.request("GET", "/open/x")) == "192.0.2.7"


def test_a_half_header_costs_no_cpu(behind):
    def ticks():
        return sum(sum(map(int, open(f"/proc/{pid}/stat").read().rsplit(") ", 1)[1].split()[11:13])) for pid in behind.family())
    connections = [behind.connect() for _ in range(5)]
    for connection in connections:
        connection.send(V1[:20])
    before = ticks()
    time.sleep(0.7)
    assert ticks() - before < 20  # of 70 on one core
    for connection in connections:
        connection.close()
    # and when the other half will never come, it is over at once
    began = behind.metrics().total("sluice_deadlines_total", kind="proxy")
    until(lambda: behind.metrics().total("sluice_connections_open") == 0, "not closed")
    assert behind.metrics().total("sluice_deadlines_total", kind="proxy") == began


@pytest.mark.parametrize("garbage", [
    b"GET /open/x HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\x02\0", b"PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n", b"PROXY TCP4 " + b"1" * 120, SIGNATURE + b"\x31",
    v2(extensions=b"\x04\0\x09abc"), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", v2(checksum=True)[:-1] + b"\xaa", SIGNATURE + b"\x21\x11\xff\xff"])
def test_who_sends_no_header_is_refused_at_once(behind, garbage):
    before, count = refused(behind, "proxy_broken"), behind.main.count
    late = behind.metrics().total("sluice_deadlines_total", kind="proxy")
    with behind.connect() as connection:
        connection.send(garbage)
        assert connection.ended()
    until(lambda: refused(behind, "proxy_broken") == before + 1, "not counted")
    assert behind.metrics().total("sluice_deadlines_total", kind="proxy") == late, "by the deadline only"
    assert behind.main.count == count


def test_who_sends_nothing_is_cut(behind):
    before = behind.metrics().total("sluice_deadlines_total", kind="proxy")
    with behind.connect() as silent, behind.connect() as half:
        half.send(V1[:30])
        assert silent.ended() and half.ended()
    until(lambda: behind.metrics().total("sluice_deadlines_total", kind="proxy") == before + 2, "not counted")


def test_who_is_no_trusted_proxy_is_refused(behind):
    before = refused(behind, "proxy_untrusted")
    with pytest.raises(OSError), contextlib.closing(socket.create_connection(behind.address, source_address=("127.0.0.9", 0), timeout=10)) as client:
        client.sendall(V1 + http.compose("GET", "/open/x"))
        assert client.recv(100) == b""
        raise ConnectionResetError
    until(lambda: refused(behind, "proxy_untrusted") == before + 1, "not counted")
    until(lambda: "127.0.0.9" in behind.errors(), "not said")


def test_a_balancer_that_looks_at_the_port_does_no_harm(behind):
    for _ in range(20):
        behind.connect().close()
    assert seen(behind, V1) == "192.0.2.7"
    until(lambda: behind.metrics().total("sluice_connections_open") == 0, "not closed")


def test_connections_are_counted_by_the_address_in_the_header(behind):
    before = refused(behind, "address_full")
    with contextlib.ExitStack() as stack:
        def serves(client):
            connection = stack.enter_context(behind.connect())
            connection.send(v2(client) + http.compose("GET", "/open/x"))
            try:
                return connection.answer().status == 200
            except http.BrokenAnswer:
                return False
        assert [serves("192.0.2.77") for _ in range(7)] == [True] * 5 + [False] * 2
        assert serves("192.0.2.78")
        # of IPv6 the /64
        assert [serves(f"2001:db8:1:2::{number}") for number in range(1, 7)] == [True] * 5 + [False]
        assert serves("2001:db8:1:3::1")
    until(lambda: refused(behind, "address_full") == before + 3, "not counted")


def test_tls_follows_the_header(house):
    main = house.service()
    cert, key = f"{house.folder}/cert.pem", f"{house.folder}/key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", cert, "-days", "1",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    gateway = house.configure(simple(main, trusted_proxies=["127.0.0.1"]))
    gateway.config["listen"] = [{"address": gateway.config["listen"][0], "proxy_protocol": True, "tls": {"certificates": [{"cert": cert, "key": key}]}}]
    gateway.write_config()
    gateway.start()
    context = ssl.create_default_context(cafile=cert)
    for header in (V1, v2(checksum=True)):
        with socket.create_connection(gateway.address, timeout=10) as plain:
            plain.sendall(header)
            with context.wrap_socket(plain, server_hostname="localhost") as secure:
                secure.sendall(http.compose("GET", "/open/x", {"Connection": "close"}))
                data = b""
                while chunk := secure.recv(65536):
                    data += chunk
        assert data.startswith(b"HTTP/1.1 200")
        assert b'"192.0.2.7"' in data
