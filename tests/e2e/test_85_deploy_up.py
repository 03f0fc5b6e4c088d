"""./deploy/up: what it prints works line by line, and it leaves nothing behind however it ends."""

import glob
import os
import re
import signal
import socket
import subprocess
import tempfile

import pytest
import redis as redis_py
from sluice import node, processes
from sluice.redis_server import RedisServer
from sluice.waiting import PATIENCE, until

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))


class Up:
    """One run of deploy/up, on ports of its own and with the build that is under test."""

    def __init__(self, *arguments):
        self.folder = tempfile.mkdtemp(prefix="sluice-test-up-")
        self.ports = {name: free_row(10) for name in ("SLUICE_PORT", "SLUICE_TLS_PORT", "SLUICE_OPS_PORT", "SLUICE_DEMO_PORT")}
        self.env = {**os.environ, **{name: str(port) for name, port in self.ports.items()},
                    "SLUICE_REDIS_TIMEOUT": "2s", "TMPDIR": self.folder, "SLUICE_BUILD": os.path.dirname(os.path.abspath(node.binary()))}
        self.output_path = os.path.join(self.folder, "output")
        self.family = []
        with open(self.output_path, "wb") as output:
            self.process = processes.start([f"{TOP}/deploy/up", *arguments], stdout=output, stderr=output, env=self.env)

    def output(self):
        with open(self.output_path, errors="replace") as file:
            return file.read()

    def wait_up(self):
        until(lambda: "Ctrl-C ends all of it" in self.output() or self.process.poll() is not None, self.output, seconds=60, pause=0.05)
        assert self.process.poll() is None, self.output()
        self.family = processes.descendants(self.process.pid)
        return self

    def pid_of(self, name):
        return int(re.search(rf"^  {name} .* pid (\d+)$", self.output(), re.MULTILINE)[1])

    def lines_to_try(self):
        printed = self.output().partition("Try, in another terminal:\n")[2].splitlines()
        return [line.strip() for line in printed if line.startswith("  ") and not line.startswith("  #")]

    def wait_end(self):
        return self.process.wait(timeout=60 * PATIENCE)

    def assert_nothing_left(self):
        until(lambda: not any(processes.is_alive(pid) for pid in self.family), lambda: f"still there: {self.family}")
        assert glob.glob(f"{self.folder}/sluice-up.*") == []

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.wait_end()
        for pid in filter(processes.is_alive, self.family):
            os.kill(pid, signal.SIGKILL)
        subprocess.run(["rm", "-rf", self.folder], check=True)


def free_row(count):
    """The first of so many ports that nobody uses."""
    while True:
        first = processes.free_port()
        if all(is_free(port) for port in range(first, first + count)):
            return first


def is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@pytest.fixture
def up():
    runs = []

    def begin(*arguments):
        runs.append(Up(*arguments))
        return runs[-1]
    yield begin
    for run in runs:
        run.close()


def run_line(line):
    return subprocess.run(["bash", "-c", line], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60 * PATIENCE).stdout


def refill_slowly(run):
    """A token in six minutes instead of two a second: the lines' answers do not depend on how fast they are typed."""
    redis = redis_py.Redis(unix_socket_path=glob.glob(f"{run.folder}/sluice-up.*/redis/redis.sock")[0])
    key = re.search(r"X-API-Key: (sk-\S+)'", run.output())[1]
    assert redis.hset(RedisServer.record(key), mapping={"limit": 100, "window": 36000}) >= 0
    redis.close()


def test_every_printed_line_works(up):
    run = up("--nodes", "2").wait_up()
    refill_slowly(run)
    statuses, loops, started, session = [], [], [], []

    try:
        for line in run.lines_to_try():
            if line.startswith("curl -i") and line.endswith("scrape/echo"):
                until(lambda: run_line(line).startswith("HTTP/1.1 503 "), "the breaker stays closed")  # the other workers hear of it a moment later
                statuses.append(503)
            elif line.startswith("curl -i"):
                statuses.append(int(re.match(r"HTTP/1\.1 (\d{3}) ", run_line(line))[1]))
            elif line.startswith(("for ", "curl -s ")):
                loops.append(run_line(line).split("\n")[:-1])
            elif line.startswith("kill "):
                run_line(line)
                until(lambda: not processes.is_alive(run.pid_of("scrape")), "the demo service does not end")
            elif line.startswith("export ") or line.split()[0].endswith("/sluice"):
                session.append(line)
            else:
                started.append(processes.start(line.split(), cwd=TOP))
    finally:
        for process in started:
            processes.end_family(process)

    health, *services = statuses[:6]
    assert health == 200 and services == [200] * 5
    assert statuses[6:10] == [401, 401, 403, 404]
    breaker, sharing, limit = loops
    assert [line[:3] for line in breaker][:5] == ["502"] * 5 and breaker[5][:3] in ("502", "503") and statuses[10] == 503
    left = [int(line.rpartition(":")[2]) for line in sharing]
    assert len(left) == 2 and left[0] == left[1] + 1
    assert {line.split()[1] for line in limit} == {"200", "429"} and statuses[11] == 429
    assert len(statuses) == 12 and len(started) == 1
    assert "demo service scrape" in run.output()
    told = run_line("\n".join([f"cd {TOP}", *session]))
    assert len(session) == 4
    assert "7f59d2e9" in told and re.search("^scrape +open ", told, re.MULTILINE) and "service: scrape" in told


