"""Standard uncertainties of a cell from those of its setting."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from synthetic_spots import setting

from autoproc.indexing.uncertainty import cell_esd
from autoproc.models.crystal import cell_from_real_matrix


def test_a_cubic_setting_along_the_axes():
    """a = 1/A11: sigma(a) = a^2 sigma(A11); an off-diagonal element tilts an axis, alpha by sigma a radians."""
    A = np.eye(3) / 50.0
    covariance = np.zeros((9, 9))
    covariance[0, 0] = 4e-12
    assert_allclose(cell_esd(A, covariance), [50.0**2 * 2e-6, 0, 0, 0, 0, 0], rtol=1e-4, atol=1e-9)
    covariance = np.zeros((9, 9))
    covariance[5, 5] = 4e-12  # A23 turns c* towards b: only alpha changes to first order
    assert_allclose(cell_esd(A, covariance), [0, 0, 0, np.degrees(50.0 * 2e-6), 0, 0], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("seed", range(2))
def test_uncertainties_are_the_scatter_of_settings_drawn(seed):
    A = setting((60.0, 70.0, 80.0, 82.0, 95.0, 101.0), seed)
    rng = np.random.default_rng(seed)
    root = 1e-6 * rng.normal(size=(9, 9))
    drawn = A + (rng.normal(size=(2000, 9)) @ root.T).reshape(-1, 3, 3)
    cells = [cell_from_real_matrix(np.linalg.inv(a)) for a in drawn]
    assert_allclose(cell_esd(A, root @ root.T), np.std(cells, axis=0), rtol=0.06)


def test_correlated_errors_that_only_turn_the_crystal_leave_the_cell_certain():
    A = setting((60.0, 70.0, 80.0, 90.0, 95.0, 90.0), 4)
    turn = (np.array([[0, -1, 0], [1, 0, 0], [0, 0, 0]]) @ A).ravel()
    assert_allclose(cell_esd(A, 1e-10 * np.outer(turn, turn)), 0, atol=1e-7)
