"""The fence around strangers' files: only probing processes open them, and those are killed when they hang.

A question is asked of a quick process first, which has little time: one that hangs is worth no more while
others wait. It is then asked of a patient process, begun for that question alone. Whoever kills or stalls both is not
asked again.
"""

from __future__ import annotations

import math
import select
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Protocol

from autoproc.errors import AutoprocError
from autoproc.service.probing.probe_process import LaunchProbe, ProbeProcess
from autoproc.service.probing.questions import Question, Unanswered, question_bytes, read_answer
from autoproc.service.processes.begin_process import BegunProbe, launch_probe

SHARE_OF_QUICK = 0.1
"""Part of the time that a question has at first: 2 s. Headers of a whole sweep of CBF are read in 0.05 s from local
disks, a master file in 0.4 s of a slow core, and on a busy machine in three times that (measured, simulated files);
whoever needs longer is asked again with all of it."""
LONGEST_STARVED = 10.0
"""Times as long a question may take on a machine so busy that the process is not given its time. Chosen: it then has
all the time of those that are asked again."""
MIN_TURN = 0.01
"""Seconds after which it is looked at again at the earliest: a tick of the kernel's count."""
LONGEST_LOADING = 120.0
"""Seconds in which a probing process must be ready; one needs 2, on a busy machine and a slow disk 20."""
STILLBORN = 3
"""Probing processes in a row that end by themselves before they are ready: something is wrong with the program. Those
that somebody else kills, as a machine does that has no memory left, are begun anew."""
AHEAD = 32
"""Questions that a quick process is given at once, so that it has something to do while nobody listens to it."""
MOST_DISK_WAITS = 10
"""Times that a question is asked again because the disk did not answer."""


class NoProbes(AutoprocError):
    """Probing processes end as soon as they are begun."""

    what = "probing processes cannot be started: {words}"
    hint = "check the installation: `python -m autoproc --version` must work here"


class Prober(Protocol):
    """Who answers questions about files."""

    def ask(self, question: Question) -> int:
        """Ask; returns the number of the question."""

    def answers(self, timeout: float) -> list[tuple[int, Any]]:
        """Answers that have come, or the AutoprocError that one is; waits for one, but at most so many seconds."""

    @property
    def n_fresh(self) -> int:
        """Questions that nobody has tried to answer yet."""

    def close(self) -> None:
        """Nothing more is asked."""


@dataclass(slots=True)
class AskedQuestion:
    """A question with its number, and how often it was asked in vain because the disk did not answer."""

    number: int
    question: Question
    n_disk_waits: int = 0


@dataclass(frozen=True, slots=True)
class Strike:
    """A process did not survive a question. is_disk : because the disk does not answer."""

    reason: str
    is_disk: bool = False


