"""buell2022: the main results, one sentence each, with the numbers of the run."""

from __future__ import annotations

from imgcomp.papers.buell2022 import published
from imgcomp.papers.buell2022.cases import CASES, POOLED
from imgcomp.papers.buell2022.claims import TEST_MARGIN
from imgcomp.papers.buell2022.experiment import EXTRA_DATA, why_left_out
from imgcomp.papers.buell2022.numbers import Numbers, trapezoid_mean
from imgcomp.papers.buell2022.tables import baseline_tests, percents, published_f1
from imgcomp.papers.buell2022.variants import Variant, data_rows, variants
from imgcomp.papers.buell2022.words import listed, number, p_value, percent, signed, span
from imgcomp.papers.statistics import (
    equivalence_p,
    holm,
    interval,
    prediction_margin,
    unpaired,
)


def findings(numbers: Numbers) -> list[str]:
    """What the report begins with."""
    return [
        _against_published(numbers),
        *_scaled_or_not(numbers),
        _against_baseline(numbers),
        _equivalence(numbers),
        _curve_gaps(numbers),
        *_bytes(numbers),
        *_stored(numbers),
        *_long(numbers),
        *_orders(numbers),
        *_scaling(numbers),
        *_data(numbers),
        _side_by_side(numbers),
        _collapsed(numbers),
    ]


def _name(case: str) -> str:
    return CASES[case].name.lower()


def _against_published(numbers: Numbers) -> str:
    inside = []
    tests = []
    for name in CASES:
        ours, theirs = percents(numbers.scores(name)), interval(published_f1(name))
        margin = prediction_margin(theirs.std, theirs.n, len(ours))
        if abs(interval(ours).mean - theirs.mean) <= margin:
            inside.append(name)
        tests.append(unpaired(ours, published_f1(name)).p)
    known = [p for p in holm(tests) if p is not None]
    text = (
        f"Scaled as in the text, our mean macro F1 lies within the published runs’ interval in "
        f"{len(inside)} of {len(CASES)} cases"
    )
    outside = [_name(name) for name in CASES if name not in inside]
    text += f" (outside: {listed(outside)})" if outside else ""
    told = [
        listed([number(interval(values).mean) for values in group])
        for group in (
            [percents(numbers.scores(name)) for name in CASES],
            [published_f1(name) for name in CASES],
        )
    ]
    text += f": {told[0]} % beside {told[1]} % for the baseline and cases 1 to 4."
    if known:
        text += f" The smallest p of Welch’s five tests is {p_value(min(known))} after Holm."
    return text


def _against_baseline(numbers: Numbers) -> str:
    tests = baseline_tests(numbers)
    repeats = len(numbers.seeds)
    gaps = listed(
        [
            f"{span(test.difference)} ({_name(name)})"
            for name, test in zip(POOLED, tests["ours"][0], strict=True)
        ]
    )
    over = f"{repeats} repeat{'s' if repeats > 1 else ''}"
    text = f"Case minus baseline in points of macro F1, paired over {over}: {gaps}."
    if repeats < 2:
        return text + " A single pair says nothing of their spread."
    labels = {"ours": "our runs", "published": "the published runs"}
    if numbers.unscaled:
        labels["ours, unscaled"] = "our runs on unscaled bytes"
    for whose, label in labels.items():
        differ = [
            f"{_name(name)} (p {p_value(p)}, d_z {number(test.effect or 0.0)})"
            for name, test, p in zip(POOLED, *tests[whose], strict=True)
            if p is not None and p < 0.05
        ]
        said = f"{listed(differ)} differ" if len(differ) > 1 else f"{listed(differ)} differs"
        text += f" In {label} {said if differ else 'no case differs'} at 5 % after Holm."
    return text


