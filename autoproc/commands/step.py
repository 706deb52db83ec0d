"""What every step on the command line shares: its files, its parameters, its console, its exit status."""

from __future__ import annotations

import importlib
import os
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import typer

from autoproc.combining.mergeable import Origins
from autoproc.commands.catalogue import STEPS, StepDescription
from autoproc.commands.leaving import leaving_well
from autoproc.commands.output_names import OutputNames, outputs_among
from autoproc.config import Config, fields_of_tables, format_config, read_config, with_changes, with_threads
from autoproc.console import Console
from autoproc.errors import AutoprocError, ConfigurationError, InputError, UnreadableFile, WrongArguments
from autoproc.formats.cell_and_group import doubts_of_cells
from autoproc.formats.confinement import may_lead_into
from autoproc.formats.dials.expt import read_expt, write_expt
from autoproc.formats.dials.image_numbers import to_file_frames, to_scan_frames
from autoproc.formats.dials.refl import read_refl, write_refl
from autoproc.formats.dials.sound_reflections import doubts_of_table, sound_reflections
from autoproc.formats.dials.unsupported_models import require_known_models
from autoproc.formats.observed.foreign_data import ForeignData
from autoproc.formats.observed.observation_files import reader_of_observations
from autoproc.geometry.belonging import misfits
from autoproc.kernels.staleness import what_stale_kernels_ask_for
from autoproc.models.experiment import Experiment
from autoproc.models.numbering import joined
from autoproc.models.reflections import Reflections
from autoproc.overrides import add, split_arguments
from autoproc.spellings.translation import own_changes
from autoproc.wording import counted


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


class FileGivenTwice(InputError):
    """A file stands twice among those given: what it holds would count twice."""

    what = "{path} is given twice"
    hint = "give each file once; one data set counted twice would look more precise than it is"


class PartlyScaled(InputError):
    """Scaled data together with data that are only integrated: joined, they would lose their scales."""

    what = "{not_scaled} {verb} not scaled, and {scaled} {other_verb}"
    hint = (
        "scale all of them together (autoproc scale with every .expt and .refl of symmetry or of an earlier scaling), "
        "or give those that are not scaled on their own"
    )


OWN_FILES = (".expt", ".refl", ".json")
NEED_SPOTS = (
    "import", "find-spots", "search-beam-position", "find-rotation-axis", "index", "bravais-settings", "refine",
    "integrate",
)  # fmt: skip
"""Steps that work on images, or on spots that were found on them."""
ANY_BASIS = "reindex"
"""The step that puts a wrong basis or space group right, and asks nothing of intensities."""


class NeedsSpots(InputError):
    """Intensities of another program, for a step that works on spots or images."""

    what = "{path} holds intensities, and autoproc {command} works on images or the spots on them"
    hint = "give it to autoproc symmetry, scale or merge; what has to do with images asks for the images themselves"


class UnforeseenMistake(AutoprocError):
    """A mistake in the program."""

    what = "unforeseen {kind}: {message_of_it}"
    hint = "{log} has the details; please report it"


class StaleKernels(UnforeseenMistake):
    """A working copy whose sources were changed, by a pull perhaps, and not compiled again."""

    hint = "{stale}"


OF_STALE_KERNELS = (AttributeError, ImportError, TypeError)
"""What calls of functions raise that are of another time than their callers."""


