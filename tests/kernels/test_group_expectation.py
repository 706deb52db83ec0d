"""Expectations of groups, against the same written plainly."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from autoproc.kernels.group_expectation import group_expectation

A, B = 1.3, 0.04


def plain(measured, group, n_groups, use):
    """The formulae, group by group."""
    intensity, variance, factor = measured
    expected, total, share = np.zeros((3, len(group)))
    for g in range(n_groups):
        here = np.flatnonzero(group == g)
        own = here[use[here]]
        seen, common, w = intensity[own], 0.0, np.zeros(len(own))
        for _ in range(2):
            w = 1 / (A**2 * (variance[own] + (B * np.maximum(seen, 0)) ** 2))
            if len(own):
                common = np.sum(w * factor[own] * intensity[own]) / np.sum(w * factor[own] ** 2)
            seen = common * factor[own]
        expected[here] = common * factor[here]
        raw = np.where(np.isfinite(variance[here]), variance[here], 1.0)
        total[here] = A**2 * (raw + (B * np.maximum(expected[here], 0)) ** 2)
        share[own] = w * factor[own] ** 2 / max(np.sum(w * factor[own] ** 2), 1e-300)
    return expected, total, share


def test_expectations_are_those_of_the_formulae():
    random = np.random.default_rng(1)
    group, use = random.integers(0, 12, 90), random.random(90) < 0.8
    use[group == 3] = False
    measured = np.array([random.normal(20, 30, 90), random.uniform(1, 50, 90), random.uniform(0.5, 2, 90)])
    measured[:2, ~use] = np.nan
    found = group_expectation(tuple(measured), group, 13, use, (A, B))
    for mine, theirs in zip(found, plain(measured, group, 13, use), strict=True):
        assert_allclose(mine, theirs, rtol=1e-12, atol=1e-12)
    assert_array_equal(found[2][~use], 0.0)


def test_no_observations_expect_nothing():
    nothing = np.zeros(0)
    for of in group_expectation((nothing,) * 3, np.zeros(0, int), 0, np.zeros(0, bool), (A, B)):
        assert of.shape == (0,)


@pytest.mark.parametrize(
    ("group", "use", "what"),
    [([0, 1, 2], [True] * 3, "groups"), ([0, -1, 0], [True] * 3, "groups"), ([0, 1], [True] * 3, "groups"),
     ([0, 1, 0], [True] * 2, "use")],
)  # fmt: skip
def test_what_does_not_fit_is_refused(group, use, what):
    with pytest.raises(ValueError, match=what):
        group_expectation((np.ones(3),) * 3, np.array(group), 2, np.array(use), (A, B))
