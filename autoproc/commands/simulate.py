"""`autoproc simulate`: a sweep with a known answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import typer

from autoproc.commands.leaving import leaving_well
from autoproc.config import table_lines
from autoproc.errors import ConfigurationError
from autoproc.overrides import split_arguments, with_overrides
from autoproc.simulation.params import SimulateParams, demo_params, small_params
from autoproc.simulation.simulate import simulate
from autoproc.simulation.write import FORMATS, write_sweep
from autoproc.wording import counted

PRESETS: dict[str, Callable[[], SimulateParams]] = {"demo": demo_params, "small": small_params, "sweep": SimulateParams}


TOLD_BY = "autoproc simulate --parameters"


class UnknownPreset(ConfigurationError):
    """A preset that does not exist."""

    what = "there is no preset {words}"
    hint = "give one of {presets}, then key=value"


def simulate_command(
    arguments: list[str], output: Path, name: str, image_format: str, compress: bool, only_parameters: bool = False
) -> None:
    """Write a simulated sweep and its truth, and say where; or print the parameters that it would be made with."""
    with leaving_well():
        words, overrides = split_arguments(arguments)
        preset = words[0] if words else "demo"
        unknown = [word for word in words if word not in PRESETS]
        if unknown or len(words) > 1:
            raise UnknownPreset(words=" ".join(unknown or words), presets=", ".join(PRESETS))
        given = {key.removeprefix("simulate."): value for key, value in overrides.items()}
        params = with_overrides(PRESETS[preset](), given, "", TOLD_BY)
        if only_parameters:
            typer.echo("\n".join(table_lines(preset, params)))
            return
        kind = next((known for known in FORMATS if known == image_format), FORMATS[0])
        written = write_sweep(simulate(params), output, name, file_format=kind, gzip=compress)
        typer.echo(f"{counted(params.n_images, 'image')} of {params.space_group}, {', '.join(map(str, params.cell))}")
        typer.echo(f"first file: {written.start}")
