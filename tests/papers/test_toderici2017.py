"""toderici2017 end to end on the embedded digits and two small photographs, and its parts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from paper_runs import check_accounting, check_pictures, context, table
from PIL import Image

from imgcomp import datasets, metrics, models, papers
from imgcomp.datasets import Photographs, from_tiles, tiles
from imgcomp.errors import DatasetNotFoundError, UsageError
from imgcomp.papers.experiment import Run
from imgcomp.papers.settings import resolve
from imgcomp.papers.statistics import interval
from imgcomp.papers.toderici2017 import PAPER, comparisons
from imgcomp.papers.toderici2017.claims import CLAIMS
from imgcomp.papers.toderici2017.data import Images, network_config, photographs
from imgcomp.papers.toderici2017.experiment import stages, variants
from imgcomp.papers.toderici2017.peers import peers, sent
from imgcomp.papers.toderici2017.stages import (
    ladder,
    measure_photographs,
    pack,
    shown_iterations,
    unpack,
)
from imgcomp.report import read_results
from imgcomp.stages import Artifact

TINY = {
    "width": 0.03,
    "iterations": 3,
    "images": 24,
    "validation_images": 8,
    "epochs": 2,
    "test_images": 10,
    "peer_images": 3,
    "qualities": "1,30,80",
    "photographs": "none",
}
NETWORKS = 6


def picture(height: int, width: int, seed: int = 0) -> torch.Tensor:
    """A smooth colour image, uint8 (3, H, W)."""
    draws = torch.Generator().manual_seed(seed)
    small = torch.rand(1, 3, 6, 6, generator=draws)
    large = torch.nn.functional.interpolate(small, (height, width), mode="bilinear")
    return (large[0] * 255).round().to(torch.uint8)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two photographs as files; the second is cut to 256×256."""
    place = tmp_path_factory.mktemp("photographs")
    for name, size in (("a", (256, 288)), ("b", (270, 275))):
        pixels = picture(*size).permute(1, 2, 0).contiguous().numpy()
        Image.fromarray(pixels).save(place / f"{name}.png")
    return place


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> papers.Reproduction:
    """Two seeds of everything, with its figures."""
    return papers.reproduce(
        "toderici2017",
        scale="smoke",
        seeds=2,
        data="digits",
        settings={**TINY, "photographs": str(folder), "photograph_count": 2},
        out=tmp_path_factory.mktemp("papers") / "toderici2017",
        progress=False,
        offline=True,
        jobs=2,
    )


def a_run(**changes: Any) -> Run:
    values = resolve(PAPER.options, "smoke", {**TINY, **changes})
    return Run("smoke", (0,), values, datasets.digits(), "cpu", "fp32", 1, None, True)


def test_what_is_compared() -> None:
    labels = [one.label for one in variants(a_run())]
    assert labels == [
        f"{cell}-{kind}"
        for cell in ("lstm", "gru")
        for kind in ("one_shot", "additive", "residual_scaling")
    ]
    assert len(variants(a_run(cells="lstm+gru+associative_lstm"))) == 9
    assert len(variants(a_run(cells="gru"))) == 3
    paper = resolve(PAPER.options, "paper")
    assert (paper.integer("iterations"), PAPER.seeds["paper"]) == (16, 3)
    assert paper.word("cells") == "lstm+gru"


def test_results_are_complete(whole: papers.Reproduction) -> None:
    results = read_results(whole.folder / "results.json")
    assert results == json.loads(json.dumps(whole.results))
    assert [one["id"] for one in results["claims"]] == list(CLAIMS)
    assert all(len(one["values"]) == 2 for one in results["claims"])
    assert (results["sizes"]["photographs"], results["sizes"]["tiles"]) == (2, 72 + 64)
    figures = {one["id"] for one in results["figures"]}
    assert {"rate_images", "rate_tiles", "rate_photographs", "areas", "pairs"} <= figures
    assert {"progressive_images", "progressive_networks", "progressive_photographs"} <= figures
    check_pictures(whole.folder, results)


def test_bits_are_packed_bytes(whole: papers.Reproduction) -> None:
    claims = {one["id"]: one for one in whole.results["claims"]}
    assert claims["bits_per_pixel"]["values"] == [0.125, 0.125]
    assert claims["bits_per_pixel"]["verdict"] == "agrees"
    codes = check_accounting(whole.results)
    assert [row["Iterations"] for row in codes] == NETWORKS * [1, 2, 3]
    assert [row["Packed (B)"] for row in codes] == NETWORKS * [16.0, 32.0, 48.0]
    # Packed bytes and entropy-coded ones decode to the same images.
    (note,) = (one["caption"] for one in whole.results["tables"] if one["id"] == "accounting")
    assert re.search(r"differs from what was measured by at most [01] of 255", note)
    rates = {
        (row["Network"], row["Iterations"]): row["PSNR (dB)"]
        for row in table(whole.results, "rates_images")
    }
    for row in codes:
        found = rates[row["What is stored"], row["Iterations"]]
        assert row["PSNR (dB)"] == pytest.approx(found, abs=1e-2)


