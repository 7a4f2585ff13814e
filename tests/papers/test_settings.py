"""Settings: what texts become, and what is said about wrong ones."""

from __future__ import annotations

import pytest

from imgcomp import papers
from imgcomp.errors import UsageError
from imgcomp.papers.experiment import scaled_epoch
from imgcomp.papers.settings import Option, parse_assignments, resolve

OPTIONS = (
    Option("epochs", "epochs", 200, quick=30, smoke=2, least=1, most=1000),
    Option("rate", "learning rate", 0.1, chosen="not printed", least=0),
    Option("rates", "rates", (0.1, 1.0), least=0),
    Option("dropout", "dropout", True),
    Option("subset", "which images", "random", words=("random", "first")),
)


def test_scales_and_types() -> None:
    assert resolve(OPTIONS, "paper").integer("epochs") == 200
    assert resolve(OPTIONS, "quick").integer("epochs") == 30
    assert resolve(OPTIONS, "smoke").integer("epochs") == 2
    values = resolve(
        OPTIONS,
        "paper",
        {"epochs": "7", "rate": "1e-2", "rates": "3,0.5", "dropout": "no", "subset": "first"},
    )
    assert dict(values) == {
        "epochs": 7,
        "rate": 0.01,
        "rates": (3.0, 0.5),
        "dropout": False,
        "subset": "first",
    }
    same = resolve(OPTIONS, "paper", {"epochs": 7, "rate": 1, "rates": [3, 0.5], "dropout": False})
    assert (same.number("rate"), same.numbers("rates")) == (1.0, (3.0, 0.5))
    assert [choice.key for choice in values.choices()] == ["rate"]
    assert values.choices()[0].value == 0.01


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("epochs", "0", "epochs: expected a whole number from 1 to 1000, got '0'"),
        ("epochs", "1001", "epochs: expected a whole number from 1 to 1000, got '1001'"),
        ("epochs", "2.5", "epochs: expected a whole number"),
        ("epochs", 2.5, "epochs: expected a whole number"),
        ("epochs", True, "epochs: expected a whole number"),
        ("rate", "fast", "rate: expected a number of at least 0, got 'fast'"),
        ("rate", "nan", "rate: expected a number"),
        ("rate", "inf", "rate: expected a number"),
        ("rate", "-1", "rate: expected a number of at least 0"),
        ("rates", "1,1", "rates: expected different numbers with commas between"),
        ("rates", "", "rates: expected different numbers"),
        ("rates", 3, "rates: expected different numbers"),
        ("dropout", "maybe", "dropout: expected yes or no, got 'maybe'"),
        ("subset", "last", "subset: expected random or first, got 'last'"),
        ("epocs", "1", "unknown setting 'epocs'; did you mean epochs"),
        ("zzz", "1", "unknown setting 'zzz'; known: dropout, epochs, rate, rates, subset"),
    ],
)
def test_wrong_settings_are_explained(key: str, value: object, message: str) -> None:
    with pytest.raises(UsageError) as error:
        resolve(OPTIONS, "paper", {key: value})
    assert message in str(error.value)


def test_assignments() -> None:
    assert parse_assignments(["a=1", " b = x=y "]) == {"a": "1", "b": "x=y"}
    for text in ("a", "=1"):
        with pytest.raises(UsageError, match="expected key=value"):
            parse_assignments([text])
    with pytest.raises(UsageError, match="set twice"):
        parse_assignments(["a=1", "a=2"])


@pytest.mark.parametrize(
    ("epoch", "of", "ours", "expected"),
    [(1, 20, 20, 1), (20, 20, 20, 20), (20, 20, 2, 2), (10, 20, 2, 1), (5, 20, 2, 1),
     (1, 20, 200, 1), (10, 20, 40, 20), (100, 200, 1, 1)],
)  # fmt: skip
def test_epochs_of_shorter_trainings(epoch: int, of: int, ours: int, expected: int) -> None:
    assert scaled_epoch(epoch, of, ours) == expected


def test_papers_are_listed_and_unknown_ones_refused() -> None:
    assert "feng2018" in papers.names()
    assert papers.get("feng2018").name == "feng2018"
    with pytest.raises(UsageError, match="unknown paper 'feng2017'; did you mean feng2018"):
        papers.get("feng2017")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scale": "tiny"}, "scale: expected smoke, quick, paper, got 'tiny'"),
        ({"seeds": 0}, "seeds: expected at least one"),
        ({"seeds": [1, 1]}, "seeds: expected at least one, different"),
        ({"device": "tpu"}, "device: expected auto, cpu or cuda"),
        ({"precision": "fp8"}, "precision: expected fp32, bf16 or auto"),
        ({"jobs": 0}, "jobs: expected at least 1"),
        ({"settings": {"ae_epoch": 3}}, "did you mean ae_epochs"),
    ],
)
def test_wrong_requests_write_nothing(
    tmp_path: object, changes: dict[str, object], message: str
) -> None:
    from pathlib import Path

    out = Path(str(tmp_path)) / "out"
    with pytest.raises(UsageError) as error:
        papers.reproduce("feng2018", out=out, data="digits", **changes)  # type: ignore[arg-type]
    assert message in str(error.value)
    assert not out.exists()
