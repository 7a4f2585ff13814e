"""toderici2017: the main results in sentences, each number from the run."""

from __future__ import annotations

import itertools

from imgcomp.papers.accounting import real_bytes
from imgcomp.papers.statistics import interval
from imgcomp.papers.toderici2017.comparisons import compared, pairs, verdict
from imgcomp.papers.toderici2017.experiment import Variant
from imgcomp.papers.toderici2017.numbers import Numbers
from imgcomp.papers.toderici2017.stages import MEASURES as _MEASURES
from imgcomp.papers.toderici2017.tables import sent

MEASURES = {key: name.removesuffix(" (dB)") for key, name in _MEASURES.items()}
FORMS = {"ms_ssim": ".4f", "ssim": ".4f", "psnr": ".3f"}
"""How areas are printed."""


def findings(numbers: Numbers) -> list[str]:
    """The report's findings."""
    which = "photographs" if numbers.with_photographs else "images"
    return [
        _size(numbers),
        *(_best(numbers, name, which) for name in ("ms_ssim", "psnr")),
        *_pairs(numbers, which),
        _gains(numbers),
        real_bytes(sent(numbers, [numbers.best("images", "psnr")])),
        *(_peers(numbers) if numbers.with_photographs else []),
        *(_borders(numbers) if numbers.with_photographs else []),
    ]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _size(numbers: Numbers) -> str:
    s = numbers.run.settings
    counts = "; ".join(
        f"{one.text} {numbers.data('train', one)['num_parameters']:,}" for one in numbers.variants
    )
    collapsed = [
        f"{one.text}, seed {seed}"
        for one in numbers.variants
        for seed in numbers.seeds
        if numbers.data("train", one, seed)["collapsed"]
    ]
    warning = (
        f" Collapsed, one and the same image for every input: {'; '.join(collapsed)}."
        if collapsed
        else ""
    )
    total = s.integer("images") * s.integer("epochs")
    return (
        f"All networks have {s.number('width'):g} of the paper’s width and were trained on at most "
        f"{total:,} images ({s.integer('epochs')} epochs), a tiny part of the paper’s training: "
        "what follows is of networks of this size at this point of their training. Parameters: "
        f"{counts}.{warning}"
    )


def _range(numbers: Numbers) -> str:
    rates = numbers.rates()
    return f"{rates[0]:g} to {rates[-1]:g} bits per pixel"


def _best(numbers: Numbers, measure: str, which: str) -> str:
    ranked = sorted(numbers.variants, key=lambda one: -_mean(numbers.auc(one, which, measure)))
    parts = []
    for one in ranked:
        area = interval(numbers.auc(one, which, measure))
        text = f"{one.text} {area.mean:{FORMS[measure]}}"
        if area.low is not None and area.high is not None:
            text += f" ({area.low:{FORMS[measure]}} to {area.high:{FORMS[measure]}})"
        parts.append(text)
    seeds = len(numbers.seeds)
    spread = f"mean and 95 % interval over {seeds} seeds" if seeds > 1 else "one seed"
    return (
        f"Area under {MEASURES[measure]} from {_range(numbers)}, {numbers.set_name(which)}, "
        f"{spread}: " + "; ".join(parts) + "."
    )


def _pairs(numbers: Numbers, which: str) -> list[str]:
    found = []
    for pair in pairs(numbers):
        if not pair.overall:
            continue
        clauses = [
            f"in the area under {MEASURES[name]}, "
            + verdict(pair, compared(numbers, pair, which, name).difference, FORMS[name])
            for name in ("ms_ssim", "psnr")
        ]
        found.append(f"{pair.text} ({numbers.set_name(which)}): " + "; ".join(clauses) + ".")
    return found


def _gains(numbers: Numbers) -> str:
    best = numbers.best("images", "psnr")
    courses = numbers.course(best, "images", "psnr")
    course = [_mean(list(column)) for column in zip(*courses, strict=True)]
    falls = [one.text for one in numbers.variants if _falls(numbers, one)]
    text = (
        f"On {numbers.set_name('images')} images {best.text} goes from {course[0]:.2f} dB after "
        f"one iteration to {course[-1]:.2f} dB after {len(course)}, "
        f"{numbers.bytes_per_image()[0]} to {numbers.bytes_per_image()[-1]} bytes."
    )
    if falls:
        return text + f" PSNR falls with some iteration in {', '.join(falls)}."
    return text + " PSNR rises with every iteration in all networks and seeds."


def _falls(numbers: Numbers, variant: Variant) -> bool:
    return any(
        later <= earlier
        for values in numbers.course(variant, "images", "psnr")
        for earlier, later in itertools.pairwise(values)
    )


def _peers(numbers: Numbers) -> list[str]:
    found = []
    for codec, name in numbers.codecs().items():
        lowest = numbers.peer(codec, "photographs")[0]
        small = numbers.peer(codec, "images")[0]
        clauses = []
        for measure in ("ms_ssim", "psnr"):
            shares = numbers.ahead_of(codec, measure)
            if shares is not None:
                clauses.append(
                    f"the best network is ahead in {MEASURES[measure]} at "
                    f"{100 * _mean(shares):.0f} % of the iterations’ rates that {name} reaches"
                )
        told = "; ".join(clauses) or f"no iteration’s rate is one that {name} reaches"
        found.append(
            f"{name} on whole photographs, header included: {told}. Its smallest files are "
            f"{lowest['rate']:.3f} bits per pixel there, and {small['bytes']:.0f} bytes "
            f"({small['rate']:.2f} bits per pixel) for a single image of 32×32, where an iteration "
            f"of a network takes {numbers.bytes_per_image()[0]}."
        )
    return found


def _borders(numbers: Numbers) -> list[str]:
    best = numbers.best("photographs", "psnr")
    whole = [values[-1] for values in numbers.whole(best, "psnr")]
    cut = [values[-1] for values in numbers.course(best, "photographs", "psnr")]
    return [
        f"Sent as a whole instead of in tiles, photographs have {_mean(whole):.2f} dB instead of "
        f"{_mean(cut):.2f} dB after the last iteration of {best.text}, in as many bits; its "
        "training has seen tiles only."
    ]
