"""From a trained network with an entropy model to a code in whole numbers.

The entropy model's weights are rounded to whole numbers of binary places, as many as fit 16 bits
and keep every sum within 32. Then the tables are counted: how often each rest occurs under each
scale and fraction of a mean that the rounded network gives for training images at several
qualities. So the tables also make up for what the rounding costs.
"""

from __future__ import annotations

import dataclasses
import math

import torch

from imgcomp.codec.context_code import NEAREST, ContextCode
from imgcomp.codec.context_network import BEST, ContextNetwork
from imgcomp.codec.refining import costs
from imgcomp.codec.tables import FrequencyTables
from imgcomp.errors import UsageError
from imgcomp.models.model import Autoencoder
from imgcomp.models.pixels import codes_of
from imgcomp.training.stored_weights import PLACES, half

SQUARED_ERROR = "rate+lambda*mse"
"""The objective under which the errors of a code's numbers are worth as much as those of pixels."""
MOST_SEEN = 127
MOST_BETWEEN = 32767
_MOST_BITS = 14
_MOST_SUM = 2**31 - 1

SCALE_BINS = 64
MEAN_BINS = 8
LEAST_LOG_SCALE, LARGEST_LOG_SCALE = -4.0, 6.0
"""The same as in training (cpp/src/models/entropy_model.cpp)."""
QUALITIES = (1, 12, 23, 34, 45, 56, 67, 78, 89, 100)
"""That the tables are counted at."""
_FURTHEST = 255
"""Rests beyond are escapes."""
_PRIOR = 20.0
"""As if so many values of the logistic distribution had been counted first."""
_FACTORS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 16.0, 64.0)
"""By which an error of the latent may be worth more than by the network's first transform."""
_TRIED_ON = 600
"""Images that these are tried on."""
_FIXED = 64
"""Counts are whole numbers of this part."""


def context_code(
    model: Autoencoder, images: torch.Tensor, *, objective: str = SQUARED_ERROR
) -> ContextCode:
    """The code of a network whose encoder ends with ``entropy_model`` and has several rates.

    Args:
        model: trained.
        images: uint8 (N, C, H, W), training images: some thousands are enough.
        objective: what the network was trained for. For `SQUARED_ERROR` encoders weigh squared
            errors against bits, for others they take the nearest numbers.

    Raises:
        UsageError: the network is another one, or its weights are too large for whole numbers.
    """
    network, log_gain = context_network(model)
    _, height, width = model.code_shape
    shape = (sum(network.groups), height, width)
    # An error of the image is one of the latent, as far as the network is the transform of patches
    # that it begins as.
    fidelity = torch.tensor(model.spec["lambdas"]).log() - math.log(model.input_shape[0])
    none = FrequencyTables.from_counts(torch.zeros(network.core.tables, 1, dtype=torch.int64))
    # At first for the nearest numbers, then for those that an encoder chooses under the tables.
    none_weighed = torch.full_like(fidelity, NEAREST)
    nearest = ContextCode(shape, log_gain, none_weighed, network, none, objective)
    nearest = dataclasses.replace(nearest, tables=_tables(_counts(model, images, nearest), network))
    if objective != SQUARED_ERROR:
        return nearest
    code = dataclasses.replace(nearest, fidelity=fidelity)
    code = dataclasses.replace(code, fidelity=_fidelity(model, images[:_TRIED_ON], code))
    return dataclasses.replace(code, tables=_tables(_counts(model, images, code), network))


def _fidelity(model: Autoencoder, images: torch.Tensor, code: ContextCode) -> torch.Tensor:
    """For each level, the fidelity with which the loss that was trained for is smallest.

    The decoder has learnt what nearest numbers are like. The more an encoder leaves them, the less
    it knows what to make of the others.
    """
    found = []
    for level in range(len(code.fidelity)):
        at = code.at(round(1 + (BEST - 1) * level / (len(code.fidelity) - 1)))
        codes = codes_of(model, images, level=at.level, rounds=False)
        losses = []
        for factor in _FACTORS:
            tried = dataclasses.replace(at, fidelity=at.fidelity + math.log(factor))
            losses.append(float(costs(model, tried, images, codes).mean()))
        best = _FACTORS[losses.index(min(losses))]
        found.append(code.fidelity[level] + math.log(best))
    return torch.stack(found)


def _counts(model: Autoencoder, images: torch.Tensor, code: ContextCode) -> torch.Tensor:
    """How often each number is coded under each table, (tables, numbers); see :func:`_tables`."""
    counts = torch.zeros(len(code.tables), 2 * _FURTHEST + 3, dtype=torch.int64)
    for quality in QUALITIES:
        each = code.at(quality)
        codes = codes_of(model, images, level=each.level, rounds=False)
        for tables, rests in each.coded(codes):
            place = rests.clamp(-_FURTHEST - 1, _FURTHEST + 1) + _FURTHEST + 1
            index = tables.long() * counts.shape[1] + place
            counts += torch.bincount(index.flatten(), minlength=counts.numel()).view_as(counts)
    return counts


