"""What a file holds, in words: experiments, reflections, images, MTZ."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from autoproc.errors import AutoprocError, CorruptFile, InputError, UnsupportedFile
from autoproc.formats.boundary import reads_file
from autoproc.formats.compressed import read_start
from autoproc.formats.dials.expt import read_expt
from autoproc.formats.no_files import require_file
from autoproc.formats.observed.foreign_data import ForeignData
from autoproc.formats.observed.observation_files import reader_of_observations
from autoproc.formats.observed.xds_inp import is_xds_geometry, read_xds_inp
from autoproc.formats.registry import format_name, open_reader, read_experiment
from autoproc.importing.plausibility import plausibility_warnings
from autoproc.models.experiment import Experiment
from autoproc.reports.show_doubts import doubts_of_models, doubts_of_reflections, told_of_unmerged
from autoproc.reports.show_exported import EXPORTED, points_in
from autoproc.reports.show_models import format_experiments
from autoproc.reports.show_mtz import format_mtz
from autoproc.reports.show_reflections import column_table, format_reflections

__all__ = ["describe", "format_experiments", "format_image", "format_mtz", "format_reflections"]

LONGEST_INP = 1 << 14
MTZ_MAGIC = b"MTZ "
FOR_READING = {".txt": "text", ".log": "text", ".toml": "text", ".html": "a page for a browser"}
"""Suffixes of what needs no program of ours to be read."""
EXPERIMENTS_KEY = "__id__"
"""That every list of experiments has."""


class NothingToShow(InputError):
    """Something that holds neither models nor reflections nor pixels."""

    what = "{path} is {kind}"
    hint = "{instead}"


class NotShown(UnsupportedFile):
    """A file of which show can say nothing."""

    hint = (
        "autoproc show reads .expt, .refl, .mtz, .HKL, .hkl, .ins, .sca, .cif and rlp.json files, XDS.INP, and images: "
        "CBF, a NeXus/DECTRIS master (.nxs, _master.h5), SMV, MarCCD, EDF or TIFF"
    )


@reads_file
def describe(path: str | Path) -> str:
    """What one file holds: models, reflections, what was exported, an image or a master file. Raises AutoprocError."""
    path = Path(path)
    if os.path.isdir(path):  # unlike Path.is_dir, never raises: names come from anybody
        raise NothingToShow(path=path, kind="a folder", instead=_instead_of_folder(path))
    require_file(path)
    if os.path.exists(path) and not path.stat().st_size:
        raise CorruptFile(path=path, reason="it is empty")
    if path.suffix in FOR_READING and os.path.exists(path):
        raise NothingToShow(path=path, kind=FOR_READING[path.suffix], instead="open it as it is")
    if path.suffix in EXPORTED and os.path.exists(path):
        return EXPORTED[path.suffix](path)
    if path.suffix == ".json" and os.path.exists(path):
        points = points_in(path)
        if points:
            return points
        _refuse_reports(path)
    if path.suffix in (".expt", ".json"):
        experiments = read_expt(path)
        return _followed(_with_doubts(experiments), doubts_of_models(path, experiments))
    if path.suffix == ".refl":
        return _followed(format_reflections(path), doubts_of_reflections(path))
    if path.suffix == ".mtz" or read_start(path, 4) == MTZ_MAGIC:
        assumed, doubts = told_of_unmerged(path)
        return _followed("\n\n".join(filter(None, [format_mtz(path), assumed])), doubts)
    read = reader_of_observations(path)
    if read is not None:
        return format_observations(read(path))
    if path.suffix.upper() in (".INP", ".XDS") and is_xds_geometry(read_start(path, LONGEST_INP)):
        return _with_doubts([read_xds_inp(path)])
    return format_image(path)


def format_observations(data: ForeignData) -> str:
    """What another program's file of observations holds: the models that it tells, and its intensities."""
    told = "\n".join(data.lines)
    return _followed(
        f"{told}\n\n{format_experiments(data.experiments)}\n\n{column_table(data.reflections)}", data.warnings
    )


def _instead_of_folder(path: Path) -> str:
    results = [name for name in ("summary.txt", "report.html") if (path / name).exists()]
    if results:
        return f"look at {' or '.join(results)} in it, or name a file, as {path / 'merged.mtz'}"
    return f"name a file in it; `autoproc run {path}` processes the sweeps in it"


def _refuse_reports(path: Path) -> None:
    """Raise NothingToShow for JSON that is no list of experiments, as summary.json."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    if isinstance(content, dict) and EXPERIMENTS_KEY in content:
        return
    beside = path.with_name("summary.txt")
    instead = f"look at {beside}" if beside.exists() else "experiments are in .expt files"
    is_ours = isinstance(content, dict) and ("autoproc_version" in content or beside.exists())
    kind = "a report for programs" if is_ours else "JSON, but no list of experiments"
    raise NothingToShow(path=path, kind=kind, instead=instead)


def format_image(path: Path) -> str:
    """The models that the header of an image or a master file describes, and the pixels of its first image."""
    try:
        experiment = read_experiment(path)
    except UnsupportedFile as error:
        raise NotShown(path=path, reason=error.facts.get("reason", "of another kind")) from error
    parts = [f"Format: {format_name(path)}", _with_doubts([experiment]), _pixels(experiment)]
    return "\n\n".join(parts)


def _with_doubts(experiments: Sequence[Experiment]) -> str:
    """The models, and what of them a crystallographer should look at."""
    doubts = dict.fromkeys(doubt for experiment in experiments for doubt in plausibility_warnings(experiment))
    return _followed(format_experiments(experiments), doubts)


def _followed(text: str, doubts: Iterable[str]) -> str:
    """A description, and what a crystallographer should look at."""
    return "\n\n".join([text, *(f"Warning: {doubt}" for doubt in doubts)])


def _pixels(experiment: Experiment) -> str:
    """Counts of the first image; why not, where they cannot be read, as when a master's data files are missing."""
    title = f"Pixels of image {experiment.scan.image_range[0]}:"
    try:
        reader = open_reader(experiment)
        image, mask = reader.read(0), reader.mask
    except AutoprocError as error:
        return f"{title}\n    {error.message}"
    good = image[mask & (image >= reader.min_trusted)]
    lines = [title, f"    trusted:     {mask.sum()} of {mask.size} ({mask.mean():.1%})"]
    if len(good):
        overloaded = int(np.count_nonzero(good >= reader.max_trusted))
        lines += [
            f"    counts:      {good.min()} to {good.max()}, mean {good.mean():.4g}, median {np.median(good):.4g}",
            f"    overloaded:  {overloaded} (at or above {reader.max_trusted:g})",
        ]
    return "\n".join(lines)
