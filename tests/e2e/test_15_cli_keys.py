"""`sluice key` and `sluice breaker` against a Redis of the test's own; no node runs."""

import datetime
import json
import os
import re
import subprocess
import time

import pytest

from sluice.node import binary
from sluice.redis_server import digest

SECRET = re.compile(r"sk-[0-9a-f]{40}")


class Cli:
    def __init__(self, house, **config):
        self.redis = house.redis
        self.redis.client.flushall()
        config = {
            "redis": self.redis.url,
            "services": {
                "search": {"instances": ["http://127.0.0.1:1"], "breaker": {"failures": 5, "recovery": "30s", "probes": 1}},
                "scrape": {"instances": ["http://127.0.0.1:1"], "breaker": "off"},
            },
            "routes": [{"path": "/search/*", "service": "search"}, {"path": "/scrape/*", "service": "scrape"}],
            **config,
        }
        self.config_path = os.path.join(house.folder, "cli.yaml")
        with open(self.config_path, "w") as file:
            json.dump(config, file)

    def run(self, *words, env=None, config=True):
        place = ["-c", self.config_path] if config else []
        return subprocess.run([binary(), *words, *place], capture_output=True, text=True, timeout=30,
                              env={**os.environ, **(env or {})})

    def well(self, *words):
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout

    def json(self, *words):
        return json.loads(self.well(*words, "--json"))

    def fails(self, *words, status=1):
        done = self.run(*words)
        assert done.returncode == status, done.stdout + done.stderr
        assert done.stdout == ""
        return done.stderr

    def record(self, key, pepper=None):
        fields = self.redis.client.hgetall(self.redis.record(key, pepper))
        return {name.decode(): value.decode() for name, value in fields.items()}


@pytest.fixture
def cli(shared_house):
    return Cli(shared_house)


# --- create ---


def test_the_key_is_shown_once_and_its_record_is_whole(cli):
    told = cli.well("key", "create", "--owner", "acme", "--name", "Acme Inc.", "--services", "search scrape", "--methods", "get POST",
                    "--scopes", "read write", "--limit", "5/10s", "--burst", "7", "--quota-day", "1000", "--quota-month", "20000")

    key = SECRET.search(told).group()
    assert told.count(key) == 1
    assert f"id   {digest(key)[:8]}" in told
    assert cli.record(key) == {
        "enabled": "1", "owner": "acme", "name": "Acme Inc.", "services": "search scrape", "methods": "GET POST", "scopes": "read write",
        "limit": "5", "window": "10", "burst": "7", "quota_day": "1000", "quota_month": "20000"}
    assert len(cli.redis.client.keys("*")) == 1


def test_no_two_keys_are_alike(cli):
    keys = {cli.json("key", "create", "--owner", "acme")["key"] for _ in range(8)}

    assert len(keys) == 8
    assert all(SECRET.fullmatch(key) for key in keys)


def test_what_is_not_said_is_not_written(cli):
    made = cli.json("key", "create", "--owner", "acme")

    assert cli.record(made["key"]) == {"enabled": "1", "owner": "acme", "services": "*"}
    assert made["digest"] == digest(made["key"])
    assert made["id"] == made["digest"][:8]
    assert made["owner"] == "acme"


def test_the_record_is_one_write(cli):
    before = cli.redis.client.info("commandstats").get("cmdstat_hset", {"calls": 0})["calls"]

    cli.well("key", "create", "--owner", "acme", "--limit", "1/1s")

    assert cli.redis.client.info("commandstats")["cmdstat_hset"]["calls"] == before + 1


@pytest.mark.parametrize("text, seconds", [("2100-01-01", 4102444800), ("4102444800", 4102444800), ("+30d", 30 * 86400)])
def test_expiry_can_be_a_date_a_duration_or_unix_seconds(cli, text, seconds):
    before = int(time.time())
    made = cli.json("key", "create", "--owner", "acme", "--expires", text)

    expires = int(cli.record(made["key"])["expires"])
    if text.startswith("+"):
        assert before + seconds <= expires <= time.time() + seconds + 1
    else:
        assert expires == seconds


