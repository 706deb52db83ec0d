"""What was found on frames of HDF5 files while they came is what is found afterwards, whatever becomes of them."""

from __future__ import annotations

import h5py
import hdf5plugin
import pytest
from followed_for_tests import (
    assert_same_spots,
    assert_same_strong_pixels,
    catch_up,
    configured,
    follow,
    quick_waits,
    turn,
)
from simulated import simulated_sweep

from autoproc.simulation.beamline import Collection, collect
from autoproc.simulation.beamline_hdf5 import DATA, Hdf5Writing, write_hdf5

N = 12


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    quick_waits(monkeypatch)


@pytest.fixture
def source(tmp_path_factory):
    return simulated_sweep(tmp_path_factory, "nxmx", n_images=N).start


@pytest.fixture
def other(tmp_path_factory):
    """Frames of another crystal."""
    return simulated_sweep(tmp_path_factory, "nxmx", n_images=N, orientation_seed=7).start


WRITINGS = {
    "swmr": Hdf5Writing(),
    "flushed": Hdf5Writing(swmr=False),
    "recent": Hdf5Writing(swmr=False, recent=True),
    "virtual": Hdf5Writing(virtual=True),
    "virtual of several": Hdf5Writing(virtual=True, images_per_file=5),
    "growing": Hdf5Writing(growing=True),
    "several": Hdf5Writing(images_per_file=5),
    "several growing": Hdf5Writing(images_per_file=5, growing=True, swmr=False),
    "master last": Hdf5Writing(images_per_file=5, master_last=True),
}


@pytest.mark.parametrize("name", WRITINGS)
def test_however_files_are_written(tmp_path, source, name):
    path = tmp_path / "x_master.h5"
    follower = follow(path, write_hdf5(source, tmp_path, "x", Collection(0.0), WRITINGS[name]))
    catch_up(follower, N)
    assert_same_spots(path, follower.early)


@pytest.mark.parametrize("virtual", [False, True])
def test_frames_in_any_order(tmp_path, source, virtual):
    path, writing = tmp_path / "x_master.h5", Hdf5Writing(images_per_file=5, virtual=virtual)
    follower = follow(path, write_hdf5(source, tmp_path, "x", Collection(0.0, in_order=False), writing))
    catch_up(follower, N)
    assert assert_same_strong_pixels(path, follower.early) == list(range(1, N + 1))


@pytest.mark.parametrize(("given", "n"), [({"image_range": (3, 9)}, 7), ({"exclude_images": ("2", "5-6")}, 9)])
def test_frames_that_are_left_out(tmp_path, source, given, n):
    path, config = tmp_path / "x_master.h5", configured(**given)
    follower = follow(path, write_hdf5(source, tmp_path, "x", Collection(0.0)), config)
    catch_up(follower, n)
    assert not turn(follower)
    assert len(assert_same_strong_pixels(path, follower.early, config)) == n


def written(source, directory):
    """The master and the data file of a sweep that is complete."""
    collect(write_hdf5(source, directory, "x", Collection(0.0), Hdf5Writing(swmr=False)))
    return directory / "x_master.h5", directory / "x_data_000001.h5"


def frames_of(source, directory):
    """All pixels of a sweep, and where its master is."""
    path, data = written(source, directory)
    with h5py.File(data) as file:
        return path, file[DATA][()]


@pytest.mark.parametrize(
    "storage",
    [
        {"chunks": (1, 300, 250)},
        {"chunks": (1, 300, 250), "compression": "gzip"},
        {"chunks": (4, 300, 250)},
        {"chunks": (1, 100, 250)},
        {},
        {"chunks": (1, 300, 250), **hdf5plugin.Bitshuffle(cname="lz4")},
    ],
    ids=["bare", "gzip", "four to a chunk", "tiles", "no chunks", "bitshuffle"],
)
def test_frames_written_again_where_they_were(tmp_path, source, other, storage):
    """Nothing but the pixels is another then: neither the place of a frame nor its size."""
    _, others = frames_of(other, tmp_path / "other")
    path, frames = frames_of(source, tmp_path)
    with h5py.File(tmp_path / "x_data_000001.h5", "w") as file:
        file.create_dataset(DATA, data=frames, **storage)
    catch_up(follower := follow(path, [0]), N)
    turn(follower)  # which lets go of the file
    with h5py.File(tmp_path / "x_data_000001.h5", "r+") as file:
        file[DATA][4] = others[4]
    assert assert_same_strong_pixels(path, follower.early) == [n for n in range(1, N + 1) if n != 5]


def test_a_master_replaced_by_another(tmp_path, source, other):
    path, _ = written(source, tmp_path)
    catch_up(follower := follow(path, [0]), N)
    for file in written(other, tmp_path / "other"):
        file.rename(tmp_path / file.name)
    assert assert_same_strong_pixels(path, follower.early) == []


def test_two_sweeps_in_one_master(tmp_path, source):
    path, _ = written(source, tmp_path)
    with h5py.File(path, "r+") as file:
        omega = file["/entry/sample/transformations/omega"]
        omega[6:] = omega[6:] + 90.0
    follower = follow(path, [0])
    catch_up(follower, 6)
    assert len(assert_same_strong_pixels(path, follower.early)) >= 6


def test_a_collection_that_is_aborted(tmp_path, source):
    path = tmp_path / "x_master.h5"
    follower = follow(path, [0])
    collect(write_hdf5(source, tmp_path, "x", Collection(0.0, n_images=7), Hdf5Writing(swmr=False)))
    catch_up(follower, 7)
    assert not turn(follower)
    assert assert_same_strong_pixels(path, follower.early, configured(image_range=(1, 7))) == list(range(1, 8))
