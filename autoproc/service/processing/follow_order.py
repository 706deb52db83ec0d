"""What a worker is told that is to follow a sweep before it processes it, and what it tells meanwhile."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from autoproc.config import Config
from autoproc.service.processing.order import Order

FOLLOW = "follow"


@dataclass(frozen=True, slots=True)
class FollowOrder:
    """A sweep that is being collected, as a line of JSON.

    path : absolute template or master file, as the watcher has it
    expected : by which it will be processed as far as is known, without its images, and with a folder where results may
        be held until it is; None where it is not to be processed before
    """

    path: str
    config: Config
    expected: Order | None = None

    def line(self) -> str:
        """For the worker's standard input."""
        expected = None if self.expected is None else self.expected.line()
        said = {"path": self.path, "config": self.config.model_dump(mode="json"), "expected": expected}
        return json.dumps({FOLLOW: said}) + "\n"

    @classmethod
    def read(cls, line: str) -> FollowOrder | None:
        """From such a line; None where it says something else."""
        said: dict[str, Any] = json.loads(line)
        if FOLLOW not in said:
            return None
        facts = said[FOLLOW]
        expected = None if facts["expected"] is None else Order.read(facts["expected"])
        return cls(facts["path"], Config.model_validate(facts["config"]), expected)
