"""A worker that follows a sweep: it searches the images as they come, until it is told to process them.

Where no more of them seem to come it begins to process what there is: results are held until they are asked for.
"""

from __future__ import annotations

import queue
import traceback
from collections.abc import Callable
from dataclasses import asdict, astuple, replace
from typing import Any

from autoproc.console import Console
from autoproc.decisions.probe import ProbeReport, probe_verdict
from autoproc.decisions.provisional import ProvisionalReport, provisional_words
from autoproc.following.coming import ImagesThere
from autoproc.following.follower import Follower, FollowerProgress
from autoproc.formats.confinement import may_lead_into
from autoproc.service.processing.follow_order import FollowOrder
from autoproc.service.processing.order import Order
from autoproc.service.processing.process_ahead import ResultsAhead, StillWanted, process_ahead

PAUSE = 0.1
"""Seconds between two turns where nothing has come; a follower looks less often where a look takes long."""
PATIENCE = 5.0
"""Seconds until a sweep whose files cannot be understood is looked at again."""
READY = "done"
"""What there is to do on the images that are there."""

Send = Callable[..., None]
Processing = Callable[..., dict[str, Any]]


def follow_sweep(
    order: FollowOrder, send: Send, lines: queue.SimpleQueue[str], processing: Processing
) -> tuple[str, dict[str, Any]]:
    """Follow a sweep until a line comes; returns it, and what processing its images may be given by name.

    send : messages for the program. Whatever goes wrong costs what was found early, and nothing else.
    """
    may_lead_into(order.config.import_sweep.link_roots)
    following = _Following(order, send, lines, processing)
    pause = PAUSE
    while not following.line:
        try:
            following.line = lines.get(timeout=pause)
        except queue.Empty:
            try:
                is_busy = following.turn()
                pause = 0.0 if is_busy else PAUSE
            except Exception as error:  # the edge to files that are being written
                send("not followed", why=str(error) or repr(error), details=traceback.format_exc())
                pause = PATIENCE
    return following.line, following.known()


class _Following:
    """A sweep that is followed, and, where no more images seem to come, processed. line : what the program says."""

    def __init__(self, order: FollowOrder, send: Send, lines: queue.SimpleQueue[str], processing: Processing) -> None:
        self._expected, self._send, self._lines, self._processing = order.expected, send, lines, processing
        self._follower = Follower(order.path, order.config, self._tell)
        self._ahead: ResultsAhead | None = None
        self._tried: ImagesThere | None = None
        self._why_none = ""
        self.line = ""

    def known(self) -> dict[str, Any]:
        """What was made of the images."""
        self._follower.close()
        return {"early": self._follower.work} | ({} if self._ahead is None else {"ahead": self._ahead})

    def turn(self) -> bool:
        """Search what has come, or process what there is; returns whether there was anything to do."""
        follower = self._follower
        is_busy = follower.turn(lambda: not self._lines.empty())
        if follower.why_none != self._why_none:
            self._why_none = follower.why_none
            self._send("not followed", why=self._why_none)
        if follower.there is not self._tried:
            self._drop()
        expected = self._expected_now()
        if is_busy or expected is None or follower.there is self._tried or not follower.seems_whole:
            return is_busy
        self._tried = follower.there
        self._process(expected)
        return True

    def _expected_now(self) -> Order | None:
        """The order of the images that are there, if no more come."""
        there = self._follower.there
        if self._expected is None or there is None:
            return None
        return replace(self._expected, image_range=there.experiment.scan.image_range, n_images=len(there.numbers))

    def _process(self, expected: Order) -> None:
        wanted = StillWanted(expected, self._lines, self._follower.has_more)

        def process(order: Order, console: Console) -> dict[str, Any]:
            return self._processing(order, console, early=self._follower.work.copy())

        try:
            self._ahead = process_ahead(expected, process, wanted, self, self._follower.is_unchanged)
        finally:
            self.line = wanted.line
            self.send("progress", doing=READY if self._ahead else "")

    def _drop(self) -> None:
        if self._ahead is not None:
            self._ahead.drop()
            self._ahead = None
            self.send("progress", doing="")

    def send(self, message: str, **facts: Any) -> None:
        """How far processing is: for who shows that sweeps are coming, and, once it is asked for, for the queue."""
        self._send(message, **facts)
        if message == "progress":
            self._send("ahead", **facts)

    def _tell(self, said: FollowerProgress | ProbeReport | ProvisionalReport) -> None:
        if isinstance(said, FollowerProgress):
            self._send("followed", **in_numbers(said))
        elif isinstance(said, ProvisionalReport):
            self._send("provisional", words=provisional_words(said), report=asdict(said))
        else:
            verdict = probe_verdict(said)
            self._send("probed", light=verdict.light, words=verdict.words, report=asdict(said))


def in_numbers(progress: FollowerProgress) -> dict[str, object]:
    """For JSON."""
    facts = [astuple(one) for one in progress.facts]
    said = {"n_there": progress.n_there, "n_planned": progress.n_planned, "n_waiting": progress.n_waiting}
    said |= {"n_integrated": progress.n_integrated}
    return said | {"every": progress.every, "width": progress.width, "images": facts}
