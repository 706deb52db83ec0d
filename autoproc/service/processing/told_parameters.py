"""The configuration of a sweep with what the files of its visit say (visits/parameter_files.py).

A file that is bad, or asks for what it may not, costs nothing but what it asks for: it is said, and the rest is used.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from autoproc.config import Config, change_table, with_command_line
from autoproc.errors import ConfigurationError
from autoproc.formats.boundary import LONGEST_REASON
from autoproc.legible import legible
from autoproc.overrides import in_words
from autoproc.service.processing.order import NAMING_FILES, OF_THE_PROGRAM, Order
from autoproc.service.processing.outputs import home_of
from autoproc.service.visits.changed_since import IGNORED
from autoproc.service.visits.parameter_files import ParameterFile, files_of, places_of

MOST_COMPLAINTS = 10
"""About the files of one sweep that are repeated; the others are counted."""
LONGEST_KEY = 60
"""Characters of a key that a message repeats."""
TABLE = re.compile(r"\s*\[\s*([\w.\"'-]+)\s*\]")


@dataclass(frozen=True, slots=True)
class Given:
    """A parameter that a file gives, as TABLE.NAME, with its value as it was understood; where : file and line."""

    key: str
    value: Any
    file: Path
    where: str


@dataclass(frozen=True, slots=True)
class ToldParameters:
    """What the files of a visit came to.

    files : those that there are; None where nobody looks for any; given : what was taken from them; ignored : what was
    not, in words, with file and line
    """

    files: tuple[ParameterFile, ...] | None = None
    given: tuple[Given, ...] = ()
    ignored: tuple[str, ...] = field(default=())

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
            by_file.setdefault(one.file, []).append(f"{one.key}={in_words(one.value)}")
        return tuple(legible(f"parameters from {file}: {', '.join(values)}") for file, values in by_file.items())

    def put_into(self, summary: dict[str, Any]) -> dict[str, Any]:
        """A summary that says so."""
        if self.files is None:
            return summary
        told = {
            "files": {str(file.path): file.digest for file in self.files},
            "given": [{"key": one.key, "value": in_words(one.value), "file": str(one.file)} for one in self.given],
        }
        return summary | {"told_by_visit": told, "warnings": [*self.warnings, *summary["warnings"]]}


UNTOLD = ToldParameters()
"""Where a visit is not asked."""


def with_told(order: Order) -> tuple[Order, ToldParameters]:
    """The order with the parameters of its visit's files.

    What somebody has asked for of this sweep, by name or with `reprocess`, goes before them.
    """
    if not order.config.visit.parameters:
        return order, ToldParameters()
    files = files_of(places_of(Path(order.path), order.visit, *_results(order)))
    config, told = told_config(order.config, files, order.named or {})
    return replace(order, config=with_command_line(config, order.changes)), told


def _results(order: Order) -> tuple[Path, str]:
    """The folder of all results, and the name of the order's own in it."""
    home = home_of(order.attempt)
    output = home.parents[order.name.count("/")]
    return output, order.name


def told_config(
    config: Config, files: Sequence[ParameterFile], named: Mapping[str, Mapping[str, Any]]
) -> tuple[Config, ToldParameters]:
    """A configuration with what files say, the farthest first. named : what they cannot change, by table and name."""
    ignored = [f"{file.path}: {file.problem}" for file in files if file.problem]
    given: dict[str, Given] = {}
    for file in files:
        for one in _given_by(file, config, ignored):
            table, _, name = one.key.partition(".")
            if name not in named.get(table, {}):
                given[one.key] = one
    by_table: dict[str, list[Given]] = {}
    for one in given.values():
        by_table.setdefault(one.key.partition(".")[0], []).append(one)
    taken: list[Given] = []
    for table, several in by_table.items():
        config = _with_table(config, table, several, taken, ignored)
    return config, ToldParameters(tuple(files), tuple(taken), tuple(ignored))


def _given_by(file: ParameterFile, config: Config, ignored: list[str]) -> Iterator[Given]:
    """The parameters of a file that it may give; what it may not is put to what is ignored."""
    if file.problem:
        return
    try:
        text = file.content.decode("utf-8")
        tables = tomllib.loads(text)
    except UnicodeDecodeError:
        ignored.append(f"{file.path}: it is not UTF-8 text")
        return
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, numbers of thousands of digits, tables in tables
        ignored.append(f"{file.path}: it is not valid TOML: {str(error)[:LONGEST_REASON]}")
        return
    for table, values in tables.items():
        if not isinstance(values, dict):
            why = "parameters stand in tables such as [scale]"
            ignored.append(f"{_where(file.path, text, '', table)}: {table[:LONGEST_KEY]}: {why}")
            continue
        for name, value in values.items():
            where = _where(file.path, text, table, name)
            reason = _refused(table, name, config)
            if reason:
                ignored.append(f"{where}: {f'{table}.{name}'[:LONGEST_KEY]}: {reason}")
            else:
                yield Given(f"{table}.{name}", value, file.path, where)


def _refused(table: str, name: str, config: Config) -> str:
    """Why a file may not give a parameter; "" where it may, or where there is none of that name."""
    if table in OF_THE_PROGRAM and (OF_THE_PROGRAM[table] is None or name in (OF_THE_PROGRAM[table] or ())):
        return "it is of the program, and changes nothing about one sweep"
    if name in NAMING_FILES.get(table, ()):
        return "it names files, which the service may read and you perhaps not: ask the staff"
    if not any(fnmatchcase(f"{table}.{name}", pattern) for pattern in config.visit.allowed_keys):
        return "the staff does not allow it here (visit.allowed_keys)"
    return ""


def _with_table(config: Config, table: str, several: list[Given], taken: list[Given], ignored: list[str]) -> Config:
    """Parameters of a table: all at once, as some are possible only with others; else one by one."""
    try:
        changed = change_table(config, table, {one.key.partition(".")[2]: one.value for one in several})
    except (ConfigurationError, ArithmeticError, ValueError, RecursionError) as error:
        if len(several) > 1:
            for one in several:
                config = _with_table(config, table, [one], taken, ignored)
            return config
        reason = f"{several[0].key[:LONGEST_KEY]} cannot have that value"
        if isinstance(error, ConfigurationError):
            reason = "; ".join(filter(None, (error.message[:LONGEST_REASON], error.advice)))
        ignored.append(f"{several[0].where}: {reason}")
        return config
    values = getattr(changed, table).model_dump(mode="json")
    taken += [replace(one, value=values[one.key.partition(".")[2]]) for one in several]
    return changed


def _where(path: Path, text: str, table: str, name: str) -> str:
    """The file with the line where a key stands, if it can be told."""
    here = ""
    for number, line in enumerate(text.splitlines(), start=1):
        header = TABLE.match(line)
        if header:
            here = header[1].replace('"', "").replace("'", "")
            continue
        key = line.partition("=")[0].strip().replace('"', "").replace("'", "").replace(" ", "")
        if ".".join(filter(None, (here, key))) == ".".join(filter(None, (table, name))):
            return f"{path}, line {number}"
    return str(path)
