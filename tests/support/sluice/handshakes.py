"""The client of handshakes (tests/support/handshakes.c) from Python: sessions without end in the background, and which certificates they saw."""

import json
import os
import tempfile

from . import load, processes
from .waiting import PATIENCE


class Handshakes:
    """Begins at once; `finish` ends it, after which `done`, `failed` and `per_second` are there."""

    def __init__(self, address, clients=8, seconds=600):
        handle, self.path = tempfile.mkstemp(prefix="sluice-handshakes-")
        command = [os.path.join(os.path.dirname(load.binary()), "sluice-handshakes"), "--target", "%s:%d" % address,
                   "--clients", str(clients), "--seconds", str(seconds)]
        self.process = processes.start(command, stdout=handle)
        os.close(handle)

    def _told(self, word):
        with open(self.path) as said:
            return [line.partition(" ")[2].rstrip("\n") for line in said if line.startswith(word + " ") and line.endswith("\n")]

    @property
    def certificates(self):
        """Fingerprints, one each time that another was shown than the time before."""
        return self._told("certificate")

    @property
    def failures(self):
        return self._told("failed")

    def finish(self):
        self.process.terminate()
        self.process.wait(timeout=30 * PATIENCE)
        assert self.process.returncode == 0
        with open(self.path) as said:
            summary = json.loads(said.read().splitlines()[-1])
        self.done, self.failed, self.per_second = summary["done"], summary["failed"], summary["per_second"]
        return self

    def close(self):
        processes.end_family(self.process)
        os.unlink(self.path)
