"""Frames of virtual data sets are found where they are stored, whatever the layout, and come out the same."""

from __future__ import annotations

import h5py
import hdf5plugin
import numpy as np
import pytest
from nexus_files import write_master
from numpy.testing import assert_array_equal

from autoproc.formats import hdf5_frames
from autoproc.formats.hdf5_frames import ImageNotWritten
from autoproc.formats.registry import open_reader, read_experiment
from autoproc.formats.virtual_frames import frame_sources, frames_of

SIZE, N = (30, 40), 12
PACKED = hdf5plugin.Bitshuffle(nelems=0, cname="lz4")


def frames(n=N):
    return np.random.default_rng(1).poisson(3.0, (n, *SIZE)).astype(np.uint16)


def contiguous(layout, sources):
    """The first five frames in one file, the others in the next."""
    layout[:5], layout[5:] = sources[0][:5], sources[1][: N - 5]


def interleaved(layout, sources):
    """Frames in turn from two files, as several writers make them."""
    layout[0::2], layout[1::2] = sources[0][: N // 2], sources[1][: N // 2]


def in_blocks(layout, sources):
    """Each frame from the end of the files on, one mapping a frame."""
    for n in range(N):
        layout[n] = sources[n % 2][N - 1 - n]


def stored(folder, arrangement, images):
    """Master with a virtual data set of the images, in two data files as `arrangement` puts them."""
    master = write_master(folder / "x_master.h5", images)
    layout = h5py.VirtualLayout((N, *SIZE), np.uint16)
    arrangement(layout, [h5py.VirtualSource(f"d_{k}.h5", "data", (N, *SIZE), np.uint16) for k in range(2)])
    with h5py.File(master, "r+") as file:
        group = file["entry/data"]
        for name in [name for name in group if name.startswith("data")]:
            del group[name]
        dataset = group.create_virtual_dataset("data", layout, fillvalue=9)
        sources = frame_sources(dataset)
    for k in range(2):
        content = np.zeros((N, *SIZE), np.uint16)
        for frame in range(N):
            if sources.names[sources.source[frame]][0] == f"d_{k}.h5":
                content[sources.index[frame]] = images[frame]
        with h5py.File(folder / f"d_{k}.h5", "w") as file:
            file.create_dataset("data", data=content, chunks=(1, *SIZE), **PACKED)
    return master


@pytest.fixture
def chunks(monkeypatch):
    """The frames that were read as chunks, past the virtual data set."""
    read = []
    of = hdf5_frames.NexusReader._chunk
    monkeypatch.setattr(hdf5_frames.NexusReader, "_chunk", lambda self, *at: read.append(at) or of(self, *at))
    return read


@pytest.mark.parametrize("arrangement", [contiguous, interleaved, in_blocks])
def test_frames_come_from_their_sources_as_the_library_gives_them(tmp_path, arrangement, chunks):
    images = frames()
    master = stored(tmp_path, arrangement, images)
    with h5py.File(master) as file:
        assert_array_equal(file["entry/data/data"][()], images)
    reader = open_reader(read_experiment(master), 1 << 20)
    for _ in range(2):
        for frame in range(N):
            assert_array_equal(reader.read(frame), images[frame])
    assert len(chunks) == N


def test_frames_put_together_from_halves_are_left_to_the_library(tmp_path, chunks):
    images = frames()
    master = write_master(tmp_path / "x_master.h5", images)
    layout = h5py.VirtualLayout((N, *SIZE), np.uint16)
    for k, rows in enumerate((slice(0, 15), slice(15, 30))):
        with h5py.File(tmp_path / f"d_{k}.h5", "w") as file:
            file.create_dataset("data", data=images[:, rows], chunks=(1, 15, SIZE[1]), **PACKED)
        layout[:, rows] = h5py.VirtualSource(f"d_{k}.h5", "data", (N, 15, SIZE[1]), np.uint16)
    with h5py.File(master, "r+") as file:
        for name in [name for name in file["entry/data"] if name.startswith("data")]:
            del file["entry/data"][name]
        assert frame_sources(file["entry/data"].create_virtual_dataset("data", layout)) is None
    reader = open_reader(read_experiment(master))
    for frame in range(N):
        assert_array_equal(reader.read(frame), images[frame])
    assert not chunks


def test_a_source_that_is_stored_otherwise_is_left_to_the_library(tmp_path, chunks):
    images = frames()
    master = stored(tmp_path, contiguous, images)
    with h5py.File(tmp_path / "d_1.h5", "r+") as file:
        content = file["data"][()]
        del file["data"]
        file.create_dataset("data", data=content, chunks=(1, *SIZE), compression="gzip")
    reader = open_reader(read_experiment(master))
    for frame in range(N):
        assert_array_equal(reader.read(frame), images[frame])
    assert len(chunks) == 5


def test_a_frame_that_its_source_lacks_is_not_taken_for_zeros(tmp_path):
    images = frames()
    master = stored(tmp_path, contiguous, images)
    with h5py.File(tmp_path / "d_1.h5", "w") as file:
        dataset = file.create_dataset("data", (N, *SIZE), np.uint16, chunks=(1, *SIZE), **PACKED)
        dataset[:3] = images[5:8]
    reader = open_reader(read_experiment(master))
    assert_array_equal(reader.read(7), images[7])
    with pytest.raises(ImageNotWritten, match=r"d_1.h5: image 9 is not written|image 9 is not written"):
        reader.read(8)


@pytest.mark.parametrize("n", [1, 7, 12])
def test_places_are_those_of_the_selection(n):
    space = h5py.h5s.create_simple((40, 3, 4))
    space.select_hyperslab((2, 0, 0), (5, 1, 1), stride=(7, 1, 1), block=(3, 3, 4))
    expected = [2 + 7 * k + j for k in range(5) for j in range(3)]
    assert frames_of(space, 40, n).tolist()[:n] == expected[:n]
    assert frames_of(space, 40).tolist() == expected
