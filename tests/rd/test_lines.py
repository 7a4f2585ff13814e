"""What entries of ``--codecs`` stand for."""

from __future__ import annotations

import pytest
from rd_tools import dense_codec, digits, several_rates

from imgcomp.codec import registry
from imgcomp.errors import UsageError
from imgcomp.rd.lines import lines_of
from imgcomp.rd.package import FingerprintedCodec

GRAY, COLOUR = (1, 28, 28), (3, 32, 32)


@pytest.fixture
def codecs(tmp_path, monkeypatch):
    for bits in (2, 4):
        dense_codec(bits).save(tmp_path / f"tiny-{bits}.safetensors")
    monkeypatch.setenv("IMGCOMP_CODECS", str(tmp_path))
    monkeypatch.setattr(registry, "SHIPPED", tmp_path / "none")
    return tmp_path


def test_ordinary_and_learnt_rivals():
    found = lines_of(["jpeg", "png", "pca", "pq"], COLOUR)
    assert [line.name for line in found] == [
        "jpeg-444", "jpeg-420", "png", "pca-64", "pca-256", "pca-1024", "pq",
    ]  # fmt: skip
    assert [line.name for line in found if line.lossless] == ["png"]
    assert not any(line.ours for line in found)
    assert [line.components for line in lines_of(["pca"], (1, 8, 8))] == [64]


def test_codecs_by_name_by_path_and_as_one_curve(codecs):
    by_name, by_path = lines_of(["tiny-2", str(codecs / "tiny-4.safetensors")], GRAY)
    assert (by_name.name, by_path.name) == ("tiny-2", "tiny-4")
    assert by_name.ours
    assert [point.label for point in by_name.points] == ["tiny-2"]
    (both,) = lines_of(["tiny-2+tiny-4"], GRAY)
    assert both.name == "tiny-2+tiny-4"
    assert [point.part for point in both.points] == ["tiny-2", "tiny-4"]


def test_the_house_is_whatever_takes_such_images(codecs):
    assert [line.name for line in lines_of(["house"], GRAY)] == ["tiny-2", "tiny-4"]
    dense_codec(3).save(codecs / "house-low.safetensors")
    dense_codec(5).save(codecs / "house-high.safetensors")
    house, *_ = lines_of(["house"], GRAY)
    assert house.name == "house"
    assert [point.part for point in house.points] == ["house-high", "house-low"]


def test_variants_of_the_house_are_lines_of_their_own(codecs):
    for name in ("house-gray", "house-gray-classifier", "house-gray-ms-ssim", "houses"):
        dense_codec(3).save(codecs / f"{name}.safetensors")
    found = lines_of(["house"], GRAY)
    assert [line.name for line in found] == [
        "house", "house-gray-classifier", "house-gray-ms-ssim", "houses", "tiny-2", "tiny-4",
    ]  # fmt: skip
    assert [point.part for point in found[0].points] == ["house-gray"]


def test_a_codec_of_several_rates_has_a_point_for_each_of_a_ladder_of_qualities(codecs):
    several_rates(digits(40)).save(codecs / "house-gray.safetensors")
    house, *_ = lines_of(["house"], GRAY)
    ladder = [1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]
    assert (house.name, house.unit) == ("house", "quality")
    assert [point.setting for point in house.points] == ladder
    assert [point.codec.quality for point in house.points] == ladder
    assert [point.label for point in house.points] == [str(quality) for quality in ladder]
    (both,) = lines_of(["house-gray+tiny-2"], GRAY)
    assert [point.label for point in both.points][-2:] == ["house-gray@100", "tiny-2"]
    assert both.unit == "codec"


