"""Refined models and residuals against image number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from refinement_case import experiment, spots

from autoproc.geometry.rotation import rotation_matrix
from autoproc.models.reflections import Flag
from autoproc.refinement.by_image import crystal_by_image, rmsd_by_image


def test_a_crystal_that_does_not_move_has_the_same_cell_everywhere() -> None:
    truth = experiment(n_images=10)
    seen = crystal_by_image(truth)
    assert len(seen.frame) == 11
    np.testing.assert_allclose(seen.cell, [truth.crystal.cell] * 11, rtol=1e-9)
    np.testing.assert_allclose(seen.rotation, 0, atol=1e-9)


def test_a_slow_turn_is_told_in_degrees_about_its_axis() -> None:
    truth = experiment(n_images=10)
    turns = [rotation_matrix(np.array([0.0, 1.0, 0.0]), np.radians(0.02 * n)) for n in range(11)]
    crystal = replace(truth.crystal, A_at_scan_points=np.array([turn @ truth.crystal.A for turn in turns]))
    seen = crystal_by_image(replace(truth, crystal=crystal))
    np.testing.assert_allclose(seen.rotation[:, 1], 0.02 * np.arange(11), atol=1e-6)
    np.testing.assert_allclose(seen.rotation[:, [0, 2]], 0, atol=1e-6)


def test_without_a_crystal_there_is_nothing_to_show() -> None:
    with pytest.raises(ValueError, match="no crystal"):
        crystal_by_image(replace(experiment(), crystal=None))


def test_deviations_are_those_of_the_spots_used_on_their_image() -> None:
    truth = experiment(n_images=4)
    table = spots(truth, n=8)
    n = len(table)
    observed = np.column_stack([np.zeros(n), np.zeros(n), np.array([0.5, 0.6, 0.7, 2.5, 2.6, 3.9, 1.5, 1.6])[:n]])
    calculated = observed + np.column_stack([np.full(n, 0.3), np.full(n, -0.4), np.arange(n) * 0.1])
    flags = np.full(n, int(Flag.USED_IN_REFINEMENT))
    flags[6:] = 0
    table = table.replace(xyz_obs_px=observed, xyz_cal_px=calculated, flags=flags)
    seen = rmsd_by_image(truth, table, 0)
    assert seen.n_spots.tolist() == [3, 0, 2, 1]
    np.testing.assert_allclose(seen.rmsd[[0, 2, 3], :2], [[0.3, 0.4]] * 3)
    assert seen.rmsd[0, 2] == pytest.approx(np.sqrt((0.0 + 0.01 + 0.04) / 3))
    assert np.isnan(seen.rmsd[1]).all()
    assert rmsd_by_image(truth, table, 1).n_spots.sum() == 0
