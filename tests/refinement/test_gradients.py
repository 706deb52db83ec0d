from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from refinement_case import experiment, flat_detector, kappa_goniometer, linearised, spots

from autoproc.refinement.problem import Free, RefinementProblem
from autoproc.refinement.setup import build, select_indexed
from autoproc.refinement.spline_smoother import SplineSmoother

STEP = 1e-6


def case(intervals, **models):
    """A problem about a state that is not where it began, so that no term vanishes."""
    truth = experiment(**models)
    selections = select_indexed([truth], spots(truth, n=300), 0.05)
    sweeps, state = build([truth], selections, [SplineSmoother(truth.scan.n_images, intervals)])
    rng = np.random.default_rng(2)
    crystal = state.crystals[0]
    crystal = replace(
        crystal,
        omega=rng.normal(0, 0.01, crystal.omega.shape),
        strain=rng.normal(0, 0.002, crystal.strain.shape),
    )
    return sweeps, replace(state, crystals=(crystal,))


def dense_jacobian(problem, state, sweep):
    n, smoother = len(sweep.observed), state.crystals[0].smoother
    first, active = smoother.weights(sweep.observed.frame)
    by = problem.gradients(state, sweep, problem.predict(state, sweep), (first, active), np.ones((n, 3)))
    models = np.concatenate([problem.detector_columns[0], problem.beam_columns[0]])
    own = by[:, :, len(models) :].reshape(n, 3, smoother.n_active, -1)
    spread = np.zeros((n, 3, smoother.n_coefficients, own.shape[3]))
    for spot, begin in enumerate(first):
        spread[spot, :, begin : begin + smoother.n_active] = own[spot]
    result = np.zeros((n, 3, problem.n_parameters))
    result[:, :, models], result[:, :, problem.crystal_columns[0]] = by[:, :, : len(models)], spread.reshape(n, 3, -1)
    return result


@pytest.mark.parametrize("intervals", [0, 3])
@pytest.mark.parametrize(
    "models",
    [
        {},
        {"goniometer": kappa_goniometer()},
        {"detector": flat_detector(n_panels=2)},
        {"cell": (77.0, 77.0, 38.0, 90.0, 90.0, 90.0), "group": "P 41 21 2"},
    ],
    ids=["plain", "kappa", "two panels", "tetragonal"],
)
def test_derivatives_agree_with_differences(models, intervals):
    sweeps, state = case(intervals, **models)
    problem = RefinementProblem(sweeps, state, Free(beam=(True, True)))
    analytic = dense_jacobian(problem, state, sweeps[0])
    for column, shift in enumerate(STEP * np.eye(problem.n_parameters)):
        ahead, behind = (problem.predict(problem.stepped(state, s), sweeps[0]).xyz for s in (shift, -shift))
        numeric = (ahead - behind) / (2 * STEP)
        known = np.isfinite(numeric).all(axis=1) & (sweeps[0].observed.weights[:, 0] > 0)
        assert known.sum() > 200
        scale = np.abs(numeric[known]).max() + 1e-6
        np.testing.assert_allclose(
            analytic[known, :, column] / scale, numeric[known] / scale, atol=2e-6, err_msg=str(column)
        )


def test_turning_everything_about_the_spindle_changes_nothing():
    """The reason why the beam's direction about the spindle is fixed by default."""
    sweeps, state = case(0)
    problem = RefinementProblem(sweeps, state, Free(beam=(True, True)))
    weights = linearised(problem, state).matrix
    scale = np.sqrt(np.diag(weights))
    smallest = np.linalg.eigvalsh(weights / np.outer(scale, scale))[0]
    without = linearised(RefinementProblem(sweeps, state, Free()), state).matrix
    scale = np.sqrt(np.diag(without))
    assert smallest < 1e-10
    assert np.linalg.eigvalsh(without / np.outer(scale, scale))[0] > 1e-8


def test_fixed_parameters_have_no_columns():
    sweeps, state = case(0)
    fixed = Free(detector=(False,) * 6, beam=(False, False), orientation=True, cell=False)
    assert RefinementProblem(sweeps, state, fixed).n_parameters == 3
