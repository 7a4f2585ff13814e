"""Small codecs whose weights are formulas, and the frozen .imc files that were written with them.

    python tests/golden/archives.py

writes archive-1.imc (version 1, everything that a file can have), archive-1-progressive.imc,
archive-1-context.imc, archive-1-passes.imc, and archives.json: what comes out of them. A file that
is there is left as it is, since every later version must read it.
"""

import json
from pathlib import Path

import torch

from imgcomp.codec import BinaryCode, Codec, FrequencyTables, Quantizer, StaticCode
from imgcomp.codec.context_code import ContextCode
from imgcomp.codec.context_network import ContextNetwork
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


def numbers(shape, most, salt=0):
    """int64 of −most … most: a fixed sequence without a pattern."""
    count = torch.Size(shape).numel()
    mixed = torch.arange(salt + 1, salt + 1 + count) * 2654435761 % 2**32 // 2**8
    return (mixed % (2 * most + 1) - most).view(shape)


def context_network(groups=(1, 2), hidden=3, kernel=3, levels=3):
    """A network in whole numbers, whose weights say nothing sensible."""
    weights, bits, first = {}, [], 0
    for group, size in enumerate(groups):
        one, two, three = 9 + group, 6 - group, 7
        bits.append((one, two, three))
        shapes = {
            "earlier": (kernel, kernel, first, hidden),
            "anchors": (kernel, kernel, size, hidden),
            "between": (hidden, hidden),
            "last": (hidden, 2 * size),
        }
        for salt, (name, shape) in enumerate(shapes.items()):
            found = numbers(shape, 200 if salt < 2 else 120, 1000 * group + 100 * salt)
            weights[f"{group}.{name}"] = found.to(torch.int16)
        for salt, (name, count) in enumerate((("between", hidden), ("last", 2 * size))):
            found = numbers((count,), 40_000, 5000 + 10 * group + salt)
            weights[f"{group}.{name}_bias"] = found.to(torch.int32)
        first += size
    return ContextNetwork(
        groups=tuple(groups),
        hidden=hidden,
        kernel=kernel,
        mean_bins=2,
        scale_bins=4,
        least_scale=-128,
        scale_step=150,
        bits=tuple(bits),
        weights=weights,
        bias=numbers((levels, len(groups), 2, hidden), 3000, 9000).to(torch.int32),
    )


def context_code(network, shape, precision=12):
    """Tables of all widths, whose symbols begin at numbers of their own."""
    counts = [
        1 + 40 // (1 + torch.arange(-table, table + 2).abs())
        for table in range(network.core.tables)
    ]
    tables = FrequencyTables.from_counts(
        counts,
        smallest=[-table for table in range(len(counts))],
        escape=[1 + table % 3 for table in range(len(counts))],
        precision=precision,
    )
    levels, channels = len(network.bias), sum(network.groups)
    gain = 2.25 + 0.75 * torch.arange(levels)[:, None] - 0.125 * torch.arange(channels)
    fidelity = torch.full((levels,), 12.0)  # a step away from the nearest number is never worth it
    return ContextCode(shape, gain, fidelity, network, tables)


def context_codec(name="context"):
    """1×8×8 images → 3 values for each quarter of a quarter: their mean, and two differences."""
    groups, hidden = (1, 2), 3
    spec = autoencoder_spec(
        (1, 8, 8),
        [
            layers.conv2d(3, 2, stride=2, bias=False, name="analysis"),
            layers.entropy_model(groups, hidden, name="code"),
        ],
        [layers.conv_transpose2d(1, 2, stride=2, name="synthesis")],
        data_range=(-0.5, 0.5),
        lambdas=[10.0, 100.0, 1000.0],
    )
    model = Autoencoder(spec)
    state = model.state_dict()
    code = context_code(context_network(groups, hidden), model.code_shape)
    patterns = torch.tensor([[1.0] * 4, [1, -1] * 2, [1, 1, -1, -1]]).view(3, 1, 2, 2)
    state["encoder.analysis.weight"].copy_(patterns / 2)
    state["decoder.synthesis.weight"].copy_(patterns / 2)
    state["decoder.synthesis.bias"].zero_()
    for key, value in state.items():
        if key.startswith("encoder.code"):  # only the gain has a use beside the code
            value.copy_(code.log_gain if key.endswith("log_gain") else torch.zeros_like(value))
    return Codec(model, code, name=name)


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
        "archive-1-context": (
            context_codec().at(37).for_images(7, 10),
            images(7, (1, 7, 10), salt=3),
            {"embed_model": True, "block_images": 3},
        ),
        "archive-1-passes": (
            context_codec().at(81).for_images(7, 10),
            images(4, (1, 7, 10), salt=4),
            {"embed_model": True, "block_images": 3},
        ),
    }


OUTDATED = ("archive-1-context",)
"""What is still read, but written in other words today: passes of few bytes as streams each."""


def main():
    """Writes the files that are missing."""
    stored = json.loads(STORED.read_text()) if STORED.exists() else {}
    for name, (codec, pictures, options) in frozen().items():
        path = FOLDER / f"{name}.imc"
        if not path.exists():
            data = codec.compress(pictures, **options)
            path.write_bytes(data)
            stored[name] = {"images": codec.decompress(data).flatten(1).tolist()}
    STORED.write_text(json.dumps(stored) + "\n")


if __name__ == "__main__":
    main()
