"""What is wrong with a spec is said with the layer, what it expected and what came."""

import copy
import math

import numpy as np
import pytest
from reference_networks import refused

from imgcomp import models
from imgcomp.errors import SpecError
from imgcomp.models import layers

IMAGE = (2, 6, 6)


def build(*encoder, decoder=None, shape=IMAGE, **options):
    """An autoencoder whose first part is under test."""
    decoder = decoder or [layers.relu()]
    return models.from_spec(models.autoencoder_spec(shape, list(encoder), decoder, **options))


FIRST = [
    # kinds and options
    ({"kind": "convolution"}, ["encoder.convolution0", "unknown layer kind 'convolution'",
                               "affine, avg_pool2d, binarize, conv2d, conv_associative_lstm"]),
    ({"kind": "conv2d", "kernel_size": 3}, ["encoder.conv2d0 (conv2d)",
                                            "option 'out_channels' is missing"]),
    ({"kind": "conv2d", "out_channels": 3}, ["option 'kernel_size' is missing"]),
    ({"kind": "conv2d", "out_channels": 3, "kernel_size": 3, "groups": 2},
     ["encoder.conv2d0", "unknown option 'groups'", "dilation", "out_channels"]),
    ({"kind": "relu", "inplace": True}, ["unknown option 'inplace'", "this kind has none"]),
    ({"kind": "dense"}, ["expects a vector, got shape (2, 6, 6)", "flatten"]),
    (layers.quantize(1), ["'levels' must be a whole number", "at least 2"]),
    (layers.quantize(65537), ["'levels' must be at most 65536, not 65537"]),
    # types
    (layers.conv2d("4", 3), ["'out_channels' must be a whole number", "at least 1", "'4'"]),
    (layers.conv2d(4.5, 3), ["'out_channels' must be a whole number", "4.5"]),
    (layers.conv2d(True, 3), ["'out_channels' must be a whole number", "true"]),
    (layers.conv2d(4, [3]), ["'kernel_size' must be a whole number", "[height, width]", "(3,)"]),
    (layers.conv2d(4, [3, 3, 3]), ["'kernel_size'", "(3, 3, 3)"]),
    (layers.conv2d(4, [3, 2.0]), ["'kernel_size' must be a list of whole numbers", "float"]),
    (layers.conv2d(4, [[3], 3]), ["'kernel_size' must be a list of whole numbers", "list"]),
    (layers.conv2d(4, []), ["'kernel_size'", "()"]),
    (layers.conv2d(4, 3, bias=1), ["'bias' must be true or false, not 1"]),
    (layers.conv2d(4, 3, bias="no"), ["'bias' must be true or false, not 'no'"]),
    (layers.upsample(2, mode="cubic"), ["'mode' must be one of 'nearest', 'bilinear'", "'cubic'"]),
    ({"kind": "upsample", "mode": 3}, ["'mode' must be a string, not 3"]),
    ({"kind": "dropout", "p": "x"}, ["'p' must be a number, not 'x'"]),
    (layers.reshape(5), ["'shape' must be a list of whole numbers, not 5"]),
    (layers.reshape([]), ["'shape' must be a list"]),
    ({"kind": "conv2d", "out_channels": {}, "kernel_size": 3}, ["layer 0 of part 'encoder'",
                                                               "'out_channels'", "not a dict"]),
    ({"kind": "conv2d", "out_channels": None, "kernel_size": 3}, ["not a NoneType"]),
    ({"kind": "conv2d", "out_channels": np.zeros(3), "kernel_size": 3}, ["not a ndarray"]),
    # ranges
    (layers.conv2d(0, 3), ["'out_channels' must be a whole number of at least 1, not 0"]),
    (layers.conv2d(4, 3, stride=0), ["'stride'", "at least 1", "not 0"]),
    (layers.conv2d(4, 3, padding=-1), ["'padding'", "at least 0", "not -1"]),
    (layers.conv2d(4, 3, padding=[1, -1]), ["'padding'", "(1, -1)"]),
    (layers.conv2d(2**62, 3), ["'out_channels' must be at most"]),
    (layers.conv2d(2**70, 3), ["'out_channels'", "64 bits"]),
    (layers.conv2d(4, 3, padding=2**62), ["'padding' must be at most"]),
    (layers.conv2d(2**22, [2**11, 2**11], padding=2**11), ["'encoder.conv2d0.weight'", "at most"]),
    (layers.upsample(2**21), ["the output must have at most"]),
    (layers.dropout(1.0), ["'p' must be smaller than 1"]),
    (layers.dropout(-0.1), ["'p' must be between 0 and 1, not -0.1"]),
    (layers.dropout(math.nan), ["'p' must be between 0 and 1"]),
    (layers.leaky_relu(2.0), ["'negative_slope' must be between 0 and 1, not 2"]),
    (layers.reshape([8, 0]), ["'shape' must be positive sizes"]),
    (layers.reshape([-1]), ["'shape' must be positive sizes"]),
    (layers.max_pool2d(3, padding=2), ["'padding' must be at most half of 'kernel_size'"]),
    (layers.conv_transpose2d(2, 3, stride=2, output_padding=2),
     ["'output_padding' must be smaller than 'stride'", "2 with stride 2"]),
    (layers.conv_associative_lstm(5, 3), ["'out_channels' must be even", "not 5"]),
    # geometry
    (layers.conv2d(4, 7), ["encoder.conv2d0", "spans 7", "(2, 6, 6)"]),
    (layers.conv2d(4, 3, dilation=3), ["spans 7", "(2, 6, 6)"]),
    (layers.max_pool2d(7), ["encoder.max_pool2d0", "window of 7", "(2, 6, 6)"]),
    (layers.conv_transpose2d(2, 1, padding=3), ["encoder.conv_transpose2d0", "padding 3"]),
    (layers.reshape([71]), ["encoder.reshape0", "(2, 6, 6) with 72 values", "(71,) with 71"]),
    # things that are no layer
    ("relu", ["layer 0 of part 'encoder'", "dict with a 'kind'", "not a str"]),
    (None, ["not a NoneType"]),
    ({}, ["layer 0 of part 'encoder' has no 'kind'"]),
    ({"kind": 3}, ["'kind' must be a string, not a int"]),
    ({"kind": "relu", "name": 3}, ["'name' must be a string, not a int"]),
    ({"kind": "relu", "name": "a.b"}, ["'a.b'", "dot"]),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "fragments"), FIRST, ids=lambda value: str(value)[:50])
