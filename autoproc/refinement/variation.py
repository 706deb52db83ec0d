"""How finely orientation and cell may vary over the scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from autoproc.models.experiment import Experiment
from autoproc.refinement.gradients import IndexedSpots
from autoproc.refinement.model import CrystalModel
from autoproc.refinement.params import RefineParams
from autoproc.refinement.problem import Free, RefinedModels, RefinementProblem
from autoproc.refinement.setup import Selection, build, spots_per_degree, thinned
from autoproc.refinement.solver import minimise
from autoproc.refinement.spline_smoother import SplineSmoother

WIDEST, FINEST = 36.0, 4.0
TRIAL_ITERATIONS = 10
TRIAL_TOLERANCE = 1e-4
TRIED_SPOTS = 10_000
"""Against which curves are compared: of 100,000 spots they tell the criterion of one curve against the next to 110 (one
standard deviation of 10 sqrt(2 p) for p = 60 more parameters), where these have to save 760."""


def without_gauge(free: Free) -> Free:
    """What can be refined beside a crystal that turns freely over the scan.

    A crystal that turns by R(-phi) c, c constant in the laboratory, imitates a tilt of the spindle: it can be traded
    against the beam's direction or against the detector's rotation about the beam without any
    change of the predictions. Distance and cell are told apart by the angles alone, which a
    free orientation takes away. All three keep their values from the static refinement.
    """
    if not free.orientation:
        return free
    shift_x, shift_y, _, tilt_x, tilt_y, _ = free.detector
    return replace(free, detector=(shift_x, shift_y, False, tilt_x, tilt_y, False), beam=(False, False))


def coarsest_smoother(experiment: Experiment, observed: IndexedSpots, params: RefineParams) -> SplineSmoother:
    """The curve to begin with; a constant where the sweep is narrow or its spots are few."""
    scan = experiment.scan
    width = abs(scan.oscillation[1]) * scan.n_images
    constant = SplineSmoother(scan.n_images, 0)
    if params.scan_varying is False or (params.scan_varying == "auto" and width <= params.min_sweep_width):
        return constant
    step = WIDEST if params.interval_width == "auto" else params.interval_width
    for n_intervals in range(max(2, round(width / step)), 0, -1):
        smoother = SplineSmoother(scan.n_images, n_intervals)
        if is_determined(smoother, observed, params):
            return smoother
    return constant


def is_determined(smoother: SplineSmoother, observed: IndexedSpots, params: RefineParams) -> bool:
    """There are enough spots for nine parameters a coefficient, in every interval but at most one in five.

    A gap (blank images) is bridged by the curve's restraints.
    """
    needed = 9 * params.min_reflections_per_parameter
    frames = observed.frame[observed.weights[:, 0] > 0]
    counts = np.histogram(frames, bins=smoother.n_intervals, range=(0, smoother.n_frames))[0]
    poor = np.count_nonzero(counts < needed)
    return bool(poor <= smoother.n_intervals // 5 and counts.sum() >= needed * smoother.n_coefficients)


def finer_smoother(
    smoother: SplineSmoother, experiment: Experiment, observed: IndexedSpots, params: RefineParams
) -> SplineSmoother:
    """Twice as many intervals, or the same curve where that is too fine."""
    if not smoother.n_intervals:
        return smoother
    finer = SplineSmoother(smoother.n_frames, 2 * smoother.n_intervals)
    width = abs(experiment.scan.oscillation[1]) * experiment.scan.n_images / finer.n_intervals
    return finer if width >= FINEST and is_determined(finer, observed, params) else smoother


def choose_smoothers(
    experiments: Sequence[Experiment],
    selections: Sequence[Selection],
    free: Free,
    params: RefineParams,
) -> tuple[list[SplineSmoother], RefinedModels | None]:
    """The curves that the spots support, and a state refined with them; constants if none is.

    experiments : as static refinement left them; selections : with outliers given no weight.
    Tried in turn: static, intervals of 36 degrees, 18, 9, ... until the criterion n ln(chi^2) + p ln(n) rises. Of many
    spots some are refined against, and tell the chi^2 of all.
    """
    coarse = [coarsest_smoother(e, s.observed, params) for e, s in zip(experiments, selections, strict=True)]
    constant = [SplineSmoother(s.n_frames, 0) for s in coarse]
    if coarse == constant:
        return constant, None
    if params.interval_width != "auto":
        return coarse, None
    per_degree = spots_per_degree(experiments, TRIED_SPOTS)
    tried = [thinned(s, e, per_degree) for e, s in zip(experiments, selections, strict=True)]
    trial = partial(_trial, experiments, tried, free=free, excess=_n_counted(selections) / max(1, _n_counted(tried)))
    may_stay_static = params.scan_varying == "auto"
    chosen: list[SplineSmoother] = constant
    best, best_state = trial(constant, None) if may_stay_static else (np.inf, None)
    smoothers = coarse
    while True:
        criterion, state = trial(smoothers, best_state)
        if criterion >= best:
            break
        chosen, best, best_state = smoothers, criterion, state
        smoothers = [
            finer_smoother(c, e, s.observed, params) for c, e, s in zip(chosen, experiments, selections, strict=True)
        ]
        if smoothers == chosen:
            break
    return chosen, best_state


def _trial(
    experiments: Sequence[Experiment],
    selections: Sequence[Selection],
    smoothers: Sequence[SplineSmoother],
    start: RefinedModels | None,
    free: Free,
    excess: float,
) -> tuple[float, RefinedModels]:
    """Bayesian information criterion of a refinement with these curves, and where it ended.

    excess : times as many spots as these there are, for which the criterion is told
    """
    sweeps, state = build(experiments, selections, smoothers)
    if start is not None and len(start.crystals) == len(state.crystals):
        crystals = tuple(_resampled(old, new) for old, new in zip(start.crystals, state.crystals, strict=True))
        state = RefinedModels(start.detectors, start.beams, crystals)
    problem = RefinementProblem(sweeps, state, without_gauge(free))
    minimum = minimise(problem, state, TRIAL_ITERATIONS, TRIAL_TOLERANCE)
    p, n_some = problem.n_parameters, 3 * minimum.end.n_used
    n = n_some * excess
    return n * np.log(minimum.end.cost / (n_some - p) * (n - p)) + p * np.log(n), minimum.state


def _n_counted(selections: Sequence[Selection]) -> int:
    return sum(int(np.count_nonzero(s.observed.weights[:, 0])) for s in selections)


def _resampled(old: CrystalModel, new: CrystalModel) -> CrystalModel:
    """The old curves with the new smoother's coefficients."""
    frames = np.linspace(0, new.smoother.n_frames, 4 * new.smoother.n_coefficients)
    to_new = np.linalg.pinv(new.smoother.matrix(frames)) @ old.smoother.matrix(frames)
    return replace(old, smoother=new.smoother, omega=to_new @ old.omega, strain=to_new @ old.strain)
