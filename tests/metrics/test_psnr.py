"""Squared errors and PSNR of batches."""

import numpy as np
import pytest
import torch

from imgcomp import metrics
from imgcomp.errors import UsageError


def images(count, shape=(1, 28, 28), seed=0):
    """uint8 (count, *shape)."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, *shape), dtype=torch.uint8, generator=generator)


def test_psnr_by_the_formula():
    a, b = images(6, (3, 5, 5)).numpy(), images(6, (3, 5, 5), seed=1).numpy()
    mse = ((a.astype(np.float64) - b.astype(np.float64)) ** 2).reshape(6, -1).mean(1)
    np.testing.assert_allclose(metrics.mse(a, b).numpy(), mse, rtol=1e-12)
    np.testing.assert_allclose(metrics.psnr(a, b).numpy(), 10 * np.log10(255**2 / mse), rtol=1e-12)
    np.testing.assert_allclose(
        metrics.psnr(a / 255, b / 255, data_range=1).numpy(),
        metrics.psnr(a, b).numpy(),
        rtol=1e-12,
    )


def test_psnr_by_hand():
    black, grey = torch.zeros(2, 1, 2, 2), torch.zeros(2, 1, 2, 2)
    grey[0] += 255.0  # as wrong as can be
    psnr = metrics.psnr(black, grey)
    assert psnr.dtype == torch.float64
    assert psnr.tolist() == [0.0, torch.inf]
    # A squared error of 1 in one of four pixels.
    one = torch.zeros(1, 1, 2, 2, dtype=torch.uint8)
    one[0, 0, 0, 0] = 1
    expected = 10 * np.log10(255**2 * 4)
    assert metrics.psnr(one, torch.zeros_like(one)).item() == pytest.approx(expected)


def test_refusals():
    x = images(3)
    with pytest.raises(UsageError, match=r"\(3, 1, 28, 28\) with \(2, 1, 28, 28\)"):
        metrics.mse(x, x[:2])
    with pytest.raises(UsageError, match=r"\(28,\)"):
        metrics.mse(x[0, 0, 0], x[0, 0, 0])
    with pytest.raises(UsageError, match="x must be real"):
        metrics.psnr(x.to(torch.complex64), x)
    with pytest.raises(UsageError, match=r"y must be a torch\.Tensor"):
        metrics.psnr(x, 3)
    for data_range in (0, -1, torch.nan, torch.inf, "1"):
        with pytest.raises(UsageError, match="data_range must be a finite number above 0"):
            metrics.psnr(x, x, data_range=data_range)
