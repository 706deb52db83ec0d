"""Normal equations and steps of several sweeps, against sums written out in full."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from refinement_case import experiment, flat_detector, kappa_goniometer, linearised, spots

from autoproc.geometry.rotation import rotation_matrix
from autoproc.models.crystal import Crystal
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.refinement import problem as problem_module
from autoproc.refinement.gradients import residuals
from autoproc.refinement.problem import SMOOTH_OMEGA, SMOOTH_STRAIN, Free, RefinedModels, RefinementProblem
from autoproc.refinement.setup import build, select_indexed
from autoproc.refinement.spline_smoother import SplineSmoother


def case(
    intervals: int = 0, free: Free | None = None, n: int = 200, **models: object
) -> tuple[RefinementProblem, RefinedModels]:
    """One sweep and crystal, off in every coefficient."""
    truth = experiment(n_images=60, **models)
    selections = select_indexed([truth], spots(truth, n=n), 0.05)
    sweeps, state = build([truth], selections, [SplineSmoother(60, intervals)])
    rng, crystal = np.random.default_rng(1), state.crystals[0]
    off = replace(
        crystal, omega=rng.normal(0, 1e-3, crystal.omega.shape), strain=rng.normal(0, 5e-4, crystal.strain.shape)
    )
    return RefinementProblem(sweeps, state, free or Free()), replace(state, crystals=(off,))


def written_out(problem: RefinementProblem, state: RefinedModels) -> tuple[np.ndarray, np.ndarray, float]:
    """Matrix, vector and chi squared, row by row of one sweep's spots."""
    sweep, n = problem.sweeps[0], problem.n_parameters
    predicted = problem.predict(state, sweep)
    difference, smoother = residuals(sweep.observed, predicted), state.crystals[0].smoother
    first, active = smoother.weights(sweep.observed.frame)
    by = problem.gradients(state, sweep, predicted, (first, active), np.ones_like(difference))
    n_models, n_own = len(problem.detector_columns[0]) + len(problem.beam_columns[0]), problem.n_crystal[0]
    matrix, vector, cost = np.zeros((n, n)), np.zeros(n), 0.0
    for i, weights in enumerate(sweep.observed.weights):
        if weights[0] == 0 or not np.isfinite(difference[i]).all():
            continue
        for axis in range(3):
            own = np.zeros(n)
            own[:n_models] = by[i, axis, :n_models]
            begin = n_models + first[i] * n_own
            own[begin : begin + smoother.n_active * n_own] = by[i, axis, n_models:]
            matrix += weights[axis] * np.outer(own, own)
            vector -= weights[axis] * own * difference[i, axis]
            cost += weights[axis] * difference[i, axis] ** 2
    return matrix, vector, cost


@pytest.mark.parametrize("intervals", [0, 3])
def test_equations_are_the_sums_over_spots_and_axes(intervals):
    problem, state = case(intervals)
    found = linearised(problem, state)
    matrix, vector, cost = written_out(problem, state)
    if intervals:
        crystal, n = state.crystals[0], 9
        values = np.concatenate([crystal.omega, crystal.strain], axis=1)
        sigma = np.array([SMOOTH_OMEGA] * 3 + [SMOOTH_STRAIN] * 6)
        first = problem.crystal_columns[0][0]
        for c in range(len(values) - 1):
            step = (values[c + 1] - values[c]) / sigma
            cost += step @ step
            for p in range(n):
                one, two = first + c * n + p, first + (c + 1) * n + p
                matrix[[one, two], [one, two]] += sigma[p] ** -2
                matrix[[one, two], [two, one]] -= sigma[p] ** -2
                vector[one] += step[p] / sigma[p]
                vector[two] -= step[p] / sigma[p]
    np.testing.assert_allclose(found.matrix, matrix, rtol=1e-9, atol=1e-9 * np.abs(matrix).max())
    np.testing.assert_allclose(found.vector, vector, rtol=1e-8, atol=1e-9 * np.abs(vector).max())
    assert found.cost == pytest.approx(cost)


def test_rmsd_is_of_the_spots_that_count():
    problem, state = case()
    observed = problem.sweeps[0].observed
    weights = observed.weights.copy()
    weights[::3] = 0
    sweep = replace(problem.sweeps[0], observed=replace(observed, weights=weights))
    other = RefinementProblem((sweep,), state, Free())
    difference = residuals(observed, other.predict(state, sweep))[weights[:, 0] > 0]
    found = linearised(other, state)
    np.testing.assert_allclose(found.rmsd, np.sqrt(np.mean(difference**2, axis=0)))
    assert found.n_used == len(difference)


def test_spots_that_cannot_be_predicted_do_not_count():
    problem, state = case()
    observed = problem.sweeps[0].observed
    far = observed.hkl.copy()
    far[:7] *= 40
    sweep = replace(problem.sweeps[0], observed=replace(observed, hkl=far))
    kept = replace(problem.sweeps[0], observed=observed[np.arange(7, len(observed))])
    found, expected = (linearised(RefinementProblem((s,), state, Free()), state) for s in (sweep, kept))
    assert found.n_used == expected.n_used
    np.testing.assert_allclose(found.matrix, expected.matrix, rtol=1e-12)
    assert np.isfinite(found.cost)


