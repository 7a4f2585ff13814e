"""Committed comparisons of codecs as Markdown: nothing on the page of the verdict is typed by hand.

Plain functions from the content of a ``results.json`` of ``imgcomp rd`` to text; the Sphinx part is
``committed_results``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from results_markdown import escape, table, unbroken

from imgcomp.rd import tables
from imgcomp.rd.compact import read_comparison
from imgcomp.rd.formats import formats_table
from imgcomp.rd.found import WHOLE
from imgcomp.rd.scales import ACCURACY, MAIN, SCALES, trained_for
from imgcomp.report.html import show_seconds

Content = Mapping[str, Any]

SETS = {
    "cifar10": "CIFAR-10",
    "fashion-mnist": "Fashion-MNIST",
    "mnist": "MNIST",
    "cifar100": "CIFAR-100",
    "kodak": "Kodak’s photographs",
}
"""What is compared on: names of folders and of ``--data``, and what they are called."""
_CODECS = "house,jpeg,webp,avif,jxl,png,pca,pq"
_NETWORKS = {
    "cifar10": ("runs/donis2020/batch128", "runs/donis2020/mae", "runs/kawaguchi2022/model1",
                "runs/kawaguchi2022/model2", "runs/toderici2017/lstm-additive"),
    "fashion-mnist": ("runs/feng2018/cnn", "runs/feng2018/ann", "runs/feng2018/shared",
                      "results/bhattacharya2020/autoencoder-fashion-mnist"),
    "mnist": ("results/bhattacharya2020/autoencoder-mnist",),
}  # fmt: skip
"""Networks of the papers that were trained on a set."""
_SHARED_BY = 10_000
_FAIR = "mosaic"
"""The way of counting that is kindest to ordinary codecs."""


def command(name: str) -> str:
    """What makes the committed results of a set."""
    codecs = ",".join([_CODECS, *_NETWORKS.get(name, ())])
    return (
        f"imgcomp rd --data {name} --codecs {codecs} --out runs/rd-{name} --resume "
        f"--compact results/rd/{name}"
    )


def missing(name: str) -> str:
    """What stands in place of results that are not there."""
    return (
        f":::{{note}}\nNo result of {SETS[name]} is committed yet. `{command(name)}` makes it; "
        "this page shows it when it is built again.\n:::\n"
    )


def committed(folder: Path) -> dict[str, dict[str, Any]]:
    """The content of those results that there are, by the names of `SETS`."""
    paths = {name: folder / name / "results.json" for name in SETS}
    return {name: read_comparison(path) for name, path in paths.items() if path.is_file()}


def shown(one: tables.Shown) -> str:
    """A table with its title and caption; small print goes below."""
    heads = [escape(head) for head in one.heads]
    rows = [list(map(_cell, row)) for row in one.rows]
    caption = f"{escape(one.caption)}\n\n" if one.caption else ""
    right = [False] + [True] * (len(heads) - 1)
    return f"**{escape(one.title)}**\n\n{caption}{table(heads, rows, right)}"


def _cell(text: str) -> str:
    return "<br>".join(unbroken(escape(line)) for line in text.split("\n"))


def _points(value: float) -> str:
    """Points of accuracy, with a minus that is one."""
    return f"{value:.1f}".replace("-", "−")


def provenance(content: Content) -> str:
    """What was compared, on what."""
    data, env = content["data"], content["environment"]
    revision = f" ({env['source_revision']})" if env.get("source_revision") else ""
    whole = ""
    if data["photographs"]:
        whole = f", tiles of {len(data['photographs'])} photographs, which are also sent whole"
    accuracy = ""
    if content["originals_accuracy"] is not None:
        accuracy = f" A classifier recognises {100 * content['originals_accuracy']:.1f} % of them."
    seconds = sum(content["timings"]["stages"].values())
    kept = ""
    if "kept" in content:
        before = content["kept"]["environment"]
        kept = (
            f" {escape(', '.join(content['kept']['lines']))}: from an earlier comparison of the "
            f"same images, of revision {escape(before.get('source_revision') or '–')}"
        )
        if content["kept"]["originals_accuracy"] is not None:
            share = 100 * content["kept"]["originals_accuracy"]
            kept += f", whose classifier recognises {share:.1f} %"
        kept += "."
    return (
        f"{data['images']:,} images of {'×'.join(map(str, data['image_shape']))}{whole}.{accuracy} "
        f"Stages of {show_seconds(seconds)} together, on {escape(env['processor'])}; imgcomp "
        f"{escape(env['imgcomp'] + revision)}, Pillow {env.get('pillow', '–')}, imagecodecs "
        f"{env.get('imagecodecs', '–')}.{kept}\n"
    )


def best(content: Content) -> str:
    """BD-rates against the best of all rivals, over every measure, and of the formats alone."""
    found, formats = tables.best_table(content), formats_table(content)
    parts = [*([found] if found.rows else []), *([formats] if formats else [])]
    return "\n".join(shown(each) for each in parts)


def rivals(content: Content) -> str:
    """BD-rates against every rival, over what each codec is for."""
    ours = [line["name"] for line in content["lines"] if line["ours"]]
    found = [tables.bd_table(content, name, trained_for(name)) for name in ours]
    return "\n".join(shown(each) for each in found if each.rows)


def recognised(content: Content) -> str:
    """What is still recognised: in how few bytes, at the best rival's rate, after training anew."""
    makers = (tables.smallest_table, tables.fallen_table, tables.retrained_table)
    found = [make(content) for make in makers]
    return "\n".join(shown(each) for each in found if each is not None)


