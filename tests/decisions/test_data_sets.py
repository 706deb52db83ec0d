"""Which data sets are left out, told by a few numbers."""

from __future__ import annotations

import pytest

from autoproc.decisions.data_sets import (
    DATA_SETS,
    DataSetEffect,
    DataSetsReport,
    harmful,
    leave_out_the_worst,
    merged_data_gain,
)
from autoproc.decisions.ladder import PLAIN, History, TriedStep

NAN = float("nan")


def effects(*deltas):
    return tuple(DataSetEffect(f"x{n}", delta, 100) for n, delta in enumerate(deltas))


def report(*deltas, held_out=(0.9, 0.91, 0.92, 0.9), completeness=99.0):
    return DataSetsReport(effects(*deltas), held_out, completeness)


def history(*reports, best=0):
    attempts = tuple(TriedStep(PLAIN, r) for r in reports)
    return History(attempts, best)


@pytest.mark.parametrize(
    ("deltas", "names"),
    [
        ((0.001, 0.0012, 0.0009, 0.0011, -0.02), ["x4"]),
        ((0.001, -0.03, 0.0009, 0.0011, 0.001, -0.02), ["x1", "x5"]),
        ((0.001, 0.0012, 0.0009, 0.0011), []),
        ((-0.001, -0.0012, -0.0009, -0.0011), []),  # alike: none is an outlier
        ((0.011, 0.0112, 0.0109, 0.011, 0.001), []),  # far less useful, but not harmful
        ((0.001, None, 0.0011, 0.0009, None), []),
        ((0.001, -0.5), []),
        ((), []),
    ],
)
def test_what_harms_is_far_below_the_usual(deltas, names):
    assert [effect.name for effect in harmful(effects(*deltas))] == names


def test_a_few_are_left_out_at_a_time():
    usual = [0.001 + 0.0001 * (n % 3) for n in range(20)]
    step = leave_out_the_worst(history(report(*usual, -0.02, -0.03, -0.01)))
    assert step.what == "leave out x21 and x20"
    assert step.action == "x21\nx20"
    assert "0.0300 and 0.0200" in step.because
    step = leave_out_the_worst(history(report(0.001, 0.0011, 0.0012, 0.0011, -0.03)))
    assert step.action == "x4"


def test_a_further_round_keeps_out_who_is_out():
    usual = [0.001 + 0.0001 * (n % 3) for n in range(6)]
    first = report(*usual, -0.03, -0.02)
    second = DataSetsReport(first.effects[:6] + first.effects[7:], (0.95, 0.95, 0.95), 99.0)
    step = leave_out_the_worst(history(first, second, best=1))
    assert step.what == "leave out x7"
    assert step.action == "x6\nx7"


def test_two_stay_and_a_round_without_gain_is_the_last():
    bad = report(0.001, 0.0011, 0.0012, 0.0011, -0.03)
    assert leave_out_the_worst(history(report(0.001, -0.03))) is None
    assert leave_out_the_worst(history(bad, report(0.001, 0.001), best=0)) is None
    assert leave_out_the_worst(history(bad, bad, best=1)) is not None
    assert leave_out_the_worst(history(None, best=None)) is None


@pytest.mark.parametrize(
    ("after", "completeness", "is_better", "said"),
    [
        ((0.93, 0.94, 0.94, 0.93), 99.0, True, "+0.0275"),
        ((0.93, 0.94, 0.94, 0.93), 96.9, False, "2.1% of the reflections"),
        ((0.93, 0.88, 0.95, 0.89), 99.0, False, "no gain"),
        ((0.89, 0.90, 0.90, 0.89), 99.0, False, "no gain"),
        ((NAN, NAN, 0.94, 0.93), 99.0, False, "too few"),
    ],
)
def test_held_out_reflections_judge(after, completeness, is_better, said):
    verdict = merged_data_gain(report(0.1), report(0.1, held_out=after, completeness=completeness))
    assert verdict.is_better is is_better
    assert said in verdict.because


def test_the_ladder_and_its_words():
    bad = report(0.001, 0.0011, 0.0012, 0.0011, -0.03)
    assert DATA_SETS.next_step(history(bad)).action == "x4"
    assert bad.figures == "5 data sets, CC1/2 of held-out reflections 0.9075, 99.0% complete"
    assert "unknown" in report(0.1, held_out=(NAN,)).figures
