"""The page of the verdict shows what results/rd/ holds, whatever it holds."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from imgcomp.rd.compact import read_comparison
from imgcomp.rd.formats import against_formats

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def markdown(docs_module):
    return docs_module("comparisons_markdown")


def record(measure, size, percent, *, few=False, **more):
    return {
        "tested": "house", "anchor": "envelope", "measure": measure, "size": size,
        "percent": percent, "low": 20.0, "high": 30.0, "points": 2 if few else 5,
        "few_points": few, "interval": [percent - 3, percent + 2], **more,
    }  # fmt: skip


@pytest.fixture
def content():
    """A comparison of one codec with rivals whose best is all that is known of."""
    lost = [
        {"line": "house", "accuracy": 73.25, "fallen": 6.75, "interval": [5.5, 8.0]},
        {"line": "avif-444", "accuracy": 75.0, "fallen": 5.0, "interval": [5.0, 5.0]},
    ]
    point = {
        "setting": 60.0,
        "label": "60",
        "model_bytes": 123_456,
        "bytes": {"mosaic": 62.5},
        "bpp": {"file": 0.5, "payload": 0.5, "mosaic": 0.5},
        "psnr": 30.0,
        "accuracy": 0.76,
    }
    return {
        "format": "imgcomp-rd-2",
        "data": {"name": "cifar-10", "images": 1000, "image_shape": [3, 32, 32],
                 "fingerprint": "f", "train": 50_000, "photographs": None},
        "codecs": ["house", "avif"],
        "amortised_over": [1000, 10_000, 70_000],
        "originals_accuracy": 0.8,
        "lines": [
            {"name": "house", "title": "house", "ours": True, "unit": "quality",
             "kind": "codec", "lossless": False, "points": [point]},
            {"name": "avif-444", "title": "AVIF 4:4:4", "ours": False, "unit": "quality",
             "family": "avif", "kind": "ordinary", "lossless": False,
             "points": [{**point, "model_bytes": 0}]},
        ],
        "bd_rates": [
            record("psnr", "file", -40.0), record("psnr", "mosaic", -12.5),
            record("ms_ssim", "mosaic", 1.5), record("accuracy", "mosaic", 7.0, few=True),
        ],
        "with_model": [
            record("psnr", "mosaic", 25.0 if count else -12.5, shared_by=count)
            for count in (None, 1000, 10_000, 70_000)
        ],
        "at_quality": [
            {"line": "avif-444", "measure": "psnr", "level": 30, "file": 2.0, "payload": 1.0,
             "mosaic": 1.25},
        ],
        "fallen": [{"size": "mosaic", "drop": 5.0, "rival": "avif-444", "rate": 0.5,
                    "rival_fallen": 5.0, "lines": lost}],
        "figures": [],
        "ms_ssim": "adaptive",
        "environment": {"imgcomp": "0.1.0", "source_revision": "abcd", "processor": "a CPU",
                        "pillow": "12.0", "imagecodecs": "2026.1"},
        "timings": {"total_seconds": 5.0, "jobs": 2, "stages": {"a": 70.0, "b": 5.0}},
    }  # fmt: skip


def cells(text, head):
    """Of the row of a table that begins so."""
    lines = text.replace("\N{NO-BREAK SPACE}", " ").splitlines()
    row = next(line for line in lines if line.startswith(f"| {head}"))
    return [cell.strip() for cell in row.strip("| ").split("|")]


def test_the_verdict_is_in_words_and_in_a_table(markdown, content):
    text = markdown.verdict({"cifar10": content})
    assert (
        "- CIFAR-10\n  - house takes 12.5 % fewer bytes than the best of all rivals at equal PSNR "
        "(all images in one file; −15.5 … −10.5 %); where the best rival (AVIF 4:4:4) has "
        "lost 5.0 points of accuracy, it has lost 6.8."
    ) in text
    assert cells(text, "CIFAR-10") == [
        "CIFAR-10", "house", "all images in one file", "−12.5 %<br>−15.5 … −10.5", "–",
        "+1.5 %<br>−1.5 … +3.5", r"+7.0 % \*<br>+4.0 … +9.0", "6.8", "+25.0 %<br>+22.0 … +27.0",
    ]  # fmt: skip
    smallest = text.replace("\N{NO-BREAK SPACE}", " ").partition("**The smallest file")[2]
    assert "| CIFAR-10 | the best of all rivals | – | – | 62.5<br>AVIF 4:4:4 |" in smallest
    assert "| CIFAR-10 | the best of the package’s codecs | – | – | 62.5<br>house |" in smallest
    assert "No result is committed yet of Fashion-MNIST, MNIST, CIFAR-100 and Kodak’s" in text


def test_the_formats_that_everybody_reads_are_told_apart(markdown, content):
    def points(factors):
        rates = [dict(zip(("file", "payload", "mosaic"), factors, strict=True))] * 3
        return [
            {
                **content["lines"][0]["points"][0],
                "psnr": 30.0 + 5 * step,
                "bpp": {size: rate * 2**step for size, rate in each.items()},
            }
            for step, each in enumerate(rates)
        ]

    for line, factors in zip(content["lines"], ([0.5, 0.5, 0.5], [1.0, 0.8, 0.4]), strict=True):
        line["points"] = points(factors)
    learnt = {**content["lines"][1], "name": "pq", "title": "PQ", "kind": "pq", "family": "pq"}
    content["lines"].append(learnt)
    title, row = "the best of the formats that everybody reads**", ["−50.0 %", "−37.5 %", "+25.0 %"]
    here = markdown.best(content).partition(title)[2]
    assert cells(here, "house") == ["house", "PSNR", *row]
    photographs = {**content, "bd_rates": [record("psnr", "whole", 1.0)]}
    both = {"cifar10": content, "kodak": photographs}
    everywhere = markdown.verdict(both).partition(title)[2]
    assert cells(everywhere, "CIFAR-10") == ["CIFAR-10", "house", "PSNR", *row, "–"]
    assert cells(everywhere, "Kodak") == ["Kodak’s photographs", "house", "PSNR", *row, "–"]


def test_a_difference_that_is_not_told_apart_is_said_so(markdown, content):
    content["bd_rates"] = [record("psnr", "mosaic", 1.0, few=True)]
    content["fallen"][0]["lines"][0]["fallen"] = None
    (sentence,) = markdown.sentences_of(content)
    assert sentence.startswith("house takes 1.0 % more bytes than")
    assert "; −2.0 … +3.0 %, not told apart, from few points)" in sentence
    assert sentence.endswith(
        "needs more bits at its coarsest setting than there are where the best rival (AVIF 4:4:4) "
        "has lost 5.0 points of accuracy."
    )


def test_variants_are_judged_by_what_they_are_for(markdown, content):
    for name, measure, percent in (
        ("house-colour-ms-ssim", "ms_ssim", -28.0),
        ("house-colour-classifier", "accuracy", -34.5),
    ):
        content["lines"].append({**content["lines"][0], "name": name, "title": name})
        content["fallen"][0]["lines"].append({**content["fallen"][0]["lines"][0], "line": name})
        content["bd_rates"] += [
            {**record("psnr", "mosaic", 99.0), "tested": name},
            {**record(measure, "mosaic", percent), "tested": name},
        ]
    house, structure, machines = markdown.sentences_of(content)
    assert house.startswith("house takes 12.5 % fewer bytes than the best of all rivals at equal P")
    assert structure.startswith(
        "house-colour-ms-ssim takes 28.0 % fewer bytes than the best of all rivals at equal MS-SS"
    )
    assert machines.startswith(
        "house-colour-classifier takes 34.5 % fewer bytes than the best of all rivals at equal "
        "accuracy "
    )


def test_whole_photographs_are_told_beside_tiles(markdown, content):
    content["bd_rates"].append(record("psnr", "whole", -30.0))
    content["originals_accuracy"] = None
    (sentence,) = markdown.sentences_of(content)
    assert "; takes 30.0 % fewer bytes than the best of all rivals at equal PSNR (whole" in sentence
    text = markdown.verdict({"kodak": content}).partition("**BD-rate against")[0]
    rows = [cells(row, "Kodak") for row in text.splitlines() if row.startswith("| Kodak")]
    assert [(row[2], row[3]) for row in rows] == [
        ("all images in one file", "−12.5 %<br>−15.5 … −10.5"),
        ("whole photographs, a file each", "−30.0 %<br>−33.0 … −28.0"),
    ]


def test_without_anything_committed_the_page_says_so(markdown):
    assert markdown.verdict({}) == (
        ":::{note}\nNo result is committed yet of CIFAR-10, Fashion-MNIST, MNIST, CIFAR-100 and "
        "Kodak’s photographs.\n:::\n"
    )
    assert "`imgcomp rd --data kodak --codecs house,jpeg,webp,avif,jxl,png,pca,pq --out runs/" in (
        markdown.missing("kodak")
    )
    assert ",png,pca,pq,results/bhattacharya2020/autoencoder-mnist --out" in markdown.missing(
        "mnist"
    )


def test_parts_of_a_comparison(markdown, content):
    assert markdown.provenance(content) == (
        "1,000 images of 3×32×32. A classifier recognises 80.0 % of them. Stages of 75.0 s "
        "together, on a CPU; imgcomp 0.1.0 (abcd), Pillow 12.0, imagecodecs 2026.1.\n"
    )
    assert cells(markdown.levels(content), "AVIF")[1] == "1.25"
    smallest, fallen = markdown.recognised(content).split("**Points of accuracy lost")
    assert cells(smallest, "house") == ["house", "–", "–", "62.5", "62.5"]
    assert cells(fallen, "house")[1] == "6.8<br>5.5 … 8.0"
    assert cells(markdown.weights(content), "house")[1:4] == [
        "123,456", "all images in one file", "−12.5 %<br>−15.5 … −10.5",
    ]  # fmt: skip
    assert cells(markdown.rivals(content), "the best")[1].startswith("−40.0 %<br>−43.0 … −38.0<br>")


def test_photographs_have_no_classes_and_so_nothing_on_what_is_recognised(markdown, content):
    content["data"]["photographs"] = ["a", "b"]
    content["originals_accuracy"], content["fallen"] = None, []
    content["bd_rates"] = [record("psnr", "mosaic", 8.0), record("psnr", "whole", 4.0)]
    content["at_quality"][0]["whole"] = 0.5
    texts = {name: part(content) for name, part in markdown.PARTS.items()}
    assert texts["provenance"].startswith(
        "1,000 images of 3×32×32, tiles of 2 photographs, which are also sent whole. Stages of"
    )
    assert texts["recognised"] == ""
    assert "Bits per pixel at equal PSNR: whole photographs, a file each" in texts["levels"]
    assert "0.500" in texts["levels"]
    assert "accuracy" not in texts["levels"]
    assert cells(texts["best"], "house")[-1] == "+4.0 %<br>+1.0 … +6.0"


def test_what_is_committed_is_shown(markdown):
    found = markdown.committed(ROOT / "results" / "rd")
    assert "**The smallest file that a classifier still reads" in markdown.verdict(found)
    for content in found.values():
        for name, part in markdown.PARTS.items():
            assert part(content) or name == "recognised"


def test_the_readme_says_what_is_saved_against_the_formats():
    text = " ".join((ROOT / "README.md").read_text("utf-8").split())
    found = re.search(
        r"take (\d+) % fewer bytes for small colour images and (\d+) to (\d+) % fewer for gray "
        r"ones where each is a file, and (\d+) to (\d+) % fewer where all images are one file",
        text,
    )
    colour, low, high, least, most = map(int, found.groups())
    saved = {
        size: {
            name: -against_formats(
                read_comparison(ROOT / "results" / "rd" / name / "results.json"), "house", size
            ).percent
            for name in ("cifar10", "cifar100", "fashion-mnist", "mnist")
        }
        for size in ("file", "mosaic")
    }
    files = saved["file"]
    assert files["cifar10"] == pytest.approx(colour, abs=1)
    assert files["cifar100"] == pytest.approx(colour, abs=1)
    assert sorted((files["fashion-mnist"], files["mnist"])) == pytest.approx([low, high], abs=1)
    assert min(saved["mosaic"].values()) == pytest.approx(least, abs=1)
    assert max(saved["mosaic"].values()) == pytest.approx(most, abs=1)


def test_a_line_that_was_kept_need_not_have_been_at_the_best_rivals_rate(markdown, content):
    content["lines"].append({**content["lines"][0], "name": "house@3", "title": "house@3"})
    content["bd_rates"].append({**record("psnr", "mosaic", -20.0), "tested": "house@3"})
    assert markdown.sentences_of(content)[1].endswith(
        "at equal PSNR (all images in one file; −23.0 … −18.0 %)."
    )
    assert cells(markdown.verdict({"cifar10": content}), "CIFAR-10 | house@3")[-2] == "–"


def test_what_is_recognised_better_than_the_originals_is_said_so(markdown, content):
    content["fallen"][0]["lines"][0]["fallen"] = -1.75
    (sentence,) = markdown.sentences_of(content)
    assert sentence.endswith("5.0 points of accuracy, it has 1.8 more than the originals.")


def test_committed_comparisons_are_of_known_sets_and_small():
    folder = ROOT / "results" / "rd"
    known = {"cifar10", "fashion-mnist", "mnist", "cifar100", "kodak"}
    for path in folder.glob("*/results.json"):
        assert path.parent.name in known
        assert any(line["ours"] for line in read_comparison(path)["lines"])
        # Some 20 lines; without images, so that what grows is the number of lines alone.
        files = [each for each in path.parent.rglob("*") if each.is_file()]
        assert sum(each.stat().st_size for each in files) < 1_000_000


@pytest.mark.parametrize("there", [True, False], ids=["results", "no results"])
def test_the_page_builds_without_warnings(there, content, tmp_path):
    pytest.importorskip("sphinx")
    pytest.importorskip("myst_parser")
    pytest.importorskip("furo")
    results, source = tmp_path / "results", tmp_path / "docs"
    if there:
        (results / "rd" / "mnist").mkdir(parents=True)
        (results / "rd" / "mnist" / "results.json").write_text(json.dumps(content))
    # The page alone, beside the pages that it links to.
    for folder in ("guide", "papers"):
        (source / folder).mkdir(parents=True)
    shutil.copy(ROOT / "docs" / "verdict.md", source / "index.md")
    linked = ("codecs", "guide/compression", "guide/rate-distortion", "papers/index")
    for name in (f"{page}.md" for page in linked):
        (source / name).write_text("---\norphan: true\n---\n\n# A page\n")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html"),
            *("-c", str(ROOT / "docs"), "-D", f"imgcomp_results={results}"),
            *(str(source), str(tmp_path / "html")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "html" / "index.html").read_text("utf-8")
    assert ("house takes 12.5 % fewer bytes" in page) == there
    assert page.count("No result of ") == (4 if there else 5)
