"""The same preprocessing in SciPy and plain PyTorch, image by image and step by step."""

import numpy as np
import torch
from scipy.interpolate import RectBivariateSpline
from scipy.ndimage import zoom
from torch.nn import functional


def byte_images(count, shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, *shape), dtype=torch.uint8, generator=generator)


def scipy_spline(image, size, order):
    """One (H, W) image by SciPy, corners on corners."""
    image = np.asarray(image, np.float64)
    if order == 0:
        factors = [new / old for new, old in zip(size, image.shape, strict=True)]
        return zoom(image, factors, order=0, mode="nearest", grid_mode=False)
    rows, columns = (np.linspace(0, 1, side) for side in image.shape)
    spline = RectBivariateSpline(rows, columns, image, kx=order, ky=order, s=0)
    return spline(np.linspace(0, 1, size[0]), np.linspace(0, 1, size[1]))


def scipy_pool_spline(images, window, step, size, order):
    pooled = functional.avg_pool2d(images.double(), window, step)
    planes = [[scipy_spline(plane, size, order) for plane in image] for image in pooled.numpy()]
    return torch.from_numpy(np.array(planes))


def assert_close(found, expected, *, per_range=1e-5):
    """Equal within a part of the expected values' range (of bytes, where that is larger)."""
    assert found.shape == expected.shape
    largest = max(1.0, expected.double().abs().max().item())
    error = (found.double() - expected.double()).abs().max().item()
    assert error <= per_range * largest, (error, largest)
