"""A thread that puts results into their visits' own folders: copies take long, and nothing else waits for them."""

from __future__ import annotations

import queue as queues
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from autoproc.errors import AutoprocError
from autoproc.service.events import Event, Listener
from autoproc.service.job_queue.job import Job, JobState
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.results.outputs import Outputs, is_ours
from autoproc.service.visits.own_folder import put_into_visit
from autoproc.service.visits.params import VisitParams

ENDS = ("processed", "failed", "not combined")
"""Events after which there are results."""
LEAST_INTERVAL = 300.0
"""Seconds between two looks at all results: what was chosen on a page, or could not be put there, is put there then."""
LEAVING = 2.0
"""Seconds that a program that is told to stop waits for the thread: systemd has other things to wait for, and the next
program does the rest."""
BEAT = 0.5
"""Seconds after which the thread sees at most that it is to end."""
WITH_RESULTS = (JobState.processed, JobState.failed)


class Placing:
    """Puts results into visits. A listener, and a context: the thread runs within it, and finishes what it was told.

    open_queue : opens the queue for the thread; tell : hears where results are, and of what could not be put there
    patience : seconds to wait for the thread in the end; None: until all is there. The next program does the rest
    """

    def __init__(
        self,
        params: VisitParams,
        open_queue: Callable[[], JobQueue],
        outputs: Outputs,
        tell: Listener,
        patience: float | None = None,
    ) -> None:
        self._patience = patience
        self._params, self._open, self._outputs, self._tell = params, open_queue, outputs, tell
        self._names: queues.SimpleQueue[str] = queues.SimpleQueue()
        self._events: queues.SimpleQueue[Event] = queues.SimpleQueue()
        self._said: dict[str, str] = {}
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="placing", daemon=True)

    def __call__(self, event: Event) -> None:
        """Something has happened: a sweep, or a group whose sweeps say so in their results, may have new results."""
        if self._params.output and event.kind in ENDS:
            for name in (event.sweep, *(event.facts.get("members") or ())):
                self._names.put(name)

    def __enter__(self) -> Placing:
        if self._params.output:
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._is_over.set()
        if self._thread.is_alive() and kind is None:
            self._thread.join(self._patience)
        self.poll()

    def poll(self) -> None:
        """Say what was done since the last time."""
        with suppress(queues.Empty):
            while True:
                self._tell(self._events.get_nowait())

    def _work(self) -> None:
        queue: JobQueue | None = None
        due = time.monotonic()
        while True:
            is_over = self._is_over.is_set()
            try:
                queue = queue or self._open()
                if time.monotonic() >= due:
                    self._place_all(queue)
                    due = time.monotonic() + LEAST_INTERVAL
                self._place_next(queue, 0.0 if is_over else BEAT)
            except queues.Empty:
                if is_over:
                    break
            except (sqlite3.Error, AutoprocError, OSError):  # the queue's disk is full or away
                queue = None
                if self._is_over.wait(BEAT):
                    break
        if queue is not None:
            with suppress(sqlite3.Error):
                queue.close()

    def _place_all(self, queue: JobQueue) -> None:
        for job in queue.rows():
            if self._is_over.is_set():
                return
            if job.state in WITH_RESULTS:
                self.place(job)

    def _place_next(self, queue: JobQueue, patience: float) -> None:
        job = queue.by_name(self._names.get(timeout=patience) if patience else self._names.get_nowait())
        if job is not None:
            self.place(job)

    def place(self, job: Job) -> None:
        """Of a sweep, or a group of one visit. What cannot be put there is said once, and tried again."""
        visit = job.visit
        if not visit or not self._outputs.has_results(job.name):
            return
        try:
            place = put_into_visit(self._outputs.results(job.name), job.name, Path(visit), self._params, is_ours)
        except OSError as error:
            where = f"{error.filename}: " if isinstance(error.filename, str) and error.filename != visit else ""
            text = f"its results cannot be put into {visit}: {where}{error.strerror or error}"
            if self._said.get(job.name) != text:
                self._events.put(Event("trouble", job.name, {"text": text}))
            self._said[job.name] = text
            return
        self._said.pop(job.name, None)
        if place is not None:
            self._events.put(Event("placed", job.name, {"text": f"results in {place}"}))
