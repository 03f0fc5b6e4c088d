"""Clients of TLS: Python's for requests, s_client for what Python does not show."""

import socket
import ssl
import subprocess

from . import http
from .waiting import PATIENCE


def context(authority=None, version=None, ciphers=None, client=None, protocols=None):
    """Strict by default: certificate and name are checked against the authority. Without one nothing is checked."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if authority is None:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    else:
        made.load_verify_locations(authority.path)
    if version is not None:
        made.minimum_version = made.maximum_version = version
    if ciphers is not None:
        made.set_ciphers(ciphers)
    if client is not None:
        made.load_cert_chain(client.cert, client.key)
    if protocols is not None:
        made.set_alpn_protocols(protocols)
    return made


class Connection(http.Connection):
    """As http.Connection, inside TLS; `before` goes ahead of it in the clear."""

    def __init__(self, address, context, name="gateway.test", session=None, timeout=10.0, before=b""):
        super().__init__(address, timeout)
        try:
            self.socket.sendall(before)
            self.socket = context.wrap_socket(self.socket, server_hostname=name, session=session)
        except BaseException:
            self.socket.close()
            raise

    def certificate(self):
        return self.socket.getpeercert(binary_form=True)

    def take_session(self):
        """With TLS 1.3 the tickets come after the handshake, with the first answer at the latest."""
        self.request("GET", "/health")
        return self.socket.session


def fetch(address, context, method="GET", target="/", headers=(), body=None, name="gateway.test", session=None, timeout=10.0):
    with Connection(address, context, name, session, timeout) as connection:
        return connection.request(method, target, headers, body, name or "gateway.test")


def refuses(address, context, name="gateway.test"):
    """True when no request can be made. In TLS 1.3 a client learns that its certificate is missing only after its own part is done."""
    try:
        fetch(address, context, target="/health", name=name)
    except (ssl.SSLError, ConnectionError, http.BrokenAnswer, socket.timeout):
        return True
    return False


def s_client(address, *arguments, text=""):
    """All that openssl s_client prints; `text` is typed into it."""
    done = subprocess.run(["openssl", "s_client", "-connect", "%s:%d" % address, *arguments], input=text, capture_output=True, text=True,
                          errors="replace", timeout=20 * PATIENCE)
    return done.stdout + done.stderr
