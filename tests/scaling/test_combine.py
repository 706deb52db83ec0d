from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scaled_for_tests import Recipe, synthetic

from autoproc.scaling.combine import PROFILE, SUMMATION, IntensityChoice, best_choice, blend, candidates
from autoproc.scaling.unscaled_observations import Intensities, UnscaledObservations, observations_for_scaling


@pytest.fixture(scope="module")
def observed() -> UnscaledObservations:
    made = synthetic(Recipe(n_observations=3000, scale_amplitude=0.0))
    return observations_for_scaling([made.experiment], made.reflections, 0.4, -5.0, None, None)


def with_values(observed: UnscaledObservations, raw, profile, summation) -> UnscaledObservations:
    n = len(raw)
    pairs = [Intensities(np.array(v, float), np.array(v, float) ** 2 + 1) for v in (profile, summation)]
    return replace(observed, raw=np.array(raw, float), profile=pairs[0], summation=pairs[1], row=np.arange(n))


def test_blend_by_hand(observed):
    """w = 1 / (1 + (I_raw / I_mid)^3): 1, 1/2 and 1/9 at 0, I_mid and 2 I_mid, of values and of variances."""
    three = with_values(observed, [-50.0, 100.0, 200.0], [1.0, 10.0, 90.0], [2.0, 20.0, 180.0])
    mixed = blend(three, 100.0)
    assert mixed.value == pytest.approx([1.0, 15.0, 90 / 9 + 180 * 8 / 9])
    assert mixed.variance == pytest.approx([2.0, (101 + 401) / 2, 8101 / 9 + 32401 * 8 / 9])


def test_what_stands_for_one_estimate_alone_is_that_estimate(observed):
    assert blend(observed, PROFILE) is observed.profile
    assert blend(observed, SUMMATION) is observed.summation


def test_where_one_estimate_failed_the_other_stands_in(observed):
    nan = np.nan
    three = with_values(observed, [100.0] * 3, [nan, 7.0, nan], [5.0, nan, nan])
    np.testing.assert_array_equal(blend(three, 100.0).value, [5.0, 7.0, nan])
    np.testing.assert_array_equal(blend(three, 100.0).variance, [26.0, 50.0, nan])


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ([100.0, 50000.0, 50000.0], [0, 1, 100100 / 3]),
        ([10.0] * 98 + [99010.0] * 2, [0, 1, 1990.0, 9901.0]),
        ([0.0] * 998 + [20000.0] * 2, [0, 1, 40.0, 2000.0, 200.0]),
        ([10.0] * 99 + [99010.0], [0, 1, 10.0]),  # what a single wild one measures moves nothing
        ([1.0, 2.0], [0, 1, 10.0]),
    ],
)
def test_choices_worth_a_try_are_the_mean_and_decades_below_the_strongest(observed, raw, expected):
    assert candidates(with_values(observed, raw, raw, raw)) == pytest.approx(expected)


def test_an_estimate_that_is_missing_is_not_tried(observed):
    nan = [np.nan] * 2
    assert candidates(with_values(observed, [5.0, 6.0], nan, [5.0, 6.0])) == [SUMMATION]
    assert candidates(with_values(observed, [5.0, 6.0], [5.0, 6.0], nan)) == [PROFILE]
    assert candidates(with_values(observed, nan, [5.0, 6.0], [5.0, 6.0])) == [SUMMATION]


def test_the_estimate_that_agrees_best_comes_first(observed):
    n = len(observed)
    kept, factors = np.ones(n, bool), np.ones(n)
    best = best_choice(observed, factors, kept)
    assert best[0].name != "summation"  # made rougher than the profile fit
    swapped = replace(observed, profile=observed.summation, summation=observed.profile)
    assert best_choice(swapped, factors, kept)[0].name != "profile"
    assert [c.r_meas for c in best] == sorted(c.r_meas for c in best)
    assert len(best) == len(candidates(observed))


def test_scales_belong_to_the_judgement(observed):
    n = len(observed)
    g = np.random.default_rng(0).uniform(0.5, 2, n)
    pairs = [Intensities(i.value * g, i.variance * g * g) for i in (observed.profile, observed.summation)]
    scaled = replace(observed, profile=pairs[0], summation=pairs[1])
    plain, corrected = best_choice(observed, np.ones(n), np.ones(n, bool)), best_choice(scaled, g, np.ones(n, bool))
    assert {c.i_mid: c.r_meas for c in plain if c.i_mid < 2} == pytest.approx(
        {c.i_mid: c.r_meas for c in corrected if c.i_mid < 2}
    )


def test_a_profile_wins_ties_and_nothing_kept_gives_no_figures(observed):
    n = len(observed)
    same = replace(observed, summation=observed.profile)
    assert best_choice(same, np.ones(n), np.ones(n, bool))[0].i_mid == PROFILE
    empty = best_choice(observed, np.ones(n), np.zeros(n, bool))
    assert {c.r_meas for c in empty} == {None}


def test_names_for_people():
    assert [IntensityChoice(i, None).name for i in (0.0, 1.0, 123.46)] == [
        "profile",
        "summation",
        "combined, Imid = 123.5",
    ]
