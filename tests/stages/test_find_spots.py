from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from frames_in_memory import FramesInMemory
from shared_data import shared

from autoproc.errors import NoSpots
from autoproc.geometry.detector import pixel_resolution
from autoproc.geometry.ice_rings import is_on_ice_ring
from autoproc.models.experiment import Beam, Detector, Experiment, Goniometer, Panel, Scan
from autoproc.models.reflections import Flag
from autoproc.stages.find_spots import FindSpotsParams, find_spots, format_found_spots, require_spots

SHAPE = (120, 150)
N_IMAGES = 30


def an_experiment(width=1.0, n_images=N_IMAGES, first=1, overload=10000.0):
    panel = Panel(
        fast_axis=np.array([1.0, 0, 0]),
        slow_axis=np.array([0.0, -1, 0]),
        origin=np.array([-75 * 0.172, 60 * 0.172, -12.0]),
        pixel_size=(0.172, 0.172),
        image_size=SHAPE[::-1],
        trusted_range=(-1.0, overload),
    )
    scan = Scan((first, first + n_images - 1), (0.0, width))
    return Experiment(Beam(1.0), Detector((panel,)), Goniometer(), scan, identifier="one")


def a_sweep(seed=0, n_spots=300, n_images=N_IMAGES, background=1.5, xy=None):
    """Frames of Gaussian spots at random places, and the centres (N, 3) of the spots."""
    rng = np.random.default_rng(seed)
    centre = rng.uniform([5, 5, 1], [SHAPE[1] - 5, SHAPE[0] - 5, n_images - 1], (n_spots, 3))
    if xy is not None:
        centre[:, :2] = xy
    expected = np.full((n_images, *SHAPE), background)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5
    for x0, y0, z0 in centre:
        spot = 600 / (2 * np.pi) * np.exp(-((x - x0) ** 2 + (y - y0) ** 2) / 2)
        for z in range(int(z0) - 1, min(int(z0) + 2, n_images)):
            expected[z] += spot * np.exp(-((z + 0.5 - z0) ** 2) / (2 * 0.4**2))
    return rng.poisson(expected).astype(np.int32), centre


def found_in(frames, experiment=None, mask=None, n_threads=1, **params):
    mask = np.ones(SHAPE, bool) if mask is None else mask
    experiment = an_experiment(n_images=len(frames)) if experiment is None else experiment
    return find_spots(experiment, FramesInMemory(frames), mask, FindSpotsParams(**params), n_threads)


def distance_to_nearest(points, others):
    return np.array([np.linalg.norm(others - point, axis=1).min() for point in points])


def test_spots_are_found_where_they_are():
    frames, centre = a_sweep(n_spots=60)
    found = found_in(frames)
    assert np.mean(distance_to_nearest(centre, found.reflections["xyz_obs_px"]) < 0.5) > 0.95
    assert np.mean(distance_to_nearest(found.reflections["xyz_obs_px"], centre) < 0.5) > 0.95
    assert found.warnings == ()
    assert np.all(found.reflections["flags"] == Flag.STRONG)
    assert found.reflections.identifiers == {0: "one"}


@pytest.mark.parametrize("dtype", [np.int32, np.int16])
def test_threads_and_types_of_counts_change_nothing(dtype):
    frames, _ = a_sweep()
    one, other = found_in(frames), found_in(frames.astype(dtype), n_threads=4)
    for name in one.reflections:
        np.testing.assert_array_equal(one.reflections[name], other.reflections[name])
    assert one.counts == other.counts


def test_pixels_belong_to_the_reflections():
    found = found_in(a_sweep()[0])
    np.testing.assert_array_equal(found.pixels.size, found.reflections["n_signal"])
    total = np.bincount(found.pixels.spot, found.pixels.counts)
    np.testing.assert_allclose(total, found.reflections["intensity_sum"])
    assert np.median(found.pixels.background) == pytest.approx(1.5, abs=0.2)


def test_counts_add_up():
    found = found_in(a_sweep()[0], max_separation=0.7, max_spot_size=60)
    counts = dict(found.counts)
    assert counts["too_small"] > 0
    assert counts["far_peak"] > 0
    assert counts["too_large"] > 0
    assert len(found.reflections) == counts.pop("extracted") - sum(counts.values())
    assert np.sum(found.spots_per_image) == len(found.reflections)


