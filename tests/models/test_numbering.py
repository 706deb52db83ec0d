from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from autoproc.models.numbering import rows_by_experiment


@given(st.lists(st.integers(-1, 5), max_size=50))
def test_rows_of_each_experiment(ids):
    found = rows_by_experiment(np.array(ids, int))
    assert list(found) == sorted(set(ids))
    for n, rows in found.items():
        np.testing.assert_array_equal(rows, np.flatnonzero(np.array(ids) == n))
