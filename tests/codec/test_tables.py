"""Frequency tables and the streams of symbols under them."""

import math
import pickle
import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from imgcomp.codec import CodecError, CorruptStreamError, FrequencyTables
from imgcomp.errors import UsageError

NIBBLES = FrequencyTables.from_frequencies(torch.full((16,), 1), precision=4)


def drawn(tables, count, seed, indexes=None):
    """int32 (count,): symbols as likely as their table has it; escapes are left out."""
    generator = np.random.default_rng(seed)
    tables_of = np.zeros(count, dtype=int) if indexes is None else np.asarray(indexes)
    symbols = np.zeros(count, dtype=np.int32)
    for number in np.unique(tables_of):
        smallest, frequencies, _ = tables[int(number)]
        share = np.array(frequencies) / sum(frequencies)
        where = tables_of == number
        symbols[where] = smallest + generator.choice(len(share), where.sum(), p=share)
    return torch.from_numpy(symbols)


def test_small_streams_by_hand():
    assert NIBBLES.encode(torch.tensor([1, 2, 3, 4])) == b"\x12\x34"
    assert NIBBLES.encode(torch.tensor([], dtype=torch.int32)) == b""
    assert NIBBLES.decode(b"\x12\x34", 4).tolist() == [1, 2, 3, 4]
    assert NIBBLES.decode(b"\x12\x34", (2, 2)).tolist() == [[1, 2], [3, 4]]
    assert NIBBLES.decode(b"", (0, 3)).shape == (0, 3)
    assert NIBBLES.decode(b"", ()).tolist() == 0
    assert NIBBLES.bits(torch.tensor([1, 2, 3, 4])) == 16.0
    assert len(NIBBLES.encode(torch.arange(32) % 16)) == 16


def test_tables_are_what_was_given():
    tables = FrequencyTables.from_frequencies(
        [torch.tensor([3, 4]), torch.tensor([5, 1, 1])],
        smallest=[-1, 7],
        escape=[1, 1],
        precision=3,
    )
    assert len(tables) == 2
    assert tables.precision == 3
    assert tables[0] == (-1, (3, 4), 1)
    assert tables[1] == (7, (5, 1, 1), 1)
    with pytest.raises(IndexError, match=r"0 … 1, not 2"):
        tables[2]
    again = pickle.loads(pickle.dumps(tables))
    assert list(again) == list(tables)


def test_counts_are_fitted():
    tables = FrequencyTables.from_counts(np.array([[6, 1], [0, 0]]), smallest=-3, precision=3)
    assert tables[0] == (-3, (6, 1), 1)
    assert tables[1].frequencies == (3, 3)
    assert tables[1].escape == 2
    without = FrequencyTables.from_counts(torch.tensor([6, 1]), escape=False, precision=3)
    assert without[0] == (0, (7, 1), 0)
    counted = FrequencyTables.from_counts(torch.tensor([6, 1]), escape=[7], precision=3)
    assert counted[0].escape == 4


@settings(max_examples=60, deadline=None)
@given(
    counts=st.lists(st.integers(0, 10**9), min_size=1, max_size=40),
    precision=st.integers(6, 14),
)
def test_fitted_frequencies_are_near_the_counts(counts, precision):
    table = FrequencyTables.from_counts(torch.tensor(counts), escape=False, precision=precision)[0]
    assert sum(table.frequencies) == 2**precision
    assert min(table.frequencies) >= 1
    order = np.argsort(counts, kind="stable")
    assert (np.diff(np.array(table.frequencies)[order]) >= -1).all()


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(0, 3000),
    width=st.integers(1, 60),
    tables=st.integers(1, 6),
    precision=st.integers(8, 14),
)
def test_round_trip_and_length(seed, count, width, tables, precision):
    generator = np.random.default_rng(seed)
    made = FrequencyTables.from_counts(
        generator.integers(0, 1000, (tables, width)) ** 3, smallest=-width // 2, precision=precision
    )
    indexes = generator.integers(0, tables, count)
    symbols = drawn(made, count, seed, indexes)
    data = made.encode(symbols, indexes)
    bits = made.bits(symbols, indexes)
    assert len(data) <= bits / 8 * 1.001 + 4
    assert torch.equal(made.decode(data, count, indexes), symbols)


