"""toderici2017: areas, pairs of networks, rates, ordinary codecs, trainings and the accounting."""

from __future__ import annotations

from collections.abc import Sequence

from imgcomp.papers.accounting import Coded, Sent, accounting_table
from imgcomp.papers.statistics import holm, interval
from imgcomp.papers.toderici2017.comparisons import compared, pairs
from imgcomp.papers.toderici2017.experiment import Variant
from imgcomp.papers.toderici2017.numbers import Numbers
from imgcomp.papers.toderici2017.stages import MEASURES, shown_iterations
from imgcomp.report import Column, Table
from imgcomp.report.results import Cell

FORMS = {"ms_ssim": ".4f", "ssim": ".4f", "psnr": ".2f"}
_LEVEL = "95 % interval (Student) over seeds; a dash where there is one seed."


def tables(numbers: Numbers) -> list[Table]:
    """The report's tables."""
    found = [_areas(numbers), _pairs(numbers), _rates(numbers, "images")]
    if numbers.with_photographs:
        found += [_rates(numbers, "photographs"), _peers_at_rates(numbers), _whole(numbers)]
    return [*found, _peers(numbers), _trainings(numbers), _accounting(numbers)]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _areas(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = []
    for which in numbers.sets:
        for one in numbers.variants:
            cells: list[Cell] = [numbers.set_name(which), one.text]
            for name in MEASURES:
                area = interval(numbers.auc(one, which, name))
                cells += [area.mean, area.low, area.high]
            rows.append(cells)
    rates = numbers.rates()
    heads = [
        Column(f"{name}{end}", ".3f" if key == "psnr" else ".4f")
        for key, name in MEASURES.items()
        for end in ("", ", low", ", high")
    ]
    return Table(
        "areas",
        "Area under the rate–distortion curve",
        f"From {rates[0]:g} to {rates[-1]:g} bits per pixel, by trapezoids over the "
        f"{len(rates)} iterations; bits are packed bytes. MS-SSIM in its adaptive variant; the "
        f"largest area that MS-SSIM allows is {rates[-1] - rates[0]:g}. Means over seeds with the "
        f"{_LEVEL}",
        [Column("Images"), Column("Network"), *heads],
        rows,
    )


def _pairs(numbers: Numbers) -> Table:
    listed = pairs(numbers)
    rows: list[list[Cell]] = []
    for which in numbers.sets:
        columns: list[list[list[Cell]]] = []
        for name in ("ms_ssim", "psnr"):
            gaps = [compared(numbers, pair, which, name) for pair in listed]
            corrected = holm([gap.t_p for gap in gaps])
            columns.append(
                [
                    [gap.difference.mean, gap.difference.low, gap.difference.high, p]
                    for gap, p in zip(gaps, corrected, strict=True)
                ]
            )
        for pair, ms_ssim, psnr in zip(listed, *columns, strict=True):
            rows.append([numbers.set_name(which), pair.text, *ms_ssim, *psnr])
    heads = [
        Column(f"{head}{end}", form if end != ", p" else ".3f")
        for head, form in (("MS-SSIM", "+.4f"), ("PSNR", "+.3f"))
        for end in ("", ", low", ", high", ", p")
    ]
    return Table(
        "pairs",
        "Cells and reconstructions against each other",
        "Differences of areas, paired by seed (the same images in the same order), with their "
        f"{_LEVEL} p: Student’s paired test, corrected after Holm for all pairs of the same images "
        "and measure. Mean: over reconstructions or over cells. With few seeds an interval is "
        "wide, and what it includes is not excluded.",
        [Column("Images"), Column("Pair"), *heads],
        rows,
    )


def _rates(numbers: Numbers, which: str) -> Table:
    rows: list[list[Cell]] = []
    sizes, rates = numbers.bytes_per_image(), numbers.rates()
    for one in numbers.variants:
        for iteration in shown_iterations(len(rates)):
            at = iteration - 1
            cells: list[Cell] = [one.text, iteration, sizes[at], rates[at]]
            for name in MEASURES:
                course = [values[at] for values in numbers.course(one, which, name)]
                found = interval(course)
                half = None if found.high is None else found.high - found.mean
                cells += [found.mean, half]
            rows.append(cells)
    heads = [
        Column(f"{name}{end}", FORMS[key]) for key, name in MEASURES.items() for end in ("", ", ±")
    ]
    return Table(
        f"rates_{which}",
        f"By iteration: {numbers.set_name(which)}",
        "Bytes: of the packed code of 32×32 pixels. Means over images and seeds; ±: half of the "
        f"{_LEVEL}",
        [
            Column("Network"),
            Column("Iterations", "d"),
            Column("Bytes", "d"),
            Column("Bits per pixel", ".3f"),
            *heads,
        ],
        rows,
    )


def _peers_at_rates(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = []
    names = ("ms_ssim", "psnr")
    best = {name: numbers.best("photographs", name) for name in names}
    for iteration in range(1, numbers.iterations() + 1):
        rate = numbers.rates()[iteration - 1]
        cells: list[Cell] = [iteration, rate]
        for name in names:
            course = numbers.course(best[name], "photographs", name)
            cells.append(_mean([values[iteration - 1] for values in course]))
            cells += [
                numbers.peer_at(codec, "photographs", name, rate) for codec in numbers.codecs()
            ]
        rows.append(cells)
    heads = [
        Column(f"{MEASURES[name]}, {who}", FORMS[name])
        for name in names
        for who in (best[name].text, *numbers.codecs().values())
    ]
    return Table(
        "peers_at_rates",
        "The best network, JPEG and WebP at the same rates",
        "Photographs, those of the network put together from tiles. JPEG and WebP straight between "
        "the points of the table of their qualities, header included; a dash where they reach no "
        "such rate. The network with the largest area for each measure.",
        [Column("Iterations", "d"), Column("Bits per pixel", ".3f"), *heads],
        rows,
    )


def _whole(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = []
    places = shown_iterations(numbers.iterations())
    for one in numbers.variants:
        for position, iteration in enumerate(places):
            cells: list[Cell] = [one.text, iteration, numbers.photograph_rates()[iteration - 1]]
            for name in ("ms_ssim", "psnr"):
                cut = _mean(
                    [row[iteration - 1] for row in numbers.course(one, "photographs", name)]
                )
                cells += [cut, _mean([row[position] for row in numbers.whole(one, name)])]
            rows.append(cells)
    heads = [
        Column(f"{MEASURES[name]}, {how}", FORMS[name])
        for name in ("ms_ssim", "psnr")
        for how in ("tiles", "whole")
    ]
    return Table(
        "whole",
        "Photographs in tiles and as a whole",
        "The same weights: every tile of 32×32 by itself and put together, or the photograph at "
        "once, as the paper does it, where cells see across the tiles’ borders. As many bits. "
        "Means over photographs and seeds.",
        [
            Column("Network"),
            Column("Iterations", "d"),
            Column("Bits per pixel", ".3f"),
            *heads,
        ],
        rows,
    )


def _peers(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = []
    for which in ("images", "photographs") if numbers.with_photographs else ("images",):
        for codec, name in numbers.codecs().items():
            rows += [
                [
                    numbers.set_name(which),
                    name,
                    int(point["quality"]),
                    point["bytes"],
                    point["rate"],
                    *(point[key] for key in MEASURES),
                ]
                for point in numbers.peer(codec, which)
            ]
    return Table(
        "peers",
        "JPEG and WebP",
        "By Pillow: JPEG with colour at half the resolution and optimised tables, WebP with its "
        "most thorough method. Bytes of whole files, header included. Of images of 32×32 the "
        "header is most of a JPEG file, so that such rates lie far above those of the networks.",
        [
            Column("Images"),
            Column("Codec"),
            Column("Quality", "d"),
            Column("Bytes", ",.1f"),
            Column("Bits per pixel", ".3f"),
            *(Column(name, FORMS[key]) for key, name in MEASURES.items()),
        ],
        rows,
    )


def _trainings(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = []
    for one in numbers.variants:
        records = [numbers.data("train", one, seed)["history"] for seed in numbers.seeds]
        seconds = sum(sum(record["seconds"]) for record in records)
        epochs = sum(len(record["seconds"]) for record in records)
        images = numbers.run.settings.integer("images")
        rows.append(
            [
                one.text,
                int(numbers.data("train", one)["num_parameters"]),
                _multiply_adds(numbers, one) / 1e6,
                _mean([record["loss"][0] for record in records]),
                _mean([record["loss"][-1] for record in records]),
                _mean([record["val_loss"][-1] for record in records]),
                _mean([record["val_psnr"][-1] for record in records]),
                images * epochs / seconds,
            ]
        )
    s = numbers.run.settings
    return Table(
        "trainings",
        "Networks and trainings",
        f"{s.number('width'):g} of the paper’s width, {s.integer('iterations')} iterations, at "
        f"most {s.integer('images'):,} images, {s.integer('epochs')} epochs, steps of "
        f"{s.integer('batch')} images. Loss: mean absolute difference over all iterations, scale "
        "[0, 1]. Validation: images of the same kind that were not trained on, with bits by their "
        "sign. Means over seeds. Speed: as it was on the machine of the run, beside whatever else "
        "ran there.",
        [
            Column("Network"),
            Column("Parameters", ",d"),
            Column("Multiply–adds of an iteration (million)", ".1f"),
            Column("Loss, epoch 1", ".4f"),
            Column("Loss, end", ".4f"),
            Column("Loss, validation", ".4f"),
            Column("PSNR, validation (dB)", ".2f"),
            Column("Images per second", ".0f"),
        ],
        rows,
    )


def _multiply_adds(numbers: Numbers, variant: Variant) -> int:
    from imgcomp import models

    return models.from_spec(dict(numbers.data("train", variant)["spec"])).multiply_adds


def sent(numbers: Numbers, variants: Sequence[Variant] = ()) -> list[Sent]:
    """The test images as codes of networks, by default of all."""
    networks = [
        Coded(one.text, [numbers.data("bytes", one, seed) for seed in numbers.seeds])
        for one in variants or numbers.variants
    ]
    return [Sent(numbers.run.dataset.name, [numbers.image_bytes()], networks)]


def _accounting(numbers: Numbers) -> Table:
    apart = max(
        numbers.data("measure", one, seed)["decoded"]
        for one in numbers.variants
        for seed in numbers.seeds
    )
    return accounting_table(
        sent(numbers),
        "Rates everywhere else in this report are those of packed bits, eight to a byte and no "
        "more; what packed bytes alone decode to differs from what was measured by at most "
        f"{apart} of 255.",
    )
