"""The configuration from outside: `sluice check`, `sluice config` and `sluice version`, the JSON Schema, and the sample that the project ships."""

import json
import os
import subprocess

import jsonschema
import pytest
import yaml
from sluice.node import binary

SAMPLE = os.path.join(os.path.dirname(__file__), "../../deploy/sluice.yaml")
SMALLEST = 'services: {s: {instances: "http://127.0.0.1:1"}}\nroutes: [{path: /a, service: s}]\n'


def run(*words, **environment):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    return subprocess.run([binary(), *words], capture_output=True, text=True, timeout=60, env={**kept, **environment})


@pytest.fixture
def write(tmp_path):
    def write_text(text):
        path = tmp_path / "sluice.yaml"
        path.write_text(text)
        return str(path)

    return write_text


@pytest.fixture(scope="module")
def schema():
    return json.loads(run("config", "schema").stdout)


def faults(schema, text):
    return list(jsonschema.Draft202012Validator(schema).iter_errors(yaml.safe_load(text)))


# --- check ---


def test_the_sample_is_fine():
    told = run("check", SAMPLE)

    assert (told.returncode, told.stdout, told.stderr) == (0, f"{SAMPLE}: fine: 3 services, 4 routes\n", "")


def test_one_is_not_called_several(write):
    path = write(SMALLEST)

    assert run("check", path).stdout == f"{path}: fine: 1 service, 1 route\n"


def test_all_errors_are_told_at_once_on_standard_error(write):
    path = write("lisen: 1\nworkers: many\n" + SMALLEST.replace("service: s", "service: t"))

    told = run("check", path)

    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.splitlines() == [
        f"{path}:1:1: the configuration has no setting 'lisen' (did you mean 'listen'?)",
        f"{path}:2:10: 'workers' takes a whole number from 0 to 128, not 'many'",
        f"{path}:4:30: there is no service 't'",
    ]


def test_warnings_are_told_and_are_errors_only_when_that_is_asked_for(write):
    path = write(SMALLEST.replace("service: s}", "service: s, cost: 101}"))
    warning = f"{path}:2:39: warning: a request takes 101 units, and keys without a burst of their own never have more than 100\n"

    told, strict = run("check", path), run("check", "--strict", path)

    assert (told.returncode, told.stdout, told.stderr) == (0, f"{path}: fine: 1 service, 1 route, 1 warning\n", warning)
    assert (strict.returncode, strict.stdout, strict.stderr) == (1, "", warning)


def test_a_file_that_is_not_there_is_an_error():
    told = run("check", "/nonexistent")

    assert (told.returncode, told.stderr) == (1, "/nonexistent:1:1: cannot be read: No such file or directory\n")


def test_without_a_name_check_takes_the_file_that_the_other_commands_take(write, tmp_path):
    path = write(SMALLEST)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    (tmp_path / "empty").mkdir()

    def check(where, **environment):
        return subprocess.run([os.path.abspath(binary()), "check"], capture_output=True, text=True, timeout=60, cwd=where, env={**kept, **environment})
    named = check(tmp_path / "empty", SLUICE_CONFIG=path)
    nowhere = check(tmp_path / "empty")
    here = check(tmp_path)

    assert (named.returncode, named.stdout) == (0, f"{path}: fine: 1 service, 1 route\n")
    assert (here.returncode, here.stdout) == (0, "sluice.yaml: fine: 1 service, 1 route\n")
    assert nowhere.returncode == 1 and nowhere.stderr.startswith("sluice: no configuration: ")


def test_without_any_configuration_it_is_said_where_it_was_looked_for(tmp_path):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    told = subprocess.run([os.path.abspath(binary()), "config", "dump"], capture_output=True, text=True, timeout=60, cwd=tmp_path, env=kept)

    assert told.returncode == 1
    assert told.stderr == ("sluice: no configuration: -c FILE names one, or $SLUICE_CONFIG, and there is no ./sluice.yaml\n"
                           "/etc/sluice/sluice.yaml:1:1: cannot be read: No such file or directory\n")


@pytest.mark.parametrize("words", [["check", "a", "b"], ["check", "--nope", "a"], ["config"], ["config", "nope"], ["config", "schema", "-c", "x"],
                                   ["config", "dump", "x"], ["version", "x"]], ids=" ".join)
def test_wrong_use_is_told_apart_from_a_wrong_file(words):
    told = run(*words)

    assert told.returncode == 2
    assert f"\nsee sluice {words[0]} --help\n" in told.stderr


# --- dump ---


def test_a_dump_has_the_defaults_and_what_the_environment_said():
    told = run("config", "dump", "-c", SAMPLE, SLUICE_SEARCH="http://one:1, http://two:2", SLUICE_REDIS="redis://:hidden@r:7/1", SLUICE_TRUSTED="10.0.0.0/8 unix")

    assert told.returncode == 0
    dumped = yaml.safe_load(told.stdout)
    assert dumped["services"]["search"]["instances"] == ["http://one:1", "http://two:2"]
    assert dumped["trusted_proxies"] == ["10.0.0.0/8", "unix"]
    assert dumped["keys"]["limit"] == "100/60s"
    assert [route["path"] for route in dumped["routes"]] == ["/api/v1/search/*", "/api/v1/scrape/*", "/api/v1/research/*",
                                                            "/api/v1/aggregated"]
    assert dumped["redis"]["url"] == "redis://r:7"
    assert dumped["redis"]["password"] == "********"
    assert "hidden" not in told.stdout


