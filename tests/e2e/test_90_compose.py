"""docker-compose.yml: nodes behind a balancer, on one Redis. Builds images, so it runs only when asked for: ./tests/run compose"""

import hashlib
import threading

import pytest
from sluice import containers, http
from sluice.waiting import until

pytestmark = pytest.mark.compose

DEMO_KEY = "sk-dev-abc123"


@pytest.fixture(scope="module")
def project():
    try:
        engine = containers.Engine()
    except containers.NoEngine as reason:
        pytest.skip(str(reason))
    made = containers.Project(engine)
    try:
        engine.need_base_image()
        made.compose("build")
        made.up()
        until(lambda: http_status(made, "/health") == 200, lambda: made.compose("ps").stdout, seconds=60, pause=0.3)
        until(lambda: healthy_nodes(made) == 3, lambda: made.compose("logs", "--tail", "20").stdout, seconds=60, pause=0.5)
        yield made
    finally:
        made.down()
        left = made.containers("node", with_ended=True)
        engine.close()
        assert left == []


def http_status(project, target, key=None):
    """0 stands for no answer."""
    try:
        return project.fetch(target=target, key=key).status
    except (OSError, http.BrokenAnswer):
        return 0


def healthy_nodes(project):
    return sum(project.is_healthy(node) for node in project.containers("node"))


def provision(project, key, **fields):
    record = "sluice:key:{%s}" % hashlib.sha256(key.encode()).hexdigest()
    words = [str(word) for pair in {"owner": "test", "enabled": 1, "services": "search scrape research", **fields}.items() for word in pair]
    project.redis("HSET", record, *words)
    return key


class Flow:
    """Clients that keep asking through the balancer, some on kept connections and some on new ones, and note every answer."""

    def __init__(self, project, key, clients=8):
        self.project, self.key = project, key
        self.answers = []
        self.is_over = threading.Event()
        self.threads = [threading.Thread(target=self._ask, args=(number % 2 == 0,)) for number in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        self.wait_for(50)
        return self

    def __exit__(self, *unused):
        self.is_over.set()
        for thread in self.threads:
            thread.join()

    def wait_for(self, more):
        goal = len(self.answers) + more
        until(lambda: len(self.answers) >= goal, lambda: f"{len(self.answers)} answers, the last {self.answers[-3:]}", seconds=30)

    def failures(self):
        return [answer for answer in self.answers if answer != 200]

    def _ask(self, is_kept):
        connection = None
        while not self.is_over.is_set():
            try:
                connection = connection or http.Connection(self.project.address)
                headers = [("X-API-Key", self.key)]
                answer = connection.request("GET", "/api/v1/search/echo/flow", headers)
                self.answers.append(200 if answer.status == 200 else repr(answer))
                if is_kept and answer["connection"] != "close":
                    continue
            except (OSError, http.BrokenAnswer) as failure:
                self.answers.append(repr(failure))
            if connection is not None:
                connection.close()
            connection = None


def test_three_nodes_come_up_healthy_and_the_demo_key_is_there(project):
    assert len(project.containers("node")) == 3
    provisioner, = project.containers("provision", with_ended=True)
    until(lambda: project.inspect(provisioner)["State"]["Status"] == "exited", "provisioning does not end", seconds=20, pause=0.2)
    assert project.inspect(provisioner)["State"]["ExitCode"] == 0

    answer = project.fetch("POST", "/api/v1/search", [("Content-Type", "application/json")], '{"query":"tea","num_results":2}', key=DEMO_KEY)

    assert answer.status == 200
    assert [result["title"] for result in answer.json()["results"]] == ["tea: result 1", "tea: result 2"]


def test_the_worked_example_holds_through_the_balancer(project):
    only_search = provision(project, "compose-only-search", services="search")

    assert project.fetch(target="/health").json() == {"status": "ok", "services": ["search", "scrape", "research"]}
    for name in ("search", "scrape", "research"):
        echo = project.fetch("PUT", f"/api/v1/{name}/echo/a/b?c=d", body="hello", key=DEMO_KEY)
        assert echo.status == 200
        seen = echo.json()
        assert (seen["service"], seen["method"], seen["path"], seen["query"], seen["body"]) == (name, "PUT", f"/api/v1/{name}/echo/a/b", "c=d", "hello")
        assert "x-api-key" not in seen["headers"]
    assert project.fetch(target="/api/v1/search/echo").status == 401
    assert project.fetch(target="/api/v1/search/echo", key="nobody-knows-it").status == 401
    assert project.fetch(target="/api/v1/research/echo", key=only_search).status == 403
    assert project.fetch(target="/api/v1/other/echo", key=DEMO_KEY).status == 404


def test_three_nodes_spend_one_limit(project):
    key = provision(project, "compose-limit", limit=10, window=36000)

    statuses = [project.fetch(target="/api/v1/search/echo", key=key).status for _ in range(15)]

    assert statuses == [200] * 10 + [429] * 5


def test_a_node_has_no_root_no_compiler_and_a_root_it_cannot_write(project):
    node = project.containers("node")[0]

    assert project.run_in(node, "id", "-u").stdout.strip() != "0"
    assert project.run_in(node, "touch", "/usr/x", "/etc/x", "/x", check=False).returncode != 0
    assert project.run_in(node, "sh", "-c", "command -v gcc cc make cmake", check=False).stdout == ""
    assert project.inspect(node)["HostConfig"]["ReadonlyRootfs"]


def test_scaling_to_five_nodes_needs_no_edit(project):
    key = provision(project, "compose-scale", limit=1000000)

    project.up("--scale", "node=5")

    until(lambda: healthy_nodes(project) == 5, "five nodes do not become healthy", seconds=60, pause=0.5)

    def all_serve():
        for _ in range(20):
            assert project.fetch(target="/api/v1/search/echo/five", key=key).status == 200
        return all("/api/v1/search/echo/five" in project.log_of(node) for node in project.containers("node"))
    until(all_serve, "some node gets no requests", seconds=30, pause=0.3)


def test_a_killed_node_is_not_noticed_by_anybody(project):
    key = provision(project, "compose-kill", limit=1000000)
    before = project.containers("node")

    with Flow(project, key) as flow:
        project.engine.run("docker", "kill", "--signal", "KILL", before[0])
        flow.wait_for(500)

    assert flow.failures() == []
    assert len(project.containers("node")) == len(before) - 1


def test_a_node_that_is_told_to_end_drains(project):
    key = provision(project, "compose-drain", limit=1000000)
    node = project.containers("node")[0]

    with Flow(project, key) as flow:
        project.engine.run("docker", "stop", "--time", "40", node)
        flow.wait_for(500)

    assert flow.failures() == []
    assert project.inspect(node)["State"]["ExitCode"] == 0


def test_keys_survive_a_restart_of_redis(project):
    key = provision(project, "compose-volume", limit=1000000)

    project.compose("restart", "redis")

    until(lambda: http_status(project, "/api/v1/search/echo", key) == 200, "the key is gone", seconds=30, pause=0.2)
