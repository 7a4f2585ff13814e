"""The compact form of a comparison, for committing."""

from __future__ import annotations

import json
import re

import pytest
from PIL import Image
from rd_tools import dense_codec

from imgcomp.errors import UsageError
from imgcomp.rd import compact
from imgcomp.rd.run import compare_codecs


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A comparison of a codec and two rivals on a few digits, with its compact form."""
    folder = tmp_path_factory.mktemp("compact")
    dense_codec(4).save(folder / "tiny.safetensors")
    return compare_codecs(
        "digits",
        [str(folder / "tiny.safetensors"), "jpeg", "png"],
        images=4,
        out=folder / "run",
        judge_epochs=0,
        bootstrap=4,
        compact=folder / "kept" / "digits",
        jobs=1,
        progress=False,
    )


@pytest.fixture
def kept(done):
    return done.folder.parent / "kept" / "digits"


def test_the_folder_has_results_page_and_figures_and_no_images(done, kept):
    assert sorted(path.name for path in kept.iterdir()) == [
        "figures",
        "report.html",
        "results.json",
    ]
    drawn = sorted(path.name for path in (kept / "figures").iterdir())
    assert drawn == ["rate-ms-ssim.png", "rate-psnr.png", "rate-ssim.png"]
    for name in drawn:
        few = kept / "figures" / name
        assert few.stat().st_size < 0.5 * (done.folder / "figures" / name).stat().st_size
        with Image.open(few) as small, Image.open(done.folder / "figures" / name) as large:
            assert small.size == large.size
    page = (kept / "report.html").read_text()
    assert "data:image" not in page
    assert 'id="strips"' not in page
    assert "<script" not in page
    assert re.findall(r'src="([^"]*)"', page) == [f"figures/{name}" for name in (
        "rate-psnr.png", "rate-ssim.png", "rate-ms-ssim.png",
    )]  # fmt: skip
    assert "With the weights counted" in page
    assert 'id="strips"' in done.report.read_text()


def test_results_are_the_same_in_six_digits(done, kept):
    found = compact.read_comparison(kept / "results.json")
    whole = compact.read_comparison(done.folder / "results.json")
    assert found.keys() == whole.keys()
    point = whole["lines"][1]["points"][3]
    assert found["lines"][1]["points"][3]["bpp"]["file"] == float(f"{point['bpp']['file']:.6g}")
    assert [record["anchor"] for record in found["bd_rates"]] == [
        record["anchor"] for record in whole["bd_rates"]
    ]
    assert found["figures"][0]["files"] == ["figures/rate-psnr.png", "figures/rate-psnr.svg"]


def test_every_record_has_a_line():
    text = compact.compact_json({"a": 1 / 3, "rows": [{"x": 2 / 3, "y": None}, {"x": [1e-9]}]})
    assert text == (
        '{\n "a": 0.333333,\n "rows": [\n  {"x": 0.666667, "y": null},\n  {"x": [1e-09]}\n ]\n}\n'
    )
    assert json.loads(text)["rows"][1] == {"x": [1e-09]}


def test_an_earlier_form_is_replaced_and_anything_else_is_left_alone(done, kept, tmp_path):
    (kept / "figures" / "old.png").write_bytes(b"old")
    compact.write_compact(done.results, kept)
    assert not (kept / "figures" / "old.png").exists()
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(UsageError, match=r"something else \(found thesis.tex\)"):
        compact.write_compact(done.results, tmp_path)
    with pytest.raises(UsageError, match="expected a folder to write to, found a file"):
        compact.check_compact_folder(tmp_path / "thesis.tex")
    # Before anything is computed.
    with pytest.raises(UsageError, match="something else"):
        compare_codecs("digits", ["png"], out=tmp_path / "run", compact=tmp_path, progress=False)
    assert not (tmp_path / "run").exists()


def test_what_is_no_comparison(tmp_path):
    path = tmp_path / "results.json"
    with pytest.raises(UsageError, match="cannot be read as a comparison"):
        compact.read_comparison(path)
    path.write_text('{"format": "imgcomp-rd-1"}')
    with pytest.raises(UsageError, match="expected the format imgcomp-rd-2, found 'imgcomp-rd-1'"):
        compact.read_comparison(path)
    path.write_text("[]")
    with pytest.raises(UsageError, match="found None"):
        compact.read_comparison(path)
