"""Export reflections to what other programs read: chosen, merged where the format asks for it."""

from __future__ import annotations

from collections.abc import Sequence

import gemmi
import numpy as np

from autoproc.combining.one_form import require_one_form
from autoproc.errors import NoCrystal, NoReflections
from autoproc.formats.export.export_params import ExportParams
from autoproc.formats.export.exported import Exported, exportable, intensities, outliers
from autoproc.formats.export.writers import WRITERS, require_scaled
from autoproc.formats.observed.free_flags import FreeFlags
from autoproc.linear_algebra import single_threaded_blas
from autoproc.merging.merging_statistics import merging_statistics
from autoproc.models.experiment import Experiment, shared_cell
from autoproc.models.numbering import sweeps_of
from autoproc.models.reflections import Reflections
from autoproc.stages.merge import MergeParams, merge
from autoproc.symmetry.reindex import format_basis, reindex_experiment, reindex_reflections
from autoproc.wording import counted


@single_threaded_blas
def export(
    experiments: Sequence[Experiment],
    reflections: Reflections,
    params: ExportParams,
    name: str,
    merging: MergeParams = MergeParams(),  # noqa: B008  (immutable)
    flags: FreeFlags | None = None,
) -> Exported:
    """What the writer of params.format, which is no longer "auto", writes.

    reflections : of the stage that the format needs; frames from the scans' starts
    flags : free-R flags to carry on in merged data
    Raises NeedsScaledData, MissingColumn, NoCrystal, NoReflections, GroupsDiffer or CellsDiffer.
    """
    writer = WRITERS[params.format]
    require_scaled(params.format, reflections.names)
    if writer.of_observations and merging.check_forms:
        require_one_form(experiments)
    remarks = ["", ""]
    if writer.of_one_lattice:
        experiments, remarks[0] = first_lattices(experiments)
    if writer.in_standard_setting:
        experiments, reflections, remarks[1] = in_standard_setting(experiments, reflections)
    remark = "; ".join(filter(None, remarks))
    every = within(reflections, experiments, params.d_min)
    none = every[np.zeros(len(every), bool)]
    if writer.of in ("models", "spots"):
        return Exported(name, experiments, none, none, every, remark=remark)
    if any(e.crystal is None for e in experiments):
        raise NoCrystal(n=len(experiments))
    observations = with_numbers(exportable(every))
    if not len(observations):
        raise NoReflections(stage="export", reason=f"none of {len(reflections)} was integrated and is in range")
    merged = statistics = None
    if writer.merges and "inverse_scale" in reflections:
        merged = merge(experiments, every, merging, flags=flags)
        statistics = merging_statistics(experiments, observations)
    return Exported(name, experiments, observations, with_numbers(outliers(every)), every, merged, statistics, remark)


def first_lattices(experiments: Sequence[Experiment]) -> tuple[Sequence[Experiment], str]:
    """The first lattice of each sweep, and in words how many others are left out."""
    firsts = [experiments[numbers[0]] for numbers in sweeps_of(experiments)]
    n_others = len(experiments) - len(firsts)
    words = f"XDS takes one lattice a sweep: the first; {counted(n_others, 'other')} left out" if n_others else ""
    return firsts, words


def in_standard_setting(
    experiments: Sequence[Experiment], reflections: Reflections
) -> tuple[Sequence[Experiment], Reflections, str]:
    """The same in the setting that the number of each one's space group alone means, and in words what was changed."""
    moved, changes, told = list(experiments), {}, {}
    for n, experiment in enumerate(experiments):
        if experiment.crystal is not None and (found := _to_standard(experiment.crystal.space_group)) is not None:
            group, (standard, changes[n]) = experiment.crystal.space_group, found
            moved[n] = reindex_experiment(experiment, changes[n], standard)
            told[group.hm] = f"{group.hm} as {standard.hm} only ({format_basis(changes[n])})"
    if not changes:
        return experiments, reflections, ""
    if "hkl" in reflections:
        reflections = reindex_reflections(reflections, changes)
    return moved, reflections, f"XDS knows {', '.join(told.values())}: indices and cell are in that setting"


def _to_standard(group: gemmi.SpaceGroup) -> tuple[gemmi.SpaceGroup, np.ndarray] | None:
    """The standard setting of a space group and the change of basis (3, 3) to it; None where there is none to make."""
    if group.is_reference_setting():
        return None
    change = np.array(group.basisop.rot, float).T / gemmi.Op.DEN  # basisop is of positions, from the standard to here
    if np.allclose(change, np.eye(3)):  # another origin only
        return None
    return gemmi.find_spacegroup_by_number(group.number), change


def within(reflections: Reflections, experiments: Sequence[Experiment], d_min: float | None) -> Reflections:
    """The reflections of at least d_min, Angstrom, by the cell that the crystals share; unindexed ones by their d."""
    if d_min is None:
        return reflections
    if any(e.crystal is None for e in experiments):
        return reflections[reflections["d"] >= d_min]
    return reflections[shared_cell(experiments).calculate_d_array(reflections["hkl"]) >= d_min]


def with_numbers(observations: Reflections) -> Reflections:
    """Those whose intensity and sigma are numbers: no format has a sign for others."""
    value, sigma = intensities(observations)
    return observations[np.isfinite(value) & np.isfinite(sigma)]
