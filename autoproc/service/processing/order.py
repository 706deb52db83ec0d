"""What a worker is told: one sweep, where to write, with which parameters; and what it answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoproc.config import Config, with_command_line
from autoproc.service.job_queue.job import Job

OF_THE_PROGRAM = {"run": {"n_threads", "block", "frame_cache"}, "service": None, "watch": None}
"""Parameters that do not change a result: some of a table, or (None) all."""


@dataclass(frozen=True, slots=True)
class Order:
    """One sweep to process, as a line of JSON.

    image_range : of the images that belong to the sweep; None: all. n_images : those that were there when it was
    found, 0 where that is not known. folder : to write into; outcome : file that
    says that the folder is whole. members : names of the sweeps of a group with how often each was processed, whose
    results are put together; none for a sweep.
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

    def line(self) -> str:
        """For the worker's standard input."""
        facts: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        facts |= {"folder": str(self.folder), "outcome": str(self.outcome)}
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
