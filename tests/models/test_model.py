"""Models as objects: what they take and give, their weights, and what they refuse."""

import copy
import threading

import numpy as np
import pytest
import torch
from reference_networks import PAIRS, random_images, refused

import imgcomp
from imgcomp import models
from imgcomp.errors import UsageError
from imgcomp.models import layers

CNN = models.feng2018_cnn(seed=1)
SHARED = models.feng2018_shared(hidden=8, seed=1)
CLASSIFIER = models.feng2018_classifier(seed=1)


# Inputs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_floating_inputs_come_out_as_float32(dtype):
    x = torch.rand(2, 1, 28, 28).to(dtype)
    output = CNN(x)
    assert output.dtype == torch.float32
    torch.testing.assert_close(output, CNN(x.float()), rtol=0, atol=0)


def test_numpy_inputs():
    x = np.random.default_rng(0).random((3, 1, 28, 28), dtype=np.float32)
    expected = SHARED(torch.from_numpy(x.copy()))
    read_only = x.copy()
    read_only.flags.writeable = False
    fortran = np.asfortranarray(x)
    for array in (x, read_only, fortran, x.astype(">f4"), x.astype(np.float64)):
        torch.testing.assert_close(SHARED(array), expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(
        SHARED(x[::-1, :, ::-1]), SHARED(x[::-1, :, ::-1].copy()), rtol=0, atol=0
    )
    assert SHARED.encode(x).shape == (3, 8)


def test_strided_tensors():
    x = torch.rand(6, 28, 28, 1)
    strided = x.permute(0, 3, 1, 2)[::2]
    torch.testing.assert_close(CNN(strided), CNN(strided.contiguous()), rtol=0, atol=1e-6)
    channels_last = strided.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(CNN(channels_last), CNN(strided), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("x", "fragments"),
    [
        (torch.zeros(2, 1, 28, 28, dtype=torch.uint8), ["floating point", "not Byte"]),
        (torch.zeros(2, 1, 28, 28, dtype=torch.int64), ["floating point", "not Long"]),
        (torch.zeros(2, 1, 28, 28, dtype=torch.bool), ["floating point", "not Bool"]),
        (torch.zeros(2, 1, 28, 28, dtype=torch.complex64), ["floating point", "ComplexFloat"]),
        (torch.zeros(2, 1, 28, 27), ["(N, 1, 28, 28)", "(2, 1, 28, 27)"]),
        (torch.zeros(2, 3, 28, 28), ["(N, 1, 28, 28)", "(2, 3, 28, 28)"]),
        (torch.zeros(1, 28, 28), ["(N, 1, 28, 28)", "(1, 28, 28)"]),
        (torch.zeros(0, 1, 28, 28), ["N >= 1", "(0, 1, 28, 28)"]),
        (torch.zeros(()), ["not of shape ()"]),
        (torch.zeros(2, 1, 28, 28, device="meta"), ["without data (meta)"]),
        (torch.zeros(2, 1, 28, 28).to_sparse(), ["dense tensor", "torch.sparse_coo"]),
        ([[1.0]], ["torch.Tensor or a NumPy array, not list"]),
        (None, ["not NoneType"]),
        (np.zeros((2, 1, 28, 28), dtype=object), ["object"]),
        (np.array(["a"]), ["str"]),
    ],
    ids=lambda v: f"{getattr(v, 'dtype', '')}{tuple(getattr(v, 'shape', ()))}",
)
def test_bad_inputs_are_refused(x, fragments):
    with refused(UsageError, *fragments):
        SHARED(x)


def test_each_part_checks_its_own_input():
    with refused(UsageError, "the input of 'encoder'", "(N, 1, 28, 28)", "(2, 8)"):
        SHARED.encode(torch.zeros(2, 8))
    with refused(UsageError, "the input of 'decoder'", "(N, 8,)", "(2, 7)"):
        SHARED.decode(torch.zeros(2, 7))


def test_convolutions_take_other_sizes():
    x = torch.rand(2, 1, 40, 34)
    spec = models.autoencoder_spec(
        (1, 8, 8), [layers.conv2d(3, 3, padding=1)], [layers.conv2d(1, 1)]
    )
    model = models.from_spec(spec)
    assert model(x).shape == x.shape
    torch.testing.assert_close(model(x), model.to_torch()(x), rtol=0, atol=1e-6)
    with refused(UsageError, "(N, 1, 8, 8)"):
        model(torch.rand(2, 2, 40, 34))


def test_gradients_reach_the_input():
    x = torch.rand(2, 1, 28, 28, requires_grad=True)
    CNN(x).sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0
    with torch.no_grad():
        assert not CNN(x).requires_grad


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_models_work_in_every_grad_mode(mode):
    x = torch.rand(2, 1, 28, 28)
    expected = CNN(x).detach()
    with mode():
        torch.testing.assert_close(CNN(x), expected, rtol=0, atol=0)
        made_here = models.feng2018_cnn(seed=1)
    # A model that was made in inference mode is one like any other.
    torch.testing.assert_close(made_here(x), expected, rtol=0, atol=0)
    made_here(x).sum().backward()


# Bytes in, bytes or logits out ----------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [1, 2, 5, 7, 500, 10**9])
def test_reconstruct_and_predict_do_not_depend_on_the_batch_size(batch_size):
    images = random_images(7)
    whole = CNN.reconstruct(images, batch_size=7)
    assert torch.equal(CNN.reconstruct(images, batch_size), whole)
    torch.testing.assert_close(
        CLASSIFIER.predict(images, batch_size), CLASSIFIER.predict(images, 7), rtol=0, atol=1e-5
    )


def test_reconstruct_is_forward_between_bytes():
    images = random_images(5)
    for model in (CNN, SHARED):
        output = model.reconstruct(images)
        expected = model(images.float() / 255).detach().mul(255).round().clamp(0, 255)
        assert output.dtype == torch.uint8
        assert output.is_contiguous()
        assert torch.equal(output, expected.to(torch.uint8))


def test_reconstruct_in_another_data_range():
    identity = models.from_spec(
        models.autoencoder_spec(
            (3, 4, 4), [layers.leaky_relu(1.0)], [layers.leaky_relu(1.0)], data_range=(-1.0, 3.0)
        )
    )
    images = random_images(4, (3, 4, 4))
    assert torch.equal(identity.reconstruct(images), images)
    assert identity.data_range == (-1.0, 3.0)
    # What leaves the range is clamped, NaN is black.
    rectified = models.from_spec(
        models.autoencoder_spec((1, 1, 1), [layers.relu()], [layers.relu()], data_range=(-1, 1))
    )
    values = torch.tensor([0, 127, 128, 255], dtype=torch.uint8).reshape(4, 1, 1, 1)
    assert rectified.reconstruct(values).flatten().tolist() == [128, 128, 128, 255]
    floats = torch.tensor([-5.0, 0.0, 1.0, 7.0, torch.nan, torch.inf, -torch.inf])
    assert identity_bytes(floats) == [0, 0, 255, 255, 0, 255, 0]


def identity_bytes(values):
    spec = models.autoencoder_spec((1, 1, 1), [layers.leaky_relu(1.0)], [layers.leaky_relu(1.0)])
    model = models.from_spec(spec)
    return model.reconstruct(values.reshape(-1, 1, 1, 1)).flatten().tolist()


def test_rounding_is_to_the_nearest_byte():
    halves = torch.tensor([0.5, 1.5, 2.5, 100.49, 100.51]) / 255
    assert identity_bytes(halves) == [0, 2, 2, 100, 101]


def test_predict_gives_plain_logits():
    images = random_images(5)
    logits = CLASSIFIER.predict(images)
    assert logits.shape == (5, 10)
    assert logits.dtype == torch.float32
    assert not logits.requires_grad
    torch.testing.assert_close(logits, CLASSIFIER.logits(images.float() / 255).detach())


@pytest.mark.parametrize("method", ["reconstruct", "predict"])
def test_bad_images_are_refused(method):
    call = getattr(CNN if method == "reconstruct" else CLASSIFIER, method)
    with refused(UsageError, "the images are empty"):
        call(random_images(0))
    with refused(UsageError, "(N, 1, 28, 28)", "(2, 3, 28, 28)"):
        call(random_images(2, (3, 28, 28)))
    with refused(UsageError, "uint8, or float32", "not Double"):
        call(torch.zeros(2, 1, 28, 28, dtype=torch.float64))
    with refused(UsageError, "not Int"):
        call(torch.zeros(2, 1, 28, 28, dtype=torch.int32))
    for batch_size in (0, -1, 2.5, "3", None, True):
        with refused(UsageError, "batch_size must be a whole number", repr(batch_size)):
            call(random_images(2), batch_size)


def test_numpy_images_of_any_layout():
    images = random_images(6).numpy()
    expected = CNN.reconstruct(images)
    assert torch.equal(CNN.reconstruct(images[::-1]), expected.flip(0))
    turned = np.ascontiguousarray(images.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    assert torch.equal(CNN.reconstruct(turned), expected)


def test_evaluate_agrees_with_torch():
    images, targets = random_images(7), random_images(7, seed=5)
    x, y = images.float() / 255, targets.float() / 255
    output = CNN(x).detach()
    functional = torch.nn.functional
    for objective, loss in [("mse", functional.mse_loss), ("l1", functional.l1_loss),
                            ("bce", functional.binary_cross_entropy)]:  # fmt: skip
        for batch_size in (1, 3, 7):
            found = imgcomp.evaluate(
                CNN, images, objective=objective, targets=targets, batch_size=batch_size
            )
            assert found["loss"] == pytest.approx(loss(output, y).item(), rel=1e-5)
            assert set(found) == {"loss", "psnr", "collapsed"}
    labels = torch.tensor([0, 1, 2, 3, 4, 5, 9])
    logits = CLASSIFIER(x).detach()
    for batch_size in (1, 3, 7):
        found = imgcomp.evaluate(CLASSIFIER, (images, labels), batch_size=batch_size)
        expected = functional.cross_entropy(logits, labels).item()
        assert found["loss"] == pytest.approx(expected, rel=1e-5)
        right = (logits.argmax(1) == labels).double().mean().item()
        assert found["accuracy"] == pytest.approx(right)


def test_evaluate_refuses():
    images = random_images(3)
    labels = torch.tensor([0, 1, 10])
    with refused(UsageError, "labels must lie in 0…9", "10 outputs", "got 10"):
        imgcomp.evaluate(CLASSIFIER, (images, labels))
    with refused(UsageError, "needs labels"):
        imgcomp.evaluate(CLASSIFIER, images)
    with refused(UsageError, "autoencoder", "'cross_entropy'"):
        imgcomp.evaluate(CLASSIFIER, images, objective="mse")
    with refused(UsageError, "trains a classifier"):
        imgcomp.evaluate(CNN, images, objective="cross_entropy")
    with refused(UsageError, "objective must be", "'typo'"):
        imgcomp.evaluate(CNN, images, objective="typo")
    with refused(UsageError, "3 images but 2 targets"):
        imgcomp.evaluate(CNN, images, targets=images[:2])
    with refused(UsageError, "classifier is given labels"):
        imgcomp.evaluate(CLASSIFIER, (images, labels), targets=images)
    with refused(UsageError, "imgcomp model, not int"):
        imgcomp.evaluate(3, images)
    for batch_size in (0, -1, 1.5, "3"):
        with refused(UsageError, "batch_size"):
            imgcomp.evaluate(CNN, images, batch_size=batch_size)


# Weights --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAIRS)
def test_state_dict_round_trip(name):
    build = PAIRS[name][0]
    first, second = build(seed=1), build(seed=2)
    x = torch.rand(2, 1, 28, 28)
    assert not torch.equal(first(x), second(x))
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(x), second(x))


def test_load_state_dict_takes_numpy_and_other_float_types():
    model = models.feng2018_ann(4)
    state = {name: tensor.double().numpy() for name, tensor in shared_state(4).items()}
    state["decoder.dense2.weight"] = np.ones((784, 4), dtype=np.float16)
    model.load_state_dict(state)
    assert (model.state_dict()["decoder.dense2.weight"] == 1).all()
    assert model.state_dict()["decoder.dense2.weight"].dtype == torch.float32


def shared_state(hidden):
    return models.feng2018_shared(hidden, seed=3).state_dict()


def test_load_state_dict_is_all_or_nothing():
    model = models.feng2018_ann(4)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    good = {name: torch.zeros_like(tensor) for name, tensor in before.items()}
    last = "decoder.dense2.bias"
    bad_states = [
        ({}, ["missing", "decoder.dense2.bias"]),
        ({**good, "more": torch.zeros(1)}, ["unknown ['more']"]),
        ({**good, last: torch.zeros(783)}, [last, "(784,)", "(783,)"]),
        ({**good, last: torch.zeros(784, dtype=torch.int64)}, [last, "int64"]),
        ({**good, last: torch.zeros(784, dtype=torch.complex64)}, [last, "complex64"]),
        ({**good, last: [0.0] * 784}, [last, "not list"]),
        ({**good, last: torch.zeros(784, device="meta")}, [last, "meta"]),
        (None, ["mapping", "NoneType"]),
        ([], ["mapping", "list"]),
    ]
    for state, fragments in bad_states:
        with refused(UsageError, *fragments):
            model.load_state_dict(state)
        for name, tensor in model.state_dict().items():
            assert torch.equal(tensor, before[name])


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda model: model.copy()])
def test_copies_are_independent(duplicate):
    model = models.feng2018_shared(4, seed=8)
    twin = duplicate(model)
    x = torch.rand(2, 1, 28, 28)
    expected = model(x).detach()
    assert type(twin) is type(model)
    assert torch.equal(twin(x), expected)
    for tensor in twin.state_dict().values():
        tensor.zero_()
    assert torch.equal(model(x), expected)


