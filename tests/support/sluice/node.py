"""The node under test: the real program with a configuration written by the test, watched from start to end."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile

from . import http, load, processes
from .metrics import Metrics
from .waiting import PATIENCE, until

SANITIZER_REPORT = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|Assertion `")


def binary():
    return os.environ.get("SLUICE_BIN") or os.path.abspath(os.path.join(os.path.dirname(__file__), "../../../build/sluice"))


class Node:
    def __init__(self, config, env=None):
        self.folder = tempfile.mkdtemp(prefix="sluice-node-")
        self.config_path = os.path.join(self.folder, "sluice.yaml")
        self.address = ("127.0.0.1", processes.free_port())
        self.ops_address = ("127.0.0.1", processes.free_port())
        self.config = {"listen": ["%s:%d" % self.address], "ops": "%s:%d" % self.ops_address, "workers": 2, **config}
        self.write_config()
        self.env = {**os.environ, **(env or {})}
        self.is_expected_to_die = False
        self.process = None

    def write_config(self, text=None):
        """JSON is YAML. With `text`, exactly that."""
        with open(self.config_path, "w") as file:
            file.write(text if text is not None else json.dumps(self.config, indent=1))

    # --- life ---

    def start(self, wait=True):
        with open(self.path("access"), "ab") as access, open(self.path("errors"), "ab") as errors:
            self.process = processes.start(
                [binary(), "serve", "-c", self.config_path], stdout=access, stderr=errors, env=self.env, cwd=self.folder)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self):
        def is_ready():
            assert self.process.poll() is None, f"ended with {self.process.returncode}:\n{self.errors()[-3000:]}"
            answer = self.ready()
            return answer.status == 200 and answer.json()["workers"]["with_redis"] == self.config["workers"]
        until(is_ready, lambda: f"not ready: {self.ready()}\n{self.errors()[-3000:]}", seconds=15, pause=0.02)

    def ready(self):
        """The answer of /ready; a status 0 stands for no answer."""
        try:
            return http.fetch(self.ops_address, target="/ready")
        except (OSError, http.BrokenAnswer):
            return http.Answer(0, "", [], b"")

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        """TERM; everything must end by itself, well, and without a complaint of a sanitizer."""
        family = processes.descendants(self.process.pid)
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=15 * PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"does not end after TERM:\n{self.errors()[-3000:]}") from None
        assert self.process.returncode == 0, f"ended with {self.process.returncode}:\n{self.errors()[-3000:]}"
        until(lambda: not any(processes.is_alive(pid) for pid in family), lambda: f"left behind: {family}")

    def close(self):
        """End of the test. A node that runs is stopped and judged; the folder goes in any case."""
        try:
            if self.process is not None and self.process.poll() is None and not self.is_expected_to_die:
                self.stop()
            report = SANITIZER_REPORT.search(self.errors())
            assert report is None, self.errors()[max(0, report.start() - 200):report.start() + 6000]
        finally:
            if self.process is not None:
                processes.end_family(self.process)
            shutil.rmtree(self.folder)

    def reload(self, **changes):
        """HUP with changed settings; waits until every worker has them, which is told in the log."""
        in_force = "configuration %d is in force in all" % (self.ready().json()["generation"] + 1)
        self.config.update(changes)
        self.write_config()
        self.signal(signal.SIGHUP)
        until(lambda: in_force in self.errors(), lambda: f"no reload:\n{self.errors()[-2000:]}", seconds=10)
        self.wait_ready()

    # --- traffic ---

    def fetch(self, method="GET", target="/", headers=(), body=None, host="gateway.test", key=None, timeout=10.0):
        pairs = list(headers.items() if isinstance(headers, dict) else headers)
        if key is not None:
            pairs.append(("X-API-Key", key))
        return http.fetch(self.address, method, target, pairs, body, host, timeout)

    def wait_serving(self, target="/", key=None):
        """After a fault: waits until all workers are well again."""
        self.wait_ready()
        self.wait_every_worker(200, target, key)

    def wait_every_worker(self, status, target="/", key=None, seconds=10):
        """A connection falls to any worker, so one answer tells of one of them: waits until the last answer of each had this status."""
        last = {}

        def all_do():
            try:
                with self.connect() as connection:
                    worker = self.worker_of(connection)
                    last[worker] = connection.request("GET", target, {"X-API-Key": key} if key else {}).status
            except (OSError, http.BrokenAnswer):
                return False
            return [last[pid] for pid in self.family() if pid in last] == [status] * self.config["workers"]
        until(all_do, lambda: f"not all workers answer {status}: {last}\n{self.errors()[-3000:]}", seconds)

    def connect(self, timeout=10.0):
        return http.Connection(self.address, timeout)

    def raw(self, data, method="GET"):
        """Exactly these bytes on a connection of its own; the first answer."""
        with self.connect() as connection:
            connection.send(data)
            return connection.answer(method)

    def hammer(self, path, **options):
        return load.hammer([self.address], path, **options)

    def load(self, path, **options):
        return load.Load([self.address], path, **options)

    # --- what it says ---

    def path(self, name):
        return os.path.join(self.folder, name + ".log")

    def errors(self):
        with open(self.path("errors"), errors="replace") as file:
            return file.read()

    def events(self, name):
        """What it said of one event, as it stands in the log of errors."""
        lines = [json.loads(line) for line in self.errors().splitlines(keepends=True) if line.startswith("{") and line.endswith("}\n")]
        return [line for line in lines if line["event"] == name]

    def log_text(self):
        with open(self.path("access"), errors="replace") as file:
            return file.read()

    def log_lines(self):
        """All complete lines of the access log; each must be one JSON object."""
        return [json.loads(line) for line in self.log_text().splitlines(keepends=True) if line.endswith("\n")]

    def log_line(self, **wanted):
        """Waits for the one line that has these fields: log_line(request_id=..., status=404)."""
        def matching():
            return [line for line in self.log_lines() if all(line.get(name) == value for name, value in wanted.items())]
        until(matching, lambda: f"no log line with {wanted}; the last: {self.log_lines()[-3:]}")
        found = matching()
        assert len(found) == 1, f"{len(found)} lines with {wanted}"
        return found[0]

    def settled(self):
        """The metrics, once all that was answered has been counted as well: that happens after the answer has gone out."""
        until(lambda: self.metrics().total("sluice_requests_in_flight") == 0, "requests stay in flight")
        return self.metrics()

    def metrics(self):
        answer = http.fetch(self.ops_address, target="/metrics")
        assert answer.status == 200, answer
        return Metrics(answer.body.decode())

    # --- its processes ---

    def family(self):
        return processes.descendants(self.process.pid)

    def worker_of(self, connection):
        """The process that serves this connection."""
        port = connection.socket.getsockname()[1]
        return until(lambda: processes.holder_of_connection(port, self.address[1], self.family()), "nobody accepted the connection")

    def workers(self):
        """Processes found by the connections that they accept."""
        found = set()

        def all_found():
            with self.connect() as connection:
                found.add(self.worker_of(connection))
            return len(found) == self.config["workers"]
        until(all_found, lambda: f"only {found} accept connections", seconds=20)
        return found

    def resident_kib(self):
        return {pid: processes.resident_kib(pid) for pid in self.family()}
