"""donis2020: from the finished stages to judged claims, curves and the report's parts."""

from __future__ import annotations

from imgcomp.papers.donis2020.claims import CLAIMS, LARGE
from imgcomp.papers.donis2020.experiment import ITERATIONS, main_label
from imgcomp.papers.donis2020.figures import figures
from imgcomp.papers.donis2020.findings import findings
from imgcomp.papers.donis2020.numbers import TILES, Numbers
from imgcomp.papers.donis2020.stages import VARIANTS
from imgcomp.papers.donis2020.tables import tables
from imgcomp.papers.experiment import Run
from imgcomp.report import Choice, JudgedClaim, Outcome
from imgcomp.stages import Artifacts

Values = dict[str, tuple[list[float], int | None]]
"""Claim id → our values, one per seed, and the epoch that they belong to."""


def conclude(run: Run, artifacts: Artifacts) -> Outcome:
    """Judge every claim and gather what the report shows."""
    numbers = Numbers(run, artifacts)
    measured = numbers.data("measure", main_label(run))
    return Outcome(
        claims=_judge(numbers),
        findings=findings(numbers),
        tables=tables(numbers),
        figures=figures(numbers),
        curves=numbers.curves(),
        sizes={
            **{f"train_{size}": count for size, count in numbers.set_sizes().items()},
            "bound": numbers.alone("components")["images"],
            "measured_train": measured["train_images"],
            "test": measured["test_images"],
        },
        choices=_CHOICES,
    )


def _less(ours: list[float], theirs: list[float]) -> list[float]:
    return [one - other for one, other in zip(ours, theirs, strict=True)]


def _over(ours: list[float], theirs: list[float]) -> list[float]:
    return [one / max(other, 1e-12) for one, other in zip(ours, theirs, strict=True)]


def _means(columns: list[list[float]]) -> list[float]:
    return [sum(values) / len(values) for values in zip(*columns, strict=True)]


def claim_values(numbers: Numbers) -> Values:
    """What we have for each claim.

    Large batches are those of `LARGE` times the middle one; where the run has none, its largest.
    """
    last, main, sizes = numbers.epochs(), main_label(numbers.run), numbers.sizes
    found: Values = {}
    for variant in VARIANTS:
        columns = [numbers.at(label, -1, variant) for label in numbers.paper_labels()]
        best = [max(values) for values in zip(*columns, strict=True)]
        found[f"accuracy_{variant}"] = (best, last)
    chroma, luma = numbers.colour(main, "chroma"), numbers.colour(main, "luma")
    found["chroma_lost"] = (chroma, last)
    found["chroma_over_luma"] = (_over(chroma, luma), last)
    found["chroma_kept"] = (numbers.colour(main, "kept"), last)
    for size in (50, 200):
        lead = _less(numbers.at(sizes[size], -1), numbers.at(sizes[100], -1))
        found[f"size{size}_lead"] = (lead, last)
    lead = _less(numbers.at(sizes[50], 1), numbers.at(sizes[200], 1))
    found["size50_first_epoch_lead"] = (lead, 1)
    small, large = split_batches(numbers)
    start = _less(_means([numbers.at(name, 1) for name in large]),
                  _means([numbers.at(name, 1) for name in small]))  # fmt: skip
    found["large_batches_start"] = (start, 1)
    best = [max(v) for v in zip(*(numbers.at(name, -1) for name in large), strict=True)]
    end = _less(best, _means([numbers.at(name, -1) for name in small]))
    found["large_batches_end"] = (end, last)
    found["mae_variation"] = (numbers.looked("mae", "variation"), last)
    found["mae_fast_variation"] = (numbers.looked("mae-fast", "variation"), last)
    ratios = []
    for seed in numbers.seeds:
        relu, leaky = (
            next(iter(numbers.layers(name, "start", seed).values()))["gradient"]
            for name in ("relu", "size50")
        )
        ratios.append(relu / max(leaky, 1e-300))
    found["relu_gradient"] = (ratios, None)
    found["leaky_lead"] = (_less(numbers.at("size50", -1), numbers.at("relu", -1)), last)
    count = len(numbers.seeds)
    parameters = float(numbers.parameters("donis2020", ITERATIONS)["parameters"])
    found["parameters_16"] = ([parameters] * count, None)
    found["image_ratio"] = ([numbers.image_ratio()] * count, None)
    return found


def split_batches(numbers: Numbers) -> tuple[list[str], list[str]]:
    """Labels of small and of large batches; at least one of each."""
    batches = numbers.batch_labels()
    least = LARGE * numbers.run.settings.integer("batch")
    large = [label for size, label in batches.items() if size >= least] or [
        list(batches.values())[-1]
    ]
    small = [label for label in batches.values() if label not in large]
    return small or large, large


def _judge(numbers: Numbers) -> list[JudgedClaim]:
    values, disproofs = claim_values(numbers), _disproofs(numbers)
    return [
        claim.judge(values[name][0], epoch=values[name][1], disproof=disproofs.get(name, ""))
        for name, claim in CLAIMS.items()
    ]


def _disproofs(numbers: Numbers) -> dict[str, str]:
    """Claim id → what shows that the statement cannot hold, whatever is trained."""
    found = {}
    one, many = (numbers.parameters("donis2020", count) for count in (1, ITERATIONS))
    full = numbers.parameters("toderici2017", ITERATIONS)
    if one["parameters"] == many["parameters"]:
        found["parameters_16"] = (
            f"The network has {one['parameters']:,} parameters with one iteration and with "
            f"{ITERATIONS}: they share their weights. Counted anew for every iteration they would "
            f"be {many['unrolled']:,}; Toderici et al.’s network, four times as wide, has "
            f"{full['parameters']:,}, and counted so {full['unrolled']:,}."
        )
    ratio = numbers.image_ratio()
    found["image_ratio"] = (
        f"An image of 1280×720 has as many pixels as {TILES} tiles of 32×32; six million images "
        f"make {6e6 * TILES:.3g} tiles, which is {ratio:,.0f} times 200,000: thousands, not "
        "millions."
    )
    return found


_CHOICES = (
    Choice(
        "",
        "half of both data sets, drawn once",
        "the set of 50,000 images",
        "“a subset of the 100 thousand”; which is not said",
    ),
    Choice(
        "",
        "adaptive, windows of 7 in 3 scales, plain SSIM",
        "variants of MS-SSIM",
        "images of 32×32 are too small for MS-SSIM as published, and the paper does not say what "
        "it computes; all three are shown, the adaptive one is trained with",
    ),
    Choice(
        "",
        "a quarter of Toderici et al.’s widths",
        "the network",
        "as the public code has it that the paper started from; leaky ReLU, slope 0.2, after both "
        "convolutions",
    ),
    Choice(
        "",
        "the half of the images",
        "what MAE, mixtures, ReLU and the other rate are trained on",
        "the paper prints no figures for them; they are compared with the same training set under "
        "MS-SSIM, leaky ReLU and the lower rate",
    ),
    Choice(
        "",
        "mean absolute residual of 8-bit images, scale [0, 1]",
        "residual loss",
        "of one iteration; the paper’s “manually-adjusted values of n” only scale it",
    ),
)
