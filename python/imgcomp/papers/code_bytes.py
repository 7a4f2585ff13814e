"""Stages that count bytes: trained networks as codecs, and the same images without any network.

What a code takes is the length of a stream that was really written, and what an image is worth is
measured on what was decoded from that stream.
"""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

import torch

from imgcomp.codec import Archive, BinaryCode, Codec, StaticCode, cut, from_model
from imgcomp.models.pixels import codes_of, images_of
from imgcomp.papers.common import image_errors, model_from
from imgcomp.papers.measures import bit_entropy, png_bytes
from imgcomp.stages import Artifact, Context, StageStopped, stage

if TYPE_CHECKING:
    from imgcomp.datasets import Split
    from imgcomp.models import Autoencoder

BITS = (2, 3, 4, 6, 8)
"""Bits of a value of a code that are tried."""
_FITTED = 2000
"""Training images that levels and tables are fitted to, at most."""
_FITTED_VALUES = 2**22
"""Values of their codes, at most: large codes would take gigabytes, and need fewer images."""
_ALONE = 100
"""Test images that are also coded each by itself."""


@stage(version="1")
def code_bytes(context: Context, model: Artifact, train: Split, test: Split) -> Artifact:
    """Make codecs of an autoencoder, and send the test images through them as streams.

    Config: for a code of real values ``bits``: of a value, each 1 … 12; for one of bits in several
    iterations ``iterations``: after which ones the stream is cut.

    Args:
        context: Of the stage.
        model: A trained autoencoder.
        train: What levels and tables are fitted to, the first images; at least 2.
        test: What is sent.

    Returns:
        Data: ``images``: how many were sent; ``alone``: how many of them each by itself;
        ``forms``: list, by falling bits or rising iterations, of

        ``bits`` of a value: 32 for floats as they are;
        ``iterations`` up to which the stream was read, None where there are none;
        ``values`` of an image, up to there;
        ``packed``: bytes of an image, its values at these bits and nothing else;
        ``stream``: bytes of one entropy-coded stream of all images, over their number;
        ``estimated``: what that should be by the probabilities: for levels those of the tables,
        for bits, whose probabilities are learnt on the way, each one's frequency in these images;
        ``single``: mean bytes of the streams of single images;
        ``archive``: bytes of an .imc file of all images, over their number;
        `image_errors` of the images decoded from the stream.

        Floats have no stream: there only ``packed`` and the errors are numbers. Only ``diverged``
        where the training diverged.
    """
    if model.data.get("diverged"):
        return Artifact({}, {"diverged": model.data["diverged"]})
    network: Autoencoder = model_from(model)
    make = _after_iterations if "recurrence" in network.spec else _at_bits
    forms = make(context, network, fitted_on(network, train), test.images)
    data = {
        "images": len(test),
        "alone": min(_ALONE, len(test)),
        "forms": forms,
        "diverged": None,
    }
    return Artifact({}, data)


def fitted_on(network: Autoencoder, train: Split) -> Split:
    """The training images that levels and tables of a network's code are fitted to."""
    most = max(2, _FITTED_VALUES // math.prod(network.code_shape))
    return train.take(min(len(train), _FITTED, most))


def _at_bits(
    context: Context, network: Autoencoder, train: Split, images: torch.Tensor
) -> list[dict[str, Any]]:
    """The forms of a code of real values."""
    count, values = len(images), math.prod(network.code_shape)
    codes = codes_of(network, images)
    exact = image_errors(images, images_of(network, codes))
    sizes = dict.fromkeys(("stream", "estimated", "single", "archive"))
    same: dict[str, Any] = {"iterations": None, "values": values}
    forms = [{"bits": 32, **same, "packed": 4.0 * values, **sizes, **exact}]
    for bits in sorted(context.config["bits"], reverse=True):
        if context.stop.is_set():
            raise StageStopped
        codec = from_model(network, train, bits=bits)
        assert isinstance(codec.code, StaticCode)
        stream = codec.code.encode(codes)
        forms.append(
            {
                "bits": bits,
                **same,
                "packed": bits * values / 8,
                "stream": len(stream) / count,
                "estimated": codec.code.bits(codes) / 8 / count,
                "single": _mean([len(codec.code.encode(code[None])) for code in codes[:_ALONE]]),
                "archive": len(codec.compress(images)) / count,
                **image_errors(images, codec.decode(stream, count)),
            }
        )
    return forms


def _after_iterations(
    context: Context, network: Autoencoder, train: Split, images: torch.Tensor
) -> list[dict[str, Any]]:
    """The forms of a code of bits: one stream, cut behind some iterations."""
    codec: Codec = from_model(network, train)
    assert isinstance(codec.code, BinaryCode)
    codes = codes_of(network, images)
    whole = codec.code.encode(codes)
    single = [codec.code.encode(code[None]).parts for code in codes[:_ALONE]]
    entropy = bit_entropy(codes > 0).flatten(1).sum(dim=1)
    archive = Archive(codec.compress(images))
    forms = []
    for done in sorted(context.config["iterations"]):
        if context.stop.is_set():
            raise StageStopped
        stream = whole.data[: whole.parts[done - 1]]
        values = done * math.prod(network.code_shape[1:])
        decoded = images_of(network, codec.code.decode(stream, len(images), done))
        forms.append(
            {
                "bits": 1,
                "iterations": done,
                "values": values,
                "packed": values / 8,
                "stream": len(stream) / len(images),
                "estimated": float(entropy[:done].sum()) / 8,
                "single": _mean([parts[done - 1] for parts in single]),
                "archive": _cut_size(archive, done) / len(images),
                **image_errors(images, decoded),
            }
        )
    return forms


def _cut_size(archive: Archive, iterations: int) -> int:
    file = io.BytesIO()
    cut(archive, file, iterations)
    return len(file.getvalue())


def _mean(sizes: list[int]) -> float:
    return sum(sizes) / len(sizes)


@stage(version="1")
def image_bytes(context: Context, test: Split) -> Artifact:
    """What images take without any network.

    Returns:
        Data: ``images``: how many; ``input``: bytes of an image, 8 bits per value; ``png``: mean
        bytes of a PNG file of each image; ``mosaic``: bytes of one PNG file of all images side by
        side, over their number. These two are None where images have neither 1 nor 3 channels.
    """
    side = math.ceil(math.sqrt(len(test)))
    channels, height, width = test.image_shape
    rows = math.ceil(len(test) / side)
    tiled = torch.zeros(rows * side, channels, height, width, dtype=torch.uint8)
    tiled[: len(test)] = test.images
    tiled = tiled.view(rows, side, channels, height, width).permute(2, 0, 3, 1, 4)
    mosaic = png_bytes(tiled.reshape(1, channels, rows * height, side * width))
    return Artifact(
        {},
        {
            "images": len(test),
            "input": channels * height * width,
            "png": png_bytes(test.images),
            "mosaic": None if mosaic is None else mosaic / len(test),
        },
    )
