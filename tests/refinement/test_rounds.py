"""Rejecting outliers and weighing what is left."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from refinement_case import experiment, spots

from autoproc.errors import RefinementFailed, TooFewToRefine
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.refinement.params import RefineParams
from autoproc.refinement.problem import ExperimentSpots, Free, RefinedModels
from autoproc.refinement.rounds import find_outliers, position_deviations, refine_rounds, rmsd, weighted
from autoproc.refinement.setup import build, select_indexed
from autoproc.refinement.spline_smoother import SplineSmoother

PARAMS = RefineParams()


def prepared(table: Reflections, truth: Experiment) -> tuple[tuple[ExperimentSpots, ...], RefinedModels]:
    selections = select_indexed([truth], table, 0.05)
    sweeps, state = build([truth], selections, [SplineSmoother(truth.scan.n_images, 0)])
    return tuple(sweeps), state


def displaced(table: Reflections, rows: np.ndarray, px: float) -> Reflections:
    """The spots of some rows moved along x."""
    moved = table["xyz_obs_px"].copy()
    moved[rows, 0] += px
    return table.replace(xyz_obs_px=moved)


@pytest.mark.parametrize("method", ["mcd", "tukey"])
def test_spots_that_lie_elsewhere_are_outliers_and_the_others_are_not(method: str) -> None:
    truth = experiment()
    table = spots(truth, n=1500)
    bad = np.zeros(len(table), bool)
    bad[::25] = True
    sweeps, state = prepared(displaced(table, bad, 3.0), truth)
    kept_rows = select_indexed([truth], table, 0.05)[0].rows
    found = find_outliers(
        sweeps[0].observed, position_deviations(sweeps[0], state), truth.scan, RefineParams(outliers=method)
    )
    assert found[bad[kept_rows]].mean() > 0.97
    assert found[~bad[kept_rows]].mean() < 0.06


def test_nobody_is_an_outlier_where_none_is_wanted() -> None:
    truth = experiment()
    sweeps, state = prepared(displaced(spots(truth, n=300), np.arange(300) == 5, 9.0), truth)
    difference = position_deviations(sweeps[0], state)
    difference[7] = np.nan
    found = find_outliers(sweeps[0].observed, difference, truth.scan, RefineParams(outliers="none"))
    assert np.flatnonzero(found).tolist() == [7], "but what cannot be predicted"


def test_blocks_of_rotation_are_judged_for_themselves() -> None:
    """A crystal that scatters ten times as much in its last third loses no more spots there than elsewhere."""
    truth = experiment(n_images=360, width=0.5)
    sweeps, state = prepared(spots(truth, n=3000), truth)
    observed, difference = sweeps[0].observed, position_deviations(sweeps[0], state)
    late = observed.frame > 240
    difference[late] *= 10
    found = find_outliers(observed, difference, truth.scan, RefineParams(outlier_block_width=20.0))
    assert found[late].mean() < 0.08
    together = find_outliers(observed, difference, truth.scan, RefineParams(outlier_block_width=180.0))
    assert together[late].mean() > 0.3


def test_weights_come_to_fit_the_scatter() -> None:
    truth = experiment()
    sweeps, state = prepared(spots(truth, n=2000), truth)
    observed = sweeps[0].observed
    bold = replace(sweeps[0], observed=replace(observed, weights=observed.weights * [100.0, 4.0, 0.25]))
    difference = position_deviations(bold, state)
    after = weighted(bold, difference, np.zeros(len(observed), bool), rescale=True).observed.weights
    scaled = (after * difference**2)[after[:, 0] > 0]
    np.testing.assert_allclose(np.mean(scaled, axis=0), 1.0, rtol=0.12)
    kept = weighted(bold, difference, np.zeros(len(observed), bool), rescale=False).observed.weights
    np.testing.assert_array_equal(kept, bold.observed.weights)


def test_outliers_have_no_weight() -> None:
    truth = experiment()
    sweeps, state = prepared(spots(truth, n=200), truth)
    outliers = np.arange(len(sweeps[0].observed)) % 3 == 0
    after = weighted(sweeps[0], position_deviations(sweeps[0], state), outliers, rescale=True).observed.weights
    assert not after[outliers].any()
    assert (after[~outliers, 0] > 0).any()


def test_rmsd_is_in_pixels_and_images() -> None:
    truth = experiment(n_images=120, width=0.5)
    sweeps, _ = prepared(spots(truth, n=100), truth)
    n = len(sweeps[0].observed)
    difference = np.tile([0.172, -0.344, np.radians(0.25)], (n, 1))
    found = rmsd(truth, sweeps[0], difference)
    assert (found.x_px, found.y_px, found.z_images) == pytest.approx((1.0, 2.0, 0.5))
    assert found.n == np.count_nonzero(sweeps[0].observed.weights[:, 0])
    difference[0] = np.nan
    assert rmsd(truth, sweeps[0], difference).n == found.n - 1
    assert rmsd(truth, sweeps[0], np.full((n, 3), np.nan)).n == 0


def test_rounds_end_at_the_truth_in_spite_of_outliers() -> None:
    truth = experiment()
    table = spots(truth, n=2500)
    bad = np.random.default_rng(1).random(len(table)) < 0.1
    sweeps, state = prepared(displaced(table, bad, 2.5), truth)
    outcome = refine_rounds([truth], sweeps, state, Free(), PARAMS)
    x = outcome.minimum.steps[-1].rmsd[0]
    assert x / 0.172 == pytest.approx(0.1, rel=0.15)
    assert outcome.outliers[0].mean() == pytest.approx(0.1, abs=0.06)
    shift = outcome.minimum.state.detectors[0][0].origin - truth.detector[0].origin
    assert np.abs(shift[:2]).max() < 0.02


def test_few_spots_are_blamed_for_their_number_and_many_for_the_model() -> None:
    truth = experiment()
    few, state = prepared(spots(truth, n=20), truth)
    with pytest.raises(TooFewToRefine, match="parameters"):
        refine_rounds([truth], few, state, Free(), PARAMS)
    table = spots(truth, n=400)
    far = displaced(table, np.arange(len(table)) % 10 > 0, 3000.0)
    many, state = prepared(far, truth)
    none = tuple(replace(s, observed=replace(s.observed, weights=0 * s.observed.weights)) for s in many)
    with pytest.raises(RefinementFailed) as failed:
        refine_rounds([truth], none, state, Free(), PARAMS)
    assert not isinstance(failed.value, TooFewToRefine)
