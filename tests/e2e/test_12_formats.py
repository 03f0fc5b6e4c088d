"""JSON, MessagePack and forms against those who read and write them for others: Python's json, msgpack and urllib."""

import decimal
import json
import math
import os
import random
import re
import struct
import subprocess
import urllib.parse

import msgpack
import pytest
from sluice.node import binary

ROUNDS = 20000 if os.environ.get("SLUICE_LONG") else 2000
SURROGATE = re.compile(r"[\ud800-\udfff]")


@pytest.fixture(scope="module")
def convert():
    """convert(letter, [input...]) gives (True, output) or (False, error) for each; see tests/support/formats.c."""
    program = os.path.join(os.path.dirname(binary()), "tests/support/sluice-formats")

    def convert_all(letter, inputs):
        frames = b"".join(letter + struct.pack(">I", len(given)) + given for given in inputs)
        told = subprocess.run([program, "convert"], input=frames, capture_output=True, timeout=300, check=True).stdout
        answers, at = [], 0
        for _ in inputs:
            (length,) = struct.unpack_from(">I", told, at + 1)
            answers.append((told[at : at + 1] == b"y", told[at + 5 : at + 5 + length]))
            at += 5 + length
        assert at == len(told)
        return answers

    return convert_all


def some_text(lot):
    return "".join(lot.choice('ab \n\t"\\/\x00\x1f\x7féß€𝄞{}[]:,') for _ in range(lot.randrange(12)))


def some_number(lot):
    kind = lot.randrange(5)
    if kind == 0:
        return lot.randrange(-200, 200)
    if kind == 1:
        return lot.randrange(-(2**63), 2**64)
    if kind == 2:
        return round(lot.uniform(-1e6, 1e6), lot.randrange(1, 6))
    if kind == 3:
        return lot.random()
    while True:
        (number,) = struct.unpack(">d", lot.randbytes(8))
        if math.isfinite(number):
            return number


def some_value(lot, depth=5):
    kind = lot.randrange(6 if depth else 4)
    if kind == 0:
        return lot.choice([None, True, False])
    if kind == 1:
        return some_number(lot)
    if kind in (2, 3):
        return some_text(lot)
    if kind == 4:
        return [some_value(lot, depth - 1) for _ in range(lot.randrange(20))]
    return {some_text(lot): some_value(lot, depth - 1) for _ in range(lot.randrange(20))}


def some_values(seed):
    lot = random.Random(seed)
    return [some_value(lot, 3) for _ in range(ROUNDS)]


def same(one, other):
    """Equal, and 1 is not 1.0, 0.0 is not -0.0, True is not 1."""
    return repr(one) == repr(other)


def test_what_python_writes_as_json_unpacks_to_the_same(convert):
    values = some_values(1)

    answers = convert(b"p", [json.dumps(value, ensure_ascii=index % 2 == 0).encode() for index, value in enumerate(values)])

    for value, (is_well, packed) in zip(values, answers):
        assert is_well, (value, packed)
        assert same(msgpack.unpackb(packed), value)


def test_what_python_packs_becomes_the_same_json(convert):
    values = some_values(2)

    answers = convert(b"u", [msgpack.packb(value) for value in values])

    for value, (is_well, text) in zip(values, answers):
        assert is_well, (value, text)
        assert same(json.loads(text), value)


def test_integers_are_packed_as_python_packs_them(convert):
    borders = [sign * (2**power) + more for power in (0, 5, 7, 8, 15, 16, 31, 32, 62, 63) for more in (-1, 0, 1) for sign in (1, -1)]
    numbers = [number for number in borders if -(2**63) <= number < 2**64]

    assert [packed for _, packed in convert(b"p", [str(number).encode() for number in numbers])] == [msgpack.packb(number) for number in numbers]


def some_decimal(lot):
    """Near what doubles can tell apart: 14 to 18 digits, now and then one beside a double's own."""
    digits = str(lot.randrange(10 ** lot.randrange(13, 18), 10**18))[: lot.randrange(14, 19)]
    if lot.randrange(2) == 0:
        digits = f"{abs(some_number(lot)):.{lot.randrange(14, 18)}e}".split("e")[0].replace(".", "")
        digits = str(int(digits) + lot.randrange(-1, 2))
    return f"{digits}e{lot.randrange(-30, 10)}"


def test_decimals_are_packed_exactly_when_a_double_prints_them_back(convert):
    lot = random.Random(5)
    texts = [some_decimal(lot) for _ in range(ROUNDS * 5)]

    answers = convert(b"p", [text.encode() for text in texts])

    wanted = [decimal.Decimal(text) == decimal.Decimal(repr(float(text))) for text in texts]
    assert ROUNDS < sum(wanted) < ROUNDS * 4, "the corpus has both"
    wrong = [text for text, (is_well, packed), is_held in zip(texts, answers, wanted) if is_well != is_held or (is_well and msgpack.unpackb(packed) != float(text))]
    assert wrong == []


def python_takes(text):
    """As we read RFC 8259: UTF-8, no words that are no JSON, no half surrogates."""

    def refuse(word):
        raise ValueError(word)

    try:
        value = json.loads(text.decode("utf-8"), parse_constant=refuse)
    except (ValueError, RecursionError):
        return False
    return not SURROGATE.search(json.dumps(value, ensure_ascii=False))


def damage(lot, text):
    text = bytearray(text)
    for _ in range(lot.randrange(1, 4)):
        at = lot.randrange(len(text) + 1)
        kind = lot.randrange(3)
        if kind == 0:
            text[at:at] = lot.choice([b'"', b"\\", b"\\ud834", b"\\udd1e", b"[", b"}", b",", b"0", b"-", b".", b"e", b" ", b"\xed\xa0\x80", b"\xff", b"\x01", b"null", b"NaN"])
        elif kind == 1:
            del text[at : at + lot.randrange(1, 3)]
        elif at < len(text):
            text[at] = lot.randrange(256)
    return bytes(text)


def test_damaged_json_is_taken_exactly_when_python_takes_it(convert):
    lot = random.Random(3)
    texts = [damage(lot, json.dumps(some_value(lot, 2), ensure_ascii=lot.randrange(2) == 0).encode()) for _ in range(ROUNDS * 5)]

    answers = convert(b"i", texts)

    taken = sum(is_well for is_well, _ in answers)
    assert ROUNDS / 4 < taken < ROUNDS * 5, "the corpus has both"
    wrong = [(text, error) for text, (is_well, error) in zip(texts, answers) if is_well != python_takes(text)]
    assert wrong == []


def test_forms_are_read_as_python_reads_them(convert):
    lot = random.Random(4)
    pairs = [[(some_text(lot), some_text(lot)) for _ in range(lot.randrange(1, 9))] for _ in range(ROUNDS)]

    answers = convert(b"f", [urllib.parse.urlencode(form).encode() for form in pairs])

    for form, (is_well, text) in zip(pairs, answers):
        wanted = {}
        for name, value in form:
            wanted.setdefault(name, []).append(value)
        assert is_well, (form, text)
        told = json.loads(text)
        assert told == {name: values if len(values) > 1 else values[0] for name, values in wanted.items()}
        assert list(told) == list(wanted)
