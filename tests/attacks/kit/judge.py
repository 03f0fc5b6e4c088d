"""One attack on one target, watched: who is alive, how much memory it took, how a bystander fared."""

import importlib
import os
import sys
import threading
import time
from collections import namedtuple

from sluice import processes
from sluice.load import Load

from .enemy import Attacker

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDERS = ("connections", "http1", "http2")

Outcome = namedtuple("Outcome", "is_alive growth_mib answered lost worst_ms p99_ms notes complaints")


def names():
    return sorted(name[:-3] for folder in FOLDERS for name in os.listdir(os.path.join(HERE, folder)) if name.endswith(".py"))


def find(name):
    """The module of an attack."""
    for folder in FOLDERS:
        if os.path.exists(os.path.join(HERE, folder, name + ".py")):
            if os.path.join(HERE, folder) not in sys.path:
                sys.path.insert(0, os.path.join(HERE, folder))
            return importlib.import_module(name)
    raise SystemExit(f"no such attack: {name}; there are {', '.join(names())}")


def title(module):
    return module.__doc__.strip().splitlines()[0].rstrip(".")


class Bystander:
    """Somebody honest with a request every few milliseconds, on four connections that stay open."""

    def __init__(self, target, seconds):
        self.load = Load([target.addresses["http1"]], target.path, headers=target.headers, connections=4, seconds=seconds, pause_us=4000)

    def finish(self):
        load = self.load.finish()
        took = sorted((sample.received_us - sample.sent_us) / 1000 for sample in load.samples if sample.status == 200)
        lost = sum(count for kind, count in load.failures.items() if kind != "stale")
        lost += sum(count for status, count in load.statuses.items() if status != 200)
        self.told = f"{load.statuses} {load.failures}"
        return took, lost


class Memory:
    """The most that the processes together have grown while we looked."""

    def __init__(self, target):
        self.target = target
        self.before = {pid: processes.resident_kib(pid) for pid in target.workers()}
        self.most = 0
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def _look(self):
        grown = 0
        for pid, before in self.before.items():
            try:
                grown += max(0, processes.resident_kib(pid) - before)
            except OSError:
                pass
        self.most = max(self.most, grown)

    def _watch(self):
        while not self.is_over.wait(0.02):
            self._look()

    def finish(self):
        self._look()
        self.is_over.set()
        self.thread.join()
        return self.most / 1024


def percentile(sorted_values, share):
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))] if sorted_values else float("inf")


def undisturbed(target, seconds):
    """The bystander alone: p99 in milliseconds."""
    for _ in range(3):  # whatever else runs on this machine may get in the way
        bystander = Bystander(target, seconds)
        took, lost = bystander.finish()
        if took and not lost:
            break
    assert took and not lost, f"the bystander is not served even without an attack: {bystander.told}"
    return percentile(took, 0.99)


def run(name, target, seconds, memory_factor=1):
    module = find(name)
    started_before = target.service_requests() if hasattr(target, "service_requests") else 0
    pids = target.workers()
    memory = Memory(target)
    bystander = Bystander(target, seconds)
    attacker = Attacker(module, target, seconds)
    notes = {"seconds": seconds, **attacker.finish()}
    took, lost = bystander.finish()
    growth = memory.finish()
    time.sleep(0.1)
    is_alive = bool(pids) and target.workers() == pids
    if is_alive and hasattr(target, "service_requests"):
        notes["service calls"] = target.service_requests() - started_before

    complaints = []
    if "attack failed" in notes:
        complaints.append(f"the attack itself failed: {notes['attack failed']}")
    if not is_alive:
        complaints.append("a worker died")
    bound = module.GROWTH_MIB * (len(pids) if getattr(module, "IS_PER_WORKER", False) else 1)
    if growth > bound * memory_factor:
        complaints.append(f"grew by {growth:.1f} MiB, more than {bound}")
    if lost or not took:
        complaints.append(f"the bystander lost {lost} requests and got {len(took)} answers: {bystander.told}")
    if hasattr(module, "judge"):
        complaints += module.judge(notes)
    return Outcome(is_alive, growth, len(took), lost, took[-1] if took else float("inf"), percentile(took, 0.99), notes, complaints)
