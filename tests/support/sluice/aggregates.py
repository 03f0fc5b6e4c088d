"""What the suites of aggregates share: a node with one aggregate of one service, and services that answer JSON."""

import json


def json_answer(text, status=200):
    return lambda request, wire: wire.reply(status, text, [("Content-Type", "application/json")])


def results(text):
    return json_answer('{"service": "x", "results": %s, "more": {"results": 1}}' % text)


def asks(make):
    """Answers with the JSON of make(request)."""
    return lambda request, wire: wire.reply(200, json.dumps(make(request)), [("Content-Type", "application/json")])


class Aggregate:
    """A node whose only route is an aggregate; `fetch` asks it."""

    def __init__(self, node, path):
        self.node, self.path = node, path

    def fetch(self, method="GET", target=None, **options):
        return self.node.fetch(method, target or self.path, **options)

    def __getattr__(self, name):
        return getattr(self.node, name)


def aggregate(house, main, calls, answer, path="/a", auth="none", breaker=None, workers=2, **route):
    """All calls go to the service `main`."""
    calls = {name: {"service": "main", **call} for name, call in calls.items()}
    service = {"instances": [main.url], "retries": 0, **({"breaker": breaker} if breaker else {})}
    node = house.node({"workers": workers, "services": {"main": service}, "routes": [{"path": path, "auth": auth, "calls": calls, "answer": answer, **route}]})
    return Aggregate(node, path)
