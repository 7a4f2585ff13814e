"""Model cards in Markdown: what a codec is, what it was trained on, what it costs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgcomp.codec.codec import Codec
from imgcomp.codec.rates import Rates
from imgcomp.models.model import Model
from imgcomp.training.history import History

if TYPE_CHECKING:
    from imgcomp.codec.recipe import Recipe

_SETS = {
    "fashion-mnist": (
        "Fashion-MNIST",
        "Fashion-MNIST (Xiao, Rasul and Vollgraf 2017), MIT licence",
    ),
    "mnist": ("MNIST", "MNIST (LeCun, Cortes and Burges), commonly distributed under CC BY-SA 3.0"),
    "cifar-10": ("CIFAR-10", "CIFAR-10 (Krizhevsky 2009), freely available for research"),
    "cifar-100": ("CIFAR-100", "CIFAR-100 (Krizhevsky 2009), freely available for research"),
    "digits": ("digits", "the embedded digits (Alpaydin and Kaynak 1998), CC BY 4.0"),
}


def title(name: str) -> str:
    """A data set's name for people."""
    return _SETS[name][0] if name in _SETS else name


def source(name: str) -> str:
    """Where a data set comes from, and under what terms."""
    return _SETS[name][1] if name in _SETS else f"`{name}`"


def first_images(training: Mapping[str, int]) -> str:
    """Which training images of which data sets, in words."""
    return "; ".join(f"the first {count:,} of {source(n)}" for n, count in training.items())


def cost(model: Model, size: int) -> str:
    """A sentence on what a network and its file of `size` bytes cost."""
    return (
        f"{model.num_parameters:,} parameters, {model.multiply_adds:,} multiply–adds for an image; "
        f"the file has {size:,} bytes."
    )


def webp_version() -> str:
    """What writes WebP files here."""
    import PIL
    from PIL import features

    return f"Pillow {PIL.__version__}, libwebp {features.version_module('webp')}"


def card(
    recipe: Recipe,
    codec: Codec,
    *,
    size: int,
    history: History,
    command: str,
    rates: Mapping[str, Sequence[Rates]],
) -> str:
    """The card of a codec that a recipe gave.

    Args:
        recipe: that it was trained by.
        codec: the trained one.
        size: of its file, in bytes.
        history: of the training.
        command: that does it again.
        rates: by test set, what :func:`imgcomp.codec.rates.measure` found.
    """
    sections = [_network(codec, size), _training(recipe, history, command), _rates(rates)]
    return f"""# {recipe.name}

A lossy codec of {recipe.kind}, of 100 qualities. Written by `imgcomp train-codec`.

{chr(10).join(sections)}
{_limits(codec)}"""


def _network(codec: Codec, size: int) -> str:
    spec = codec.model.spec
    layers = {layer["name"]: layer for part in spec["parts"].values() for layer in part}
    patch, latent = layers["transform"]["kernel_size"], layers["code"]
    blocks = [sum(name.startswith(kind) for name in layers) for kind in ("analysis", "synthesis")]
    width = max(layer.get("hidden_channels", 0) for name, layer in layers.items() if name != "code")
    groups = ", ".join(map(str, latent["groups"]))
    lambdas = ", ".join(f"{value:g}" for value in spec["lambdas"])
    numbers = "×".join(map(str, codec.code.shape))
    return f"""## Network

- Encoder: patches of {patch}×{patch} pixels under {layers["transform"]["out_channels"]} patterns, \
then {_blocks(blocks[0])} with {width} channels inside; each channel is multiplied by a \
gain that the quality chooses, and rounded.
- Code: {numbers} whole numbers, in {len(latent["groups"])} groups of {groups} channels, each in \
two passes over a checkerboard. A context model of {latent["hidden_channels"]} channels, in whole \
numbers, says what to expect of each value given those before; an entropy coder with tables does \
the rest.
- Decoder: {_blocks(blocks[1])}, then the patches by a transposed convolution.
- One network for all qualities: trained at {len(spec["lambdas"])} rates together, what distortion \
weighs being {lambdas}.
- {cost(codec.model, size)} Weights outside the context model are rounded to half precision.
"""


def _blocks(count: int) -> str:
    return f"{count} residual block{'' if count == 1 else 's'}"


