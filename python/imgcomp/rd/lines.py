"""What is compared: each entry of ``--codecs`` as one or several curves of points."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from imgcomp.codec import Codec, load, names
from imgcomp.codec.refining import MOST_EFFORT, asks_a_judge
from imgcomp.errors import UsageError
from imgcomp.rd import ordinary, package, pca, vectors
from imgcomp.rd.networks import TrainedNetwork, is_run, sizes_text, trained_networks
from imgcomp.rd.scales import MAIN, trained_for

OTHERS = ("pca", "pq")
HOUSE = "house"
_OWN = ":own"
DEFAULT = (HOUSE, *ordinary.FAMILIES, *OTHERS)


@dataclass(frozen=True)
class Point:
    """One setting of a line.

    Attributes:
        setting: what is turned.
        codec: what sends, where it is of the package, at its quality.
        part: which of a line's codecs that is; empty where it has but one, of several settings.
        own: effort at which the codec, which has none yet, is to ask a classifier of the images'
            own classes; 0 of others.
    """

    setting: float
    codec: Codec | None = field(default=None, repr=False)
    part: str = ""
    own: int = 0

    @property
    def effort(self) -> int:
        """Of the codec's encoder; 0 of others."""
        return self.own or (0 if self.codec is None else self.codec.effort)

    @property
    def label(self) -> str:
        """For the name of a stage and for tables."""
        text = f"{self.setting:g}"
        return f"{self.part}@{text}" if self.part and self.setting else self.part or text


@dataclass(frozen=True)
class Line:
    """A curve: one way of compressing, at several settings.

    Attributes:
        name: unique, such as ``jpeg-420``, ``pca-64``, or a codec's.
        title: for people.
        family: what shares a colour in figures.
        kind: ``ordinary``, ``pca``, ``pq``, ``network`` (of a paper) or ``codec`` (of the package).
        unit: what the settings are.
        points: the settings.
        lossless: whether nothing is lost; it is a reference then, no curve.
        components: of ``pca``.
        network: of ``network``.
    """

    name: str
    title: str
    family: str
    kind: str
    unit: str
    points: tuple[Point, ...]
    lossless: bool = False
    components: int = 0
    network: TrainedNetwork | None = field(default=None, repr=False)

    @property
    def ours(self) -> bool:
        """Whether it is of the package, and no rival."""
        return self.kind == "codec"


def lines_of(entries: Sequence[str], shape: tuple[int, int, int]) -> list[Line]:
    """The curves that entries stand for.

    Args:
        entries: ``jpeg``, ``webp``, ``avif``, ``jxl``, ``png``, ``pca``, ``pq``; ``house``: the
            package's codecs that take this shape; the folder of a run of ``imgcomp reproduce``: the
            autoencoders that it trained, see `trained_networks`; or what `imgcomp.codec.load`
            takes, several with ``+`` between them as one curve. With ``@EFFORT`` behind it at an
            effort, see `imgcomp.codec.Codec.with_effort`; ``house@EFFORT`` is the base codecs
            alone. With ``@EFFORT:own`` a codec that was trained for a classifier asks, at this
            effort, one of the images' own classes.
        shape: (C, H, W) of the images.

    Raises:
        UsageError: an entry is unknown, there twice, or does not take such images.
        FileNotFoundError: there is no such file of a codec.
        CheckpointError: a codec's file, or a stage's, is damaged.
    """
    found: list[Line] = []
    for entry in entries:
        text = entry.strip()
        if text in ordinary.FAMILIES:
            found += [_ordinary(each) for each in ordinary.rivals(text, shape[0])]
        elif text == "pca":
            found += _pca(shape)
        elif text == "pq":
            found.append(_vectors(shape))
        elif text and is_run(path := Path(text).expanduser()):
            found += [_network(each) for each in trained_networks(path, shape)]
        elif text:
            found += _package(text, shape)
    if not found:
        raise UsageError(f"--codecs: nothing to compare in {', '.join(entries) or 'an empty list'}")
    twice = [line.name for line in found if sum(line.name == each.name for each in found) > 1]
    if twice:
        raise UsageError(f"--codecs: {twice[0]!r} is there twice")
    return found


def _ordinary(codec: ordinary.Ordinary) -> Line:
    points = tuple(Point(setting) for setting in codec.settings)
    return Line(
        codec.name, codec.title, codec.family, "ordinary", codec.unit, points, codec.lossless
    )


def _pca(shape: tuple[int, int, int]) -> list[Line]:
    values = shape[0] * shape[1] * shape[2]
    counts = sorted({min(count, values) for count in pca.COMPONENTS})
    return [
        Line(
            f"pca-{count}",
            f"PCA, {count} components",
            "pca",
            "pca",
            "step",
            tuple(Point(step) for step in pca.STEPS),
            components=count,
        )
        for count in counts
    ]


def _vectors(shape: tuple[int, int, int]) -> Line:
    sides = vectors.patch_sides(shape[1], shape[2])
    points = tuple(Point(float(side)) for side in sides)
    return Line("pq", "product quantisation", "pq", "pq", "patch side", points)


