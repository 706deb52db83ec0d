"""One job: its images imported, processed, and told in its folder."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

from autoproc.console import Console
from autoproc.errors import AutoprocError
from autoproc.formats.confinement import may_lead_into
from autoproc.formats.registry import read_image
from autoproc.formats.sweeps import NoImages, find_series
from autoproc.service.processing.images_gone import images_gone, lost_meanwhile, shortage
from autoproc.service.processing.order import Order
from autoproc.service.processing.own_images import beyond, chosen, within_range
from autoproc.service.processing.process_ahead import ResultsAhead
from autoproc.service.processing.process_group import process_group
from autoproc.service.processing.process_part import process_part, shared
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
    if order.part_of is not None:
        return process_part(order, console)
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
    with shared(order, sweep) as sharing:
        summary = process_sweep(sweep, order.folder, config, console, lost, told, early, sharing)
    for line in [] if sharing is None else sharing.words:
        console.log(f"helpers: {line}")
    return with_record(summary, order)


def n_imported(result: ImportResult) -> int:
    """How many images were found, whether or not they are a sweep; as many as there may be where some are in error."""
    if result.problems:
        return sys.maxsize
    sweeps = sum(sweep.experiment.scan.n_images for sweep in result.experiments)
    return sweeps + sum(skipped.n_images for skipped in result.skipped)


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
