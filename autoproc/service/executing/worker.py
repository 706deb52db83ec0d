"""A worker: a process that waits, with everything loaded, for one sweep, processes it, and ends.

It is told by a line on its standard input what to do, and answers with lines of JSON on a pipe. When the
program that has begun it is gone, its standard input ends and the kernel says so too: it ends at once, so that
whoever takes the sweep over has it alone.
"""

from __future__ import annotations

import faulthandler
import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, TextIO

from autoproc.console import Console
from autoproc.service.processes.orphans import ORPHANED, die_with_parent
from autoproc.service.processing.follow_order import FollowOrder
from autoproc.service.processing.order import Order, settings_of
from autoproc.service.processing.telling import Listener, Telling
from autoproc.service.results.brief import brief
from autoproc.service.results.outputs import sync_tree, write_outcome

TURN = 0.0005
"""Seconds for which a thread may go on while others wait for Python's lock, in place of 0.005: at each return from a
kernel one waits so long for those that have much to do outside kernels. Of 600 images of 2.5 million pixels, 25 each
second, 420 were integrated when all were there, and none with 0.005 (simulated, 2 cores, a run of each; in an hour in
which the machine was a third slower there was no difference)."""
Processing = Callable[..., dict[str, Any]]
"""Processes an order, with a console; what is known of its images already may be given by name."""


class Reports:
    """The pipe to the program: messages as lines of JSON. A pipe that nobody reads any more ends the worker."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._lock = threading.Lock()

    def send(self, message: str, **facts: Any) -> None:
        """One message."""
        line = (json.dumps({"message": message} | facts) + "\n").encode()
        with self._lock:
            while line:
                try:
                    line = line[os.write(self._number, line) :]
                except OSError:
                    os._exit(ORPHANED)


def work(reports_number: int, processing: Processing, orders: TextIO | None = None) -> None:
    """Wait for one order, carry it out, report, end. An end of the input ends the worker, at work or not.

    Before the order, it may be told to follow a sweep that is being collected.
    """
    orders = sys.stdin if orders is None else orders
    reports = Reports(reports_number)
    die_with_parent()
    with suppress(ValueError, OSError):
        faulthandler.enable(2)
    for number in (signal.SIGINT, signal.SIGTERM):  # these are for the program, which decides
        signal.signal(number, signal.SIG_IGN)
    sys.setswitchinterval(TURN)
    reports.send("ready")
    line = orders.readline()
    if not line.endswith("\n"):
        return
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(orders, lines), daemon=True).start()
    follow = FollowOrder.read(line)
    if follow is not None:
        line, known = follow_sweep(follow, reports.send, lines, processing)
        reports.send("begun")
        processing = partial(processing, **known)
    carry_out(Order.read(line), reports, processing)


def follow_sweep(
    order: FollowOrder, send: Callable[..., None], lines: queue.SimpleQueue[str], processing: Processing
) -> tuple[str, dict[str, Any]]:
    """As service.processing.follow_sweep, which loads every stage: a program that only gives orders does without."""
    from autoproc.linear_algebra import keep_to_one_blas_thread  # noqa: PLC0415
    from autoproc.service.processing.follow_sweep import follow_sweep as follow  # noqa: PLC0415

    keep_to_one_blas_thread()  # stages run on several threads until the order is carried out
    return follow(order, send, lines, processing)


def _listen(orders: TextIO, lines: queue.SimpleQueue[str]) -> None:
    """Pass on what else is said; the end of it ends the worker."""
    with suppress(OSError, ValueError):
        while (line := orders.readline()).endswith("\n"):
            lines.put(line)
    os._exit(ORPHANED)


def carry_out(order: Order, reports: Listener, processing: Processing) -> None:
    """Process, see to it that the results are on the disk, keep the outcome, report it."""
    try:
        with _console(order, reports) as console:
            summary = processing(order, console)
        sync_tree(order.folder)
    except OSError as error:  # the edge: the disk, not the data
        summary = failed_by(order, error)
    outcome = {
        "job_id": order.job_id,
        "run": order.run,
        "result": brief(summary),
        "settings": settings_of(order.config),
    }
    with suppress(OSError):  # then the program hears of it all the same
        write_outcome(order.outcome, outcome)
    reports.send("outcome", **outcome)


def failed_by(order: Order, error: OSError) -> dict[str, Any]:
    """The summary of a sweep whose results could not be written."""
    from autoproc.reports.summary import Failure, summarise  # noqa: PLC0415  (only in need)

    return summarise(order.name, None, Failure.of("output", error))


def _console(order: Order, reports: Listener) -> Console:
    log = order.folder / "autoproc.log"
    title = f"run {order.name}"
    return Console(log, title=title) if sys.stdout.isatty() else Telling(log, reports, title)
