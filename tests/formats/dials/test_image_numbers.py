from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from models_for_tests import experiment

from autoproc.formats.dials.image_numbers import first_frames, to_file_frames, to_scan_frames
from autoproc.formats.dials.refl import read_refl, write_refl
from autoproc.formats.dials.shoeboxes import unpacked_shoeboxes
from autoproc.models.experiment import ImageSet, Scan
from autoproc.models.reflections import Reflections


def two_sweeps():
    one = replace(experiment(), scan=Scan((11, 50), (0.0, 0.5)))
    other = replace(experiment(), scan=Scan((148, 160), (0.0, 0.5)), imageset=ImageSet("cbf", "/data/y_#####.cbf"))
    return [one, other]


def spots():
    bbox = np.array([[0, 2, 0, 2, 3, 4], [5, 7, 5, 7, 0, 2], [5, 7, 5, 7, 6, 7]], np.int32)
    xyz = np.array([[1, 1, 3.5], [6, 6, 1.0], [6, 6, 6.5]])
    pixels = np.array([[0, 5, 5], [0, 5, 5], [3, 0, 6], [1, 1, 1]], np.int32)
    return Reflections(
        {
            "experiment_id": np.array([0, 1, -1]),
            "imageset_id": np.array([0, 1, 1]),
            "panel": np.zeros(3, np.int32),
            "bbox": bbox,
            "xyz_obs_px": xyz,
            "shoebox": unpacked_shoeboxes(bbox, np.arange(4), pixels),
        }
    )


@pytest.fixture
def filed(tmp_path):
    """The spots as a file holds them."""
    write_refl(tmp_path / "x.refl", to_file_frames(spots(), two_sweeps()))
    return read_refl(tmp_path / "x.refl")


def test_the_middle_of_image_n_is_n_minus_a_half(filed):
    written = filed
    np.testing.assert_allclose(written["xyz_obs_px"][:, 2], [13.5, 148.0, 153.5])
    np.testing.assert_array_equal(written["bbox"][:, 4], [13, 147, 153])
    assert [int.from_bytes(b[20:24], "little") for b in written["shoebox"]] == [13, 147, 153]


def test_there_and_back(filed):
    inside = to_scan_frames(filed, two_sweeps())
    for name in ("bbox", "xyz_obs_px"):
        np.testing.assert_array_equal(inside[name], spots()[name])
    assert [int.from_bytes(b[20:24], "little") for b in inside["shoebox"]] == [3, 0, 6]
    again = to_file_frames(inside, two_sweeps())
    assert list(again["shoebox"]) == list(filed["shoebox"])


def test_a_scan_from_image_1_is_left_alone():
    table = spots()[:1]
    assert to_file_frames(table, [experiment()]) is table
    assert first_frames(table, [experiment()]) == pytest.approx([0])
