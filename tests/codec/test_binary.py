"""Adaptive bits: round trips, parts, cuts."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from imgcomp.codec import BinaryDecoder, BinaryEncoder, CodecError
from imgcomp.errors import UsageError


def test_small_streams_by_hand():
    encoder = BinaryEncoder()
    assert encoder.finish() == (b"", ())
    encoder.encode(torch.tensor([False]))
    assert encoder.finish().data == b"\x80"
    encoder.encode_raw(torch.tensor([0x12345678, 1]), 32)
    assert encoder.finish().data == b"\x12\x34\x56\x78\x00\x00\x00\x01"
    assert encoder.contexts == 1


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    parts=st.lists(st.integers(0, 200), min_size=1, max_size=6),
    contexts=st.integers(1, 5),
    raw=st.integers(1, 32),
)
def test_every_part_decodes_by_itself(seed, parts, contexts, raw):
    generator = np.random.default_rng(seed)
    encoder = BinaryEncoder(contexts)
    given = []
    for count in parts:
        numbers = generator.integers(0, contexts, count)
        bits = (generator.random(count) < 0.1 * (1 + numbers)).astype(np.uint8)
        values = generator.integers(0, 2**raw, 3)
        encoder.encode(bits, numbers)
        encoder.encode_raw(values, raw)
        encoder.end_part()
        given.append((bits, numbers, values))
    stream = encoder.finish()
    assert stream.parts[-1] == len(stream.data)
    for last, length in enumerate(stream.parts):
        decoder = BinaryDecoder(stream.data[:length], contexts)
        for bits, numbers, values in given[: last + 1]:
            assert decoder.decode(len(bits), numbers).tolist() == bits.tolist()
            assert decoder.decode_raw((3,), raw).tolist() == values.tolist()
    assert decoder.at_end
    assert BinaryDecoder(stream.data + b"\x01", contexts).at_end is False


def test_a_cut_stream_says_how_far_it_is_good():
    bits = (torch.rand(100, 50) < 0.2).to(torch.uint8)
    encoder = BinaryEncoder()
    encoder.encode(bits)
    data = encoder.finish().data
    for length in range(0, len(data), 61):
        decoder = BinaryDecoder(data[:length])
        rows = 0
        for row in bits:
            found = decoder.decode(50)
            if not decoder.is_certain:
                break
            assert torch.equal(found, row)
            rows += 1
        assert rows >= length * 8 // 45 - 2


def test_skewed_contexts_cost_little():
    encoder = BinaryEncoder(2)
    encoder.encode(torch.ones(10_000, dtype=torch.bool), torch.tensor(1))
    encoder.encode(torch.zeros(10_000, dtype=torch.int64), torch.tensor(0))
    assert len(encoder.finish().data) < 20_000 * 0.002 / 8 + 8


def test_contexts_broadcast():
    bits = torch.randint(0, 2, (4, 3, 5))
    first, second = BinaryEncoder(3), BinaryEncoder(3)
    first.encode(bits, torch.arange(3).view(3, 1))
    second.encode(bits, torch.arange(3).view(1, 3, 1).expand(4, 3, 5))
    data = first.finish().data
    assert data == second.finish().data
    found = BinaryDecoder(data, 3).decode((4, 3, 5), torch.arange(3).view(3, 1))
    assert torch.equal(found, bits.to(torch.uint8))


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=60), count=st.integers(0, 500))
def test_any_bytes_give_bits(data, count):
    decoder = BinaryDecoder(data, 2)
    contexts = torch.arange(count) % 2
    bits = decoder.decode(count, contexts)
    assert int(bits.max()) <= 1 if count else bits.numel() == 0
    if decoder.at_end:  # just what would have been written
        encoder = BinaryEncoder(2)
        encoder.encode(bits, contexts)
        assert encoder.finish().data == data


def test_refusals():
    encoder = BinaryEncoder(2)
    with pytest.raises(UsageError, match=r"contexts must lie in 0 … 1, got 2"):
        encoder.encode(torch.tensor([1]), torch.tensor([2]))
    with pytest.raises(UsageError, match="cannot be broadcast"):
        encoder.encode(torch.tensor([1]), torch.tensor([0, 1]))
    with pytest.raises(UsageError, match=r"bits must be whole numbers, not torch\.float32"):
        encoder.encode(torch.tensor([0.5]))
    with pytest.raises(CodecError, match=r"values of 3 bits lie in 0 … 7, not 1 … 8"):
        encoder.encode_raw(torch.tensor([1, 8]), 3)
    with pytest.raises(UsageError, match="bits must be a whole number in 1 … 32"):
        encoder.encode_raw(torch.tensor([1]), 33)
    with pytest.raises(UsageError, match="contexts must be a whole number"):
        BinaryEncoder(-1)
    with pytest.raises(UsageError, match="data must be bytes, not str"):
        BinaryDecoder("abc")
