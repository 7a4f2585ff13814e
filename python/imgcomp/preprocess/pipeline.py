"""A list of preprocessing steps, carried out by the core in as few passes as possible."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch

from imgcomp import _core
from imgcomp._checks import seed_number, whole_number
from imgcomp.errors import UsageError
from imgcomp.models.model import ArrayLike, as_tensor
from imgcomp.preprocess.steps import (
    GaussianNoise,
    SaltAndPepper,
    Scale,
    Standardize,
    Step,
    step_from_dict,
)

Shape = tuple[int, int, int]


class Pipeline:
    """Steps that are applied to images in their order.

    Any order is right. The core fuses the steps into passes, each of which gathers images by index,
    turns, flips and shifts them, maps each value linearly, pools and interpolates, maps linearly
    again, and adds noise; most pipelines are one pass.

    Random steps draw from the seed, the epoch, the image's index and the pixel's place alone: the
    number of threads, the batch size and the order of the images make no difference.

    A pipeline does not change; it may be used from several threads at once.
    """

    def __init__(self, steps: Iterable[Step] = ()) -> None:
        """Takes the steps down.

        Args:
            steps: of :mod:`imgcomp.preprocess`.

        Raises:
            UsageError: something among them is no step.
        """
        self._steps = tuple(steps) if isinstance(steps, Iterable) else (steps,)
        for step in self._steps:
            if not isinstance(step, Step) or type(step) is Step:
                raise UsageError(
                    f"a pipeline is a list of steps of imgcomp.preprocess, not {step!r}"
                )
        self._compiled: dict[Shape, _core.Pipeline] = {}
        self._lock = threading.Lock()

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps."""
        return self._steps

    @property
    def is_random(self) -> bool:
        """Whether any step is random."""
        return any(step.random for step in self._steps)

    def deterministic(self) -> Pipeline:
        """The same without the random steps."""
        return Pipeline(step for step in self._steps if not step.random)

    def without_noise(self) -> Pipeline:
        """The same without :class:`GaussianNoise` and :class:`SaltAndPepper`."""
        return Pipeline(
            step for step in self._steps if not isinstance(step, (GaussianNoise, SaltAndPepper))
        )

    def output_shape(self, input_shape: Sequence[int]) -> Shape:
        """The shape (C, H, W) that images of ``input_shape`` get.

        Raises:
            UsageError: the steps cannot be applied to such images.
        """
        channels, height, width = self._core_pipeline(_shape(input_shape)).output_shape
        return channels, height, width

    def num_passes(self, input_shape: Sequence[int]) -> int:
        """How many passes over images (C, H, W) the steps were fused into."""
        return self._core_pipeline(_shape(input_shape)).num_passes

    def __call__(
        self,
        images: ArrayLike,
        *,
        index: ArrayLike | Sequence[int] | None = None,
        seed: int = 0,
        epoch: int = 0,
        dtype: torch.dtype = torch.float32,
        memory_format: torch.memory_format = torch.contiguous_format,
        out: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Applies the steps.

        Args:
            images: uint8, float32 or float64 (N, C, H, W), at least one image.
            index: which images, in which order, (B,); all of them where it is not given.
            seed: of the random steps.
            epoch: likewise; another epoch, other draws.
            dtype: of the result, ``torch.float32`` or ``torch.bfloat16``.
            memory_format: of the result, ``torch.contiguous_format`` or ``torch.channels_last``.
            out: where the result goes, of just the shape, type and format it has; a new tensor
                where it is not given.

        Returns:
            (B, C, H', W') on the images' device.

        Raises:
            UsageError: images of another type or shape, an index out of range, or steps that do not
                fit the images.
        """
        tensor = image_tensor(images)
        if dtype not in (torch.float32, torch.bfloat16):
            raise UsageError(f"dtype must be torch.float32 or torch.bfloat16, not {dtype!r}")
        if memory_format not in (torch.contiguous_format, torch.channels_last):
            raise UsageError(
                "memory_format must be torch.contiguous_format or torch.channels_last, "
                f"not {memory_format!r}"
            )
        if out is not None and not isinstance(out, torch.Tensor):
            raise UsageError(f"out must be a tensor, not {type(out).__name__}")
        _, channels, height, width = tensor.shape
        return self._core_pipeline((channels, height, width)).run(
            tensor,
            _index_tensor(index, tensor),
            seed_number("seed", seed),
            whole_number("epoch", epoch, minimum=0),
            True,
            dtype == torch.bfloat16,
            memory_format == torch.channels_last,
            out,
        )

    def to_dict(self) -> dict[str, Any]:
        """The pipeline as JSON-able data."""
        return {"steps": [step.to_dict() for step in self._steps]}

    @classmethod
    def from_dict(cls, values: object) -> Pipeline:
        """The pipeline that :meth:`to_dict` wrote down.

        Raises:
            UsageError: it is no such record.
        """
        if not isinstance(values, dict) or not isinstance(values.get("steps"), list):
            raise UsageError("a pipeline is written as a dict with a list of 'steps'")
        return cls(step_from_dict(step) for step in values["steps"])

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the steps and their settings."""
        text = json.dumps(self.to_dict(), sort_keys=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        return self._steps == other._steps if isinstance(other, Pipeline) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._steps)

    def __len__(self) -> int:
        return len(self._steps)

    def __repr__(self) -> str:
        names = ", ".join(type(step).__name__ for step in self._steps)
        return f"Pipeline([{names}])"

    def __getstate__(self) -> tuple[Step, ...]:
        return self._steps

    def __setstate__(self, state: tuple[Step, ...]) -> None:
        self.__init__(state)  # type: ignore[misc]

    def _core_pipeline(self, shape: Shape) -> _core.Pipeline:
        with self._lock:
            compiled = self._compiled.get(shape)
            if compiled is None:
                steps = _core.PreprocessSteps()
                for step in self._steps:
                    step.add_to(steps)
                compiled = self._compiled[shape] = _core.Pipeline(steps, shape)
            return compiled


def for_training(
    pipeline: Pipeline, images: torch.Tensor, data_range: tuple[float, float]
) -> _core.Pipeline:
    """The pipeline as the trainer takes it: bytes come into the network's data range first.

    That is left out where the pipeline has a :class:`Scale` or :class:`Standardize` of its own, and
    for floats.
    """
    scales = any(isinstance(step, (Scale, Standardize)) for step in pipeline.steps)
    if images.dtype == torch.uint8 and not scales:
        pipeline = Pipeline([Scale(*data_range), *pipeline.steps])
    if images.dim() != 4:
        raise UsageError(f"images must have shape (N, C, H, W), not {tuple(images.shape)}")
    return pipeline._core_pipeline(_shape(images.shape[1:]))


def image_tensor(images: ArrayLike) -> torch.Tensor:
    """Images as the core takes them: contiguous uint8 or float32 (N, C, H, W).

    Raises:
        UsageError: they are something else.
    """
    tensor = checked_images(images)
    return tensor.float() if tensor.dtype == torch.float64 else tensor


def checked_images(images: ArrayLike) -> torch.Tensor:
    """Images as a contiguous tensor of their own type.

    Raises:
        UsageError: they are not uint8, float32 or float64 (N, C, H, W), or none.
    """
    tensor = as_tensor(images, "images").detach()
    if tensor.dim() != 4:
        raise UsageError(f"images must have shape (N, C, H, W), not {tuple(tensor.shape)}")
    if tensor.dtype not in (torch.uint8, torch.float32, torch.float64):
        raise UsageError(f"images must be uint8, float32 or float64, not {tensor.dtype}")
    if tensor.numel() == 0:
        raise UsageError(
            f"there are no images, and there must be at least one: the shape is "
            f"{tuple(tensor.shape)}"
        )
    return tensor.contiguous()


def _index_tensor(index: object, images: torch.Tensor) -> torch.Tensor:
    if index is None:
        return torch.arange(len(images), device=images.device)
    if isinstance(index, (list, tuple, range)):
        index = np.asarray(index) if len(index) else np.zeros(0, np.int64)
    tensor = as_tensor(index, "index")
    if tensor.dim() != 1 or tensor.is_floating_point() or tensor.is_complex():
        raise UsageError(
            f"index must be whole numbers (B,), not {tensor.dtype} of shape {tuple(tensor.shape)}"
        )
    if tensor.dtype == torch.bool:
        raise UsageError("index must be whole numbers; for a mask pass mask.nonzero().flatten()")
    return tensor.to(images.device, torch.int64).contiguous()


def _shape(shape: Sequence[int]) -> Shape:
    if not isinstance(shape, Sequence) or len(shape) != 3:
        raise UsageError(f"the shape of an image is (C, H, W), not {shape!r}")
    channels, height, width = (whole_number("the sizes of an image", size) for size in shape)
    return channels, height, width
