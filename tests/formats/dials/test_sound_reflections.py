from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import pytest
from models_for_tests import crystal, scaled
from scaled_for_tests import Recipe, synthetic

from autoproc.formats.dials.sound_reflections import doubts_of_table, sound_reflections
from autoproc.models.reflections import Flag, Reflections

MADE = synthetic(Recipe(n_observations=600))


def test_a_sound_table_is_left_as_it_is():
    table, told = sound_reflections(MADE.reflections)
    assert table is MADE.reflections
    assert told == []
    assert doubts_of_table([MADE.experiment], table) == []


def test_reflections_twice_are_used_once():
    rows = np.concatenate([np.arange(600), [5, 7, 5]])
    table, told = sound_reflections(MADE.reflections[rows])
    np.testing.assert_array_equal(table["hkl"], MADE.reflections["hkl"])
    assert told == ["3 reflections are in the table twice or more, and are used once"]


def test_what_was_not_integrated_may_be_alike():
    lost = MADE.reflections.without_flag(Flag.INTEGRATED_PRF | Flag.INTEGRATED_SUM)
    both = Reflections.concatenate([lost, lost])
    assert sound_reflections(both)[1] == []


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30, -1e200])
def test_one_absurd_estimate_leaves_the_other(value):
    column = MADE.reflections["intensity_prf"].copy()
    column[3] = value
    table, told = sound_reflections(MADE.reflections.replace(intensity_prf=column))
    assert told[0].startswith("profile-fitted intensities that are left out: 1 with")
    assert np.flatnonzero(~table.has_flag(Flag.INTEGRATED_PRF)).tolist() == [3]
    assert table.has_flag(Flag.INTEGRATED_SUM).all()


@pytest.mark.parametrize("value", [np.nan, 0.0, -1.0, 1e-60, 1e300])
def test_absurd_variances_of_scaled_intensities(value):
    table = scaled(crystal(), d_min=6.0)
    column = table["variance_scale"].copy()
    column[[2, 5]] = value
    table = table.replace(variance_scale=column, intensity_sum=table["intensity_scale"], variance_sum=column)
    found, told = sound_reflections(table.without_flag(Flag.INTEGRATED_SUM | Flag.INTEGRATED_PRF))
    (said,) = told
    assert said.startswith("scaled intensities that are left out: 2 with")
    assert np.flatnonzero(found.has_flag(Flag.EXCLUDED_FOR_SCALING)).tolist() == [2, 5]


def test_experiments_of_another_name_or_without_reflections():
    other = replace(MADE.experiment, identifier="another")
    named, without = doubts_of_table([other, other], MADE.reflections)
    assert named.startswith("experiment 0 of the .refl file have other identifiers")
    assert without == "there are no reflections of experiment 1"


def test_indices_and_resolutions_of_another_crystal():
    made = MADE.experiment.crystal
    centred = replace(MADE.experiment, crystal=replace(made, space_group=gemmi.SpaceGroup("I 4")))
    (doubt,) = doubts_of_table([centred], MADE.reflections)
    n = int((MADE.reflections["hkl"].sum(axis=1) % 2).sum())
    assert doubt.startswith(f"{n} of 600 indices of experiment 0 are none of I 4")
    larger = replace(MADE.experiment, crystal=replace(made, A=made.A / 1.02))
    (doubt,) = doubts_of_table([larger], MADE.reflections)
    assert doubt.startswith("resolutions in the .refl file are off those by the cell of experiment 0 by 2.0%")


def test_spots_that_are_not_indexed_say_nothing():
    spots = MADE.reflections.without("hkl", "intensity_prf", "variance_prf", "d")
    assert sound_reflections(spots) == (spots, [])
    assert doubts_of_table([MADE.experiment], spots) == []
