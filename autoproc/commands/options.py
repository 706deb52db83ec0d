"""Arguments and options that several subcommands have. Loads nothing of what they do, as cli.py does not."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from autoproc.commands.catalogue import STEPS

FILE_ENDINGS = (
    ".mtz",
    ".expt",
    ".refl",
    ".log",
    ".html",
    ".json",
    ".txt",
    ".toml",
    ".cbf",
    ".h5",
    ".nxs",
    ".cif",
    ".hkl",
    ".HKL",
    ".sca",
    ".cif_pets",
)


def folder(context: typer.Context, output: Path) -> Path:
    """Refuse the name of a file where a folder is meant, before a folder of that name is made."""
    own = ENDINGS.get(context.command.name or "", ())
    takes_file = output.suffix in own
    if os.path.isdir(output) or takes_file:  # unlike Path.is_dir, never raises
        return output
    if os.path.isfile(output) or output.suffix in FILE_ENDINGS:
        endings = f" or a file ending in {', '.join(own)}" if own else "; the files have names of their own"
        raise typer.BadParameter(f"{output} is a file's name: give the folder to write into{endings}")
    return output


ENDINGS = {step.name: step.endings for step in STEPS if step.endings}

Arguments = Annotated[
    list[str],
    typer.Argument(metavar="FILE... [KEY=VALUE...]", help="Input files, and key=value for each parameter to change."),
]
OutputFolder = Annotated[Path, typer.Option("--output", "-o", help="Folder to write into.", callback=folder)]
OutputFile = Annotated[
    Path, typer.Option("--output", "-o", help="Folder to write into, or the file to write.", callback=folder)
]
Threads = Annotated[
    int | None, typer.Option("--threads", "-j", min=1, help="Threads to work with; all cores if not given.")
]

Verbosity = Annotated[int, typer.Option("--verbose", "-v", count=True, help="Print every parameter in force first.")]
ExpertLevel = Annotated[int, typer.Option("--expert-level", "-e", hidden=True)]
"""Of DIALS's programs; every parameter is shown anyway."""
AttributesLevel = Annotated[int, typer.Option("--attributes-level", "-a", hidden=True)]
