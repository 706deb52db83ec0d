from __future__ import annotations

import re
from dataclasses import replace

import gemmi
import numpy as np
import pytest
from wedges_for_tests import wedges_of

from autoproc.combining.doubts import words_of_alone
from autoproc.combining.mergeable import NoTwoAgree, require_mergeable
from autoproc.combining.one_setting import AsGiven, SettingsDisagree, compared_as_given, require_one_setting
from autoproc.combining.params import CombineParams
from autoproc.combining.placing import Placed
from autoproc.geometry.asu import to_asu
from autoproc.models.data_set_names import data_set_names
from autoproc.models.experiment import ImageSet
from autoproc.models.reflections import Flag, Reflections
from autoproc.scaling.left_out import all_left_out
from autoproc.scaling.params import ScaleParams
from autoproc.simulation.wedges import Wedges
from autoproc.stages.combine import NothingAgrees, combine
from autoproc.stages.merge import MergeParams, format_merge, merge
from autoproc.stages.scale import format_scale, scale
from autoproc.symmetry.params import SymmetryParams
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
    found = {p.experiment for p in compared_as_given(*with_turned(wedges(group), turned)).turned}
    assert found in ({*turned}, {0, 1, 2, 3} - {*turned})


def test_half_of_them_turned():
    found = {p.experiment for p in compared_as_given(*with_turned(wedges("P 4", 6), (1, 3, 5))).turned}
    assert found in ({1, 3, 5}, {0, 2, 4})


def test_where_the_group_has_the_whole_symmetry_of_the_lattice_none_is_turned():
    made = wedges("P 4 2 2")
    assert compared_as_given(*with_turned(made, (1,))) == AsGiven(n_agreeing=4)


def test_one_data_set_or_several_space_groups_are_not_compared():
    made = wedges("P 4", 2)
    assert compared_as_given(made.experiments[:1], made.reflections) == AsGiven()
    other = replace(
        made.experiments[1], crystal=replace(made.experiments[1].crystal, space_group=gemmi.SpaceGroup("P 2"))
    )
    assert compared_as_given([made.experiments[0], other], made.reflections) == AsGiven()


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


def test_merging_stops_too_and_says_what_to_do():
    experiments, table = with_turned(wedges("P 3"), (1,))
    result = scale(experiments, table, ScaleParams(check_settings=False))
    said = r"experiment 1: with the others CC is 0\.9.*run combine first.*check_forms=false"
    with pytest.raises(SettingsDisagree, match=said):
        merge(experiments, result.reflections, MergeParams())
    assert len(merge(experiments, result.reflections, MergeParams(check_forms=False)))


def test_what_agrees_is_merged_without_a_word():
    made = wedges("P 3")
    result = scale(made.experiments, made.reflections, ScaleParams())
    assert not result.others
    assert merge(made.experiments, result.reflections, MergeParams()).doubts == ()


@pytest.mark.parametrize("group", ["P 3", "P 4 2 2"])
def test_an_impostor_is_left_out_with_its_correlation_and_what_is_expected(group):
    made = wedges(group, 4, n_impostors=1)
    (impostor,) = np.flatnonzero(made.is_impostor)
    result = scale(made.experiments, made.reflections, ScaleParams())
    said = rf"experiment {impostor} \(.*\) is left out: .*CC -?0\.\d+, where 0\.[89]\d is to be expected: another "
    said += r"structure.*; check_settings=false keeps it in"
    (words,) = [w for w in result.warnings if re.match(said, w)]
    assert words in format_scale(result)
    is_own = made.reflections["experiment_id"] == impostor
    assert result.reflections.has_flag(Flag.EXCLUDED_FOR_SCALING)[is_own].all()
    told = dict(all_left_out(result))
    assert is_own.sum() - 3 <= told["of data sets that agree with no other"] <= is_own.sum()  # others are beyond d_min
    assert merge(made.experiments, result.reflections, MergeParams()).doubts == ()
    assert not scale(made.experiments, made.reflections, ScaleParams(check_settings=False)).apart


def test_merging_leaves_an_impostor_out_that_was_scaled_by_itself():
    made = wedges("P 4 2 2", 4, n_impostors=1)
    (impostor,) = np.flatnonzero(made.is_impostor)
    is_own = made.reflections["experiment_id"] == impostor
    others = scale(made.experiments, made.reflections, ScaleParams()).reflections[~is_own]
    own = made.reflections[is_own]
    alone = scale([made.experiments[impostor]], own.replace(experiment_id=np.zeros(len(own))), ScaleParams())
    own = alone.reflections.replace(experiment_id=own["experiment_id"])
    merged = merge(made.experiments, Reflections.concatenate([others, own]), MergeParams())
    (words,) = merged.doubts
    assert re.match(rf"experiment {impostor} \(.*\) is left out: .*; check_forms=false keeps it in", words)
    assert words in format_merge(merged)
    plain = merge(made.experiments, others, MergeParams(check_forms=False))
    np.testing.assert_array_equal(merged.n, plain.n)
    np.testing.assert_allclose(merged.intensity, plain.intensity, rtol=1e-6)


