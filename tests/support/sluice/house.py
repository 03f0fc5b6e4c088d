"""All that one test (or one module of tests) runs: Redis, services, nodes. Closing it ends them and judges the nodes."""

import os
import shutil
import tempfile

from .impostor import Impostor
from .node import Node
from .redis_server import RedisServer
from .service import Service


class House:
    def __init__(self):
        self._redis = None
        self._things = []
        self.folder = tempfile.mkdtemp(prefix="sluice-house-")

    @property
    def redis(self):
        if self._redis is None:
            self._redis = RedisServer()
        return self._redis

    def private_redis(self, *arguments, **options):
        server = RedisServer(*arguments, **options)
        self._things.append(server)
        return server

    def service(self, behaviour=None, name="service", unix=False):
        path = os.path.join(self.folder, f"{name}.sock") if unix else None
        service = Service(behaviour, name, path)
        self._things.append(service)
        return service

    def impostor(self, redis):
        made = Impostor(self.folder, redis)
        self._things.append(made)
        return made

    def configure(self, config, env=None):
        """A node that is not started yet. Its deadline for Redis is generous: only the fault suite is about deadlines."""
        config = dict(config)
        if "redis" not in config:
            config["redis"] = {"url": self.redis.url, "timeout": "5s"}
        node = Node(config, env)
        self._things.append(node)
        return node

    def node(self, config, env=None):
        return self.configure(config, env).start()

    def load(self, load):
        """A load in the background that ends with the house, whatever happens to the test."""
        self._things.append(_Abandoned(load))
        return load

    def close(self):
        problems = []
        for thing in reversed(self._things):
            try:
                thing.close()
            except AssertionError as problem:
                problems.append(str(problem))
        if self._redis is not None:
            self._redis.close()
        shutil.rmtree(self.folder)
        assert not problems, "\n".join(problems)


class _Abandoned:
    def __init__(self, load):
        self.close = load.abandon


def simple(service, **changes):
    """The shortest configuration: everything below /api goes to one service, with a key."""
    config = {
        "services": {"main": {"instances": [service.url]}},
        "routes": [{"path": "/api/*", "service": "main"}, {"path": "/open/*", "service": "main", "auth": "none"}],
        "keys": {"limit": "1000000/1s"},
    }
    config.update(changes)
    return config


def worked_example(search, scrape, research):
    """SPEC's example, without the aggregate."""
    breaker = {"failures": 5, "recovery": "30s", "probes": 1}
    services = {"search": search, "scrape": scrape, "research": research}
    return {
        "keys": {"header": "X-API-Key", "limit": "100/60s"},
        "services": {name: {"instances": [service.url], "breaker": breaker} for name, service in services.items()},
        "routes": [{"path": f"/api/v1/{name}/*", "service": name} for name in services],
    }
