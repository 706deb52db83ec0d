"""Single images whose intensities are off are found, and good ones are not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scaled_for_tests import Recipe, Synthetic, synthetic

from autoproc.models.reflections import Flag, Reflections
from autoproc.scaling.odd_images import SweepRatios, deviations_from_beside, n_unsteady, odd_images
from autoproc.scaling.odd_runs import worst_run
from autoproc.scaling.params import ScaleParams
from autoproc.scaling.result import ScaleResult
from autoproc.scaling.tables import format_scale
from autoproc.stages.scale import scale

N_IMAGES = 60
QUICK = ScaleParams(absorption_level="off", max_cycles=3)


def compared(factors: dict[int, float], per_image: int = 30, error: float = 0.1, seed: int = 0, **more: float):
    """Reflections against their equivalents, of images with some factors; those in the last fifth of one reach on."""
    rng = np.random.default_rng(seed)
    frame = np.repeat(np.arange(N_IMAGES), per_image) + rng.uniform(0, 1, N_IMAGES * per_image)
    image = frame.astype(int)
    span = np.column_stack([image, image + 1 + (frame - image > 0.8)])
    share = np.array([factors.get(n, 1.0) for n in range(N_IMAGES + 1)])
    level = np.where(span[:, 1] > image + 1, (share[image] + share[image + 1]) / 2, share[image])
    flicker = 1 + more.get("flicker", 0.0) * rng.normal(size=N_IMAGES)
    ratio = level * flicker[image] * (1 + error * rng.standard_t(4, len(frame)))
    return SweepRatios(image, span, ratio, np.full(len(frame), error**-2), np.ones(len(frame)))


@pytest.mark.parametrize(
    "factors",
    [
        {30: 0.5}, {30: 0.7}, {30: 1.6}, {30: 4.0}, {0: 0.5}, {59: 0.6}, {30: 0.5, 31: 0.5}, {0: 0.5, 1: 0.5, 2: 0.5},
        {20: 0.4, 40: 1.5}, dict.fromkeys(range(30, 35), 0.6),
    ],
)  # fmt: skip
def test_images_that_are_off_are_found_and_no_others(factors: dict[int, float]):
    found = odd_images(compared(factors), 0.1)
    assert set(found) == set(factors)
    for image, factor in factors.items():
        assert found[image] == pytest.approx(factor, rel=0.2)


def test_an_image_off_by_a_fifth_is_found_where_the_data_are_good():
    assert set(odd_images(compared({30: 0.8}, per_image=60, error=0.05), 0.1)) == {30}


def test_an_image_of_which_half_the_reflections_are_missing_is_found():
    """Their median is anything between 0 and 1."""
    seen = compared({}, per_image=80)
    gone = (seen.image == 30) & (np.random.default_rng(1).uniform(size=len(seen.image)) < 0.5)
    assert set(odd_images(replace(seen, ratio=np.where(gone, 0.0, seen.ratio)), 0.1)) == {30}


@given(st.integers(0, 2**32 - 1), st.sampled_from([9, 30, 100]), st.sampled_from([0.0, 0.02, 0.1]))
@settings(max_examples=20, deadline=None)
def test_no_good_image_is_thrown_away(seed: int, per_image: int, flicker: float):
    assert odd_images(compared({}, per_image, seed=seed, flicker=flicker), 0.1) == {}


def test_a_few_wrong_reflections_make_no_odd_image():
    seen = compared({}, per_image=10, error=0.03)
    ratio = seen.ratio.copy()
    ratio[np.flatnonzero(seen.image == 30)[:2]] = 0.2
    assert odd_images(replace(seen, ratio=ratio), 0.1) == {}


@pytest.mark.parametrize("first", [6, 20, 42])
@pytest.mark.parametrize("n", [3, 6, 9, 12])
@pytest.mark.parametrize("followed", [0.0, 0.6])
def test_a_run_is_found_to_its_ends_though_the_scales_have_followed_it(first: int, n: int, followed: float):
    run = set(range(first, min(first + n, N_IMAGES)))
    seen = compared(dict.fromkeys(run, 0.6))
    image = np.arange(N_IMAGES)
    middle, width = np.mean(list(run)), max(len(run) / 2, 3)
    smooth = (1 - followed * 0.4 * np.exp(-0.5 * ((image - middle) / width) ** 2))[seen.image]
    found = odd_images(replace(seen, ratio=seen.ratio / smooth, smooth=smooth), 0.1)
    assert set(found) == run


def test_a_run_of_which_every_image_is_off_by_little_is_found_as_a_whole():
    """No single one of them is significant."""
    factors = dict.fromkeys(range(30, 39), 0.8)
    seen = compared(factors, error=0.15)
    assert len(odd_images(seen, 0.1)) >= 7
    assert set(odd_images(seen, 0.1)) <= set(factors)


@given(st.integers(0, 2**32 - 1), st.sampled_from([15, 20, 30, 40]), st.floats(0.05, 0.4), st.floats(0, 1))
@settings(max_examples=20, deadline=None)
def test_waves_of_a_good_crystal_are_no_runs(seed: int, period: int, amplitude: float, followed: float):
    seen = compared({}, seed=seed)
    wave = 1 + amplitude * np.cos(2 * np.pi * (seen.image + seed % period) / period)
    assert odd_images(replace(seen, ratio=seen.ratio * wave ** (1 - followed), smooth=wave**followed), 0.1) == {}


def test_one_bad_image_is_no_run_with_its_neighbours():
    seen = compared({30: 0.3}, error=0.05)
    assert set(odd_images(seen, 0.1)) == {30}
    level, error = np.ones(60), np.full(60, 0.02)
    level[30] = 0.3
    assert worst_run(level, error, 0.05) is None


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.02, 0.1, 0.3]), st.floats(0, 0.5))
@settings(max_examples=30, deadline=None)
def test_no_run_of_random_levels(seed: int, scatter: float, unknown: float):
    rng = np.random.default_rng(seed)
    level, error = 1 + scatter * rng.normal(size=300), np.full(300, scatter)
    missing = rng.uniform(size=300) < unknown
    level[missing] = error[missing] = np.nan
    assert worst_run(level, error, 0.1) is None


@pytest.mark.parametrize("n", [0, 1, 5, 11, 12, 13])
def test_few_images_have_no_runs(n: int):
    level = np.where(np.arange(n) % 7 < 3, 0.5, 1.0)
    assert worst_run(level, np.full(n, 0.01), 0.1) is None or n > 11


def test_small_deviations_are_left_alone_however_significant():
    seen = compared({30: 0.93}, per_image=400, error=0.02)
    assert odd_images(seen, 0.1) == {}
    assert set(odd_images(seen, 0.03)) == {30}


MANY = [dict.fromkeys(range(0, N_IMAGES, 2), 0.5), dict.fromkeys(range(0, N_IMAGES, 2), 0.7),
        dict.fromkeys(range(0, N_IMAGES, 3), 0.5), dict.fromkeys(range(10, 30), 0.5)]  # fmt: skip


@pytest.mark.parametrize("factors", MANY)
def test_where_many_images_are_off_nothing_tells_which_are_good_and_that_is_known(factors: dict[int, float]):
    seen = compared(factors)
    assert odd_images(seen, 0.1) == {}
    n_off, n_images = n_unsteady(seen, 0.1)
    assert n_off > 0.25 * n_images


@given(st.integers(0, 2**32 - 1), st.sampled_from([9, 30, 100]), st.sampled_from([0.0, 0.02, 0.04]))
@settings(max_examples=20, deadline=None)
def test_a_steady_sweep_is_not_called_unsteady(seed: int, per_image: int, flicker: float):
    n_off, n_images = n_unsteady(compared({}, per_image, seed=seed, flicker=flicker), 0.1)
    assert n_off <= 0.1 * n_images


def test_narrow_images_of_few_reflections_are_judged_together():
    factors = dict.fromkeys(range(30, 40), 0.4)
    found = odd_images(compared(factors, per_image=4, error=0.05), 0.1)
    assert found
    assert set(found) <= set(range(28, 44))


def test_images_of_too_few_reflections_are_not_judged():
    seen = compared({30: 0.5})
    few = (seen.image != 30) | (np.cumsum(seen.image == 30) <= 5)
    assert odd_images(seen[few], 0.1) == {}
    assert odd_images(seen[np.zeros(0, np.intp)], 0.1) == {}
    assert odd_images(seen[seen.image == 0], 0.1) == {}
    assert odd_images(seen[seen.image < 3], 0.1) == {}


@pytest.mark.parametrize(
    "level",
    [np.linspace(0.3, 1.5, 40), np.where(np.arange(40) < 20, 0.5, 1.0), 1 + 0.1 * np.cos(np.arange(40) / 6)],
    ids=["slope", "step", "wave"],
)
@pytest.mark.parametrize("followed", [0.0, 0.7, 1.0])
def test_what_goes_on_smoothly_or_stays_is_no_deviation(level: np.ndarray, followed: float):
    """Whether the model's scales have followed it or not."""
    away, _ = deviations_from_beside(level ** (1 - followed), np.full(40, 0.01), level**followed)
    assert np.all(np.abs(away) < 0.1)


