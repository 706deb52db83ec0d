"""How many images a sweep is to have, as the header of one says."""

from __future__ import annotations

import numpy as np
import pytest
from cbf_files import cbf_bytes, header

from autoproc.formats.images.cbf import CbfHeader
from autoproc.formats.images.planned import planned_images, planned_in_header


def of_text(text):
    return planned_in_header(CbfHeader(text, (30, 20), 600, 0, "", "", ""))


@pytest.mark.parametrize(
    ("field", "value", "n"),
    [("N_images", "900", 900), ("nimages", "= 360", 360), ("N_oscillations", "1", None), ("N_images", "1", None)],
)
def test_in_comment_lines(field, value, n):
    assert of_text(header({field: value}).replace("\r\n", "\n")) == n


@pytest.mark.parametrize(
    ("line", "n"),
    [("_diffrn_scan.frames 720", 720), ("_diffrn_scan.frames 1", None), ("_diffrn_scan.frame_id_end FRAME720", None)],
)
def test_in_imgcif(line, n):
    assert of_text(f"data_x\n_diffrn_scan.id SCAN1\n{line}\nloop_\n") == n


def test_of_a_file(tmp_path):
    path = tmp_path / "x_0001.cbf"
    path.write_bytes(cbf_bytes(np.zeros((20, 30), np.int32), header({"N_images": "900"})))
    assert planned_images(path) == 900
    path.write_bytes(b"no image")
    assert planned_images(path) is None
