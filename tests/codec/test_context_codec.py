"""Codecs of several rates: a trained one from end to end, other sizes, qualities, files."""

from __future__ import annotations

import copy
import dataclasses
import io
import math
from pathlib import Path

import pytest
import torch
from context_streams import predicted
from digits_codec import LAMBDAS, digits, digits_codec
from reference_levels import one_rate
from torch.nn import functional

import imgcomp
from imgcomp import codec, models
from imgcomp.codec import ArchiveWriter, Codec, StaticCode, UnknownCodecError
from imgcomp.codec.context_code import ContextCode
from imgcomp.codec.context_fit import context_network
from imgcomp.codec.describe import describe
from imgcomp.errors import CheckpointError, UsageError
from imgcomp.models import layers, sizes
from imgcomp.models.pixels import codes_of


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return digits()


@pytest.fixture(scope="module")
def trained(images: torch.Tensor) -> Codec:
    """After some steps that move every weight."""
    return digits_codec(images, epochs=8, batch_size=20)


def psnr(images: torch.Tensor, others: torch.Tensor) -> float:
    return float(imgcomp.metrics.psnr(images, others).mean())


def unweighed(given: Codec) -> Codec:
    """The codec with an encoder that takes the nearest numbers, as the network does in training."""
    twin = copy.copy(given)
    assert isinstance(given.code, ContextCode)
    twin.code = dataclasses.replace(given.code, fidelity=given.code.fidelity + 20)
    return twin


@pytest.mark.parametrize("quality", [1, 37, 60, 100])
def test_images_come_back_as_the_network_gives_them(
    trained: Codec, images: torch.Tensor, quality: int
) -> None:
    at = unweighed(trained).at(quality)
    assert (at.quality, at.image_shape) == (quality, (1, 28, 28))
    found = at.decode(at.encode(images), len(images))
    network = one_rate(trained.model, (quality - 1) * 2 / 99)
    # Values may be rounded to another step where they lie between two.
    difference = (found.int() - network.reconstruct(images).int()).abs()
    assert float((difference > 1).float().mean()) < 1e-3


def test_the_rate_and_the_error_follow_the_quality(trained: Codec, images: torch.Tensor) -> None:
    lengths, errors = [], []
    for quality in (1, 25, 50, 75, 100):
        at = trained.at(quality)
        data = at.encode(images)
        lengths.append(len(data))
        errors.append(-psnr(images, at.decode(data, len(images))))
    assert lengths == sorted(lengths)
    assert lengths[-1] > 1.3 * lengths[0]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] - errors[-1] > 4