def test_a_wave_of_the_illuminated_volume_that_the_model_follows_is_no_deviation():
    away, _ = deviations_from_beside(np.ones(40), np.full(40, 0.01), 1 + 0.3 * np.cos(np.arange(40) / 6))
    assert np.all(np.abs(away) < 0.1)


def test_good_images_beside_a_run_that_the_model_has_followed_are_not_bright():
    smooth = 1 - 0.4 * np.exp(-0.5 * ((np.arange(40) - 20) / 4) ** 2)
    level = np.where(np.abs(np.arange(40) - 20) < 4, 0.5, 1.0)
    away, _ = deviations_from_beside(level / smooth, np.full(40, 0.02), smooth)
    assert np.all(np.abs(away[np.abs(np.arange(40) - 20) >= 4]) < 0.05)
    assert np.all(away[18:23] < -0.3)


def with_factor(made: Synthetic, factors: dict[int, float]) -> Reflections:
    """Reflections of images (frames) that had a part of the beam; each reaches over its image alone."""
    image = made.reflections["xyz_obs_px"][:, 2].astype(int)
    factor = np.array([factors.get(int(n), 1.0) for n in image])
    return made.reflections.replace(**{n: made.reflections[n] * factor for n in ("intensity_prf", "intensity_sum")})


def scaled(made: Synthetic, factors: dict[int, float], params: ScaleParams = QUICK) -> ScaleResult:
    return scale([made.experiment], with_factor(made, factors), params)


