"""SSIM and MS-SSIM: as other libraries have them, with gradients, in pieces or not."""

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
VARIANTS = ("adaptive", "renormalised", "standard")
PAIRS = {name: (x, y) for name, x, y in golden.pairs()}


def batch(name):
    x, y = PAIRS[name]
    return torch.from_numpy(x)[None], torch.from_numpy(y)[None]


def noise(*shape, seed=0):
    return torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", STORED["ssim"])
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


@pytest.mark.parametrize(
    ("variant", "name"),
    [(variant, name) for variant in VARIANTS for name in STORED[variant]],
)
def test_ms_ssim_is_that_of_others(variant, name):
    x, y = batch(name)
    found = metrics.ms_ssim(x, y, variant)
    assert found.dtype == torch.float64
    assert found.shape == (1,)
    # TensorFlow computes in float32.
    tolerance = 1e-9 if variant == "adaptive" else 2e-5
    assert found.item() == pytest.approx(STORED[variant][name], abs=tolerance)


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


@pytest.mark.parametrize("measure", [metrics.ssim, metrics.ms_ssim])
def test_each_image_and_plane_counts_by_itself(measure):
    x, y = (noise(700, 2, 12, 13, seed=seed) for seed in (1, 2))  # several pieces
    y = 0.7 * x + 0.3 * y
    found = measure(x, y, data_range=1.0)
    assert found.shape == (700,)
    for i in (0, 1, 350, 699):
        planes = [
            measure(x[i : i + 1, c : c + 1], y[i : i + 1, c : c + 1], data_range=1.0).item()
            for c in (0, 1)
        ]
        assert found[i].item() == pytest.approx(sum(planes) / 2, rel=1e-12)
    assert torch.equal(measure(x.numpy(), y.numpy(), data_range=1.0), found)
    strided = x.to(memory_format=torch.channels_last)
    assert torch.allclose(measure(strided, y, data_range=1.0), found, rtol=1e-12)


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


MEASURES = {
    "ssim": metrics.ssim,
    "adaptive": metrics.ms_ssim,
    "renormalised": lambda x, y, data_range: metrics.ms_ssim(
        x, y, "renormalised", window=4, scales=2, data_range=data_range
    ),
}


@pytest.mark.parametrize("name", MEASURES)
def test_gradients(name):
    measure = MEASURES[name]
    x = noise(2, 2, 12, 13)
    y = 0.6 * x + 0.4 * noise(2, 2, 12, 13, seed=1)  # alike, so that no factor is below 0
    x.requires_grad_()
    y.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda a, b: measure(a, b, data_range=1.0), (x, y), fast_mode=True
    )
    with torch.no_grad():
        assert not measure(x, y, data_range=1.0).requires_grad


LAYOUTS = {
    "channels_last": lambda x: x.contiguous(memory_format=torch.channels_last),
    "turned": lambda x: x.transpose(2, 3).contiguous().transpose(2, 3),
    "a part": lambda x: torch.cat([x, x], 3)[..., : x.shape[3]],
    "reversed axes": lambda x: x.permute(3, 2, 1, 0).contiguous().permute(3, 2, 1, 0),
}


@pytest.mark.parametrize("shape", [(2, 3, 12, 13), (1, 2, 1, 13), (2, 2, 12, 1), (1, 1, 1, 1)])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_memory_layouts_do_not_matter(layout, shape):
    x, weights = noise(*shape), torch.arange(1.0, shape[0] + 1, dtype=torch.float64)
    y = 0.6 * x + 0.4 * noise(*shape, seed=1)
    given = x.clone().requires_grad_()
    expected = metrics.ms_ssim(given, y, data_range=1.0)
    (slope,) = torch.autograd.grad(expected @ weights, given)
    for other in (y, LAYOUTS[layout](y)):
        moved = LAYOUTS[layout](x).requires_grad_()
        found = metrics.ms_ssim(moved, other, data_range=1.0)
        assert torch.equal(found, expected)
        assert torch.equal(torch.autograd.grad(found @ weights, moved)[0], slope)


def test_gradients_of_one_image_alone():
    x, y = noise(2, 2, 12, 13), noise(2, 2, 12, 13, seed=1)
    y = 0.6 * x + 0.4 * y

    def slopes(of_x, of_y):
        pair = [image.clone().requires_grad_(wanted) for image, wanted in ((x, of_x), (y, of_y))]
        metrics.ms_ssim(*pair, data_range=1.0).sum().backward()
        return [image.grad for image in pair]

    both = slopes(True, True)
    assert torch.equal(slopes(True, False)[0], both[0])
    assert torch.equal(slopes(False, True)[1], both[1])


