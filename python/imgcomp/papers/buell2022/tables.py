"""buell2022: our runs beside the published ones, tests against the baseline, bytes, variants."""

from __future__ import annotations

from imgcomp.papers.buell2022 import published
from imgcomp.papers.buell2022.cases import CASES, POOLED
from imgcomp.papers.buell2022.numbers import Numbers
from imgcomp.papers.buell2022.variants import data_rows, variants
from imgcomp.papers.buell2022.words import p_value, signed, span
from imgcomp.papers.statistics import (
    Paired,
    holm,
    interval,
    paired,
    prediction_margin,
    unpaired,
)
from imgcomp.report import Column, Table
from imgcomp.report.results import Cell


def tables(numbers: Numbers) -> list[Table]:
    """The report's tables."""
    found = [
        _published(numbers),
        _paired(numbers),
        _curves(numbers),
        _accounting(numbers),
        _inputs(numbers),
    ]
    if numbers.long_runs():
        found.append(_long(numbers))
    if variants(numbers):
        found.append(_variants(numbers))
    if data_rows(numbers):
        found.append(_data(numbers))
    return found


def percents(values: list[float] | tuple[float, ...]) -> list[float]:
    """Shares in percent."""
    return [100 * value for value in values]


def published_f1(case: str) -> list[float]:
    """Macro F1 of the published runs of a case, in percent."""
    return percents(published.test_scores()[case]["f1"])


