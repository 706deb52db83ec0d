from __future__ import annotations

from dataclasses import dataclass

import pytest

from autoproc.decisions.ladder import PLAIN, Decision, Ladder, Step, Verdict
from autoproc.engine.climb import Budget, climb
from autoproc.errors import AutoprocError


class NoLuck(AutoprocError):
    what = "no luck with {step}"


@dataclass(frozen=True)
class Score:
    value: float

    @property
    def figures(self):
        return f"score {self.value:g}"


def higher(best, challenger):
    return Verdict(challenger.value > best.value, f"{challenger.value:g} against {best.value:g}")


STEPS = tuple(Step(f"try {name}", f"reason {name}", action=name) for name in "abc")
LADDER = Ladder("index", tuple(lambda _, step=step: step for step in STEPS), higher)


def generous():
    return Budget(attempts=10, seconds=100.0, clock=lambda: 0.0)


def climbed(scores, budget=None, journal=None):
    """Climb with an outcome for each action; None fails."""
    taken = []

    def attempt(step):
        taken.append(step.action)
        if scores[step.action] is None:
            raise NoLuck(step=step.action or "the first")
        return scores[step.action]

    journal = [] if journal is None else journal
    found = climb(LADDER, attempt, Score, budget or generous(), journal)
    return found, taken, journal


def test_best_is_kept_and_not_the_last():
    found, taken, journal = climbed({"": 1, "a": 5, "b": 3, "c": 4})
    assert found.result == 5
    assert taken == ["", "a", "b", "c"]
    assert [d.kept for d in journal] == [True, False, False]
    assert [d.before for d in journal] == ["score 1", "score 5", "score 5"]


def test_the_first_stays_where_nothing_is_better():
    assert climbed({"": 5, "a": 4, "b": 5, "c": None})[0].result == 5


def test_a_failure_is_one_attempt_and_told():
    found, taken, journal = climbed({"": None, "a": None, "b": 2, "c": 1})
    assert found.result == 2
    assert len(taken) == 4
    assert journal[0].sentence == "try a: no; reason a; no luck with a"
    assert journal[1].because == "reason b; it is the first that worked"
    assert [d.kept for d in journal] == [False, True, False]


def test_the_first_failure_is_raised_where_all_fail():
    with pytest.raises(NoLuck, match="the first"):
        climbed(dict.fromkeys(["", "a", "b", "c"]))


def test_what_is_no_processing_error_passes_through():
    def attempt(step):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        climb(LADDER, attempt, Score, generous(), [])


def test_a_flaw_of_the_program_costs_the_attempt_and_not_the_result():
    journal = []

    def attempt(step):
        if step.action == "b":
            raise ValueError("SVD did not converge")
        return 1

    assert climb(LADDER, attempt, Score, generous(), journal).result == 1
    assert "SVD did not converge" in journal[1].because

    def flawed(_):
        raise ValueError("at once")

    with pytest.raises(ValueError, match="at once"):
        climb(LADDER, flawed, Score, generous(), [])


def test_attempts_are_bounded_and_the_journal_says_so():
    budget = Budget(attempts=2, seconds=100.0, clock=lambda: 0.0)
    found, taken, journal = climbed({"": 1, "a": 2, "b": 3, "c": 9}, budget)
    assert (found.result, taken, budget.attempts) == (3, ["", "a", "b"], 0)
    assert journal[-1].what == "try c"
    assert "not tried: the number of attempts allowed (decisions.max_attempts) is used up" in journal[-1].because
    assert not journal[-1].kept


def test_time_is_bounded():
    now = iter([0.0, 10.0, 61.0])
    found, taken, journal = climbed({"": 1, "a": 2, "b": 3, "c": 9}, Budget(10, 60.0, clock=lambda: next(now)))
    assert (found.result, taken) == (2, ["", "a"])
    assert "decisions.max_minutes" in journal[-1].because


def test_cheap_attempts_have_a_budget_of_their_own_within_the_same_time():
    now = iter([0.0, 50.0, 59.0, 61.0])
    budget = Budget(0, 60.0, clock=lambda: next(now))
    apart = budget.apart(3)  # begins its own clock at 50, but that of the sweep counts
    assert (apart.attempts, apart.refusal) == (3, "")
    assert "max_minutes" in apart.refusal
    assert "max_attempts" in budget.refusal


def nested(scores):
    """A ladder whose attempts decide something of their own."""
    journal: list[Decision] = []

    def attempt(step):
        journal.append(Decision("scale", f"inner of {step.action or 'first'}", "inside", kept=True))
        return scores[step.action]

    climb(LADDER, attempt, Score, generous(), journal)
    return journal


def test_decisions_within_an_attempt_follow_it_and_fall_with_it():
    journal = nested({"": 1, "a": 0, "b": 2, "c": 1})
    assert [(d.what, d.kept, d.within) for d in journal] == [
        ("inner of first", False, ""),
        ("try a", False, ""), ("inner of a", False, "try a"),
        ("try b", True, ""), ("inner of b", True, "try b"),
        ("try c", False, ""), ("inner of c", False, "try c"),
    ]  # fmt: skip


def test_decisions_that_fall_say_why():
    first, _, inner_of_a, *_ = nested({"": 1, "a": 0, "b": 2, "c": 1})
    assert inner_of_a.because == "inside; given up with the attempt"
    assert first.because == "inside; given up for the attempt to try b"


def test_decisions_of_a_first_attempt_made_before_fall_with_it_too():
    for second, kept in ((2, False), (0, True)):
        journal = [Decision("index", "earlier", "", kept=True), Decision("scale", "cut", "", kept=True)]
        scores = {"": 1, "a": second}
        climb(Ladder("index", (lambda _: STEPS[0],), higher), lambda s, of=scores: of[s.action], Score, generous(),
              journal, begun=1)  # fmt: skip
        assert [d.kept for d in journal] == [True, kept, not kept]


def test_the_plain_attempt_has_no_line_of_its_own():
    assert climb(LADDER, lambda step: 1, Score, Budget(0, 1.0, clock=lambda: 0.0), []).history.attempts[0].step is PLAIN


@pytest.mark.parametrize("flaw", [TypeError("no len()"), RuntimeError("Impossible angle"), MemoryError("too much")])
def test_the_traceback_of_a_flaw_is_logged(flaw):
    logged = []

    def attempt(step):
        if step.action == "a":
            raise NoLuck(step="a")
        if step.action == "b":
            raise flaw
        if step.action == "c":
            raise NoLuck(step="c") from KeyError("x")
        return 1

    def log(title, details):
        logged.append((title, details))

    assert climb(LADDER, attempt, Score, generous(), [], log=log).result == 1
    (title, details), (other_title, other) = logged
    assert title == "broken off (attempt: try b)"
    assert details.startswith("Traceback")
    assert repr(flaw).split("(")[0] in details
    assert "in attempt" in details
    assert other_title == "broken off (attempt: try c)"
    assert "KeyError" in other
