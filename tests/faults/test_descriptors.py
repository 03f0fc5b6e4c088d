"""A worker without a free descriptor: what it cannot ask a service is its own shortage, and says nothing about the service."""

import contextlib
import resource

from sluice import service
from sluice.house import simple
from sluice.problems import assert_problem
from sluice.waiting import until


@contextlib.contextmanager
def no_new_descriptors(pid):
    """What the process has open stays; nothing more opens."""
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (1, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))


def one_worker(house, main):
    return house.node(simple(main, workers=1, services={"main": {"instances": [main.url], "breaker": {"failures": 2, "recovery": "1h"}}},
                             routes=[{"path": "/open/*", "service": "main", "auth": "none"},
                                     {"path": "/both", "auth": "none", "calls": {"a": {"service": "main", "get": "/a"}}, "answer": {"a": "$a.status"}}]))


def test_the_worker_s_own_shortage_opens_no_breaker(house):
    # given a client that is connected already, and a worker that can open nothing more
    main = house.service(service.echo)
    gateway = one_worker(house, main)
    with gateway.connect() as client:
        worker = gateway.worker_of(client)
        with no_new_descriptors(worker):
            # when more requests than the breaker bears need a connection to the service
            answers = [client.request("GET", "/open/x") for _ in range(5)]
            part = client.request("GET", "/both").json()["_meta"]["parts"]["a"]

        # then the gateway says that it has too much to do, and why it thinks so stands in the log
        for answer in answers:
            assert_problem(answer, 503)
            assert answer["retry-after"] == "1"
            line = gateway.log_line(request_id=answer["x-request-id"])
            assert (line["reason"], line["detail"]) == ("overloaded", "no_socket")
        assert part["error"] == "refused"
        until(lambda: gateway.metrics().get("sluice_upstream_results_total", service="main", result="no_socket") == 6, gateway.errors)

        # and the service is not blamed
        assert house.redis.breaker_state("main") == "closed"
        assert client.request("GET", "/open/x").status == 200
    assert main.count == 1
