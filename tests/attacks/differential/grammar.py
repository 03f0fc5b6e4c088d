"""Requests from a grammar: a legal one, into which none, one or two oddities are put. Seeded: the same number, the same bytes.

An oddity is a row: its label (what the tables of the comparison are about), and what it does to the draft. Some are legal, most are not;
whether they are is not written here, because that is what the comparison finds out.
"""

import random

ODDITIES = {}


def oddity(label):
    def keep(change):
        ODDITIES[label] = change
        return change
    return keep


class Draft:
    """Parts of a request; the oddities work on them, `data` puts them together."""

    def __init__(self, dice):
        self.dice = dice
        self.method = dice.choice([b"GET", b"POST", b"PUT", b"DELETE", b"PATCH"])
        self.target = b"/open/" + word(dice)
        if dice.random() < 0.3:
            self.target += b"?" + word(dice) + b"=" + word(dice)
        self.version = b"HTTP/1.1"
        self.before = b""
        self.line = None
        self.host = [b"Host: gateway.test"]
        self.fields = [b"X-" + word(dice) + b": " + word(dice) for _ in range(dice.randrange(3))]
        self.framing, self.body = [], b""
        self.end = b"\r\n"
        if self.method != b"GET":
            self.give_body(dice.choice(["none", "length", "chunks"]))

    def give_body(self, kind):
        if self.method in (b"GET", b"DELETE"):
            self.method = b"POST"
        content = word(self.dice) * self.dice.randrange(1, 4)
        if kind == "length":
            self.framing, self.body = [b"Content-Length: %d" % len(content)], content
        elif kind == "chunks":
            half = len(content) // 2
            pieces = [piece for piece in (content[:half], content[half:]) if piece]
            self.framing = [b"Transfer-Encoding: chunked"]
            self.body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
        else:
            self.framing, self.body = [b"Content-Length: 0"], b""

    def data(self):
        line = self.line if self.line is not None else b" ".join((self.method, self.target, self.version))
        lines = [line] + self.host + self.fields + self.framing
        return self.before + b"".join(each + self.end for each in lines) + self.end + self.body


