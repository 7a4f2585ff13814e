"""Measuring a codec for its card."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

import imgcomp
from imgcomp import codec
from imgcomp.codec import rates
from imgcomp.errors import UsageError
from imgcomp.models.house import house

IMAGES = imgcomp.datasets.digits().test.images[:12]
SMALL = {"groups": (1, 3), "width": 8, "context": 8, "kernel_size": 3, "encoder_blocks": 1}


@pytest.fixture(scope="module")
def small():
    model = house(IMAGES, (50.0, 2000.0), **SMALL)
    return codec.from_model(model, IMAGES, name="small")


def test_every_quality_in_real_bytes(small):
    found = rates.measure(small, IMAGES, alone=5)
    assert [each.quality for each in found] == [1, 17, 34, 50, 67, 84, 100]
    each = found[3]
    at = small.at(50)
    data = at.compress(IMAGES)
    assert (each.images, each.alone) == (12, 5)
    assert each.bpp == 8 * len(data) / (12 * 28 * 28)
    alone = sum(len(at.encode(IMAGES[i : i + 1])) for i in range(5))
    assert each.bpp_alone == 8 * alone / (5 * 28 * 28)
    back = at.decompress(data)
    assert each.psnr == pytest.approx(float(imgcomp.metrics.psnr(IMAGES, back).mean()))
    assert each.ssim == pytest.approx(float(imgcomp.metrics.ssim(IMAGES, back).mean()))
    assert each.ms_ssim == pytest.approx(float(imgcomp.metrics.ms_ssim(IMAGES, back).mean()))
    psnr = float(imgcomp.metrics.psnr(IMAGES[:5], back[:5]).mean())
    assert each.webp == rates.bits_at(lambda q: rates.webp(IMAGES[:5], q, 6), "psnr", psnr)
    similarity = float(imgcomp.metrics.ms_ssim(IMAGES[:5], back[:5]).mean())
    assert each.webp_ms_ssim == rates.bits_at(
        lambda q: rates.webp(IMAGES[:5], q, 6), "ms_ssim", similarity
    )


def test_one_rate_and_streams():
    one = codec.load("patch-gray")
    (found,) = rates.measure(one, IMAGES, archive=False, alone=12, method=4)
    assert found.quality is None
    assert found.bpp == 8 * len(one.encode(IMAGES)) / (12 * 28 * 28)
    assert found.webp > found.bpp


def test_small_images_have_no_ssim():
    images = torch.randint(256, (20, 3, 8, 8), dtype=torch.uint8)
    tiny = codec.from_model(house(images, (50.0, 2000.0), **SMALL), images)
    assert [each.ssim for each in rates.measure(tiny, images)] == [None] * 7


def test_other_images_are_refused(small):
    with pytest.raises(UsageError, match="images must be uint8"):
        rates.measure(small, IMAGES[:, :, :20])


@pytest.mark.parametrize("channels", [1, 3])
def test_webp(channels):
    images = torch.randint(256, (3, channels, 16, 20), dtype=torch.uint8)
    sizes, errors, similarities = [], [], []
    for image in images:
        array = image.permute(1, 2, 0).numpy()
        file = io.BytesIO()
        picture = Image.fromarray(array[..., 0] if channels == 1 else array)
        picture.save(file, "WEBP", quality=40)
        sizes.append(file.tell())
        back = np.array(Image.open(file).convert(picture.mode)).reshape(array.shape)
        errors.append(((back.astype(float) - array) ** 2).mean())
        both = [torch.as_tensor(each).permute(2, 0, 1)[None] for each in (array, back)]
        similarities.append(float(imgcomp.metrics.ms_ssim(*both)))
    found = rates.webp(images, 40)
    assert found.bpp == 8 * sum(sizes) / (3 * 16 * 20)
    assert found.psnr == pytest.approx(np.mean(10 * np.log10(255**2 / np.array(errors))))
    assert found.ms_ssim == pytest.approx(np.mean(similarities))


def test_bits_at_a_value():
    def rival(quality):
        return rates.FileRate(psnr=20 + quality / 10, ms_ssim=quality / 128, bpp=quality**2)

    assert rates.bits_at(rival, "psnr", 25.0) == 2500
    assert rates.bits_at(rival, "psnr", 25.05) == (2500 + 2601) / 2
    assert rates.bits_at(rival, "psnr", 20.0) == 0
    assert rates.bits_at(rival, "psnr", 19.9) is None
    assert rates.bits_at(rival, "psnr", 30.1) is None
    assert rates.bits_at(rival, "ms_ssim", 0.5) == 64**2
    assert rates.bits_at(rival, "ms_ssim", 0.8) is None
