"""Chromium against a node: a page that comes through the gateway, and a program in it that uses an API through the gateway.

The browser tells by a POST what it saw, so nothing drives it and nothing reads its window. It installs 300 MB, so the suite runs only
when asked for: ./tests/run browser
"""

import contextlib
import json
import os
import threading
import urllib.parse

import pytest
from sluice import chromium, processes, service
from sluice.certificates import Authority
from sluice.waiting import until

pytestmark = pytest.mark.skipif(chromium.binary() is None, reason="no Chromium here")

LARGE = 32 << 20
BLOCK = bytes(range(256)) * 256


class Site:
    """The service behind the gateway. /open/NAME has a behaviour of its own where there is one, all else is echoed."""

    def __init__(self):
        self.report, self.heard, self.was_cut = None, threading.Event(), threading.Event()
        self.behaviours = {"/open/page": self.page, "/open/large": service.streams(LARGE, BLOCK), "/open/endless": self.endless,
                           "/open/events": self.events, "/open/heard": self.hear, "/open/report": self.take_report}

    def __call__(self, request, wire):
        return self.behaviours.get(request.target, service.echo)(request, wire)

    def page(self, _, wire):
        with open(os.path.join(os.path.dirname(__file__), "page.html"), "rb") as page:
            return wire.reply(200, page.read(), [("Content-Type", "text/html; charset=utf-8")])

    def endless(self, _, wire):
        wire.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        try:
            while True:
                wire.send(BLOCK)
        except OSError:
            self.was_cut.set()
            raise

    def events(self, _, wire):
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\ndata: one\n\n")
        if self.heard.wait(60):
            wire.send(b"data: two\n\n")
            wire.wait_until_left()

    def hear(self, _, wire):
        self.heard.set()
        return wire.reply(204)

    def take_report(self, request, wire):
        self.report = json.loads(request.body)
        return wire.reply(204)


class Visit:
    """One browser that comes in by one way, its gateway, and what it told."""

    # where it comes in, where it is then, what it calls the protocol. HTTP/2 begins where people begin: at an address that sends them on
    WAYS = {"in the clear": ("plain", "plain", "http/1.1"), "TLS, HTTP/1.1": ("old", "old", "http/1.1"), "TLS, HTTP/2": ("entrance", "tls", "h2")}

    def __init__(self, house, way):
        entrance, home, self.protocol = self.WAYS[way]
        self.site = Site()
        self.pair = Authority(house.folder, f"authority-{home}").issue(f"gateway-{home}", ["gateway.test"])
        self.ports = {name: processes.free_port() for name in ("plain", "old", "tls", "entrance")}
        self.gateway = self.start(house)
        self.keys = {"open": house.redis.provision(f"open-{self.ports[home]}", limit=1000, window=1),
                     "small": house.redis.provision(f"small-{self.ports[home]}", limit=1, window=3600)}
        self.origin = self.origin_of(home)
        with contextlib.closing(chromium.NetworkWatch()) as network:
            self.report = self.browse(self.origin_of(entrance) + "/open/page#" + urllib.parse.urlencode(self.keys))
            self.was_disturbed = network.has_changed()
        for line in self.gateway.log_lines():  # for whoever reads a failure
            print({name: line[name] for name in ("path", "status", "reason", "detail", "upstream_result", "duration_ms", "bytes_out", "complete")})

    def start(self, house):
        at = {name: f"127.0.0.1:{port}" for name, port in self.ports.items()}
        tls = {"certificates": [self.pair.setting()]}
        node = house.configure({
            "services": {"main": {"instances": [house.service(self.site).url], "timeouts": {"connect": "20s"}}},
            "routes": [{"path": "/open/*", "service": "main", "auth": "none"}, {"path": "/api/*", "service": "main"}],
            "listen": [at["plain"], {"address": at["old"], "tls": tls, "http2": False}, {"address": at["tls"], "tls": tls},
                       {"address": at["entrance"], "redirect": "https", "redirect_port": self.ports["tls"]}],
        })
        node.address = ("127.0.0.1", self.ports["plain"])
        return node.start()

    def origin_of(self, listener):
        return f"{'https' if listener in ('old', 'tls') else 'http'}://gateway.test:{self.ports[listener]}"

    def browse(self, url):
        browser = chromium.Chromium(url, "gateway.test", self.pair)
        try:
            return until(lambda: self.site.report, lambda: f"no report: {self.gateway.log_text()[-3000:]}\n{browser.words()[-3000:]}", seconds=120, pause=0.1)
        finally:
            browser.close()


