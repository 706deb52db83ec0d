from __future__ import annotations

import numpy as np
import pytest

from autoproc.symmetry.centric import FEWEST, evidence_of_centre


def e_squared(has_centre: bool, n: int, noise: float = 0.0, seed: int = 0):
    rng = np.random.default_rng(seed)
    true = rng.standard_normal(n) ** 2 if has_centre else rng.standard_exponential(n)
    return true + noise * rng.standard_normal(n), np.full(n, max(noise, 1e-3))


@pytest.mark.parametrize("has_centre", [True, False])
@pytest.mark.parametrize("noise", [0.0, 0.1, 0.5])
def test_the_statistic_is_what_it_should_be_with_the_errors_in_it(has_centre, noise):
    found = evidence_of_centre(*e_squared(has_centre, 20000, noise))
    assert found.mean == pytest.approx(found.with_centre if has_centre else found.without, abs=0.03)
    assert (found.log_ratio > 3) is has_centre
    assert (found.log_ratio < -3) is not has_centre


def test_without_errors_the_expectations_are_those_of_wilson():
    found = evidence_of_centre(*e_squared(True, 1000))
    assert found.with_centre == pytest.approx(0.968, abs=0.01)
    assert found.without == pytest.approx(0.736, abs=0.01)


def test_few_reflections_say_little_and_fewer_nothing():
    some = evidence_of_centre(*e_squared(True, 100))
    assert abs(some.log_ratio) < evidence_of_centre(*e_squared(True, 5000)).log_ratio
    none = evidence_of_centre(*e_squared(True, FEWEST - 1))
    assert (none.mean, none.log_ratio) == (None, 0.0)


def test_what_lies_beyond_an_expectation_says_no_more_than_what_lies_there():
    rng = np.random.default_rng(1)
    hypercentric = rng.standard_normal(5000) ** 2 * rng.standard_normal(5000) ** 2
    usual = evidence_of_centre(*e_squared(True, 5000)).log_ratio
    assert evidence_of_centre(hypercentric, np.full(5000, 0.01)).log_ratio < usual + 1


def test_the_scale_does_not_matter():
    e2, sigma = e_squared(False, 2000)
    assert evidence_of_centre(e2, sigma).mean == pytest.approx(evidence_of_centre(3 * e2, sigma).mean)
