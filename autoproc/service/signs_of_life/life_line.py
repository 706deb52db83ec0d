"""The line on index.html that says whether a program is at work: a small file, written also when nothing happens.

The page itself shows it in a frame, and need not be written for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from autoproc.reports.visit_index import LIFE, Alive, alive_line
from autoproc.service.processes.time_share import Share
from autoproc.service.results.outputs import Outputs

PULSE = 10.0
"""Seconds between two writings: a browser loads the line as often."""
MISSED = 4
"""Writings that are missed before the program is taken to be gone: a slow disk may cost some."""
LARGEST_SHARE = 0.05
"""Part of the time that writing it may take. Chosen, not measured."""


class LifeLine:
    """The line, and when it was written."""

    def __init__(self, outputs: Outputs, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = outputs.output / LIFE
        self._writing = Share(LARGEST_SHARE, PULSE, clock)

    def poll(self) -> None:
        """Write it if it is time to."""
        if self._writing.is_due:
            self.write()

    def write(self, is_over: bool = False) -> None:
        """Say that the program is at work, or (is_over) that none is any more; a full disk is no reason to stop."""
        silence = MISSED * max(PULSE, self._writing.wait_after)
        alive = Alive(round(time.time(), 1), silence, is_over)
        with self._writing.taken(), suppress(OSError):
            replace_page(self._file, alive_line(alive, now_in_words()))


def replace_page(file: Path, page: str) -> None:
    """Write a page in the place of the one before, so that nobody reads half of it. Raises OSError."""
    part = file.with_name(f".{file.name}.part")
    part.write_text(page, encoding="utf-8", errors="backslashreplace")
    part.replace(file)


def now_in_words() -> str:
    """Date and time of day for pages."""
    return datetime.now().strftime("%d %b %Y %H:%M:%S")
