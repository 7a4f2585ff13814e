"""Recurrent layers and autoencoders of several iterations, against plain PyTorch."""

import pytest
import torch
from reference_networks import random_images, refused
from reference_recurrent import Binarize, ConvAssociativeLSTM, ConvGRU, ConvLSTM, Recurrent
from torch import nn
from training_runs import fit

from imgcomp import models
from imgcomp.errors import SpecError, UsageError
from imgcomp.models import layers

IMAGE = (3, 16, 12)
IGNORE_COLLAPSE = pytest.mark.filterwarnings("ignore::imgcomp.errors.CollapsedOutputWarning")
DEVICES = ("cpu", pytest.param("cuda", marks=pytest.mark.needs_cuda))
RECONSTRUCTIONS = ("one_shot", "additive", "residual_scaling")


def pair(reconstruction, iterations=3, seed=1):
    """A network with all cells, even kernels and strides, and its twin with the same weights."""
    gain = None
    if reconstruction == "residual_scaling":
        gain = [layers.conv2d(1, 3, stride=4, padding=1), layers.sigmoid()]
    spec = models.autoencoder_spec(
        IMAGE,
        [
            layers.conv2d(6, 3, stride=2, padding=1),
            layers.elu(),
            layers.conv_lstm(5, 3, stride=2, state_kernel_size=1),
            layers.conv2d(2, 1),
            layers.tanh(),
            layers.binarize(),
        ],
        [
            layers.conv_gru(8, 2),
            layers.depth_to_space(2),
            layers.conv_lstm(12, 3, bias=False),
            layers.depth_to_space(2),
            layers.conv_associative_lstm(4, 2, state_kernel_size=3),
            layers.conv2d(3, 1),
            layers.tanh(),
        ],
        data_range=(-0.5, 0.5),
        iterations=iterations,
        reconstruction=reconstruction,
        gain=gain,
    )
    model = models.from_spec(spec, seed)
    twin = Recurrent(
        nn.Sequential(
            nn.Conv2d(3, 6, 3, 2, 1), nn.ELU(), ConvLSTM(6, 5, 3, 1, 2), nn.Conv2d(5, 2, 1),
            nn.Tanh(), Binarize(),
        ),
        nn.Sequential(
            ConvGRU(2, 8, 2), nn.PixelShuffle(2), ConvLSTM(2, 12, 3, bias=False),
            nn.PixelShuffle(2), ConvAssociativeLSTM(3, 4, 2, 3), nn.Conv2d(4, 3, 1), nn.Tanh(),
        ),
        iterations,
        reconstruction,
        nn.Sequential(nn.Conv2d(3, 1, 3, 4, 1), nn.Sigmoid()) if gain is not None else None,
    )  # fmt: skip
    with torch.no_grad():
        # Large enough for numbers outside the unit circle, which are bounded.
        model.state_dict()["decoder.conv_associative_lstm4.weight"].mul_(8)
        for to, weight in zip(twin.parameters(), model.parameters(), strict=True):
            to.copy_(weight)
    return model, twin


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last], ids=str)
@pytest.mark.parametrize("reconstruction", RECONSTRUCTIONS)
@torch.backends.cudnn.flags(enabled=True, allow_tf32=False)
def test_iterations_and_their_gradients(reconstruction, memory_format, device):
    model, twin = pair(reconstruction)
    model.to(device)
    twin.to(device)
    x = (torch.rand(2, *IMAGE) - 0.5).to(device).contiguous(memory_format=memory_format)
    ours, (theirs, codes) = model.reconstructions(x), twin(x)
    assert len(ours) == len(theirs) == 3
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(model(x), ours[-1])
    torch.testing.assert_close(model.encode(x), torch.stack(codes, 1))
    found = torch.autograd.grad(sum((x - y).abs().mean() for y in ours), model.parameters())
    wanted = torch.autograd.grad(sum((x - y).abs().mean() for y in theirs), list(twin.parameters()))
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("reconstruction", RECONSTRUCTIONS)
def test_codes_are_decoded_as_far_as_they_go(reconstruction):
    model, _ = pair(reconstruction)
    x = torch.rand(2, *IMAGE) - 0.5
    images, code = model.reconstructions(x), model.encode(x)
    assert tuple(code.shape[1:]) == model.code_shape == (3, 2, 4, 3)
    assert set(code.unique().tolist()) <= {-1.0, 1.0}
    for count, image in enumerate(images, start=1):
        torch.testing.assert_close(model.decode(code[:, :count]), image, rtol=1e-4, atol=1e-5)
    with refused(UsageError, "(N, 1 to 3, 2, 4, 3)", "(2, 4, 2, 4, 3)"):
        model.decode(torch.cat([code, code[:, :1]], 1))
    with refused(UsageError, "(N, 1 to 3, 2, 4, 3)", "(2, 2, 4, 3)"):
        model.decode(code[:, 0])


