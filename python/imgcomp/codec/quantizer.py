"""Codes of networks as whole numbers, and back: equally spaced levels for each channel."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from imgcomp._checks import whole_number
from imgcomp.errors import UsageError
from imgcomp.models import layers as nn
from imgcomp.models.model import ArrayLike, Autoencoder, as_tensor

_MAX_LEVELS = 2**16
_LEAST_STEP = 1e-12
_SHARES = (1.0, 0.85, 0.7, 0.55, 0.4, 0.3, 0.2, 0.12)
"""How much of the range of the values the levels may cover."""
_NAME = "quantize"
"""Of the layer that :meth:`Quantizer.built_into` adds."""


@dataclass(frozen=True)
class Quantizer:
    """Level k of channel c is ``offset[c] + k · step[c]``, k = 0 … levels − 1.

    Codes are float32 of shape (N, C, …); the channels are their second axis.

    Attributes:
        offset: (C,), float32, finite.
        step: (C,), float32, above 0.
        levels: how many each channel has, 2 … 65536.
    """

    offset: torch.Tensor
    step: torch.Tensor
    levels: int

    def __post_init__(self) -> None:
        """Checks the attributes.

        Raises:
            UsageError: they do not fit.
        """
        whole_number("levels", self.levels, 2, _MAX_LEVELS)
        for name, values in (("offset", self.offset), ("step", self.step)):
            if values.dtype != torch.float32 or values.dim() != 1 or not values.isfinite().all():
                raise UsageError(
                    f"{name} must be finite float32 of shape (C,), not {values.dtype} of shape "
                    f"{tuple(values.shape)}"
                )
        if len(self.offset) != len(self.step) or not bool((self.step > 0).all()):
            raise UsageError(f"step must have {len(self.offset)} values above 0")

    @classmethod
    def fit(cls, codes: ArrayLike, bits: int) -> Quantizer:
        """The levels that give the least squared error on codes, of some that are tried.

        The outermost levels are the ends of each channel's range, drawn towards 0 by a share:
        outliers would else make every step wide.

        Args:
            codes: (N, C, …), floating point, at least one value for each channel.
            bits: 1 … 16; the levels are 2^bits.

        Raises:
            UsageError: an argument does not fit.
        """
        count = 2 ** whole_number("bits", bits, 1, 16)
        given = _codes(codes)
        if given.numel() == 0:
            raise UsageError(f"codes must not be empty, got shape {tuple(given.shape)}")
        if not bool(given.isfinite().all()):
            raise UsageError("codes must be finite")
        grouped = given.transpose(0, 1).flatten(1)
        low, high = grouped.amin(1), grouped.amax(1)
        best, least = cls._between(low, high, count), torch.full_like(low, torch.inf)
        for share in _SHARES:
            tried = cls._between(low * share, high * share, count)
            error = (tried(given) - given).square().transpose(0, 1).flatten(1).mean(1)
            better = error < least
            least = torch.where(better, error, least)
            best = cls(
                torch.where(better, tried.offset, best.offset),
                torch.where(better, tried.step, best.step),
                count,
            )
        return best

    @classmethod
    def _between(cls, low: torch.Tensor, high: torch.Tensor, levels: int) -> Quantizer:
        return cls(low, ((high - low) / (levels - 1)).clamp(min=_LEAST_STEP), levels)

    @classmethod
    def of(cls, model: Autoencoder) -> Quantizer:
        """The levels of a network whose encoder ends with ``quantize`` or ``binarize``.

        Raises:
            UsageError: it ends with something else.
        """
        last = _last_layer(model)
        if last["kind"] == "binarize":
            channels = model.code_shape[1 if "recurrence" in model.spec else 0]
            return cls(-torch.ones(channels), torch.full((channels,), 2.0), 2)
        if not has_levels(model):
            raise UsageError(
                f"the encoder of {model!r} must end with quantize or binarize, not {last['kind']}"
            )
        state = model.state_dict()
        offset, step = (
            state[f"encoder.{last['name']}.{each}"].detach().cpu().clone()
            for each in ("offset", "step")
        )
        return cls(offset, step.abs().clamp(min=_LEAST_STEP), last["levels"])

    def built_into(self, model: Autoencoder) -> Autoencoder:
        """A copy of a network whose encoder ends with these levels.

        Trained on, it learns to do with them, and the levels to suit it (Esser et al. 2020).

        Raises:
            UsageError: the encoder already ends with levels, or its code has other channels.
        """
        if has_levels(model):
            raise UsageError(
                f"the encoder of {model!r} already ends with {_last_layer(model)['kind']}"
            )
        if len(self.offset) != model.code_shape[0]:
            raise UsageError(
                f"levels of {len(self.offset)} channels do not fit a code of shape "
                f"{model.code_shape}"
            )
        spec = model.spec
        spec["parts"]["encoder"].append(nn.quantize(self.levels, name=_NAME))
        twin = Autoencoder(spec)
        twin.to(model.device)
        levels = {f"encoder.{_NAME}.offset": self.offset, f"encoder.{_NAME}.step": self.step}
        twin.load_state_dict(model.state_dict() | levels)
        return twin

    def symbols(self, codes: ArrayLike) -> torch.Tensor:
        """The number of the nearest level.

        Args:
            codes: (N, C, …), floating point.

        Returns:
            int32 of that shape, 0 … levels − 1.

        Raises:
            UsageError: wrong shape or dtype, or values that are not numbers.
        """
        given = _codes(codes)
        offset, step = self._along(given)
        if bool(given.isnan().any()):
            raise UsageError("codes must be numbers, not NaN")
        return ((given - offset) / step).clamp(0, self.levels - 1).round().to(torch.int32)

    def values(self, symbols: ArrayLike) -> torch.Tensor:
        """Levels by their number.

        Args:
            symbols: (N, C, …), whole numbers 0 … levels − 1.

        Returns:
            float32 of that shape.

        Raises:
            UsageError: wrong shape.
        """
        given = as_tensor(symbols, "symbols")
        offset, step = self._along(given)
        return offset + given.to(torch.float32) * step

    def __call__(self, codes: ArrayLike) -> torch.Tensor:
        """The nearest levels themselves, float32; arguments and errors as of :meth:`symbols`."""
        return self.values(self.symbols(codes))

    def _along(self, codes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Offset and step, shaped to go with the codes."""
        if codes.dim() < 2 or codes.shape[1] != len(self.offset):
            raise UsageError(
                f"codes must be of shape (N, {len(self.offset)}, …), not {tuple(codes.shape)}"
            )
        shape = (-1, *(1 for _ in codes.shape[2:]))
        return self.offset.view(shape), self.step.view(shape)


def has_levels(model: Autoencoder) -> bool:
    """Whether the encoder ends with ``quantize`` or ``binarize``."""
    return _last_layer(model)["kind"] in ("quantize", "binarize")


def _last_layer(model: Autoencoder) -> nn.LayerSpec:
    layer: nn.LayerSpec = model.spec["parts"]["encoder"][-1]
    return layer


def _codes(codes: ArrayLike) -> torch.Tensor:
    given = as_tensor(codes, "codes").detach()
    if not given.is_floating_point() or given.dim() < 2:
        raise UsageError(
            f"codes must be floating point of shape (N, C, …), not {given.dtype} of shape "
            f"{tuple(given.shape)}"
        )
    return given.to("cpu", torch.float32)