def levels(content: Content) -> str:
    """Bits per pixel at equal PSNR and at equal loss of accuracy, all images in one file."""
    sizes = [_FAIR, *([WHOLE] if WHOLE in tables.sizes_of(content) else [])]
    parts = []
    for measure in (MAIN, ACCURACY):
        for size in sizes:
            found = tables.level_table(content, measure, size)
            if found.rows:
                title = f"Bits per pixel at equal {SCALES[measure].title}: {tables.COUNTED[size]}"
                parts.append(shown(tables.Shown(title, found.heads, found.rows)))
    return "\n".join(parts)


def weights(content: Content) -> str:
    """With the weights counted."""
    found = tables.weights_table(content)
    return "" if found is None else shown(found)


PARTS: dict[str, Callable[[Content], str]] = {
    "provenance": provenance,
    "best": best,
    "rivals": rivals,
    "recognised": recognised,
    "levels": levels,
    "weights": weights,
}


def verdict(found: Mapping[str, Content]) -> str:
    """The answer for all sets: sentences for each, tables, and what is missing.

    Args:
        found: of `committed`.
    """
    parts = []
    said = [
        "".join([f"- {escape(SETS[name])}\n", *(f"  - {escape(each)}\n" for each in sentences)])
        for name, content in found.items()
        if (sentences := sentences_of(content))
    ]
    if said:
        parts.append("".join(said))
    rows = [row for name, content in found.items() for row in _rows(SETS[name], content)]
    if rows:
        heads = [
            "Images", "Codec", "Counted", *(scale.title for scale in SCALES.values()),
            "Points lost", f"PSNR, with weights among {_SHARED_BY:,}",
        ]  # fmt: skip
        cells = [list(map(_cell, row)) for row in rows]
        parts.append(table(heads, cells, [False] * 3 + [True] * (len(heads) - 3)))
    parts += _of_all(found, formats_table)
    parts += _of_all(found, tables.smallest_table, 2)
    absent = [SETS[name] for name in SETS if name not in found]
    if absent:
        parts.append(f":::{{note}}\nNo result is committed yet of {_listed(absent)}.\n:::\n")
    return "\n".join(parts)


