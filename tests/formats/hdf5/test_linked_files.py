"""Which files hold the frames of a master file: its own, those that it links to, and sources of virtual data sets."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from nexus_files import SIZE, write_master

from autoproc.formats.hdf5.linked_files import linked_files

FRAMES = np.ones((4, *SIZE))


@pytest.fixture
def folders(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    return tmp_path / "a", tmp_path / "b"


def moved(master, elsewhere):
    """The data file of a master, moved to another folder; its name remains."""
    data = master.with_name(master.name.replace("_master", "_data_000001"))
    return data, data.rename(elsewhere / data.name)


def test_a_file_that_has_all_in_it_is_its_own(folders):
    master = write_master(folders[0] / "x_master.h5", FRAMES)
    assert linked_files(master) == {master}


def test_links_are_followed_to_where_they_lead(folders):
    master = write_master(folders[0] / "x_master.h5", FRAMES, link=True)
    data, there = moved(master, folders[1])
    data.symlink_to(there)
    assert {path.resolve() for path in linked_files(master)} == {there}
    with h5py.File(master, "r+") as handle:
        del handle["entry/data/data_000001"]
        handle["entry/data/data_000001"] = h5py.ExternalLink(f"../b/{there.name}", "/entry/data/data")
    assert {path.resolve() for path in linked_files(master)} == {there}


def test_so_are_the_sources_of_virtual_data_sets(folders):
    master = write_master(folders[0] / "x_master.h5", FRAMES, link=True)
    _, there = moved(master, folders[1])
    layout = h5py.VirtualLayout(FRAMES.shape, np.uint16)
    layout[:] = h5py.VirtualSource(f"../b/{there.name}", "entry/data/data", FRAMES.shape)
    with h5py.File(master, "r+") as handle:
        del handle["entry/data/data_000001"]
        handle["entry/data"].create_virtual_dataset("data", layout)
    assert {path.resolve() for path in linked_files(master)} == {master, there}


def test_what_is_not_there_or_no_such_file_has_none(folders):
    master = write_master(folders[0] / "x_master.h5", FRAMES, link=True)
    moved(master, folders[1])
    assert linked_files(master) == set()
    (folders[0] / "text.h5").write_text("no HDF5 file")
    assert linked_files(folders[0] / "text.h5") == set()
    assert linked_files(folders[0] / "gone.h5") == set()
