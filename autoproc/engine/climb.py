"""Climbing a ladder: run, report, judge, try the next step, until no rule has anything to propose."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from autoproc.decisions.ladder import (
    PLAIN,
    AttemptReport,
    Decision,
    History,
    Ladder,
    Step,
    TriedStep,
    Verdict,
    decision,
)
from autoproc.errors import AutoprocError, details_of

FLAWS = (
    ArithmeticError, AssertionError, AttributeError, BufferError, LookupError, MemoryError, RuntimeError, TypeError,
    ValueError,
)  # fmt: skip
"""What a flaw of the program, or of a library, raises."""


def to_nobody(title: str, details: str) -> None:
    """No log."""


T = TypeVar("T")
R = TypeVar("R", bound=AttemptReport)


@dataclass(slots=True)
class Budget:
    """What may still be tried: attempts beyond the first of each ladder, and time, seconds since `began`."""

    attempts: int
    seconds: float
    clock: Callable[[], float] = time.monotonic
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.clock()

    def apart(self, attempts: int) -> Budget:
        """Attempts of its own within the same time: for those that cost next to nothing."""
        other = Budget(attempts, self.seconds, self.clock)
        other.began = self.began
        return other

    @property
    def refusal(self) -> str:
        """Why nothing more may be tried; empty while something may."""
        if self.attempts <= 0:
            return "the number of attempts allowed (decisions.max_attempts) is used up"
        if self.clock() - self.began > self.seconds:
            return "the time allowed (decisions.max_minutes) is used up"
        return ""


@dataclass(frozen=True, slots=True, eq=False)
class Climbed(Generic[T, R]):
    """The best result of a ladder and all that was tried."""

    result: T
    history: History[R]


def climb(
    ladder: Ladder[R],
    attempt: Callable[[Step], T],
    report: Callable[[T], R],
    budget: Budget,
    journal: list[Decision],
    begun: int | None = None,
    log: Callable[[str, str], None] = to_nobody,
) -> Climbed[T, R]:
    """Take a ladder's steps and keep the best result.

    attempt : takes a step; AutoprocError is a failed attempt, and once there is a result so is a flaw of the
        program, which must not cost it; everything else, such as a full disk, passes through
    journal : what is decided is added to it, an attempt before the decisions made within it. These are kept as long as
        the attempt is the best
    log : is given a title and the traceback of attempts that a flaw of the program broke off
    begun : where the decisions within the first attempt begin in the journal, if it was made before; None is its end
    Raises the AutoprocError of the first attempt where none succeeded.
    """
    history: History[R] = History()
    best: list[T] = []
    first_error: AutoprocError | None = None
    champions = slice(0, 0)
    step: Step | None = PLAIN
    while step is not None:
        begun = len(journal) if begun is None else begun
        try:
            result = attempt(step)
        except (AutoprocError, *FLAWS) as error:
            if not isinstance(error, AutoprocError) and not best:
                raise
            _log_flaw(log, step, error)
            told = error.message if isinstance(error, AutoprocError) else f"it broke off: {error!r}"
            if isinstance(error, AutoprocError):
                first_error = first_error or error
            taken: TriedStep[R] = TriedStep(step, None, told)
            verdict = Verdict(False, told)
        else:
            taken = TriedStep(step, report(result))
            verdict = _judged(ladder, history, taken)
        if step is not PLAIN:
            journal[begun:] = [replace(inner, within=inner.within or step.what) for inner in journal[begun:]]
            journal.insert(begun, decision(ladder, history, taken, verdict))
        inside = slice(begun + (step is not PLAIN), len(journal))
        why = "given up with the attempt"
        if verdict.is_better:
            best, why = [result], f"given up for the attempt to {step.what}"
            inside, champions = champions, inside
        journal[inside] = [_given_up(inner, why) for inner in journal[inside]]
        history = history.joined_by(taken, verdict.is_better)
        step, begun = _next(ladder, history, budget, journal), None
    if not best:
        assert first_error is not None
        raise first_error
    return Climbed(best[0], history)


def _log_flaw(log: Callable[[str, str], None], step: Step, error: Exception) -> None:
    """The traceback of what nobody foresaw, under the attempt's name."""
    details = details_of(error)
    if details:
        log("broken off" if step is PLAIN else f"broken off (attempt: {step.what})", details)


def _given_up(inner: Decision, why: str) -> Decision:
    """A decision that falls with the result for which it was made."""
    if not inner.kept:
        return replace(inner, fallen=True)
    because = "; ".join(reason for reason in (inner.because, why) if reason)
    return replace(inner, kept=False, because=because, fallen=True)


def _judged(ladder: Ladder[R], history: History[R], taken: TriedStep[R]) -> Verdict:
    assert taken.report is not None
    if history.champion is None:
        return Verdict(True, "" if taken.step is PLAIN else "it is the first that worked")
    return ladder.judge(history.champion, taken.report)


def _next(ladder: Ladder[R], history: History[R], budget: Budget, journal: list[Decision]) -> Step | None:
    step = ladder.next_step(history)
    if step is None:
        return None
    refusal = budget.refusal
    if refusal:
        journal.append(Decision(ladder.stage, step.what, f"{step.because}; not tried: {refusal}", kept=False))
        return None
    budget.attempts -= 1
    return step
