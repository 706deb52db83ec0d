"""What an NXmx master says of its sample."""

import h5py
import numpy as np
import pytest
from nexus_files import SIZE, group, write_master

from autoproc.errors import AutoprocError
from autoproc.formats.hdf5.nexus_sample import said_of_sample

CELL = [61.0, 74.0, 112.0, 90.0, 97.0, 90.0]


@pytest.fixture
def master(tmp_path):
    path = tmp_path / "x_master.h5"
    write_master(path, np.zeros((4, *SIZE), np.uint16))
    return path


def say(path, **fields):
    with h5py.File(path, "a") as handle:
        for name, value in fields.items():
            handle["entry/sample"][name] = value


def test_a_master_that_says_nothing(master):
    assert said_of_sample(master) == {}


def test_cell_group_and_formula(master):
    say(master, unit_cell_abc=CELL[:3], unit_cell_alphabetagamma=CELL[3:], space_group="P 1 21 1", name="thau")
    say(master, chemical_formula="C4 Se")
    said = {"cell": CELL, "spaceGroup": "P 1 21 1", "chemicalFormula": "C4 Se", "name": "thau"}
    assert said_of_sample(master) == said


def test_lengths_have_units(master):
    say(master, unit_cell_abc=np.array(CELL[:3]) / 10, unit_cell_alphabetagamma=np.radians(CELL[3:]))
    with h5py.File(master, "a") as handle:
        handle["entry/sample/unit_cell_abc"].attrs["units"] = "nm"
        handle["entry/sample/unit_cell_alphabetagamma"].attrs["units"] = "rad"
    assert said_of_sample(master)["cell"] == pytest.approx(CELL)


def test_of_several_components_the_first(master):
    say(master, unit_cell=[CELL, [1.0] * 6], unit_cell_group=["P 21", "P 1"])
    assert said_of_sample(master) == {"cell": CELL, "spaceGroup": "P 21"}


def test_the_sample_that_was_turned_is_meant(master):
    with h5py.File(master, "a") as handle:
        group(handle["entry"], "a_calibrant", "NXsample")["space_group"] = "F m -3 m"
    assert said_of_sample(master) == {}


@pytest.mark.parametrize("cell", ["text", np.zeros(0), np.zeros((200, 6)), np.zeros(3, bool)], ids=str)
def test_what_is_no_cell_is_passed_over(master, cell):
    say(master, unit_cell=cell, space_group="P 21")
    assert said_of_sample(master) == {"spaceGroup": "P 21"}


def test_a_file_that_is_none_has_a_name_for_its_error(tmp_path):
    (tmp_path / "x_master.h5").write_bytes(b"no HDF5")
    with pytest.raises(AutoprocError, match="x_master.h5"):
        said_of_sample(tmp_path / "x_master.h5")
