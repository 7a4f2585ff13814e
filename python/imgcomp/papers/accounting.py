"""The accounting note of a report: a table of real bytes, and what it comes to in a sentence.

Both are made of what the stages of `imgcomp.papers.code_bytes` found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from imgcomp.report import Column, Table
from imgcomp.report.results import Cell

CLOSE = 0.1
"""Decibels that few bits may cost, for the sentence to speak of them."""
_SIZES = {
    "packed": "Packed (B)",
    "stream": "One stream (B)",
    "estimated": "Estimated (B)",
    "single": "Single image (B)",
    "archive": "Archive (B)",
}
"""Key of a form → heading of its column."""
Found = Mapping[str, Any]
"""The data of a stage of `imgcomp.papers.code_bytes`."""


@dataclass(frozen=True)
class Coded:
    """A network whose code was sent.

    Attributes:
        name: For people.
        repeats: What `code_bytes` found, one for each repeat; means over those are shown whose
            training did not diverge.
    """

    name: str
    repeats: Sequence[Found]

    @property
    def forms(self) -> list[dict[str, Any]]:
        """The forms of the code, means over the repeats; none where every training diverged."""
        there = [found["forms"] for found in self.repeats if not found["diverged"]]
        return [
            _means(same, exact=("bits", "iterations", "values"))
            for same in zip(*there, strict=True)
        ]


@dataclass(frozen=True)
class Sent:
    """The test images of a data set, by themselves and as codes.

    Attributes:
        name: Of the data set, for people.
        images: What `image_bytes` found, one for each choice of test images.
        networks: In the order of the table.
    """

    name: str
    images: Sequence[Found]
    networks: Sequence[Coded]

    @property
    def plain(self) -> dict[str, Any]:
        """`images`, means over them."""
        return _means(self.images, exact=("input", "images"))


def accounting_table(sets: Sequence[Sent], note: str = "") -> Table:
    """The report's table of real bytes.

    Args:
        sets: Every data set that was compressed; its name is shown where there are several.
        note: What a paper has to say beyond that, in whole sentences.
    """
    several = len(sets) > 1
    cut = max((form["iterations"] or 0 for form in _all_forms(sets)), default=0) > 1
    rows: list[list[Cell]] = []
    for one in sets:
        data: list[Cell] = [one.name] if several else []
        for cells in [*_plain_rows(one, cut), *_code_rows(one, cut)]:
            rows.append([*data, *cells])
    return Table(
        "accounting",
        "What the codes really take",
        f"{note} {_explained(sets, cut)}".strip(),
        [
            *([Column("Data")] if several else []),
            Column("What is stored"),
            *([Column("Iterations", "d")] if cut else []),
            Column("Values", ",d"),
            Column("Bits per value", "d"),
            *(Column(heading, ",.1f") for heading in _SIZES.values()),
            Column("Share of the input", ".4f"),
            Column("PSNR (dB)", ".2f"),
        ],
        rows,
    )


def _all_forms(sets: Sequence[Sent]) -> list[dict[str, Any]]:
    return [form for one in sets for coded in one.networks for form in coded.forms]


def _plain_rows(one: Sent, cut: bool) -> list[list[Cell]]:
    plain = one.plain
    whole = plain["input"]
    rows: list[list[Cell]] = []
    for name, bits, sizes in (
        ("the image, 8 bits per value", 8, {"packed": float(whole)}),
        ("PNG, a file of each image", None, {"single": plain["png"]}),
        ("PNG, one file of all images", None, {"stream": plain["mosaic"]}),
    ):
        (size,) = sizes.values()
        if size is not None:
            iterations: list[Cell] = [None] if cut else []
            rows.append([name, *iterations, whole, bits, *_sizes(sizes), size / whole, None])
    return rows


def _code_rows(one: Sent, cut: bool) -> list[list[Cell]]:
    whole = one.plain["input"]
    return [
        [
            coded.name,
            *([form["iterations"]] if cut else []),
            form["values"],
            form["bits"],
            *_sizes(form),
            _taken(form) / whole,
            form["psnr"],
        ]
        for coded in one.networks
        for form in coded.forms
    ]


def _sizes(form: Mapping[str, float | None]) -> list[Cell]:
    return [form.get(key) for key in _SIZES]


def _taken(form: Mapping[str, Any]) -> float:
    """Bytes of an image in this form: entropy coded where it was."""
    return float(form["packed"] if form["stream"] is None else form["stream"])


def _explained(sets: Sequence[Sent], cut: bool) -> str:
    networks = [coded for one in sets for coded in one.networks]
    there = [data for coded in networks for data in coded.repeats if not data["diverged"]]
    if not there:
        return "Every training diverged: there is no code."
    found, repeats = there[0], max(len(coded.repeats) for coded in networks)
    over = f" and {repeats} repeats" if repeats > 1 else ""
    if any(form["iterations"] for form in _all_forms(sets)):
        told = (
            "Probabilities are learnt on the way, for a single image from it alone. Estimated: "
            "each bit at the entropy that it has over these images."
            + (" The stream can be cut behind any iteration." if cut else "")
        )
    else:
        told = (
            "Levels and probabilities are those of training images, and known to the decoder. "
            "Estimated: what the images’ values cost under these probabilities. 32 bits: the "
            "network’s floats as they are."
        )
    return (
        f"Bytes of an image, means over {found['images']:,} test images{over}. Packed: "
        "every value at its bits and nothing else. One stream: all images entropy coded together, "
        f"in bytes that were written; PSNR is of the images decoded from them. {told} Single: "
        f"streams of one image, mean over {found['alone']:,}. Share: of the 8-bit image, by the "
        "stream where there is one. Streams are bare: no header, no check. Archive: an .imc file "
        "of all images, with header, index and check sums. The network’s weights are not counted, "
        "nor levels and tables."
    )


def real_bytes(sets: Sequence[Sent]) -> str:
    """What the codes come to, in a few sentences; empty where every training diverged.

    Of a code of real values, the fewest bits are meant that cost at most `CLOSE`, or else the most
    that were tried; of one of iterations, all of them.
    """
    told, few = [], False
    for one in sets:
        whole, png = one.plain["input"], one.plain["png"]
        parts = []
        for coded in one.networks:
            if not coded.forms:
                continue
            form = chosen(coded.forms)
            few = few or form["iterations"] is None
            parts.append(_part(coded, form, whole))
        if parts:
            beside = "" if png is None else f", {png:,.0f} as a PNG file, which loses nothing"
            told.append(f"An image of {one.name} has {whole:,} bytes{beside}. {'; '.join(parts)}.")
    if few:
        told.append(
            f"Bits of a value: the fewest tried that cost at most {CLOSE:g} dB, else the most."
        )
    return " ".join(told)


def chosen(forms: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The form that `real_bytes` speaks of."""
    if forms[0]["iterations"] is not None:
        return forms[-1]
    exact, *fewer = forms
    close = [form for form in fewer if form["psnr"] >= exact["psnr"] - CLOSE]
    return min(close or fewer[:1] or [exact], key=lambda form: int(form["bits"]))


def _part(coded: Coded, form: Mapping[str, Any], whole: int) -> str:
    taken = _taken(form)
    text = f"{coded.name[:1].upper()}{coded.name[1:]}: "
    if form["iterations"] is None:
        text += f"{coded.forms[0]['packed']:,.0f} bytes as floats, {form['packed']:,.1f} at "
        text += f"{form['bits']} bits a value"
    else:
        text += f"{form['packed']:,.1f} bytes packed"
    return (
        f"{text}, {taken:,.1f} entropy coded, {taken / whole:.2g} of the image’s bytes, at "
        f"{form['psnr']:.2f} dB"
    )


def _means(repeats: Sequence[Found], exact: Sequence[str]) -> dict[str, Any]:
    """The mean of each number over repeats; those that are the same in all of them as they are."""
    first = repeats[0]
    return {
        key: value
        if key in exact or value is None
        else sum(one[key] for one in repeats) / len(repeats)
        for key, value in first.items()
    }
