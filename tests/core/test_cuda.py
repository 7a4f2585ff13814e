"""On a GPU: the kernels give what the CPU loops give, and training runs and agrees."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from reference_networks import PAIRS, copy_weights, random_images
from training_runs import fit, train_in_torch, weights

import imgcomp
from imgcomp import _core, models
from imgcomp.papers.common import own_stream

pytestmark = pytest.mark.needs_cuda

IMAGES = random_images(160)
LABELS = torch.arange(160) * 7 % 10


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_gather_scale_is_that_of_the_cpu(channels, channels_last):
    images = random_images(50, (channels, 9, 7))
    index = torch.randint(0, 50, (33,))
    for data_range in [(0.0, 1.0), (-1.0, 1.0), (-0.3, 0.9)]:
        expected = _core.gather_scale(images, index, data_range, channels_last)
        found = _core.gather_scale(images.cuda(), index.cuda(), data_range, channels_last)
        assert found.stride() == expected.stride()
        assert torch.equal(found.cpu(), expected)


@pytest.mark.parametrize("network", PAIRS)
def test_forward_agrees(network):
    model = PAIRS[network][0](seed=1)
    x = torch.rand(8, 1, 28, 28)
    expected = model(x).detach()
    model.to("cuda")
    assert model.device.type == "cuda"
    torch.testing.assert_close(model(x).detach().cpu(), expected, rtol=1e-3, atol=1e-4)
    model.to("cpu")
    torch.testing.assert_close(model(x).detach(), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
@pytest.mark.parametrize("network", PAIRS)
def test_training_agrees_with_the_cpu(network, memory_format):
    data = (IMAGES, LABELS) if network == "classifier" else IMAGES
    outcomes = {}
    for device in ("cpu", "cuda"):
        model = PAIRS[network][0](seed=1).to(device)
        history = fit(model, data, epochs=2, batch_size=16, shuffle=False, optimizer="sgd", lr=0.1,
                      memory_format=memory_format, validation=data)  # fmt: skip
        outcomes[device] = history
    for column in ("loss", "val_loss"):
        assert outcomes["cuda"][column].tolist() == pytest.approx(
            outcomes["cpu"][column].tolist(), rel=1e-2
        )


@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
def test_adam_follows_torch(memory_format):
    model = models.feng2018_cnn(seed=3)
    module = copy_weights(model, PAIRS["cnn"][1]()).cuda()
    model.to("cuda")
    fit(model, IMAGES, epochs=1, batch_size=8, shuffle=False, optimizer="adam",
        memory_format=memory_format)  # fmt: skip
    train_in_torch(module, IMAGES.cuda(), torch.optim.Adam(module.parameters(), lr=1e-3))
    for (name, ours), theirs in zip(weights(model).items(), module.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs.detach(), rtol=1e-2, atol=1e-3, msg=name)


def test_dropout_bf16_and_resume(tmp_path):
    settings = {"epochs": 4, "batch_size": 16, "precision": "bf16"}

    def train(**more):
        model = models.feng2018_classifier(seed=1).to("cuda")
        history = fit(model, (IMAGES, LABELS), **settings, **more)
        return model, history

    _, history = train()
    assert history.epochs == 4
    path = tmp_path / "run.safetensors"
    fit(models.feng2018_classifier(seed=1).to("cuda"), (IMAGES, LABELS),
        **{**settings, "epochs": 2}, checkpoint=path)  # fmt: skip
    _, resumed = train(checkpoint=path, resume=True)
    assert resumed.epochs == 4
    assert resumed["loss"].tolist() == pytest.approx(history["loss"].tolist(), rel=0.05)
    assert imgcomp.load(path).device.type == "cpu"


def test_reconstruct_and_predict_come_back_to_where_the_images_are():
    model = models.feng2018_cnn(seed=1)
    expected = model.reconstruct(IMAGES)
    model.to("cuda")
    found = model.reconstruct(IMAGES, batch_size=50)
    assert found.device.type == "cpu"
    assert (found.int() - expected.int()).abs().max() <= 1
    assert model.reconstruct(IMAGES.cuda()).device.type == "cuda"
    classifier = models.feng2018_classifier(seed=1).to("cuda")
    assert classifier.predict(IMAGES).shape == (160, 10)


def test_trainings_on_streams_of_their_own_agree_with_those_alone():
    def train(seed):
        model = models.feng2018_ann(40, seed).to("cuda")
        with own_stream("cuda"):
            fit(model, IMAGES, epochs=3, batch_size=16, optimizer="sgd", lr=0.1)
        return {name: tensor.cpu() for name, tensor in model.state_dict().items()}

    alone = [train(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as workers:
        together = list(workers.map(train, range(4)))
    for one, other in zip(alone, together, strict=True):
        for name, tensor in one.items():
            torch.testing.assert_close(other[name], tensor, rtol=1e-4, atol=1e-6)
