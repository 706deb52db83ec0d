"""The formulae of the search for the beam centre, against sums written out and differences."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import ndtr
from synthetic_spots import beam_shifted, setting, spots_of, sweep

from autoproc.beam_search.compare import advantage, confidence, fit_shift
from autoproc.beam_search.periods import GRID, _transform, _vertex, find_periods
from autoproc.beam_search.score import SpotPositions, _normal_equations, local_maxima, shift_beam_centre
from autoproc.geometry.detector import beam_centre_px
from autoproc.geometry.reciprocal import map_to_reciprocal_space

CELL = (40.0, 50.0, 60.0, 90.0, 95.0, 90.0)
ONE = sweep(n_images=20)
A = setting(CELL, 2)
TABLE = spots_of(ONE, A, 4.0, noise_px=0, noise_frames=0)
SPOTS = SpotPositions(TABLE["panel"].astype(int), TABLE["xyz_obs_px"])


def test_the_beam_centre_goes_where_it_is_shifted_to():
    shifted = shift_beam_centre(ONE, np.array([1.72, -0.86]))
    before, after = (beam_centre_px(e.detector, e.beam) for e in (ONE, shifted))
    assert_allclose(np.subtract(after, before), [10.0, -5.0])
    assert shifted.detector[0].distance == pytest.approx(ONE.detector[0].distance)


def test_points_are_those_of_the_shifted_experiment():
    shift = np.array([0.5, -0.3])
    shifted = shift_beam_centre(ONE, shift)
    expected = map_to_reciprocal_space(shifted, TABLE)["rlp"]
    assert_allclose(SPOTS.reciprocal(ONE, shift), expected, atol=1e-12)
    assert_allclose(SPOTS[np.array([3, 1])].reciprocal(ONE, shift), expected[[3, 1]], atol=1e-12)


def test_the_derivative_is_that_of_small_shifts():
    shift, h = np.array([0.5, -0.3]), 1e-4
    found = SPOTS.derivative(ONE, shift)
    for column, direction in enumerate(h * np.eye(2)):
        slope = (SPOTS.reciprocal(ONE, shift + direction) - SPOTS.reciprocal(ONE, shift - direction)) / (2 * h)
        assert_allclose(found[:, :, column], slope, rtol=1e-4, atol=1e-8)


def test_normal_equations_are_the_sums_over_spots_of_their_phases():
    rng = np.random.default_rng(0)
    points, derivative = rng.normal(size=(40, 3)) * 0.1, rng.normal(size=(40, 3, 2)) * 0.01
    periods = rng.normal(size=(2, 3)) * 20
    matrix, gradient = np.zeros((8, 8)), np.zeros(8)
    for r, by in zip(points, derivative, strict=True):
        for k, t in enumerate(periods):
            phase = r @ t - round(r @ t)
            weight = max(np.cos(2 * np.pi * phase), 0)
            row = np.zeros(8)
            row[:2], row[2 + 3 * k : 5 + 3 * k] = t @ by, r
            matrix += weight * np.outer(row, row)
            gradient -= weight * row * phase
    found = _normal_equations(points, derivative, periods, True)
    assert_allclose(found[0], matrix, atol=1e-12)
    assert_allclose(found[1], gradient, atol=1e-12)
    still = _normal_equations(points, derivative, periods, False)
    assert not still[0][:2].any()
    assert_allclose(still[0][2:, 2:], matrix[2:, 2:], atol=1e-12)


@pytest.mark.parametrize("shift_px", [(2.0, 0.0), (-1.0, 3.0)])
def test_a_wrong_header_is_found_to_be_so_much_off(shift_px):
    wrong = beam_shifted(ONE, shift_px)
    fit = fit_shift(wrong, SPOTS, np.linalg.inv(A) * 1.001, np.array([0.1, 0.1]), 1.5)
    assert_allclose(fit.shift, -np.array(shift_px) * 0.172, atol=0.01)
    assert_allclose(fit.agreements, 1, atol=0.01)
    assert fit.values.shape == (len(TABLE), 3)
    moved = SPOTS.reciprocal(wrong, fit.shift)
    assert_allclose(fit.values, np.cos(2 * np.pi * moved @ fit.periods.T))


def test_an_advantage_is_a_mean_in_its_standard_errors():
    one, other = np.array([1.0, 2.0, 4.0]), np.array([0.0, 0.0, 1.0])
    assert advantage(one, other) == pytest.approx(2.0 / (np.sqrt(2 / 3) / np.sqrt(3)))


@pytest.mark.parametrize("z", [-3.0, -0.5, 1.0, 4.0])
def test_confidence_is_the_normal_law_of_half_the_advantage(z):
    assert confidence(z) == pytest.approx(float(ndtr(z / 2)))


def test_the_transform_is_the_weighted_mean_of_cosines():
    d_min = 3.0
    grid = np.random.default_rng(1).integers(-50, 51, (30, 3))
    differences = grid / (d_min / 2 * GRID)
    weight = 0.05 ** (d_min**2 * np.sum(differences**2, axis=1))
    power = _transform(differences, d_min)
    for place in ([0, 0, 0], [3, 5, 2], [190, 7, 60], [96, 96, 96]):
        expected = np.sum(weight * np.cos(2 * np.pi * grid @ place / GRID)) / weight.sum()
        assert power[tuple(place)] == pytest.approx(expected, abs=1e-5)


def test_tops_of_parabolas_are_found_exactly():
    top = np.array([[0.2, -0.4, 0.1], [0.0, 0.0, 0.5]])
    at = np.indices((3, 3, 3)) - 1.0
    heights = np.stack([-sum((k + 1) * (at[k] - t[k]) ** 2 for k in range(3)) for t in top])
    assert_allclose(_vertex(heights), top, atol=1e-12)
    assert_allclose(_vertex(np.ones((1, 3, 3, 3))), 0)


def test_periods_lie_within_their_bounds_and_are_as_many_as_asked_for():
    points = TABLE["hkl"] @ A.T
    first, second = np.triu_indices(len(points[:150]), 1)
    differences = points[second] - points[first]
    periods, power = find_periods(differences, 55.0, 45.0, 10)
    length = np.linalg.norm(periods, axis=1)
    assert np.all((length > 44) & (length < 56))
    indices = periods @ A
    assert_allclose(indices[:1], np.rint(indices[:1]), atol=0.05)
    few, _ = find_periods(differences, 70.0, 10.0, 2)
    assert len(few) == 2
    assert power[0] > 0.7
    both = np.linalg.norm(periods[:, None] + periods, axis=2)
    assert both.min() > 1.0, "one of each pair of opposites"


def test_maxima_keep_their_distance_and_end_with_the_map():
    values = np.zeros((6, 6))
    values[1, 1], values[1, 2], values[4, 4] = 9, 8, 5
    assert local_maxima(values, 3, 1)[:2] == [(1, 1), (4, 4)]
    assert len(local_maxima(values, 99, 1)) <= 9