def test_with_tls_both_protocols_are_spoken_and_the_certificate_is_good(up):
    run = up("--tls", "--nodes", "2").wait_up()
    lines = [line for line in run.lines_to_try() if "--cacert" in line]

    first = [run_line(line).splitlines()[0].split()[:2] for line in lines]

    assert first == [["HTTP/2", "200"], ["HTTP/1.1", "200"], ["HTTP/2", "200"]]
    second_node = lines[0].replace(str(run.ports["SLUICE_TLS_PORT"]), str(run.ports["SLUICE_TLS_PORT"] + 1))
    assert run_line(second_node).startswith("HTTP/2 200")
    assert run_line(re.sub(r"--cacert \S+", "", lines[0])) == ""  # nobody else trusts it
    run.process.terminate()
    assert run.wait_end() == 0
    run.assert_nothing_left()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_of_it_and_leaves_nothing(up, number):
    run = up("--nodes", "2").wait_up()
    assert len(run.family) >= 6

    run.process.send_signal(number)

    assert run.wait_end() == 0
    run.assert_nothing_left()


def test_its_own_violent_death_takes_all_processes_along(up):
    run = up().wait_up()

    run.process.kill()

    run.process.wait()
    until(lambda: not any(processes.is_alive(pid) for pid in run.family), lambda: f"still there: {run.family}", seconds=15)


def test_a_node_that_dies_ends_it_with_a_message(up):
    run = up("--nodes", "2").wait_up()

    os.kill(run.pid_of("node 2"), signal.SIGKILL)

    assert run.wait_end() == 1
    assert "node-2 ended" in run.output()
    run.assert_nothing_left()


@pytest.mark.parametrize("name, offset", [("SLUICE_PORT", 1), ("SLUICE_TLS_PORT", 1), ("SLUICE_OPS_PORT", 0), ("SLUICE_DEMO_PORT", 2)])
def test_a_port_in_use_is_named_before_anything_starts(up, name, offset):
    with socket.socket() as holder:
        run = up("--help")
        run.wait_end()
        port = run.ports[name] + offset
        holder.bind(("0.0.0.0", port))
        holder.listen()

        done = subprocess.run([f"{TOP}/deploy/up", "--tls", "--nodes", "2"], env=run.env, capture_output=True, text=True, timeout=60)

    assert done.returncode == 1
    assert f"port {port} is in use" in done.stderr and f"(pid {os.getpid()})" in done.stderr and f"{name}=" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("arguments", [["--nodes", "0"], ["--nodes", "many"], ["--nodes"], ["--knots", "2"]])
def test_a_wrong_command_line_says_what_is_right(up, arguments):
    run = up(*arguments)

    assert run.wait_end() == 2
    assert "--nodes" in run.output()


@pytest.mark.parametrize("name, value", [("SLUICE_PORT", "http"), ("SLUICE_OPS_PORT", "65535"), ("SLUICE_DEMO_PORT", "0"), ("SLUICE_PORT", "99999")])
def test_a_port_that_is_none_is_named(name, value):
    done = subprocess.run([f"{TOP}/deploy/up", "--nodes", "2"], env={**os.environ, name: value}, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"up: {name} is '{value}': it takes a port from 1 to {65533 if name == 'SLUICE_DEMO_PORT' else 65534}\n"


# --- deploy/install, on a machine where nothing is installed: programs that only say what they were asked ---


@pytest.fixture
def bare(tmp_path):
    def install(**programs):
        stubs = {"dpkg-query": "exit 1", "tee": "cat >/dev/null", "chmod": "", "rm": "", "id": "echo 0", "apt-get": "", **programs}
        for name, script in stubs.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
            (tmp_path / name).chmod(0o755)
        for name in ("bash", "sh", "awk", "sort", "sed", "comm", "dirname", "cat", "env"):
            (tmp_path / name).symlink_to(f"/usr/bin/{name}")
        return subprocess.run(["/bin/bash", f"{TOP}/deploy/install", "run"], env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=60)
    return install


def test_packages_are_installed_by_root(bare):
    done = bare(**{"apt-get": 'echo "asked: $*" >&2'})

    assert done.returncode == 0, done.stderr
    assert "installing: curl openssl redis-server redis-tools\n" in done.stderr
    assert "asked: install -qq --yes --no-install-recommends curl openssl redis-server redis-tools\n" in done.stderr


def test_a_registry_that_cannot_be_reached_is_a_sentence(bare):
    done = bare(**{"apt-get": "echo 'Temporary failure resolving' >&2; exit 100"})

    assert done.returncode == 1
    assert done.stderr.endswith("install: apt-get failed (see above). Is the package registry reachable? When it is, run this again, or: "
                                "apt-get install curl openssl redis-server redis-tools\n")


def test_without_root_and_sudo_the_command_is_told(bare):
    done = bare(id="echo 1000")

    assert done.returncode == 1
    assert done.stderr.endswith("install: packages are missing, and there is neither root nor sudo. As root: "
                                "apt-get install curl openssl redis-server redis-tools\n")
