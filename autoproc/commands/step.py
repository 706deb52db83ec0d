"""What every step on the command line shares: its files, its parameters, its console, its exit status."""

from __future__ import annotations

import importlib
import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer

from autoproc.commands.catalogue import StepDescription
from autoproc.commands.leaving import leaving_well
from autoproc.config import Config, change_table, read_config, with_threads
from autoproc.console import Console
from autoproc.errors import AutoprocError, ConfigurationError, InputError, WrongArguments
from autoproc.formats.confinement import may_lead_into
from autoproc.formats.expt import read_expt, write_expt
from autoproc.formats.image_numbers import to_file_frames, to_scan_frames
from autoproc.formats.refl import read_refl, write_refl
from autoproc.formats.unsupported_models import require_known_models
from autoproc.geometry.belonging import misfits
from autoproc.kernels.staleness import what_stale_kernels_ask_for
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.overrides import split_arguments


class LacksFiles(ConfigurationError):
    """A step was not given the files that it works on."""

    what = "autoproc {command} needs {needed}, and was given {given}"
    hint = "for example: autoproc {command} {example}"


class FilesDoNotFit(InputError):
    """Reflections and experiments that are not of one step, or not of one crystal."""

    what = "{refl} does not belong to {expt}: {why}"
    hint = (
        "give the .expt and .refl that one step wrote together, such as symmetrized.expt symmetrized.refl; where only "
        "the basis differs, autoproc reindex changes it"
    )


class Unforeseen(AutoprocError):
    """A mistake in the program."""

    what = "unforeseen {kind}: {message_of_it}"
    hint = "{log} has the details; please report it"


class StaleKernels(Unforeseen):
    """A working copy whose sources were changed, by a pull perhaps, and not compiled again."""

    hint = "{stale}"


OF_STALE_KERNELS = (AttributeError, ImportError, TypeError)
"""What calls of functions raise that are of another time than their callers."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step under way: what it is, input files, parameters, where to write, how to talk.

    mtz : the MTZ file to write, for steps that do
    """

    description: StepDescription
    files: tuple[Path, ...]
    config: Config
    output: Path
    console: Console
    mtz: Path

    def of_kind(self, suffix: str) -> list[Path]:
        """The input files with this ending."""
        return [f for f in self.files if f.name.endswith(suffix)]

    def experiments(self) -> list[Experiment]:
        """All experiments of the .expt files given. Raises UnsupportedFile for models that no stage knows."""
        listed: list[Experiment] = []
        for path in self._required(".expt", "an .expt file"):
            found = read_expt(path)
            require_known_models(path, found)
            listed += found
        return listed

    def reflections(self) -> Reflections:
        """All reflections of the .refl files given, numbered on from file to file, frames from the scans' starts.

        Raises FilesDoNotFit where they are not those of the experiments.
        """
        table = joined([read_refl(f) for f in self._required(".refl", "a .refl file")])
        experiments = self.experiments()
        table = to_scan_frames(table, experiments)
        why = why_not_of(experiments, table)
        if why:
            expt, refl = (", ".join(f.name for f in self.of_kind(kind)) for kind in (".expt", ".refl"))
            raise FilesDoNotFit(refl=refl, expt=expt, why=why)
        return table

    def write(self, stem: str, experiments: Sequence[Experiment], reflections: Reflections | None) -> None:
        """Write STEM.expt (but with spots, whose models are those of the import) and STEM.refl, and say so."""
        if stem != "strong":
            write_expt(self.output / f"{stem}.expt", experiments)
            self.console.print(f"Saved {len(experiments)} experiments to {self.output / f'{stem}.expt'}")
        if reflections is not None:
            write_refl(self.output / f"{stem}.refl", to_file_frames(reflections, experiments))
            self.console.print(f"Saved {len(reflections)} reflections to {self.output / f'{stem}.refl'}")

    def warn(self, warnings: Sequence[str]) -> None:
        """Print warnings."""
        for warning in warnings:
            self.console.print(f"\nWarning: {warning}")

    def _required(self, suffix: str, needed: str) -> list[Path]:
        files = self.of_kind(suffix)
        if files:
            return files
        given = ", ".join(f.name for f in self.files) or "nothing"
        step = self.description
        raise LacksFiles(command=step.name, needed=needed, given=given, example=step.files)


def why_not_of(experiments: Sequence[Experiment], table: Reflections) -> str:
    """Why these cannot be the reflections of these experiments; empty if they may be. Frames from the scans' starts."""
    n_needed = int(table["experiment_id"].max(initial=-1)) + 1
    if n_needed > len(experiments):
        return f"it holds reflections of {n_needed} experiments, and there are {len(experiments)}"
    places = {e.identifier: n for n, e in enumerate(experiments) if e.identifier}
    if any(places.get(identifier, n) != n for n, identifier in table.identifiers.items()):
        return "the experiments are in another order"
    missed = misfits(experiments, table)
    if not missed:
        return ""
    worst = max(missed, key=lambda m: m.index_error)
    return (
        f"by the crystal of experiment {worst.experiment_id}, the Miller indices of half of {worst.n} reflections are "
        f"off by {worst.index_error:.1f} or more (another basis, or another crystal)"
    )


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


def run_step(description: StepDescription, arguments: Sequence[str], output: Path, threads: int | None) -> None:
    """Run one step of commands.stages on the files and key=value parameters of the command line."""
    with leaving_well():
        paths, overrides = split_arguments(arguments)
        config = with_threads(read_config(None), threads)
        for key, value in overrides.items():
            table, _, field = key.partition(".")
            if not field:
                table, field = description.table, key
            if not table:
                raise WrongArguments(what_is_wrong=f"{description.name} has no parameters", command=description.name)
            config = change_table(config, table, {field: value})
        may_lead_into(config.import_sweep.link_roots)
        mtz = output / description.mtz
        if description.mtz and output.suffix == ".mtz" and not os.path.isdir(output):
            output, mtz = output.parent, output
        output.mkdir(parents=True, exist_ok=True)
        title = shlex.join([description.name, *arguments])
        with Console(output / f"autoproc.{description.name}.log", title=title) as console:
            if overrides:
                changed = "\n".join(f"  {key} = {value}" for key, value in overrides.items())
                console.print(f"The following parameters have been modified:\n\n{changed}\n")
            step = Step(description, tuple(map(Path, paths)), config, output, console, mtz)
            stages = importlib.import_module("autoproc.commands.stages")
            with console.logging_errors(), _named(output / f"autoproc.{description.name}.log"):
                getattr(stages, description.function)(step)


@contextmanager
def _named(log: Path) -> Iterator[None]:
    """Call what nobody foresaw by that name; the traceback goes to the log."""
    try:
        yield
    except (AutoprocError, OSError, typer.Exit):
        raise
    except Exception as error:  # the edge
        raise unforeseen(error, log) from error


def unforeseen(error: Exception, log: Path) -> Unforeseen:
    """What nobody foresaw, by its name, with what to do: compile stale kernels, or report it."""
    stale = what_stale_kernels_ask_for() if isinstance(error, OF_STALE_KERNELS) else ""
    if stale:
        return StaleKernels(kind=type(error).__name__, message_of_it=error, stale=stale)
    return Unforeseen(kind=type(error).__name__, message_of_it=error, log=log)
