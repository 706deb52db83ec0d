"""A look at the images is taken over from an attempt before where nothing differs, and made again where it does."""

from __future__ import annotations

import os
from dataclasses import fields, replace

import numpy as np
import pytest
from models_for_tests import experiment

from autoproc.formats.images.frames import NO_COUNT
from autoproc.integration.first_reading import Look, TypicalFrame, look
from autoproc.integration.scattering import CENTRE_STEP, steady_geometry
from autoproc.integration.shadow import ShadowParams
from autoproc.integration.survey import SpotPlaces
from autoproc.models.experiment import Detector

N_FRAMES, SHAPE = 6, (120, 150)
PLACES = SpotPlaces(np.array([[40.5, 30.5], [90.0, 80.0]]), np.array([[38, 43, 28, 33, 1, 4], [87, 93, 77, 83, 3, 6]]))


class Frames:
    """Frames of noise in one file a frame, that are counted as they are read."""

    n_frames, shape, min_trusted, max_trusted = N_FRAMES, SHAPE, 0, 1e6

    def __init__(self, folder, seed=0):
        self.images = np.random.default_rng(seed).poisson(2.0, (N_FRAMES, *SHAPE)).astype(np.int32)
        self.images[2:5, 29:32, 39:42] += 50
        self.mask = np.ones(SHAPE, bool)
        self.folder, self.n_read = folder, 0
        for frame in range(N_FRAMES):
            self.path(frame).write_bytes(b"counts")

    def path(self, frame):
        return self.folder / f"{frame}.img"

    def read(self, frame):
        self.n_read += 1
        return self.images[frame]


def model(**changes):
    """A detector of SHAPE; changes : of its panel."""
    one = experiment()
    panel = replace(one.detector[0], image_size=SHAPE[::-1], **changes)
    return replace(one, detector=Detector((panel,)))


def looked_at(reader, one=None, places=PLACES, shadow=None, earlier=None, n_threads=1):
    typical = TypicalFrame.read(reader, 3, 1.0)
    steady = steady_geometry(model() if one is None else one)
    return look(steady, reader, typical, places, shadow or ShadowParams(), n_threads, earlier)


def everything(seen):
    """All that a look saw, by name."""
    found = {f"spots.{f.name}": getattr(seen.spots, f.name) for f in fields(seen.spots)}
    found |= {f"untrusted.{f.name}": getattr(seen.untrusted, f.name) for f in fields(seen.untrusted)}
    return found | {"levels": list(seen.levels.items()), "rings": seen.rings}


@pytest.fixture
def reader(tmp_path):
    return Frames(tmp_path)


@pytest.fixture
def earlier(reader):
    seen = looked_at(reader)
    reader.n_read = 0
    return seen


@pytest.mark.parametrize("n_threads", [1, 2])
def test_a_look_at_the_same_is_taken_over_and_is_what_another_look_sees(reader, earlier, n_threads):
    assert looked_at(reader, earlier=earlier, n_threads=n_threads) is earlier
    assert reader.n_read == 1  # the typical frame
    again, taken = everything(looked_at(reader, n_threads=n_threads)), everything(earlier)
    assert again.keys() == taken.keys()
    for name, value in again.items():
        np.testing.assert_array_equal(value, taken[name], err_msg=name)


def test_a_detector_that_moved_by_next_to_nothing_is_the_same(reader, earlier):
    panel = model().detector[0]
    moved = model(origin=panel.origin + 1e-4 * panel.pixel_size[0])
    assert looked_at(reader, moved, earlier=earlier) is earlier


def _another_pixel(reader):
    reader.images[3, 5, 5] += 1


def _another_mask(reader):
    reader.mask = reader.mask.copy()
    reader.mask[5, 5] = False


def _another_time(reader):
    os.utime(reader.path(0), ns=(1, 1))


