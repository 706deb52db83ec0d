from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoproc.damage.dose import DoseAxis
from autoproc.damage.pairs import pair_statistics


def observations(seed, n=60, n_groups=12, n_steps=9):
    random = np.random.default_rng(seed)
    group = random.integers(0, n_groups, n)
    return group, random.normal(50, 20, n), random.uniform(1, 5, n), random.integers(0, n_steps, n), group % 2


def by_hand(group, intensity, sigma, step, shell, n_shells, n_steps):
    """Rcp, Rd and number of pairs, pair by pair."""
    top, bottom, apart = np.zeros((3, n_steps)), np.zeros((3, n_steps)), np.zeros(n_steps)
    for i in range(len(group)):
        for j in range(i):
            if group[i] == group[j]:
                for place, row in ((max(step[i], step[j]), 0), (abs(step[i] - step[j]), 1)):
                    top[row, place] += abs(intensity[i] - intensity[j])
                    mean = (intensity[i] + intensity[j]) / 2
                    bottom[row, place] += abs(mean) if row == 0 else mean
                apart[abs(step[i] - step[j])] += 1
    return np.cumsum(top[0]) / np.cumsum(bottom[0]), top[1] / bottom[1], apart


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_sums_are_those_of_every_pair(seed):
    given_observations = observations(seed)
    found = pair_statistics(*given_observations, 2, DoseAxis(0.0, 1.0, 9))
    with np.errstate(invalid="ignore", divide="ignore"):
        rcp, rd, n = by_hand(*given_observations, 2, 9)
    np.testing.assert_allclose(found.rcp, rcp, rtol=1e-12)
    np.testing.assert_allclose(found.rd, rd, rtol=1e-12)
    assert found.n_pairs.tolist() == n.tolist()


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_order_of_the_observations_does_not_matter(seed):
    values = observations(seed)
    shuffled = np.random.default_rng(seed + 1).permutation(len(values[0]))
    axis = DoseAxis(0.0, 1.0, 9)
    first, second = (pair_statistics(*v, 2, axis) for v in (values, [v[shuffled] for v in values]))
    np.testing.assert_allclose(first.rcp_shells, second.rcp_shells, rtol=1e-9)
    np.testing.assert_allclose(first.rd, second.rd, rtol=1e-9)


def test_scp_is_one_where_errors_are_all_there_is():
    random = np.random.default_rng(3)
    group, n_steps = np.repeat(np.arange(4000), 5), 20
    intensity = 100.0 + 10.0 * random.normal(size=len(group))
    step = random.integers(0, n_steps, len(group))
    found = pair_statistics(group, intensity, np.full(len(group), 10.0), step, group % 4, 4, DoseAxis(0, 1, n_steps))
    assert found.scp[-1] == pytest.approx(1.0, abs=0.02)
    assert found.scp_shells[:, -1] == pytest.approx(1.0, abs=0.03)
    assert np.ptp(found.rd) < 0.02


def test_rd_climbs_with_the_difference_where_intensities_drift():
    random = np.random.default_rng(4)
    group, n_steps = np.repeat(np.arange(3000), 8), 40
    step = random.integers(0, n_steps, len(group))
    drift = random.normal(0, 0.5, 3000)[group]
    intensity = 100 * (1 + drift * step / n_steps) + random.normal(size=len(group))
    found = pair_statistics(group, intensity, np.ones(len(group)), step, 0 * group, 1, DoseAxis(0, 1, n_steps))
    assert found.rd[30] > 5 * found.rd[2]
    assert found.rcp[-1] > 3 * found.rcp[3]


def test_single_observations_have_no_agreement():
    n = np.arange(10)
    found = pair_statistics(n, np.ones(10), np.ones(10), n, 0 * n, 1, DoseAxis(0, 1, 10))
    assert np.isnan(found.rcp).all()
    assert np.isnan(found.rd).all()
    assert np.isnan(found.scp).all()


def test_scp_is_the_mean_of_the_shells_that_have_pairs_enough():
    random = np.random.default_rng(5)
    group = np.concatenate([np.repeat(np.arange(300), 2), [300, 300]])
    shell = (group == 300).astype(int)
    found = pair_statistics(
        group, random.normal(100, 10, len(group)), np.full(len(group), 10.0), np.tile([0, 2], 301), shell, 2,
        DoseAxis(0, 1, 3),
    )  # fmt: skip
    assert np.isnan(found.scp[:2]).all()
    assert found.scp[2] == found.scp_shells[0, 2] == pytest.approx(1.0, abs=0.15)
    assert np.isnan(found.scp_shells[1]).all()
