"""The extension's functions on plain tensors: gather_scale, to_bytes, mse, psnr."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_networks import random_images, refused

from imgcomp import _core
from imgcomp.errors import UsageError


def expected_batch(images, index, data_range):
    """Byte v is v / 255 · (high − low) + low, each step rounded to float32."""
    low, high = data_range
    span = torch.tensor(high - low, dtype=torch.float32)
    return images[index].float() / 255 * span + torch.tensor(low, dtype=torch.float32)


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
def test_gather_scale(channels, channels_last):
    images = random_images(9, (channels, 7, 5))
    index = torch.tensor([8, 0, 3, 3, 7, 1])
    for data_range in [(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0), (0.25, 0.75)]:
        batch = _core.gather_scale(images, index, data_range, channels_last)
        assert batch.dtype == torch.float32
        assert batch.shape == (6, channels, 7, 5)
        wanted = torch.channels_last if channels_last else torch.contiguous_format
        assert batch.is_contiguous(memory_format=wanted)
        torch.testing.assert_close(
            batch, expected_batch(images, index, data_range), rtol=1e-6, atol=1e-7
        )


def test_zero_to_one_is_exact():
    images = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    for channels_last in (False, True):
        batch = _core.gather_scale(images, torch.tensor([0]), (0.0, 1.0), channels_last)
        assert torch.equal(batch, images.float() / 255)


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 5), st.integers(1, 9), st.integers(1, 40)),
    count=st.integers(1, 6),
    batch=st.integers(0, 12),
    channels_last=st.booleans(),
    seed=st.integers(0, 99),
)
def test_gather_scale_for_any_shape(shape, count, batch, channels_last, seed):
    images = random_images(count, shape, seed)
    index = torch.randint(0, count, (batch,), generator=torch.Generator().manual_seed(seed))
    found = _core.gather_scale(images, index, (0.0, 1.0), channels_last)
    assert torch.equal(found, images[index].float() / 255)


def test_gather_scale_on_several_threads():
    images = random_images(300, (3, 32, 32))
    index = torch.randperm(300)
    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            for channels_last in (False, True):
                found = _core.gather_scale(images, index, (0.0, 1.0), channels_last)
                assert torch.equal(found, images[index].float() / 255)
    finally:
        torch.set_num_threads(before)


IMAGES = random_images(4, (2, 3, 3))
INDEX = torch.tensor([0, 1])


@pytest.mark.parametrize(
    ("images", "index", "data_range", "fragments"),
    [
        (IMAGES.float(), INDEX, (0, 1), ["contiguous uint8 tensor (N, C, H, W)", "not Float"]),
        (IMAGES[0], INDEX, (0, 1), ["(N, C, H, W)", "(2, 3, 3)"]),
        (IMAGES.transpose(2, 3), INDEX, (0, 1), ["contiguous uint8"]),
        (IMAGES, INDEX.int(), (0, 1), ["int64 tensor (B,)", "not Int"]),
        (IMAGES, INDEX[None], (0, 1), ["int64 tensor (B,)", "(1, 2)"]),
        (IMAGES, torch.arange(4)[::2], (0, 1), ["contiguous int64"]),
        (IMAGES, torch.tensor([0, 4]), (0, 1), ["index must lie in 0…3", "got 4"]),
        (IMAGES, torch.tensor([-1, 2]), (0, 1), ["index must lie in 0…3", "got -1"]),
        (IMAGES[:0], torch.tensor([0]), (0, 1), ["index must lie in", "got 0"]),
        (IMAGES, INDEX, (1, 0), ["data_range must rise, not [1, 0]"]),
        (IMAGES, INDEX, (0, torch.nan), ["data_range must rise"]),
    ],
)
def test_gather_scale_refuses(images, index, data_range, fragments):
    with refused(UsageError, *fragments):
        _core.gather_scale(images, index, data_range, False)


@settings(max_examples=60, deadline=None)
@given(
    low=st.floats(-300, 300, width=32),
    span=st.floats(0.125, 600, width=32),
    channels_last=st.booleans(),
)
def test_bytes_survive_any_data_range(low, span, channels_last):
    images = torch.arange(256, dtype=torch.uint8).reshape(4, 4, 4, 4)
    data_range = (low, low + span)
    batch = _core.gather_scale(images, torch.arange(4), data_range, channels_last)
    assert torch.equal(_core.to_bytes(batch, data_range), images)


def test_to_bytes_rounds_half_to_even_and_clamps():
    values = torch.tensor([0.5, 1.5, 2.5, 254.5, 255.4, 300, -1, torch.nan, torch.inf, -torch.inf])
    assert _core.to_bytes(values, (0.0, 255.0)).tolist() == [0, 2, 2, 254, 255, 255, 0, 0, 255, 0]
    assert _core.to_bytes(values, (0.0, 255.0)).dtype == torch.uint8
    of_half = _core.to_bytes(torch.tensor([-1.0, 0.0, 1.0]).half(), (-1.0, 1.0))
    assert of_half.tolist() == [0, 128, 255]


def test_mse_is_of_each_image():
    a = torch.tensor([[0.0, 0.0], [1.0, 3.0]])
    b = torch.tensor([[3.0, 4.0], [1.0, 3.0]])
    assert _core.mse_per_image(a, b).tolist() == [12.5, 0.0]
    assert _core.psnr_from_mse(torch.tensor([1.0, 0.0, 100.0]), 10.0).tolist() == [
        20.0,
        torch.inf,
        0.0,
    ]
    with refused(UsageError, "(2, 2) with (1, 2)"):
        _core.mse_per_image(a, b[:1])
