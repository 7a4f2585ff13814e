"""Codes to bytes and back, under tables that were counted and under bits that are learnt."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from imgcomp import models
from imgcomp.codec import BinaryCode, CorruptStreamError, Quantizer, StaticCode
from imgcomp.errors import UsageError

BYTES = Quantizer(torch.tensor([0.0, -1.0]), torch.tensor([1.0, 2.0]), 4)


def laplace(*shape: int, seed: int = 0) -> torch.Tensor:
    draws = torch.Generator().manual_seed(seed)
    u = torch.rand(shape, generator=draws) - 0.5
    return -u.sign() * torch.log1p(-2 * u.abs())


@given(st.integers(0, 40), st.integers(1, 6), st.sampled_from(["channel", "element", "auto"]))
@settings(max_examples=30, deadline=None)
def test_what_is_coded_comes_back(count: int, bits: int, tables: Any) -> None:
    seen, codes = laplace(60, 3, 4, 5), laplace(count, 3, 4, 5, seed=bits)
    quantizer = Quantizer.fit(seen, bits)
    code = StaticCode.fit(seen, quantizer, tables=tables)
    data = code.encode(codes)
    assert torch.equal(code.decode(data, count), quantizer(codes))
    assert len(data) <= math.ceil(code.bits(codes) / 8 * 1.001) + 4


def test_tables_are_the_counts_and_half_a_time_more() -> None:
    codes = torch.tensor([[0.0, -1.0], [0.0, 1.0], [0.0, 5.0], [1.0, 5.0]])
    code = StaticCode.fit(codes, BYTES, tables="channel")
    # 3, 1, 0, 0 and 1, 1, 0, 2 times, doubled and one more: of 12
    for table, odd in zip(code.tables, ([7, 3, 1, 1], [3, 3, 1, 5]), strict=True):
        expected = [2**14 * each / 12 for each in odd]
        assert table.frequencies == pytest.approx(expected, abs=1)
    assert code.bits(codes[:1]) == pytest.approx(math.log2(12 / 7) + math.log2(12 / 3), abs=1e-3)


def test_tables_of_elements_where_these_differ() -> None:
    alike = laplace(400, 2, 4, 4)
    apart = alike * torch.linspace(0.05, 3, 32).view(2, 4, 4)
    for codes, count in ((alike, 2), (apart, 32)):
        quantizer = Quantizer.fit(codes, 4)
        assert len(StaticCode.fit(codes, quantizer).tables) == count
    by_element, by_channel = (
        StaticCode.fit(apart[:200], quantizer, tables=kind) for kind in ("element", "channel")
    )
    assert by_element.bits(apart[200:]) < 0.98 * by_channel.bits(apart[200:])


def test_a_vector_is_a_code_of_single_values() -> None:
    codes = laplace(50, 10)
    code = StaticCode.fit(codes, Quantizer.fit(codes, 3))
    assert len(code.tables) == 10
    assert torch.equal(code.decode(code.encode(codes), 50), code.quantizer(codes))


def signs(count: int, *shape: int, share: float = 0.5, seed: int = 0) -> torch.Tensor:
    draws = torch.Generator().manual_seed(seed)
    return torch.where(torch.rand(count, *shape, generator=draws) < share, 1.0, -1.0)


@given(st.integers(0, 9), st.integers(1, 3), st.floats(0.0, 1.0))
@settings(max_examples=30, deadline=None)
def test_bits_come_back_and_may_be_cut(count: int, iterations: int, share: float) -> None:
    code = BinaryCode((iterations, 2, 3, 2))
    codes = signs(count, *code.shape, share=share)
    data, ends = code.encode(codes)
    assert ends[-1] == len(data)
    assert torch.equal(code.decode(data, count), codes)
    for kept, end in enumerate(ends, start=1):
        assert torch.equal(code.decode(data[:end], count, kept), codes[:, :kept])


def test_bits_of_one_image_take_their_size_and_likely_ones_of_many_less() -> None:
    code = BinaryCode((1, 32, 2, 2))
    assert len(code.encode(signs(1, *code.shape)).data) <= 18
    likely = signs(500, *code.shape, share=0.1)
    entropy = -0.1 * math.log2(0.1) - 0.9 * math.log2(0.9)
    assert len(code.encode(likely).data) < 1.03 * 500 * 128 * entropy / 8


def test_neighbours_help() -> None:
    code = BinaryCode((1, 2, 6, 6))
    waves = torch.sign(torch.nn.functional.interpolate(laplace(400, 2, 2, 2), size=6))
    waves[waves == 0] = 1.0
    independent = waves.flatten(1)[:, torch.randperm(72)].view(400, 1, 2, 6, 6)
    assert len(code.encode(waves.unsqueeze(1)).data) < 0.6 * len(code.encode(independent).data)


def test_bits_of_a_network() -> None:
    model = models.donis2020(iterations=2, seed=1)
    images = torch.rand(3, 3, 32, 32) - 0.5
    codes = model.encode(images)
    code = BinaryCode(model.code_shape)  # type: ignore[arg-type]
    data, ends = code.encode(codes)
    assert torch.equal(code.decode(data, 3), codes)
    first = code.decode(data[: ends[0]], 3, 1)
    torch.testing.assert_close(model.decode(first), model.reconstructions(images)[0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: StaticCode.fit(torch.zeros(0, 2), BYTES), "must not be empty"),
        (lambda: StaticCode.fit(torch.zeros(3, 2), BYTES, tables="all"), "'channel', 'element'"),  # type: ignore[arg-type]
        (lambda: STATIC.encode(torch.zeros(3, 2, 2)), r"\(N, \*\(2,\)\), not \(3, 2, 2\)"),
        (lambda: STATIC.decode(b"", -1), "count must be a whole number"),
        (lambda: StaticCode((3,), BYTES, STATIC.tables), "levels of 2 channels do not fit"),
        (lambda: StaticCode((2, 4), BYTES, MANY.tables), "2 tables or 8, not 3"),
        (lambda: BINARY.encode(torch.zeros(1, 2, 2, 1, 1)), r"not torch.float32 of shape \(1, 2"),
        (lambda: BINARY.encode(torch.zeros(1, 1, 2, 1, 1).int()), "must be floating point"),
        (lambda: BINARY.decode(b"", 1, 2), "iterations must be a whole number in 1 … 1"),
    ],
)
def test_what_does_not_fit_is_said(call: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        call()


STATIC = StaticCode.fit(torch.zeros(3, 2), BYTES)
MANY = StaticCode.fit(torch.zeros(3, 3), Quantizer(torch.zeros(3), torch.ones(3), 2))
BINARY = BinaryCode((1, 2, 1, 1))


def test_other_bytes_are_refused() -> None:
    codes = laplace(500, 2)
    code = StaticCode.fit(codes, BYTES)
    with pytest.raises(CorruptStreamError):
        code.decode(code.encode(codes) + b"\x07", 500)
    bits = BinaryCode((1, 8, 2, 2))
    stream = bits.encode(signs(20, *bits.shape)).data
    with pytest.raises(CorruptStreamError, match="not one of 20 codes"):
        bits.decode(stream + b"\x07", 20)
