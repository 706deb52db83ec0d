"""Attributes are read only where they are as small as attributes are."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from nexus_files import SIZE, write_master

from autoproc.errors import CorruptFile, UnreadableFile
from autoproc.formats.hdf5.confined_hdf5 import LARGEST_ATTRIBUTE, MOST_TEXTS, ForbiddenHdf5
from autoproc.formats.hdf5.nexus import read_master
from autoproc.formats.hdf5.open_hdf5 import open_hdf5

TEXT = h5py.string_dtype()


@pytest.mark.parametrize(
    "value", [np.zeros(LARGEST_ATTRIBUTE // 8 + 1), np.full(MOST_TEXTS + 1, "x", object), np.full(9000, b"12345678")]
)
def test_a_large_attribute_is_not_read(tmp_path, value):
    with h5py.File(tmp_path / "x.h5", "w", libver="latest") as file:
        file.create_group("g").attrs.create("a", value, dtype=TEXT if value.dtype == object else None)
        file["g"].attrs["b"] = "small"
    with open_hdf5(tmp_path / "x.h5") as file:
        with pytest.raises(ForbiddenHdf5, match="an attribute has"):
            file["g"].attrs["a"]
        assert file["g"].attrs["b"] == "small"
        assert file["g"].attrs.get("c", 3) == 3
        with pytest.raises(KeyError):
            file["g"].attrs["c"]


@pytest.mark.parametrize("value", ["text", np.arange(3.0), np.array(["a", "b"], object), np.float32(2)])
@pytest.mark.parametrize("where", ["/", "g", "g/d"])
def test_usual_attributes_are_read_everywhere(tmp_path, value, where):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("g/d", data=1.0)
        file[where].attrs["a"] = value
    with open_hdf5(tmp_path / "x.h5") as file:
        np.testing.assert_array_equal(file[where].attrs["a"], value)
        assert "a" in file[where].attrs


def test_a_master_with_one_is_named(tmp_path):
    path = tmp_path / "x_master.h5"
    with h5py.File(path, "w", libver="latest"):
        pass
    write_master(path, np.ones((3, *SIZE)))
    with h5py.File(path, "r+", libver="latest") as file:
        file["entry"].attrs.create("default", np.full(3000, "data", object), dtype=TEXT)
    with pytest.raises((CorruptFile, UnreadableFile), match="an attribute has 3000 values"):
        read_master(path)