@dataclass(frozen=True, slots=True)
class CommandStep:
    """One step under way: what it is, input files, parameters, where to write, how to talk.

    file : the one file to write, for steps that do; is_named : the user named it
    read_before, warned : files of other programs, and what was warned of them all, each once
    is_scaled : of the .refl files that were read, whether they have scales; own_read : what .expt files hold
    """

    description: StepDescription
    files: tuple[Path, ...]
    config: Config
    outputs: OutputNames
    console: Console
    file: Path
    is_named: bool = False
    read_before: dict[Path, ForeignData] = field(default_factory=dict)
    warned: set[str] = field(default_factory=set)
    is_scaled: dict[Path, bool] = field(default_factory=dict)
    own_read: dict[Path, list[Experiment]] = field(default_factory=dict)

    def of_kind(self, suffix: str) -> list[Path]:
        """The input files with this ending."""
        return [f for f in self.files if f.name.endswith(suffix)]

    def experiments(self) -> list[Experiment]:
        """All experiments of the .expt files given, then those of other programs' files of observations.

        Raises UnsupportedFile for models that no stage knows.
        """
        listed = [] if self._foreign() and not self.of_kind(".expt") else self._own_experiments()
        return [*listed, *(e for data in self._foreign() for e in data.experiments)]

    def origins(self) -> Origins:
        """Which file each of the experiments came from; those of .expt files first, as experiments() has them."""
        before = self.read_before
        foreign = [(path, len(before[path].experiments)) for path in self.files if path in before]
        listed = [] if foreign and not self.of_kind(".expt") else self._required(".expt", "an .expt file")
        counts = [*((path, len(self._read_own(path))) for path in listed), *foreign]
        of = (n for n, (_, count) in enumerate(counts) for _ in range(count))
        return Origins(tuple(of), tuple(str(path) for path, _ in counts))

    def _own_experiments(self) -> list[Experiment]:
        listed: list[Experiment] = []
        for path in self._required(".expt", "an .expt file"):
            listed += self._read_own(path)
        return listed

    def _read_own(self, path: Path) -> list[Experiment]:
        """The experiments of an .expt file, read and told once."""
        if path not in self.own_read:
            found = read_expt(path)
            require_known_models(path, found)
            if self.description.name != ANY_BASIS:
                self._warn_once(path, doubts_of_cells(path, (e.crystal for e in found)))
            self.own_read[path] = found
        return self.own_read[path]

    def reflections(self) -> Reflections:
        """All reflections of the files given, numbered on from file to file, frames from the scans' starts.

        Raises FilesDoNotFit where they are not those of the experiments.
        """
        foreign = [data.reflections for data in self._foreign()]
        if foreign and not self.of_kind(".refl"):
            return joined(foreign)
        experiments = self._own_experiments()
        return joined([self._own_reflections(experiments), *foreign], n_before=[len(experiments)])

    def _foreign(self) -> list[ForeignData]:
        """What files of other programs hold, each read once, and told.

        Raises NeedsSpots in steps that have no use for it.
        """
        paths = [path for path in self.files if not path.name.endswith(OWN_FILES)]
        return [data for path in paths if (data := self._foreign_file(path)) is not None]

    def _foreign_file(self, path: Path) -> ForeignData | None:
        """None for a file of another kind."""
        if path not in self.read_before:
            told = self.config.symmetry
            read = reader_of_observations(path, told.unit_cell, told.space_group)
            if read is None and self.description.name not in NEED_SPOTS and not os.path.lexists(path):
                raise UnreadableFile(path=path, reason="there is no such file")
            if read is None:
                return None
            if self.description.name in NEED_SPOTS:
                raise NeedsSpots(path=path, command=self.description.name)
            self.read_before[path] = data = read(path)
            self.console.print("\n    ".join([f"Read {path}: {data.lines[0]}", *data.lines[1:]]) + "\n")
            self._warn_once(path, data.warnings)
        return self.read_before[path]

    def require_one_stage(self) -> None:
        """Raise PartlyScaled where only some of the files that were read are scaled."""
        known = self.is_scaled | {path: data.is_scaled for path, data in self.read_before.items()}
        scaled, others = (
            [path.name for path, is_scaled in known.items() if is_scaled is kind] for kind in (True, False)
        )
        if scaled and others:
            verb, other_verb = ("is" if len(names) == 1 else "are" for names in (others, scaled))
            raise PartlyScaled(not_scaled=", ".join(others), verb=verb, scaled=", ".join(scaled), other_verb=other_verb)

    def scaled_by_others(self) -> list[str]:
        """For steps that scale: what was scaled already, a sentence each."""
        return [
            f"the intensities of {path} were scaled by {data.program or 'another program'}, and are scaled again; "
            "autoproc merge takes them as they are"
            for path, data in self.read_before.items()
            if data.is_scaled
        ]

    def _own_reflections(self, experiments: Sequence[Experiment]) -> Reflections:
        paths = self._required(".refl", "a .refl file")
        tables = [read_refl(path) for path in paths]
        self.is_scaled.update({p: "inverse_scale" in table for p, table in zip(paths, tables, strict=True)})
        table = to_scan_frames(joined(tables), experiments)
        why = why_not_of(experiments, table)
        if why:
            expt, refl = (", ".join(f.name for f in self.of_kind(kind)) for kind in (".expt", ".refl"))
            raise FilesDoNotFit(refl=refl, expt=expt, why=why)
        if self.description.name in (*NEED_SPOTS, ANY_BASIS):
            return table
        table, told = sound_reflections(table)
        self._warn_once(self.of_kind(".refl")[0], [*told, *doubts_of_table(experiments, table)])
        return table

    def write(self, stem: str, experiments: Sequence[Experiment], reflections: Reflections | None) -> None:
        """Write STEM.expt (but with spots, whose models are those of the import) and STEM.refl, and say so."""
        if stem != "strong" or self.outputs.asked("expt"):
            self.write_models(self.outputs.path("expt", f"{stem}.expt"), experiments)
        if reflections is not None:
            self.write_table(self.outputs.path("refl", f"{stem}.refl"), to_file_frames(reflections, experiments))

    def write_models(self, path: Path, experiments: Sequence[Experiment]) -> None:
        """Write experiments, and say so."""
        write_expt(path, experiments)
        self.console.print(f"Saved {counted(len(experiments), 'experiment')} to {path}")

    def write_table(self, path: Path, reflections: Reflections) -> None:
        """Write reflections as they stand in files, and say so."""
        write_refl(path, reflections)
        self.console.print(f"Saved {counted(len(reflections), 'reflection')} to {path}")

    def write_page(self, path: Path, page: str) -> None:
        """Write a page of plots, and say so."""
        path.write_text(page, encoding="utf-8", errors="backslashreplace")
        self.console.print(f"Saved the plots to {path}")

    def warn(self, warnings: Sequence[str]) -> None:
        """Print warnings."""
        for warning in warnings:
            self.console.print(f"\nWarning: {warning}")

    def _warn_once(self, path: Path, warnings: Iterable[str]) -> None:
        """Print what is odd of a file, however often it is read."""
        new = [said for words in warnings if (said := f"{path}: {words}") not in self.warned]
        self.warned.update(new)
        self.warn(new)

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
    known = [e.identifier for e in experiments if e.identifier]
    twice = len(known) - len(set(known))
    if twice:
        return f"{twice} of {len(experiments)} experiments carry the identifier of another, as copies of one file do"
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


