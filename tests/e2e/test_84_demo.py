"""The demo services by themselves: what they answer, and what they make of bad input."""

import os
import subprocess

import pytest
from sluice import http, node, processes
from sluice.waiting import PATIENCE, until

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(node.binary())), "sluice-demo")
SERVICES = ("search", "scrape", "research")


class Demo:
    def __init__(self, name):
        self.name = name
        self.address = ("127.0.0.1", processes.free_port())
        self.process = processes.start([PROGRAM, "--service", name, "--listen", "%s:%d" % self.address], stderr=subprocess.DEVNULL)
        until(self._answers, "the demo service does not start")

    def _answers(self):
        try:
            return self.fetch(target="/health").status == 200
        except OSError:
            return False

    def fetch(self, method="GET", target="/", headers=(), body=None):
        return http.fetch(self.address, method, target, headers, body)

    def post(self, body):
        return self.fetch("POST", f"/api/v1/{self.name}", body=body)


@pytest.fixture(scope="module")
def demos():
    made = {name: Demo(name) for name in SERVICES}
    yield made
    for demo in made.values():
        demo.process.terminate()
        assert demo.process.wait(timeout=10 * PATIENCE) == 0


@pytest.fixture
def search(demos):
    return demos["search"]


@pytest.mark.parametrize("count", [0, 1, 10, 1000])
def test_results_honour_num_results(demos, count):
    for name in ("search", "research"):
        answer = demos[name].post('{"query":"tea","num_results":%d}' % count)

        assert answer.status == 200
        assert answer.json()["service"] == name and len(answer.json()["results"]) == count


def test_the_same_question_has_the_same_answer(search):
    assert search.post('{"query":"tea"}').body == search.fetch(target="/api/v1/search?query=%74ea").body


def test_scrape_takes_an_address(demos):
    assert demos["scrape"].post('{"url":"https://example.org/a"}').json()["url"] == "https://example.org/a"


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '"query"', '{"query":"a"} b', '{"query":1}', '{"query":""}', '{"query":"a","num_results":-1}',
                                  '{"query":"a","num_results":1001}', '{"query":"a","num_results":"2"}', '{"query":"\xff"}'.encode("latin-1"),
                                  "[" * 100000, '{"a":' * 100000])
def test_a_bad_question_is_400_in_json(search, body):
    answer = search.post(body)

    assert answer.status == 400
    assert answer.json()["service"] == "search" and answer.json()["error"]


def test_echo_shows_what_came(search):
    answer = search.fetch("PATCH", "/api/v1/search/echo/a%2Fb//c?x=1&x=2", [("X-Two", "1"), ("X-Two", "2"), ("X-Odd", "\xff")], b"\x00\x01")

    seen = answer.json()
    assert (seen["method"], seen["path"], seen["query"]) == ("PATCH", "/api/v1/search/echo/a%2Fb//c", "x=1&x=2")
    assert seen["headers"]["x-two"] == ["1", "2"] and seen["headers"]["x-odd"] == "\ufffd" and seen["headers"]["host"] == "gateway.test"
    assert seen["body_bytes"] == 2 and "body" not in seen


@pytest.mark.parametrize("code", [200, 204, 304, 404, 500, 599])
def test_any_status_can_be_asked_for(search, code):
    answer = search.fetch(target=f"/api/v1/search/status/{code}")

    assert answer.status == code and answer["x-service"] == "search"


def test_bytes_come_as_many_as_asked_for(search):
    for count in (0, 1, 65536, 65537, 3000000):
        assert len(search.fetch(target=f"/api/v1/search/bytes/{count}").body) == count


@pytest.mark.parametrize("target, status", [("/", 404), ("/api/v1/scrape", 404), ("/api/v1/search/status/199", 400), ("/api/v1/search/status/x", 400),
                                            ("/api/v1/search/delay/-1", 400), ("/api/v1/search/bytes/99999999999999999999", 400)])
def test_what_it_does_not_know_is_refused_in_json(search, target, status):
    answer = search.fetch(target=target)

    assert answer.status == status and answer.json()["service"] == "search"


def test_an_unknown_method_names_the_known_ones(search):
    answer = search.fetch("DELETE", "/api/v1/search")

    assert answer.status == 405 and answer["allow"] == "GET, POST"


@pytest.mark.parametrize("name", SERVICES)
def test_the_document_describes_every_route_with_references_that_exist(demos, name):
    document = demos[name].fetch(target="/openapi.json").json()

    assert document["openapi"].startswith("3.") and {f"/api/v1/{name}", f"/api/v1/{name}/echo/{{rest}}", "/health"} <= set(document["paths"])
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    identifiers = [operation["operationId"] for operation in operations]
    assert len(set(identifiers)) == len(identifiers)
    assert all(operation["responses"] for operation in operations)
    for reference in references(document):
        assert reference.removeprefix("#/components/schemas/") in document["components"]["schemas"]


def references(value):
    if isinstance(value, dict):
        yield from ([value["$ref"]] if "$ref" in value else [])
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        yield from references(child)


def test_a_client_that_leaves_does_no_harm(search):
    for target in ("/api/v1/search/delay/60000", "/api/v1/search/bytes/1000000000"):
        with http.Connection(search.address) as connection:
            connection.send(http.compose("GET", target))

    assert search.fetch(target="/health").status == 200


def test_what_is_being_answered_is_finished_before_the_end(demos):
    leaving = Demo("research")

    with http.Connection(leaving.address) as connection:
        connection.send(http.compose("GET", "/api/v1/research/delay/500"))
        # the second one shows that the first has been read
        assert leaving.fetch(target="/health").status == 200
        leaving.process.terminate()
        assert connection.answer().json() == {"waited_ms": 500, "service": "research"}
    assert leaving.process.wait(timeout=10 * PATIENCE) == 0
