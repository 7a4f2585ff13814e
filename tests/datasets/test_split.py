import hashlib
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from imgcomp.datasets import Dataset, Split, proportional
from imgcomp.errors import DatasetError

CLASSES = ("cat", "dog", "eel")


def make(count=10, classes=CLASSES, shape=(1, 2, 3), labels=None, name="pets/train"):
    pixels = torch.arange(count * int(np.prod(shape))).remainder(256).to(torch.uint8)
    if labels is None:
        labels = torch.arange(count) % len(classes)
    return Split(pixels.reshape(count, *shape), torch.as_tensor(labels), classes, name)


def test_length_shape_and_texts():
    split = make()
    assert len(split) == 10
    assert split.image_shape == (1, 2, 3)
    assert split.class_counts == (4, 3, 3)
    assert repr(split) == "Split('pets/train', 10 x 1x2x3, 3 classes)"


def test_one_image_by_number():
    image, label = make()[4]
    assert image.tolist() == [[[24, 25, 26], [27, 28, 29]]]
    assert label == 1
    assert make()[-1][1] == 0
    with pytest.raises(IndexError, match="no image 10 among 10"):
        make()[10]


def test_iteration_gives_images_with_labels():
    labels = [label for _, label in make(4)]
    assert labels == [0, 1, 2, 0]


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (slice(2, 5), [2, 3, 4]),
        (slice(None, None, 4), [0, 4, 8]),
        (slice(None, None, -3), [9, 6, 3, 0]),
        (slice(8, 100), [8, 9]),
        ([7, 0, 7], [7, 0, 7]),
        ([-1, -10], [9, 0]),
        (np.array([3, 1]), [3, 1]),
        (np.array([3, 1], dtype=np.uint8), [3, 1]),
        (torch.tensor([5]), [5]),
        (torch.tensor([], dtype=torch.int64), []),
        ([], []),
        (np.arange(10) > 7, [8, 9]),
        (torch.arange(10) < 2, [0, 1]),
    ],
)
def test_every_kind_of_index(index, expected):
    split = make()
    chosen = split[index]
    assert chosen.images[:, 0, 0, 0].tolist() == [6 * i for i in expected]
    assert chosen.labels.tolist() == [i % 3 for i in expected]
    assert chosen.images.is_contiguous()
    assert chosen.classes == CLASSES
    assert chosen.name == split.name


@pytest.mark.parametrize(
    ("index", "error", "text"),
    [
        ([10], IndexError, "no image 10 among 10"),
        ([-11], IndexError, "no image -11"),
        (np.array([True, False]), DatasetError, r"mask of shape \(10,\), got \(2,\)"),
        (np.array([0.5]), DatasetError, "expected a slice, positions or a mask"),
        (np.zeros((2, 2), dtype=int), DatasetError, "expected a slice, positions or a mask"),
    ],
)
def test_a_bad_index_is_refused(index, error, text):
    with pytest.raises(error, match=text):
        make()[index]


def test_a_slice_shares_memory():
    split = make()
    assert split[2:].images.data_ptr() == split.images[2:].data_ptr()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"images": torch.zeros(2, 1, 2, 2)}, "images as torch.uint8 of shape .N, C, H, W."),
        ({"images": torch.zeros(2, 2, 2, dtype=torch.uint8)}, r"got torch.uint8 of shape \(2, 2"),
        ({"images": torch.zeros(3, 1, 2, 2, dtype=torch.uint8)}, "got 3 images and 2 labels"),
        ({"images": torch.zeros(2, 1, 0, 2, dtype=torch.uint8)}, "images with pixels"),
        ({"images": np.zeros((2, 1, 2, 2), np.uint8)}, "as a torch.Tensor, got ndarray"),
        ({"labels": torch.zeros(2)}, "labels as torch.int64"),
        ({"labels": torch.tensor([0, 3])}, "labels from 0 to 2, got 3 for image 1"),
        ({"labels": torch.tensor([-1, 0])}, "got -1 for image 0"),
        ({"classes": ("a", "b", "a")}, "'a' twice"),
        ({"classes": (1, 2, 3)}, "class names to be str"),
    ],
)
def test_what_does_not_fit_is_refused(change, text):
    good = {
        "images": torch.zeros(2, 1, 2, 2, dtype=torch.uint8),
        "labels": torch.tensor([0, 1]),
        "classes": CLASSES,
    }
    with pytest.raises(DatasetError, match=text):
        Split(**{**good, **change})