def test_a_pepper_changes_the_name_of_the_record(shared_house):
    cli = Cli(shared_house, keys={"pepper": "salt and pepper"})
    made = cli.json("key", "create", "--owner", "acme")

    assert cli.record(made["key"]) == {}
    assert cli.record(made["key"], pepper="salt and pepper")["owner"] == "acme"
    assert cli.json("key", "show", made["key"])["id"] == made["id"]


def test_the_prefix_is_the_configurations(shared_house):
    cli = Cli(shared_house, redis={"url": shared_house.redis.url, "prefix": "gate.1"})
    made = cli.json("key", "create", "--owner", "acme")

    assert cli.redis.client.exists("gate.1:key:{%s}" % made["digest"])
    cli.redis.client.hset("gate1x:key:{%s}" % ("0" * 64), "enabled", "1")
    assert [key["id"] for key in cli.json("key", "list")] == [made["id"]]


@pytest.mark.parametrize("option, value, complaint", [
    ("--limit", "100", "--limit: expected so many per so long, like 100/60s, not '100'"),
    ("--limit", "0/1s", "--limit: expected"),
    ("--burst", "0", "--burst: expected a number from 1"),
    ("--burst", "-1", "--burst: expected a number from 1"),
    ("--quota-day", "many", "--quota-day: expected a number"),
    ("--quota-month", "1e9", "--quota-month: expected a number"),
    ("--quota-day", "99999999999999", "--quota-day: expected a number from 1 to 1000000000000"),
    ("--expires", "2001-01-01", "'2001-01-01' is not in the future"),
    ("--expires", "2100-02-31", "--expires: expected a date"),
    ("--expires", "tomorrow", "--expires: expected a date"),
    ("--expires", "+30", "--expires: expected a date"),
    ("--services", "serch", "the configuration has no service 'serch' (did you mean 'search'?)"),
    ("--services", "search,nowhere", "the configuration has no service 'nowhere'"),
    ("--name", "two\nlines", "--name: control characters are not allowed"),
    ("--name", "x" * 257, "--name: at most 256 bytes"),
])
def test_a_wrong_wish_writes_nothing(cli, option, value, complaint):
    assert complaint in cli.fails("key", "create", "--owner", "acme", option, value)
    assert cli.redis.client.keys("*") == []


def test_an_owner_is_needed(cli):
    assert "needs --owner" in cli.fails("key", "create", status=2)


# --- list and show ---


def test_list_tells_every_key_and_no_secret(cli):
    made = [cli.json("key", "create", "--owner", f"owner{i}", "--limit", "3/60s", "--expires", "2100-01-01") for i in range(3)]
    cli.redis.client.hset("sluice:bucket:{%s}" % made[0]["digest"], "limit", "x")
    cli.redis.client.hset("sluice:key:{short}", "enabled", "1")

    text = cli.well("key", "list")
    listed = cli.json("key", "list")

    assert text.splitlines()[0].split() == ["ID", "STATUS", "OWNER", "NAME", "SERVICES", "LIMIT", "EXPIRES"]
    assert len(text.splitlines()) == 4
    assert "3/60s" in text and "2100-01-01T00:00:00Z" in text
    assert [key["id"] for key in listed] == sorted(key["id"] for key in made)
    assert {key["owner"] for key in listed} == {"owner0", "owner1", "owner2"}
    assert listed[0]["limit"] == 3 and listed[0]["window"] == 60 and listed[0]["name"] is None
    for key in made:
        assert key["key"] not in text + json.dumps(listed)


def test_list_of_nothing(cli):
    assert cli.json("key", "list") == []
    assert len(cli.well("key", "list").splitlines()) == 1


