"""One job: its images imported, processed, and told in its folder."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from autoproc.config import Config
from autoproc.console import Console
from autoproc.errors import AutoprocError
from autoproc.formats.confinement import may_lead_into
from autoproc.formats.registry import read_image
from autoproc.formats.sweeps import NoImages, find_series
from autoproc.service.processing.images_gone import images_gone, lost_meanwhile, shortage
from autoproc.service.processing.order import Order
from autoproc.service.processing.process_ahead import ResultsAhead
from autoproc.service.processing.process_group import process_group
from autoproc.service.processing.process_sweep import fail_import, process_sweep
from autoproc.service.processing.record import with_record
from autoproc.service.processing.told_parameters import with_told
from autoproc.stages.early_work import EarlyWork
from autoproc.stages.import_sweep import ImportedSweep, ImportResult, Skipped, format_import, import_sweeps


def process_job(
    order: Order, console: Console, early: EarlyWork | None = None, ahead: ResultsAhead | None = None
) -> dict[str, Any]:
    """Process a sweep, or a group of them, into the order's folder; returns what summary.json holds.

    early : what was found on the sweep's images while they were collected
    ahead : what was made of them already, in case that no more come
    """
    held = None if ahead is None else ahead.results_of(order, console)
    if held is not None:
        return held
    order, told = with_told(order)
    for line in told.lines:
        console.log(line)
    for warning in told.warnings:
        console.print(f"{order.name}: {warning}")
    if order.members:
        return process_group(order, told, console)
    config = within_range(order.config, order.image_range)
    may_lead_into(config.import_sweep.link_roots)
    console.log(f"images: {order.path}")
    gone = images_gone(order, order.config)
    result = ImportResult((), (), ()) if gone else import_sweeps([order.path], config.import_sweep)
    gone = gone or shortage(order, order.config, n_imported(result))
    sweep = chosen(result.experiments, order.image_range)
    if gone is not None or sweep is None:
        error = gone or why_none(result, order.path)
        error = lost_meanwhile(order, order.config, error, None) or error
        return with_record(fail_import(order.name, Path(order.path), error, order.folder, console, told), order)
    warnings = sweep.warnings
    if order.partial and order.partial not in warnings:
        warnings = (*warnings, f"partial: {order.partial}")
    warnings = (*beyond(order.config, order.image_range), *warnings)
    sweep = ImportedSweep(
        order.name, sweep.experiment, sweep.files, sweep.format, warnings, partial=order.partial
    )  # fmt: skip
    console.log(format_import(ImportResult((sweep,), (), ())))
    if early is not None:
        console.log(early.words)
    lost = partial(lost_meanwhile, order, order.config)
    return with_record(process_sweep(sweep, order.folder, config, console, lost, told, early), order)


def n_imported(result: ImportResult) -> int:
    """How many images were found, whether or not they are a sweep; as many as there may be where some are in error."""
    if result.problems:
        return sys.maxsize
    sweeps = sum(sweep.experiment.scan.n_images for sweep in result.experiments)
    return sweeps + sum(skipped.n_images for skipped in result.skipped)


def within_range(config: Config, image_range: tuple[int, int] | None) -> Config:
    """The configuration with a sweep's own images, as far as the user wants them."""
    if image_range is None:
        return config
    first, last = config.import_sweep.image_range or image_range
    common = (max(first, image_range[0]), min(last, image_range[1]))
    if common[0] > common[1]:
        return config
    return config.model_copy(update={"import_sweep": config.import_sweep.model_copy(update={"image_range": common})})


def beyond(config: Config, image_range: tuple[int, int] | None) -> tuple[str, ...]:
    """A warning where the user wants images that the sweep has not: import is told of its own only."""
    wanted = config.import_sweep.image_range
    if wanted is None or image_range is None or (wanted[0] >= image_range[0] and wanted[1] <= image_range[1]):
        return ()
    first, last = image_range
    return (f"image_range {wanted[0]} to {wanted[1]} goes beyond the images, {first} to {last}",)


def chosen(sweeps: Sequence[ImportedSweep], image_range: tuple[int, int] | None) -> ImportedSweep | None:
    """The sweep that has most of these images, the first of several."""

    def n_images(sweep: ImportedSweep) -> int:
        first, last = sweep.experiment.scan.image_range
        low, high = image_range or (first, last)
        return min(last, high) - max(first, low) + 1

    return max(sweeps, key=n_images, default=None)


def why_none(result: ImportResult, path: str) -> AutoprocError:
    """Why a path gave no sweep."""
    if result.problems:
        return result.problems[0]
    damage = damage_of_lone(path)
    if damage is not None:
        return damage
    named: list[Skipped] = [s for s in result.skipped if s.instead_of] or list(result.skipped)
    return named[0].error if named else NoImages(path=path)


def damage_of_lone(path: str) -> AutoprocError | None:
    """What is wrong with the one image of a path: that matters more than that one is no sweep."""
    files = [file for series in find_series([path]).series if series.kind == "cbf" for file in series.files.values()]
    if len(files) != 1:
        return None
    try:
        read_image(files[0])
    except AutoprocError as error:
        return error
    return None