@pytest.mark.parametrize("count", [10_000, 40_000, 150_000, 700_000])
@pytest.mark.parametrize("scale", [0.3, 3.0])
def test_length_of_long_streams(count, scale):
    place = np.abs(np.arange(-20, 21))
    made = FrequencyTables.from_counts(
        (1e6 * np.exp(-place / scale)).astype(np.int64), smallest=-20
    )
    symbols = drawn(made, count, 0)
    data = made.encode(symbols)
    bits = made.bits(symbols)
    assert bits / 8 - 1 <= len(data) <= bits / 8 * 1.001 + 4
    assert torch.equal(made.decode(data, count), symbols)


@settings(max_examples=100, deadline=None)
@given(symbols=st.lists(st.integers(-(2**31), 2**31 - 1), max_size=50), smallest=st.integers(-9, 9))
def test_any_number_comes_back_through_the_escape(symbols, smallest):
    made = FrequencyTables.from_counts(torch.tensor([5, 9, 1]), smallest=smallest, precision=6)
    given = torch.tensor(symbols, dtype=torch.int64)
    data = made.encode(given)
    assert made.decode(data, len(symbols)).tolist() == symbols
    assert len(data) <= made.bits(given) / 8 * 1.001 + 4


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64])
def test_any_dtype_and_layout(dtype):
    symbols = (torch.arange(60) % 16).to(dtype).view(3, 4, 5)
    data = NIBBLES.encode(symbols)
    assert torch.equal(NIBBLES.decode(data, (3, 4, 5)), symbols.int())
    assert NIBBLES.encode(symbols.numpy()) == data
    turned = symbols.permute(2, 0, 1)
    assert NIBBLES.encode(turned) == NIBBLES.encode(turned.clone().contiguous())


def test_indexes_broadcast():
    made = FrequencyTables.from_counts(np.array([[9, 1, 1], [1, 9, 1], [1, 1, 9], [3, 3, 3]]))
    symbols = torch.randint(0, 3, (5, 4, 3, 2))
    full = torch.arange(4).view(4, 1, 1).expand(5, 4, 3, 2)
    expected = made.encode(symbols, full)
    assert made.encode(symbols, torch.arange(4).view(4, 1, 1)) == expected
    assert made.encode(symbols, np.arange(4, dtype=np.uint8).reshape(1, 4, 1, 1)) == expected
    assert torch.equal(
        made.decode(expected, (5, 4, 3, 2), torch.arange(4).view(4, 1, 1)), symbols.int()
    )
    same = made.encode(symbols, torch.tensor(2))
    assert torch.equal(made.decode(same, symbols.shape, torch.full((5, 4, 3, 2), 2)), symbols.int())


def test_batches_are_single_streams():
    made = FrequencyTables.from_counts(np.array([[9, 1, 1], [1, 9, 1]]))
    symbols = torch.randint(0, 3, (70, 2, 300))
    shared = torch.arange(2).view(2, 1)
    own = torch.randint(0, 2, (70, 2, 300))
    before = torch.get_num_threads()
    try:
        for indexes in (shared, own):
            rows = indexes.expand(70, 2, 300)
            singles = [made.encode(symbols[i], rows[i]) for i in range(70)]
            for threads in (1, 2):
                torch.set_num_threads(threads)
                assert made.encode_batch(symbols, indexes) == singles
                assert torch.equal(made.decode_batch(singles, (2, 300), indexes), symbols.int())
    finally:
        torch.set_num_threads(before)
    assert made.encode_batch(symbols[:0], shared) == []
    assert made.decode_batch([], (2, 300), shared).shape == (0, 2, 300)
    assert made.encode_batch(symbols[:3, :, :0], shared) == [b""] * 3
    assert made.decode_batch([b""] * 3, (2, 0), shared).shape == (3, 2, 0)


