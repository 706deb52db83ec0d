"""Ladders: a first result, what else to try, and which result is the best; all of it decided from reports.

A ladder is data: rules that look at what was tried so far and may propose a Step, and a judge that compares two
reports. A new way of rescuing data is one more rule; nothing here knows stages, files or pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Generic, Protocol, TypeVar


class AttemptReport(Protocol):
    """What a ladder's judge and rules look at: numbers of one attempt."""

    @property
    def figures(self) -> str:
        """The numbers that count, in a few words."""


R = TypeVar("R", bound=AttemptReport)


@dataclass(frozen=True, slots=True)
class Step:
    """Something to try.

    what : in words, as in "look for a second lattice"; because : the reason, in words
    changes : TABLE.KEY of the configuration with its new value; action : anything that is no parameter
    """

    what: str
    because: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    action: str = ""

    def is_like(self, other: Step) -> bool:
        """The same attempt, whatever the reason given for it."""
        return self.action == other.action and dict(self.changes) == dict(other.changes)


PLAIN = Step("as configured", "")
"""The first attempt of every ladder."""


@dataclass(frozen=True, slots=True)
class TriedStep(Generic[R]):
    """A step that was taken: its report, or the failure that ended it."""

    step: Step
    report: R | None
    failure: str = ""


@dataclass(frozen=True, slots=True)
class History(Generic[R]):
    """All attempts of a ladder, in order; best : index of the one to keep, None while all have failed."""

    attempts: tuple[TriedStep[R], ...] = ()
    best: int | None = None

    @property
    def champion(self) -> R | None:
        """The report of the best attempt."""
        return None if self.best is None else self.attempts[self.best].report

    @property
    def last(self) -> TriedStep[R]:
        """The latest attempt."""
        return self.attempts[-1]

    def has_tried(self, step: Step) -> bool:
        """That step, or one like it, was taken."""
        return any(attempt.step.is_like(step) for attempt in self.attempts)

    def joined_by(self, attempt: TriedStep[R], is_best: bool) -> History[R]:
        """With one more attempt."""
        return History((*self.attempts, attempt), len(self.attempts) if is_best else self.best)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the challenger is to be kept in place of the best so far, and why."""

    is_better: bool
    because: str


Rule = Callable[[History[R]], Step | None]
Judge = Callable[[R, R], Verdict]


@dataclass(frozen=True, slots=True)
class Ladder(Generic[R]):
    """What to try at one stage.

    rules : in order; the first that proposes a step not yet taken is followed
    judge : (best so far, challenger) -> Verdict
    """

    stage: str
    rules: tuple[Rule[R], ...]
    judge: Judge[R]

    def next_step(self, history: History[R]) -> Step | None:
        """What to try next; None when there is nothing left worth a try."""
        for rule in self.rules:
            step = rule(history)
            if step is not None and not history.has_tried(step):
                return step
        return None


@dataclass(frozen=True, slots=True)
class Decision:
    """One line of the journal.

    stage : of the ladder; what : was tried; because : why it was tried, and why it was kept or not
    kept : it is part of the result; before, after : the figures of the best so far and of this attempt
    changes : the parameters that were different; within : the attempt in which it was made, "" for the sweep itself
    fallen : it was made for a result that was given up, and the one that stands knows nothing of it
    """

    stage: str
    what: str
    because: str
    kept: bool
    before: str = ""
    after: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)
    within: str = ""
    fallen: bool = False

    @property
    def sentence(self) -> str:
        """For people."""
        where = f"in the attempt to {self.within}: " if self.within else ""
        return f"{where}{self.what}: {'yes' if self.kept else 'no'}; {self.because}"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "changes": dict(self.changes)}


def decision(ladder: Ladder[R], history: History[R], attempt: TriedStep[R], verdict: Verdict) -> Decision:
    """The journal's line for an attempt that joined a history."""
    before = "" if history.champion is None else history.champion.figures
    after = attempt.failure if attempt.report is None else attempt.report.figures
    reasons: Sequence[str] = [text for text in (attempt.step.because, verdict.because) if text]
    return Decision(
        ladder.stage, attempt.step.what, "; ".join(reasons), verdict.is_better, before, after, attempt.step.changes
    )
