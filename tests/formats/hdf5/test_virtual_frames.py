"""Frames of virtual data sets are found where they are stored, whatever the layout, and come out the same."""

from __future__ import annotations

import h5py
import hdf5plugin
import numpy as np
import pytest
from nexus_files import write_master
from numpy.testing import assert_array_equal

from autoproc.errors import InputError
from autoproc.formats.hdf5 import hdf5_frames
from autoproc.formats.hdf5.hdf5_frames import ImageNotWritten
from autoproc.formats.hdf5.segments import MissingDataFile
from autoproc.formats.hdf5.virtual_frames import frame_sources, frames_of
from autoproc.formats.registry import open_reader, read_experiment

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


def of_whole_files(layout, sources):
    """Each file as a whole, as most masters have it: the library does not keep the sizes of what is taken whole."""
    for k in range(2):
        layout[k * N // 2 : (k + 1) * N // 2] = h5py.VirtualSource(f"d_{k}.h5", "data", (N // 2, *SIZE), np.uint16)


def without_images(group):
    """Take the data sets of images out of a master's group."""
    for name in [name for name in group if name.startswith("data")]:
        del group[name]


def stored(folder, arrangement, images):
    """Master with a virtual data set of the images, in two data files as `arrangement` puts them."""
    master = write_master(folder / "x_master.h5", images)
    layout = h5py.VirtualLayout((N, *SIZE), np.uint16)
    arrangement(layout, [h5py.VirtualSource(f"d_{k}.h5", "data", (N, *SIZE), np.uint16) for k in range(2)])
    with h5py.File(master, "r+") as file:
        group = file["entry/data"]
        without_images(group)
        group.create_virtual_dataset("data", layout, fillvalue=9)
        file.flush()
    with h5py.File(master) as file:
        sources = frame_sources(file["entry/data/data"])
    for k in range(2):
        content = np.zeros((N // 2 if arrangement is of_whole_files else N, *SIZE), np.uint16)
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

    def chunk(self, *at):
        stored = of(self, *at)
        read.extend([] if stored is None else [at])
        return stored

    monkeypatch.setattr(hdf5_frames.NexusReader, "_chunk", chunk)
    return read


@pytest.mark.parametrize("arrangement", [contiguous, interleaved, in_blocks, of_whole_files])
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
        without_images(file["entry/data"])
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


@pytest.mark.parametrize("how", [PACKED, {"compression": "gzip"}, {**PACKED, "dtype": np.uint32}])
@pytest.mark.parametrize("arrangement", [contiguous, of_whole_files])
def test_a_frame_that_its_source_lacks_is_not_taken_for_zeros(tmp_path, arrangement, how):
    images = frames()
    master = stored(tmp_path, arrangement, images)
    begin = 6 if arrangement is of_whole_files else 5
    with h5py.File(tmp_path / "d_1.h5", "w") as file:
        dataset = file.create_dataset("data", (N - begin, *SIZE), chunks=(1, *SIZE), **{"dtype": np.uint16, **how})
        dataset[: 8 - begin] = images[begin:8]
    reader = open_reader(read_experiment(master))
    assert_array_equal(reader.read(7), images[7])
    with pytest.raises(ImageNotWritten, match="image 9 is not written"):
        reader.read(8)


def test_a_frame_that_no_source_has_is_not_taken_for_zeros(tmp_path):
    images = frames()
    master = stored(tmp_path, contiguous, images)
    layout = h5py.VirtualLayout((N, *SIZE), np.uint16)
    layout[:5] = h5py.VirtualSource("d_0.h5", "data", (N, *SIZE), np.uint16)[:5]
    layout[6:] = h5py.VirtualSource("d_1.h5", "data", (N, *SIZE), np.uint16)[1 : N - 5]
    with h5py.File(master, "r+") as file:
        del file["entry/data/data"]
        file["entry/data"].create_virtual_dataset("data", layout, fillvalue=0)
    reader = open_reader(read_experiment(master))
    assert_array_equal(reader.read(6), images[6])
    with pytest.raises(ImageNotWritten, match="image 6 is not written"):
        reader.read(5)


def test_a_source_may_be_virtual_itself(tmp_path, chunks):
    images = frames()
    stored(tmp_path, contiguous, images)
    (tmp_path / "x_master.h5").rename(tmp_path / "inner.h5")
    master = write_master(tmp_path / "y_master.h5", images)
    layout = h5py.VirtualLayout((N, *SIZE), np.uint16)
    layout[:] = h5py.VirtualSource("inner.h5", "entry/data/data", (N, *SIZE), np.uint16)
    with h5py.File(master, "r+") as file:
        without_images(file["entry/data"])
        file["entry/data"].create_virtual_dataset("data", layout)
    reader = open_reader(read_experiment(master))
    for frame in range(N):
        assert_array_equal(reader.read(frame), images[frame])
    assert len(chunks) == N


def test_a_missing_file_at_the_end_leaves_the_frames_before_and_any_other_is_named(tmp_path):
    master = stored(tmp_path, contiguous, frames())
    (tmp_path / "d_1.h5").unlink()
    assert read_experiment(master).scan.n_images == 5
    other = tmp_path / "other"
    other.mkdir()
    master = stored(other, interleaved, frames())
    (other / "d_1.h5").unlink()
    with pytest.raises(MissingDataFile, match="links to .*d_1.h5, which is missing"):
        read_experiment(master)


def test_sources_lie_beside_the_file_that_names_them(tmp_path):
    images = frames()
    (tmp_path / "sub").mkdir()
    stored(tmp_path / "sub", contiguous, images)
    master = write_master(tmp_path / "y_master.h5", images)
    with h5py.File(master, "r+") as file:
        without_images(file["entry/data"])
        file["entry/data/data"] = h5py.ExternalLink("sub/x_master.h5", "entry/data/data")
    reader = open_reader(read_experiment(master))
    assert_array_equal(reader.read(N - 1), images[N - 1])


def renamed_sources(master, name):
    """The same master, whose virtual data set names all its frames' file so."""
    with h5py.File(master, "r+") as file:
        del file["entry/data/data"]
        created = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        whole = h5py.h5s.create_simple((N, *SIZE))
        space = h5py.h5s.create_simple((N, *SIZE), (h5py.h5s.UNLIMITED if "%b" in name else N, *SIZE))
        if "%b" in name:  # a file for each block of N frames, as many as there are
            space.select_hyperslab((0, 0, 0), (h5py.h5s.UNLIMITED, 1, 1), (N, 1, 1), (N, *SIZE))
        created.set_virtual(space, name.encode(), b"data", whole)
        space.select_all()
        h5py.h5d.create(file["entry/data"].id, b"data", h5py.h5t.NATIVE_UINT16, space, created)


def test_data_that_were_moved_beside_their_master_are_found_there(tmp_path):
    images = frames()
    master = stored(tmp_path, contiguous, images)
    with h5py.File(tmp_path / "all.h5", "w") as file:
        file.create_dataset("data", data=images, chunks=(1, *SIZE), **PACKED)
    renamed_sources(master, "/no/such/folder/all.h5")
    assert_array_equal(open_reader(read_experiment(master)).read(3), images[3])


@pytest.mark.parametrize(("named", "opened"), [("e%%0.h5", "e%0.h5"), ("e_%b.h5", "e_0.h5")])
def test_a_name_that_the_library_reads_otherwise_leads_nowhere_else(tmp_path, named, opened):
    visit, outside = tmp_path / "visit" / "in", tmp_path / "secret"
    visit.mkdir(parents=True)
    outside.mkdir()
    images = frames()
    master = stored(visit, contiguous, images)
    renamed_sources(master, named)
    for path, content in ((outside / "d.h5", images + 100), (visit / named, images)):
        with h5py.File(path, "w") as file:
            file.create_dataset("data", data=content, chunks=(1, *SIZE), **PACKED)
    (visit / opened).symlink_to(outside / "d.h5")
    with pytest.raises(InputError):
        open_reader(read_experiment(master)).read(0)
    (visit / opened).unlink()
    (visit / named).rename(visit / opened)
    assert_array_equal(open_reader(read_experiment(master)).read(2), images[2])


@pytest.mark.parametrize("n", [1, 7, 12])
def test_places_are_those_of_the_selection(n):
    space = h5py.h5s.create_simple((40, 3, 4))
    space.select_hyperslab((2, 0, 0), (5, 1, 1), stride=(7, 1, 1), block=(3, 3, 4))
    expected = [2 + 7 * k + j for k in range(5) for j in range(3)]
    assert frames_of(space, 40, n).tolist()[:n] == expected[:n]
    assert frames_of(space, 40).tolist() == expected


def test_a_source_that_grows_less_than_another_lacks_its_last_frames(tmp_path):
    images = frames()
    master = stored(tmp_path, interleaved, images)
    for k in range(2):
        with h5py.File(tmp_path / f"d_{k}.h5", "w") as file:
            file.create_dataset(
                "data", data=images[k::2][: 6 - 2 * k], maxshape=(None, *SIZE), chunks=(1, *SIZE), **PACKED
            )
    layout = h5py.VirtualLayout((N, *SIZE), np.uint16, maxshape=(None, *SIZE))
    for k in range(2):
        source = h5py.VirtualSource(f"d_{k}.h5", "data", (6, *SIZE), np.uint16, maxshape=(None, *SIZE))
        layout[k : h5py.h5s.UNLIMITED : 2] = source[0 : h5py.h5s.UNLIMITED]
    with h5py.File(master, "r+") as file:
        del file["entry/data/data"]
        file["entry/data"].create_virtual_dataset("data", layout, fillvalue=0)
    reader = open_reader(read_experiment(master))
    assert_array_equal(reader.read(7), images[7])
    with pytest.raises(ImageNotWritten, match="image 10 is not written"):
        reader.read(9)