def test_a_codec_of_any_size_takes_images_of_other_sizes(codecs):
    several_rates(digits(40)).save(codecs / "house-gray.safetensors")
    (house,) = lines_of(["house"], (1, 9, 30))
    assert house.points[3].codec.image_shape == (1, 9, 30)
    assert house.points[3].codec.quality == 30
    (named,) = lines_of([str(codecs / "house-gray.safetensors")], (1, 32, 32))
    assert named.points[0].codec.image_shape == (1, 32, 32)
    with pytest.raises(UsageError, match="takes images of 1×28×28, those here are of 3×32×32"):
        lines_of(["house-gray"], COLOUR)


def test_a_house_without_codecs_for_such_images_is_left_out_with_a_warning(codecs):
    with pytest.warns(UserWarning, match="no codec of the package takes images of 1×9×9"):
        found = lines_of(["house", "png"], (1, 9, 9))
    assert [line.name for line in found] == ["png"]


@pytest.mark.parametrize(
    ("entries", "text"),
    [
        (["gif"], "no codec 'gif'"),
        (["png", "png"], "'png' is there twice"),
        (["", " "], "nothing to compare"),
        (["tiny-2"], "takes images of 1×28×28, those here are of 3×32×32"),
    ],
)
def test_what_cannot_be_compared(codecs, entries, text):
    with pytest.raises(UsageError, match=text):
        lines_of(entries, COLOUR)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.safetensors"):
        lines_of([str(tmp_path / "nothing.safetensors")], GRAY)


def test_the_house_at_an_effort(codecs):
    several_rates(digits(40)).save(codecs / "house-several.safetensors")
    house, effort = lines_of(["house", "house@3"], GRAY)[::3]
    assert (house.name, effort.name) == ("house", "house@3")
    assert {point.codec.effort for point in effort.points} == {3}
    assert [point.setting for point in effort.points] == [point.setting for point in house.points]
    fingerprints = {
        FingerprintedCodec(line.points[2].codec).fingerprint for line in (house, effort)
    }
    assert len(fingerprints) == 2
    for wrong in ("house@0", "house@7", "house@", "house@x"):
        with pytest.raises(UsageError, match="an effort is 1 … 6, not"):
            lines_of([wrong], GRAY)


def test_others_at_an_effort(tmp_path):
    line, house = lines_of(["house-gray-classifier@2", "house-gray@1"], GRAY)
    assert (line.name, house.name) == ("house-gray-classifier@2", "house-gray@1")
    codec = line.points[0].codec
    assert (codec.effort, codec.judge.input_shape) == (2, GRAY)
    assert ", effort 2, judge " in FingerprintedCodec(codec).fingerprint
    several_rates(digits(40)).save(tmp_path / "mine@2.safetensors")
    file = str(tmp_path / "mine@2.safetensors")
    assert [line.name for line in lines_of([file, f"{file}@1"], GRAY)] == ["mine@2", "mine@2@1"]
    with pytest.raises(UsageError, match="no effort to choose"):
        lines_of(["patch-gray@1"], GRAY)


def test_codecs_that_ask_a_classifier_of_the_images_own_classes():
    (line,) = lines_of(["house-gray-classifier@2:own"], GRAY)
    assert line.name == "house-gray-classifier@2:own"
    assert [point.label for point in line.points][:2] == ["1", "10"]
    for point in line.points:  # whom it asks is known only later
        assert (point.effort, point.codec.effort, point.codec.judge) == (2, 0, None)
    larger = (1, 32, 32)
    lines_of(["house-gray-classifier@2:own"], larger)
    text = "asks a classifier of images of 1×28×28, those here are of 1×32×32; with :own"
    with pytest.raises(UsageError, match=text):
        lines_of(["house-gray-classifier@2"], larger)
    for entry in ("house@2:own", "house-gray@2:own", "patch-gray@2:own"):
        with pytest.raises(UsageError, match="not trained for a classifier, so that it asks none"):
            lines_of([entry], GRAY)
    for wrong in ("house@:own", "house@7:own", "house@2:", "house@own"):
        with pytest.raises(UsageError, match="an effort is 1 … 6, not"):
            lines_of([wrong], GRAY)