def test_two_data_sets_that_have_nothing_in_common_are_refused():
    made = wedges("P 4 2 2", 1, n_impostors=1)
    with pytest.raises(NoTwoAgree, match=r"of 2 data sets no two agree: .*check_settings=false takes them as they are"):
        scale(made.experiments, made.reflections, ScaleParams())
    images = ImageSet("cbf", "/data/x_####.cbf")
    lattices = [replace(e, imageset=images, scan=made.experiments[0].scan) for e in made.experiments]
    assert len(require_mergeable(lattices, made.reflections).left_out) == 1  # two lattices of one sweep


def test_an_impostor_has_no_say_in_what_is_thought_of_the_others():
    made = wedges("P 4 2 2", 4, n_impostors=1)
    result = scale(made.experiments, made.reflections, ScaleParams())
    (impostor,) = np.flatnonzero(made.is_impostor)
    is_own = made.reflections["experiment_id"] != impostor
    number = np.cumsum(~made.is_impostor) - 1
    others = made.reflections[is_own]
    alone = scale(
        [e for e, odd in zip(made.experiments, made.is_impostor, strict=True) if not odd],
        others.replace(experiment_id=number[others["experiment_id"]]),
        ScaleParams(),
    )
    flags = Flag.OUTLIER_IN_SCALING | Flag.EXCLUDED_FOR_SCALING
    left_out, wanted = result.reflections[is_own].has_any_flag(flags), alone.reflections.has_any_flag(flags)
    assert (left_out != wanted).sum() <= 1e-3 * len(wanted)
    assert result.isa == pytest.approx(alone.isa, rel=0.2)
    blind = scale(made.experiments, made.reflections, ScaleParams(check_settings=False))
    assert blind.n_shadowed > 10 * max(result.n_shadowed, 10)  # it is taken for a shadow otherwise


def with_little_in_common(made: Wedges, group: str, n_common: int) -> tuple[list, Reflections]:
    """The last data set has so many unique reflections that the others have too, beside its own."""
    table, last = made.reflections, len(made.experiments) - 1
    key = to_asu(table["hkl"], gemmi.SpaceGroup(group))[0] @ [1, 1000, 1000000]
    is_last = table["experiment_id"] == last
    common = np.intersect1d(key[is_last], key[~is_last])
    keep = ~is_last | ~np.isin(key, common[n_common:])
    return list(made.experiments), table[keep]


def test_data_sets_with_too_little_in_common_are_named_with_how_much():
    experiments, table = with_little_in_common(wedges("P 4 2 2", 3), "P 4 2 2", 6)
    (alone,) = compared_as_given(experiments, table).alone
    assert (alone.experiment, alone.n_common) == (2, 6)
    result = scale(experiments, table, ScaleParams())
    (words,) = [w for w in result.warnings if "in common" in w]
    named = f"experiment 2 ({data_set_names(experiments)[2]})"
    assert f"in common with the other data sets to be compared with them: 6 of {named}, where 10 are needed" in words
    assert f"Warning: {words}" in format_scale(result)
    assert f"Warning: {words}" in format_merge(merge(list(result.experiments), result.reflections, MergeParams()))
    again = scale(experiments, table, ScaleParams(d_min=3.5), previous=result)
    assert again.alone == result.alone, "it is said of a second scaling too"


def test_data_sets_that_can_be_compared_are_not_warned_of():
    experiments, table = with_little_in_common(wedges("P 4 2 2", 3), "P 4 2 2", 400)
    assert compared_as_given(experiments, table).alone == ()
    assert scale(experiments, table, ScaleParams()).alone == ()


def test_of_many_data_sets_some_are_named():
    alone = [Placed(n, 0, 50, n % 10, 0.0, float("nan"), 0.0, 1.0, False) for n in range(12)]
    (words,) = words_of_alone(alone, [f"x_{n}" for n in range(12)])
    assert "7 of experiment 7 (x_7) and those of 4 more, where" in words
    assert words_of_alone([], []) == ()


def test_combining_names_those_that_cannot_be_compared():
    experiments, table = with_little_in_common(wedges("P 4 2 2", 2), "P 4 2 2", 3)
    with pytest.raises(NothingAgrees) as told:
        combine(experiments, table, CombineParams(), SymmetryParams())
    for name in data_set_names(experiments):
        assert re.search(rf"{name}: only \d reflections? in common with other data sets", str(told.value))
