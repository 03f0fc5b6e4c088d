"""deploy/guide/formats.md is what the program does: every example of its tables is read, and has the outcome that stands there."""

import json
import os
import re
import struct
import subprocess

import pytest
from sluice.node import binary

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = os.path.join(TOP, "deploy/guide/formats.md")
LETTERS = {"JSON": b"i", "MessagePack": b"u", "Forms": b"f"}  # of tests/support/formats.c
TICKS = re.compile(r"``(?!`)|`([^`]*)`")


def examples_in(cell):
    """A pair of ticks with nothing between is an example of nothing."""
    return [match[1] or "" for match in TICKS.finditer(cell)]


def rows_of_page():
    """(format, section, case, outcome or None, examples, what they become or None)"""
    form = section = None
    rows = []
    with open(PAGE, encoding="utf-8") as file:
        for line in file:
            if line.startswith("## "):
                form, section = line[3:].strip(), None
            elif line.startswith("### "):
                section = line[4:].strip()
            elif line.startswith("| ") and not line.startswith(("| case", "| ---")):
                cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
                if section == "Decided here":
                    rows.append((form, cells[1], cells[0], examples_in(cells[2]), None))
                else:
                    becomes = examples_in(cells[2]) if len(cells) == 3 else None
                    rows.append((form, section, cells[0], examples_in(cells[1]), becomes))
    return rows


def bytes_of(form, example):
    if form == "MessagePack":
        return bytes.fromhex(example)
    parts = re.split(r"<([0-9a-f]{2})>", example)
    return b"".join(bytes.fromhex(part) if index % 2 else part.encode() for index, part in enumerate(parts))


def convert(letter, inputs):
    program = os.path.join(os.path.dirname(binary()), "tests/support/sluice-formats")
    frames = b"".join(letter + struct.pack(">I", len(given)) + given for given in inputs)
    told = subprocess.run([program, "convert"], input=frames, capture_output=True, timeout=60, check=True).stdout
    answers, at = [], 0
    for _ in inputs:
        (length,) = struct.unpack_from(">I", told, at + 1)
        answers.append((told[at : at + 1] == b"y", told[at + 5 : at + 5 + length].decode(errors="replace")))
        at += 5 + length
    return answers


ROWS = rows_of_page()


def test_the_page_has_all_tables():
    assert {row[0] for row in ROWS} == set(LETTERS)
    assert len(ROWS) > 35 and sum(len(row[3]) for row in ROWS) > 150


@pytest.mark.parametrize("form, outcome, case, examples, becomes", ROWS, ids=[f"{row[0]}: {row[2]}" for row in ROWS])
def test_each_example_has_the_outcome_that_stands_beside_it(form, outcome, case, examples, becomes):
    is_taken = outcome.lower().startswith("taken")
    assert examples and (is_taken or outcome.lower().startswith("refused")), case

    told = convert(LETTERS[form], [bytes_of(form, example) for example in examples])

    assert [(example, is_well) for example, (is_well, _) in zip(examples, told)] == [(example, is_taken) for example in examples], told
    if becomes is not None:
        assert [text for _, text in told] == becomes


def test_what_the_page_says_of_numbers_between_the_formats():
    assert [well for well, _ in convert(b"p", [b"1e400", b"0.1000000000000000055511151231257827", b"18446744073709551615", b"0.1"])] == [False, False, True, True]


def test_a_bomb_of_brackets_is_refused_and_sixty_four_are_not():
    for letter, opened in ((b"i", b"["), (b"u", b"\x91")):
        innermost = b"" if letter == b"i" else b"\x01"
        closed = b"]" if letter == b"i" else b""
        (deepest, deeper, bomb) = convert(letter, [opened * 64 + innermost + closed * 64, opened * 65 + innermost + closed * 65, opened * 10_000_000])
        assert (deepest[0], deeper[0], bomb[0]) == (True, False, False), (letter, deepest[1], deeper[1])
    assert json.loads(convert(b"u", [b"\x91" * 60 + b"\x01"])[0][1])
