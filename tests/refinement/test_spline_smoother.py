from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoproc.refinement.spline_smoother import SplineSmoother

FRAMES = np.linspace(0, 100, 401)


@given(n=st.integers(0, 30), frame=st.floats(-5, 105))
def test_weights_add_up_to_one(n, frame):
    first, weights = SplineSmoother(100, n).weights(np.array([frame]))
    assert weights.sum() == pytest.approx(1)
    assert np.all(weights >= 0)
    assert 0 <= first[0] <= SplineSmoother(100, n).n_coefficients - weights.shape[1]


@pytest.mark.parametrize("n", [1, 2, 5, 12])
def test_parabola_is_reproduced(n):
    matrix = SplineSmoother(100, n).matrix(FRAMES)
    parabola = 3 - 0.2 * FRAMES + 0.01 * FRAMES**2
    coefficients, *_ = np.linalg.lstsq(matrix, parabola, rcond=None)
    np.testing.assert_allclose(matrix @ coefficients, parabola, atol=1e-10)


@pytest.mark.parametrize("n", [2, 5, 12])
def test_curve_has_no_jumps_between_intervals(n):
    edges = 100 / n * np.arange(1, n)
    below, above = (SplineSmoother(100, n).matrix(edges + side) for side in (-1e-9, 1e-9))
    np.testing.assert_allclose(below, above, atol=1e-8)


def test_no_intervals_is_a_constant():
    smoother = SplineSmoother(100, 0)
    assert smoother.n_coefficients == 1
    np.testing.assert_array_equal(smoother.matrix(FRAMES), 1)
