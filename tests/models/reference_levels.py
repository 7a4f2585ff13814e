"""Networks of several rates as plain ones: what a level's parameters make of a network."""

import torch

from imgcomp import models


def one_rate(model, level):
    """The network of one rate that a network of several is at a level, 0 … levels − 1."""
    spec = model.spec
    levels = len(spec.pop("lambdas"))
    plain = models.Autoencoder(spec)
    shares = (1 - (level - torch.arange(float(levels))).abs()).clamp(min=0)
    state, found = model.state_dict(), plain.state_dict()
    for name, value in state.items():
        if name in found:
            # Parameters of a level have a row for each.
            by_level = value.shape != found[name].shape
            found[name].copy_(shares @ value if by_level else value)
    for name in set(state) - set(found):
        # Biases that a network of one rate has in its convolutions alone.
        inner = name.removesuffix("bias") + ("earlier.bias" if ".group" in name else "first.bias")
        found[inner].add_(shares @ state[name])
    return plain
