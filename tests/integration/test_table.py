from __future__ import annotations

import numpy as np

from autoproc.integration.table import holds_neighbours_photons
from autoproc.kernels.integrate_fit import Measurements


def measured(signal, correlation, n_pixels=80):
    table = np.zeros((len(signal), 17))
    table[:, 2], table[:, 3] = np.asarray(signal) * 10.0, 100.0
    table[:, 10], table[:, 16] = correlation, n_pixels
    return Measurements(table)


def test_the_correlation_that_counting_alone_would_leave_is_trusted():
    rng = np.random.default_rng(1)
    u = np.linspace(-2.5, 2.5, 9)
    profile = np.exp(-0.5 * (u[:, None] ** 2 + u**2)).ravel()
    profile /= profile.sum()
    signal, correlation = [], []
    for intensity in rng.uniform(20, 1000, 300):
        counts = rng.poisson(1.0 + intensity * profile) - 1.0
        weight = 1 / (1.0 + intensity * profile)
        total = np.sum(profile**2 * weight)
        signal.append(np.sum(profile * counts * weight) / np.sqrt(total))
        correlation.append(np.corrcoef(counts, profile)[0, 1])
    assert holds_neighbours_photons(measured(signal, correlation, 81)).mean() < 0.01


def test_a_weak_reflection_under_the_tail_of_a_strong_one_is_told():
    np.testing.assert_array_equal(
        holds_neighbours_photons(measured([8.0, 15.0, 8.0, 3.0, 50.0, 8.0], [0.3, 0.4, 0.7, 0.1, 0.85, -0.2])),
        [True, True, False, False, False, True],
    )
