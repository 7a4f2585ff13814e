"""Context codes, written from docs/bitstream.md alone: Python's numbers, place by place."""

import struct
from itertools import product

import reference_decoder as reference


class ContextDecoder:
    """The code of a codec's file, as :func:`reference_decoder.read_safetensors` gives it."""

    def __init__(self, described, tensor, quality):
        self.described = described
        self.groups = described["groups"]
        self.hidden, self.kernel = described["hidden"], described["kernel"]
        self.tensors = {}
        names = ("earlier", "anchors", "between", "last")
        for group in range(len(self.groups)):
            for name in names:
                self._read(f"{group}.{name}", tensor, "h")
            for name in ("between_bias", "last_bias"):
                self._read(f"{group}.{name}", tensor, "i")
        for name in ("sizes", "smallest", "escapes"):
            self._read(name, tensor, "i")
        self._read("frequencies", tensor, "h")
        self.tables = []
        begin = 0
        columns = (self.tensors[name] for name in ("sizes", "smallest", "escapes"))
        for size, smallest, escape in zip(*columns, strict=True):
            frequencies = self.tensors["frequencies"][begin : begin + size]
            self.tables.append((smallest, frequencies, escape))
            begin += size
        (levels, *_), bias = self._values("bias", tensor, "i")
        self.bias = self._mixed(levels, bias, quality)

    def _values(self, name, tensor, kind):
        shape, raw = tensor(f"code/{name}")
        return shape, list(struct.unpack(f"<{len(raw) // struct.calcsize(kind)}{kind}", raw))

    def _read(self, name, tensor, kind):
        self.tensors[name] = self._values(name, tensor, kind)[1]

    def _mixed(self, levels, bias, quality):
        i, r = divmod((quality - 1) * (levels - 1), 99)
        each = len(bias) // levels
        rows = [bias[level * each : (level + 1) * each] for level in range(levels)]
        above = rows[i + 1] if r else rows[i]
        return [(a * (99 - r) + b * r) // 99 for a, b in zip(rows[i], above, strict=True)]

    def places(self, number, height, width):
        return [
            (y, x) for y, x in product(range(height), range(width)) if (y + x) % 2 == number % 2
        ]

    def predict(self, latent, number, y, x):
        """(table, whole) of each channel of a pass at one place; latent[c][y][x]."""
        group, parity = divmod(number, 2)
        first, size = sum(self.groups[:group]), self.groups[group]
        depth, radius = self.hidden, self.kernel // 2
        height, width = len(latent[0]), len(latent[0][0])
        one, two, three = self.described["bits"][group]
        begin = number * depth
        sums = self.bias[begin : begin + depth]
        for row, column in product(range(self.kernel), range(self.kernel)):
            at_y, at_x = y + row - radius, x + column - radius
            if not (0 <= at_y < height and 0 <= at_x < width):
                continue
            tap = row * self.kernel + column
            known = [("earlier", c, first, c) for c in range(first)]
            if parity == 1 and (at_y + at_x) % 2 == 0:
                known += [("anchors", c, size, first + c) for c in range(size)]
            for name, c, of, channel in known:
                value = max(-127, min(127, latent[channel][at_y][at_x]))
                weights = self.tensors[f"{group}.{name}"]
                for d in range(depth):
                    sums[d] += value * weights[(tap * of + c) * depth + d]
        u = [self._activated(value >> (one - 8)) for value in sums]
        v = self._dense(group, "between", u)
        w = self._dense(group, "last", [self._activated(value >> two) for value in v])
        w = [value >> three for value in w]
        found = []
        for mean, scale in zip(w[:size], w[size:], strict=True):
            whole = (mean + 128) >> 8
            part = (mean + 128 - 256 * whole) * self.described["mean_bins"] // 256
            b = (scale - self.described["least_scale"]) // self.described["scale_step"]
            b = max(0, min(self.described["scale_bins"] - 1, b))
            found.append((b * self.described["mean_bins"] + part, whole))
        return found

    def _activated(self, value):
        value = max(-32767, min(32767, value))
        return value >> 3 if value < 0 else value

    def _dense(self, group, name, values):
        weights, bias = self.tensors[f"{group}.{name}"], self.tensors[f"{group}.{name}_bias"]
        units = len(bias)
        sums = [
            bias[j] + sum(v * weights[i * units + j] for i, v in enumerate(values))
            for j in range(units)
        ]
        assert all(-(2**31) <= value < 2**31 for value in sums)
        return sums

    def decode(self, stream, count, height, width):
        """latents[n][c][y][x] of a block's stream."""
        reader = reference.Reader(stream)
        passes = 2 * len(self.groups)
        sizes = [reader.number()]
        if sizes[0] == len(stream) - reader.at + 1:
            assert len(stream) - reader.at < 8192
            parts = [reference.RangeDecoder(stream[reader.at :])] * passes
        else:
            sizes += [reader.number() for _ in range(passes - 2)]
            parts = [reader.take(size) for size in sizes]
            parts.append(reader.take(len(stream) - reader.at))
        channels = sum(self.groups)
        latents = [
            [[[0] * width for _ in range(height)] for _ in range(channels)] for _ in range(count)
        ]
        for number, part in enumerate(parts):
            group = number // 2
            first, size = sum(self.groups[:group]), self.groups[group]
            places = self.places(number, height, width)
            tables, wholes, targets = [], [], []
            for latent in latents:
                found = [self.predict(latent, number, y, x) for y, x in places]
                for c in range(size):
                    for (y, x), at in zip(places, found, strict=True):
                        tables.append(at[c][0])
                        wholes.append(at[c][1])
                        targets.append((latent[first + c][y], x))
            rests = reference.decode_symbols(
                part, len(tables), self.tables, tables, self.described["precision"]
            )
            for rest, whole, (row, x) in zip(rests, wholes, targets, strict=True):
                row[x] = whole + rest
        return latents
