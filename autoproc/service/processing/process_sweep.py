"""One sweep, from images to a folder of results."""

from __future__ import annotations

import json
import math
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from autoproc.config import Config
from autoproc.console import Console
from autoproc.engine.plan import process_sensibly
from autoproc.errors import AutoprocError
from autoproc.formats.dials import fitted_profiles, untrusted_pixels
from autoproc.formats.dials.fitted_profiles import StoredProfiles, write_profiles
from autoproc.formats.export.exported import exportable
from autoproc.formats.images.damaged_frames import ForgivingReader
from autoproc.formats.observed.mtz import write_merged_mtz, write_unmerged_mtz
from autoproc.legible import legible_lines
from autoproc.models.wavelengths import of_wavelength
from autoproc.reports.expectations import expectations, warnings_of
from autoproc.reports.report_data import report_text
from autoproc.reports.report_html import report_of, write_report
from autoproc.reports.summary import Failure, format_summary, summarise
from autoproc.service.processing.told_parameters import UNTOLD, ToldParameters
from autoproc.service.results.sweep_folder import SweepFolder, written_whole
from autoproc.stages.early_work import EarlyWork
from autoproc.stages.import_sweep import ImportedSweep
from autoproc.stages.pipeline import Processing, gathered_warnings
from autoproc.stages.sharing import Sharing
from autoproc.threads import side_by_side

ANISOTROPIC = "merged_anisotropic.mtz"
"""Merged data that end where they end in each direction, beside merged.mtz, which ends at one resolution in all."""

Lost = Callable[[Exception | None, ForgivingReader | None], AutoprocError | None]
"""Why an attempt, which ended with an error or without, was in vain as its images were gone for a while; or None."""


def process_sweep(
    sweep: ImportedSweep,
    folder: Path,
    config: Config,
    console: Console,
    lost: Lost = lambda error, reader: None,
    told: ToldParameters = UNTOLD,
    early: EarlyWork | None = None,
    sharing: Sharing | None = None,
) -> dict[str, Any]:
    """Process a sweep and write its folder; returns what summary.json holds.

    folder : empty, of this attempt alone; lost : see above; told : what files of the visit have said of config. What is
    returned of a sweep that was processed without images that were gone says so as "lost": it is worth another attempt.
    early, sharing : see Processing.
    Nothing that goes wrong with one sweep leaves this function: its summary says what it was.
    """
    processing = Processing(
        sweep.experiment,
        warnings=list(sweep.warnings),
        partial=sweep.partial,
        early=early,
        sharing=sharing,
        **expected_by(config),
    )
    with SweepFolder(folder, console) as stage_files:

        def failure_of(task: Callable[[], None]) -> Failure | None:
            return _failure_of(task, stage_files, processing, console, lost)

        failure = failure_of(lambda: _processed(processing, config, stage_files))
        if failure is None:
            processing.warnings = gathered_warnings(processing)
            failure, summary = side_by_side(
                lambda: failure_of(lambda: _write_all(sweep.name, folder, processing, stage_files)),
                lambda: tell(folder, sweep.name, processing, None, console, told),
            )
    if failure is not None:
        processing.warnings = gathered_warnings(processing)
        return tell(folder, sweep.name, processing, failure, console, told)
    without = lost(None, processing.source)
    summary["lost"] = without.message if without else ""
    return summary


def _processed(processing: Processing, config: Config, stage_files: SweepFolder) -> None:
    process_sensibly(processing, config, stage_files)
    processing.current = "output"
    processing.warn("what was expected", *warnings_of(expectations(processing)))


def _write_all(name: str, folder: Path, processing: Processing, stage_files: SweepFolder) -> None:
    """What is left of the stages' files, and when all of these are there the data: results are all there, or none."""
    keep_for_viewers(folder, processing)
    stage_files.settle()
    write_data(name, folder, processing)


def _failure_of(
    task: Callable[[], None], stage_files: SweepFolder, processing: Processing, console: Console, lost: Lost
) -> Failure | None:
    """Why something could not be done; None where it was."""
    try:
        task()
    except Exception as error:  # the edge: a bug or a full disk costs this sweep, not the others
        console.log_details(error)
        stage = "output" if stage_files.has_failed else processing.current
        return Failure.of(stage, lost(error, processing.source) or error)
    return None


def expected_by(config: Config) -> dict[str, Any]:
    """What the crystal is thought to be, by the names that Processing has for it."""
    return {
        "expected_cell": config.index.expected_cell or config.index.unit_cell or config.symmetry.unit_cell,
        "expected_group": config.symmetry.expected_space_group or "",
        "expected_element": config.scale.expected_element or "",
    }


