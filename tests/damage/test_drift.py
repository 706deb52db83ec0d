from __future__ import annotations

import numpy as np
import pytest
from damaged_for_tests import drifting

from autoproc.damage.drift import Drift, drift_of, independent_halves
from autoproc.damage.text import of_intensities
from autoproc.merging.groups import EquivalentGroups


def grouped(group, n, is_plus=None, is_centric=False):
    """Groups of observations of one hand, unless told otherwise."""
    is_plus = np.ones(len(group), bool) if is_plus is None else is_plus
    return EquivalentGroups(np.zeros((n, 3), np.int32), group, is_plus, np.full(n, is_centric))


def drift(group, n, value, sigma, position):
    return drift_of(grouped(group, n), value, sigma, position)


@pytest.mark.parametrize("change", [0.1, 0.3])
def test_the_change_is_found(change):
    found = drift(*drifting(change))
    assert found.change == pytest.approx(change, rel=0.2)
    assert found.sigmas > 5


@pytest.mark.parametrize("understated", [1.0, 3.0])
def test_noise_is_no_change_whatever_its_errors_are_said_to_be(understated):
    sigmas = [drift(*drifting(0.0, seed, understated=understated)).sigmas for seed in range(12)]
    assert max(np.abs(sigmas)) < 4
    assert abs(np.mean(sigmas)) < 1


@pytest.mark.parametrize("alike", [1500, 60])
def test_a_drift_that_neighbours_share_is_scaling_s(alike):
    """Of all reflections, or of those in one direction."""
    group, n, value, sigma, position = drifting(0.0)
    shared = 0.1 * np.repeat(np.random.default_rng(1).normal(size=n // alike) + 1, alike)[group]
    found = drift(group, n, value * (1 + shared * position), sigma, position)
    assert abs(found.sigmas) < 3
    assert found.change < 0.05


def test_a_change_is_told_beside_a_drift_that_neighbours_share():
    group, n, value, sigma, position = drifting(0.1)
    assert drift(group, n, value * (1 + 0.2 * position), sigma, position).change == pytest.approx(0.1, rel=0.25)


def test_one_wild_reflection_decides_nothing():
    group, n, value, sigma, position = drifting(0.0)
    value = np.where(group == 7, 1e6 * position, value)
    assert drift(group, n, value, sigma, position).sigmas < 4


def test_too_few_repeats_tell_nothing():
    assert drift(*drifting(0.3, multiplicity=3)) is None
    assert drift(*drifting(0.3, n_groups=20)) is None


def test_observations_at_one_dose_tell_nothing():
    group, n, value, sigma, position = drifting(0.3)
    assert drift(group, n, value, sigma, 0.5 + 0.05 * position) is None


def mates(anomalous, seed=0, n=1500):
    """Unchanging reflections, I(+) and I(-) seen together at four doses, whose hands differ by `anomalous` (rms)."""
    random = np.random.default_rng(seed)
    group, is_plus = np.repeat(np.arange(n), 8), np.tile([True, False], 4 * n)
    position = np.repeat(random.uniform(0, 1, 4 * n), 2)
    difference = anomalous * random.normal(size=n)[group] * np.where(is_plus, 1, -1)
    value = 100 * (1 + difference + 0.03 * random.normal(size=8 * n))
    return grouped(group, n, is_plus), value, np.full(8 * n, 3.0), position


@pytest.mark.parametrize("anomalous", [0.0, 0.03, 0.15])
def test_a_difference_of_the_hands_is_no_change_with_dose(anomalous):
    sigmas = [drift_of(*mates(anomalous, seed)).sigmas for seed in range(12)]
    assert max(np.abs(sigmas)) < 4
    assert abs(np.mean(sigmas)) < 1


def test_halves_are_the_hands_or_drawn_from_the_commoner():
    group = np.array([0] * 5 + [1] * 5 + [2] * 4)
    is_plus = np.array([1, 1, 1, 0, 0] + [1, 0, 0, 0, 0] + [1, 1, 1, 1], bool)
    half = independent_halves(grouped(group, 3, is_plus))
    assert half[:5].tolist() == [0, 0, 0, 1, 1]
    assert half[5] == -1
    assert sorted(half[6:10]) == sorted(half[10:]) == [0, 0, 1, 1]


def test_the_error_is_the_scatter():
    found = [drift(*drifting(0.0, seed, n_groups=400)) for seed in range(30)]
    scatter = np.std([f.change * abs(f.change) for f in found])
    assert np.mean([f.error**2 for f in found]) == pytest.approx(scatter, rel=0.35)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (0.01, "do not differ from those at the start beyond what scaling took out (less than 2.2%)"),
        (0.05, "cannot be told: by less than 11.2%"),
    ],
)
def test_a_change_that_could_hide_below_its_error_is_not_denied(error, words):
    """The least change that would be seen is the one whose square is five errors of the square."""
    least = Drift(0.0, error, 1000, 0.0).least_seen
    assert Drift(1.001 * least, error, 1000, 0.5).is_significant
    assert not Drift(0.999 * least, error, 1000, 0.5).is_significant
    assert words in of_intensities(Drift(0.0, error, 1000, 0.0))