@given(
    seed=st.integers(0, 10**6),
    streams=st.integers(0, 5),
    goes=st.lists(st.integers(0, 40), max_size=5),
    escape=st.sampled_from([0, 3]),
)
@settings(deadline=None)
def test_streams_decoded_in_goes(seed, streams, goes, escape):
    generator = np.random.default_rng(seed)
    tables = FrequencyTables.from_counts(
        [generator.integers(1, 99, size) for size in (2, 7, 30)],
        smallest=[-3, 0, 5],
        escape=[escape] * 3,
    )
    indexes = torch.from_numpy(generator.integers(0, 3, (streams, sum(goes))).astype(np.int32))
    symbols = drawn(tables, indexes.numel(), seed, indexes.flatten()).view(indexes.shape)
    if escape and symbols.numel():
        symbols[0, 0] = 2**31 - 1
    opened = tables.open(tables.encode_batch(symbols, indexes))
    for some, theirs in zip(symbols.split(goes, 1), indexes.split(goes, 1), strict=True):
        assert torch.equal(opened.decode(some.shape[1], theirs), some)
    opened.check_end()


def test_streams_that_end_elsewhere():
    streams = NIBBLES.encode_batch(torch.tensor([[1, 2, 3, 4], [5, 6, 7, 8]]))
    opened = NIBBLES.open([streams[0], streams[1] + b"\x09"])
    assert opened.decode(2).tolist() == [[1, 2], [5, 6]]
    assert opened.decode(2).tolist() == [[3, 4], [7, 8]]
    with pytest.raises(CorruptStreamError, match="a stream of 3 bytes is not one of 4 symbols"):
        opened.check_end()
    early = NIBBLES.open(streams)
    early.decode((1,))
    with pytest.raises(CorruptStreamError, match="a stream of 2 bytes is not one of 1 symbols"):
        early.check_end()
    with pytest.raises(UsageError, match=r"streams\[1\]"):
        NIBBLES.open([b"", "text"])


def test_one_broken_stream_of_a_batch_is_an_error():
    symbols = torch.randint(0, 16, (40, 1000))
    streams = NIBBLES.encode_batch(symbols)
    streams[33] += b"\x01"
    with pytest.raises(CorruptStreamError):
        NIBBLES.decode_batch(streams, 1000)


def test_many_threads_share_tables():
    made = FrequencyTables.from_counts(torch.arange(1, 40))
    symbols = drawn(made, 200_000, 1)
    data = made.encode(symbols)
    failures = []

    def work():
        if made.encode(symbols) != data or not torch.equal(made.decode(data, 200_000), symbols):
            failures.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=200), count=st.integers(0, 300), escape=st.booleans())
def test_any_bytes_give_symbols_or_an_error(data, count, escape):
    made = FrequencyTables.from_counts(torch.tensor([3, 1, 4, 1, 5]), escape=escape)
    try:
        symbols = made.decode(data, count)
    except CorruptStreamError:
        return
    # What is accepted is what would have been written.
    assert symbols.shape == (count,)
    assert made.encode(symbols) == data


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), lanes=st.sampled_from([0, 1, 2, 32, 255]))
def test_any_long_bytes_give_symbols_or_an_error(seed, lanes):
    made = FrequencyTables.from_counts(torch.tensor([3, 1, 4, 1, 5]))
    generator = np.random.default_rng(seed)
    data = bytes([lanes]) + generator.bytes(8_200 + int(generator.integers(0, 300)))
    count = int(generator.integers(0, 70_000))
    try:
        assert made.decode(data, count).shape == (count,)
    except CorruptStreamError:
        return
    assert lanes == 1  # lanes must end in the state that they began with


def test_truncations_of_a_long_stream():
    made = FrequencyTables.from_counts(torch.arange(1, 40))
    symbols = drawn(made, 40_000, 1)
    data = made.encode(symbols)
    assert len(data) > 16_384
    for length in range(8_192, len(data), 97):
        with pytest.raises(CorruptStreamError):
            made.decode(data[:length], 40_000)
    # Less than that is read as a short stream, where zeros follow the end.
    assert not torch.equal(made.decode(data[:8_000], 40_000), symbols)
    with pytest.raises(CorruptStreamError, match="not one of 39999 symbols"):
        made.decode(data, 39_999)
    with pytest.raises(CorruptStreamError):
        made.decode(data, 40_001)


