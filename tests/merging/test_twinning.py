from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import pytest

from autoproc.merging.translation import highest_patterson_peak
from autoproc.merging.twinning import l_test, neighbours, strong_limit
from autoproc.models.merged import Merged

CELL = gemmi.UnitCell(60, 60, 80, 90, 90, 120)
GROUP = gemmi.SpaceGroup("P 3")
D_MIN = 2.2


def merged(intensity: np.ndarray, hkl: np.ndarray, sigma: float = 0.02) -> Merged:
    n = len(hkl)
    nothing, none = np.full(n, np.nan), np.zeros(n, int)
    centric = np.asarray(GROUP.operations().centric_flag_array(hkl), bool)
    return Merged(
        hkl, CELL, GROUP, 1.0, intensity, np.full(n, sigma), *[nothing] * 4, none, none, none, *[nothing] * 6,
        centric, none, float("nan"),
    )  # fmt: skip


def asymmetric_unit() -> np.ndarray:
    return np.asarray(gemmi.make_miller_array(CELL, GROUP, D_MIN), np.int32)


def wilson(hkl: np.ndarray, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).exponential(1.0, len(hkl))


def twinned(fraction: float) -> Merged:
    """Intensities added to those of reflections k h -l, independent ones in P 3."""
    hkl = asymmetric_unit()
    return merged((1 - fraction) * wilson(hkl, 0) + fraction * wilson(hkl, 1), hkl)


def test_a_single_crystal():
    test = l_test(twinned(0.0))
    assert test.mean_abs_l == pytest.approx(0.5, abs=0.01)
    assert test.mean_l2 == pytest.approx(1 / 3, abs=0.01)
    assert test.second_moment == pytest.approx(2.0, abs=0.1)
    np.testing.assert_allclose(test.cumulative, test.abs_l, atol=0.02)


def test_a_perfect_twin():
    test = l_test(twinned(0.5))
    assert test.mean_abs_l == pytest.approx(0.375, abs=0.01)
    assert test.mean_l2 == pytest.approx(0.2, abs=0.01)
    assert test.second_moment == pytest.approx(1.5, abs=0.1)


def test_few_or_weak_reflections_say_nothing():
    whole = twinned(0.0)
    assert l_test(merged(whole.intensity[:50], whole.hkl[:50])) is None
    assert l_test(replace(whole, sigma=np.full(len(whole), 10.0))) is None
    assert l_test(replace(whole, sigma=np.full(len(whole), np.nan))) is None
    assert l_test(merged(whole.intensity[:0], whole.hkl[:0])) is None


def test_weak_shells_are_left_out():
    whole = twinned(0.0)
    sigma = np.where(whole.d < 3.0, 10.0, 0.02)
    assert strong_limit(replace(whole, sigma=sigma)) == pytest.approx(3.0, abs=0.1)


def test_neighbours_are_two_steps_apart():
    hkl = np.array([(0, 0, 1), (2, 0, 1), (1, 0, 1), (2, 2, 1), (0, 0, 3), (-2, 0, 1)])
    pairs = {frozenset((i, j)) for i, j in zip(*neighbours(hkl), strict=True)}
    expected = {(0, 1), (1, 3), (0, 3), (0, 4), (1, 4), (0, 5), (5, 4)}
    assert pairs == {frozenset(p) for p in expected}


def test_a_copy_of_the_molecule_shows_in_the_patterson_map():
    hkl = asymmetric_unit()
    shift = np.array([0.0, 0.0, 0.5]) + np.array([1 / 3, 2 / 3, 0])
    copied = wilson(hkl) * 2 * np.cos(np.pi * (hkl @ shift)) ** 2
    peak = highest_patterson_peak(merged(copied, hkl))
    assert peak.height > 0.4
    assert peak.vector[2] == pytest.approx(0.5, abs=0.03)
    assert peak.length > 40


def test_chance_peaks_are_low_and_known_to_be_chance():
    hkl = asymmetric_unit()
    peak = highest_patterson_peak(merged(wilson(hkl), hkl))
    assert peak.height < 0.15
    assert peak.height < 1.6 * peak.noise


def test_too_few_reflections_make_no_map():
    hkl = asymmetric_unit()[:100]
    assert highest_patterson_peak(merged(wilson(hkl), hkl)) is None


def test_centring_is_no_pseudo_translation():
    group = gemmi.SpaceGroup("C 1 2 1")
    cell = gemmi.UnitCell(70, 60, 50, 90, 105, 90)
    hkl = np.asarray(gemmi.make_miller_array(cell, group, 2.5), np.int32)
    peak = highest_patterson_peak(replace(merged(wilson(hkl), hkl), cell=cell, space_group=group))
    assert peak.height < 0.2


@pytest.mark.parametrize("e2", [20.0, 90.0])
def test_one_wild_intensity_makes_no_single_crystal_of_a_twin(e2):
    """As strong as scaling lets a single measurement be: 100 times the mean."""
    twin = twinned(0.5)
    wild = twin.intensity.copy()
    wild[1000] = e2
    assert l_test(replace(twin, intensity=wild)).second_moment == pytest.approx(1.5, abs=0.1)
