"""Header, blocks and index as bytes and back, and what is refused of them."""

from __future__ import annotations

import dataclasses
import struct

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from imgcomp import _core
from imgcomp.codec import CorruptStreamError, TruncatedStreamError, UnsupportedVersionError
from imgcomp.codec import container as c
from imgcomp.codec._wire import Cursor, chunk, counted, open_chunk, varint

HEADER = c.Header("ab" * 32, "tiny", (1, 4, 4), 0, 4, True, {"source": "here", "π": [1, None]})


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (0, b"\0"),
        (127, b"\x7f"),
        (128, b"\x80\x01"),
        (300, b"\xac\x02"),
        (2**56 - 1, b"\xff" * 7 + b"\x7f"),
    ],
)
def test_numbers(value: int, data: bytes) -> None:
    assert varint(value) == data
    cursor = Cursor(data, "it")
    assert cursor.number() == value
    cursor.end()


@pytest.mark.parametrize("value", [-1, 2**56])
def test_numbers_that_cannot_be_written(value: int) -> None:
    with pytest.raises(ValueError, match="not in 0"):
        varint(value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "ends 1 bytes too early"),
        (b"\x80", "ends 1 bytes too early"),
        (b"\x80\x00", "more bytes than it needs"),
        (b"\xff" * 8 + b"\x01", "more than 8 bytes"),
    ],
)
def test_numbers_that_are_none(data: bytes, message: str) -> None:
    with pytest.raises(CorruptStreamError, match=f"it (has a number of )?.*{message}"):
        Cursor(data, "it").number()


def test_a_chunk_is_its_type_length_content_and_check() -> None:
    data = chunk(b"B", b"abc")
    assert data[:8] == b"B\x03\0\0\0abc"
    assert struct.unpack("<I", data[8:]) == (_core.crc32c(data[:8]),)
    assert open_chunk(data, "it") == (b"B", b"abc")
    for other in (data[:-1], data[:3], b""):
        with pytest.raises(TruncatedStreamError):
            open_chunk(other, "it")
    with pytest.raises(CorruptStreamError, match="12 bytes where 13"):
        open_chunk(data + b"\0", "it")
    for at in range(len(data)):
        with pytest.raises(CorruptStreamError):
            open_chunk(data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :], "it")


def test_a_chunk_longer_than_any_is_refused_before_it_is_read() -> None:
    with pytest.raises(CorruptStreamError, match="at most 1,073,741,824"):
        open_chunk(b"B\xff\xff\xff\xff" + bytes(100), "it")


names = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=20)


@given(
    name=names.filter(lambda text: len(text.encode()) < 200),
    shape=st.tuples(st.integers(1, 4), st.integers(1, 300), st.integers(1, 300)),
    iterations=st.integers(0, 255),
    label_bits=st.integers(0, 32),
    has_names=st.booleans(),
    metadata=st.dictionaries(names, st.none() | st.integers(-5, 5) | names, max_size=3),
    model=st.none() | st.binary(max_size=9),
    quality=st.integers(0, 100),
)
@settings(max_examples=60, deadline=None)
def test_headers_come_back(
    name, shape, iterations, label_bits, has_names, metadata, model, quality
):
    header = c.Header(
        "0f" * 32, name, shape, iterations, label_bits, has_names, metadata, model, quality
    )
    data = header.to_bytes()
    c.check_prefix(data[:9])
    kind, content = open_chunk(data[9:], "the header")
    assert kind == b"H"
    assert c.Header.from_bytes(content) == header


def _content(header: c.Header) -> bytes:
    return open_chunk(header.to_bytes()[9:], "it")[1]


# A header up to its quality.
RATED = varint(8) + bytes(33) + varint(1) * 3 + varint(0) + counted(b"")