@pytest.fixture(scope="module", params=Visit.WAYS)
def visit(request, shared_house):
    for _ in range(10):
        made = Visit(shared_house, request.param)
        if not made.was_disturbed:
            break
    return made


def test_the_page_and_all_that_it_asks_for_come_by_one_protocol(visit):
    fetches = visit.report["fetches"]

    assert visit.report["page"]["url"].startswith(visit.origin + "/open/page")
    assert visit.report["page"]["protocol"] == visit.protocol
    # what it has left, and what it did not even send, has no protocol to tell
    unfinished = {"/open/endless"} if visit.protocol == "h2" else {"/open/endless", "/api/upload"}
    assert {one["protocol"] for one in fetches if one["path"] not in unfinished} == {visit.protocol}
    assert len([one for one in fetches if one["path"].startswith("/api/parallel/")]) == 40


def test_forty_at_once_are_answered_and_not_mixed_up(visit):
    told = visit.report["parallel"]

    assert [(one["target"], one["body"]) for one in told] == [(f"/api/parallel/{number}", str(number)) for number in range(40)]
    if visit.protocol == "h2":  # all of them on a connection that was there before
        assert [one for one in visit.report["fetches"] if one["isNewConnection"] and one["path"].startswith("/api/parallel/")] == []


def test_what_is_asked_and_sent_arrives(visit):
    report = visit.report

    assert (report["get"]["status"], report["get"]["body"]["method"], report["get"]["body"]["target"]) == (200, "GET", "/api/get?q=%C3%A4%20b")
    assert (report["post"]["status"], report["post"]["body"]["method"], report["post"]["body"]["body_bytes"]) == (200, "POST", 300_000)
    form = report["form"]["body"]
    assert (form["method"], form["body_bytes"] > 20_000, 'filename="file.bin"' in form["body"]) == ("PUT", True, True)
    assert (report["head"]["status"], report["head"]["body"]) == (200, None)
    for seen in (report["get"], report["post"], report["form"], report["head"]):
        assert seen["headers"]["x-request-id"] and seen["headers"]["ratelimit"].startswith('"key";r=')
    sent = {name.lower(): value for name, value in report["get"]["body"]["headers"]}
    assert "Chrome/" in sent["user-agent"] and sent["x-forwarded-host"].startswith("gateway.test")
    assert "x-api-key" not in sent


def test_a_large_answer_comes_in_pieces_and_whole(visit):
    download = visit.report["download"]

    assert download.pop("pieces", 0) > 1, download
    assert download == {"bytes": LARGE, "sum": sum(BLOCK) * (LARGE // len(BLOCK))}


def test_an_answer_that_is_left_ends_at_the_service_too_and_the_next_comes(visit):
    assert visit.report["cancelled"]["body"]["target"] == "/open/after"
    assert visit.site.was_cut.wait(30)


def test_events_arrive_as_they_happen(visit):
    assert visit.report["events"] == ["one", "two"]


def test_refusals_are_problems_that_a_program_can_read(visit):
    for name, error in (("noKey", "API key required"), ("wrongKey", None)):
        refused = visit.report[name]
        assert (refused["status"], refused["headers"]["content-type"]) == (401, "application/problem+json")
        assert refused["body"]["status"] == 401 and refused["body"]["request_id"] == refused["headers"]["x-request-id"]
        assert error is None or refused["body"]["error"] == error

    admitted, spent = visit.report["spent"]
    assert (admitted["status"], spent["status"], spent["headers"]["content-type"]) == (200, 429, "application/problem+json")
    assert spent["body"]["violated_policies"] == ["key"] and int(spent["headers"]["retry-after"]) == spent["body"]["retry_after"]


def test_a_body_without_a_length_goes_up_by_http2(visit):
    upload = visit.report["upload"]

    if visit.protocol == "h2":
        assert (upload["status"], upload["body"]["body_bytes"]) == (200, 100_000)
    else:  # the browser's own word, before anything is sent
        assert "Failed to fetch" in upload["problem"]


def test_nothing_was_amiss_for_the_gateway(visit):
    lines = visit.gateway.log_lines()

    assert {line["protocol"] for line in lines if line["path"] == "/open/page"} >= {"HTTP/2" if visit.protocol == "h2" else "HTTP/1.1"}
    assert [line for line in lines if line["status"] >= 500] == []
    assert visit.gateway.metrics().total("sluice_worker_deaths_total") == 0
