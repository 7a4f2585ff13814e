"""Context codecs whose files are made up: an error that says so, or some images; never a crash."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import archives
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from imgcomp import codec
from imgcomp.codec import Codec, CorruptStreamError
from imgcomp.codec.container import Block, Header, Index
from imgcomp.errors import CheckpointError
from imgcomp.training.checkpoint import ModelFile

GOOD = archives.context_codec()
STREAM = GOOD.at(50).encode(archives.images(4, (1, 8, 8)))
IMAGES = GOOD.at(50).decode(STREAM, 4)

Change = Callable[[dict[str, Any], dict[str, torch.Tensor]], None]


def forged(change: Change) -> ModelFile:
    """The codec's file with another description or other tensors."""
    content = GOOD._content()
    content.codec, content.code = copy.deepcopy(content.codec), dict(content.code)
    change(content.codec, content.code)
    return content


def archive(
    content: ModelFile, shape: tuple[int, int, int] = (1, 8, 8), quality: int = 50
) -> bytes:
    """A file with that codec in it, its hash and all check sums right."""
    described = {key: value for key, value in content.codec.items() if key != "name"}
    digest = dataclasses.replace(content, codec=described).digest()
    header = Header(digest, "forged", shape, model=content.to_bytes(), quality=quality)
    block = Block(4, STREAM).to_bytes(header)
    head = header.to_bytes()
    return head + block + Index((4,), (len(block),), len(head)).to_bytes()


def read(data: bytes) -> torch.Tensor:
    with codec.open(data) as opened:
        opened.verify()
        return opened[:]


def test_nothing_forged_is_read() -> None:
    assert torch.equal(read(archive(forged(lambda d, t: None))), IMAGES)


def put(name: str, value: Any) -> Change:
    return lambda described, tensors: described.__setitem__(name, value)


def remake(name: str, how: Callable[[torch.Tensor], torch.Tensor]) -> Change:
    return lambda described, tensors: tensors.__setitem__(name, how(tensors[name]))


def filled(name: str, value: int) -> Change:
    return remake(name, lambda tensor: torch.full_like(tensor, value))


