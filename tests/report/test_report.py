"""results.json and the page: what they must hold, refuse and escape."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from imgcomp.errors import UsageError
from imgcomp.report import (
    Choice,
    Claim,
    Column,
    Figure,
    Near,
    Outcome,
    Results,
    Table,
    check_results,
    environment,
    maker,
    read_results,
    render_html,
)
from imgcomp.report.html import show_number, show_ours, show_paper, show_seconds, show_value

PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + (400).to_bytes(4, "big") + bytes(40)


def results(text: str = "plain") -> Results:
    claim = Claim("cnn_loss", "loss", "nats", 0.5, Near(0.1, "lower"), "Table 3", text, 200)
    outcome = Outcome(
        claims=[claim.judge([0.4, 0.6], epoch=2, disproof="")],
        findings=[text],
        tables=[Table("t", text, text, [Column(text), Column("MSE", ".3f")], [[text, 0.12345]])],
        figures=[Figure("f", text, text, draw=lambda: pytest.fail("not drawn here"), inline="png")],
        curves={"cnn": {"epoch": [1.0, 2.0], "loss": [0.7, None]}},
        sizes={"train": 10},
    )
    return Results(
        paper="feng2018",
        title=text,
        reference=text,
        scale="smoke",
        seeds=[0, 1],
        dataset={"name": text, "name_in_paper": "mnist", "fingerprint_train": "ab" * 32},
        configuration={"epochs": 2, "word": text},
        choices=[Choice("epochs", 2, text, text)],
        environment={"device": "cpu", "python": "3"},
        timings={"total_seconds": 1.0, "jobs": 2, "threads": 1, "stages": {text: 0.5}},
        outcome=outcome,
        figure_files={"f": ["figures/f.png"]},
    )


def page(text: str = "plain") -> str:
    return render_html(results(text).to_dict(), {"f": ("image/png", PNG)})


def test_the_page_refers_to_nothing_outside_itself() -> None:
    html = page()
    assert not re.findall(r"https?:|//[a-z]|@import|<script|<link|<iframe|url\(", html)
    sources = re.findall(r'src="([^"]*)"', html)
    assert len(sources) == 1
    assert sources[0].startswith("data:image/png;base64,")
    assert all(target.startswith("#") for target in re.findall(r'href="([^"]*)"', html))
    assert "width: 2.00in" in html  # 400 pixels at 200 an inch


def test_the_page_says_what_computed_the_stages() -> None:
    content = results().to_dict()
    content["timings"]["made_with"] = [
        {"imgcomp": "1.2.3", "source_revision": "abc<", "torch": "9", "processor": "a CPU",
         "device": "cpu", "stages": 12},
        {"stages": 1},
    ]  # fmt: skip
    html = render_html(content, {"f": ("image/png", PNG)})
    assert re.search(r"12 stages</th><td>imgcomp 1.2.3 \(abc&lt;\), torch 9, a CPU</td>", html)
    assert re.search(r"1 stage</th><td>not recorded</td>", html)
    assert "What computed the stages" not in page()


def test_every_text_is_escaped() -> None:
    nasty = """<script>alert("x")</script> & 'q'"""
    html = page(nasty)
    assert "<script" not in html
    assert "alert(&#34;x&#34;)" in html
    assert html.count("&lt;script&gt;") >= 12
    assert "The paper’s numbers are for mnist" in html


def test_json_survives_and_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(results().to_json(), "utf-8")
    content = read_results(path)
    assert content["claims"][0]["mean"] == 0.5
    assert content["claims"][0]["std"] == pytest.approx(0.02**0.5)
    assert content["curves"]["cnn"]["loss"] == [0.7, None]
    assert content["tables"][0]["rows"] == [["plain", 0.12345]]
    path.write_text("{", "utf-8")
    with pytest.raises(UsageError, match="cannot be read as results"):
        read_results(path)
    path.write_text("[]", "utf-8")
    with pytest.raises(UsageError, match="expected a JSON object"):
        read_results(path)


def changed(**changes: Any) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(results().to_json())
    claim = content["claims"][0]
    for key, value in changes.items():
        place = content if key in content else claim
        place[key] = value
    return content


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"values": [0.5, 0.5, 0.5]}, "3 values for 2 seeds"),
        ({"values": []}, "0 values for 2 seeds"),
        ({"values": [0.5, float("inf")]}, "must be finite"),
        ({"verdict": "fine"}, "unknown verdict 'fine'"),
        ({"verdict": "cannot be as stated"}, "a disproof goes with its verdict"),
        ({"kind": "time"}, "kind time and ids in _seconds go together"),
        ({"mean": "0.5"}, "claim cnn_loss.mean: a str is not allowed"),
        ({"paper": 5}, "top level.paper: a int is not allowed"),
        ({"seeds": [0, 0]}, "expected distinct integers"),
        ({"claims": []}, "expected at least one"),
        ({"extra": 1}, r"missing or unknown fields \['extra'\]"),
    ],
)
def test_what_is_not_as_documented_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_results(changed(**changes))


def test_a_claim_may_have_values_for_the_first_seeds_only() -> None:
    check_results(changed(values=[0.5]))


def test_tables_have_full_rows() -> None:
    content = changed()
    content["tables"][0]["rows"].append(["one cell"])
    with pytest.raises(UsageError, match="table t: a row without 2 cells"):
        check_results(content)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (81.04, "%", "81.0"),
        (622.595, "s", "622.6"),
        (1.234, "s", "1.23"),
        (-0.04, "points", "0.0"),
        (-3.21, "points", "−3.2"),
        (0.000123456, "", "0.0001235"),
        (0.0000123, "", "1.23e−5"),
        (3.0, "rank", "3"),
        (0.85243, "nats", "0.8524"),
        (None, "", "–"),
    ],
)
def test_numbers_are_shown_with_sensible_digits(value: float | None, unit: str, text: str) -> None:
    assert show_number(value, unit) == text


def test_other_texts() -> None:
    claim = {"mean": 0.5, "std": 0.012, "values": [1, 2], "unit": "nats"}
    assert show_ours(claim) == "0.5 ± 0.012"
    assert show_ours({**claim, "values": [1]}) == "0.5"
    assert show_paper({"comparison": ">", "paper": 0.0}) == "> 0"
    assert show_paper({"comparison": "=", "paper": 622.595228}) == "622.595228"
    assert show_value([0.1, 3.0, True, None]) == "0.1, 3, yes, –"
    assert show_value({"a": 1}) == "a 1"
    assert show_value([]) == "none"
    assert [show_seconds(value) for value in (3.21, 250, 7500)] == [
        "3.2 s",
        "4 min 10 s",
        "2 h 5 min",
    ]
    assert Column("x", ",d").show(12345) == "12,345"
    assert Column("x").show("text") == "text"
    assert Column("x").show(None) == "–"


def test_the_environment_names_versions_but_no_place() -> None:
    import getpass
    import socket

    found = environment("cpu")
    assert found["device"] == "cpu"
    assert {"imgcomp", "torch", "numpy", "python", "processor", "source_revision"} <= set(found)
    assert maker(found) == {
        name: found[name] for name in ("imgcomp", "source_revision", "torch", "processor", "device")
    }
    text = json.dumps(found)
    assert str(Path.home()) not in text or str(Path.home()) == "/"
    assert socket.gethostname() not in text
    assert getpass.getuser() not in text.replace("Microsoft", "")
