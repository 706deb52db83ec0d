"""`autoproc run`: every sweep under some paths, from images to merged intensities."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from autoproc.commands.step import FAILED, OK, fail
from autoproc.config import Config, read_config, with_command_line
from autoproc.console import Console
from autoproc.errors import AutoprocError, InputError, UnreadableFile
from autoproc.overrides import split_arguments
from autoproc.reports.summary import Failure, summarise
from autoproc.service.process_sweep import process_sweep
from autoproc.stages.import_sweep import ImportedSweep, ImportResult, format_import, import_sweeps


class NothingToProcess(InputError):
    """No sweep under the paths."""

    what = "no sweep of images was found in {paths}{passed_over}"
    hint = "give a folder of images, an image, a template with #, or a master file"


def run_command(
    arguments: Annotated[
        list[str],
        typer.Argument(metavar="PATH... [KEY=VALUE...]", help="Folders, images, templates, master files; parameters."),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder of the results, one folder a sweep below it.")
    ] = Path("autoproc_processed"),
    config: Annotated[Path | None, typer.Option("--config", "-c", help="TOML file of parameters.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Process what is there and leave (as it does anyway).")] = False,
) -> None:
    """Process every sweep found under the paths: images in, merged intensities out.

    For each sweep OUTPUT/<sweep>/ holds merged.mtz, unmerged.mtz, summary.txt, summary.json, report.html,
    autoproc.log and stages/ (the .expt and .refl files of every step, which DIALS reads). Parameters as
    TABLE.KEY=VALUE, for example scale.d_min=1.8 index.max_lattices=2; `autoproc config` prints them all.
    Exit status: 0 all processed, 3 at least one sweep failed, 2 wrong usage.
    """
    try:
        paths, overrides = split_arguments(arguments)
        settings = with_command_line(read_config(config), overrides)
        failed = run_all(paths, output, settings)
    except AutoprocError as error:
        fail(error)
    raise typer.Exit(FAILED if failed else OK)


def run_all(paths: Sequence[str], output: Path, config: Config) -> int:
    """Process all sweeps under the paths; returns how many failed."""
    result = import_sweeps(paths, config.import_sweep)
    if not result.experiments and not result.problems:
        passed_over = "".join(f"; {s.path.name}: {s.reason}" for s in result.skipped)
        raise NothingToProcess(paths=", ".join(map(str, paths)), passed_over=passed_over)
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnreadableFile(path=output, reason=error.strerror or error) from error
    _say_what_was_passed_over(result)
    summaries = [_process_one(sweep, output, config) for sweep in result.experiments]
    failed = [s for s in summaries if s["status"] == "failed"]
    typer.echo(
        f"{len(summaries) - len(failed)} processed, {len(failed) + len(result.problems)} failed; results in {output}"
    )
    return len(failed) + len(result.problems)


def _say_what_was_passed_over(result: ImportResult) -> None:
    for skipped in result.skipped:
        typer.echo(f"{skipped.path}: not processed: {skipped.reason}")
    for problem in result.problems:
        typer.echo(f"autoproc: {problem}", err=True)


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
    for line in _result_lines(summary, folder):
        typer.echo(line)
    return summary


def _result_lines(summary: dict[str, Any], folder: Path) -> Iterable[str]:
    name = summary["sweep"]
    if summary["status"] == "failed":
        yield f"{name}: FAILED at {summary['error_stage']}: {summary['error']}"
        if summary["error_hint"]:
            yield f"    {summary['error_hint']}"
        return
    cell = " ".join(f"{x:.2f}" for x in summary["unit_cell"])
    overall = summary["merging_statistics"]["overall"]
    yield (
        f"{name}: {summary['space_group']}  {cell}  {summary['d_min']:.2f} A  "
        f"{overall['completeness']:.1f}% complete  Rmeas {overall['r_meas']:.3f}  CC1/2 {overall['cc_half']:.3f}"
    )
    for file in ("merged.mtz", "summary.txt", "report.html"):
        yield f"    {folder / file}"