@pytest.mark.parametrize("name", MEASURES)
def test_second_derivatives(name):
    x = noise(1, 1, 12, 11).requires_grad_()
    y = (0.6 * x.detach() + 0.4 * noise(1, 1, 12, 11, seed=1)).requires_grad_()
    for both in ((x, y), (x.detach(), y)):
        assert torch.autograd.gradgradcheck(
            lambda a, b: MEASURES[name](a, b, data_range=1.0), both, fast_mode=True
        )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.int16, torch.bool])
def test_other_kinds_of_numbers(dtype):
    x = (noise(2, 1, 16, 16) * 255).round().to(torch.uint8).to(dtype)
    y = (noise(2, 1, 16, 16, seed=1) * 255).round().to(torch.uint8).to(dtype)
    found = metrics.ms_ssim(x, y)
    assert torch.allclose(found, metrics.ms_ssim(x.double(), y.double()), rtol=1e-12)
    assert torch.equal(metrics.ms_ssim(x, y.double()), found)
    if dtype.is_floating_point:
        y.requires_grad_()
        metrics.ms_ssim(x, y).sum().backward()
        assert y.grad.dtype == dtype


@pytest.mark.parametrize("measure", [metrics.ssim, metrics.ms_ssim])
def test_what_is_no_number_stays_with_its_image(measure):
    x = noise(3, 1, 16, 16)
    y = x.clone()
    y[1, 0, 4, 4] = float("nan")
    assert measure(x, y, data_range=1.0).isnan().tolist() == [False, True, False]


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
    optimizer = torch.optim.Adam([y], lr=0.05)
    for _ in range(80):
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


def test_factors_below_zero_count_as_zero():
    """A negative of an image has a negative structure, and no root of it is taken."""
    x = noise(1, 1, 16, 16)
    both = torch.cat([x, x], 1)
    y = torch.cat([1 - x, x], 1).requires_grad_()
    assert metrics.ms_ssim(x, 1 - x, data_range=1.0).item() == 0.0
    found = metrics.ms_ssim(both, y, data_range=1.0)
    assert found.item() == pytest.approx(0.5, rel=1e-12)
    found.sum().backward()
    assert bool(y.grad.isfinite().all())
    assert not y.grad[:, 0].any()


def test_one_scale_renormalised_is_ssim():
    x, y = batch("colour32/coarse")
    one = metrics.ms_ssim(x, y, "renormalised", window=11, scales=1)
    assert one.item() == pytest.approx(metrics.ssim(x, y).item(), rel=1e-12)


def test_images_of_any_size_are_alike_to_themselves():
    for height, width in [(1, 1), (1, 9), (2, 3), (11, 4), (33, 31)]:
        x = noise(3, 1, height, width)
        assert metrics.ms_ssim(x, x, data_range=1.0).tolist() == pytest.approx([1.0] * 3)
        assert float(metrics.ms_ssim(x, 1 - x, data_range=1.0).max()) < 1


def test_empty_batch():
    none = torch.zeros(0, 1, 15, 16)
    assert metrics.ssim(none, none).shape == (0,)
    assert metrics.ms_ssim(none, none).shape == (0,)


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


def test_ms_ssim_refusals():
    small, square = torch.zeros(1, 1, 24, 40), torch.zeros(1, 1, 160, 200)
    with pytest.raises(UsageError, match=r"at least 161.*160×200; the adaptive one takes any size"):
        metrics.ms_ssim(square, square, "standard")
    with pytest.raises(UsageError, match=r"3 scales and a window of 7 .*at least 25.*24×40"):
        metrics.ms_ssim(small, small, "renormalised")
    metrics.ms_ssim(small, small, "renormalised", window=6)
    with pytest.raises(UsageError, match="variant must be one of 'adaptive'"):
        metrics.ms_ssim(small, small, "zero-padded")
    with pytest.raises(UsageError, match="of the renormalised variant, not of 'adaptive'"):
        metrics.ms_ssim(small, small, window=7)
    with pytest.raises(UsageError, match="scales must be a whole number in 1 … 5"):
        metrics.ms_ssim(small, small, "renormalised", scales=6)
    with pytest.raises(UsageError, match="one shape"):
        metrics.ms_ssim(small, square)
    with pytest.raises(UsageError, match="data_range"):
        metrics.ms_ssim(small, small, data_range=-1)
