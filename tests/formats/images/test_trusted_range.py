from __future__ import annotations

import json
from dataclasses import replace

import h5py
import numpy as np
import pytest
from models_for_tests import experiment
from nexus_files import SIZE, write_master

from autoproc.formats.dials.expt import least_trusted, read_expt, write_expt
from autoproc.formats.hdf5.detector_limits import SIGNED_ASSUMED, least_count
from autoproc.formats.registry import open_reader, read_experiment
from autoproc.importing.overriding import overridden_counts
from autoproc.importing.params import ImportParams
from autoproc.models.experiment import Detector
from autoproc.stages.import_sweep import import_sweeps


@pytest.mark.parametrize(
    ("low", "least"),
    [(-1.0, 0), (0.0, 0), (-0.5, 0), (-32767.0, -32767), (-2.0, -2), (-1.5, -1), (3.0, 3)],
)
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


@pytest.mark.parametrize("wanted", [-1000, -2, -1, 0, 1, 7])
def test_a_user_says_the_least_count(wanted):
    one = overridden_counts(experiment().detector, 2.0, wanted, 999)[0]
    assert (one.min_trusted, one.trusted_range[1], one.gain) == (wanted, 999, 2.0)
    kept = overridden_counts(Detector((one,)), None, None, None)[0]
    assert (kept.min_trusted, kept.trusted_range[1], kept.gain) == (wanted, 999, 2.0)


def test_markers_of_unsigned_images_never_become_counts(tmp_path):
    frames = np.ones((2, *SIZE), np.uint16)
    frames[:, 2, 3] = 65535
    path = write_master(tmp_path / "x_master.h5", frames)
    one = read_experiment(path)
    reader = open_reader(replace(one, detector=overridden_counts(one.detector, None, -100, None)))
    assert reader.min_trusted == 0


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.float32, np.uint16])
def test_signed_images_without_an_underload_say_what_is_assumed(tmp_path, plain, dtype):
    path = signed_master(tmp_path, dtype, plain)
    found = read_experiment(path)
    assert (SIGNED_ASSUMED in found.remarks) == (dtype != np.uint16)
    assert found.detector[0].min_trusted == 0
    imported = import_sweeps([path], ImportParams(min_trusted=-50, min_images=1)).experiments[0].experiment
    assert SIGNED_ASSUMED not in imported.remarks
    assert imported.detector[0].min_trusted == -50


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("place", ["", "detectorSpecific/", "threshold_1_channel/", "detectorSpecific/a_channel/"])
def test_an_underload_is_found_wherever_vendors_put_it(tmp_path, plain, place):
    path = signed_master(tmp_path, np.int16, plain)
    with h5py.File(path, "r+") as file:
        file[f"entry/instrument/detector/{place}underload_value"] = -77
    found = read_experiment(path)
    assert found.detector[0].min_trusted == -77
    assert SIGNED_ASSUMED not in found.remarks


def signed_master(folder, dtype, plain):
    """A master without underload_value; a plain one has DECTRIS's fields for the modules and transformations."""
    path = write_master(folder / "x_master.h5", np.ones((3, *SIZE)), dtype=dtype)
    with h5py.File(path, "r+") as file:
        detector = file["entry/instrument/detector"]
        if plain:
            del detector["module"]
            detector["x_pixel_size"] = detector["y_pixel_size"] = 1e-4
            detector["detector_distance"] = 0.2
            detector["beam_center_x"], detector["beam_center_y"] = 20.0, 15.0
    return path
