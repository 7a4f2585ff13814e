"""Specs: networks as plain data, which the core builds and files hold."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from imgcomp.models.layers import LayerSpec

Spec: TypeAlias = dict[str, Any]


def autoencoder_spec(
    input_shape: Sequence[int],
    encoder: Sequence[LayerSpec],
    decoder: Sequence[LayerSpec],
    *,
    data_range: tuple[float, float] = (0.0, 1.0),
    initialization: str = "pytorch",
    iterations: int | None = None,
    reconstruction: str = "one_shot",
    gain: Sequence[LayerSpec] | None = None,
    lambdas: Sequence[float] | None = None,
) -> Spec:
    """The spec of an autoencoder.

    Args:
        input_shape: (channels, height, width).
        encoder: layers from the image to the code; see :mod:`imgcomp.models.layers`.
        decoder: layers from the code back to an image of ``input_shape``.
        data_range: the values that bytes 0 and 255 stand for.
        initialization: ``"pytorch"``, ``"keras"`` (Glorot) or ``"chainer"`` (LeCun).
        iterations: how often the encoder looks at what the image still lacks; None for one pass
            without any recurrence.
        reconstruction: what the decoder gives in each iteration: the whole image (``"one_shot"``),
            what is added to it (``"additive"``), or that with residuals scaled
            (``"residual_scaling"``), as in Toderici et al. (2017), section 3.2.
        gain: layers from the image so far to the factors of its residual, (1, h, w); needed by
            ``"residual_scaling"`` and only there.
        lambdas: of a network of several rates, how much distortion weighs beside bits at each,
            rising: the objective ``"rate+lambda*mse"``. Its ``entropy_model`` then has a gain for
            each, and what lies between two is a mixture; None for one rate.
    """
    parts = {"encoder": encoder, "decoder": decoder}
    if gain is not None:
        parts["gain"] = gain
    spec = _spec("autoencoder", input_shape, data_range, initialization, parts)
    if iterations is not None:
        spec["recurrence"] = {"iterations": iterations, "reconstruction": reconstruction}
    if lambdas is not None:
        spec["lambdas"] = _listed(lambdas)
    return spec


def classifier_spec(
    input_shape: Sequence[int],
    layers: Sequence[LayerSpec],
    *,
    data_range: tuple[float, float] = (0.0, 1.0),
    initialization: str = "pytorch",
) -> Spec:
    """The spec of a classifier, whose last layer gives the logits; see :func:`autoencoder_spec`."""
    return _spec("classifier", input_shape, data_range, initialization, {"classifier": layers})


def _spec(
    task: str,
    input_shape: Sequence[int],
    data_range: tuple[float, float],
    initialization: str,
    parts: Mapping[str, Sequence[LayerSpec]],
) -> Spec:
    return {
        "task": task,
        "input_shape": _listed(input_shape),
        "data_range": _listed(data_range),
        "initialization": initialization,
        "parts": {name: copy.deepcopy(_listed(layers)) for name, layers in parts.items()},
    }


def _listed(value: Any) -> Any:
    """A list of what can be one; anything else is left for the core, which says what is wrong."""
    can_be_one = isinstance(value, Iterable) and not isinstance(value, (str, Mapping))
    return list(value) if can_be_one else value
