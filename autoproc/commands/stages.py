"""The steps of a sweep's processing as subcommands: each reads .expt and .refl files and writes them.

What each is called, takes and does for its user stands in commands.catalogue.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import typer

from autoproc.combining.mergeable import Mergeable, require_mergeable
from autoproc.commands.leaving import FAILED
from autoproc.commands.step import CommandStep
from autoproc.engine.integrate_sweeps import integrate_sweeps
from autoproc.errors import MissingColumn, NoReflections, WrongArguments
from autoproc.formats.compressed import read_start
from autoproc.formats.dials.refl import read_refl
from autoproc.formats.export.exported import Exported, exportable
from autoproc.formats.export.writers import WRITERS, Writer, chosen_format
from autoproc.formats.images.damaged_frames import ForgivingReader
from autoproc.formats.observed.mtz import write_merged_mtz, write_unmerged_mtz
from autoproc.formats.observed.reference_data import read_reference
from autoproc.formats.observed.xds_inp import is_xds_geometry, read_xds_inp
from autoproc.importing.shared_models import with_shared_models
from autoproc.merging.merging_statistics import merging_statistics
from autoproc.merging.no_agreement import doubts_of_agreement
from autoproc.models.data_set_names import name_of_all
from autoproc.models.experiment import Experiment
from autoproc.models.numbering import joined, sweeps_of
from autoproc.models.reflections import Reflections
from autoproc.models.wavelengths import by_wavelength, of_wavelength
from autoproc.params import Params
from autoproc.reports.checks import SAME_RESOLUTION
from autoproc.reports.combine_page import combine_page
from autoproc.reports.damage_page import damage_page
from autoproc.reports.show_models import format_experiments
from autoproc.scaling.tables import format_scale
from autoproc.stages.anisotropy import Anisotropy, anisotropy, format_anisotropy
from autoproc.stages.bravais_settings import bravais_settings, format_bravais_settings
from autoproc.stages.combine import combine, format_combine
from autoproc.stages.conclude import flags_to_carry_on
from autoproc.stages.damage_analysis import damage_analysis, format_damage_analysis
from autoproc.stages.determine_symmetry import determine_symmetry, format_symmetry
from autoproc.stages.estimate_resolution import NoAgreement, ResolutionEstimate, estimate_resolution, format_resolution
from autoproc.stages.export import export
from autoproc.stages.find_rotation_axis import find_rotation_axis, format_find_rotation_axis
from autoproc.stages.find_spots import format_found_spots
from autoproc.stages.import_sweep import format_import, import_sweeps, overridden, require_sweeps
from autoproc.stages.index import format_index, index
from autoproc.stages.integrate import IntegrateResult, format_integrate
from autoproc.stages.merge import format_merge, merge
from autoproc.stages.pipeline import find_spots_of_sweep, open_frames
from autoproc.stages.refine import format_refine, refine
from autoproc.stages.reindex import changes_told, lost_groups, reindex, reindex_table
from autoproc.stages.scale import scale, what_is_not_found
from autoproc.stages.search_beam import format_search_beam, search_beam_position
from autoproc.wording import angstrom, counted

XDS_START = 1 << 14
"""Bytes of a file that tell whether it is XDS.INP: its keywords come in any order, among comments."""


def import_step(step: CommandStep) -> None:
    """Read the headers of images and write imported.expt."""
    given = [path for path in step.files if os.path.isfile(path) and is_xds_geometry(read_start(path, XDS_START))]
    if given:
        _import_xds(step, given)
        return
    result = import_sweeps(step.files, step.config.import_sweep)
    require_sweeps(result)
    step.console.print(format_import(result))
    step.write("imported", with_shared_models([sweep.experiment for sweep in result.experiments]), None)
    if result.problems:
        raise typer.Exit(FAILED)


def _import_xds(step: CommandStep, paths: Sequence[Path]) -> None:
    """Write imported.expt from XDS.INP or XPARM.XDS, which stand for the headers of the images that they name."""
    others = [path for path in step.files if path not in paths]
    if others:
        wrong = f"{paths[0]} is given beside {others[0]}: give one of them"
        raise WrongArguments(what_is_wrong=wrong, command="import")
    experiments = []
    for path in paths:
        read = read_xds_inp(path)
        made = overridden(read, step.config.import_sweep)
        scan = replace(made.scan, excluded=tuple(sorted({*read.scan.excluded, *made.scan.excluded})))
        experiments.append(replace(made, scan=scan))
        if made.imageset is None:
            step.warn([f"{path} names no images, nor does an XDS.INP beside it: models alone are imported"])
        elif not os.path.exists(first := made.imageset.path(scan.image_range[0])):
            step.warn([f"{first}, the first image that {path} names, is not there"])
    step.console.print(format_experiments(experiments))
    step.write("imported", with_shared_models(experiments), None)


def find_spots_step(step: CommandStep) -> None:
    """Find the spots on the images of imported.expt and write strong.refl."""
    experiments = step.experiments()
    tables = []
    for number, experiment in enumerate(experiments):
        reader = open_frames(experiment, step.config, is_read_again=False)
        found = find_spots_of_sweep(experiment, reader, step.config, step.console.watch)
        step.console.print(format_found_spots(found, step.config.find_spots, f"imageset {number}"))
        step.warn(reader.warnings(experiment.scan.image_range[0]))
        n = len(found.reflections)
        tables.append(found.reflections.replace(imageset_id=np.zeros(n, np.int32)))
    step.write("strong", experiments, joined(tables))


def search_beam_step(step: CommandStep) -> None:
    """Search for the direct beam's position from the spots and write optimised.expt."""
    _optimise(step, search_beam_position, format_search_beam, step.config.search_beam)


