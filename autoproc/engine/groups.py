"""Sweeps of one sample put together: indexed together where they have few spots, otherwise by their intensities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from autoproc.config import Config
from autoproc.decisions.joint import SweepSpots, why_all_together, why_together
from autoproc.decisions.ladder import Decision
from autoproc.engine.aside import Aside
from autoproc.engine.combination import combine_sensibly
from autoproc.engine.joint import NotOneCrystal, SweepFound, process_together
from autoproc.errors import AutoprocError, ProcessingError
from autoproc.models.data_set_names import lattice_name
from autoproc.models.data_sets import DataSetRow
from autoproc.models.experiment import Experiment
from autoproc.models.numbering import joined
from autoproc.models.reflections import Reflections
from autoproc.stages.pipeline import Processing, StageObserver

FEWEST = 2
NOT_COMBINED = "nothing of the group could be put together"


class TooFewSweeps(ProcessingError):
    """A group of which fewer than two sweeps have results."""

    what = "{n} of the sweeps of {group} have results that could be put together{why}"
    hint = "it is tried again by itself when another of its sweeps is processed"


@dataclass(frozen=True, slots=True)
class GroupSweep:
    """A sweep of a group, as its own processing has left it.

    failure : why it has no intensities, in words; empty where it has
    integrated : its experiments, one a lattice, and their reflections; n_spots : on its images, 0 if that is not known
    found : reads the spots, if there are any
    """

    name: str
    failure: str
    integrated: tuple[list[Experiment], Reflections] | None
    n_spots: int
    found: Callable[[], SweepFound]


def put_together(
    processing: Processing, group: str, sweeps: Sequence[GroupSweep], config: Config, observer: StageObserver
) -> None:
    """Take the sweeps of a group to merged intensities.

    Sweeps with too few spots to be processed alone are indexed with the others; the intensities of all others are
    combined, and where these have too little in common and few spots as well, they are indexed together after all.
    Fills `processing` from its symmetry on, and its data sets with all sweeps. Raises AutoprocError.
    """
    try:
        _put_together(processing, group, sweeps, config, observer)
    except Exception:  # whatever it was: the sweeps are told of, and not the first of them in place of all
        processing.data_sets = processing.data_sets or tuple(_set_aside(sweep, NOT_COMBINED) for sweep in sweeps)
        raise
    names = {row.sweep for row in processing.data_sets}
    processing.data_sets += tuple(_left_out(sweep) for sweep in sweeps if sweep.name not in names)


def _left_out(sweep: GroupSweep) -> DataSetRow:
    """A sweep that nothing could be made of, as one that is set aside."""
    why = f"it has no intensities of its own: {sweep.failure}" if sweep.failure else "it has no spots"
    return _set_aside(sweep, why)


def _set_aside(sweep: GroupSweep, why: str) -> DataSetRow:
    """A sweep as its own processing has left it; without images where that cannot be read."""
    one = None
    with suppress(OSError, AutoprocError):
        one = sweep.integrated[0][0] if sweep.integrated else sweep.found().experiment if sweep.n_spots else None
    if one is None:
        return DataSetRow(sweep.name, 0, 0.0, 0.0, None, why)
    cell = None if one.crystal is None else tuple(map(float, one.crystal.cell))
    rotation = abs(one.scan.oscillation[1]) * one.scan.n_images
    return DataSetRow(sweep.name, one.scan.n_images, rotation, one.beam.wavelength, cell, why)


def _put_together(
    processing: Processing, group: str, sweeps: Sequence[GroupSweep], config: Config, observer: StageObserver
) -> None:
    """The same; sweeps of which there is nothing to put together are not told."""
    processing.current = "index"
    spots = [SweepSpots(sweep.name, sweep.failure, sweep.n_spots) for sweep in sweeps]
    is_allowed = config.decisions.enabled and config.decisions.joint
    reason = why_together(spots) if is_allowed else ""
    refused = _try_together(processing, sweeps, reason, config, observer) if reason else None
    if reason and refused is None:
        return
    try:
        _combine(processing, group, sweeps, config, observer)
    except ProcessingError as error:
        if refused is not None:
            raise _not_one(sweeps, refused) from error
        reason = why_all_together(spots, error.message) if is_allowed else ""
        if not reason or _try_together(processing, sweeps, reason, config, observer) is not None:
            raise


def _try_together(
    processing: Processing, sweeps: Sequence[GroupSweep], because: str, config: Config, observer: StageObserver
) -> ProcessingError | None:
    """Index the sweeps together, and keep the result; why it cannot be kept, None where it is."""
    with_spots = [sweep for sweep in sweeps if sweep.n_spots]
    what = f"index the spots of {len(with_spots)} sweeps together"
    branch, aside = processing.branch(), Aside(observer, what)
    try:
        indexed = process_together(branch, [sweep.found() for sweep in with_spots], config, aside)
    except ProcessingError as error:
        processing.current = branch.current
        processing.decisions.append(Decision("index", what, f"{because}; {error.message}", False))
        return error
    aside.release()
    processing.adopt(branch)
    rows = processing.data_sets
    n = sum(not row.why_aside for row in rows)
    share = f"{indexed.fraction_indexed:.0%} of their spots"
    told = f"{because}; {n} of {len(rows)} are of one crystal by the goniometer's angles, with {share}"
    processing.decisions.append(Decision("index", what, told, True))
    return None


def _not_one(sweeps: Sequence[GroupSweep], refused: ProcessingError) -> NotOneCrystal:
    """That the sweeps could not be indexed together, whatever it was that failed."""
    if isinstance(refused, NotOneCrystal):
        return refused
    return NotOneCrystal(n=sum(sweep.n_spots > 0 for sweep in sweeps), reason=refused.message)


def _combine(
    processing: Processing, group: str, sweeps: Sequence[GroupSweep], config: Config, observer: StageObserver
) -> None:
    """Put those together that have intensities of their own. Raises TooFewSweeps, and what combining raises."""
    names: list[str] = []
    experiments: list[Experiment] = []
    tables: list[Reflections] = []
    numbers: list[int] = []
    for sweep in sweeps:
        if sweep.integrated is not None:
            found, table = sweep.integrated
            names += [lattice_name(sweep.name, n + 1) if len(found) > 1 else sweep.name for n in range(len(found))]
            experiments += found
            tables.append(table)
            numbers.append(len(found))
    if len(numbers) < FEWEST:
        why = "".join(f"; {sweep.name}: {sweep.failure}" for sweep in sweeps if sweep.failure)
        raise TooFewSweeps(n=len(numbers), group=group, why=why)
    combine_sensibly(processing, names, (experiments, joined(tables, numbers)), config, observer)
