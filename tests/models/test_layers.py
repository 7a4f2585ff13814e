"""Every layer kind against its counterpart in torch.nn: shapes, values and gradients."""

import copy

import pytest
import torch
from reference_recurrent import Binarize, ConvAssociativeLSTM, ConvGRU, ConvLSTM
from torch import nn

import imgcomp
from imgcomp import _core, models
from imgcomp.models import layers

IMAGE = (3, 9, 7)
VECTOR = (6,)


class Unpool(nn.Module):
    """As a transposed convolution with one weight for each channel."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        weight = torch.eye(x.shape[1])[..., None, None]
        return nn.functional.conv_transpose2d(
            x, weight, stride=self.factor, output_padding=self.factor - 1
        )


class Affine(nn.Module):
    def forward(self, x):
        return 0.5 * x - 2.0


class Quantize(nn.Module):
    """Rounding as Esser et al. (2020) train it, equation 1 and 3 written out."""

    def __init__(self, channels, levels):
        super().__init__()
        self.offset = nn.Parameter(torch.zeros(channels))
        self.step = nn.Parameter(torch.ones(channels))
        self.last = levels - 1

    def forward(self, x):
        shape = (-1,) + (1,) * (x.dim() - 2)
        offset, step = self.offset.view(shape), self.step.view(shape)
        place = ((x - offset) / step).detach()
        within = (place > 0) & (place < self.last)
        nearest = place.round().clamp(0, self.last)
        along_step = torch.where(within, nearest - place, nearest)
        value = nearest * step.detach() + offset.detach()
        return (
            value
            + within * (x - x.detach())
            + along_step * (step - step.detach())
            + ~within * (offset - offset.detach())
        )


class Residual(nn.Module):
    def __init__(self, channels, hidden, slope):
        super().__init__()
        self.first = nn.Conv2d(channels, hidden, 3, padding=1)
        self.second = nn.Conv2d(hidden, channels, 3, padding=1)
        self.slope = slope

    def forward(self, x):
        y = self.first(x)
        return x + self.second(torch.where(y > 0, y, self.slope * y))


# Layer, counterpart, input shape
CASES = {
    "residual": (layers.residual(5), Residual(3, 5, 0.1), IMAGE),
    "residual, another slope": (
        layers.residual(2, negative_slope=0.3),
        Residual(3, 2, 0.3),
        IMAGE,
    ),
    "conv2d": (layers.conv2d(4, 3), nn.Conv2d(3, 4, 3), IMAGE),
    "conv2d strided": (
        layers.conv2d(4, 3, stride=2, padding=1),
        nn.Conv2d(3, 4, 3, stride=2, padding=1),
        IMAGE,
    ),
    "conv2d pairs": (
        layers.conv2d(2, [3, 2], stride=[2, 1], padding=[1, 0]),
        nn.Conv2d(3, 2, (3, 2), stride=(2, 1), padding=(1, 0)),
        IMAGE,
    ),
    "conv2d dilated": (
        layers.conv2d(2, 3, dilation=[2, 1]),
        nn.Conv2d(3, 2, 3, dilation=(2, 1)),
        IMAGE,
    ),
    "conv2d whole image": (layers.conv2d(5, [9, 7]), nn.Conv2d(3, 5, (9, 7)), IMAGE),
    "conv2d pointwise": (layers.conv2d(5, 1), nn.Conv2d(3, 5, 1), IMAGE),
    "conv2d one channel": (
        layers.conv2d(1, 3, bias=False),
        nn.Conv2d(1, 1, 3, bias=False),
        (1, 5, 5),
    ),
    "conv_transpose2d": (layers.conv_transpose2d(4, 3), nn.ConvTranspose2d(3, 4, 3), IMAGE),
    "conv_transpose2d strided": (
        layers.conv_transpose2d(2, 5, stride=3, padding=1, output_padding=2),
        nn.ConvTranspose2d(3, 2, 5, stride=3, padding=1, output_padding=2),
        IMAGE,
    ),
    "conv_transpose2d pairs": (
        layers.conv_transpose2d(2, [2, 3], stride=[2, 1], output_padding=[1, 0], bias=False),
        nn.ConvTranspose2d(3, 2, (2, 3), stride=(2, 1), output_padding=(1, 0), bias=False),
        IMAGE,
    ),
    "conv_lstm": (layers.conv_lstm(4, 3), ConvLSTM(3, 4, 3), IMAGE),
    "conv_lstm strided": (
        layers.conv_lstm(5, 3, stride=2, state_kernel_size=1),
        ConvLSTM(3, 5, 3, 1, stride=2),
        IMAGE,
    ),
    "conv_associative_lstm": (
        layers.conv_associative_lstm(6, 2),
        ConvAssociativeLSTM(3, 6, 2),
        IMAGE,
    ),
    "conv_associative_lstm strided": (
        layers.conv_associative_lstm(2, 3, stride=2, state_kernel_size=1, bias=False),
        ConvAssociativeLSTM(3, 2, 3, 1, stride=2, bias=False),
        IMAGE,
    ),
    "conv_gru": (layers.conv_gru(4, 2), ConvGRU(3, 4, 2), IMAGE),
    "binarize": (layers.binarize(), Binarize(), VECTOR),
    "quantize": (layers.quantize(3), Quantize(3, 3), IMAGE),
    "quantize a vector": (layers.quantize(2), Quantize(6, 2), VECTOR),
    "depth_to_space": (layers.depth_to_space(2), nn.PixelShuffle(2), (8, 3, 5)),
    "depth_to_space by 3": (layers.depth_to_space(3), nn.PixelShuffle(3), (18, 2, 3)),
    "depth_to_space by 1": (layers.depth_to_space(1), nn.PixelShuffle(1), IMAGE),
    "dense": (layers.dense(4), nn.Linear(6, 4), VECTOR),
    "dense without bias": (layers.dense(4, bias=False), nn.Linear(6, 4, bias=False), VECTOR),
    "flatten": (layers.flatten(), nn.Flatten(), IMAGE),
    "reshape": (layers.reshape((7, 27)), nn.Unflatten(1, (7, 27)), (189,)),
    "max_pool2d": (layers.max_pool2d(2), nn.MaxPool2d(2), IMAGE),
    "max_pool2d overlapping": (
        layers.max_pool2d(3, stride=[2, 1], padding=1),
        nn.MaxPool2d(3, stride=(2, 1), padding=1),
        IMAGE,
    ),
    "avg_pool2d": (layers.avg_pool2d([2, 3]), nn.AvgPool2d((2, 3)), IMAGE),
    "avg_pool2d padded": (
        layers.avg_pool2d(3, stride=2, padding=1),
        nn.AvgPool2d(3, stride=2, padding=1),
        IMAGE,
    ),
    "upsample": (layers.upsample(), nn.Upsample(scale_factor=2), IMAGE),
    "upsample bilinear": (
        layers.upsample(3, mode="bilinear"),
        nn.Upsample(scale_factor=3, mode="bilinear"),
        IMAGE,
    ),
    "upsample zeros": (layers.upsample(3, mode="zeros"), Unpool(3), IMAGE),
    "relu": (layers.relu(), nn.ReLU(), IMAGE),
    "affine": (layers.affine(0.5, -2), Affine(), IMAGE),
    "elu": (layers.elu(), nn.ELU(), IMAGE),
    "leaky_relu": (layers.leaky_relu(0.2), nn.LeakyReLU(0.2), IMAGE),
    "leaky_relu zero": (layers.leaky_relu(0.0), nn.LeakyReLU(0.0), IMAGE),
    "sigmoid": (layers.sigmoid(), nn.Sigmoid(), IMAGE),
    "tanh": (layers.tanh(), nn.Tanh(), IMAGE),
    "dropout": (layers.dropout(0.4), nn.Identity(), VECTOR),
    "dropout2d": (layers.dropout2d(0.4), nn.Identity(), IMAGE),
}


def around(layer, shape):
    """A classifier that brings an image to ``shape``, applies the layer and flattens."""
    size = 1
    for each in shape:
        size *= each
    before = [] if len(shape) == 3 else [layers.flatten()]
    image = shape if len(shape) == 3 else (1, 1, size)
    return models.from_spec(models.classifier_spec(image, [*before, layer, layers.flatten()]))


def test_every_kind_is_covered():
    elsewhere = {"entropy_model"}  # test_entropy_model.py
    kinds = {layer["kind"] for layer, _, _ in CASES.values()}
    assert kinds | elsewhere == set(_core.layer_kinds())


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last], ids=str)
@pytest.mark.parametrize("case", CASES)
def test_layer_equals_torch(case, memory_format):
    layer, reference, shape = CASES[case]
    reference = copy.deepcopy(reference)  # the recurrent ones remember what they have seen
    model = around(layer, shape)
    with torch.no_grad():
        for ours, theirs in zip(model.parameters(), reference.parameters(), strict=True):
            theirs.copy_(ours)
    x = torch.randn(2, *model.input_shape).contiguous(memory_format=memory_format).requires_grad_()
    x_reference = x.detach().reshape(2, *shape).requires_grad_()
    output, expected = model(x), reference(x_reference)

    assert model.num_classes == expected[0].numel()
    torch.testing.assert_close(output, expected.flatten(1), rtol=1e-5, atol=1e-6)
    shown = "(" + ", ".join(map(str, expected.shape[1:])) + ("," if expected.dim() == 2 else "")
    assert shown + ")" in model.summary()

    reference.zero_grad()
    output.square().sum().backward()
    expected.square().sum().backward()
    torch.testing.assert_close(x.grad.reshape(2, *shape), x_reference.grad, rtol=1e-4, atol=1e-5)
    for ours, theirs in zip(model.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("case", ["conv2d", "conv_transpose2d strided", "dense", "sigmoid",
                                  "upsample zeros", "depth_to_space"])  # fmt: skip
def test_second_derivatives(case):
    layer, reference, shape = CASES[case]
    model = around(layer, shape)
    with torch.no_grad():
        for ours, theirs in zip(model.parameters(), reference.parameters(), strict=True):
            theirs.copy_(ours)
    given = torch.randn(2, *model.input_shape).contiguous(memory_format=torch.channels_last)
    found = []
    for function in (model, lambda x: reference(x.reshape(2, *shape))):
        x = given.clone().requires_grad_()
        (slope,) = torch.autograd.grad(function(x).square().sum(), x, create_graph=True)
        found.append(torch.autograd.grad(slope.square().sum(), x)[0])
    torch.testing.assert_close(found[0], found[1], rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    ("layer", "shape", "multiply_adds", "parameters"),
    [
        (layers.conv2d(4, 3), IMAGE, 7 * 5 * 4 * 3 * 9, 4 * 3 * 9 + 4),
        (layers.conv2d(4, 3, stride=2, bias=False), IMAGE, 4 * 3 * 4 * 3 * 9, 4 * 3 * 9),
        (layers.conv_transpose2d(2, 5, stride=3), IMAGE, 9 * 7 * 3 * 2 * 25, 3 * 2 * 25 + 2),
        (layers.dense(4), VECTOR, 24, 28),
        (layers.conv_lstm(4, 3), IMAGE, 63 * 16 * 9 * 7, 16 * 9 * 7 + 16),
        (
            layers.conv_associative_lstm(4, 3, state_kernel_size=1),
            IMAGE,
            63 * 18 * (9 * 3 + 4),
            18 * (9 * 3 + 4) + 18,
        ),
        (layers.max_pool2d(2), IMAGE, 0, 0),
        (layers.upsample(), IMAGE, 0, 0),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_costs(layer, shape, multiply_adds, parameters):
    model = around(layer, shape)
    assert model.multiply_adds == multiply_adds
    assert model.num_parameters == parameters
    assert f"{multiply_adds}" in model.summary()


@pytest.mark.parametrize(
    "activation", [layers.relu(), layers.leaky_relu(0.1), layers.sigmoid(), layers.tanh(),
                   layers.affine(2.0, 1.0)],
    ids=lambda layer: layer["kind"],
)  # fmt: skip
def test_activations_leave_the_input_alone(activation):
    # They may overwrite what the layer before made, but never what the caller gave.
    model = models.from_spec(models.autoencoder_spec((1, 2, 2), [activation], [activation]))
    x = torch.randn(3, 1, 2, 2)
    before = x.clone()
    code = model.encode(x)
    code_before = code.clone()
    model.decode(code)
    model(x)
    torch.testing.assert_close(x, before, rtol=0, atol=0)
    torch.testing.assert_close(code, code_before, rtol=0, atol=0)


def test_dropout_scales_what_it_keeps_in_training():
    # In training each output is 0 or doubled; with a loss that is the mean output, its value shows.
    spec = models.autoencoder_spec(
        (1, 1, 1), [layers.flatten()], [layers.dense(1), layers.reshape((1, 1, 1))]
    )
    spec["parts"]["encoder"].append(layers.dropout(0.5))
    model = models.from_spec(spec)
    model.load_state_dict({"decoder.dense0.weight": torch.ones(1, 1),
                           "decoder.dense0.bias": torch.zeros(1)})  # fmt: skip
    ones = torch.ones(4000, 1, 1, 1)
    # |2 − 1| where kept and |0 − 1| where dropped: always 1 exactly.
    history = imgcomp.fit(model, ones, objective="l1", lr=0, epochs=1, batch_size=4000,
                          progress=False, threads=1)  # fmt: skip
    assert history["loss"][0] == 1.0
    # Against a target of 0 the loss is twice the share that is kept.
    history = imgcomp.fit(model, ones, targets=torch.zeros_like(ones), objective="l1", lr=0,
                          epochs=1, batch_size=4000, progress=False, threads=1)  # fmt: skip
    assert history["loss"][0] == pytest.approx(1.0, abs=0.1)
    assert history["loss"][0] != 1.0


def test_quantize_by_hand():
    model = models.from_spec(
        models.autoencoder_spec((2, 1, 4), [layers.quantize(4, name="q")], [layers.conv2d(2, 1)])
    )
    state = model.state_dict()
    assert state["encoder.q.offset"].tolist() == [0.0, 0.0]
    assert state["encoder.q.step"].tolist() == pytest.approx([1 / 3, 1 / 3])
    model.load_state_dict(
        state
        | {"encoder.q.offset": torch.tensor([0.0, -1.0]), "encoder.q.step": torch.tensor([0.5, 1])}
    )
    x = torch.tensor([[-0.3, 0.2, 0.8, 9.0], [-1.4, -0.6, 0.7, 1.6]]).view(1, 2, 1, 4)
    assert model.encode(x).flatten().tolist() == [0.0, 0.0, 1.0, 1.5, -1.0, -1.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (layers.conv2d(32, 3, padding=1), (16, 12, 12)),
        (layers.conv2d(32, 5, padding=2), (16, 8, 8)),
        (layers.conv2d(3, 3, padding=1), (8, 9, 9)),
        (layers.conv2d(32, 3, padding=1, stride=2), (16, 8, 8)),
        (layers.conv2d(32, 3, padding=1), (32, 2, 2)),
        (layers.conv_lstm(32, 3, stride=2), (32, 8, 8)),
    ],
    ids=["3×3", "5×5", "few channels", "stride", "2×2 pixels", "cell"],
)
def test_the_inputs_gradient_alone(layer, shape):
    """Where no weight's gradient is wanted, none is computed; the input's is the same."""
    model = around(layer, shape)
    x = torch.randn(8, *shape).contiguous(memory_format=torch.channels_last).requires_grad_()
    model(x).square().sum().backward()
    (alone,) = torch.autograd.grad(model(x).square().sum(), x)
    assert torch.equal(alone, x.grad)
    assert any(parameter.grad is not None for parameter in model.parameters())
