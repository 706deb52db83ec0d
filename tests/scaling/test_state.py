from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scaled_for_tests import Recipe, Synthetic, synthetic
from wedges_for_tests import wedges_of

from autoproc.errors import NoReflections
from autoproc.scaling.error_model import ErrorModel
from autoproc.scaling.model import model_for
from autoproc.scaling.params import ScaleParams
from autoproc.scaling.state import (
    ScalingState,
    against_equivalents,
    bare_state,
    expected_intensities,
    fitted,
    image_ratios,
    select_for_fit,
    squared_deviations,
    with_error_model,
    with_models,
    with_outliers,
    with_rough_scales,
    with_steady_variances,
)
from autoproc.scaling.unscaled_observations import UnscaledObservations, observations_for_scaling
from autoproc.stages.scale import scale


def prepared(**recipe) -> tuple[Synthetic, UnscaledObservations, ScalingState]:
    """Observations and a state of factors 1 that knows nothing yet."""
    made = synthetic(Recipe(**{"n_observations": 3000} | recipe))
    observations = observations_for_scaling([made.experiment], made.reflections, 0.4, -5.0, None, None)
    model = model_for(made.experiment, observations.at.frame, True, 0)
    return made, observations, bare_state(observations.profile, [model])


@pytest.fixture(scope="module")
def plain() -> tuple[Synthetic, UnscaledObservations, ScalingState]:
    return prepared()


def flagged(n: int, *rows: int) -> np.ndarray:
    return np.isin(np.arange(n), rows)


def test_measured_and_kept(plain):
    state = plain[2]
    n = len(state.intensity)
    intensity, variance, factors = state.intensity.copy(), state.variance.copy(), state.factors.copy()
    intensity[0], variance[1], factors[2] = np.nan, np.inf, 0.0
    state = replace(state, intensity=intensity, variance=variance, factors=factors)
    state = replace(state, blank=flagged(n, 3), shadowed=flagged(n, 4), outliers=flagged(n, 5))
    assert np.flatnonzero(~state.measured).tolist() == [0, 1, 2, 3, 4]
    assert np.flatnonzero(~state.kept).tolist() == [0, 1, 2, 3, 4, 5]


def test_expectation_is_that_of_a_loop(plain):
    """Weights 1 / variance, first with the observed intensity in the error model, then with the mean."""
    _, observations, state = plain
    n = len(observations)
    random = np.random.default_rng(0)
    g = random.uniform(0.5, 2, n)
    state = replace(state, factors=g, error_model=ErrorModel(1.2, 0.1))
    use = random.uniform(size=n) < 0.8
    seen = expected_intensities(observations, state, use)
    group = observations.groups.group
    for name in np.unique(group)[:40]:
        rows = np.flatnonzero((group == name) & use)
        every = np.flatnonzero(group == name)
        if not len(rows):
            assert not seen.expected[every].any()
            continue
        level = state.intensity[rows]
        for _ in range(2):
            w = 1 / state.error_model.variance(state.variance[rows], level)
            mean = (w * g[rows] * state.intensity[rows]).sum() / (w * g[rows] ** 2).sum()
            level = g[rows] * mean
        np.testing.assert_allclose(seen.expected[every], g[every] * mean, rtol=1e-9)
        np.testing.assert_allclose(seen.share[rows], w * g[rows] ** 2 / (w * g[rows] ** 2).sum(), rtol=1e-9)
        variance = 1.44 * (state.variance[every] + (0.1 * np.maximum(g[every] * mean, 0)) ** 2)
        np.testing.assert_allclose(seen.variance[every], variance, rtol=1e-9)
    np.testing.assert_allclose(observations.groups.sum(seen.share)[observations.groups.subset(use).count > 0], 1.0)


def test_deviations_of_true_errors_have_the_mean_square_of_their_variances(plain):
    """Corrected for the share in the mean, sigma^2 comes out for groups of two as for groups of many."""
    _, observations, state = plain
    random = np.random.default_rng(1)
    value = 1000 + 20 * random.normal(size=len(observations))
    state = replace(state, intensity=value, variance=np.full(len(value), 400.0), error_model=ErrorModel(1.0, 1e-4))
    deviation2, variance, expected = squared_deviations(observations, state, 25.0)
    assert deviation2.mean() == pytest.approx(400.0, rel=0.06)
    assert (variance == 400.0).all()
    assert expected == pytest.approx(np.full(len(expected), 1000.0), abs=80)
    count = observations.groups.count[observations.groups.group]
    assert len(deviation2) == np.count_nonzero(count > 1)
    assert not len(squared_deviations(observations, state, 2000.0)[0])


