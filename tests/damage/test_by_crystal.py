"""Each crystal's own damage, by its own scales and by pairs of its own observations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoproc.damage.by_crystal import (
    FEWEST_PAIRS,
    CrystalDamage,
    CrystalObservations,
    crystal_damage,
    rd_growth,
)
from autoproc.damage.pairs import rd_beyond_errors


def observed(change=0.0, b=0.0, scale=1.0, seed=0, n_groups=800, n_steps=30, multiplicity=3):
    """Observations of a crystal whose intensities change (rms), whose B grows and whose scale falls over its dose."""
    random = np.random.default_rng(seed)
    group = np.repeat(np.arange(n_groups), multiplicity)
    step = random.integers(0, n_steps, len(group))
    true, slope = random.exponential(1000.0, n_groups), change * random.normal(size=n_groups)
    d, dose = random.uniform(1.8, 8, n_groups)[group], step / (n_steps - 1)
    sigma = 0.03 * true[group] + 10
    value = true[group] * (1 + slope[group] * dose) + sigma * random.normal(size=len(group))
    factor = np.exp(-b * dose / (2 * d**2)) * scale**dose
    return CrystalObservations(group, value, sigma, factor, d, step + 7)


def test_what_grows_is_told():
    found = crystal_damage(2, ("x_1", "x_2"), observed(b=12.0, scale=0.5))
    assert found.b_growth == pytest.approx(12 * 0.8, abs=0.6), "from the middle of the first fifth to that of the last"
    assert found.scale == pytest.approx(0.5**0.8, rel=0.05)
    assert abs(found.rd_growth) < 4 * found.rd_error
    assert (found.name, found.n, found.suffers) == ("x_1 and x_2", 2400, True)


@pytest.mark.parametrize("seed", range(4))
def test_a_good_crystal_does_not_suffer_and_one_that_changes_does(seed):
    good = crystal_damage(1, ("x",), observed(seed=seed))
    assert abs(good.rd_growth) < max(4 * good.rd_error, 0.02)
    assert not good.suffers
    burnt = crystal_damage(1, ("x",), observed(change=0.4, seed=seed))
    assert burnt.rd_growth > 0.1
    assert burnt.suffers


def test_weak_reflections_far_apart_are_no_damage():
    random = np.random.default_rng(1)
    group = np.repeat(np.arange(4000), 2)
    is_weak = np.arange(4000) % 2 == 1
    step = np.stack([np.zeros(4000), np.where(is_weak, random.integers(15, 30, 4000), random.integers(1, 15, 4000))])
    true, sigma = np.where(is_weak, 30.0, 1000.0)[group], np.full(8000, 10.0)
    value = true + sigma * random.normal(size=8000)
    rd, n = rd_beyond_errors(group, value, sigma, step.T.ravel().astype(int), 30)
    assert n.sum() == 4000
    growth, error = rd_growth(rd, n)
    assert abs(growth) < 4 * error


def test_rd_beyond_errors_is_that_of_every_pair():
    random = np.random.default_rng(3)
    group, step = random.integers(0, 8, 40), random.integers(0, 6, 40)
    value, sigma = random.normal(50, 20, 40), random.uniform(1, 5, 40)
    top, bottom, n = np.zeros((3, 6))
    for i in range(40):
        for j in range(i):
            if group[i] == group[j]:
                lag = abs(step[i] - step[j])
                top[lag] += abs(value[i] - value[j]) - np.sqrt(2 / np.pi * (sigma[i] ** 2 + sigma[j] ** 2))
                bottom[lag] += (value[i] + value[j]) / 2
                n[lag] += 1
    rd, n_pairs = rd_beyond_errors(group, value, sigma, step, 6)
    np.testing.assert_allclose(rd, top / bottom, rtol=1e-4)
    assert n_pairs.tolist() == n.tolist()


@given(growth=st.floats(-0.5, 0.5), level=st.floats(0, 0.2), seed=st.integers(0, 1000))
def test_a_straight_line_is_told_exactly(growth, level, seed):
    n_pairs = np.random.default_rng(seed).integers(0, 50, 21)
    n_pairs[[0, 20]] = 60
    rd = np.where(n_pairs > 0, level + growth * np.arange(21) / 20, np.nan)
    told, error = rd_growth(rd, n_pairs)
    assert told == pytest.approx(growth, abs=1e-9)
    assert error == pytest.approx(0.0, abs=1e-9)


def test_the_error_is_that_of_the_scatter():
    random = np.random.default_rng(5)
    told = [rd_growth(0.1 + 0.02 * random.normal(size=30), np.full(30, 10)) for _ in range(300)]
    growths, errors = np.array(told).T
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(np.std(growths), rel=0.15)


def test_too_few_pairs_tell_nothing():
    assert rd_growth(np.array([0.1, 0.2]), np.array([500, 500])) == (None, None)
    assert rd_growth(np.full(10, 0.1), np.full(10, FEWEST_PAIRS // 10 - 1)) == (None, None)
    few = observed(n_groups=15, multiplicity=1)
    assert crystal_damage(1, ("x",), few).rd_growth is None


@pytest.mark.parametrize(
    ("b", "rd", "error", "suffers"),
    [(6.0, None, None, True), (4.0, None, None, False), (None, None, None, False), (0.0, 0.06, 0.01, True),
     (0.0, 0.06, 0.02, False), (0.0, 0.02, 0.001, False), (None, -0.3, 0.01, False)],
)  # fmt: skip
def test_who_suffers(b, rd, error, suffers):
    assert CrystalDamage(1, ("x",), 100, b, None, rd, error).suffers is suffers