def test_plain_dispersion_finds_smaller_spots():
    frames, _ = a_sweep()
    extended, plain = found_in(frames), found_in(frames, algorithm="dispersion")
    assert np.mean(plain.reflections["n_signal"]) < np.mean(extended.reflections["n_signal"])


def test_part_of_a_sweep_keeps_its_place():
    frames, _ = a_sweep()
    part = find_spots(
        an_experiment(first=5), FramesInMemory(frames), np.ones(SHAPE, bool), FindSpotsParams(), 1, range(10, 20)
    )
    z = part.reflections["xyz_obs_px"][:, 2]
    assert z.min() >= 10
    assert z.max() <= 20
    assert (len(part.spots_per_image), part.first_frame, part.first_image) == (10, 10, 15)


def test_nothing_is_found_outside_the_limits():
    frames, _ = a_sweep()
    d = pixel_resolution(an_experiment().detector[0], Beam(1.0))
    limits = {"d_min": 1.2, "d_max": 3.0, "exclude_regions": ((20, 60, 30, 70),)}
    found = found_in(frames, **limits)
    x, y = found.pixels.x, found.pixels.y
    assert len(x)
    assert d[y, x].min() >= 1.2
    assert d[y, x].max() <= 3.0
    assert not np.any((x >= 20) & (x < 60) & (y >= 30) & (y < 70))
    iceless = found_in(frames, exclude_ice_rings=True).pixels
    assert not np.any(is_on_ice_ring(d[iceless.y, iceless.x]))


def test_blank_sweep_gives_an_empty_table_that_can_be_refused():
    frames = np.random.default_rng(1).poisson(1.0, (12, *SHAPE)).astype(np.int32)
    found = found_in(frames)
    assert len(found.reflections) == 0
    assert "0 spots found on 12 images" in format_found_spots(found, FindSpotsParams())
    with pytest.raises(NoSpots, match="12 images"):
        require_spots(found)
    assert require_spots(full := found_in(a_sweep()[0])) is full


def test_no_frames_at_all():
    found = found_in(np.empty((0, *SHAPE), np.int32), an_experiment())
    assert len(found.reflections) == len(found.spots_per_image) == 0


def test_image_full_of_strong_pixels_is_left_out_and_named():
    frames, _ = a_sweep()
    rng = np.random.default_rng(2)
    frames[7] = rng.poisson(20, SHAPE) * np.where(rng.random(SHAPE) < 0.4, 10, 0)
    found = found_in(frames, an_experiment(first=101))
    assert not np.any(found.pixels.z == 7)
    assert "108" in found.warnings[0]
    assert "too many strong pixels" in found.warnings[0]
    assert len(found.warnings) == 1


def test_stretch_without_beam_is_named():
    frames, _ = a_sweep(n_spots=900)
    frames[12:17] = np.random.default_rng(3).poisson(0.1, (5, *SHAPE))
    (warning,) = found_in(frames).warnings
    assert "5 of 30 images have hardly any spots" in warning
    assert "13-17" in warning


@pytest.mark.parametrize("width", [1.0, 0.02], ids=["wide", "narrow"])
def test_hot_pixels_are_dropped_and_named(width):
    frames, _ = a_sweep(n_spots=100)
    cold = found_in(frames, an_experiment(width))
    frames[:, 50, 80] = np.random.default_rng(4).poisson(200, N_IMAGES)
    found = found_in(frames, an_experiment(width))
    np.testing.assert_array_equal(found.hot_pixels, [[80, 50]])
    assert found.counts["hot"] >= 1
    assert "(80, 50)" in found.notes[0]
    assert found.warnings == (), "one pixel that was dealt with needs nobody's attention"
    assert "\nNote: 1 pixel is strong" in format_found_spots(found, FindSpotsParams())
    assert cold.notes == ()
    assert not np.any(np.all(np.floor(found.reflections["xyz_obs_px"][:, :2]) == [80, 50], axis=1))
    assert len(cold.reflections) - len(found.reflections) <= 2
    assert len(cold.hot_pixels) == 0


def test_many_spots_on_hot_pixels_are_warned_of():
    frames, _ = a_sweep(n_spots=20)
    places = np.random.default_rng(4).integers(10, 90, (12, 2))
    frames[:, places[:, 0], places[:, 1]] = np.random.default_rng(4).poisson(200, (N_IMAGES, 12))
    found = found_in(frames)
    assert "strong on most images" in found.warnings[0]
    assert format_found_spots(found, FindSpotsParams()).count("strong on most images, hot") == 1


