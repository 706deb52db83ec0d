"""Several data sets of one sample: one setting, scaled together, those that harm the rest taken out in rounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from autoproc.config import Config
from autoproc.decisions.data_sets import DATA_SETS, DataSetEffect, DataSetsReport
from autoproc.decisions.ladder import PLAIN, Step
from autoproc.engine.climb import Budget
from autoproc.engine.plan import Branch, choose_absorption, climb_branches, cut_and_finish, with_usual_absorption
from autoproc.errors import AutoprocError
from autoproc.formats.observed.reference_data import read_reference
from autoproc.geometry.shells import shells_of_equal_number
from autoproc.merging.delta_cc_half import cc_half_by_block, part_effects
from autoproc.merging.free_r import free_r_flags
from autoproc.merging.merging_statistics import (
    ScaledObservations,
    merging_statistics,
    scaled_observations,
    statistics_of,
)
from autoproc.models.data_set_names import data_set_names, sweep_part
from autoproc.models.data_sets import DataSetRow
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.models.wavelengths import OneWavelength, alike, by_wavelength, in_name
from autoproc.stages.combine import CombineResult, NothingAgrees, combine, format_combine, selected
from autoproc.stages.conclude import merged_with_flags
from autoproc.stages.merge import format_merge
from autoproc.stages.pipeline import Processing, StageObserver, scale_all, symmetry_params

FEWEST = 2
"""Data sets that are put together; one alone has its own results already."""
HELD_OUT = 5
"""One unique reflection in so many has no say in what is left out, and judges it."""
N_BLOCKS = 10
"""Blocks of held-out reflections, whose scatter says how much of a gain is chance."""
PER_SHELL = 300
"""Unique reflections of a resolution shell within which CC1/2 is taken."""
MOST_SHELLS = 10
SEED = 1
"""Of the draw of held-out reflections; that of the free-R flags is another."""


def combine_sensibly(
    processing: Processing,
    names: Sequence[str],
    data_sets: tuple[Sequence[Experiment], Reflections],
    config: Config,
    observer: StageObserver,
) -> None:
    """Take data sets, one an experiment, from integrated to merged intensities.

    Fills `processing` from its symmetry on, and its data sets with what became of each. Raises AutoprocError.
    """
    with processing.timed("combine"), observer.busy("combine"):
        combined = _combined(processing, data_sets, config)
    observer.stage("combine", format_combine(combined))
    observer.keep("combined", combined.experiments, combined.reflections)
    processing.symmetry = combined.symmetry
    processing.data_sets = _as_found(names, data_sets[0], combined)
    processing.warn("combination", *(w for w in combined.warnings if w not in combined.symmetry.warnings))
    kept = [facts.number for facts in combined.data_sets if facts.is_kept]
    if len(kept) < FEWEST:
        why = next(facts.why_aside for facts in combined.data_sets if not facts.is_kept)
        raise NothingAgrees(n=len(names), reason=f"one is set aside, for {why}")
    scale_and_merge(processing, kept, config, observer)


def scale_and_merge(processing: Processing, kept: Sequence[int], config: Config, observer: StageObserver) -> None:
    """Take data sets from their common symmetry to merged intensities, without those that harm the rest.

    kept : numbers of the data sets, of all in processing.data_sets, that are the experiments of processing.symmetry
    """
    budget = Budget(config.decisions.max_attempts, 60 * config.decisions.max_minutes)
    names = [processing.data_sets[n].name for n in kept]
    stay = _rounds(processing, names, with_usual_absorption(config), observer, budget)
    config = choose_absorption(processing, config, observer, budget)
    cut_and_finish(processing, config, observer)
    _name_crystals(processing, [names[n] for n in stay])
    merge_by_wavelength(processing, [names[n] for n in stay], config, observer)
    _tell_what_each_added(processing, kept, [kept[n] for n in stay])


def _name_crystals(processing: Processing, names: Sequence[str]) -> None:
    """Sweeps are called in the analysis of damage as they are in the group, not after their images."""
    if processing.damage is not None and processing.scaled is not None:
        by_images = map(sweep_part, data_set_names(processing.scaled.experiments))
        processing.damage = processing.damage.renamed(dict(zip(by_images, map(sweep_part, names), strict=True)))


def _combined(
    processing: Processing, data_sets: tuple[Sequence[Experiment], Reflections], config: Config
) -> CombineResult:
    """In one setting, that of the reference where there is one and it is of this crystal form; a warning where not."""
    params = config.combine, symmetry_params(config)
    if config.combine.reference is not None:
        try:
            return combine(*data_sets, *params, read_reference(Path(config.combine.reference)))
        except AutoprocError as error:
            processing.warn("reference", f"the setting is not that of the reference: {error.message}; {error.advice}")
    return combine(*data_sets, *params)


def merge_by_wavelength(processing: Processing, names: Sequence[str], config: Config, observer: StageObserver) -> None:
    """Data of several wavelengths, scaled together, are merged apart; of these `merged` is what has most.

    names : of the data sets in the result, one an experiment
    """
    scaled = processing.scaled
    assert scaled is not None
    parts = by_wavelength(scaled.experiments, scaled.reflections)
    if len(parts) < 2:
        return
    own_names = {id(experiment): name for experiment, name in zip(scaled.experiments, names, strict=True)}
    found = []
    with processing.timed("merge"):
        for wavelength, known, part in parts:
            merged, doubts = merged_with_flags(known, part, config)
            processing.warn("merging", *doubts)
            statistics = merging_statistics(known, part, n_shells=config.scale.n_bins)
            found.append(OneWavelength(wavelength, tuple(own_names[id(e)] for e in known), merged, statistics))
    processing.by_wavelength = tuple(found)
    processing.merged = max(found, key=lambda one: one.statistics.overall.n_observations).merged
    processing.merged_inside = None
    for one in found:
        observer.stage(f"merge {in_name(one.wavelength)} by itself", format_merge(one.merged))


def _as_found(
    names: Sequence[str], experiments: Sequence[Experiment], combined: CombineResult
) -> tuple[DataSetRow, ...]:
    """The data sets as they are known before they are scaled."""
    rows = []
    for name, experiment, facts in zip(names, experiments, combined.data_sets, strict=True):
        scan, crystal, cc = experiment.scan, experiment.crystal, None
        if facts.placed is not None and np.isfinite(facts.placed.cc):
            cc = float(facts.placed.cc)
        rows.append(
            DataSetRow(
                name, scan.n_images, abs(scan.oscillation[1]) * scan.n_images, experiment.beam.wavelength,
                None if crystal is None else tuple(map(float, crystal.cell)), facts.why_aside, cc,
            )
        )  # fmt: skip
    return tuple(rows)


def _tell_what_each_added(processing: Processing, combined: Sequence[int], stay: Sequence[int]) -> None:
    """Complete the rows of the data sets: stay are those in the result, of the combined ones."""
    scaled = processing.scaled
    assert scaled is not None
    usable = scaled_observations(scaled.experiments, scaled.reflections)
    own = scaled.reflections["experiment_id"][usable.rows]
    report = data_sets_report(processing, [processing.data_sets[n].name for n in stay])
    rows = list(processing.data_sets)
    for n in set(combined) - set(stay):
        rows[n] = replace(rows[n], why_aside="the others agree better without it")
    reached = [one.statistics for one in processing.by_wavelength] or [scaled.statistics]
    for members, statistics in zip(_merged_together(processing), reached, strict=True):
        observed, alone, so_far = _shares(usable, own, members)
        for place, member in enumerate(members):
            rows[stay[member]] = replace(
                rows[stay[member]], delta_cc_half=report.effects[member].delta_cc_half,
                n_observations=int(observed[place]), n_alone=int(alone[place]),
                completeness=float(so_far[place] * statistics.overall.completeness),
            )  # fmt: skip
    processing.data_sets = tuple(rows)


def _merged_together(processing: Processing) -> list[list[int]]:
    """Numbers of the data sets in the result that are merged into one file: all, or those of each wavelength."""
    assert processing.scaled is not None
    return alike([e.beam.wavelength for e in processing.scaled.experiments])


def _shares(
    usable: ScaledObservations, own: np.ndarray, members: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Observations, reflections that no other member has, and the part of all that there are with those before.

    own : (N,) data set of each observation; members : those that are merged together. Each returned is (M,).
    """
    n = len(members)
    place = np.full(int(own.max(initial=0)) + 1, -1)
    place[list(members)] = np.arange(n)
    here = place[own] >= 0
    group, member = usable.groups.group[here], place[own[here]]
    first = np.full(len(usable.groups), n)
    np.minimum.at(first, group, member)
    pairs = np.unique(group * n + member)
    n_sets = np.bincount(pairs // n, minlength=len(usable.groups))
    alone = np.bincount(pairs[n_sets[pairs // n] == 1] % n, minlength=n)
    new = np.bincount(first, minlength=n)[:n]
    return np.bincount(member, minlength=n), alone, np.cumsum(new) / max(1, new.sum())


def _rounds(
    processing: Processing, names: Sequence[str], config: Config, observer: StageObserver, budget: Budget
) -> list[int]:
    """Scale, and leave data sets out while the others gain; returns the numbers of those that stay."""
    symmetry = processing.symmetry
    assert symmetry is not None
    everyone = list(range(len(names)))

    def staying(step: Step) -> list[int]:
        out = set(step.action.splitlines())
        return [n for n in everyone if names[n] not in out]

    def attempt(branch: Branch, step: Step) -> None:
        if step is not PLAIN:
            experiments, reflections = selected(symmetry.experiments, symmetry.reflections, staying(step))
            branch.processing.symmetry = replace(symmetry, experiments=experiments, reflections=reflections)
            branch.processing.scaled = None
        scale_all(branch.processing, branch.config, branch.observer)

    def report(p: Processing) -> DataSetsReport:
        assert p.symmetry is not None
        there = {id(e) for e in p.symmetry.experiments}
        here = [n for n in everyone if id(symmetry.experiments[n]) in there]
        return data_sets_report(p, [names[n] for n in here])

    if not config.decisions.enabled or len(names) < 3:
        scale_all(processing, config, observer)
        return everyone
    end = climb_branches(DATA_SETS, Branch(processing, config, observer), attempt, report, budget)
    kept_names = {effect.name for effect in end.report.effects}
    return [n for n in everyone if names[n] in kept_names]


def data_sets_report(processing: Processing, names: Sequence[str]) -> DataSetsReport:
    """Of data sets scaled together, one an experiment; names : of each. Beyond where the data end nothing counts."""
    scaled = processing.scaled
    assert scaled is not None
    d_min = None if processing.resolution is None else processing.resolution.d_min
    usable = scaled_observations(scaled.experiments, scaled.reflections, d_min)
    groups = usable.groups
    in_shells = np.zeros(len(groups), int)
    for number, rows in enumerate(shells_of_equal_number(usable.d**-2, PER_SHELL, MOST_SHELLS)):
        in_shells[rows] = number
    is_held_out = free_r_flags(groups.hkl, usable.space_group, HELD_OUT, SEED) == 0
    variance, part = usable.sigma**2, scaled.reflections["experiment_id"][usable.rows]
    effects = part_effects(groups, usable.intensity, variance, part, np.where(is_held_out, -1, in_shells))
    block = np.where(is_held_out, free_r_flags(groups.hkl, usable.space_group, N_BLOCKS, SEED + 1), -1)
    held_out = cc_half_by_block(groups, usable.intensity, variance, block, in_shells)
    return DataSetsReport(
        tuple(
            DataSetEffect(name, float(delta) if np.isfinite(delta) else None, int(n))
            for name, delta, n in zip(names, effects.delta, effects.n_shared, strict=False)
        ),
        tuple(map(float, held_out)),
        statistics_of(usable, n_shells=1).overall.completeness,
    )
