"""What images are worth after they were sent, one number for each image and measure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch

from imgcomp import metrics
from imgcomp.papers.measures import PSNR_LIMIT

MEASURES = ("psnr", "ssim", "ms_ssim")
"""Besides ``mse``, from which the pooled PSNR comes."""
MS_SSIM = "adaptive"
"""The variant where none is chosen: it takes images of any size."""
_SSIM_SIDE = 11
_AT_A_TIME = 2**22
"""Values that are measured together."""


def measured(
    originals: torch.Tensor, images: torch.Tensor, ms_ssim: str = MS_SSIM
) -> dict[str, torch.Tensor]:
    """Errors and similarities of each image.

    Args:
        originals: uint8 (N, C, H, W).
        images: of the same shape.
        ms_ssim: variant, see `imgcomp.metrics.ms_ssim`.

    Returns:
        float64 (N,) each: ``mse`` in squared grey levels; ``psnr`` in dB, peak 255, at most
        `PSNR_LIMIT`; ``ssim``, NaN where a side is below 11 pixels; ``ms_ssim``.
    """
    error = metrics.mse(originals, images)
    found = {"mse": error, "psnr": metrics.psnr(originals, images).clamp(max=PSNR_LIMIT)}
    some = max(1, _AT_A_TIME // max(1, math.prod(originals.shape[1:])))
    pairs = list(zip(originals.split(some), images.split(some), strict=True))  # type: ignore[no-untyped-call]
    if min(originals.shape[2:]) < _SSIM_SIDE:
        found["ssim"] = torch.full_like(error, math.nan)
    else:
        found["ssim"] = torch.cat([metrics.ssim(x, y) for x, y in pairs])
    found["ms_ssim"] = torch.cat([metrics.ms_ssim(x, y, ms_ssim) for x, y in pairs])
    return found


def summary(values: Mapping[str, torch.Tensor]) -> dict[str, float | None]:
    """Means over images, and the pooled PSNR: that of the mean squared error of all.

    Args:
        values: of `measured`, maybe with ``correct`` (N,), 0 or 1, which becomes ``accuracy``.

    Returns:
        ``psnr``, ``psnr_pooled``, ``ssim``, ``ms_ssim``, ``accuracy``; None where unknown.
    """
    found = {name: _mean(values.get(name)) for name in MEASURES}
    error = _mean(values.get("mse"))
    pooled = None
    if error is not None:
        pooled = PSNR_LIMIT if error == 0 else min(PSNR_LIMIT, 10 * math.log10(255**2 / error))
    return {**found, "psnr_pooled": pooled, "accuracy": _mean(values.get("correct"))}


def _mean(values: torch.Tensor | None) -> float | None:
    if values is None or not len(values):
        return None
    found = float(values.to(torch.float64).mean())
    return found if math.isfinite(found) else None


def shares(total: float, weights: Sequence[float] | torch.Tensor) -> torch.Tensor:
    """Bytes that images have in common, divided among them.

    Args:
        total: bytes of all.
        weights: what each image takes by itself, (N,); all nought: equal shares.

    Returns:
        float64 (N,) that sums up to `total`.
    """
    given = torch.as_tensor(weights, dtype=torch.float64)
    whole = float(given.sum())
    if whole <= 0:
        return torch.full_like(given, total / len(given))
    return given * (total / whole)
