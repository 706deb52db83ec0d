"""Laue group and space group from integrated intensities (Evans 2006, Acta D62, 72; 2011, Acta D67, 282)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import gemmi
import numpy as np

from autoproc.combining.comparable import Comparable, compare_settings, make_comparable
from autoproc.combining.consistent_settings import ConsistentSettings
from autoproc.combining.doubts import settings_warnings
from autoproc.linear_algebra import single_threaded_blas
from autoproc.models.crystal import Crystal
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.models.space_group import proper_rotations_of, symbol
from autoproc.symmetry.absences import Absences, absence_signature, equally_good
from autoproc.symmetry.consistency import compose
from autoproc.symmetry.corrected_observations import knows_directions, not_compared
from autoproc.symmetry.doubts import resting_on_few, symmetry_warnings, untold_laue_words
from autoproc.symmetry.elements import CorrelationModel, ElementScore
from autoproc.symmetry.given_setting import axes_words
from autoproc.symmetry.in_axes import absences_in
from autoproc.symmetry.known_group import known_laue_group, known_setting
from autoproc.symmetry.lattice_symmetry import LatticeSymmetry
from autoproc.symmetry.laue_group import SubgroupScore
from autoproc.symmetry.own_group import likeliest
from autoproc.symmetry.params import SymmetryParams
from autoproc.symmetry.reindex import format_basis, reindex_experiment, reindex_reflections, tidiest
from autoproc.symmetry.report import (
    element_table,
    glide_table,
    of_all_groups,
    screw_table,
    space_group_table,
    spaced,
    subgroup_table,
)
from autoproc.symmetry.scored_lattice import score_lattice
from autoproc.symmetry.settings import in_basis, normalises
from autoproc.symmetry.space_group_choice import compared_groups, setting_to_use, wanted_group
from autoproc.wording import accounted, angstrom


@dataclass(frozen=True, slots=True, eq=False)
class SymmetryResult:
    """What symmetry determination found, with the data reindexed to it.

    laue_group : Patterson group (P 4/m m m); space_group : the best, in the setting of the output
    alternatives : space groups that these data cannot tell from it, in the same axes, as are the absences
    best : the score of the Laue group
    probability, confidence : of the Laue group; original : as it was given, the crystal of
        experiment `reference`, whose setting counts
    d_min, n_used : reflections compared, Angstrom
    change_of_basis : (3, 3) of each experiment, hkl_new = M hkl_old
    warnings : in plain words, what a crystallographer should look at
    is_given : the space group was known beforehand, and is not what the data were found to have
    told_by : what decided which axes of the lattice are those of a given space group, in words
    """

    experiments: list[Experiment]
    reflections: Reflections
    laue_group: gemmi.SpaceGroup
    space_group: gemmi.SpaceGroup
    alternatives: tuple[gemmi.SpaceGroup, ...]
    probability: float
    confidence: float
    best: SubgroupScore
    original: Crystal
    lattice: LatticeSymmetry
    model: CorrelationModel
    elements: tuple[ElementScore, ...]
    subgroups: tuple[SubgroupScore, ...]
    absences: Absences
    change_of_basis: dict[int, np.ndarray]
    d_min: float
    n_used: int
    warnings: tuple[str, ...]
    reference: int
    is_given: bool = False
    told_by: str = ""

    @property
    def untold(self) -> list[str]:
        """What the data cannot tell from the space group, in words, each once: what other Laue groups leave open first.

        None where the space group was given.
        """
        of_laue = [] if self.is_given else untold_laue_words(self.best, self.subgroups)
        names = [symbol(g) for g in self.alternatives if g != self.space_group]
        return list(dict.fromkeys([*of_laue, *names]))

    @property
    def new_axes(self) -> str:
        """Where a space group was given and its axes are not those of the crystal before: that, in a sentence."""
        if not self.told_by:
            return ""
        change = self.change_of_basis[self.reference]
        return axes_words(self.space_group, change, self.original.cell, _final_cell(self), self.told_by)


@single_threaded_blas
def determine_symmetry(
    experiments: Sequence[Experiment],
    reflections: Reflections,
    params: SymmetryParams,
    comparable: Comparable | None = None,
) -> SymmetryResult:
    """Find the Laue group and the screw axes, and reindex to the conventional setting.

    reflections : integrated, in any setting of one lattice for all experiments; several sweeps and
    several lattices are brought to one setting first, unless that was done: `comparable`.
    Raises NoReflections, IncompatibleCells.
    """
    if not knows_directions(reflections):
        params = params.model_copy(update={"prescale": False})
    if comparable is None:
        comparable = compare_settings(make_comparable(experiments, reflections, params))
    lattice, to_reduced = comparable.lattice, comparable.changes
    observations, normalised = comparable.observations, comparable.normalised
    scores = score_lattice(lattice, observations, normalised, params, are_many=comparable.settings is not None)
    n = comparable.reference
    original = experiments[n].crystal
    assert original is not None
    best = known_laue_group(scores.subgroups, params) or likeliest(scores.subgroups, original, to_reduced[n], lattice)
    absences = compared_groups(best.subgroup, observations.hkl, normalised, params)
    given = known_setting(best, absences, params, original, to_reduced[n])
    if given is None:
        space_group, to_standard = setting_to_use(equally_good(absences)[0], best.subgroup, absences, params)
    else:
        space_group, to_standard = given.group, given.change
    told = absences_in(absences, to_standard)
    change = _changes(comparable, to_standard @ best.subgroup.basis, space_group, experiments)
    return SymmetryResult(
        experiments=[
            reindex_experiment(e, change[n], space_group) if n in change else e for n, e in enumerate(experiments)
        ],
        reflections=reindex_reflections(reflections, change),
        laue_group=best.subgroup.patterson,
        space_group=space_group,
        alternatives=equally_good(told)[1:] if given is None else (),
        probability=best.likelihood,
        confidence=best.confidence,
        best=best,
        original=original,
        lattice=lattice,
        model=scores.model,
        elements=scores.elements,
        subgroups=scores.subgroups,
        absences=told,
        change_of_basis=change,
        d_min=comparable.d_min,
        n_used=len(observations),
        warnings=(
            *symmetry_warnings(
                best, scores.subgroups, scores.elements, told, scores.model, wanted_group(params), given
            ),
            *settings_warnings(_settings_under(comparable, best.subgroup.members)),
        ),
        reference=n,
        is_given=wanted_group(params) is not None,
        told_by="" if given is None else given.told_by,
    )


def _changes(
    comparable: Comparable, conventional: np.ndarray, space_group: gemmi.SpaceGroup, experiments: Sequence[Experiment]
) -> dict[int, np.ndarray]:
    """(3, 3) of each experiment, hkl_new = M hkl_old; conventional : (3, 3) from the reduced basis of the lattice."""
    to_reduced, n = comparable.changes, comparable.reference
    first = conventional @ to_reduced[n]
    rotations = in_basis(comparable.lattice.rotations, conventional)
    turn = _tidy(first, space_group, rotations, experiments[n]) @ np.linalg.inv(first)
    return compose(to_reduced, dict.fromkeys(to_reduced, turn @ conventional))


def _settings_under(comparable: Comparable, members: Sequence[int]) -> ConsistentSettings | None:
    """How well settings are told apart by the symmetry that was found: those that it makes equivalent need not be."""
    settings = comparable.settings
    if settings is None or set(settings.members) == set(members):
        return settings
    return compare_settings(comparable, members).settings


def _tidy(
    change: np.ndarray, space_group: gemmi.SpaceGroup, lattice_rotations: np.ndarray, experiment: Experiment
) -> np.ndarray:
    """The plainest of the equivalent changes of basis.

    A crystal that was given in a setting of its own keeps it where that is as good: an indexing
    ambiguity that the user has settled stays settled.
    """
    rotations = proper_rotations_of(space_group)
    assert experiment.crystal is not None
    if experiment.crystal.space_group.number > 1:
        kept = [w for w in lattice_rotations if np.allclose(w.T @ change, np.eye(3)) and normalises(w, rotations)]
        kept = [w for w in kept if absence_signature(space_group) == absence_signature(space_group, w.T)]
        if kept:
            return np.eye(3)
    return tidiest(change, rotations)


def format_symmetry(result: SymmetryResult) -> str:
    """The story of a symmetry determination: cells, element and subgroup scores, absences, conclusion."""
    crystal = result.original
    model = result.model
    identity = "not known" if model.cc_identity is None else f"{model.cc_identity:.3f}"
    beyond = f"beyond {angstrom(result.d_min)} A, where they tell little"
    highest = max((s.subgroup for s in result.subgroups), key=lambda g: g.order)
    parts = [
        f"Comparing {result.n_used} intensities with d >= {angstrom(result.d_min)} A",
        "",
        f"Input crystal symmetry:\nUnit cell: ({_cell(crystal.cell)})",
        f"Space group: {symbol(crystal.space_group)} (No. {crystal.space_group.number})",
        f"Crystal symmetry in minimum cell:\nUnit cell: ({_cell(result.lattice.cell)})",
        f"Lattice point group: {spaced(highest.patterson)} ({format_basis(highest.basis)})",
        "",
        f"Overall CC for {model.n_unrelated} unrelated pairs: {model.cc_unrelated:.3f}",
        f"Estimated expectation value of true correlation coefficient E(CC) = {model.cc_true:.3f}",
        f"Estimated sd(CC) = {model.sd_factor:.3f} / sqrt(N), at least {model.min_sd:.3g}",
        f"Estimated E(CC) of true correlation coefficient from identity = {identity}",
        "",
        f"Scoring individual symmetry elements\n\n{element_table(result.elements)}",
        "",
        f"Scoring all possible sub-groups\n\n{subgroup_table(result.subgroups)}",
        "",
        f"Best solution: {spaced(result.laue_group)}",
        f"Unit cell: {_cell(_final_cell(result))}",
        f"Reindex operator: {', '.join(sorted({format_basis(m) for m in result.change_of_basis.values()}))}",
        f"Laue group probability: {result.probability:.3f}",
        f"Laue group confidence: {result.confidence:.3f}",
        "",
        *_absence_lines(result),
        *_setting_lines(result),
        *(f"Warning: {warning}" for warning in result.warnings),
        accounted(result.n_used, not_compared(result.reflections, result.n_used, beyond), "compared"),
    ]
    return "\n".join(parts)


def _cell(cell: Sequence[float]) -> str:
    return ", ".join(f"{x:.3f}" for x in cell)


def _final_cell(result: SymmetryResult) -> tuple[float, ...]:
    return next(e.crystal.cell for e in result.experiments if e.crystal is not None)


def _absence_lines(result: SymmetryResult) -> list[str]:
    lines = []
    if result.absences.screw_axes or result.absences.centre:
        tables = "\n".join(table(result.absences) for table in (screw_table, glide_table, space_group_table)).lstrip()
        lines.append(f"Analysing systematic absences\n\n{tables}")
    lines += of_all_groups(result.absences)
    what = "Space group, as it was given" if result.is_given else "Recommended space group"
    lines.append(f"{what}: {symbol(result.space_group)}")
    few = "" if result.is_given else resting_on_few(result.space_group, result.absences)
    lines += [f"Its {few}."] if few else []
    if result.untold:
        names = " or ".join(result.untold)
        lines.append(f"It could as well be {names}, which these data cannot tell from it; the first is used.")
    return lines


def _setting_lines(result: SymmetryResult) -> list[str]:
    if result.new_axes:
        return [f"Note: {result.new_axes}"]
    if result.space_group.crystal_system() != gemmi.CrystalSystem.Monoclinic or result.space_group.hm[0] == "P":
        return []
    setting = result.space_group.hm[0]
    if not result.space_group.is_sohncke():
        other = {"I": "C-centred (setting=standard)", "C": "I-centred (setting=I2)"}.get(setting, "otherwise")
        return [f"The cell is {setting}-centred; the same crystal can be described {other}."]
    alternative = {"I": "C 1 2 1 (setting=C2)", "C": "I 1 2 1 (setting=I2)"}[setting]
    return [f"The cell is in the {setting}-centred setting of C2; the same crystal can be described in {alternative}."]
