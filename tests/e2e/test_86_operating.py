"""What deploy/ has for operators besides the programs: alerting rules and a systemd unit."""

import os
import re
import shutil
import subprocess

import pytest
import yaml
from sluice.house import simple
from sluice.node import binary

DEPLOY = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../deploy"))


def test_alerts_speak_of_metrics_that_there_are():
    reference = subprocess.run([binary(), "reference"], capture_output=True, text=True, timeout=60).stdout
    metrics = dict(re.findall(r"^\| `(sluice_[a-z_]+)` \| ([a-z]+) \|", reference, re.MULTILINE))
    with open(os.path.join(DEPLOY, "alerts.yaml"), encoding="utf-8") as file:
        rules = [rule for group in yaml.safe_load(file)["groups"] for rule in group["rules"]]

    assert len({rule["alert"] for rule in rules}) == len(rules) > 10
    for rule in rules:
        for name in re.findall(r"\bsluice_[a-z_]+", rule["expr"]):
            family = name.removesuffix("_bucket")
            assert metrics.get(family) == ("histogram" if family != name else metrics.get(name)) is not None, (rule["alert"], name)
        assert rule["annotations"]["summary"] and rule["labels"]["severity"] in ("page", "ticket")


def unit_with(program, folder):
    with open(os.path.join(DEPLOY, "sluice.service"), encoding="utf-8") as file:
        text = file.read()
    path = os.path.join(folder, "sluice.service")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace("/usr/bin/sluice", program))
    return path, text


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="this machine has no systemd")
def test_systemd_understands_the_unit(tmp_path):
    path, _ = unit_with(binary(), tmp_path)

    told = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True, timeout=60)

    assert "sluice.service" not in told.stdout + told.stderr, told.stderr


def test_the_unit_waits_longer_than_a_drain_takes_by_default(tmp_path):
    _, text = unit_with(binary(), tmp_path)
    defaults = tmp_path / "sluice.yaml"
    defaults.write_text('services: {s: {instances: "http://127.0.0.1:1"}}\nroutes: [{path: /a, service: s}]\n')
    limits = yaml.safe_load(subprocess.run([binary(), "config", "dump", "-c", defaults], capture_output=True, text=True, timeout=60).stdout)["limits"]

    drain_s = int(limits["drain"].removesuffix("s"))

    assert int(re.search(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE)[1]) > drain_s


def test_the_acl_user_of_the_guide_may_do_all_that_a_node_and_its_commands_do(house):
    with open(os.path.join(DEPLOY, "guide/operating.md"), encoding="utf-8") as file:
        rules = re.search(r"`(~sluice:\*[^`]*)`", file.read())[1].split()
    redis = house.private_redis()
    redis.client.execute_command("ACL", "SETUSER", "sluice", "on", ">secret", *rules)
    main = house.service(name="main")
    gateway = house.node(simple(main, redis={"url": redis.url, "username": "sluice", "password": "secret", "timeout": "1s"}))

    def cli(*words):
        told = subprocess.run([binary(), *words, "-c", gateway.config_path], capture_output=True, text=True, timeout=60)
        assert told.returncode == 0, told.stderr
        return told.stdout

    key = re.match(r"key +(\S+)", cli("key", "create", "--owner", "acme"))[1]
    gateway.wait_every_worker(200, "/api/x", key)
    assert "acme" in cli("key", "list")
    cli("breaker", "open", "main")
    gateway.wait_every_worker(503, "/api/x", key)
    cli("breaker", "auto", "main")
    cli("versions")
    cli("key", "delete", key)
    gateway.wait_every_worker(401, "/api/x", key)

    assert redis.client.acl_log() == []
