"""A decoder written from docs/bitstream.md alone: slow, plain, and independent of the core."""

import json
import zlib
from bisect import bisect_right
from itertools import accumulate


class RangeDecoder:
    """Short streams and streams of bits."""

    def __init__(self, data):
        self.bytes = iter(data)
        self.range = 2**56
        self.code = 0
        for _ in range(7):
            self.code = self.code << 8 | next(self.bytes, 0)

    def renormalize(self):
        if self.range < 2**40:
            for _ in range(2):
                self.code = self.code << 8 | next(self.bytes, 0)
            self.range <<= 16

    def symbol(self, starts, precision):
        """The number of the part, of those that begin at `starts`, which holds the slot."""
        unit = self.range >> precision
        slot = self.code // unit
        assert slot < 2**precision
        place = bisect_right(starts, slot) - 1
        end = starts[place + 1] if place + 1 < len(starts) else 2**precision
        self.code -= unit * starts[place]
        self.range = unit * (end - starts[place])
        self.renormalize()
        return place

    def field(self, bits):
        return self.symbol(range(2**bits), bits)

    def bit(self, context):
        """A context is a list of quick, slow and seen."""
        quick, slow, seen = context
        bound = (self.range >> 16) * ((quick + slow) >> 1)
        is_one = self.code < bound
        if is_one:
            self.range = bound
        else:
            self.code -= bound
            self.range -= bound
        self.renormalize()
        rate = 65536 // (seen + 2)
        for place, r in ((0, max(rate, 4096)), (1, rate)):
            e = context[place]
            context[place] = e + ((65536 - e) * r >> 16) if is_one else e - (e * r >> 16)
        context[2] = min(seen + 1, 126)
        return int(is_one)


class Lane:
    """One lane of several, which share the words."""

    def __init__(self, state, words):
        self.state = state
        self.words = words

    def renormalize(self):
        if self.state < 2**16:
            self.state = self.state << 16 | next(self.words)

    def symbol(self, starts, precision):
        slot = self.state % 2**precision
        place = bisect_right(starts, slot) - 1
        end = starts[place + 1] if place + 1 < len(starts) else 2**precision
        self.state = (end - starts[place]) * (self.state >> precision) + slot - starts[place]
        self.renormalize()
        return place

    def field(self, bits):
        value = self.state % 2**bits
        self.state >>= bits
        self.renormalize()
        return value


def escaped(source, smallest, size):
    """The number behind an escape."""
    is_below = source.field(1)
    zeros = 0
    while zeros < 32 and not source.field(1):
        zeros += 1
    number = 1
    if zeros > 16:
        number = number << (zeros - 16) | source.field(zeros - 16)
    if zeros > 0:
        number = number << min(zeros, 16) | source.field(min(zeros, 16))
    return smallest - number if is_below else smallest + size - 1 + number


def decode_symbols(data, count, tables, indexes, precision):
    """A list of `count` symbols; tables are (smallest, frequencies, escape).

    `data` may also be the decoder of a short stream, of which these symbols are the next.
    """
    prepared = []
    for smallest, frequencies, escape in tables:
        starts = list(accumulate([0, *frequencies]))
        prepared.append((smallest, len(frequencies), starts if escape else starts[:-1]))
    opened = isinstance(data, RangeDecoder)
    lanes = data[0] if not opened and len(data) >= 8192 else 1
    if opened:
        sources = [data]
    elif lanes == 1:
        sources = [RangeDecoder(data[1:] if len(data) >= 8192 else data)]
    else:
        words = (
            int.from_bytes(data[i : i + 2], "little") for i in range(1 + 4 * lanes, len(data), 2)
        )
        states = [data[1 + 4 * lane : 5 + 4 * lane] for lane in range(lanes)]
        sources = [Lane(int.from_bytes(state, "little"), words) for state in states]
    symbols = []
    for i in range(count):
        smallest, size, starts = prepared[indexes[i]]
        source = sources[i % lanes]
        place = source.symbol(starts, precision)
        symbols.append(smallest + place if place < size else escaped(source, smallest, size))
    if lanes > 1:
        assert all(source.state == 2**16 for source in sources)
        assert next(words, None) is None
    return symbols


def decode_bits(data, contexts):
    """A function that gives the bit of a context, and one that gives a raw field."""
    source = RangeDecoder(data)
    learnt = [[32768, 32768, 0] for _ in range(contexts)]
    return (lambda context: source.bit(learnt[context])), source.field


def crc32c(data):
    """CRC-32C, bit by bit."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


class Reader:
    """Bytes one after the other."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, count):
        assert self.at + count <= len(self.data)
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def counted(self):
        return self.take(self.number())

    def chunk(self):
        begin = self.at
        kind = self.take(1)
        content = self.take(int.from_bytes(self.take(4), "little"))
        check = crc32c(self.data[begin : self.at])
        assert int.from_bytes(self.take(4), "little") == check
        return kind, Reader(content)


def read_header(reader):
    flags = reader.number()
    header = {
        "digest": reader.take(32).hex(),
        "codec": reader.counted().decode(),
        "shape": [reader.number() for _ in range(3)],
        "iterations": reader.number(),
        "label_bits": reader.number() if flags & 1 else 0,
        "named": bool(flags & 2),
    }
    metadata = reader.counted()
    header["metadata"] = json.loads(metadata) if metadata else {}
    header["model"] = reader.counted() if flags & 4 else None
    header["quality"] = reader.number() if flags & 8 else None
    assert reader.at == len(reader.data)
    return header


def read_block(reader, header):
    block = {"count": reader.number(), "stream": reader.counted()}
    block["parts"] = [reader.number() for _ in range(header["iterations"])]
    if header["label_bits"]:
        _, field = decode_bits(reader.counted(), 0)
        bits = header["label_bits"]
        block["labels"] = [field(bits) for _ in range(block["count"])]
    if header["named"]:
        block["names"] = zlib.decompress(reader.counted()).decode().split("\0")
    assert not any(reader.data[reader.at :])
    return block


def read_archive(data):
    """Header and blocks of an .imc file, in order, and compared with its index."""
    reader = Reader(data)
    assert reader.take(9) == b"\x89IMC\r\n\x1a\n\x01"
    kind, content = reader.chunk()
    assert kind == b"H"
    header = read_header(content)
    blocks, sizes = [], []
    while True:
        begin = reader.at
        kind, content = reader.chunk()
        if kind == b"I":
            break
        assert kind == b"B"
        blocks.append(read_block(content, header))
        sizes.append(reader.at - begin)
    pairs = [(content.number(), content.number()) for _ in range(content.number())]
    assert pairs == [(block["count"], size) for block, size in zip(blocks, sizes, strict=True)]
    assert int.from_bytes(reader.take(4), "little") == reader.at - 4 - begin
    assert reader.take(4) == b"\x1aEND"
    assert reader.at == len(data)
    return header, blocks


def read_safetensors(data):
    """Metadata, and a function that gives a tensor's bytes."""
    size = int.from_bytes(data[:8], "little")
    described = json.loads(data[8 : 8 + size])

    def tensor(name):
        begin, end = described[name]["data_offsets"]
        return described[name]["shape"], data[8 + size + begin : 8 + size + end]

    return json.loads(described["__metadata__"]["imgcomp"]), tensor
