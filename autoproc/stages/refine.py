"""Refinement of detector, beam and crystals against the positions of indexed spots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from autoproc.errors import RefinementFailed, TooFewToRefine
from autoproc.linear_algebra import single_threaded_blas
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.refinement.params import RefineParams
from autoproc.refinement.problem import ExperimentSpots, Free, RefinedModels, RefinementProblem
from autoproc.refinement.rounds import Outcome, Rmsd, position_deviations, refine_rounds, rmsd
from autoproc.refinement.setup import Selection, build, refined_experiments, select_indexed, thinned
from autoproc.refinement.solver import RefinementStep
from autoproc.refinement.spline_smoother import SplineSmoother
from autoproc.refinement.text import cell_text, rmsd_table, step_table
from autoproc.refinement.update import strain_covariances, updated_reflections
from autoproc.refinement.variation import choose_smoothers, without_gauge
from autoproc.wording import counted

__all__ = ["RefineParams", "RefineResult", "Rmsd", "Round", "format_refine", "refine"]

CRYSTALS_ALONE = 0.5
"""Of min_reflections_per_parameter: each spot has three observations, and a known detector divides the errors."""


@dataclass(frozen=True, slots=True, eq=False)
class Round:
    """One refinement: what was refined, against how many spots, and its steps.

    interval_widths : degrees, for each experiment; None where its crystal is static
    initial, rmsds : by experiment, over the spots used, before and after
    """

    interval_widths: tuple[float | None, ...]
    n_parameters: int
    n_outliers: int
    steps: tuple[RefinementStep, ...]
    initial: tuple[Rmsd, ...]
    rmsds: tuple[Rmsd, ...]


@dataclass(frozen=True, slots=True, eq=False)
class RefineResult:
    """What refinement found: rounds[0] is static, rounds[1], if there is one, varies over the scan."""

    experiments: list[Experiment]
    reflections: Reflections
    rounds: tuple[Round, ...]
    warnings: tuple[str, ...] = ()

    @property
    def initial(self) -> tuple[Rmsd, ...]:
        """RMSD by experiment before refinement."""
        return self.rounds[0].initial

    @property
    def rmsds(self) -> tuple[Rmsd, ...]:
        """RMSD by experiment after refinement."""
        return self.rounds[-1].rmsds

    @property
    def n_outliers(self) -> int:
        """Spots rejected in the last round."""
        return self.rounds[-1].n_outliers


@single_threaded_blas
def refine(experiments: Sequence[Experiment], reflections: Reflections, params: RefineParams) -> RefineResult:
    """Refine all experiments together against their indexed spots; static, then varying over the scan.

    Experiments that share a detector, beam or crystal (the same object) still share it afterwards, but for a
    crystal that varies over several scans, which becomes one crystal for each. Raises RefinementFailed.
    """
    stills = [n for n, e in enumerate(experiments) if e.scan.is_still]
    if stills:
        raise RefinementFailed(reason=f"experiments {stills} are stills, which have no rotation to refine against")
    selections = select_indexed(experiments, reflections, params.min_zeta)
    working = [thinned(s, e, params.reflections_per_degree) for e, s in zip(experiments, selections, strict=True)]
    constants = [SplineSmoother(e.scan.n_images, 0) for e in experiments]
    sweeps, state = build(experiments, working, constants)
    free, outcome, warnings = _refined_as_affordable(experiments, sweeps, state, params)
    rounds = [_round(experiments, outcome)]
    if params.scan_varying is not False and (free.orientation or free.cell):
        varied = _vary(experiments, working, outcome, free, params)
        if varied is not None:
            outcome = varied
            rounds.append(_round(experiments, outcome))
        elif params.scan_varying is True:
            warnings.append(
                "too few spots for variation over the scan: the crystal is kept static; more of them need a lower "
                "find_spots.n_sigma_strong, or index.max_lattices where the spots of another are left"
            )
    refined = refined_experiments(experiments, outcome.sweeps, outcome.minimum.state, strain_covariances(outcome))
    table = updated_reflections(reflections, experiments, selections, outcome, params)
    return RefineResult(refined, table, tuple(rounds), tuple(warnings))


def _vary(
    experiments: Sequence[Experiment], working: Sequence[Selection], static: Outcome, free: Free, params: RefineParams
) -> Outcome | None:
    """Refine with crystals that vary over the scan; None where the spots do not ask for it."""
    between = refined_experiments(experiments, static.sweeps, static.minimum.state)
    kept = [replace(w, observed=s.observed) for w, s in zip(working, static.sweeps, strict=True)]
    smoothers, start = choose_smoothers(between, kept, free, params)
    if not any(s.n_intervals for s in smoothers):
        return None
    sweeps, state = build(between, working, smoothers)
    return refine_rounds(between, sweeps, start or state, without_gauge(free), params)


def _free(params: RefineParams) -> Free:
    fix = set(params.fix)
    shift, tilt = "detector" not in fix, not fix & {"detector", "tilt"}
    return Free(
        (shift, shift, shift and "distance" not in fix, tilt, tilt, tilt),
        ("beam" not in fix, False),
        "orientation" not in fix,
        "cell" not in fix,
    )


def _refined_as_affordable(
    experiments: Sequence[Experiment], sweeps: tuple[ExperimentSpots, ...], state: RefinedModels, params: RefineParams
) -> tuple[Free, Outcome, list[str]]:
    """Refine as many parameters as there are spots for; fewer, with a warning that says so, where too few are left."""
    total = _n_usable(sweeps)
    refusal: RefinementFailed | None = None
    needed = 0.0
    for free, fixed in _ever_fewer(_free(params)):
        # crystals alone, which nothing else can stand for, are refined from half as many
        least = params.min_reflections_per_parameter * (1.0 if free.detector[0] else CRYSTALS_ALONE)
        needed = least * RefinementProblem(sweeps, state, free).n_parameters
        if total < needed:
            continue
        try:
            outcome = refine_rounds(experiments, sweeps, state, free, params)
        except RefinementFailed as error:
            refusal = refusal or error
        else:
            more = "a lower find_spots.n_sigma_strong finds more"
            said = [f"only {counted(total, 'spot')} to refine against: {fixed} kept fixed; {more}"] if fixed else []
            return free, outcome, said
    if refusal is not None:
        raise refusal
    raise TooFewToRefine(reason=f"{total} indexed spots are too few, at least {np.ceil(needed):.0f} are needed")


def _n_usable(sweeps: tuple[ExperimentSpots, ...]) -> int:
    counts = [int(np.count_nonzero(s.observed.weights[:, 0])) for s in sweeps]
    if not counts or min(counts) == 0:
        raise RefinementFailed(reason=f"no usable indexed spots in an experiment (spots by experiment: {counts})")
    return sum(counts)


def _ever_fewer(free: Free) -> list[tuple[Free, str]]:
    """What may be refined, the most first, and what of `free` is kept fixed, in words."""
    level = replace(free, detector=(*free.detector[:3], False, False, False))
    return [
        (free, ""),
        (level, "the detector's tilt is"),
        (replace(level, beam=(False, False)), "the detector's tilt and the beam are"),
        (replace(free, detector=(False,) * 6, beam=(False, False)), "detector and beam are"),
    ]


def _round(experiments: Sequence[Experiment], outcome: Outcome) -> Round:
    state = outcome.minimum.state
    smoothers = [state.crystals[s.crystal].smoother for s in outcome.sweeps]
    return Round(
        tuple(_interval_width(e, s) for e, s in zip(experiments, smoothers, strict=True)),
        outcome.problem.n_parameters,
        sum(int(np.count_nonzero(o)) for o in outcome.outliers),
        outcome.steps,
        outcome.initial,
        tuple(rmsd(e, s, position_deviations(s, state)) for e, s in zip(experiments, outcome.sweeps, strict=True)),
    )


def _interval_width(experiment: Experiment, smoother: SplineSmoother) -> float | None:
    scan = experiment.scan
    return abs(scan.oscillation[1]) * scan.n_images / smoother.n_intervals if smoother.n_intervals else None


def format_refine(result: RefineResult) -> str:
    """The steps of each refinement, RMSDs before and after, and the refined cells, as text."""
    parts = []
    for round_ in result.rounds:
        widths = sorted({w for w in round_.interval_widths if w is not None})
        kind = "Static refinement"
        if widths:
            kind = "Scan-varying refinement, intervals of " + ", ".join(f"{w:.1f}" for w in widths) + " degrees"
        used = sum(r.n for r in round_.rmsds)
        parts.append(f"{kind}: {round_.n_parameters} parameters, {used} reflections, {round_.n_outliers} outliers\n")
        parts.append("Refinement steps:\n" + step_table(round_.steps) + "\n")
    parts.append("RMSDs by experiment, before:\n" + rmsd_table(result.initial) + "\n")
    parts.append("RMSDs by experiment:\n" + rmsd_table(result.rmsds) + "\n")
    parts += [f"Experiment {n}: {cell_text(e.crystal)}" for n, e in enumerate(result.experiments) if e.crystal]
    parts += [f"Warning: {warning}" for warning in result.warnings]
    return "\n".join(parts) + "\n"