def _of_all(
    found: Mapping[str, Content],
    make: Callable[[Content], tables.Shown | None],
    rows: int | None = None,
) -> list[str]:
    """A table of all sets, of the first rows of each set's."""
    all_of = {name: make(content) for name, content in found.items()}
    known = {name: one for name, one in all_of.items() if one is not None}
    if not known:
        return []
    one = next(iter(known.values()))
    heads = list(dict.fromkeys(head for each in known.values() for head in each.heads))
    cells = [
        [SETS[name], *(dict(zip(each.heads, row, strict=True)).get(h, tables.NONE) for h in heads)]
        for name, each in known.items()
        for row in each.rows[:rows]
    ]
    return [shown(tables.Shown(one.title, ["Images", *heads], cells, one.caption))]


def sentences_of(content: Content) -> list[str]:
    """What a comparison says of each of the package's codecs, in words."""
    found = []
    for line in content["lines"]:
        if line["ours"]:
            said = [_rate_in_words(content, line["name"], _FAIR, "all images in one file")]
            said.append(_rate_in_words(content, line["name"], WHOLE, "whole photographs"))
            said.append(_loss_in_words(content, line["name"]))
            found += [f"{line['title']} {'; '.join(words for words in said if words)}."]
    return [sentence for sentence in found if not sentence.endswith(" .")]


def _rate_in_words(content: Content, name: str, size: str, counted: str) -> str:
    measure = trained_for(name)
    record = _against_best(content, name, size, measure)
    if record is None or record["percent"] is None:
        return ""
    percent, ends = record["percent"], record["interval"]
    words = f"takes {abs(percent):.1f} % {'fewer' if percent < 0 else 'more'} bytes than the best "
    words += f"of all rivals at equal {SCALES[measure].title} ({counted}"
    if ends is not None:
        words += f"; {ends[0]:+.1f} … {ends[1]:+.1f} %".replace("-", "−")
        words += ", not told apart" if ends[0] < 0 < ends[1] else ""
    return words + (", from few points)" if record["few_points"] else ")")


def _loss_in_words(content: Content, name: str) -> str:
    for record in content["fallen"]:
        if record["size"] == _FAIR:
            lines = [each for each in record["lines"] if each["line"] == name]
            if not lines:  # kept from an earlier comparison, whose best rival had another rate
                continue
            (line,) = lines
            rival = tables.titles_of(content)[record["rival"]]
            where = (
                f"where the best rival ({rival}) has lost {record['rival_fallen']:.1f} points of"
            )
            if line["fallen"] is None:
                return f"needs more bits at its coarsest setting than there are {where} accuracy"
            lost = line["fallen"]
            if lost < 0:
                return f"{where} accuracy, it has {_points(-lost)} more than the originals"
            return f"{where} accuracy, it has lost {_points(lost)}"
    return ""


def _rows(title: str, content: Content) -> list[list[str]]:
    rows = []
    for line in content["lines"]:
        for size in (_FAIR, WHOLE):
            records = [_against_best(content, line["name"], size, name) for name in SCALES]
            if not line["ours"] or not any(records):
                continue
            cells = [tables.NONE if each is None else tables.show_percent(each) for each in records]
            rows.append(
                [
                    title,
                    line["title"],
                    tables.COUNTED[size],
                    *cells,
                    _lost(content, line["name"], size),
                    _with_weights(content, line["name"], size),
                ]
            )
    return rows


def _against_best(content: Content, name: str, size: str, measure: str) -> Content | None:
    records = [
        record
        for record in content["bd_rates"]
        if (record["tested"], record["size"], record["measure"]) == (name, size, measure)
    ]
    envelope = [record for record in records if record["anchor"] == tables.ENVELOPE]
    return (envelope or records or [None])[0]


def _lost(content: Content, name: str, size: str) -> str:
    for record in content["fallen"]:
        for line in record["lines"]:
            if (record["size"], line["line"]) == (size, name) and line["fallen"] is not None:
                return _points(line["fallen"])
    return tables.NONE


def _with_weights(content: Content, name: str, size: str) -> str:
    for record in content["with_model"]:
        key = (record["tested"], record["size"], record["shared_by"])
        if key == (name, size, _SHARED_BY):
            return tables.show_percent(record)
    return tables.NONE


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
