"""JPEG, WebP, AVIF, JPEG XL and PNG: the floors of their files, and what comes out of them."""

from __future__ import annotations

import sys

import pytest
import torch
from rd_tools import digits, smooth

from imgcomp import datasets, metrics
from imgcomp.errors import UsageError
from imgcomp.rd import ordinary
from imgcomp.rd.bd import Curve

FLOORS = {"jpeg-gray": 162, "webp": 56, "avif-400": 293, "jxl-7": 63, "jxl-9": 63, "png": 79}
"""Bytes of a file of a constant gray image of 28×28."""


def all_of(channels):
    return [codec for family in ordinary.FAMILIES for codec in ordinary.rivals(family, channels)]


@pytest.mark.parametrize("name", FLOORS)
def test_floors_of_files(name):
    (codec,) = [codec for codec in all_of(1) if codec.name == name]
    flat = torch.full((1, 28, 28), 128, dtype=torch.uint8)
    size = len(codec.encode(flat, codec.settings[len(codec.settings) // 2]))
    # Versions of the libraries differ by some bytes.
    assert size == pytest.approx(FLOORS[name], abs=6)


def test_the_variants_for_gray_and_for_colour():
    gray, colour = ({codec.name for codec in all_of(channels)} for channels in (1, 3))
    assert {"jpeg-gray", "avif-400"} == gray - colour
    assert {"jpeg-444", "jpeg-420", "avif-444"} == colour - gray
    assert {codec.name for codec in all_of(3) if codec.lossless} == {
        "webp-lossless",
        "jxl-lossless",
        "png",
    }


@pytest.mark.parametrize("images", [digits(2), smooth(2)], ids=["gray", "colour"])
def test_lossless_files_give_the_image_back(images):
    for codec in all_of(images.shape[1]):
        if codec.lossless:
            for image in images:
                data = codec.encode(image, codec.settings[0])
                assert torch.equal(codec.decode(data, len(image)), image), codec


@pytest.mark.parametrize("images", [digits(1), smooth(1)], ids=["gray", "colour"])
def test_finer_settings_take_more_bytes_and_come_closer(images):
    for codec in all_of(images.shape[1]):
        if codec.lossless:
            continue
        coarse, fine = codec.settings[1], codec.settings[-1]
        sizes, errors = [], []
        for setting in (coarse, fine):
            data = codec.encode(images[0], setting)
            back = codec.decode(data, images.shape[1])
            assert back.shape == images[0].shape
            assert back.dtype == torch.uint8
            sizes.append(codec.payload_bytes(data, images[0], setting))
            errors.append((back.float() - images[0].float()).square().mean())
        assert sizes[0] < sizes[1], codec
        assert errors[0] > errors[1], codec


def test_colour_at_half_the_resolution_takes_fewer_bytes():
    full, half = ordinary.rivals("jpeg", 3)
    image = smooth(3)[2]
    assert len(half.encode(image, 90)) < len(full.encode(image, 90))


def test_gray_through_a_codec_of_colour_alone_stays_gray():
    (webp, _) = ordinary.rivals("webp", 1)
    image = digits(1)[0]
    back = webp.decode(webp.encode(image, 97), 1)
    assert (back.int() - image.int()).abs().max() <= 6


def test_what_is_not_installed_is_said_with_the_cure(monkeypatch):
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    with pytest.raises(UsageError, match=r"imagecodecs.*imgcomp\[rd\]"):
        ordinary.rivals("jxl", 1)


def test_a_pillow_without_a_format_is_said(monkeypatch):
    from PIL import features

    monkeypatch.setattr(features, "check", lambda name: name != "avif")
    with pytest.raises(UsageError, match=r"cannot write AVIF.*imgcomp\[rd\]"):
        ordinary.rivals("avif", 3)


@pytest.mark.parametrize(("family", "channels"), [("gif", 3), ("jpeg", 2)])
def test_what_there_is_not(family, channels):
    with pytest.raises(UsageError, match="not"):
        ordinary.rivals(family, channels)


@pytest.mark.needs_data
def test_webp_takes_what_it_is_known_to_take_for_fashion_mnist(data_root):
    (codec, _) = ordinary.rivals("webp", 1)
    images = datasets.load("fashion-mnist", data_root).test.images[:1000]
    rates, qualities = [], []
    for setting in (30, 45):
        files = [codec.encode(image, setting) for image in images]
        back = torch.stack([codec.decode(data, 1) for data in files])
        payload = [
            codec.payload_bytes(data, image, setting)
            for data, image in zip(files, images, strict=True)
        ]
        pixels = images[:, 0].numel()
        rates.append([8 * sum(map(len, files)) / pixels, 8 * sum(payload) / pixels])
        qualities.append(float(metrics.psnr(images, back).mean()))
    file, payload = (Curve(each, qualities).rate_at(32) for each in zip(*rates, strict=True))
    # Measured beforehand, with a denser grid of qualities and another program.
    assert file == pytest.approx(2.10, abs=0.03)
    assert payload == pytest.approx(1.79, abs=0.03)
