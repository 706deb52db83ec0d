"""What a worker is told: one sweep, where to write, with which parameters; and what it answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autoproc.config import Config, with_command_line
from autoproc.errors import ConfigurationError
from autoproc.service.job_queue.job import Job

OF_THE_PROGRAM = {
    "run": {"n_threads", "block", "frame_cache"}, "service": None, "watch": None, "serve": None, "groups": None,
    "record": None, "visit": None, "notices": None,
}  # fmt: skip
"""Parameters that do not change a result: some of a table, or (None) all."""
NAMING_FILES = {"import_sweep": ("link_roots",), "combine": ("reference",), "merge": ("reference",)}
"""Parameters that have the service read files of whose owner it does not ask."""


class NotOfASweep(ConfigurationError):
    """A sweep is to be processed with parameters that change nothing about it."""

    what = "parameters of {tables} are those of a program, and change nothing about one sweep"
    hint = "give them to `autoproc run` or `autoproc serve`, on the command line or in the file of its configuration"


@dataclass(frozen=True, slots=True)
class Order:
    """One sweep to process, as a line of JSON.

    image_range : of the images that belong to the sweep; None: all. n_images : those that were there when it was
    found, 0 where that is not known. folder : to write into; outcome : file that says that the folder is whole;
    place : what the folder is renamed to when it is, where that is another. members : names of the sweeps of a group
    with how often each was processed, whose results are put together; none for a sweep.
    visit : the folder of its visit. named, changes : settings that were given with its name, and asked for since; they
    are part of config, and go before what files of the visit say.
    part_of : where another process shares the work on this sweep, which is all that is to be helped with; None else
    """

    job_id: int
    run: int
    name: str
    path: str
    image_range: tuple[int, int] | None
    partial: str
    folder: Path
    outcome: Path
    config: Config
    n_images: int = 0
    members: tuple[tuple[str, int], ...] = ()
    place: Path | None = None
    visit: str = ""
    named: dict[str, dict[str, Any]] | None = None
    changes: Mapping[str, str] = field(default_factory=dict)
    part_of: Path | None = None

    @property
    def attempt(self) -> Path:
        """The folder of the attempt, which is renamed to that of the results."""
        return self.place or self.folder

    def line(self) -> str:
        """For the worker's standard input."""
        facts: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        facts |= {"folder": str(self.folder), "outcome": str(self.outcome)}
        facts |= {name: None if facts[name] is None else str(facts[name]) for name in ("place", "part_of")}
        return json.dumps(facts | {"config": self.config.model_dump(mode="json")}) + "\n"

    @classmethod
    def read(cls, line: str) -> Order:
        """From such a line."""
        facts = json.loads(line)
        images = facts["image_range"]
        return cls(
            **facts
            | {
                "image_range": None if images is None else tuple(images),
                "folder": Path(facts["folder"]),
                "outcome": Path(facts["outcome"]),
                "place": None if facts["place"] is None else Path(facts["place"]),
                "part_of": None if facts.get("part_of") is None else Path(facts["part_of"]),
                "config": Config.model_validate(facts["config"]),
                "members": tuple((name, run) for name, run in facts["members"]),
            }
        )


def settings_of(config: Config) -> dict[str, dict[str, Any]]:
    """The parameters that results depend on, where they are not the defaults."""
    tables = config.model_dump(mode="json", exclude_defaults=True)
    for table, names in OF_THE_PROGRAM.items():
        kept = {} if names is None else {k: v for k, v in tables.get(table, {}).items() if k not in names}
        tables[table] = kept
    return {table: values for table, values in tables.items() if values}


def config_for(job: Job, program: Config, n_threads: int) -> Config:
    """The configuration of a job: that given with its name, or the program's, with the changes asked for since."""
    config = program if job.base is None else with_settings(program, job.base)
    config = with_command_line(config, job.parameters)
    return config.model_copy(update={"run": config.run.model_copy(update={"n_threads": n_threads})})


def require_of_sweep(changes: Mapping[str, str]) -> Config:
    """The defaults with parameters changed that somebody asks for. Raises NotOfASweep, and what parameters raise."""
    usual = Config()
    asked = with_command_line(usual, changes)
    tables = [table for table, names in OF_THE_PROGRAM.items() if names is None]
    of_programs = [table for table in tables if getattr(asked, table) != getattr(usual, table)]
    if of_programs:
        raise NotOfASweep(tables=", ".join(of_programs))
    return asked


def names_files(asked: Config) -> list[str]:
    """Those of NAMING_FILES that are not the defaults, as TABLE.NAME."""
    usual = Config()
    return [
        f"{table}.{name}"
        for table, names in NAMING_FILES.items()
        for name in names
        if getattr(getattr(asked, table), name) != getattr(getattr(usual, table), name)
    ]


def settings_with(settings: Mapping[str, Mapping[str, Any]], changes: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Settings with changes on top. Raises AutoprocError where there are no such parameters."""
    return settings_of(with_command_line(with_settings(Config(), settings), changes))


def with_settings(program: Config, settings: Mapping[str, Mapping[str, Any]]) -> Config:
    """A configuration with these settings and otherwise the defaults; what changes no result is the program's."""
    ours = program.model_dump(mode="json")
    values: dict[str, dict[str, Any]] = {name: dict(table) for name, table in settings.items()}
    for table, names in OF_THE_PROGRAM.items():
        if table in ours:
            kept = ours[table] if names is None else {name: ours[table][name] for name in names if name in ours[table]}
            values[table] = values.get(table, {}) | kept
    return Config.model_validate(values)
