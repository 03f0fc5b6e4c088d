"""Why the three differ, by kind of oddity, and what may never happen. The first colon of a label ends its family."""

STRICT_FIELD = "No token or no field value by RFC 9110 §5.1, §5.5. Whoever drops or passes it lets two programs read two heads."
AUTHORITY = "No authority by RFC 3986 §3.2. Host decides where requests go, so what is no host name, address and port is refused."
ONE_SPELLING = ("Sluice brings the path to one spelling (RFC 3986 §6.2.2), chooses the route by it and forwards that very spelling, so that no rule is evaded by "
                "another one.")
CHUNKS = "RFC 9112 §7.1 knows one way to end a line and no junk in it; the others read lines more generously, and that is how bodies are smuggled."
CODING = "Only `chunked`, once, is accepted: RFC 9112 §6.1. Same verdict, another status, or the peer reads the list more generously."
VERSION = "505 for a version that is not spoken (RFC 9110 §15.6.6), 400 for what is no version at all."

WHY = {
    "body: 1.0 kept alive": "Differs only with a chunked body below it, see the next row.",
    "body: 1.0 with chunks": "HTTP/1.0 has no codings: RFC 9112 §6.1 calls the framing faulty.",
    "body: Expect 100-continue": "Sluice and nginx answer 100 themselves and forward the body, HAProxy lets the service decide.",
    "body: Connection close, keep-alive": "`close` wins (RFC 9112 §9.3).",
    "chunk:": CHUNKS,
    "chunk: broken trailer": "A line without colon is no field (RFC 9112 §7.1.2); trailers are discarded, but they must be some.",
    "chunk: size of 17 digits": "Leading zeros without end are a way to hide a size; sixteen digits hold all that there are.",
    "chunk: size beyond 2^63": "No body is so large; all refuse it.",
    "chunk: extension of 6 KB": "Extensions are skipped within a bound (RFC 9112 §7.1.1 asks for one).",
    "coding and length": "Both at once is how requests are smuggled; RFC 9112 §6.3 allows to refuse it. HAProxy drops the length and closes.",
    "length and coding": "As coding and length.",
    "coding:": CODING,
    "coding: tab before": "A tab is optional whitespace (RFC 9112 §5): legal. nginx does not take it.",
    "coding: comma last": "An empty element of a list is legal, but a service may read it otherwise; nothing that is honest sends it.",
    "coding: underscore": "Another field, but CGI cannot tell it from the real one: what may not pass with hyphens does not pass with underscores either. HAProxy lets it.",
    "coding: folded": "Folding is obsolete; RFC 9112 §5.2 has it refused or replaced. HAProxy replaces.",
    "field:": STRICT_FIELD,
    "field: Connection lists a field": "What Connection names ends here (RFC 9110 §7.6.1). The others forward it.",
    "field: Connection lists Host": "Host is forwarded whatever Connection says.",
    "field: Connection with unknown option": "An unknown option does not end the connection.",
    "field: Expect 100-continue without body": "There is nothing to wait for; HAProxy lets the service see it.",
    "field: Expect unknown": "RFC 9110 §10.1.1: 417 for an expectation that nobody can meet. The others ignore it.",
    "field: Keep-Alive": "A field of one connection (RFC 9110 §7.6.1): not forwarded.",
    "field: Proxy-Connection": "A field of one connection (RFC 9110 §7.6.1): not forwarded.",
    "field: TE trailers": "Trailers are discarded on the way, so TE, a field of one connection, is not forwarded.",
    "field: Trailer": "Trailers are discarded on the way, so nothing announces them.",
    "field: Upgrade h2c": "An upgrade to HTTP/2 on the way would take the requests behind it past every rule: neither field is forwarded, HTTP2-Settings included.",
    "field: all token characters": "Legal by RFC 9110 §5.6.2. nginx drops it.",
    "field: bare LF ends it": "RFC 9112 §2.2 lets a recipient take a bare LF for a line end; one that does and one that does not read two heads.",
    "field: folded with blank": "Folding is obsolete; RFC 9112 §5.2 has it refused or replaced. HAProxy replaces.",
    "field: folded with tab": "Folding is obsolete; RFC 9112 §5.2 has it refused or replaced. HAProxy replaces.",
    "field: underscore in name": "A legal token; dropped only where its name with hyphens would be (CGI cannot tell them apart). nginx drops all of them by default.",
    "host:": AUTHORITY,
    "host: none": "RFC 9112 §3.2: HTTP/1.1 has exactly one Host, else 400.",
    "host: twice the same": "RFC 9112 §3.2: exactly one, else 400. HAProxy takes the first when they agree.",
    "host: empty": "Legal: RFC 9112 §3.2 has clients send it where the target has no authority. Goes to whatever route names no host.",
    "host: tab before value": "A tab is optional whitespace (RFC 9112 §5): legal. nginx does not take it.",
    "host: underscore": "No DNS name, but RFC 3986 §3.2.2 allows it.",
    "length: list": "RFC 9110 §8.6 allows to take a list of equal numbers for one; §6.3 of RFC 9112 allows to refuse it. HAProxy takes it.",
    "length: twice the same": "As a list of equal numbers.",
    "length: beyond 2^64": "Refused by all; HAProxy only when its service does.",
    "length: 20 digits": "Refused by all; HAProxy only when its service does.",
    "length: blanks around": "Blanks around a value are no part of it (RFC 9112 §5).",
    "length: zeros before": "Digits are digits (RFC 9110 §8.6).",
    "line:": "RFC 9112 §3: three words, two blanks. Whoever is generous here (§3 allows it) may cut elsewhere than the next one.",
    "line: no version": "HTTP/0.9; nginx answers it with a body and no head, which counts as closed here.",
    "lines: 300 fields": "limits.header_lines is 100 (431, RFC 6585 §5); HAProxy has 101; nginx counts bytes only.",
    "lines: LF only": "RFC 9112 §2.2 lets a recipient take a bare LF for a line end; one that does and one that does not read two heads.",
    "method: CONNECT with a path": "CONNECT wants an authority and a tunnel (RFC 9110 §9.3.6).",
    "method: OPTIONS": "Forwarded like any other method.",
    "method: PRI": "A method that nobody uses outside of HTTP/2's preface; HAProxy knows it for that.",
    "method: TRACE": "Forwarded; a service that does not want it answers 405. nginx refuses it everywhere.",
    "method: all token characters": "Legal by RFC 9110 §9.1; a route's `method` says which a service takes.",
    "method: lower case": "Methods are case-sensitive tokens: `get` is legal and is not GET.",
    "start:": "RFC 9112 §2.2: one empty line (CR LF) before a request is skipped, as it asks; nothing else is.",
    "target: 40 KB": "Beyond limits.target and limits.header; the status differs (RFC 9110 §15.5.15, RFC 6585 §5, or 400).",
    "target: absolute": "RFC 9112 §3.2.2: a proxy rewrites it for the service. HAProxy forwards it as it came.",
    "target: absolute, no host": "RFC 9110 §4.2.1: an http URL has a host.",
    "target: absolute, no path": "RFC 9112 §3.2.1: an empty path is sent as `/`.",
    "target: absolute, other host": "RFC 9112 §3.2.2: Host is ignored then. HAProxy wants both to agree.",
    "target: absolute, other scheme": "The gateway serves http and https only.",
    "target: absolute, query only": "RFC 9112 §3.2.1: an empty path is sent as `/`.",
    "target: absolute, upper case": "Schemes have no case (RFC 3986 §3.1).",
    "target: absolute, userinfo": "RFC 9110 §4.2.4: userinfo from others is an error.",
    "target: asterisk": "RFC 9112 §3.2.4: `*` belongs to OPTIONS.",
    "target: fragment": "RFC 9112 §3.2: no target has a fragment. nginx cuts it off and forwards it all the same.",
    "target:": ONE_SPELLING,
    "target: backslash": "No character of a path (RFC 3986 §3.3): forwarded escaped, as what it is, never taken for a slash.",
    "target: quotes and brackets": "No characters of a path (RFC 3986 §3.3), but browsers send some: forwarded escaped.",
    "target: byte above 0x7f": "No character of a path, but many clients send UTF-8 raw: forwarded escaped.",
    "target: broken escape": "RFC 3986 §2.1: a percent sign has two hexadecimal digits. The framing is sound, so the connection goes on.",
    "target: cut escape": "As a broken escape.",
    "target: escaped NUL": "Nothing that a path needs, and the end of a string in C. The framing is sound, so the connection goes on.",
    "target: escaped line end": "Nothing that a path needs, and a header of its own once somebody unescapes it. The connection goes on.",
    "target: DEL": "A control character.",
    "target: dot segments beyond the root": "RFC 3986 §5.2.4: they stay at the root. nginx refuses.",
    "version:": VERSION,
    "version: 1.0": "Differs only with a chunked body below it: HTTP/1.0 has no codings.",
    "version: 1.2": "A minor version to come is read as 1.1 (RFC 9110 §2.5).",
    "version: 1.10": "One digit, a dot, one digit (RFC 9112 §2.3). nginx takes it.",
}


def why(label):
    """The explanation of a label: its own, or its family's."""
    return WHY.get(label) or WHY.get(label.partition(":")[0] + ":")


def complaints(comparison):
    """What is not right: Sluice out of step, requests of nobody, bytes that are no request, differences without a word about them."""
    found = []
    for number, gateway in enumerate(comparison.gateways):
        if gateway.name == "Sluice":
            for labels, data, outcomes in comparison.rows:
                if outcomes[number].extra:
                    found.append(f"{labels}: {outcomes[number].extra} more requests reached the service: {data[:300]!r}")
                if outcomes[number].kind in ("unreachable", "waits"):
                    found.append(f"{labels}: {outcomes[number].kind}: {data[:300]!r}")
                if outcomes[number].kind == "refused" and outcomes[number].in_step and not any(label.startswith("target:") for label in labels):
                    found.append(f"{labels}: refused for its framing, and the connection goes on: {data[:300]!r}")
            found += [f"the service got what is no request: {problem}" for problem in gateway.recorder.broken]
    for label, kinds in comparison.kinds_by_label().items():
        if any(len(set(each)) > 1 for each in kinds) and not why(label):
            found.append(f"no explanation: {label}: {sorted(kinds)}")
    return found
