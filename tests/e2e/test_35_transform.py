"""Transformation: queries and bodies changed on the way in and on the way out, JSON and MessagePack, bounds, bad input."""

import json
import pathlib
import re
import zlib

import msgpack
import pytest
from sluice import http, service
from sluice.problems import assert_problem

JSON = ("Content-Type", "application/json")
MSGPACK = ("Content-Type", "application/msgpack")


class Bridge:
    """A node whose only route goes through one transformation."""

    def __init__(self, house, behaviour=None, transform=None, **route):
        self.service = house.service(behaviour)
        self.node = house.node({"services": {"main": {"instances": [self.service.url]}},
                                "routes": [{"path": "/t/*", "service": "main", "auth": "none", "transform": transform, **route}]})

    def send(self, body, content_type="application/json", target="/t/x", headers=(), method="POST"):
        return self.node.fetch(method, target, [("Content-Type", content_type), *headers], body)

    def get(self, headers=(), target="/t/x", method="GET"):
        return self.node.fetch(method, target, headers)


def answer(body, *headers, status=200):
    return service.answers(status, body, [JSON, *headers])


# --- the query ---


def test_the_query_is_removed_renamed_set_and_added(house):
    bridge = Bridge(house, transform={"query": {"remove": ["debug"], "rename": {"q": "search term"},
                                                "set": {"who": "${request.headers.x-who} & co"}, "add": {"page": 1, "size": 20}}})

    for target, wanted in [("?q=a%20b&debug=1&x=%2F&q=c", "?search%20term=a%20b&x=%2F&search%20term=c&who=me%20%26%20co&page=1&size=20"),
                           ("", "?who=me%20%26%20co&page=1&size=20"),
                           ("?page=7&who=you&%64ebug&size=", "?page=7&size=&who=me%20%26%20co")]:
        assert bridge.get([("X-Who", "me")], "/t/x" + target).status == 200
        assert bridge.service.last.target == "/t/x" + wanted


def test_a_query_of_which_nothing_is_left_goes_without_its_mark(house):
    bridge = Bridge(house, transform={"query": {"remove": ["a"]}})
    bridge.get(target="/t/x?a=1&a=2")
    assert bridge.service.last.target == "/t/x"


def test_the_key_gets_no_other_name(house):
    main = house.service()
    node = house.node({"keys": {"query": "api_key"}, "services": {"main": {"instances": [main.url]}},
                       "routes": [{"path": "/t/*", "service": "main", "transform": {"query": {"rename": {"api_key": "token"}}}}]})
    house.redis.provision("secret-key")
    assert node.fetch("GET", "/t/x?api_key=secret-key&a=1").status == 200
    assert main.last.target == "/t/x?a=1"


# --- requests ---


def test_the_body_is_edited_and_what_is_not_meant_keeps_its_bytes(house):
    bridge = Bridge(house, transform={"request": [
        {"rename": "user.mail", "to": "email"}, {"remove": ["debug", "items[*].price"]}, {"move": "q", "to": "search.query"},
        {"set": "from", "value": "$request.headers.x-front"}, {"default": "limit", "value": 10}, {"wrap": "", "in": "data"}]})
    body = '{"id": 9223372036854775808, "user": {"mail" : "a@b"}, "debug":1, "q":"x", "items":[{"n":0.10,"price":1}], "limit":null}'

    got = bridge.send(body, "application/json; charset=UTF-8", headers=[("X-Front", "shop"), ("Content-MD5", "x")])

    assert got.status == 200
    last = bridge.service.last
    assert json.loads(last.body) == {"data": {"id": 9223372036854775808, "user": {"email": "a@b"}, "items": [{"n": 0.1}],
                                              "limit": 10, "search": {"query": "x"}, "from": "shop"}}
    assert b'"id": 9223372036854775808' in last.body and b'"n":0.10' in last.body
    assert last["content-type"] == "application/json; charset=UTF-8"
    assert last["content-length"] == str(len(last.body))
    assert last["content-md5"] is None


def test_a_value_may_come_from_the_body_itself(house):
    bridge = Bridge(house, transform={"request": [{"set": "copy", "value": {"of": "$request.body.a[0]", "q": "$request.query.q"}}]})
    bridge.send('{"a":[1e400]}', target="/t/x?q=1")
    assert bridge.service.last.body == b'{"a":[1e400],"copy":{"of":1e400,"q":"1"}}'


