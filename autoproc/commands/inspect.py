"""`autoproc show` and `autoproc config`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from autoproc.commands.step import FAILED, leaving_well, say_error
from autoproc.config import Config, format_config, read_config
from autoproc.errors import AutoprocError, CorruptFile, UnreadableFile
from autoproc.formats.expt import read_expt
from autoproc.formats.registry import format_name, read_experiment
from autoproc.overrides import UnknownParameter, suggestion
from autoproc.reports.show import format_experiments, format_mtz, format_reflections


def describe(path: Path) -> str:
    """What one file holds. Raises AutoprocError."""
    if path.suffix == ".expt":
        return format_experiments(read_expt(path))
    if path.suffix == ".refl":
        return format_reflections(path)
    if path.suffix == ".mtz":
        return _described_mtz(path)
    return f"Format: {format_name(path)}\n\n{format_experiments([read_experiment(path)])}"


def _described_mtz(path: Path) -> str:
    try:
        return format_mtz(path)
    except (OSError, RuntimeError) as error:  # gemmi's errors
        if not path.is_file():
            raise UnreadableFile(path=path, reason="there is no such file") from error
        raise CorruptFile(path=path, reason=f"it is no MTZ file ({error})") from error


def show_command(files: Sequence[Path]) -> None:
    """Print what files hold; one that cannot be read does not hide the others."""
    failed = False
    with leaving_well():
        for path in files:
            try:
                typer.echo(f"{path}:\n{describe(path)}\n")
            except AutoprocError as error:
                failed = True
                say_error(error)
    if failed:
        raise typer.Exit(FAILED)


def config_command(table: str | None, file: Path | None) -> None:
    """Print the configuration."""
    with leaving_well():
        if table is not None and table not in Config.model_fields:
            raise UnknownParameter(key=f"[{table}]", suggestion=suggestion(table, Config.model_fields))
        typer.echo(format_config(read_config(file), table))
