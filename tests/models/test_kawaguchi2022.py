"""The networks of kawaguchi2022: their sizes, and their functions in plain PyTorch."""

import pytest
import torch
from torch import nn

from imgcomp import models


def model_1():
    """As the paper prints it; its first ReLU is doubled, which changes nothing."""
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(),
        nn.Conv2d(32, 16, 3, padding=1), nn.ReLU(),
        nn.Conv2d(16, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, 2),
        nn.ConvTranspose2d(2, 16, 2, stride=2), nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
        nn.Conv2d(32, 3, 3, padding=1), nn.ReLU(),
    )  # fmt: skip


def model_2():
    """The Chainer program in PyTorch."""
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(),
        nn.Upsample(scale_factor=2), nn.Conv2d(64, 3, 3, padding=1), nn.Sigmoid(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("make", "reference", "code"),
    [
        (models.kawaguchi2022_1, model_1(), (2, 16, 16)),
        (models.kawaguchi2022_2, model_2(), (64, 16, 16)),
    ],
)
@pytest.mark.parametrize("channels_last", [False, True])
def test_they_are_the_networks_of_the_paper(make, reference, code, channels_last):
    model = make(seed=1)
    assert model.code_shape == code
    parameters = list(reference.parameters())
    with torch.no_grad():
        for to, weight in zip(parameters, model.state_dict().values(), strict=True):
            to.copy_(weight)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    low, high = model.data_range
    x = (torch.rand(3, 3, 32, 32) * (high - low) + low).contiguous(memory_format=layout)
    ours, theirs = model(x), reference(x)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)
    found = torch.autograd.grad((ours - x).square().mean(), model.parameters())
    wanted = torch.autograd.grad((theirs - x).square().mean(), parameters)
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5 * float(b.abs().max()) + 1e-9)


def test_sizes():
    assert models.kawaguchi2022_1().num_parameters == 11_461
    assert models.kawaguchi2022_2().num_parameters == 21_123
    # Model 2's code has more values than the image has bytes; model 1's a sixth as many.
    assert 64 * 16 * 16 > 3 * 32 * 32 == 6 * 2 * 16 * 16


def test_what_can_be_changed():
    assert models.kawaguchi2022_1().data_range == (-1.0, 1.0)
    other = models.kawaguchi2022_1(final_relu=False, data_range=(0.0, 1.0), code_channels=5)
    assert other.data_range == (0.0, 1.0)
    assert other.code_shape == (5, 16, 16)
    assert other.spec["parts"]["decoder"][-1]["kind"] == "conv2d"
    assert models.kawaguchi2022_2(code_channels=2).code_shape == (2, 16, 16)


def test_weights_as_pytorch_and_chainer_draw_them():
    torch.manual_seed(3)
    expected = nn.Conv2d(3, 32, 3).weight
    found = models.kawaguchi2022_1(seed=3).state_dict()["encoder.conv1.weight"]
    torch.testing.assert_close(found, expected.detach())
    state = models.kawaguchi2022_2(seed=3).state_dict()
    kernel = state["encoder.conv2.weight"]  # LeCun: deviation 1 / sqrt(fan in)
    assert kernel.std() == pytest.approx((9 * 32) ** -0.5, rel=0.03)
    assert all(not tensor.any() for name, tensor in state.items() if name.endswith("bias"))