TENSORS = sorted(GOOD.code.parts()[1])
REFUSED: dict[str, tuple[Change, str]] = {
    # Sums that could leave 32 bits, in each layer.
    "weights": (filled("1.between", 32767), "'between' of a context network could be larger"),
    "last": (filled("0.last", -32768), "'last' of a context network could be larger"),
    "bias": (filled("bias", 2**31 - 1), "'earlier' of a context network could be larger"),
    "one bias": (
        remake("bias", lambda t: t.index_fill(0, torch.tensor([2]), -(2**31))),
        "'earlier' of a context network could be larger",
    ),
    "between bias": (filled("0.between_bias", -(2**31)), "'between' of a context network could"),
    # Shapes and types.
    "kernel": (put("kernel", 5), "'earlier' of a context network|'anchors' of a context network"),
    "hidden": (put("hidden", 4), r"biases must be \(levels, \*\(2, 2, 4\)\)"),
    "groups": (put("groups", [2, 1]), "'anchors' of a context network must have 54 weights"),
    "more groups": (put("groups", [1, 1, 1]), "2.earlier|biases must be"),
    "fewer groups": (put("groups", [1]), r"biases must be \(levels, \*\(1, 2, 3\)\)"),
    "fewer bits": (put("bits", [[9, 6, 7]]), "2 groups, but weights of 2 and binary places of 1"),
    "pairs of bits": (put("bits", [[9, 6], [10, 5]]), "not enough values|expected 3"),
    "wide bits": (put("bits", [[9, 6, 7 + 2**32], [10, 5, 7]]), "incompatible"),
    "mean bins": (put("mean_bins", 3), "3 bins for means"),
    "scale bins": (put("scale_bins", 5), "need 10 tables, not 8"),
    "step": (put("scale_step", 0), "in steps of 0"),
    "float bins": (put("scale_bins", 4.0), "incompatible"),
    "precision": (put("precision", 15), "precision must be"),
    "other precision": (put("precision", 11), "must lie in 1 … 2048"),
    "shape": (put("shape", [3, 4, 5]), "code is of shape"),
    "float shape": (put("shape", [3.0, 4.0, 4.0]), "each side of the code's shape must be"),
    "flat shape": (put("shape", [3, 16]), "not enough values|expected 3"),
    "kind": (put("kind", "contexts"), "there are static, binary, context codes"),
    "bias shape": (remake("bias", lambda t: t[:, :, :1]), "biases must be"),
    "flat bias": (remake("bias", torch.flatten), "biases must be"),
    "wide bias": (remake("bias", torch.Tensor.long), "must be a contiguous Int tensor"),
    "wide weights": (remake("0.last", torch.Tensor.int), "must be a contiguous Short tensor"),
    "narrow weights": (remake("0.last", lambda t: t[:, :1]), "'last' of a context network must"),
    "levels": (remake("log_gain", lambda t: t[:2]), r"gains must be \(levels, 3\)"),
    "one level": (
        lambda d, t: t.update(log_gain=t["log_gain"][:1], bias=t["bias"][:1]),
        "1 levels, at least 2",
    ),
    "other levels": (
        lambda d, t: t.update({n: t[n][:2] for n in ("log_gain", "fidelity", "bias")}),
        r"code has 2 levels|'encoder.code.log_gain' must be",
    ),
    "no gain": (remake("log_gain", lambda t: t * float("nan")), "gains must be finite"),
    "high gain": (remake("log_gain", lambda t: t + 30), "gains must be finite"),
    "sizes": (remake("sizes", lambda t: t + 1), "split_with_sizes|sum"),
    "negative sizes": (remake("sizes", lambda t: -t), "split_with_sizes|non-negative"),
    "fewer sizes": (remake("smallest", lambda t: t[1:]), "zip|shorter"),
    "frequencies": (remake("frequencies", lambda t: t + 1), "sum"),
    "no frequencies": (filled("frequencies", 0), "frequenc"),
    "negative escapes": (filled("escapes", -1), "escape must be"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_codecs_that_cannot_be(name: str, tmp_path: Path) -> None:
    change, message = REFUSED[name]
    content = forged(change)
    (tmp_path / "c.safetensors").write_bytes(content.to_bytes())
    with pytest.raises(CheckpointError, match=f"codec cannot be built: .*({message})"):
        Codec.load(tmp_path / "c.safetensors")
    with pytest.raises(CorruptStreamError, match="codec cannot be built"):
        read(archive(content))


@pytest.mark.parametrize("name", TENSORS)
def test_tensors_that_are_missing(name: str) -> None:
    with pytest.raises(CorruptStreamError, match="codec cannot be built"):
        read(archive(forged(lambda described, tensors: tensors.__delitem__(name))))


@pytest.mark.parametrize("name", ["kind", "shape", "groups", "hidden", "bits", "precision"])
def test_descriptions_that_are_missing(name: str) -> None:
    with pytest.raises(CorruptStreamError, match="codec cannot be built"):
        read(archive(forged(lambda described, tensors: described.__delitem__(name))))


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 70) | st.sampled_from([2**31, 2**63, -(2**70)])
    | st.floats() | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=6,
)  # fmt: skip


@given(name=st.sampled_from(sorted(GOOD.code.parts()[0])), value=anything)
@settings(max_examples=80, deadline=None)
def test_any_description(name: str, value: Any) -> None:
    try:
        found = read(archive(forged(put(name, value))))
    except CorruptStreamError:
        return
    assert found.shape == (4, 1, 8, 8)