def expectations(
    model: models.Autoencoder, values: torch.Tensor, number: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """In floating point, mean and logarithm of the scale of a pass's channels: (N, C, H, W)."""
    layer = model.spec["parts"]["encoder"][-1]
    group, parity = divmod(number, 2)
    first, size = sum(layer["groups"][:group]), layer["groups"][group]
    state = {
        name.removeprefix(f"encoder.code.group{group}."): value.double()
        for name, value in model.state_dict().items()
    }

    def convolved(name: str, x: torch.Tensor) -> torch.Tensor:
        weight = state[f"{name}.weight"]
        return functional.conv2d(x, weight, state[f"{name}.bias"], padding=weight.shape[2] // 2)

    if group:
        y = convolved("earlier", values[:, :first])
    else:
        y = state["bias"].view(1, -1, 1, 1).expand(len(values), -1, *values.shape[2:])
    if parity:
        rows, columns = (torch.arange(side) for side in values.shape[2:])
        anchors = (rows[:, None] + columns + 1) % 2
        y = y + convolved("anchors", values[:, first : first + size] * anchors)
    for name in ("between", "last"):
        y = convolved(name, functional.leaky_relu(y, 0.125))
    return y[:, :size], y[:, size:]


@pytest.mark.parametrize("quality", [1, 30, 88, 100])
def test_whole_numbers_say_what_floats_do(
    trained: Codec, images: torch.Tensor, quality: int
) -> None:
    at = trained.at(quality)
    code = unweighed(at).code
    assert isinstance(code, ContextCode)
    plain = one_rate(trained.model, code.level)
    symbols = code.symbols(at.codes(images))
    bits, means, unit = 0.0, [], 2.0**8
    for number, (tables, offsets, rests) in enumerate(predicted(code, symbols)):
        scale_bin, mean_bin = tables // code.network.mean_bins, tables % code.network.mean_bins
        mean = offsets + (mean_bin + 0.5) / code.network.mean_bins - 0.5
        log_scale = code.network.least_scale + (scale_bin + 0.5) * code.network.scale_step
        # Each in the bin of the right one, or next to its border.
        rows, columns = (torch.arange(side) for side in symbols.shape[2:])
        places = ((rows[:, None] + columns) % 2 == number % 2).flatten()
        expected = [
            each.flatten(2)[:, :, places]
            for each in expectations(plain, symbols.double().clamp(-127, 127), number)
        ]
        off_mean = (mean - expected[0]).abs() - 0.5 / code.network.mean_bins
        off_scale = (log_scale / unit - expected[1].clamp(-3.93, 5.92)).abs()
        assert float((off_mean > 0.02).double().mean()) < 0.01
        assert (
            float((off_scale > 0.5 * code.network.scale_step / unit + 0.02).double().mean()) < 0.01
        )
        means.append(expected[0].flatten())
        precision, distance = (-log_scale.double() / unit).exp(), (rests + offsets - mean).abs()
        ends = [((end - distance) * precision).sigmoid() for end in (0.5, -0.5)]
        bits -= float((ends[0] - ends[1]).clamp(min=1e-9).log2().sum())
    assert float(torch.cat(means).std()) > 0.3  # there is something to expect
    # So they cost what training counted, but for the bins; tables that were counted fit better.
    floats = imgcomp.evaluate(plain, images, objective="rate")["bpp"] * images.numel()
    assert bits == pytest.approx(floats, rel=0.015)
    assert code.bits(at.codes(images)) < 1.01 * floats


def test_weights_are_rounded_as_finely_as_sums_allow(trained: Codec) -> None:
    network, log_gain = context_network(trained.model)
    state = trained.model.state_dict()
    assert torch.equal(log_gain, state["encoder.code.log_gain"])
    for group, (one, two, three) in enumerate(network.bits):
        at = f"encoder.code.group{group}"
        for name, bits in (("anchors", one), ("between", two), ("last", three)):
            weight = state[f"{at}.{name}.weight"].permute(2, 3, 1, 0).squeeze()
            found = network.weights[f"{group}.{name}"].squeeze() / 2**bits
            assert bits >= 8
            assert float((found - weight.squeeze()).abs().max()) <= 0.5001 / 2**bits
        # Half of 1/256 more makes rounding down to rounding.
        for name, places in (("between", two + 8), ("last", three + 8)):
            found = network.weights[f"{group}.{name}_bias"] / 2**places - 2.0**-9
            bias = state[f"{at}.{name}.bias"]
            assert float((found - bias).abs().max()) <= 0.51 / 2**places + 1e-7
        first = state[f"{at}.bias"] + (state[f"{at}.earlier.bias"] if group else 0)
        both = torch.stack([first, first + state[f"{at}.anchors.bias"]], dim=1)
        found = network.bias[:, group] / 2**one - 2.0**-9
        assert float((found - both).abs().max()) <= 0.51 / 2**one + 1e-7
    large = trained.model.copy()
    large.state_dict()["encoder.code.group1.last.weight"].fill_(1e5)
    with pytest.raises(UsageError, match=r"weights of group1.last are too large for whole"):
        context_network(large)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (4, 4), (5, 9), (28, 30), (61, 3)])
