"""The hammer (tests/support/hammer.c) from Python: load in the background, a summary and single answers afterwards."""

import json
import os
import subprocess
import tempfile
from collections import namedtuple

from . import processes

Sample = namedtuple("Sample", "sent_us received_us status target connection")


class Load:
    """Begins at once; `finish` waits for its end."""

    def __init__(self, addresses, path="/", key=None, connections=8, seconds=5.0, requests=None, headers=(), method=None,
                 body=None, close=False, pause_us=0):
        handle, self.trace_path = tempfile.mkstemp(prefix="sluice-trace-")
        os.close(handle)
        command = [binary(), "--path", path, "--connections", str(connections), "--seconds", str(seconds), "--trace", self.trace_path]
        for host, port in addresses:
            command += ["--target", f"{host}:{port}"]
        for header in ([f"X-API-Key: {key}"] if key else []) + list(headers):
            command += ["--header", header]
        for name, value in (("--requests", requests), ("--method", method), ("--body", body), ("--pause-us", pause_us or None)):
            if value is not None:
                command += [name, str(value)]
        if close:
            command.append("--close")
        self.seconds = seconds
        self.process = processes.start(command, stdout=subprocess.PIPE)

    def finish(self):
        """The summary; `samples` and the attributes are filled."""
        try:
            output, _ = self.process.communicate(timeout=self.seconds + 60)
            assert self.process.returncode == 0
            with open(self.trace_path) as trace:
                self.samples = [Sample(*map(int, line.split())) for line in trace]
        finally:
            processes.end_family(self.process)
            os.unlink(self.trace_path)
        self.summary = json.loads(output)
        self.statuses = {int(status): count for status, count in self.summary["statuses"].items()}
        self.failures = {kind: count for kind, count in self.summary["failures"].items() if count > 0}
        self.events = self.summary["events"]
        return self

    def abandon(self):
        processes.end_family(self.process)
        if os.path.exists(self.trace_path):
            os.unlink(self.trace_path)


def binary():
    given = os.environ.get("SLUICE_HAMMER")
    return given or os.path.join(os.path.dirname(__file__), "../../../build/tests/support/sluice-hammer")


def hammer(addresses, path="/", **options):
    return Load(addresses, path, **options).finish()
