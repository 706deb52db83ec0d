"""Frames that are read apart from the HDF5 library are those that it reads, whatever becomes of the files meanwhile."""

from __future__ import annotations

import os

import h5py
import hdf5plugin
import numpy as np
import pytest
from simulated import simulated_sweep

from autoproc.errors import CorruptFile, UnreadableFile
from autoproc.formats.images.excluded_frames import ExcludingReader
from autoproc.formats.registry import open_reader
from autoproc.simulation.beamline import Collection, collect
from autoproc.simulation.beamline_hdf5 import DATA, Hdf5Writing, write_hdf5
from autoproc.stages.import_sweep import ImportParams, import_sweeps

N = 12


@pytest.fixture
def source(tmp_path_factory):
    return simulated_sweep(tmp_path_factory, "nxmx", n_images=N).start


def written(source, folder, **how):
    """A reader of a sweep that is written."""
    collect(write_hdf5(source, folder, "x", Collection(0.0), Hdf5Writing(**{"swmr": False} | how)))
    return reader_of(folder / "x_master.h5")


def reader_of(path):
    (sweep,) = import_sweeps([path], ImportParams()).experiments
    return open_reader(sweep.experiment, 0)


@pytest.mark.parametrize("how", [{}, {"images_per_file": 5}, {"virtual": True}], ids=["one", "several", "virtual"])
def test_they_are_the_same_when_the_library_has_let_go(tmp_path, source, how):
    reader = written(source, tmp_path, **how)
    frames = [reader.read(n) for n in range(N)]
    apart = reader.apart(9)
    reader.close()
    assert (apart.n_frames, apart.shape, apart.min_trusted, apart.max_trusted) == (
        9, reader.shape, reader.min_trusted, reader.max_trusted,
    )  # fmt: skip
    np.testing.assert_array_equal(apart.mask, reader.mask)
    for n in range(9):
        np.testing.assert_array_equal(apart.read(n), frames[n])
        assert apart.read(n).dtype == frames[n].dtype
        assert apart.path(n).exists()


@pytest.mark.parametrize(
    "storage",
    [
        {"chunks": (1, 300, 250)},
        {"chunks": (1, 300, 250), "compression": "gzip"},
        {"chunks": (4, 300, 250), **hdf5plugin.Bitshuffle(cname="lz4")},
        {},
    ],
    ids=["bare", "gzip", "four to a chunk", "no chunks"],
)
def test_what_only_the_library_reads_is_not_read_apart(tmp_path, source, storage):
    reader = written(source, tmp_path)
    reader.close()
    data = tmp_path / "x_data_000001.h5"
    with h5py.File(data) as file:
        frames = file[DATA][()]
    with h5py.File(data, "w") as file:
        file.create_dataset(DATA, data=frames, **storage)
    assert reader_of(tmp_path / "x_master.h5").apart(3) is None


def test_a_file_that_is_cut_short_or_gone(tmp_path, source):
    reader = written(source, tmp_path)
    apart = reader.apart(N)
    reader.close()
    data = tmp_path / "x_data_000001.h5"
    first = apart.read(0)
    os.truncate(data, data.stat().st_size // 2)
    with pytest.raises(CorruptFile, match="x_data_000001.h5 is damaged: frame 11 cannot be read"):
        apart.read(N - 1)
    np.testing.assert_array_equal(apart.read(0), first)
    data.unlink()
    with pytest.raises(UnreadableFile, match="x_data_000001.h5"):
        apart.read(0)


def test_frames_that_are_left_out_are_known_at_the_end_only(tmp_path, source):
    assert ExcludingReader(written(source, tmp_path), [2]).apart(3) is None


def test_images_in_files_of_their_own_are_read_as_ever(tmp_path_factory):
    sweep = simulated_sweep(tmp_path_factory, "minicbf", n_images=N)
    reader = reader_of(sweep.start)
    apart = reader.apart(5)
    expected = reader.read(4)
    reader.close()
    np.testing.assert_array_equal(apart.read(4), expected)
