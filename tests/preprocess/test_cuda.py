"""On a GPU: pipelines give what they give on the CPU."""

import pytest
import torch
from plain_preprocessing import byte_images
from training_runs import fit, tiny

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
    pool_spline,
    standardize,
    statistics,
)

pytestmark = pytest.mark.needs_cuda

# Large enough on one side for the way through global memory.
SHAPES = [(1, 28, 28), (3, 9, 9), (2, 150, 150), (4, 40, 40)]


def pipelines(side):
    each = torch.rand(side, side, dtype=torch.float64)
    return {
        "nothing": [],
        "scaled": [Scale(-1, 1)],
        "fused": [
            *[RandomShift(2, fill=9), RandomRotate90(), RandomFlip(vertical=True)],
            *[Standardize(each * 90, each + 5), PoolSpline(2, 1, side, 3)],
            *[Standardize(each, each + 0.5), GaussianNoise(0.2), SaltAndPepper(0.1, -1, 1)],
        ],
        "two passes": [GaussianNoise(4.0), Pool(2, 2), SaltAndPepper(0.1, 0, 9), RandomFlip()],
        "larger": [Spline((side + 5, side + 9), 5)],
    }


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", pipelines(9))
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("floats", [False, True])
def test_the_kernels_agree_with_the_loops(shape, name, dtype, memory_format, floats):
    images = byte_images(6, shape)
    images = images.float() if floats else images
    pipeline = Pipeline(pipelines(shape[1])[name])
    settings = {"index": torch.tensor([3, 0, 5, 5, 1]), "seed": 4, "epoch": 7, "dtype": dtype,
                "memory_format": memory_format}  # fmt: skip
    expected = pipeline(images, **settings)
    found = pipeline(images.cuda(), **settings)
    assert found.device.type == "cuda"
    assert found.dtype == dtype
    assert found.stride() == expected.stride()
    tolerance = 1e-5 if dtype == torch.float32 else 1e-2
    torch.testing.assert_close(
        found.cpu(), expected, rtol=tolerance, atol=tolerance * expected.float().abs().max().item()
    )


def test_functions_keep_to_the_device():
    images = byte_images(20, (1, 28, 28))
    cuda = images.cuda()
    torch.testing.assert_close(pool_spline(cuda, 2, 2).cpu(), pool_spline(images, 2, 2))
    torch.testing.assert_close(standardize(cuda).cpu(), standardize(images))
    assert torch.equal(statistics(cuda).std, statistics(images).std)


def test_fit_with_a_pipeline_agrees_with_the_cpu():
    images = byte_images(64, (1, 9, 9))
    pipeline = Pipeline([RandomRotate90(), PoolSpline(2, 1, 4), GaussianNoise(0.1)])
    losses = {}
    for device in ("cpu", "cuda"):
        history = fit(tiny(1).to(device), images, preprocess=pipeline, shuffle=False)
        losses[device] = history["loss"].tolist()
    assert losses["cuda"] == pytest.approx(losses["cpu"], rel=1e-3)