def test_an_empty_split_is_allowed():
    empty = make()[:0]
    assert len(empty) == 0
    assert empty.class_counts == (0, 0, 0)
    assert empty.subset(0).fingerprint == empty.fingerprint


def test_it_cannot_be_changed():
    with pytest.raises(AttributeError):
        make().name = "another"


def test_fingerprint_formula():
    split = make(2, labels=[2, 1])
    expected = hashlib.sha256(
        b"imgcomp split 1 2x1x2x3\n" + bytes(range(12)) + bytes([2, *[0] * 7, 1, *[0] * 7])
    ).hexdigest()
    assert split.fingerprint == expected
    assert split.fingerprint is split.fingerprint  # kept


def test_fingerprint_tells_pixels_labels_order_and_shape_apart():
    split = make()
    pixel = split.images.clone()
    pixel[3, 0, 1, 1] += 1
    others = [
        Split(pixel, split.labels, CLASSES),
        Split(split.images, split.labels.flip(0), CLASSES),
        split[np.arange(9, -1, -1)],
        Split(split.images.reshape(10, 1, 3, 2), split.labels, CLASSES),
        split[:9],
    ]
    prints = {other.fingerprint for other in others}
    assert len(prints) == 5
    assert split.fingerprint not in prints
    assert Split(split.images, split.labels, CLASSES, "x").fingerprint == split.fingerprint


def test_fingerprint_of_a_strided_view():
    split = make()
    view = split[::2]
    assert view.fingerprint == split[[0, 2, 4, 6, 8]].fingerprint


def test_pickle_and_back():
    split = make()
    assert pickle.loads(pickle.dumps(split)).fingerprint == split.fingerprint


def test_seeded_split_has_known_images():
    # Frozen: the choice must never change, or cached and published results would.
    first, second = make().split(0.8, seed=0)
    assert second.images[:, 0, 0, 0].tolist() == [0, 30]
    assert (len(first), len(second)) == (8, 2)
    assert make().split(0.5, seed=1)[0].images[:, 0, 0, 0].tolist() == [0, 12, 24, 36, 54]


@given(st.integers(0, 40), st.floats(0, 1), st.integers(0, 2**32 - 1), st.booleans())
def test_the_parts_of_a_split_are_the_whole(count, fraction, seed, stratified):
    split = make(count)
    first, second = split.split(fraction, seed, stratified)
    assert len(first) == int(fraction * count + 0.5)
    together = torch.cat([first.images, second.images])[:, 0, 0, 0].tolist()
    assert sorted(together) == sorted(split.images[:, 0, 0, 0].tolist())
    again, _ = split.split(fraction, seed, stratified)
    assert again.fingerprint == first.fingerprint


@pytest.mark.parametrize("fraction", [-0.1, 1.5, float("nan")])
def test_split_refuses_a_wrong_fraction(fraction):
    with pytest.raises(DatasetError, match="fraction from 0 to 1"):
        make().split(fraction)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_refused(seed):
    with pytest.raises(DatasetError, match="seed from 0"):
        make().subset(2, seed)


def test_different_seeds_differ():
    assert make(40).subset(10, 1).fingerprint != make(40).subset(10, 2).fingerprint


def test_stratified_subset_keeps_shares():
    labels = [0] * 60 + [1] * 30 + [2] * 10
    subset = make(100, labels=labels).subset(10, seed=3)
    assert subset.class_counts == (6, 3, 1)
    assert subset.labels.tolist() == sorted(subset.labels.tolist())  # original order


def test_largest_remainders_get_what_is_left():
    assert make(10).subset(5).class_counts == (2, 2, 1)  # shares 2, 1.5, 1.5