def test_a_bad_layer_is_named(layer, fragments):
    with refused(SpecError, *fragments):
        build(layer)


def test_the_failing_layer_is_named_wherever_it_is():
    with refused(SpecError, "decoder.last (dense)", "expects a vector, got shape (3, 4, 4)"):
        build(
            layers.conv2d(3, 3), decoder=[layers.relu(), layers.dense(72, name="last")]
        )  # fmt: skip
    with refused(SpecError, "layer 1 of part 'decoder'", "float"):
        build(layers.relu(), decoder=[layers.relu(), layers.conv2d(2, [1.0, 1])])


def test_image_layers_refuse_vectors():
    for layer in (layers.conv2d(1, 1), layers.conv_transpose2d(1, 1), layers.max_pool2d(2),
                  layers.upsample(), layers.dropout2d()):  # fmt: skip
        with refused(SpecError, f"encoder.{layer['kind']}1", "(channels, height, width)", "(72,)"):
            build(layers.flatten(), layer)


def test_names_clash():
    with refused(SpecError, "two layers of part 'encoder' are named 'a'"):
        build(layers.relu(name="a"), layers.tanh(name="a"))
    # A given name may be the one that another layer would get.
    with refused(SpecError, "relu1"):
        build(layers.relu(name="relu1"), layers.relu())
    # Parts have names of their own.
    build(layers.relu(name="a"), decoder=[layers.relu(name="a")])


