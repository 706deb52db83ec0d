from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoproc.models.numbering import order_by, rows_by_experiment


@given(st.lists(st.integers(-1, 5), max_size=50))
def test_rows_of_each_experiment(ids):
    found = rows_by_experiment(np.array(ids, int))
    assert list(found) == sorted(set(ids))
    for n, rows in found.items():
        np.testing.assert_array_equal(rows, np.flatnonzero(np.array(ids) == n))


@pytest.mark.parametrize("most", [1, 70_000, 2**40])
def test_order_by_numbers_keeps_equal_ones_as_they_are(most):
    numbers = np.random.default_rng(0).integers(0, most, 500)
    numbers[::3] = most - 1
    assert np.array_equal(order_by(numbers), np.argsort(numbers, kind="stable"))
    assert len(order_by(numbers[:0])) == 0
