"""Any order of steps gives what the steps one by one give; formats, indices and records."""

import json
import pickle

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from plain_preprocessing import assert_close, byte_images

from imgcomp.errors import UsageError
from imgcomp.preprocess import (
    GaussianNoise,
    Pipeline,
    Pool,
    PoolSpline,
    RandomFlip,
    RandomRotate90,
    RandomShift,
    SaltAndPepper,
    Scale,
    Spline,
    Standardize,
    Step,
    standardize,
    statistics,
)

STATISTICS = statistics(byte_images(30, (1, 12, 12), seed=1))


def plain_step(step, images):
    """A step that is not random, in float64."""
    if isinstance(step, Scale):
        return images / 255 * (step.high - step.low) + step.low
    if isinstance(step, Standardize):
        return (images - step.mean) / torch.where(step.std == 0, 1, step.std)
    if isinstance(step, Pool):
        return torch.nn.functional.avg_pool2d(images, step.window, step.step)
    assert isinstance(step, Spline)
    assert step.order == 1
    return torch.nn.functional.interpolate(images, step.size, mode="bilinear", align_corners=True)


FIXED_STEPS = st.sampled_from(
    [
        Scale(-1, 1),
        Scale(0, 3),
        Standardize(10, 3),
        Standardize([[[3.0]], [[4.0]]], [[[2.0]], [[0.0]]]),
        Standardize(torch.arange(8.0), torch.arange(8.0)),
        Pool(2, 1),
        Pool(3, 2),
        Spline(8, 1),
        Spline((5, 8), 1),
    ]
)


@settings(max_examples=150, deadline=None)
@given(steps=st.lists(FIXED_STEPS, max_size=6), floats=st.booleans())
def test_any_order_of_steps_is_right(steps, floats):
    images = byte_images(3, (2, 9, 8))
    expected = images.double()
    try:
        for step in steps:
            expected = plain_step(step, expected)
            assume(min(expected.shape[2:]) >= 2)
    except RuntimeError:
        assume(False)  # shapes that do not fit each other
    found = Pipeline(steps)(images.float() if floats else images)
    assert_close(found, expected)


RANDOM_STEPS = st.sampled_from(
    [
        *[RandomRotate90(), RandomFlip(), RandomFlip(vertical=True), RandomShift(3, fill=7.0)],
        *[GaussianNoise(2.0), SaltAndPepper(0.3, -4, 90), Scale(0, 1), Pool(2, 1), Spline(8, 1)],
        Standardize(torch.arange(64.0).view(8, 8), torch.arange(64.0).view(8, 8)),
    ]
)


@settings(max_examples=150, deadline=None)
@given(steps=st.lists(RANDOM_STEPS, max_size=7))
def test_fused_steps_do_what_they_do_one_by_one(steps):
    """A random step draws by its place among the random ones: the others are left out before it."""
    images = byte_images(6, (2, 8, 8))
    sizes = Pipeline()
    expected = images
    done = []
    for step in steps:
        try:
            Pipeline([*sizes.steps, step]).output_shape((2, 8, 8))
        except UsageError:
            assume(False)
        sizes = Pipeline([*sizes.steps, step])
        # Random steps before this one, made harmless: they only take up their numbers.
        idle = [RandomShift(0) for before in done if before.random]
        expected = Pipeline([*idle, step])(expected, seed=3, epoch=2)
        done.append(step)
    assert_close(Pipeline(steps)(images, seed=3, epoch=2), expected.float())


