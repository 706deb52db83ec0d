from __future__ import annotations

import numpy as np
import pytest
from scaled_for_tests import Recipe, synthetic

from autoproc.formats.absurd_numbers import absurd, absurd_factor


def usual(n=1000, seed=0):
    rng = np.random.default_rng(seed)
    value = rng.exponential(100.0, n)
    return value, np.sqrt(value + 20.0)


def test_what_is_measured_is_not_absurd():
    table = synthetic(Recipe(strength=1e4)).reflections
    where, why = absurd(table["intensity_prf"], np.sqrt(table["variance_prf"]))
    assert not where.any()
    assert why == []


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize(
    ("value", "sigma", "said"),
    [
        (np.nan, 1.0, "no number"), (5.0, np.nan, "no number"), (np.inf, 1.0, "no number"), (5.0, np.inf, "no number"),
        (5.0, 0.0, "zero or less"), (5.0, -1.0, "zero or less"), (1e30, 1.0, "far beyond"), (-1e30, 1.0, "far beyond"),
        (1.0, 1e30, "far beyond"), (1.0, 1e-30, "far below"), (1e300, 1e300, "far beyond"),
    ],
)  # fmt: skip
def test_what_is(unit, value, sigma, said):
    values, sigmas = (unit * np.append(column, x) for column, x in zip(usual(), (value, sigma), strict=True))
    where, why = absurd(values, sigmas)
    assert np.flatnonzero(where).tolist() == [1000]
    assert len(why) == 1
    assert why[0].startswith("1 with")
    assert said in why[0]


def test_the_strongest_reflections_of_weak_data_stay():
    value, sigma = usual()
    value[:5], sigma[:5] = 1e5 * value.mean(), 1e3
    assert not absurd(value, sigma)[0].any()


def test_one_in_twenty_may_be_nonsense():
    value, sigma = usual()
    value[::20] = 1e30
    assert np.flatnonzero(absurd(value, sigma)[0]).tolist() == list(range(0, 1000, 20))


def test_nothing_at_all():
    assert absurd(np.full(3, np.nan), np.ones(3))[0].all()
    assert not len(absurd(np.zeros(0), np.zeros(0))[0])


def test_factors_vary_by_a_thousand_and_no_more():
    factor = np.append(np.geomspace(0.03, 30, 50), [0.0, -1.0, np.nan, np.inf, -np.inf, 1e9, 1e-9])
    assert np.flatnonzero(absurd_factor(factor)).tolist() == list(range(50, 57))
    assert absurd_factor(np.zeros(2)).all()
