"""The queue, asked by pages that are made at the same time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from autoproc.service.job_queue.jobs import JobQueue

Answer = TypeVar("Answer")
PATIENCE = 2.0
"""Seconds from a question on to wait for another program's transaction: those of `autoproc run` take milliseconds, and
who has pressed a button looks at it no longer before he presses it again."""


class QueueReader:
    """The queue in a thread of its own, to which its connection belongs: questions wait for one another.

    open_queue : opens it, in that thread, when the first question comes
    A question that finds the file held by another program fails after PATIENCE, however many wait before it.
    """

    def __init__(self, open_queue: Callable[[], JobQueue]) -> None:
        self._open = open_queue
        self._queue: JobQueue | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="queue")

    async def ask(self, question: Callable[[JobQueue], Answer]) -> Answer:
        """What a function of the queue returns, or raises. Raises QueueGone where its file was taken away."""
        until = time.monotonic() + PATIENCE
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._answer, question, until)

    def _answer(self, question: Callable[[JobQueue], Answer], until: float) -> Answer:
        if self._queue is None:
            self._queue = self._open()
        self._queue.require_file()
        self._queue.wait_at_most(until - time.monotonic())
        return question(self._queue)

    def close(self) -> None:
        """Close the file, when all questions are answered."""
        self._thread.submit(self._close)
        self._thread.shutdown()

    def leave(self) -> None:
        """The same, without waiting for it."""
        self._thread.submit(self._close)
        self._thread.shutdown(wait=False)

    def _close(self) -> None:
        if self._queue is not None:
            self._queue.close()
