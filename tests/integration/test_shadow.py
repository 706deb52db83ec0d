from __future__ import annotations

import numpy as np
import pytest
from models_for_tests import experiment
from numpy.testing import assert_array_equal
from pydantic import ValidationError

from autoproc.integration.scattering import N_SECTORS, scattering
from autoproc.integration.shadow import (
    BAND,
    ShadowParams,
    find_untrusted,
    hot_pixels,
    shadowed_pixels,
)
from autoproc.kernels.integrate_survey import BackgroundSum

SHAPE = (260, 240)
CENTRE = (131.0, 117.0)


def radius_map():
    slow, fast = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return np.hypot(slow + 0.5 - CENTRE[0], fast + 0.5 - CENTRE[1]), slow, fast


def background(level):
    """Air scatter that rises to the beam and a solvent ring."""
    radius, _, _ = radius_map()
    return level * (0.3 + np.exp(-radius / 25) + 0.8 * np.exp(-0.5 * ((radius - 70) / 12) ** 2))


def found_in(expected, exposure=None, n_frames=150, seed=1, **params):
    radius, slow, fast = radius_map()
    azimuth = np.arctan2(slow + 0.5 - CENTRE[0], fast + 0.5 - CENTRE[1]) / (2 * np.pi) + 0.5
    sector = np.minimum((azimuth * N_SECTORS).astype(int), N_SECTORS - 1)
    exposure = np.full(SHAPE, float(n_frames)) if exposure is None else exposure
    counts = np.random.default_rng(seed).poisson(expected * exposure).astype(float)
    return shadowed_pixels(counts, exposure, radius.astype(np.int32), sector, ShadowParams(**params))


@pytest.mark.parametrize("level", [0.03, 0.1, 0.5, 5.0, 200.0])
def test_a_smooth_background_has_no_shadow(level):
    assert not found_in(background(level)).any()


@pytest.mark.parametrize("n_frames", [1, 10])
def test_few_frames_of_few_photons_cannot_tell_and_do_not_invent(n_frames):
    assert not found_in(background(0.1), n_frames=n_frames).any()


def test_gaps_ice_rings_and_slow_variation_around_a_ring_are_no_shadows():
    radius, slow, fast = radius_map()
    azimuth = np.arctan2(slow - CENTRE[0], fast - CENTRE[1])
    expected = background(0.5) * (1 + 0.25 * np.cos(2 * azimuth)) + 3 * np.exp(-0.5 * ((radius - 45) / 1.5) ** 2)
    exposure = np.full(SHAPE, 150.0)
    exposure[80:97] = 0
    exposure[:, 160:163] = 0
    assert not found_in(expected, exposure).any()


@pytest.mark.parametrize("level", [0.1, 0.5, 20.0])
@pytest.mark.parametrize("transmission", [0.02, 0.4])
def test_beam_stop_and_arm_are_found(level, transmission):
    radius, slow, fast = radius_map()
    stop = radius < 14
    arm = (np.abs(fast + 0.5 - CENTRE[1]) < 5) & (slow > CENTRE[0])
    expected = background(level) * np.where(stop, 0.02, np.where(arm, transmission, 1.0))
    found = found_in(expected)
    assert found[stop].all()
    assert found[arm].mean() > 0.98
    beyond = (radius > 18) & ~((np.abs(fast + 0.5 - CENTRE[1]) < 14) & (slow > CENTRE[0] - 5))
    assert found[beyond].mean() < 0.002


def test_the_penumbra_is_not_trusted_either():
    _, _, fast = radius_map()
    distance = np.abs(fast + 0.5 - 60)
    expected = background(2.0) * np.clip((distance - 4) / 6, 0.05, 1.0)
    found = found_in(expected)
    assert found[distance < 8].mean() > 0.95
    assert found[distance > 18].mean() < 0.01


