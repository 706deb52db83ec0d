from __future__ import annotations

import gemmi
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoproc.merging import groups
from autoproc.merging.groups import equivalents_of, group_equivalents
from autoproc.models.reflections import Reflections

P1 = gemmi.SpaceGroup("P 1")


def test_friedel_mates_and_symmetry_mates_share_a_group():
    hkl = np.array([[1, 2, 3], [-1, -2, -3], [-1, 2, -3], [1, 2, -3], [0, 2, 0]])
    groups = group_equivalents(gemmi.SpaceGroup("P 1 2 1"), hkl)
    assert groups.group[0] == groups.group[1] == groups.group[2] != groups.group[3]
    assert groups.is_plus[0] == groups.is_plus[2] != groups.is_plus[1]
    assert sorted(groups.count) == [1, 1, 3]


def test_centric_reflections_have_one_hand():
    groups = group_equivalents(gemmi.SpaceGroup("P 2 2 2"), np.array([[1, 2, 0], [-1, -2, 0], [1, 2, 3]]))
    assert groups.is_plus[:2].all()
    assert groups.is_centric.tolist() == [groups.hkl[n, 2] == 0 for n in range(2)]


@given(st.integers(0, 2**32 - 1))
def test_weighted_mean_is_the_likeliest_value(seed):
    rng = np.random.default_rng(seed)
    hkl = rng.integers(1, 3, (30, 3))
    value, variance = rng.normal(10, 3, 30), rng.uniform(0.5, 4, 30)
    groups = group_equivalents(P1, hkl)
    mean, sigma = groups.weighted_mean(value, variance)
    for n in range(len(groups)):
        here = groups.group == n
        np.testing.assert_allclose(mean[n], np.average(value[here], weights=1 / variance[here]))
        np.testing.assert_allclose(sigma[n], np.sum(1 / variance[here]) ** -0.5)


def test_empty_groups_have_no_mean():
    groups = group_equivalents(P1, np.array([[1, 0, 0], [2, 0, 0]])).subset(np.array([True, False]))
    mean, sigma = groups.weighted_mean(np.array([3.0]), np.array([4.0]))
    np.testing.assert_array_equal(mean, [3.0, np.nan])
    np.testing.assert_array_equal(sigma, [2.0, np.nan])


@pytest.mark.parametrize("rows", [np.arange(60) % 3 != 0, np.array([7, 3, 50]), np.zeros(60, bool)])
def test_rows_of_a_table_are_grouped_as_if_they_were_all(rows):
    hkl = np.random.default_rng(1).integers(-3, 4, (60, 3))
    table, group = Reflections({"hkl": hkl}), gemmi.SpaceGroup("P 2 2 2")
    for of in (table, table.replace(experiment_id=np.zeros(60, np.int32))):
        found, expected = equivalents_of(group, of, rows), group_equivalents(group, table["hkl"][rows])
        for name in ("hkl", "group", "is_plus", "is_centric"):
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    assert len(equivalents_of(P1, table, rows)) >= len(expected)  # each space group has its own


def test_a_column_that_is_gone_is_forgotten():
    table = Reflections({"hkl": np.array([[1, 2, 3], [-1, -2, -3]])})
    equivalents_of(P1, table, np.arange(2))
    key = id(table["hkl"]), P1.xhm()
    assert key in groups._KNOWN
    del table
    assert key not in groups._KNOWN
