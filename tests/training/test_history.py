"""History: a mapping of columns that goes to JSON, pandas and a plot and comes back."""

import json
import math

import matplotlib.axes
import matplotlib.pyplot as plt
import numpy as np
import pytest
from training_runs import IMAGES, fit, tiny

import imgcomp
from imgcomp import History


@pytest.fixture(scope="module")
def history():
    return fit(tiny(), epochs=3, validation=IMAGES[:5], log_batches=True, keep_best="val_loss")


def test_it_is_a_mapping(history):
    assert len(history) == len(list(history)) == 9
    assert "loss" in history
    assert "accuracy" not in history
    assert set(history.keys()) == set(history)
    assert history.get("accuracy") is None
    assert dict(history)["loss"].tolist() == history["loss"].tolist()
    with pytest.raises(KeyError, match=r"'accuracy'; the columns are: .*loss"):
        history["accuracy"]


def test_it_goes_through_json_unchanged(history, tmp_path):
    path = tmp_path / "sub" / "history.json"
    text = history.to_json(path)
    assert path.read_text() == text
    again = History.from_dict(json.loads(text))
    assert again == history
    for name, column in history.items():
        assert again[name].dtype == np.float64
        np.testing.assert_array_equal(again[name], column)
    for name, column in history.batches.items():
        np.testing.assert_array_equal(again.batches[name], column)
    assert again.best_epoch == history.best_epoch
    assert again.stopped_early == history.stopped_early


def test_values_that_json_cannot_say_come_back():
    odd = History({"epoch": [1, 2, 3], "psnr": [math.inf, math.nan, -math.inf]})
    text = odd.to_json()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    again = History.from_dict(json.loads(text))
    np.testing.assert_array_equal(again["psnr"], [math.inf, math.nan, -math.inf])
    assert again == odd


def test_equality():
    first = History({"epoch": [1.0], "loss": [0.5]})
    assert first == History({"epoch": [1], "loss": [0.5]})
    assert first != History({"epoch": [1.0], "loss": [0.25]})
    assert first != History({"epoch": [1.0]})
    assert first != History({"epoch": [1.0], "loss": [0.5]}, best_epoch=1)
    assert first != {"epoch": [1.0], "loss": [0.5]}


def test_pandas(history):
    table = history.to_pandas()
    assert table.index.tolist() == [1, 2, 3]
    assert table.index.name == "epoch"
    assert table["val_loss"].tolist() == history["val_loss"].tolist()


def test_plot(history):
    axes = history.plot()
    assert isinstance(axes, matplotlib.axes.Axes)
    assert len(axes.lines) == 2
    assert axes.lines[0].get_ydata().tolist() == history["loss"].tolist()
    _, given = plt.subplots()
    assert history.plot("psnr", ax=given) is given
    assert given.get_ylabel() == "psnr"
    with pytest.raises(KeyError, match="the columns are"):
        history.plot("accuracy")
    plt.close("all")


def test_repr_and_seconds(history):
    text = repr(history)
    assert text.startswith("History(3 epochs: loss=")
    assert f"val_psnr={history['val_psnr'][-1]:.4g}" in text
    assert history.seconds == pytest.approx(history["seconds"].sum())
    assert repr(History({})) == "History(0 epochs)"
    assert History({}).epochs == 0
    assert History({}).seconds == 0
    assert not History({}).collapsed


def test_a_perfect_reconstruction_is_infinite():
    # PSNR is infinite where not one byte differs; the checkpoint must carry that too.
    model = imgcomp.models.from_spec(
        imgcomp.models.autoencoder_spec(
            (1, 4, 4),
            [imgcomp.models.layers.conv2d(1, 1, bias=False)],
            [imgcomp.models.layers.leaky_relu(1.0)],
        )
    )
    model.load_state_dict({"encoder.conv2d0.weight": np.ones((1, 1, 1, 1), dtype=np.float32)})
    history = fit(model, lr=0)
    assert history["psnr"].tolist() == [math.inf, math.inf]
    assert History.from_dict(json.loads(history.to_json())) == history
