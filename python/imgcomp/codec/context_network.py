"""The network in whole numbers that says which mean and scale a value of a latent may have."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch

from imgcomp import _core
from imgcomp.errors import UsageError

BEST = 100
"""Qualities are 1 … 100."""
_LAYERS = ("earlier", "anchors", "between", "last")


@dataclass(frozen=True)
class ContextNetwork:
    """The network in whole numbers; docs/bitstream.md says what it computes.

    Attributes:
        groups: channels of each group.
        hidden: channels between its layers.
        kernel: side of its first layer's windows.
        mean_bins: parts of a unit that a mean is rounded down to.
        scale_bins: of the logarithm of the scale.
        least_scale: that logarithm for the first bin, in units of 1/256.
        scale_step: from one bin to the next, in those units.
        bits: for each group, binary places of its first, second and third layer's weights.
        weights: int16: ``earlier`` (K, K, channels before, hidden), ``anchors`` (K, K, channels,
            hidden), ``between`` (hidden, hidden) and ``last`` (hidden, 2 · channels) by
            ``GROUP.NAME``; the second and third layer's biases, int32.
        bias: int32 (levels, groups, 2, hidden), of the first layer, for anchors and the others.
    """

    groups: tuple[int, ...]
    hidden: int
    kernel: int
    mean_bins: int
    scale_bins: int
    least_scale: int
    scale_step: int
    bits: tuple[tuple[int, int, int], ...]
    weights: dict[str, torch.Tensor]
    bias: torch.Tensor

    def __post_init__(self) -> None:
        """Builds what computes it.

        Raises:
            UsageError: something does not fit, or a sum could overflow.
        """
        shape = (len(self.groups), 2, self.hidden)
        if self.bias.dim() != 4 or tuple(self.bias.shape[1:]) != shape:
            raise UsageError(f"biases must be (levels, *{shape}), not {tuple(self.bias.shape)}")
        for bias in self.bias:
            self.core.check_bias(bias.contiguous())

    @cached_property
    def core(self) -> _core.ContextNetwork:
        """The C++ side."""
        names = (*_LAYERS, "between_bias", "last_bias")
        return _core.ContextNetwork(
            self.hidden,
            self.kernel,
            self.mean_bins,
            self.scale_bins,
            self.least_scale,
            self.scale_step,
            [
                [self.weights[f"{group}.{name}"].contiguous() for name in names]
                for group in range(len(self.groups))
            ],
            [list(bits) for bits in self.bits],
            list(self.groups),
        )

    def bias_at(self, quality: int) -> torch.Tensor:
        """int32 (groups, 2, hidden): between two levels a mixture, rounded down."""
        index, share = divmod((quality - 1) * (len(self.bias) - 1), BEST - 1)
        low, high = (self.bias[min(i, len(self.bias) - 1)].long() for i in (index, index + 1))
        mixed = (low * (BEST - 1 - share) + high * share).div(BEST - 1, rounding_mode="floor")
        return mixed.to(torch.int32)
