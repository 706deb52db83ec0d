"""The command `autoproc`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autoproc import __version__

app = typer.Typer(
    name="autoproc",
    help="Process X-ray rotation sweeps: images in, merged intensities out.\n\n"
    "`autoproc run PATH` does everything. The other commands are its steps, one by one, as a crystallographer "
    "walks through them with DIALS; they read and write the same .expt and .refl files.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"autoproc {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Set nothing; --version acts by itself."""


def _config(
    table: Annotated[str | None, typer.Argument(help="Print this table only, for example index.")] = None,
    file: Annotated[Path | None, typer.Option("--config", "-c", help="Check this file; print it whole.")] = None,
) -> None:
    """Print every parameter with its meaning and value, as a TOML file to start from."""
    from autoproc.commands.inspect import config_command  # noqa: PLC0415

    config_command(table, file)


def _show(
    files: Annotated[list[Path], typer.Argument(help=".expt, .refl, images, master files, .mtz")],
) -> None:
    """Print what files hold: models, columns, headers."""
    from autoproc.commands.inspect import show_command  # noqa: PLC0415

    show_command(files)


def _register() -> None:
    """Add the commands; their modules load numpy and the stages."""
    from autoproc.commands import run, simulate, stages  # noqa: PLC0415

    app.command("run")(run.run_command)
    for name, function in (
        ("import", stages.import_command),
        ("find-spots", stages.find_spots_command),
        ("search-beam-position", stages.search_beam_command),
        ("index", stages.index_command),
        ("bravais-settings", stages.bravais_settings_command),
        ("reindex", stages.reindex_command),
        ("refine", stages.refine_command),
        ("integrate", stages.integrate_command),
        ("symmetry", stages.symmetry_command),
        ("scale", stages.scale_command),
        ("estimate-resolution", stages.estimate_resolution_command),
        ("merge", stages.merge_command),
        ("export", stages.export_command),
    ):
        app.command(name)(function)
    app.command("show")(_show)
    app.command("config")(_config)
    app.command("simulate")(simulate.simulate_command)


def main() -> None:
    """Run the program."""
    _register()
    app()
