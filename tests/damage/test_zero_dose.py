from __future__ import annotations

import numpy as np
import pytest
from damaged_for_tests import changing

from autoproc.damage.zero_dose import powers, zero_dose


def extrapolated(groups, d, value, variance, position):
    found = zero_dose(groups, d, value, variance, position)
    mean, sigma = groups.weighted_mean(value - found.taken(groups.group, position), found.variance)
    reach = np.stack([groups.weighted_mean(column, found.variance)[0] for column in powers(position).T], axis=1)
    return mean, np.sqrt(sigma**2 + found.extra_variance(reach))


@pytest.mark.parametrize(
    ("change", "multiplicity", "inflated"), [(0.2, 10, 1.0), (0.2, 10, 2.0), (0.2, 6, 1.5), (0.4, 12, 1.0)]
)
def test_it_is_nearer_to_the_truth_and_its_errors_are_honest(change, multiplicity, inflated):
    *made, true = changing(change, multiplicity, inflated)
    plain, _ = made[0].weighted_mean(made[2], made[3])
    mean, sigma = extrapolated(*made)
    assert np.sqrt(np.mean((mean - true) ** 2)) < 0.6 * np.sqrt(np.mean((plain - true) ** 2))
    assert np.mean(((mean - true) / sigma) ** 2) == pytest.approx(1.0, abs=0.25)


def test_nothing_is_done_where_nothing_changes():
    assert all(zero_dose(*changing(0.0, seed=seed)[:-1]) is None for seed in range(5))


def test_reflections_seen_once_stay_where_they_are_with_an_error_for_what_they_may_have_changed_by():
    groups, d, value, variance, position, _ = changing(0.3)
    single = groups.group == 5
    keep = ~single | (np.cumsum(single) == 1)
    few = groups.subset(keep)
    found = zero_dose(few, d, value[keep], variance[keep], position[keep])
    slope, variances = found.curve[:, 0], found.covariance[:, 0, 0]
    assert slope[5] == pytest.approx(0.0, abs=1e-9)
    assert variances[5] > 4 * variances[few.count > 6].min()
    assert found.n_told > 0.8 * len(few)


def test_strong_reflections_lose_by_the_mean_growth_and_weak_ones_gain():
    """With nothing of their own to tell, since all observations of a reflection are at one dose."""
    groups, d, value, variance, position, _ = changing(0.3)
    one_dose = np.isin(groups.group, [7, 8])
    position = np.where(one_dose, 0.5, position)
    value = np.where(groups.group == 7, 1000.0, np.where(groups.group == 8, 1.0, value))
    found = zero_dose(groups, d, value, np.where(one_dose, 1.0, variance), position)
    assert found.curve[7, 1] < 0 < found.curve[8, 1]
