"""What refinement writes back: predictions and flags of spots, uncertainties of cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from autoproc.geometry.detector import mm_to_px
from autoproc.geometry.reciprocal import is_entering
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Flag, Reflections
from autoproc.refinement.gradients import Prediction, predicted_spots
from autoproc.refinement.params import RefineParams
from autoproc.refinement.problem import ExperimentSpots, RefinedModels
from autoproc.refinement.rounds import Outcome, find_outliers, position_deviations
from autoproc.refinement.setup import Selection
from autoproc.refinement.solver import covariance

PREDICTED_COLUMNS = ("xyz_cal_px", "xyz_cal_mm", "s1")
REPLACED_FLAGS = Flag.PREDICTED | Flag.USED_IN_REFINEMENT | Flag.CENTROID_OUTLIER


def strain_covariances(outcome: Outcome) -> list[np.ndarray | None]:
    """Of each crystal, the (k, k) covariance of its strain coefficients averaged over the scan."""
    problem, state = outcome.problem, outcome.minimum.state
    if not problem.free.cell:
        return [None] * len(state.crystals)
    full = covariance(outcome.minimum.equations)
    result: list[np.ndarray | None] = []
    for crystal, columns in zip(state.crystals, problem.crystal_columns, strict=True):
        n_coefficients, k = crystal.strain.shape
        own = columns.reshape(n_coefficients, -1)[:, -k:].ravel()
        mean = np.kron(crystal.mean_weights(), np.eye(k))
        result.append(mean @ full[np.ix_(own, own)] @ mean.T)
    return result


def updated_reflections(
    reflections: Reflections,
    experiments: Sequence[Experiment],
    selections: Sequence[Selection],
    outcome: Outcome,
    params: RefineParams,
) -> Reflections:
    """The table with predictions of all indexed spots, and with PREDICTED, USED and OUTLIER flags.

    Rows that are not indexed stay as they are. Spots that the models cannot predict lose PREDICTED
    and count as outliers.
    """
    n, state = len(reflections), outcome.minimum.state
    columns = {c: reflections[c].copy() if c in reflections else np.zeros((n, 3)) for c in PREDICTED_COLUMNS}
    columns["entering"] = reflections["entering"].copy() if "entering" in reflections else np.zeros(n, bool)
    flags = reflections["flags"].copy() if "flags" in reflections else np.zeros(n, np.uint64)
    fits = zip(outcome.sweeps, outcome.outliers, strict=True)
    for experiment, selection, (fitted, judged) in zip(experiments, selections, fits, strict=True):
        sweep = replace(fitted, observed=selection.observed)
        is_thinned = len(judged) < len(selection.rows)
        bad = (
            find_outliers(sweep.observed, position_deviations(sweep, state), experiment.scan, params)
            if is_thinned
            else judged
        )
        models = (
            state.beams[sweep.beam], state.detectors[sweep.detector], sweep.goniometer, state.crystals[sweep.crystal]
        )  # fmt: skip
        predicted = predicted_spots(sweep.observed, *models)
        good = np.isfinite(predicted.xyz).all(axis=1)
        _write_predictions(columns, selection.rows, good, sweep, predicted, experiment, state)
        flags[selection.rows] &= ~np.uint64(REPLACED_FLAGS)
        flags[selection.rows[good]] |= np.uint64(Flag.PREDICTED)
        flags[selection.rows[bad]] |= np.uint64(Flag.CENTROID_OUTLIER)
        used = good & ~bad & (sweep.observed.weights[:, 0] > 0)
        flags[selection.rows[used]] |= np.uint64(Flag.USED_IN_REFINEMENT)
    return reflections.replace(**columns, flags=flags)


def _write_predictions(
    columns: dict[str, np.ndarray],
    rows: np.ndarray,
    good: np.ndarray,
    sweep: ExperimentSpots,
    predicted: Prediction,
    experiment: Experiment,
    state: RefinedModels,
) -> None:
    xyz, panel, written = predicted.xyz[good], sweep.observed.panel[good], rows[good]
    px = np.empty_like(xyz)
    for index, model in enumerate(state.detectors[sweep.detector].panels):
        px[panel == index, :2] = mm_to_px(model, xyz[panel == index, :2])
    px[:, 2] = experiment.scan.frame_at(xyz[:, 2])
    s1 = predicted.s1[good]
    columns["xyz_cal_mm"][written], columns["xyz_cal_px"][written], columns["s1"][written] = xyz, px, s1
    columns["entering"][written] = is_entering(experiment.goniometer, state.beams[sweep.beam], s1)
    for name in PREDICTED_COLUMNS[:2]:
        columns[name][rows[~good]] = 0.0