def context_network(model: Autoencoder) -> tuple[ContextNetwork, torch.Tensor]:
    """The rounded network of an entropy model, and the logarithms of its gains (levels, C).

    Raises:
        UsageError: the network has no entropy model or one rate only, or weights that are too
            large.
    """
    layer = model.spec["parts"]["encoder"][-1]
    if layer["kind"] != "entropy_model" or "lambdas" not in model.spec:
        raise UsageError(
            f"the encoder of {model!r} must end with entropy_model and the network have several "
            "rates (lambdas)"
        )
    state = {
        name.removeprefix(f"encoder.{layer['name']}."): tensor.detach().cpu().double()
        for name, tensor in model.state_dict().items()
        if name.startswith(f"encoder.{layer['name']}.")
    }
    groups, hidden = tuple(layer["groups"]), layer["hidden_channels"]
    kernel = layer.get("kernel_size", 3)
    weights: dict[str, torch.Tensor] = {}
    bits: list[tuple[int, int, int]] = []
    biases: list[torch.Tensor] = []
    for index in range(len(groups)):
        at = f"group{index}"
        bias = state[f"{at}.bias"]  # (levels, hidden)
        earlier = torch.zeros(kernel, kernel, 0, hidden, dtype=torch.float64)
        if index:
            earlier = state[f"{at}.earlier.weight"].permute(2, 3, 1, 0)
            bias = bias + state[f"{at}.earlier.bias"]
        anchors = state[f"{at}.anchors.weight"].permute(2, 3, 1, 0)
        both = torch.stack([bias, bias + state[f"{at}.anchors.bias"]], dim=1)
        seen = torch.cat([earlier, anchors], dim=2).flatten(0, 2)
        between, last = (state[f"{at}.{name}.weight"].flatten(1).T for name in ("between", "last"))
        rows = (
            (f"{at}.earlier and {at}.anchors", seen, both.abs().amax((0, 1)), 0, MOST_SEEN),
            (f"{at}.between", between, state[f"{at}.between.bias"], PLACES, MOST_BETWEEN),
            (f"{at}.last", last, state[f"{at}.last.bias"], PLACES, MOST_BETWEEN),
        )
        one, two, three = (_bits(*row) for row in rows)
        bits.append((one, two, three))
        rounded = {
            "earlier": _whole(earlier, one),
            "anchors": _whole(anchors, one),
            "between": _whole(between, two),
            "last": _whole(last, three),
        }
        weights |= {f"{index}.{name}": w.to(torch.int16) for name, w in rounded.items()}
        # Sums are shifted down, which cuts off: half a unit more rounds instead.
        biases.append(_whole(both, one) + half(one - PLACES))
        for name, places in (("between", two), ("last", three)):
            value = _whole(state[f"{at}.{name}.bias"], places + PLACES) + half(places)
            weights[f"{index}.{name}_bias"] = value.to(torch.int32)
    unit = 2**PLACES
    network = ContextNetwork(
        groups=groups,
        hidden=hidden,
        kernel=kernel,
        mean_bins=MEAN_BINS,
        scale_bins=SCALE_BINS,
        least_scale=int(LEAST_LOG_SCALE * unit),
        scale_step=int((LARGEST_LOG_SCALE - LEAST_LOG_SCALE) * unit / SCALE_BINS),
        bits=tuple(bits),
        weights=weights,
        bias=torch.stack(biases, dim=1).to(torch.int32),
    )
    return network, state["log_gain"].float()


def _bits(name: str, weights: torch.Tensor, bias: torch.Tensor, places: int, most: int) -> int:
    """The most binary places with which weights (inputs, units) fit 16 bits and sums fit 32."""
    for bits in range(_MOST_BITS, -1 if places else PLACES - 1, -1):
        rounded = _whole(weights, bits)
        sums = rounded.abs().sum(0) * most + _whole(bias, bits + places).abs() + 2**bits
        if int(rounded.abs().max()) <= MOST_BETWEEN and int(sums.max()) <= _MOST_SUM:
            return bits
    raise UsageError(f"the weights of {name} are too large for whole numbers")


def _whole(values: torch.Tensor, bits: int) -> torch.Tensor:
    return (values * 2.0**bits).round().long()


def _tables(counts: torch.Tensor, network: ContextNetwork) -> FrequencyTables:
    """Tables of counts (tables, rests), whose first and last column are what lies beyond."""
    rests = torch.arange(-_FURTHEST, _FURTHEST + 1, dtype=torch.float64)
    rows, smallest, escapes = [], [], []
    for number, row in enumerate(counts):
        scale_bin, mean_bin = divmod(number, network.mean_bins)
        unit = 2.0**PLACES
        scale = math.exp((network.least_scale + (scale_bin + 0.5) * network.scale_step) / unit)
        mean = (mean_bin + 0.5) / network.mean_bins - 0.5
        ends = ((rests[:, None] + torch.tensor([-0.5, 0.5]) - mean) / scale).sigmoid()
        expected = _PRIOR * (ends[:, 1] - ends[:, 0])
        smoothed = ((row[1:-1] + expected) * _FIXED).round().long()
        seen = (smoothed > 0).nonzero().squeeze(1)
        first, last = int(seen.min()), int(seen.max())
        rows.append(smoothed[first : last + 1])
        smallest.append(first - _FURTHEST)
        outside = int(row[0] + row[-1]) + int(row[1 : first + 1].sum() + row[last + 2 : -1].sum())
        escapes.append(outside * _FIXED + 1)
    return FrequencyTables.from_counts(rows, smallest=smallest, escape=escapes)
