"""The steps of a preprocessing pipeline: frozen descriptions that only the core carries out."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import torch

from imgcomp import _core
from imgcomp._checks import choice, flag, real_number, whole_number
from imgcomp.errors import UsageError
from imgcomp.models.model import ArrayLike, as_tensor

if TYPE_CHECKING:
    from imgcomp.preprocess.functions import Statistics

Size: TypeAlias = int | tuple[int, int]

_ORDERS = (0, 1, 3, 5)
_MAX_SHIFT = 1 << 20
_MAX_FLOAT = 3.4e38


def spline_order(order: object) -> int:
    """One of the orders that there are."""
    number = whole_number("order", order, minimum=0)
    if number not in _ORDERS:
        raise UsageError(f"order must be 0, 1, 3 or 5, not {order!r}")
    return number


def image_size(size: object) -> tuple[int, int]:
    """(height, width), both at least 2, from one number or two."""
    if isinstance(size, Sequence) and not isinstance(size, str):
        if len(size) != 2:
            raise UsageError(f"size must be one number or (height, width), not {size!r}")
        return (
            whole_number("size: height", size[0], minimum=2),
            whole_number("size: width", size[1], minimum=2),
        )
    side = whole_number("size", size, minimum=2)
    return side, side


def _value(name: str, value: object) -> float:
    return real_number(name, value, -_MAX_FLOAT, _MAX_FLOAT)


@dataclass(frozen=True)
class Step:
    """One step of a :class:`imgcomp.preprocess.Pipeline`."""

    random: ClassVar[bool] = False

    def to_dict(self) -> dict[str, Any]:
        """The step as JSON-able data."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {"kind": type(self).__name__, **{k: _plain(v) for k, v in values.items()}}

    def add_to(self, steps: _core.PreprocessSteps) -> None:
        """Writes the step down for the core."""
        raise NotImplementedError

    def _set(self, **values: object) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)


def _plain(value: object) -> object:
    if isinstance(value, torch.Tensor):
        return value.tolist()
    return list(value) if isinstance(value, tuple) else value


@dataclass(frozen=True)
class Scale(Step):
    """Bytes 0 … 255 become ``low`` … ``high``.

    Floats are taken to be on the scale of bytes too.
    """

    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        self._set(low=_value("low", self.low), high=_value("high", self.high))
        if not self.low < self.high:
            raise UsageError(f"low must be below high, not low={self.low:g}, high={self.high:g}")

    def add_to(self, steps: _core.PreprocessSteps) -> None:
        """Writes the step down for the core."""
        steps.scale(self.low, self.high)


