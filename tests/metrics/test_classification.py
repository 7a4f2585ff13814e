"""Precision, recall, F1 and confusion matrices: as scikit-learn has them, and as Keras counts."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

import imgcomp
from imgcomp.errors import UsageError
from imgcomp.metrics import confusion_matrix, precision_recall_f1
from imgcomp.models import buell2022


def test_literal_values():
    target, prediction = [0, 0, 1, 1, 2], [0, 1, 1, 1, 0]
    assert confusion_matrix(np.array(target), np.array(prediction), num_classes=3).tolist() == [
        [1, 1, 0],
        [0, 2, 0],
        [1, 0, 0],
    ]
    each = precision_recall_f1(np.array(target), np.array(prediction), num_classes=3, average=None)
    assert each.precision.tolist() == pytest.approx([1 / 2, 2 / 3, 0])
    assert each.recall.tolist() == pytest.approx([1 / 2, 1, 0])
    assert each.f1.tolist() == pytest.approx([1 / 2, 4 / 5, 0])
    macro = precision_recall_f1(torch.tensor(target), torch.tensor(prediction), num_classes=3)
    assert macro == pytest.approx((7 / 18, 1 / 2, 13 / 30))
    assert all(type(score) is float for score in macro)


@st.composite
def decisions(draw):
    classes = draw(st.integers(2, 6))
    number = st.integers(0, classes - 1)
    count = draw(st.integers(1, 40))
    lists = st.lists(number, min_size=count, max_size=count)
    return classes, np.array(draw(lists)), np.array(draw(lists))


@given(decisions(), st.sampled_from(["macro", "micro", "weighted", None]))
def test_equal_to_scikit_learn(case, average):
    classes, target, prediction = case
    expected = sklearn_metrics.precision_recall_fscore_support(
        target, prediction, labels=np.arange(classes), average=average, zero_division=0
    )
    ours = precision_recall_f1(target, prediction, num_classes=classes, average=average)
    for score, wanted in zip(ours, expected[:3], strict=True):
        np.testing.assert_allclose(np.asarray(score), wanted, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(
        confusion_matrix(target, prediction, num_classes=classes).numpy(),
        sklearn_metrics.confusion_matrix(target, prediction, labels=np.arange(classes)),
    )


@pytest.mark.parametrize(
    ("target", "prediction", "settings", "text"),
    [
        ([0, 3], [0, 1], {"num_classes": 3}, r"target must lie in 0…2, got 3"),
        ([0, 1], [0, -1], {"num_classes": 3}, r"prediction must lie in 0…2, got -1"),
        ([0, 1], [0, 1, 1], {"num_classes": 3}, r"2 values .* 3"),
        ([0.0, 1.0], [0, 1], {"num_classes": 3}, r"whole numbers"),
        ([[0, 1]], [[0, 1]], {"num_classes": 3}, r"\(1, 2\)"),
        ([0, 1], [0, 1], {"num_classes": 1}, r"num_classes"),
        ([0, 1], [0, 1], {"num_classes": 2, "average": "samples"}, r"'samples'"),
    ],
)
def test_refused(target, prediction, settings, text):
    with pytest.raises(UsageError, match=text):
        precision_recall_f1(np.array(target), np.array(prediction), **settings)


def test_nothing_to_score():
    nothing = np.zeros(0, dtype=np.int64)
    with pytest.raises(UsageError, match="empty"):
        precision_recall_f1(nothing, nothing, num_classes=2)


def keras_running(probabilities, labels, batch_size):
    """Keras' Precision() and Recall() with one-hot targets, after each batch of an epoch."""
    true_positives = predicted = positives = 0
    precision, recall = [], []
    for begin in range(0, len(labels), batch_size):
        chosen = probabilities[begin : begin + batch_size] > 0.5
        one_hot = np.eye(probabilities.shape[1], dtype=bool)[labels[begin : begin + batch_size]]
        true_positives += (chosen & one_hot).sum()
        predicted += chosen.sum()
        positives += one_hot.sum()
        precision.append(true_positives / predicted if predicted else 0.0)
        recall.append(true_positives / positives)
    return precision, recall


def test_running_precision_and_recall_are_those_of_keras():
    # lr=0: every batch sees the same network, trained so far that it decides some images.
    data = imgcomp.datasets.load("digits").train[:75]
    model = buell2022(seed=3)
    imgcomp.fit(model, data, epochs=12, batch_size=20, progress=False)
    history = imgcomp.fit(
        model, data, lr=0, batch_size=20, epochs=1, shuffle=False, log_batches=True,
        metrics=("precision", "recall"), validation=data, progress=False,
    )  # fmt: skip
    probabilities = torch.softmax(model.predict(data.images), 1).numpy()
    precision, recall = keras_running(probabilities, data.labels.numpy(), 20)
    assert len(set(precision)) > 1
    assert 0 < max(recall) < 1
    assert history.batches["running_precision"].tolist() == pytest.approx(precision)
    assert history.batches["running_recall"].tolist() == pytest.approx(recall)
    assert history["precision"][0] == history["val_precision"][0] == pytest.approx(precision[-1])
    assert history["recall"][0] == history["val_recall"][0] == pytest.approx(recall[-1])
    sizes = np.array([20, 20, 20, 15])
    losses = history.batches["loss"]
    assert history.batches["running_loss"].tolist() == pytest.approx(
        np.cumsum(losses * sizes) / np.cumsum(sizes)
    )


def test_nothing_decided_counts_zero():
    data = imgcomp.datasets.load("digits").train[:10]
    history = imgcomp.fit(
        buell2022(), data, lr=0, epochs=1, metrics=["precision", "recall"], progress=False
    )
    assert history["precision"][0] == history["recall"][0] == 0.0


@pytest.mark.parametrize("metrics", ["precision", ("f1",), ("recall", "recall")])
def test_other_metrics_are_refused(metrics):
    with pytest.raises(UsageError, match="metrics"):
        imgcomp.FitConfig(metrics=metrics)


def test_an_autoencoder_has_no_precision():
    with pytest.raises(UsageError, match="'mse' has no metric 'precision'"):
        imgcomp.fit(
            imgcomp.models.feng2018_ann(), imgcomp.datasets.load("digits").train[:10],
            metrics=("precision",), progress=False,
        )  # fmt: skip
