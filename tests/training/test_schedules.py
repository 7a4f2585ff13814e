"""Learning rates against torch.optim.lr_scheduler."""

import pytest
import torch
from torch.optim import lr_scheduler
from training_runs import IMAGES, fit, tiny

EPOCHS, STEPS = 7, 3  # 12 images in batches of 4


def ours(**settings):
    return fit(tiny(), IMAGES, epochs=EPOCHS, lr=0.5, **settings)["lr"].tolist()


def theirs(make, per_step):
    """The rate of each epoch's last step."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    scheduler = make(optimizer)
    rates = []
    for _ in range(EPOCHS):
        for _ in range(STEPS):
            rate = optimizer.param_groups[0]["lr"]
            optimizer.step()
            if per_step:
                scheduler.step()
        rates.append(rate)
        if not per_step:
            scheduler.step()
    return rates


def test_constant():
    assert ours() == [0.5] * EPOCHS


def test_step():
    expected = theirs(lambda o: lr_scheduler.StepLR(o, step_size=3, gamma=0.2), per_step=False)
    assert ours(schedule="step", step_epochs=3, gamma=0.2) == pytest.approx(expected)


def test_exponential():
    expected = theirs(lambda o: lr_scheduler.ExponentialLR(o, gamma=0.7), per_step=False)
    assert ours(schedule="exponential", gamma=0.7) == pytest.approx(expected)


@pytest.mark.parametrize("final", [0.0, 0.1])
def test_cosine(final):
    expected = theirs(
        lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=EPOCHS * STEPS, eta_min=0.5 * final),
        per_step=True,
    )
    assert ours(schedule="cosine", final_fraction=final) == pytest.approx(expected)


def test_warmup_rises_linearly_with_every_step():
    # Two epochs are six steps: the rates are 1/6, 2/6, … 6/6 of the base.
    expected = [0.5 * 3 / 6, 0.5, *[0.5] * (EPOCHS - 2)]
    assert ours(warmup_epochs=2) == pytest.approx(expected)
    assert ours(warmup_epochs=0.5)[0] == pytest.approx(0.5)
    assert ours(warmup_epochs=100)[-1] == pytest.approx(0.5 * EPOCHS / 100)


def test_warmup_before_a_cosine():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    warm, total = 2 * STEPS, EPOCHS * STEPS
    cosine = lr_scheduler.CosineAnnealingLR(optimizer, T_max=total - warm)
    after = []
    for _ in range(total - warm):
        after.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        cosine.step()
    rates = ours(schedule="cosine", warmup_epochs=2)
    assert rates[:2] == pytest.approx([0.25, 0.5])
    assert rates[2:] == pytest.approx(after[STEPS - 1 :: STEPS])
