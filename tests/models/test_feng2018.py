"""feng2018's four networks: sizes and costs counted by hand, and the tied weight."""

import pytest
import torch
from reference_networks import random_images

import imgcomp
from imgcomp import models

# Parameters and multiply–adds per image, layer by layer from the paper's sizes.
CNN_PARAMETERS = (25 * 9 + 25) + (10 * 25 * 9 + 10) + (10 * 25 * 9 + 25) + (25 * 10 * 25 + 10) + 41
CNN_MULTIPLY_ADDS = 100 * 225 + 9 * 2250 + 4 * 2250 + 25 * 6250 + 225 * 40


@pytest.mark.parametrize(
    ("model", "parameters", "multiply_adds"),
    [
        (models.feng2018_cnn(), 11_086, 217_000),
        (models.feng2018_ann(), 628_384, 627_200),
        (models.feng2018_shared(), 314_784, 627_200),
        (models.feng2018_classifier(), 21_840, 480_500),
        (models.feng2018_ann(40), 63_544, 62_720),
        (models.feng2018_deep(), 717_024, 715_200),
        (models.feng2018_deep(400, (600,)), 1_423_184, 1_420_800),
    ],
    ids=["cnn", "ann", "shared", "classifier", "ann40", "deep", "deep400"],
)
def test_costs(model, parameters, multiply_adds):
    assert type(model.num_parameters) is int
    assert model.num_parameters == parameters
    assert model.multiply_adds == multiply_adds
    assert sum(tensor.numel() for tensor in model.parameters()) == parameters


def test_the_cnn_layer_by_layer():
    assert CNN_PARAMETERS == 11_086
    assert CNN_MULTIPLY_ADDS == 217_000
    rows = [line.split() for line in models.feng2018_cnn().summary().splitlines()]
    table = {row[0]: row for row in rows}
    shapes = {
        "encoder.conv1": ("(25, 10, 10)", "250", "22500"),
        "encoder.pool1": ("(25, 5, 5)", "0", "0"),
        "encoder.conv2": ("(10, 3, 3)", "2260", "20250"),
        "encoder.pool2": ("(10, 2, 2)", "0", "0"),
        "decoder.deconv1": ("(25, 5, 5)", "2275", "9000"),
        "decoder.deconv2": ("(10, 15, 15)", "6260", "156250"),
        "decoder.deconv3": ("(1, 28, 28)", "41", "9000"),
    }
    for name, (shape, parameters, multiply_adds) in shapes.items():
        assert " ".join(table[name][2:-2]) == shape
        assert table[name][-2:] == [parameters, multiply_adds]
    assert table["total"][-2:] == ["11086", "217000"]


def test_shapes():
    x = torch.rand(3, 1, 28, 28)
    for model, code in [
        (models.feng2018_cnn(), (10, 2, 2)),
        (models.feng2018_ann(), (400,)),
        (models.feng2018_shared(hidden=8), (8,)),
        (models.feng2018_deep(12, (30, 20)), (12,)),
    ]:
        assert model.code_shape == code
        assert model.input_shape == (1, 28, 28)
        assert model.encode(x).shape == (3, *code)
        assert model.decode(model.encode(x)).shape == x.shape
        torch.testing.assert_close(model.decode(model.encode(x)), model(x), rtol=0, atol=0)
    classifier = models.feng2018_classifier(num_classes=7)
    assert classifier.num_classes == 7
    assert classifier.logits(x).shape == (3, 7)


def test_the_tied_weight_is_one_tensor():
    model = models.feng2018_shared(hidden=8)
    state = model.state_dict()
    assert list(state) == ["encoder.dense1.weight", "encoder.dense1.bias", "decoder.dense2.bias"]
    x, code = torch.rand(2, 1, 28, 28), torch.rand(2, 8)
    encoded, decoded = model.encode(x), model.decode(code)
    state["encoder.dense1.weight"].mul_(2)  # shares the model's memory
    assert not torch.allclose(model.encode(x), encoded)
    assert not torch.allclose(model.decode(code), decoded)


def test_the_tied_weight_gets_the_sum_of_both_gradients():
    shared = models.feng2018_shared(hidden=8, seed=1)
    ann = models.feng2018_ann(hidden=8, seed=1)
    state = shared.state_dict()
    weight = state["encoder.dense1.weight"]
    ann.load_state_dict({**state, "decoder.dense2.weight": weight.t()})
    x = torch.rand(4, 1, 28, 28)
    for model in (shared, ann):
        (model(x) - x).square().mean().backward()
    of_shared = dict(zip(shared.state_dict(), shared.parameters(), strict=True))
    of_ann = dict(zip(ann.state_dict(), ann.parameters(), strict=True))
    both = of_ann["encoder.dense1.weight"].grad + of_ann["decoder.dense2.weight"].grad.t()
    torch.testing.assert_close(of_shared["encoder.dense1.weight"].grad, both)


def test_the_tie_survives_training_and_moving():
    model = models.feng2018_shared(hidden=8)
    imgcomp.fit(model, random_images(20), epochs=9, batch_size=5, lr=0.01, progress=False)
    model.to("cpu")
    x = torch.rand(2, 1, 28, 28)
    state = model.state_dict()
    weight = state["encoder.dense1.weight"]
    code = torch.sigmoid(x.flatten(1) @ weight.t() + state["encoder.dense1.bias"])
    output = torch.sigmoid(code @ weight + state["decoder.dense2.bias"])
    torch.testing.assert_close(model(x).flatten(1), output)


def test_dropout_is_for_training_only():
    with_dropout = models.feng2018_classifier(dropout=True, seed=3)
    without = models.feng2018_classifier(dropout=False, seed=3)
    x = torch.rand(5, 1, 28, 28)
    torch.testing.assert_close(with_dropout(x), without(x), rtol=0, atol=0)
    kinds = [layer["kind"] for layer in with_dropout.spec["parts"]["classifier"]]
    assert kinds.index("dropout2d") < kinds.index("max_pool2d", 2)
    assert kinds[-2:] == ["dropout", "dense"]
