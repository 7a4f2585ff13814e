"""The network of buell2022: its size, its weights, and its function in plain PyTorch."""

import torch
from reference_networks import buell, copy_weights, refused

from imgcomp import models
from imgcomp.errors import SpecError


def test_size():
    model = models.buell2022()
    # 32·9+32, three times 32·32·9+32, 512·64+64, 64·64+64, 64·32+32, 32·32+32, 32·10+10
    assert model.num_parameters == 320 + 3 * 9248 + 32832 + 4160 + 2080 + 1056 + 330 == 68522
    assert models.buell2022((3, 32, 32), 100).num_classes == 100


def test_glorot_uniform_weights_and_zero_biases():
    state = models.buell2022(seed=1).state_dict()
    kernel = state["classifier.conv1_2.weight"]
    bound = (6 / (9 * 32 + 9 * 32)) ** 0.5
    assert 0.95 * bound < kernel.abs().max() <= bound
    assert kernel.mean().abs() < 0.05 * bound
    assert all(not tensor.any() for name, tensor in state.items() if name.endswith("bias"))


def test_it_is_the_network_of_the_paper():
    model = models.buell2022(seed=1)
    x = torch.randn(3, 1, 28, 28)
    torch.testing.assert_close(model(x), copy_weights(model, buell())(x), rtol=1e-4, atol=1e-6)


def test_too_small_images_are_refused():
    models.buell2022((1, 16, 16))
    with refused(SpecError, "pool2", "(32, 1, 1)"):
        models.buell2022((1, 15, 15))
