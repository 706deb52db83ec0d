"""The Laue group that a crystal was indexed with stays where the data have nothing to say about it."""

from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import pytest
from integrated_for_tests import integrated, to_setting

from autoproc.stages.determine_symmetry import determine_symmetry
from autoproc.symmetry.params import SymmetryParams

CELL = (31.0, 42.0, 55.0, 90.0, 90.0, 90.0)


def narrow(group, named, n_images=2, seed=2):
    """A wedge too narrow for symmetry, of which no reflection has an equivalent, indexed as `named`."""
    experiment, table = integrated(group, CELL, n_images=n_images, seed=seed)
    _, first = np.unique(np.abs(table["hkl"]), axis=0, return_index=True)
    crystal = replace(experiment.crystal, space_group=gemmi.SpaceGroup(named))
    return replace(experiment, crystal=crystal), table[np.sort(first)]


@pytest.mark.parametrize(("named", "order"), [("P 21 21 21", 4), ("P 2 2 2", 4), ("P 1 21 1", 2), ("P 1", 1)])
def test_the_laue_group_of_indexing_stays(named, order):
    experiment, table = narrow("P 21 21 21", named)
    result = determine_symmetry([experiment], table, SymmetryParams())
    assert result.best.subgroup.order == order
    assert result.laue_group.point_group_hm() == {4: "mmm", 2: "2/m", 1: "-1"}[order]
    assert any("the Laue group is uncertain" in w for w in result.warnings)


def test_the_unique_axis_stays_where_it_was():
    experiment, table = narrow("P 21 21 21", "P 1")
    turned, table = to_setting(experiment, table, np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]]))
    crystal = replace(turned.crystal, space_group=gemmi.SpaceGroup("P 1 2 1"))
    result = determine_symmetry([replace(turned, crystal=crystal)], table, SymmetryParams())
    assert result.experiments[0].crystal.cell[1] == pytest.approx(55.0, rel=1e-6)


def test_data_that_tell_win_over_the_group_of_indexing():
    experiment, table = integrated("P 1 21 1", CELL, n_images=120, seed=1)
    named = replace(experiment, crystal=replace(experiment.crystal, space_group=gemmi.SpaceGroup("P 21 21 21")))
    assert determine_symmetry([named], table, SymmetryParams()).best.subgroup.order == 2


def test_what_the_user_says_now_wins_over_the_group_of_indexing():
    experiment, table = narrow("P 21 21 21", "P 21 21 21")
    assert determine_symmetry([experiment], table, SymmetryParams(laue_group="P -1")).best.subgroup.order == 1
