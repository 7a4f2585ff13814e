"""Makes codecs of networks: levels and tables that suit the codes of images."""

from __future__ import annotations

from typing import Any

from imgcomp._checks import whole_number
from imgcomp.codec._inputs import checked_images
from imgcomp.codec.codec import Codec
from imgcomp.codec.codes import BinaryCode, StaticCode, Tables
from imgcomp.codec.context_fit import SQUARED_ERROR, context_code
from imgcomp.codec.quantizer import Quantizer, has_levels
from imgcomp.errors import UsageError
from imgcomp.models.model import Autoencoder
from imgcomp.models.pixels import codes_of


def from_model(
    model: Autoencoder,
    data: Any,
    *,
    bits: int = 4,
    tables: Tables = "auto",
    objective: str = SQUARED_ERROR,
    name: str = "",
) -> Codec:
    """Makes a codec of an autoencoder.

    Levels and tables are fitted to the codes of images, which should be the training images. A
    network whose encoder ends with ``quantize`` or ``binarize`` has its levels already, one of
    several rates with an ``entropy_model`` all that it needs but the tables.

    Args:
        model: whose code is to be stored.
        data: a Split, or uint8 (N, C, H, W), N at least 2.
        bits: of each value of the code before entropy coding, 1 … 12; not looked at where the
            network has levels.
        tables: one for each channel of the code, each element, or whichever is better.
        objective: what a network of several rates was trained for, see `imgcomp.FitConfig`: for
            squared errors encoders weigh these against bits, else they take the nearest numbers;
            and with an effort (`Codec.with_effort`) it is what they look for.
        name: to be shown.

    Raises:
        UsageError: an argument does not fit.
    """
    if not isinstance(model, Autoencoder):
        raise UsageError(f"model must be an Autoencoder, not {type(model).__name__}")
    whole_number("bits", bits, 1, 12)
    images = getattr(data, "images", data)
    if "lambdas" in model.spec:
        given = checked_images(images, model.input_shape)
        code = context_code(model, given, objective=objective)
        return Codec(model, code, name=name)
    if "recurrence" in model.spec:
        return Codec(model, BinaryCode(model.code_shape), name=name)  # type: ignore[arg-type]
    codes = codes_of(model, checked_images(images, model.input_shape))
    if len(codes) < 2:
        raise UsageError(f"data must have at least 2 images, not {len(codes)}")
    quantizer = Quantizer.of(model) if has_levels(model) else Quantizer.fit(codes, bits)
    return Codec(model, StaticCode.fit(codes, quantizer, tables=tables), name=name)
