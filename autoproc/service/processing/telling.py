"""What a worker tells the program while it processes: where nobody watches, a console that reports."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from autoproc.console import Console, WatchedReader
from autoproc.formats.images.frames import ImageReader


class Listener(Protocol):
    """Who hears what a worker is at."""

    def send(self, message: str, **facts: Any) -> None:
        """One message: progress, say, outcome."""


class Telling(Console):
    """Where nobody watches: what is printed is reported to the program, and so is the progress."""

    def __init__(self, log: Path, reports: Listener, title: str) -> None:
        super().__init__(log, sys.stdout, title)
        self._reports = reports

    @property
    def is_terminal(self) -> bool:
        """Nobody watches."""
        return False

    def print(self, text: str = "") -> None:
        """For the program to say, and the log."""
        self._reports.send("say", text=text)
        self.log(text)

    @contextmanager
    def busy(self, label: str) -> Iterator[None]:
        """Report what is under way."""
        self._reports.send("progress", doing=label)
        yield

    @contextmanager
    def watch(self, reader: ImageReader, label: str, n_reads: int) -> Iterator[ImageReader]:
        """Report how far it is, in steps of 10%."""
        said = -1

        def show(n: int) -> None:
            nonlocal said
            tenth = min(10 * n // max(n_reads, 1), 10)
            if tenth > said:
                said = tenth
                self._reports.send("progress", doing=f"{label} {10 * tenth}%")

        show(0)
        yield WatchedReader(reader, show)