def test_common_pipelines_are_one_pass():
    shape = (1, 12, 12)
    standard = Standardize.from_statistics(STATISTICS)
    for steps in (
        [],
        [standard, PoolSpline(2, 1, 12)],
        [PoolSpline(2, 1, 12, 3), Scale(0, 1), GaussianNoise(0.1)],
        [Scale(0, 1), RandomShift(2), RandomRotate90(), RandomFlip(), Pool(2, 2), Spline(12, 1)],
        [RandomFlip(), standard, PoolSpline(3, 2, 12), Standardize(np.ones((12, 12)), 2.0),
         GaussianNoise(0.1), SaltAndPepper(0.1, 0, 1)],
    ):  # fmt: skip
        assert Pipeline(steps).num_passes(shape) == 1
    assert Pipeline([GaussianNoise(1.0), Pool(2, 1)]).num_passes(shape) == 2
    assert Pipeline([standard, RandomFlip()]).num_passes(shape) == 2


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
def test_types_and_memory_formats_hold_the_same_values(channels):
    images = byte_images(7, (channels, 9, 9))
    pipeline = Pipeline([Scale(-1, 1), PoolSpline(2, 1, 11), GaussianNoise(0.1)])
    expected = pipeline(images, seed=1)
    for dtype in (torch.float32, torch.bfloat16):
        for memory_format in (torch.contiguous_format, torch.channels_last):
            found = pipeline(images, seed=1, dtype=dtype, memory_format=memory_format)
            assert found.dtype == dtype
            assert found.is_contiguous(memory_format=memory_format)
            assert torch.equal(found, expected.to(dtype))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_results_larger_than_the_caches(channels, dtype):
    """They go past the caches into memory, in large pages."""
    images = byte_images(40, (channels, 20, 20))
    index = torch.arange(40).repeat(-(-(40 << 20) // (40 * images[0].numel() * dtype.itemsize)))
    pipeline = Pipeline([Scale(0, 1)])
    for memory_format in (torch.contiguous_format, torch.channels_last):
        few = pipeline(images, dtype=dtype, memory_format=memory_format)
        many = pipeline(images, index=index, dtype=dtype, memory_format=memory_format)
        assert many.numel() * dtype.itemsize >= 32 << 20
        assert torch.equal(many, few[index])


def test_float_rounding_to_bfloat16_is_torchs():
    values = torch.tensor([1.0, 1.00390625, 1.01171875, float("inf"), float("nan"), -1e-40, 3e38])
    found = Pipeline()(values.view(1, 1, 1, 7), dtype=torch.bfloat16)
    torch.testing.assert_close(
        found.flatten(), values.to(torch.bfloat16), rtol=0, atol=0, equal_nan=True
    )


def test_an_index_gathers():
    images = byte_images(9, (1, 6, 6))
    pipeline = Pipeline([PoolSpline(2, 1, 6)])
    for index in ([3, 0, 3], (8,), range(2, 5), np.array([1, 2]), torch.tensor([7]), []):
        found = pipeline(images, index=index)
        assert torch.equal(found, pipeline(images)[torch.as_tensor(list(index), dtype=torch.long)])
    for index, message in (
        ([9], "index must lie in 0…8, got 9"),
        ([-1], "got -1"),
        ([0.5], "index must be whole numbers"),
        ([[1]], r"of shape \(1, 1\)"),
        (torch.ones(9, dtype=torch.bool), "for a mask"),
        ("ab", "must be a torch.Tensor"),
    ):
        with pytest.raises(UsageError, match=message):
            pipeline(images, index=index)


def test_out_is_written_to_and_returned():
    images = byte_images(3, (1, 6, 6))
    out = torch.empty(3, 1, 6, 6)
    pipeline = Pipeline([Scale(0, 1)])
    assert pipeline(images, out=out) is not None
    assert torch.equal(out, pipeline(images))
    for wrong in (torch.empty(2, 1, 6, 6), out.double(), out.transpose(2, 3), "out"):
        with pytest.raises(UsageError, match="out"):
            pipeline(images, out=wrong)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dtype": torch.float16}, "dtype must be torch.float32 or torch.bfloat16"),
        ({"memory_format": torch.channels_last_3d}, "memory_format must be"),
        ({"seed": -1}, "seed must be"),
        ({"epoch": -1}, "epoch must be"),
        ({"epoch": 1.5}, "epoch must be"),
    ],
)
def test_call_settings_that_make_no_sense(settings, message):
    with pytest.raises(UsageError, match=message):
        Pipeline()(byte_images(1, (1, 4, 4)), **settings)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Pipeline([Scale]), "list of steps"),
        (lambda: Pipeline([Step()]), "list of steps"),
        (lambda: Pipeline(3), "list of steps"),
        (lambda: Scale(float("nan"), 1), "low must be"),
        (lambda: Standardize(0, -1), "std must not be negative"),
        (lambda: Standardize(float("inf"), 1), "mean must be finite"),
        (lambda: Standardize("a", 1), "mean must be"),
        (lambda: Standardize(torch.zeros(1, 1, 1, 1), 1), "must broadcast"),
        (lambda: Standardize([], 1), "must broadcast"),
        (lambda: GaussianNoise(-1), "std must be"),
        (lambda: GaussianNoise(float("nan")), "std must be"),
        (lambda: SaltAndPepper(1.5, 0, 1), "amount must be"),
        (lambda: RandomShift(-1), "pixels must be"),
        (lambda: RandomShift(1, fill=float("inf")), "fill must be"),
        (lambda: RandomFlip(horizontal=False), "horizontal, vertical or both"),
        (lambda: RandomFlip(horizontal=1), "horizontal must be True or False"),
        (lambda: Pipeline([RandomRotate90()]).output_shape((1, 4, 5)), "square images, not 4×5"),
        (lambda: Pipeline([Standardize(torch.zeros(3), 1)]).output_shape((1, 4, 5)),
         r"mean of shape \(3,\) does not broadcast to images of \(1, 4, 5\)"),
        (lambda: Pipeline([Standardize(0, 1e-30), Standardize(0, 1e-30)]).output_shape((1, 4, 5)),
         "exceed what 32-bit numbers hold"),
        (lambda: Pipeline().output_shape((4, 5)), r"\(C, H, W\)"),
        (lambda: Pipeline.from_dict({"steps": [{"kind": "Blur"}]}), "kind must be one of"),
        (lambda: Pipeline.from_dict({"steps": [{"kind": "Pool", "side": 2}]}), "Pool: "),
        (lambda: Pipeline.from_dict([]), "list of 'steps'"),
    ],
)  # fmt: skip
def test_steps_that_make_no_sense(make, message):
    with pytest.raises(UsageError, match=message):
        make()