@given(name=st.sampled_from(TENSORS), data=st.data())
@settings(max_examples=80, deadline=None)
def test_any_numbers(name: str, data: st.DataObject) -> None:
    def change(tensor: torch.Tensor) -> torch.Tensor:
        tensor = tensor.clone()
        if tensor.dtype == torch.float32:
            value: float = data.draw(st.floats(width=32))
        else:
            bounds = torch.iinfo(tensor.dtype)
            value = data.draw(st.integers(bounds.min, bounds.max) | st.integers(-9, 9))
        if tensor.numel():
            tensor.view(-1)[data.draw(st.integers(0, tensor.numel() - 1))] = value
        how = data.draw(st.sampled_from(["as it is"] * 6 + ["flat", "cut", "float", "int64"]))
        made = {"flat": tensor.flatten, "cut": lambda: tensor[:-1], "float": tensor.float,
                "int64": tensor.long, "as it is": lambda: tensor}  # fmt: skip
        return made[how]()

    try:
        found = read(archive(forged(remake(name, change))))
    except CorruptStreamError:
        return
    assert found.shape == (4, 1, 8, 8)


@pytest.mark.parametrize(
    ("shape", "quality"),
    [((3, 8, 8), 50), ((1, 8, 8), 0)],
)
def test_headers_that_do_not_fit(shape: tuple[int, int, int], quality: int) -> None:
    with pytest.raises(CorruptStreamError, match="header does not fit the codec"):
        read(archive(forged(lambda d, t: None), shape, quality))


def test_a_quality_is_of_a_codec_of_several_rates() -> None:
    tiny = archives.static_codec()
    header = dataclasses.replace(
        codec.open(tiny.compress(archives.images(2))).header, quality=50, model=tiny.to_bytes()
    )
    data = header.to_bytes() + Index((), (), len(header.to_bytes())).to_bytes()
    with pytest.raises(CorruptStreamError, match="header does not fit the codec"):
        codec.open(data).codec  # noqa: B018


def test_small_images_may_come_with_the_codec_of_large_ones() -> None:
    """What counts is what the network computes for the images that are in the file."""
    large = GOOD.for_images(512, 512)
    own = Codec(large.model, large.code, name="large")
    assert own.image_shape == (1, 512, 512)
    made_with = own.for_images(1, 1)
    data = made_with.compress(torch.full((3, 1, 1, 1), 77, dtype=torch.uint8), embed_model=True)
    assert read(data).shape == (3, 1, 1, 1)


def test_a_network_may_not_take_any_memory_at_another_size() -> None:
    content = forged(lambda d, t: None)
    up = {"kind": "upsample", "factor": 300, "name": "up"}
    down = {"kind": "avg_pool2d", "kernel_size": 300, "name": "down"}
    content.spec["parts"]["encoder"][:0] = [up, down]
    for shape in ((1, 8, 8), (1, 16, 16)):
        with pytest.raises(CorruptStreamError, match="values for an image; at most"):
            read(archive(content, shape))


def test_a_network_that_has_no_images_of_a_size() -> None:
    """A kernel without padding fits the codec's own images alone."""
    content = forged(lambda d, t: None)
    first = {"kind": "conv2d", "out_channels": 1, "kernel_size": 3, "bias": False, "name": "first"}
    last = {"kind": "conv_transpose2d", "out_channels": 1, "kernel_size": 3, "name": "last"}
    content.spec["input_shape"] = [1, 10, 10]
    content.spec["parts"]["encoder"].insert(0, first)
    content.spec["parts"]["decoder"].append(last)
    content.weights["encoder.first.weight"] = torch.ones(1, 1, 3, 3) / 9
    content.weights["decoder.last.weight"] = torch.ones(1, 1, 3, 3) / 9
    content.weights["decoder.last.bias"] = torch.zeros(1, dtype=torch.float16)  # as it is written
    assert read(archive(content, (1, 10, 10))).shape == (4, 1, 10, 10)
    for shape in ((1, 2, 2), (1, 12, 1)):
        with pytest.raises(CorruptStreamError, match="no images of this size"):
            read(archive(content, shape))
