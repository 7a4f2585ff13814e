"""Frozen streams of the entropy coder, and the script that wrote them.

    python tests/golden/streams.py

writes streams.json: short streams as hexadecimal digits, long ones by length and SHA-256. The tests
compare them with what is written today, and decode them. The streams of a format never change:
write the file anew only for new cases. Symbols, tables and bits are formulas of whole numbers.
"""

import hashlib
import json
from pathlib import Path

import numpy as np

STORED = Path(__file__).with_suffix(".json")
LARGE = 4000  # bytes, above which only the digest is stored


def hashed(count, salt):
    """uint32 (count,): a fixed sequence without a pattern."""
    x = np.arange(count, dtype=np.uint64) + np.uint64(salt) * np.uint64(1_000_003)
    for factor in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB):
        x = (x ^ (x >> np.uint64(31))) * np.uint64(factor)
    return (x >> np.uint64(32)).astype(np.uint32)


def peaked(count, salt, width):
    """int64 (count,): small numbers around 0, the larger the rarer, and a few far outliers."""
    raw = hashed(count, salt).astype(np.int64)
    size = np.minimum(raw % 1000, raw // 1000 % 1000) * width // 1000
    sign = np.where(raw // 1_000_000 % 2, 1, -1)
    outlier = raw % 997 == 0
    return np.where(outlier, sign * (raw % 100_000), sign * (size % (width + 1)))


def counts(width, tables):
    """int64 (tables, 2 · width + 1)."""
    place = np.abs(np.arange(-width, width + 1))
    return np.stack([1000 // (1 + place * (1 + t)) for t in range(tables)])


# name: symbols, tables, width, precision
SYMBOL_CASES = {
    "none": (0, 1, 3, 12),
    "one": (1, 1, 3, 12),
    "short": (200, 1, 6, 14),
    "short, 5 tables": (999, 5, 9, 10),
    "narrow": (50_000, 1, 15, 14),
    "narrow, 7 tables": (70_000, 7, 9, 13),
    "wide": (400_000, 1, 15, 12),
    "wide, 64 tables": (600_000, 64, 12, 14),
}


def symbol_case(name):
    """Tables, symbols and the tables' indexes of a case."""
    from imgcomp.codec import FrequencyTables

    count, tables, width, precision = SYMBOL_CASES[name]
    made = FrequencyTables.from_counts(counts(width, tables), smallest=-width, precision=precision)
    indexes = (hashed(count, 7) % tables).astype(np.int32)
    return made, peaked(count, len(name), width).astype(np.int32), indexes


def bits_case():
    """Contexts and bits of three parts, and raw values of 11 bits between them."""
    parts = []
    for part in range(3):
        raw = hashed(300, 50 + part)
        contexts = (raw % 5).astype(np.int32)
        parts.append((contexts, (raw // 5 % (2 + 3 * contexts) == 0).astype(np.uint8)))
    return parts, (hashed(20, 99) % 2048).astype(np.int64)


def write_bits():
    """The stream of the bits, and where its parts end."""
    from imgcomp.codec import BinaryEncoder

    encoder = BinaryEncoder(5)
    parts, values = bits_case()
    for contexts, bits in parts:
        encoder.encode(bits, contexts)
        encoder.encode_raw(values, 11)
        encoder.end_part()
    return encoder.finish()


def record(data):
    """How a stream is stored."""
    if len(data) > LARGE:
        return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return {"bytes": len(data), "hex": data.hex()}


def main():
    """Writes streams.json."""
    stored = {}
    for name in SYMBOL_CASES:
        tables, symbols, indexes = symbol_case(name)
        stored[name] = record(tables.encode(symbols, indexes))
    stream = write_bits()
    stored["bits"] = {**record(stream.data), "parts": list(stream.parts)}
    STORED.write_text(json.dumps(stored, indent=1) + "\n")


if __name__ == "__main__":
    main()