def test_a_dump_reads_back_as_it_was_written(write):
    first = run("config", "dump", "-c", SAMPLE).stdout

    assert run("config", "dump", "-c", write(first)).stdout == first


def test_a_dump_of_a_wrong_file_is_its_errors(write):
    told = run("config", "dump", "-c", write("nope: 1\n"))

    assert (told.returncode, told.stdout) == (1, "")
    assert ":1:1: the configuration has no setting 'nope'" in told.stderr


# --- schema ---


def test_the_schema_is_one(schema):
    jsonschema.Draft202012Validator.check_schema(schema)


def test_the_schema_takes_the_sample_and_its_dump(schema):
    assert faults(schema, open(SAMPLE, encoding="utf-8").read()) == []
    assert faults(schema, run("config", "dump", "-c", SAMPLE).stdout) == []


@pytest.mark.parametrize("wrong", [
    "lisen: 1", "workers: many", "workers: 129", "workers: [1]", "limits: {body: lots}", "limits: {drain: 5}", "limits: {nope: 1}", "keys: {limit: 100}",
    "keys: {bearer: perhaps}", "log: {access: xml}", "redis: rediss://h", "redis: {url: redis://h, sentinels: []}", "health: 5",
])
def test_the_schema_refuses_what_the_reader_refuses(schema, write, wrong):
    text = SMALLEST + wrong + "\n"

    assert run("check", write(text)).returncode == 1
    assert faults(schema, SMALLEST) == []
    assert faults(schema, text) != []


@pytest.mark.parametrize("part", [
    "{path: /a}", "{service: s}", "{path: /a, service: s, cost: 0}", "{path: /a, service: s, auth: maybe}", "{path: a, service: s}",
    "{path: /a, service: s, timeouts: {total: soon}}", "{path: /a, service: s, request_headers: {sett: {}}}", "{path: /a, service: s, fallback: {status: 600}}",
    "{path: /a, calls: {a: {service: s, get: /a}}}", "{path: /a, calls: {a: {service: s}}, answer: 1}", "{path: /a, calls: {}, answer: 1}",
    "{path: /a, calls: {a: {service: s, get: /a, for_each: 5}}, answer: 1}", "{path: /a, service: s, transform: {request: [{renam: a, to: b}]}}",
    "{path: /a, service: s, transform: {form: json}}", "{path: /a, service: s, versions: {by: path}}", "{path: /a, service: s, versions: {by: x, list: {a: {}}}}",
])
def test_the_schema_looks_into_routes(schema, write, part):
    text = f'services: {{s: {{instances: "http://127.0.0.1:1"}}}}\nroutes: [{part}]\n'

    assert run("check", write(text)).returncode == 1
    assert faults(schema, text) != []


@pytest.mark.parametrize("right", [
    "workers: ${N:-2}", "ops: off", "redis: embedded", "redis: {url: unix:///x, database: 3}", "health: off", "limits: {body: 1024, drain: 0}", "keys: {bearer: yes}",
    "listen: '*:1'", "listen: ['*:1', 'unix:/x']", "log: {access: off}", "trusted_proxies: []",
])
def test_the_schema_takes_what_the_reader_takes(schema, write, right):
    text = SMALLEST + right + "\n"

    assert run("check", write(text)).returncode == 0
    assert faults(schema, text) == []


@pytest.mark.parametrize("part", [
    "{path: /a, calls: {a: {service: s, get: /a, query: {q: 1}, when: $request.body.a, body: [null, 1.5]}}, answer: {x: $a.body}}",
    "{path: /a, service: s, transform: {request: [{keep: [a, b]}, {set: a, value: null}], query: {remove: x}, messagepack: on, bytes: 2MiB}}",
    "{path: /a, service: s, versions: {by: query, initial: 1, list: {1: {sunset: '2027-01-31', deprecated: 1767225600}, 2: }}}",
])
def test_the_schema_takes_routes_that_the_reader_takes(schema, write, part):
    text = f'services: {{s: {{instances: "http://127.0.0.1:1"}}}}\nroutes: [{part}]\n'

    assert run("check", write(text)).returncode == 0
    assert faults(schema, text) == []


def test_every_setting_is_explained_in_the_schema(schema):
    def walk(part):
        for name, row in part.get("properties", {}).items():
            assert row["description"], name
            walk(row)
        for inner in part.get("anyOf", []):
            walk(inner)
        for place in ("items", "additionalProperties"):
            if isinstance(part.get(place), dict):
                walk(part[place])

    walk(schema)


# --- version ---


def test_version_is_told_to_people_and_to_programs():
    version = json.loads(run("version", "--json").stdout)

    assert set(version) == {"version", "libh2o", "openssl"}
    assert run("version").stdout == f"sluice {version['version']} (libh2o {version['libh2o']}, OpenSSL {version['openssl']})\n"
    assert run("--version").stdout == run("-V").stdout == run("version").stdout
