from __future__ import annotations

import numpy as np
import pytest

from autoproc.decisions.damage import CUTS, DAMAGE, TailReport, better_part, in_short
from autoproc.decisions.ladder import PLAIN, Decision, History, TriedStep, decision


def report(kept, mean, completeness=1.0, n=2000, sigmas=10.0, b_growth=0.0, seed=0):
    deviance = mean * np.random.default_rng(seed).chisquare(3, n)
    return TailReport(kept, deviance, completeness, completeness, 7.0 * kept, 0.05, sigmas, b_growth)


def climbed(means, **whole):
    """The part that is kept where deviances are so large at 1 and at each of CUTS, and how many were tried."""
    history = History((TriedStep(PLAIN, report(1.0, means[0], **whole)),), 0)
    while (step := DAMAGE.next_step(history)) is not None:
        kept = step.changes["scale.keep_first"]
        new = report(kept, means[1 + CUTS.index(kept)])
        history = history.joined_by(TriedStep(step, new), DAMAGE.judge(history.champion, new).is_better)
    return history.champion.kept, len(history.attempts)


@pytest.mark.parametrize(
    ("means", "kept"),
    [
        ((1.0, 1.1, 1.2, 1.3, 1.4, 1.5), 1.0),
        ((1.0, 0.8, 0.7, 0.75, 0.8, 0.9), 0.7),
        ((1.0, 1.01, 0.99, 0.7, 0.8, 0.9), 0.6),  # a poor step does not hide a good one
        ((1.0, 0.9, 0.8, 0.7, 0.6, 0.5), 0.4),
        ((1.0, 0.99, 0.99, 0.985, 0.99, 0.99), 1.0),  # not worth it
    ],
)
def test_what_is_kept_is_what_agrees_best(means, kept):
    assert climbed(means) == (kept, 1 + len(CUTS))


def test_nothing_is_tried_without_a_sign_of_damage():
    assert climbed((1.0,) + (0.1,) * 5, sigmas=1.0) == (1.0, 1)
    assert climbed((1.0,) + (0.1,) * 5, sigmas=None, b_growth=None) == (1.0, 1)
    assert climbed((1.0,) + (0.9,) * 5, sigmas=None, b_growth=6.0)[0] < 1


def test_completeness_has_its_limit():
    verdict = better_part(report(1.0, 1.0), report(0.4, 0.5, completeness=0.9))
    assert not verdict.is_better
    assert "10.0% of the unique reflections would be lost, 5% may be" in verdict.because


def cuts_of(*tried):
    """The history of parts kept, each with its mean deviance and completeness, and its journal."""
    history, journal = History((TriedStep(PLAIN, report(1.0, 1.0)),), 0), []
    for mean, completeness in tried:
        step = DAMAGE.next_step(history)
        new = report(step.changes["scale.keep_first"], mean, completeness)
        attempt = TriedStep(step, new)
        verdict = DAMAGE.judge(history.champion, new)
        journal.append(decision(DAMAGE, history, attempt, verdict))
        history = history.joined_by(attempt, verdict.is_better)
    return history, journal


def test_once_too_much_would_be_lost_nothing_more_is_tried():
    history, _ = cuts_of((1.0, 0.97), (1.0, 0.94))
    assert DAMAGE.next_step(history) is None
    history, _ = cuts_of((1.0, 0.97))
    assert DAMAGE.next_step(history).changes == {"scale.keep_first": 0.7}


def test_cuts_that_were_refused_are_one_line():
    _, journal = cuts_of((1.2, 1.0), (0.99, 0.98), (0.9, 0.9))
    (line,) = in_short(journal)
    assert (line.what, line.kept) == ("leave out the last 20% to 40% of the images", False)
    assert line.because.startswith("intensities change with dose; at 20% squared deviations of early observations")
    assert line.because.endswith(", at 40% 10.0% of the unique reflections would be lost, 5% may be")
    assert line.changes == {"scale.keep_first": (0.8, 0.7, 0.6)}
    assert (line.before, line.after) == (journal[0].before, journal[-1].after)


def test_cuts_that_were_kept_are_one_line_with_what_is_kept():
    _, journal = cuts_of((0.8, 1.0), (0.85, 1.0), (0.6, 0.98), (0.7, 0.97), (0.7, 0.96))
    kept, refused = in_short(journal)
    assert (kept.what, kept.kept) == ("leave out the last 40% of the images", True)
    assert (kept.before, kept.after, kept.changes) == (journal[0].before, journal[2].after, {"scale.keep_first": 0.6})
    assert "at 20% squared deviations" in kept.because
    assert (refused.what, refused.kept) == ("leave out the last 30% to 60% of the images", False)


def test_a_single_cut_and_other_lines_stay_as_they_are():
    _, journal = cuts_of((1.2, 0.9))
    other = Decision("scale", "leave out the last 30% of the images", "not tried: the time is used up", False)
    assert in_short([*journal, other]) == [*journal, other]
    assert in_short([]) == []


def test_the_cost_is_told():
    verdict = better_part(report(1.0, 1.0), report(0.6, 0.5, completeness=0.97))
    assert verdict.is_better
    assert "for 3.0% of the unique reflections" in verdict.because
    assert "a multiplicity of 4.2 for 7.0" in verdict.because


def test_noise_decides_nothing():
    verdicts = [better_part(report(1.0, 1.0, seed=seed, n=300), report(0.8, 1.0, seed=seed + 50, n=300))
                for seed in range(20)]  # fmt: skip
    assert not any(v.is_better for v in verdicts)


def test_one_reflection_decides_nothing():
    whole, part = report(1.0, 1.0), report(0.8, 1.0)
    whole.deviance[3] = 1e9
    assert not better_part(whole, part).is_better


def test_reflections_that_cannot_be_judged_are_left_out():
    whole, part = report(1.0, 1.0), report(0.8, 0.5)
    part.deviance[:] = np.nan
    assert better_part(whole, part).because == "there are too few reflections to judge by"
