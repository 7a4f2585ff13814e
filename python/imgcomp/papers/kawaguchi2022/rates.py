"""Principal components in few bits each, beside codes of as many bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from imgcomp.codec import Quantizer
from imgcomp.papers.common import image_errors, principal_directions
from imgcomp.stages import Artifact, Context, StageStopped, stage

if TYPE_CHECKING:
    from imgcomp.datasets import Split

_FITTED = 250
"""Training images that the ranges are chosen on."""


@stage(version="1")
def pca_rates(context: Context, train: Split, test: Split) -> Artifact:
    """Send images as principal components with few bits for each.

    Config: ``bits``: of each component, ascending; ``shown``: how many images to keep of each;
    ``components``: numbers of components.

    Returns:
        Data: ``points``: list of ``values``, ``bits`` (of a value; 32: not quantised),
        ``code_bits`` (of an image; the ends of the ranges are not counted) and `image_errors`;
        ``relu``:
        number of components → MSE in the range [-1, 1] of unrounded reconstructions whose negative
        values were set to 0, as model 1's last ReLU does; ``floor``: the least that this can be.
        Tensors ``pca-VALUES-BITS``.
    """
    sample = train.images.flatten(1).to(torch.float64) / 255.0
    inputs = test.images.flatten(1).to(torch.float64) / 255.0
    mean, directions = principal_directions(sample)
    # The projections need no more than single precision.
    basis = directions.flip(1).to(torch.float32)
    seen = ((sample[:_FITTED] - mean).to(torch.float32) @ basis).T.contiguous()
    code = ((inputs - mean).to(torch.float32) @ basis).T.contiguous()
    centre = mean.to(torch.float32)
    points: list[dict[str, Any]] = []
    tensors: dict[str, torch.Tensor] = {}
    relu: dict[str, float] = {}

    def unrounded(sent: torch.Tensor) -> torch.Tensor:
        return centre + sent.T @ basis[:, : len(sent)].T

    # Few training images span fewer directions than may be asked for.
    for count in sorted({min(wanted, len(code)) for wanted in context.config["components"]}):
        for bits in (*context.config["bits"], 32):
            if context.stop.is_set():
                raise StageStopped
            sent = code[:count]
            if bits < 32:
                sent = Quantizer.fit(seen[:count].T, bits)(sent.T).T
            output = unrounded(sent)
            rounded = (output * 255.0).round().clamp(0, 255).to(torch.uint8)
            images = rounded.reshape(test.images.shape)
            tensors[f"pca-{count}-{bits}"] = images[: context.config["shown"]]
            errors = image_errors(test.images, images)
            points.append({"values": count, "bits": bits, "code_bits": bits * count, **errors})
        answered = (2.0 * unrounded(code[:count]) - 1.0).clamp(min=0)
        relu[str(count)] = float((answered - (2.0 * inputs - 1.0)).square().mean())
    floor = float((2.0 * inputs - 1.0).clamp(max=0).square().mean())
    return Artifact(tensors, {"points": points, "relu": relu, "floor": floor})
