"""Lines of an earlier comparison beside those of a new one."""

from __future__ import annotations

import json

import pytest
from rd_tools import dense_codec

from imgcomp.errors import UsageError
from imgcomp.rd.keep import with_lines_of
from imgcomp.rd.run import compare_codecs


def compared(folder, codecs, *, images=4, **options):
    return compare_codecs(
        "digits", codecs, images=images, out=folder, judge_epochs=0, bootstrap=4, jobs=1,
        progress=False, **options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def earlier(tmp_path_factory):
    """Of a codec, JPEG and PCA, as it would be committed."""
    folder = tmp_path_factory.mktemp("keep")
    dense_codec(4).save(folder / "tiny.safetensors")
    compared(
        folder / "run", [str(folder / "tiny.safetensors"), "jpeg", "pca"], compact=folder / "kept"
    )
    return folder / "kept" / "results.json"


def test_lines_that_are_not_measured_again_stay(earlier, tmp_path):
    dense_codec(3).save(tmp_path / "other.safetensors")
    done = compared(tmp_path / "run", [str(tmp_path / "other.safetensors"), "jpeg"], keep=earlier)
    before, found = json.loads(earlier.read_text()), done.results
    names = [line["name"] for line in found["lines"]]
    assert names[0] == "other"
    assert {"tiny", "pca-64"} < set(names)
    assert len(names) == len(set(names))
    assert sorted(found["kept"]["lines"]) == sorted(set(names) - {"other", "jpeg-gray"})
    assert found["kept"]["environment"] == before["environment"]
    old = {line["name"]: line for line in before["lines"]}
    assert next(line for line in found["lines"] if line["name"] == "tiny") == old["tiny"]
    pairs = [(each["tested"], each["anchor"], each["measure"], each["size"])
             for each in found["bd_rates"]]  # fmt: skip
    assert len(pairs) == len(set(pairs))
    assert {("other", "jpeg-gray"), ("tiny", "pca-64")} <= {pair[:2] for pair in pairs}
    assert "tiny" in done.report.read_text()
    assert found == json.loads((done.folder / "results.json").read_text())


def test_what_was_lost_at_the_same_rate():
    def results(lines, rate=1.25):
        return {
            "data": {"fingerprint": "a", "images": 2}, "ms_ssim": "adaptive",
            "originals_accuracy": 0.7, "amortised_over": [1], "codecs": lines,
            "lines": [{"name": name} for name in lines], "bd_rates": [], "with_model": [],
            "at_quality": [{"line": name, "level": 1} for name in lines], "environment": {},
            "fallen": [{"size": "file", "drop": 5.0, "rival": "webp", "rate": rate,
                        "lines": [{"line": name} for name in lines]}],
        }  # fmt: skip

    def lost(found):
        return [each["line"] for each in found["fallen"][0]["lines"]]

    new, old = results(["webp", "house"]), results(["webp", "slow"], rate=1.2500001)
    assert lost(with_lines_of(old, new)) == ["webp", "house", "slow"]
    assert [each["line"] for each in with_lines_of(old, new)["at_quality"]] == [
        "webp", "house", "slow",
    ]  # fmt: skip
    assert (
        with_lines_of(old | {"originals_accuracy": 0.71}, new)["kept"]["originals_accuracy"] == 0.71
    )
    with pytest.raises(UsageError, match="not trained alike"):
        with_lines_of(old | {"originals_accuracy": 0.73}, new)
    # At another rate it is no comparison.
    assert lost(with_lines_of(results(["slow"], rate=1.5), new)) == ["webp", "house"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"originals_accuracy": 0.5}, "accuracy of 0.5 on the originals, that of this one None"),
        ({"ms_ssim": "standard"}, "ms_ssim 'standard', this one 'adaptive'"),
        ({"data": {"fingerprint": "x"}}, "fingerprint 'x'"),
    ],
)
def test_other_images_or_another_judge(earlier, change, message):
    results = json.loads(earlier.read_text())
    with pytest.raises(UsageError, match=message):
        with_lines_of(results | change, results)


def test_a_file_that_is_no_comparison(tmp_path):
    with pytest.raises(UsageError, match="cannot be read as a comparison"):
        compared(tmp_path / "run", ["jpeg"], keep=tmp_path / "missing.json")
    assert not (tmp_path / "run").exists()
