from __future__ import annotations

import json
from dataclasses import dataclass

from autoproc.decisions.ladder import PLAIN, History, Ladder, Step, TriedStep, Verdict, decision


@dataclass(frozen=True)
class Score:
    value: float

    @property
    def figures(self):
        return f"score {self.value:g}"


def higher(best, challenger):
    return Verdict(challenger.value > best.value, "higher" if challenger.value > best.value else "not higher")


A = Step("try A", "because of A", {"index.method": "fft1d"})
B = Step("try B", "because of B", action="beam")
LADDER = Ladder("index", (lambda _: A, lambda h: B if h.champion and h.champion.value < 5 else None), higher)
FIRST = History((TriedStep(PLAIN, Score(1.0)),), 0)


def test_first_rule_with_something_new_to_say_is_followed():
    assert LADDER.next_step(FIRST) is A
    tried = FIRST.joined_by(TriedStep(A, Score(2.0)), is_best=True)
    assert LADDER.next_step(tried) is B
    assert LADDER.next_step(tried.joined_by(TriedStep(B, None, "failed"), is_best=False)) is None


def test_rules_look_at_the_best_so_far():
    good = FIRST.joined_by(TriedStep(A, Score(9.0)), is_best=True)
    assert LADDER.next_step(good) is None


def test_a_step_is_the_same_whatever_its_reason():
    again = Step("other words", "other reason", {"index.method": "fft1d"})
    assert A.is_like(again)
    assert not A.is_like(B)
    assert not PLAIN.is_like(A)
    assert FIRST.joined_by(TriedStep(A, None, "failed"), is_best=False).has_tried(again)


def test_best_and_last_are_kept_apart():
    history = FIRST.joined_by(TriedStep(A, Score(9.0)), is_best=True).joined_by(TriedStep(B, Score(3.0)), is_best=False)
    assert history.champion == Score(9.0)
    assert history.last.report == Score(3.0)
    assert History((TriedStep(PLAIN, None, "no"),)).champion is None


def test_decision_holds_before_and_after_and_both_reasons():
    made = decision(LADDER, FIRST, TriedStep(A, Score(2.0)), Verdict(True, "higher"))
    assert made.sentence == "try A: yes; because of A; higher"
    assert (made.before, made.after) == ("score 1", "score 2")
    assert json.loads(json.dumps(made.as_dict())) == {
        "stage": "index", "what": "try A", "because": "because of A; higher", "kept": True,
        "before": "score 1", "after": "score 2", "changes": {"index.method": "fft1d"}, "within": "", "fallen": False,
    }  # fmt: skip


def test_decision_of_a_failed_attempt_tells_the_failure():
    made = decision(LADDER, FIRST, TriedStep(B, None, "too few spots"), Verdict(False, "too few spots"))
    assert made.sentence == "try B: no; because of B; too few spots"
    assert made.after == "too few spots"
