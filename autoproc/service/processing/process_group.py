"""One group of sweeps: put together as their own processing has left them, scaled, merged, and told in its folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from autoproc.console import Console
from autoproc.engine.groups import GroupSweep, TooFewSweeps, put_together
from autoproc.engine.joint import NotOneCrystal, SweepFound
from autoproc.errors import AutoprocError
from autoproc.formats.dials.expt import read_expt
from autoproc.formats.dials.image_numbers import to_scan_frames
from autoproc.formats.dials.refl import read_refl
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.reports.expectations import expectations, warnings_of
from autoproc.reports.summary import Failure
from autoproc.service.processing.order import Order
from autoproc.service.processing.process_sweep import expected_by, tell, write_data, write_json
from autoproc.service.processing.record import with_record
from autoproc.service.processing.told_parameters import ToldParameters
from autoproc.service.results.outputs import home_of
from autoproc.service.results.sweep_folder import SweepFolder
from autoproc.stages.combine import NothingAgrees
from autoproc.stages.pipeline import Processing, gathered_warnings


def process_group(order: Order, told: ToldParameters, console: Console) -> dict[str, Any]:
    """Put the sweeps of an order together in its folder; returns what summary.json holds, with its members."""
    output = home_of(order.attempt).parents[1]
    processing: Processing | None = None
    failure: Failure | None = None
    with SweepFolder(order.folder, console) as stage_files:
        try:
            sweeps = [group_sweep(output, name) for name, _ in order.members]
            processing = Processing(some_experiment(sweeps, order.name), **expected_by(order.config))
            put_together(processing, order.name, sweeps, order.config, stage_files)
            stage_files.settle()
            processing.current = "output"
            processing.warn("what was expected", *warnings_of(expectations(processing)))
            write_data(order.name, order.folder, processing)
        except (NothingAgrees, NotOneCrystal) as error:  # no failure of the sweeps: each has its own results
            console.log_details(error)
            failure = Failure("combine", error.message, error.advice, status="not_combined")
        except Exception as error:  # the edge: a bug or a full disk costs this group, not the others
            console.log_details(error)
            stage = "output" if stage_files.has_failed or processing is None else processing.current
            failure = Failure.of(stage, error)
    if processing is not None:
        processing.warnings = gathered_warnings(processing)
    summary = tell(order.folder, order.name, processing, failure, console, told)
    summary["members"] = dict(order.members)
    write_json(order.folder / "summary.json", summary)
    return with_record(summary, order)


def group_sweep(output: Path, name: str) -> GroupSweep:
    """A sweep as its own processing has left it in the folder of results."""
    stages, facts = output / name / "stages", summary_of(output / name)
    integrated, failure = None, ""
    try:
        integrated = integrated_sweep(stages)
    except (OSError, AutoprocError) as error:
        failure = error.message if isinstance(error, AutoprocError) else str(error.strerror)
        failure = facts.get("error") or failure
    has_spots = (stages / "strong.refl").exists() and (stages / "imported.expt").exists()
    n_spots = int(facts.get("n_spots") or 0) if has_spots else 0
    return GroupSweep(name, failure, integrated, n_spots, partial(found_sweep, name, stages))


def summary_of(folder: Path) -> dict[str, Any]:
    """What summary.json says; nothing where it cannot be read."""
    try:
        facts = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def some_experiment(sweeps: Sequence[GroupSweep], group: str) -> Experiment:
    """That of the first sweep that has one. Raises TooFewSweeps."""
    for sweep in sweeps:
        if sweep.integrated is not None:
            return sweep.integrated[0][0]
        if sweep.n_spots:
            return sweep.found().experiment
    raise TooFewSweeps(n=0, group=group, why="".join(f"; {sweep.name}: {sweep.failure}" for sweep in sweeps))


def integrated_sweep(stages: Path) -> tuple[list[Experiment], Reflections]:
    """A sweep's integrated data, as its stage has left them. Raises OSError or AutoprocError."""
    experiments = read_expt(stages / "integrated.expt")
    return list(experiments), to_scan_frames(read_refl(stages / "integrated.refl"), experiments)


def found_sweep(name: str, stages: Path) -> SweepFound:
    """A sweep's header and spots, as its stages have left them. Raises OSError or AutoprocError."""
    experiments = read_expt(stages / "imported.expt")
    return SweepFound(name, experiments[0], to_scan_frames(read_refl(stages / "strong.refl"), experiments))
