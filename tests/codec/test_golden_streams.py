"""Streams that were written once: the same bytes are written and read by every kind of loop."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import reference_decoder as reference
import streams
import torch

from imgcomp.codec import BinaryDecoder

STORED = json.loads(streams.STORED.read_text())


@pytest.mark.usefixtures("_threads")
@pytest.mark.parametrize("name", streams.SYMBOL_CASES)
def test_symbols(name):
    tables, symbols, indexes = streams.symbol_case(name)
    data = tables.encode(symbols, indexes)
    assert streams.record(data) == STORED[name]
    if "hex" in STORED[name]:
        data = bytes.fromhex(STORED[name]["hex"])
    found = tables.decode(data, symbols.shape, indexes)
    assert torch.equal(found, torch.from_numpy(symbols))
    twice = tables.decode_batch([data] * 3, symbols.shape, indexes)
    assert torch.equal(twice, found.expand(3, -1))


def test_bits():
    stream = streams.write_bits()
    stored = dict(STORED["bits"])
    assert list(stream.parts) == stored.pop("parts")
    assert streams.record(stream.data) == stored
    parts, values = streams.bits_case()
    for last, length in enumerate(stream.parts):
        decoder = BinaryDecoder(bytes.fromhex(stored["hex"])[:length], 5)
        for contexts, bits in parts[: last + 1]:
            assert decoder.decode(bits.shape, contexts).tolist() == bits.tolist()
            assert decoder.decode_raw(values.shape, 11).tolist() == values.tolist()


@pytest.mark.parametrize("name", streams.SYMBOL_CASES)
def test_the_specification_suffices_for_symbols(name):
    tables, symbols, indexes = streams.symbol_case(name)
    count = min(len(symbols), 250_000)  # plain Python is slow
    data = tables.encode(symbols[:count], indexes[:count])
    found = reference.decode_symbols(data, count, tables, indexes, tables.precision)
    assert found == symbols[:count].tolist()


def test_the_specification_suffices_for_bits():
    stream = streams.write_bits()
    bit, field = reference.decode_bits(stream.data, 5)
    parts, values = streams.bits_case()
    for contexts, bits in parts:
        assert [bit(context) for context in contexts] == bits.tolist()
        assert [field(11) for _ in values] == values.tolist()


@pytest.mark.parametrize("loops", ["avx2", "none"])
def test_with_other_instruction_sets(loops):
    # The loops are chosen once in a process.
    arguments = ["-q", "-p", "no:cacheprovider", "-k", "test_symbols", __file__]
    environment = {**os.environ, "IMGCOMP_ENTROPY_CODER": loops}
    result = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        env=environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
