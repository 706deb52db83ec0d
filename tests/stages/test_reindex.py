from __future__ import annotations

import gemmi
import numpy as np
import pytest
from integrated_for_tests import integrated, to_setting
from pydantic import ValidationError

from autoproc.models.space_group import primitive_basis
from autoproc.stages.reindex import CellDeniesSpaceGroup, ReindexParams, changes_told, lost_groups, reindex
from autoproc.symmetry.reindex import BadChangeOfBasis

INSULIN = (60, 60, 60, 90, 90, 90)


def primitive_insulin():
    experiment, reflections = integrated("I 2 3", INSULIN, d_min=6.0)
    return to_setting(experiment, reflections, primitive_basis(experiment.crystal.space_group))


def test_the_tutorials_operator_gives_the_cubic_cell():
    experiment, reflections = primitive_insulin()
    params = ReindexParams(change_of_basis_op="b+c,a+c,a+b", space_group="I23")
    (new,), table = reindex([experiment], reflections, params)
    assert new.crystal.cell == pytest.approx(INSULIN)
    assert new.crystal.space_group.xhm() == "I 2 3"
    assert np.all(table["hkl"].sum(axis=1) % 2 == 0)
    np.testing.assert_allclose(table["hkl"] @ new.crystal.A.T, reflections["hkl"] @ experiment.crystal.A.T, atol=1e-9)


def test_the_centring_is_kept_without_a_space_group():
    experiment, _ = primitive_insulin()
    (new,), table = reindex([experiment], None, ReindexParams(change_of_basis_op="b+c,a+c,a+b"))
    assert table is None
    assert new.crystal.space_group.operations().find_centering() == "I"


def test_no_change_keeps_the_space_group():
    experiment, reflections = integrated("I 2 3", INSULIN, d_min=6.0)
    (new,), table = reindex([experiment], reflections, ReindexParams())
    assert new.crystal.space_group.xhm() == "I 2 3"
    np.testing.assert_array_equal(table["hkl"], reflections["hkl"])


@pytest.mark.parametrize(
    ("group", "operator", "new"),
    [
        ("P 3", "-h,-k,l", "P 3"),
        ("P 31", "k,h,-l", "P 31"),
        ("I 2 3", "k,-h,l", "I 2 3"),
        ("P 21 21 21", "-b,a,c", "P 21 21 21"),
        ("P 41", "b,a,-c", "P 41"),
        ("C 1 2 1", "a,-b,-c", "C 1 2 1"),
        ("P 21 21 2", "b,-a,c", "P 21 21 2"),
        ("P 21 21 2", "b,c,a", "P 21 2 21"),
        ("P 4", "b,c,a", "P 1"),
        ("C 1 2 1", "a+c,b,c", "I 1 2 1"),
    ],
)
def test_the_space_group_is_kept_where_the_operator_brings_it_upon_itself(group, operator, new):
    cells = {
        "P": (60, 60, 60, 90, 90, 90),
        "I": INSULIN,
        "C": (60, 40, 50, 90, 100, 90),
        "3": (60, 60, 50, 90, 90, 120),
    }
    experiment, _ = integrated(group, cells["3" if group[2] == "3" else group[0]], d_min=10.0)
    params = ReindexParams(change_of_basis_op=operator)
    (found,), _ = reindex([experiment], None, params)
    assert found.crystal.space_group.xhm() == gemmi.SpaceGroup(new).xhm()
    lost = lost_groups([experiment], [found])
    assert bool(lost) == (new == "P 1")
    assert all("space_group= states" in words for words in lost)
    told = changes_told([experiment], [found], params)
    assert bool(told) == (new not in (group, "P 1"))


def test_reflections_that_are_not_indexed_stay_so():
    experiment, reflections = primitive_insulin()
    hkl, ids = reflections["hkl"].copy(), reflections["experiment_id"].copy()
    hkl[0], ids[0] = 0, -1
    _, table = reindex([experiment], reflections.replace(hkl=hkl, experiment_id=ids), ReindexParams())
    np.testing.assert_array_equal(table["hkl"][0], [0, 0, 0])