@pytest.mark.parametrize("content_type", ["application/msgpack", "application/vnd.msgpack", "application/x-msgpack"])
def test_messagepack_becomes_json(house, content_type):
    bridge = Bridge(house, transform={"messagepack": True, "request": [{"rename": "a", "to": "b"}]})
    bridge.send(msgpack.packb({"a": [1, None, "é"], "big": 2 ** 64 - 1}), content_type)
    last = bridge.service.last
    assert json.loads(last.body) == {"b": [1, None, "é"], "big": 2 ** 64 - 1}
    assert last["content-type"] == "application/json"


def test_a_form_becomes_json(house):
    bridge = Bridge(house, transform={"form": "to_json"})
    bridge.send("a=1&b=x+y&b=%C3%A9&c", "application/x-www-form-urlencoded")
    assert json.loads(bridge.service.last.body) == {"a": "1", "b": ["x y", "é"], "c": ""}
    assert bridge.service.last["content-type"] == "application/json"


@pytest.mark.parametrize("body, content_type", [
    (b"not json", "text/plain"), (b"\x81\xa1a\x01", "application/msgpack"), (b"a=%zz", "application/x-www-form-urlencoded"), (b"", "application/json")])
def test_what_nothing_is_to_be_done_to_is_not_looked_at(house, body, content_type):
    bridge = Bridge(house, transform={"request": [{"set": "a", "value": 1}]})
    assert bridge.send(body, content_type).status == 200
    assert bridge.service.last.body == body
    assert bridge.service.last["content-type"] == content_type


BAD_BODIES = {
    "no JSON": (b"{", "application/json"), "trailing": (b"{} x", "application/json"), "byte order mark": (b"\xef\xbb\xbf{}", "application/json"),
    "NaN": (b'{"a":NaN}', "application/json"), "bad UTF-8": (b'"\xff"', "application/json"), "lone surrogate": (b'"\\ud800"', "application/json"),
    "depth": (b"[" * 65 + b"]" * 65, "application/json"), "only brackets": (b"[" * 100000, "application/json"),
    "lying length": (b"\xdd\xff\xff\xff\xff", "application/msgpack"), "number as name": (b"\x81\x01\x01", "application/msgpack"),
    "msgpack cut": (b"\x93\x01", "application/msgpack"), "msgpack depth": (b"\x91" * 1000 + b"\x01", "application/msgpack"),
    "bad escape": (b"a=%zz", "application/x-www-form-urlencoded"), "form UTF-8": (b"a=%ff", "application/x-www-form-urlencoded"),
}


@pytest.fixture(scope="module")
def reader(shared_house):
    return Bridge(shared_house, transform={"request": [{"set": "a", "value": 1}], "form": "to_json", "messagepack": True, "bytes": "128KiB"})


@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_body_that_is_not_what_it_says(reader, name):
    asked = reader.service.count
    problem = assert_problem(reader.send(*BAD_BODIES[name]), 400, "Bad request body")
    assert "at byte" in problem["detail"]
    assert reader.service.count == asked


def test_charsets_and_codings_that_are_not_read(reader):
    assert_problem(reader.send(b'"\xe9"', "application/json; charset=iso-8859-1"), 415)
    assert_problem(reader.send(zlib.compress(b"{}"), headers=[("Content-Encoding", "deflate")]), 415)
    assert reader.send(b"{}", "application/json; charset=us-ascii", headers=[("Content-Encoding", "identity")]).status == 200


@pytest.mark.parametrize("other, status", [("application/x-www-form-urlencoded", 415), ("text/plain", 415), ("application/json", 200)])
def test_two_different_content_types_are_none(reader, other, status):
    """The first would decide here, and perhaps the last at the service."""
    asked = reader.service.count
    assert reader.send(b"{}", "application/json", headers=[("Content-Type", other)]).status == status
    assert reader.send(b"{}", other, headers=[("Content-Type", "application/json")]).status == status
    assert reader.service.count == asked + 2 * (status == 200)


def test_a_body_that_is_too_large_to_be_held(reader):
    asked = reader.service.count
    assert_problem(reader.send(b'"' + b"x" * 131072 + b'"'), 413)
    assert_problem(reader.send(b"a=" + b"%01" * 43000, "application/x-www-form-urlencoded"), 413)  # the result is
    assert_problem(reader.send(b'{"b":"' + b"x" * (131072 - 12) + b'"}'), 413)  # the result is
    assert reader.service.count == asked
    assert reader.send(b"x" * 200000, "text/plain").status == 200  # nobody holds it


# --- answers ---


