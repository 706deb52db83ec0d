"""Sweeps of one crystal are in one setting, however few their reflections are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from integrated_for_tests import experiment_of, integrated, to_setting
from scipy.spatial.transform import Rotation

from autoproc.combining.comparable import Comparable, compare_settings, make_comparable, numbered_anew
from autoproc.combining.one_crystal import crystal_numbers, same_crystals, with_untold_joined
from autoproc.models.crystal import Crystal
from autoproc.models.reflections import Reflections
from autoproc.stages.determine_symmetry import determine_symmetry
from autoproc.symmetry.params import SymmetryParams

CELL = (40.0, 40.0, 50.0, 90.0, 90.0, 90.0)
HALF_TURN = np.diag([1.0, -1.0, -1.0])
SWAPPED = np.array([[0, 1, 0], [1, 0, 0], [0, 0, -1]])
EYE = np.eye(3)


def turned(experiment, degrees, axis=(0.6, 0.0, 0.8), stretch=1.0):
    """The experiment with its crystal turned and stretched."""
    turn = Rotation.from_rotvec(np.radians(degrees) * np.array(axis)).as_matrix()
    crystal = Crystal(turn @ experiment.crystal.A / stretch, experiment.crystal.space_group)
    return replace(experiment, crystal=crystal)


def test_a_small_turn_is_one_crystal_and_a_large_one_or_another_cell_is_two():
    first = experiment_of("P 4", CELL)
    sweeps = [first, turned(first, 1.0), turned(first, 5.0), turned(first, 0.0, stretch=1.02), turned(first, 2.0)]
    changes = dict.fromkeys(range(5), EYE)
    assert crystal_numbers(sweeps, changes) == {0: 0, 1: 0, 2: 2, 3: 3, 4: 0}


def test_the_same_orientation_in_another_setting_is_not_taken_for_the_same():
    """By a rotation of the lattice indices mean something else, whatever the orientation of the crystal."""
    first = experiment_of("P 4", CELL)
    other = replace(first, crystal=Crystal(first.crystal.A @ SWAPPED, first.crystal.space_group))
    assert crystal_numbers([first, other], {0: EYE, 1: EYE}) == {0: 0, 1: 1}
    assert crystal_numbers([first, other], {0: EYE, 1: SWAPPED}) == {0: 0, 1: 0}


@given(seed=st.integers(0, 2**32 - 1), degrees=st.floats(0, 2.9))
def test_in_whatever_direction_the_turn_goes(seed, degrees):
    axis = np.random.default_rng(seed).normal(size=3)
    first = experiment_of("P 4", CELL)
    pair = [first, turned(first, degrees, axis / np.linalg.norm(axis))]
    assert crystal_numbers(pair, {0: EYE, 1: EYE}) == {0: 0, 1: 0}
    assert crystal_numbers([first, turned(first, degrees + 177, axis / np.linalg.norm(axis))], {0: EYE, 1: EYE})[1] == 1


def test_a_crystal_is_joined_where_the_setting_of_one_of_its_sweeps_is_untold():
    numbers = {0: 0, 1: 0, 2: 2, 3: 2, 4: 4}
    assert with_untold_joined(numbers, ()) == {n: n for n in range(5)}
    assert with_untold_joined(numbers, (3, 4)) == {0: 0, 1: 1, 2: 2, 3: 2, 4: 4}


def sweeps_of_one_crystal(group="P 4", n_small=40):
    """Two sweeps of an ambiguous crystal: a large one, and a small one of reflections that the lattice keeps apart."""
    one, table = integrated(group, CELL, n_images=60, seed=3)
    hkl = np.abs(table["hkl"])
    hkl[:, :2] = np.sort(hkl[:, :2], axis=1)
    orbit = np.unique(hkl, axis=0, return_inverse=True)[1].ravel()
    is_small = orbit < n_small
    two = replace(turned(one, 0.7), identifier="two")
    small = table[is_small]
    small = small.replace(experiment_id=np.ones(len(small), int)).with_identifiers({1: "two"})
    return [one, two], Reflections.concatenate([table[~is_small], small])


def test_a_sweep_too_small_to_be_compared_is_in_the_setting_of_its_crystal():
    experiments, table = sweeps_of_one_crystal()
    comparable = make_comparable(experiments, table, SymmetryParams())
    assert comparable.crystals == {0: 0, 1: 0}
    assert compare_settings(comparable).settings is None  # it is one data set
    apart = compare_settings(replace(comparable, crystals={0: 0, 1: 1}))
    assert [p.is_alone for p in apart.settings.placed] == [True, True]
    result = determine_symmetry(experiments, table, SymmetryParams())
    assert not [w for w in result.warnings if "sets it aside" in w]
    np.testing.assert_array_equal(result.change_of_basis[0], result.change_of_basis[1])


def test_sweeps_of_one_crystal_beside_another_crystal_move_together():
    experiments, table = sweeps_of_one_crystal()
    other, more = to_setting(*integrated("P 4", CELL, n_images=60, seed=3, orientation=8), SWAPPED)
    more = more.replace(experiment_id=np.full(len(more), 2)).with_identifiers({2: "three"})
    all_three = [*experiments, replace(other, identifier="three")]
    found = compare_settings(make_comparable(all_three, Reflections.concatenate([table, more]), SymmetryParams()))
    assert [p.experiment for p in found.settings.placed][-1] in (1, 2)
    assert not any(p.is_alone for p in found.settings.placed)
    np.testing.assert_array_equal(found.changes[0], found.changes[1])


def test_large_sweeps_of_one_crystal_are_compared_with_each_other_all_the_same():
    one, table = integrated("P 4", CELL, n_images=60, seed=3)
    two, more = integrated("P 4", CELL, n_images=90, seed=3)
    more = more.replace(experiment_id=np.ones(len(more), int)).with_identifiers({1: "two"})
    both = [one, replace(two, identifier="two")]
    found = compare_settings(make_comparable(both, Reflections.concatenate([table, more]), SymmetryParams()))
    assert found.crystals == {0: 0, 1: 0}
    assert [p.cc > 0.9 for p in found.settings.placed] == [True, True]


def test_crystals_are_numbered_anew_with_their_experiments():
    experiments, table = sweeps_of_one_crystal()
    comparable: Comparable = replace(
        make_comparable(experiments, table, SymmetryParams()), crystals={0: 0, 1: 1, 2: 0, 3: 1, 4: 0},
        changes=dict.fromkeys(range(5), EYE),
    )  # fmt: skip
    assert numbered_anew(comparable, [2, 3, 4]).crystals == {0: 0, 1: 1, 2: 0}
    assert numbered_anew(comparable, [3, 1]).crystals == {0: 0, 1: 0}


def test_a_crystal_without_another_is_its_own():
    assert crystal_numbers([experiment_of("P 4", CELL)], {0: EYE}) == {0: 0}
    with pytest.raises(AssertionError):
        crystal_numbers([replace(experiment_of("P 4", CELL), crystal=None)], {0: EYE})


def test_one_crystal_is_found_in_any_setting_of_its_space_group():
    first = experiment_of("P 4", CELL)
    A = first.crystal.A
    quarter = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    group = first.crystal.space_group
    alike, swapped = (replace(first, crystal=Crystal(A @ matrix, group)) for matrix in (quarter, SWAPPED))
    assert same_crystals([first, turned(first, 30.0), alike, swapped]) == [0, 1, 0, 3]


def test_an_orientation_that_no_file_told_makes_no_two_crystals_one():
    first = experiment_of("P 4", CELL)
    untold = replace(first, crystal=Crystal(first.crystal.B, first.crystal.space_group))
    assert same_crystals([untold, untold, replace(first, crystal=None)]) == [0, 1, 2]
