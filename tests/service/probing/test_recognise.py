"""Images that vanish while it is told what they are were no sweep yet: they are told of when they are back."""

from __future__ import annotations

import errno
import os

import h5py
import numpy as np
import pytest
from cbf_files import cbf_bytes, header, image
from ccd_files import counts, write_dtrek, write_edf, write_marccd, write_smv
from nexus_files import SIZE, write_master

from autoproc.formats.hdf5.frames_present import FramesPresent, frames_present
from autoproc.importing.params import ImportParams
from autoproc.service.probing.answers import Inside
from autoproc.service.probing.recognise import recognise_cbf, recognise_master
from autoproc.service.sweeps.series_verdict import SeriesVerdict
from autoproc.service.watching.named_sweeps import named_sweeps

WHOLE = SeriesVerdict("complete", "", 0.0)


@pytest.fixture
def files(tmp_path):
    """Ten images of a sweep."""
    written = {n: tmp_path / f"x_{n:04d}.cbf" for n in range(1, 11)}
    for n, path in written.items():
        path.write_bytes(cbf_bytes(image(n), header({"Start_angle": f"{0.5 * n:.4f} deg."})))
    return written


def told(directory, files):
    return list(recognise_cbf(directory, "/visit", files, files[1], WHOLE, 1.0, ImportParams()))


def test_images_that_are_there(tmp_path, files):
    (sweep,) = told(tmp_path, files)
    assert (sweep.state, sweep.n_images) == ("complete", 10)


def test_a_folder_that_went(tmp_path, files):
    tmp_path.rename(tmp_path.with_name("elsewhere"))
    assert told(tmp_path, files) == []
    tmp_path.with_name("elsewhere").rename(tmp_path)


def test_a_master_that_went(tmp_path):
    path = tmp_path / "x_master.h5"
    there: FramesPresent = frames_present(path)
    assert list(recognise_master(path, "/visit", there, WHOLE, 1.0, ImportParams())) == []


@pytest.mark.parametrize(
    ("missing", "images", "n_images", "said"),
    [
        ((31,), (1, 40), 39, "1 image is missing (31): the sweep is processed without"),
        ((1, 31), (2, 40), 38, "1 image is missing (31)"),
        (
            (11, 12, 13, 14),
            (15, 40),
            26,
            "4 images missing (11-14): the longest unbroken run, 15 to 40, is used; 10 im",
        ),
    ],
)
def test_a_master_that_lacks_images_between_others(tmp_path, missing, images, n_images, said):
    frames = np.ones((40, *SIZE), np.uint16)
    path = write_master(tmp_path / "x_master.h5", frames, link=True)
    with h5py.File(tmp_path / "x_data_000001.h5", "w") as handle:
        data = handle.create_dataset("entry/data/data", frames.shape, frames.dtype, chunks=(1, *SIZE))
        for number in {*range(1, 41)} - {*missing}:
            data[number - 1] = frames[0]
    lacks = SeriesVerdict("partial", "some lack")
    (found,) = recognise_master(path, "/visit", frames_present(path), lacks, 1.0, ImportParams())
    (named,) = named_sweeps([path], Inside()).sweeps
    for sweep in (found, named):
        assert (sweep.image_range, sweep.n_images, sweep.state) == (images, n_images, "partial")
        assert said in sweep.reason


def test_a_file_server_that_is_away_makes_no_sweep_partial(tmp_path, files, monkeypatch):
    ask = os.open

    def away(path, *args, **kwargs):
        if str(path).startswith(str(tmp_path)):
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return ask(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", away)
    (sweep,) = told(tmp_path, files)
    assert (sweep.state, sweep.reason, sweep.n_images) == ("complete", "", 10)


def test_damaged_images_are_told_with_the_reason(tmp_path, files):
    for path in files.values():
        path.write_bytes(b"###CBF: VERSION 1.5, and no more")
    (sweep,) = told(tmp_path, files)
    assert sweep.state == "partial"
    assert "damaged" in sweep.reason


@pytest.mark.parametrize(
    ("name", "write", "kind"),
    [
        ("x_{:03d}.img", write_smv, "smv"), ("x_{:03d}.img", write_dtrek, "smv"),
        ("x_{:03d}.mccd", write_marccd, "marccd"), ("x_{:04d}.edf", write_edf, "edf"),
    ],
)  # fmt: skip
def test_the_kind_is_that_of_the_images_whatever_way_they_are_found(tmp_path, name, write, kind):
    files = {n: tmp_path / name.format(n) for n in range(1, 6)}
    for n, path in files.items():
        write(path, counts(n), start=0.5 * n)
    (watched,) = told(tmp_path, files)
    (named,) = named_sweeps([tmp_path], Inside()).sweeps
    assert watched.kind == named.kind == kind


@pytest.mark.parametrize(("name", "kind"), [("x_{:04d}.cbf", "cbf"), ("x_{:04d}.img", "unknown")])
def test_the_kind_of_images_that_cannot_be_read(tmp_path, name, kind):
    files = {n: tmp_path / name.format(n) for n in range(1, 6)}
    for path in files.values():
        path.write_bytes(b"")
    (sweep,) = told(tmp_path, files)
    assert sweep.kind == kind


def test_the_kind_of_others(tmp_path, files):
    (sweep,) = told(tmp_path, files)
    assert sweep.kind == "cbf"
    (tmp_path / "m").mkdir()
    write_master(tmp_path / "m" / "y_master.h5", np.ones((6, *SIZE)))
    (master,) = named_sweeps([tmp_path / "m"], Inside()).sweeps
    assert master.kind == "hdf5"
