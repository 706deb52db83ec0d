"""A sweep processed before it is known that no more of its images come: its results are held until it is asked for.

They are made as those of the order that is expected, in a folder of their own. They become those of the order that
comes if it is the same in all that results depend on, and if no image was changed since: then they are what processing
would make of it. In all other cases they are removed, and nobody has seen them.
"""

from __future__ import annotations

import os
import queue
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from autoproc.console import Console, WatchedReader
from autoproc.formats.images.frames import ImageReader
from autoproc.service.processing.order import Order
from autoproc.service.processing.record import with_record
from autoproc.service.processing.telling import Listener, Telling
from autoproc.service.processing.told_parameters import ToldParameters, with_told
from autoproc.service.results.outputs import home_of, remove, sync_tree

LOG = "autoproc.log"
LOOK = 0.2
"""Seconds between two looks at whether it is still wanted."""
SHARE = 10.0
"""Times as long as the last look took nobody looks again: thousands of files are listed."""

Process = Callable[[Order, Console], dict[str, Any]]


class NotWanted(BaseException):
    """Images have come since, or something else is to be done. No failure: what catches those lets it pass."""


class StillWanted:
    """Whether a sweep that is processed ahead of its order is still wanted as it is.

    expected : the order that it is processed by; lines : what the program says; has_more : there are other images now
    line : what the program has said, "" as long as it has said nothing
    """

    def __init__(self, expected: Order, lines: queue.SimpleQueue[str], has_more: Callable[[], bool]) -> None:
        self._expected, self._lines, self._has_more = expected, lines, has_more
        self._lock = threading.Lock()
        self._due = 0.0
        self.line = ""

    @property
    def is_asked_for(self) -> bool:
        """Its order has come, which fixes what its images are."""
        return bool(self.line)

    def require(self) -> None:
        """Raises NotWanted. Of several threads one looks."""
        if self.is_asked_for or time.monotonic() < self._due or not self._lock.acquire(blocking=False):
            return
        try:
            began = time.monotonic()
            self._look()
            self._due = time.monotonic() + max(LOOK, SHARE * (time.monotonic() - began))
        finally:
            self._lock.release()

    def _look(self) -> None:
        if not self._lines.empty():
            self.line = self._lines.get_nowait()
            if not is_as_expected(Order.read(self.line), self._expected):
                raise NotWanted
        elif self._has_more():
            raise NotWanted


def is_as_expected(order: Order, expected: Order) -> bool:
    """An order is the same in all that results depend on, and they go to the same place."""
    own = {name: getattr(expected, name) for name in ("job_id", "run", "folder", "outcome", "place")}
    return replace(order, **own) == expected and home_of(order.attempt) == home_of(expected.attempt)


class _Held(Telling):
    """A console that reports progress, keeps what is to be said, and asks whether the work is wanted."""

    def __init__(self, log: Path, reports: Listener, title: str, wanted: StillWanted) -> None:
        self._wanted = wanted
        self.said: list[str] = []
        super().__init__(log, reports, title)

    def print(self, text: str = "") -> None:
        """To be said when the results are asked for."""
        self.said.append(text)

    def log(self, text: str) -> None:
        """Every stage logs."""
        super().log(text)
        self._wanted.require()

    @contextmanager
    def busy(self, label: str) -> Iterator[None]:
        """Report what is under way."""
        self._wanted.require()
        with super().busy(label):
            yield

    @contextmanager
    def watch(self, reader: ImageReader, label: str, n_reads: int) -> Iterator[ImageReader]:
        """Report how far it is."""
        with super().watch(reader, label, n_reads) as watched:
            yield WatchedReader(watched, lambda n: self._wanted.require())


class ResultsAhead:
    """The results of a sweep that nobody has asked for yet.

    told : what with_told had made of the order before; said : to be said; is_unchanged : the images are what they were
    """

    def __init__(
        self,
        expected: Order,
        told: tuple[Order, ToldParameters],
        summary: dict[str, Any],
        said: list[str],
        is_unchanged: Callable[[], bool],
    ) -> None:
        self._expected, self._told, self._summary, self._said = expected, told, summary, said
        self._is_unchanged = is_unchanged

    def results_of(self, order: Order, console: Console) -> dict[str, Any] | None:
        """The summary, with all files in the order's folder, if they are what it asks for; else None.

        Raises OSError.
        """
        told = with_told(order)
        stands = is_as_expected(order, self._expected) and told[1] == self._told[1]
        if not stands or told[0].config != self._told[0].config or not self._is_unchanged():
            self.drop()
            return None
        held = self._expected.folder
        console.log((held / LOG).read_text(encoding="utf-8", errors="replace").partition("\n")[2].rstrip("\n"))
        for text in self._said:
            console.print(text)
        for entry in list(held.iterdir()):
            if entry.name != LOG:
                os.replace(entry, order.folder / entry.name)
        self.drop()
        return with_record(self._summary, told[0])

    def drop(self) -> None:
        """Remove them."""
        shutil.rmtree(self._expected.folder, ignore_errors=True)


def process_ahead(
    expected: Order, process: Process, wanted: StillWanted, reports: Listener, is_unchanged: Callable[[], bool]
) -> ResultsAhead | None:
    """Process by the order that is expected; None where that came to nothing, or is not wanted any more.

    expected : its folder is made anew. Raises OSError where it cannot be written.
    """
    remove(expected.folder)
    expected.folder.mkdir(parents=True)
    result = None
    try:
        if is_unchanged():
            result = _processed(expected, process, wanted, reports, is_unchanged)
    finally:
        if result is None:
            shutil.rmtree(expected.folder, ignore_errors=True)
    return result


def _processed(
    expected: Order, process: Process, wanted: StillWanted, reports: Listener, is_unchanged: Callable[[], bool]
) -> ResultsAhead | None:
    told = with_told(expected)
    try:
        console = _Held(expected.folder / LOG, reports, f"run {expected.name}", wanted)
        with console:
            summary = process(expected, console)
    except NotWanted:
        return None
    if summary["status"] != "processed" or summary.get("lost"):
        return None
    sync_tree(expected.folder)
    return ResultsAhead(expected, told, summary, console.said, is_unchanged)
