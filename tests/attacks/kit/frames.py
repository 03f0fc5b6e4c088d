"""HTTP/2 frames and header blocks as bytes (RFC 9113 §4, RFC 7541), legal or not: nothing here checks anything."""

import struct

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITISED = 0x1, 0x1, 0x4, 0x8, 0x20
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = range(1, 7)
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
LARGEST_WINDOW = 2**31 - 1
DYNAMIC = 62  # the newest entry of the dynamic table


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def settings(**values):
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", globals()[name.upper()], value) for name, value in values.items()))


def window_update(stream, increment):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))


def reset(stream, code=8):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def opening(**values):
    """Preface, our settings, and the acknowledgement of theirs."""
    return PREFACE + settings(**values) + frame(SETTINGS, ACK)


# --- header blocks ---


def integer(value, bits, first=0):
    limit = (1 << bits) - 1
    if value < limit:
        return bytes([first | value])
    rest, value = [first | limit], value - limit
    while value >= 128:
        rest.append(value % 128 | 128)
        value //= 128
    return bytes(rest + [value])


def text(value):
    return integer(len(value), 7) + value


def literal(name, value, remember=False):
    """A field whose name is spelt out; with `remember` it becomes the newest entry of the dynamic table."""
    return (b"\x40" if remember else b"\x00") + text(name) + text(value)


def indexed(index):
    return integer(index, 7, 0x80)


def block(path=b"/open/x", method=b"GET", authority=b"gateway.test", scheme=b"http", fields=()):
    """A request's header block. None leaves a pseudo field out."""
    pseudo = ((b":method", method), (b":scheme", scheme), (b":path", path), (b":authority", authority))
    return b"".join(literal(name, value) for name, value in pseudo if value is not None) + \
        b"".join(literal(name, value) for name, value in fields)


def request(stream, ends=True, **what):
    return frame(HEADERS, END_HEADERS | (END_STREAM if ends else 0), stream, block(**what))


def head(stream, header_block, ends=True, size=16384):
    """HEADERS and as many CONTINUATIONs as the block needs."""
    parts = [header_block[at:at + size] for at in range(0, len(header_block), size)] or [b""]
    result = b""
    for number, part in enumerate(parts):
        flags = END_HEADERS if number == len(parts) - 1 else 0
        if number == 0:
            result += frame(HEADERS, flags | (END_STREAM if ends else 0), stream, part)
        else:
            result += frame(CONTINUATION, flags, stream, part)
    return result


def split(data):
    """Complete frames (kind, flags, stream, payload) at the front of the bytes, and the rest."""
    found = []
    while len(data) >= 9:
        length = int.from_bytes(data[:3], "big")
        if len(data) < 9 + length:
            break
        found.append((data[3], data[4], int.from_bytes(data[5:9], "big") & LARGEST_WINDOW, data[9:9 + length]))
        data = data[9 + length:]
    return found, data
