"""Commands of schedulers: called with a limit of time, and asked beside the work how jobs stand."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeAlias

from autoproc.service.executing.executor import ExecutorDown, Standing
from autoproc.service.processes.begin_process import FOR_THE_PROGRAM

LONGEST_CALL = 20.0
"""Seconds that a command of a scheduler may take. Slurm's wait 10 s for an answer (MessageTimeout) unless told."""

Standings: TypeAlias = Mapping[str, Standing]
Ask: TypeAlias = Callable[[Sequence[str]], Standings]


def answer_of(command: Sequence[str], executor: str, stdin: str = "") -> str:
    """What a command prints. Raises ExecutorDown where it fails, or does not end in time."""
    environment = {name: value for name, value in os.environ.items() if name not in FOR_THE_PROGRAM}
    try:
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, errors="replace", timeout=LONGEST_CALL, check=False,
            env=environment,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        reason = f"{command[0]} did not answer in {LONGEST_CALL:g} s"
        raise ExecutorDown(executor=executor, reason=reason) from None
    except OSError as error:
        raise ExecutorDown(executor=executor, reason=f"{command[0]}: {error.strerror or error}") from error
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip() or f"exit status {done.returncode}").splitlines()[-1]
        raise ExecutorDown(
            executor=executor, reason=words if words.startswith(command[0]) else f"{command[0]}: {words}"
        )
    return done.stdout


class Inquiry:
    """How jobs stand, asked for all together in a thread: a scheduler that is down may be long in saying so.

    ask : of these handles, those that the scheduler knows of; interval : seconds between two questions
    trouble : why the last question has no answer, in words
    """

    def __init__(self, ask: Ask, interval: float) -> None:
        self._ask, self._interval, self.trouble = ask, interval, ""
        self._thread = ThreadPoolExecutor(1, "scheduler")
        self._asked: Future[Standings] | None = None
        self._about: frozenset[str] = frozenset()
        self._answered: frozenset[str] = frozenset()
        self._answer: Standings = {}
        self._next = 0.0

    def about(self, handles: Collection[str]) -> Mapping[str, Standing | None]:
        """The last answer of those of these that were asked about; None: the scheduler does not know it."""
        if self._asked is not None and self._asked.done():
            asked, self._asked = self._asked, None
            self._next = time.monotonic() + self._interval
            try:
                self._answer, self._answered, self.trouble = asked.result(), self._about, ""
            except ExecutorDown as error:
                self.trouble = error.message
        if self._asked is None and handles and time.monotonic() >= self._next:
            self._about = frozenset(handles)
            self._asked = self._thread.submit(self._ask, sorted(handles))
        return {handle: self._answer.get(handle) for handle in handles if handle in self._answered}

    def close(self) -> None:
        """Ask no more."""
        self._thread.shutdown(wait=False, cancel_futures=True)
