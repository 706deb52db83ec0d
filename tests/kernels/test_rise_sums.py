"""Sums of products of rises, against the matrix of all terms."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from autoproc.kernels.rise_sums import rise_sums, rises_by

KNOTS = np.array([0.0, 1.0, 2.5])


def rises(deviation, sigma):
    above = [np.maximum(deviation - knot * sigma, 0.0) for knot in KNOTS]
    return np.array(above + [np.minimum(deviation + knot * sigma, 0.0) for knot in KNOTS]).T


@pytest.fixture
def data():
    random = np.random.default_rng(2)
    deviation, sigma = 3 * random.normal(size=80), random.uniform(0.5, 2.0, 80)
    deviation[:2] = 0.0
    return random.normal(size=(80, 2)), deviation, sigma, *random.normal(size=(2, 80)), random.random(80) < 0.8


def test_sums_are_those_of_the_matrix_of_terms(data):
    smooth, deviation, sigma, target, weight, use = data
    every = np.column_stack([smooth, rises(deviation, sigma), target]) * (weight * use)[:, None]
    found = rise_sums(smooth, (deviation, sigma), target, weight, use, KNOTS)
    assert_allclose(found, every.T @ every, atol=1e-11)


def test_rises_times_slopes(data):
    _, deviation, sigma, *_ = data
    slopes = np.random.default_rng(5).normal(size=6)
    assert_allclose(rises_by((deviation, sigma), slopes, KNOTS), rises(deviation, sigma) @ slopes, atol=1e-12)


@pytest.mark.parametrize("knots", [np.arange(9.0), np.array([-1.0]), np.array([np.nan])])
def test_too_many_knots_or_such_below_zero_are_refused(data, knots):
    smooth, deviation, sigma, target, weight, use = data
    with pytest.raises(ValueError, match="knots"):
        rise_sums(smooth, (deviation, sigma), target, weight, use, knots)
    with pytest.raises(ValueError, match="knots"):
        rises_by((deviation, sigma), np.zeros(2 * len(knots)), knots)


def test_wrong_shapes_are_refused(data):
    smooth, deviation, sigma, target, weight, use = data
    for wrong in (
        (smooth[1:], (deviation, sigma), target, weight, use), (smooth, (deviation[1:], sigma), target, weight, use),
        (smooth, (deviation, sigma), target, weight, use[1:]),
        (np.zeros((80, 9)), (deviation, sigma), target, weight, use),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"shape|more than"):
            rise_sums(*wrong, KNOTS)
    with pytest.raises(ValueError, match="slopes"):
        rises_by((deviation, sigma), np.zeros(5), KNOTS)