def test_rough_scales_follow_a_strong_change(plain):
    made, observations, state = prepared(scale_amplitude=0.7)
    rough = with_rough_scales(observations, state)
    ratio = np.log(rough.factors / made.factor[observations.row])
    assert np.std(ratio) < 0.25 < np.std(np.log(made.factor))
    (model,) = rough.models
    assert not model.parameters[model.slices[0].stop :].any()
    frames = model.coordinate(observations.at.frame, model.scale)
    nearest = np.argmin(np.abs(frames[:, None] - model.scale.positions), axis=1)
    np.testing.assert_allclose(rough.factors, model.parameters[nearest])


def test_rough_scales_of_stretches_without_reflections_are_one(plain):
    _, observations, state = plain
    n = len(observations)
    blind = replace(state, blank=observations.at.frame < 60)
    first = with_rough_scales(observations, blind).models[0].parameters[:2]
    np.testing.assert_allclose(first, 1.0)
    none = with_rough_scales(observations, replace(state, blank=np.ones(n, bool)))
    np.testing.assert_allclose(none.factors, 1.0)


def test_models_come_to_a_mean_scale_of_one(plain):
    made, observations, state = plain
    n = len(observations)
    (model,) = state.models
    tripled = model.parameters.copy()
    tripled[model.slices[0]] *= np.linspace(2, 4, model.scale.n_parameters)
    out = flagged(n, *range(50))
    found = with_models([made.experiment], observations, replace(state, outliers=out), [model.with_parameters(tripled)])
    assert found.factors[~out].mean() == pytest.approx(1.0)
    np.testing.assert_allclose(found.models[0].factors_at(made.experiment, observations.at), found.factors, rtol=1e-9)


def test_the_fit_shrugs_at_wild_observations():
    made, observations, state = prepared(n_observations=4000)
    intensity = state.intensity.copy()
    wild = np.random.default_rng(2).choice(len(intensity), 60, replace=False)
    intensity[wild] += 5000.0
    found = fitted([made.experiment], observations, replace(state, intensity=intensity), 0.0, 10**6)
    clean = fitted([made.experiment], observations, state, 0.0, 10**6)
    for one, most in ((clean, 0.03), (found, 0.05)):
        ratio = np.log(one.factors / made.factor[observations.row])
        free = np.column_stack([np.ones(len(ratio)), observations.d**-2.0])
        assert np.std(ratio - free @ np.linalg.lstsq(free, ratio)[0]) < most


def test_partial_and_lonely_reflections_do_not_decide_the_scales(plain):
    _, observations, state = plain
    n = len(observations)
    partiality = np.where(np.arange(n) % 7 == 0, 0.9, 1.0)
    partly = replace(observations, partiality=partiality)
    use = np.arange(n) % 5 != 0
    rows = select_for_fit(partly, use, expected_intensities(partly, state, use), n)
    allowed = use & (partiality > 0.95)
    count = np.bincount(observations.groups.group[allowed], minlength=len(observations.groups))
    np.testing.assert_array_equal(rows, np.flatnonzero(allowed & (count[observations.groups.group] > 1)))


def test_the_most_informative_groups_of_every_shell_are_chosen_whole(plain):
    _, observations, state = plain
    use = np.ones(len(observations), bool)
    seen = expected_intensities(observations, state, use)
    rows = select_for_fit(observations, use, seen, 1000)
    assert 800 < len(rows) <= 1000
    group = observations.groups.group
    chosen = np.isin(np.arange(len(observations.groups)), group[rows])
    assert np.array_equal(rows, np.flatnonzero(chosen[group]))
    s3 = observations.group_d**-3.0
    shell = np.digitize(s3, np.linspace(s3.min(), s3.max(), 11)[1:-1])
    information = observations.groups.sum(seen.expected**2 / seen.variance) / np.maximum(observations.groups.count, 1)
    several = observations.groups.count > 1
    for n in range(10):
        here = several & (shell == n)
        left = here & ~chosen
        if left.any() and (here & chosen).any():
            assert np.median(information[here & chosen]) > np.median(information[left])


