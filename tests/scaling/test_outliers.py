from __future__ import annotations

import gemmi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoproc.geometry.shells import equal_volume_shells
from autoproc.merging.groups import EquivalentGroups, group_equivalents
from autoproc.scaling.outliers import N_SHELLS, impossible_intensities, reject_outliers

P1 = gemmi.SpaceGroup("P 1")


def groups_of(*sizes: int) -> EquivalentGroups:
    """Groups of so many observations each, one after the other."""
    return group_equivalents(P1, np.repeat([[n + 1, 0, 0] for n in range(len(sizes))], sizes, axis=0))


def slow_outliers(group, value, variance, factor, zmax, candidate) -> np.ndarray:
    """One group at a time, one observation at a time."""
    scaled, scaled_variance = value / factor, variance / factor**2
    rejected = np.zeros(len(value), bool)
    for g in np.unique(group):
        members = list(np.flatnonzero((group == g) & candidate))
        n_start = len(members)
        while len(members) > 2:
            z = []
            for i in members:
                others = [j for j in members if j != i]
                w = 1 / scaled_variance[others]
                mean = (w * scaled[others]).sum() / w.sum()
                z.append(abs(scaled[i] - mean) / np.sqrt(scaled_variance[i] + 1 / w.sum()))
            worst = int(np.argmax(z))
            if z[worst] <= zmax or n_start - len(members) + 1 > 0.5 * n_start:
                break
            rejected[members.pop(worst)] = True
    return rejected


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6))
def test_outliers_are_those_of_a_loop_over_groups(seed):
    random = np.random.default_rng(seed)
    groups = groups_of(*random.integers(1, 9, 12))
    n = len(groups.group)
    variance, factor = random.uniform(1, 9, n), random.uniform(0.5, 2, n)
    value = factor * 50 + np.sqrt(variance) * random.normal(size=n)
    value[random.integers(0, n, n // 4)] += 60
    candidate = random.uniform(size=n) < 0.9
    found = reject_outliers(groups, value, variance, factor, 4.0, candidate)
    np.testing.assert_array_equal(found, slow_outliers(groups.group, value, variance, factor, 4.0, candidate))


def test_limit_of_two_equals_and_one_off():
    """Others' mean 0 of variance 1/2, its own 1: z = x / sqrt(1.5)."""
    limit = 6 * np.sqrt(1.5)
    for x, is_out in ((limit * 0.999, False), (limit * 1.001, True)):
        found = reject_outliers(groups_of(3), np.array([0.0, 0.0, x]), np.ones(3), np.ones(3), 6.0, np.ones(3, bool))
        assert found.tolist() == [False, False, is_out]


def test_at_the_limit_is_no_outlier():
    """Others' mean 0 of variance 1/2, its own 7/2: 12 is 6 standard uncertainties to the last bit."""
    variance = np.array([1.0, 1.0, 3.5])
    found = reject_outliers(groups_of(3), np.array([0.0, 0.0, 12.0]), variance, np.ones(3), 6.0, np.ones(3, bool))
    assert not found.any()


def test_what_was_rejected_is_no_witness_against_the_others():
    value = np.array([0.0, 1.0, 0.0, 1.0, 1000.0])
    found = reject_outliers(groups_of(5), value, np.ones(5), np.ones(5), 6.0, np.ones(5, bool))
    assert found.tolist() == [False, False, False, False, True]


@pytest.mark.parametrize(("n", "most"), [(5, 2), (6, 3), (11, 5), (46, 20)])
def test_no_more_than_half_of_a_group_goes(n, most):
    """Nor more than 20, one a round."""
    value = np.where(np.arange(n) < n - most - 1, 0.0, 1e4 * 7.0 ** np.arange(n))
    found = reject_outliers(groups_of(n), value, np.ones(n), np.ones(n), 6.0, np.ones(n, bool))
    assert found.sum() == most


def test_scales_are_taken_off_first():
    factor = np.array([1.0, 10.0, 0.1, 1.0])
    found = reject_outliers(groups_of(4), 100 * factor, factor**2, factor, 3.0, np.ones(4, bool))
    assert not found.any()


def test_what_is_no_candidate_counts_neither_as_outlier_nor_as_witness():
    value, candidate = np.array([0.0, 1.0, 1000.0, 1000.0, 1000.0]), np.array([1, 1, 1, 0, 0], bool)
    found = reject_outliers(groups_of(5), value, np.ones(5), np.ones(5), 6.0, candidate)
    assert found.tolist() == [False, False, True, False, False]


def shells_of(n: int, seed: int = 0) -> tuple[EquivalentGroups, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return groups_of(*[1] * n), random.uniform(1e-3, 0.125, n) ** (-1 / 3), random.exponential(100.0, n)


@pytest.mark.parametrize(("times", "impossible"), [(0.9995, False), (1.0005, True)])
def test_a_hundred_times_the_mean_is_impossible(times, impossible):
    groups, _, _ = shells_of(400)
    d, intensity = np.linspace(1e-3, 0.125, 400) ** (-1 / 3), np.full(400, 10.0)
    intensity[5] = times * 100 * 10.0 + 5 * 1.0
    found = impossible_intensities(groups, d, intensity, np.ones(400), np.ones(400, bool))
    assert found[5] == impossible
    assert found.sum() == impossible


def test_the_mean_is_that_of_the_99_weakest_in_a_hundred():
    """Of some 200: all but 20 are 1 and 18 are 11, so that the mean without the two strongest is 1.9."""
    groups, _, _ = shells_of(4000)
    d, intensity = np.linspace(1e-3, 0.125, 4000) ** (-1 / 3), np.ones(4000)
    rows = np.flatnonzero(equal_volume_shells(d, N_SHELLS).index(d) == 10)
    intensity[rows[-20:]] = [11.0] * 18 + [150.0, 200.0]
    found = impossible_intensities(groups, d, intensity, np.full(4000, 1e-6), np.ones(4000, bool))
    assert np.flatnonzero(found).tolist() == [rows[-1]]


def test_twenty_shells_of_equal_volume_are_judged_each_by_itself():
    """Every second one is ten times as strong: 200 are impossible in the weak ones only."""
    groups, _, _ = shells_of(800)
    d, intensity = np.linspace(1e-3, 0.125, 800) ** (-1 / 3), np.where(np.arange(800) // 40 % 2, 10.0, 1.0)
    giants = [300, 420, 500]
    intensity[giants] = 200.0
    found = impossible_intensities(groups, d, intensity, np.full(800, 1e-6), np.ones(800, bool))
    assert np.flatnonzero(found).tolist() == [420, 500]


def test_a_giant_does_not_raise_the_mean_it_is_judged_by():
    """Nor in a shell of a few dozen, of which 99% would be all."""
    groups, _, _ = shells_of(1000)
    d, intensity = np.linspace(1e-3, 0.125, 1000) ** (-1 / 3), np.full(1000, 10.0)
    intensity[500] = 1e7
    found = impossible_intensities(groups, d, intensity, np.ones(1000), np.ones(1000, bool))
    assert np.flatnonzero(found).tolist() == [500]


def test_uncertain_giants_are_possible():
    """A giant of its own large sigma, and a shell of nothing but noise, whose level is its mean uncertainty."""
    groups, d, intensity = shells_of(2000)
    variance = np.full(2000, 25.0)
    intensity[7], variance[7] = 3e4, 1e8
    assert not impossible_intensities(groups, d, intensity, variance, np.ones(2000, bool)).any()
    noise = np.random.default_rng(1).normal(0, 1, 2000)
    noise[9] = 90.0
    assert not impossible_intensities(groups, d, noise, np.ones(2000), np.ones(2000, bool)).any()


def test_impossible_is_judged_by_the_shell_and_by_candidates_alone():
    groups, d, intensity = shells_of(4000)
    intensity = intensity * np.where(d < 4, 0.001, 1.0)
    strong = int(np.flatnonzero(d < 2.5)[0])
    intensity[strong] = 100.0  # 1000 times the mean of its own shell, usual at low resolution
    candidates = np.ones(4000, bool)
    assert impossible_intensities(groups, d, intensity, np.full(4000, 1e-6), candidates)[strong]
    candidates[strong] = False
    assert not impossible_intensities(groups, d, intensity, np.full(4000, 1e-6), candidates).any()


def test_few_reflections_make_no_shell():
    groups, d, intensity = shells_of(15)
    intensity[3] = 1e9
    assert not impossible_intensities(groups, d, intensity, np.ones(15), np.ones(15, bool)).any()
    assert not impossible_intensities(groups, d, intensity, np.ones(15), np.zeros(15, bool)).any()
