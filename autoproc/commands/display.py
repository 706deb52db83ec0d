"""`autoproc show` and `autoproc config`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from autoproc.commands.catalogue import StepDescription, table_name
from autoproc.commands.leaving import FAILED, leaving_well, say_error
from autoproc.errors import AutoprocError
from autoproc.legible import legible, legible_lines
from autoproc.overrides import UnknownParameter, suggestion
from autoproc.reports.show import describe


def show_command(files: Sequence[Path]) -> None:
    """Print what files hold; one that cannot be read does not hide the others."""
    failed = False
    with leaving_well():
        for path in files:
            try:
                typer.echo(f"{legible(path)}:\n{legible_lines(describe(path))}\n")
            except AutoprocError as error:
                failed = True
                say_error(error)
    if failed:
        raise typer.Exit(FAILED)


def config_command(table: str | None, file: Path | None) -> None:
    """Print the configuration."""
    from autoproc.config import Config, format_config, read_config, table_lines  # noqa: PLC0415  (loads every stage)

    with leaving_well():
        table = table_name(table) if table is not None else None
        if table == "simulate":
            from autoproc.simulation.params import SimulateParams  # noqa: PLC0415

            typer.echo("\n".join(table_lines("simulate", SimulateParams())))
            return
        if table is not None and table not in Config.model_fields:
            raise UnknownParameter(key=f"[{table}]", suggestion=suggestion(table, Config.model_fields))
        typer.echo(format_config(read_config(file), table))


def parameters_command(step: StepDescription) -> None:
    """Print the parameters of a step."""
    if step.table:
        config_command(step.table, None)
    else:
        typer.echo(f"autoproc {step.name} has no parameters")
