"""How a codec's file keeps its network small: half precision where it is exact, nothing twice.

The entropy model at the end of the encoder is in such a file already, as the whole numbers that
code; its weights are made of these again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from imgcomp.errors import UsageError

_NO_NAME = "\0"
_WINDOWS = ("earlier", "anchors")
PLACES = 8
"""Binary places of what layers of the context network hand on, see docs/bitstream.md."""


def entropy_prefix(spec: Mapping[str, Any]) -> str | None:
    """How names of an entropy model's weights begin; None where the encoder ends otherwise."""
    try:
        layer = spec["parts"]["encoder"][-1]
        return f"encoder.{layer['name']}." if layer["kind"] == "entropy_model" else None
    except (KeyError, TypeError, IndexError):
        return None  # from_spec says what is wrong with it


def rounded(
    spec: Mapping[str, Any], weights: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Weights of which a file of a context code keeps as many as it can in half precision.

    The entropy model's, which become whole numbers, and values beyond float16 stay as they are.

    Args:
        spec: of the network.
        weights: its state, float32.

    Returns:
        The same names, float32.
    """
    prefix, found = entropy_prefix(spec) or _NO_NAME, {}
    for name, tensor in weights.items():
        half = tensor.detach().to(torch.float16).to(torch.float32)
        kept = name.startswith(prefix) or not bool(half.isfinite().all())
        found[name] = tensor if kept else half
    return found


def compact(
    spec: Mapping[str, Any], weights: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """The weights that a file of a context code keeps beside the code.

    Args:
        spec: of the network.
        weights: its state.

    Returns:
        Those outside the entropy model, as float16 where no value changes by that.
    """
    prefix = entropy_prefix(spec) or _NO_NAME
    return {name: _halved(w) for name, w in weights.items() if not name.startswith(prefix)}


def _halved(tensor: torch.Tensor) -> torch.Tensor:
    half = tensor.detach().to(torch.float16)
    return half if torch.equal(half.to(tensor.dtype), tensor) else tensor


def completed(
    spec: Mapping[str, Any],
    weights: Mapping[str, torch.Tensor],
    codec: Mapping[str, Any] | None,
    code: Mapping[str, torch.Tensor],
) -> dict[str, torch.Tensor]:
    """All weights of a network in a codec's file.

    Args:
        spec: of the network.
        weights: of the file.
        codec: what the file says of its code; None where it has none.
        code: the code's tensors.

    Raises:
        UsageError: the code is none of such a network.
    """
    prefix = entropy_prefix(spec)
    known = prefix is None or any(name.startswith(prefix) for name in weights)
    if known or codec is None or codec.get("kind") != "context":
        return dict(weights)
    try:
        found = _entropy_weights(codec, code)
    except (KeyError, TypeError, ValueError, IndexError, RuntimeError, OverflowError) as error:
        raise UsageError(f"the code's numbers are no entropy model: {error}") from None
    return {**weights, **{f"{prefix}{name}": tensor for name, tensor in found.items()}}


def _entropy_weights(
    codec: Mapping[str, Any], code: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    found = {"log_gain": code["log_gain"]}
    bias = code["bias"].double()  # (levels, groups, 2, hidden)
    for group, (one, two, three) in enumerate(codec["bits"]):
        first = (bias[:, group] - half(one - PLACES)) / 2.0**one
        found[f"group{group}.bias"] = first[:, 0]
        found[f"group{group}.anchors.bias"] = first[0, 1] - first[0, 0]
        windows = {name: code[f"{group}.{name}"].double() / 2.0**one for name in _WINDOWS}
        if group:
            found[f"group{group}.earlier.bias"] = torch.zeros(bias.shape[-1])
        else:
            windows.pop("earlier")
        for name, values in windows.items():
            found[f"group{group}.{name}.weight"] = values.permute(3, 2, 0, 1)
        for name, bits in (("between", two), ("last", three)):
            weight = code[f"{group}.{name}"].double().transpose(0, 1)[..., None, None] / 2.0**bits
            rounded = code[f"{group}.{name}_bias"].double() - half(bits)
            found[f"group{group}.{name}.weight"] = weight
            found[f"group{group}.{name}.bias"] = rounded / 2.0 ** (bits + PLACES)
    return {name: tensor.float() for name, tensor in found.items()}


def half(bits: int) -> int:
    """What is added to a bias so that cutting off so many places rounds."""
    return 2 ** (bits - 1) if bits > 0 else 0