def fail_import(
    name: str, path: Path, error: AutoprocError, folder: Path, console: Console, told: ToldParameters = UNTOLD
) -> dict[str, Any]:
    """The folder of images that could not be imported: a summary that says why; returns what summary.json holds."""
    console.log(f"{path}: not imported")
    console.log_details(error)
    failure = Failure.of("import", error)
    return tell(folder, name, None, failure, console, told)


def tell(
    folder: Path, name: str, processing: Processing | None, failure: Failure | None, console: Console,
    told: ToldParameters = UNTOLD,
) -> dict[str, Any]:  # fmt: skip
    """Write the story of a sweep; a story that cannot be written is a failure too."""
    if failure is not None:
        console.log(f"\n{failure.in_words}\n{failure.hint}")
    summary = told.put_into(summarised(name, processing, failure, console))
    try:
        write_story(folder, summary, processing, console)
    except OSError as error:
        console.log(traceback.format_exc())
        if failure is None:
            summary = told.put_into(summarised(name, processing, Failure.of("output", error), console))
    return summary


def summarised(name: str, processing: Processing | None, failure: Failure | None, console: Console) -> dict[str, Any]:
    """What summary.json holds; of a summary that cannot be made, what needs no looking at the results."""
    try:
        return summarise(name, processing, failure)
    except Exception as error:  # the edge: the data are already written
        console.log(traceback.format_exc())
        summary = summarise(name, None, failure)
        summary["warnings"].append(f"the summary could not be made ({error!r}): autoproc.log has the details")
        return summary


def summary_page(summary: dict[str, Any], processing: Processing | None, console: Console) -> str:
    """summary.txt; where it cannot be made, where else to look."""
    try:
        return format_summary(summary, processing)
    except Exception as error:  # the edge: the data are already written
        console.log(traceback.format_exc())
        return (
            f"autoproc    sweep {summary['sweep']}: {summary['status']}\n\nThis page could not be made ({error!r}): "
            "look at summary.json and autoproc.log.\n\n" + "\n".join(summary["warnings"]) + "\n"
        )


def write_data(name: str, folder: Path, processing: Processing) -> None:
    """merged.mtz and unmerged.mtz: both whole, or neither."""
    scaled, merged = processing.scaled, processing.merged
    assert scaled is not None
    assert merged is not None
    with written_whole(folder / "merged.mtz") as first, written_whole(folder / "unmerged.mtz") as second:
        write_merged_mtz(first, merged, name, bool(processing.by_wavelength))
        write_unmerged_mtz(second, scaled.experiments, exportable(scaled.reflections), name)
    for one in processing.by_wavelength:
        with written_whole(of_wavelength(folder / "merged.mtz", one.wavelength)) as part:
            write_merged_mtz(part, one.merged, name, True)
    if processing.merged_inside is not None:
        with written_whole(folder / ANISOTROPIC) as part:
            write_merged_mtz(part, processing.merged_inside, name)


def keep_for_viewers(folder: Path, processing: Processing) -> None:
    """What integration has found beside the intensities: the pixels not to trust, and the profiles that it fitted."""
    if processing.integrated is None:
        return
    found, fitted = processing.integrated.untrusted, processing.integrated.profiles
    with written_whole(folder / "stages" / untrusted_pixels.NAME) as part:
        untrusted_pixels.write_untrusted(part, found.is_shadowed, found.is_hot)
    if fitted is not None:
        stored = StoredProfiles(fitted.regions.shape, fitted.regions.n, fitted.ends, fitted.coefficients)
        with written_whole(folder / "stages" / fitted_profiles.NAME) as part:
            write_profiles(part, stored)


def write_story(folder: Path, summary: dict[str, Any], processing: Processing | None, console: Console) -> None:
    """summary.txt, report.html with plots.json, and summary.json. A page that cannot be made does not cost the results.

    Raises OSError where they cannot be written.
    """
    with written_whole(folder / "summary.txt") as part:
        part.write_text(legible_lines(summary_page(summary, processing, console)), encoding="utf-8")
    try:
        report = report_of(summary, processing)
        with written_whole(folder / "report.html") as part:
            write_report(part, summary, report)
        with written_whole(folder / "plots.json") as part:
            part.write_text(report_text(report), encoding="utf-8", errors="backslashreplace")
    except OSError:
        raise
    except Exception as error:  # the edge: the data are already written
        console.log(traceback.format_exc())
        console.print(f"{summary['sweep']}: the report could not be drawn: {error}")
    write_json(folder / "summary.json", summary)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write what JSON can hold of it. Raises OSError."""
    with written_whole(path) as part:
        part.write_text(json.dumps(plain(content), indent=2, allow_nan=False) + "\n", encoding="utf-8")


def plain(value: Any) -> Any:
    """The same with what JSON knows in place of numpy's values, paths and tuples; what is not finite becomes None."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value