def test_one_iteration_keeps_nothing():
    model, _ = pair("one_shot", iterations=1)
    x = torch.rand(2, *IMAGE) - 0.5
    torch.testing.assert_close(model(x), model(x), rtol=0, atol=0)
    state = model.state_dict()["encoder.conv_lstm2.state_weight"]
    state.mul_(100)  # the state is zero, so that its weights say nothing
    before = model(x)
    state.mul_(100)
    torch.testing.assert_close(model(x), before, rtol=0, atol=0)


def test_other_sizes_than_the_specs():
    model, _ = pair("additive")
    assert model(torch.zeros(1, 3, 8, 24)).shape == (1, 3, 8, 24)
    assert model.encode(torch.zeros(1, 3, 8, 24)).shape == (1, 3, 2, 2, 6)


def test_bits_are_drawn_in_training_and_their_gradient_goes_straight_through():
    spec = models.autoencoder_spec(
        (1, 8, 8), [layers.binarize()], [layers.conv2d(1, 1, bias=False)], data_range=(-1.0, 1.0)
    )
    model = models.from_spec(spec)
    with torch.no_grad():
        model.parameters()[0].fill_(1.0)
    x = torch.linspace(-1, 1, 64).reshape(1, 1, 8, 8).requires_grad_()
    y = model(x)
    assert y.flatten().tolist() == [-1.0] * 32 + [1.0] * 32
    (gradient,) = torch.autograd.grad((y * torch.arange(64.0).reshape(y.shape)).sum(), x)
    assert gradient.flatten().tolist() == list(range(64))
    # The byte 204 stands for 0.6, which becomes +1 in four of five draws: the mean squared error is
    # 0.8 · 0.4² + 0.2 · 1.6².
    images = torch.full((200, 1, 8, 8), 204, dtype=torch.uint8)
    history = fit(model, images, epochs=1, batch_size=200, lr=0.0)
    assert history["loss"][0] == pytest.approx(0.64, abs=0.03)  # 12,800 draws


@IGNORE_COLLAPSE
def test_bits_belong_to_images_and_not_to_batches():
    # Without any training the losses of single images do not depend on how they are batched, on
    # which threads they are, or in which order, but on the epoch and the seed.
    model, _ = pair("one_shot")
    images = random_images(24, IMAGE)

    def losses(**settings):
        config = {"epochs": 2, "batch_size": 4, "lr": 0.0, "objective": "l1", "seed": 3}
        return fit(model, images, **{**config, **settings})["loss"].tolist()

    first = losses()
    assert first[0] != first[1]
    assert losses(batch_size=24) == pytest.approx(first, rel=1e-6)
    assert losses(shuffle=False, batch_size=7, threads=2) == pytest.approx(first, rel=1e-6)
    assert losses(seed=4)[0] != pytest.approx(first[0], rel=1e-6)


@IGNORE_COLLAPSE
def test_it_learns_and_goes_on_where_it_stopped(tmp_path):
    images = random_images(32, IMAGE)
    settings = {"objective": "l1", "batch_size": 8, "lr": 1e-3, "seed": 5}
    one, _ = pair("additive")
    whole = fit(one, images, epochs=4, **settings)
    assert whole["loss"][-1] < whole["loss"][0]
    two, _ = pair("additive")
    path = tmp_path / "network.safetensors"
    fit(two, images, epochs=2, checkpoint=path, **settings)
    three, _ = pair("additive", seed=9)
    again = fit(three, images, epochs=4, checkpoint=path, resume=True, **settings)
    assert again["loss"].tolist() == whole["loss"].tolist()


@pytest.mark.parametrize(
    ("changes", "fragments"),
    [
        ({"iterations": 0}, ("iterations", "0")),
        ({"reconstruction": "twice"}, ("one_shot", "additive", "residual_scaling", "twice")),
        ({"reconstruction": "residual_scaling"}, ("'gain'",)),
        ({"gain": [layers.conv2d(1, 1)]}, ("'gain'",)),
        (
            {"reconstruction": "residual_scaling", "gain": [layers.conv2d(2, 1)]},
            ("'gain'", "(2, 16, 12)", "one channel"),
        ),
    ],
)
def test_specs_that_do_not_fit(changes, fragments):
    arguments = {"iterations": 2, "reconstruction": "additive", **changes}
    spec = models.autoencoder_spec(
        IMAGE, [layers.conv_lstm(3, 3)], [layers.conv_gru(3, 3)], **arguments
    )
    with refused(SpecError, *fragments):
        models.from_spec(spec)


def test_channels_and_factors_that_do_not_fit():
    with refused(SpecError, "groups of 4", "(3, 16, 12)"):
        models.from_spec(
            models.autoencoder_spec(IMAGE, [layers.depth_to_space(2)], [layers.conv2d(3, 1)])
        )
    with refused(UsageError, "iterations", "torch.nn"):
        pair("one_shot")[0].to_torch()
