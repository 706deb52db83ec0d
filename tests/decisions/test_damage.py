from __future__ import annotations

import numpy as np
import pytest

from autoproc.decisions.damage import CUTS, DAMAGE, TailReport, better_part
from autoproc.decisions.ladder import PLAIN, Attempt, History


def report(kept, mean, completeness=1.0, n=2000, sigmas=10.0, b_growth=0.0, seed=0):
    deviance = mean * np.random.default_rng(seed).chisquare(3, n)
    return TailReport(kept, deviance, completeness, completeness, 7.0 * kept, 0.05, sigmas, b_growth)


def climbed(means, **whole):
    """The part that is kept where deviances are so large at 1 and at each of CUTS, and how many were tried."""
    history = History((Attempt(PLAIN, report(1.0, means[0], **whole)),), 0)
    while (step := DAMAGE.next_step(history)) is not None:
        kept = step.changes["scale.keep_first"]
        new = report(kept, means[1 + CUTS.index(kept)])
        history = history.joined_by(Attempt(step, new), DAMAGE.judge(history.champion, new).is_better)
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