def test_steady_variances_are_per_photon(plain):
    """What one photon counts does not change the variances' relative values, nor does the overall scale."""
    _, observations, state = plain
    scaled = with_steady_variances(observations, state)
    assert not np.array_equal(scaled.variance, state.variance)
    np.testing.assert_array_equal(scaled.integrated, state.integrated)
    n = len(observations)
    photon = np.full(n, 3.0)
    other = replace(observations, correction=photon)
    state3 = replace(state, intensity=3 * state.intensity, variance=9 * state.variance, integrated=9 * state.integrated)
    np.testing.assert_allclose(with_steady_variances(other, state3).variance, 9 * scaled.variance, rtol=1e-6)
    nothing = replace(state, outliers=np.ones(n, bool))
    assert with_steady_variances(observations, nothing) is nothing


def test_steady_variances_follow_the_expected_photons():
    _, observations, state = prepared(scale_amplitude=0.0, noise=0.0, n_observations=8000)
    steady = with_steady_variances(observations, state)
    seen = expected_intensities(observations, state, state.kept)
    strong = seen.expected > 100
    ratio = steady.variance[strong] / (seen.expected[strong] + 20.0)
    assert np.std(ratio) < 0.5 * np.std(state.variance[strong] / (seen.expected[strong] + 20.0))
    assert np.median(ratio) == pytest.approx(1.0, abs=0.1)


def test_outliers_are_found_anew_each_time(plain):
    _, observations, state = plain
    n = len(observations)
    truth = with_outliers(observations, state, 6.0)
    count = observations.groups.count[observations.groups.group]
    strong = np.flatnonzero((count >= 5) & ~truth.outliers)[3]
    intensity = state.intensity.copy()
    intensity[strong] += 30 * np.sqrt(state.variance[strong]) + 1000
    found = with_outliers(observations, replace(state, intensity=intensity, outliers=truth.outliers), 6.0)
    assert found.outliers[strong]
    healed = with_outliers(observations, replace(state, outliers=flagged(n, strong)), 6.0)
    assert not healed.outliers[strong]
    all_out = replace(state, outliers=np.ones(n, bool))
    np.testing.assert_array_equal(with_outliers(observations, all_out, 6.0).outliers, truth.outliers)


def test_comparison_is_on_the_common_scale(plain):
    _, observations, state = plain
    g = np.random.default_rng(4).uniform(0.5, 2, len(observations))
    scaled = replace(state, intensity=state.intensity * g, variance=state.variance * g * g, factors=g)
    first, second = against_equivalents(observations, state), against_equivalents(observations, scaled)
    np.testing.assert_allclose(first.ratio, second.ratio, rtol=1e-6)
    np.testing.assert_allclose(first.z, second.z, rtol=1e-6, atol=1e-9)


def test_hands_are_compared_apart_where_there_are_enough():
    _, observations, state = prepared(anomalous=0.2, noise=0.0, scale_amplitude=0.0, n_observations=6000, strength=3000)
    apart, together = (with_error_model(observations, state, 25.0, anomalous=a).error_model for a in (True, False))
    assert together.b > 2 * apart.b
    few = replace(state, outliers=np.arange(len(observations)) >= 300)
    assert (
        with_error_model(observations, few, 25.0, anomalous=True).error_model
        == with_error_model(observations, few, 25.0, anomalous=False).error_model
    )


def test_image_ratio_is_the_part_of_the_expected_intensity(plain):
    _, observations, state = plain
    image = observations.at.frame.astype(int)
    intensity = np.where(image == 40, 0.25, 1.0) * state.intensity
    dim = replace(state, intensity=intensity)
    (ratio,) = image_ratios(observations, dim, [200])
    assert ratio[40] < 0.5 < ratio[41]
    assert np.isnan(ratio[180:]).all()
    seen = expected_intensities(observations, dim, dim.kept)
    rows = image == 90
    e, w = np.maximum(seen.expected[rows], 0), 1 / seen.variance[rows]
    assert ratio[90] == pytest.approx((w * e * intensity[rows]).sum() / (w * e * e).sum())


def test_intensities_that_are_nowhere_above_zero_are_said():
    made = wedges_of("P 4", 2, any_setting=False, as_indexed=False)
    columns = [name for name in ("intensity_sum", "intensity_prf") if name in made.reflections]
    negative = {name: -np.abs(made.reflections[name]) - 1 for name in columns}
    with pytest.raises(NoReflections, match="not above zero on average"):
        scale(made.experiments, made.reflections.replace(**negative), ScaleParams())
