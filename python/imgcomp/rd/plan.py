"""A comparison as a graph of stages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imgcomp.codec.refining import rounds
from imgcomp.errors import UsageError
from imgcomp.rd import networks, pca, stages, vectors
from imgcomp.rd.found import Found
from imgcomp.rd.lines import Line, Point
from imgcomp.rd.material import TILE, Material
from imgcomp.rd.package import FingerprintedCodec
from imgcomp.rd.quality import MS_SSIM
from imgcomp.stages import Artifacts, Fingerprinted, Stage

if TYPE_CHECKING:
    from imgcomp.datasets import Split

SHOWN = 8
"""Images on the page."""
_RETRAINED = 3
"""Points of a line on whose images a classifier is trained."""
_OFTENER = 4
"""How many times as many epochs, at most, for one that sees few images."""
_PCA_FITTED, _PQ_FITTED = 5_000, 4_000
_COSTS = {"avif": 60.0, "jxl": 6.0, "jpeg": 1.0, "webp": 3.0, "png": 1.0, "webp-lossless": 90.0}
"""Seconds of a stage, roughly; by line or family. The longest begin first, none is left alone."""
_JUDGE_SIDE = 16
_ASKED_SEED = 7
"""Of the classifier that encoders ask: another one than of those that judge."""
_OF_ANY_SIZE = ("ordinary", "codec", "network")
"""Kinds of lines that photographs are sent through as well, as they are or in tiles."""


@dataclass
class Plan:
    """Stages by what they are for.

    Attributes:
        pixels: of an image.
        points: line → one stage for each point.
        whole: line → the same of whole photographs.
        retrained: line → number of the point → stage.
        originals: what a classifier makes of the images as they are, or None.
        few: images that each classifier of `retrained` was trained on.
        few_originals: what one makes of the images as they are that was trained on as few, or None.
    """

    pixels: int
    points: dict[str, list[Stage]] = field(default_factory=dict)
    whole: dict[str, list[Stage]] = field(default_factory=dict)
    retrained: dict[str, dict[int, Stage]] = field(default_factory=dict)
    originals: Stage | None = None
    few: int = 0
    few_originals: Stage | None = None

    @property
    def targets(self) -> list[Stage]:
        """All that has to be computed."""
        found = [
            node for each in (self.points, self.whole) for row in each.values() for node in row
        ]
        found += [node for row in self.retrained.values() for node in row.values()]
        return found + [node for node in (self.originals, self.few_originals) if node is not None]

    def found(self, line: Line, artifacts: Artifacts) -> Found:
        """What the stages of a line gave."""
        return Found(
            line,
            [artifacts[node] for node in self.points[line.name]],
            self.pixels,
            [artifacts[node] for node in self.whole.get(line.name, [])],
            {number: artifacts[node] for number, node in self.retrained.get(line.name, {}).items()},
        )


def planned(
    lines: list[Line],
    material: Material,
    *,
    judge_epochs: int,
    retrain_images: int,
    ms_ssim: str = MS_SSIM,
) -> Plan:
    """Declare everything.

    Args:
        lines: what is compared.
        material: what is sent.
        judge_epochs: for how long classifiers are trained; 0 for none.
        retrain_images: training images for classifiers that see reconstructions, of all lines but
            lossless ones and those at an effort, which would take hours; 0 for none.
        ms_ssim: variant.

    Raises:
        UsageError: a rival has nothing to learn from, or a codec no classifier to ask.
    """
    shape = material.test.image_shape
    plan = Plan(shape[1] * shape[2])
    judged: dict[str, Stage] = {}
    asked: dict[str, Stage] = {}
    measure = {} if ms_ssim == MS_SSIM else {"ms_ssim": ms_ssim}
    if judge_epochs and material.labelled and min(shape[1:]) >= _JUDGE_SIDE:
        config = _judge_config(material, judge_epochs)
        judged["classifier"], plan.originals = _judge(material, config, material.train)
    if asking := [line.name for line in lines for at in line.points if at.own]:
        if not judged:
            raise UsageError(
                f"--codecs: {asking[0]} asks a classifier of the images' own classes, and there is "
                f"none: it takes images of {_JUDGE_SIDE}×{_JUDGE_SIDE} or more that have classes, "
                "and epochs to train it"
            )
        config = _judge_config(material, judge_epochs, _ASKED_SEED)
        asked["asked"] = _classifier(material, config, material.train, "asked")
    for line in lines:
        plan.points[line.name] = []
        for at in line.points:
            settings = _config(line, at)
            model = _model(line, at, material)
            cost = _cost(line, at)
            name = f"{line.name}/{at.label}"
            plan.points[line.name].append(
                stages.point(
                    f"point/{name}",
                    {**settings, **measure, "shown": SHOWN},
                    cost=cost,
                    images=material.test,
                    **model,
                    **judged,
                    **(asked if at.own else {}),
                )
            )
            if material.pictures is not None and line.kind in _OF_ANY_SIZE:
                node = stages.whole_pictures(
                    f"whole/{name}",
                    {**settings, **measure, "side": TILE},
                    cost=3 * cost,
                    pictures=material.pictures,
                    **model,
                )
                plan.whole.setdefault(line.name, []).append(node)
    if judged and retrain_images:
        _plan_retraining(plan, lines, material, judge_epochs, retrain_images)
    return plan


def _plan_retraining(
    plan: Plan, lines: list[Line], material: Material, epochs: int, images: int
) -> None:
    """Classifiers that see a few images after some lines' points, and one that sees originals."""
    seen = material.train.take(min(images, len(material.train)))
    plan.few = len(seen)
    oftener = max(1, min(_OFTENER, len(material.train) // plan.few))
    config = _judge_config(material, epochs * oftener)
    _, plan.few_originals = _judge(material, config, seen, "/few")
    for line in lines:
        for number in sorted(_some(line)):
            at = line.points[number]
            plan.retrained.setdefault(line.name, {})[number] = stages.retrained(
                f"retrained/{line.name}/{at.label}",
                {**_config(line, at), "judge": config},
                cost=100 * _cost(line, at),
                train=seen,
                test=material.test,
                **_model(line, at, material),
            )


def _judge_config(material: Material, epochs: int, seed: int = 0) -> dict[str, Any]:
    from imgcomp.papers.judges import judge_config

    test = material.test
    return judge_config(test.image_shape, len(test.classes), epochs=epochs, seed=seed)


def _judge(
    material: Material, config: dict[str, Any], train: Split, ending: str = ""
) -> tuple[Stage, Stage]:
    """A classifier that is trained on originals, and what it makes of those that are sent."""
    classifier = _classifier(material, config, train, f"judge{ending}")
    return classifier, stages.originals(
        f"originals{ending}", {}, images=material.test, classifier=classifier
    )


def _classifier(material: Material, config: dict[str, Any], train: Split, label: str) -> Stage:
    from imgcomp.papers.judges import judge

    return judge(label, config, cost=1000, train=train, validation=material.test)


def _cost(line: Line, at: Point) -> float:
    """Seconds that images take, roughly."""
    if at.effort:
        return float(rounds(at.effort))
    return _COSTS.get(line.name, _COSTS.get(line.family, 5.0))


def _some(line: Line) -> set[int]:
    """A few points from a line's coarser half, where something is lost."""
    if line.lossless or any(at.effort for at in line.points):
        return set()
    last = len(line.points) - 1
    return {round(last * share) for share in (0.15, 0.4, 0.65)[:_RETRAINED]}


def _config(line: Line, at: Point) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": line.kind, "line": line.name, "setting": at.setting}
    if line.kind == "pca":
        found["components"] = line.components
    if at.own:
        found["effort"] = at.own
    if line.kind == "ordinary":
        found["made_with"] = _versions(line.family)
    return found


def _versions(family: str) -> dict[str, str]:
    import importlib.metadata

    package = "imagecodecs" if family == "jxl" else "pillow"
    return {package: importlib.metadata.version(package)}


def _model(line: Line, at: Point, material: Material) -> dict[str, Stage | Fingerprinted]:
    if line.kind == "codec":
        assert at.codec is not None
        return {"model": FingerprintedCodec(at.codec)}
    if line.kind == "ordinary":
        return {}
    if line.network is not None and line.network.iterations:
        return {"model": _codec(line.network, 1, material)}
    if len(material.train) < 2:
        raise UsageError(
            f"{line.family}: needs images to learn from, {material.name} has {len(material.train)} "
            "besides those that are sent; leave it out, or send fewer"
        )
    if line.kind == "pca":
        most = max(pca.COMPONENTS)
        learnt = {"components": most, "fitted": _PCA_FITTED}
        return {"model": pca.pca_basis("pca/basis", learnt, cost=200, train=material.train)}
    if line.network is not None:
        return {"model": _codec(line.network, int(at.setting), material)}
    side = int(at.setting)
    learnt = {"side": side, "bits": vectors.BITS, "fitted": _PQ_FITTED, "seed": 0}
    return {"model": vectors.pq_centres(f"pq/{side}", learnt, cost=150, train=material.train)}


def _codec(network: networks.TrainedNetwork, bits: int, material: Material) -> Stage:
    return networks.network_codec(
        f"codec/{network.name}/{bits}", {"bits": bits}, network=network, train=material.train
    )
