"""A worker that follows a sweep: it searches the images as they come, until it is told to process them."""

from __future__ import annotations

import queue
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, astuple

from autoproc.decisions.probe import ProbeReport, verdict_of
from autoproc.following.follower import Follower, Progress
from autoproc.formats.confinement import may_lead_into
from autoproc.service.processing.follow_order import FollowOrder
from autoproc.stages.early_work import EarlyWork

PAUSE = 0.1
"""Seconds between two looks where nothing has come."""
SHARE = 10.0
"""Times as long as the last look took nothing is looked for, where nothing had come: thousands of files are listed."""
PATIENCE = 5.0
"""Seconds until a sweep whose files cannot be understood is looked at again."""

Send = Callable[..., None]


def follow_sweep(order: FollowOrder, send: Send, lines: queue.SimpleQueue[str]) -> tuple[str, EarlyWork | None]:
    """Follow a sweep until a line comes; returns it, and what was found until then.

    send : messages for the program. Whatever goes wrong costs what was found early, and nothing else.
    """
    may_lead_into(order.config.import_sweep.link_roots)

    def tell(said: Progress | ProbeReport) -> None:
        if isinstance(said, Progress):
            send("followed", **in_numbers(said))
        else:
            verdict = verdict_of(said)
            send("probed", light=verdict.light, words=verdict.words, report=asdict(said))

    follower = Follower(order.path, order.config, tell)
    pause = PAUSE
    while True:
        try:
            line = lines.get(timeout=pause)
        except queue.Empty:
            pass
        else:
            follower.close()
            return line, follower.work
        began = time.monotonic()
        try:
            is_busy = follower.turn(lambda: not lines.empty())
            pause = 0.0 if is_busy else max(PAUSE, SHARE * (time.monotonic() - began))
        except Exception as error:  # the edge to files that are being written
            send("not followed", why=str(error) or repr(error), details=traceback.format_exc())
            pause = PATIENCE


def in_numbers(progress: Progress) -> dict[str, object]:
    """For JSON."""
    facts = [astuple(one) for one in progress.facts]
    said = {"n_there": progress.n_there, "n_planned": progress.n_planned, "n_waiting": progress.n_waiting}
    return said | {"every": progress.every, "images": facts}