def test_the_quality_is_a_number_behind_all_else() -> None:
    assert c.Header.from_bytes(RATED + varint(7)) == c.Header("0" * 64, "", (1, 1, 1), quality=7)
    assert _content(c.Header("0" * 64, "", (1, 1, 1), quality=7)) == RATED + varint(7)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (varint(16), UnsupportedVersionError, "a later one"),
        (varint(0) + bytes(31), CorruptStreamError, "ends 1 bytes too early"),
        (varint(0) + bytes(32) + counted(b"\xff"), CorruptStreamError, "not UTF-8"),
        (varint(0) + bytes(33) + varint(0), CorruptStreamError, "0 where 1"),
        (
            varint(0) + bytes(33) + varint(9000) * 2 + varint(9),
            CorruptStreamError,
            "9000×9000×9; that is too large",
        ),
        (
            varint(0) + bytes(33) + varint(1) * 3 + varint(0) + counted(b"[1]"),
            CorruptStreamError,
            "no JSON object",
        ),
        (
            varint(0) + bytes(33) + varint(1) * 3 + varint(0) + counted(b"{"),
            CorruptStreamError,
            "not JSON",
        ),
        (_content(HEADER) + b"\0", CorruptStreamError, "1 bytes too many"),
        (RATED + varint(0), CorruptStreamError, "0 where 1 … 100 is expected"),
        (RATED + varint(101), CorruptStreamError, "101 where 1 … 100 is expected"),
        (RATED, CorruptStreamError, "ends 1 bytes too early"),
        (RATED + varint(7) * 2, CorruptStreamError, "1 bytes too many"),
    ],
)
def test_headers_that_are_none(data: bytes, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        c.Header.from_bytes(data)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (b"\x89IMC\r\n\x1a\n\x02", UnsupportedVersionError, "version 2; this imgcomp reads"),
        (b"\x89IMC\n\x1a\n\x01\x00", CorruptStreamError, "not an .imc file"),  # as text
        (b"\x89PNG\r\n\x1a\n\x01", CorruptStreamError, "not an .imc file"),
        (b"\x89IMC\r", TruncatedStreamError, "of 5 bytes"),
        (b"", TruncatedStreamError, "of 0 bytes"),
    ],
)  # fmt: skip
def test_other_files(data: bytes, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        c.check_prefix(data)


@given(
    labels=st.lists(st.integers(0, 15), min_size=1, max_size=40),
    stream=st.binary(max_size=60),
    data=st.data(),
)
@settings(max_examples=60, deadline=None)
def test_blocks_come_back(labels: list[int], stream: bytes, data: st.DataObject) -> None:
    given_names = tuple(data.draw(names.filter(bool)) for _ in labels)
    parts = tuple(sorted(data.draw(st.lists(st.integers(0, len(stream)), min_size=3, max_size=3))))
    header = dataclasses.replace(HEADER, iterations=3)
    block = c.Block(len(labels), stream, parts, torch.tensor(labels), given_names)
    kind, content = open_chunk(block.to_bytes(header), "it")
    found = c.Block.from_bytes(content, header, "it")
    assert kind == b"B"
    assert found.labels is not None
    assert found.labels.tolist() == labels
    assert dataclasses.replace(found, labels=None) == dataclasses.replace(block, labels=None)


PLAIN = c.Header("ab" * 32, "tiny", (1, 4, 4))


def test_a_block_that_says_little_is_filled_up() -> None:
    # 4096 values for each byte at most: 1024 images of 16 values need 4 bytes, 9 of which the
    # chunk has anyway; 10,000 need 40.
    assert len(c.Block(1024, b"").to_bytes(PLAIN)) == 9 + 2 + 1
    data = c.Block(10_000, b"").to_bytes(PLAIN)
    assert len(data) == 40
    assert c.Block.from_bytes(data[5:-4], PLAIN, "it").count == 10_000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (varint(0) + varint(0), "0 where 1"),
        (varint(10_000) + varint(0), "claims 10,000 images in 12 bytes"),
        (varint(2**50) + varint(0), "claims"),
        (varint(1) + varint(5) + b"abcd", "ends 1 bytes too early"),
        (varint(1) + counted(b"ab") + b"\0\1", "bytes behind its end"),
    ],
)
def test_blocks_that_are_none(content: bytes, message: str) -> None:
    with pytest.raises(CorruptStreamError, match=message):
        c.Block.from_bytes(content, PLAIN, "it")


def test_a_block_of_several_images_has_a_largest_size() -> None:
    large = dataclasses.replace(PLAIN, shape=(1, 4096, 4096))
    assert c.Block.from_bytes(varint(1) + counted(bytes(4096)), large, "it").count == 1
    with pytest.raises(CorruptStreamError, match="claims 2 images"):
        c.Block.from_bytes(varint(2) + counted(bytes(9000)), large, "it")


def test_iterations_end_in_order() -> None:
    header = dataclasses.replace(PLAIN, iterations=2)
    with pytest.raises(CorruptStreamError, match="before the ones before"):
        c.Block.from_bytes(varint(1) + counted(b"abc") + varint(2) + varint(1), header, "it")


def test_labels_and_names_must_be_as_many_as_images() -> None:
    labelled = dataclasses.replace(PLAIN, label_bits=4)
    block = c.Block(2, b"", labels=torch.tensor([3, 9]))
    content = open_chunk(block.to_bytes(labelled), "it")[1]
    with pytest.raises(CorruptStreamError, match="labels that are not 1 of 4 bits"):
        c.Block.from_bytes(varint(1) + content[1:], labelled, "it")
    named = dataclasses.replace(PLAIN, has_names=True)
    content = open_chunk(c.Block(2, b"", names=("a", "b")).to_bytes(named), "it")[1]
    with pytest.raises(CorruptStreamError, match="2 names for 1 images"):
        c.Block.from_bytes(varint(1) + content[1:], named, "it")
    with pytest.raises(CorruptStreamError, match="names that cannot be read"):
        c.Block.from_bytes(varint(1) + counted(b"") + counted(b"no zlib"), named, "it")


def test_names_that_inflate_to_more_than_names_can_be() -> None:
    import zlib

    named = dataclasses.replace(PLAIN, has_names=True)
    bomb = counted(zlib.compress(bytes(10_000_000)))
    with pytest.raises(CorruptStreamError, match="names that cannot be read"):
        c.Block.from_bytes(varint(1) + counted(b"") + bomb, named, "it")


def test_an_index_says_where_blocks_are() -> None:
    index = c.Index((3, 2), (20, 40), 60)
    data = index.to_bytes()
    assert index.first_image == [0, 3, 5]
    assert index.offsets == [60, 80, 120]
    size = c.index_size(data[-8:])
    assert size == len(data) - 8
    kind, content = open_chunk(data[:size], "it")
    assert kind == b"I"
    assert c.Index.from_bytes(content, PLAIN, 60) == index


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (varint(1), "ends 1 bytes too early"),
        (varint(1) + varint(0) + varint(20), "0 where 1"),
        (varint(1) + varint(1) + varint(8), "8 where 9"),
        (varint(1) + varint(10**9) + varint(20), "claims 1,000,000,000 images in 20 bytes"),
        (varint(2**40), "1,099,511,627,776 where 0"),
        (varint(0) + b"\0", "1 bytes too many"),
    ],
)
def test_indexes_that_are_none(content: bytes, message: str) -> None:
    with pytest.raises(CorruptStreamError, match=message):
        c.Index.from_bytes(content, PLAIN, 60)
