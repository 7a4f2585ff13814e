"""Means and deviations: exact for bytes, the same for any number of threads."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_preprocessing import byte_images

from imgcomp.errors import UsageError
from imgcomp.preprocess import statistics


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(1, 40),
    shape=st.tuples(st.integers(1, 4), st.integers(1, 50), st.integers(1, 50)),
    per=st.sampled_from(["pixel", "channel"]),
    dtype=st.sampled_from([torch.uint8, torch.float32, torch.float64]),
)
def test_they_equal_numpys(count, shape, per, dtype):
    images = byte_images(count, shape).to(dtype)
    if dtype.is_floating_point:
        images = images / 50 + 1000
    values = images.double().numpy()
    axes = (0,) if per == "pixel" else (0, 2, 3)
    mean, std = statistics(images, per=per)
    expected_shape = shape if per == "pixel" else (shape[0], 1, 1)
    assert mean.shape == std.shape == expected_shape
    assert mean.dtype == std.dtype == torch.float64
    np.testing.assert_allclose(mean.numpy().ravel(), values.mean(axes).ravel(), rtol=1e-12)
    np.testing.assert_allclose(std.numpy().ravel(), values.std(axes).ravel(), atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64])
@pytest.mark.parametrize("per", ["pixel", "channel"])
def test_what_never_changes_has_deviation_0(dtype, per):
    images = torch.full((1001, 2, 3, 3), 253, dtype=torch.uint8).to(dtype)
    if dtype.is_floating_point:
        images = images / 255 * 0.7
    mean, std = statistics(images, per=per)
    assert not std.any()
    assert mean.flatten()[0] == images.flatten()[0].double()


def test_sums_beyond_32_bits_are_exact():
    images = torch.full((140_000, 1, 1, 2), 255, dtype=torch.uint8)
    images[0, 0, 0, 0] = 0
    mean, std = statistics(images)
    assert mean.flatten().tolist() == [255 * 139_999 / 140_000, 255.0]
    assert std[0, 0, 0].item() == pytest.approx(255 * np.sqrt(139_999) / 140_000, rel=1e-14)
    assert std[0, 0, 1] == 0


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_threads_make_no_difference(dtype):
    images = byte_images(3000, (1, 28, 28)).to(dtype)
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.append(statistics(images))
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        assert torch.equal(found[0].mean, other.mean)
        assert torch.equal(found[0].std, other.std)


def test_what_has_none():
    for images, message in (
        (torch.zeros(0, 1, 2, 2), "at least one"),
        (torch.zeros(2, 2), r"not \(2, 2\)"),
        (torch.zeros(1, 1, 2, 2, dtype=torch.int64), "not torch.int64"),
        (torch.full((2, 1, 2, 2), float("nan")), "NaN or infinity"),
        (torch.full((2, 1, 2, 2), float("inf")), "NaN or infinity"),
    ):
        with pytest.raises(UsageError, match=message):
            statistics(images)
    with pytest.raises(UsageError, match="per must be one of 'pixel', 'channel'"):
        statistics(torch.zeros(1, 1, 2, 2), per="image")
    strided = byte_images(6, (2, 4, 5)).transpose(2, 3)
    assert torch.equal(statistics(strided).mean, strided.double().mean(0))