def test_spots_that_follow_each_other_on_a_pixel_are_not_hot_pixels():
    """As those of a mosaic crystal do: round each of 40 places a spot on most images, as strong as it happens to be."""
    rng = np.random.default_rng(6)
    expected = np.full((N_IMAGES, *SHAPE), 1.5)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5
    for place in rng.uniform(8, [SHAPE[1] - 8, SHAPE[0] - 8], (40, 2)):
        for frame in np.flatnonzero(rng.random(N_IMAGES) < 0.9):
            x0, y0 = place + rng.normal(0, 0.5, 2)
            expected[frame] += rng.exponential(2000) * np.exp(-((x - x0) ** 2 + (y - y0) ** 2) / 2) / (2 * np.pi)
    expected[:, 60, 75] = 500.0
    found = found_in(rng.poisson(expected).astype(np.int32))
    np.testing.assert_array_equal(found.hot_pixels, [[75, 60]])


def test_images_without_a_trusted_pixel_are_not_called_blank():
    """They are damaged or excluded, and whoever read them has said so."""
    frames, _ = a_sweep(n_spots=900)
    frames[12:14] = -1
    found = found_in(frames)
    assert not found.warnings
    assert found.n_unread == 2
    frames[20] = 0
    blank = found_in(frames)
    (warning,) = blank.warnings
    assert "1 of 30 images has hardly any spots" in warning
    assert blank.peculiar.blank == (21,)
    assert not found.peculiar.blank


def test_spots_of_a_still_are_never_taken_for_hot_pixels():
    frames, _ = a_sweep(n_spots=40)
    still = np.repeat(frames.max(axis=0)[None], 12, axis=0)
    assert len(found_in(still, an_experiment(width=0.0, n_images=12)).hot_pixels) == 0


def test_ice_is_named():
    experiment = an_experiment()
    on_ring = np.argwhere(is_on_ice_ring(pixel_resolution(experiment.detector[0], experiment.beam), 0.001, 1.8))
    rng = np.random.default_rng(5)
    places = rng.choice(on_ring[np.all((on_ring > 4) & (on_ring < np.array(SHAPE) - 5), axis=1)], 300)
    frames, _ = a_sweep(n_spots=300, xy=places[:, ::-1] + 0.5)
    iced, usual = found_in(frames), found_in(a_sweep(n_spots=300)[0])
    (warning,) = iced.warnings
    assert "ice" in warning
    assert "exclude_ice_rings" in warning
    assert iced.peculiar.on_ice > 0.9
    assert not usual.warnings
    assert usual.peculiar.on_ice < 0.1


def test_overloaded_spot_is_found_and_flagged():
    frames, centre = a_sweep(n_spots=40)
    found = found_in(frames, an_experiment(overload=60.0))
    overloaded = found.reflections.has_flag(Flag.OVERLOADED)
    assert np.sum(overloaded) > 20
    assert np.mean(distance_to_nearest(centre, found.reflections["xyz_obs_px"]) < 0.5) > 0.95


def test_gain_of_the_detector_is_used_unless_given():
    frames, _ = a_sweep(n_spots=100)
    experiment = an_experiment()
    panel = dataclasses.replace(experiment.detector[0], gain=4.0)
    integrating = dataclasses.replace(experiment, detector=Detector((panel,)))
    expected = found_in(frames)
    assert len(found_in(4 * frames, integrating).reflections) == len(expected.reflections)
    assert len(found_in(4 * frames, experiment, gain=4.0).reflections) == len(expected.reflections)


@pytest.mark.parametrize(("sweep", "expected"), [("01", 54), ("02", 33), ("03", 43), ("04", 30)])
def test_real_frames_have_the_spots_that_dials_finds(sweep, expected):
    fabio = pytest.importorskip("fabio")
    paths = sorted(shared("real/l_cysteine_i19").glob(f"l-cyst_{sweep}_*.cbf.gz"))
    frames = np.stack([fabio.open(str(path)).data.astype(np.int32) for path in paths])
    mask = np.all(frames >= 0, axis=0)
    found = find_spots(an_experiment(0.1, 15), FramesInMemory(frames), mask, FindSpotsParams(), 2)
    assert len(found.reflections) == expected
