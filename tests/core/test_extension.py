"""The extension module by itself: it checks again what Python has checked, and says it cleanly."""

import math

import pytest
import torch
from reference_networks import refused
from training_runs import IMAGES, LABELS, tiny, tiny_classifier

from imgcomp import _core, models
from imgcomp.errors import SpecError, TrainingDivergedError, UsageError
from imgcomp.models import layers


def config(**changes):
    made = _core.TrainerConfig()
    made.epochs, made.batch_size, made.threads = 2, 4, 1
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def trainer(model=None, images=IMAGES, labels=None, **changes):
    return _core.Trainer(
        (model or tiny())._core, images, None, labels, None, None, None, config(**changes)
    )


def test_layer_kinds_are_sorted():
    kinds = _core.layer_kinds()
    assert kinds == sorted(set(kinds))
    assert {"conv2d", "conv_transpose2d", "dense", "max_pool2d", "sigmoid"} <= set(kinds)


def test_parts():
    core = tiny()._core
    assert core.code_shape == [3]
    assert core.output_shape == [1, 4, 4]
    spec = models.classifier_spec((1, 4, 4), [layers.flatten(), layers.dense(2)])
    classifier = models.from_spec(spec)._core
    for call in (lambda: classifier.code_shape, lambda: classifier.encode(torch.zeros(1, 1, 4, 4))):
        with refused(UsageError, "this network has no part 'encoder'"):
            call()
    assert not core.has_convolutions


def test_a_spec_of_another_kind_is_a_type_error():
    with pytest.raises(TypeError):
        _core.Model([], 0)
    with refused(SpecError, "the spec has no 'task'"):
        _core.Model({}, 0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "epochs must be at least 1, not 0"),
        ({"batch_size": 0}, "batch_size must be at least 1, not 0"),
        ({"batch_size": -5}, "batch_size must be at least 1, not -5"),
        ({"evaluation_batch_size": 0}, "evaluation_batch_size must be at least 1, not 0"),
        ({"learning_rate": -1.0}, "at least 0, not -1"),
        ({"learning_rate": math.nan}, "not nan"),
        ({"gradient_clip": 0.0}, "must be positive, not 0"),
        ({"threads": -1}, "must not be negative"),
        ({"patience": -1}, "must not be negative"),
        ({"patience": 1}, "needs a column to watch"),
        (
            {"objective": "typo"},
            "objective must be 'mse', 'l1', 'bce', 'ms_ssim', 'judge', 'rate', a sum",
        ),
        ({"monitor": "val_loss"}, "cannot be watched without validation data"),
    ],
    ids=str,
)
def test_the_trainer_checks_its_settings(changes, message):
    with refused(UsageError, message):
        trainer(**changes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rmsprop", 0, 0, (0.9, 0.99), 1e-8), "optimizer must be 'sgd', 'adam' or 'adamw'"),
        (("sgd", 1, 0, (0.9, 0.99), 1e-8), "momentum must be in [0, 1), not 1"),
        (("sgd", 0, -1, (0.9, 0.99), 1e-8), "weight_decay must be at least 0, not -1"),
        (("adam", 0, 0, (1, 0.99), 1e-8), "betas[0] must be in [0, 1), not 1"),
        (("adam", 0, 0, (0.9, math.nan), 1e-8), "betas[1] must be in [0, 1), not nan"),
        (("adam", 0, 0, (0.9, 0.99), 0), "eps must be positive, not 0"),
    ],
)
def test_the_optimiser_checks_its_settings(arguments, message):
    made = config()
    made.set_optimizer(*arguments)
    with refused(UsageError, message):
        _core.Trainer(tiny()._core, IMAGES, None, None, None, None, None, made)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("linear", 0.1, 3, 0, 0), "schedule must be 'constant', 'step', 'exponential'"),
        (("step", 0.0, 3, 0, 0), "gamma must be positive"),
        (("step", 0.1, 0, 0, 0), "step_epochs must be at least 1, not 0"),
        (("cosine", 0.1, 3, 1.5, 0), "final_fraction must be in [0, 1], not 1.5"),
        (("cosine", 0.1, 3, 0, -1), "warmup_epochs must be at least 0, not -1"),
    ],
)
def test_the_schedule_checks_its_settings(arguments, message):
    made = config()
    made.set_schedule(*arguments)
    with refused(UsageError, message):
        _core.Trainer(tiny()._core, IMAGES, None, None, None, None, None, made)


