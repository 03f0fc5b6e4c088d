"""What is attacked: a node with a service and a Redis behind it, or the bare library."""

import os
import subprocess
import tempfile
import shutil
from collections import namedtuple

from sluice import http, processes
from sluice.house import House
from sluice.node import binary
from sluice.waiting import until

Seen = namedtuple("Seen", "addresses")

# Short enough to be seen within a run of seconds, long enough for everybody who is honest.
LIMITS = {"body": "1MiB", "bodies": "64MiB", "stall": "2s", "head_timeout": "1s", "body_grace": "1s", "idle": "2s"}


def bare_binary():
    folder = os.path.dirname(os.path.abspath(binary()))
    return os.environ.get("SLUICE_BARE_H2O") or os.path.join(folder, "tests/attacks/sluice-bare-h2o")


def make_certificate(folder):
    certificate, key = os.path.join(folder, "certificate.pem"), os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "7",
                    "-subj", "/CN=gateway.test", "-addext", "subjectAltName=DNS:gateway.test,IP:127.0.0.1",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


class Bare:
    """One process with the library's defaults."""

    name = "bare library"

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="sluice-bare-")
        certificate, key = make_certificate(self.folder)
        plain, secure = processes.free_port(), processes.free_port()
        self.addresses = {"http1": ("127.0.0.1", plain), "h2c": ("127.0.0.1", plain), "tls": ("127.0.0.1", secure)}
        self.command = [bare_binary(), str(plain), str(secure), certificate, key]
        self.path = "/api/bytes/64"
        self.headers = []
        self.start()

    def start(self):
        with open(os.path.join(self.folder, "errors.log"), "ab") as errors:
            self.process = processes.start(self.command, stdout=errors, stderr=errors)

        def answers():
            try:
                return http.fetch(self.addresses["http1"]).status == 200
            except OSError:
                return False
        until(answers, "the bare library does not answer")

    def workers(self):
        return {self.process.pid} if self.process.poll() is None else set()

    def seen_by_enemy(self):
        return Seen(self.addresses)

    def close(self):
        processes.end_family(self.process)
        shutil.rmtree(self.folder)


class NodeTarget:
    """A node with a plain, an HTTP/2 and a TLS listener. Its services are the bare library, which is fast: one for the
    attacker, one for the bystander, who must not suffer from a service that is busy.
    """

    name = "node"

    def __init__(self, workers=2, **limits):
        self.house = House()
        self.service, self.quiet_service = Bare(), Bare()
        certificate, key = make_certificate(self.house.folder)
        ports = {name: processes.free_port() for name in ("http1", "h2c", "tls")}
        self.addresses = {name: ("127.0.0.1", port) for name, port in ports.items()}
        self.node = self.house.configure({
            "listen": ["127.0.0.1:%d" % ports["http1"],
                       {"address": "127.0.0.1:%d" % ports["h2c"], "http2": True},
                       {"address": "127.0.0.1:%d" % ports["tls"], "tls": {"certificates": [{"cert": certificate, "key": key}]}}],
            "workers": workers,
            # A kernel that follows connections (nf_conntrack) drops some of those that floods make; a SYN is sent again after a second.
            "services": {name: {"instances": ["http://127.0.0.1:%d" % service.addresses["http1"][1]], "timeouts": {"connect": "10s"}}
                         for name, service in (("main", self.service), ("quiet", self.quiet_service))},
            "routes": [{"path": "/api/*", "service": "quiet"}, {"path": "/open/*", "service": "main", "auth": "none"}],
            "keys": {"limit": "1000000000/1s"},
            "limits": {**LIMITS, **limits},
            "log": {"level": "warn"},
        })
        self.node.address = self.addresses["http1"]
        self.node.start()
        self.path = "/api/bytes/64"
        self.headers = ["X-API-Key: " + self.house.redis.provision("bystander")]

    def workers(self):
        """The pids of those that serve."""
        found = set()
        for pid in self.node.family():
            try:
                with open(f"/proc/{pid}/comm") as name:
                    if "worker" in name.read():
                        found.add(pid)
            except OSError:
                pass
        return found

    def service_requests(self):
        return int(http.fetch(self.service.addresses["http1"], target="/count").body)

    def seen_by_enemy(self):
        return Seen(self.addresses)

    def close(self):
        try:
            self.house.close()
        finally:
            self.service.close()
            self.quiet_service.close()
