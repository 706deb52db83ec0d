"""Beam, panel, scan and image set: small facts that everything else builds on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models_for_tests import panel

from autoproc.models.experiment import Beam, Goniometer, ImageSet, Scan


def test_the_incident_wave_points_from_source_to_sample() -> None:
    beam = Beam(0.5, direction=np.array([0.0, 0.0, 3.0]))
    np.testing.assert_allclose(beam.s0, [0, 0, -2.0])


def test_a_panel_knows_its_normal_and_distance() -> None:
    made = panel(distance=123.4)
    np.testing.assert_allclose(made.normal, [0, 0, -1])
    assert made.distance == pytest.approx(123.4)
    np.testing.assert_allclose(made.d_matrix @ [10.0, 20.0, 1.0], made.origin + [10.0, -20.0, 0.0])
    assert made.has_parallax
    assert not panel(parallax=False).has_parallax


@given(st.floats(-360, 360), st.floats(0.01, 3), st.floats(0, 500))
def test_frames_and_angles_are_each_others_inverse(start: float, width: float, frame: float) -> None:
    scan = Scan((1, 100), (start, width))
    assert scan.frame_at(scan.phi_at(frame)) == pytest.approx(frame, abs=1e-6)
    assert scan.phi_at(0.0) == pytest.approx(np.radians(start))
    assert np.degrees(scan.phi_at(2.0) - scan.phi_at(1.0)) == pytest.approx(width)


def test_a_scan_counts_its_images() -> None:
    assert Scan((5, 24), (0.0, 0.1)).n_images == 20
    assert Scan((1, 1), (0.0, 0.0)).is_still
    assert not Scan((1, 1), (0.0, -0.1)).is_still


def test_the_axis_in_the_laboratory_is_that_of_the_setting() -> None:
    turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    np.testing.assert_allclose(Goniometer(setting=turn).lab_axis, [0, 1, 0])


@pytest.mark.parametrize(
    ("template", "image", "expected"),
    [
        ("/d/x_####.cbf", 7, "/d/x_0007.cbf"),
        ("/d/x_#.cbf", 123, "/d/x_123.cbf"),
        ("/d/a#1/x_1_#####.cbf.gz", 42, "/d/a#1/x_1_00042.cbf.gz"),
        ("/d/x#1_###.cbf", 5, "/d/x#1_005.cbf"),
    ],
)
def test_an_images_number_stands_in_the_last_place_of_hashes(template: str, image: int, expected: str) -> None:
    assert ImageSet("cbf", template).path(image) == Path(expected)


def test_every_image_of_a_master_is_in_the_master() -> None:
    assert ImageSet("hdf5", "/d/x_master.h5").path(9) == Path("/d/x_master.h5")