def test_a_run_by_hand():
    made = trainer(epochs=3)
    seen = []
    assert made.steps_per_epoch == 3
    assert (
        made.run(lambda: seen.append(made.last_metrics) or True, lambda *step: True) == "finished"
    )
    assert [metrics["epoch"] for metrics in seen] == [1, 2, 3]
    state = made.snapshot()
    assert state["epoch"] == 3
    assert state["history"]["loss"] == [metrics["loss"] for metrics in seen]
    assert set(state["optimizer"]) >= {"step.encoder.code.weight", "exp_avg.decoder.out.bias"}
    # Nothing is left to do.
    assert made.run(lambda: pytest.fail("no epoch is left"), lambda *step: True) == "finished"


def test_a_run_that_a_callback_ends():
    made = trainer(epochs=3)
    assert made.run(lambda: False, lambda *step: True) == "stopped_early"
    assert made.epoch == 1


def test_callbacks_that_answer_nonsense():
    with pytest.raises(RuntimeError):
        trainer().run(lambda: object(), lambda *step: True)


def test_a_state_that_does_not_fit_is_refused():
    state = trainer().snapshot()
    with refused(UsageError, "cannot go on after epoch 9"):
        trainer().restore({**state, "epoch": 9})
    with refused(UsageError, "'momentum.nowhere.weight' belongs to no parameter"):
        trainer().restore({**state, "optimizer": {"momentum.nowhere.weight": torch.zeros(3)}})
    with refused(UsageError, "'momentum.decoder.out.bias' has shape (3,), its parameter (16,)"):
        trainer().restore({**state, "optimizer": {"momentum.decoder.out.bias": torch.zeros(3)}})
    with pytest.raises(KeyError):
        trainer().restore({})


def test_evaluate_checks_its_arguments():
    core = tiny()._core
    for batch_size in (0, -1):
        with refused(UsageError, f"batch_size must be at least 1, not {batch_size}"):
            _core.evaluate(core, IMAGES, None, None, "mse", batch_size)
        with refused(UsageError, f"batch_size must be at least 1, not {batch_size}"):
            _core.reconstruct(core, IMAGES, batch_size)
    with refused(UsageError, "only a classifier predicts"):
        _core.predict(core, IMAGES, 4)
    with refused(UsageError, "only an autoencoder reconstructs"):
        _core.reconstruct(tiny_classifier()._core, IMAGES, 4)


def test_the_core_names_divergence():
    made = trainer(images=torch.full((4, 1, 4, 4), torch.nan))
    with refused(TrainingDivergedError, "epoch 1, step 1 of 1"):
        made.run(lambda: True, lambda *step: True)


def test_errors_of_torch_come_without_a_backtrace():
    # The weights are float32: ATen itself refuses the product.
    with pytest.raises(RuntimeError) as caught:
        tiny()._core.forward(torch.zeros(1, 1, 4, 4, dtype=torch.float16))
    assert "dtype" in str(caught.value)
    assert "Exception raised from" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_trainer_keeps_its_model_alive():
    import gc

    made = trainer(tiny())
    gc.collect()
    assert made.run(lambda: True, lambda *step: True) == "finished"
    labelled = trainer(tiny_classifier(), labels=LABELS, objective="cross_entropy")
    gc.collect()
    assert labelled.run(lambda: True, lambda *step: True) == "finished"


def test_parallel_loops_use_the_threads_they_are_given():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        assert _core.count_parallel_threads(64) == 2
        torch.set_num_threads(1)
        assert _core.count_parallel_threads(64) == 1
    finally:
        torch.set_num_threads(before)
