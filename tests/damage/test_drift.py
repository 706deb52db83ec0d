from __future__ import annotations

import numpy as np
import pytest
from damaged_for_tests import drifting

from autoproc.damage.drift import drift_of


@pytest.mark.parametrize("change", [0.1, 0.3])
def test_the_change_is_found(change):
    found = drift_of(*drifting(change))
    assert found.change == pytest.approx(change, rel=0.2)
    assert found.sigmas > 5


@pytest.mark.parametrize("understated", [1.0, 3.0])
def test_noise_is_no_change_whatever_its_errors_are_said_to_be(understated):
    sigmas = [drift_of(*drifting(0.0, seed, understated=understated)).sigmas for seed in range(12)]
    assert max(np.abs(sigmas)) < 4
    assert abs(np.mean(sigmas)) < 1


def test_a_drift_of_all_alike_is_found_too():
    group, n, value, sigma, position = drifting(0.0)
    assert drift_of(group, n, value * (1 + 0.2 * position), sigma, position).change == pytest.approx(0.18, abs=0.03)


def test_one_wild_reflection_decides_nothing():
    group, n, value, sigma, position = drifting(0.0)
    value = np.where(group == 7, 1e6 * position, value)
    assert drift_of(group, n, value, sigma, position).sigmas < 4


def test_too_few_repeats_tell_nothing():
    assert drift_of(*drifting(0.3, multiplicity=3)) is None
    assert drift_of(*drifting(0.3, n_groups=20)) is None


def test_observations_at_one_dose_tell_nothing():
    group, n, value, sigma, position = drifting(0.3)
    assert drift_of(group, n, value, sigma, 0.5 + 0.05 * position) is None