def test_list_walks_many_keys_in_small_steps(cli):
    with cli.redis.client.pipeline() as pipe:
        for i in range(1500):
            pipe.hset("sluice:key:{%064x}" % (i * 7919), mapping={"enabled": "1", "owner": f"owner{i}"})
        pipe.execute()

    assert len(cli.json("key", "list")) == 1500
    assert len({key["digest"] for key in cli.json("key", "list")}) == 1500


def test_a_status_is_told_for_what_it_is(cli):
    for name, fields in {"a": {"enabled": "1"}, "b": {"enabled": "0"}, "c": {"owner": "x"}, "d": {"enabled": "1", "expires": "5"},
                         "e": {"enabled": "yes"}, "f": {"enabled": "1", "expires": "soon"}}.items():
        cli.redis.client.hset("sluice:key:{%s}" % (name * 64), mapping=fields)
    cli.redis.client.set("sluice:key:{%s}" % ("0" * 64), "not a hash")

    assert {key["id"][0]: key["status"] for key in cli.json("key", "list")} == {
        "0": "broken", "a": "active", "b": "disabled", "c": "disabled", "d": "expired", "e": "broken", "f": "broken"}
    assert len(cli.well("key", "list").splitlines()) == 8


@pytest.mark.parametrize("field, value, takes", [
    ("enabled", "yes", "1 or 0"), ("limit", "ten", "a whole number from 1 to 1000000000000"), ("limit", "0", "a whole number from 1 to 1000000000000"),
    ("window:search", "1m", "a whole number from 1 to 1000000000000"), ("quota_day", "", "a whole number from 1 to 1000000000000"),
    ("owner", "a\tb", "at most 256 bytes without control characters"), ("services", "s " * 2100, "at most 4096 bytes"),
    ("expires", "2027-01-01", "Unix seconds: a whole number from 1 to 1000000000000")],
    ids=["enabled", "limit", "zero", "window", "quota", "owner", "services", "expires"])
def test_show_says_which_field_is_broken_and_how_to_mend_it(cli, field, value, takes):
    record = "sluice:key:{%s}" % ("a" * 64)
    cli.redis.client.hset(record, mapping={"enabled": "1", "owner": "acme", "note": "\x00 is mine", field: value})

    shown, told = cli.well("key", "show", "aaaaaaaa"), cli.json("key", "show", "aaaaaaaa")

    assert (told["status"], told["broken"]) == ("broken", {field: takes})
    assert f"\nbroken: {field} takes {takes}\nmend it in Redis: HSET {record} FIELD VALUE, or HDEL {record} FIELD\n" in shown
    if ":" not in field:
        assert cli.json("key", "list")[0]["status"] == "broken"


def test_a_record_that_the_nodes_understand_has_nothing_broken(cli):
    cli.redis.client.hset("sluice:key:{%s}" % ("a" * 64), mapping={
        "enabled": "1", "owner": "", "name": "", "services": "", "limit": "0100", "window": "1000000000000", "limit:search": "5", "methods": "GET", "note": "ten"})

    assert "broken" not in cli.well("key", "show", "aaaaaaaa")
    assert cli.json("key", "show", "aaaaaaaa")["broken"] == {} and cli.json("key", "list")[0]["status"] == "active"


def test_a_disabled_key_is_disabled_first_and_its_fault_is_still_told(cli):
    cli.redis.client.hset("sluice:key:{%s}" % ("a" * 64), mapping={"enabled": "0", "limit": "ten"})

    told = cli.json("key", "show", "aaaaaaaa")
    assert told["status"] == "disabled" and list(told["broken"]) == ["limit"]


def test_columns_stand_under_each_other_whatever_script_a_name_is_in(cli):
    for number, owner in enumerate(["acme", "Žofie", "кафе", "é" * 40]):
        cli.redis.client.hset("sluice:key:{%064x}" % number, mapping={"enabled": "1", "owner": owner, "services": "only"})

    lines = cli.well("key", "list").splitlines()

    assert {line.index("only") for line in lines[1:]} == {lines[0].index("SERVICES")}


