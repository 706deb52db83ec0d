"""The steps of a sweep's processing as subcommands: each reads .expt and .refl files and writes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from autoproc.commands.step import joined, running
from autoproc.formats.mtz import write_merged_mtz, write_unmerged_mtz
from autoproc.formats.registry import open_reader
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.scaling.tables import format_scale
from autoproc.service.process_sweep import exportable
from autoproc.stages.bravais_settings import bravais_settings, format_bravais_settings
from autoproc.stages.determine_symmetry import determine_symmetry, format_symmetry
from autoproc.stages.estimate_resolution import estimate_resolution, format_resolution
from autoproc.stages.find_spots import format_found_spots
from autoproc.stages.import_sweep import format_import, import_sweeps, require_sweeps
from autoproc.stages.index import format_index, index
from autoproc.stages.integrate import format_integrate
from autoproc.stages.merge import format_merge, merge
from autoproc.stages.pipeline import find_spots_of_sweep, integrate_sweep, renumbered, sweeps_of
from autoproc.stages.refine import format_refine, refine
from autoproc.stages.reindex import reindex
from autoproc.stages.scale import scale
from autoproc.stages.search_beam import format_search_beam, search_beam_position

Arguments = Annotated[
    list[str],
    typer.Argument(metavar="FILE... [KEY=VALUE...]", help="Input files, and key=value for each parameter to change."),
]
Output = Annotated[Path, typer.Option("--output", "-o", help="Folder to write into.", file_okay=False)]
HERE = Path()


def import_command(arguments: Arguments, output: Output = HERE) -> None:
    """Read the headers of images and write imported.expt.

    Give image files, a folder, a template with # for the digits of the counter, or a NeXus or DECTRIS
    master file. What the headers have wrong can be put right: beam_centre=254.8,291.8 distance=200
    wavelength=0.98 image_range=1,900.
    """
    with running("import", "import_sweep", arguments, output) as step:
        result = import_sweeps(step.files, step.config.import_sweep)
        step.console.print(format_import(result))
        require_sweeps(result)
        step.write("imported", [sweep.experiment for sweep in result.experiments], None)


def find_spots_command(arguments: Arguments, output: Output = HERE) -> None:
    """Find the spots on the images of imported.expt and write strong.refl."""
    with running("find-spots", "find_spots", arguments, output) as step:
        experiments = step.experiments("imported.expt")
        tables = []
        for number, experiment in enumerate(experiments):
            reader = open_reader(experiment)
            found = find_spots_of_sweep(experiment, reader, step.config, step.console.watch)
            step.console.print(format_found_spots(found, step.config.find_spots, f"imageset {number}"))
            n = len(found.reflections)
            tables.append(found.reflections.replace(imageset_id=np.zeros(n, np.int32)))
        step.write("strong", None, joined(tables))


def search_beam_command(arguments: Arguments, output: Output = HERE) -> None:
    """Search for the direct beam's position from the spots and write optimised.expt.

    Only for a header that is wrong: a good one is made worse by the search's own error.
    """
    with running("search-beam-position", "search_beam", arguments, output) as step:
        experiments = step.experiments("imported.expt strong.refl")
        spots = step.reflections("imported.expt strong.refl")
        moved = []
        for number, experiment in enumerate(experiments):
            here = spots[spots["experiment_id"] == number] if len(experiments) > 1 else spots
            result = search_beam_position(experiment, here, step.config.search_beam)
            step.console.print(format_search_beam(result))
            moved.append(result.experiment)
        step.write("optimised", moved, None)


def index_command(arguments: Arguments, output: Output = HERE) -> None:
    """Find the lattice (or several: max_lattices=2) that explains the spots; writes indexed.expt and .refl.

    A triclinic cell by default; unit_cell=78,78,38,90,90,90 space_group=P43212 where they are known.
    """
    with running("index", "index", arguments, output) as step:
        files = "imported.expt strong.refl"
        result = index(step.experiments(files), step.reflections(files), step.config.index)
        step.console.print(format_index(result))
        step.write("indexed", result.experiments, result.reflections)


def bravais_settings_command(arguments: Arguments, output: Output = HERE) -> None:
    """Refine the crystal in every lattice symmetry that its cell allows, and compare them in a table."""
    with running("bravais-settings", "bravais_settings", arguments, output) as step:
        files = "indexed.expt indexed.refl"
        result = bravais_settings(step.experiments(files), step.reflections(files), step.config.bravais_settings)
        step.console.print(format_bravais_settings(result))
        for row in result.solutions:
            step.write(f"bravais_setting_{row.number}", row.experiments, None)


def reindex_command(arguments: Arguments, output: Output = HERE) -> None:
    """Change the basis of crystals and reflections: change_of_basis_op=b+c,a+c,a+b space_group=I23."""
    with running("reindex", "reindex", arguments, output) as step:
        experiments = step.experiments("indexed.expt indexed.refl change_of_basis_op=b,c,a")
        table = step.reflections("indexed.expt indexed.refl") if step.of_kind(".refl") else None
        new, reflections = reindex(experiments, table, step.config.reindex)
        step.write("reindexed", new, reflections)


def refine_command(arguments: Arguments, output: Output = HERE) -> None:
    """Refine detector, beam and crystal, at first fixed, then varying over the scan; writes refined.expt and .refl."""
    with running("refine", "refine", arguments, output) as step:
        files = "indexed.expt indexed.refl"
        result = refine(step.experiments(files), step.reflections(files), step.config.refine)
        step.console.print(format_refine(result))
        step.write("refined", result.experiments, result.reflections)


def integrate_command(arguments: Arguments, output: Output = HERE) -> None:
    """Measure the intensity of every reflection that the models predict; writes integrated.expt and .refl."""
    with running("integrate", "integrate", arguments, output) as step:
        files = "refined.expt refined.refl"
        experiments, spots = step.experiments(files), step.reflections(files)
        models: dict[int, Experiment] = {}
        tables = []
        for members in sweeps_of(experiments):
            part = renumbered(spots, {old: new for new, old in enumerate(members)})
            reader = open_reader(experiments[members[0]])
            result = integrate_sweep(reader, [experiments[n] for n in members], part, step.config, step.console.watch)
            step.console.print(format_integrate(result))
            models |= dict(zip(members, result.experiments, strict=True))
            tables.append(renumbered(result.reflections, dict(enumerate(members))))
        step.write("integrated", [models[n] for n in sorted(models)], Reflections.concatenate(tables))


def symmetry_command(arguments: Arguments, output: Output = HERE) -> None:
    """Determine the Laue group and the space group, and reindex to it; writes symmetrized.expt and .refl."""
    with running("symmetry", "symmetry", arguments, output) as step:
        files = "integrated.expt integrated.refl"
        result = determine_symmetry(step.experiments(files), step.reflections(files), step.config.symmetry)
        step.console.print(format_symmetry(result))
        step.write("symmetrized", result.experiments, result.reflections)


def scale_command(arguments: Arguments, output: Output = HERE) -> None:
    """Put all observations on one scale: scale, decay, absorption, error model, outliers; writes scaled.expt and .refl.

    Often changed: anomalous=true absorption_level=medium d_min=1.6
    """
    with running("scale", "scale", arguments, output) as step:
        files = "symmetrized.expt symmetrized.refl"
        result = scale(step.experiments(files), step.reflections(files), step.config.scale)
        estimate = estimate_resolution(result.experiments, result.reflections, step.config.estimate_resolution)
        step.console.print(format_scale(result))
        if not estimate.limited_by_data:
            step.console.print(f"Resolution limit suggested from CC1/2 fit: {estimate.d_min:.2f}")
        step.write("scaled", result.experiments, result.reflections)


def estimate_resolution_command(arguments: Arguments, output: Output = HERE) -> None:
    """Say how far scaled data are useful: where the fitted CC1/2 falls to cc_half=0.3."""
    with running("estimate-resolution", "estimate_resolution", arguments, output) as step:
        files = "scaled.expt scaled.refl"
        estimate = estimate_resolution(
            step.experiments(files), step.reflections(files), step.config.estimate_resolution
        )
        step.console.print(format_resolution(estimate))


def merge_command(arguments: Arguments, output: Output = HERE) -> None:
    """Merge scaled reflections, with French-Wilson amplitudes and free-R flags; writes merged.mtz."""
    with running("merge", "merge", arguments, output) as step:
        files = "scaled.expt scaled.refl"
        experiments = step.experiments(files)
        merged = merge(experiments, step.reflections(files), step.config.merge)
        step.console.print(format_merge(merged))
        write_merged_mtz(step.output / "merged.mtz", merged, name_of(experiments))
        step.console.print(f"Saved {len(merged)} reflections to {step.output / 'merged.mtz'}")


def export_command(arguments: Arguments, output: Output = HERE) -> None:
    """Write observations, scaled or integrated, as an unmerged MTZ with batch headers: unmerged.mtz."""
    with running("export", None, arguments, output) as step:
        files = "scaled.expt scaled.refl"
        experiments, table = step.experiments(files), exportable(step.reflections(files))
        write_unmerged_mtz(step.output / "unmerged.mtz", experiments, table, name_of(experiments))
        step.console.print(f"Saved {len(table)} observations to {step.output / 'unmerged.mtz'}")


def name_of(experiments: Sequence[Experiment]) -> str:
    """The sweep's name for titles and data sets."""
    imageset: Any = experiments[0].imageset
    if imageset is None:
        return "sweep"
    return Path(imageset.template).name.split(".")[0].replace("#", "").replace("_master", "").strip("_ ") or "sweep"
