"""Refinement of detector, beam and crystals against the positions of indexed spots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from pydantic import Field

from autoproc.errors import RefinementFailed
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Flag, Reflections
from autoproc.params import Params
from autoproc.refinement.gradients import Observations, residuals
from autoproc.refinement.outliers import mcd_outliers, tukey_outliers
from autoproc.refinement.problem import Free, Problem, State, Sweep
from autoproc.refinement.setup import Selection, build, refined_experiments, select_indexed
from autoproc.refinement.smoother import Smoother
from autoproc.refinement.solver import Minimum, Step, covariance, minimise

Fixable = Literal["detector", "distance", "tilt", "beam", "orientation", "cell"]


class RefineParams(Params):
    """Parameters of refinement."""

    scan_varying: bool | Literal["auto"] = "auto"
    """Let orientation and cell vary over the scan, after a static refinement: true, false, or auto,
    which does so for sweeps wider than min_sweep_width."""

    min_sweep_width: float = Field(5.0, gt=0)
    """Sweeps narrower than this, degrees, stay static under scan_varying = auto: too little to see variation."""

    interval_width: float = Field(36.0, gt=0)
    """Width of an interval of the smooth curves, degrees. Two intervals at least are used where spots allow."""

    fix: tuple[Fixable, ...] = ()
    """What to keep as it is: detector (all of it), distance, tilt (the detector's rotations), beam, orientation, cell."""

    outliers: Literal["mcd", "tukey", "none"] = "mcd"
    """Outlier rejection: mcd (minimum covariance determinant in blocks of rotation), tukey (quartiles), none."""

    outlier_probability: float = Field(0.975, gt=0.5, lt=1)
    """MCD: spots beyond this quantile of chi squared are outliers."""

    outlier_block_width: float = Field(18.0, gt=0)
    """Outliers are judged within blocks at least this wide, degrees."""

    weighting: Literal["rescaled", "statistical"] = "rescaled"
    """rescaled: 1/variance, scaled so that x, y and phi each have the scatter that is observed; statistical: as given."""

    min_zeta: float = Field(0.05, ge=0, lt=1)
    """Spots with |zeta| (Kabsch) below this are too close to the spindle to count."""

    min_reflections_per_parameter: float = Field(5.0, ge=1)
    """With fewer, detector tilts, beam, detector and variation over the scan are given up, in this order."""

    reflections_per_degree: float | None = Field(None, gt=0)
    """Use at most this many spots per degree and lattice in the static refinement; none: all of them."""

    max_iterations: int = Field(30, ge=1)
    """Steps of least squares after each rejection of outliers."""


@dataclass(frozen=True, slots=True)
class Rmsd:
    """Root mean square deviations of one experiment's spots: px, px, images."""

    n: int
    x_px: float
    y_px: float
    z_images: float


@dataclass(frozen=True, slots=True, eq=False)
class Round:
    """One refinement: what was refined, against how many spots, and its steps."""

    is_scan_varying: bool
    n_parameters: int
    n_outliers: int
    steps: tuple[Step, ...]
    rmsds: tuple[Rmsd, ...]


@dataclass(frozen=True, slots=True, eq=False)
class RefineResult:
    """What refinement found.

    initial : RMSD by experiment before, over the spots used in the first round; rmsds : at the end
    """

    experiments: list[Experiment]
    reflections: Reflections
    initial: tuple[Rmsd, ...]
    rmsds: tuple[Rmsd, ...]
    rounds: tuple[Round, ...]
    n_outliers: int
    warnings: tuple[str, ...] = ()


MAX_ROUNDS = 5
SAME_OUTLIERS = 0.005


def refine(experiments: Sequence[Experiment], reflections: Reflections, params: RefineParams) -> RefineResult:
    """Refine all experiments together against their indexed spots; static, then varying over the scan.

    Experiments that share a detector, beam or crystal (the same object) still share it afterwards.
    Raises RefinementFailed.
    """
    selections = select_indexed(experiments, reflections, params.min_zeta)
    static = [Smoother(e.scan.n_images, 0) for e in experiments]
    sweeps, state = build(experiments, selections, static)
    warnings: list[str] = []
    free = _affordable(_free(params), sweeps, state, params, warnings)
    outcome, round_, initial = _refine_rounds(experiments, sweeps, state, free, params)
    rounds = [round_]
    smoothers = [_smoother(e, s.observed, params, warnings) for e, s in zip(experiments, selections, strict=True)]
    if any(s.n_intervals for s in smoothers) and (free.orientation or free.cell):
        between = refined_experiments(experiments, outcome.sweeps, outcome.minimum.state, [None] * 10000)
        sweeps, state = build(between, selections, smoothers)
        outcome, round_, _ = _refine_rounds(experiments, sweeps, state, free, params)
        rounds.append(round_)
    refined = refined_experiments(experiments, outcome.sweeps, outcome.minimum.state, _strain_covariances(outcome))
    table = _updated(reflections, experiments, selections, outcome)
    return RefineResult(
        refined, table, initial, rounds[-1].rmsds, tuple(rounds), rounds[-1].n_outliers, tuple(warnings)
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Outcome:
    problem: Problem
    minimum: Minimum
    sweeps: tuple[Sweep, ...]
    outliers: tuple[np.ndarray, ...]


def _refine_rounds(
    experiments: Sequence[Experiment], sweeps: tuple[Sweep, ...], state: State, free: Free, params: RefineParams
) -> tuple[_Outcome, Round, tuple[Rmsd, ...]]:
    """Reject outliers and minimise in turn until the outliers stay the same."""
    steps: list[Step] = []
    initial: tuple[Rmsd, ...] = ()
    outliers: tuple[np.ndarray, ...] = ()
    for _ in range(MAX_ROUNDS):
        before = outliers
        differences = [residuals(s.observed, Problem(sweeps, state, free).predict(state, s)) for s in sweeps]
        outliers = tuple(_outliers(s, d, e, params) for s, d, e in zip(sweeps, differences, experiments, strict=True))
        initial = initial or _rmsds(experiments, sweeps, differences, outliers)
        if before and _change(before, outliers) < SAME_OUTLIERS:
            outliers = before
            break
        kept = tuple(
            _weighted(s, d, o, params) for s, d, o in zip(sweeps, differences, outliers, strict=True)
        )
        problem = Problem(kept, state, free)
        minimum = minimise(problem, state, params.max_iterations)
        state = minimum.state
        steps += minimum.steps
        if params.outliers == "none":
            break
    differences = [residuals(s.observed, problem.predict(state, s)) for s in kept]
    rmsds = _rmsds(experiments, kept, differences, outliers)
    outcome = _Outcome(problem, minimum, kept, outliers)
    n_outliers = sum(int(o.sum()) for o in outliers)
    varies = any(c.smoother.n_intervals for c in state.crystals)
    return outcome, Round(varies, problem.n_parameters, n_outliers, tuple(steps), rmsds), initial


def _free(params: RefineParams) -> Free:
    fix = set(params.fix)
    shift, tilt = "detector" not in fix, not fix & {"detector", "tilt"}
    return Free(
        (shift, shift, shift and "distance" not in fix, tilt, tilt, tilt),
        ("beam" not in fix, False),
        "orientation" not in fix,
        "cell" not in fix,
    )


def _affordable(
    free: Free, sweeps: tuple[Sweep, ...], state: State, params: RefineParams, warnings: list[str]
) -> Free:
    """Fewer parameters where there are too few spots for all of them."""
    n = sum(int(np.count_nonzero(s.observed.weights[:, 0])) for s in sweeps)
    smallest = min((len(s.observed) for s in sweeps), default=0)
    options = [
        (free, ""),
        (replace(free, detector=(*free.detector[:3], False, False, False)), "the detector's tilt is"),
        (replace(free, detector=(*free.detector[:3], False, False, False), beam=(False, False)),
         "the detector's tilt and the beam are"),
        (replace(free, detector=(False,) * 6, beam=(False, False)), "detector and beam are"),
    ]  # fmt: skip
    for option, fixed in options:
        needed = params.min_reflections_per_parameter * Problem(sweeps, state, option).n_parameters
        if n >= needed and smallest > 0:
            if fixed:
                warnings.append(f"only {n} spots to refine against: {fixed} kept fixed")
            return option
    raise RefinementFailed(reason=f"{n} indexed spots are too few for {int(needed)} needed")


def _smoother(
    experiment: Experiment, observed: Observations, params: RefineParams, warnings: list[str]
) -> Smoother:
    """The curve that an experiment's spots can determine; a constant where it must stay static."""
    scan = experiment.scan
    width = abs(scan.oscillation[1]) * scan.n_images
    constant = Smoother(scan.n_images, 0)
    if params.scan_varying is False or (params.scan_varying == "auto" and width <= params.min_sweep_width):
        return constant
    wanted = max(2, round(width / params.interval_width))
    frames = observed.frame[observed.weights[:, 0] > 0]
    for n_intervals in range(wanted, 0, -1):
        counts = np.histogram(frames, bins=n_intervals, range=(0, scan.n_images))[0]
        if counts.min() >= 9 * params.min_reflections_per_parameter:
            return Smoother(scan.n_images, n_intervals)
    warnings.append(f"only {len(frames)} spots over {width:.1f} degrees: the crystal is kept static")
    return constant


def _outliers(sweep: Sweep, difference: np.ndarray, experiment: Experiment, params: RefineParams) -> np.ndarray:
    """(N,) bool, judged in blocks of rotation; spots that cannot be predicted are outliers too."""
    usable = np.isfinite(difference).all(axis=1)
    result = ~usable
    if params.outliers == "none":
        return result
    scan = experiment.scan
    n_blocks = max(1, int(abs(scan.oscillation[1]) * scan.n_images / params.outlier_block_width))
    block = np.clip(sweep.observed.frame / scan.n_images * n_blocks, 0, n_blocks - 1).astype(int)
    judged = usable & (sweep.observed.weights[:, 0] > 0)
    for b in range(n_blocks):
        here = np.flatnonzero(judged & (block == b))
        if len(here) < 5:
            continue
        values = difference[here]
        bad = tukey_outliers(values) if params.outliers == "tukey" else mcd_outliers(values, params.outlier_probability)
        result[here] = bad
    return result


def _change(before: tuple[np.ndarray, ...], after: tuple[np.ndarray, ...]) -> float:
    changed = sum(int(np.count_nonzero(a != b)) for a, b in zip(before, after, strict=True))
    return changed / max(1, sum(map(len, after)))


def _weighted(sweep: Sweep, difference: np.ndarray, outliers: np.ndarray, params: RefineParams) -> Sweep:
    """The sweep without its outliers, and with weights that fit the scatter of x, y and phi."""
    weights = np.where(outliers[:, None], 0.0, sweep.observed.weights)
    used = weights[:, 0] > 0
    if params.weighting == "rescaled" and np.any(used):
        spread = np.median(weights[used] * difference[used] ** 2, axis=0) / 0.4549
        weights = weights / np.where(spread > 0, spread, 1.0)
    return replace(sweep, observed=replace(sweep.observed, weights=weights))


def _rmsds(
    experiments: Sequence[Experiment],
    sweeps: Sequence[Sweep],
    differences: Sequence[np.ndarray],
    outliers: Sequence[np.ndarray],
) -> tuple[Rmsd, ...]:
    result = []
    for experiment, sweep, difference, bad in zip(experiments, sweeps, differences, outliers, strict=True):
        used = ~bad & (sweep.observed.weights[:, 0] > 0)
        pixel = np.array([p.pixel_size for p in experiment.detector.panels])[sweep.observed.panel[used]]
        width = np.radians(experiment.scan.oscillation[1])
        scaled = np.column_stack([difference[used, :2] / pixel, difference[used, 2] / width])
        x, y, z = np.sqrt(np.mean(scaled**2, axis=0)) if np.any(used) else (0.0, 0.0, 0.0)
        result.append(Rmsd(int(used.sum()), float(x), float(y), float(z)))
    return tuple(result)


def _strain_covariances(outcome: _Outcome) -> list[np.ndarray | None]:
    problem, state = outcome.problem, outcome.minimum.state
    if not problem.free.cell:
        return [None] * len(state.crystals)
    full = covariance(outcome.minimum.equations)
    result: list[np.ndarray | None] = []
    for crystal, columns in zip(state.crystals, problem.crystal_columns, strict=True):
        k = len(crystal.strains)
        size = len(columns) // len(crystal.strain)
        own = columns.reshape(-1, size)[:, size - k :]
        mean = np.kron(crystal.mean_weights(), np.eye(k))
        result.append(mean @ full[np.ix_(own.ravel(), own.ravel())] @ mean.T)
    return result


def _updated(
    reflections: Reflections, experiments: Sequence[Experiment], selections: Sequence[Selection], outcome: _Outcome
) -> Reflections:
    """The table with predictions for all indexed spots, and their flags."""
    from autoproc.geometry.detector import mm_to_px
    from autoproc.geometry.reciprocal import is_entering

    n = len(reflections)
    columns = {
        name: reflections[name].copy() if name in reflections else np.zeros((n, 3))
        for name in ("xyz_cal_px", "xyz_cal_mm", "s1")
    }
    entering = reflections["entering"].copy() if "entering" in reflections else np.zeros(n, bool)
    flags = reflections["flags"] & ~np.uint64(Flag.PREDICTED | Flag.USED_IN_REFINEMENT | Flag.CENTROID_OUTLIER)
    state = outcome.minimum.state
    for experiment, selection, sweep, bad in zip(
        experiments, selections, outcome.sweeps, outcome.outliers, strict=True
    ):
        predicted = outcome.problem.predict(state, sweep)
        good = np.isfinite(predicted.xyz).all(axis=1)
        rows, xyz = selection.rows[good], predicted.xyz[good]
        px = np.empty_like(xyz)
        for index, panel in enumerate(state.detectors[sweep.detector].panels):
            here = sweep.observed.panel[good] == index
            px[here, :2] = mm_to_px(panel, xyz[here, :2])
        px[:, 2] = experiment.scan.frame_at(xyz[:, 2])
        columns["xyz_cal_mm"][rows], columns["xyz_cal_px"][rows] = xyz, px
        columns["s1"][rows] = predicted.s1[good]
        entering[rows] = is_entering(experiment.goniometer, state.beams[sweep.beam], predicted.s1[good])
        flags[rows] |= np.uint64(Flag.PREDICTED)
        flags[selection.rows[bad]] |= np.uint64(Flag.CENTROID_OUTLIER)
        flags[selection.rows[good & (sweep.observed.weights[:, 0] > 0)]] |= np.uint64(Flag.USED_IN_REFINEMENT)
    return reflections.replace(**columns, entering=entering, flags=flags)