def test_the_answer_is_edited(house):
    bridge = Bridge(house, transform={"response": [{"rename": "results[*].uid", "to": "id"}, {"remove": "internal"},
                                                   {"set": "asked", "value": "$request.query.q"}]})
    bridge.service.behaviour = answer('{"results":[{"uid": 12345678901234567890}, {"uid":0.10}],"internal":{"x":1}}',
                                      ("ETag", '"abc"'), ("Content-MD5", "x"), ("Digest", "x"), ("Accept-Ranges", "bytes"), ("X-Other", "stays"))

    got = bridge.get([("Accept-Encoding", "gzip, br"), ("Range", "bytes=0-3"), ("Accept", "application/json")], "/t/x?q=me")

    assert got.body == b'{"results":[{"id": 12345678901234567890}, {"id":0.10}],"asked":"me"}'
    assert got["content-length"] == str(len(got.body)) and got["transfer-encoding"] is None
    assert (got["content-type"], got["etag"], got["x-other"]) == ("application/json", 'W/"abc"', "stays")
    assert [got[name] for name in ("content-md5", "digest", "accept-ranges", "vary")] == [None] * 4
    asked = bridge.service.last
    assert (asked["accept-encoding"], asked["range"], asked["accept"]) == ("identity", None, "application/json")


def chunked(body, headers=()):
    def behaviour(request, wire):
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
        wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + lines.encode() + b"\r\n")
        for start in range(0, len(body), 1000):
            wire.send(b"%x\r\n%s\r\n" % (len(body[start:start + 1000]), body[start:start + 1000]))
        wire.send(b"0\r\n\r\n")
        return True
    return behaviour


def test_an_answer_in_chunks_gets_a_length(house):
    document = json.dumps({"a": ["x" * 50] * 200, "b": 1}).encode()
    bridge = Bridge(house, chunked(document, [JSON]), {"response": [{"remove": "b"}]})
    with bridge.node.connect() as connection:
        for _ in range(2):
            got = connection.request("GET", "/t/x")
            assert got.json() == {"a": ["x" * 50] * 200}
            assert got["content-length"] == str(len(got.body))


UNTOUCHED = {
    "answer_not_json": answer("{nope", ("ETag", '"s"')), "answer_is_coded": answer(zlib.compress(b'{"b":1}'), ("Content-Encoding", "deflate"), ("ETag", '"s"')),
    "answer_is_a_range": service.answers(206, b'{"b":1}', [JSON, ("Content-Range", "bytes 0-6/100"), ("ETag", '"s"')]),
    "answer_not_utf8": service.answers(200, b'{"b":"\xe9"}', [("Content-Type", "application/json;charset=latin1"), ("ETag", '"s"')]),
    "": service.answers(200, b'{"b":1}', [("Content-Type", "text/plain"), ("ETag", '"s"')]),
}


@pytest.mark.parametrize("word", UNTOUCHED)
def test_what_is_not_understood_passes_with_a_word_in_the_log(house, word):
    bridge = Bridge(house, UNTOUCHED[word], {"response": [{"remove": "b"}]})
    got, plain = bridge.get(), http.fetch(("127.0.0.1", bridge.service.port))
    assert (got.status, got.body, got["etag"]) == (plain.status, plain.body, '"s"')
    assert got["content-length"] == str(len(plain.body))
    assert bridge.node.log_line(request_id=got["x-request-id"])["detail"] == word


@pytest.mark.parametrize("behaviour", [answer("[" + "1," * 40000 + "1]"), chunked(b"[" + b"1," * 40000 + b"1]", [JSON]),
                                       answer('"' + '\\"' * 30000 + '"')], ids=["length", "chunks", "result"])
def test_an_answer_that_is_too_large_to_be_held(house, behaviour):
    bridge = Bridge(house, behaviour, {"response": [{"wrap": "", "in": "x" * 10000}], "bytes": "64KiB"})
    assert_problem(bridge.get(), 502)
    bridge.service.behaviour = answer("[]")
    assert bridge.get().status == 200


