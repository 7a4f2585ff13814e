"""Archives that are cut, altered or made up: an error of one class, never anything else."""

from __future__ import annotations

import dataclasses
import struct
import tracemalloc

import archives
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from imgcomp import codec
from imgcomp.codec import Codec, CorruptStreamError, TruncatedStreamError
from imgcomp.codec._wire import chunk, chunk_size, open_chunk
from imgcomp.codec.container import PREFIX
from imgcomp.training.checkpoint import ModelFile

TINY = archives.static_codec()
BITS = archives.progressive_codec()
RATES = archives.context_codec().at(70)
FILES = {
    "static": TINY.compress(
        archives.images(20),
        labels=torch.arange(20) % 5,
        names=[f"{i}.png" for i in range(20)],
        metadata={"note": 1},
        block_images=8,
    ),
    "progressive": BITS.compress(archives.images(9, (3, 4, 4)), block_images=4),
    "embedded": TINY.compress(archives.images(3), embed_model=True),
    "context": RATES.for_images(5, 6).compress(archives.images(5, (1, 5, 6)), block_images=3),
}
CODECS = {"static": TINY, "progressive": BITS, "embedded": None, "context": RATES}


def read(data: bytes, name: str) -> None:
    with codec.open(data, codec=CODECS[name]) as opened:
        opened.verify()
        assert len(opened.labels if opened.has_labels else opened) == len(opened)


@pytest.mark.parametrize("name", FILES)
def test_every_cut_is_found(name: str) -> None:
    data = FILES[name]
    read(data, name)
    for size in range(len(data)):
        with pytest.raises(CorruptStreamError):
            read(data[:size], name)