def test_parameters_work_with_an_optimiser_of_torch():
    model = models.feng2018_ann(4, seed=1)
    x = torch.rand(8, 1, 28, 28)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(model(x), x)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_devices():
    model = models.feng2018_ann(4)
    assert model.to("cpu") is model
    assert model.device == torch.device("cpu")
    for device in ("meta", "banana", "", None, 3.5):
        with refused(UsageError, "cannot use device"):
            model.to(device)
        assert model.device == torch.device("cpu")
    if not torch.cuda.is_available():
        with refused(UsageError, "cannot use device 'cuda'"):
            model.to("cuda")


def test_representations():
    assert repr(CNN) == "Autoencoder(1×28×28, 11,086 parameters)"
    assert repr(CLASSIFIER) == "Classifier(1×28×28, 21,840 parameters)"
    lines = CLASSIFIER.summary().splitlines()
    assert len(lines) == 2 + len(CLASSIFIER.spec["parts"]["classifier"]) + 1
    assert lines[1].split() == ["input", "(1,", "28,", "28)"]


def test_forward_passes_may_run_side_by_side():
    x = torch.rand(16, 1, 28, 28)
    expected = CNN(x).detach()
    results = [None] * 4

    def run(i):
        for _ in range(5):
            results[i] = CNN(x).detach()

    threads = [threading.Thread(target=run, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        torch.testing.assert_close(result, expected, rtol=0, atol=1e-6)
