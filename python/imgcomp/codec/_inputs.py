"""Arguments of codecs and coders, brought into the one form that the core takes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from imgcomp._checks import whole_number
from imgcomp.errors import CodecError, UsageError
from imgcomp.models.model import ArrayLike, as_tensor

_INT32 = torch.iinfo(torch.int32)
_NARROW = (torch.bool, torch.uint8, torch.int8, torch.int16)


def checked_images(images: ArrayLike, shape: tuple[int, int, int]) -> torch.Tensor:
    """Images as a tensor.

    Raises:
        UsageError: they are not uint8 (N, C, H, W) of this shape.
    """
    given = as_tensor(images, "images")
    if given.dtype != torch.uint8 or given.dim() != 4 or tuple(given.shape[1:]) != shape:
        raise UsageError(
            f"images must be uint8 of shape (N, {', '.join(map(str, shape))}), not "
            f"{given.dtype} of shape {tuple(given.shape)}"
        )
    return given


def whole_numbers(x: ArrayLike, what: str) -> torch.Tensor:
    """A contiguous tensor on the CPU of any dtype of whole numbers; flags count as 0 and 1."""
    tensor = as_tensor(x, what).detach()
    if tensor.is_floating_point() or tensor.is_complex() or tensor.is_quantized:
        raise UsageError(f"{what} must be whole numbers, not {tensor.dtype}")
    return tensor.cpu().contiguous()


def int32(x: ArrayLike, what: str) -> torch.Tensor:
    """Whole numbers as contiguous int32; those of that dtype are not copied.

    Raises:
        UsageError: they are no whole numbers.
        CodecError: one does not fit.
    """
    if type(x) is torch.Tensor and x.dtype == torch.int32 and x.device.type == "cpu":
        return x.contiguous()  # the usual case, and quick: short streams take microseconds
    tensor = whole_numbers(x, what)
    if tensor.dtype == torch.int32 or tensor.dtype in _NARROW:
        return tensor.to(torch.int32)
    wide = tensor.to(torch.int64)
    if wide.numel() and (int(wide.min()) < _INT32.min or int(wide.max()) > _INT32.max):
        raise CodecError(f"{what} must fit into 32 bits, but span {wide.min()} … {wide.max()}")
    return wide.to(torch.int32)


def a_shape(shape: Sequence[int] | int) -> tuple[int, ...]:
    """Sides of at least 0, whose product is a number of symbols that can be."""
    given = (shape,) if isinstance(shape, int) else tuple(shape)
    if all(type(side) is int and side >= 0 for side in given):
        sides = given
    else:
        sides = tuple(whole_number(f"shape[{i}]", side, 0) for i, side in enumerate(given))
    if math.prod(sides) > 2**40:
        raise UsageError(f"a shape must have at most 2^40 symbols, not {sides}")
    return sides


def a_stream(data: object, what: str = "data") -> bytes:
    """Bytes, copied only where they can change."""
    if isinstance(data, bytes):
        return data
    if isinstance(data, (bytearray, memoryview)):
        return bytes(data)
    raise UsageError(f"{what} must be bytes, not {type(data).__name__}")


def covering(numbers: torch.Tensor, shape: Sequence[int], what: str) -> torch.Tensor:
    """The part of `numbers`, broadcast to a shape, that repeats along its leading axes.

    Returns:
        Contiguous (L,), where L divides the size of the shape.
    """
    try:
        expanded = numbers.expand(shape)
    except RuntimeError:
        raise UsageError(
            f"{what} of shape {tuple(numbers.shape)} cannot be broadcast to {tuple(shape)}"
        ) from None
    while expanded.numel() and expanded.dim() and expanded.stride(0) == 0:
        expanded = expanded[0]
    return expanded.reshape(-1).contiguous()
