"""Training follows plain PyTorch step for step in fp32."""

import pytest
import torch
from reference_networks import ALL_PAIRS, PAIRS, copy_weights, random_images
from torch.nn import functional
from training_runs import fit, train_in_torch, weights

from imgcomp import models
from imgcomp.models import layers

STEPS, DEEP_STEPS, BATCH = 20, 5, 8
IMAGES = random_images(STEPS * BATCH)
LABELS = torch.arange(STEPS * BATCH) * 7 % 10

# Our settings, and the same optimiser of torch.optim
OPTIMIZERS = {
    "sgd": (
        {"optimizer": "sgd", "lr": 2.0},
        lambda p: torch.optim.SGD(p, lr=2.0),
    ),
    "momentum": (
        {"optimizer": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 0.01},
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
    ),
    "adam": (
        {"optimizer": "adam", "lr": 1e-3, "betas": (0.8, 0.99), "eps": 1e-6},
        lambda p: torch.optim.Adam(p, lr=1e-3, betas=(0.8, 0.99), eps=1e-6),
    ),
    "adam with decay": (
        {"optimizer": "adam", "lr": 1e-3, "weight_decay": 0.01},
        lambda p: torch.optim.Adam(p, lr=1e-3, weight_decay=0.01),
    ),
    "adamw": (
        # Without eps a gradient that is nothing but rounding would move its weight by a whole rate.
        {"optimizer": "adamw", "lr": 1e-3, "weight_decay": 0.1, "eps": 1e-6},
        lambda p: torch.optim.AdamW(p, lr=1e-3, weight_decay=0.1, eps=1e-6),
    ),
}


def data_for(network):
    if network == "buell2022":
        # Few steps: in nine layers a last bit grows with every one, in PyTorch's own convolutions
        # (channels-last against not) as in ours.
        return IMAGES[: DEEP_STEPS * BATCH], LABELS[: DEEP_STEPS * BATCH]
    return (IMAGES, LABELS) if network == "classifier" else IMAGES


def assert_same_steps(model, module, before):
    """Every weight went the same way, to a small part of the way itself."""
    after = weights(model)
    for (name, start), theirs in zip(before.items(), module.parameters(), strict=True):
        moved = (theirs.detach() - start).abs().max()
        assert moved > 5e-6, f"{name} should have moved"
        error = (after[name] - theirs.detach()).abs().max()
        # 2e-7: the weights themselves are of the order of 1 and have 24 bits.
        assert error < 0.01 * moved + 2e-7, f"{name}: off by {error:.3g} after a way of {moved:.3g}"
        assert error < 1e-4, name


# SGD at these rates is chaotic in buell2022's nine layers.
NETWORKS_AND_OPTIMIZERS = [
    (network, optimizer)
    for network in ALL_PAIRS
    for optimizer in OPTIMIZERS
    if network in PAIRS or optimizer.startswith("adam")
]


@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
@pytest.mark.parametrize(("network", "optimizer"), NETWORKS_AND_OPTIMIZERS)
def test_step_for_step(network, optimizer, memory_format):
    ours, theirs = ALL_PAIRS[network]
    model = ours(seed=3)
    module = copy_weights(model, theirs())
    before = weights(model)
    settings, make_optimizer = OPTIMIZERS[optimizer]
    history = fit(model, data_for(network), epochs=1, batch_size=BATCH, shuffle=False,
                  memory_format=memory_format, log_batches=True, **settings)  # fmt: skip
    losses = train_in_torch(module, data_for(network), make_optimizer(module.parameters()))

    assert len(losses) == (DEEP_STEPS if network == "buell2022" else STEPS)
    assert history.batches["loss"].tolist() == pytest.approx(losses, rel=1e-5)
    assert_same_steps(model, module, before)


def test_batches_that_go_in_parts():
    # 2.4 MB of activations an image: about twenty fit the caches, so a batch of 50 goes in three
    # parts of unequal sizes, and the last one of 22 in two.
    model = models.bhattacharya2020(seed=2)
    module = model.to_torch()
    before = weights(model)
    images = random_images(72)
    history = fit(model, images, epochs=1, batch_size=50, shuffle=False, optimizer="sgd", lr=1.0)
    optimizer = torch.optim.SGD(module.parameters(), lr=1.0)
    losses = train_in_torch(module, images, optimizer, batch_size=50)
    assert history["loss"][0] == pytest.approx((50 * losses[0] + 22 * losses[1]) / 72, rel=1e-5)
    assert_same_steps(model, module, before)


@pytest.mark.parametrize("optimizer", ["momentum", "adam", "adamw"])
@pytest.mark.parametrize(
    "layer",
    [
        layers.conv2d(4, 3, padding=1),
        layers.conv2d(4, 1),
        layers.conv_transpose2d(4, 3, padding=1),
        layers.conv2d(1, [3, 1], padding=[1, 0]),
    ],
    ids=str,
)
def test_fused_updates_reach_the_right_weights_in_channels_last(layer, optimizer):
    # torch's fused CPU kernels walk raw memory: a gradient laid out otherwise than its parameter
    # or the optimiser's state would be applied to other weights.
    spec = models.autoencoder_spec((3, 6, 5), [layer], [layers.conv2d(3, 3, padding=1)])
    model = models.from_spec(spec, seed=1)
    module = model.to_torch()
    before = weights(model)
    images = random_images(24, (3, 6, 5))
    settings, make_optimizer = OPTIMIZERS[optimizer]
    fit(model, images, epochs=2, batch_size=8, shuffle=False, memory_format="channels_last",
        **settings)  # fmt: skip
    train_in_torch(module, images, make_optimizer(module.parameters()), epochs=2)
    assert_same_steps(model, module, before)


