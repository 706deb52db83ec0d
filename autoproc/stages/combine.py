"""Bring data sets of several crystals into one setting; those that do not belong are set aside.

Brehm & Diederichs (2014), Acta D70, 101; Gildea & Winter (2018), Acta D74, 405.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from autoproc.combining.against_reference import ReferenceFit, fit_to_reference
from autoproc.combining.cells import CellClusters, cluster_cells, ratios_of_cells
from autoproc.combining.comparable import Comparable, compare_settings, make_comparable, numbered_anew
from autoproc.combining.doubts import NothingAgrees, why_none_agrees, why_not
from autoproc.combining.given_twice import given_before
from autoproc.combining.params import CombineParams
from autoproc.combining.placing import Placed
from autoproc.combining.report import cell_tree, settings_text
from autoproc.combining.wrong_header import placed_by_intensities, words_of_ratio
from autoproc.errors import NoCrystal
from autoproc.formats.observed.reference_data import ReferenceData
from autoproc.linear_algebra import single_threaded_blas
from autoproc.models.data_set_names import data_set_names
from autoproc.models.experiment import Experiment
from autoproc.models.numbering import renumbered
from autoproc.models.reflections import Reflections
from autoproc.stages.determine_symmetry import SymmetryResult, determine_symmetry, format_symmetry
from autoproc.symmetry.doubts import MIN_CONFIDENCE
from autoproc.symmetry.params import SymmetryParams
from autoproc.symmetry.reindex import format_basis, reindex_experiment, reindex_reflections
from autoproc.text_tables import ruled_table

NEARLY_ALIKE = 0.7
"""CC in the next best setting, as part of that in the best, above which the settings of many data sets are nearly
equivalent: so it is of crystals twinned by 30% and more (2 a (1 - a) / (a^2 + (1 - a)^2)). Below, they are weak."""


@dataclass(frozen=True, slots=True, eq=False)
class DataSetFacts:
    """What became of one data set.

    number : as given, from 0; name : after its images; identifier : of its experiment
    cell : reduced, None without a crystal; n_reflections : as given
    cell_difference : mean distance to the lattices of the form that was kept
    why_aside : why it was set aside, in words; empty where it was kept
    change_of_basis : (3, 3) from its own basis to that of the result, None where it was set aside
    placed : how it agrees with the others; None where that was not looked at
    """

    number: int
    name: str
    identifier: str
    cell: tuple[float, ...] | None
    n_reflections: int
    cell_difference: float
    why_aside: str
    change_of_basis: np.ndarray | None
    placed: Placed | None

    @property
    def is_kept(self) -> bool:
        """In the result."""
        return not self.why_aside


@dataclass(frozen=True, slots=True, eq=False)
class CombineResult:
    """Data sets in one setting, ready to be scaled together.

    experiments, reflections : of those kept, in the order given; data_sets : of all
    symmetry : as found from those kept; cells : clusters of those that have a crystal, `clustered` their numbers
    comparable : their intensities, and the correlations of all pairs; warnings : in plain words
    fit : how they agree with the reference, if there was one
    """

    experiments: list[Experiment]
    reflections: Reflections
    data_sets: tuple[DataSetFacts, ...]
    symmetry: SymmetryResult
    cells: CellClusters
    clustered: tuple[int, ...]
    comparable: Comparable
    warnings: tuple[str, ...]
    fit: ReferenceFit | None = None

    @property
    def n_kept(self) -> int:
        """Data sets in the result."""
        return len(self.experiments)


@single_threaded_blas
def combine(
    experiments: Sequence[Experiment],
    reflections: Reflections,
    params: CombineParams,
    symmetry: SymmetryParams,
    reference: ReferenceData | None = None,
) -> CombineResult:
    """One consistent setting for all experiments whose cells and intensities agree, each being a data set.

    reflections : integrated or scaled. The order of the data sets does not matter, but for the order of the result.
    reference : whose setting and space group to take; params.reference is not read here
    Raises NoCrystal, NoReflections, NothingAgrees, ImpossibleSpaceGroup, ReferenceDoesNotFit.
    """
    if reference is not None:
        symmetry = with_known_group(symmetry, reference)
    same = given_before(reflections)
    names = data_set_names(experiments)
    aside = {n: f"it holds the same observations as {names[first]}" for n, first in same.items()}
    clusters, clustered = _clusters(experiments, reflections, params, aside)
    form = [n for n in clustered if n not in aside]
    sizes = _of_wrong_headers(experiments, reflections, (clusters, clustered), aside, symmetry)
    comparable = compare_settings(make_comparable(*selected(experiments, reflections, form), symmetry))
    measured = set(map(int, np.unique(comparable.observations.experiment)))
    aside |= {form[n]: "none of its intensities is usable" for n in range(len(form)) if n not in measured}
    comparable, warnings = _without_others(experiments, reflections, form, comparable, (params, symmetry), aside)
    kept = [n for n in form if n not in aside]
    if not kept:
        raise NothingAgrees(n=len(experiments), reason=next(iter(aside.values())))
    found = determine_symmetry(
        *selected(experiments, reflections, kept), symmetry, numbered_anew(comparable, [form.index(n) for n in kept])
    )
    fit = None
    if reference is not None:
        found, fit = _as_in_reference(found, reference)
    placed = {form[p.experiment]: p for p in (comparable.settings.placed if comparable.settings else ())}
    changes = {n: found.change_of_basis[k] for k, n in enumerate(kept)}
    facts = _facts(experiments, reflections, (clusters, clustered), aside, changes, placed)
    return CombineResult(
        list(found.experiments), found.reflections, facts, found, clusters, tuple(clustered), comparable,
        (*_sizes_of_kept(sizes, kept, names), *warnings, *found.warnings),
        fit,
    )  # fmt: skip


def _sizes_of_kept(sizes: dict[int, str], kept: Sequence[int], names: Sequence[str]) -> tuple[str, ...]:
    """Warnings of those in the result whose cell is not quite that of the others."""
    return tuple(f"the cell of {names[n]} is not quite that of the others: {sizes[n]}" for n in kept if n in sizes)


def with_known_group(symmetry: SymmetryParams, reference: ReferenceData) -> SymmetryParams:
    """The parameters with the space group and the axes of a reference, unless a space group is given."""
    if symmetry.space_group is not None:
        return symmetry
    known = {"space_group": reference.space_group.xhm(), "unit_cell": reference.cell.parameters}
    return symmetry.model_copy(update=known)


def symmetry_as_in(
    reference: ReferenceData, experiments: Sequence[Experiment], reflections: Reflections, symmetry: SymmetryParams
) -> tuple[SymmetryResult, ReferenceFit]:
    """One data set in the space group and the setting of a reference, and how it fits.

    Raises ImpossibleSpaceGroup or ReferenceDoesNotFit for a reference of another crystal form, and what
    determine_symmetry raises.
    """
    found = determine_symmetry(experiments, reflections, with_known_group(symmetry, reference))
    return _as_in_reference(found, reference)


def _as_in_reference(found: SymmetryResult, reference: ReferenceData) -> tuple[SymmetryResult, ReferenceFit]:
    """In the setting that agrees with the reference; as it is, with a warning, where the reference does not tell."""
    fit = fit_to_reference(found.experiments, found.reflections, reference)
    if fit.doubt:
        return replace(found, warnings=(*found.warnings, fit.doubt)), fit
    return _turned(found, fit.change), fit


def selected(
    experiments: Sequence[Experiment], reflections: Reflections, kept: Sequence[int]
) -> tuple[list[Experiment], Reflections]:
    """Some experiments with their reflections, numbered anew in this order."""
    return [experiments[n] for n in kept], renumbered(reflections, {old: new for new, old in enumerate(kept)})


def _turned(found: SymmetryResult, change: np.ndarray) -> SymmetryResult:
    """The same in another setting of its space group."""
    every = dict.fromkeys(range(len(found.experiments)), change)
    return replace(
        found,
        experiments=[reindex_experiment(e, change, found.space_group) for e in found.experiments],
        reflections=reindex_reflections(found.reflections, every),
        change_of_basis={n: change @ matrix for n, matrix in found.change_of_basis.items()},
    )


def _clusters(
    experiments: Sequence[Experiment], reflections: Reflections, params: CombineParams, aside: dict[int, str]
) -> tuple[CellClusters, list[int]]:
    """Clusters of the cells of those that have one; the others, and those of other forms, are set aside."""
    clustered = [n for n, e in enumerate(experiments) if e.crystal is not None]
    if not clustered:
        raise NoCrystal(n=len(experiments))
    aside |= {n: "it is not indexed" for n in range(len(experiments)) if n not in clustered}
    crystals = [e.crystal for e in experiments if e.crystal is not None]
    ids = reflections["experiment_id"]
    count = np.bincount(ids[ids >= 0], minlength=len(experiments))
    clusters = cluster_cells(crystals, [float(count[n]) for n in clustered], params.max_cell_difference)
    for n, cluster, distance in zip(clustered, clusters.cluster, clusters.distance, strict=True):
        if cluster:
            aside[n] = f"its cell differs by {distance:.1%} from those of the form that most reflections are of"
    return clusters, clustered


def _of_wrong_headers(
    experiments: Sequence[Experiment], reflections: Reflections, cells: tuple[CellClusters, Sequence[int]],
    aside: dict[int, str], symmetry: SymmetryParams,
) -> dict[int, str]:  # fmt: skip
    """Words on each data set of the form whose cell is larger or smaller as by a wrong header.

    What is aside for its cell is told of as well.
    """
    clusters, clustered = cells
    crystals = [crystal for n in clustered if (crystal := experiments[n].crystal) is not None]
    ratios = {clustered[k]: ratio for k, ratio in ratios_of_cells(crystals, clusters).items()}
    form = [n for n in clustered if n not in aside]
    outside = {n: ratios[n] for k, n in enumerate(clustered) if clusters.cluster[k] and n in ratios}
    placed = placed_by_intensities(experiments, reflections, form, outside, symmetry)
    for n, ratio in outside.items():
        aside[n] = f"{aside[n]}; {words_of_ratio(experiments[n], ratio, placed.get(n))}"
    return {n: words_of_ratio(experiments[n], ratios[n]) for n in ratios if n in form}


def _without_others(
    experiments: Sequence[Experiment], reflections: Reflections, form: Sequence[int], comparable: Comparable,
    params: tuple[CombineParams, SymmetryParams], aside: dict[int, str],
) -> tuple[Comparable, tuple[str, ...]]:  # fmt: skip
    """Settings told apart by the symmetry that those data sets have which agree; the others are set aside."""
    if comparable.settings is None:
        return comparable, ()
    agreeing = sorted(p.experiment for p in comparable.settings.placed if p.agrees)
    if not agreeing:
        names = data_set_names(experiments)
        raise NothingAgrees(
            n=len(experiments), reason=why_none_agrees(comparable.settings.placed, [names[n] for n in form])
        )
    part = selected(experiments, reflections, [form[k] for k in agreeing])
    first = determine_symmetry(*part, params[1], numbered_anew(comparable, agreeing))
    found, assumed = set(first.best.subgroup.members), set(comparable.settings.members)
    is_sure = first.confidence >= MIN_CONFIDENCE or first.is_given
    if found < assumed or (is_sure and found != assumed):
        comparable = compare_settings(comparable, first.best.subgroup.members)
    assert comparable.settings is not None
    placed = comparable.settings.placed
    untold = [p for p in placed if p.agrees and p.margin < params[0].min_margin]
    n_agreeing = sum(p.agrees for p in placed)
    is_common = len(untold) > n_agreeing / 2 and _are_nearly_alike(untold)
    for p in placed:
        why = why_not(p, 0.0 if is_common else params[0].min_margin)
        if why:
            aside[form[p.experiment]] = why
    if not is_common:
        return comparable, ()
    words = (
        f"the settings of {len(untold)} of {n_agreeing} data sets cannot be told apart: twinning or pseudo-symmetry; "
        "none was set aside for it"
    )
    return comparable, (words,)


def _are_nearly_alike(placed: Sequence[Placed]) -> bool:
    """Whether two settings of most of them are nearly equivalent, and known well enough to say so."""
    ratio = np.median([p.next_best / p.cc for p in placed])
    return bool(ratio > NEARLY_ALIKE and np.median([p.chance / p.cc for p in placed]) < 1 - NEARLY_ALIKE)


def _facts(
    experiments: Sequence[Experiment], reflections: Reflections, cells: tuple[CellClusters, Sequence[int]],
    aside: dict[int, str], changes: dict[int, np.ndarray], placed: dict[int, Placed],
) -> tuple[DataSetFacts, ...]:  # fmt: skip
    ids = reflections["experiment_id"]
    count = np.bincount(ids[ids >= 0], minlength=len(experiments))
    place = {n: k for k, n in enumerate(cells[1])}
    facts, names = [], data_set_names(experiments)
    for n, experiment in enumerate(experiments):
        k = place.get(n)
        of = placed.get(n)
        facts.append(
            DataSetFacts(
                n, names[n], experiment.identifier, None if k is None else cells[0].cells[k], int(count[n]),
                float("nan") if k is None else float(cells[0].distance[k]), aside.get(n, ""), changes.get(n),
                None if of is None else replace(of, experiment=n),
            )
        )  # fmt: skip
    return tuple(facts)


def format_combine(result: CombineResult) -> str:
    """The story: cells, settings, what was set aside and why, and the symmetry of what is left."""
    settings = result.comparable.settings
    parts = ["Cells: lattices that differ by little belong together", "", cell_tree(result.cells, _labels(result)), ""]
    if settings is not None:
        parts += [settings_text(settings), ""]
    parts += [f"Data sets\n\n{_data_set_table(result.data_sets)}", "", *_aside_lines(result), "", "-" * 80, ""]
    own = [warning for warning in result.warnings if warning not in result.symmetry.warnings]
    parts += [format_symmetry(result.symmetry), *(f"Warning: {warning}" for warning in own)]
    return "\n".join(parts)


def _data_set_table(facts: Sequence[DataSetFacts]) -> str:
    header = ["Data set", "", "Reflections", "Cell off by %", "Common", "CC", "Next best", "Sigmas", "Change of basis"]
    return ruled_table(header, [_row(one) for one in facts], left=(1, 8))


def _labels(result: CombineResult) -> list[str]:
    """Of the data sets that have a cell: number and name."""
    return [f"{n} {result.data_sets[n].name}" for n in result.clustered]


def _row(one: DataSetFacts) -> list[object]:
    of = one.placed
    change = "set aside" if one.change_of_basis is None else format_basis(one.change_of_basis)
    start = [one.number, one.name, one.n_reflections, _number(100 * one.cell_difference, "{:.2f}")]
    if of is None:
        return [*start, "", "", "", "", change]
    found = [of.n_common, _number(of.cc, "{:.3f}"), _number(of.next_best, "{:.3f}"), _number(of.margin, "{:.1f}")]
    return [*start, *found, change]


def _number(value: float, form: str) -> str:
    return form.format(value) if np.isfinite(value) else "-"


def _aside_lines(result: CombineResult) -> list[str]:
    lines = [f"{result.n_kept} of {len(result.data_sets)} data sets are in one setting."]
    if result.fit is not None:
        lines.append(result.fit.words)
    return lines + [f"Set aside: {f.name}: {f.why_aside}" for f in result.data_sets if f.why_aside]
