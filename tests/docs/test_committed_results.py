"""The pages on papers and benchmarks show what results/ holds, whatever it holds."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from imgcomp import report

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def markdown(docs_module):
    return docs_module("results_markdown")


@pytest.fixture
def content():
    """A results.json with one claim of each kind that the pages treat differently."""
    near = report.Claim(
        "net_loss", "loss", "nats", 0.5, report.Near(0.1, "lower"), "Table 1", "Loss of *net*", 20
    )
    holds = report.Claim(
        "net_accuracy", "accuracy", "%", 70.0, report.Holds(">"), "The text", "Accuracy | all"
    )
    outcome = report.Outcome(
        claims=[
            near.judge([0.75, 1.25], epoch=3),
            holds.judge([60.0, 62.0], disproof="PCA reaches 90 %."),
        ],
        findings=["A finding [with brackets]."],
        tables=[
            report.Table(
                "t", "A table", "Its caption.",
                [report.Column("Name"), report.Column("MSE", ".3f")],
                [["a_b", 0.12345], ["none", None]],
            )
        ],
        figures=[],
        curves={},
        sizes={"train": 5000},
    )  # fmt: skip
    results = report.Results(
        paper="net2000", title="On nets", reference="A. Nett, 2000", scale="quick", seeds=[0, 1],
        dataset={"name": "digits"}, configuration={"lr": 0.1},
        choices=[report.Choice("lr", 0.1, "learning rate", "not printed")],
        environment={"imgcomp": "0.1.0", "source_revision": None, "processor": "a CPU",
                     "cores": 2, "torch": "2.13.0"},
        timings={"total_seconds": 5.0, "jobs": 2, "stages": {"a": 70.0, "b": 5.0}},
        outcome=outcome, figure_files={},
    )  # fmt: skip
    found = results.to_dict()
    found["figures"] = [
        {"id": "f", "title": "A figure", "caption": "To see.", "files": ["figures/f.png"]},
        {"id": "g", "title": "Gone", "caption": "", "files": ["figures/g.png"]},
    ]
    return found


def cells(row):
    return [cell.strip().replace("\N{NO-BREAK SPACE}", " ") for cell in row.split(" | ")]


def test_claims_stand_beside_the_papers(markdown, content):
    text = markdown.claims(content)
    assert re.search(r"\*\*Table 1\*\*.*\*\*The text\*\*", text, re.S)
    row = next(line for line in text.splitlines() if "Loss of" in line)
    assert cells(row.strip("| ")) == [
        r"Loss of \*net\*", "3 (for 20)", "0.5", "1 ± 0.35", "nats", "✓ agrees",
    ]  # fmt: skip
    assert r"Accuracy \| all" in text
    assert "PCA reaches 90 %." in text


def test_tables_show_numbers_in_their_format_and_dashes_for_none(markdown, content):
    text = markdown.tables(content)
    assert r"| a\_b | 0.123 |" in text
    assert "| none | – |" in text
    assert "| :-- | --: |" in text


def test_figures_are_the_smallest_file_and_missing_ones_are_named(markdown, content, tmp_path):
    folder = tmp_path / "results" / "net2000"
    (folder / "figures").mkdir(parents=True)
    (folder / "figures" / "f.png").write_bytes(b"x" * 20)
    (folder / "figures" / "f.svg").write_bytes(b"x" * 10)
    content["figures"][0]["files"].append("figures/f.svg")
    text = markdown.figures(content, folder, tmp_path / "docs" / "papers")
    assert ":::{figure} ../../results/net2000/figures/f.svg" in text
    assert "*Gone: its files are not in net2000.*" in text


def test_the_rest_is_in_words(markdown, content):
    said = markdown.provenance(content)
    assert "Scale *quick*, seeds 0, 1" in said
    assert "train 5,000 images" in said
    assert "stages of 75.0 s together, 2 side by side, on a CPU, 2 cores" in said
    assert markdown.findings(content) == "- A finding \\[with brackets\\].\n"
    assert "| learning rate | 0.1 | not printed | `lr` |" in markdown.choices(content)
    assert "no committed results of net2000" in markdown.missing("net2000")


def test_provenance_names_the_revisions_that_computed_the_stages(markdown, content):
    content["environment"]["source_revision"] = "cccc"
    assert "imgcomp 0.1.0 (cccc), torch" in markdown.provenance(content)
    content["timings"]["made_with"] = [
        {"source_revision": "aaaa", "stages": 9},
        {"source_revision": "bbbb", "stages": 2},
        {"source_revision": "aaaa", "processor": "another", "stages": 1},
        {"stages": 1},
    ]
    assert "imgcomp 0.1.0 (aaaa, bbbb, not recorded), torch" in markdown.provenance(content)


def test_benchmarks_are_shown_as_ratios(markdown, tmp_path):
    assert "no committed benchmark results" in markdown.benchmarks(tmp_path / "none")
    row = {
        "name": "cnn", "images": 10, "ours_images_per_second": 2000.4,
        "peer_images_per_second": 1000.0, "speedup_median": 2.0, "speedup_min": 1.9,
        "speedup_max": 2.1, "ours_quality": [0.1, 0.2], "peer_quality": [0.3],
    }  # fmt: skip
    file = {"title": "Training", "environment": {"torch": "2.13.0", "gpu": None}, "rows": [row]}
    (tmp_path / "training.json").write_text(json.dumps(file))
    text = markdown.benchmarks(tmp_path)
    assert "| cnn | 2,000 | 1,000 | 2.00 | 1.90 … 2.10 | 0.15000 | 0.30000 |" in text
    assert "torch 2.13.0." in text


def test_the_readme_says_how_fast_training_is():
    low, high = (
        float(number)
        for number in re.search(
            r"([\d.]+) to ([\d.]+) times as fast", (ROOT / "README.md").read_text("utf-8")
        ).groups()
    )
    medians = [
        row["speedup_median"]
        for path in ROOT.glob("results/benchmarks/*_training.json")
        for row in json.loads(path.read_text("utf-8"))["rows"]
        # buell2022's networks are trained side by side unless one asks for something else.
        if "tuned" not in row["name"] and "one by one" not in row["name"]
    ]
    assert min(medians) == pytest.approx(low, abs=0.1)
    assert max(medians) == pytest.approx(high, abs=0.5)


def test_committed_results_are_as_documented():
    for path in ROOT.glob("results/*/results.json"):
        content = report.read_results(path)
        assert content["paper"] == path.parent.name
        assert content["scale"] == "paper"


@pytest.mark.parametrize("there", [True, False], ids=["results", "no results"])
def test_the_pages_build_without_warnings(there, content, tmp_path):
    pytest.importorskip("sphinx")
    pytest.importorskip("myst_parser")
    pytest.importorskip("furo")
    results = tmp_path / "results"
    if there:
        (results / "feng2018").mkdir(parents=True)
        content["paper"], content["figures"] = "feng2018", []
        (results / "feng2018" / "results.json").write_text(json.dumps(content))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html"),
            *("-D", f"imgcomp_results={results}"),
            *(str(ROOT / "docs"), str(tmp_path / "html")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "html" / "papers" / "feng2018.html").read_text("utf-8")
    assert ("PCA reaches 90" in page) == there
    assert ("There are no committed results" in page) != there