def word(dice):
    return bytes(dice.choice(b"abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(dice.randrange(3, 9)))


def generate(seed, count):
    """(labels, bytes) of each request. Labels are a tuple; the empty one is a plain request."""
    labels = sorted(ODDITIES)
    for number in range(count):
        dice = random.Random(f"{seed}/{number}")
        draft = Draft(dice)
        how_many = dice.choices((0, 1, 2), (5, 75, 20))[0]
        chosen = tuple(dice.sample(labels, how_many))
        for label in chosen:
            ODDITIES[label](draft)
        yield chosen, draft.data()


def one(label, seed=1):
    """A request with just this oddity."""
    draft = Draft(random.Random(f"{seed}/{label}"))
    ODDITIES[label](draft)
    return draft.data()


# --- oddities that are one line each ---


def host(label, *lines):
    ODDITIES[label] = lambda draft: setattr(draft, "host", list(lines))


def field(label, line):
    ODDITIES[label] = lambda draft: draft.fields.append(line)


def target(label, value):
    ODDITIES[label] = lambda draft: setattr(draft, "target", value)


def version(label, value):
    ODDITIES[label] = lambda draft: setattr(draft, "version", value)


def line(label, make):
    ODDITIES[label] = lambda draft: setattr(draft, "line", make(draft))


def framing(label, *lines, kind="length"):
    """Other framing lines on a body of this kind; LENGTH stands for its true length."""
    def change(draft):
        draft.give_body(kind)
        draft.framing = [each.replace(b"LENGTH", b"%d" % len(draft.body)) for each in lines]
    ODDITIES[label] = change


def chunks(label, body):
    def change(draft):
        draft.give_body("chunks")
        draft.body = body
    ODDITIES[label] = change


def method(label, value):
    def change(draft):
        draft.method = value
        draft.framing, draft.body = [], b""
    ODDITIES[label] = change


host("host: none")
host("host: empty", b"Host:")
host("host: twice the same", b"Host: gateway.test", b"Host: gateway.test")
host("host: twice, different", b"Host: gateway.test", b"Host: other.test")
host("host: userinfo", b"Host: user@gateway.test")
host("host: path", b"Host: gateway.test/path")
host("host: list", b"Host: gateway.test, other.test")
host("host: blank inside", b"Host: gateway .test")
host("host: port no number", b"Host: gateway.test:http")
host("host: port too large", b"Host: gateway.test:99999")
host("host: empty port", b"Host: gateway.test:")
host("host: IPv6", b"Host: [::1]:8080")
host("host: IPv6 without brackets", b"Host: ::1")
host("host: underscore", b"Host: gate_way.test")
host("host: upper case", b"HOST: GATEWAY.TEST")
host("host: dot at the end", b"Host: gateway.test.")
host("host: backslash", b"Host: gateway.test\\x")
host("host: percent escape", b"Host: gateway%2etest")
host("host: byte above 0x7f", b"Host: g\xc3\xa4teway.test")
host("host: blank before colon", b"Host : gateway.test")
host("host: tab before value", b"Host:\tgateway.test")
host("host: blanks after value", b"Host: gateway.test  ")

field("field: empty name", b": value")
field("field: blank in name", b"X Y: value")
field("field: blank before colon", b"X-Odd : value")
field("field: underscore in name", b"X_Odd: value")
field("field: parenthesis in name", b"X(Odd): value")
field("field: all token characters", b"!#$%&'*+-.^_`|~09AZaz: value")
field("field: byte above 0x7f in name", b"X-\xc3\xa4: value")
field("field: NUL in name", b"X-\x00dd: value")
field("field: no colon", b"nothing")
field("field: no value", b"X-Odd:")
field("field: tab inside value", b"X-Odd: a\tb")
field("field: byte above 0x7f in value", b"X-Odd: caf\xc3\xa9")
field("field: NUL in value", b"X-Odd: a\x00b")
field("field: control in value", b"X-Odd: a\x02b")
field("field: DEL in value", b"X-Odd: a\x7fb")
field("field: bare CR in value", b"X-Odd: a\rb")
field("field: bare LF ends it", b"X-Odd: a\nX-More: b")
field("field: folded with blank", b"X-Odd: a\r\n b")
field("field: folded with tab", b"X-Odd: a\r\n\tb")
field("field: value of 6 KB", b"X-Odd: " + b"v" * 6000)
field("field: Connection with unknown option", b"Connection: something")
field("field: Connection lists a field", b"Connection: X-Odd\r\nX-Odd: value")
field("field: Connection lists Host", b"Connection: host")
field("field: Upgrade h2c", b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA")
field("field: TE trailers", b"TE: trailers\r\nConnection: TE")
field("field: Keep-Alive", b"Keep-Alive: timeout=5")
field("field: Proxy-Connection", b"Proxy-Connection: keep-alive")
field("field: Expect unknown", b"Expect: something")
field("field: Expect 100-continue without body", b"Expect: 100-continue")
field("field: Trailer", b"Trailer: X-Late")
field("field: Max-Forwards 0", b"Max-Forwards: 0")

target("target: absolute", b"http://gateway.test/open/absolute")
target("target: absolute, other host", b"http://other.test/open/absolute")
target("target: absolute, no path", b"http://gateway.test")
target("target: absolute, query only", b"http://gateway.test?a=b")
target("target: absolute, upper case", b"HTTP://gateway.test/open/absolute")
target("target: absolute, userinfo", b"http://user@gateway.test/open/absolute")
target("target: absolute, no host", b"http:///open/absolute")
target("target: absolute, other scheme", b"ftp://gateway.test/open/absolute")
target("target: authority", b"gateway.test:80")
target("target: asterisk", b"*")
target("target: without slash", b"open/x")
target("target: empty query", b"/open/x?")
target("target: two question marks", b"/open/x?a?b")
target("target: fragment", b"/open/x#fragment")
target("target: dot segments", b"/open/a/../b/./c")
target("target: dot segments beyond the root", b"/../../open/x")
target("target: escaped dot segments", b"/open/a/%2e%2e/b")
target("target: escaped slash", b"/open/a%2fb")
target("target: escaped letter", b"/open/%61bc")
target("target: lower-case escape", b"/open/caf%c3%a9")
target("target: escaped percent", b"/open/a%2541")
target("target: broken escape", b"/open/a%zz")
target("target: cut escape", b"/open/a%4")
target("target: escaped NUL", b"/open/a%00b")
target("target: escaped line end", b"/open/a%0d%0ab")
target("target: double slash", b"/open//x")
target("target: double slash first", b"//open/x")
target("target: backslash", b"/open/a\\b")
target("target: parameter", b"/open/a;b=c")
target("target: quotes and brackets", b"/open/\"<>[]^`{|}")
target("target: byte above 0x7f", b"/open/caf\xc3\xa9")
target("target: NUL", b"/open/a\x00b")
target("target: control", b"/open/a\x03b")
target("target: DEL", b"/open/a\x7fb")
target("target: blank", b"/open/a b")
target("target: tab", b"/open/a\tb")
target("target: 7 KB", b"/open/" + b"t" * 7000)
target("target: 40 KB", b"/open/" + b"t" * 40000)

version("version: 1.0", b"HTTP/1.0")
version("version: 1.2", b"HTTP/1.2")
version("version: 1.10", b"HTTP/1.10")
version("version: 2.0", b"HTTP/2.0")
version("version: 0.9", b"HTTP/0.9")
version("version: lower case", b"http/1.1")
version("version: other protocol", b"HTTQ/1.1")
version("version: no dot", b"HTTP/11")
version("version: zero before", b"HTTP/01.1")
version("version: junk after", b"HTTP/1.1x")

line("line: no version", lambda draft: draft.method + b" " + draft.target)
line("line: two blanks", lambda draft: b"  ".join((draft.method, draft.target, draft.version)))
line("line: tabs", lambda draft: b"\t".join((draft.method, draft.target, draft.version)))
line("line: blank first", lambda draft: b" " + b" ".join((draft.method, draft.target, draft.version)))
line("line: blank last", lambda draft: b" ".join((draft.method, draft.target, draft.version)) + b" ")
line("line: method only", lambda draft: draft.method)

method("method: lower case", b"get")
method("method: unknown", b"FROB")
method("method: with hyphen", b"M-SEARCH")
method("method: all token characters", b"!#$%&'*+-.^_`|~")
method("method: no token", b"GE(T")
method("method: empty", b"")
method("method: byte above 0x7f", b"G\xc3\x84T")
method("method: 300 letters", b"M" * 300)
method("method: TRACE", b"TRACE")
method("method: CONNECT with a path", b"CONNECT")
method("method: OPTIONS", b"OPTIONS")
method("method: HEAD", b"HEAD")
method("method: PRI", b"PRI")

framing("length: twice the same", b"Content-Length: LENGTH", b"Content-Length: LENGTH")
framing("length: twice, different", b"Content-Length: LENGTH", b"Content-Length: 0")
framing("length: list", b"Content-Length: LENGTH, LENGTH")
framing("length: plus", b"Content-Length: +LENGTH")
framing("length: minus", b"Content-Length: -1")
framing("length: hexadecimal", b"Content-Length: 0x1")
framing("length: empty", b"Content-Length:")
framing("length: zeros before", b"Content-Length: 000LENGTH")
framing("length: blanks around", b"Content-Length:  LENGTH  ")
framing("length: blank inside", b"Content-Length: 1 LENGTH")
framing("length: 20 digits", b"Content-Length: 99999999999999999999")
framing("length: beyond 2^64", b"Content-Length: 18446744073709551617")
framing("length: letter after", b"Content-Length: LENGTHa")
framing("length: quotes", b'Content-Length: "LENGTH"')
framing("length and coding", b"Content-Length: LENGTH", b"Transfer-Encoding: chunked", kind="chunks")
framing("coding and length", b"Transfer-Encoding: chunked", b"Content-Length: LENGTH", kind="chunks")
framing("coding: upper case", b"Transfer-Encoding: CHUNKED", kind="chunks")
framing("coding: twice", b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", kind="chunks")
framing("coding: identity", b"Transfer-Encoding: identity")
framing("coding: identity with length", b"Transfer-Encoding: identity", b"Content-Length: LENGTH")
framing("coding: identity, chunked", b"Transfer-Encoding: identity, chunked", kind="chunks")
framing("coding: gzip, chunked", b"Transfer-Encoding: gzip, chunked", kind="chunks")
framing("coding: chunked, gzip", b"Transfer-Encoding: chunked, gzip", kind="chunks")
framing("coding: unknown", b"Transfer-Encoding: xchunked", kind="chunks")
framing("coding: empty", b"Transfer-Encoding:", kind="chunks")
framing("coding: comma first", b"Transfer-Encoding: , chunked", kind="chunks")
framing("coding: comma last", b"Transfer-Encoding: chunked,", kind="chunks")
framing("coding: parameter", b"Transfer-Encoding: chunked;q=1", kind="chunks")
framing("coding: quotes", b'Transfer-Encoding: "chunked"', kind="chunks")
framing("coding: blanks after", b"Transfer-Encoding: chunked  ", kind="chunks")
framing("coding: tab before", b"Transfer-Encoding:\tchunked", kind="chunks")
framing("coding: vertical tab before", b"Transfer-Encoding: \x0bchunked", kind="chunks")
framing("coding: blank before colon", b"Transfer-Encoding : chunked", kind="chunks")
framing("coding: folded", b"Transfer-Encoding:\r\n chunked", kind="chunks")
framing("coding: underscore", b"Transfer_Encoding: chunked", b"Content-Length: LENGTH", kind="chunks")

chunks("chunk: extension", b"3;a=b\r\nabc\r\n0\r\n\r\n")
chunks("chunk: quoted extension", b'3;a="b;c"\r\nabc\r\n0\r\n\r\n')
chunks("chunk: extension with blanks", b"3 ; a = b\r\nabc\r\n0\r\n\r\n")
chunks("chunk: extension with LF", b"3;a\nb\r\nabc\r\n0\r\n\r\n")
chunks("chunk: extension with CR", b"3;a\rb\r\nabc\r\n0\r\n\r\n")
chunks("chunk: extension of 6 KB", b"3;" + b"e" * 6000 + b"\r\nabc\r\n0\r\n\r\n")
chunks("chunk: trailer", b"3\r\nabc\r\n0\r\nX-Late: value\r\n\r\n")
chunks("chunk: forbidden trailer", b"3\r\nabc\r\n0\r\nContent-Length: 7\r\nHost: other.test\r\n\r\n")
chunks("chunk: broken trailer", b"3\r\nabc\r\n0\r\nnothing\r\n\r\n")
chunks("chunk: upper-case size", b"A\r\nabcdefghij\r\n0\r\n\r\n")
chunks("chunk: zeros before size", b"0003\r\nabc\r\n0\r\n\r\n")
chunks("chunk: size of 17 digits", b"00000000000000003\r\nabc\r\n0\r\n\r\n")
chunks("chunk: size beyond 2^64", b"10000000000000003\r\nabc\r\n0\r\n\r\n")
chunks("chunk: size beyond 2^63", b"ffffffffffffffff\r\nabc\r\n0\r\n\r\n")
chunks("chunk: size with 0x", b"0x3\r\nabc\r\n0\r\n\r\n")
chunks("chunk: size with plus", b"+3\r\nabc\r\n0\r\n\r\n")
chunks("chunk: size with minus", b"-3\r\nabc\r\n0\r\n\r\n")
chunks("chunk: size empty", b"\r\nabc\r\n0\r\n\r\n")
chunks("chunk: size no number", b"g\r\nabc\r\n0\r\n\r\n")
chunks("chunk: blank before size", b" 3\r\nabc\r\n0\r\n\r\n")
chunks("chunk: blank after size", b"3 \r\nabc\r\n0\r\n\r\n")
chunks("chunk: junk after size", b"3 x\r\nabc\r\n0\r\n\r\n")
chunks("chunk: LF after size", b"3\nabc\r\n0\r\n\r\n")
chunks("chunk: CR after size", b"3\rabc\r\n0\r\n\r\n")
chunks("chunk: CR CR LF after size", b"3\r\r\nabc\r\n0\r\n\r\n")
chunks("chunk: LF after data", b"3\r\nabc\n0\r\n\r\n")
chunks("chunk: nothing after data", b"3\r\nabc0\r\n\r\n")
chunks("chunk: longer than its size", b"3\r\nabcd\r\n0\r\n\r\n")
chunks("chunk: LFs at the end", b"3\r\nabc\r\n0\n\n")
chunks("chunk: several zeros at the end", b"3\r\nabc\r\n000\r\n\r\n")


@oddity("start: one empty line")
def one_empty_line(draft):
    draft.before = b"\r\n"


@oddity("start: three empty lines")
def three_empty_lines(draft):
    draft.before = b"\r\n\r\n\r\n"


@oddity("start: bare LF")
def start_with_bare_lf(draft):
    draft.before = b"\n"


@oddity("start: junk")
def start_with_junk(draft):
    draft.before = b"\x00\x01\x02"


@oddity("start: a TLS ClientHello")
def start_with_client_hello(draft):
    draft.before = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32)


@oddity("lines: LF only")
def lf_only(draft):
    draft.end = b"\n"


@oddity("lines: CR only")
def cr_only(draft):
    draft.end = b"\r"


@oddity("lines: 90 fields")
def ninety_fields(draft):
    draft.fields += [b"X-%d: y" % number for number in range(90)]


@oddity("lines: 300 fields")
def three_hundred_fields(draft):
    draft.fields += [b"X-%d: y" % number for number in range(300)]


@oddity("lines: blank before the first field")
def blank_before_the_first_field(draft):
    draft.host = [b" Host: gateway.test"]


@oddity("body: GET with length")
def get_with_body(draft):
    draft.give_body("length")
    draft.method = b"GET"


@oddity("body: Expect 100-continue")
def expects_continue(draft):
    draft.give_body("length")
    draft.fields.append(b"Expect: 100-continue")


@oddity("body: 1.0 with chunks")
def old_with_chunks(draft):
    draft.give_body("chunks")
    draft.version = b"HTTP/1.0"


@oddity("body: 1.0 kept alive")
def old_kept_alive(draft):
    draft.version = b"HTTP/1.0"
    draft.fields.append(b"Connection: keep-alive")


@oddity("body: Connection close")
def closes(draft):
    draft.fields.append(b"Connection: close")


@oddity("body: Connection close, keep-alive")
def closes_and_keeps(draft):
    draft.fields.append(b"Connection: close, keep-alive")