def test_what_stands_in_a_record_cannot_steer_the_terminal(cli):
    cli.redis.client.hset("sluice:key:{%s}" % ("a" * 64), mapping={"enabled": "1", "owner": "x\x1b[2Jy", "extra\x07": "z"})

    assert "\x1b" not in cli.well("key", "list")
    shown = cli.well("key", "show", "aaaaaaaa")
    assert "\x1b" not in shown and "\x07" not in shown
    assert cli.json("key", "show", "aaaaaaaa")["record"]["owner"] == "x\x1b[2Jy"


@pytest.mark.parametrize("way", ["id", "digest", "key"])
def test_show_takes_id_digest_and_key(cli, way):
    made = cli.json("key", "create", "--owner", "acme", "--burst", "9")
    cli.json("key", "create", "--owner", "other")

    shown = cli.json("key", "show", made[way])

    assert shown["id"] == made["id"] and shown["status"] == "active"
    assert shown["record"] == {"enabled": 1, "owner": "acme", "services": "*", "burst": 9}
    assert made["key"] not in cli.well("key", "show", made[way])


def test_a_name_that_means_nothing_or_several_is_an_error(cli):
    for tail in ("a", "b"):
        cli.redis.client.hset("sluice:key:{%s%s}" % ("c" * 8, tail * 56), "enabled", "1")

    assert "'cccccccc' is ambiguous, it begins 2 keys: ccccccccaaaa ccccccccbbbb" in cli.fails("key", "show", "cccccccc")
    assert "no key has the id 'dddddddd'" in cli.fails("key", "show", "dddddddd")
    assert "at least 4 digits" in cli.fails("key", "show", "ccc")
    assert "'show' needs KEY" in cli.fails("key", "show", status=2)
    assert cli.json("key", "show", "ccccccccb")["digest"].endswith("b")


def test_an_unknown_key_is_not_repeated(cli):
    assert "sk-secret" not in cli.fails("key", "show", "sk-secret-of-mine")


# --- disable, enable, delete ---


def test_disable_and_enable_change_one_field(cli):
    made = cli.json("key", "create", "--owner", "acme", "--limit", "3/60s")
    before = cli.record(made["key"])

    assert f"key {made['id']} is disabled" in cli.well("key", "disable", made["id"])
    assert cli.record(made["key"]) == {**before, "enabled": "0"}
    assert cli.json("key", "enable", made["key"]) == [{"id": made["id"], "action": "enabled"}]
    assert cli.record(made["key"]) == before


def test_delete_forgets_record_and_use_of_several(cli):
    made = [cli.json("key", "create", "--owner", "acme") for _ in range(3)]
    for key in made:
        cli.redis.client.hset(cli.redis.bucket(key["key"]), "limit", "x")

    cli.well("key", "delete", made[0]["id"], made[1]["digest"])

    assert sorted(cli.redis.client.keys("*")) == sorted([cli.redis.record(made[2]["key"]).encode(), cli.redis.bucket(made[2]["key"]).encode()])


def test_one_unknown_name_among_several_changes_nothing(cli):
    made = cli.json("key", "create", "--owner", "acme")

    cli.fails("key", "delete", made["id"], "0000ffff")

    assert cli.record(made["key"])


# --- breakers ---