def test_records_come_back_whole():
    pipeline = Pipeline(
        [RandomShift(1), Standardize.from_statistics(STATISTICS), PoolSpline(2, 1, (8, 9), 3),
         Pool(2, 1), Spline(6), Scale(0, 2), RandomRotate90(), RandomFlip(), GaussianNoise(0.5),
         SaltAndPepper(0.1, 0, 1)]
    )  # fmt: skip
    record = json.loads(json.dumps(pipeline.to_dict()))
    again = Pipeline.from_dict(record)
    assert again == pipeline
    assert again.fingerprint == pipeline.fingerprint
    assert hash(again) == hash(pipeline)
    assert len(again) == 10
    assert pickle.loads(pickle.dumps(pipeline)) == pipeline
    images = byte_images(3, (1, 12, 12))
    simple = Pipeline(pipeline.steps[:3])
    copied = Pipeline.from_dict(simple.to_dict())
    assert torch.equal(copied(images, seed=2), simple(images, seed=2))
    other = Pipeline([*pipeline.steps[:-1], SaltAndPepper(0.2, 0, 1)])
    assert other.fingerprint != pipeline.fingerprint
    assert other != pipeline


def test_without_random_steps():
    pipeline = Pipeline([RandomFlip(), Scale(0, 1), GaussianNoise(1.0)])
    assert pipeline.is_random
    assert pipeline.deterministic() == Pipeline([Scale(0, 1)])
    assert not pipeline.deterministic().is_random
    assert pipeline.without_noise() == Pipeline([RandomFlip(), Scale(0, 1)])
    assert Pipeline([PoolSpline(2, 1, (5, 6))]).output_shape((3, 8, 9)) == (3, 5, 6)


def test_a_step_keeps_its_own_numbers():
    mean = torch.zeros(1, 4, 4, dtype=torch.float64)
    step = Standardize(mean, 1.0)
    mean += 5
    assert Pipeline([step])(torch.ones(1, 1, 4, 4)).eq(1).all()


def test_standardize_gives_mean_0_and_deviation_1():
    images = byte_images(50, (2, 5, 6))
    images[:, 0, 1, 2] = 77
    found = standardize(images).double()
    assert found.mean(0).abs().max() < 1e-6
    deviation = found.std(0, correction=0)
    assert torch.equal(found[:, 0, 1, 2], torch.zeros(50, dtype=torch.float64))
    deviation[0, 1, 2] = 1
    assert (deviation - 1).abs().max() < 1e-6
    channels = standardize(images, per="channel").double()
    assert channels.mean((0, 2, 3)).abs().max() < 1e-6
    half = standardize(images[:10], statistics(images))
    assert torch.equal(half, standardize(images)[:10])
    with pytest.raises(UsageError, match="per must be one of"):
        standardize(images, per="image")
    with pytest.raises(UsageError, match="statistics are"):
        standardize(images, 5)
