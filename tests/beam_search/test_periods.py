from __future__ import annotations

import numpy as np

from autoproc.beam_search.periods import find_periods, longest_period, pair_differences, strongest, wedges


def lattice_points(n=400, seed=0, cell=(30.0, 41.0, 55.0), offset=(0.0, 0.0, 0.0)):
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    hkl = rng.integers(-6, 7, (n, 3))
    return hkl / np.array(cell) @ rotation.T + np.array(offset), np.diag(cell) @ rotation.T


def test_wedges_are_spread_over_the_scan():
    phi = np.radians(np.arange(0, 90, 0.1) + 0.05)
    wedge = wedges(phi, np.radians(3.0), 4)
    assert set(wedge) == {-1, 0, 1, 2, 3}
    for k in range(4):
        assert np.ptp(phi[wedge == k]) < np.radians(3.0)
    assert wedge[0] == 0
    assert wedge[-1] == 3


def test_a_still_is_one_wedge():
    np.testing.assert_array_equal(wedges(np.zeros(5), 0.05, 16), 0)
    assert len(wedges(np.empty(0), 0.05, 16)) == 0


def test_strongest_of_each_group():
    group = np.array([0, 1, 0, -1, 0, 1])
    intensity = np.array([5.0, 1, 9, 99, 7, 2])
    np.testing.assert_array_equal(strongest(group, intensity, 2), [1, 2, 4, 5])


def test_differences_are_taken_within_groups():
    points = np.array([[0.0, 0, 0], [1, 0, 0], [5, 5, 5], [5, 5, 7]])
    differences = pair_differences(points, np.array([0, 0, 1, 1]))
    np.testing.assert_allclose(differences, [[1, 0, 0], [0, 0, 2]])


def test_longest_period_covers_the_cell():
    points, _ = lattice_points()
    points = np.unique(points.round(9), axis=0)
    assert 55 < longest_period(points, np.zeros(len(points), int)) < 120


def test_periods_are_the_edges_of_the_cell_wherever_the_origin_is():
    for offset in ((0.0, 0.0, 0.0), (0.013, -0.002, 0.007)):
        points, cell = lattice_points(offset=offset)
        periods, power = find_periods(pair_differences(points, np.zeros(len(points), int)), 60.0, 10.0, 20)
        for edge in cell:
            assert min(np.linalg.norm(periods - sign * edge, axis=1).min() for sign in (1, -1)) < 0.3
        assert power[0] > 0.8
        assert np.all(np.diff(power) <= 0)


def test_points_without_a_lattice_have_no_strong_period():
    points = np.random.default_rng(1).uniform(-0.2, 0.2, (600, 3))
    _, power = find_periods(pair_differences(points, np.zeros(600, int)), 60.0, 10.0, 20)
    assert power.max(initial=0) < 0.1


def test_no_pairs_no_periods():
    periods, power = find_periods(np.empty((0, 3)), 60.0, 10.0, 20)
    assert periods.shape == (0, 3)
    assert len(power) == 0