def find_rotation_axis_step(step: CommandStep) -> None:
    """Find the direction of the rotation axis from the spots and write optimised.expt."""
    _optimise(step, find_rotation_axis, format_find_rotation_axis, step.config.find_rotation_axis)


def _optimise(step: CommandStep, search: Callable[..., Any], in_words: Callable[[Any], str], params: Params) -> None:
    """Search with the spots of each experiment for a better one; writes optimised.expt."""
    experiments, spots, better = step.experiments(), step.reflections(), []
    for number, experiment in enumerate(experiments):
        here = spots[spots["experiment_id"] == number] if len(experiments) > 1 else spots
        result = search(experiment, here, params)
        step.console.print(in_words(result))
        better.append(result.experiment)
    step.write("optimised", better, None)


def index_step(step: CommandStep) -> None:
    """Find the lattice (or several: max_lattices=2) that explains the spots; writes indexed.expt and .refl."""
    result = index(step.experiments(), step.reflections(), step.config.index)
    step.console.print(format_index(result))
    step.write("indexed", result.experiments, result.reflections)


def bravais_settings_step(step: CommandStep) -> None:
    """Refine the crystal in every lattice symmetry that its cell allows, and compare them in a table."""
    result = bravais_settings(step.experiments(), step.reflections(), step.config.bravais_settings)
    step.console.print(format_bravais_settings(result))
    for row in result.rows:
        step.write_models(step.outputs.numbered(f"bravais_setting_{row.number}"), row.experiments)


def reindex_step(step: CommandStep) -> None:
    """Change the basis of crystals and reflections: change_of_basis_op=b+c,a+c,a+b space_group=I23."""
    tables = step.of_kind(".refl")
    if tables and not step.of_kind(".expt"):
        _reindex_tables(step, joined([read_refl(path) for path in tables]))
        return
    experiments = step.experiments()
    new, reflections = reindex(experiments, step.reflections() if tables else None, step.config.reindex)
    step.write("reindexed", new, reflections)
    for told in changes_told(experiments, new, step.config.reindex):
        step.console.print(told)
    if step.config.reindex.space_group is None:
        step.warn(lost_groups(experiments, new))


def _reindex_tables(step: CommandStep, table: Reflections) -> None:
    """Change the indices of reflections alone, whose experiments are in the new basis already."""
    step.write_table(step.outputs.path("refl", "reindexed.refl"), reindex_table(table, step.config.reindex))
    if step.config.reindex.space_group is not None:
        step.warn(["a space group is the crystal's: give the .expt too to change it"])


def refine_step(step: CommandStep) -> None:
    """Refine detector, beam and crystal, at first fixed, then varying over the scan; writes refined.expt and .refl."""
    result = refine(step.experiments(), step.reflections(), step.config.refine)
    step.console.print(format_refine(result))
    step.write("refined", result.experiments, result.reflections)


