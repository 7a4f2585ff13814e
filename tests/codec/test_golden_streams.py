"""Streams that were written once: the same bytes are written and read by every kind of loop."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from imgcomp.codec import BinaryDecoder

GOLDEN = Path(__file__).parents[1] / "golden" / "streams.py"
_spec = importlib.util.spec_from_file_location("golden_streams", GOLDEN)
streams = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(streams)
STORED = json.loads(streams.STORED.read_text())


@pytest.fixture(params=[1, 2])
def _threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


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


@pytest.mark.parametrize("loops", ["avx2", "none"])
def test_with_other_instruction_sets(loops):
    # The loops are chosen once in a process.
    arguments = ["-q", "-p", "no:cacheprovider", "-k", "test_symbols", __file__]
    environment = {**os.environ, "IMGCOMP_ENTROPY_CODER": loops}
    result = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        env=environment,
        cwd=GOLDEN.parents[2],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