def test_names_are_filled_in():
    model = build(layers.relu(), layers.conv2d(2, 1), layers.relu(), layers.tanh(name=""))
    names = [layer["name"] for layer in model.spec["parts"]["encoder"]]
    assert names == ["relu0", "conv2d1", "relu2", "tanh3"]
    assert list(model.state_dict()) == ["encoder.conv2d1.weight", "encoder.conv2d1.bias"]


def test_the_decoder_must_end_as_the_images_began():
    with refused(SpecError, "the decoder ends with shape (2, 4, 4)", "images have (2, 6, 6)"):
        build(layers.conv2d(2, 3))


def test_a_classifier_must_end_with_a_vector():
    with refused(SpecError, "vector of logits", "(2, 6, 6)"):
        models.from_spec(models.classifier_spec(IMAGE, [layers.relu()]))


@pytest.mark.parametrize(
    ("tied", "fragments"),
    [
        ({"tied_to": "encoder.other"}, ["decoder.second", "'encoder.other.weight'",
                                        "there are: encoder.first.weight, encoder.first.bias"]),
        ({"tied_to": "decoder.second"}, ["'decoder.second.weight'"]),
        ({"tied_to": "encoder.first", "out_features": 71}, ["'out_features' must be 72", "71"]),
        ({"tied_to": 3}, ["'tied_to' must be a string, not 3"]),
    ],
)  # fmt: skip
def test_bad_ties(tied, fragments):
    with refused(SpecError, "decoder.second", *fragments):
        build(
            layers.flatten(),
            layers.dense(5, name="first"),
            decoder=[{"kind": "dense", "name": "second", **tied}, layers.reshape(IMAGE)],
        )


def test_a_tie_must_fit():
    first = [layers.conv2d(1, 1, name="conv"), layers.flatten(), layers.dense(5, name="first")]
    with refused(SpecError, "decoder.second", "(5, 36)", "'encoder.first'", "4 features"):
        build(*first, layers.dense(4), decoder=[layers.dense(tied_to="encoder.first",
                                                             name="second")])  # fmt: skip
    with refused(SpecError, "decoder.second", "(1, 2, 1, 1)", "'encoder.conv'"):
        build(*first, decoder=[layers.dense(tied_to="encoder.conv", name="second")])


GOOD = models.autoencoder_spec(IMAGE, [layers.relu()], [layers.relu()])


@pytest.mark.parametrize(
    ("change", "fragments"),
    [
        ({"task": "segmenter"}, ["task must be 'autoencoder' or 'classifier', not 'segmenter'"]),
        ({"task": 3}, ["'task' must be a string, not a int"]),
        ({"task": "classifier"}, ["'classifier'", "'encoder', 'decoder'"]),
        ({"input_shape": [6, 6]}, ["input_shape must be (channels, height, width), not (6, 6)"]),
        ({"input_shape": [0, 6, 6]}, ["input_shape", "(0, 6, 6)"]),
        ({"input_shape": [-1, -6, 12]}, ["input_shape", "(-1, -6, 12)"]),
        ({"input_shape": [2**40, 2**40, 1]}, ["input_shape", "at most"]),
        ({"input_shape": [2.0, 6, 6]}, ["'input_shape' must be a list of three whole numbers"]),
        ({"input_shape": "266"}, ["'input_shape' must be a list", "not a str"]),
        ({"input_shape": None}, ["'input_shape' must be a list", "not a NoneType"]),
        ({"data_range": [1, 0]}, ["data_range must be two finite numbers that rise, not [1, 0]"]),
        ({"data_range": [0, 0]}, ["data_range"]),
        ({"data_range": [0, math.inf]}, ["data_range", "inf"]),
        ({"data_range": [-math.inf, 0]}, ["data_range", "inf"]),
        ({"data_range": [math.nan, 1]}, ["data_range", "nan"]),
        ({"data_range": [0, 1e-60]}, ["data_range"]),
        ({"data_range": [0, 1, 2]}, ["'data_range' must be a pair of numbers"]),
        ({"data_range": 1}, ["'data_range' must be a pair of numbers, not a int"]),
        ({"initialization": "he"}, ["'pytorch', 'keras' or 'chainer', not 'he'"]),
        ({"parts": []}, ["'parts' must be a dict of layer lists, not a list"]),
        ({"parts": {}}, ["has the parts 'encoder', 'decoder'; this one has none"]),
        ({"parts": {"encoder": [layers.relu()]}}, ["this one has 'encoder'"]),
        ({"parts": {"encoder": 3, "decoder": []}}, ["part 'encoder' must be a list of layers"]),
        ({"parts": {"encoder": [], "decoder": []}}, ["part 'encoder' has no layers"]),
        ({"version": 2}, ["unknown entry 'version'"]),
    ],
    ids=str,
)
def test_bad_specs(change, fragments):
    with refused(SpecError, *fragments):
        models.from_spec({**GOOD, **change})


