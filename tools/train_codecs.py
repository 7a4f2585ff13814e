"""Trains the codecs that ship with the package, and writes each one's file and card.

Needs the published data sets::

    python tools/train_codecs.py [--only patch-gray] [--data-dir FOLDER] [--out FOLDER]

A run takes some minutes on two cores. With the same versions of everything on the same machine it
gives the same files, byte for byte.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

import torch

import imgcomp
from imgcomp.codec import Codec
from imgcomp.codec.card import cost, first_images, title, webp_version
from imgcomp.codec.patch_codec import patch_codec
from imgcomp.codec.rates import Rates, measure

SHIPPED = Path(__file__).parents[1] / "python" / "imgcomp" / "codec" / "shipped"
SEED = 1
THREADS = 2


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What one codec is made from.

    Attributes:
        name: of the codec and its files.
        kind: of images, in words.
        training: how many training images of which data sets; the first ones.
        settings: of :func:`imgcomp.codec.patch_codec.patch_codec`.
        fit: of :func:`imgcomp.fit`.
    """

    name: str
    kind: str
    training: dict[str, int]
    settings: dict[str, Any]
    fit: dict[str, Any]


RECIPES = (
    Recipe(
        "patch-gray",
        "28×28 gray images",
        {"fashion-mnist": 60_000, "mnist": 30_000},
        {"patch": 4, "channels": 16, "step": 0.15, "tables": "element"},
        {"epochs": 4, "lr": 2e-3, "batch_size": 64},
    ),
    Recipe(
        "patch-colour",
        "32×32 colour images",
        {"cifar-10": 50_000, "cifar-100": 10_000},
        {"patch": 8, "channels": 96, "step": 0.2, "tables": "channel"},
        {"epochs": 4, "lr": 2e-3, "batch_size": 64},
    ),
)


def train(recipe: Recipe, root: Path | None) -> Codec:
    """The codec of a recipe, from training images alone."""
    images = [
        imgcomp.datasets.load(name, root).train.images[:count]
        for name, count in recipe.training.items()
    ]
    return patch_codec(
        torch.cat(images),
        **recipe.settings,
        training={"schedule": "cosine", "seed": SEED, "threads": THREADS, **recipe.fit},
        seed=SEED,
        name=recipe.name,
    )


def rates_of(codec: Codec, images: torch.Tensor) -> Rates:
    """What a codec does with all images of a test set."""
    (found,) = measure(codec, images, archive=False, alone=len(images), method=4)
    return found


def card(recipe: Recipe, codec: Codec, size: int, rates: dict[str, Rates]) -> str:
    """The model card, in Markdown.

    Args:
        recipe: of the codec.
        codec: the trained one.
        size: of its file, in bytes.
        rates: by name of the test set.
    """
    settings, model = recipe.settings, codec.model
    code, tables = codec.code.shape, {"element": "value", "channel": "channel"}[settings["tables"]]
    command = f"python tools/train_codecs.py --only {recipe.name}"
    rows = [
        f"| {title(name)} | {r.images:,} | {r.bpp:.3f} | {r.bpp_alone:.3f} | {r.psnr:.2f} "
        f"| {r.ssim:.4f} | {r.webp:.3f} |"
        for name, r in rates.items()
    ]
    levels = codec.code.quantizer.levels  # type: ignore[union-attr]
    whole = codec.image_shape[0] * settings["patch"] ** 2
    kept = settings["channels"]
    lost = (
        ""
        if kept == whole
        else f"Detail outside the {kept} of {whole} patterns is lost: half of white noise. "
    )
    fit = ", ".join(f"{name} {value}" for name, value in recipe.fit.items())
    return f"""# {recipe.name}

A lossy codec of {recipe.kind}, ready to use. Written by `tools/train_codecs.py`.

## Network

- Encoder: patches of {settings["patch"]}×{settings["patch"]} pixels under {settings["channels"]} \
orthonormal patterns (a sparse orthonormal transform, fitted to the training images), rounded to \
multiples of {settings["step"]} (of a range 0 … 1). The {levels} levels reach as far as any \
image's values can.
- Code: {"×".join(map(str, code))} whole numbers, range-coded or rANS, one static table for each \
{tables}.
- Decoder: the inverse transform, then {settings.get("depth", 1) + 1} convolutions of 3×3 at a \
quarter of the image's height and width, trained on the mean squared error.
- {cost(model, size)}

## Training

- Images: {first_images(recipe.training)}. Training images only.
- Command: `{command}`; seed {SEED}, {THREADS} threads; {fit}; Adam, cosine schedule.

## Rates

Bits per pixel in real bytes: bare streams of this codec, one for the whole test set or one for each
image, and whole WebP files, one for each image, at the same mean PSNR ({webp_version()}, \
default method; between two qualities by a straight line). PSNR and SSIM are means over images.

| Test set | Images | One stream | Each image alone | PSNR, dB | SSIM | WebP files |
| :-- | --: | --: | --: | --: | --: | --: |
{chr(10).join(rows)}

## Limits

Images that differ from the training images are coded as well, with more bits. {lost}There is no
rate to choose: the step is part of the network and the tables.
"""


def main() -> None:
    """Trains and writes what the arguments ask for."""
    parser = argparse.ArgumentParser(description="Train the codecs that ship with imgcomp.")
    parser.add_argument("--only", choices=[recipe.name for recipe in RECIPES])
    parser.add_argument("--data-dir", type=Path, help="folder of the data sets")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="folder to write to")
    options = parser.parse_args()
    torch.set_num_threads(THREADS)
    options.out.mkdir(parents=True, exist_ok=True)
    for recipe in RECIPES:
        if options.only in (None, recipe.name):
            codec = train(recipe, options.data_dir)
            path = options.out / f"{recipe.name}.safetensors"
            codec.save(path)
            rates = {
                name: rates_of(codec, imgcomp.datasets.load(name, options.data_dir).test.images)
                for name in recipe.training
            }
            text = card(recipe, codec, path.stat().st_size, rates)
            path.with_suffix(".md").write_text(text, encoding="utf-8")
            print(text)


if __name__ == "__main__":
    main()