def integrate_step(step: CommandStep) -> None:
    """Measure the intensity of every reflection that the models predict; writes integrated.expt and .refl."""
    experiments = step.experiments()
    several = len(sweeps_of(experiments)) > 1

    def tell(number: int, result: IntegrateResult, reader: ForgivingReader) -> None:
        heading = f"Sweep {number}\n" if several else ""
        step.console.print(heading + format_integrate(result))
        step.warn(reader.warnings(result.experiments[0].scan.image_range[0]))

    models, table = integrate_sweeps(experiments, step.reflections(), step.config, step.console.watch, tell)
    step.write("integrated", models, table)


def symmetry_step(step: CommandStep) -> None:
    """Determine the Laue group and the space group, and reindex to it; writes symmetrized.expt and .refl."""
    result = determine_symmetry(step.experiments(), step.reflections(), step.config.symmetry)
    step.console.print(format_symmetry(result))
    step.write("symmetrized", result.experiments, result.reflections)


def combine_step(step: CommandStep) -> None:
    """Bring several data sets into one setting; writes combined.expt, .refl and .html."""
    params = step.config.combine
    reference = None if params.reference is None else read_reference(Path(params.reference))
    result = combine(step.experiments(), step.reflections(), params, step.config.symmetry, reference)
    step.console.print(format_combine(result))
    step.write("combined", result.experiments, result.reflections)
    page = step.outputs.path("html", "combined.html")
    page.write_text(combine_page(result), encoding="utf-8", errors="backslashreplace")
    step.console.print(f"Saved the report to {page}")


def scale_step(step: CommandStep) -> None:
    """Put all observations on one scale; writes scaled.expt and .refl."""
    experiments, reflections = step.experiments(), step.reflections()
    step.warn([*step.scaled_by_others(), *what_is_not_found(reflections, step.config.scale)])
    result = scale(experiments, reflections, step.config.scale)
    d_min, suggested = None, None
    with suppress(NoReflections):
        estimate = estimate_resolution(result.experiments, result.reflections, step.config.estimate_resolution)
        if not estimate.limited_by_data:
            d_min = estimate.d_min
            if step.config.scale.d_min is None:
                suggested = merging_statistics(result.experiments, result.reflections, d_min)
    step.console.print(format_scale(result, suggested))
    step.warn(doubts_of_agreement(result.statistics.agreement))
    if d_min is not None:
        step.console.print(f"Resolution limit suggested from CC1/2 fit: {angstrom(d_min)}")
    models, table = Mergeable(result.apart).kept(result.experiments, result.reflections)
    step.write("scaled", models, table)
    for kind, writer in (("unmerged_mtz", _write_unmerged), ("merged_mtz", _write_merged)):
        path = step.outputs.asked(kind)
        if path is not None:
            writer(step, path, models, table)


def estimate_resolution_step(step: CommandStep) -> None:
    """Say how far scaled data are useful: where the fitted CC1/2 falls to cc_half=0.3."""
    estimate = estimate_resolution(step.experiments(), step.reflections(), step.config.estimate_resolution)
    step.console.print(format_resolution(estimate))


def damage_analysis_step(step: CommandStep) -> None:
    """Say what radiation did to the crystal, with a page of plots: damage.html."""
    experiments = step.experiments()
    result = damage_analysis(experiments, step.reflections(), step.config.damage_analysis)
    step.console.print(format_damage_analysis(result))
    step.write_page(step.outputs.path("html", "damage.html"), damage_page(name_of_all(experiments), result))


def merge_step(step: CommandStep) -> None:
    """Merge scaled reflections, with French-Wilson amplitudes and free-R flags; writes merged.mtz."""
    given = step.experiments(), step.reflections()
    step.require_one_stage()
    experiments, scaled = _mergeable(step, *given)
    step.warn(beyond_estimate(step, experiments, scaled))
    _write_merged(step, step.file, experiments, scaled)


def _mergeable(
    step: CommandStep, experiments: Sequence[Experiment], scaled: Reflections
) -> tuple[Sequence[Experiment], Reflections]:
    """Those that belong together, perhaps of several wavelengths; stops where they are not of one kind."""
    if not step.config.merge.check_forms:
        return experiments, scaled
    agreed = require_mergeable(experiments, scaled, is_scaled=True, origins=step.origins())
    step.warn(agreed.words)
    return agreed.kept(experiments, scaled)