def test_hot_pixels_are_told_from_reflections_and_too_much_shadow_is_not_believed():
    one = experiment()
    n_fast, n_slow = one.detector[0].image_size
    where = scattering(one)
    rng = np.random.default_rng(2)
    seen = BackgroundSum.of_shape((n_slow, n_fast))
    seen.n_frames = 100
    seen.number[:] = 100
    seen.total[:] = rng.poisson(40 * where.polarisation)
    seen.n_bright[100, 90] = 97
    seen.n_bright[200:203, 150:153] = 60
    trusted = np.ones((n_slow, n_fast), bool)
    found = find_untrusted(one, where, seen, trusted, ShadowParams())
    assert np.argwhere(found.is_hot).tolist() == [[100, 90]]
    assert found.shadowed_fraction == 0
    seen.total[where.ring % 3 == 0] = 0
    seen.total[: n_slow // 2] //= 3
    found = find_untrusted(one, where, seen, trusted, ShadowParams(max_fraction=0.1))
    assert found.shadowed_fraction <= 0.1
    assert found.warning


@pytest.mark.parametrize(("n_frames", "n_hot"), [(3, 0), (20, 1)])
def test_few_frames_cannot_tell_a_hot_pixel_from_a_sharp_reflection(n_frames, n_hot):
    seen = BackgroundSum.of_shape((50, 40))
    seen.n_frames = n_frames
    seen.number[:] = n_frames
    seen.n_bright[10, 20] = n_frames
    assert hot_pixels(seen, np.ones((50, 40), bool), 0.3).sum() == n_hot


@pytest.mark.parametrize(("beside", "n_hot"), [(0, 1), (9, 1), (10, 0), (11, 0)])
@pytest.mark.parametrize("place", [(10, 20), (0, 0), (49, 39), (0, 39)])
def test_what_shines_on_its_neighbours_is_not_hot(beside, n_hot, place):
    """On any side, at the edge too; three times as often as they is hot."""
    for step in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1)):
        near = tuple(np.add(place, step))
        if not (0 <= near[0] < 50 and 0 <= near[1] < 40):
            continue
        seen = BackgroundSum.of_shape((50, 40))
        seen.n_frames = 40
        seen.n_bright[place], seen.n_bright[near] = 30, beside
        assert hot_pixels(seen, np.ones((50, 40), bool), 0.3).sum() == n_hot


def test_dark_places_between_broad_spots_are_no_shadows_and_the_user_is_told():
    one = experiment()
    n_fast, n_slow = one.detector[0].image_size
    slow, fast = np.mgrid[:n_slow, :n_fast]
    patches = np.where((slow // 16 + fast // 16) % 3 == 0, 0.55, 1.0)
    dark = (np.abs(fast - n_fast // 2) < 6) & (slow > n_slow // 2)
    seen = BackgroundSum.of_shape((n_slow, n_fast))
    seen.n_frames = 100
    seen.number[:] = 100
    seen.total[:] = np.random.default_rng(3).poisson(200 * np.where(dark, 0.02, patches))
    found = find_untrusted(one, scattering(one), seen, np.ones((n_slow, n_fast), bool), ShadowParams())
    assert found.is_shadowed[dark].mean() > 0.95
    assert found.shadowed_fraction < 0.06
    assert "less background" in found.warning


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_ratio": 1.5}, {"edge_ratio": 0.0}, {"min_sigma": -1.0}, {"min_expected": float("nan")}, {"max_area": 0},
        {"penumbra": -1}, {"min_core": 0}, {"hot_fraction": 0.0}, {"max_fraction": 2.0}, {"deep_ratios": (0.4, 1.2)},
    ],
)  # fmt: skip
def test_parameters_that_are_nonsense(wrong):
    with pytest.raises(ValidationError):
        ShadowParams(**wrong)


def test_a_dead_module_is_left_out_and_not_blamed_on_the_spots():
    one = experiment()
    n_fast, n_slow = one.detector[0].image_size
    seen = BackgroundSum.of_shape((n_slow, n_fast))
    seen.n_frames = 100
    seen.number[:] = 100
    seen.total[:] = np.random.default_rng(3).poisson(np.full((n_slow, n_fast), 200))
    dead = np.zeros((n_slow, n_fast), bool)
    dead[: n_slow * 2 // 5, : n_fast * 2 // 5] = True
    seen.total[dead] = 0
    found = find_untrusted(one, scattering(one), seen, np.ones((n_slow, n_fast), bool), ShadowParams())
    assert found.is_shadowed[dead].all()
    assert "module dead" in found.warning
    assert "spots" not in found.warning


@pytest.mark.parametrize("n_threads", [1, 2, 4])
def test_a_shadow_across_bands_of_rows_is_whole_on_any_number_of_threads(n_threads):
    radius, slow, fast = radius_map()
    bar = (np.abs(fast + 0.5 - 180) < 6) & (np.abs(slow + 0.5 - BAND) < 60)
    counts = np.random.default_rng(5).poisson(background(0.3) * np.where(bar, 0.02, 1.0) * 150).astype(float)
    exposure = np.full(SHAPE, 150.0)
    sector = np.zeros(SHAPE, int)
    found = shadowed_pixels(counts, exposure, radius.astype(np.int32), sector, ShadowParams(), n_threads=n_threads)
    assert SHAPE[0] > 2 * BAND
    assert found[bar].mean() > 0.99
    assert_array_equal(
        found, shadowed_pixels(counts, exposure, radius.astype(np.int32), sector, ShadowParams(), n_threads=1)
    )
