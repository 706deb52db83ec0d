from __future__ import annotations

import gemmi
import numpy as np
import pytest

from autoproc.merging.mates import mates_agreements, maximal_subgroups, orders_of
from autoproc.models.space_group import rotations_of

CELL = gemmi.UnitCell(40.0, 50.0, 60.0, 90.0, 90.0, 90.0)


def scattered(true_group, rng, n_repeats=1, sigma=0.05, bijvoet=0.0, strength=1.0, cell=CELL):
    """Every reflection to 5 A measured n_repeats times; intensities obey `true_group`."""
    hkl = np.repeat(gemmi.make_miller_array(cell, gemmi.SpaceGroup("P 1"), 5.0, unique=False), n_repeats, axis=0)
    asu, operations = gemmi.ReciprocalAsu(gemmi.SpaceGroup(true_group)), gemmi.SpaceGroup(true_group).operations()
    true: dict[tuple[int, ...], float] = {}
    values = []
    for h in hkl.tolist():
        mate, isym = asu.to_asu(h, operations)
        value = true.setdefault(tuple(mate), strength * (0.2 + rng.exponential()))
        odd = 0.0 if operations.is_reflection_centric(h) else bijvoet * (1 if isym % 2 else -1)
        values.append(value * (1 + odd))
    return hkl, np.array(values) + sigma * rng.standard_normal(len(hkl)), np.full(len(hkl), sigma**2)


@pytest.mark.parametrize(
    ("group", "orders"),
    [("P 1", []), ("P 1 21 1", [1]), ("P 21 21 21", [2, 2, 2]), ("P 43 21 2", [4, 4, 4]), ("P 3 2 1", [2, 2, 2, 3]),
     ("I 2 3", [3, 3, 3, 3, 4]), ("F 4 3 2", [6, 6, 6, 6, 8, 8, 8, 12])],
)  # fmt: skip
def test_maximal_subgroups(group, orders):
    rotations = rotations_of(gemmi.SpaceGroup(group))
    found = maximal_subgroups(rotations)
    assert sorted(map(len, found)) == orders
    for subgroup in found:
        members = {r.tobytes() for r in subgroup}
        assert {(a @ b).tobytes() for a in subgroup for b in subgroup} == members


def test_true_symmetry_gives_one_for_every_subgroup():
    found = mates_agreements(gemmi.SpaceGroup("P 2 2 2"), *scattered("P 2 2 2", np.random.default_rng(1)))
    assert len(found) == 3
    for agreement in found:
        assert agreement.ratio == pytest.approx(1.0, abs=0.12)
        assert abs(agreement.sigmas) < 3.5


def test_false_symmetry_is_told_and_the_true_axis_stands_out():
    found = mates_agreements(gemmi.SpaceGroup("P 2 2 2"), *scattered("P 1 2 1", np.random.default_rng(2)))
    worst = max(found, key=lambda a: a.ratio)
    assert worst.ratio > 50
    assert worst.sigmas > 20
    assert worst.within == pytest.approx(1.0, abs=0.15)
    assert sorted(a.within > 10 for a in found) == [False, True, True]


def test_anomalous_differences_do_not_count():
    found = mates_agreements(gemmi.SpaceGroup("P 2 2 2"), *scattered("P 2 2 2", np.random.default_rng(3), bijvoet=0.3))
    assert all(a.ratio < 1.15 for a in found)


def test_what_is_weak_for_its_errors_denies_nothing():
    data = scattered("P 1 2 1", np.random.default_rng(4), sigma=1.0, strength=0.05)
    assert all(a.ratio < 1.3 for a in mates_agreements(gemmi.SpaceGroup("P 2 2 2"), *data))


def test_without_repeats_there_is_nothing_to_compare_with():
    data = scattered("P 1", np.random.default_rng(5))
    assert mates_agreements(gemmi.SpaceGroup("P 1 2 1"), *data) == ()
    repeated = scattered("P 1", np.random.default_rng(5), n_repeats=2)
    assert mates_agreements(gemmi.SpaceGroup("P 1 2 1"), *repeated)[0].ratio > 50


def test_the_class_of_the_subgroup_that_stands_out_is_told():
    tetragonal = gemmi.UnitCell(45.0, 45.0, 60.0, 90.0, 90.0, 90.0)
    data = scattered("P 4", np.random.default_rng(8), cell=tetragonal)
    worst = max(mates_agreements(gemmi.SpaceGroup("P 4 2 2"), *data), key=lambda a: a.ratio)
    assert worst.axes == (1, 2, 4, 4) == orders_of(rotations_of(gemmi.SpaceGroup("P 43")))
    assert orders_of(rotations_of(gemmi.SpaceGroup("P 6 2 2"))) == (1, 2, 2, 2, 2, 2, 2, 2, 3, 3, 6, 6)


def test_order_of_observations_does_not_matter():
    hkl, value, variance = scattered("P 1 2 1", np.random.default_rng(6))
    order = np.random.default_rng(7).permutation(len(hkl))
    first = mates_agreements(gemmi.SpaceGroup("P 2 2 2"), hkl, value, variance)
    second = mates_agreements(gemmi.SpaceGroup("P 2 2 2"), hkl[order], value[order], variance[order])
    np.testing.assert_allclose([a.ratio for a in first], [a.ratio for a in second], rtol=1e-9)


@pytest.mark.parametrize("group", ["P 2 2 2", "P 4 2 2", "P 3 2 1", "P 6 2 2", "I 2 3", "P 4 3 2"])
def test_degrees_of_freedom_are_those_of_classes_counted_one_by_one(group):
    rng = np.random.default_rng(5)
    space_group = gemmi.SpaceGroup(group)
    hkl = rng.integers(-4, 5, (400, 3))
    operations, asu = space_group.operations(), gemmi.ReciprocalAsu(space_group)
    groups = []
    for h in hkl.tolist():
        mate, isym = asu.to_asu(h, operations)
        is_plus = isym % 2 == 1 or operations.is_reflection_centric(mate)
        groups.append((tuple(mate), is_plus))
    expected = []
    for subgroup in maximal_subgroups(rotations_of(space_group)):
        classes = [(g, max(map(tuple, h @ subgroup))) for g, h in zip(groups, hkl, strict=True)]
        expected.append((len(set(classes)) - len(set(groups)), len(hkl) - len(set(classes))))
    found = mates_agreements(space_group, hkl, rng.exponential(size=len(hkl)), np.ones(len(hkl)))
    assert [(a.n_between, a.n_within) for a in found] == [e for e in expected if min(e) >= 50]
    assert found


@pytest.mark.parametrize(
    ("group", "axes"),
    [("P 1 21/c 1", {(1,)}), ("P b c a", {(1, 2)}), ("P n a 21", {(1, 2)}), ("P 1 c 1", {(1,)})],
)
def test_with_glides_the_axes_of_the_rotations_are_told(group, axes):
    """Mates under a mirror agree where the group has it, and Friedel mates alone part no classes."""
    agreements = mates_agreements(gemmi.SpaceGroup(group), *scattered(group, np.random.default_rng(3), n_repeats=2))
    assert {a.axes for a in agreements} == axes
    assert all(a.ratio == pytest.approx(1.0, abs=0.2) for a in agreements)