def test_breakers_are_listed_as_redis_has_them(cli):
    now_us = int(time.time() * 1e6)
    cli.redis.client.hset("sluice:breaker:{search}", mapping={
        "state": "open", "generation": 3, "open_until": now_us + 60_000_000, "changed": now_us})

    search, scrape = cli.json("breaker", "list")
    text = cli.well("breaker", "list")

    assert (search["service"], search["state"], search["forced"], search["generation"]) == ("search", "open", False, 3)
    assert 0 < search["retry_after_ms"] <= 60_000
    assert search["changed_ms"] == now_us // 1000
    assert scrape == {"service": "scrape", "state": None}
    assert datetime.datetime.utcfromtimestamp(now_us // 1_000_000).strftime("%Y-%m-%dT%H:%M:%SZ") in text
    assert re.search(r"search +open +automatic", text) and re.search(r"scrape +none", text)


def test_an_operator_opens_closes_and_lets_go(cli):
    assert cli.json("breaker", "open", "search")["state"] == "open"
    assert cli.redis.client.hget("sluice:breaker:{search}", "forced") == b"open"
    assert cli.json("breaker", "list")[0]["forced"] is True
    assert "operator" in cli.well("breaker", "close", "search")
    assert cli.redis.client.hget("sluice:breaker:{search}", "forced") == b"closed"
    assert cli.json("breaker", "auto", "search") | {"changed_ms": 0, "generation": 0} == {
        "service": "search", "state": "closed", "forced": False, "failures": 0, "retry_after_ms": 0, "generation": 0, "changed_ms": 0}
    assert cli.redis.client.hget("sluice:breaker:{search}", "forced") is None


def test_breakers_of_unknown_services_are_not_made(cli):
    assert "no service 'serch' (did you mean 'search'?)" in cli.fails("breaker", "open", "serch")
    assert "service 'scrape' has no breaker" in cli.fails("breaker", "open", "scrape")
    assert "'open' needs SERVICE" in cli.fails("breaker", "open", status=2)
    assert "there is no command 'ajar'\n" in cli.fails("breaker", "ajar", "search", status=2)
    assert cli.redis.client.keys("*") == []


# --- reaching Redis ---


def test_redis_that_is_not_there_is_named(shared_house):
    cli = Cli(shared_house, redis="unix:///nowhere/redis.sock")

    assert "cannot connect to Redis at /nowhere/redis.sock" in cli.fails("key", "list")


def test_an_embedded_redis_that_does_not_run_is_explained(shared_house):
    cli = Cli(shared_house, redis={"url": "embedded", "data": os.path.join(shared_house.folder, "no-data")})

    complaint = cli.fails("key", "list")
    assert "the embedded Redis is not there" in complaint and "start that first" in complaint


def test_password_user_and_database_are_used(house):
    server = house.private_redis(with_port=True)
    server.client.execute_command("ACL", "SETUSER", "ops", "on", ">s3cret", "~*", "+@all")
    cli = Cli(house, redis=f"redis://ops:s3cret@127.0.0.1:{server.port}/2")
    made = cli.json("key", "create", "--owner", "acme")

    assert server.client.dbsize() == 0
    server.client.execute_command("SELECT", 2)
    assert cli.json("key", "list")[0]["id"] == made["id"]

    wrong = Cli(house, redis=f"redis://ops:guess@127.0.0.1:{server.port}/2")
    complaint = wrong.fails("key", "list")
    assert "WRONGPASS" in complaint and "guess" not in complaint


def test_a_wrong_configuration_is_told_with_its_place(cli):
    with open(cli.config_path, "w") as file:
        file.write("lisen: 1\n")

    assert "cli.yaml:1:1:" in cli.fails("key", "list")


def test_the_configuration_can_come_from_the_environment(cli):
    done = cli.run("key", "list", "--json", config=False, env={"SLUICE_CONFIG": cli.config_path})

    assert (done.returncode, json.loads(done.stdout)) == (0, [])


# --- help ---


@pytest.mark.parametrize("words", [("serve",), ("check",), ("config",), ("config", "dump"), ("explain",), ("key",), ("key", "create"), ("breaker",),
                                   ("breaker", "open"), ("versions",), ("version",)])
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_is_told_without_a_configuration(cli, words, option):
    done = cli.run(*words, option, config=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: sluice {words[0]}") and "  -h, --help" in done.stdout


@pytest.mark.parametrize("words, complaint", [
    (("key",), "sluice key: what is to be done: create, list, show, disable, enable or delete?"),
    (("key", "crate"), "sluice key: there is no command 'crate' (did you mean 'create'?)"),
    (("key", "lst"), "sluice key: there is no command 'lst' (did you mean 'list'?)"),
    (("key", "list", "x"), "sluice key: 'list' has no use for 'x'"),
    (("key", "show"), "sluice key: 'show' needs KEY..."),
    (("key", "create"), "sluice key: 'create' needs --owner"),
    (("key", "show", "a", "--owner", "b"), "sluice key: 'show' takes no --owner; only 'create' does"),
    (("key", "list", "--jason"), "sluice key: there is no option '--jason' (did you mean '--json'?)"),
    (("key", "list", "--json=yes"), "sluice key: --json takes no value"),
    (("key", "list", "-z"), "sluice key: there is no option '-z'"),
    (("breaker",), "sluice breaker: what is to be done: list, open, close or auto?"),
    (("breaker", "opne", "search"), "sluice breaker: there is no command 'opne' (did you mean 'open'?)"),
    (("breaker", "list", "search"), "sluice breaker: 'list' has no use for 'search'"),
    (("config", "dmup"), "sluice config: there is no command 'dmup' (did you mean 'dump'?)"),
    (("config", "schema"), "sluice config: 'schema' takes no --config; only 'dump' does"),
    (("versions", "v1"), "sluice versions: 'versions' has no use for 'v1'"),
    (("explain", "GET"), "sluice explain: 'explain' needs METHOD URL"),
    (("explain", "GET", "/", "--hedaer", "A: b"), "sluice explain: there is no option '--hedaer' (did you mean '--header'?)"),
    (("serve", "now"), "sluice serve: 'serve' has no use for 'now'"),
])
def test_wrong_use_is_status_2_and_names_the_nearest(cli, words, complaint):
    done = cli.run(*words)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"{complaint}\nsee sluice {words[0]} --help\n"


@pytest.mark.parametrize("words, complaint", [
    (("key", "list", "-c"), "sluice key: --config needs a value: FILE"),
    (("key", "create", "--owner"), "sluice key: --owner needs a value: OWNER"),
    (("check", "a.yaml", "b.yaml"), "sluice check: 'check' has no use for 'b.yaml'"),
    (("check", "--strickt", "a.yaml"), "sluice check: there is no option '--strickt' (did you mean '--strict'?)"),
    (("version", "--jsn"), "sluice version: there is no option '--jsn' (did you mean '--json'?)"),
])
def test_wrong_use_without_a_configuration(cli, words, complaint):
    done = cli.run(*words, config=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(complaint + "\n"), done.stderr


def test_options_may_stand_anywhere_and_be_joined_to_their_values(cli):
    made = cli.json("key", "create", "--owner", "acme")

    for words in [("key", "--json", "show", made["id"], "-c", cli.config_path), ("key", "show", f"--config={cli.config_path}", "--json", made["id"]),
                  ("key", "show", "--json", f"-c{cli.config_path}", "--", made["id"])]:
        done = cli.run(*words, config=False)
        assert json.loads(done.stdout)["id"] == made["id"], done.stderr


# --- output ---


@pytest.mark.parametrize("words", [("key", "create", "--owner", "acme"), ("key", "list"), ("breaker", "list", "--json"), ("config", "dump")])
def test_output_that_cannot_be_written_is_no_success(cli, words):
    with open("/dev/full", "w") as full:
        done = subprocess.run([binary(), *words, "-c", cli.config_path], stdout=full, stderr=subprocess.PIPE, text=True, timeout=30)

    assert (done.returncode, done.stderr) == (1, "sluice: the output could not be written: No space left on device\n")


def test_a_reader_that_leaves_is_no_crash(cli):
    with cli.redis.client.pipeline() as pipe:
        for i in range(3000):
            pipe.hset("sluice:key:{%064x}" % (i * 7919), mapping={"enabled": "1", "owner": f"owner{i}"})
        pipe.execute()

    done = subprocess.run(["bash", "-c", 'set -o pipefail; "$0" key list -c "$1" | head -n 1', binary(), cli.config_path],
                          capture_output=True, text=True, timeout=30)

    assert done.stdout.startswith("ID ") and done.stderr == "" and done.returncode in (0, 1, 141)
