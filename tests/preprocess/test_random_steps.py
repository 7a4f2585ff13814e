"""Random steps: their distributions, and that only seed, epoch, image and place decide."""

import pytest
import torch
from plain_preprocessing import byte_images

from imgcomp.preprocess import (
    GaussianNoise,
    Pipeline,
    PoolSpline,
    RandomFlip,
    RandomRotate90,
    RandomShift,
    SaltAndPepper,
    Scale,
)

EVERYTHING = Pipeline(
    [RandomShift(2), RandomRotate90(), RandomFlip(vertical=True), Scale(0, 1),
     PoolSpline(2, 1, 10), GaussianNoise(0.1), SaltAndPepper(0.1, 0, 1)]
)  # fmt: skip
IMAGES = byte_images(50, (3, 10, 10))
FROZEN_NORMAL = [-0.302583, 1.100366, 1.951106, 1.308161]
FROZEN_MOVES = [8.0, 0.0, 99.0, 9.0, 15.0, 4.0]


def test_threads_batches_and_order_make_no_difference():
    expected = EVERYTHING(IMAGES, seed=5, epoch=3)
    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            assert torch.equal(EVERYTHING(IMAGES, seed=5, epoch=3), expected)
    finally:
        torch.set_num_threads(before)
    order = torch.randperm(50)
    for index in (order, order[:7], order[7:8]):
        found = EVERYTHING(IMAGES, index=index, seed=5, epoch=3)
        assert torch.equal(found, expected[index])


def test_seed_epoch_image_and_step_each_matter():
    noise = Pipeline([GaussianNoise(1.0)])
    black = torch.zeros(4, 1, 8, 8, dtype=torch.uint8)
    draws = [
        *noise(black),
        *noise(black, seed=1),
        *noise(black, epoch=1),
        *Pipeline([RandomShift(0), GaussianNoise(1.0)])(black),
    ]
    assert len({tuple(draw.flatten().tolist()) for draw in draws}) == 16
    # Steps that are not random do not count.
    assert torch.equal(Pipeline([PoolSpline(2, 1, 8), GaussianNoise(1.0)])(black), noise(black))


def test_draws_are_frozen():
    """Runs are to be repeatable with later versions: these numbers do not change."""
    noise = Pipeline([GaussianNoise(1.0)])(torch.zeros(1, 1, 1, 4), seed=1, epoch=2)
    assert noise.flatten().tolist() == pytest.approx(FROZEN_NORMAL, abs=2e-6)
    ramp = torch.arange(16, dtype=torch.uint8).view(1, 1, 4, 4).expand(6, 1, 4, 4)
    moved = Pipeline([RandomShift(2, fill=99), RandomRotate90(), RandomFlip()])(ramp, seed=1)
    assert moved[:, 0, 1, 2].tolist() == FROZEN_MOVES


def test_gaussian_noise_is_normal():
    noise = Pipeline([GaussianNoise(2.0)])(torch.zeros(400, 1, 50, 50)).double()
    count = noise.numel()
    assert noise.mean().abs() < 5 * 2 / count**0.5
    assert noise.std().item() == pytest.approx(2, rel=5 / (2 * count) ** 0.5)
    z = noise / 2
    assert (z**3).mean().abs() < 5 * (15 / count) ** 0.5
    assert (z**4).mean().item() == pytest.approx(3, abs=5 * (96 / count) ** 0.5)
    # The distribution function, at the quantiles (Kolmogorov and Smirnov's distance).
    ordered = torch.special.ndtr(z.flatten().sort().values)
    steps = torch.arange(1, count + 1, dtype=torch.float64) / count
    assert (ordered - steps).abs().max() < 2 / count**0.5
    # Neighbours, and the two values of a pair, are independent.
    for shift in (1, 16, 64):
        flat = z.flatten()
        correlation = (flat[:-shift] * flat[shift:]).mean()
        assert correlation.abs() < 5 / count**0.5


def test_noise_is_added_to_the_image():
    noise = Pipeline([GaussianNoise(3.0)])
    black = torch.zeros_like(IMAGES)
    difference = noise(IMAGES, seed=2) - noise(black, seed=2)
    torch.testing.assert_close(difference, IMAGES.float(), rtol=0, atol=1e-4)
    assert torch.equal(Pipeline([GaussianNoise(0.0)])(IMAGES), IMAGES.float())


@pytest.mark.parametrize("amount", [0.0, 0.02, 0.5, 1.0])
def test_salt_and_pepper_falls_on_its_share(amount):
    gray = torch.full((200, 1, 50, 50), 7.0)
    found = Pipeline([SaltAndPepper(amount, -1, 2)])(gray)
    for value in (-1.0, 2.0):
        share = (found == value).double().mean().item()
        deviation = (amount / 2 * (1 - amount / 2) / found.numel()) ** 0.5
        assert share == pytest.approx(amount / 2, abs=5 * deviation + 1e-12)
    assert ((found == 7) | (found == -1) | (found == 2)).all()