@given(st.lists(st.integers(0, 2), min_size=1, max_size=60), st.data())
def test_stratified_counts_are_within_one_of_the_exact_share(labels, data):
    split = make(len(labels), labels=labels)
    n = data.draw(st.integers(0, len(labels)))
    subset = split.subset(n, seed=data.draw(st.integers(0, 99)))
    assert len(subset) == n
    for got, there in zip(subset.class_counts, split.class_counts, strict=True):
        assert abs(got - there * n / len(labels)) < 1
        assert got <= there


def test_unstratified_subset_leaves_shares_to_chance():
    labels = [0] * 50 + [1] * 50
    counts = {
        make(100, labels=labels).subset(10, s, stratified=False).class_counts for s in range(9)
    }
    assert len(counts) > 1


@pytest.mark.parametrize("method", ["take", "subset"])
def test_more_images_than_there_are_is_refused(method):
    with pytest.raises(DatasetError, match="at most 10 images, asked for 11"):
        getattr(make(), method)(11)
    with pytest.raises(DatasetError, match="asked for -1"):
        getattr(make(), method)(-1)


def test_take_gives_the_first():
    assert make().take(3).fingerprint == make()[:3].fingerprint


@pytest.mark.parametrize(
    ("n", "full", "available", "expected"),
    [
        (5_000, 60_000, 60_000, 5_000),
        (5_000, 60_000, 1_437, 120),  # 119.75
        (2_000, 10_000, 360, 72),
        (5_000, 60_000, 100_000, 5_000),
        (1, 60_000, 360, 1),  # at least one
        (60_000, 60_000, 1_437, 1_437),
        (1, 2, 1, 1),  # half is rounded up
    ],
)
def test_split_sizes_shrink_in_proportion(n, full, available, expected):
    assert proportional(n, full, available) == expected


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(1, 10**6))
def test_a_share_is_never_empty_or_too_large(n, full, available):
    n, full = min(n, full), max(n, full)
    share = proportional(n, full, available)
    assert 1 <= share <= min(n, available)


@pytest.mark.parametrize("arguments", [(0, 5, 5), (6, 5, 5), (1, 5, 0)])
def test_a_share_of_nothing_is_refused(arguments):
    with pytest.raises(DatasetError, match="expected"):
        proportional(*arguments)


def test_take_proportional():
    assert len(make().take_proportional(500, 1_000)) == 5
    assert len(make().take_proportional(5, 10)) == 5


def test_joining_unites_classes_of_the_same_name():
    left = make(3)
    right = make(4, classes=("fox", "dog"), name="wild/train")
    both = left + right
    assert both.classes == ("cat", "dog", "eel", "fox")
    assert both.labels.tolist() == [0, 1, 2, 3, 1, 3, 1]
    assert both.name == "pets/train+wild/train"
    assert torch.equal(both.images[3:], right.images)


def test_images_of_different_shape_are_not_joined():
    with pytest.raises(DatasetError, match=r"one shape, got \(1, 2, 3\) and \(3, 2, 1\)"):
        make() + make(shape=(3, 2, 1))


def test_a_split_is_joined_with_splits_only():
    with pytest.raises(TypeError):
        make() + 1
    with pytest.raises(TypeError):
        Dataset("a", make(), make()) + make()


def test_data_set_of_two_splits():
    data = Dataset("pets", make(), make(4))
    assert data.classes == CLASSES
    assert data.image_shape == (1, 2, 3)
    assert repr(data) == "Dataset('pets', 10 + 4 x 1x2x3, 3 classes)"
    both = data + data
    assert (len(both.train), len(both.test), both.name) == (20, 8, "pets+pets")
    assert data.fingerprint != Dataset("pets", make(4), make()).fingerprint


def test_data_set_of_unlike_splits_is_refused():
    with pytest.raises(DatasetError, match="same classes"):
        Dataset("pets", make(), make(classes=("x", "y", "z")))
    with pytest.raises(DatasetError, match="same image_shape"):
        Dataset("pets", make(), make(shape=(1, 1, 1)))
