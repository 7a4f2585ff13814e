"""The verdict rules, on numbers worked out by hand."""

from __future__ import annotations

import pytest

from imgcomp.errors import UsageError
from imgcomp.report import Claim, Holds, Near
from imgcomp.report.claims import mean_and_std


def test_mean_and_sample_standard_deviation() -> None:
    assert mean_and_std([1.0, 2.0, 3.0]) == (2.0, 1.0)
    assert mean_and_std([7.5]) == (7.5, 0.0)


@pytest.mark.parametrize(
    ("better", "values", "verdict"),
    [
        ("higher", [81.4], "agrees"),  # rounds to the printed 81
        ("higher", [81.5], "agrees"),  # the very edge
        ("higher", [81.6], "better"),
        ("higher", [80.4], "worse"),
        ("lower", [80.4], "better"),
        ("lower", [81.6], "worse"),
        (None, [81.6], "worse"),
        (None, [80.4], "worse"),
        # mean 84, std 2: the margin is 0.5 + 2 x 2 = 4.5 and reaches 81
        ("higher", [82.0, 84.0, 86.0], "agrees"),
        # mean 86, std 2: 81 is 5 away
        ("higher", [84.0, 86.0, 88.0], "better"),
        ("higher", [74.0, 76.0, 78.0], "worse"),
    ],
)
def test_near(better: str | None, values: list[float], verdict: str) -> None:
    rule = Near(digit=1, better=better)  # type: ignore[arg-type]
    assert rule.judge(81.0, values) == verdict


def test_near_counts_the_papers_digits() -> None:
    rule = Near(digit=1e-4, better="lower")
    assert rule.judge(0.4968, [0.49684]) == "agrees"
    assert rule.judge(0.4968, [0.49686]) == "worse"
    assert rule.judge(0.4968, [0.49674]) == "better"
    assert "±5e-05" in rule.describe()
    assert "2 std" in rule.describe()
    assert "lower is better" in rule.describe()


@pytest.mark.parametrize(
    ("comparison", "values", "verdict"),
    [
        (">", [70.1, 71.0], "agrees"),
        (">", [70.0, 71.0], "worse"),
        ("≥", [70.0, 71.0], "agrees"),
        ("≥", [69.9, 71.0], "worse"),
        ("<", [69.9], "agrees"),
        ("<", [70.0], "worse"),
        ("≤", [70.0], "agrees"),
        ("≤", [70.1], "worse"),
        ("=", [70.0, 70.0], "agrees"),
        ("=", [70.0, 71.0], "worse"),
    ],
)
def test_holds_in_every_seed(comparison: str, values: list[float], verdict: str) -> None:
    assert Holds(comparison).judge(70.0, values) == verdict  # type: ignore[arg-type]


def claim(**changes: object) -> Claim:
    fields: dict[str, object] = {
        "id": "cnn_accuracy",
        "kind": "accuracy",
        "unit": "%",
        "paper": 81.0,
        "rule": Near(1, "higher"),
        "source": "Table 3",
        "description": "accuracy",
        "paper_epoch": 200,
    }
    return Claim(**(fields | changes))  # type: ignore[arg-type]


def test_a_judged_claim_has_every_field() -> None:
    assert claim().judge([80.0, 82.0, 84.0], epoch=20).to_dict() == {
        "id": "cnn_accuracy",
        "kind": "accuracy",
        "unit": "%",
        "source": "Table 3",
        "description": "accuracy",
        "paper": 81.0,
        "comparison": "=",
        "values": [80.0, 82.0, 84.0],
        "mean": 82.0,
        "std": 2.0,
        "verdict": "agrees",
        "rule": "agrees within ±0.5 (the paper’s digits) + 2 std over seeds; higher is better",
        "paper_epoch": 200,
        "epoch": 20,
        "disproof": "",
    }


def test_only_a_proof_makes_a_claim_impossible() -> None:
    judged = claim().judge([99.0], disproof="a constant reaches it")
    assert judged.verdict == "cannot be as stated"
    assert judged.to_dict()["disproof"] == "a constant reaches it"
    assert claim().judge([99.0]).verdict == "better"


@pytest.mark.parametrize("values", [[], [float("nan")], [1.0, float("inf")]])
def test_values_must_be_finite_and_there(values: list[float]) -> None:
    with pytest.raises(UsageError, match="claim 'cnn_accuracy': expected finite numbers"):
        claim().judge(values)


def test_time_claims_and_their_ids_go_together() -> None:
    assert claim(id="cnn_training_seconds", kind="time").kind == "time"
    with pytest.raises(UsageError, match="_seconds"):
        claim(id="cnn_training_time", kind="time")
    with pytest.raises(UsageError, match="_seconds"):
        claim(id="cnn_training_seconds", kind="loss")
    with pytest.raises(UsageError, match="lower-case"):
        claim(id="CNN accuracy")
