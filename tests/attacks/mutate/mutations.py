"""Mutations of bytes and of HTTP/2 frames, and what they start from. Seeded: the same seed and number, the same bytes."""

import os
import random
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../http1"))
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../http2"))

import downgrade  # noqa: E402
import smuggling  # noqa: E402
from differential import grammar  # noqa: E402
from kit import frames  # noqa: E402

TOKENS_1 = [b"\r\n", b"\n", b"\r", b"\r\n\r\n", b": ", b"Host: a\r\n", b"Content-Length: ", b"Transfer-Encoding: chunked\r\n", b"chunked", b"0\r\n\r\n",
            b"HTTP/1.1", b"HTTP/1.0", b"%00", b"%2e%2e", b"../", b"\x00", b"\xff", b" ", b"\t", b"18446744073709551616", b"ffffffffffffffff",
            b"Connection: close\r\n", b"Expect: 100-continue\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"Upgrade: h2c\r\n", frames.PREFACE]
SIZES = [0, 1, 2, 4, 5, 8, 9, 127, 128, 255, 256, 16383, 16384, 16385, 65535, 65536, 2**24 - 1]
WORDS = [0, 1, 2, 3, 255, 65535, 65536, 2**30, 2**31 - 1, 2**31, 2**32 - 1]


def corpus_1():
    return [data for _, data in grammar.generate("corpus", 300)] + [data for _, data, _ in smuggling.CASES if len(data) < 4000] + \
        [b"".join(data for _, data in grammar.generate(f"pipeline {number}", 5)) for number in range(20)]


def corpus_2():
    """Lists of frames. Each begins after the preface and the first SETTINGS."""
    found = []
    for _, sequence in downgrade.sequences():
        found.append(split(sequence))
    for stream in (1, 3, 5):
        get = frames.request(stream, path=b"/open/bytes/%d" % (40000 * stream))
        post = frames.request(stream, ends=False, method=b"POST") + frames.frame(frames.DATA, 0, stream, b"d" * 100) + \
            frames.frame(frames.DATA, frames.END_STREAM, stream, b"e" * 100)
        found += [split(get), split(post), split(get + frames.reset(stream)), split(post + frames.window_update(stream, 1)),
                  split(get + frames.settings(initial_window_size=0) + frames.settings(initial_window_size=65535)),
                  split(frames.request(stream, path=b"/open/bytes/16384") + frames.settings(initial_window_size=16384)
                        + frames.window_update(stream, 1) + frames.window_update(0, 100000)),
                  split(frames.head(stream, frames.block() + frames.literal(b"x-a", b"b" * 50, remember=True) + frames.indexed(62) * 20, size=40)),
                  split(frames.frame(frames.PRIORITY, 0, stream, struct.pack(">IB", stream + 2, 7)) + get),
                  split(frames.frame(frames.PING, 0, 0, b"12345678") + get + frames.frame(frames.GOAWAY, 0, 0, bytes(8)) + post)]
    return found


def split(data):
    found, _ = frames.split(data)
    return found


# --- bytes ---


def mutate_bytes(dice, data, tokens, others):
    data = bytearray(data)
    for _ in range(dice.choice((1, 1, 1, 2, 3, 5, 8, 13))):
        at = dice.randrange(len(data) + 1)
        kind = dice.randrange(8)
        if kind == 0 and data:
            data[at % len(data)] ^= 1 << dice.randrange(8)
        elif kind == 1 and data:
            data[at % len(data)] = dice.randrange(256)
        elif kind == 2:
            data[at:at] = dice.choice(tokens)
        elif kind == 3:
            del data[at:at + dice.choice((1, 1, 2, 4, 16, 64))]
        elif kind == 4:
            data[at:at] = data[at:at + dice.choice((1, 4, 16, 64, 256))]
        elif kind == 5:
            other = dice.choice(others)
            start = dice.randrange(len(other) + 1)
            data[at:at] = other[start:start + dice.randrange(200)]
        elif kind == 6:
            data[at:at] = bytes([dice.randrange(256)]) * dice.choice((1, 10, 1000, 20000))
        else:
            data = data[:at]
    return bytes(data)


# --- frames ---


def mutate_frame(dice, frame):
    kind, flags, stream, payload = frame
    change = dice.randrange(7)
    if change == 0:
        kind = dice.choice((*range(12), dice.randrange(256)))
    elif change == 1:
        flags ^= 1 << dice.randrange(8)
    elif change == 2:
        stream = dice.choice((0, 1, 2, 3, 5, 7, 9, 101, 2**31 - 1, stream + 2))
    elif change == 3:
        payload = mutate_bytes(dice, payload, [struct.pack(">I", word) for word in WORDS] + [b"\x40", b"\xbe", b"\x82", b"\x3f\xe1\x1f"], [payload or b"\0"])
    elif change == 4:
        payload = payload[:dice.choice(SIZES)]
    elif change == 5:
        payload = (payload or b"p") * dice.choice((2, 3, 100))
    else:
        payload = struct.pack(">I", dice.choice(WORDS)) + payload[4:]
    return kind, flags, stream, payload[:70000]


def some_frame(dice):
    """A valid frame that nobody asked for."""
    stream = dice.choice((1, 3, 5, 7, 9, 11))
    return dice.choice((
        lambda: (frames.WINDOW_UPDATE, 0, dice.choice((0, stream)), struct.pack(">I", dice.choice(WORDS))),
        lambda: (frames.SETTINGS, 0, 0, struct.pack(">HI", dice.randrange(1, 7), dice.choice(WORDS))),
        lambda: (frames.SETTINGS, 0, 0, struct.pack(">HI", frames.INITIAL_WINDOW_SIZE, dice.choice((0, 1, 100, 16384, 65535, 2**31 - 1)))),
        lambda: (frames.PING, dice.choice((0, 1)), 0, b"12345678"),
        lambda: (frames.RST_STREAM, 0, stream, struct.pack(">I", dice.randrange(14))),
        lambda: (frames.PRIORITY, 0, stream, struct.pack(">IB", dice.choice((stream, 1, 3, 5, 2**31 | 1)), dice.randrange(256))),
        lambda: (frames.DATA, dice.choice((0, 1)), stream, b"d" * dice.choice((0, 1, 100, 16384))),
        lambda: (frames.HEADERS, frames.END_HEADERS | dice.choice((0, 1)), stream, frames.block(path=b"/open/bytes/%d" % dice.choice((0, 1, 16384, 200000)))),
    ))()


def mutate_frames(dice, sequence, others):
    sequence = list(sequence)
    for _ in range(dice.choice((1, 2, 2, 4, 8, 16, 40))):
        at = dice.randrange(len(sequence) + 1)
        kind = dice.randrange(6)
        if kind == 0 and sequence:
            sequence[at % len(sequence)] = mutate_frame(dice, sequence[at % len(sequence)])
        elif kind in (1, 2):
            sequence.insert(at, some_frame(dice))
        elif kind == 3 and sequence:
            sequence.insert(at, sequence[at % len(sequence)])
        elif kind == 4 and sequence:
            del sequence[at % len(sequence)]
        else:
            other = dice.choice(others)
            # on streams of their own, so that more than one is open
            sequence[at:at] = [(kind_, flags, stream + 2 * dice.randrange(4) if stream else 0, payload) for kind_, flags, stream, payload in other]
    return sequence


class Http1:
    listener = "http1"

    def __init__(self):
        self.seeds = corpus_1()

    def make(self, dice):
        return mutate_bytes(dice, dice.choice(self.seeds), TOKENS_1, self.seeds)


class Http2:
    listener = "h2c"

    def __init__(self):
        self.seeds = corpus_2()
        self.bytes = [b"".join(frames.frame(*frame) for frame in seed) for seed in self.seeds]

    def make(self, dice):
        window = dice.choice((0, 1, 16384, 65535, 65535, 2**31 - 1))
        begun = frames.opening(initial_window_size=window) + (frames.window_update(0, 1 << 30) if dice.random() < 0.5 else b"")
        if dice.random() < 0.15:  # nothing about frames: bytes
            return mutate_bytes(dice, begun + dice.choice(self.bytes), [struct.pack(">I", word) for word in WORDS], self.bytes)
        return begun + b"".join(frames.frame(*frame) for frame in mutate_frames(dice, dice.choice(self.seeds), self.seeds))


KINDS = {"http1": Http1, "http2": Http2}


def input_number(kind, seed, number):
    return kind.make(random.Random(f"{seed}/{number}"))
