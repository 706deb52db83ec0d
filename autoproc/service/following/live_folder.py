"""OUTPUT/.autoproc/live/: a small file for each sweep that is followed, replaced as its images come.

Whoever shows pages reads them, beside this program or on another machine. They are for people: one that cannot be
written costs nobody a result, and those of a program that is gone are nobody's.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autoproc.service.following.followed import Followed
from autoproc.service.following.live_facts import live_facts
from autoproc.service.processes.program import is_dead, this_program
from autoproc.service.processes.time_share import Share
from autoproc.service.results.outputs import Outputs
from autoproc.service.signs_of_life.life_line import replace_page

LEAST_INTERVAL = 1.0
"""Seconds between two writings of a file: people look no oftener."""
LARGEST_SHARE = 0.05
"""Part of the time that writing one may take. Chosen, not measured."""
PULSE = 10.0
"""Seconds after which a file is written again though nothing has changed: it says that the program is there."""
LINGERING = 60.0
"""Seconds for which the file of a sweep is kept that is being processed: pages lead on to it meanwhile."""


@dataclass(slots=True)
class _Shown:
    """A sweep, and its file. heard_at : when its worker has told something last, seconds since 1970.

    sweep : as what it is processed, "" while it is collected; until : when its file goes, by the clock
    """

    followed: Followed
    writing: Share
    heard_at: float
    is_stale: bool = True
    written: float = 0.0
    sweep: str = ""
    until: float = float("inf")


class LiveFolder:
    """The files, and when they are due."""

    def __init__(self, outputs: Outputs, clock: Callable[[], float] = time.monotonic) -> None:
        self.folder = outputs.live
        self._clock = clock
        self._shown: dict[str, _Shown] = {}
        self._me = this_program()
        self._sweep_out()

    def tell(self, followed: Followed) -> None:
        """Something is known of a sweep that was not before."""
        shown = self._shown.get(followed.path)
        if shown is None or shown.followed is not followed:
            shown = _Shown(followed, Share(LARGEST_SHARE, LEAST_INTERVAL, self._clock), time.time())
            self._shown[followed.path] = shown
        shown.is_stale, shown.heard_at = True, time.time()

    def touch(self, path: str) -> None:
        """More images of a sweep have come, of which its worker has not told anything."""
        if path in self._shown:
            self._shown[path].is_stale = True

    def lead_on(self, path: str, sweep: str) -> None:
        """All images of a sweep are there, and it is processed under a name."""
        shown = self._shown.get(path)
        if shown is not None:
            shown.sweep, shown.until = sweep, self._clock() + LINGERING
            self._write(shown)

    def forget(self, path: str) -> None:
        """A sweep is not followed any more."""
        if self._shown.pop(path, None) is not None:
            with suppress(OSError):
                self._file(path).unlink(missing_ok=True)

    def poll(self) -> None:
        """Write what is due, and remove what is over."""
        now = self._clock()
        for path, shown in list(self._shown.items()):
            if now >= shown.until:
                self.forget(path)
            elif shown.writing.is_due and (shown.is_stale or now - shown.written >= PULSE):
                self._write(shown)

    def close(self) -> None:
        """Nobody is followed any more."""
        for path in list(self._shown):
            self.forget(path)

    def _file(self, path: str) -> Path:
        return self.folder / f"{key_of(path)}.json"

    def _write(self, shown: _Shown) -> None:
        shown.is_stale, shown.written = False, self._clock()
        with shown.writing.taken(), suppress(OSError):
            facts = live_facts(shown.followed) | {"key": key_of(shown.followed.path), "sweep": shown.sweep}
            facts |= {"program": self._me, "heard_at": round(shown.heard_at, 1), "written_at": round(time.time(), 1)}
            self.folder.mkdir(exist_ok=True)
            replace_page(self._file(shown.followed.path), json.dumps(facts))

    def _sweep_out(self) -> None:
        """Remove what programs have left that are gone."""
        with suppress(OSError):
            for entry in os.scandir(self.folder):
                program = ""
                with suppress(OSError, ValueError, AttributeError):
                    program = str(json.loads(Path(entry.path).read_bytes()).get("program", ""))
                if not program or is_dead(program):
                    os.unlink(entry.path)


def key_of(path: str) -> str:
    """What a sweep is called in addresses while it has no name of its own: two may be called the same."""
    import hashlib  # noqa: PLC0415  (brings libcrypto, which who follows nothing does without)

    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