def _training(recipe: Recipe, history: History, command: str) -> str:
    fit = recipe.fit
    validation = "; ".join(
        f"images {first:,} … {last - 1:,} of {title(name)}"
        for name, (first, last) in recipe.validation.items()
    )
    total = sum(recipe.training.values())
    best = ""
    if history.best_epoch is not None:
        best = f" The weights are those of epoch {history.best_epoch}, the best by {fit.keep_best}."
    threads = "" if fit.threads is None else f", {fit.threads} thread{'s' * (fit.threads > 1)}"
    return f"""## Training

- Images: {first_images(recipe.training)}. Training images only, {total:,} together.
- Validation, watched and not trained on: {validation or "none"}{_OF_TRAINING * bool(validation)}.
- Tables: counted on {min(recipe.tables, total):,} of the training images.
- Command: `{command}`; seed {recipe.seed}{threads}.
- Objective `{fit.objective}`, {history.epochs} epochs in batches of {fit.batch_size}, \
{fit.optimizer} at a rate of {fit.lr:g}, {fit.schedule} schedule.{best}
{_given(recipe)}"""


def _given(recipe: Recipe) -> str:
    """What the training begins with, and what it looks at."""
    given = {
        "Begins with the weights of": recipe.start,
        "The judge is the classifier in": _judge(recipe),
    }
    return "".join(f"- {words} `{name}`.\n" for words, name in given.items() if name is not None)


_OF_TRAINING = ", counted from 0, of the training sets"


def _rates(rates: Mapping[str, Sequence[Rates]]) -> str:
    tables = []
    for name, points in rates.items():
        rows = [
            f"| {r.quality} | {r.bpp:.3f} | {r.psnr:.2f} | {_number(r.ssim)} "
            f"| {r.ms_ssim:.4f} | {r.bpp_alone:.3f} | {_number(r.webp, 3)} "
            f"| {_number(r.webp_ms_ssim, 3)} |"
            for r in points
        ]
        tables.append(
            f"{title(name)}, {points[0].images:,} test images:\n\n{_HEAD}\n" + "\n".join(rows)
        )
    alone = max((points[0].alone for points in rates.values()), default=0)
    return f"""## Rates

Bits per pixel in real bytes: of one `.imc` file with all images; of a bare stream for each image \
(the first {alone:,}); and of a WebP file for each of these at the same mean PSNR and at the same \
mean MS-SSIM as theirs ({webp_version()}, method 6; between two qualities by a straight line, – \
where WebP has none so low or high). PSNR in dB, SSIM and MS-SSIM (adaptive) are means over all \
images.

{(chr(10) * 2).join(tables)}
"""


_HEAD = """\
| Quality | One file | PSNR | SSIM | MS-SSIM | Each image alone | WebP, same PSNR \
| WebP, same MS-SSIM |
| --: | --: | --: | --: | --: | --: | --: | --: |"""


def _number(value: float | None, places: int = 4) -> str:
    return "–" if value is None else f"{value:.{places}f}"


def _limits(codec: Codec) -> str:
    _, height, width = codec.image_shape
    sizes = (
        f"Images of other sizes than {height}×{width} are coded too, padded to whole patches; the "
        "network has seen none in training. "
        if codec.any_size
        else ""
    )
    return f"""## Limits

Nothing is lossless. Images unlike those of the training are coded as well, with more bits. {sizes}\
Decoding needs the network, and takes about as long as encoding. The coded numbers are the same \
everywhere; pixels may differ by rounding between processors.
"""


def results(
    recipe: Recipe,
    codec: Codec,
    *,
    size: int,
    command: str,
    history: History,
    environment: Mapping[str, Any],
    rates: Mapping[str, Sequence[Rates]],
) -> dict[str, Any]:
    """The same for programs, JSON-able.

    Args:
        recipe: as for :func:`card`.
        codec: likewise.
        size: likewise.
        command: likewise.
        history: likewise.
        environment: what it ran on.
        rates: as for :func:`card`.
    """
    return {
        "name": codec.name,
        "digest": codec.digest,
        "bytes": size,
        "parameters": codec.model.num_parameters,
        "multiply_adds": codec.model.multiply_adds,
        "command": command,
        "config": dataclasses.replace(recipe, judge=_judge(recipe)).to_dict(),
        "environment": dict(environment),
        "rates": {name: [r.to_dict() for r in points] for name, points in rates.items()},
        "history": history.to_dict(),
    }


def _judge(recipe: Recipe) -> str | None:
    """The judge's file, wherever it lies."""
    return recipe.judge and Path(recipe.judge).name
