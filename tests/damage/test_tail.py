from __future__ import annotations

import numpy as np
import pytest
from damaged_for_tests import drifting

from autoproc.damage.tail import EARLY, tail_of


def gain(change, kept, **recipe):
    """Part of the squared deviations that leaving out the rest takes away."""
    made = drifting(change, **recipe)
    whole, part = (tail_of(*made, k).deviance for k in (1.0, kept))
    both = np.isfinite(whole) & np.isfinite(part)
    return 1 - part[both].sum() / whole[both].sum()


@pytest.mark.parametrize("kept", [0.8, 0.6, 0.4])
def test_nothing_is_gained_where_there_is_no_damage(kept):
    assert gain(0.0, kept) < 0


def test_what_damage_spoils_is_gained():
    assert gain(0.4, 0.5) > 0.1
    assert gain(0.4, 0.5) > gain(0.4, 0.8) > 0


def test_early_observations_have_no_say_in_what_they_judge():
    group, n, value, sigma, position = drifting(0.0, n_groups=300)
    alone = np.arange(len(group)) % 8 == 0
    position = np.where(alone, 0.1, 0.9)
    shifted = np.where(alone, value + 1000.0, value)
    deviance = tail_of(group, n, shifted, sigma, position, 1.0).deviance
    assert np.nanmin(deviance) > 100


def test_all_early_ones_are_judged_whatever_is_kept():
    group, n, _, _, position = made = drifting(0.0)
    for kept in (1.0, 0.5):
        judged = np.isfinite(tail_of(*made, kept).deviance)
        others = np.bincount(group[position <= kept], minlength=n) > 1
        early = np.bincount(group[position <= EARLY], minlength=n) > 0
        assert not np.any(judged & ~early)
        assert judged[early & others].mean() > 0.95
