"""The clients that people use, over every protocol that a node speaks: curl, nghttp, h2load, python3-h2, openssl s_client."""

import json
import os
import re
import shutil
import socket
import subprocess

import pytest
from sluice import http2, processes, service, tls
from sluice.certificates import Authority
from sluice.waiting import PATIENCE

# how curl is told, listener, scheme, what it says that it spoke
CURL = {
    "HTTP/1.0": (["--http1.0"], "plain", "http", "1.1"),  # a server answers with its own version (RFC 9110 §2.5)
    "HTTP/1.1": (["--http1.1"], "plain", "http", "1.1"),
    "HTTP/2 by prior knowledge": (["--http2-prior-knowledge"], "h2c", "http", "2"),
    "HTTP/1.1 on TLS 1.2": (["--http1.1", "--tls-max", "1.2"], "tls", "https", "1.1"),
    "HTTP/1.1 on TLS 1.3": (["--http1.1", "--tlsv1.3"], "tls", "https", "1.1"),
    "HTTP/2 on TLS 1.2": (["--http2", "--tls-max", "1.2"], "tls", "https", "2"),
    "HTTP/2 on TLS 1.3": (["--http2", "--tlsv1.3"], "tls", "https", "2"),
}


def behave(request, wire):
    if request.target.startswith("/open/large"):
        return wire.reply(200, b"0123456789" * 300_000)
    return service.echo(request, wire)


@pytest.fixture(scope="module")
def house(shared_house):
    shared_house.authority = Authority(shared_house.folder)
    pair = shared_house.authority.issue("gateway", ["gateway.test", "127.0.0.1", "localhost"])
    ports = {name: processes.free_port() for name in ("plain", "h2c", "tls")}
    shared_house.at = {name: ("127.0.0.1", port) for name, port in ports.items()}
    node = shared_house.configure({
        "services": {"main": {"instances": [shared_house.service(behave).url]}},
        "routes": [{"path": "/open/*", "service": "main", "auth": "none"}, {"path": "/api/*", "service": "main"}],
        "keys": {"limit": "1000000/1s"},
        "listen": ["127.0.0.1:%d" % ports["plain"], {"address": "127.0.0.1:%d" % ports["h2c"], "http2": True},
                   {"address": "127.0.0.1:%d" % ports["tls"], "tls": {"certificates": [pair.setting()]}}],
    })
    node.address = shared_house.at["plain"]
    shared_house.gateway = node.start()
    shared_house.key = shared_house.redis.provision("clients")
    return shared_house


def run(*command, text=None):
    done = subprocess.run(command, input=text, capture_output=True, timeout=30 * PATIENCE)
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout[-2000:]!r}\n{done.stderr[-2000:]!r}"
    return done.stdout


def curl(house, protocol, path, *arguments, text=None):
    """Body, and curl's own words about the protocol."""
    options, listener, scheme, _ = CURL[protocol]
    host, port = house.at[listener]
    output = run("curl", "-s", "-S", "--noproxy", "*", *options, "--cacert", house.authority.path, "-w", "\n%{http_code} %{http_version}",
                 *arguments, f"{scheme}://{host}:{port}{path}", text=text)
    body, _, words = output.rpartition(b"\n")
    return body, words.decode().split()


@pytest.mark.parametrize("protocol", CURL)
def test_curl(house, protocol):
    spoken = CURL[protocol][3]

    body, words = curl(house, protocol, "/api/x?q=1", "-H", f"X-API-Key: {house.key}")
    assert words == ["200", spoken]
    assert json.loads(body)["target"] == "/api/x?q=1"

    body, words = curl(house, protocol, "/open/up", "--data-binary", "@-", text=b"b" * 50_000)
    assert words == ["200", spoken]
    assert json.loads(body)["body_bytes"] == 50_000

    body, words = curl(house, protocol, "/open/large")
    assert (words, len(body)) == (["200", spoken], 3_000_000)

    body, words = curl(house, protocol, "/api/x")
    assert words == ["401", spoken]
    assert json.loads(body)["status"] == 401

    _, words = curl(house, protocol, "/open/x", "-I")
    assert words == ["200", spoken]


def test_curl_uploads_with_expect_and_in_chunks(house):
    for options in (["-H", "Expect: 100-continue"], ["-H", "Transfer-Encoding: chunked"]):
        body, words = curl(house, "HTTP/1.1", "/open/up", *options, "--data-binary", "@-", text=b"c" * 200_000)
        assert words == ["200", "1.1"]
        assert json.loads(body)["body_bytes"] == 200_000


