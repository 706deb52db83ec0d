"""The plan of a sweep: the stages in order, and at each the attempts that its results call for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from autoproc.config import Config, change_table
from autoproc.decisions.absorption import ABSORPTION, LEVELS
from autoproc.decisions.damage import CUTS, DAMAGE, TailReport, in_short
from autoproc.decisions.indexing import FIND_AXIS, INDEXING
from autoproc.decisions.ladder import PLAIN, Ladder, Step
from autoproc.decisions.lattices import LatticesReport, existence, kept_lattices, lattices_ladder, reality
from autoproc.decisions.resolution import resolution_cut
from autoproc.decisions.symmetry import SYMMETRY, kept_symmetry
from autoproc.engine.aside import Aside
from autoproc.engine.climb import Budget, climb
from autoproc.engine.reporting import (
    absorption_report,
    indexing_report,
    lattices_report,
    resolution_report,
    symmetry_report,
)
from autoproc.engine.rescue import with_another_way
from autoproc.engine.tails import scaled_sweep
from autoproc.errors import ProcessingError
from autoproc.formats.images.damaged_frames import ForgivingReader
from autoproc.linear_algebra import single_threaded_blas
from autoproc.scaling.held_out import HeldOut, held_out_agreement, held_out_test
from autoproc.stages.pipeline import (
    LookedAt,
    Processing,
    StageObserver,
    cut_of,
    find,
    find_anisotropy,
    find_lattices,
    find_symmetry,
    finish,
    index_spots,
    look_for_anisotropy,
    measure,
    process,
    refine_models,
    scale_all,
    with_d_min,
)
from autoproc.threads import side_by_side


class NotWorthwhile(ProcessingError):
    """An attempt that was given up half way, because nothing good can come of it."""

    what = "{reason}"


@dataclass(slots=True)
class Branch:
    """One attempt at a sweep: what is known of it, the configuration that gave it, and its files held aside.

    report : of the best attempt, where this is the end of a ladder
    """

    processing: Processing
    config: Config
    observer: Aside | StageObserver
    report: Any = None


def process_sensibly(processing: Processing, config: Config, observer: StageObserver) -> None:
    """Take a sweep from images to merged intensities, trying again where it is worth it.

    Fills `processing` with the best result, and its decisions with what was tried and why. Raises AutoprocError;
    what was achieved before stays in `processing`.
    """
    if not config.decisions.enabled:
        process(processing, config, observer)
        return
    budget = Budget(config.decisions.max_attempts, 60 * config.decisions.max_minutes)
    reader = find(processing, config, observer)
    config = _index(processing, config, observer, budget)
    begun = len(processing.decisions)
    _measure_and_reduce(processing, reader, config, observer, budget)
    if config.decisions.lattices and config.index.max_lattices is None:
        report = _more_lattices(processing, reader, config, observer, budget, begun)
    else:
        report = lattices_report(processing)
    processing.decisions += kept_lattices(report, config.index.max_lattices, config.decisions.most_lattices)


def changed(config: Config, changes: Mapping[str, Any]) -> Config:
    """The configuration with TABLE.KEY: value applied."""
    for key, value in changes.items():
        table, _, field = key.partition(".")
        config = change_table(config, table, {field: value})
    return config


def climb_branches(
    ladder: Ladder[Any],
    begin: Branch,
    attempt: Callable[[Branch, Step], None],
    report: Callable[[Processing], Any],
    budget: Budget,
    begun: int | None = None,
) -> Branch:
    """Climb a ladder of attempts at a sweep; `begin` becomes the best of them, with its files, and is returned.

    attempt : takes a branch through its step
    """
    processing, observer = begin.processing, begin.observer

    def take(step: Step) -> Branch:
        branch = Branch(processing.branch(), changed(begin.config, step.changes), Aside(observer, step.what))
        if step is PLAIN:
            branch.observer = observer
        try:
            attempt(branch, step)
        except Exception:
            if step is PLAIN:
                processing.adopt(branch.processing)
            raise
        return branch

    climbed = climb(
        ladder, take, lambda branch: report(branch.processing), budget, processing.decisions, begun, observer.stage
    )
    best = climbed.result
    if isinstance(best.observer, Aside):
        best.observer.release()
    processing.adopt(best.processing)
    return Branch(processing, best.config, observer, climbed.history.champion)


def _index(processing: Processing, config: Config, observer: StageObserver, budget: Budget) -> Config:
    """Lattices and refined models; another way where the usual one fails. Returns the configuration that worked."""

    def attempt(branch: Branch, step: Step) -> None:
        branch.config = with_another_way(branch.processing, branch.config, step.action)
        find_lattices(branch.processing, branch.config, branch.observer)
        found = indexing_report(branch.processing)
        if step.action == FIND_AXIS and found.is_poor:
            raise NotWorthwhile(reason=f"no lattice with that axis either: {found.figures}")

    begin = Branch(processing, config, observer)
    if not config.decisions.indexing:
        find_lattices(processing, config, observer)
        return config
    return climb_branches(INDEXING, begin, attempt, indexing_report, budget).config


def _measure_and_reduce(
    processing: Processing, reader: ForgivingReader, config: Config, observer: StageObserver, budget: Budget
) -> None:
    measure(processing, reader, config, observer)
    first = with_usual_absorption(config)
    chosen = _symmetry(processing, first, observer, budget)
    config = config.model_copy(update={"symmetry": chosen.symmetry})
    config, ahead = _looked_at(processing, config, observer, budget)
    cut_and_finish(processing, config, observer, ahead)


@single_threaded_blas
def _looked_at(
    processing: Processing, config: Config, observer: StageObserver, budget: Budget
) -> tuple[Config, LookedAt]:
    """What the first scaling tells, side by side: how to scale for good, and the limits in every direction."""

    def decided() -> Config:
        chosen = choose_absorption(processing, config, observer, budget)
        return _without_damaged_end(processing, chosen, observer, budget)

    decision, limits = side_by_side(decided, lambda: look_for_anisotropy(processing, config))
    return decision, limits


def with_usual_absorption(config: Config) -> Config:
    """The configuration for a first scaling, which serves any level, and is the last one where that level stays."""
    auto = config.scale.absorption_level == "auto"
    return changed(config, {"scale.absorption_level": "medium"}) if auto else config


def _symmetry(processing: Processing, config: Config, observer: StageObserver, budget: Budget) -> Config:
    """Symmetry and a first scaling; lower symmetry where the intensities deny it."""

    def attempt(branch: Branch, step: Step) -> None:
        find_symmetry(branch.processing, branch.config, branch.observer)
        scale_all(branch.processing, branch.config, branch.observer)

    begin = Branch(processing, config, observer)
    if not config.decisions.symmetry or _is_symmetry_given(config):
        attempt(begin, PLAIN)
        return config
    end = climb_branches(SYMMETRY, begin, attempt, symmetry_report, budget)
    processing.decisions += kept_symmetry(end.report)
    return end.config


def _is_symmetry_given(config: Config) -> bool:
    return bool(config.symmetry.space_group or config.symmetry.laue_group or config.index.space_group)


def choose_absorption(processing: Processing, config: Config, observer: StageObserver, budget: Budget) -> Config:
    """The strength of absorption correction that reflections held out of scaling ask for."""
    if not config.decisions.absorption or config.scale.absorption_level != "auto":
        return config
    scaled = processing.scaled
    assert scaled is not None
    if scaled.uncorrected:  # no level is asked of so few repeats
        return config
    with processing.timed("scale"):
        shared = held_out_test(scaled, cut_of(processing, config))

    def attempt(step: Step) -> tuple[str, HeldOut]:
        level = step.changes.get("scale.absorption_level", LEVELS[0])
        with processing.timed("scale"):
            return level, held_out_agreement(shared, level)

    climbed = climb(
        ABSORPTION, attempt, lambda tried: absorption_report(*tried), budget.apart(len(LEVELS)), processing.decisions,
        log=observer.stage,
    )  # fmt: skip
    return changed(config, {"scale.absorption_level": climbed.result[0]})


def _without_damaged_end(processing: Processing, config: Config, observer: StageObserver, budget: Budget) -> Config:
    """Scaled again without the last images, where the data gain by it."""
    if not config.decisions.damage or config.scale.keep_first < 1:
        return config
    scaled, most_lost = processing.scaled, config.decisions.max_completeness_loss
    assert scaled is not None
    with processing.timed("scale"):
        sweep = scaled_sweep(scaled, cut_of(processing, config))

    def attempt(step: Step) -> TailReport:
        with processing.timed("scale"):
            return sweep.report(step.changes.get("scale.keep_first", 1.0), most_lost)

    budget, begun = budget.apart(len(CUTS)), len(processing.decisions)
    climbed = climb(DAMAGE, attempt, lambda tried: tried, budget, processing.decisions, log=observer.stage)
    processing.decisions[begun:] = in_short(processing.decisions[begun:])
    if climbed.result.kept == 1.0:
        return config
    config = changed(config, {"scale.keep_first": climbed.result.kept})
    scale_all(processing, config, observer)
    return config


def cut_and_finish(
    processing: Processing, config: Config, observer: StageObserver, ahead: LookedAt | None = None
) -> None:
    """Cut the data where they end, scale them for good, and merge; ahead : see find_anisotropy."""
    scaled = processing.scaled
    assert scaled is not None
    find_anisotropy(processing, config, observer, ahead)
    if processing.uncut is not None and config.scale != scaled.start.params:
        scale_all(processing, config, observer)
        scaled = processing.uncut = processing.scaled
        assert scaled is not None
    cut = cut_of(processing, config)
    processing.decisions.append(
        resolution_cut(resolution_report(processing), config.run.resolution_cutoff, config.scale.d_min)
    )
    final = config if cut is None else with_d_min(config, cut)
    if final.scale != scaled.start.params:
        scale_all(processing, final, observer)
    finish(processing, final, observer)


def _more_lattices(
    processing: Processing, reader: ForgivingReader, config: Config, observer: StageObserver, budget: Budget, begun: int
) -> LatticesReport:
    """Further lattices among the spots left over, kept where they are real and do the first no harm.

    begun : where the decisions about the data of the lattices so far begin in the journal
    Returns the report of the result.
    """
    ladder = lattices_ladder(config.decisions.most_lattices)
    best_so_far = lattices_report(processing)

    def attempt(branch: Branch, step: Step) -> None:
        nonlocal best_so_far
        if step is PLAIN:
            return
        taken = branch.processing
        taken.refined = taken.scaled = None
        index_spots(taken, branch.config, branch.observer)
        _refuse(existence(best_so_far, lattices_report(taken)))
        refine_models(taken, branch.config, branch.observer)
        _refuse(reality(best_so_far, lattices_report(taken)))
        _measure_and_reduce(taken, reader, branch.config, branch.observer, budget)
        best_so_far = lattices_report(taken)

    found: LatticesReport = climb_branches(
        ladder, Branch(processing, config, observer), attempt, lattices_report, budget, begun
    ).report
    return found


def _refuse(doubt: str) -> None:
    """Give an attempt up as soon as something speaks against it."""
    if doubt:
        raise NotWorthwhile(reason=doubt)
