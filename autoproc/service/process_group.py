"""One group of sweeps: their integrated data put together, scaled, merged, and told in its folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autoproc.console import Console
from autoproc.engine.combination import combine_sensibly
from autoproc.errors import AutoprocError, ProcessingError
from autoproc.formats.expt import read_expt
from autoproc.formats.image_numbers import to_scan_frames
from autoproc.formats.refl import read_refl
from autoproc.models.experiment import Experiment
from autoproc.models.numbering import joined
from autoproc.models.reflections import Reflections
from autoproc.reports.ispyb import ispyb_record
from autoproc.reports.summary import Failure
from autoproc.service.order import Order
from autoproc.service.outputs import home_of
from autoproc.service.process_sweep import tell, write_data, write_json
from autoproc.service.sweep_folder import SweepFolder
from autoproc.stages.combine import NothingAgrees
from autoproc.stages.pipeline import Processing, gathered_warnings

FEWEST = 2


class TooFewSweeps(ProcessingError):
    """A group of which fewer than two sweeps have results."""

    what = "{n} of the sweeps of {group} have results that could be put together{why}"
    hint = "it is tried again by itself when another of its sweeps is processed"


def process_group(order: Order, console: Console) -> dict[str, Any]:
    """Put the sweeps of an order together in its folder; returns what summary.json holds, with its members."""
    output = home_of(order.folder).parents[1]
    processing: Processing | None = None
    failure: Failure | None = None
    with SweepFolder(order.folder, console) as stage_files:
        try:
            names, experiments, reflections = integrated_data(output, [name for name, _ in order.members], order.name)
            processing = Processing(experiments[0])
            combine_sensibly(processing, names, (experiments, reflections), order.config, stage_files)
            stage_files.settle()
            processing.current = "output"
            write_data(order.name, order.folder, processing)
        except NothingAgrees as error:  # no failure of the sweeps: each has its own results
            console.log_details(error)
            failure = Failure("combine", error.message, error.advice, status="not_combined")
        except Exception as error:  # the edge: a bug or a full disk costs this group, not the others
            console.log_details(error)
            stage = "output" if stage_files.has_failed or processing is None else processing.current
            failure = Failure.of(stage, error)
    if processing is not None:
        processing.warnings = gathered_warnings(processing)
    summary = tell(order.folder, order.name, processing, failure, console)
    summary["members"] = dict(order.members)
    write_json(order.folder / "summary.json", summary)
    write_json(order.folder / "ispyb.json", ispyb_record(summary, str(home_of(order.folder))))
    return summary


def integrated_data(
    output: Path, sweeps: Sequence[str], group: str
) -> tuple[list[str], list[Experiment], Reflections]:
    """Names, experiments and integrated reflections of sweeps, each lattice of each a data set.

    Raises TooFewSweeps.
    """
    names: list[str] = []
    experiments: list[Experiment] = []
    tables: list[Reflections] = []
    numbers: list[int] = []
    missing: list[str] = []
    for sweep in sweeps:
        try:
            found, table = integrated_sweep(output / sweep / "stages")
        except (OSError, AutoprocError) as error:
            missing.append(f"{sweep}: {error.message if isinstance(error, AutoprocError) else error.strerror}")
            continue
        several = len(found) > 1
        names += [f"{sweep} lattice {n + 1}" if several else sweep for n in range(len(found))]
        tables.append(table)
        numbers.append(len(found))
        experiments += found
    n = len(sweeps) - len(missing)
    if n < FEWEST:
        raise TooFewSweeps(n=n, group=group, why="".join(f"; {text}" for text in missing))
    return names, experiments, joined(tables, numbers)


def integrated_sweep(stages: Path) -> tuple[list[Experiment], Reflections]:
    """A sweep's integrated data, as its stage has left them. Raises OSError or AutoprocError."""
    experiments = read_expt(stages / "integrated.expt")
    return list(experiments), to_scan_frames(read_refl(stages / "integrated.refl"), experiments)
