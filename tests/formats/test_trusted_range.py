from __future__ import annotations

import json
from dataclasses import replace

import h5py
import numpy as np
import pytest
from models_for_tests import experiment
from nexus_files import SIZE, write_master

from autoproc.formats.expt import least_trusted, read_expt, write_expt
from autoproc.formats.hdf5_frames import least_count
from autoproc.formats.registry import open_reader, read_experiment
from autoproc.models.experiment import Detector


@pytest.mark.parametrize(("low", "least"), [(-1.0, 0), (0.0, 0), (-0.5, 0), (-32767.0, -32767), (-2.0, -2), (3.0, 3)])
def test_the_least_count_of_a_trusted_range(tmp_path, low, least):
    one = experiment()
    panel = replace(one.detector[0], trusted_range=(low, 1e6))
    assert panel.min_trusted == least
    write_expt(tmp_path / "x.expt", [replace(one, detector=Detector((panel,)))])
    written = json.loads((tmp_path / "x.expt").read_text())["detector"][0]["panels"][0]["trusted_range"][0]
    assert least - 1 < written < least
    assert read_expt(tmp_path / "x.expt")[0].detector[0].min_trusted == least


def test_ranges_of_either_dials_are_read():
    assert least_trusted(-1.0) == least_trusted(0.0) == -1.0
    assert least_trusted(-32767.5) == -32767.0


def test_markers_stay_below_the_least_count():
    assert least_count(-1.0, np.dtype(np.uint32)) == -1.0
    assert least_count(-10.0, np.dtype(np.uint32)) == -1.0
    assert least_count(-40000.0, np.dtype(np.int16)) == -32767.0
    assert least_count(-5.0, np.dtype(np.int16)) == -5.0


def test_signed_images_without_a_mask_keep_their_negative_counts(tmp_path):
    frames = np.full((3, *SIZE), -1, np.int16)
    frames[:, 2, 3], frames[:, 4, 5] = -32768, 60
    path = tmp_path / "x_master.h5"
    write_master(path, frames, dtype=np.int16)
    with h5py.File(path, "r+") as file:
        detector = file["entry/instrument/detector"]
        for name in ("underload_value", "pixel_mask"):
            detector.pop(name, None)
        detector["underload_value"] = -32767
    reader = open_reader(read_experiment(path))
    assert reader.min_trusted == -32767
    assert not reader.mask[2, 3]
    assert reader.mask.sum() == reader.mask.size - 1
    assert reader.read(1)[0, 0] == -1
