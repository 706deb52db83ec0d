"""One sweep, from images to a folder of results."""

from __future__ import annotations

import json
import traceback
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

from autoproc.config import Config
from autoproc.console import Console
from autoproc.errors import AutoprocError
from autoproc.formats.expt import write_expt
from autoproc.formats.frames import ImageReader
from autoproc.formats.image_numbers import to_file_frames
from autoproc.formats.mtz import write_merged_mtz, write_unmerged_mtz
from autoproc.formats.refl import write_refl
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Flag, Reflections
from autoproc.reports.html import write_report
from autoproc.reports.summary import Failure, format_summary, summarise
from autoproc.stages.import_sweep import ImportedSweep
from autoproc.stages.pipeline import Processing, process


class SweepFolder:
    """Where a sweep's results go: an Observer of the pipeline that logs and keeps what the stages give."""

    def __init__(self, folder: Path, console: Console) -> None:
        self.folder = folder
        self.console = console
        (folder / "stages").mkdir(parents=True, exist_ok=True)

    def stage(self, name: str, report: str) -> None:
        """Log a stage's report."""
        self.console.log(f"\n{name}\n{'=' * len(name)}\n{report}")

    def keep(self, stem: str, experiments: Sequence[Experiment], reflections: Reflections | None) -> None:
        """Write stages/STEM.expt and .refl."""
        write_expt(self.folder / "stages" / f"{stem}.expt", experiments)
        if reflections is not None:
            write_refl(self.folder / "stages" / f"{stem}.refl", to_file_frames(reflections, experiments))

    def watch(self, reader: ImageReader, label: str) -> AbstractContextManager[ImageReader]:
        """Show progress."""
        return self.console.watch(reader, label)


def process_sweep(sweep: ImportedSweep, folder: Path, config: Config, console: Console) -> dict[str, Any]:
    """Process a sweep and write its folder; returns what summary.json holds.

    Nothing that goes wrong with one sweep leaves this function: its summary says what it was.
    """
    observer = SweepFolder(folder, console)
    processing = Processing(sweep.experiment, warnings=list(sweep.warnings))
    failure = None
    try:
        process(processing, config, observer)
        write_data(sweep.name, folder, processing)
    except AutoprocError as error:
        failure = Failure.of(processing.current, error)
    except Exception as error:  # the edge: a bug or a full disk costs this sweep, not the others
        console.log(traceback.format_exc())
        failure = Failure.of(processing.current, error)
    if failure is not None:
        console.log(f"\nfailed at {failure.stage}: {failure.message}\n{failure.hint}")
    summary = summarise(sweep.name, processing, failure)
    write_story(folder, summary, processing, console)
    return summary


def write_data(name: str, folder: Path, processing: Processing) -> None:
    """merged.mtz and unmerged.mtz."""
    scaled, merged = processing.scaled, processing.merged
    assert scaled is not None
    assert merged is not None
    write_merged_mtz(folder / "merged.mtz", merged, name)
    write_unmerged_mtz(folder / "unmerged.mtz", scaled.experiments, exportable(scaled.reflections), name)


def exportable(reflections: Reflections) -> Reflections:
    """What belongs in an unmerged file: scaled observations that are no outliers, or all integrated ones."""
    if "inverse_scale" in reflections:
        good = reflections.has_flag(Flag.SCALED) & ~reflections.has_any_flag(Flag.BAD_FOR_SCALING)
        return reflections[good & (reflections["inverse_scale"] > 0) & (reflections["variance_scale"] > 0)]
    return reflections[reflections.has_any_flag(Flag.INTEGRATED_SUM | Flag.INTEGRATED_PRF)]


def write_story(folder: Path, summary: dict[str, Any], processing: Processing | None, console: Console) -> None:
    """summary.json, summary.txt and report.html. A report that cannot be drawn does not cost the results."""
    try:
        (folder / "summary.json").write_text(json.dumps(summary, indent=2, default=plain) + "\n", encoding="utf-8")
        (folder / "summary.txt").write_text(format_summary(summary, processing), encoding="utf-8")
        write_report(folder / "report.html", summary, processing)
    except Exception as error:  # the edge: the data are already written
        console.log(traceback.format_exc())
        console.print(f"{summary['sweep']}: the report could not be written in full: {error}")


def plain(value: Any) -> Any:
    """Numpy values as JSON knows them."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value)} cannot be written as JSON")
