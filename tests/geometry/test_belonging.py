"""Reflections that are, and are not, those of the experiments they come with."""

from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import pytest
from integrated_for_tests import integrated

from autoproc.geometry.belonging import misfits
from autoproc.models.reflections import Reflections

CELL = (40.0, 52.0, 61.0, 90.0, 90.0, 90.0)


def in_pixels(experiment, table):
    """With positions in pixels and frames, from mm and radians; the panel is one without a thick sensor."""
    size = (*experiment.detector[0].pixel_size, np.radians(experiment.scan.oscillation[1]))
    return table.replace(xyz_cal_px=table["xyz_cal_mm"] / size)


@pytest.fixture(scope="module")
def pair():
    experiment, table = integrated("P 21 21 21", CELL, d_min=4.0, n_images=40)
    return experiment, in_pixels(experiment, table)


def test_own_reflections_fit(pair):
    experiment, table = pair
    assert misfits([experiment], table) == []


@pytest.mark.parametrize("operator", ["k,l,h", "-h,k,-l", "h,k,h+l"])
def test_indices_in_another_basis_do_not(pair, operator):
    experiment, table = pair
    turned = replace(experiment, crystal=experiment.crystal.reindexed(gemmi.Op(operator)))
    (found,) = misfits([turned], table)
    assert found.experiment_id == 0
    assert found.index_error >= 1


def test_another_orientation_does_not(pair):
    _, table = pair
    other, _ = integrated("P 21 21 21", CELL, d_min=4.0, n_images=40, orientation=5)
    assert misfits([other], table)


def test_only_the_experiment_that_does_not_fit_is_named(pair):
    experiment, table = pair
    ids = np.arange(len(table)) % 2
    turned = replace(experiment, crystal=experiment.crystal.reindexed(gemmi.Op("k,l,h")))
    assert [m.experiment_id for m in misfits([experiment, turned], table.replace(experiment_id=ids))] == [1]


def test_a_model_that_refinement_improves_fits(pair):
    """Half a degree off is a rough model of the same crystal, not another one."""
    experiment, table = pair
    angle = np.radians(0.5)
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    rough = replace(experiment, crystal=replace(experiment.crystal, A=turn @ experiment.crystal.A * 1.005))
    assert misfits([rough], table) == []


def test_what_has_no_crystal_or_no_indices_says_nothing(pair):
    experiment, table = pair
    assert misfits([replace(experiment, crystal=None)], table) == []
    spots = Reflections({"experiment_id": table["experiment_id"], "panel": table["panel"]})
    assert misfits([experiment], spots) == []
    assert misfits([experiment], table.replace(hkl=np.zeros((len(table), 3), np.int32))) == []
