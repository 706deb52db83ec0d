from __future__ import annotations

import gemmi
import numpy as np
import pytest

from autoproc.damage.zero_dose import zero_dose
from autoproc.merging.groups import group_equivalents

CELL, P222 = gemmi.UnitCell(30, 40, 50, 90, 90, 90), gemmi.SpaceGroup("P 2 2 2")


def damaged(change, multiplicity=10, inflated=1.0, seed=0):
    """Groups, their d, values, variances, positions, and the true intensities before damage."""
    random = np.random.default_rng(seed)
    hkl = np.array(gemmi.make_miller_array(CELL, P222, 2.2))
    groups = group_equivalents(P222, np.tile(hkl, (multiplicity, 1)))
    true = random.exponential(100.0, len(groups))
    along, across = 10 * change * random.normal(size=(2, len(true))) / 2**0.5  # structure factors that are added
    position = random.uniform(0, 1, len(groups.group))
    sigma = np.sqrt(9 + (0.03 * true) ** 2)[groups.group]
    amplitude = np.sqrt(true)[groups.group] + position * along[groups.group]
    value = amplitude**2 + (position * across[groups.group]) ** 2 + sigma * random.normal(size=len(position))
    return groups, CELL.calculate_d_array(groups.hkl), value, (inflated * sigma) ** 2, position, true


def extrapolated(groups, d, value, variance, position):
    found = zero_dose(groups, d, value, variance, position)
    mean, sigma = groups.weighted_mean(value - found.slope[groups.group] * position, found.variance)
    reach, _ = groups.weighted_mean(position, found.variance)
    return mean, np.sqrt(sigma**2 + reach**2 * found.slope_variance)


@pytest.mark.parametrize(("multiplicity", "inflated"), [(10, 1.0), (10, 2.0), (6, 1.5)])
def test_it_is_nearer_to_the_truth_and_its_errors_are_honest(multiplicity, inflated):
    *made, true = damaged(0.2, multiplicity, inflated)
    plain, _ = made[0].weighted_mean(made[2], made[3])
    mean, sigma = extrapolated(*made)
    assert np.sqrt(np.mean((mean - true) ** 2)) < 0.6 * np.sqrt(np.mean((plain - true) ** 2))
    assert np.mean(((mean - true) / sigma) ** 2) == pytest.approx(1.0, abs=0.25)


def test_nothing_is_done_where_nothing_changes():
    assert all(zero_dose(*damaged(0.0, seed=seed)[:-1]) is None for seed in range(5))


def test_reflections_seen_once_stay_where_they_are_with_an_error_for_what_they_may_have_changed_by():
    groups, d, value, variance, position, _ = damaged(0.3)
    single = groups.group == 5
    keep = ~single | (np.cumsum(single) == 1)
    few = groups.subset(keep)
    found = zero_dose(few, d, value[keep], variance[keep], position[keep])
    assert found.slope[5] == pytest.approx(0.0, abs=1e-9)
    assert found.slope_variance[5] > 4 * found.slope_variance[few.count > 6].min()
    assert found.n_told > 0.8 * len(few)
