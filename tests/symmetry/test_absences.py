from __future__ import annotations

import gemmi
import numpy as np
import pytest

from autoproc.symmetry.absences import absence_classes, analyse_absences, equally_good, standard_setting


def axial(group: str, truth: str, indices: range, noise: float = 0.05, seed: int = 0):
    """Axial reflections of `truth`, analysed among the groups with the rotations of `group`."""
    hkl = np.concatenate([np.outer(list(indices), axis) for axis in np.eye(3, dtype=int)]).astype(np.int32)
    rng = np.random.default_rng(seed)
    true = gemmi.SpaceGroup(truth)
    e2 = rng.exponential(size=len(hkl)) + 0.1
    e2[np.asarray(true.operations().systematic_absences(hkl), bool)] = 0
    e2 = e2 + noise * rng.normal(size=len(hkl))
    return analyse_absences(gemmi.SpaceGroup(group), hkl, e2, np.full(len(hkl), noise), np.full(len(hkl), 100.0))


def names(absences) -> list[str]:
    return [g.xhm() for g in absences.candidates[0].groups]


@pytest.mark.parametrize(
    ("group", "truth", "expected"),
    [
        ("P 1 2 1", "P 1 21 1", ["P 1 21 1"]),
        ("P 1 2 1", "P 1 2 1", ["P 1 2 1"]),
        ("P 2 2 2", "P 21 21 21", ["P 21 21 21"]),
        ("P 2 2 2", "P 2 21 21", ["P 2 21 21"]),
        ("C 2 2 2", "C 2 2 21", ["C 2 2 21"]),
        ("P 4 2 2", "P 43 21 2", ["P 41 21 2", "P 43 21 2"]),
        ("P 4 2 2", "P 42 2 2", ["P 42 2 2"]),
        ("I 4", "I 41", ["I 41"]),
        ("P 3 2 1", "P 32 2 1", ["P 31 2 1", "P 32 2 1"]),
        ("P 6 2 2", "P 65 2 2", ["P 61 2 2", "P 65 2 2"]),
        ("P 6", "P 63", ["P 63"]),
        ("P 2 3", "P 21 3", ["P 21 3"]),
        ("F 4 3 2", "F 41 3 2", ["F 41 3 2"]),
    ],
)
def test_screw_axes_are_found(group, truth, expected):
    found = axial(group, truth, range(1, 25))
    assert names(found) == expected
    assert found.is_certain


@pytest.mark.parametrize("group", ["I 2 2 2", "I 2 3"])
def test_centring_hides_the_screw_axes(group):
    found = axial(group, group, range(2, 20, 2))
    assert len(names(found)) == 2
    assert not found.screw_axes


def test_one_strong_forbidden_reflection_does_not_decide():
    hkl = np.outer(np.arange(1, 21), [0, 1, 0]).astype(np.int32)
    e2 = np.where(np.arange(1, 21) % 2, 0.0, 1.0)
    e2[4] = 1.5
    found = analyse_absences(gemmi.SpaceGroup("P 1 2 1"), hkl, e2, np.full(20, 0.05), np.ones(20))
    assert names(found) == ["P 1 21 1"]


def test_weak_data_say_nothing():
    found = axial("P 1 2 1", "P 1 2 1", range(1, 25), noise=20.0)
    assert not found.is_certain
    assert found.candidates[0].score == pytest.approx(0.5, abs=0.2)


def test_without_axial_reflections_all_are_possible_and_the_commonest_comes_first():
    none = np.zeros(0)
    found = analyse_absences(gemmi.SpaceGroup("P 2 2 2"), np.zeros((0, 3), np.int32), none, none, none)
    assert not found.is_certain
    assert len(equally_good(found)) == 8
    assert names(found) == ["P 21 21 21"]
    assert [s.n_absent for s in found.screw_axes] == [0, 0, 0]


def test_the_screw_axis_table_counts_reflections():
    screw = {s.name: s for s in axial("P 4 2 2", "P 43 21 2", range(1, 13)).screw_axes}
    assert set(screw) == {"41c", "42c", "21a"}
    assert (screw["41c"].n_present, screw["41c"].n_absent) == (3, 9)
    assert (screw["21a"].n_present, screw["21a"].n_absent) == (6, 6)
    assert screw["41c"].score > 0.95
    assert abs(screw["41c"].i_absent) < 5 < screw["41c"].i_present


def test_chiral_groups_of_a_class_are_complete():
    numbers = {g.number for members in absence_classes(gemmi.SpaceGroup("P 4 2 2")) for g in members}
    assert numbers == {89, 90, 91, 92, 93, 94, 95, 96}


@pytest.mark.parametrize(
    ("symbol", "cell", "expected"),
    [
        ("P 2 21 21", (40, 30, 50, 90, 90, 90), ("P 21 21 2", 40, (30, 50))),
        ("P 21 2 21", (40, 30, 50, 90, 90, 90), ("P 21 21 2", 30, (40, 50))),
        ("P 2 21 2", (40, 30, 50, 90, 90, 90), ("P 2 2 21", 30, (40, 50))),
        ("P 21 21 2", (40, 30, 50, 90, 90, 90), ("P 21 21 2", 50, (30, 40))),
    ],
)
def test_the_odd_axis_becomes_c(symbol, cell, expected):
    group, matrix = standard_setting(gemmi.SpaceGroup(symbol), cell)
    a, b, c = np.abs(matrix) @ cell[:3]
    assert (group.xhm(), c, (a, b)) == expected
    assert np.linalg.det(matrix) == pytest.approx(1)
    hkl = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]], np.int32)
    before = gemmi.SpaceGroup(symbol).operations().systematic_absences(hkl)
    after = group.operations().systematic_absences(np.ascontiguousarray(hkl @ matrix.T, np.int32))
    np.testing.assert_array_equal(before, after)
