"""What a file of a visit says, as parameters: each with the file and line where it stands, good or not."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoproc.formats.boundary import LONGEST_REASON
from autoproc.service.visits.parameter_files import NAME, ParameterFile
from autoproc.service.visits.sample_facts import tables_of

LONGEST_KEY = 60
"""Characters of a key that a message repeats."""
TABLE = re.compile(r"\s*\[\s*([\w.\"'-]+)\s*\]")


@dataclass(frozen=True, slots=True)
class Said:
    """A parameter that a file gives; where : file and line.

    is_fact : it is a fact about the sample, to compare with, and no wish
    """

    table: str
    name: str
    value: Any
    file: Path
    where: str
    is_fact: bool = False

    @property
    def key(self) -> str:
        """As it is typed."""
        return f"{self.table}.{self.name}"

    @property
    def shown_key(self) -> str:
        """The same, as long as a message has room for it."""
        return self.key[:LONGEST_KEY]


def said_by(file: ParameterFile, problems: list[str]) -> list[Said]:
    """The parameters of a file; what could not be understood goes to the problems, with file and line."""
    if file.problem:
        problems.append(f"{file.path}: {file.problem}")
        return []
    form = "TOML" if file.path.name == NAME else "JSON"
    try:
        text = file.content.decode("utf-8")
        content = tomllib.loads(text) if form == "TOML" else json.loads(text)
    except UnicodeDecodeError:
        problems.append(f"{file.path}: it is not UTF-8 text")
    except (ValueError, RecursionError) as error:  # syntax, numbers of thousands of digits, tables in tables
        problems.append(f"{file.path}: it is not valid {form}: {str(error)[:LONGEST_REASON]}")
    else:
        return list((_wishes if form == "TOML" else _facts)(file.path, text, content, problems))
    return []


def _wishes(path: Path, text: str, content: dict[str, Any], problems: list[str]) -> Iterator[Said]:
    for table, values in content.items():
        if not isinstance(values, dict):
            why = "parameters stand in tables such as [scale]"
            problems.append(f"{_where(path, text, '', table)}: {table[:LONGEST_KEY]}: {why}")
            continue
        for name, value in values.items():
            yield Said(table, name, value, path, _where(path, text, table, name))


def _facts(path: Path, _: str, content: object, problems: list[str]) -> Iterator[Said]:
    tables, unclear = tables_of(content)
    problems += [f"{path}: {words}" for words in unclear]
    for table, values in tables.items():
        for name, value in values.items():
            yield Said(table, name, value, path, str(path), is_fact=True)


def _where(path: Path, text: str, table: str, name: str) -> str:
    """The file with the line where a key stands, if it can be told."""
    here = ""
    for number, line in enumerate(text.splitlines(), start=1):
        header = TABLE.match(line)
        if header:
            here = _bare(header[1])
        elif ".".join(filter(None, (here, _bare(line.partition("=")[0])))) == ".".join(filter(None, (table, name))):
            return f"{path}, line {number}"
    return str(path)


def _bare(key: str) -> str:
    """A key without quotes and spaces."""
    return re.sub(r"[\"'\s]", "", key)
