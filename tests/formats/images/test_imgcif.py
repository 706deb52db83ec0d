from __future__ import annotations

import numpy as np
import pytest
from cbf_files import cbf_bytes, header, image
from shared_data import shared

from autoproc.errors import BadHeader, CorruptFile
from autoproc.formats.header_values import OVERLOAD, HeaderOverrides
from autoproc.formats.images.minicbf import NO_CUTOFF
from autoproc.formats.registry import format_name, read_experiment, read_image_models
from autoproc.geometry.detector import beam_centre_px
from autoproc.geometry.rotation import rotation_matrix

KAPPA_AXIS = (0.642787609687, -0.766044443119, 0.0)
ITEMS = """
_diffrn.id TEST
loop_
_diffrn_radiation.diffrn_id
_diffrn_radiation.polarizn_source_norm
TEST {norm}
loop_
_diffrn_radiation_wavelength.id
_diffrn_radiation_wavelength.wavelength
W1 {wavelength}
loop_
_diffrn_scan_axis.scan_id
_diffrn_scan_axis.axis_id
_diffrn_scan_axis.angle_start
_diffrn_scan_axis.angle_range
_diffrn_scan_axis.angle_increment
_diffrn_scan_axis.displacement_start
SCAN1 OMEGA {omega} {omega_width} {omega_width} 0.0
SCAN1 KAPPA 30.0 0.0 0.0 0.0
SCAN1 PHI 20.0 {phi_width} {phi_width} 0.0
SCAN1 TTH {two_theta} 0.0 0.0 0.0
SCAN1 DET_Z 0.0 0.0 0.0 {distance}
SCAN1 DET_X 0.0 0.0 0.0 0.0
loop_
_diffrn_scan_frame_axis.frame_id
_diffrn_scan_frame_axis.axis_id
_diffrn_scan_frame_axis.angle
_diffrn_scan_frame_axis.displacement
FRAME1 OMEGA {omega} 0.0
FRAME1 DET_Z 0.0 {distance}
loop_
_axis.id
_axis.type
_axis.equipment
_axis.depends_on
_axis.vector[1] _axis.vector[2] _axis.vector[3]
_axis.offset[1] _axis.offset[2] _axis.offset[3]
OMEGA rotation goniometer . 1 0 0 . . .
KAPPA rotation goniometer OMEGA 0.642787609687 -0.766044443119 0 . . .
PHI rotation goniometer KAPPA 1 0 0 . . .
SOURCE general source . 0 0 1 . . .
TTH rotation detector . 1 0 0 . . .
DET_Z translation detector TTH 0 0 -1 0 0 0
DET_X translation detector DET_Z 1 0 0 0 0 0
ELEMENT_Y translation detector DET_X 0 -1 0 -1.2 2.5 0
ELEMENT_X translation detector {element_parent} 1 0 0 0 0 0
loop_
_array_structure_list.array_id
_array_structure_list.index
_array_structure_list.dimension
_array_structure_list.precedence
_array_structure_list.direction
_array_structure_list.axis_set_id
A1 1 30 1 {direction} ELEMENT_X
A1 2 20 2 increasing ELEMENT_Y
loop_
_array_structure_list_axis.axis_set_id
_array_structure_list_axis.axis_id
_array_structure_list_axis.displacement
_array_structure_list_axis.displacement_increment
ELEMENT_X ELEMENT_X 0.0 {pixel}
ELEMENT_Y ELEMENT_Y 0.0 {pixel}
loop_
_array_intensities.array_id
_array_intensities.gain
_array_intensities.overload
_array_intensities.undefined_value
A1 1.0 {overload} -1
"""
DEFAULTS = {
    "norm": 0.0, "wavelength": 0.7, "omega": -10.0, "omega_width": 0.5, "phi_width": 0.0, "two_theta": 0.0,
    "distance": 100.0, "element_parent": "ELEMENT_Y", "direction": "increasing", "pixel": 0.1,
    "overload": 91795,
}  # fmt: skip


def models(tmp_path, overrides=None, **changes):
    items = ITEMS.format(**{**DEFAULTS, **changes}).replace("\n", "\r\n")
    path = tmp_path / "x_0001.cbf"
    path.write_bytes(cbf_bytes(image(), header(), items))
    return read_image_models(path, overrides or HeaderOverrides())


def test_detector_square_to_the_beam(tmp_path):
    found = models(tmp_path)
    panel = found.detector[0]
    np.testing.assert_allclose(panel.origin, [-1.2, 2.5, -100.0])
    np.testing.assert_allclose([panel.fast_axis, panel.slow_axis], [[1, 0, 0], [0, -1, 0]])
    assert panel.pixel_size == pytest.approx((0.1, 0.1))
    assert panel.trusted_range == (-1.0, 91795.0)
    assert panel.thickness == pytest.approx(0.32)
    assert found.beam.wavelength == 0.7
    assert format_name(tmp_path / "x_0001.cbf") == "imgCIF (full CBF)"


def test_two_theta_turns_the_detector_about_the_sample(tmp_path):
    turn = rotation_matrix(np.array([1.0, 0, 0]), np.radians(30.0))
    flat, swung = models(tmp_path).detector[0], models(tmp_path, two_theta=30.0).detector[0]
    np.testing.assert_allclose(swung.origin, turn @ flat.origin)
    np.testing.assert_allclose(swung.slow_axis, turn @ flat.slow_axis, atol=1e-12)
    assert swung.distance == pytest.approx(100.0)


def test_pixels_that_run_backwards(tmp_path):
    panel = models(tmp_path, direction="decreasing").detector[0]
    np.testing.assert_allclose(panel.fast_axis, [-1, 0, 0])
    np.testing.assert_allclose(panel.origin, [-1.2 + 2.9, 2.5, -100.0])