@dataclass(frozen=True, eq=False)
class Standardize(Step):
    """(value − mean) / std; where std is 0 only the mean is subtracted.

    ``mean`` and ``std`` are numbers, or arrays that broadcast to (C, H, W), in the values' units.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, mean: ArrayLike | float, std: ArrayLike | float) -> None:
        self._set(mean=_parameter("mean", mean), std=_parameter("std", std))
        if bool((self.std < 0).any()):
            raise UsageError(f"std must not be negative, but goes down to {self.std.min():g}")

    @classmethod
    def from_statistics(cls, statistics: Statistics) -> Standardize:
        """The step that makes the images of those statistics have mean 0 and deviation 1."""
        mean, std = statistics
        return cls(mean, std)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Standardize):
            return NotImplemented
        return torch.equal(self.mean, other.mean) and torch.equal(self.std, other.std)

    def __hash__(self) -> int:
        return hash((tuple(self.mean.shape), self.mean.sum().item(), self.std.sum().item()))

    def add_to(self, steps: _core.PreprocessSteps) -> None:
        """Writes the step down for the core."""
        steps.standardize(self.mean, self.std)


def _parameter(name: str, value: object) -> torch.Tensor:
    """A private float64 copy, so that the step stays what it is."""
    if isinstance(value, (list, tuple)):
        try:
            tensor = torch.tensor(value, dtype=torch.float64)
        except (TypeError, ValueError) as error:
            raise UsageError(f"{name}: {error}") from None
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        tensor = torch.tensor(value, dtype=torch.float64)
    else:
        given = as_tensor(value, name)
        if given.is_complex() or given.dtype == torch.bool:
            raise UsageError(f"{name} must be real numbers, not {given.dtype}")
        tensor = given.detach().to("cpu", torch.float64, copy=True)
    if tensor.numel() == 0 or tensor.dim() > 3:
        raise UsageError(
            f"{name} must broadcast to (C, H, W), which shape {tuple(tensor.shape)} does not"
        )
    if not bool(tensor.isfinite().all()):
        raise UsageError(f"{name} must be finite, but has NaN or infinity")
    return tensor


@dataclass(frozen=True)
class Pool(Step):
    """Means over square windows of ``window`` pixels every ``step`` pixels, without padding."""

    window: int
    step: int

    def __post_init__(self) -> None:
        self._set(window=whole_number("window", self.window), step=whole_number("step", self.step))

    def add_to(self, steps: _core.PreprocessSteps) -> None:
        """Writes the step down for the core."""
        steps.pool(self.window, self.step)


@dataclass(frozen=True)
class Spline(Step):
    """Spline interpolation to ``size``, corner pixels on corner pixels.

    Order 0 takes the nearest pixel; 1, 3 and 5 are interpolating splines as
    ``scipy.interpolate.RectBivariateSpline(kx=order, ky=order, s=0)`` has them. An order needs at
    least ``order + 1`` pixels along each axis.
    """

    size: Size
    order: int = 1

    def __post_init__(self) -> None:
        self._set(size=image_size(self.size), order=spline_order(self.order))

    def add_to(self, steps: _core.PreprocessSteps) -> None:
        """Writes the step down for the core."""
        height, width = image_size(self.size)
        steps.spline(height, width, self.order)


@dataclass(frozen=True)
class PoolSpline(Step):
    """:class:`Pool`, then :class:`Spline` back to ``size``."""

    window: int
    step: int
    size: Size = 28
    order: int = 1

    def __post_init__(self) -> None:
        self._set(
            window=whole_number("window", self.window),
            step=whole_number("step", self.step),
            size=image_size(self.size),
            order=spline_order(self.order),
        )

    def add_to(self, steps: _core.PreprocessSteps) -> None:
        """Writes the step down for the core."""
        height, width = image_size(self.size)
        steps.pool(self.window, self.step)
        steps.spline(height, width, self.order)


@dataclass(frozen=True)
class RandomRotate90(Step):
    """Turns square images by 0°, 90°, 180° or 270°, each as likely."""

    random: ClassVar[bool] = True

    def add_to(self, steps: _core.PreprocessSteps) -> None:
        """Writes the step down for the core."""
        steps.rotate90()


@dataclass(frozen=True)
class RandomFlip(Step):
    """Turns images left to right and upside down, each with probability ½ where it is on."""

    horizontal: bool = True
    vertical: bool = False
    random: ClassVar[bool] = True

    def __post_init__(self) -> None:
        flag("horizontal", self.horizontal)
        flag("vertical", self.vertical)
        if not (self.horizontal or self.vertical):
            raise UsageError("a flip must be horizontal, vertical or both")

    def add_to(self, steps: _core.PreprocessSteps) -> None:
        """Writes the step down for the core."""
        steps.flip(self.horizontal, self.vertical)


@dataclass(frozen=True)
class RandomShift(Step):
    """Shifts images along each axis by −pixels … pixels, each as likely.

    What comes in from outside is ``fill``, in the units that the values have at this step.
    """

    pixels: int
    fill: float = 0.0
    random: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self._set(
            pixels=whole_number("pixels", self.pixels, minimum=0, maximum=_MAX_SHIFT),
            fill=_value("fill", self.fill),
        )

    def add_to(self, steps: _core.PreprocessSteps) -> None:
        """Writes the step down for the core."""
        steps.shift(self.pixels, self.fill)


@dataclass(frozen=True)
class GaussianNoise(Step):
    """Adds to each value a normally distributed one of standard deviation ``std``."""

    std: float
    random: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self._set(std=real_number("std", self.std, 0.0, _MAX_FLOAT))

    def add_to(self, steps: _core.PreprocessSteps) -> None:
        """Writes the step down for the core."""
        steps.gaussian_noise(self.std)


@dataclass(frozen=True)
class SaltAndPepper(Step):
    """Makes each value ``low`` or ``high``, with probability ``amount`` / 2 each."""

    amount: float
    low: float
    high: float
    random: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self._set(
            amount=real_number("amount", self.amount, 0.0, 1.0),
            low=_value("low", self.low),
            high=_value("high", self.high),
        )

    def add_to(self, steps: _core.PreprocessSteps) -> None:
        """Writes the step down for the core."""
        steps.salt_and_pepper(self.amount, self.low, self.high)


STEPS: dict[str, type[Step]] = {
    step.__name__: step
    for step in (
        Scale,
        Standardize,
        Pool,
        Spline,
        PoolSpline,
        RandomRotate90,
        RandomFlip,
        RandomShift,
        GaussianNoise,
        SaltAndPepper,
    )
}


def step_from_dict(values: object) -> Step:
    """The step that :meth:`Step.to_dict` wrote down.

    Raises:
        UsageError: it is no such record.
    """
    if not isinstance(values, dict):
        raise UsageError(f"a step is written as a dict, not {type(values).__name__}")
    kind = STEPS[choice("kind", values.get("kind"), list(STEPS))]
    settings = {name: value for name, value in values.items() if name != "kind"}
    try:
        return kind(**settings)
    except TypeError as error:
        raise UsageError(f"{kind.__name__}: {error}") from None