def _another_size(reader):
    state = reader.path(N_FRAMES - 1).stat()
    reader.path(N_FRAMES - 1).write_bytes(b"more counts")
    os.utime(reader.path(N_FRAMES - 1), ns=(state.st_atime_ns, state.st_mtime_ns))


def _another_file(reader):
    state = reader.path(1).stat()
    (reader.folder / "new").write_bytes(b"stnuoc")
    os.utime(reader.folder / "new", ns=(state.st_atime_ns, state.st_mtime_ns))
    (reader.folder / "new").rename(reader.path(1))


def _gone(reader):
    reader.path(2).unlink()


def _another_limit(reader):
    reader.max_trusted = 1e5


def _another_least(reader):
    reader.min_trusted = 1


@pytest.mark.parametrize(
    "change",
    [_another_pixel, _another_mask, _another_time, _another_size, _another_file, _gone, _another_limit, _another_least],
)
def test_images_that_differ_are_looked_at_again(reader, earlier, change):
    change(reader)
    again = looked_at(reader, earlier=earlier)
    assert again is not earlier
    assert reader.n_read == 1 + N_FRAMES
    fresh = everything(looked_at(reader))
    for name, value in everything(again).items():
        np.testing.assert_array_equal(value, fresh[name], err_msg=name)


@pytest.mark.parametrize(
    "places",
    [
        SpotPlaces(PLACES.xy + [[0, 1e-9], [0, 0]], PLACES.bbox),
        SpotPlaces(PLACES.xy, PLACES.bbox + [[0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0]]),
        SpotPlaces(PLACES.xy[::-1], PLACES.bbox[::-1]),
        SpotPlaces(PLACES.xy[:1], PLACES.bbox[:1]),
    ],
)
def test_other_spots_are_looked_at(reader, earlier, places):
    assert looked_at(reader, places=places, earlier=earlier) is not earlier


def test_another_geometry_or_other_parameters_are_looked_at(reader, earlier):
    one, panel = model(), model().detector[0]
    others = [
        model(origin=panel.origin + CENTRE_STEP * panel.pixel_size[0] * panel.fast_axis),
        model(gain=2.0),
        replace(one, beam=replace(one.beam, wavelength=1.01 * one.beam.wavelength)),
        replace(one, beam=replace(one.beam, polarization_fraction=0.5)),
    ]
    for other in others:
        assert looked_at(reader, other, earlier=earlier) is not earlier
    assert looked_at(reader, shadow=ShadowParams(max_ratio=0.5), earlier=earlier) is not earlier


def test_frames_that_could_not_be_read_are_tried_again(reader):
    """They may be there by now, which nothing but another reading tells."""
    whole = reader.images[5].copy()
    reader.images[5] = NO_COUNT
    earlier = looked_at(reader)
    reader.images[5] = whole
    again = looked_at(reader, earlier=earlier)
    assert np.isnan(earlier.levels[5])
    assert np.isfinite(again.levels[5])


def test_images_that_are_in_no_files_are_looked_at_again(tmp_path):
    reader = Frames(tmp_path)
    for frame in range(N_FRAMES):
        reader.path(frame).unlink()
    assert looked_at(reader, earlier=looked_at(reader)) is not None
    assert reader.n_read == 2 * (1 + N_FRAMES)


def test_a_look_holds_nothing_of_the_size_of_the_images_but_masks(earlier: Look):
    sums = sum(getattr(earlier.spots, f.name).nbytes for f in fields(earlier.spots))
    assert sums < 100 * len(PLACES) + 16 * len(earlier.spots.spot)
    assert earlier.untrusted.is_hot.nbytes == earlier.untrusted.is_shadowed.nbytes == np.prod(SHAPE)


def test_shadows_are_not_looked_for_where_the_user_does_not_want_them(reader):
    reader.images[:, 40:80, 60:100] = 0
    blind = looked_at(reader, shadow=ShadowParams(is_enabled=False))
    assert not blind.untrusted.is_shadowed.any()
    assert not blind.untrusted.is_hot.any()