def test_a_cut_file_is_said_to_be_cut() -> None:
    data = FILES["static"]
    for size in (0, 5, 20, len(data) // 2, len(data) - 1):
        with pytest.raises(TruncatedStreamError, match=r"cut|ends|of 0 bytes"):
            read(data[:size], "static")


@pytest.mark.parametrize("name", ["static", "progressive", "context"])
def test_every_bit_is_checked(name: str) -> None:
    data = bytearray(FILES[name])
    for at in range(len(data)):
        for bit in range(8):
            data[at] ^= 1 << bit
            with pytest.raises(CorruptStreamError):
                read(bytes(data), name)
            data[at] ^= 1 << bit


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_bytes_of_an_embedded_codec_are_checked(data: st.DataObject) -> None:
    altered = bytearray(FILES["embedded"])
    at = data.draw(st.integers(0, len(altered) - 1))
    altered[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(CorruptStreamError):
        read(bytes(altered), "embedded")


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes(data: bytes, with_signature: bool) -> None:
    with pytest.raises(CorruptStreamError):
        codec.open(PREFIX + data if with_signature else data)


def chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Type and content of each chunk of a good file."""
    found, at = [], len(PREFIX)
    while at < len(data) - 8:
        size = chunk_size(data[at:])
        found.append(open_chunk(data[at : at + size], "it"))
        at += size
    return found


def sealed(parts: list[tuple[bytes, bytes]]) -> bytes:
    """A file of chunks with right check sums and a right end, whatever is in them."""
    written = [chunk(kind, content) for kind, content in parts]
    return PREFIX + b"".join(written) + struct.pack("<I", len(written[-1])) + b"\x1aEND"


def test_sealing_again_changes_nothing() -> None:
    assert all(sealed(chunks(data)) == data for data in FILES.values())


@pytest.mark.parametrize("name", FILES)
@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_altered_content_under_right_check_sums(name: str, data: st.DataObject) -> None:
    """Some image or an error of ours: nothing else, and no memory that the file cannot justify."""
    parts = chunks(FILES[name])
    which = data.draw(st.integers(0, len(parts) - 1))
    kind, content = parts[which]
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(changed)))
        how = data.draw(st.sampled_from(["alter", "insert", "remove"]))
        if how == "insert":
            changed[at:at] = data.draw(st.binary(min_size=1, max_size=6))
        elif how == "remove":
            del changed[at : at + data.draw(st.integers(1, 6))]
        elif at < len(changed):
            changed[at] = data.draw(st.integers(0, 255))
    read(FILES[name], name)  # so that what is imported late does not count
    parts[which] = (data.draw(st.sampled_from([kind] * 20 + [b"H", b"B", b"I"])), bytes(changed))
    tracemalloc.start()
    try:
        read(sealed(parts), name)
    except CorruptStreamError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 2**22


@given(st.lists(st.sampled_from(range(6)), max_size=8))
@settings(max_examples=100, deadline=None)
def test_chunks_in_any_order(order: list[int]) -> None:
    parts = chunks(FILES["static"])
    assert len(parts) == 5
    some = [parts[i] for i in order if i < len(parts)]
    if some == parts or not some:
        return
    with pytest.raises(CorruptStreamError):
        read(sealed(some), "static")


def embedding(content: ModelFile, digest: str = TINY.digest) -> bytes:
    """A file of no image with this codec in it, and a hash."""
    parts = chunks(FILES["embedded"])
    header = codec.open(FILES["embedded"]).header
    kind, whole = parts[0]
    assert whole.endswith(header.model)
    before = whole[:1] + bytes.fromhex(digest) + whole[33 : -len(header.model)]
    model = content.to_bytes()
    size = len(before) - len(_varint(len(header.model)))
    return sealed([(kind, before[:size] + _varint(len(model)) + model), *parts[1:]])


def _varint(value: int) -> bytes:
    from imgcomp.codec._wire import varint

    return varint(value)


@pytest.mark.parametrize(
    ("layer", "change", "message"),
    [
        ("encoder", {"out_channels": 4_000_000}, "would be more than the 1048576 values"),
        ("encoder", {"kernel_size": 10**6, "padding": 10**6}, "would be more than|cannot be built"),
        ("decoder", {"kind": "exec"}, "cannot be built"),
        ("decoder", {"kernel_size": [2, 10**12]}, "cannot be built"),
    ],
)
def test_embedded_networks_that_cannot_be(layer: str, change: dict, message: str) -> None:
    content = TINY._content()
    content.spec["parts"][layer][0] |= change
    with pytest.raises(CorruptStreamError, match=message):
        read(embedding(content), "embedded")


def test_an_embedded_network_may_not_take_any_memory() -> None:
    content = TINY._content()
    up = {"kind": "upsample", "factor": 20_000, "name": "up"}
    down = {"kind": "avg_pool2d", "kernel_size": 20_000, "name": "down"}
    content.spec["parts"]["encoder"][:0] = [up, down]
    described = {key: value for key, value in content.codec.items() if key != "name"}
    digest = dataclasses.replace(content, codec=described).digest()
    with pytest.raises(CorruptStreamError, match=r"computes 6,4.* values for an image"):
        read(embedding(content, digest), "embedded")


def test_an_embedded_codec_must_be_the_one_of_its_hash() -> None:
    content = TINY._content()
    content.weights["decoder.synthesis.bias"] = torch.ones(1)
    with pytest.raises(CorruptStreamError, match="not the one of its hash"):
        read(embedding(content), "embedded")


def test_a_header_must_fit_its_codec() -> None:
    parts = chunks(FILES["static"])
    at = parts[0][1].index(b"\x01\x04\x04")  # the shape
    content = bytearray(parts[0][1])
    content[at + 1] = 5
    parts[0] = (parts[0][0], bytes(content))
    with pytest.raises(CorruptStreamError, match="header does not fit the codec"):
        read(sealed(parts), "static")


@given(st.binary(max_size=40), st.integers(0, 60))
@settings(max_examples=200, deadline=None)
@pytest.mark.parametrize("made_with", [TINY, BITS, RATES])
def test_bare_streams_give_some_image_or_an_error(
    made_with: Codec, data: bytes, count: int
) -> None:
    try:
        found = made_with.decode(data, count)
    except CorruptStreamError:
        return
    assert found.shape == (count, *made_with.image_shape)
