"""Photographs of several sizes: Kodak's by content, folders of one's own, tiles and back."""

import hashlib

import numpy as np
import pytest
import torch
from picture_files import save

from imgcomp import datasets
from imgcomp.datasets import Photographs, _photographs
from imgcomp.errors import CorruptDataError, DatasetError, DatasetNotFoundError


def pixels(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def known(monkeypatch, tmp_path):
    """A folder with two pictures in the place of Kodak's, and what is known of them."""
    table = {}
    for number, size in enumerate(((4, 6), (6, 4)), start=1):
        image = pixels(*size, number)
        save(tmp_path / "data" / "kodak" / f"kodim0{number}.png", image)
        digest = hashlib.sha256(f"{size[0]}x{size[1]}".encode() + image.tobytes())
        table[f"kodim0{number}"] = digest.hexdigest()
    monkeypatch.setattr(_photographs, "_KODAK", table)
    return tmp_path / "data"


def test_kodak_is_found_where_data_are_looked_for(known, cache, monkeypatch):
    given = datasets.kodak(known)
    assert [tuple(image.shape) for image in given.images] == [(3, 4, 6), (3, 6, 4)]
    assert given.images[0][:, 1, 2].tolist() == pixels(4, 6, 1)[1, 2].tolist()
    assert given.names == ("kodim01", "kodim02")
    assert datasets.kodak(known / "kodak").fingerprint == given.fingerprint
    monkeypatch.setenv("IMGCOMP_DATA", str(known))
    assert datasets.kodak().fingerprint == given.fingerprint
    monkeypatch.delenv("IMGCOMP_DATA")
    with pytest.raises(DatasetNotFoundError, match=r"kodim01\.png.* set IMGCOMP_DATA"):
        datasets.kodak()
    cache.parent.mkdir(exist_ok=True)
    known.rename(cache)
    assert datasets.kodak().fingerprint == given.fingerprint


def test_an_altered_or_missing_kodak_picture_is_named(known):
    file = known / "kodak" / "kodim02.png"
    save(file, pixels(6, 4, 9))
    with pytest.raises(CorruptDataError, match=r"kodim02\.png.*altered"):
        datasets.kodak(known)
    file.unlink()
    with pytest.raises(DatasetNotFoundError, match=r"expected kodim02\.png beside kodim01\.png"):
        datasets.kodak(known)


@pytest.mark.needs_data
def test_the_real_kodak_pictures(data_root):
    if not (data_root / "kodak").is_dir():
        pytest.skip("there is no folder kodak")
    found = datasets.kodak(data_root)
    shapes = {tuple(image.shape) for image in found.images}
    assert len(found) == 8
    assert shapes == {(3, 512, 768), (3, 768, 512)}


def test_a_folder_of_ones_own(tmp_path):
    save(tmp_path / "b.png", pixels(5, 7))
    save(tmp_path / "a.png", pixels(3, 3)[..., 0])
    (tmp_path / "notes.txt").write_text("no picture")
    found = datasets.photographs(tmp_path)
    assert found.names == ("a", "b")
    assert [tuple(image.shape) for image in found.images] == [(3, 3, 3), (3, 5, 7)]
    assert torch.equal(found.images[0][0], found.images[0][2])
    with pytest.raises(DatasetNotFoundError, match="there is nothing"):
        datasets.photographs(tmp_path / "other")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="expected pictures, got none"):
        datasets.photographs(tmp_path / "empty")


def test_fingerprints_tell_pixels_shapes_and_order_apart():
    one, other = torch.zeros(3, 2, 4, dtype=torch.uint8), torch.ones(3, 4, 2, dtype=torch.uint8)
    prints = {
        Photographs(images, ("a", "b")).fingerprint
        for images in ((one, other), (other, one), (one, one), (one.reshape(3, 4, 2), other))
    }
    assert len(prints) == 4
    again = Photographs((one.clone(), other), ("x", "y"), "else").fingerprint
    assert again == Photographs((one, other), ("a", "b")).fingerprint


def test_what_is_no_photograph_is_refused():
    gray = torch.zeros(1, 4, 4, dtype=torch.uint8)
    with pytest.raises(DatasetError, match=r"shape \(3, H, W\)"):
        Photographs((gray,), ("a",))
    with pytest.raises(DatasetError, match="a name for each"):
        Photographs((), ())
    one = Photographs((gray.repeat(3, 1, 1),), ("a",))
    with pytest.raises(DatasetError, match="1 to 1 photographs, asked for 2"):
        one.take(2)
    with pytest.raises(DatasetError, match="at least 5x5 pixels, a has 4x4"):
        one.cropped(5)


def test_tiles_go_row_by_row_and_back():
    image = torch.arange(3 * 4 * 6).reshape(3, 4, 6)
    cut = datasets.tiles(image, 2)
    assert cut.shape == (6, 3, 2, 2)
    assert torch.equal(cut[1], image[:, :2, 2:4])
    assert torch.equal(cut[5], image[:, 2:, 4:])
    assert torch.equal(datasets.from_tiles(cut, (4, 6)), image)
    with pytest.raises(DatasetError, match="multiples of 4 pixels, got 4x6"):
        datasets.tiles(image, 4)
    with pytest.raises(DatasetError, match="fill 4x4 pixels, got 6 of 2x2"):
        datasets.from_tiles(cut, (4, 4))


def test_cropping_keeps_the_centre():
    image = torch.arange(3 * 5 * 7).reshape(3, 5, 7).to(torch.uint8)
    cut = Photographs((image,), ("a",)).cropped(2).images[0]
    assert torch.equal(cut, image[:, :4, :6])
    assert torch.equal(Photographs((image,), ("a",)).cropped(3).images[0], image[:, 1:4, :6])
