from __future__ import annotations

import gemmi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoproc.merging.agreement import GroupAgreement, group_agreement
from autoproc.merging.groups import EquivalentGroups, group_equivalents


def groups_of(*sizes: int) -> EquivalentGroups:
    hkl = np.repeat([[n + 1, 0, 0] for n in range(len(sizes))], sizes, axis=0)
    return group_equivalents(gemmi.SpaceGroup("P 1"), hkl)


def drawn(seed: int) -> tuple[EquivalentGroups, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    groups = groups_of(*random.integers(1, 7, 15))
    n = len(groups.group)
    return groups, 100 * random.exponential(size=15)[groups.group] + 5 * random.normal(size=n), random.uniform(1, 9, n)


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6))
def test_figures_are_those_of_a_loop(seed):
    """R of Diederichs & Karplus and of Weiss, with means weighted by 1/variance."""
    groups, intensity, sigma = drawn(seed)
    merge = meas = pim = total = 0.0
    means, ratios = [], []
    for g in range(len(groups)):
        i, w = intensity[groups.group == g], sigma[groups.group == g] ** -2.0
        mean, n = (w * i).sum() / w.sum(), len(i)
        means.append(mean)
        ratios.append(mean * np.sqrt(w.sum()))
        if n > 1:
            off = np.abs(i - mean).sum()
            merge, meas, pim = merge + off, meas + np.sqrt(n / (n - 1)) * off, pim + np.sqrt(1 / (n - 1)) * off
            total += i.sum()
    found = group_agreement(groups, intensity, sigma)
    assert (found.r_merge, found.r_meas, found.r_pim) == pytest.approx((merge / total, meas / total, pim / total))
    assert found.mean_intensity == pytest.approx(np.mean(means))
    assert found.i_over_sigma == pytest.approx(np.mean(ratios))


@pytest.mark.parametrize("unit", [1e-6, 250.0])
def test_unit_of_intensity_does_not_matter(unit):
    groups, intensity, sigma = drawn(1)
    one, other = group_agreement(groups, intensity, sigma), group_agreement(groups, unit * intensity, unit * sigma)
    for name in ("r_merge", "r_meas", "r_pim", "i_over_sigma"):
        assert getattr(other, name) == pytest.approx(getattr(one, name))
    assert other.mean_intensity == pytest.approx(unit * one.mean_intensity)


def test_r_meas_does_not_rise_with_multiplicity_and_r_pim_falls():
    random = np.random.default_rng(2)
    found = []
    for n in (2, 4, 16):
        groups = groups_of(*[n] * 1500)
        intensity = 100 + 10 * random.normal(size=1500 * n)
        found.append(group_agreement(groups, intensity, np.full(1500 * n, 10.0)))
    expected = 0.1 * np.sqrt(2 / np.pi)  # mean absolute deviation of 10%
    assert [a.r_meas for a in found] == pytest.approx([expected] * 3, rel=0.03)
    assert [a.r_pim for a in found] == pytest.approx([expected / np.sqrt(n) for n in (2, 4, 16)], rel=0.03)
    assert np.all(np.diff([a.r_merge for a in found]) > 0)


@pytest.mark.parametrize(("total", "is_known"), [(0.99, False), (1.01, True)])
def test_r_factors_of_nothing_are_none(total, is_known):
    """Four observations of sigma 1 in pairs: their sum has to exceed 3 sqrt(4)."""
    intensity = np.full(4, total * 3.0 * 2 / 4)
    assert (group_agreement(groups_of(2, 2), intensity, np.ones(4)).r_meas is not None) == is_known


def test_single_observations_count_in_means_alone():
    found = group_agreement(groups_of(1, 2), np.array([1e6, 90.0, 110.0]), np.ones(3))
    assert found.r_merge == pytest.approx(0.1)
    assert found.mean_intensity == pytest.approx((1e6 + 100) / 2)


def test_empty_groups_are_in_nothing():
    groups = groups_of(2, 2).subset(np.array([True, True, False, False]))
    found = group_agreement(groups, np.array([9.0, 11.0]), np.ones(2))
    assert len(found) == 1
    assert found.mean_intensity == pytest.approx(10.0)
    nothing = found[np.array([False, True])]
    assert (len(nothing), nothing.mean_intensity, nothing.i_over_sigma, nothing.r_merge) == (0, None, None, None)


def test_some_groups_are_those_of_their_observations():
    groups, intensity, sigma = drawn(3)
    here = np.arange(len(groups)) % 2 == 0
    rows = here[groups.group]
    part = group_agreement(groups, intensity, sigma)[here]
    alone = group_agreement(groups.subset(rows), intensity[rows], sigma[rows])
    assert isinstance(part, GroupAgreement)
    assert (part.r_meas, part.i_over_sigma, len(part)) == pytest.approx((alone.r_meas, alone.i_over_sigma, len(alone)))