def test_refusals_name_what_was_expected():
    with pytest.raises(CodecError, match=r"table 0 has the symbols 0 … 15 and no escape.* 16"):
        NIBBLES.encode(torch.tensor([3, 16]))
    with pytest.raises(CodecError, match="32 bits"):
        NIBBLES.encode(torch.tensor([2**31]))
    with pytest.raises(UsageError, match=r"whole numbers, not torch\.float32"):
        NIBBLES.encode(torch.tensor([1.0]))
    with pytest.raises(UsageError, match=r"tables must lie in 0 … 0, got 1"):
        NIBBLES.encode(torch.tensor([1]), torch.tensor([1]))
    with pytest.raises(UsageError, match=r"\(2, 2\) cannot be broadcast to \(3, 2\)"):
        NIBBLES.encode(torch.zeros(3, 2, dtype=torch.int32), torch.zeros(2, 2, dtype=torch.int32))
    two = FrequencyTables.from_counts(np.ones((2, 3), dtype=int))
    with pytest.raises(UsageError, match="indexes must say which of the 2 tables"):
        two.encode(torch.tensor([1]))
    with pytest.raises(UsageError, match=r"shape\[0\] must be a whole number"):
        NIBBLES.decode(b"", (-1,))
    with pytest.raises(UsageError, match="data must be bytes, not list"):
        NIBBLES.decode([1], 1)
    with pytest.raises(UsageError, match="sum up to 16"):
        FrequencyTables.from_frequencies(torch.tensor([9, 9]), precision=4)
    with pytest.raises(UsageError, match="precision must be a whole number in 1 … 14"):
        FrequencyTables.from_counts(torch.tensor([9, 9]), precision=15)
    with pytest.raises(UsageError, match="smallest must be one number or 1"):
        FrequencyTables.from_counts(torch.tensor([9, 9]), smallest=[1, 2])
    with pytest.raises(UsageError, match="batch axis"):
        NIBBLES.encode_batch(torch.tensor(1))


def test_bits_are_the_information():
    made = FrequencyTables.from_frequencies(torch.tensor([1, 2, 4]), escape=1, precision=3)
    symbols = torch.tensor([0, 1, 2, 2])
    assert made.bits(symbols) == 3 + 2 + 1 + 1
    # The escape, its side, and a distance of 0.
    assert made.bits(torch.tensor([3])) == 3 + 1 + 1
    assert math.isclose(made.bits(torch.tensor([], dtype=torch.int64)), 0.0)


@pytest.mark.parametrize("count", [1, 900, 40_000])
@pytest.mark.parametrize("escape", [False, True])
def test_more_tables_than_the_caches_hold(count: int, escape: bool) -> None:
    # 300 tables of 2^14 slots are 10 MB: their symbols are searched for instead.
    draws = torch.Generator().manual_seed(count)
    counts = torch.randint(1, 2000, (300, 29), generator=draws) ** 2
    tables = FrequencyTables.from_counts(counts, smallest=-14, escape=escape)
    indexes = torch.arange(count, dtype=torch.int32) % 300
    reach = 40 if escape else 14
    symbols = torch.randint(-reach, reach + 1, (count,), generator=draws, dtype=torch.int32)
    data = tables.encode(symbols, indexes)
    assert torch.equal(tables.decode(data, count, indexes), symbols)
    assert len(data) <= tables.bits(symbols, indexes) / 8 * 1.001 + 4
    one_by_one = [
        tables.encode(symbols[i : i + 1], indexes[i : i + 1]) for i in range(min(count, 300))
    ]
    for i, stream in enumerate(one_by_one):
        assert int(tables.decode(stream, 1, indexes[i : i + 1])) == int(symbols[i])
