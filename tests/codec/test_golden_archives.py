"""Frozen files of every version: read for ever, and understood from their specification alone."""

import json
import math
import struct

import archives
import pytest
import reference_context
import reference_decoder as reference
import torch

from imgcomp import codec

STORED = json.loads(archives.STORED.read_text())
FROZEN = archives.frozen()


def file(name):
    return (archives.FOLDER / f"{name}.imc").read_bytes()


@pytest.mark.usefixtures("_threads")
@pytest.mark.parametrize("name", FROZEN)
def test_what_was_written_is_read(name):
    made_with, images, options = FROZEN[name]
    expected = torch.tensor(STORED[name]["images"], dtype=torch.uint8).view(images.shape)
    with codec.open(file(name)) as opened:
        # Pixels may differ by rounding between processors; all that is coded may not.
        assert int((opened[:].int() - expected.int()).abs().max()) <= 1
        assert opened.digest == made_with.digest
        assert opened.names == (tuple(options["names"]) if "names" in options else None)
        if "labels" in options:
            assert torch.equal(opened.labels, options["labels"])
            assert opened.classes == ("eins", "zwei", "drei")
            assert opened.metadata["source"] == "a formula"


@pytest.mark.parametrize("name", [name for name in FROZEN if name not in archives.OUTDATED])
def test_the_same_is_written_today(name):
    made_with, images, options = FROZEN[name]
    stored = codec.open(file(name))
    written = codec.open(made_with.compress(images, **options))
    assert written.header == stored.header
    assert written.num_blocks == stored.num_blocks
    for i in range(stored.num_blocks):
        # But for the names, which zlib may deflate in other ways.
        old, new = (vars(each.block(i)) for each in (stored, written))
        assert [old[key] for key in ("count", "stream", "parts", "names")] == [
            new[key] for key in ("count", "stream", "parts", "names")
        ]


@pytest.mark.parametrize("name", archives.OUTDATED)
def test_less_is_written_today(name):
    made_with, images, options = FROZEN[name]
    data = made_with.compress(images, **options)
    assert len(data) < len(file(name))
    assert torch.equal(codec.decompress(data), codec.decompress(file(name)))


def test_the_specification_suffices_for_an_archive():
    made_with, images, options = FROZEN["archive-1"]
    header, blocks = reference.read_archive(file("archive-1"))
    assert header["digest"] == made_with.digest
    assert header["shape"] == [1, 4, 4]
    assert header["metadata"] == {"source": "a formula", "classes": ["eins", "zwei", "drei"]}
    assert [label for block in blocks for label in block["labels"]] == options["labels"].tolist()
    assert [name for block in blocks for name in block["names"]] == options["names"]
    described, tensor = reference.read_safetensors(header["model"])
    assert described["codec"]["kind"] == "static"
    (count, levels), raw = tensor("code/frequencies")
    numbers = struct.unpack(f"<{count * levels}h", raw)
    tables = [(0, numbers[t * levels : (t + 1) * levels], 0) for t in range(count)]
    elements = 8  # 2 channels of 2×2
    found = []
    for block in blocks:
        indexes = [i % elements * count // elements for i in range(block["count"] * elements)]
        found += reference.decode_symbols(
            block["stream"], len(indexes), tables, indexes, described["codec"]["precision"]
        )
    expected = made_with.code.quantizer.symbols(made_with.codes(images))
    assert found == expected.flatten().tolist()


def test_the_specification_suffices_for_iterations():
    made_with, images, _ = FROZEN["archive-1-progressive"]
    header, blocks = reference.read_archive(file("archive-1-progressive"))
    iterations, channels, height, width = made_with.code.shape
    assert header["iterations"] == iterations
    expected = (made_with.codes(images) > 0).to(torch.int64)
    first = 0
    for block in blocks:
        count = block["count"]
        assert block["parts"][-1] == len(block["stream"])
        for kept in range(1, iterations + 1):
            stream = block["stream"][: block["parts"][kept - 1]]
            bit, _ = reference.decode_bits(stream, 4 * iterations * channels)
            found = torch.zeros(count, kept, channels, height, width, dtype=torch.int64)
            for t in range(kept):
                for y in range(height):
                    for x in range(width):
                        for n in range(count):
                            for c in range(channels):
                                left = int(found[n, t, c, y, x - 1]) if x else 0
                                above = int(found[n, t, c, y - 1, x]) if y else 0
                                context = 4 * (t * channels + c) + 2 * left + above
                                found[n, t, c, y, x] = bit(context)
            assert torch.equal(found, expected[first : first + count, :kept])
        first += count


@pytest.mark.parametrize(
    ("name", "quality", "counts"),
    [("archive-1-context", 37, [3, 3, 1]), ("archive-1-passes", 81, [3, 1])],
)
def test_the_specification_suffices_for_contexts(name, quality, counts):
    made_with, images, _ = FROZEN[name]
    header, blocks = reference.read_archive(file(name))
    assert (header["quality"], header["shape"]) == (quality, [1, 7, 10])
    assert header["digest"] == made_with.digest
    described, tensor = reference.read_safetensors(header["model"])
    assert described["codec"]["kind"] == "context"
    decoder = reference_context.ContextDecoder(described["codec"], tensor, header["quality"])
    expected = made_with.code.symbols(made_with.codes(images))
    assert expected.shape == (sum(counts), 3, 4, 5)
    found = [
        latent
        for block in blocks
        for latent in decoder.decode(block["stream"], block["count"], 4, 5)
    ]
    assert [block["count"] for block in blocks] == counts
    assert found == expected.tolist()
    assert gain_at(described, tensor, header["quality"]) == pytest.approx(
        made_with.code._gain().flatten().tolist()
    )


def gain_at(described, tensor, quality):
    (levels, channels), raw = tensor("code/log_gain")
    rows = [struct.unpack_from(f"<{channels}f", raw, 4 * channels * i) for i in range(levels)]
    i, r = divmod((quality - 1) * (levels - 1), 99)
    shares = {i: 1 - r / 99, i + 1: r / 99}
    return [
        math.exp(sum(share * rows[level][c] for level, share in shares.items() if share))
        for c in range(channels)
    ]
