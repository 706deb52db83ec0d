"""What a worker is told that is to follow a sweep before it processes it, and what it tells meanwhile."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from autoproc.config import Config

FOLLOW = "follow"


@dataclass(frozen=True, slots=True)
class FollowOrder:
    """A sweep that is being collected, as a line of JSON.

    path : absolute template or master file, as the watcher has it
    """

    path: str
    config: Config

    def line(self) -> str:
        """For the worker's standard input."""
        return json.dumps({FOLLOW: {"path": self.path, "config": self.config.model_dump(mode="json")}}) + "\n"

    @classmethod
    def read(cls, line: str) -> FollowOrder | None:
        """From such a line; None where it says something else."""
        said: dict[str, Any] = json.loads(line)
        if FOLLOW not in said:
            return None
        return cls(said[FOLLOW]["path"], Config.model_validate(said[FOLLOW]["config"]))