@pytest.fixture(scope="module")
def made() -> Synthetic:
    return synthetic(Recipe(n_observations=4000, n_images=90, width=1.0))


def test_scaling_leaves_a_bad_image_out_and_says_so(made: Synthetic):
    factors = {40: 0.5, 0: 0.6}
    result = scaled(made, factors)
    assert [(n, image) for n, image, _ in result.odd_images] == [(0, 1), (0, 41)]
    assert "images 1, 41: intensities 0.5" in result.warnings[0]
    assert "images 1, 41: intensities 0.5" in format_scale(result)
    image = made.reflections["xyz_obs_px"][:, 2].astype(int)
    used = result.reflections.has_flag(Flag.SCALED)
    assert not used[np.isin(image, list(factors))].any()
    assert used[~np.isin(image, list(factors))].mean() > 0.99
    kept = scaled(made, factors, QUICK.model_copy(update={"max_image_deviation": 0.0}))
    assert kept.odd_images == kept.warnings == ()
    assert result.statistics.overall.r_meas < 0.95 * kept.statistics.overall.r_meas


def test_a_run_of_nine_images_is_left_out_whole(made: Synthetic):
    result = scaled(made, dict.fromkeys(range(40, 49), 0.6))
    assert [image for _, image, _ in result.odd_images] == list(range(41, 50))


