from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import pytest
from wedges_for_tests import wedges_of

from autoproc.combining.one_setting import SettingsDisagree, require_one_setting, turned_data_sets
from autoproc.models.reflections import Reflections
from autoproc.scaling.params import ScaleParams
from autoproc.simulation.wedges import Wedges
from autoproc.stages.scale import scale
from autoproc.symmetry.reindex import operator_of, reindex_hkl

TWOFOLD = np.array([[0, 1, 0], [1, 0, 0], [0, 0, -1]])


def wedges(group: str, n: int = 4, **changes: object) -> Wedges:
    return wedges_of(group, n, any_setting=False, as_indexed=False, **changes)


def with_turned(made: Wedges, turned: tuple[int, ...]) -> tuple[list, Reflections]:
    """Some data sets indexed after a two-fold that the lattice has, in the same space group."""
    hkl, experiments = made.reflections["hkl"].copy(), list(made.experiments)
    for n in turned:
        rows = made.reflections["experiment_id"] == n
        hkl[rows] = reindex_hkl(hkl[rows], TWOFOLD)
        crystal = experiments[n].crystal
        experiments[n] = replace(experiments[n], crystal=crystal.reindexed(operator_of(TWOFOLD), crystal.space_group))
    return experiments, made.reflections.replace(hkl=hkl)


@pytest.mark.parametrize(("group", "turned"), [("P 4", (1,)), ("P 63", (0, 2)), ("P 3", (3,)), ("P 31 2 1", ())])
def test_data_sets_in_another_setting_are_named(group, turned):
    found = {p.experiment for p in turned_data_sets(*with_turned(wedges(group), turned))}
    assert found in ({*turned}, {0, 1, 2, 3} - {*turned})


def test_half_of_them_turned():
    found = {p.experiment for p in turned_data_sets(*with_turned(wedges("P 4", 6), (1, 3, 5)))}
    assert found in ({1, 3, 5}, {0, 2, 4})


def test_where_the_group_has_the_whole_symmetry_of_the_lattice_nothing_is_compared():
    made = wedges_of("P 4", 3)
    experiments = [
        replace(e, crystal=replace(e.crystal, space_group=gemmi.SpaceGroup("P 4 2 2"))) for e in made.experiments
    ]
    assert turned_data_sets(experiments, made.reflections) == ()


def test_one_data_set_or_several_space_groups_are_not_compared():
    made = wedges("P 4", 2)
    assert turned_data_sets(made.experiments[:1], made.reflections) == ()
    other = replace(
        made.experiments[1], crystal=replace(made.experiments[1].crystal, space_group=gemmi.SpaceGroup("P 2"))
    )
    assert turned_data_sets([made.experiments[0], other], made.reflections) == ()


def test_scaling_stops_and_says_what_to_do():
    given = with_turned(wedges("P 4"), (2,))
    with pytest.raises(SettingsDisagree, match=r"experiment 2: with the others CC is 0\.9.*run combine first"):
        scale(*given, ScaleParams())
    with pytest.raises(SettingsDisagree):
        require_one_setting(*given)


def test_scaling_goes_on_where_they_agree_or_the_user_insists():
    made = wedges("P 4", 2)
    assert scale(made.experiments, made.reflections, ScaleParams()).n_scaled > 0
    given = with_turned(made, (1,))
    assert scale(*given, ScaleParams(check_settings=False)).n_scaled > 0
