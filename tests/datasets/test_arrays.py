import numpy as np
import pytest
import torch
from dataset_files import random_images

from imgcomp.datasets import from_arrays, read_idx
from imgcomp.errors import DatasetError

LABELS = [0, 1] * 10


@pytest.mark.parametrize(
    ("shape", "layout", "expected"),
    [
        ((6, 5), None, (1, 6, 5)),
        ((1, 6, 5), None, (1, 6, 5)),
        ((3, 6, 5), None, (3, 6, 5)),
        ((6, 5, 3), None, (3, 6, 5)),
        ((6, 5, 1), None, (1, 6, 5)),
        ((3, 6, 3), "NHWC", (3, 3, 6)),
        ((3, 6, 3), "NCHW", (3, 6, 3)),
        ((4, 6, 5), "NCHW", (4, 6, 5)),
    ],
)
@pytest.mark.parametrize("kind", ["numpy", "torch"])
def test_layouts(shape, layout, expected, kind):
    images = random_images(20, shape)
    given = torch.from_numpy(images) if kind == "torch" else images
    data = from_arrays(given, LABELS, layout=layout, test_fraction=0)
    assert data.image_shape == expected
    last = shape[-1] == expected[0] and len(shape) == 3 and expected != shape
    right = images.transpose(0, 3, 1, 2) if last else images.reshape(20, *expected)
    assert (data.train.images.numpy() == right).all()
    assert data.train.images.is_contiguous()


def test_the_arrays_are_copied():
    images, labels = random_images(4, (2, 2)), np.array([0, 1, 0, 1])
    data = from_arrays(images, labels, test_fraction=0)
    before = data.train.fingerprint
    images[:] = 0
    labels[:] = 1
    assert (
        from_arrays(data.train.images, data.train.labels, test_fraction=0).train.fingerprint
        == before
    )


def test_test_images_of_ones_own():
    data = from_arrays(
        random_images(4, (2, 2)),
        [0, 1, 2, 0],
        test_images=random_images(2, (2, 2)),
        test_labels=np.array([3, 0], np.uint8),
        name="mine",
    )
    assert data.classes == ("0", "1", "2", "3")
    assert (data.train.name, data.test.name) == ("mine/train", "mine/test")
    assert data.test.labels.tolist() == [3, 0]


def test_a_stratified_part_becomes_the_test_images():
    data = from_arrays(random_images(20, (2, 2)), LABELS, classes=["cat", "dog"])
    assert data.train.class_counts == (8, 8)
    assert data.test.class_counts == (2, 2)
    again = from_arrays(random_images(20, (2, 2)), LABELS, classes=["cat", "dog"])
    assert again.fingerprint == data.fingerprint
    other = from_arrays(random_images(20, (2, 2)), LABELS, classes=["cat", "dog"], seed=1)
    assert other.fingerprint != data.fingerprint


def test_images_without_labels():
    data = from_arrays(random_images(20, (2, 2)), test_images=random_images(3, (2, 2)))
    assert data.classes == ("image",)
    assert data.train.labels.tolist() == [0] * 20


def test_no_test_images():
    data = from_arrays(random_images(4, (2, 2)), [0, 0, 1, 1], test_fraction=0)
    assert (len(data.train), len(data.test)) == (4, 0)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"images": np.zeros((20, 2, 2))}, "images as uint8 with values 0 to 255, got float64"),
        ({"images": np.zeros((20, 2, 2), int)}, "got int64"),
        ({"images": np.zeros((20, 2), np.uint8)}, r"expected images of shape .* got \(20, 2\)"),
        ({"images": np.zeros((20, 3, 5, 3), np.uint8)}, "cannot tell the channels' axis"),
        ({"images": np.zeros((20, 4, 5, 6), np.uint8)}, "cannot tell the channels' axis"),
        ({"layout": "NCHW"}, r"got layout 'NCHW' and shape \(20, 2, 2\)"),
        ({"layout": "HW"}, "layout NHW, NCHW or NHWC"),
        ({"labels": [0] * 19}, "got 20 images and 19 labels"),
        ({"labels": [0.0] * 20}, "labels as whole numbers of shape .20,., got float64"),
        ({"labels": [[0]] * 20}, r"of shape \(20, 1\)"),
        ({"labels": [True] * 20}, "got bool"),
        ({"labels": [-1] * 20}, "labels counted from 0, got -1"),
        ({"labels": [10**9] * 20}, "labels counted from 0, got 1000000000"),
        ({"labels": np.full(20, 2**63, np.uint64)}, "counted from 0, got 9223372036854775808"),
        ({"classes": ["cat"]}, "labels from 0 to 0, got 1"),
        ({"classes": ["cat", "cat"]}, "'cat' twice"),
        ({"test_fraction": 1.0}, "0 <= test_fraction < 1, got 1.0"),
        ({"test_fraction": float("nan")}, "0 <= test_fraction < 1"),
        ({"test_labels": [0]}, "test_images with test_labels"),
        ({"test_images": random_images(2, (2, 2))}, "both training and test or for neither"),
        (
            {"test_images": random_images(2, (3, 3)), "test_labels": [0, 1]},
            "same image_shape for training and test",
        ),
    ],
)
def test_what_does_not_fit_is_refused(arguments, text):
    with pytest.raises(DatasetError, match=text):
        from_arrays(**{"images": random_images(20, (2, 2)), "labels": LABELS, **arguments})


@pytest.mark.needs_data
def test_with_idx_files_read_by_hand(data_root):
    folder = data_root / "mnist"
    data = from_arrays(
        read_idx(folder / "t10k-images-idx3-ubyte.gz"),
        read_idx(folder / "t10k-labels-idx1-ubyte.gz"),
        name="mine",
    )
    assert len(data.train) + len(data.test) == 10_000
    assert data.image_shape == (1, 28, 28)
