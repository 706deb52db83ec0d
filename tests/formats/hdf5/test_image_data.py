"""Which of several NXdata, signals and NXdetector hold and made the images."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from nexus_files import SIZE, group, write_master

from autoproc.formats.hdf5.frames_present import frames_present
from autoproc.formats.hdf5.image_data import image_names
from autoproc.formats.hdf5.nexus import NexusReader, experiment_from_master, read_master


@pytest.fixture
def frames():
    return np.random.default_rng(1).poisson(3, (6, *SIZE)).astype(np.uint16)


@pytest.fixture
def master(tmp_path, frames):
    return write_master(tmp_path / "x_master.h5", frames)


def chosen(path):
    with h5py.File(path, "r") as handle:
        found = image_names(handle["entry"])
        return None if found is None else (found[0].name, *found[1])


def agrees(path, frames):
    """The reader and the watcher choose the same images, which are these."""
    e = experiment_from_master(path)
    np.testing.assert_array_equal(NexusReader(e.imageset, e.detector).read(4), frames[4])
    assert frames_present(path).n_present == e.scan.n_images == len(frames)


def test_a_group_of_curves_before_the_images(master, frames):
    with h5py.File(master, "r+") as handle:
        group(handle["entry"], "azint", "NXdata")["data"] = np.zeros((40, 100))
        handle["entry"].attrs["default"] = "azint"
    assert chosen(master) == ("/entry/data", "data")
    agrees(master, frames)


def test_the_default_among_groups_of_images(master, frames):
    with h5py.File(master, "r+") as handle:
        other = group(handle["entry"], "raw", "NXdata")
        other["data"] = handle["entry/data/data"][()]
        handle["entry/data/data"][...] = 0
        handle["entry"].attrs["default"] = "raw"
    agrees(master, frames)


def test_the_signal_beside_a_dark(master, frames):
    with h5py.File(master, "r+") as handle:
        data = handle["entry/data"]
        data.move("data", "frames")
        data["dark"] = np.zeros((1, *SIZE), np.uint32)
        data.attrs["signal"] = "frames"
    agrees(master, frames)


def test_the_older_signal_is_an_attribute_of_the_data_set(master, frames):
    with h5py.File(master, "r+") as handle:
        data = handle["entry/data"]
        data.move("data", "frames")
        data["dark"] = np.zeros((1, *SIZE), np.uint32)
        data["frames"].attrs["signal"] = 1
    agrees(master, frames)


def test_images_in_the_detector_alone(master, frames):
    with h5py.File(master, "r+") as handle:
        handle.move("entry/data/data", "entry/instrument/detector/data")
        del handle["entry/data"]
    agrees(master, frames)


def test_numbered_links_are_taken_unseen_and_in_order(tmp_path):
    with h5py.File(tmp_path / "x_master.h5", "w") as handle:
        data = group(group(handle, "entry", "NXentry"), "data", "NXdata")
        data.attrs["signal"] = "data_000001"
        for n in (10, 2, 1):
            data[f"data_{n:06d}"] = h5py.ExternalLink(f"absent_{n}.h5", "/entry/data/data")
    assert chosen(tmp_path / "x_master.h5") == ("/entry/data", "data_000001", "data_000002", "data_000010")


def test_one_channel_is_no_dimension(master, frames):
    with h5py.File(master, "r+") as handle:
        del handle["entry/data/data"]
        handle["entry/data"].create_dataset("data", data=frames[:, None], chunks=(1, 1, *SIZE), compression="gzip")
    agrees(master, frames)
    assert not read_master(master).whole.remarks or "channels" not in " ".join(read_master(master).whole.remarks)


@pytest.mark.parametrize("chunks", [(1, 1, *SIZE), (1, 2, *SIZE), None])
def test_of_two_channels_the_first_is_taken_and_said(master, frames, chunks):
    with h5py.File(master, "r+") as handle:
        del handle["entry/data/data"]
        two = np.stack([frames, np.zeros_like(frames)], axis=1)
        handle["entry/data"].create_dataset("data", data=two, chunks=chunks)
    agrees(master, frames)
    assert "1 of 2 channels" in " ".join(read_master(master).whole.remarks)


def test_a_beam_monitor_is_not_the_detector(master, frames):
    before = experiment_from_master(master).detector[0]
    with h5py.File(master, "r+") as handle:
        group(handle["entry/instrument"], "bpm", "NXdetector")["data"] = np.zeros(40)
    np.testing.assert_array_equal(experiment_from_master(master).detector[0].origin, before.origin)
    agrees(master, frames)


def test_of_two_detectors_that_with_the_size_of_the_images(master):
    with h5py.File(master, "r+") as handle:
        instrument = handle["entry/instrument"]
        handle.copy("entry/instrument/detector", instrument, name="a_camera")
        instrument["a_camera/module/data_size"][...] = [480, 640]
        instrument["a_camera/module/fast_pixel_direction"][...] = 5e-3
    read = read_master(master)
    assert read.whole.detector[0].pixel_size == pytest.approx((0.1, 0.1))
    assert "read and not used: the detector a_camera" in read.whole.remarks


def test_the_other_entry_is_named(master):
    with h5py.File(master, "r+") as handle:
        group(handle, "zweite", "NXentry")
    assert "read and not used: the entry zweite" in read_master(master).whole.remarks


OTHERS = {
    "aaa_small": (6, 8, 9),
    "aaa": (1, *SIZE),
    "background": (6, *SIZE),
    "flat_field": (6, *SIZE),
    "dark_1": (1, *SIZE),
    "thumbnails": (6, 480, 640),
    "a_camera": (60, 480, 640),
}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("home", ["data", "instrument/detector"])
def test_a_stack_that_sorts_before_the_images_is_not_taken_for_them(master, frames, home, name):
    with h5py.File(master, "r+") as handle:
        group = handle[f"entry/{home}"]
        handle.move("entry/data/data", f"entry/{home}/images")
        if home != "data":
            del handle["entry/data"]
        group[name] = np.full(OTHERS[name], 7, np.uint16)
    assert chosen(master) == (f"/entry/{home}", "images")
    agrees(master, frames)


@pytest.mark.parametrize("name", ["aaa_small", "aaa", "a_camera"])
def test_a_group_that_sorts_before_that_of_the_images(master, frames, name):
    with h5py.File(master, "r+") as handle:
        handle.move("entry/data", "entry/measured")
        group(handle["entry"], "auxiliary", "NXdata")["data"] = np.full(OTHERS[name], 7, np.uint16)
        group(handle["entry/instrument"], "a_camera", "NXdetector")["data"] = np.full(OTHERS[name], 7, np.uint16)
    assert chosen(master) == ("/entry/measured", "data")
    agrees(master, frames)


def test_a_default_plot_of_thumbnails_does_not_hide_the_images(master, frames):
    with h5py.File(master, "r+") as handle:
        small = group(handle["entry"], "overview", "NXdata")
        small["small"], small.attrs["signal"] = np.zeros((6, 8, 9), np.uint8), "small"
        handle["entry"].attrs["default"] = "overview"
    agrees(master, frames)


def test_fractions_of_the_same_shape_come_after_counts(master, frames):
    with h5py.File(master, "r+") as handle:
        handle.move("entry/data/data", "entry/data/images")
        handle["entry/data/averages"] = np.zeros((6, *SIZE), np.float32)
    agrees(master, frames)


def test_images_of_another_size_than_the_detector_says_are_taken_still(master, frames):
    with h5py.File(master, "r+") as handle:
        detector = handle["entry/instrument/detector"]
        detector["module/data_size"][...] = [60, 80]
        detector["flat_field"] = np.ones((1, 60, 80), np.float32)
        del detector["pixel_mask"]
        handle.move("entry/data/data", "entry/data/images")
        handle["entry/data/aaa"] = np.zeros((1, 60, 80), np.uint16)
    assert chosen(master) == ("/entry/data", "images")


def test_a_file_with_corrections_only_holds_no_images_yet(master):
    with h5py.File(master, "r+") as handle:
        del handle["entry/data/data"]
        handle["entry/data/flatfield"] = np.ones((1, *SIZE), np.float32)
    assert chosen(master) is None
    assert "no images yet" in frames_present(master).obstacle


def test_links_to_data_files_come_before_a_stack_that_the_size_speaks_against(tmp_path, frames):
    path = write_master(tmp_path / "y_master.h5", frames, link=True)
    with h5py.File(path, "r+") as handle:
        handle["entry/data/aaa"] = np.zeros((1, *SIZE), np.uint16)
        handle["entry/instrument/detector/flat"] = np.zeros((1, *SIZE), np.uint16)
    assert chosen(path) == ("/entry/data", "data_000001")
    agrees(path, frames)


@pytest.mark.parametrize("home", ["data", "measured"])
def test_a_detector_of_several_modules_is_as_large_as_all_of_them(master, home):
    with h5py.File(master, "r+") as handle:
        module = handle["entry/instrument/detector/module"]
        module["data_size"][...] = [SIZE[0], SIZE[1] // 2]
        handle.copy(module, handle["entry/instrument/detector"], "second")
        handle["entry/instrument/detector/second/data_origin"][...] = [0, SIZE[1] // 2]
        del handle["entry/instrument/detector/pixel_mask"]
        handle.move("entry/data", f"entry/{home}") if home != "data" else None
        handle.move(f"entry/{home}/data", f"entry/{home}/images")
        handle[f"entry/{home}/a_half"] = np.zeros((6, SIZE[0], SIZE[1] // 2), np.uint16)
    assert chosen(master) == (f"/entry/{home}", "images")
