"""sluice reference: what the program says of itself is whole, and is what stands in the guide."""

import json
import os
import re
import subprocess

import pytest
from sluice.node import binary

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
PAGE = os.path.join(TOP, "deploy/guide/reference.md")


def run(*words):
    return subprocess.run([binary(), *words], capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="module")
def reference():
    result = run("reference")
    assert result.returncode == 0 and result.stderr == ""
    return result.stdout


def test_the_page_in_the_guide_is_what_the_program_prints(reference):
    with open(PAGE, encoding="utf-8") as file:
        assert file.read() == reference, "sluice reference > deploy/guide/reference.md"


def settings_of(schema):
    """Names of all properties, whatever holds them."""
    if isinstance(schema, list):
        return set().union(*map(settings_of, schema))
    if not isinstance(schema, dict):
        return set()
    return set(schema.get("properties", {})) | set().union(*map(settings_of, schema.values()))


def test_every_setting_of_the_schema_has_its_row(reference):
    rows = set(re.findall(r"^\| `([a-z0-9_]+)` \|", reference, re.MULTILINE))
    missing = {name for name in settings_of(json.loads(run("config", "schema").stdout)) if name.replace("_", "").isalnum()} - rows
    # Words of operations on documents are no settings: transformation.md has them.
    assert missing <= {"move", "to", "default", "value", "wrap", "in", "unwrap", "at", "keep", "of", "count", "limit", "flatten", "rename", "remove", "set"}


def test_every_reason_in_the_source_is_told(reference):
    told = set(re.findall(r"\| `([a-z_0-9]+)` \|", reference))
    for folder, _, names in os.walk(os.path.join(TOP, "src")):
        for name in names:
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                assert set(re.findall(r'->reason = "([a-z_]+)"', file.read())) <= told, name


def test_every_command_tells_its_usage(reference):
    commands = re.findall(r"^  ([a-z]+) ", run("--help").stdout, re.MULTILINE)
    assert len(commands) > 5
    for command in commands:
        assert f"### `sluice {command}`\n" in reference
        assert run(command, "--help").stdout in reference


@pytest.mark.parametrize("words", [["x"], ["--json"]])
def test_anything_else_is_used_wrongly(words):
    result = run("reference", *words)
    assert result.returncode == 2 and result.stdout == "" and "see sluice reference --help" in result.stderr
