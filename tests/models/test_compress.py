"""Pruned and product-quantised networks: what is kept, what it takes, what training restores."""

import json
import math

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans

import imgcomp
from imgcomp import models
from imgcomp.errors import CheckpointError, TrainingDivergedError, UsageError
from imgcomp.models.compress import (
    CompressedModel,
    dense_layers,
    fine_tune,
    product_quantize,
    prune,
    uniform_quantize,
)
from imgcomp.models.compress.kmeans import kmeans


def weights(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def same_weights(one, other):
    first, second = one.state_dict(), other.state_dict()
    return list(first) == list(second) and all(
        torch.equal(first[name], second[name]) for name in first
    )


def test_dense_layers_are_named():
    assert dense_layers(models.feng2018_ann()) == ["encoder.dense1", "decoder.dense2"]
    assert dense_layers(models.feng2018_shared()) == ["encoder.dense1"]
    assert dense_layers(models.feng2018_classifier()) == ["classifier.dense1", "classifier.dense2"]
    assert dense_layers(models.feng2018_cnn()) == []


@pytest.mark.parametrize("share", [0, 0.3, 0.9, 0.999])
def test_pruning_takes_the_smallest_weights_of_each_layer(share):
    model = models.feng2018_ann(hidden=20)
    before = weights(model)
    small = prune(model, share)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    after = small.model.state_dict()
    for name in ("encoder.dense1.weight", "decoder.dense2.weight"):
        kept = after[name] != 0
        assert int(kept.sum()) == 15680 - round(share * 15680)
        assert torch.equal(after[name][kept], before[name][kept])
        if share:
            assert before[name][kept].abs().min() >= before[name][~kept].abs().max()
    for name in ("encoder.dense1.bias", "decoder.dense2.bias"):
        assert torch.equal(after[name], before[name])


def test_only_the_layers_asked_for():
    model = models.feng2018_ann(hidden=20)
    small = prune(model, 0.5, layers=["decoder.dense2"])
    assert list(small.weights) == ["decoder.dense2.weight"]
    assert torch.equal(
        small.model.state_dict()["encoder.dense1.weight"],
        model.state_dict()["encoder.dense1.weight"],
    )


def test_a_tied_layer_follows():
    model = models.feng2018_shared(hidden=20)
    small = product_quantize(prune(model, 0.5).model, 8, 4)
    assert list(small.weights) == ["encoder.dense1.weight"]
    weight = small.model.state_dict()["encoder.dense1.weight"]
    code = torch.rand(2, 20)
    bias = small.model.state_dict()["decoder.dense2.bias"]
    expected = torch.sigmoid(code @ weight + bias).reshape(2, 1, 28, 28)
    assert torch.allclose(small.model.decode(code), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("length", "codewords"), [(1, 1), (4, 16), (2, 20), (4, 5), (10, 2)], ids=str
)
def test_product_quantisation_builds_rows_from_codewords(length, codewords):
    model = models.feng2018_ann(hidden=20)
    layers = ["decoder.dense2"]
    form = product_quantize(model, length, codewords, layers).weights["decoder.dense2.weight"]
    assert form.codebooks.shape == (20 // length, codewords, length)
    built = form.build(form.codebooks)
    weight = model.state_dict()["decoder.dense2.weight"]
    for group in range(20 // length):
        columns = slice(group * length, (group + 1) * length)
        for row in (0, 5, 783):
            assert torch.equal(built[row, columns], form.codebooks[group, form.numbers[group, row]])
        # Every row has the nearest of its group's codewords.
        distances = torch.cdist(weight[:, columns], form.codebooks[group])
        chosen = distances.gather(1, form.numbers[group][:, None])[:, 0]
        assert torch.allclose(chosen, distances.min(dim=1).values, atol=1e-6)


def test_as_many_codewords_as_rows_lose_nothing():
    model = models.feng2018_ann(hidden=12)
    small = product_quantize(model, 7, 12, ["encoder.dense1"])
    assert same_weights(small.model, model)


@pytest.mark.parametrize("bits", [1, 4, 8, 16])
def test_uniform_quantisation_rounds_to_equal_steps(bits):
    model = models.feng2018_ann(hidden=20)
    small = uniform_quantize(model, bits).model.state_dict()
    for name in ("encoder.dense1.weight", "decoder.dense2.weight"):
        weight = model.state_dict()[name]
        step = float(weight.max() - weight.min()) / (2**bits - 1)
        assert (small[name] - weight).abs().max() <= 0.5 * step + 1e-7
        assert len(small[name].unique()) <= 2**bits
        assert small[name].min() == weight.min()
        assert small[name].max() == weight.max()


def test_a_layer_of_one_value_is_quantised_without_loss():
    model = models.feng2018_ann(hidden=20)
    weight = torch.full((20, 784), 0.25)
    model.load_state_dict({**model.state_dict(), "encoder.dense1.weight": weight})
    assert torch.equal(
        uniform_quantize(model, 4).model.state_dict()["encoder.dense1.weight"], weight
    )


def test_kmeans_is_as_good_as_scikit_learns():
    generator = torch.Generator().manual_seed(1)
    points = torch.randn(3, 200, 2, generator=generator)
    centres, near = kmeans(points, 8, 100, generator)
    for index in range(3):
        rebuilt = centres[index][near[index]]
        ours = float((points[index] - rebuilt).square().sum())
        theirs = KMeans(8, init="random", n_init=10, random_state=0).fit(points[index].numpy())
        assert ours < 1.25 * theirs.inertia_
        # A fixed point: each centre is the mean of its points.
        for number in range(8):
            mean = points[index][near[index] == number].mean(dim=0)
            assert torch.allclose(centres[index, number], mean, atol=1e-5)


def test_kmeans_leaves_no_centre_empty():
    points = torch.tensor([[[0.0], [0.0], [0.0], [1.0], [5.0], [9.0]]])
    for seed in range(5):
        centres, _ = kmeans(points, 4, 20, torch.Generator().manual_seed(seed))
        assert sorted(centres.flatten().tolist()) == [0, 1, 5, 9]


# Bytes


@pytest.mark.parametrize(
    "make",
    [
        lambda model: CompressedModel(model),
        lambda model: prune(model, 0.2),
        lambda model: prune(model, 0.97),
        lambda model: prune(model, 0.9999),
        lambda model: product_quantize(model, 4, 5),
        lambda model: product_quantize(model, 2, 1),
        lambda model: product_quantize(model, 4, 8, ["encoder.dense1"]),
        lambda model: uniform_quantize(model, 1),
        lambda model: uniform_quantize(model, 11, ["decoder.dense2"]),
    ],
)
def test_bytes_give_back_the_network_bit_for_bit(make):
    small = make(models.feng2018_ann(hidden=20, seed=3))
    raw = small.to_bytes()
    found = CompressedModel.from_bytes(raw)
    assert same_weights(found.model, small.model)
    assert found.model.spec == small.model.spec
    assert found.to_bytes() == raw
    assert small.num_bytes == len(raw)
    assert 0 < small.packed_bytes("lzma") < 1.1 * len(raw)
    assert 0 < small.packed_bytes("zlib") < 1.1 * len(raw)


def header_size(small):
    raw = small.to_bytes()
    place = raw.index(b"\n") + 1
    return place + 4 + int.from_bytes(raw[place : place + 4], "little")


def test_bytes_are_what_the_formats_say():
    model = models.feng2018_ann()
    biases, places = 4 * (400 + 784), 784 * 400
    assert CompressedModel(model).num_bytes == biases + 8 * places + header_size(
        CompressedModel(model)
    )
    half = prune(model, 0.5)  # a bit for each place is shorter here
    assert half.num_bytes == biases + 2 * (4 * places // 2 + places // 8) + header_size(half)
    most = prune(model, 0.95)  # here a byte for each value, and a few for long gaps
    kept = places // 20
    size = most.num_bytes - biases - header_size(most)
    assert 2 * 5 * kept <= size < 2 * 5 * kept * 1.01
    words = product_quantize(model, 4, 10, iterations=2)  # 10 codewords: 4 bits
    first = 196 * 10 * 4 * 4 + 400 * 196 // 2
    second = 100 * 10 * 4 * 4 + 784 * 100 // 2
    assert words.num_bytes == biases + first + second + header_size(words)
    assert header_size(words) < 1500
    plain = uniform_quantize(model, 3)
    assert plain.num_bytes == biases + 2 * (8 + 3 * places // 8) + header_size(plain)


def test_gaps_longer_than_a_byte():
    model = models.feng2018_ann(hidden=4)
    weight = torch.zeros(4, 784)
    for place in (0, 255, 511, 767, 1600, 3135):
        weight.view(-1)[place] = place + 1.0
    model.load_state_dict({**model.state_dict(), "encoder.dense1.weight": weight})
    small = prune(model, 1 - 6 / 3136, ["encoder.dense1"])
    head, _ = small.weights["encoder.dense1.weight"].write()
    # Gaps of −, 254, 255, 255, 832 and 1534 zeros.
    assert (head["positions"], head["bytes"]) == ("gaps", 1 + 1 + 2 + 2 + 4 + 7)
    found = CompressedModel.from_bytes(small.to_bytes())
    assert torch.equal(found.model.state_dict()["encoder.dense1.weight"], weight)


def test_damaged_bytes_are_refused():
    raw = product_quantize(models.feng2018_ann(hidden=20), 4, 5).to_bytes()
    for broken in (
        b"",
        b"hello",
        raw[:-1],
        raw + b"x",
        raw[:30],
        raw.replace(b"product", b"prodigy"),
    ):
        with pytest.raises(CheckpointError, match="expected"):
            CompressedModel.from_bytes(broken)
    pruned = prune(models.feng2018_ann(hidden=20), 0.9).to_bytes()
    place = header_size(prune(models.feng2018_ann(hidden=20), 0.9))
    with pytest.raises(CheckpointError, match="do not belong together"):
        CompressedModel.from_bytes(pruned[:place] + b"\xff" * 40 + pruned[place + 40 :])


# Training what is left


@pytest.fixture(scope="module")
def trained():
    digits = imgcomp.datasets.load("digits")
    model = models.feng2018_ann(hidden=24)
    imgcomp.fit(model, digits.train, objective="mse", optimizer="adam", lr=3e-3, epochs=10,
                batch_size=32, threads=1, progress=False)  # fmt: skip
    return model, digits


@pytest.mark.parametrize(
    "make", [lambda m: prune(m, 0.9), lambda m: product_quantize(m, 8, 4)], ids=["pruned", "words"]
)
def test_fine_tuning_restores_much_and_keeps_the_size(trained, make):
    model, digits = trained
    small = make(model)
    before = imgcomp.evaluate(small.model, digits.test)["loss"]
    kept = weights(small.model)
    tuned = fine_tune(small, digits.train, epochs=3, lr=3e-3)
    assert imgcomp.evaluate(tuned.model, digits.test)["loss"] < 0.92 * before
    assert tuned.num_bytes == small.num_bytes
    assert all(torch.equal(kept[name], t) for name, t in small.model.state_dict().items())
    for name, form in small.weights.items():
        if hasattr(form, "positions"):
            assert torch.equal(tuned.weights[name].positions, form.positions)
            assert int((tuned.model.state_dict()[name] != 0).sum()) == len(form.values)
        else:
            assert torch.equal(tuned.weights[name].numbers, form.numbers)
    found = CompressedModel.from_bytes(tuned.to_bytes())
    assert same_weights(found.model, tuned.model)
    again = fine_tune(small, digits.train, epochs=3, lr=3e-3)
    assert same_weights(again.model, tuned.model)


def test_fine_tuning_a_classifier():
    digits = imgcomp.datasets.load("digits")
    model = models.feng2018_classifier()
    imgcomp.fit(model, digits.train, optimizer="adam", lr=3e-3, epochs=8, batch_size=32,
                threads=1, progress=False)  # fmt: skip
    small = prune(model, 0.9)
    tuned = fine_tune(small, digits.train, epochs=2)
    accuracy = [imgcomp.evaluate(m, digits.test)["accuracy"] for m in (small.model, tuned.model)]
    assert accuracy[1] > accuracy[0] + 0.05


def test_fine_tuning_refuses_and_diverges(trained):
    model, digits = trained
    small = prune(model, 0.5)
    with pytest.raises(UsageError, match=r"images of shape \(1, 28, 28\)"):
        fine_tune(small, digits.train[:0])
    broken = CompressedModel(small.model.copy(), small.weights)
    broken.model.state_dict()["decoder.dense2.bias"].fill_(math.nan)
    with pytest.raises(TrainingDivergedError, match=r"fine-tuning: .* lower lr"):
        fine_tune(broken, digits.train, epochs=1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: prune(m, 1.0), "share: expected a number from 0 to below 1, got 1.0"),
        (lambda m: prune(m, -0.1), "share"),
        (lambda m: prune(m, 0.5, ["dense1"]), r"encoder.dense1, decoder.dense2\), got 'dense1'"),
        (lambda m: product_quantize(m, 3), "length: encoder.dense1.weight has 784 inputs, 3 does"),
        (lambda m: product_quantize(m, 4, 21), "encoder.dense1.weight has 20 outputs, fewer"),
        (lambda m: product_quantize(m, 0), "length"),
        (lambda m: uniform_quantize(m, 17), "bits"),
        (lambda m: prune("model", 0.5), "an imgcomp model to compress, got str"),
        (lambda m: CompressedModel(m).packed_bytes("zip"), "method: expected lzma or zlib"),
    ],
)
def test_wrong_use(call, message):
    with pytest.raises(UsageError, match=message):
        call(models.feng2018_ann(hidden=20))


def test_the_header_is_json():
    raw = prune(models.feng2018_ann(hidden=20), 0.9).to_bytes()
    place = raw.index(b"\n") + 5
    header = json.loads(raw[place : header_size(prune(models.feng2018_ann(hidden=20), 0.9))])
    assert [entry["form"] for entry in header["weights"]] == ["pruned", "float32"] * 2
    assert header["weights"][0]["values"] == 1568
    assert np.prod(header["spec"]["input_shape"]) == 784
