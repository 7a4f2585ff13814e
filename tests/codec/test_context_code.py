"""Codes under a context network: its whole numbers, its streams, threads and instruction sets."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import archives
import numpy as np
import pytest
import torch
from context_streams import SMALL, digest, many, predicted
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_context import ContextDecoder

from imgcomp.codec import CorruptStreamError, FrequencyTables
from imgcomp.codec._wire import varint
from imgcomp.codec.context_code import ContextCode, quality_for
from imgcomp.codec.context_network import ContextNetwork
from imgcomp.errors import UsageError


def reference_of(code: ContextCode) -> ContextDecoder:
    described, tensors = code.parts()

    def tensor(name: str) -> tuple[list[int], bytes]:
        found = tensors[name.removeprefix("code/")]
        return list(found.shape), found.contiguous().numpy().tobytes()

    return ContextDecoder(described, tensor, code.quality)


@st.composite
def codes_and_symbols(draw: st.DrawFn, most: int = 3) -> tuple[ContextCode, torch.Tensor]:
    """A code of any sizes and quality, and symbols (N, C, H, W) near and far."""
    groups = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    network = archives.context_network(
        groups, draw(st.integers(1, 6)), draw(st.sampled_from([1, 3, 5])), draw(st.integers(2, 4))
    )
    shape = (sum(groups), draw(st.integers(1, 5)), draw(st.integers(1, 5)))
    code = archives.context_code(network, shape).at(draw(st.integers(1, 100)))
    sides = (draw(st.integers(1, most)), *shape)
    symbols = archives.numbers(
        sides, draw(st.sampled_from([3, 30, 300, 10**6])), draw(st.integers(0, 99))
    )
    return code, symbols.to(torch.int32)


@given(codes_and_symbols(most=2))
@settings(max_examples=40, deadline=None)
def test_predictions_are_those_of_the_specification(some: tuple[ContextCode, torch.Tensor]) -> None:
    code, symbols = some
    reference = reference_of(code)
    _, height, width = code.shape
    for number, (tables, offsets, rests) in enumerate(predicted(code, symbols)):
        group = number // 2
        first = sum(code.network.groups[:group])
        places = reference.places(number, height, width)
        assert tables.shape == (len(symbols), code.network.groups[group], len(places))
        for n, latent in enumerate(symbols.tolist()):
            for i, (y, x) in enumerate(places):
                expected = reference.predict(latent, number, y, x)
                assert list(zip(tables[n, :, i], offsets[n, :, i], strict=True)) == expected
                own = symbols[n, first : first + len(expected), y, x]
                assert torch.equal(rests[n, :, i] + offsets[n, :, i], own)


@given(codes_and_symbols())
@settings(max_examples=40, deadline=None)
def test_streams_come_back_and_are_those_of_the_specification(
    some: tuple[ContextCode, torch.Tensor],
) -> None:
    code, symbols = some
    codes = code.values(symbols)
    assert torch.equal(code.symbols(codes), symbols)
    stream = code.encode(codes)
    assert torch.equal(code.decode(stream, len(codes)), codes)
    assert reference_of(code).decode(stream, len(codes), *code.shape[1:]) == symbols.tolist()
    # One stream and its length, or one for each pass, up to 4 bytes more than it costs each.
    bits, passes = code.bits(codes), 2 * len(code.network.groups)
    assert bits / 8 - passes <= len(stream)
    assert len(stream) <= (bits / 8 + 4 if bits < 8 * 8000 else bits / 8 * 1.001 + 7 * passes)


@given(st.lists(st.integers(1, 5), max_size=5), st.integers(1, 100))
@settings(max_examples=30, deadline=None)
def test_blocks_are_streams_of_their_own(counts: list[int], quality: int) -> None:
    code = SMALL.at(quality)
    codes = code.values(archives.numbers((sum(counts), *code.shape), 20).to(torch.int32))
    blocks = code.encode_blocks(codes, counts)
    expected = [code.encode(some) for some in torch.split(codes, counts)] if counts else []
    assert [block.data for block in blocks] == expected
    assert all(block.parts == () for block in blocks)
    assert torch.equal(code.decode_blocks([block.data for block in blocks], counts), codes)


def test_no_images() -> None:
    none = torch.zeros(0, 3, 4, 5)
    assert SMALL.encode(none) == b""
    assert SMALL.decode(b"", 0).shape == none.shape
    assert SMALL.bits(none) == 0
    assert SMALL.encode_blocks(none, []) == []
    assert SMALL.decode_blocks([], []).shape == none.shape
    with pytest.raises(CorruptStreamError, match="no codes has no bytes"):
        SMALL.decode(b"\0", 0)


def test_biases_between_levels() -> None:
    network = archives.context_network()
    low, middle, high = network.bias.tolist()
    assert network.bias_at(1).tolist() == low
    assert network.bias_at(100).tolist() == high
    # (37 − 1) · 2 = 72 of 99 from the first level to the second, (63 − 1) · 2 = 99 + 25 of 99.
    for quality, share, pair in ((37, 72, (low, middle)), (63, 25, (middle, high))):
        found = network.bias_at(quality)
        for at in ((0, 0, 0), (0, 1, 2), (1, 0, 1), (1, 1, 1)):
            a, b = (each[at[0]][at[1]][at[2]] for each in pair)
            assert int(found[at]) == (a * (99 - share) + b * share) // 99
    assert (SMALL.at(1).level, SMALL.at(100).level) == (0.0, 2.0)
    assert SMALL.at(37).level == pytest.approx(72 / 99)
    assert SMALL.quality == 60


def test_a_higher_quality_has_finer_steps() -> None:
    codes = SMALL.at(100).values(archives.numbers((4, *SMALL.shape), 40).to(torch.int32))
    errors = [
        float((SMALL.at(q).values(SMALL.at(q).symbols(codes)) - codes).square().mean())
        for q in (1, 30, 70, 100)
    ]
    assert all(more > less for more, less in pairwise(errors))
    assert errors[-1] == 0


def test_threads_change_nothing() -> None:
    before, found = torch.get_num_threads(), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        found.append(digest())
    torch.set_num_threads(before)
    assert found[0] == found[1]


def test_other_vector_code_gives_the_same_bytes() -> None:
    """That of torch and of the streams; no variable changes which clone computes the network."""
    folders = [str(Path(__file__).parent), str(Path(archives.__file__).parent)]
    script = (
        f"import sys; sys.path[:0] = {folders!r}; import context_streams as s; print(s.digest())"
    )
    plain = {"ATEN_CPU_CAPABILITY": "default", "IMGCOMP_ENTROPY_CODER": "none"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **plain, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == digest()


@given(st.binary(max_size=60), st.integers(0, 6))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_codes_or_an_error(data: bytes, count: int) -> None:
    try:
        found = SMALL.decode(data, count)
    except CorruptStreamError:
        return
    assert found.shape == (count, 3, 4, 5)
    assert bool(found.isfinite().all())


@given(st.integers(0, 10**6), st.integers(1, 255))
@settings(max_examples=100, deadline=None)
def test_altered_streams_are_codes_or_an_error(at: int, change: int) -> None:
    symbols = archives.numbers((6, *SMALL.shape), 9).to(torch.int32)
    data = bytearray(SMALL.encode(SMALL.values(symbols)))
    data[at % len(data)] ^= change
    try:
        found = SMALL.decode(bytes(data), 6)
    except CorruptStreamError:
        return
    assert found.shape == (6, 3, 4, 5)
    assert bool(found.isfinite().all())


def apart(code: ContextCode, symbols: torch.Tensor) -> bytes:
    """Latents in the form of long ones: each pass as a stream of its own."""
    parts = [code.tables.encode(rests, tables) for tables, _, rests in predicted(code, symbols)]
    return b"".join(varint(len(part)) for part in parts[:-1]) + b"".join(parts)


def test_streams_of_many_bytes_are_one_for_each_pass() -> None:
    code, symbols = SMALL.of_size(24, 24), many()
    assert code.encode(code.values(symbols)) == apart(code, symbols)
    # A reader takes either form, at any length, in one go.
    few = symbols[:3]
    streams = [apart(code, few[:2]), code.encode(code.values(few[2:]))]
    assert len(streams[1]) < len(apart(code, few[2:])) - 3
    assert torch.equal(code.decode_blocks(streams, [2, 1]), code.values(few))
    streams = [apart(code, few[:1]), *(code.encode(code.values(one[None])) for one in few[1:])]
    assert torch.equal(code.decode_blocks(streams, [1, 1, 1]), code.values(few))
    assert reference_of(code).decode(streams[0], 1, 24, 24) == few[:1].tolist()


def test_streams_that_are_cut() -> None:
    symbols = archives.numbers((6, *SMALL.shape), 9).to(torch.int32)
    data = SMALL.encode(SMALL.values(symbols))
    for size in range(len(data)):
        with pytest.raises(CorruptStreamError):
            SMALL.decode(data[:size], 6)
    data = apart(SMALL, symbols)
    sizes = sum(data[:3])  # of the first three passes
    for size in range(3 + sizes):
        if size == data[0]:
            continue  # This much looks like one stream of all passes, and could be one.
        with pytest.raises(CorruptStreamError, match=r"too early|is expected"):
            SMALL.decode(data[:size], 6)


def test_one_stream_of_all_passes_is_short() -> None:
    code, symbols = SMALL.of_size(24, 24), many()
    passes = [(tables, rests) for tables, _, rests in predicted(code, symbols)]
    tables, rests = (
        torch.cat([each.flatten() for each in one]) for one in zip(*passes, strict=True)
    )
    stream = code.tables.encode(rests, tables)
    assert len(stream) > 8192
    with pytest.raises(CorruptStreamError, match="less than 8192 bytes"):
        code.decode(varint(len(stream) + 1) + stream, len(symbols))


@pytest.mark.parametrize("rest", [2**24 + 9, -(2**24) - 9, 2**31 - 1, -(2**31)])
def test_values_that_no_encoder_writes(rest: int) -> None:
    tables, _, rests = predicted(SMALL, torch.zeros(1, *SMALL.shape, dtype=torch.int32))[0]
    rests = torch.zeros_like(rests)
    rests[0, 0, 3] = rest
    first = SMALL.tables.encode(rests, tables)
    stream = varint(len(first)) + varint(0) + varint(0) + first
    with pytest.raises(CorruptStreamError, match="values that no encoder writes"):
        SMALL.decode(stream, 1)


def far_off(bias: int) -> ContextCode:
    """A code that expects every value where nothing is: its network has but one bias."""
    weights = {
        "0.earlier": torch.zeros(1, 1, 0, 1, dtype=torch.int16),
        "0.anchors": torch.zeros(1, 1, 1, 1, dtype=torch.int16),
        "0.between": torch.zeros(1, 1, dtype=torch.int16),
        "0.last": torch.zeros(1, 2, dtype=torch.int16),
        "0.between_bias": torch.zeros(1, dtype=torch.int32),
        "0.last_bias": torch.tensor([bias, 0], dtype=torch.int32),
    }
    network = ContextNetwork(
        (1,), 1, 1, 1, 1, 0, 1, ((8, 0, 0),), weights, torch.zeros(2, 1, 2, 1, dtype=torch.int32)
    )
    tables = FrequencyTables.from_counts(torch.ones(1, 3, dtype=torch.int64))
    return ContextCode((1, 1, 2), torch.zeros(2, 1), torch.zeros(2), network, tables)


@pytest.mark.parametrize("bias", [2**31 - 1, -(2**31) + 1])
def test_values_far_from_their_means_come_back(bias: int) -> None:
    code = far_off(bias)
    (_, offsets, _), _ = predicted(code, torch.zeros(1, 1, 1, 2, dtype=torch.int32))
    assert offsets.flatten().tolist() == [(bias + 128) >> 8]
    codes = torch.tensor([2.0**24 - 1, 1.0 - 2**24]).view(1, 1, 1, 2)
    for given_codes in (codes, -codes):
        assert torch.equal(code.decode(code.encode(given_codes), 1), given_codes)


def test_the_core_checks_again() -> None:
    core, bias = SMALL.network.core, SMALL.network.bias_at(5)
    symbols = torch.zeros(2, 3, 4, 5, dtype=torch.int32)
    tables, offsets = core.predict(symbols, 3, bias)
    assert (tables.shape, offsets.shape) == ((2, 2, 10), (2, 2, 10))
    for call, message in (
        (lambda: core.predict(symbols, 4, bias), "pass 4 of 4 over latents of 3 channels"),
        (lambda: core.predict(symbols, -1, bias), "pass -1 of 4"),
        (lambda: core.predict(symbols[:, :2].contiguous(), 0, bias), "over latents of 3 channels"),
        (lambda: core.predict(symbols[0], 0, bias), "over latents of 3 channels"),
        (lambda: core.predict(symbols.long(), 0, bias), "symbols must be a contiguous Int"),
        (lambda: core.predict(symbols.mT, 0, bias), "symbols must be a contiguous Int"),
        (lambda: core.predict(symbols, 0, bias[:1]), "have 12 biases, not 6"),
        (lambda: core.check_bias(bias + 2**31 - 10_000), "could be larger than 32 bits hold"),
    ):
        with pytest.raises(UsageError, match=message):
            call()


@given(
    st.lists(st.floats(0, 9), min_size=100, max_size=100).map(sorted),
    st.floats(0, 10),
)
@settings(deadline=None, max_examples=40)
def test_the_highest_quality_of_a_rate(rates: list[float], target: float) -> None:
    within = [quality for quality in range(1, 101) if rates[quality - 1] <= target]
    assert quality_for(target, lambda quality: rates[quality - 1]) == max(within, default=1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SMALL.at(0), "quality must be a whole number in 1 … 100, not 0"),
        (lambda: SMALL.at(101), "not 101"),
        (lambda: SMALL.at(50.5), "not 50.5"),
        (lambda: SMALL.encode(torch.zeros(1, 3, 4, 4)), r"of shape \(N, \*\(3, 4, 5\)\)"),
        (lambda: SMALL.encode(torch.zeros(1, 3, 4, 5, dtype=torch.int32)), "floating point"),
        (lambda: SMALL.encode(torch.full((1, 3, 4, 5), float("nan"))), "must be finite"),
        (lambda: SMALL.encode(torch.full((1, 3, 4, 5), float("inf"))), "must be finite"),
        (lambda: SMALL.encode(torch.full((1, 3, 4, 5), 2.0**24)), r"less than 2\^24 steps"),
        (lambda: SMALL.decode(b"", -1), "count must be a whole number"),
        (lambda: SMALL.decode_blocks([b""], [1], 1), "no iterations"),
    ],
)
def test_what_does_not_fit_is_said(call, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        call()


def two_numbers(fidelity: float) -> ContextCode:
    """A code that expects 0 (half a bit) or 1 (about 1.8 bits) everywhere, in steps of 1."""
    plain = far_off(0).at(1)
    tables = FrequencyTables.from_frequencies(torch.tensor([[11585, 4799]]))
    worth = torch.full((2,), fidelity).log()
    return dataclasses.replace(plain, tables=tables, fidelity=worth)


def test_an_encoder_weighs_bits_against_errors() -> None:
    # 1 costs 1.27 bits more than 0. From 0.6 it is nearer by 0.36 − 0.16 = 0.2, from 0.9 by 0.8.
    codes = torch.tensor([0.6, 0.9]).view(1, 1, 1, 2)
    for fidelity, expected in ((1.0, [0, 0]), (2.0, [0, 1]), (6.0, [0, 1]), (7.0, [1, 1])):
        assert two_numbers(fidelity).symbols(codes).flatten().tolist() == expected


@given(st.data())
def test_weighing_never_costs_more_in_the_last_pass(data: st.DataObject) -> None:
    seed = data.draw(st.integers(0, 2**16))
    fidelity = data.draw(st.floats(-3, 3))
    code = dataclasses.replace(SMALL, fidelity=torch.full_like(SMALL.fidelity, fidelity))
    codes = 3 * torch.randn(2, *SMALL.shape, generator=torch.Generator().manual_seed(seed))
    gain, last = code._gain(), code._passes - 1
    chosen = code.symbols(codes)

    def cost(symbols: torch.Tensor) -> float:
        tables, _, rests = predicted(code, symbols)[last]
        error = (code._of_pass(symbols / gain - codes, last)).square().sum()
        return float(code.tables.costs(rests, tables).sum() + np.exp(fidelity) * error)

    nearest = chosen.clone()
    code._put(nearest, last, code._of_pass((codes * gain).round().to(torch.int32), last))
    assert cost(chosen) <= cost(nearest) * (1 + 1e-5) + 1e-3
    # What came out once is coded again as it is.
    assert torch.equal(code.symbols(code.values(chosen)), chosen)
