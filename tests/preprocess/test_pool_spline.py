"""Pooling and interpolation equal SciPy's over all sizes, and refuse what has no meaning."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from plain_preprocessing import assert_close, byte_images, scipy_pool_spline

from imgcomp import _core
from imgcomp.errors import UsageError
from imgcomp.preprocess import Pipeline, Pool, Scale, Spline, pool_spline


@settings(max_examples=150, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 4), st.integers(2, 40), st.integers(2, 40)),
    size=st.tuples(st.integers(2, 50), st.integers(2, 50)),
    window=st.integers(1, 6),
    step=st.integers(1, 4),
    order=st.sampled_from([0, 1, 3, 5]),
    floats=st.booleans(),
)
def test_it_equals_scipy(shape, size, window, step, order, floats):
    pooled = [(side - window) // step + 1 for side in shape[1:]]
    assume(window <= min(shape[1:]) and min(pooled) >= max(2, order + 1))
    images = byte_images(2, shape)
    if floats:
        images = images.float() / 127.5 - 1
    expected = scipy_pool_spline(images, window, step, size, order)
    found = pool_spline(images, window, step, size, order)
    assert found.dtype == torch.float32
    assert found.is_contiguous()
    assert_close(found, expected)


@pytest.mark.parametrize("case", [(2, 1), (2, 2), (3, 1), (3, 2)])
@pytest.mark.parametrize("order", [0, 1, 3, 5])
def test_the_cases_of_28_by_28(case, order):
    images = byte_images(20, (1, 28, 28))
    assert_close(
        pool_spline(images, *case, order=order),
        scipy_pool_spline(images, *case, (28, 28), order),
    )


@pytest.mark.parametrize(("n", "m", "order"), [(300, 97, 3), (120, 500, 5), (64, 1000, 1)])
def test_large_images(n, m, order):
    images = byte_images(1, (1, n, n + 3))
    found = pool_spline(images, 2, 1, (m, m + 1), order)
    assert_close(found, scipy_pool_spline(images, 2, 1, (m, m + 1), order))


def test_order_1_is_bilinear_with_aligned_corners():
    images = byte_images(5, (3, 13, 17))
    expected = torch.nn.functional.interpolate(
        images.double(), (28, 31), mode="bilinear", align_corners=True
    )
    assert_close(pool_spline(images, 1, 1, (28, 31)), expected)


def test_nothing_to_do_changes_nothing():
    images = byte_images(3, (2, 9, 7))
    for order in (0, 1, 3, 5):
        assert torch.equal(pool_spline(images, 1, 1, (9, 7), order), images.float())


def test_matrices_have_rows_that_sum_to_1():
    for n, m, order in [(2, 9, 1), (13, 28, 3), (50, 28, 5), (7, 3, 0)]:
        matrix = _core.spline_matrix(n, m, order)
        assert matrix.shape == (m, n)
        assert matrix.sum(1).tolist() == pytest.approx([1.0] * m, abs=1e-7)
        # The ends are the ends.
        assert matrix[0].tolist() == pytest.approx([1.0] + [0.0] * (n - 1), abs=1e-9)
        assert matrix[-1].tolist() == pytest.approx([0.0] * (n - 1) + [1.0], abs=1e-9)
    assert _core.pool_matrix(5, 2, 2).tolist() == [[0.5, 0.5, 0, 0, 0], [0, 0, 0.5, 0.5, 0]]


def test_the_halves_make_the_whole():
    images = byte_images(4, (1, 28, 28))
    pooled = Pipeline([Pool(3, 2)])(images)
    assert_close(pooled, torch.nn.functional.avg_pool2d(images.double(), 3, 2))
    assert_close(Pipeline([Spline(28, 3)])(pooled), pool_spline(images, 3, 2, order=3))


def test_units_are_kept_and_nothing_is_clipped():
    images = torch.zeros(1, 1, 6, 6, dtype=torch.uint8)
    images[..., 3:] = 255
    found = pool_spline(images, 1, 1, 24, order=3)
    assert found.min() < -1
    assert found.max() > 256


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window": 0}, "window must be a whole number of at least 1, not 0"),
        ({"window": 9}, r"window over 8 samples must have 1…8 of them, not 9"),
        ({"window": 2.0}, "window must be a whole number"),
        ({"window": True}, "window must be a whole number"),
        ({"step": 0}, "step must be a whole number of at least 1, not 0"),
        ({"order": 2}, "order must be 0, 1, 3 or 5, not 2"),
        ({"order": -1}, "order must be"),
        ({"size": 1}, "size must be a whole number of at least 2, not 1"),
        ({"size": (4, 5, 6)}, "one number or"),
        ({"size": (4, float("nan"))}, "size: width must be a whole number"),
        ({"size": "28"}, "size must be a whole number"),
        ({"window": 4, "order": 5}, "spline of order 5 needs at least 6 samples .* not 5"),
        ({"window": 8}, "needs at least 2 samples .* not 1"),
    ],
)
def test_settings_that_make_no_sense(settings, message):
    with pytest.raises(UsageError, match=message):
        pool_spline(byte_images(2, (1, 8, 8)), **{"window": 2, "step": 1, **settings})


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.zeros(2, 8, 8), r"shape \(N, C, H, W\), not \(2, 8, 8\)"),
        (torch.zeros(0, 1, 8, 8), "there are no images"),
        (torch.zeros(2, 0, 8, 8), "there are no images"),
        (torch.zeros(2, 1, 8, 8, dtype=torch.int32), "uint8, float32 or float64, not torch.int32"),
        (torch.zeros(2, 1, 8, 8, dtype=torch.float16), "not torch.float16"),
        (np.zeros((2, 1, 8, 8), bool), "not torch.bool"),
        ([[1, 2]], "must be a torch.Tensor or a NumPy array, not list"),
        (torch.zeros(2, 1, 8, 8, device="meta"), "meta"),
        (torch.zeros(2, 1, 8, 8).to_sparse(), "layout"),
    ],
)
def test_images_that_are_none(images, message):
    with pytest.raises(UsageError, match=message):
        pool_spline(images, 2, 1)


def test_memory_of_any_kind_gives_the_same():
    images = byte_images(4, (3, 9, 8))
    expected = pool_spline(images, 2, 1, 6)
    transposed = images.transpose(2, 3).contiguous().transpose(2, 3)
    for other in (
        images.to(memory_format=torch.channels_last),
        transposed,
        byte_images(4, (3, 9, 8)).repeat_interleave(2, 0)[::2],
        images.numpy(),
        np.asfortranarray(images.numpy()),
        images.numpy()[:, :, ::-1].copy()[:, :, ::-1],
        images.double().numpy(),
        images.float().requires_grad_(),
    ):
        assert torch.equal(pool_spline(other, 2, 1, 6), expected)


def test_the_core_refuses_on_its_own():
    steps = _core.PreprocessSteps()
    steps.spline(4, 4, 2)
    with pytest.raises(UsageError, match="order of a spline must be 0, 1, 3 or 5, not 2"):
        _core.Pipeline(steps, [1, 8, 8])
    pipeline = _core.Pipeline(_core.PreprocessSteps(), [1, 8, 8])
    images, index = byte_images(2, (1, 8, 8)), torch.tensor([0])

    def run(images=images, index=index, output=None):
        return pipeline.run(images, index, 0, 0, True, False, False, output)

    assert torch.equal(run(), images[:1].float())
    with pytest.raises(UsageError, match="not contiguous"):
        run(images=images.transpose(2, 3))
    with pytest.raises(UsageError, match=r"of shape \(N, 1, 8, 8\)"):
        run(images=images[:, :, :4].contiguous())
    with pytest.raises(UsageError, match="index must lie in 0…1, got 2"):
        run(index=torch.tensor([2]))
    with pytest.raises(UsageError, match="int64"):
        run(index=index.int())
    with pytest.raises(UsageError, match="output must be"):
        run(output=torch.zeros(1, 1, 8, 9))
    with pytest.raises(UsageError, match="output must be"):
        run(output=torch.zeros(1, 1, 8, 8, dtype=torch.float64))


def test_scale_takes_bytes_to_a_range():
    images = torch.tensor([0, 51, 255], dtype=torch.uint8).view(1, 1, 1, 3)
    assert Pipeline([Scale(-1, 1)])(images).flatten().tolist() == pytest.approx([-1, -0.6, 1])
    with pytest.raises(UsageError, match="low must be below high"):
        Scale(1, 1)
