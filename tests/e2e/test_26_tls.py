"""TLS: which certificate, which version, whose session, and what a change of certificates costs (nobody anything)."""

import contextlib
import json
import os
import re
import signal
import ssl
import subprocess
import time

import jsonschema
import pytest
import yaml
from sluice import certificates, http, processes, service, tls
from sluice.handshakes import Handshakes
from sluice.house import simple
from sluice.node import binary
from sluice.waiting import until

TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


def listener(address, *pairs, **terms):
    settings = {"certificates": [pair if isinstance(pair, dict) else pair.setting() for pair in pairs], **terms.pop("tls", {})}
    return {"address": "%s:%d" % address, "tls": settings, **terms}


def new_address():
    return ("127.0.0.1", processes.free_port())


def worker_of(node, connection, address):
    port = connection.socket.getsockname()[1]
    return until(lambda: processes.holder_of_connection(port, address[1], node.family()), "nobody holds the connection")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return certificates.Authority(str(tmp_path_factory.mktemp("authority")))


@pytest.fixture(scope="module")
def town(shared_house, authority):
    """One node with a listener of each kind."""
    town = shared_house
    issue = authority.issue
    town.main = town.service(service.echo, "main")
    town.ec, town.rsa = issue("gateway-ec", ["gateway.test", "127.0.0.1"]), issue("gateway-rsa", ["gateway.test"], key="rsa")
    town.wild, town.exact = issue("wild", ["*.wild.test", "wild.test"]), issue("exact", ["exact.wild.test"])
    town.other = issue("other", ["other.test"])
    town.client = issue("client", for_client=True)
    town.open, town.modern, town.optional, town.required, town.forgetful, town.only_http_1, town.redirect, town.moved = (new_address() for _ in range(8))
    asks = {"client_ca": authority.path}
    plain = new_address()
    town.node = town.configure(simple(town.main, listen=[
        "%s:%d" % plain,
        listener(town.open, town.ec, town.rsa, town.wild, town.exact, town.other, hsts={"max_age": "1h", "include_subdomains": True}),
        listener(town.modern, town.ec, tls={"min_version": "1.3"}),
        listener(town.optional, town.ec, tls={**asks, "client_certificates": "optional"}),
        listener(town.required, town.ec, tls={**asks, "client_certificates": "required"}),
        listener(town.forgetful, town.ec, tls={"session_tickets": False}),
        listener(town.only_http_1, town.ec, town.wild, http2=False),
        {"address": "%s:%d" % town.redirect, "redirect": "https"},
        {"address": "%s:%d" % town.moved, "redirect": "https", "redirect_port": 8443}]))
    town.node.address = plain
    town.node.start()
    return town


# --- requests ---


def test_a_request_inside_tls_is_served_and_the_service_and_the_log_know(town, authority):
    answer = tls.fetch(town.open, tls.context(authority, TLS_1_3), "POST", "/open/x?y=1", body="hello")

    assert answer.status == 200
    seen = town.main.requests[-1]
    assert (seen.method, seen.body, seen["x-forwarded-proto"]) == ("POST", b"hello", "https")
    line = town.node.log_line(request_id=answer["x-request-id"])
    assert (line["tls_version"], line["tls_cipher"], line["protocol"]) == ("1.3", "TLS_AES_128_GCM_SHA256", "HTTP/1.1")


def test_in_the_clear_the_log_has_no_version(town):
    answer = town.node.fetch(target="/open/x")

    line = town.node.log_line(request_id=answer["x-request-id"])
    assert (line["tls_version"], line["tls_cipher"]) == ("", "")
    assert town.main.requests[-1]["x-forwarded-proto"] == "http"


def test_a_large_answer_and_a_large_body_pass(town, authority):
    body = os.urandom(3_000_000)

    answer = tls.fetch(town.open, tls.context(authority), "POST", "/open/x", body=body)

    assert answer.status == 200
    assert town.main.requests[-1].body == body


@pytest.mark.parametrize("goodbye", [True, False])
def test_a_client_that_leaves_is_noticed_inside_tls_too(house, authority, goodbye):
    main, address = house.service(service.hangs()), new_address()
    node = house.node(simple(main, listen=[listener(address, authority.issue("left", ["gateway.test"]))]))

    with tls.Connection(address, tls.context(authority)) as connection:
        connection.send(http.compose("GET", "/open/x"))
        until(lambda: main.count == 1, "no request")
        if goodbye:  # with close_notify: there is a record to read before the end
            connection.socket.settimeout(0.2)
            try:
                connection.socket.unwrap()
            except (OSError, ssl.SSLError):
                pass

    until(lambda: main.left == 1, "the call goes on for nobody")
    assert node.log_line(status=499)["reason"] == "client_left"