class Lane:
    """Questions that wait for one process, which is begun anew when it is gone.

    seconds : that a question may take; is_fresh : a process answers one question only
    """

    def __init__(self, launch: LaunchProbe, orders: bytes, seconds: float, is_fresh: bool = False) -> None:
        self._launch, self._orders, self._seconds, self._is_fresh = launch, orders, seconds, is_fresh
        self.waiting: deque[AskedQuestion] = deque()
        self.process: ProbeProcess | None = None
        self._asked: deque[AskedQuestion] = deque()
        self._deadline = self._last_deadline = math.inf
        self._used_before = 0.0
        self._n_stillborn = 0
        self._spare: ProbeProcess | None = None

    def poll(self, now: float) -> list[tuple[AskedQuestion, Any]]:
        """What became of the question under way: an answer, an error or a Strike; then the next is asked."""
        results = []
        while (result := self._result(now)) is not None:
            results.append(result)
        return results

    @property
    def n_open(self) -> int:
        """Questions that wait, or are under way."""
        return len(self.waiting) + len(self._asked)

    @property
    def deadline(self) -> float:
        """When to look again though nothing is heard."""
        return self._deadline

    def _result(self, now: float) -> tuple[AskedQuestion, Any] | None:
        self._begin(now)
        if self.process is None:
            return None
        outcome = self._heard(self.process, now)
        if outcome is None:
            return None
        asked = self._asked.popleft() if self._asked else None
        self._deadline = math.inf
        if self._asked:
            self._give_time(self.process, now)
        if isinstance(outcome, Strike) or self._is_fresh:
            self._let_go()
        if asked is None:
            return self._result(now)
        return asked, outcome

    def _begin(self, now: float) -> None:
        """Have a process if there are questions, and ask the next ones if it is ready; it answers them in turn."""
        if self.process is None:
            if not self.waiting:
                return
            self.prepare()
        assert self.process is not None
        ahead = 1 if self._is_fresh else AHEAD
        while self.process.is_ready and self.waiting and len(self._asked) < ahead:
            if not self._asked:
                self._give_time(self.process, now)
            self._asked.append(self.waiting.popleft())
            self.process.send(question_bytes(self._asked[-1].question))

    def _give_time(self, process: ProbeProcess, now: float) -> None:
        """For the next question."""
        self._deadline, self._last_deadline = now + self._seconds, now + LONGEST_STARVED * self._seconds
        self._used_before = process.cpu_seconds

    def _give_more(self, process: ProbeProcess, now: float) -> bool:
        """Wait on for a quick process that would compute, and was not given the time that it may take."""
        left = self._seconds - (process.cpu_seconds - self._used_before)
        is_starved = not self._is_fresh and process.is_ready and process.is_running and left > 0.0
        if not is_starved or now >= self._last_deadline:
            return False
        self._deadline = min(now + max(left, MIN_TURN), self._last_deadline)
        return True

    def prepare(self, begun: BegunProbe | None = None) -> None:
        """Have a process, which loads what it needs, or the one that has done so meanwhile."""
        self.process, self._spare = self._spare or ProbeProcess(self._launch, self._orders, begun), None
        self._deadline = time.monotonic() + LONGEST_LOADING

    def _heard(self, process: ProbeProcess, now: float) -> Any:
        """An answer, an error or a Strike; None while nothing has come."""
        is_alive = process.is_alive
        try:
            message = process.receive()
        except ValueError as error:
            return self._lost(process, str(error))
        if message is not None and not process.is_ready:
            process.is_ready, self._n_stillborn = True, 0
            self._deadline = math.inf
            self._begin(now)
            return None
        if message is not None and self._asked:
            return _read(self._asked[0].question, message)
        if not is_alive:
            return self._lost(process, f"reading it ends the process that does ({process.how_it_ended()})")
        if now >= self._deadline and not self._give_more(process, now):
            is_disk = process.waits_for_disk
            why = "its disk does not answer" if is_disk else f"reading it takes longer than {self._seconds:g} s"
            return self._lost(process, why, is_disk)
        return None

    def _lost(self, process: ProbeProcess, why: str, is_disk: bool = False) -> Strike:
        if not process.is_ready and not process.was_killed:
            self._n_stillborn += 1
            if self._n_stillborn >= STILLBORN:
                raise NoProbes(words=process.how_it_ended())
        return Strike(why, is_disk)

    def _let_go(self) -> None:
        """End the process. Where one was lost more may be: the one after the next loads meanwhile."""
        self.waiting.extendleft(reversed(self._asked))
        self._asked.clear()
        self._deadline = math.inf
        if self.process is not None:
            self.process.kill()
        self.process = None
        if not self._is_fresh:
            self.prepare()
            self._spare = ProbeProcess(self._launch, self._orders)

    def close(self) -> None:
        """End the processes."""
        for process in (self.process, self._spare):
            if process is not None:
                process.kill()
        self.process = self._spare = None


def _read(question: Question, message: bytes) -> Any:
    try:
        return read_answer(question, message)
    except AutoprocError as error:
        return error


class ProbingProcesses:
    """Questions about files, answered by processes that can be killed."""

    def __init__(
        self, orders: bytes, seconds: float, launch: LaunchProbe = launch_probe, begun: BegunProbe | None = None
    ) -> None:
        """Have a first process at once; begun : one that waits for orders already."""
        self._quick = Lane(launch, orders, SHARE_OF_QUICK * seconds)
        self._patient = Lane(launch, orders, seconds, is_fresh=True)
        self._n_asked = 0
        self._quick.prepare(begun)

    def ask(self, question: Question) -> int:
        """Ask; returns the number of the question."""
        self._n_asked += 1
        self._quick.waiting.append(AskedQuestion(self._n_asked, question))
        return self._n_asked

    def answers(self, timeout: float) -> list[tuple[int, Any]]:
        """Answers that have come, or the AutoprocError that one is; waits for one, but at most so many seconds."""
        end = time.monotonic() + timeout
        while True:
            now = time.monotonic()
            found = [answer for answer in map(self._second_chance, self._quick.poll(now)) if answer is not None]
            found += [answer for answer in map(self._last_word, self._patient.poll(now)) if answer is not None]
            if found or now >= end:
                return found
            self._wait(min(end, self._quick.deadline, self._patient.deadline) - now)

    def _wait(self, seconds: float) -> None:
        processes = [lane.process for lane in (self._quick, self._patient) if lane.process is not None]
        select.select(processes, [p for p in processes if p.has_unsent], [], max(0.0, seconds))

    def _second_chance(self, result: tuple[AskedQuestion, Any]) -> tuple[int, Any] | None:
        asked, outcome = result
        if isinstance(outcome, Strike):
            self._patient.waiting.append(asked)
            return None
        return asked.number, outcome

    def _last_word(self, result: tuple[AskedQuestion, Any]) -> tuple[int, Any] | None:
        asked, outcome = result
        if not isinstance(outcome, Strike):
            return asked.number, outcome
        asked.n_disk_waits += outcome.is_disk
        if outcome.is_disk and asked.n_disk_waits < MOST_DISK_WAITS:
            self._patient.waiting.append(asked)
            return None
        return asked.number, Unanswered(path=asked.question.path, reason=outcome.reason)

    @property
    def n_fresh(self) -> int:
        """Questions that nobody has tried to answer yet, or that are being tried for the first time."""
        return self._quick.n_open

    def close(self) -> None:
        """End the processes."""
        self._quick.close()
        self._patient.close()