def run_step(
    description: StepDescription, arguments: Sequence[str], output: Path, threads: int | None, verbosity: int = 0
) -> None:
    """Run one step of commands.stages on the files and key=value parameters of the command line.

    verbosity : from 1 every parameter in force is printed first
    """
    with leaving_well():
        paths, given = split_arguments(arguments)
        file, is_named = output / description.writes, False
        if output.suffix in description.endings and not os.path.isdir(output):
            output, file, is_named = output.parent, output, True
        outputs, named, overrides = outputs_among(given, description.name, output)
        config, said = _changed(with_threads(read_config(None), threads), description, overrides)
        may_lead_into(config.import_sweep.link_roots)
        output.mkdir(parents=True, exist_ok=True)
        outputs.path("directory", "").mkdir(parents=True, exist_ok=True)
        title, log = shlex.join([description.name, *arguments]), outputs.path("log", f"autoproc.{description.name}.log")
        with Console(log, title=title) as console:
            if said:
                console.print("\n".join(["The following parameters have been modified:\n", *said, ""]))
            if verbosity and description.table:
                console.print(format_config(config, description.table))
            files = tuple(map(Path, [*paths, *named]))
            if description.name != "import":
                _require_once(files)
            asked = outputs.asked("file")
            step = CommandStep(
                description, files, config, outputs, console, asked or file, is_named or asked is not None
            )
            stages = importlib.import_module("autoproc.commands.stages")
            with console.logging_errors(), _named(log):
                getattr(stages, description.function)(step)


def _require_once(files: Sequence[Path]) -> None:
    """Raise FileGivenTwice for a file that is named twice, by one name or by two."""
    known: set[str] = set()
    for path in files:
        if (real := os.path.realpath(path)) in known:
            raise FileGivenTwice(path=path)
        known.add(real)


def _changed(config: Config, description: StepDescription, overrides: Mapping[str, str]) -> tuple[Config, list[str]]:
    """The configuration with parameters in any spelling, and what was given, one line each."""
    fields, steps = fields_of_tables(), {step.name: step.table for step in STEPS}
    changes: dict[str, str] = {}
    said = []
    for key, value in overrides.items():
        if not description.table and "." not in key and key != "nproc":
            raise WrongArguments(what_is_wrong=f"{description.name} has no parameters", command=description.name)
        table = description.table
        if key not in fields.get(table, ()) and key in fields.get(description.also, ()):
            table = description.also
        meant = own_changes(key, value, fields, table, steps, description.also)
        for own, text in meant.items():
            add(changes, own, text)
        told = [f"{own} = {text}" for own, text in meant.items() if own not in (key, f"{description.table}.{key}")]
        said.append(f"  {key} = {value}" + (f"  ({', '.join(told)})" if told else ""))
    return with_changes(config, changes), said


@contextmanager
def _named(log: Path) -> Iterator[None]:
    """Call what nobody foresaw by that name; the traceback goes to the log."""
    try:
        yield
    except (AutoprocError, OSError, typer.Exit):
        raise
    except Exception as error:  # the edge
        raise unforeseen(error, log) from error


def unforeseen(error: Exception, log: Path) -> UnforeseenMistake:
    """What nobody foresaw, by its name, with what to do: compile stale kernels, or report it."""
    stale = what_stale_kernels_ask_for() if isinstance(error, OF_STALE_KERNELS) else ""
    if stale:
        return StaleKernels(kind=type(error).__name__, message_of_it=error, stale=stale)
    return UnforeseenMistake(kind=type(error).__name__, message_of_it=error, log=log)
