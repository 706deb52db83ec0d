"""The queue, asked by pages that are made at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from autoproc.service.job_queue.jobs import JobQueue

Answer = TypeVar("Answer")


class QueueReader:
    """The queue in a thread of its own, to which its connection belongs: questions wait for one another.

    open_queue : opens it, in that thread, when the first question comes
    """

    def __init__(self, open_queue: Callable[[], JobQueue]) -> None:
        self._open = open_queue
        self._queue: JobQueue | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="queue")

    async def ask(self, question: Callable[[JobQueue], Answer]) -> Answer:
        """What a function of the queue returns, or raises. Raises QueueGone where its file was taken away."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._answer, question)

    def _answer(self, question: Callable[[JobQueue], Answer]) -> Answer:
        if self._queue is None:
            self._queue = self._open()
        self._queue.require_file()
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