def test_where_every_other_image_is_off_all_are_kept_and_that_is_a_doubt(made: Synthetic):
    result = scaled(made, dict.fromkeys(range(0, 90, 2), 0.5))
    assert result.odd_images == ()
    (said,) = result.warnings
    assert "images have intensities that are off from those of the images beside them" in said
    assert said in format_scale(result)
    ((experiment, n_off, n_images),) = result.unsteady
    assert (experiment, n_off > 0.25 * n_images, n_images <= 90) == (0, True, True)
    assert scaled(made, {}).unsteady == scaled(made, {40: 0.5}).unsteady == ()


def test_what_reaches_into_a_bad_image_goes_with_it(made: Synthetic):
    frame = made.reflections["xyz_obs_px"][:, 2].astype(int)
    wide = np.zeros((len(frame), 6), int)
    wide[:, 4], wide[:, 5] = frame, np.where(frame == 38, frame + 3, frame + 1)
    table = with_factor(made, {40: 0.5}).replace(bbox=wide)
    used = scale([made.experiment], table, QUICK).reflections.has_flag(Flag.SCALED)
    assert not used[(frame == 38) | (frame == 40)].any()
    assert used[frame == 39].mean() > 0.9


def test_another_limit_and_level_know_the_bad_images_of_the_first_scaling(made: Synthetic):
    table = with_factor(made, {40: 0.5})
    first = scale([made.experiment], table, QUICK)
    again = scale([made.experiment], table, QUICK.model_copy(update={"d_min": 2.5}), previous=first)
    assert again.odd_images == first.odd_images
    frame = made.reflections["xyz_obs_px"][:, 2].astype(int)
    assert not again.reflections.has_flag(Flag.SCALED)[frame == 40].any()


def test_a_bad_image_is_bad_for_every_lattice_on_it(made: Synthetic):
    other = synthetic(Recipe(n_observations=500, n_images=90, width=1.0, seed=1), experiment_id=1)
    both = [made.experiment, replace(other.experiment, scan=made.experiment.scan)]
    table = Reflections.concatenate([with_factor(m, {40: 0.5}) for m in (made, other)])
    result = scale(both, table, QUICK)
    assert [image for _, image, _ in result.odd_images] == [41]
    assert "experiment" not in result.warnings[0]
    frame = table["xyz_obs_px"][:, 2].astype(int)
    assert not result.reflections.has_flag(Flag.SCALED)[frame == 40].any()


def test_two_bad_images_do_not_make_a_run_of_the_good_ones_between_them():
    """The scales, drawn down by both, have left those between them a little low."""
    level = np.ones(60)
    level[12:24] = 0.9
    level[[12, 23]] = 0.37
    run = worst_run(level, np.full(60, 0.01), 0.12)
    assert run is None or run[1] - run[0] < 10
    level[12:24] = 0.8
    assert worst_run(level, np.full(60, 0.01), 0.12)[:2] == (12, 24)


def test_of_several_sweeps_the_one_is_named_and_the_others_are_whole(made: Synthetic):
    other = synthetic(Recipe(n_observations=4000, n_images=90, width=1.0, seed=1), experiment_id=1)
    table = Reflections.concatenate([made.reflections, with_factor(other, {40: 0.5})])
    result = scale([made.experiment, other.experiment], table, QUICK)
    assert [(n, image) for n, image, _ in result.odd_images] == [(1, 41)]
    assert "image 41 of experiment 1" in result.warnings[0]


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(n_observations=3000, b_end=40.0), Recipe(n_observations=3000, absorption=0.5),
        Recipe(n_observations=3000, strength=20.0), Recipe(n_observations=600, n_images=90, width=1.0),
        Recipe(n_observations=1500, n_images=40, width=1.0, scale_amplitude=0.8),
        Recipe(n_observations=800, n_images=8), Recipe(n_observations=3000, noise=0.15),
    ],
    ids=["decay", "absorption", "weak", "few", "steep", "narrow", "noisy"],
)  # fmt: skip
def test_scaling_keeps_every_good_image(recipe: Recipe):
    made = synthetic(recipe)
    result = scale([made.experiment], made.reflections, QUICK)
    assert result.odd_images == result.unsteady == ()
