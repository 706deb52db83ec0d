"""`autoproc run`: every sweep under some paths, from images to merged intensities."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import typer

from autoproc.commands.leaving import FAILED, OK, CannotWrite, leaving_well, say_error
from autoproc.commands.step import WrongArguments
from autoproc.config import Config, read_config, with_command_line, with_threads
from autoproc.console import Console
from autoproc.errors import InputError
from autoproc.overrides import split_arguments
from autoproc.reports.summary import Failure, summarise
from autoproc.service.process_sweep import fail_import, process_sweep
from autoproc.stages.import_sweep import (
    FailedImport,
    ImportedSweep,
    ImportResult,
    Skipped,
    format_import,
    import_sweeps,
)


class NothingToProcess(InputError):
    """No sweep under the paths."""

    what = "no sweep of images was found in {paths}{passed_over}"
    hint = "give a folder of images, an image, a template with #, or a master file"


def run_command(arguments: Sequence[str], output: Path, config: Path | None, threads: int | None) -> None:
    """Process every sweep under the paths among the arguments, and leave with the exit status."""
    with leaving_well():
        paths, overrides = split_arguments(arguments)
        if not paths:
            raise WrongArguments(what_is_wrong="no path of images was given", command="run")
        settings = with_threads(with_command_line(read_config(config), overrides), threads)
        failed = run_all(paths, output, settings)
        raise typer.Exit(FAILED if failed else OK)


def run_all(paths: Sequence[str], output: Path, config: Config) -> int:
    """Process all sweeps under the paths; returns how many failed."""
    result = import_sweeps(paths, config.import_sweep)
    failures = {f.name or str(f.error): f for f in (*result.failures, *no_sweeps(result.skipped))}
    if not result.experiments and not failures:
        passed_over = "".join(f"; {s.path.name}: {s.reason}" for s in result.skipped)
        raise NothingToProcess(paths=", ".join(map(str, paths)), passed_over=passed_over)
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(path=output, reason=error.strerror or error) from error
    for skipped in result.skipped:
        if not skipped.instead_of:
            typer.echo(f"{skipped.path}: passed over: {skipped.reason}")
    n_failed = 0
    for failure in failures.values():
        _tell_failed_import(failure, output)
        n_failed += 1
    for sweep in result.experiments:
        summary = _process_one(sweep, output, config)
        n_failed += summary["status"] == "failed"
    n = len(result.experiments) + len(failures)
    typer.echo(f"{n - n_failed} processed, {n_failed} failed; results in {output}")
    return n_failed


def no_sweeps(skipped: Iterable[Skipped]) -> list[FailedImport]:
    """Stills and single images, where a sweep was looked for: they are failures, not to be passed over in silence."""
    return [FailedImport(s.path, s.instead_of, s.error) for s in skipped if s.instead_of]


def _tell_failed_import(failure: FailedImport, output: Path) -> None:
    """Say what could not be imported, and keep it in a folder of its own if it has a name."""
    if not failure.name:
        say_error(failure.error)
        return
    folder = output / failure.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with Console(folder / "autoproc.log", title=f"run {failure.name}") as console:
            summary = fail_import(failure.name, failure.path, failure.error, folder, console)
    except OSError:
        summary = summarise(failure.name, None, Failure.of("import", failure.error))
    _say_result(summary, folder)


def _process_one(sweep: ImportedSweep, output: Path, config: Config) -> dict[str, Any]:
    folder = output / sweep.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with Console(folder / "autoproc.log", title=f"run {sweep.name}") as console:
            console.log(format_import(ImportResult((sweep,), (), ())))
            typer.echo(f"{sweep.name}: {sweep.experiment.scan.n_images} images")
            summary = process_sweep(sweep, folder, config, console)
    except OSError as error:
        summary = summarise(sweep.name, None, Failure.of("output", error))
    _say_result(summary, folder)
    return summary


def _say_result(summary: dict[str, Any], folder: Path) -> None:
    for line in _result_lines(summary, folder):
        typer.echo(line, err=summary["status"] == "failed")


def _result_lines(summary: dict[str, Any], folder: Path) -> Iterable[str]:
    name = summary["sweep"]
    if summary["status"] == "failed":
        yield f"{name}: FAILED at {summary['error_stage']}: {summary['error']}"
        if summary["error_hint"]:
            yield f"    {summary['error_hint']}"
        yield from (f"    warning: {warning}" for warning in summary["warnings"])
        return
    cell = " ".join(f"{x:.2f}" for x in summary["unit_cell"])
    overall = summary["merging_statistics"]["overall"]
    yield (
        f"{name}: {summary['space_group']}  {cell}  {summary['d_min']:.2f} A  "
        f"{overall['completeness']:.1f}% complete  Rmeas {overall['r_meas']:.3f}  CC1/2 {overall['cc_half']:.3f}"
    )
    for file in ("merged.mtz", "summary.txt", "report.html"):
        yield f"    {folder / file}"
