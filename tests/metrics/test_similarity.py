"""SSIM: as scikit-image has it, with gradients, in pieces or not."""

import importlib.util
import json
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from imgcomp import metrics
from imgcomp.errors import UsageError

GOLDEN = Path(__file__).parents[1] / "golden" / "similarity.py"
SPEC = importlib.util.spec_from_file_location("similarity_golden", GOLDEN)
golden = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(golden)
STORED = json.loads(golden.STORED.read_text())
PAIRS = {name: (x, y) for name, x, y in golden.pairs()}


def batch(name):
    x, y = PAIRS[name]
    return torch.from_numpy(x)[None], torch.from_numpy(y)[None]


def noise(*shape, seed=0):
    return torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", PAIRS)
def test_ssim_is_that_of_scikit_image(name):
    x, y = batch(name)
    expected = STORED["ssim"][name]
    found = metrics.ssim(x, y)
    assert found.dtype == torch.float64
    assert found.shape == (1,)
    assert found.item() == pytest.approx(expected, abs=1e-9)
    # Floats of any scale are the same picture where the range is scaled too.
    scaled = metrics.ssim(x.float() / 255, y.float() / 255, data_range=1.0)
    assert scaled.item() == pytest.approx(expected, abs=1e-6)


def test_stored_values_tell_changes_apart():
    """A measure that gave one number for everything would fail here."""
    assert len({round(value, 3) for value in STORED["ssim"].values()}) > 30
    assert min(STORED["ssim"].values()) < 0 < 0.9 < max(STORED["ssim"].values())


def test_literal_values():
    """Flat images have no variance: what is left is the luminance."""
    x, y = torch.full((1, 1, 11, 11), 100.0), torch.full((1, 1, 11, 11), 50.0)
    c1 = (0.01 * 255) ** 2
    expected = (2 * 100 * 50 + c1) / (100**2 + 50**2 + c1)
    assert metrics.ssim(x, y).item() == pytest.approx(expected, rel=1e-12)
    assert metrics.ssim(x, x).item() == 1.0


def test_each_image_and_plane_counts_by_itself():
    x, y = (noise(700, 2, 12, 13, seed=seed) for seed in (1, 2))  # several pieces
    y = 0.7 * x + 0.3 * y
    found = metrics.ssim(x, y, data_range=1.0)
    assert found.shape == (700,)
    for i in (0, 1, 350, 699):
        planes = [
            metrics.ssim(x[i : i + 1, c : c + 1], y[i : i + 1, c : c + 1], data_range=1.0).item()
            for c in (0, 1)
        ]
        assert found[i].item() == pytest.approx(sum(planes) / 2, rel=1e-12)
    assert torch.equal(metrics.ssim(x.numpy(), y.numpy(), data_range=1.0), found)
    strided = x.to(memory_format=torch.channels_last)
    assert torch.allclose(metrics.ssim(strided, y, data_range=1.0), found, rtol=1e-12)


def test_wide_images_are_filtered_in_tiles():
    """Windows do not see where one tile ends and the next begins."""
    x, y = noise(1, 1, 12, 300), noise(1, 1, 12, 300, seed=1)
    whole = metrics.ssim(x, y, data_range=1.0).item()
    # The mean over 290 positions of the row is that over all windows of 11 columns.
    each = [
        metrics.ssim(x[..., i : i + 11], y[..., i : i + 11], data_range=1.0).item()
        for i in range(290)
    ]
    assert whole == pytest.approx(np.mean(each), rel=1e-12)
    turned = metrics.ssim(x.transpose(2, 3), y.transpose(2, 3), data_range=1.0).item()
    assert turned == pytest.approx(whole, rel=1e-12)


def test_gradients():
    x, y = noise(2, 2, 12, 13), noise(2, 2, 12, 13, seed=1)
    x.requires_grad_()
    y.requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: metrics.ssim(a, b, data_range=1.0), (x, y))
    with torch.no_grad():
        assert not metrics.ssim(x, y, data_range=1.0).requires_grad


def test_gradients_of_many_pieces_reach_every_image():
    """Pieces are worked on in other threads; what they record must not be lost."""
    x, y = noise(900, 1, 16, 16), noise(900, 1, 16, 16, seed=1)
    x = x.float().requires_grad_()
    metrics.ssim(x, y, data_range=1.0).sum().backward()
    assert x.grad.dtype == torch.float32
    assert bool((x.grad.abs().amax(dim=(1, 2, 3)) > 0).all())
    with torch.no_grad():
        assert not metrics.ssim(x, y, data_range=1.0).requires_grad
    with torch.inference_mode():
        assert metrics.ssim(x, y, data_range=1.0).is_inference()


def test_a_similarity_can_be_raised_by_its_gradient():
    x, y = noise(1, 1, 16, 16), noise(1, 1, 16, 16, seed=1).requires_grad_()
    before = metrics.ssim(x, y, data_range=1.0).item()
    optimizer = torch.optim.Adam([y], lr=0.02)
    for _ in range(200):
        optimizer.zero_grad()
        (1 - metrics.ssim(x, y, data_range=1.0)).sum().backward()
        optimizer.step()
    assert before < 0.2
    assert metrics.ssim(x, y, data_range=1.0).item() > 0.95


def test_threads_do_not_matter():
    x, y = noise(600, 1, 16, 16), noise(600, 1, 16, 16, seed=1)
    found = {}

    def measure(threads):
        torch.set_num_threads(threads)
        found[threads] = metrics.ssim(x, y, data_range=1.0)

    for threads in (1, 2):
        worker = threading.Thread(target=measure, args=(threads,))
        worker.start()
        worker.join()
    assert torch.equal(found[1], found[2])


def test_empty_batch():
    assert metrics.ssim(torch.zeros(0, 1, 16, 16), torch.zeros(0, 1, 16, 16)).shape == (0,)


def test_refusals():
    square = torch.zeros(1, 1, 16, 16)
    with pytest.raises(UsageError, match=r"11×11 pixels.*the images are 10×16"):
        metrics.ssim(square[:, :, :10], square[:, :, :10])
    with pytest.raises(UsageError, match="one shape"):
        metrics.ssim(square, square[:, :, :12])
    with pytest.raises(UsageError, match=r"\(N, C, H, W\)"):
        metrics.ssim(square[0], square[0])
    with pytest.raises(UsageError, match="data_range"):
        metrics.ssim(square, square, data_range=0)
    with pytest.raises(UsageError, match="real"):
        metrics.ssim(square.to(torch.complex64), square)
