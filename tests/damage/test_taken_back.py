from __future__ import annotations

import numpy as np
from damaged_for_tests import changing

from autoproc.damage.taken_back import taken_back
from autoproc.damage.zero_dose import powers, zero_dose


def with_early_ones_rejected(change=0.4, seed=1):
    """Of one reflection in ten the observations of the first fifth are rejected."""
    groups, d, value, variance, position, true = changing(change, 12, seed=seed)
    rejected = (groups.group % 10 == 0) & (position < 0.2)
    return groups, d, value, variance, position, rejected, true


def squares(groups, d, value, variance, position, use, true):
    """Mean squared deviation from the truth, over the variance, of the reflections that were deprived."""
    own = groups.subset(use)
    found = zero_dose(own, d, value[use], variance[use], position[use])
    mean, sigma = own.weighted_mean(value[use] - found.taken(own.group, position[use]), found.variance)
    reach = np.stack([own.weighted_mean(c, found.variance)[0] for c in powers(position[use]).T], axis=1)
    total = sigma**2 + found.extra_variance(reach)
    return np.nanmean((((mean - true) ** 2) / total)[::10])


def test_early_observations_of_a_damaged_crystal_are_taken_back():
    *made, rejected, true = with_early_ones_rejected()
    back = taken_back(*made, rejected)
    assert back[rejected].mean() > 0.97
    assert not back[~rejected].any()
    assert squares(*made, ~rejected | back, true) < 1.3


def test_what_agrees_with_nothing_stays_rejected():
    groups, d, value, variance, position, rejected, _ = with_early_ones_rejected()
    wild = (groups.group % 10 == 5) & (np.arange(len(value)) // len(groups) == 3)
    value = np.where(wild, value + 40 * np.sqrt(variance), value)
    back = taken_back(groups, d, value, variance, position, rejected | wild)
    assert back[wild].mean() < 0.03
    assert back[rejected].mean() > 0.97


def test_nothing_is_taken_back_where_nothing_changes():
    *made, rejected, _ = with_early_ones_rejected(change=0.0)
    assert not taken_back(*made, rejected).any()
    *made, rejected, _ = with_early_ones_rejected()
    assert not taken_back(*made, np.zeros_like(rejected)).any()