def test_extra_parts():
    spec = copy.deepcopy(GOOD)
    spec["parts"]["discriminator"] = [layers.relu()]
    with refused(SpecError, "'encoder', 'decoder', 'discriminator'"):
        models.from_spec(spec)


@pytest.mark.parametrize("missing", ["task", "input_shape", "parts"])
def test_missing_entries(missing):
    with refused(SpecError, f"the spec has no '{missing}'"):
        models.from_spec({key: value for key, value in GOOD.items() if key != missing})


@pytest.mark.parametrize("spec", [None, "relu", [], 3])
def test_what_is_no_dict(spec):
    with refused(SpecError, f"a spec is a dict, not {type(spec).__name__}"):
        models.from_spec(spec)


def test_a_spec_builds_only_its_own_class():
    with refused(SpecError, "Classifier takes a spec whose task is 'classifier'", "'autoencoder'"):
        models.Classifier(GOOD)
    with refused(SpecError, "Autoencoder takes a spec whose task is 'autoencoder'"):
        models.Autoencoder(models.classifier_spec(IMAGE, [layers.flatten()]))


@pytest.mark.parametrize("seed", [-1, 2**63, 1.0, "1", None, True])
def test_bad_seeds(seed):
    with refused(models.model.UsageError, "seed must be a whole number", repr(seed)):
        models.from_spec(GOOD, seed=seed)


def test_numpy_numbers_are_numbers():
    size = np.int32(4)
    model = build(layers.conv2d(size, (np.int64(3), 3), padding=np.uint8(1)),
                  decoder=[layers.conv2d(np.int64(2), 1)], shape=np.array(IMAGE))  # fmt: skip
    spec = model.spec
    assert spec["parts"]["encoder"][0]["out_channels"] == 4
    assert type(spec["parts"]["encoder"][0]["out_channels"]) is int


@pytest.mark.parametrize("builder", ["feng2018_cnn", "feng2018_ann", "feng2018_shared"])
def test_a_spec_rebuilds_the_same_network(builder):
    import json

    model = getattr(models, builder)(seed=5)
    again = models.from_spec(json.loads(json.dumps(model.spec)), seed=5)
    assert type(again) is type(model)
    assert again.spec == model.spec
    assert again.summary() == model.summary()
    for name, tensor in model.state_dict().items():
        assert (again.state_dict()[name] == tensor).all()


def test_specs_are_copies():
    spec = copy.deepcopy(GOOD)
    model = models.from_spec(spec)
    spec["parts"]["encoder"].append(layers.conv2d(9, 9))
    model.spec["input_shape"][0] = 99
    assert model.input_shape == IMAGE
    assert len(model.spec["parts"]["encoder"]) == 1
