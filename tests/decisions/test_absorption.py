from __future__ import annotations

import numpy as np
import pytest

from autoproc.decisions.absorption import ABSORPTION, AbsorptionReport, better_level
from autoproc.decisions.ladder import PLAIN, History, TriedStep


def report(level, mean, spread=0.0, n=2000, r_meas=0.05):
    scatter = np.random.default_rng(0).standard_normal(n)
    return AbsorptionReport(level, r_meas, mean + spread * (scatter - scatter.mean()))


LOW = report("low", 1.0)


def levels_tried(*means):
    """Levels tried, and the one kept, where held-out deviances are so large at low, medium and high."""
    history = History((TriedStep(PLAIN, report("low", means[0])),), 0)
    tried = ["low"]
    while (step := ABSORPTION.next_step(history)) is not None:
        level = step.changes["scale.absorption_level"]
        new = report(level, means[len(tried)])
        tried.append(level)
        history = history.joined_by(TriedStep(step, new), ABSORPTION.judge(history.champion, new).is_better)
    return tried, history.champion.level


@pytest.mark.parametrize(
    ("means", "tried", "kept"),
    [
        ((1.0, 1.01, 0.5), ["low", "medium", "high"], "high"),  # a poor step does not hide a good one
        ((1.0, 0.9, 0.8), ["low", "medium", "high"], "high"),
        ((1.0, 0.9, 0.95), ["low", "medium", "high"], "medium"),
        ((1.0, 0.998, 0.9), ["low", "medium", "high"], "high"),  # restraints hide it until the last step
        ((1.0, 0.998, 0.997), ["low", "medium", "high"], "low"),
    ],
)
def test_raised_while_it_helps(means, tried, kept):
    assert levels_tried(*means) == (tried, kept)


def test_a_gain_by_chance_is_no_gain():
    assert not better_level(LOW, report("medium", 0.98, spread=0.5)).is_better
    assert better_level(LOW, report("medium", 0.98, spread=0.05)).is_better


def test_a_gain_too_small_is_not_worth_the_parameters():
    verdict = better_level(LOW, report("medium", 0.997))
    assert not verdict.is_better
    assert "fall by 0.30% +- 0.01% (free Rmeas 0.0500 -> 0.0500), where 0.5% is worth it" in verdict.because


@pytest.mark.parametrize(
    ("mean", "spread", "words"),
    [
        (0.98, 0.0, "fall by 2.00% +- 0.04% (free Rmeas 0.0500 -> 0.0500)"),
        (0.98, 0.5, "less than 5 times its uncertainty, and may be chance"),
        (1.02, 0.0, "rise by 2.00% +- 0.04%"),
    ],
)
def test_the_journal_has_the_gain_and_its_error(mean, spread, words):
    """In one clause, which is all that the summary shows; the error by hand: root of the sum of squared changes."""
    verdict = better_level(LOW, report("medium", mean, spread))
    assert words in verdict.because
    assert ";" not in verdict.because


def test_too_few_reflections_leave_the_lowest():
    nothing = report("low", 1.0, r_meas=None)
    assert ABSORPTION.next_step(History((TriedStep(PLAIN, nothing),), 0)) is None
    assert not better_level(LOW, report("medium", 0.5, r_meas=None)).is_better


@pytest.mark.parametrize("n", [50, 2000])
@pytest.mark.parametrize("wild", [1e3, 1e9])
def test_one_wild_reflection_decides_nothing(n, wild):
    def with_wild(level, mean):
        deviance = report(level, mean, spread=0.02, n=n).deviance
        deviance[7] = wild
        return AbsorptionReport(level, 0.05, deviance)

    assert better_level(report("low", 1.0, 0.05, n), with_wild("medium", 0.8)).is_better
    assert not better_level(with_wild("low", 1.0), report("medium", 1.0, 0.05, n)).is_better


@pytest.mark.parametrize(("mean", "is_better"), [(0.9949, True), (0.9951, False)])
def test_half_a_per_cent_is_worth_it(mean, is_better):
    assert better_level(LOW, report("medium", mean)).is_better == is_better


@pytest.mark.parametrize(("n", "is_better"), [(26, True), (24, False)])
def test_five_standard_deviations_are_significant(n, is_better):
    """Equal gains of n reflections are sqrt(n) standard deviations."""
    assert better_level(report("low", 1.0, n=n), report("medium", 0.9, n=n)).is_better == is_better


def test_what_is_worse_is_never_better():
    verdict = better_level(LOW, report("medium", 1.2))
    assert not verdict.is_better
    assert "rise by 20.00%" in verdict.because
