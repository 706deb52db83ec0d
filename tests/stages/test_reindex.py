from __future__ import annotations

import numpy as np
import pytest
from integrated_for_tests import integrated, to_setting
from pydantic import ValidationError

from autoproc.models.space_group import primitive_basis
from autoproc.stages.reindex import ReindexParams, reindex
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
