"""The links of servers that run: written beside the queue for its owner, so that he can ask for one again."""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autoproc.service.processes.program import is_dead, this_program
from autoproc.service.results.outputs import Outputs

NAME = "serve.{number}.link"


@dataclass(frozen=True, slots=True)
class LinkFile:
    """The file of a server of ours."""

    path: Path

    @classmethod
    def of(cls, outputs: Outputs) -> LinkFile:
        """That of this program."""
        return cls(outputs.state / NAME.format(number=os.getpid()))

    def write(self, link: str) -> None:
        """The link that holds from now on. Raises OSError."""
        part = self.path.with_name(f"{self.path.name}.{secrets.token_hex(4)}")
        number = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(number, "w") as file:
            json.dump({"program": this_program(), "link": link}, file)
        part.replace(self.path)

    def remove(self) -> None:
        """The server ends."""
        with suppress(OSError):
            self.path.unlink()


def links_of(outputs: Outputs) -> list[str]:
    """Links of the servers of a folder of results that run, or may run on another machine; ours alone."""
    return [link for path in sorted(outputs.state.glob(NAME.format(number="*"))) if (link := _link_in(path))]


def _link_in(path: Path) -> str:
    with suppress(OSError, ValueError, KeyError, TypeError), path.open(encoding="utf-8") as file:
        if os.fstat(file.fileno()).st_uid == os.geteuid():
            written = json.load(file)
            return "" if is_dead(written["program"]) else str(written["link"])
    return ""
