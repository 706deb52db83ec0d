"""`autoproc simulate`: a sweep with a known answer."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from autoproc.commands.step import fail
from autoproc.errors import AutoprocError
from autoproc.overrides import split_arguments, with_overrides
from autoproc.simulation.params import SimulateParams, demo_params, small_params
from autoproc.simulation.simulate import simulate
from autoproc.simulation.write import write_sweep

PRESETS: dict[str, Callable[[], SimulateParams]] = {"demo": demo_params, "small": small_params, "sweep": SimulateParams}


class ImageFormat(StrEnum):
    """Image file formats."""

    minicbf = "minicbf"
    nxmx = "nxmx"


def simulate_command(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[demo|small|sweep] [KEY=VALUE...]", help="A preset to start from, and parameters."),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the images.")] = Path("simulated"),
    name: Annotated[str, typer.Option("--name", help="Name of the sweep's files.")] = "demo",
    image_format: Annotated[ImageFormat, typer.Option("--format", help="Image format.")] = ImageFormat.minicbf,
    compress: Annotated[bool, typer.Option("--gzip", help="Write .cbf.gz.")] = False,
) -> None:
    """Write a rotation sweep with a known answer: images, and NAME_truth.npz beside them.

    The demo is a lysozyme-like crystal on a Pilatus 300K. Change what you like:
    autoproc simulate sweep cell=96,51,62,90,112,90 space_group='C 1 2 1' n_images=240
    """
    try:
        words, overrides = split_arguments(arguments or [])
        preset = words[0] if words else "demo"
        if preset not in PRESETS or len(words) > 1:
            raise typer.BadParameter(f"{' '.join(words)}: expected one of {', '.join(PRESETS)}, then key=value")
        params = with_overrides(PRESETS[preset](), overrides, "simulate")
        written = write_sweep(simulate(params), output, name, file_format=image_format.value, gzip=compress)
    except AutoprocError as error:
        fail(error)
    typer.echo(f"{params.n_images} images of {params.space_group}, {', '.join(map(str, params.cell))}")
    typer.echo(f"first file: {written.start}")