def _equivalence(numbers: Numbers) -> str:
    base = percents(numbers.scores("baseline"))
    within = []
    for name in POOLED:
        gaps = [a - b for a, b in zip(percents(numbers.scores(name)), base, strict=True)]
        p = equivalence_p(gaps, TEST_MARGIN)
        if p is not None and p < 0.05:
            within.append(_name(name))
    which = "no case" if not within else listed(within)
    return (
        f"Not to find a difference is not to show that there is none: equivalence within "
        f"±{TEST_MARGIN:g} points of F1 is shown for {which}."
    )


def _scaled_or_not(numbers: Numbers) -> list[str]:
    """What the first losses say of the published runs."""
    if not numbers.unscaled:
        return []
    theirs = {name: rows[1]["loss"] for name, rows in published.training_curves().items()}
    told = {}
    for prefix in ("", "unscaled-"):
        means = [float(numbers.curve(f"{prefix}{n}", "loss")[:, 0].mean()) for n in CASES]
        told[prefix] = listed([number(mean) for mean in means])
    inside = []
    for name in CASES:
        scores = interval(published_f1(name))
        ours = interval(percents(numbers.scores(f"unscaled-{name}")))
        margin = prediction_margin(scores.std, scores.n, ours.n)
        if abs(ours.mean - scores.mean) <= margin:
            inside.append(name)
    return [
        "The published histories begin with losses of "
        f"{listed([number(theirs[name]) for name in CASES])} nats (baseline, cases 1 to 4). With "
        f"images scaled as in the text, ours begin with {told['']}, with the bytes unscaled with "
        f"{told['unscaled-']}: contrary to the text, the published runs were not scaled.",
        f"On unscaled bytes our mean macro F1 lies within the published runs’ interval in "
        f"{len(inside)} of {len(CASES)} cases, and the running loss after the last batch is "
        + listed(
            [
                number(float(numbers.curve(f"unscaled-{name}", "loss")[:, -1].mean()), 3)
                for name in CASES
            ]
        )
        + " beside "
        + listed(
            [
                number(published.training_curves()[name][published.BATCHES]["loss"], 3)
                for name in CASES
            ]
        )
        + " nats.",
    ]


def _curve_gaps(numbers: Numbers) -> str:
    parts = []
    for prefix, label in (("", "scaled"), ("unscaled-", "unscaled")):
        if prefix and not numbers.unscaled:
            continue
        base = float(numbers.curve(f"{prefix}baseline", "f1").mean())
        gaps = {
            name: 100 * (float(numbers.curve(f"{prefix}{name}", "f1").mean()) - base)
            for name in POOLED
        }
        told = listed([f"{signed(gap)} ({_name(name)})" for name, gap in gaps.items()])
        parts.append(f"{told} in ours, {label}")
    theirs = listed([f"{signed(_published_gap(name))} ({_name(name)})" for name in POOLED])
    return (
        f"On average over the first epoch, the running F1 deviates from the baseline’s by "
        f"{'; '.join(parts)}; {theirs} points in the published histories."
    )


def _published_gap(case: str) -> float:
    """Mean difference of a case’s published running F1 from the baseline’s, in points."""
    found = {}
    for name in (case, "baseline"):
        rows = published.training_curves()[name]
        found[name] = trapezoid_mean(list(rows), [row["f1"] for row in rows.values()])
    return 100 * (found[case] - found["baseline"])


def _bytes(numbers: Numbers) -> list[str]:
    counted = numbers.inputs()
    whole = counted["baseline"]["values"]
    small = counted["cs2"]
    return [
        f"“25 % of the original size” counts values. As the 32-bit floats that are pooled, the "
        f"{small['values']} values of case 2 take {4 * small['values']} bytes, "
        f"{percent(4 * small['values'] / whole, 0)} of the original’s {whole}; exact means of four "
        f"bytes need {CASES['cs2'].exact_bits()} bits each, "
        f"{percent(small['values'] * CASES['cs2'].exact_bits() / 8 / whole, 0)}; rounded to 8 "
        f"bits they take {percent(small['values'] / whole, 0)}.",
        f"Without any loss, the originals take "
        f"{percent(counted['baseline']['deflated'] / whole, 0)} of their bytes when they are "
        f"deflated as one stream; the rounded images of case 2 then take "
        f"{percent(small['deflated'] / whole, 0)}.",
    ]