def test_changing_the_memory_format_between_runs_changes_nothing():
    model = models.feng2018_cnn(seed=1)
    module = model.to_torch()
    before = weights(model)
    for memory_format in ("channels_last", "contiguous", "channels_last"):
        fit(model, IMAGES, epochs=1, batch_size=BATCH, shuffle=False, optimizer="adam",
            memory_format=memory_format)  # fmt: skip
        train_in_torch(module, IMAGES, torch.optim.Adam(module.parameters(), lr=1e-3))
    assert_same_steps(model, module, before)


@pytest.mark.parametrize("bound", [0.01, 0.1, 100.0])
@pytest.mark.parametrize("network", ["cnn", "shared"])
def test_gradient_clipping(network, bound):
    ours, theirs = PAIRS[network]
    model = ours(seed=3)
    module = copy_weights(model, theirs())
    before = weights(model)
    history = fit(model, IMAGES, epochs=1, batch_size=BATCH, shuffle=False, optimizer="sgd",
                  lr=3.0, grad_clip=bound, log_batches=True)  # fmt: skip
    losses = train_in_torch(
        module, IMAGES, torch.optim.SGD(module.parameters(), lr=3.0), clip=bound
    )
    assert history.batches["loss"].tolist() == pytest.approx(losses, rel=2e-4)
    assert_same_steps(model, module, before)


@pytest.mark.parametrize(
    ("objective", "loss"),
    [
        ("mse", functional.mse_loss),
        ("l1", functional.l1_loss),
        ("bce", functional.binary_cross_entropy),
    ],
)
def test_objectives(objective, loss):
    model = models.feng2018_ann(20, seed=3)
    module = model.to_torch()
    before = weights(model)
    history = fit(model, IMAGES, epochs=1, batch_size=BATCH, shuffle=False, optimizer="sgd",
                  lr=0.1, objective=objective, log_batches=True)  # fmt: skip
    losses = train_in_torch(module, IMAGES, torch.optim.SGD(module.parameters(), lr=0.1), loss=loss)
    assert history.batches["loss"].tolist() == pytest.approx(losses, rel=1e-5)
    assert_same_steps(model, module, before)


def test_several_epochs_with_a_smaller_last_batch_and_a_cosine():
    model = models.feng2018_cnn(seed=3)
    module = model.to_torch()
    before = weights(model)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.5)
    images = IMAGES[:45]  # batches of 8, the last of 5
    steps = 3 * 6
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
    history = fit(model, images, epochs=3, batch_size=8, shuffle=False, optimizer="sgd", lr=0.5,
                  schedule="cosine", log_batches=True)  # fmt: skip
    losses = train_in_torch(module, images, optimizer, epochs=3, scheduler=scheduler)
    assert history.batches["loss"].tolist() == pytest.approx(losses, rel=1e-5)
    assert_same_steps(model, module, before)


def test_another_data_range():
    spec = models.autoencoder_spec(
        (3, 6, 6),
        [layers.conv2d(4, 3, padding=1), layers.relu()],
        [layers.conv2d(3, 3, padding=1), layers.tanh()],
        data_range=(-1, 1),
    )
    model = models.from_spec(spec, seed=3)
    module = model.to_torch()
    before = weights(model)
    images = random_images(32, (3, 6, 6))
    history = fit(model, images, epochs=1, batch_size=8, shuffle=False, optimizer="sgd", lr=0.1,
                  log_batches=True)  # fmt: skip
    as_range = torch.nn.Sequential(Scale(2.0, -1.0), module)
    losses = train_in_torch(
        as_range,
        images,
        torch.optim.SGD(module.parameters(), lr=0.1),
        loss=lambda output, x: functional.mse_loss(output, x * 2 - 1),
    )
    assert history.batches["loss"].tolist() == pytest.approx(losses, rel=1e-5)
    assert_same_steps(model, module, before)


class Scale(torch.nn.Module):
    def __init__(self, factor, offset):
        super().__init__()
        self.factor, self.offset = factor, offset

    def forward(self, x):
        return x * self.factor + self.offset


def test_bf16_stays_near_fp32():
    # bfloat16 has 8 bits: equal within a percent of the way that training goes.
    outcomes = {}
    for precision in ("fp32", "bf16"):
        model = models.feng2018_ann(40, seed=3)
        history = fit(model, IMAGES, epochs=4, batch_size=BATCH, shuffle=False, optimizer="adam",
                      precision=precision)  # fmt: skip
        outcomes[precision] = history["loss"]
        assert all(tensor.dtype == torch.float32 for tensor in model.state_dict().values())
    assert outcomes["bf16"].tolist() != outcomes["fp32"].tolist()
    assert outcomes["bf16"].tolist() == pytest.approx(outcomes["fp32"].tolist(), rel=0.01)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_bf16_of_recurrent_networks_stays_near_fp32(cell):
    # Channels enough for convolutions to multiply halves; several iterations, so that states and
    # sums of gradients are among what is compared.
    losses = {}
    for precision in ("fp32", "bf16"):
        model = models.donis2020(cell=cell, iterations=3, reconstruction="additive", seed=3)
        history = fit(model, random_images(16, (3, 32, 32)), epochs=2, batch_size=BATCH,
                      shuffle=False, optimizer="adam", lr=1e-3, objective="l1",
                      precision=precision)  # fmt: skip
        losses[precision] = history["loss"].tolist()
        assert all(tensor.dtype == torch.float32 for tensor in model.state_dict().values())
    assert losses["bf16"] != losses["fp32"]
    assert losses["bf16"] == pytest.approx(losses["fp32"], rel=0.01)