def test_areas_are_those_of_the_rates(whole: papers.Reproduction) -> None:
    rates = [
        row for row in table(whole.results, "rates_images") if row["Network"] == "GRU, additive"
    ]
    (area,) = (
        row
        for row in table(whole.results, "areas")
        if row["Network"] == "GRU, additive" and row["Images"] == "digits, test"
    )
    for name in ("MS-SSIM", "SSIM", "PSNR (dB)"):
        # The area of the mean is the mean of the areas.
        expected = metrics.auc_over_rate(
            [row["Bits per pixel"] for row in rates], [row[name] for row in rates]
        )
        assert area[name] == pytest.approx(expected)
        assert area[f"{name}, low"] <= area[name] <= area[f"{name}, high"]


def test_pairs_are_paired(whole: papers.Reproduction) -> None:
    areas = {(row["Images"], row["Network"]): row for row in table(whole.results, "areas")}
    rows = table(whole.results, "pairs")
    assert len(rows) == 3 * (4 + 9)
    (row,) = (
        one
        for one in rows
        if one["Images"] == "photographs" and one["Pair"] == "LSTM − GRU, additive"
    )
    for name, column in (("MS-SSIM", "MS-SSIM"), ("PSNR", "PSNR (dB)")):
        ours, theirs = (areas["photographs", f"{cell}, additive"] for cell in ("LSTM", "GRU"))
        assert row[name] == pytest.approx(ours[column] - theirs[column])
        assert row[f"{name}, low"] <= row[name] <= row[f"{name}, high"]


def test_findings_say_what_two_seeds_allow(whole: papers.Reproduction) -> None:
    text = "\n".join(whole.results["findings"])
    assert "0.03 of the paper’s width" in text
    assert text.count("95 % interval of the difference") == 2 * 4
    assert "2 seeds" in text


def test_a_finished_run_is_read_again(
    whole: papers.Reproduction, folder: Path, no_figures: None
) -> None:
    again = papers.reproduce(
        "toderici2017",
        scale="smoke",
        seeds=2,
        data="digits",
        settings={**TINY, "photographs": str(folder), "photograph_count": 2},
        out=whole.folder,
        progress=False,
        offline=True,
        resume=True,
    )
    assert again.results["claims"] == whole.results["claims"]
    assert again.results["timings"]["stages"] == whole.results["timings"]["stages"]


def test_without_photographs_and_with_one_seed(tmp_path: Path, no_figures: None) -> None:
    found = papers.reproduce(
        "toderici2017",
        scale="smoke",
        data="digits",
        settings={**TINY, "cells": "gru", "iterations": 2, "epochs": 1},
        out=tmp_path / "run",
        progress=False,
        offline=True,
        jobs=2,
    ).results
    assert [one["id"] for one in found["claims"]] == list(CLAIMS)[:3]
    assert {row["Images"] for row in table(found, "areas")} == {"digits, test"}
    assert all(row["PSNR, low"] is None for row in table(found, "pairs"))
    text = "\n".join(found["findings"])
    assert "does not tell the two apart" in text
    assert "interval of" not in text


def test_what_a_difference_allows_to_say() -> None:
    pair = comparisons.Pair("one − other", "one", "other", (), (), True)
    clear = comparisons.verdict(pair, interval([-0.3, -0.31, -0.29]), ".2f")
    assert clear == (
        "other is 0.30 ahead of one (95 % interval of the difference −0.32 to −0.28, 3 seeds)"
    )
    unclear = comparisons.verdict(pair, interval([0.3, -0.1, 0.1]), ".2f")
    assert unclear.startswith("one and other are not told apart: one is 0.10 ahead (95 %")
    alone = comparisons.verdict(pair, interval([0.3]), ".2f")
    assert "does not tell the two apart" in alone


def test_bits_go_into_bytes_and_back() -> None:
    code = torch.tensor([1.0, -1.0, -1.0, 1.0, 1.0, 1.0, 1.0, 1.0, -1.0, 1.0]).reshape(2, 5)
    data = pack(code)
    assert data == bytes([0b10011111, 0b01000000])
    assert torch.equal(unpack(data, (2, 5)), code)


