"""What an operator can write wrongly, and what else can stand under our names: it refuses, says which field, and writes nothing."""

import math
import struct

import pytest
from redis_scripts import ADMITTED, BROKEN, BUCKET, CIRCUIT, RECORD

LARGE = "7" * 2**20
NO_NUMBERS = ["", "0", "-1", "+1", "abc", "inf", "-inf", "nan", "0x10", "1e3", "1.5", " 5", "5 ", "5\n", "1,000", "1000000000001", "0" * 32 + "1",
              "5\x00", "\x00", "\u0665", LARGE]
NUMBERS = ["limit", "window", "burst", "limit:search", "quota_day", "quota_month", "expires"]
DEPENDENT_NUMBERS = ["window:search", "burst:search"]


def all_that_is_kept(client):
    """By value: DUMP compresses, and not always to the same bytes."""
    return [client.hgetall(key) if client.type(key) == b"hash" else client.dump(key) for key in (RECORD, BUCKET, CIRCUIT)]


def expect_broken(scripts, field, **how):
    before = all_that_is_kept(scripts.client)
    told = scripts.admit(**how)
    assert (told.verdict, told.owner, told.name, told.granted, told.limits) == (BROKEN, field.encode(), b"", 0, [])
    assert all_that_is_kept(scripts.client) == before


@pytest.mark.parametrize("value", NO_NUMBERS)
@pytest.mark.parametrize("field", NUMBERS)
def test_what_is_no_whole_number_breaks_the_record(scripts, field, value):
    scripts.provision(**{"limit": 10, field: value})
    expect_broken(scripts, field)


@pytest.mark.parametrize("value", NO_NUMBERS)
@pytest.mark.parametrize("field", DEPENDENT_NUMBERS)
def test_what_is_no_whole_number_breaks_the_limit_of_a_service(scripts, field, value):
    scripts.provision(**{"limit:search": 10, field: value})
    expect_broken(scripts, field)


@pytest.mark.parametrize("field", NUMBERS + DEPENDENT_NUMBERS)
def test_the_largest_number_and_leading_zeros_are_fine(scripts, field):
    for value in ("1000000000000", "0000000000000000009999999999"):
        scripts.client.delete(BUCKET)
        scripts.provision(**{"limit:search": 10, field: value})
        assert scripts.admit().verdict == ADMITTED


@pytest.mark.parametrize("value", ["", "2", "01", "yes", "true", "1 ", LARGE])
def test_enabled_is_one_or_zero(scripts, value):
    scripts.provision(enabled=value)
    expect_broken(scripts, "enabled")


@pytest.mark.parametrize("field", ["owner", "name"])
@pytest.mark.parametrize("value", ["a\r\nX-Admin: 1", "\x00", "a\tb", "a\x7f", "a" * 257, LARGE])
def test_owner_and_name_must_fit_into_a_header(scripts, field, value):
    scripts.provision(**{field: value})
    expect_broken(scripts, field)


@pytest.mark.parametrize("value", ["", "a" * 256, "Müller & Söhne, (Köln)"])
def test_owner_and_name_are_told_as_they_are(scripts, value):
    scripts.provision(owner=value, name=value)
    told = scripts.admit()
    assert (told.verdict, told.owner, told.name) == (ADMITTED, value.encode(), value.encode())


@pytest.mark.parametrize("field", ["services", "methods", "scopes"])
@pytest.mark.parametrize("value", ["search GET " + "a" * 4086, "* " + LARGE])
def test_lists_are_bounded(scripts, field, value):
    scripts.provision(**{field: value})
    expect_broken(scripts, field)


def test_a_list_of_the_largest_size_is_read_to_its_end(scripts):
    scripts.provision(services="a " * 2045 + "search")
    assert scripts.admit().verdict == ADMITTED


def test_a_name_for_something_else_costs_nothing_however_large(scripts):
    scripts.provision(note=LARGE)
    assert scripts.admit().verdict == ADMITTED


OTHER_TYPES = {
    "string": lambda client, key: client.set(key, "x"),
    "list": lambda client, key: client.rpush(key, "x"),
    "set": lambda client, key: client.sadd(key, "x"),
    "stream": lambda client, key: client.xadd(key, {"a": "b"}),
}


@pytest.mark.parametrize("kind", OTHER_TYPES)
def test_a_record_that_is_no_hash_is_broken(scripts, kind):
    OTHER_TYPES[kind](scripts.client, RECORD)
    expect_broken(scripts, "record")


@pytest.mark.parametrize("kind", OTHER_TYPES)
def test_a_bucket_that_is_no_hash_is_broken(scripts, kind):
    scripts.provision()
    OTHER_TYPES[kind](scripts.client, BUCKET)
    expect_broken(scripts, "bucket")


def test_a_breaker_that_is_no_hash_is_broken_and_nothing_is_charged(scripts):
    scripts.provision()
    scripts.client.set(CIRCUIT, "x")
    expect_broken(scripts, "breaker", breaker=(1, 1, 1000))


@pytest.mark.parametrize("field, size", [("limit", 16), ("limit:search", 8), ("quota", 40)])
def test_a_packed_state_that_is_not_ours_is_broken(scripts, field, size):
    scripts.provision(limit=10, limit__search=10, quota_day=10, quota_month=10)
    count = size // 8
    others = [b"", b"x" * (size - 1), b"x" * (size + 1), b"\xff" * size, b"x" * 2**20]
    others += [struct.pack(f"<{count}d", *[0] * (count - 1), bad) for bad in (math.nan, math.inf, -math.inf, -1)]
    for packed in others:
        scripts.client.delete(BUCKET)
        scripts.client.hset(BUCKET, field, packed)
        expect_broken(scripts, "bucket")


@pytest.mark.parametrize("field, value", [("limit", "0"), ("window", "x"), ("burst", "-1")])
def test_a_node_that_asks_with_rubbish_gets_no_admission(scripts, field, value):
    scripts.provision()
    expect_broken(scripts, field, **{field: value})