def test_omega_scan_of_a_kappa_goniometer(tmp_path):
    found = models(tmp_path)
    assert found.goniometer.names == ("PHI", "KAPPA", "OMEGA")
    assert found.goniometer.scan_axis == 2
    assert found.oscillation == (-10.0, 0.5)
    phi = rotation_matrix(np.array([1.0, 0, 0]), np.radians(20.0))
    kappa = rotation_matrix(np.array(KAPPA_AXIS), np.radians(30.0))
    np.testing.assert_allclose(found.goniometer.fixed, kappa @ phi, atol=1e-12)
    np.testing.assert_allclose(found.goniometer.setting, np.eye(3), atol=1e-12)


def test_phi_scan_of_a_kappa_goniometer(tmp_path):
    found = models(tmp_path, omega_width=0.0, phi_width=0.25)
    assert found.oscillation == (20.0, 0.25)
    omega = rotation_matrix(np.array([1.0, 0, 0]), np.radians(-10.0))
    kappa = rotation_matrix(np.array(KAPPA_AXIS), np.radians(30.0))
    np.testing.assert_allclose(found.goniometer.setting, omega @ kappa, atol=1e-12)
    np.testing.assert_allclose(found.goniometer.lab_axis, omega @ kappa @ [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(found.goniometer.fixed, np.eye(3), atol=1e-12)


def test_reversed_scan_keeps_the_other_axes(tmp_path):
    found = models(tmp_path, omega_width=-0.5)
    assert found.oscillation == (10.0, 0.5)
    np.testing.assert_array_equal(found.goniometer.axes[2], [-1, 0, 0])
    np.testing.assert_allclose(found.goniometer.fixed, models(tmp_path).goniometer.fixed)


def test_still(tmp_path):
    assert models(tmp_path, omega_width=0.0).oscillation == (-10.0, 0.0)


def test_polarisation_normal(tmp_path):
    np.testing.assert_allclose(models(tmp_path, norm=90.0).beam.polarization_normal, [1, 0, 0], atol=1e-12)


def test_values_that_can_be_given(tmp_path):
    for changes, field in (
        ({"wavelength": "."}, "wavelength is missing"),
        ({"wavelength": "one"}, "wavelength is not a number"),
        ({"distance": 0.0}, "distance is 0 mm"),
        ({"pixel": 1000.0}, "pixel size is 1000 x 1000 mm"),
        ({"pixel": 0.0}, "pixel size is 0 x 0 mm"),
    ):
        with pytest.raises(BadHeader, match=field):
            models(tmp_path, **changes)
    assert models(tmp_path, HeaderOverrides(pixel_size=(0.1, 0.2)), pixel=1000.0).detector[0].pixel_size == (0.1, 0.2)
    given = HeaderOverrides(wavelength=1.2, distance=150.0, beam_centre=(3.0, 4.0))
    found = models(tmp_path, given, wavelength="?", distance=0.0, two_theta=20.0)
    assert found.beam.wavelength == 1.2
    assert found.detector[0].distance == pytest.approx(150.0)
    assert beam_centre_px(found.detector, found.beam) == pytest.approx((3.0, 4.0))
    assert found.detector[0].normal @ found.beam.s0 > 0


@pytest.mark.parametrize(
    "changes", [{"element_parent": "NOWHERE"}, {"element_parent": "ELEMENT_X"}, {"phi_width": 1.0}]
)
def test_headers_that_contradict_themselves(tmp_path, changes):
    with pytest.raises(CorruptFile, match="imgCIF header cannot be understood"):
        models(tmp_path, **changes)


@pytest.mark.parametrize(
    ("name", "origin", "fast", "lab_axis", "oscillation"),
    [
        ("l_cysteine_i19/l-cyst_02_00001.cbf.gz", (-148.78, -28.7381, -201.344), (0, 0.866025, 0.5), (1, 0, 0),
         (-145, 0.1)),
        ("l_cysteine_i19/l-cyst_04_00001.cbf.gz", (-148.78, -125.56, -160), (0, 1, 0), (0.5774, -0.8165, 0), (0, 0.1)),
        ("frames/phi_scan_001.cbf.gz", (-41.8, -16.7765, -117.845), (0, 0.939693, 0.34202),
         (0.92138, 0.00154373, 0.388659), (20, 0.5)),
        ("frames/DLS_I03_smargon_0001.cbf.gz", (-211.44, 206.48, -291.47), (1, 0, 0), (1, 0, 0), (45, 0.1)),
    ],
)  # fmt: skip
def test_real_frames_as_dials_reads_them(name, origin, fast, lab_axis, oscillation):
    experiment = read_experiment(shared(f"real/{name}"))
    np.testing.assert_allclose(experiment.detector[0].origin, origin, atol=1e-3)
    np.testing.assert_allclose(experiment.detector[0].fast_axis, fast, atol=1e-5)
    np.testing.assert_allclose(experiment.goniometer.lab_axis, lab_axis, atol=1e-4)
    assert experiment.scan.oscillation == oscillation


@pytest.mark.parametrize(("value", "words"), [("0", "'0'"), ("-1", "'-1'"), (".", "not say"), ("nan", "'nan'")])
def test_an_overload_that_is_none_is_said(tmp_path, value, words):
    found = models(tmp_path, overload=value)
    (remark,) = (remark for remark in found.remarks if remark.startswith(OVERLOAD))
    assert words in remark
    assert found.detector[0].trusted_range[1] == NO_CUTOFF
    assert not [remark for remark in models(tmp_path).remarks if remark.startswith(OVERLOAD)]
