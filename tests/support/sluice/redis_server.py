"""A private redis-server on a Unix socket (and a TCP port when asked), that can be killed, stopped and started again."""

import hashlib
import hmac
import os
import shutil
import signal
import tempfile

import redis

from . import processes
from .waiting import until


def digest(key, pepper=None):
    """The name of a key's record."""
    if pepper is None:
        return hashlib.sha256(key.encode()).hexdigest()
    return hmac.new(pepper.encode(), key.encode(), hashlib.sha256).hexdigest()


class RedisServer:
    """`is_durable`: every write is on disk before it is answered, so that a kill loses nothing (and each write waits for the disk)."""

    def __init__(self, *arguments, with_port=False, is_durable=False):
        self.folder = tempfile.mkdtemp(prefix="sluice-redis-")
        self.path = os.path.join(self.folder, "redis.sock")
        self.port = processes.free_port() if with_port else 0
        self.arguments = list(arguments) + (["--appendonly", "yes", "--appendfsync", "always"] if is_durable else [])
        self.process = None
        self.client = redis.Redis(unix_socket_path=self.path)
        self.start()

    @property
    def url(self):
        return f"unix://{self.path}"

    def start(self, wait=True):
        """On the data that an earlier run left."""
        log = open(os.path.join(self.folder, "log"), "ab")
        self.process = processes.start(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--unixsocket", self.path, "--dir", self.folder,
             "--save", "", *self.arguments],
            stdout=log, stderr=log)
        log.close()
        if wait:
            until(self._answers, "redis-server does not answer", seconds=10)

    def _answers(self):
        try:
            return self.client.ping()
        except redis.exceptions.AuthenticationError:
            return True
        except (redis.exceptions.ConnectionError, redis.exceptions.BusyLoadingError):
            return False

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def close(self):
        self.client.close()
        processes.end_family(self.process)
        shutil.rmtree(self.folder)

    def provision(self, key, pepper=None, **fields):
        """One HSET, as an operator does it. A word like limit__search stands for the field limit:search. None leaves a field out."""
        record = {"enabled": "1", "owner": "acme", "services": "*"}
        record.update({name.replace("__", ":"): value for name, value in fields.items()})
        record = {name: value for name, value in record.items() if value is not None}
        name = self.record(key, pepper)
        with self.client.pipeline(transaction=True) as pipe:
            pipe.delete(name)
            pipe.hset(name, mapping=record)
            pipe.execute()
        return key

    @staticmethod
    def record(key, pepper=None):
        return "sluice:key:{%s}" % digest(key, pepper)

    @staticmethod
    def bucket(key, pepper=None):
        return "sluice:bucket:{%s}" % digest(key, pepper)

    @staticmethod
    def breaker(service):
        return "sluice:breaker:{%s}" % service

    def breaker_state(self, service):
        state = self.client.hget(self.breaker(service), "state")
        return state.decode() if state else "closed"

    def snapshot(self):
        """Every key with its whole value: what must not change when a refusal costs nothing."""
        return {name: self.client.dump(name) for name in self.client.scan_iter()}
