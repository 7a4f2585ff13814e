"""How a folder of pictures becomes images and labels."""

import io

import numpy as np
import pytest
import torch
from picture_files import COLOUR, GRAY, png, save
from PIL import Image

from imgcomp.datasets import from_folder, load
from imgcomp.errors import DatasetError


def read(folder, **options):
    """The one picture in a folder, as an array (C, H, W)."""
    return from_folder(folder, test_fraction=0, **options).train.images[0].numpy()


def test_class_folders_in_order_of_their_names(tmp_path):
    for label, value in (("dog", 3), ("cat", 1), ("10", 5), ("2", 7)):
        for number in (2, 1):
            save(tmp_path / label / f"{number}.png", np.full((3, 4), value + number, np.uint8))
    data = from_folder(tmp_path, test_fraction=0)
    assert data.classes == ("10", "2", "cat", "dog")
    assert data.name == tmp_path.name
    assert data.train.labels.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert data.train.images[:, 0, 0, 0].tolist() == [6, 7, 8, 9, 2, 3, 4, 5]
    assert data.train.images.shape == (8, 1, 3, 4)


def test_train_and_test_folders(tmp_path):
    save(tmp_path / "train" / "a" / "1.png", GRAY)
    save(tmp_path / "train" / "b" / "1.png", GRAY)
    save(tmp_path / "test" / "b" / "1.png", GRAY // 2)
    data = from_folder(tmp_path, name="mine")
    assert (data.train.name, data.test.name) == ("mine/train", "mine/test")
    assert data.classes == ("a", "b")
    assert data.test.labels.tolist() == [1]


def test_pictures_without_classes(tmp_path):
    for number in range(10):
        save(tmp_path / f"{number}.png", GRAY + number)
    data = from_folder(tmp_path)
    assert data.classes == ("image",)
    assert (len(data.train), len(data.test)) == (8, 2)
    assert load(f"{tmp_path}/").fingerprint == data.fingerprint


def test_a_stratified_part_becomes_the_test_images(tmp_path):
    for label in "ab":
        for number in range(5):
            save(tmp_path / label / f"{number}.png", GRAY + number)
    data = from_folder(tmp_path, test_fraction=0.4, seed=3)
    assert data.test.class_counts == (2, 2)
    assert from_folder(tmp_path, test_fraction=0.4, seed=3).fingerprint == data.fingerprint


def test_notes_and_hidden_files_are_passed_over(tmp_path):
    save(tmp_path / "a" / "1.png", GRAY)
    for name in ("a/.DS_Store", "a/Thumbs.db", "README.md", ".git/config", "a/labels.CSV"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("?")
    assert len(from_folder(tmp_path, test_fraction=0).train) == 1


# How pictures become pixels


@pytest.mark.parametrize("suffix", ["png", "bmp", "gif", "tif", "webp", "pgm", "PNG"])
def test_gray(tmp_path, suffix):
    options = {"lossless": True} if suffix == "webp" else {}
    save(tmp_path / f"1.{suffix}", GRAY, **options)
    pixels = read(tmp_path)
    if suffix == "webp":  # which knows no gray
        assert pixels.shape == (3, 3, 4)
    else:
        assert pixels.shape == (1, 3, 4)
    assert (pixels == GRAY).all()


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp", "ppm"])
def test_colour(tmp_path, suffix):
    options = {"lossless": True} if suffix == "webp" else {}
    save(tmp_path / f"1.{suffix}", COLOUR, **options)
    assert (read(tmp_path) == COLOUR.transpose(2, 0, 1)).all()


def test_jpeg(tmp_path):
    save(tmp_path / "1.jpg", np.full((8, 8, 3), (200, 100, 50), np.uint8), quality=95)
    pixels = read(tmp_path)
    assert pixels.shape == (3, 8, 8)
    assert np.abs(pixels.astype(int) - np.array([200, 100, 50])[:, None, None]).max() <= 3


def test_black_and_white(tmp_path):
    save(tmp_path / "1.png", GRAY, "1")
    assert set(np.unique(read(tmp_path))) <= {0, 255}


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_gray_of_few_bits_is_spread_to_255(tmp_path, depth):
    top = (1 << depth) - 1
    row = bytes([top << (8 - depth)])  # one full pixel, then black ones
    (tmp_path / "1.png").write_bytes(png(8 // depth, 1, depth, 0, [row]))
    assert read(tmp_path)[0, 0].tolist() == [255] + [0] * (8 // depth - 1)


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_gray_of_16_bits_is_scaled_and_rounded(tmp_path, suffix):
    values = np.array([[0, 1, 128, 129], [257, 32767, 32768, 65535]], np.uint16)
    save(tmp_path / f"1.{suffix}", values)
    # v * 255 / 65535: 128 / 257 = 0.498, 129 / 257 = 0.502
    assert read(tmp_path)[0].tolist() == [[0, 0, 0, 1], [1, 127, 128, 255]]


def test_a_palette_of_colours(tmp_path):
    picture = Image.fromarray(COLOUR).quantize(8)
    save(tmp_path / "1.png", picture)
    assert (read(tmp_path) == np.array(picture.convert("RGB")).transpose(2, 0, 1)).all()


def test_a_palette_of_grays_is_gray(tmp_path):
    save(tmp_path / "1.png", GRAY, "P")
    assert (read(tmp_path) == GRAY[None]).all()


def test_gray_in_three_channels_stays_in_three(tmp_path):
    save(tmp_path / "1.png", GRAY, "RGB")
    assert read(tmp_path).shape == (3, 3, 4)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_an_opaque_alpha_channel_is_dropped(tmp_path, mode):
    save(tmp_path / "1.png", GRAY, mode)
    assert read(tmp_path).shape[0] == (1 if mode == "LA" else 3)
    assert (read(tmp_path) == GRAY).all()


def transparent(mode):
    rgba = np.dstack([COLOUR, np.full((3, 4), 255, np.uint8)])
    rgba[0, 0] = (200, 100, 0, 51)  # a fifth
    rgba[2, 3, 3] = 0
    return Image.fromarray(rgba).convert(mode)


def test_transparent_pixels_are_refused_or_put_on_a_background(tmp_path):
    path = save(tmp_path / "1.png", transparent("RGBA"))
    with pytest.raises(DatasetError, match=f"{path}: expected an opaque picture, got transparent"):
        from_folder(tmp_path)
    pixels = read(tmp_path, background=(255, 0, 10))
    assert pixels[:, 0, 0].tolist() == [244, 20, 8]  # 0.2 * colour + 0.8 * background
    assert pixels[:, 2, 3].tolist() == [255, 0, 10]
    assert (pixels[:, 1] == COLOUR.transpose(2, 0, 1)[:, 1]).all()


def test_transparent_gray(tmp_path):
    save(tmp_path / "1.png", transparent("LA"))
    with pytest.raises(DatasetError, match="transparent"):
        from_folder(tmp_path)
    assert read(tmp_path, background=(9, 9, 9)).shape[0] == 1
    assert read(tmp_path, background=(9, 9, 9))[0, 2, 3] == 9
    assert read(tmp_path, background=(9, 0, 9))[:, 2, 3].tolist() == [9, 0, 9]


@pytest.mark.parametrize("suffix", ["png", "gif"])
def test_a_transparent_palette_entry(tmp_path, suffix):
    picture = Image.fromarray(COLOUR).quantize(8)
    save(tmp_path / f"1.{suffix}", picture, transparency=picture.getpixel((0, 0)))
    with pytest.raises(DatasetError, match="transparent"):
        from_folder(tmp_path)
    assert read(tmp_path, background=(1, 2, 3))[:, 0, 0].tolist() == [1, 2, 3]


def test_a_transparent_colour_that_is_not_used_is_harmless(tmp_path):
    (tmp_path / "1.png").write_bytes(
        png(2, 1, 8, 0, [bytes([5, 6])], (b"tRNS", b"\0\7"))  # gray 7 is transparent
    )
    assert read(tmp_path).tolist() == [[[5, 6]]]
    (tmp_path / "1.png").write_bytes(png(2, 1, 8, 0, [bytes([5, 7])], (b"tRNS", b"\0\7")))
    with pytest.raises(DatasetError, match="transparent"):
        from_folder(tmp_path)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_exif_rotation_is_applied(tmp_path, orientation, suffix):
    exif = Image.Exif()
    exif[274] = orientation
    options = {"lossless": True} if suffix == "webp" else {}
    save(tmp_path / f"1.{suffix}", COLOUR, exif=exif, **options)
    turned = {  # what the stored rows and columns stand for, by EXIF's definition
        1: COLOUR,
        2: COLOUR[:, ::-1],
        3: COLOUR[::-1, ::-1],
        4: COLOUR[::-1],
        5: COLOUR.transpose(1, 0, 2),
        6: COLOUR.transpose(1, 0, 2)[:, ::-1],
        7: COLOUR.transpose(1, 0, 2)[::-1, ::-1],
        8: COLOUR.transpose(1, 0, 2)[::-1],
    }[orientation]
    assert (read(tmp_path) == turned.transpose(2, 0, 1)).all()


def test_colour_and_gray_together(tmp_path):
    save(tmp_path / "1.png", GRAY)
    save(tmp_path / "2.png", COLOUR)
    images = from_folder(tmp_path, test_fraction=0).train.images.numpy()
    assert (images[0] == GRAY).all()
    assert (images[1] == COLOUR.transpose(2, 0, 1)).all()


def test_colour_to_gray_on_request(tmp_path):
    save(tmp_path / "1.png", np.full((2, 2, 3), (255, 0, 0), np.uint8))
    assert read(tmp_path, channels=1).tolist() == [[[76, 76], [76, 76]]]  # 0.299 * 255
    save(tmp_path / "1.png", GRAY)
    assert (read(tmp_path, channels=3) == np.stack([GRAY] * 3)).all()


def test_pictures_of_one_size_on_request(tmp_path):
    wide = np.zeros((10, 30), np.uint8)
    wide[:, 10:20] = 200  # the middle third is what is left
    save(tmp_path / "1.png", wide)
    save(tmp_path / "2.png", np.full((5, 5), 77, np.uint8))
    images = from_folder(tmp_path, size=(5, 5), test_fraction=0).train.images
    assert images.shape == (2, 1, 5, 5)
    assert images[0, 0, :, 2].tolist() == pytest.approx([200] * 5, abs=2)
    assert images[0].min() > 180  # nothing of the black sides
    assert torch.all(images[1] == 77)


def test_a_class_missing_in_the_test_folder_is_fine(tmp_path):
    save(tmp_path / "train" / "a" / "1.png", GRAY)
    save(tmp_path / "test" / "z" / "1.png", GRAY)
    data = from_folder(tmp_path)
    assert data.classes == ("a", "z")
    assert data.train.class_counts == (1, 0)


def test_an_mpo_file_gives_its_first_picture(tmp_path):
    frames = [Image.fromarray(np.full((8, 8, 3), v, np.uint8)) for v in (40, 200)]
    stream = io.BytesIO()
    frames[0].save(stream, "MPO", save_all=True, append_images=frames[1:])
    (tmp_path / "1.jpg").write_bytes(stream.getvalue())
    with Image.open(tmp_path / "1.jpg") as image:
        assert image.format == "MPO"
    assert np.abs(read(tmp_path).astype(int) - 40).max() <= 2
