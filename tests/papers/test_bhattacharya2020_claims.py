"""bhattacharya2020's claims: the rules, and when a loss of 0.124 is shown to be no denoising."""

from __future__ import annotations

from typing import Any, cast

import pytest

from imgcomp.papers.bhattacharya2020 import conclusions
from imgcomp.papers.bhattacharya2020.claims import CLAIMS, IN_LINE, LOSSES
from imgcomp.papers.bhattacharya2020.conclusions import stands_for


@pytest.mark.parametrize(
    ("name", "value", "verdict"),
    [
        ("mnist_loss", 0.00224, "agrees"),
        ("mnist_loss", 0.0021, "better"),
        ("mnist_loss", 0.0023, "worse"),
        ("fashion_loss", 0.00636, "agrees"),
        ("fashion_loss", 0.0062, "better"),
        ("fashion_validation_gap", IN_LINE, "agrees"),
        ("fashion_validation_gap", 10.1, "worse"),
        ("denoiser_loss", 0.1244, "agrees"),
        ("denoiser_loss", 0.006, "better"),
        ("dead_denoiser_loss", 0.1236, "agrees"),
        ("dead_denoiser_loss", 0.08, "worse"),
        ("constant_loss", 0.12422, "agrees"),
        ("constant_loss", 0.1246, "worse"),
        ("denoiser_loss_ratio", 0.99, "agrees"),
        ("denoiser_loss_ratio", 1.0, "worse"),
        ("denoiser_gain", 0.01, "agrees"),
        ("denoiser_gain", 0.0, "worse"),
        ("compression_factor", 0.0625, "agrees"),
        ("encoder_parameters", 98602, "worse"),
    ],
)
def test_rules(name: str, value: float, verdict: str) -> None:
    assert CLAIMS[name].judge([value]).verdict == verdict


class Some:
    """The few numbers that the disproof reads."""

    def __init__(self, inputs: float = 0.0064) -> None:
        self._inputs = inputs

    def input_losses(self, images: str) -> list[float]:
        assert images == "train"
        return [self._inputs]


GOOD: dict[str, list[float]] = {
    "constant_loss": [0.12422] * 3,
    "denoiser_loss": [0.0058],
    "dead_denoiser_loss": [0.1243],
}


def test_a_constant_disproves() -> None:
    text = conclusions._no_denoising(cast(Any, Some()), GOOD)
    for number in ("0.1242", "0.1243", "0.0064", "0.0058"):
        assert number in text
    judged = CLAIMS["denoiser_loss"].judge([0.0058], disproof=text)
    assert judged.verdict == "cannot be as stated"


@pytest.mark.parametrize(
    "changed",
    [
        {"constant_loss": [0.0773]},  # other data
        {"dead_denoiser_loss": [0.2055]},  # too short for the bias to learn
        {"denoiser_loss": [0.06]},  # ours has not learnt either
    ],
)
def test_nothing_is_disproved_without_the_experiment(changed: dict[str, list[float]]) -> None:
    assert conclusions._no_denoising(cast(Any, Some()), GOOD | changed) == ""


def test_bad_reconstructions_disprove_nothing() -> None:
    assert conclusions._no_denoising(cast(Any, Some(inputs=0.1)), GOOD) == ""


def test_which_data_set_stands_for_which() -> None:
    class Named:
        def __init__(self, *names: str) -> None:
            self.names, self.main = list(names), names[0]

    def found(*names: str) -> list[str | None]:
        return [stands_for(cast(Any, Named(*names)), name) for name in LOSSES]

    assert found("fashion-mnist", "mnist") == ["mnist", "fashion-mnist"]
    assert found("mnist") == ["mnist", None]
    assert found("digits") == [None, "digits"]
