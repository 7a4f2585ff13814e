"""The area under a curve of quality over the rate."""

import numpy as np
import pytest
import torch

from imgcomp.errors import UsageError
from imgcomp.metrics import auc_over_rate


def test_literal_values():
    # Trapezoids of 0.5 · (0.5 + 0.7) / 2 and 1 · (0.7 + 0.9) / 2.
    assert auc_over_rate([0.5, 1.0, 2.0], [0.5, 0.7, 0.9]) == pytest.approx(0.3 + 0.8)
    assert auc_over_rate([2.0, 0.5, 1.0], [0.9, 0.5, 0.7]) == pytest.approx(1.1)
    assert auc_over_rate(np.array([0.0, 2.0]), torch.tensor([1.0, 1.0])) == 2.0


def test_part_of_a_curve():
    rates, values = [0.0, 1.0, 2.0], [0.0, 1.0, 1.0]
    assert auc_over_rate(rates, values, between=(0.5, 1.5)) == pytest.approx(0.375 + 0.5)
    assert auc_over_rate(rates, values, between=(0.25, 0.75)) == pytest.approx(0.25)
    assert auc_over_rate(rates, values, between=(0.0, 2.0)) == auc_over_rate(rates, values)
    halves = [auc_over_rate(rates, values, between=ends) for ends in ((0, 0.7), (0.7, 2))]
    assert sum(halves) == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("rates", "values", "between", "message"),
    [
        ([1.0], [1.0], None, r"length of at least 2, not of shapes \(1,\) and \(1,\)"),
        ([1.0, 2.0], [1.0, 2.0, 3.0], None, r"one length"),
        ([1.0, 1.0], [1.0, 2.0], None, "rates must be different"),
        ([1.0, 2.0], [1.0, float("nan")], None, "must be finite"),
        ([1.0, 2.0], [1.0, 2.0], (0.5, 2.0), r"inside 1 … 2.*not 0.5 … 2"),
        ([1.0, 2.0], [1.0, 2.0], (1.0,), "the lowest and the highest rate"),
        ([1.0, 2.0], [1.0, 2.0], (1.5, 1.5), r"inside 1 … 2"),
    ],
)
def test_refusals(rates, values, between, message):
    with pytest.raises(UsageError, match=message):
        auc_over_rate(rates, values, between=between)
