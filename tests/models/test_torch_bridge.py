"""to_torch gives the same function in plain PyTorch; from_torch takes the weights back."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_networks import PAIRS, refused
from torch import nn

import imgcomp
from imgcomp import models
from imgcomp.errors import UsageError
from imgcomp.models import layers


@pytest.mark.parametrize("name", PAIRS)
def test_equal_outputs_for_feng2018(name):
    model = PAIRS[name][0](seed=2)
    x = torch.rand(4, 1, 28, 28)
    torch.testing.assert_close(model.to_torch()(x), model(x), rtol=0, atol=1e-6)


def test_equal_outputs_with_dropout_unless_told_to_train():
    model = models.feng2018_classifier(seed=2)
    module = model.to_torch()
    x = torch.rand(4, 1, 28, 28)
    torch.testing.assert_close(module(x), model(x), rtol=0, atol=1e-6)
    module.train()
    assert not torch.allclose(module(x), model(x))


def test_other_default_device_and_dtype():
    model = models.feng2018_cnn(seed=2)
    x = torch.rand(2, 1, 28, 28)
    try:
        torch.set_default_dtype(torch.float64)
        with torch.device("meta"):
            module = model.to_torch()
    finally:
        torch.set_default_dtype(torch.float32)
    torch.testing.assert_close(module(x), model(x), rtol=0, atol=1e-6)


def test_it_is_plain_torch():
    module = models.feng2018_shared(hidden=8).to_torch()
    own = {type(m).__module__.split(".")[0] for m in module.modules()}
    assert own <= {"torch", "imgcomp"}
    assert sum(p.numel() for p in module.parameters()) == 784 * 8 + 8 + 784
    assert all(p.requires_grad and p.is_leaf for p in module.parameters())


def test_weights_are_copies_both_ways():
    model = models.feng2018_ann(8)
    module = model.to_torch()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(1)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name])
    assert imgcomp.from_torch(model, module) is model
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(tensor, before[name] + 1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
    assert model.state_dict()["encoder.dense1.weight"].abs().sum() > 0


def test_the_tie_lives_in_torch_too():
    model = models.feng2018_shared(hidden=8, seed=4)
    module = copy.deepcopy(model.to_torch())
    x = torch.rand(3, 1, 28, 28)
    optimizer = torch.optim.SGD(module.parameters(), lr=1.0)
    nn.functional.mse_loss(module(x), x).backward()
    optimizer.step()
    imgcomp.from_torch(model, module)
    torch.testing.assert_close(model(x), module(x), rtol=0, atol=1e-6)


def test_names_of_layers_may_be_anything():
    names = ["forward", "append", "train", "0", "a/b", "_modules", "weight"]
    spec = models.classifier_spec(
        (1, 1, 3), [layers.flatten(), *(layers.dense(3, name=name) for name in names)]
    )
    model = models.from_spec(spec)
    module = model.to_torch()
    x = torch.rand(2, 1, 1, 3)
    torch.testing.assert_close(module(x), model(x), rtol=0, atol=1e-6)
    assert list(module.state_dict()) == list(model.state_dict())


def test_wrong_modules_are_refused():
    model = models.feng2018_ann(8)
    with refused(UsageError, "torch.nn.Module, not dict"):
        imgcomp.from_torch(model, {})
    with refused(UsageError, "imgcomp model, not Linear"):
        imgcomp.from_torch(nn.Linear(1, 1), nn.Linear(1, 1))
    with refused(UsageError, "missing ['decoder.dense2.bias'", "unknown ['bias', 'weight']"):
        imgcomp.from_torch(model, nn.Linear(1, 1))
    before = model.copy()
    with refused(UsageError, "'encoder.dense1.weight'", "(8, 784)", "(9, 784)"):
        imgcomp.from_torch(model, models.feng2018_ann(9).to_torch())
    for ours, theirs in zip(model.parameters(), before.parameters(), strict=True):
        assert torch.equal(ours, theirs)


# Random networks ------------------------------------------------------------------------------

POINTWISE = st.sampled_from(
    [
        layers.relu(),
        layers.sigmoid(),
        layers.tanh(),
        layers.leaky_relu(0.1),
        layers.leaky_relu(0.0),
        layers.dropout(0.3),
    ]
)


@st.composite
def image_layer(draw, shape):
    """A layer that fits an image of this shape."""
    _, height, width = shape
    kind = draw(st.sampled_from(["conv", "conv", "deconv", "pool", "upsample", "point"]))
    if kind == "conv":
        kernel = [draw(st.integers(1, min(3, size))) for size in (height, width)]
        layer = layers.conv2d(
            draw(st.integers(1, 4)),
            kernel,
            stride=draw(st.integers(1, 2)),
            padding=draw(st.integers(0, 1)),
            bias=draw(st.booleans()),
        )
    elif kind == "deconv" and max(height, width) <= 8:
        stride = draw(st.integers(1, 2))
        layer = layers.conv_transpose2d(
            draw(st.integers(1, 4)),
            draw(st.integers(2, 3)),
            stride=stride,
            output_padding=draw(st.integers(0, stride - 1)),
            bias=draw(st.booleans()),
        )
    elif kind == "pool" and min(height, width) >= 2:
        make = draw(st.sampled_from([layers.max_pool2d, layers.avg_pool2d]))
        layer = make(2, stride=draw(st.integers(1, 2)), padding=draw(st.integers(0, 1)))
    elif kind == "upsample" and max(height, width) <= 8:
        layer = layers.upsample(2, mode=draw(st.sampled_from(["nearest", "bilinear", "zeros"])))
    else:
        layer = draw(POINTWISE)
    return layer


def shape_after(shape, encoder):
    modules = models.from_spec(
        models.classifier_spec(shape, [*encoder, layers.flatten(name="last")])
    ).to_torch()
    x = torch.zeros(1, *shape)
    for module in modules.classifier[:-1]:
        x = module(x)
    return tuple(x.shape[1:])


@st.composite
def network(draw):
    shape = (draw(st.integers(1, 3)), draw(st.integers(2, 7)), draw(st.integers(2, 7)))
    encoder, at = [], shape
    for _ in range(draw(st.integers(1, 5))):
        encoder.append(draw(image_layer(at)))
        at = shape_after(shape, encoder)
    decoder = [layers.flatten()]
    for _ in range(draw(st.integers(0, 2))):
        decoder += [layers.dense(draw(st.integers(1, 5))), draw(POINTWISE)]
    size = shape[0] * shape[1] * shape[2]
    decoder += [layers.dense(size), draw(POINTWISE), layers.reshape(shape)]
    return models.autoencoder_spec(shape, encoder, decoder)


@settings(max_examples=40, deadline=None)
@given(spec=network(), seed=st.integers(0, 1000), channels_last=st.booleans())
def test_random_networks_equal_torch(spec, seed, channels_last):
    model = models.from_spec(spec, seed)
    module = model.to_torch()
    x = torch.rand(2, *model.input_shape, generator=torch.Generator().manual_seed(seed))
    if channels_last:
        x = x.contiguous(memory_format=torch.channels_last)
    output, expected = model(x), module(x)
    torch.testing.assert_close(output, expected, rtol=1e-5, atol=1e-6)
    # Gradients too: overwriting in place must not change what is derived.
    (output - x).square().sum().backward()
    (expected - x).square().sum().backward()
    for ours, theirs in zip(model.parameters(), module.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-5)
    assert model.code_shape == tuple(module.encoder(x).shape[1:])
    assert models.from_spec(model.spec, seed).spec == model.spec
