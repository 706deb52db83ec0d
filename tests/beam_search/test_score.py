from __future__ import annotations

import numpy as np

from autoproc.beam_search.score import agreement, agreement_map, local_maxima, refine_shift


def lattice(seed=2, n=300):
    rng = np.random.default_rng(seed)
    cell = np.diag([40.0, 50.0, 60.0])
    points = rng.integers(-8, 9, (n, 3)) @ np.linalg.inv(cell)
    phi = rng.uniform(0, 2, n)
    # two directions of the detector, turned with the crystal, 1/(Angstrom mm)
    derivative = 0.01 * np.stack(
        [np.tile([1.0, 0, 0], (n, 1)), np.column_stack([0 * phi, np.cos(phi), np.sin(phi)])], axis=2
    )
    return points, derivative, cell


def test_agreement_is_one_on_the_lattice_and_zero_off_it():
    points, _, cell = lattice()
    np.testing.assert_allclose(agreement(points, cell), 1.0)
    assert np.all(np.abs(agreement(np.random.default_rng(0).uniform(-1, 1, (5000, 3)), cell)) < 0.05)


def test_map_is_the_agreement_at_each_shift():
    points, derivative, cell = lattice()
    shifts = np.array([-1.0, 0.0, 0.3])
    scores = agreement_map(points, derivative, cell, np.ones(3), shifts)
    for i, fast in enumerate(shifts):
        for j, slow in enumerate(shifts):
            moved = points + derivative @ np.array([fast, slow])
            np.testing.assert_allclose(scores[i, j], agreement(moved, cell).mean())


def test_maxima_are_apart():
    values = np.array([[0.0, 1, 0, 0], [5, 4, 0, 0], [0, 0, 0, 3]])
    assert local_maxima(values, 2, 1) == [(1, 0), (2, 3)]
    assert len(local_maxima(values, 10, 5)) == 1


def test_shift_and_periods_are_refined_together():
    points, derivative, cell = lattice()
    shift = np.array([0.31, -0.22])
    moved = points - derivative @ shift
    found, periods = refine_shift(moved, derivative, cell * 1.003, 1.0)
    np.testing.assert_allclose(found, shift, atol=0.005)
    np.testing.assert_allclose(periods, cell, atol=0.03)


def test_no_reach_refines_the_periods_alone():
    points, derivative, cell = lattice()
    found, periods = refine_shift(points, derivative, cell * 1.003, 0.0)
    np.testing.assert_array_equal(found, 0.0)
    np.testing.assert_allclose(periods, cell, atol=0.03)


def test_a_period_that_no_spot_agrees_with_stays():
    points = np.array([[0.04, 0.0, 0.0], [0.14, 0.0, 0.0], [0.24, 0.0, 0.0]])
    derivative = np.zeros((3, 3, 2))
    periods = np.array([[10.0, 0.0, 0.0]])
    shift, refined = refine_shift(points, derivative, periods, 1.0)
    np.testing.assert_allclose(shift, 0, atol=1e-9)
    np.testing.assert_allclose(refined, periods, atol=1e-9)