@pytest.mark.parametrize("intervals", [0, 4])
def test_sums_do_not_depend_on_how_spots_are_cut_up(intervals, monkeypatch):
    problem, state = case(intervals)
    whole = linearised(problem, state)
    monkeypatch.setattr(problem_module, "CHUNK", 17)
    parts = linearised(RefinementProblem(problem.sweeps, state, Free()), state)
    np.testing.assert_allclose(parts.matrix, whole.matrix, rtol=1e-10, atol=1e-10 * np.abs(whole.matrix).max())
    np.testing.assert_allclose(parts.vector, whole.vector, rtol=1e-8, atol=1e-9 * np.abs(whole.vector).max())
    assert (parts.n_used, parts.cost) == (whole.n_used, pytest.approx(whole.cost))


@pytest.mark.parametrize(
    ("free", "n"),
    [
        (Free(), 6 + 1 + 9),
        (Free(beam=(True, True)), 6 + 2 + 9),
        (Free(detector=(True, True, False, False, False, True)), 3 + 1 + 9),
        (Free(orientation=False), 7 + 6),
        (Free(cell=False), 7 + 3),
    ],
)
def test_free_parameters_alone_have_columns_and_move(free, n):
    problem, state = case(free=free)
    assert problem.n_parameters == n
    moved = problem.stepped(state, np.full(n, 1e-3))
    old, new = state.crystals[0], moved.crystals[0]
    np.testing.assert_allclose(new.omega - old.omega, 1e-3 if free.orientation else 0, atol=1e-15)
    np.testing.assert_allclose(new.strain - old.strain, 1e-3 if free.cell else 0, atol=1e-15)


@pytest.mark.parametrize("which", range(6))
def test_each_parameter_of_the_detector_is_one_motion(which):
    """Shifts along fast, slow and normal, then turns about them, about the detector's middle."""
    problem, state = case(free=Free(detector=tuple(n == which for n in range(6)), beam=(False, False)))
    shift = np.zeros(problem.n_parameters)
    shift[problem.detector_columns[0]] = 0.01
    old, new = state.detectors[0][0], problem.stepped(state, shift).detectors[0][0]
    axes = np.array([old.fast_axis, old.slow_axis, old.normal])
    middle = [p.origin + 250 * 0.172 * p.fast_axis + 300 * 0.172 * p.slow_axis for p in (old, new)]
    turn = rotation_matrix(axes[which % 3], 0.01) if which > 2 else np.eye(3)
    np.testing.assert_allclose(middle[1] - middle[0], 0.01 * axes[which] if which < 3 else 0, atol=1e-10)
    np.testing.assert_allclose([new.fast_axis, new.slow_axis], axes[:2] @ turn.T, atol=1e-12)


def several(same_cell: bool) -> tuple[list[Experiment], Reflections]:
    """Two sweeps with goniometers of their own; two crystals whose cells are, or are not, the same."""
    first = experiment(n_images=60)
    A = rotation_matrix(np.array([0, 0.6, 0.8]), 0.01) @ first.crystal.A * (1 if same_cell else 1.001)
    second = replace(first, crystal=Crystal(A), goniometer=kappa_goniometer(), detector=flat_detector(), identifier="b")
    return [first, second], Reflections.concatenate([spots(first, n=80), spots(second, 1, n=90, experiment_id=1)])


def problem_of(experiments: list[Experiment], table: Reflections, free: Free, intervals: int = 0):
    selections = select_indexed(experiments, table, 0.05)
    sweeps, state = build(experiments, selections, [SplineSmoother(60, intervals)] * len(experiments))
    return RefinementProblem(sweeps, state, free), state


def test_crystals_of_one_cell_share_its_strains_alone():
    shared, state = problem_of(*several(True), Free())
    apart, _ = problem_of(*several(False), Free())
    assert apart.n_parameters == 2 * 6 + 1 + 2 * 9
    assert shared.n_parameters == apart.n_parameters - 6
    one, two = shared.crystal_columns
    assert set(one) & set(two) == set(one[-6:])
    moved = shared.stepped(state, np.arange(shared.n_parameters) * 1e-6)
    np.testing.assert_array_equal(moved.crystals[0].strain, moved.crystals[1].strain)
    assert not np.array_equal(moved.crystals[0].omega, moved.crystals[1].omega)


@pytest.mark.parametrize("same_cell", [True, False])
def test_the_vector_of_several_sweeps_is_the_slope_of_chi_squared(same_cell):
    """Sweeps about two spindles that share a beam turn it about the same axes."""
    problem, state = problem_of(*several(same_cell), Free())
    here, n = linearised(problem, state), problem.n_parameters
    for column, step in enumerate(1e-6 * np.eye(n)):
        ahead, behind = (linearised(problem, problem.stepped(state, s)) for s in (step, -step))
        slope = (ahead.cost - behind.cost) / 2e-6
        assert -2 * here.vector[column] == pytest.approx(slope, rel=1e-4, abs=1e-4 * np.abs(here.vector).max())


def test_crystals_that_vary_over_the_scan_have_cells_of_their_own():
    varying, _ = problem_of(*several(True), Free(), intervals=2)
    assert varying.n_parameters == 2 * 6 + 1 + 2 * 4 * 9
    fixed, _ = problem_of(*several(True), Free(cell=False))
    assert fixed.n_parameters == 2 * 6 + 1 + 2 * 3