def test_shown_iterations() -> None:
    assert shown_iterations(16) == [1, 2, 4, 8, 16]
    assert shown_iterations(6) == [1, 2, 4, 6]
    assert shown_iterations(1) == [1]


def test_the_last_rung_is_the_reconstruction() -> None:
    network = models.toderici2017("gru", "additive", width=0.03, iterations=3)
    images = torch.stack([picture(32, 32, seed) for seed in range(4)])
    (found,) = ladder(network, images)
    assert found.shape == (3, 4, 3, 32, 32)
    assert (found[-1].int() - network.reconstruct(images).int()).abs().max() <= 1


def test_photographs_are_put_together_where_they_were_cut(tmp_path: Path) -> None:
    network = models.toderici2017("lstm", "residual_scaling", width=0.03, iterations=2)
    weights = {f"final/{name}": tensor for name, tensor in network.state_dict().items()}
    image = picture(64, 96)
    found = measure_photographs.function(
        context(tmp_path, crop=200, shown=1),
        Artifact(weights, {"spec": network.spec}),
        Photographs((image,), ("a",)),
    )
    expected = from_tiles(network.reconstruct(tiles(image)), (64, 96))
    assert (found["tiles-0"][-1].int() - expected.int()).abs().max() <= 1
    psnr = float(metrics.psnr(image[None], found["tiles-0"][-1][None]))
    assert found.data["photographs"]["psnr"][0][-1] == pytest.approx(psnr, abs=1e-6)
    assert found.data["bytes"] == [[6 * 16, 6 * 32]]
    assert found["whole-0"].shape == found["tiles-0"].shape == (2, 3, 64, 96)
    # Cells see across the borders of tiles in one of them only.
    assert not torch.equal(found["whole-0"], found["tiles-0"])


@pytest.mark.parametrize("codec", ["jpeg", "webp"])
def test_ordinary_codecs_take_real_bytes(codec: str, tmp_path: Path) -> None:
    image = picture(64, 96)
    poor, good = (sent(image, codec, quality) for quality in (2, 90))
    assert 40 < poor[0] < good[0] < image.numel()
    assert metrics.psnr(image[None], poor[1][None]) < metrics.psnr(image[None], good[1][None])
    found = peers.function(
        context(tmp_path, qualities=[90, 2]), Photographs((image,), ("a",))
    ).data[codec]
    assert [point["quality"] for point in found] == [2, 90]
    assert found[0]["rate"] == pytest.approx(8 * poor[0] / (64 * 96))


def test_images_of_each_purpose_are_apart() -> None:
    images = Images(a_run())
    assert (len(images.train), len(images.validation), len(images.test)) == (24, 8, 10)
    assert images.train.image_shape == (3, 32, 32)
    seen = {each.numpy().tobytes() for each in images.train.images}
    assert not seen & {each.numpy().tobytes() for each in images.validation.images}
    few = Images(a_run(images=3000, validation_images=1000))
    assert (len(few.train), len(few.validation)) == (1437 - 359, 359)


def test_where_photographs_come_from(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = photographs(a_run(photographs=str(folder), photograph_count=8))
    assert found is not None
    assert [tuple(image.shape) for image in found.images] == [(3, 256, 288), (3, 256, 256)]
    monkeypatch.setenv("IMGCOMP_DATA", str(folder))  # has no Kodak
    monkeypatch.setenv("IMGCOMP_CACHE", str(folder))
    assert photographs(a_run(photographs="auto")) is None
    with pytest.raises(DatasetNotFoundError, match="kodim03"):
        photographs(a_run(photographs="kodak"))


def test_stages_are_declared_once_for_each_network(folder: Path) -> None:
    declared = stages(a_run(photographs=str(folder)))
    kinds = [one.label.split("/")[0] for one in declared]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "train": NETWORKS,
        "measure": NETWORKS,
        "bytes": NETWORKS + 1,
        "photographs": NETWORKS,
        "peers": 2,
    }


def test_trainings_differ_in_the_network_alone() -> None:
    run = a_run()
    one, other = (network_config(run, "lstm", kind, 3) for kind in ("one_shot", "additive"))
    assert one["fit"] == other["fit"]
    assert one["fit"]["objective"] == "l1"
    assert one["spec"]["recurrence"] == {"iterations": 3, "reconstruction": "one_shot"}
    assert np.isclose(one["fit"]["lr"], 2e-3)
    with pytest.raises(UsageError, match="cell"):
        network_config(run, "transformer", "one_shot", 0)
