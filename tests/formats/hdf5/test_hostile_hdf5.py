"""HDF5 files that would have the reader open what is not theirs, wait for good, or believe a size."""

from __future__ import annotations

import os
import subprocess
import sys

import h5py
import numpy as np
import pytest
from nexus_files import SIZE, write_master

from autoproc.errors import AutoprocError, TruncatedFile
from autoproc.formats.hdf5.confined_hdf5 import ForbiddenHdf5
from autoproc.formats.hdf5.frames_present import frames_present
from autoproc.formats.hdf5.nexus import experiment_from_master
from autoproc.formats.hdf5.open_hdf5 import open_hdf5
from autoproc.stages.import_sweep import import_sweeps

SECRET = "password = not-for-your-eyes"


@pytest.fixture
def master(tmp_path):
    (tmp_path / "visit" / "images").mkdir(parents=True)
    frames = np.random.default_rng(1).poisson(3, (6, *SIZE)).astype(np.uint16)
    return write_master(tmp_path / "visit" / "images" / "x_master.h5", frames)


def said_of(path) -> str:
    result = import_sweeps([path])
    assert not result.experiments
    return " ".join(f"{p.message} {p.__cause__}" for p in result.problems) + " ".join(s.reason for s in result.skipped)


@pytest.mark.parametrize("field", ["sample/depends_on", "instrument/detector/sensor_material", "data/data"])
def test_values_in_another_file_are_not_read(tmp_path, master, field):
    secret = tmp_path / "secret.txt"
    secret.write_text(SECRET + 100000 * "x")
    with h5py.File(master, "r+") as handle:
        group, _, name = f"entry/{field}".rpartition("/")

        if name in handle[group]:
            del handle[group][name]
        shape, kind = ((6, *SIZE), np.uint16) if name == "data" else ((1,), "S28")
        size = int(np.prod(shape)) * np.dtype(kind).itemsize
        handle[group].create_dataset(name, shape, kind, external=[(str(secret), 0, size)])
    said = said_of(master)
    assert "external storage" in said
    assert "password" not in said


@pytest.mark.parametrize("is_virtual", [False, True])
def test_links_stay_within_the_visit(tmp_path, master, is_virtual):
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as handle:
        handle["data"] = np.ones((6, *SIZE), np.uint16)
    with h5py.File(master, "r+") as handle:
        del handle["entry/data/data"]
        if is_virtual:
            layout = h5py.VirtualLayout((6, *SIZE), np.uint16)
            layout[:] = h5py.VirtualSource(str(other), "data", (6, *SIZE))
            handle.create_virtual_dataset("entry/data/data", layout)
        else:
            handle["entry/data/data"] = h5py.ExternalLink(str(other), "data")
    assert "outside of its visit" in said_of(master)
    near = master.parent.parent / "data"
    near.mkdir()
    other.rename(near / "other.h5")
    with h5py.File(master, "r+") as handle:
        del handle["entry/data/data"]
        handle["entry/data/data"] = h5py.ExternalLink("../data/other.h5", "data")
    assert len(import_sweeps([master]).experiments) == 1


def test_a_pipe_behind_a_link_and_a_symbolic_link_out_of_the_visit(tmp_path, master):
    os.mkfifo(master.parent / "pipe.h5")
    (tmp_path / "secret.h5").write_bytes(b"")
    (master.parent / "sym.h5").symlink_to(tmp_path / "secret.h5")
    for name, said in (("pipe.h5", "no regular file"), ("sym.h5", "outside of its visit")):
        with h5py.File(master, "r+") as handle:
            del handle["entry/data/data"]
            handle["entry/data/data"] = h5py.ExternalLink(name, "data")
        assert said in said_of(master)


def test_a_pipe_is_no_master(tmp_path):
    os.mkfifo(tmp_path / "x_master.h5")
    with pytest.raises(OSError, match="no regular file"):
        open_hdf5(tmp_path / "x_master.h5")
    with pytest.raises(AutoprocError, match="no regular file"):
        experiment_from_master(tmp_path / "x_master.h5")