def _group(numbers: Numbers, group: str) -> list[Variant]:
    return [one for one in variants(numbers) if one.group == group]


def _told(found: list[Variant], what: str = "") -> str:
    return listed(
        [
            f"{span(one.paired.difference)} ({_name(one.case)}{what and ', ' + one.text})"
            for one in found
        ]
    )


def _stored(numbers: Numbers) -> list[str]:
    found = _group(numbers, "stored")
    if not found:
        return []
    repeats = found[0].paired.difference.n
    return [
        f"With pooled images really stored as bytes, F1 changes by {_told(found)} points over "
        f"{repeats} repeat{'s' if repeats > 1 else ''}."
    ]


def _long(numbers: Numbers) -> list[str]:
    names = numbers.long_runs()
    if "long-baseline" not in names or len(names) < 2:
        return []
    seeds = numbers.repeats("long_repeats")
    epochs = numbers.run.settings.integer("long_epochs")
    base = 100 * numbers.scores_by_epoch("long-baseline", seeds)
    parts = []
    for name in names:
        if name == "long-baseline":
            continue
        gaps = 100 * numbers.scores_by_epoch(name, seeds) - base
        first, last = interval(gaps[:, 0].tolist()), interval(gaps[:, -1].tolist())
        parts.append(
            f"{_name(name.removeprefix('long-'))} from {signed(first.mean)} to {span(last)} points"
        )
    return [
        f"With {epochs} epochs instead of one, in {len(seeds)} "
        f"repeat{'s' if len(seeds) > 1 else ''}, the baseline’s F1 goes from "
        f"{number(base[:, 0].mean())} to {number(base[:, -1].mean())} %, and the difference from "
        f"it goes for {listed(parts)}."
    ]


def _orders(numbers: Numbers) -> list[str]:
    found = _group(numbers, "order")
    if not found:
        return []
    own = numbers.run.settings.integer("order")
    return [
        f"Other orders of the spline change F1, compared with order {own}, by "
        f"{_told(found, 'order')} points."
    ]


def _scaling(numbers: Numbers) -> list[str]:
    found = _group(numbers, "scaling")
    if not found:
        return []
    return [f"With the {found[0].text}, F1 changes by {_told(found)} points."]


def _data(numbers: Numbers) -> list[str]:
    parts = []
    rows = data_rows(numbers)
    for name in dict.fromkeys(row.dataset for row in rows):
        mine = [row for row in rows if row.dataset == name]
        base = interval(percents(mine[0].scores)).mean
        gaps = listed(
            [
                f"{span(row.paired.difference)} ({_name(row.case)})"
                for row in mine
                if row.paired is not None
            ]
        )
        parts.append(f"On {name} the baseline has F1 {number(base)} %, the cases differ by {gaps}.")
    why = why_left_out(numbers.run)
    return parts + [f"{EXTRA_DATA[name]} is left out: {why}." for name in numbers.missing_data]


def _side_by_side(numbers: Numbers) -> str:
    seconds = numbers.seconds()
    count = len(CASES) * len(numbers.seeds)
    images = count * numbers.train_images * numbers.run.settings.integer("epochs")
    published_images = len(CASES) * published.RUNS * 56_000
    return (
        f"The paper’s own {count} trainings saw {images:,} images (the published ones "
        f"{published_images:,}) and took {seconds:,.0f} seconds of training in all, one thread "
        "each, several side by side; that is the sum over them, not the time waited."
    )


def _collapsed(numbers: Numbers) -> str:
    names = numbers.collapsed()
    if names:
        return f"Collapsed to one output for every input: {', '.join(names)}."
    return "No network collapsed to one output for every input."
