"""Small codecs whose weights are formulas, and the frozen .imc files that were written with them.

    python tests/golden/archives.py

writes archive-1.imc (version 1, everything that a file can have) and archive-1-progressive.imc, and
archives.json: what comes out of them. Every later version must read them; never write them anew.
"""

import json
from pathlib import Path

import torch

from imgcomp.codec import BinaryCode, Codec, FrequencyTables, Quantizer, StaticCode
from imgcomp.models import Autoencoder, autoencoder_spec, layers


def images(count, shape=(1, 4, 4), salt=0):
    """uint8 (count, C, H, W): a fixed sequence without a pattern."""
    sides = (count, *shape)
    numbers = torch.arange(salt, salt + torch.Size(sides).numel())
    return (numbers * 2654435761 % 2**32 // 2**24).to(torch.uint8).view(sides)


def static_codec(name="tiny"):
    """1×4×4 images → 4 values of 4×4 levels each: the mean of each quarter, nearly."""
    spec = autoencoder_spec(
        (1, 4, 4),
        [layers.conv2d(2, 2, stride=2, name="analysis")],
        [layers.conv_transpose2d(1, 2, stride=2, name="synthesis")],
    )
    model = Autoencoder(spec)
    model.load_state_dict(
        {
            "encoder.analysis.weight": torch.tensor([[0.25] * 4, [0.25, -0.25] * 2]).view(
                2, 1, 2, 2
            ),
            "encoder.analysis.bias": torch.zeros(2),
            "decoder.synthesis.weight": torch.tensor([[1.0] * 4, [1.0, -1.0] * 2]).view(2, 1, 2, 2),
            "decoder.synthesis.bias": torch.zeros(1),
        }
    )
    quantizer = Quantizer(torch.tensor([0.0, -0.5]), torch.tensor([1 / 15, 1 / 15]), 16)
    counts = torch.tensor([[1] * 16, [1, 2, 3, 4, 5, 6, 7, 8] * 2])
    tables = FrequencyTables.from_counts(counts, escape=False)
    return Codec(model, StaticCode((2, 2, 2), quantizer, tables), name=name)


def progressive_codec(iterations=3):
    """3×4×4 images → one bit for each channel and quarter, in each iteration."""
    spec = autoencoder_spec(
        (3, 4, 4),
        [layers.conv2d(3, 2, stride=2, name="analysis"), layers.binarize(name="bits")],
        [layers.conv_transpose2d(3, 2, stride=2, name="synthesis")],
        iterations=iterations,
        reconstruction="additive",
    )
    model = Autoencoder(spec)
    weight = torch.eye(3).view(3, 3, 1, 1).expand(3, 3, 2, 2).contiguous()
    model.load_state_dict(
        {
            "encoder.analysis.weight": weight / 4,
            "encoder.analysis.bias": torch.full((3,), -0.01),
            "decoder.synthesis.weight": weight * 0.25,
            "decoder.synthesis.bias": torch.full((3,), 0.1),
        }
    )
    return Codec(model, BinaryCode(model.code_shape), name="bits")


FOLDER = Path(__file__).parent
STORED = FOLDER / "archives.json"


def frozen():
    """name: codec, images, and the options of `Codec.compress`."""
    return {
        "archive-1": (
            static_codec(),
            images(11),
            {
                "labels": torch.tensor([0, 2, 1, 1, 2, 0, 0, 1, 2, 2, 1]),
                "names": [f"{'ab'[i % 2]}/grün {i}.png" for i in range(11)],
                "classes": ["eins", "zwei", "drei"],
                "metadata": {"source": "a formula"},
                "embed_model": True,
                "block_images": 4,
            },
        ),
        "archive-1-progressive": (
            progressive_codec(),
            images(6, (3, 4, 4), salt=7),
            {"embed_model": True, "block_images": 4},
        ),
    }


def main():
    """Writes the files."""
    stored = {}
    for name, (codec, pictures, options) in frozen().items():
        data = codec.compress(pictures, **options)
        (FOLDER / f"{name}.imc").write_bytes(data)
        stored[name] = {"images": codec.decompress(data).flatten(1).tolist()}
    STORED.write_text(json.dumps(stored) + "\n")


if __name__ == "__main__":
    main()
