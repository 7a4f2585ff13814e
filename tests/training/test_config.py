"""FitConfig: every setting is checked by name, brought to a plain type, and goes into JSON."""

import dataclasses
import json
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from reference_networks import refused
from training_runs import IMAGES, assert_same_weights, fit, tiny

import imgcomp
from imgcomp import FitConfig
from imgcomp.errors import UsageError

# Setting: values that are refused
BAD = {
    "metrics": ["precision", ("recall", "recall"), 3, None],
    "objective": ["typo", "MSE", 3, ""],
    "optimizer": ["rmsprop", None, 3],
    "lr": [-1, math.nan, math.inf, "0.1", None, True, 1j],
    "momentum": [1, 1.5, -0.1, math.nan, "x", None],
    "weight_decay": [-1e-9, math.inf, math.nan, "x", None],
    "betas": [0.9, (0.9,), (0.9, 0.9, 0.9), (1, 0.9), (0.9, -0.1), ("a", 0.9), "ab", None],
    "eps": [0, -1e-8, math.inf, math.nan, None],
    "schedule": ["linear", None, 3],
    "gamma": [0, -0.1, math.inf, math.nan, None],
    "step_epochs": [0, 1.5, "3", None],
    "final_fraction": [-0.1, 1.1, math.nan, None],
    "warmup_epochs": [-1, math.inf, math.nan, "2", None],
    "epochs": [0, -1, 2.5, "3", None, True, 2**31, 2**63],
    "batch_size": [0, -1, 2.5, "3", None, True, 2**31, 2**63],
    "evaluation_batch_size": [0, 2.5, "3", None],
    "seed": [-1, 1.5, "a", None, True, 2**63],
    "shuffle": [None, "no", 1, 0],
    "drop_last": [None, "no", 1],
    "precision": ["fp16", None, 32],
    "memory_format": ["nchw", None, 3],
    "threads": [0, -1, 1.5, "2", True, 2**40],
    "grad_clip": [0, -1, math.nan, math.inf, "1"],
    "keep_best": [3, True],
    "patience": [0, -1, 1.5, "3"],
    "log_batches": [None, "x", 1],
    "keep_epochs": [3, (0,), (1.5,), ("a",), "12", None],
}


def test_every_setting_is_covered():
    assert set(BAD) == {field.name for field in dataclasses.fields(FitConfig)}


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in BAD.items() for value in values],
    ids=lambda value: repr(value),
)
def test_bad_values_are_refused(name, value):
    shown = value[0] if name == "keep_epochs" and isinstance(value, tuple) else value
    if name == "betas" and isinstance(value, tuple) and len(value) == 2:
        name, shown = next(
            (f"betas[{i}]", beta)
            for i, beta in enumerate(value)
            if not (isinstance(beta, float) and 0 <= beta < 1)
        )
    with refused(UsageError, name, f"not {shown!r}"):
        FitConfig(**{name.split("[")[0]: value})


def test_the_message_says_what_may_be():
    with refused(UsageError, "optimizer must be one of 'sgd', 'adam', 'adamw', not 'lion'"):
        FitConfig(optimizer="lion")
    with refused(UsageError, "momentum must be a number in [0, 1), not 1"):
        FitConfig(momentum=1)
    with refused(UsageError, "epochs must be a whole number of at least 1, not 2.5"):
        FitConfig(epochs=2.5)
    with refused(UsageError, "batch_size must be a whole number in 1 … 2,147,483,647"):
        FitConfig(batch_size=2**31)


def test_numbers_of_other_kinds_become_plain():
    config = FitConfig(
        lr=np.float32(0.5),
        momentum=Fraction(1, 2),
        epochs=np.int64(3),
        seed=np.uint8(4),
        shuffle=np.bool_(False),
        betas=[np.float64(0.5), 0],
        keep_epochs=np.array([1, 2]),
        threads=np.int32(1),
        grad_clip=1,
    )
    text = json.dumps(config.to_dict())
    assert FitConfig(**json.loads(text)) == config
    assert (config.lr, config.momentum, config.betas) == (0.5, 0.5, (0.5, 0.0))
    assert config.keep_epochs == (1, 2)
    assert type(config.grad_clip) is float


def test_settings_come_from_a_config_a_mapping_and_keywords():
    outcomes = []
    for arguments in [
        {"config": FitConfig(lr=0.1, epochs=3, seed=4, threads=1, batch_size=4)},
        {"config": {"lr": 0.1, "epochs": 3, "seed": 4, "threads": 1, "batch_size": 4}},
        {"config": FitConfig(lr=7.0, batch_size=4, threads=1), "lr": 0.1, "epochs": 3, "seed": 4},
    ]:
        model = tiny()
        imgcomp.fit(model, IMAGES, progress=False, **arguments)
        outcomes.append(model)
    assert_same_weights(outcomes[0], outcomes[1])
    assert_same_weights(outcomes[0], outcomes[2])


def test_unknown_settings_are_refused():
    with refused(
        UsageError, "unknown setting 'learning_rate'", "lr, memory_format, metrics, momentum"
    ):
        fit(tiny(), learning_rate=0.1)
    with refused(UsageError, "unknown setting 'Epochs'"):
        FitConfig.create({"Epochs": 3})
    for config in ("x", 3, [("lr", 1)]):
        with refused(UsageError, "config must be a FitConfig or a dict", type(config).__name__):
            fit(tiny(), config=config)


def test_a_config_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        FitConfig().lr = 3.0


@pytest.mark.parametrize(
    ("arguments", "fragments"),
    [
        ({"callbacks": 3}, ["callbacks must be a list of functions, not 3"]),
        ({"callbacks": [3]}, ["callbacks must be a list of functions, not [3]"]),
        ({"callbacks": None}, ["callbacks", "None"]),
        ({"callbacks": print}, ["callbacks"]),
        ({"progress": "banana"}, ["progress", "'auto'", "'banana'"]),
        ({"progress": None}, ["progress must be True, False, 'auto'", "None"]),
        ({"progress": 1}, ["progress must be True, False, 'auto'", "not 1"]),
        ({"checkpoint": 3}, ["checkpoint must be a path, not 3"]),
        ({"checkpoint": "x.pt"}, [".safetensors file, not 'x.pt'"]),
        ({"resume": True}, ["resume and keep_epochs need a checkpoint"]),
        ({"resume": 1, "checkpoint": "x.safetensors"}, ["resume must be True or False, not 1"]),
        ({"keep_epochs": [1]}, ["resume and keep_epochs need a checkpoint"]),
        ({"stop": True}, ["stop must be an imgcomp.StopToken, not True"]),
        ({"objective": "cross_entropy"}, ["'cross_entropy' trains a classifier"]),
    ],
    ids=str,
)
def test_bad_arguments_of_fit(arguments, fragments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with refused(UsageError, *fragments):
        fit(tiny(), **arguments)
    assert list(tmp_path.iterdir()) == []


def test_only_models_are_trained():
    with refused(UsageError, "imgcomp model, not Linear"):
        fit(torch.nn.Linear(1, 1))


def test_callbacks_may_be_any_iterable():
    seen = []
    fit(tiny(), callbacks=(each for each in [seen.append]))
    assert len(seen) == 2