def test_links_in_a_circle(master):
    with h5py.File(master, "r+") as handle:
        del handle["entry/data/data"]
        handle["entry/data/data"] = h5py.ExternalLink(master.name, "/entry/data/data")
    assert "circle" in said_of(master)


EVERY_LENGTH = """
import sys
from pathlib import Path
from autoproc.errors import AutoprocError
from autoproc.formats.hdf5.nexus import experiment_from_master
whole = Path(sys.argv[1]).read_bytes()
part = Path(sys.argv[1]).with_name("cut_master.h5")
n = 0
for length in range(0, len(whole), max(1, len(whole) // 150)):
    for tail in (b"", bytes(len(whole) - length)):
        part.write_bytes(whole[:length] + tail)
        try:
            experiment_from_master(part)
        except AutoprocError:
            pass
        n += 1
print(n)
"""


def test_every_truncation_of_a_file_of_the_latest_format(tmp_path, master):
    """In a process of its own: a reader that waits for good would not end this one either."""
    with h5py.File(master) as old, h5py.File(tmp_path / "new_master.h5", "w", libver="latest") as new:
        old.copy("entry", new)
    run = [sys.executable, "-P", "-c", EVERY_LENGTH, str(tmp_path / "new_master.h5")]
    done = subprocess.run(run, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 250
    cut = tmp_path / "half_master.h5"
    cut.write_bytes((tmp_path / "new_master.h5").read_bytes()[:9000])
    with pytest.raises(TruncatedFile, match=r"truncated.*9000 of \d+ bytes") as caught:
        experiment_from_master(cut)
    assert caught.value.retryable
    assert frames_present(cut).obstacle


@pytest.mark.parametrize("size", [0, (1 << 64) - 16])
def test_texts_without_an_end(master, size):
    """The library would go round in their heap for ever."""
    content = bytearray(master.read_bytes())
    first = content.index(b"GCOL") + 16
    content[first + 8 : first + 16] = size.to_bytes(8, "little")
    content[first : first + 2] = b"\x00\x00" if size == 0 else b"\x01\x00"
    master.write_bytes(content)
    assert "texts in it have no end" in said_of(master)


def test_more_images_than_any_sweep_has(master):
    with h5py.File(master, "r+") as handle:
        del handle["entry/data/data"]
        handle["entry/data"].create_dataset("data", (1 << 32, *SIZE), np.uint16, chunks=(1, *SIZE))
    assert "more than any sweep has" in said_of(master)


def test_sizes_that_the_file_cannot_hold(master):
    with h5py.File(master, "r+") as handle:
        handle["entry"].create_dataset("huge", (1 << 40,), "i8", chunks=(1 << 20,))
    with open_hdf5(master) as handle, pytest.raises(OSError, match="far more than the file can hold"):
        handle["entry/huge"][()]


@pytest.mark.parametrize("n_bytes", [1, 3])
def test_images_shorter_than_their_checksum_do_not_end_the_program(master, n_bytes):
    with h5py.File(master, "r+") as handle:
        del handle["entry/data/data"]
        shape = (6, *SIZE[::-1])
        images = handle["entry/data"].create_dataset("data", shape, np.uint16, chunks=(1, *shape[1:]), fletcher32=True)
        images[...] = 3
        images.id.write_direct_chunk((2, 0, 0), b"x" * n_bytes)
    assert "shorter than their checksum" in said_of(master)


@pytest.mark.parametrize("what", ["attribute", "data set"])
def test_lists_of_varying_length_are_not_read(tmp_path, what):
    path = tmp_path / "x.h5"
    lists = h5py.vlen_dtype(np.int32)
    with h5py.File(path, "w") as file:
        if what == "attribute":
            one = np.empty(1, dtype=object)
            one[0] = np.arange(3, dtype=np.int32)
            file.attrs.create("NX_class", one, dtype=lists)
        else:
            file.create_dataset("x", (2,), dtype=lists)[0] = [1, 2, 3]
        file.attrs["title"] = "text"
    with open_hdf5(path) as file:
        assert file.attrs["title"] == "text"
        with pytest.raises(ForbiddenHdf5, match="lists of varying length"):
            file.attrs["NX_class"] if what == "attribute" else file["x"][()]
