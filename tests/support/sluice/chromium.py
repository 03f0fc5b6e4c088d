"""A real browser without a window: starts with a page of the test's, knows nobody but this machine, ends with the test."""

import base64
import hashlib
import os
import shutil
import socket
import tempfile

from cryptography.hazmat.primitives import serialization

from . import processes
from .waiting import until

# A fresh profile is eager to meet its maker's servers; nothing of that belongs into a test.
QUIET = ["--headless", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking", "--disable-component-update",
         "--disable-default-apps", "--disable-extensions", "--disable-sync", "--disable-breakpad", "--no-proxy-server", "--metrics-recording-only",
         "--password-store=basic"]


def binary():
    """None where there is none."""
    return shutil.which("chromium")


def spki(pair):
    """What --ignore-certificate-errors-spki-list knows a certificate by: SHA-256 of its public key."""
    key = pair.certificate.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode()


class NetworkWatch:
    """Whether the machine got or lost an interface or an address, be it a container's: a browser then gives up all that it has under way."""

    LINKS, IPV4, IPV6 = 0x1, 0x10, 0x100  # RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR

    def __init__(self):
        self._news = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self._news.setblocking(False)
        self._news.bind((0, self.LINKS | self.IPV4 | self.IPV6))

    def has_changed(self):
        try:
            return len(self._news.recv(4096)) > 0
        except BlockingIOError:
            return False
        except OSError:  # more news than fit
            return True

    def close(self):
        self._news.close()


class Chromium:
    """`trusted`: the pair whose certificate is taken although no authority that the browser knows has issued it; any other is refused as ever."""

    def __init__(self, url, name, trusted):
        self.profile = tempfile.mkdtemp(prefix="sluice-chromium-")
        command = [binary(), *QUIET, f"--user-data-dir={self.profile}", f"--ignore-certificate-errors-spki-list={spki(trusted)}",
                   f"--host-resolver-rules=MAP {name} 127.0.0.1, MAP * ~NOTFOUND"]
        if os.geteuid() == 0:  # its sandbox has no place to go to from root
            command.append("--no-sandbox")
        with open(self._words, "wb") as words:
            self.process = processes.start([*command, url], stdout=words, stderr=words, env={**os.environ, "HOME": self.profile, "TMPDIR": self.profile})

    @property
    def _words(self):
        return os.path.join(self.profile, "words.log")

    def words(self):
        with open(self._words, errors="replace") as file:
            return file.read()

    def close(self):
        family = processes.descendants(self.process.pid)
        processes.end_family(self.process)
        until(lambda: not any(processes.is_alive(pid) for pid in family), lambda: f"left behind: {family}", seconds=20)
        shutil.rmtree(self.profile, ignore_errors=True)
