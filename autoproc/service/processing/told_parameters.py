"""The configuration of a sweep with what the files of its visit say (visits/said_parameters.py).

A file that is bad, or asks for what it may not, costs nothing but what it asks for: it is said, and the rest is used.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from autoproc.config import Config, change_table, with_command_line
from autoproc.errors import AutoprocError, ConfigurationError
from autoproc.formats.boundary import LONGEST_REASON
from autoproc.formats.hdf5.nexus_sample import said_of_sample
from autoproc.legible import legible
from autoproc.overrides import value_in_words
from autoproc.service.probing.named_series import HDF5_ENDINGS
from autoproc.service.processing.order import NAMING_FILES, OF_THE_PROGRAM, Order
from autoproc.service.results.outputs import home_of
from autoproc.service.visits.changed_since import IGNORED, files_about
from autoproc.service.visits.parameter_files import ParameterFile
from autoproc.service.visits.said_parameters import Said, said_by

MOST_COMPLAINTS = 10
"""About the files of one sweep that are repeated; the others are counted."""


@dataclass(frozen=True, slots=True)
class ToldParameters:
    """What the files of a visit came to.

    files : those that there are; None where nobody looks for any; given : what was taken, each with its value as it was
    understood; ignored : what was not, in words, with file and line; placed : where the results go in the visit
    """

    files: tuple[ParameterFile, ...] | None = None
    given: tuple[Said, ...] = ()
    ignored: tuple[str, ...] = ()
    placed: Path | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was ignored, as warnings; no more of them than somebody reads."""
        more = len(self.ignored) - MOST_COMPLAINTS
        words = tuple(f"{IGNORED}{legible(one)}" for one in self.ignored[:MOST_COMPLAINTS])
        return (*words, f"{IGNORED}{more} more in the visit's files") if more > 0 else words

    @property
    def lines(self) -> tuple[str, ...]:
        """What was taken from each file, in words."""
        by_file: dict[Path, list[str]] = {}
        for one in self.given:
            by_file.setdefault(one.file, []).append(f"{one.key}={value_in_words(one.value)}")
        return tuple(legible(f"parameters from {file}: {', '.join(values)}") for file, values in by_file.items())

    def put_into(self, summary: dict[str, Any]) -> dict[str, Any]:
        """A summary that says so."""
        if self.files is None:
            return summary
        told = {
            "files": {str(file.path): file.digest for file in self.files},
            "results_in": None if self.placed is None else str(self.placed),
            "given": [
                {"key": one.key, "value": value_in_words(one.value), "file": str(one.file)} for one in self.given
            ],
        }
        return summary | {"told_by_visit": told, "warnings": [*self.warnings, *summary["warnings"]]}


UNTOLD = ToldParameters()
"""Where a visit is not asked."""


def with_told(order: Order) -> tuple[Order, ToldParameters]:
    """The order with the parameters of its visit's files.

    What somebody has asked for of this sweep, by name or with `reprocess`, goes before them.
    """
    visit = order.config.visit
    if not (visit.parameters or visit.sample_facts):
        return order, UNTOLD
    output = home_of(order.attempt).parents[order.name.count("/")]
    placed = Path(order.visit).joinpath(*visit.inner_folders, order.name) if order.visit and visit.output else None
    files = files_about(Path(order.path), order.visit, output, order.name, placed)
    said = [*(_of_master(Path(order.path)) if visit.sample_facts else ()), *files]
    config, told = told_config(order.config, said, order.named or {})
    return replace(order, config=with_command_line(config, order.changes)), replace(
        told, files=tuple(files), placed=placed
    )


def _of_master(path: Path) -> list[ParameterFile]:
    """What a master file says of its sample, as a file of its own; import says what is wrong with the master."""
    if path.suffix.lower() not in HDF5_ENDINGS:
        return []
    try:
        said = said_of_sample(path)
    except AutoprocError:
        return []
    return [ParameterFile(path, json.dumps(said).encode())] if said else []


def told_config(
    config: Config, files: Sequence[ParameterFile], named: Mapping[str, Mapping[str, Any]]
) -> tuple[Config, ToldParameters]:
    """A configuration with what files say, the farthest first. named : what they cannot change, by table and name."""
    ignored: list[str] = []
    wished: dict[str, Said] = {}
    for file in files:
        for one in said_by(file, ignored):
            reason = _refused(one, config)
            if reason:
                ignored.append(f"{one.where}: {one.shown_key}: {reason}")
            elif one.name not in named.get(one.table, {}):
                wished[one.key] = one
    by_table: dict[str, list[Said]] = {}
    for one in wished.values():
        by_table.setdefault(one.table, []).append(one)
    taken: list[Said] = []
    for several in by_table.values():
        config = _with_table(config, several, taken, ignored)
    return config, ToldParameters(tuple(files), tuple(taken), tuple(ignored))


def _refused(one: Said, config: Config) -> str:
    """Why a file may not give a parameter; "" where it may, or where there is none of that name."""
    of_program = OF_THE_PROGRAM.get(one.table, ())
    if of_program is None or one.name in of_program:
        return "it is of the program, and changes nothing about one sweep"
    if one.name in NAMING_FILES.get(one.table, ()):
        return "it names files, which the service may read and you perhaps not: ask the staff"
    if one.is_fact:
        return "" if config.visit.sample_facts else "the staff does not want them (visit.sample_facts)"
    if not config.visit.parameters:
        return "the staff does not take any here (visit.parameters)"
    if not any(fnmatchcase(one.key, wanted) for wanted in config.visit.allowed_keys):
        return "the staff does not allow it here (visit.allowed_keys)"
    return ""


def _with_table(config: Config, several: Sequence[Said], taken: list[Said], ignored: list[str]) -> Config:
    """Parameters of a table: all at once, as some are possible only with others; else one by one."""
    table = several[0].table
    try:
        changed = change_table(config, table, {one.name: one.value for one in several})
    except (ConfigurationError, ArithmeticError, ValueError, RecursionError) as error:
        if len(several) > 1:
            for one in several:
                config = _with_table(config, [one], taken, ignored)
            return config
        reason = f"{several[0].shown_key} cannot have that value"
        if isinstance(error, ConfigurationError):
            reason = "; ".join(filter(None, (error.message[:LONGEST_REASON], error.advice)))
        ignored.append(f"{several[0].where}: {reason}")
        return config
    values = getattr(changed, table).model_dump(mode="json")
    taken += [replace(one, value=values[one.name]) for one in several]
    return changed