def test_kept_connections_end_in_order_when_the_node_does(house, authority):
    address = new_address()
    node = house.node(simple(house.service(), listen=[listener(address, authority.issue("drained", ["gateway.test"]))]))
    with tls.Connection(address, tls.context(authority)) as idle, tls.Connection(address, tls.context(authority)) as busy:
        assert idle.request("GET", "/open/x").status == 200
        node.signal(signal.SIGTERM)
        until(lambda: http.refuses(address), "it does not drain")  # so each of its workers has heard of it
        answer = busy.request("GET", "/open/x")
        assert (answer.status, answer["connection"]) == (200, "close")
        assert idle.ended() and busy.ended()
    node.stop()


def test_tls_may_come_behind_a_proxy_header(house, authority):
    address = new_address()
    node = house.node(simple(house.service(), trusted_proxies=["127.0.0.1"],
                             listen=[listener(address, authority.issue("behind", ["gateway.test"]), proxy_protocol=True)]))

    with tls.Connection(address, tls.context(authority), before=b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\r\n") as connection:
        answer = connection.request("GET", "/open/x")

    assert answer.status == 200
    assert node.log_line(request_id=answer["x-request-id"])["client"] == "192.0.2.7"
    assert tls.refuses(address, tls.context(authority))


def test_the_terms_of_listeners_are_dumped_as_they_are_read(town, tmp_path):
    def tell(*words):
        return subprocess.run([binary(), "config", *words], capture_output=True, text=True, check=True).stdout
    dump, copy = tell("dump", "-c", town.node.config_path), tmp_path / "copy.yaml"
    copy.write_text(dump)

    assert tell("dump", "-c", str(copy)) == dump
    validator = jsonschema.Draft202012Validator(json.loads(tell("schema")))
    for text in (dump, open(town.node.config_path).read()):
        assert list(validator.iter_errors(yaml.safe_load(text))) == []


# --- certificates by name ---


@pytest.mark.parametrize("name, label", [
    ("gateway.test", "ec"), ("GateWay.TEST", "ec"), ("gateway.test.", "ec"), (None, "ec"), ("nobody.test", "ec"), ("a.wild.test", "wild"), ("wild.test", "wild"),
    ("exact.wild.test", "exact"), ("a.b.wild.test", "ec"), (".wild.test", "ec"), ("other.test", "other"), ("a.other.test", "ec"), ("*.wild.test", "ec"), ("x" * 250, "ec")])
def test_a_name_gets_its_certificate_and_any_other_the_default(town, name, label):
    arguments = ["-noservername"] if name is None else ["-servername", name]
    shown = tls.s_client(town.open, *arguments)

    assert ssl.PEM_cert_to_DER_cert(re.search(r"-----BEGIN.*?-----END CERTIFICATE-----", shown, re.DOTALL)[0]) == getattr(town, label).der


@pytest.mark.parametrize("name", ["gateway.test", "a.wild.test", "exact.wild.test", "127.0.0.1"])
def test_a_strict_client_is_content(town, authority, name):
    assert tls.fetch(town.open, tls.context(authority), target="/health", name=name).status == 200


def test_intermediates_are_sent_along(house, tmp_path):
    root = certificates.Authority(str(tmp_path), "root")
    middle = certificates.Authority(str(tmp_path), "middle", above=root)
    address = new_address()
    house.node(simple(house.service(), listen=[listener(address, middle.issue("leaf", ["gateway.test"], chain=[middle.certificate]))]))

    assert tls.fetch(address, tls.context(root), target="/health").status == 200


@pytest.mark.parametrize("ciphers, label", [("ECDHE-ECDSA-AES128-GCM-SHA256", "ec"), ("ECDHE-RSA-AES128-GCM-SHA256", "rsa")])
def test_ecdsa_and_rsa_stand_side_by_side(town, authority, ciphers, label):
    with tls.Connection(town.open, tls.context(authority, TLS_1_2, ciphers)) as connection:
        assert connection.certificate() == getattr(town, label).der


@pytest.mark.parametrize("algorithm, label", [("ecdsa_secp256r1_sha256", "ec"), ("rsa_pss_rsae_sha256", "rsa")])
def test_tls_1_3_picks_the_key_by_what_the_client_can_check(town, algorithm, label):
    shown = tls.s_client(town.open, "-tls1_3", "-sigalgs", algorithm, "-servername", "gateway.test")

    assert ssl.PEM_cert_to_DER_cert(re.search(r"-----BEGIN.*?-----END CERTIFICATE-----", shown, re.DOTALL)[0]) == getattr(town, label).der


# --- the policy, as deploy/guide/tls.md has it ---

POLICY = [
    ("tls1", "DEFAULT:@SECLEVEL=0", False), ("tls1_1", "DEFAULT:@SECLEVEL=0", False),
    *[("tls1_2", f"ECDHE-{key}-{cipher}", True) for key in ("ECDSA", "RSA")
      for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")],
    *[("tls1_2", f"{cipher}:@SECLEVEL=0", False) for cipher in
      ("ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES256-SHA384", "AES128-GCM-SHA256", "AES256-SHA", "DHE-RSA-AES128-GCM-SHA256",
       "AECDH-AES128-SHA", "ECDHE-ECDSA-AES128-CCM", "ECDHE-RSA-NULL-SHA")],
    *[("tls1_3", cipher, True) for cipher in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")],
    ("tls1_3", "TLS_AES_128_CCM_SHA256", False)]


@pytest.mark.parametrize("version, ciphers, is_spoken", POLICY)
def test_versions_and_ciphers_are_those_of_the_policy(town, version, ciphers, is_spoken):
    setting = "-ciphersuites" if version == "tls1_3" else "-cipher"
    shown = tls.s_client(town.open, f"-{version}", setting, ciphers, "-servername", "gateway.test")

    assert f"Cipher is {ciphers}" in shown if is_spoken else "Cipher is (NONE)" in shown


def guide_row(name):
    """What the table of deploy/guide/tls.md says is spoken."""
    with open(os.path.join(os.path.dirname(__file__), "../../deploy/guide/tls.md")) as guide:
        cell = next(line for line in guide if line.startswith(f"| {name}")).split("|")[2]
    return re.findall(r"`(\w[\w-]+)`", cell) or cell.strip().split(", ")


def chosen(town, version, setting, offered):
    shown = tls.s_client(town.open, version, setting, ":".join(offered), "-servername", "gateway.test")
    return re.search(r"Cipher is (\S+)", shown)[1]


@pytest.mark.parametrize("version, setting, row", [("-tls1_2", "-cipher", "TLS 1.2"), ("-tls1_3", "-ciphersuites", "TLS 1.3")])
def test_of_all_that_openssl_knows_the_guides_ciphers_are_spoken_in_its_order(town, version, setting, row):
    # given a client that offers everything, what the guide has in reverse, and what was taken no more
    every = subprocess.run(["openssl", "ciphers", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"], capture_output=True, text=True, check=True).stdout.strip().split(":")
    if version == "-tls1_3":
        offered = ["TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256", *[name for name in every if name.startswith("TLS_") and "_CCM" not in name][::-1]]
    else:
        offered = [name for name in every if not name.startswith("TLS_")][::-1]
    offered.sort(key=lambda name: "CHACHA" in name)  # who puts it first would be given it
    more = [] if version == "-tls1_3" else ["@SECLEVEL=0"]

    taken = []
    while (name := chosen(town, version, setting, offered + more)) != "(NONE)":
        taken.append(name)
        offered.remove(name)

    assert taken == guide_row(row)


def test_the_groups_are_those_of_the_guide(town):
    asked = ["X25519", "P-256", "P-384", "P-521", "X448", "ffdhe2048", "ffdhe3072", "brainpoolP256r1"]
    shown = {group: tls.s_client(town.open, "-groups", group, "-cipher", "DEFAULT:@SECLEVEL=0") for group in asked}

    assert [group for group in asked if "Server Temp Key" in shown[group]] == guide_row("groups")


def test_a_listener_may_want_1_3_only(town, authority):
    assert tls.refuses(town.modern, tls.context(authority, TLS_1_2))
    assert tls.fetch(town.modern, tls.context(authority, TLS_1_3), target="/health").status == 200


def test_ciphers_can_be_named(house, authority):
    address, pair = new_address(), authority.issue("named", ["gateway.test"])
    house.node(simple(house.service(), listen=[listener(address, pair, tls={"ciphers": "TLS_CHACHA20_POLY1305_SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"})]))

    for version, name in [(TLS_1_2, "ECDHE-ECDSA-AES256-GCM-SHA384"), (TLS_1_3, "TLS_CHACHA20_POLY1305_SHA256")]:
        with tls.Connection(address, tls.context(authority, version)) as connection:
            assert connection.socket.cipher()[0] == name
    assert tls.refuses(address, tls.context(authority, TLS_1_2, "ECDHE-ECDSA-AES128-GCM-SHA256"))


def test_who_renegotiates_is_cut_off(town):
    handshakes = town.node.metrics().total("sluice_tls_handshakes_total")

    shown = tls.s_client(town.open, "-tls1_2", text="R\n")

    assert "error:" in shown.partition("RENEGOTIATING")[2]
    assert town.node.metrics().total("sluice_tls_handshakes_total") == handshakes + 1


@pytest.mark.parametrize("listener, offered, chosen", [
    ("open", ["h2", "http/1.1"], "h2"), ("open", ["http/1.1", "h2"], "h2"), ("open", ["http/1.1"], "http/1.1"), ("open", ["h2-14", "spdy/3"], None),
    ("only_http_1", ["h2", "http/1.1"], "http/1.1")])
def test_each_listener_negotiates_its_protocols(town, authority, listener, offered, chosen):
    for name in ("gateway.test", "a.wild.test"):
        with tls.Connection(getattr(town, listener), tls.context(authority, protocols=offered), name) as connection:
            assert connection.socket.selected_alpn_protocol() == chosen


# --- sessions ---


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
def test_a_session_is_taken_up_by_every_worker(town, authority, version):
    context, workers = tls.context(authority, version), set()
    with tls.Connection(town.open, context) as connection:
        session = connection.take_session()

    def resumed_by_all():
        with tls.Connection(town.open, context, session=session) as connection:
            assert connection.socket.session_reused
            workers.add(worker_of(town.node, connection, town.open))
        return len(workers) == 2
    until(resumed_by_all, lambda: f"only {workers} got a connection", seconds=20)


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
@pytest.mark.parametrize("name", ["a.wild.test", "other.test"])
def test_no_session_crosses_over_to_another_certificate(town, authority, version, name):
    context = tls.context(authority, version)
    with tls.Connection(town.open, context, "exact.wild.test") as connection:
        session = connection.take_session()

    with tls.Connection(town.open, context, name, session) as connection:
        assert not connection.socket.session_reused
    with tls.Connection(town.open, context, "exact.wild.test", session) as connection:
        assert connection.socket.session_reused


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
def test_no_session_crosses_over_to_a_listener_that_asks_for_more(town, authority, version):
    """The same name, the same certificate; but the session was made where nobody asked who the client is."""
    context = tls.context(authority, version, client=town.client)
    with tls.Connection(town.modern if version == TLS_1_3 else town.open, context) as connection:
        session = connection.take_session()

    for address in (town.required, town.optional):
        with tls.Connection(address, context, session=session) as connection:
            assert not connection.socket.session_reused
            assert connection.request("GET", "/open/x").status == 200
        assert town.main.requests[-1]["x-client-cert-verify"] == "SUCCESS"


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
def test_without_tickets_nothing_is_resumed(town, authority, version):
    context = tls.context(authority, version)
    with tls.Connection(town.forgetful, context) as connection:
        session = connection.take_session()

    with tls.Connection(town.forgetful, context, session=session) as connection:
        assert not connection.socket.session_reused


# --- client certificates ---


def cert_fields(request):
    return {name.lower(): value for name, value in request.headers if name.lower().startswith("x-client-cert")}


FORGED = [("X-Client-Cert-Verify", "SUCCESS"), ("x-client-cert-subject", "CN=root"), ("X-Client-Cert-Fingerprint", "00")]


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
@pytest.mark.parametrize("kind", ["optional", "required"])
def test_the_service_learns_who_the_client_is(town, authority, version, kind):
    context, address = tls.context(authority, version, client=town.client), getattr(town, kind)

    expected = {"x-client-cert-verify": "SUCCESS", "x-client-cert-subject": "CN=client,O=Sluice tests", "x-client-cert-fingerprint": town.client.fingerprint}
    with tls.Connection(address, context) as connection:
        connection.request("GET", "/open/x", FORGED)
        session = connection.socket.session
    assert cert_fields(town.main.requests[-1]) == expected

    with tls.Connection(address, context, session=session) as connection:
        assert connection.socket.session_reused
        connection.request("GET", "/open/x")
    assert cert_fields(town.main.requests[-1]) == expected


def test_where_certificates_are_optional_nobody_needs_one(town, authority):
    assert tls.fetch(town.optional, tls.context(authority), target="/open/x", headers=FORGED).status == 200
    assert cert_fields(town.main.requests[-1]) == {"x-client-cert-verify": "NONE"}


def test_where_nobody_asks_the_fields_do_not_exist(town, authority):
    tls.fetch(town.open, tls.context(authority, client=town.client), target="/open/x", headers=FORGED)
    assert cert_fields(town.main.requests[-1]) == {}
    town.node.fetch(target="/open/x", headers=FORGED)
    assert cert_fields(town.main.requests[-1]) == {}


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
def test_without_or_with_a_strangers_certificate_nothing_is_served(town, authority, tmp_path, version):
    strangers = certificates.Authority(str(tmp_path), "authority").issue("client", for_client=True)
    expired = authority.issue("late", life=-certificates.DAY / 2, for_client=True)

    assert tls.refuses(town.required, tls.context(authority, version))
    for pair in (strangers, expired, town.other):  # the last is for servers
        assert tls.refuses(town.required, tls.context(authority, version, client=pair))
        assert tls.refuses(town.optional, tls.context(authority, version, client=pair))
    assert tls.fetch(town.required, tls.context(authority, version, client=town.client), target="/health").status == 200


# --- stapling ---


def test_a_staple_goes_to_who_asks_and_an_expired_one_to_nobody(house, authority):
    fresh, stale = authority.issue("fresh", ["fresh.test"]), authority.issue("stale", ["stale.test"])
    address = new_address()
    node = house.node(simple(house.service(), listen=[listener(
        address, fresh.setting(ocsp=authority.staple(fresh)), stale.setting(ocsp=authority.staple(stale, ends_in=-certificates.DAY)))]))

    for version in ("-tls1_2", "-tls1_3"):
        shown = tls.s_client(address, version, "-status", "-servername", "fresh.test")
        assert "OCSP Response Status: successful" in shown and "Cert Status: good" in shown
        assert "OCSP response: no response sent" in tls.s_client(address, version, "-status", "-servername", "stale.test")
        assert "OCSP Response Status" not in tls.s_client(address, version, "-servername", "fresh.test")
    assert "staple_expired" in node.errors() and "stale.ocsp" in node.errors()


# --- http that leads to https ---


@pytest.mark.parametrize("target, host, url", [
    ("/a/b?c=d", "gateway.test", "https://gateway.test/a/b?c=d"), ("/", "gateway.test:80", "https://gateway.test/"), ("/x", "[::1]:8080", "https://[::1]/x"),
    ("http://other.test/y", "gateway.test", "https://other.test/y"), ("http://other.test", "gateway.test", "https://other.test/")])
def test_everything_is_sent_to_https(town, target, host, url):
    for method in ("GET", "POST"):
        answer = http.fetch(town.redirect, method, target, host=host, body="x" if method == "POST" else None)
        assert (answer.status, answer["location"]) == (308, url)
    assert http.fetch(town.moved, "GET", "/a", host="gateway.test:80")["location"] == "https://gateway.test:8443/a"
    assert town.node.log_line(request_id=answer["x-request-id"])["reason"] == "to_https"


@pytest.mark.parametrize("data", [b"GET /a HTTP/1.0\r\n\r\n", b"GET /a HTTP/1.1\r\nHost:\r\n\r\n"], ids=["HTTP/1.0", "HTTP/1.1"])
def test_who_names_no_host_is_sent_nowhere(town, data):
    with http.Connection(town.redirect) as connection:
        connection.send(data)
        answer = connection.answer()

    assert (answer.status, answer["location"]) == (400, None)


def test_a_trusted_proxy_that_came_by_https_is_not_sent_in_circles(house):
    address = new_address()
    house.node(simple(house.service(), listen=[{"address": "%s:%d" % address, "redirect": "https"}], trusted_proxies=["127.0.0.1"]))

    assert http.fetch(address, target="/open/x", headers={"X-Forwarded-Proto": "https"}).status == 200
    assert http.fetch(address, target="/open/x", headers={"X-Forwarded-Proto": "http"}).status == 308


def test_hsts_stands_on_every_answer_inside_tls(town, authority):
    town.main.behaviour = lambda request, wire: wire.reply(200, "own", [("Strict-Transport-Security", "max-age=1")])
    try:
        for target, status in [("/open/x", 200), ("/health", 200), ("/nowhere", 404), ("/api/x", 401)]:
            answer = tls.fetch(town.open, tls.context(authority), target=target)
            assert (answer.status, answer["strict-transport-security"]) == (status, "max-age=3600; includeSubDomains")
        assert tls.fetch(town.modern, tls.context(authority), target="/health")["strict-transport-security"] is None
        assert town.node.fetch(target="/health")["strict-transport-security"] is None
    finally:
        town.main.behaviour = service.echo


# --- certificates that change ---


def test_certificates_change_under_handshakes_and_none_fails(house, authority):
    """As many handshakes as the machine gives, and a new certificate in their midst again and again."""
    rounds, each = (50, 1000) if os.environ.get("SLUICE_LONG") else (5, 50)
    address, pair = new_address(), authority.issue("renewed", ["gateway.test"])
    node = house.node(simple(house.service(), listen=[listener(address, pair)]))
    shown = [pair.fingerprint]

    with tls.Connection(address, tls.context(authority)) as early, contextlib.closing(Handshakes(address)) as clients:
        def wait_for_more():
            enough = node.metrics().total("sluice_tls_handshakes_total") + each
            until(lambda: clients.failures or shown[-1] in clients.certificates and node.metrics().total("sluice_tls_handshakes_total") >= enough,
                  "the new certificate is not shown", seconds=60, pause=0.05)
        for _ in range(rounds):
            wait_for_more()
            shown.append(authority.issue("renewed", ["gateway.test"]).fingerprint)
            node.reload()
            assert early.request("GET", "/health").status == 200
        wait_for_more()
        clients.finish()

        print(f"{clients.done} handshakes, {clients.per_second:.0f} a second, {rounds} changes")
        assert clients.failures == [] and clients.failed == 0
        assert set(clients.certificates) == set(shown)
    assert node.metrics().total("sluice_tls_handshake_failures_total") == node.metrics().total("sluice_worker_deaths_total") == 0


@pytest.mark.parametrize("spoil, words", [
    (lambda pair, other: os.replace(other.key, pair.key), "'key' cannot be used from '{key}': it is not the key of the certificate in '{cert}'"),
    (lambda pair, other: os.remove(pair.cert), "'cert' cannot be used from '{cert}': No such file or directory"),
    (lambda pair, other: open(pair.cert, "w").write("no pem"), "'cert' cannot be used from '{cert}': there is no certificate in it"),
    (lambda pair, other: open(pair.cert, "a").write(open(other.cert).read()), "'cert' cannot be used from '{cert}': certificate 1 in it was not issued by"),
    (lambda pair, other: open(pair.key, "w").write(""), "'key' cannot be used from '{key}': there is no private key in it")])
def test_a_bad_pair_is_refused_with_its_name_and_the_old_one_stays(house, authority, tmp_path, spoil, words):
    address, mine = new_address(), certificates.Authority(str(tmp_path), "mine")
    pair, other = mine.issue("pair", ["gateway.test"]), mine.issue("spare", ["gateway.test"])
    node = house.node(simple(house.service(), listen=[listener(address, pair)]))
    before = pair.der

    spoil(pair, other)
    node.signal(signal.SIGHUP)
    until(lambda: node.metrics().total("sluice_config_reload_failures_total") == 1, "the failure is not counted")
    until(lambda: "stays in force" in node.errors(), "not said")  # the last of what it says

    words = words.format(key=pair.key, cert=pair.cert)
    assert words in node.errors()
    checked = subprocess.run([binary(), "check", node.config_path], capture_output=True, text=True)
    assert checked.returncode != 0 and words in checked.stdout + checked.stderr
    with tls.Connection(address, tls.context(mine)) as connection:
        assert connection.certificate() == before

    mine.issue("pair", ["gateway.test"])
    node.reload()
    with tls.Connection(address, tls.context(mine)) as connection:
        assert connection.certificate() != before


def test_a_worker_that_is_born_while_the_files_are_bad_has_the_good_ones(house, authority, tmp_path):
    address, pair = new_address(), certificates.Authority(str(tmp_path), "mine").issue("pair", ["gateway.test"])
    node = house.node(simple(house.service(), listen=[listener(address, pair)], workers=1))
    os.remove(pair.key)
    with tls.Connection(address, tls.context()) as connection:
        worker = worker_of(node, connection, address)

    os.kill(worker, signal.SIGKILL)

    until(lambda: node.metrics().total("sluice_worker_deaths_total") == 1 and node.ready().status == 200, "no new worker", seconds=10)
    assert tls.fetch(address, tls.context(), target="/health").status == 200


def test_the_end_of_each_certificate_is_a_metric(house, authority):
    soon, later = authority.issue("soon", ["soon.test"], life=2 * certificates.DAY), authority.issue("later", ["later.test", "also.test"])
    address = new_address()
    node = house.node(simple(house.service(), listen=[listener(address, soon, later)]))

    def ends():
        rows = [(dict(labels), value) for (name, labels), value in node.metrics().samples.items() if name == "sluice_tls_certificate_expiry_seconds"]
        assert {labels["listener"] for labels, _ in rows} == {"%s:%d" % address}
        return {labels["name"]: value for labels, value in rows}
    first = ends()
    assert first["later.test"] - first["soon.test"] == pytest.approx(28 * 86400, abs=60)
    assert first["soon.test"] == pytest.approx(time.time() + 2 * 86400, abs=60)

    authority.issue("soon", ["soon.test"])
    node.reload()
    until(lambda: ends()["soon.test"] > first["soon.test"], "the metric stays")


# --- handshakes that come to nothing ---


def test_handshakes_and_failures_are_counted_by_version(house, authority):
    address = new_address()
    node = house.node(simple(house.service(), listen=[listener(address, authority.issue("counted", ["gateway.test"]))]))

    def total(name, version):
        return node.metrics().get(f"sluice_tls_{name}_total", version=version)
    for version in (TLS_1_2, TLS_1_3, TLS_1_3):
        tls.fetch(address, tls.context(authority, version), target="/health")
    with http.Connection(address):  # nothing is said: no handshake at all
        pass
    http_in_the_clear(address)
    assert tls.refuses(address, tls.context(authority, ssl.TLSVersion.TLSv1_2), name="nobody.test")  # it looks at the certificate and leaves

    until(lambda: total("handshake_failures", "none") == 1 and total("handshake_failures", "1.2") == 1, lambda: node.metrics().samples)
    assert (total("handshakes", "1.2"), total("handshakes", "1.3")) == (1, 2)
    assert total("handshake_failures", "1.3") == 0


@pytest.mark.parametrize("method, length", [("GET", 0), ("PUT", 0), ("POST", 3 << 20)])
def test_who_speaks_plain_http_to_a_port_of_tls_is_told(town, method, length):
    head, _, body = http_in_the_clear(town.open, method, length).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n") and b"Connection: close" in head
    assert b"Content-Length: %d" % len(body) in head
    problem = json.loads(body)
    assert (problem["status"], problem["detail"]) == (400, "A plain HTTP request came to a port that speaks HTTPS.")
    until(lambda: town.node.events("plain_http"), "nothing is logged")


def test_what_is_neither_tls_nor_http_is_closed_without_a_word(town):
    assert http_in_the_clear(town.open, "FROB") == b""


def http_in_the_clear(address, method="GET", length=0):
    with http.Connection(address) as connection:
        connection.send(b"%s / HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: %d\r\n\r\n%s" % (method.encode(), length, bytes(length)))
        data = b""
        try:
            while True:
                more = connection.socket.recv(4096)
                if not more:
                    return data
                data += more
        except ConnectionResetError:
            return data


def test_a_handshake_that_does_not_get_on_is_cut(house, authority):
    address = new_address()
    node = house.node(simple(house.service(), listen=[listener(address, authority.issue("slow", ["gateway.test"]))], limits={"handshake_timeout": "1s"}))

    idle = [http.Connection(address, timeout=4) for _ in range(20)]  # far less than the default of the setting
    for number, connection in enumerate(idle):
        connection.send(b"\x16\x03\x01\x02\x00\x01"[:number % 7])
    for connection in idle:
        assert connection.ended()
        connection.close()
    until(lambda: node.metrics().total("sluice_connections_open") == 0, "connections stay")
    assert tls.fetch(address, tls.context(authority), target="/health").status == 200