def _network(network: TrainedNetwork) -> Line:
    points = tuple(Point(float(setting)) for setting in network.settings)
    unit = "iterations" if network.iterations else "bits of a value"
    return Line(
        network.name,
        network.title,
        network.paper or "network",
        "network",
        unit,
        points,
        network=network,
    )


@dataclass(frozen=True)
class _Encoder:
    """How codecs of a line encode.

    Attributes:
        effort: 0 … `MOST_EFFORT`.
        own: whether they ask a classifier of the images' own classes.
    """

    effort: int = 0
    own: bool = False

    @classmethod
    def read(cls, text: str, entry: str) -> _Encoder:
        """What is behind the ``@`` of an entry.

        Raises:
            UsageError: there is no such effort.
        """
        effort = text.removesuffix(_OWN)
        if not effort.isdecimal() or not 1 <= int(effort) <= MOST_EFFORT:
            raise UsageError(
                f"--codecs: an effort is 1 … {MOST_EFFORT}, not {text!r} as in {entry}"
            )
        return cls(int(effort), effort != text)

    @property
    def suffix(self) -> str:
        """Behind the name of a line."""
        return f"@{self.effort}{_OWN if self.own else ''}" if self.effort else ""

    def of(self, codec: Codec) -> Codec:
        """A codec at the effort; one that is to ask a classifier gets it with that.

        Raises:
            UsageError: the codec has no effort to choose, asks nobody, or one who sees images of
                another size.
        """
        if not self.own:
            found = codec.with_effort(self.effort)
            if found.judge is not None and found.judge.input_shape != codec.image_shape:
                raise UsageError(
                    f"--codecs: {codec.name}{self.suffix}: asks a classifier of images of "
                    f"{sizes_text(found.judge.input_shape)}, those here are of "
                    f"{sizes_text(codec.image_shape)}; with {_OWN} behind it, it asks one of theirs"
                )
            return found
        if not asks_a_judge(codec.code):
            raise UsageError(
                f"--codecs: {codec.name}{self.suffix}: was not trained for a classifier, so that "
                f"it asks none; leave {_OWN} out"
            )
        return codec


_PLAIN = _Encoder()


def _package(entry: str, shape: tuple[int, int, int]) -> list[Line]:
    """``house``, or names and files of codecs; at an effort where there is an ``@``."""
    names, at, behind = entry.rpartition("@")
    encoder = _PLAIN
    if not at or entry.endswith(".safetensors"):
        names = entry
    else:
        encoder = _Encoder.read(behind, entry)
    if names == HOUSE:
        return _house(shape, encoder)
    return [_codecs(names.split("+"), shape, encoder)]


def _house(shape: tuple[int, int, int], encoder: _Encoder) -> list[Line]:
    """Those of the package that take such images: the house's base codecs as one curve.

    With an effort it is these alone.
    """
    fitting = {}
    for name in names():
        codec = package.fitted(load(name), shape)
        if codec is not None:
            fitting[name] = codec
    house = {name: codec for name, codec in fitting.items() if _is_base(name)}
    rest = {name: codec for name, codec in fitting.items() if name not in house}
    if not fitting:
        warnings.warn(
            f"no codec of the package takes images of {sizes_text(shape)}: '{HOUSE}' is left out",
            UserWarning,
            stacklevel=2,
        )
    found = [_line(HOUSE, house, encoder)] if house else []
    if encoder.effort:
        return found
    return found + [_line(name, {name: codec}) for name, codec in rest.items()]


def _is_base(name: str) -> bool:
    """Whether a codec is the house's, and no variant such as ``house-colour-classifier``."""
    return name.split("-")[0] == HOUSE and trained_for(name) == MAIN


def _codecs(parts: Sequence[str], shape: tuple[int, int, int], encoder: _Encoder) -> Line:
    codecs = {}
    for part in parts:
        codec = load(part)
        fitting = package.fitted(codec, shape)
        if fitting is None:
            raise UsageError(
                f"{part}: takes images of {sizes_text(codec.image_shape)}, those here are of "
                f"{sizes_text(shape)} (channels×height×width)"
            )
        codecs[_short(part)] = fitting
    short = list(codecs)
    name = "+".join(short) if len(short) < 4 else f"{short[0]}+…+{short[-1]}"
    return _line(name, codecs, encoder)


def _short(name: str) -> str:
    """A path's file name without its ending; a name as it is."""
    return name.replace("\\", "/").rpartition("/")[2].removesuffix(".safetensors")


def _line(name: str, codecs: dict[str, Codec], encoder: _Encoder = _PLAIN) -> Line:
    name += encoder.suffix
    own = encoder.effort if encoder.own else 0
    encoding = {part: encoder.of(codec) for part, codec in codecs.items()}
    points = tuple(
        Point(float(setting), package.at(codec, setting), part, own)
        for part, codec in encoding.items()
        for setting in package.settings(codec)
    )
    units = {package.unit(codec) for codec in codecs.values()}
    if len(codecs) == 1 and len(points) > 1:
        points = tuple(dataclasses.replace(point, part="") for point in points)
    return Line(name, name, name, "codec", units.pop() if len(units) == 1 else "codec", points)
