"""What every step on the command line shares: its files, its parameters, its console."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import typer

from autoproc.config import Config, change_table, read_config
from autoproc.console import Console
from autoproc.errors import AutoprocError, ConfigurationError, InputError
from autoproc.formats.expt import read_expt, write_expt
from autoproc.formats.refl import read_refl, write_refl
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.overrides import split_arguments
from autoproc.params import Params

OK, FAILED, USAGE = 0, 3, 2


class WrongArguments(ConfigurationError):
    """The arguments do not fit the command."""

    what = "{what_is_wrong}"
    hint = "see `autoproc {command} --help`"


class LacksFiles(InputError):
    """A step was not given the files that it works on."""

    what = "autoproc {command} needs {needed}, and was given {given}"
    hint = "for example: autoproc {command} {example}"


@dataclass(frozen=True, slots=True)
class Step:
    """One step under way: command, input files, the stage's parameters, where to write, how to talk."""

    command: str
    files: tuple[Path, ...]
    config: Config
    output: Path
    console: Console

    def params(self, table: str) -> Params:
        """The parameters of a stage."""
        params: Params = getattr(self.config, table)
        return params

    def of_kind(self, *suffixes: str) -> list[Path]:
        """The input files with one of these endings."""
        return [f for f in self.files if f.name.endswith(suffixes)]

    def experiments(self, example: str) -> list[Experiment]:
        """All experiments of the .expt files given."""
        files = self.of_kind(".expt")
        if not files:
            raise LacksFiles(command=self.command, needed="an .expt file", given=self._given(), example=example)
        return [e for f in files for e in read_expt(f)]

    def reflections(self, example: str) -> Reflections:
        """All reflections of the .refl files given, numbered on from file to file."""
        files = self.of_kind(".refl")
        if not files:
            raise LacksFiles(command=self.command, needed="a .refl file", given=self._given(), example=example)
        return joined([read_refl(f) for f in files])

    def write(self, stem: str, experiments: Sequence[Experiment] | None, reflections: Reflections | None) -> None:
        """Write STEM.expt and STEM.refl into the output folder, and say so."""
        if experiments is not None:
            write_expt(self.output / f"{stem}.expt", experiments)
            self.console.print(f"Saved {len(experiments)} experiments to {self.output / f'{stem}.expt'}")
        if reflections is not None:
            write_refl(self.output / f"{stem}.refl", reflections)
            self.console.print(f"Saved {len(reflections)} reflections to {self.output / f'{stem}.refl'}")

    def _given(self) -> str:
        return ", ".join(f.name for f in self.files) or "nothing"


def joined(tables: Sequence[Reflections]) -> Reflections:
    """Tables of several files as one; the experiments and image sets of each follow those before it."""
    if len(tables) == 1:
        return tables[0]
    parts, offset = [], 0
    for table in tables:
        ids = table["experiment_id"]
        columns = {"experiment_id": ids + offset * (ids >= 0)}
        if "imageset_id" in table:
            columns["imageset_id"] = table["imageset_id"] + offset
        identifiers = {n + offset: s for n, s in table.identifiers.items()}
        parts.append(table.replace(**columns).with_identifiers(identifiers))
        offset += max([*table.identifiers, int(ids.max(initial=0))]) + 1
    return Reflections.concatenate(parts)


@contextmanager
def running(command: str, table: str | None, arguments: Sequence[str], output: Path) -> Iterator[Step]:
    """A step with its arguments taken apart; an AutoprocError ends the program with its message.

    key=value changes a parameter of the stage's table (`key` or `table.key`). Exit status: 3 when the
    input or the processing failed, 2 for wrong parameters.
    """
    try:
        paths, overrides = split_arguments(arguments)
        config = read_config(None)
        for key, value in overrides.items():
            name, _, field = key.rpartition(".")
            if not (name or table):
                raise WrongArguments(what_is_wrong=f"{command} has no parameters", command=command)
            config = change_table(config, name or str(table), {field: value})
        output.mkdir(parents=True, exist_ok=True)
        title = shlex.join([command, *arguments])
        with Console(output / f"autoproc.{command}.log", title=title) as console:
            if overrides:
                changed = "\n".join(f"  {key} = {value}" for key, value in overrides.items())
                console.print(f"The following parameters have been modified:\n\n{changed}\n")
            yield Step(command, tuple(Path(p) for p in paths), config, output, console)
    except AutoprocError as error:
        fail(error)
    except BrokenPipeError:
        # The reader of a pipe (head, less) has seen enough; keep the interpreter from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(OK) from None


def fail(error: AutoprocError) -> NoReturn:
    """Print an error as people want to read it, and leave."""
    typer.echo(f"autoproc: {error.message}", err=True)
    if error.advice:
        typer.echo(f"          {error.advice}", err=True)
    raise typer.Exit(USAGE if isinstance(error, ConfigurationError) else FAILED)
