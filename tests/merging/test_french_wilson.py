from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoproc.merging.french_wilson import french_wilson


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


def posterior_sd_f(i, sigma, mean, centric):
    f = np.linspace(1e-4, np.sqrt(max(i, 0) + 12 * sigma), 200_000)
    log_density = -0.5 * ((i - f**2) / sigma) ** 2 - f**2 / (2 * mean if centric else mean)
    density = np.exp(log_density - log_density.max()) * (1.0 if centric else f)
    mean_f = (f * density).sum() / density.sum()
    return np.sqrt((f**2 * density).sum() / density.sum() - mean_f**2)


@pytest.mark.parametrize("centric", [False, True])
def test_spread_is_that_of_the_posterior(centric):
    i, mean = np.array([-3.0, 0.0, 0.5, 2.0, 8.0, 11.0]), np.array([1.0, 0.3, 5.0, 2.0, 4.0, 20.0])
    _, sd = french_wilson(i, np.ones(6), mean, np.full(6, centric))
    expected = [posterior_sd_f(a, 1.0, b, centric) for a, b in zip(i, mean, strict=True)]
    np.testing.assert_allclose(sd, expected, rtol=5e-3)


@pytest.mark.parametrize("centric", [False, True])
@pytest.mark.parametrize("end", [-30.0, 12.0])
def test_tables_ends_meet_what_is_beyond_them(centric, end):
    """h = I / sigma - sigma / S just within and just beyond the table."""
    sigma, i = np.ones(2), (np.zeros(2) if end < 0 else np.full(2, end + 0.5))
    h = end + np.array([-0.05, 0.05])
    mean = 1 / (i - h) / (2 if centric else 1)
    f, sd = french_wilson(i, sigma, mean, np.full(2, centric))
    assert f[0] == pytest.approx(f[1], rel=0.008)
    assert sd[0] == pytest.approx(sd[1], rel=0.025)


@pytest.mark.parametrize(("centric", "factor"), [(False, np.sqrt(np.pi) / 2), (True, np.sqrt(2 / np.pi))])
def test_without_signal_the_amplitude_is_wilsons_mean(centric, factor):
    """<F> = sqrt(pi S) / 2 of acentric, sqrt(2 S / pi) of centric reflections, where sigma is a hundred times S."""
    f, sd = french_wilson(np.zeros(1), np.ones(1), np.array([0.01]), np.array([centric]))
    assert f[0] == pytest.approx(factor * 0.1, rel=0.01)
    assert sd[0] == pytest.approx(0.1 * np.sqrt(1 - factor**2), rel=0.02)


def test_amplitude_goes_with_the_root_of_the_unit():
    i, mean, centric = np.array([-2.0, 0.3, 5.0, 40.0]), np.array([3.0, 1.0, 4.0, 9.0]), np.array([1, 0, 1, 0], bool)
    one, other = (french_wilson(u * i, np.full(4, u), u * mean, centric) for u in (1.0, 400.0))
    np.testing.assert_allclose(other, 20.0 * np.array(one), rtol=1e-9)


def test_a_sigma_of_nothing_has_no_amplitude():
    f, sd = french_wilson(np.array([5.0]), np.array([0.0]), np.ones(1), np.zeros(1, bool))
    assert np.isnan(f[0])
    assert np.isnan(sd[0])
