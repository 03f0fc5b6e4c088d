"""The deployment of docker-compose.yml, run as a user would: an engine, and one project of containers on it."""

import json
import os
import shutil
import subprocess
import tempfile

from . import http, processes
from .waiting import until

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))


class NoEngine(Exception):
    """No container engine answers here and none can be started; the text says why."""


class Engine:
    """The machine's own dockerd, or where none runs one of ours, with all its state in a folder that goes with it."""

    def __init__(self):
        self.env = dict(os.environ)
        self.process = None
        self.folder = None
        if not self._answers():
            self._start()

    def _answers(self):
        try:
            return subprocess.run(["docker", "version"], env=self.env, capture_output=True, timeout=30).returncode == 0
        except FileNotFoundError as missing:
            raise NoEngine("the program docker is not installed (deploy/install compose)") from missing

    def _start(self):
        if os.geteuid() != 0 or shutil.which("dockerd") is None:
            raise NoEngine("no dockerd answers, and starting one needs root and the package docker.io")
        self.folder = tempfile.mkdtemp(prefix="sluice-docker-")
        self.env["DOCKER_HOST"] = f"unix://{self.folder}/docker.sock"
        log_path = os.path.join(self.folder, "log")
        with open(log_path, "wb") as log:
            self.process = processes.start(
                ["dockerd", "--host", self.env["DOCKER_HOST"], "--data-root", f"{self.folder}/data", "--exec-root", f"{self.folder}/exec",
                 "--pidfile", f"{self.folder}/pid"], stdout=log, stderr=log)
        try:
            until(lambda: self.process.poll() is not None or self._answers(), "dockerd does not answer", seconds=30, pause=0.2)
            failed = self.process.poll() is not None
        except AssertionError:
            failed = True
        if failed:
            with open(log_path, errors="replace") as log:
                end = log.read()[-800:]
            self.close()
            raise NoEngine(f"dockerd does not run here: {end}")

    def run(self, *command, check=True, env=None):
        done = subprocess.run(command, cwd=TOP, env={**self.env, **(env or {})}, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert not check or done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done

    def need_base_image(self):
        """Pulled where there is a registry, else made from packages."""
        image = "debian:bookworm-slim"
        if self.run("docker", "image", "inspect", image, check=False).returncode != 0:
            if self.run("timeout", "60", "docker", "pull", "--quiet", image, check=False).returncode != 0:
                self.run(os.path.join(TOP, "tests/support/docker-base"))

    def close(self):
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                pass
            processes.end_family(self.process)
        if self.folder is not None:
            # a dockerd that did not end well leaves mounts behind
            subprocess.run(f"grep -o '{self.folder}/[^ ]*' /proc/mounts | sort -r | xargs -r umount -l", shell=True, check=False)
            shutil.rmtree(self.folder, ignore_errors=True)


class Project:
    """docker-compose.yml under a name and a port of its own."""

    def __init__(self, engine):
        self.engine = engine
        self.name = f"sluice-test-{os.getpid()}"
        self.address = ("127.0.0.1", processes.free_port())
        has_plugin = engine.run("docker", "compose", "version", check=False).returncode == 0
        self.command = ["docker", "compose"] if has_plugin else ["docker-compose"]

    def compose(self, *arguments, check=True):
        return self.engine.run(*self.command, "-p", self.name, *arguments, check=check, env={"SLUICE_PORT": str(self.address[1])})

    def up(self, *arguments):
        self.compose("up", "-d", *arguments)

    def down(self):
        self.compose("down", "--volumes", "--timeout", "10")

    def containers(self, service, with_ended=False):
        filters = ["--filter", f"label=com.docker.compose.project={self.name}", "--filter", f"label=com.docker.compose.service={service}"]
        return self.engine.run("docker", "ps", "-q", *(["-a"] if with_ended else []), *filters).stdout.split()

    def inspect(self, container):
        return json.loads(self.engine.run("docker", "inspect", container).stdout)[0]

    def is_healthy(self, container):
        return self.inspect(container)["State"].get("Health", {}).get("Status") == "healthy"

    def run_in(self, container, *command, check=True):
        return self.engine.run("docker", "exec", container, *command, check=check)

    def redis(self, *words):
        return self.run_in(self.containers("redis")[0], "redis-cli", *words).stdout.strip()

    def log_of(self, container):
        done = self.engine.run("docker", "logs", container)
        return done.stdout + done.stderr

    def fetch(self, method="GET", target="/", headers=(), body=None, key=None):
        pairs = list(headers) + ([("X-API-Key", key)] if key else [])
        return http.fetch(self.address, method, target, pairs, body)