def all_orientations(image):
    """The eight of a square image."""
    turned = [torch.rot90(image, k, (-2, -1)) for k in range(4)]
    return [*turned, *(each.flip(-1) for each in turned)]


def test_rotations_are_torchs_each_as_likely():
    found = Pipeline([RandomRotate90()])(IMAGES[:1].expand(4000, -1, -1, -1))
    expected = [torch.rot90(IMAGES[0].float(), k, (-2, -1)) for k in range(4)]
    shares = [(found == each).flatten(1).all(1).sum().item() for each in expected]
    assert sum(shares) == 4000
    assert all(abs(share - 1000) < 150 for share in shares)


@pytest.mark.parametrize(
    ("step", "axes"),
    [
        (RandomFlip(), [(), (-1,)]),
        (RandomFlip(horizontal=False, vertical=True), [(), (-2,)]),
        (RandomFlip(vertical=True), [(), (-1,), (-2,), (-2, -1)]),
    ],
)
def test_flips_each_as_likely(step, axes):
    image = byte_images(1, (2, 5, 7))
    found = Pipeline([step])(image.expand(4000, -1, -1, -1))
    shares = [(found == image.float().flip(a)).flatten(1).all(1).sum().item() for a in axes]
    assert sum(shares) == 4000
    assert all(abs(share - 4000 / len(axes)) < 160 for share in shares)


@pytest.mark.parametrize("pixels", [0, 1, 3, 20])
def test_shifts_bring_in_the_fill(pixels):
    image = byte_images(1, (1, 5, 7))
    found = Pipeline([RandomShift(pixels, fill=-3.0)])(image.expand(3000, -1, -1, -1))
    padded = torch.nn.functional.pad(image.float(), [pixels] * 4, value=-3.0)
    shifted = {}
    for dy in range(2 * pixels + 1):
        for dx in range(2 * pixels + 1):
            shifted.setdefault(tuple(padded[0, 0, dy : dy + 5, dx : dx + 7].flatten().tolist()), 0)
    for each in found.flatten(1).tolist():
        shifted[tuple(each)] += 1  # a KeyError is a shift that cannot be
    if pixels <= 3:
        assert min(shifted.values()) > 0


def test_geometry_is_the_same_for_all_channels():
    image = byte_images(1, (1, 9, 9)).expand(20, 3, 9, 9)
    found = Pipeline([RandomShift(2), RandomRotate90(), RandomFlip()])(image)
    assert torch.equal(found[:, 0], found[:, 1])
    assert torch.equal(found[:, 0], found[:, 2])


def test_several_moves_are_one_after_the_other():
    """What a shift pushed over the edge does not come back."""
    image = torch.ones(500, 1, 4, 4)
    twice = Pipeline([RandomShift(1), RandomShift(1)])(image, seed=1)
    once = Pipeline([RandomShift(1)])(image, seed=1)
    assert (twice <= once).float().mean() < 1
    kept = twice.sum((1, 2, 3))
    assert kept.min() == 4  # two rows and two columns gone
    assert set(kept.unique().tolist()) == {4.0, 6.0, 8.0, 9.0, 12.0, 16.0}
    turned = Pipeline([RandomRotate90(), RandomFlip(), RandomRotate90()])(
        IMAGES[:1].expand(300, -1, -1, -1)
    )
    distinct = {tuple(each.flatten().tolist()) for each in turned}
    expected = {tuple(o.flatten().tolist()) for o in all_orientations(IMAGES[0].float())}
    assert distinct == expected


def test_fill_is_in_the_units_of_its_step():
    white = torch.full((100, 1, 4, 4), 255, dtype=torch.uint8)
    for steps in (
        [RandomShift(2, fill=0), Scale(0, 1)],
        [Scale(0, 1), RandomShift(2, fill=0)],
        [Scale(0, 1), RandomFlip(), RandomShift(2, fill=0)],
    ):
        found = Pipeline(steps)(white)
        assert found.unique().tolist() == [0.0, 1.0]
    found = Pipeline([Scale(0, 1), RandomShift(2, fill=0.25), Scale(0, 255)])(white)
    assert found.unique().tolist() == pytest.approx([0.25, 1.0])
    # Two shifts in different units.
    found = Pipeline([RandomShift(1, fill=127.5), Scale(0, 1), RandomShift(1, fill=0)])(white)
    assert found.unique().tolist() == pytest.approx([0.0, 0.5, 1.0])
