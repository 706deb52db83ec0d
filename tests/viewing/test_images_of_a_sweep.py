"""Images as pyramids: stacks of them, the spot finder's maps, and files that become others while they are looked at."""

from __future__ import annotations

import os
from dataclasses import replace

import h5py
import numpy as np
import pytest
from frames_in_memory import FramesInMemory
from models_for_tests import experiment
from simulated import simulated_frames, simulated_sweep

from autoproc.formats.dials.expt import write_expt
from autoproc.simulation import write_sweep
from autoproc.stages.import_sweep import import_sweeps
from autoproc.viewing.image_cache import BoundedCache
from autoproc.viewing.image_models import image_models
from autoproc.viewing.image_tiles import pyramid_of_values
from autoproc.viewing.images import ImageRoom, NoSuchImage, Stack, SweepOfImages
from autoproc.viewing.subject import subject_of_files

SHAPE = (20, 30)


class Counts(FramesInMemory):
    """A detector whose counts may be negative."""

    min_trusted, max_trusted = -10, 1000


def sweep_of(frames, n_images=40):
    reader = Counts(np.array(frames, np.int32))
    one = experiment(n_images=n_images)
    return SweepOfImages("made", 0, (0,), (one,), reader, reader.mask, BoundedCache(1 << 24), "made")


def values_of(pyramid):
    codes = pyramid.levels[0].astype(float)
    shown = (codes - 1) * pyramid.step + pyramid.lowest
    return np.where(codes == 0, np.nan, np.where(codes == pyramid.overload, np.inf, shown))


def constant(*values):
    return [np.full(SHAPE, value) for value in values]


@pytest.mark.parametrize(
    ("how", "values", "shown"),
    [
        ("sum", (-3, -3, -3, -3, -3), -15),
        ("maximum", (-3, -3, -3, -3, -3), -3),
        ("sum", (-10, 4), -6),
        ("maximum", (-10, -7), -7),
        ("sum", (3, 4), 7),
        ("maximum", (3, 4), 4),
        ("sum", (3, -11), 6),  # one has no count: that of the other, twice
        ("maximum", (-5, -11), -5),
        ("sum", (-11, -11), np.nan),
        ("maximum", (-11, -11), np.nan),
        ("sum", (3, 1000), np.inf),
    ],
)
def test_a_stack_of_counts(how, values, shown):
    pyramid = sweep_of(constant(*values)).pyramid(1, Stack(len(values), how))
    np.testing.assert_array_equal(values_of(pyramid), np.full(SHAPE, shown, float))


def test_a_stack_ends_with_the_sweep():
    sweep = sweep_of(constant(*range(1, 41)))
    facts = image_models(sweep, 39, Stack(50, "sum"))
    assert facts["n_images"] == 2
    assert values_of(sweep.pyramid(39, Stack(50, "sum"))).max() == 39 + 40
    assert image_models(sweep, 39)["n_images"] == 1
    with pytest.raises(NoSuchImage):
        sweep.frames(41)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_of_a_map_that_have_no_code_are_too_high_and_no_gap(dtype):
    """Maps are of 32 bits, in which the highest code is none."""
    values = np.array([[0.0, 1.0, 9e9], [2.0, 16777215.0, 3e38]], dtype)
    shown = values_of(pyramid_of_values(values, np.ones(values.shape, bool), 1 / 256))
    np.testing.assert_array_equal(shown, [[0.0, 1.0, np.inf], [2.0, 16777215.0, np.inf]])


@pytest.fixture
def cbf(tmp_path):
    return write_sweep(simulated_frames(n_images=4), tmp_path, "own", file_format="minicbf")


def looked_at(start, folder):
    """The room, and what is to be looked at."""
    write_expt(folder / "imported.expt", [import_sweeps([str(start)]).experiments[0].experiment])
    return ImageRoom(), subject_of_files([folder / "imported.expt"])


@pytest.mark.parametrize("number", [1, 3])
def test_an_image_that_is_replaced_is_another(cbf, tmp_path, number):
    room, subject = looked_at(cbf.start, tmp_path)
    sweep = room.sweep(subject, "imported")
    before, version = values_of(sweep.pyramid(number)), sweep.version(number)
    of_others, stack = sweep.version(2), sweep.version(1, Stack(4, "sum"))
    path = sweep.reader.path(number - 1)
    path.write_bytes(sweep.reader.path(3).read_bytes())
    os.utime(path, ns=(10**18, 10**18))
    sweep = room.sweep(subject, "imported")
    assert sweep.version(number) != version
    assert sweep.version(2) == of_others
    assert sweep.version(1, Stack(4, "sum")) != stack
    after = values_of(sweep.pyramid(number))
    np.testing.assert_array_equal(after, values_of(sweep.pyramid(4)))
    assert not np.array_equal(after, before)


def test_maps_of_an_image_that_is_replaced_are_others(cbf, tmp_path):
    from autoproc.stages.find_spots import FindSpotsParams

    room, subject = looked_at(cbf.start, tmp_path)
    before = values_of(room.sweep(subject, "imported").spot_map(2, "mean", FindSpotsParams()))
    path = room.sweep(subject, "imported").reader.path(1)
    path.write_bytes(room.sweep(subject, "imported").reader.path(3).read_bytes())
    os.utime(path, ns=(10**18, 10**18))
    after = values_of(room.sweep(subject, "imported").spot_map(2, "mean", FindSpotsParams()))
    assert not np.array_equal(after, before)


def test_another_gain_is_another_version_as_maps_depend_on_it():
    sweep = sweep_of(constant(1, 2))
    detector = sweep.experiment.detector
    other = replace(detector, panels=(replace(detector[0], gain=2 * detector[0].gain),))
    changed = replace(sweep, models=(replace(sweep.experiment, detector=other),))
    assert changed.version(1) != sweep.version(1)
    assert replace(sweep).version(1) == sweep.version(1)


def test_an_hdf5_file_that_is_written_anew_is_opened_anew(tmp_path):
    written = write_sweep(simulated_frames(n_images=4), tmp_path, "own", file_format="nxmx")
    room, subject = looked_at(written.start, tmp_path)
    sweep = room.sweep(subject, "imported")
    before, reader = values_of(sweep.pyramid(2)), sweep.reader
    assert room.sweep(subject, "imported").reader is reader, "files stay open while they are the same"
    data = reader.path(0)
    new = data.with_suffix(".new")
    new.write_bytes(data.read_bytes())
    with h5py.File(new, "r+") as file:
        found = []
        file.visititems(lambda _, item: found.append(item) if getattr(item, "ndim", 0) == 3 else None)
        found[0][1] = found[0][3]
    os.replace(new, data)
    os.utime(data, ns=(10**18, 10**18))
    sweep = room.sweep(subject, "imported")
    assert sweep.reader is not reader
    after = values_of(sweep.pyramid(2))
    np.testing.assert_array_equal(after, values_of(sweep.pyramid(4)))
    assert not np.array_equal(after, before)


def test_a_small_sweep_of_the_suite_is_not_changed_by_looking(tmp_path_factory, tmp_path):
    sweep = simulated_sweep(tmp_path_factory, n_images=12)
    room, subject = looked_at(sweep.start, tmp_path)
    shown = room.sweep(subject, "imported")
    assert shown.version(1) == room.sweep(subject, "imported").version(1)