def beyond_estimate(step: CommandStep, experiments: Sequence[Experiment], table: Reflections) -> list[str]:
    """A warning where data are merged that lie beyond the limit that `scale` suggests."""
    estimate = _estimate(step, experiments, table)
    if estimate is None:
        return []
    end = max(step.config.merge.d_min or 0.0, estimate.edge)
    if estimate.limited_by_data or end > estimate.d_min / SAME_RESOLUTION:
        return []
    limit = angstrom(estimate.d_min)
    return [
        f"data are merged to {angstrom(end)} A, beyond the limit of {limit} A that they suggest, {estimate.why}: most "
        f"of what lies beyond is noise; give d_min={limit} to scale, or to merge"
    ]


def _estimate(step: CommandStep, experiments: Sequence[Experiment], table: Reflections) -> ResolutionEstimate | None:
    """How far all directions together go; None where it cannot be told."""
    try:
        return estimate_resolution(experiments, table, step.config.estimate_resolution)
    except (NoReflections, NoAgreement, MissingColumn):
        return None


def _write_merged(
    step: CommandStep,
    path: Path,
    experiments: Sequence[Experiment],
    table: Reflections,
    within: Anisotropy | None = None,
) -> None:
    """Merge and write, each wavelength by itself; all of them together have been found to be of one kind."""
    parts = by_wavelength(experiments, table)
    flags = flags_to_carry_on(step.config)
    params = step.config.merge.model_copy(update={"check_forms": False})
    for wavelength, own, reflections in parts:
        merged = merge(own, reflections, params, within, flags)
        step.console.print(format_merge(merged))
        file = path if len(parts) == 1 else of_wavelength(path, wavelength)
        write_merged_mtz(file, merged, name_of_all(own), len(parts) > 1)
        step.console.print(f"Saved {counted(len(merged), 'reflection')} to {file}")
    _tell_wavelengths(step, len(parts))


def anisotropy_step(step: CommandStep) -> None:
    """Say how far data go in each direction, and merge what lies within; writes merged_anisotropic.mtz."""
    experiments, scaled = _mergeable(step, step.experiments(), step.reflections())
    estimate = _estimate(step, experiments, scaled)
    common = None if estimate is None else estimate.d_min
    found = anisotropy(experiments, scaled, step.config.anisotropy, common)
    step.console.print(format_anisotropy(found))
    if found is None:
        raise NoReflections(stage="anisotropy", reason="too few reflections to tell directions apart")
    _write_merged(step, step.file, experiments, scaled, found)


def export_step(step: CommandStep) -> None:
    """Write observations for other programs: unmerged.mtz, or what format= or the name of the file says."""
    params = step.config.export
    chosen = chosen_format(params.format, step.file if step.is_named else None)
    writer = WRITERS[chosen]
    experiments = step.experiments()
    table = Reflections({}) if writer.of == "models" else step.reflections()
    if writer.of_observations:
        step.require_one_stage()
    path = step.file if step.is_named else step.outputs.path("file", writer.file)
    chosen_params = params.model_copy(update={"format": chosen})
    parts = [(0.0, experiments, table)]
    if writer.of_one_wavelength:
        parts = by_wavelength(experiments, table)
    flags = flags_to_carry_on(step.config) if writer.merges else None
    for wavelength, own, reflections in parts:
        exported = export(own, reflections, chosen_params, name_of_all(own), step.config.merge, flags)
        file = path if len(parts) == 1 else of_wavelength(path, wavelength)
        _tell_exported(step, writer, exported, writer.write(file, exported, chosen_params))
    _tell_wavelengths(step, len(parts))


def _tell_exported(step: CommandStep, writer: Writer, exported: Exported, written: Sequence[Path]) -> None:
    merged = f" and {counted(len(exported.merged), 'merged reflection')}" if exported.merged is not None else ""
    content = f"{counted(len(exported.observations), 'observation')}{merged}"
    content = {"spots": f"{counted(len(exported.every), 'reflection')}", "models": "models"}.get(writer.of, content)
    step.console.print(f"Saved {content} to {', '.join(map(str, written))}")
    if exported.remark:
        step.console.print(exported.remark)
    step.warn(exported.merged.doubts if exported.merged is not None else ())


def _tell_wavelengths(step: CommandStep, n: int) -> None:
    if n > 1:
        step.warn(
            [f"the data are of {n} wavelengths, each in a file of its own; what was scaled together is on one scale"]
        )


def _write_unmerged(step: CommandStep, path: Path, experiments: Sequence[Experiment], table: Reflections) -> None:
    observations = exportable(table)
    write_unmerged_mtz(path, experiments, observations, name_of_all(experiments))
    step.console.print(f"Saved {counted(len(observations), 'observation')} to {path}")
