"""A limit of its own is believed where the reflections that lie between say so."""

from __future__ import annotations

import numpy as np
import pytest

from autoproc.anisotropy.evidence import Cone, believed, is_borne_out
from autoproc.merging.correlation import HalfSets


def cone(signal, is_repeated=True, seed=0):
    """Reflections evenly from 0.2 to 0.6 1/Angstrom, with intensities of a scale (n,) and noise of 1 in each half."""
    rng = np.random.default_rng(seed)
    true = signal * rng.exponential(size=len(signal))
    halves = true + rng.normal(size=(2, 1, len(signal)))
    if not is_repeated:
        halves[:] = np.nan
    i_over_sigma = true + rng.normal(size=len(signal))
    unknown = np.full((1, len(signal), 2), np.nan)
    return Cone.of_all(length(len(signal)), HalfSets(*halves, unknown), i_over_sigma, (0.3, 1.2))


def length(n):
    return np.linspace(0.2, 0.6, n)


@pytest.mark.parametrize("is_repeated", [True, False])
def test_a_farther_limit_needs_signal_out_to_it(is_repeated):
    to = 0.5
    found = cone(np.where(length(400) < to, 5.0, 0.0), is_repeated)
    assert found.by_signal is not is_repeated
    assert believed(found, to, 0.4) == to
    assert believed(found, 0.6, 0.5) == 0.5
    assert believed(found, 0.6, 0.4) == pytest.approx(to, abs=0.01)


@pytest.mark.parametrize("is_repeated", [True, False])
def test_a_nearer_limit_needs_that_signal_is_missing(is_repeated):
    found = cone(np.where(length(400) < 0.4, 5.0, 0.0), is_repeated)
    assert believed(found, 0.4, 0.5) == 0.4
    assert believed(found, 0.3, 0.4) == 0.4


def test_too_few_reflections_leave_the_common_limit():
    found = cone(np.full(12, 5.0))
    assert believed(found, 0.5, 0.4) == 0.4


def test_what_is_taken_in_and_left_out_bears_limits_out():
    n = 400
    is_strong = np.random.default_rng(5).uniform(size=n) < 0.5
    found = cone(np.where(is_strong, 5.0, 0.0))
    assert is_borne_out(found, is_strong, 0.4)
    assert not is_borne_out(found, ~is_strong, 0.4)
    assert not is_borne_out(found, length(n) <= 0.4, 0.4)
    assert is_borne_out(found, is_strong, 0.6)
    assert not is_borne_out(cone(np.zeros(n)), np.ones(n, bool), 0.4)


def test_limits_that_leave_signal_out_are_not_borne_out():
    strong = cone(np.full(400, 5.0))
    is_inside = length(400) > 0.25
    assert is_borne_out(strong, np.ones(400, bool), 0.4)
    assert not is_borne_out(strong, is_inside, 0.4)
