"""A decoder written from docs/bitstream.md alone: slow, plain, and independent of the core."""

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
    """A list of `count` symbols; tables are (smallest, frequencies, escape)."""
    prepared = []
    for smallest, frequencies, escape in tables:
        starts = list(accumulate([0, *frequencies]))
        prepared.append((smallest, len(frequencies), starts if escape else starts[:-1]))
    lanes = data[0] if len(data) >= 8192 else 1
    if lanes == 1:
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