def test_images_of_other_sizes(trained: Codec, height: int, width: int) -> None:
    given = torch.randint(100, 140, (3, 1, height, width), dtype=torch.uint8)
    other = unweighed(trained).at(80).for_images(height, width)
    assert other.image_shape == (1, height, width)
    assert other.digest == trained.at(3).for_images(height, width).digest == trained.digest
    assert other.to_bytes() == trained.to_bytes()
    rows, columns = -(-height // 4), -(-width // 4)
    assert other.code.shape == (6, rows, columns)
    found = other.decode(other.encode(given), 3)
    padded = sizes.pad(given, (4, 4))
    network = one_rate(trained.model, 79 * 2 / 99)
    expected = network.for_images(4 * rows, 4 * columns).reconstruct(padded)
    difference = (found.int() - expected[:, :, :height, :width].int()).abs()
    assert float((difference > 1).float().mean()) < 0.01
    # Back again, and of another quality: views of the same codec.
    assert other.for_images(28, 28).at(60).encode(padded[:0].new_zeros(2, 1, 28, 28)) == (
        unweighed(trained).encode(torch.zeros(2, 1, 28, 28, dtype=torch.uint8))
    )


@pytest.mark.parametrize("embed", [True, False])
@pytest.mark.parametrize("shape", [(28, 28), (11, 30)])
def test_archives(trained: Codec, embed: bool, shape: tuple[int, int]) -> None:
    given = torch.arange(9 * shape[0] * shape[1]).remainder(251).to(torch.uint8)
    given = given.view(9, 1, *shape)
    made_with = trained.at(83).for_images(*shape)
    data = made_with.compress(given, block_images=4, embed_model=embed)
    expected = made_with.decode(made_with.encode(given), 9)
    # Whatever its quality and size, the codec of that hash is the one.
    with codec.open(data, codec=None if embed else trained.at(2)) as opened:
        assert (opened.quality, opened.shape) == (83, (1, *shape))
        assert opened.digest == trained.digest
        assert opened.codec.quality == 83
        assert torch.equal(opened[:], expected)
        assert torch.equal(opened[6], expected[6])
        assert describe(opened)["quality"] == 83
    assert torch.equal(made_with.decompress(data), expected)


def test_an_archive_says_which_codec_it_wants(
    trained: Codec, images: torch.Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMGCOMP_CODECS", str(tmp_path))
    file = io.BytesIO()
    with ArchiveWriter(file, trained.at(10)) as writer:
        writer.add(images[:5])
    with pytest.raises(UnknownCodecError, match="codec 'digits' of hash"):
        codec.decompress(file.getvalue())
    trained.at(99).for_images(40, 40).save(tmp_path / "d.safetensors")
    expected = trained.at(10).decode(trained.at(10).encode(images[:5]), 5)
    assert torch.equal(codec.decompress(file.getvalue()), expected)


def test_saved_and_loaded(trained: Codec, images: torch.Tensor, tmp_path: Path) -> None:
    trained.at(12).save(tmp_path / "c.safetensors")
    again = Codec.load(tmp_path / "c.safetensors")
    assert (again.name, again.digest, again.quality) == ("digits", trained.digest, 60)
    assert again.at(33).encode(images) == trained.at(33).encode(images)
    assert imgcomp.load(tmp_path / "c.safetensors").spec == trained.model.spec
    data = bytearray((tmp_path / "c.safetensors").read_bytes())
    data[-1] ^= 1
    (tmp_path / "c.safetensors").write_bytes(data)
    with pytest.raises(CheckpointError, match="altered"):
        Codec.load(tmp_path / "c.safetensors")


def test_the_digest_is_of_weights_and_code(trained: Codec, images: torch.Tensor) -> None:
    assert codec.from_model(trained.model, images, name="other").digest == trained.digest
    assert codec.from_model(trained.model, images[:50]).digest != trained.digest


def test_the_quality_of_a_rate(trained: Codec, images: torch.Tensor) -> None:
    some = images[:60]

    def rate(quality: int) -> float:
        at = trained.at(quality)
        return at.code.bits(at.codes(some)) / some.numel()

    found = []
    for wanted in (rate(1) * 0.9, rate(1), rate(40), (rate(40) + rate(70)) / 2, 9.0):
        quality = trained.quality_for(some, wanted)
        found.append(quality)
        assert quality == 1 or rate(quality) <= wanted
        assert quality == 100 or rate(quality + 1) > wanted
    assert found == sorted(found)
    assert found[0] == 1
    assert found[-1] == 100
    assert 40 <= found[2] < found[3] < 70
    # As a file has it: the streams, and little more.
    at = trained.at(found[3])
    assert 8 * len(at.encode(some)) / some.numel() == pytest.approx(rate(found[3]), rel=0.02)


def test_batches_change_no_number(trained: Codec, images: torch.Tensor) -> None:
    code = trained.code
    assert isinstance(code, ContextCode)
    whole, parts = (
        code.symbols(codes_of(trained.model, images, size, level=code.level)) for size in (200, 7)
    )
    assert float((whole != parts).float().mean()) < 1e-3


def static_codec(images: torch.Tensor) -> Codec:
    model = models.feng2018_cnn(seed=1)
    return codec.from_model(model, images)


def test_what_does_not_fit_is_said(trained: Codec, images: torch.Tensor) -> None:
    one = static_codec(images)
    assert isinstance(one.code, StaticCode)
    assert (one.quality, one.any_size, trained.any_size) == (None, False, True)
    assert one.for_images(28, 28) is one
    for call, message in (
        (lambda: one.at(5), "has one rate: there is no quality to choose"),
        (lambda: one.quality_for(images, 1.0), "has one rate"),
        (lambda: one.for_images(32, 28), r"takes images of \(28, 28\) only, not of \(32, 28\)"),
        (lambda: trained.for_images(0, 4), "height must be a whole number of at least 1, not 0"),
        (lambda: trained.for_images(4, 2.5), "width must be a whole number"),
        (lambda: trained.at(0), "quality must be a whole number in 1 … 100, not 0"),
        (lambda: trained.quality_for(images[:0], 1.0), "must not be empty"),
        (lambda: trained.quality_for(images, 0.0), "bits_per_pixel must be a finite number above"),
        (lambda: trained.encode(images[:, :, :9]), r"uint8 of shape \(N, 1, 28, 28\)"),
        (lambda: trained.for_images(8, 8).encode(images), r"uint8 of shape \(N, 1, 8, 8\)"),
        (lambda: codec.from_model(trained.model, images[:, :, :9]), "uint8 of shape"),
    ):
        with pytest.raises(UsageError, match=message):
            call()


def test_a_code_needs_a_network_of_its_rates(trained: Codec) -> None:
    with pytest.raises(UsageError, match=r"code has 3 levels, .* has 1 \(lambdas\)"):
        Codec(one_rate(trained.model, 1.0), trained.code)
    spec = models.autoencoder_spec(
        (1, 4, 4),
        [layers.conv2d(2, 2, stride=2), layers.residual(3)],
        [layers.conv_transpose2d(1, 2, stride=2)],
        lambdas=LAMBDAS,
    )
    with pytest.raises(
        UsageError, match="must end with entropy_model and the network have several"
    ):
        codec.from_model(models.Autoencoder(spec), torch.zeros(4, 1, 4, 4, dtype=torch.uint8))


def test_an_empty_archive(trained: Codec) -> None:
    data = trained.at(7).compress(torch.zeros(0, 1, 28, 28, dtype=torch.uint8), embed_model=True)
    with codec.open(data) as opened:
        assert (len(opened), opened.quality) == (0, 7)
        assert opened[:].shape == (0, 1, 28, 28)
    assert math.isclose(trained.at(7).code.level, 12 / 99)
