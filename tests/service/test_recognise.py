"""Images that vanish while it is told what they are were no sweep yet: they are told of when they are back."""

from __future__ import annotations

import errno
import os

import pytest
from cbf_files import cbf_bytes, header, image

from autoproc.formats.frames_present import FramesPresent, frames_present
from autoproc.importing.params import ImportParams
from autoproc.service.completeness import Verdict
from autoproc.service.recognise import recognise_cbf, recognise_master

WHOLE = Verdict("complete", "", 0.0)


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