def test_a_broken_answer_is_a_whole_502_and_nothing_of_it_leaks(house):
    bridge = Bridge(house, service.sends(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nSet-Cookie: a=1\r\nContent-Length: 100\r\n\r\n{"),
                    {"response": [{"remove": "b"}]})
    got = bridge.get()
    assert_problem(got, 502)
    assert got["set-cookie"] is None


def peak_kib(node):
    """The most that the workers ever held, all together."""
    found = [re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()) for pid in node.resident_kib()]
    return sum(int(match[1]) for match in found)


def test_a_large_answer_costs_no_more_than_the_bound(house):
    bridge = Bridge(house, answer("[]"), {"response": [{"remove": "b"}], "bytes": "64KiB"})
    for _ in range(10):
        assert bridge.get().body == b"[]"
    before = peak_kib(bridge.node)
    bridge.service.behaviour = chunked(b"[" + b"1," * 8000000 + b"1]", [JSON])
    for _ in range(5):
        assert_problem(bridge.get(), 502)
    assert peak_kib(bridge.node) - before < 4096


def test_answers_that_nothing_is_done_to_stream(house):
    bridge = Bridge(house, service.streams(8 << 20), {"response": [{"remove": "b"}], "bytes": "64KiB"})
    assert len(bridge.get().body) == 8 << 20


def test_head_and_304(house):
    bridge = Bridge(house, None, {"response": [{"remove": "b"}], "messagepack": True})
    bridge.service.behaviour = service.sends(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nETag: "a"\r\nContent-Length: 7\r\n\r\n')
    got = bridge.get([("Accept", "application/msgpack")], method="HEAD")
    assert (got.status, got["content-type"], got["content-length"], got["etag"]) == (200, "application/msgpack", None, 'W/"a"')
    bridge.service.behaviour = service.sends(b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n')
    got = bridge.get([("If-None-Match", 'W/"a"')])
    assert (got.status, got["etag"], bridge.service.last["if-none-match"]) == (304, 'W/"a"', 'W/"a"')


# --- JSON or MessagePack ---

NEGOTIATION = [
    (None, "json"), ("*/*", "json"), ("application/json", "json"), ("application/*", "json"), ("text/html, */*;q=0.1", "json"),
    ("application/msgpack", "msgpack"), ("application/json;q=0.5, application/msgpack", "msgpack"),
    ("application/json, application/msgpack;q=0.5", "json"), ("application/msgpack, */*;q=0.1", "msgpack"),
    ("application/json;q=0, */*", "msgpack"), ("application/vnd.msgpack", "vnd.msgpack"), ("application/x-msgpack", "x-msgpack"),
    ("text/html", None), ("application/json;q=0", None),
]


@pytest.fixture(scope="module")
def speaker(shared_house):
    return Bridge(shared_house, transform={"messagepack": True})


@pytest.mark.parametrize("accept, wanted", NEGOTIATION)
def test_the_form_is_what_accept_prefers(speaker, accept, wanted):
    speaker.service.behaviour = answer('{"a":[1, 2.5, "x", null, true], "n": 18446744073709551615}', ("Vary", "Accept-Language"))
    got = speaker.get([("Accept", accept)] if accept else [])
    if wanted is None:
        assert_problem(got, 406)
        assert got["vary"] == "Accept"
        return
    assert (got.status, got["content-type"], got["vary"]) == (200, f"application/{wanted}", "Accept-Language, Accept")
    document = got.json() if wanted == "json" else msgpack.unpackb(got.body)
    assert document == {"a": [1, 2.5, "x", None, True], "n": 2 ** 64 - 1}
    assert got["content-length"] == str(len(got.body))
    assert speaker.service.last["accept"] == ("application/json" if wanted != "json" else accept)


@pytest.mark.parametrize("vary, wanted", [("accept, Origin", "accept, Origin"), ("*", "*"), ("", "Accept")])
def test_vary_is_not_said_twice(speaker, vary, wanted):
    speaker.service.behaviour = answer("{}", ("Vary", vary))
    assert speaker.get()["vary"] == wanted


def test_a_refusal_must_not_hide_what_was_done_or_what_went_wrong(speaker):
    speaker.service.behaviour = answer('{"done":1}')
    assert speaker.send("{}", headers=[("Accept", "text/html")]).json() == {"done": 1}
    speaker.service.behaviour = service.answers(404, '{"title":"x"}', [("Content-Type", "application/problem+json")])
    assert speaker.get([("Accept", "text/html")])["content-type"] == "application/problem+json"
    got = speaker.get([("Accept", "application/msgpack")])
    assert (got.status, got["content-type"], msgpack.unpackb(got.body)) == (404, "application/msgpack", {"title": "x"})


def test_what_messagepack_cannot_hold_stays_json_and_is_edited_all_the_same(house):
    bridge = Bridge(house, answer('{"a":1e400,"secret":1}'), {"messagepack": True, "response": [{"remove": "secret"}]})
    got = bridge.get([("Accept", "application/msgpack")])
    assert (got.body, got["content-type"]) == (b'{"a":1e400}', "application/json")
    assert bridge.node.log_line(request_id=got["x-request-id"])["detail"] == "answer_stays_json"


def test_a_service_that_speaks_messagepack_is_understood_too(house):
    bridge = Bridge(house, service.answers(200, msgpack.packb({"a": 1, "b": 2}), [MSGPACK]), {"messagepack": True, "response": [{"remove": "b"}]})
    assert bridge.get().json() == {"a": 1}
    assert msgpack.unpackb(bridge.get([("Accept", "application/msgpack")]).body) == {"a": 1}
