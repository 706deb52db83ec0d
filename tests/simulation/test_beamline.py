import h5py
import numpy as np
import pytest
from cbf_files import write_sweep
from simulated import simulated_sweep

from autoproc.formats.hdf5.frames_present import frames_present
from autoproc.formats.registry import open_reader, read_experiment
from autoproc.simulation.beamline import (
    Collection,
    collect,
    numbered,
    write_cbf,
    write_screening,
    write_snapshots,
)
from autoproc.simulation.beamline_hdf5 import Hdf5Writing, write_hdf5

N = 12


@pytest.fixture
def images(tmp_path):
    return write_sweep(tmp_path / "source", numbers=range(1, 9))


@pytest.fixture(scope="session")
def master(tmp_path_factory):
    return simulated_sweep(tmp_path_factory, "nxmx", n_images=N).start


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_images_come_one_by_one(images, tmp_path):
    folder = tmp_path / "visit"
    steps = write_cbf(images, folder, "y_###.cbf", Collection(rate=4.0), first=11)
    for n in range(1, 9):
        assert next(steps) == 0.25
        assert len(names(folder)) == n
    assert list(steps) == []
    assert names(folder) == [f"y_{n:03d}.cbf" for n in range(11, 19)]
    assert (folder / "y_011.cbf").read_bytes() == images[0].read_bytes()


def test_what_writing_takes_does_not_slow_a_detector():
    """Six images, 0.1 s apart, of which the third takes 0.25 s to be written: then the last is in time again."""
    now, slept, writing = [100.0], [], [0.0, 0.0, 0.25, 0.0, 0.0, 0.0]

    def steps():
        for seconds in writing:
            now[0] += seconds
            yield 0.1

    def sleep(seconds):
        slept.append(seconds)
        now[0] += seconds

    collect(steps(), sleep, lambda: now[0])
    assert now[0] == pytest.approx(100.6)
    assert slept == pytest.approx([0.1, 0.1, 0.05, 0.1])


def test_the_order_may_be_random_and_is_always_the_same():
    order = Collection(in_order=False, seed=2).order(20)
    assert sorted(order) == list(range(20))
    assert order != sorted(order)
    assert order == Collection(in_order=False, seed=2).order(20)


def test_stalls_and_aborts(images, tmp_path):
    collection = Collection(rate=10.0, stalls=((3, 60.0),), n_images=5)
    assert list(write_cbf(images, tmp_path / "v", "y_###.cbf", collection)) == [0.1, 0.1, 60.1, 0.1, 0.1]


def test_an_image_that_comes_slowly_is_half_there_at_first(images, tmp_path):
    steps = write_cbf(images, tmp_path / "v", "y_#.cbf", Collection(arrival="slowly"))
    next(steps)
    half = (tmp_path / "v/y_1.cbf").stat().st_size
    assert 0 < half < images[0].stat().st_size
    next(steps)
    assert (tmp_path / "v/y_1.cbf").stat().st_size == images[0].stat().st_size


@pytest.mark.parametrize("arrival", ["renamed", "rsync"])
def test_nothing_is_left_of_temporary_names(images, tmp_path, arrival):
    collect(write_cbf(images, tmp_path / "v", "y_#.cbf", Collection(rate=0, arrival=arrival)))
    assert names(tmp_path / "v") == [f"y_{n}.cbf" for n in range(1, 9)]


def test_rsync_keeps_times(images, tmp_path):
    collect(write_cbf(images, tmp_path / "v", "y_#.cbf", Collection(rate=0, arrival="rsync")))
    assert (tmp_path / "v/y_3.cbf").stat().st_mtime_ns == images[2].stat().st_mtime_ns


def test_compressed_images_hold_the_same(images, tmp_path):
    collect(write_cbf(images[:3], tmp_path / "v", "y_#.cbf.gz", Collection(rate=0)))
    a, b = read_experiment(images[0]), read_experiment(tmp_path / "v/y_1.cbf.gz")
    np.testing.assert_array_equal(open_reader(a).read(0), open_reader(b).read(0))


def test_screening_shots_and_snapshots(images, tmp_path):
    collect(write_screening(images, tmp_path, "s_##.cbf", 3), sleep=lambda seconds: None)
    collect(write_snapshots(tmp_path, "crystal"), sleep=lambda seconds: None)
    assert (tmp_path / "s_03.cbf").read_bytes() == images[-1].read_bytes()
    assert {"crystal_0.0.jpg", "crystal_90.0.jpg"} <= set(names(tmp_path))


def test_it_waits_as_long_as_it_says(images, tmp_path):
    waited = []
    steps = write_cbf(images, tmp_path / "v", "y_#.cbf", Collection(rate=5.0))
    collect(steps, sleep=waited.append, clock=lambda: sum(waited))
    assert sum(waited) == pytest.approx(8 / 5)


def test_numbers_fill_the_hashes():
    assert numbered("x_1_####.cbf", 7) == "x_1_0007.cbf"


@pytest.mark.parametrize(
    "writing",
    [
        Hdf5Writing(),
        Hdf5Writing(virtual=True, images_per_file=5),
        Hdf5Writing(growing=True, images_per_file=5),
        Hdf5Writing(swmr=False, master_last=True),
        Hdf5Writing(swmr=False, recent=True),
    ],
    ids=str,
)
def test_the_hdf5_sweep_is_the_source_again(master, tmp_path, writing):
    collect(write_hdf5(master, tmp_path, "y", Collection(rate=0, in_order=False), writing))
    there = frames_present(tmp_path / "y_master.h5")
    assert (there.n_present, len(there.present)) == (N, N)
    before, after = (open_reader(read_experiment(path)) for path in (master, tmp_path / "y_master.h5"))
    for frame in (0, 6, N - 1):
        np.testing.assert_array_equal(before.read(frame), after.read(frame))


def test_frames_of_an_aborted_hdf5_sweep_are_not_there(master, tmp_path):
    collect(write_hdf5(master, tmp_path, "y", Collection(rate=0, n_images=4)))
    assert frames_present(tmp_path / "y_master.h5").present.tolist() == [True] * 4 + [False] * 8


def test_swmr_files_are_marked_as_such_until_they_are_closed(master, tmp_path):
    steps = write_hdf5(master, tmp_path, "y", Collection(rate=0))
    next(steps), next(steps)
    data = tmp_path / "y_data_000001.h5"
    assert data.read_bytes()[11] != 0  # consistency flags of the superblock
    steps.close()
    assert data.read_bytes()[11] == 0
    with h5py.File(data) as file:
        assert file["entry/data/data"].id.get_num_chunks() == 1
