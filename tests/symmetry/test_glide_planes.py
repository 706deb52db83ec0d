"""Space groups of small molecules, from intensities that obey them."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoproc.models.space_group import proper_rotations_of
from autoproc.simulation.intensities import crystal_symmetry, expand, wilson_intensities
from autoproc.symmetry.absences import absent_in, equally_good
from autoproc.symmetry.glide_planes import (
    SURE,
    analyse_all_groups,
    every_setting,
    reference_axes,
    share_of_achiral,
)

MONOCLINIC = (8.0, 11.0, 14.0, 90.0, 100.0, 90.0)
ORTHORHOMBIC = (7.0, 11.0, 17.0, 90.0, 90.0, 90.0)
TRICLINIC = (7.0, 8.0, 9.0, 80.0, 95.0, 100.0)
CENTRED = (20.0, 9.0, 14.0, 90.0, 105.0, 90.0)
CASES = [
    ("P -1", TRICLINIC, "P 1"),
    ("P 1 21/c 1", MONOCLINIC, "P 1 2 1"),
    ("P 1 21/n 1", MONOCLINIC, "P 1 2 1"),
    ("P 1 21/a 1", MONOCLINIC, "P 1 2 1"),
    ("P 1 21 1", MONOCLINIC, "P 1 2 1"),
    ("C 1 2/c 1", CENTRED, "C 1 2 1"),
    ("I 1 2/a 1", CENTRED, "I 1 2 1"),
    ("C 1 c 1", CENTRED, "C 1 2 1"),
    ("P b c a", ORTHORHOMBIC, "P 2 2 2"),
    ("P n a 21", ORTHORHOMBIC, "P 2 2 2"),
    ("P 21 n b", ORTHORHOMBIC, "P 2 2 2"),
    ("P n m a", ORTHORHOMBIC, "P 2 2 2"),
    ("P 21 21 21", ORTHORHOMBIC, "P 2 2 2"),
    ("P c a 21", ORTHORHOMBIC, "P 2 2 2"),
    ("F d d 2", (20.0, 25.0, 8.0, 90.0, 90.0, 90.0), "F 2 2 2"),
    ("R -3:H", (20.0, 20.0, 10.0, 90.0, 90.0, 120.0), "R 3:H"),
    ("R -3 c:H", (20.0, 20.0, 10.0, 90.0, 90.0, 120.0), "R 3 2:H"),
    ("I 41/a:2", (14.0, 14.0, 9.0, 90.0, 90.0, 90.0), "I 4"),
    ("P a -3", (10.0, 10.0, 10.0, 90.0, 90.0, 90.0), "P 2 3"),
]


def observed(truth, cell, part=0.7, d_min=1.0, noise=0.05, seed=0):
    """Part of all reflections, those that are extinguished among them: hkl, E^2, sigma."""
    unit_cell, group = crystal_symmetry(cell, truth)
    rng = np.random.default_rng(seed)
    true = wilson_intensities(unit_cell, group, rng, d_min=d_min, b=0.0, anomalous=0.0)
    hkl, e2 = expand(true, group)
    everything = np.asarray(gemmi.make_miller_array(unit_cell, gemmi.SpaceGroup("P 1"), d_min, unique=False), np.int32)
    gone = everything[absent_in(group, everything)]
    hkl, e2 = np.concatenate([hkl, gone]), np.concatenate([e2, np.zeros(len(gone))])
    seen = rng.random(len(hkl)) < part
    sigma = np.hypot(noise, 0.05 * e2[seen])
    return hkl[seen], e2[seen] + sigma * rng.normal(size=len(sigma)), sigma


def analysed(truth, cell, base, **kwargs):
    hkl, e2, sigma = observed(truth, cell, **kwargs)
    return analyse_all_groups(gemmi.SpaceGroup(base), hkl, e2, sigma, np.full(len(hkl), 100.0))


@pytest.mark.parametrize(("truth", "cell", "base"), CASES)
def test_with_many_reflections_the_group_is_found(truth, cell, base):
    found = analysed(truth, cell, base)
    assert gemmi.SpaceGroup(truth).xhm() in [g.xhm() for g in found.candidates[0].groups]
    assert found.candidates[0].score > 0.8


@pytest.mark.parametrize(("truth", "cell", "base"), [CASES[n] for n in (0, 1, 4, 5, 8, 9, 12, 15)])
def test_with_few_reflections_it_is_among_those_that_are_told(truth, cell, base):
    found = analysed(truth, cell, base, part=0.25, d_min=1.6, noise=0.3)
    likely = [g.number for c in found.candidates if c.score > 0.02 for g in c.groups]
    assert gemmi.SpaceGroup(truth).number in likely
    assert not found.is_certain or gemmi.SpaceGroup(truth).number in [g.number for g in equally_good(found)]


def test_likelihoods_add_up():
    found = analysed("P n a 21", ORTHORHOMBIC, "P 2 2 2")
    assert sum(c.score for c in found.candidates) == pytest.approx(1.0, abs=1e-6)
    scores = [round(c.score, 6) for c in found.candidates]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(("truth", "other"), [("P n a 21", 62), ("P n m a", 33), ("C 1 2/c 1", 9), ("P -1", 1)])
def test_a_centre_tells_groups_of_the_same_absences(truth, other):
    cell, base = next((c, b) for t, c, b in CASES if t == truth)
    found = analysed(truth, cell, base)
    scores = {c.groups[0].number: c.score for c in reversed(found.candidates)}
    assert scores[gemmi.SpaceGroup(truth).number] > 5 * scores[other]
    assert (found.centre.log_ratio > 0) is gemmi.SpaceGroup(truth).is_centrosymmetric()


def test_without_any_reflection_the_commonest_come_first():
    none = np.zeros(0)
    found = analyse_all_groups(gemmi.SpaceGroup("P 1 2 1"), np.zeros((0, 3), np.int32), none, none, none)
    assert found.candidates[0].groups[0].number == 14
    assert not found.is_certain
    assert found.centre.mean is None


def test_a_weak_forbidden_reflection_does_not_undo_a_glide():
    hkl, e2, sigma = observed("P 1 21/c 1", MONOCLINIC)
    forbidden = np.flatnonzero(absent_in(gemmi.SpaceGroup("P 1 21/c 1"), hkl))[:3]
    e2[forbidden] = 1.0
    found = analyse_all_groups(gemmi.SpaceGroup("P 1 2 1"), hkl, e2, sigma, np.full(len(hkl), 100.0))
    assert found.candidates[0].groups[0].number == 14


def test_share_of_achiral():
    assert share_of_achiral(analysed("P 1 21/c 1", MONOCLINIC, "P 1 2 1")) > SURE
    assert share_of_achiral(analysed("P 21 21 21", ORTHORHOMBIC, "P 2 2 2")) < 1 - SURE


@pytest.mark.parametrize(
    ("base", "numbers"),
    [("P 1", {1, 2}), ("P 1 2 1", {3, 4, 6, 7, 10, 11, 13, 14}), ("C 1 2 1", {5, 8, 9, 12, 15}), ("R 3:H", {146, 148})],
)
def test_every_group_of_the_class_is_compared(base, numbers):
    assert {g.number for members in every_setting(gemmi.SpaceGroup(base)) for g in members} == numbers


def test_every_space_group_is_reached():
    tabulated = [g for g in gemmi.spacegroup_table() if g.is_reference_setting() or g.hm == "P 3 1 2"]
    symmorphic = [g for g in tabulated if g.is_symmorphic() and g.is_sohncke()]
    reached = {g.number for base in symmorphic for members in every_setting(base) for g in members}
    assert reached == set(range(1, 231))


def test_of_two_origins_the_centre_of_symmetry_is_taken():
    found = {g.xhm() for members in every_setting(gemmi.SpaceGroup("P 2 2 2")) for g in members if g.ext}
    assert {"P n n n:2", "P b a n:2", "P c n a:2"} < found
    assert not any(name.endswith(":1") for name in found)


def test_enantiomorphs_share_a_line():
    together = [{g.number for g in members} for members in every_setting(gemmi.SpaceGroup("P 4 2 2"))]
    assert {92, 96} in together
    assert {91, 95} in together


@pytest.mark.parametrize(
    ("name", "setting", "expected"),
    [
        ("P 1 21/c 1", "best", "P 1 21/c 1"), ("P 1 21/n 1", "best", "P 1 21/n 1"),
        ("P 1 21/a 1", "best", "P 1 21/c 1"), ("P 1 21/n 1", "standard", "P 1 21/c 1"),
        ("C 1 2/c 1", "best", "C 1 2/c 1"), ("I 1 2/c 1", "best", "I 1 2/a 1"),
        ("I 1 2/a 1", "standard", "C 1 2/c 1"), ("R -3:H", "best", "R -3:H"), ("P -1", "best", "P -1"),
        ("P n a m", "best", "P n m a"), ("P 21 n b", "best", "P n a 21"), ("P c a b", "best", "P b c a"),
        ("C m 2 m", "best", "A m m 2"), ("F d d d:2", "best", "F d d d:2"), ("P c n a:2", "best", "P b a n:2"),
    ],
)  # fmt: skip
def test_the_setting_that_chemists_use(name, setting, expected):
    group = gemmi.find_spacegroup_by_name(name)
    found, change = reference_axes(group, setting)
    assert found.number == gemmi.find_spacegroup_by_name(expected).number
    assert found.xhm() == gemmi.find_spacegroup_by_name(expected).xhm()
    assert np.linalg.det(change) > 0
    hkl = np.array([h for h in np.ndindex(7, 7, 7) if any(h)], np.int32) - np.array([3, 3, 3], np.int32)
    np.testing.assert_array_equal(absent_in(group, hkl), absent_in(found, hkl @ change.T))
    assert len(proper_rotations_of(found)) == len(proper_rotations_of(group))


FEW_ON_AXES = [
    ("P 1 c 1", MONOCLINIC, "P 1 2 1"), ("P 1 2/c 1", MONOCLINIC, "P 1 2 1"), ("P 1 2 1", MONOCLINIC, "P 1 2 1"),
    ("P 1 m 1", MONOCLINIC, "P 1 2 1"), ("P 1 21/c 1", MONOCLINIC, "P 1 2 1"), ("C 1 c 1", CENTRED, "C 1 2 1"),
    ("P n n 2", ORTHORHOMBIC, "P 2 2 2"), ("P 21 21 2", ORTHORHOMBIC, "P 2 2 2"), ("P c c n", ORTHORHOMBIC, "P 2 2 2"),
]  # fmt: skip


def with_few_on_axes(truth, cell, base, n, seed, noise):
    """Analysed with at most n reflections left on each axis."""
    hkl, e2, sigma = observed(truth, cell, d_min=1.4, noise=noise, seed=seed)
    rng = np.random.default_rng(seed)
    use = (hkl == 0).sum(axis=1) < 2
    for axis in range(3):
        on = np.abs(hkl[:, axis]) * ((hkl == 0).sum(axis=1) == 2)
        measured = np.unique(on[on > 0])
        use |= np.isin(on, rng.permutation(measured)[:n]) & (on > 0)
    return analyse_all_groups(gemmi.SpaceGroup(base), hkl[use], e2[use], sigma[use], np.full(use.sum(), 100.0))


@settings(max_examples=12)
@given(st.sampled_from(FEW_ON_AXES), st.integers(0, 4), st.integers(0, 2**32 - 1), st.sampled_from([0.05, 0.3]))
def test_few_reflections_on_axes_make_nothing_certain_that_is_wrong(case, n, seed, noise):
    found = with_few_on_axes(*case, n, seed, noise)
    assert gemmi.SpaceGroup(case[0]).number in [g.number for g in equally_good(found)]


@pytest.mark.parametrize("seed", range(3))
def test_a_screw_axis_is_not_certain_by_how_often_it_occurs(seed):
    found = with_few_on_axes("P 1 2/c 1", MONOCLINIC, "P 1 2 1", 0, seed, 0.05)
    assert [g.number for g in equally_good(found)][:2] == [14, 13]
    assert not found.is_certain
    rival = next(c for c in found.candidates if c.groups[0].number == 13)
    assert (rival.n_telling, rival.log_against) == (0, 0)


def test_weak_reflections_that_a_mirror_makes_frequent_are_no_screw_axis():
    """A mirror makes 0k0 centric and half as strong as a two-fold does: three weak ones are no wonder."""
    hkl = np.array([(0, 1, 0), (0, 3, 0), (0, 5, 0)], np.int32)
    none, sigma = np.full(3, 0.1), np.full(3, 0.05)
    found = analyse_all_groups(gemmi.SpaceGroup("P 1 2 1"), hkl, none, sigma, np.ones(3))
    screw = sum(c.score for c in found.candidates if c.groups[0].number in (4, 11, 14))
    without = next(c for c in found.candidates if c.groups[0].number in (3, 6, 7, 10, 13))
    assert screw > 0.9
    assert without.log_against < np.log(100)
