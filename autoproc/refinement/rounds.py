"""Rejecting outliers and minimising in turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from autoproc.errors import RefinementFailed, TooFewToRefine
from autoproc.models.experiment import Experiment, Scan
from autoproc.refinement.gradients import IndexedSpots, predicted_spots, residuals
from autoproc.refinement.outliers import mcd_outliers, tukey_outliers
from autoproc.refinement.params import RefineParams
from autoproc.refinement.problem import ExperimentSpots, Free, RefinedModels, RefinementProblem
from autoproc.refinement.solver import Minimum, RefinementStep, minimise
from autoproc.threads import map_in_order

MAX_ROUNDS = 4
SAME_OUTLIERS = 0.005
FEWEST_JUDGED = 8
MEDIAN_CHI_SQUARED = 0.4549
FEW = 100
"""Spots; with fewer their number is to blame rather than the model."""
LEAST_KEPT = 0.2


@dataclass(frozen=True, slots=True)
class Rmsd:
    """Root mean square deviations of n spots: px, px, images."""

    n: int
    x_px: float
    y_px: float
    z_images: float


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """The end of some rounds: sweeps carry the final weights, outliers is one (N,) bool per sweep."""

    problem: RefinementProblem
    minimum: Minimum
    sweeps: tuple[ExperimentSpots, ...]
    outliers: tuple[np.ndarray, ...]
    steps: tuple[RefinementStep, ...]
    initial: tuple[Rmsd, ...]


def refine_rounds(
    experiments: Sequence[Experiment],
    sweeps: tuple[ExperimentSpots, ...],
    state: RefinedModels,
    free: Free,
    params: RefineParams,
) -> Outcome:
    """Reject outliers and minimise in turn until the outliers stay the same."""
    steps: list[RefinementStep] = []
    outliers, problem, minimum = None, None, None
    initial: tuple[Rmsd, ...] = ()
    for _ in range(MAX_ROUNDS if params.outliers != "none" else 1):
        differences = [position_deviations(sweep, state) for sweep in sweeps]
        found = tuple(
            find_outliers(s.observed, d, e.scan, params)
            for s, d, e in zip(sweeps, differences, experiments, strict=True)
        )
        if outliers is not None and _fraction_changed(outliers, found) < SAME_OUTLIERS:
            break
        outliers = found
        kept = tuple(
            weighted(s, d, o, params.weighting == "rescaled")
            for s, d, o in zip(sweeps, differences, outliers, strict=True)
        )
        initial = initial or tuple(rmsd(e, s, d) for e, s, d in zip(experiments, kept, differences, strict=True))
        problem = RefinementProblem(kept, state, free)
        _check_enough(kept, problem.n_parameters, params)
        minimum = minimise(problem, state, params.max_iterations)
        state = minimum.state
        steps += minimum.steps
    assert problem is not None
    assert minimum is not None
    assert outliers is not None
    return Outcome(problem, minimum, problem.sweeps, outliers, tuple(steps), initial)


def position_deviations(sweep: ExperimentSpots, state: RefinedModels) -> np.ndarray:
    """(N, 3) predicted minus observed, mm, mm, radians."""
    models = state.beams[sweep.beam], state.detectors[sweep.detector], sweep.goniometer, state.crystals[sweep.crystal]
    return residuals(sweep.observed, predicted_spots(sweep.observed, *models))


def find_outliers(observed: IndexedSpots, difference: np.ndarray, scan: Scan, params: RefineParams) -> np.ndarray:
    """(N,) bool, judged in blocks of rotation; spots that cannot be predicted are outliers too."""
    usable = np.isfinite(difference).all(axis=1)
    if params.outliers == "none":
        return ~usable
    judged = usable & (observed.weights[:, 0] > 0)
    n_blocks = max(1, int(abs(scan.oscillation[1]) * scan.n_images / params.outlier_block_width))
    block = np.clip(observed.frame / scan.n_images * n_blocks, 0, n_blocks - 1).astype(int)
    blocks = [np.flatnonzero(judged & (block == b)) for b in range(n_blocks)]
    blocks = [rows for rows in blocks if len(rows) >= FEWEST_JUDGED]
    result = ~usable
    found = map_in_order(lambda rows: _judged(difference[rows], params), blocks)
    for rows, outliers in zip(blocks, found, strict=True):
        result[rows] = outliers
    return result


def _judged(difference: np.ndarray, params: RefineParams) -> np.ndarray:
    """(n,) bool of one block."""
    if params.outliers == "mcd":
        return mcd_outliers(difference, params.outlier_probability)
    return tukey_outliers(difference)


def weighted(sweep: ExperimentSpots, difference: np.ndarray, outliers: np.ndarray, rescale: bool) -> ExperimentSpots:
    """The sweep without its outliers, with weights that fit the scatter of x, y and phi if `rescale`."""
    weights = np.where(outliers[:, None], 0.0, sweep.observed.weights)
    used = weights[:, 0] > 0
    if rescale and np.any(used):
        spread = np.median(weights[used] * difference[used] ** 2, axis=0) / MEDIAN_CHI_SQUARED
        weights = weights / np.where(spread > 0, spread, 1.0)
    return replace(sweep, observed=replace(sweep.observed, weights=weights))


def rmsd(experiment: Experiment, sweep: ExperimentSpots, difference: np.ndarray) -> Rmsd:
    """Over the spots of a sweep that have weight."""
    used = (sweep.observed.weights[:, 0] > 0) & np.isfinite(difference).all(axis=1)
    if not np.any(used):
        return Rmsd(0, 0.0, 0.0, 0.0)
    pixel = np.array([p.pixel_size for p in experiment.detector.panels])[sweep.observed.panel[used]]
    width = np.radians(abs(experiment.scan.oscillation[1]))
    x, y, z = np.sqrt(
        np.mean(np.column_stack([difference[used, :2] / pixel, difference[used, 2] / width]) ** 2, axis=0)
    )
    return Rmsd(int(np.count_nonzero(used)), float(x), float(y), float(z))


def _fraction_changed(before: tuple[np.ndarray, ...], after: tuple[np.ndarray, ...]) -> float:
    changed = sum(int(np.count_nonzero(a != b)) for a, b in zip(before, after, strict=True))
    return changed / max(1, sum(map(len, after)))


def _check_enough(sweeps: tuple[ExperimentSpots, ...], n_parameters: int, params: RefineParams) -> None:
    used = [int(np.count_nonzero(s.observed.weights[:, 0])) for s in sweeps]
    total = sum(len(s.observed) for s in sweeps)
    if sum(used) < max(params.min_reflections_per_parameter * n_parameters / 2, LEAST_KEPT * total):
        reason = f"too few of the indexed spots, {sum(used)} of {total}, agree with the model well enough to be used"
        failed = TooFewToRefine if total < FEW else RefinementFailed
        raise failed(reason=f"{reason}, for {n_parameters} parameters")
    if min(used) == 0:
        raise RefinementFailed(reason=f"experiment {int(np.argmin(used))} has no usable indexed spots")