@pytest.mark.parametrize("operator", ["a,b,-c", "a,b", "1/2*a,b,c"])
def test_impossible_operators_are_refused(operator):
    with pytest.raises(BadChangeOfBasis):
        reindex(*_listed(primitive_insulin()), ReindexParams(change_of_basis_op=operator))


def test_unknown_space_groups_are_refused():
    with pytest.raises(ValidationError, match="'P 9' is not a space group"):
        ReindexParams(space_group="P 9")


def _listed(made):
    return [made[0]], made[1]


@pytest.mark.parametrize(
    ("operator", "space_group"), [("a,b,c", "P 4"), ("b,c,a", "P 6"), ("a,b,c", "C 2 2 2"), ("a,b,c", "R 3:R")]
)
def test_a_space_group_that_the_axes_cannot_have_is_refused(operator, space_group):
    data = integrated("P 21 21 21", (30, 44, 37, 90, 90, 90), d_min=6.0)
    params = ReindexParams(change_of_basis_op=operator, space_group=space_group)
    with pytest.raises(CellDeniesSpaceGroup, match="not possible with the cell"):
        reindex(*_listed(data), params)


def test_a_cell_that_nearly_has_the_symmetry_is_constrained_to_it():
    data = integrated("P 1", (40, 40.3, 50, 90.4, 89.8, 90.1), d_min=6.0)
    (new,), _ = reindex(*_listed(data), ReindexParams(space_group="P 4"))
    assert new.crystal.cell == pytest.approx((40.15, 40.15, 50, 90, 90, 90), abs=0.01)


@pytest.mark.parametrize(
    ("operator", "space_group", "lengths"),
    [("c,a,b", "P 2 21 21", (37, 30, 44)), ("b,-a,c", "P21212", (44, 30, 37)), ("b,c,a", "P 2 2 2", (44, 37, 30))],
)
def test_the_axes_are_those_of_the_operator(operator, space_group, lengths):
    data = integrated("P 21 21 2", (30, 44, 37, 90, 90, 90), d_min=6.0)
    (new,), _ = reindex(*_listed(data), ReindexParams(change_of_basis_op=operator, space_group=space_group))
    assert new.crystal.cell[:3] == pytest.approx(lengths)


@pytest.mark.parametrize(
    ("group", "wanted", "operator"),
    [("C 1 2 1", "I 1 2 1", "-c,b,a+c"), ("P 1 21 1", "P 1 1 21", "c,a,b"), ("P 21 21 2", "P 2 21 21", "c,a,b")],
)
def test_another_setting_of_its_space_group_is_gone_to(group, wanted, operator):
    cell = (30, 44, 37, 90, 90, 90) if group == "P 21 21 2" else (60, 40, 50, 90, 100, 90)
    experiment, reflections = integrated(group, cell, d_min=8.0)
    (new,), table = reindex([experiment], reflections, ReindexParams(space_group=wanted))
    assert new.crystal.space_group.xhm() == wanted
    np.testing.assert_allclose(table["hkl"] @ new.crystal.A.T, reflections["hkl"] @ experiment.crystal.A.T, atol=1e-9)
    centred = gemmi.SpaceGroup(wanted).operations().derive_symmorphic()
    assert not centred.systematic_absences(table["hkl"]).any()
    (told,) = changes_told([experiment], [new], ReindexParams(space_group=wanted))
    assert f"in the new axes, {operator} of those before; change_of_basis_op=a,b,c leaves the axes as they are" in told


def test_a_given_operator_is_followed_and_the_group_stated():
    experiment, _ = integrated("P 21 21 2", (30, 44, 37, 90, 90, 90), d_min=8.0)
    (new,), _ = reindex([experiment], None, ReindexParams(change_of_basis_op="a,b,c", space_group="P 2 21 21"))
    assert new.crystal.cell[:3] == pytest.approx((30, 44, 37))
    assert new.crystal.space_group.xhm() == "P 2 21 21"


def test_another_type_in_axes_that_it_cannot_have_is_refused():
    data = integrated("C 1 2 1", (60, 40, 50, 90, 100, 90), d_min=8.0)
    with pytest.raises(CellDeniesSpaceGroup, match="not possible with the cell"):
        reindex(*_listed(data), ReindexParams(space_group="P 1 1 2"))