def _published(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = []
    for prefix in ("", "unscaled-") if numbers.unscaled else ("",):
        ours = {name: percents(numbers.scores(f"{prefix}{name}")) for name in CASES}
        found = {name: unpaired(ours[name], published_f1(name)) for name in CASES}
        corrected = holm([found[name].p for name in CASES])
        for name, p in zip(CASES, corrected, strict=True):
            mine, theirs = interval(ours[name]), interval(published_f1(name))
            margin = prediction_margin(theirs.std, theirs.n, mine.n)
            ends = found[name]
            difference = signed(ends.difference)
            if ends.low is not None and ends.high is not None:
                difference += f" [{signed(ends.low)}, {signed(ends.high)}]"
            rows.append(
                [
                    CASES[name].name,
                    "unscaled" if prefix else "scaled",
                    mine.n,
                    mine.mean,
                    mine.std,
                    theirs.mean,
                    theirs.std,
                    f"{theirs.mean - margin:.2f} … {theirs.mean + margin:.2f}",
                    difference,
                    p_value(ends.p),
                    p_value(p),
                ]
            )
    return Table(
        "published_runs",
        "Our runs beside the paper’s 50 published ones: macro F1 on the test images, in %",
        f"The published runs are {published.RUNS} for each case. “Expected” is the 95 % "
        "prediction interval of the mean of as many further runs of the published experiment, "
        "computed from the published runs alone; the claims are judged by it. The difference is "
        "ours minus theirs in points, with Welch’s 95 % interval; p is that of Welch’s test, then "
        "after Holm’s correction for five cases.",
        [
            Column("Case"),
            Column("Ours"),
            Column("Runs", "d"),
            Column("Mean", ".2f"),
            Column("Std", ".2f"),
            Column("Theirs", ".2f"),
            Column("Their std", ".2f"),
            Column("Expected"),
            Column("Difference"),
            Column("p"),
            Column("p (Holm)"),
        ],
        rows,
    )


def baseline_tests(numbers: Numbers) -> dict[str, tuple[list[Paired], list[float | None]]]:
    """Whose runs → each case against the baseline, and Holm's p values of t."""
    base = published_f1("baseline")
    found = {
        "ours": [numbers.against_baseline(name) for name in POOLED],
        "published": [paired(published_f1(name), base) for name in POOLED],
    }
    if numbers.unscaled:
        found["ours, unscaled"] = [
            numbers.against_baseline(f"unscaled-{name}", "unscaled-baseline") for name in POOLED
        ]
    return {whose: (tests, holm([test.t_p for test in tests])) for whose, tests in found.items()}


def _paired(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = []
    for whose, (tests, corrected) in baseline_tests(numbers).items():
        ranks = holm([test.wilcoxon_p for test in tests])
        for name, test, p, rank_p in zip(POOLED, tests, corrected, ranks, strict=True):
            rows.append(
                [
                    CASES[name].name,
                    whose,
                    test.difference.n,
                    span(test.difference),
                    test.difference.std,
                    test.effect,
                    p_value(test.t_p),
                    p_value(p),
                    p_value(test.wilcoxon_p),
                    p_value(rank_p),
                ]
            )
    return Table(
        "paired_tests",
        "Does a case differ from the baseline? Macro F1 on the test images, paired by repeat",
        "Case minus baseline in points of F1, with Student’s 95 % interval; Cohen’s d_z is the "
        "mean over the standard deviation of the differences; p of Student’s and of Wilcoxon’s "
        "test. In ours, the runs of a repeat have the same split, the same initial weights and the "
        "same order of images. The published runs are paired by their number; nothing says that "
        "these share a split, and their scores are hardly correlated. Holm’s correction is for "
        "four cases.",
        [
            Column("Case"),
            Column("Runs"),
            Column("Pairs", "d"),
            Column("Difference"),
            Column("Std", ".2f"),
            Column("d_z", "+.2f"),
            Column("p (t)"),
            Column("Holm"),
            Column("p (ranks)"),
            Column("Holm (ranks)"),
        ],
        rows,
    )


def _curves(numbers: Numbers) -> Table:
    places = [batch for batch in (1, 10, 100, 500, 1750) if batch <= numbers.batches]
    if numbers.batches not in places:
        places.append(numbers.batches)
    rows: list[list[Cell]] = []
    for name in CASES:
        for place in places:
            row: list[Cell] = [CASES[name].name, place]
            known = published.training_curves()[name].get(place)
            for curve in ("loss", "f1"):
                row.append(float(numbers.curve(name, curve)[:, place - 1].mean()))
                raw = None
                if numbers.unscaled:
                    raw = float(numbers.curve(f"unscaled-{name}", curve)[:, place - 1].mean())
                row += [raw, known[curve] if known else None]
            rows.append(row)
    return Table(
        "training_curves",
        "Training histories: ours beside the published ones",
        "What Keras shows after a batch of the first epoch, means over the repeats: the mean loss "
        "so far, and the F1 of precision and recall so far. Ours with images scaled as in the "
        "text, and unscaled.",
        [
            Column("Case"),
            Column("Batch", ",d"),
            *(
                Column(f"{curve}, {whose}", ".4f")
                for curve in ("Loss", "F1")
                for whose in ("scaled", "unscaled", "published")
            ),
        ],
        rows,
    )


def _accounting(numbers: Numbers) -> Table:
    counted = numbers.inputs()
    whole = counted["baseline"]["values"]
    rows: list[list[Cell]] = []
    for name, case in CASES.items():
        values, bits = counted[name]["values"], case.exact_bits()
        rows.append(
            [
                case.text,
                values,
                values / whole,
                4 * values,
                4 * values / whole,
                bits,
                values * bits / 8 / whole,
                counted[name]["deflated"],
                counted[name]["deflated"] / whole,
                counted[name]["png"],
            ]
        )
    return Table(
        "accounting",
        "What the shrunk images really take",
        f"The original has {whole} values of one byte each. The paper counts values. It pools "
        "32-bit floats, and a mean of bytes is no byte: the mean of four needs 10 bits, that of "
        "nine 12. With 8 bits a value they are rounded; the table of variants has the scores with "
        "images that were; then the share of values is that of bytes. Deflated: all images, "
        "rounded to 8 bits, as one stream, bytes per image; PNG: mean size of a file of one image.",
        [
            Column("Case"),
            Column("Values", ",d"),
            Column("Share", ".1%"),
            Column("Floats (B)", ",d"),
            Column("Share, floats", ".0%"),
            Column("Exact bits", "d"),
            Column("Share, exact", ".1%"),
            Column("Deflated (B)", ".0f"),
            Column("Share, deflated", ".1%"),
            Column("PNG (B)", ".0f"),
        ],
        rows,
    )


def _inputs(numbers: Numbers) -> Table:
    def first(name: str) -> float:
        return float(numbers.curve(name, "loss")[:, 0].mean())

    return Table(
        "inputs",
        "What goes in, and the loss of the first batch",
        "Pixels that are almost always black have a tiny standard deviation, so that the few that "
        "are not become very large when scaled; pooling averages them with their neighbours. "
        "First loss: of the first batch, before anything is learnt, mean over the repeats; an "
        "answer of equal probabilities has ln 10 = 2.30.",
        [
            Column("Case"),
            Column("Largest scaled input", ".1f"),
            Column("First loss, scaled", ".2f"),
            Column("First loss, unscaled", ".2f"),
            Column("First loss, published", ".2f"),
        ],
        [
            [
                case.text,
                numbers.inputs()[name]["largest"],
                first(name),
                first(f"unscaled-{name}") if numbers.unscaled else None,
                published.training_curves()[name][1]["loss"],
            ]
            for name, case in CASES.items()
        ],
    )


def _long(numbers: Numbers) -> Table:
    seeds = numbers.repeats("long_repeats")
    epochs = numbers.run.settings.integer("long_epochs")
    shown = sorted({1, 2, max(1, epochs // 2), epochs})
    names = numbers.long_runs()
    base = numbers.scores_by_epoch("long-baseline", seeds) if "long-baseline" in names else None
    rows: list[list[Cell]] = []
    for name in names:
        scores = 100 * numbers.scores_by_epoch(name, seeds)
        for epoch in shown:
            gap = None
            if base is not None and name != "long-baseline":
                gap = span(interval((scores - 100 * base)[:, epoch - 1].tolist()))
            found = interval(scores[:, epoch - 1].tolist())
            case = CASES[name.removeprefix("long-")].text
            rows.append([case, epoch, found.n, found.mean, found.std, gap])
    return Table(
        "longer_training",
        f"Longer training: macro F1 on the test images over {epochs} epochs, in %",
        "The same runs as the paper’s for the first epoch, then on. The difference is case minus "
        "baseline in points with its 95 % interval, paired by repeat.",
        [
            Column("Case"),
            Column("Epoch", "d"),
            Column("Repeats", "d"),
            Column("F1", ".2f"),
            Column("Std", ".2f"),
            Column("Difference"),
        ],
        rows,
    )


def _variants(numbers: Numbers) -> Table:
    return Table(
        "variants",
        "One thing changed: macro F1 on the test images, in %",
        "Each line is compared with the paper’s way of the same case, over the same repeats: the "
        "same splits and initial weights. The difference is in points with its 95 % interval.",
        [
            Column("What"),
            Column("Case"),
            Column("Repeats", "d"),
            Column("F1", ".2f"),
            Column("Unchanged", ".2f"),
            Column("Difference"),
            Column("p (t)"),
        ],
        [
            [
                one.text,
                CASES[one.case].text,
                one.paired.difference.n,
                100 * interval(one.scores).mean,
                100 * interval(one.reference).mean,
                span(one.paired.difference),
                p_value(one.paired.t_p),
            ]
            for one in variants(numbers)
        ],
    )


def _data(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = []
    for row in data_rows(numbers):
        found = interval(percents(row.scores))
        rows.append(
            [
                row.dataset,
                CASES[row.case].text,
                found.n,
                found.mean,
                found.std,
                100 * interval(row.accuracy).mean,
                span(row.paired.difference) if row.paired else None,
                row.paired.effect if row.paired else None,
                p_value(row.paired.t_p) if row.paired else None,
            ]
        )
    return Table(
        "data_sets",
        "Other data sets: macro F1 on the test images, in %",
        "The same experiment, also one epoch. The difference is case minus the baseline of the "
        "same data set in points with its 95 % interval, paired by repeat.",
        [
            Column("Data set"),
            Column("Case"),
            Column("Repeats", "d"),
            Column("F1", ".2f"),
            Column("Std", ".2f"),
            Column("Accuracy", ".2f"),
            Column("Difference"),
            Column("d_z", "+.2f"),
            Column("p (t)"),
        ],
        rows,
    )
