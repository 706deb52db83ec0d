from __future__ import annotations

from dataclasses import dataclass

from autoproc.decisions.ladder import Decision, Ladder, Step, Verdict
from autoproc.engine.climb import Budget, climb
from autoproc.reports.journal import decisions_that_stand, sentence


@dataclass(frozen=True)
class Score:
    value: int

    @property
    def figures(self) -> str:
        return str(self.value)


def climbed(*scores: int) -> list[dict]:
    """The journal of a climb whose attempts each decide and refuse something of their own."""
    steps = [Step(f"try {n}", "there is doubt", action=str(n)) for n in range(1, len(scores))]
    ladder = Ladder(
        "index",
        (lambda history: next((s for s in steps if not history.has_tried(s)), None),),
        lambda best, new: Verdict(new.value > best.value, f"{best.value} -> {new.value}"),
    )
    journal = [Decision("index", "before", "in any case", kept=False)]

    def attempt(step: Step) -> int:
        name = step.action or "0"
        journal.append(Decision("scale", f"raise {name}", "no gain", kept=False))
        journal.append(Decision("scale", f"cut {name}", "it falls", kept=True))
        return scores[int(name)]

    climb(ladder, attempt, Score, Budget(9, 1e9), journal)
    return [d.as_dict() for d in journal]


def told(*scores: int) -> list[str]:
    return [d["what"] for d in decisions_that_stand(climbed(*scores))]


def test_what_was_decided_within_attempts_that_were_given_up_is_left_out():
    assert told(1, 2) == ["before", "try 1", "raise 1", "cut 1"]
    assert told(2, 1) == ["before", "raise 0", "cut 0", "try 1"]
    assert told(1, 3, 2) == ["before", "try 1", "raise 1", "cut 1", "try 2"]


def test_a_sentence_tells_the_outcome_once():
    decisions = {d["what"]: sentence(d) for d in climbed(1, 2)}
    assert decisions["try 1"] == "try 1: yes; 1 -> 2"
    assert decisions["before"] == "before: no; in any case"
