from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoproc.merging.french_wilson import expected_intensity, french_wilson


def posterior_mean_f(i, sigma, mean, centric):
    """By brute force on a fine grid of F, in logarithms so that nothing underflows."""
    f = np.linspace(1e-4, np.sqrt(max(i, 0) + 12 * sigma), 200_000)
    log_density = -0.5 * ((i - f**2) / sigma) ** 2 - f**2 / (2 * mean if centric else mean)
    if not centric:
        log_density += np.log(f)
    density = np.exp(log_density - log_density.max())
    return (f * density).sum() / density.sum()


@settings(deadline=None, max_examples=60)
@given(i=st.floats(-3.5, 60), mean=st.floats(0.2, 50), centric=st.booleans())
def test_amplitude_is_the_posterior_mean(i, mean, centric):
    f, sd = french_wilson(np.array([i]), np.ones(1), np.array([mean]), np.array([centric]))
    assert f[0] == pytest.approx(posterior_mean_f(i, 1.0, mean, centric), rel=4e-3)
    assert sd[0] > 0


def test_strong_reflections_get_the_square_root():
    f, sd = french_wilson(np.array([1e4]), np.array([10.0]), np.array([5e3]), np.array([False]))
    assert f[0] == pytest.approx(100.0, rel=1e-3)
    assert sd[0] == pytest.approx(0.05, rel=1e-2)


def test_impossible_intensities_are_rejected_and_weak_ones_are_not():
    f, _ = french_wilson(np.array([-5.0, -3.0, 0.0]), np.ones(3), np.full(3, 0.01), np.zeros(3, bool))
    assert np.isnan(f[0])
    assert (f[1:] > 0).all()


def test_expected_intensity_follows_the_fall_off():
    rng = np.random.default_rng(2)
    d = 1 / np.sqrt(rng.uniform(0.01, 0.25, 8000))
    true = 500 * np.exp(-15 / d**2)
    estimate = expected_intensity(rng.exponential(true), d, np.ones(8000))
    assert np.median(np.abs(estimate / true - 1)) < 0.12