def test_curl_keeps_its_connection(house):
    """Several URLs, one connection, over each protocol."""
    for protocol in CURL:
        options, listener, scheme, spoken = CURL[protocol]
        # curl 7.88 fails on its own second request with prior knowledge (error 16, with nghttpd too); HTTP/1.0 keeps nothing
        if protocol in ("HTTP/1.0", "HTTP/2 by prior knowledge"):
            continue
        host, port = house.at[listener]
        urls = [f"{scheme}://{host}:{port}/open/{number}" for number in range(5)]
        done = subprocess.run(["curl", "-s", "-v", "--noproxy", "*", *options, "--cacert", house.authority.path, *urls, "-w", "\n%{http_code}\n"],
                              capture_output=True, timeout=30 * PATIENCE)
        assert done.returncode == 0, done.stderr
        assert done.stderr.count(b"Re-using existing connection") == 4, (protocol, done.stderr[-3000:])


@pytest.mark.parametrize("listener, scheme", [("h2c", "http"), ("tls", "https")])
def test_nghttp(house, listener, scheme):
    host, port = house.at[listener]
    urls = [f"{scheme}://{host}:{port}/open/{name}" for name in ("one", "two", "large")]

    # several streams on one connection, verbosely
    output = run("nghttp", "-v", "-n", "--no-dep", *urls).decode(errors="replace")
    assert len(re.findall(r":status: 200", output)) == 3, output[-3000:]
    assert "GOAWAY" not in "".join(line for line in output.splitlines() if "recv GOAWAY" in line)

    # with the PRIORITY frames that it sends by default, and a body
    upload = os.path.join(house.folder, "upload")
    with open(upload, "wb") as file:
        file.write(b"n" * 30_000)
    answer = json.loads(run("nghttp", "-d", upload, urls[0]))
    assert (answer["method"], answer["body_bytes"]) == ("POST", 30_000)


@pytest.mark.parametrize("listener, scheme, options", [
    ("plain", "http", ["--h1"]), ("h2c", "http", []), ("tls", "https", []), ("tls", "https", ["--h1"])])
def test_h2load(house, listener, scheme, options):
    host, port = house.at[listener]
    output = run("h2load", "-n", "600", "-c", "6", "-m", "10", "-t", "1", *options, f"{scheme}://{host}:{port}/open/x").decode()

    assert "600 done, 600 succeeded, 0 failed, 0 errored, 0 timeout" in output, output
    assert "status codes: 600 2xx" in output, output


@pytest.mark.parametrize("listener", ["h2c", "tls"])
def test_python_h2(house, listener):
    sock = None
    if listener == "tls":
        sock = tls.context(house.authority, protocols=["h2"]).wrap_socket(socket.create_connection(house.at["tls"]), server_hostname="gateway.test")
        assert sock.selected_alpn_protocol() == "h2"
    with http2.Client(house.at[listener], sock) as client:
        scheme = "https" if listener == "tls" else "http"
        streams = [client.begin(http2.request_fields(f"/open/{number}", scheme=scheme)) for number in range(20)]
        assert [client.answer(stream).json()["target"] for stream in streams] == [f"/open/{number}" for number in range(20)]
        assert client.request("/open/up", "POST", b"p" * 16_000, scheme=scheme).json()["body_bytes"] == 16_000
        assert client.request("/api/x", scheme=scheme).status == 401


@pytest.mark.parametrize("version, cipher", [
    ("-tls1_2", "ECDHE-ECDSA-AES128-GCM-SHA256"), ("-tls1_2", "ECDHE-ECDSA-CHACHA20-POLY1305"), ("-tls1_3", "TLS_AES_128_GCM_SHA256")])
def test_s_client(house, version, cipher):
    choice = ["-ciphersuites" if version == "-tls1_3" else "-cipher", cipher]
    output = tls.s_client(house.at["tls"], version, *choice, "-CAfile", house.authority.path, "-servername", "gateway.test", "-verify_return_error",
                          "-ign_eof", text="GET /open/typed HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n\r\n")

    assert "HTTP/1.1 200 OK" in output or "HTTP/1.1 200 Scripted" in output, output[-3000:]
    assert f"Cipher is {cipher}" in output
    assert '"target": "/open/typed"' in output


def test_wget_and_others_that_are_here(house):
    """Not in the packages of the tests; used where somebody has them."""
    host, port = house.at["plain"]
    for command in (["wget", "-q", "-O", "-"], ["python3", "-c", "import sys,urllib.request;print(urllib.request.urlopen(sys.argv[1]).read().decode())"]):
        if shutil.which(command[0]):
            assert json.loads(run(*command, f"http://{host}:{port}/open/other"))["target"] == "/open/other"
