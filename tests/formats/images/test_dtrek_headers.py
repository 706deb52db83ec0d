"""d*TREK headers: the detector stands where its goniometer puts it."""

import numpy as np
import pytest
from ccd_files import counts, write_dtrek
from hypothesis import given, settings
from hypothesis import strategies as st

from autoproc.errors import AutoprocError, BadHeader, UnsupportedFile
from autoproc.formats.images.dtrek_headers import CRYSTAL_AXES
from autoproc.formats.registry import read_experiment, read_image, read_image_models


def test_a_detector_square_to_the_beam(tmp_path):
    write_dtrek(tmp_path / "x_0001.img", counts(), start=10.0)
    models = read_image_models(tmp_path / "x_0001.img")
    panel = models.detector[0]
    np.testing.assert_allclose(panel.origin, (-3, 2, -150), atol=1e-9)
    np.testing.assert_allclose(models.goniometer.axis, (-1, 0, 0))
    assert models.oscillation == (10.0, 0.5)
    assert models.exposure == 2.0
    assert panel.trusted_range == (0, 60000)
    assert models.beam.polarization_fraction == 0.5
    assert CRYSTAL_AXES in models.remarks


@pytest.mark.parametrize("angle", [-7.0, 20.0])
def test_a_swung_detector_looks_at_the_sample(tmp_path, angle):
    write_dtrek(tmp_path / "x_0001.img", counts(), two_theta=angle)
    panel = read_experiment(tmp_path / "x_0001.img").detector[0]
    foot = panel.origin + 3.0 * panel.fast_axis + 2.0 * panel.slow_axis
    turned = np.radians(angle)
    np.testing.assert_allclose(foot, (0, -150 * np.sin(turned), -150 * np.cos(turned)), atol=1e-9)
    assert panel.distance == pytest.approx(150)


def test_rows_may_be_stored_as_columns(tmp_path):
    swapped = {"CCD_SPATIAL_DISTORTION_VECTORS": "0 1 1 0", "CCD_DETECTOR_VECTORS": "0 -1 0 1 0 0"}
    write_dtrek(tmp_path / "x_0001.img", counts(), **swapped)
    panel = read_experiment(tmp_path / "x_0001.img").detector[0]
    np.testing.assert_allclose((panel.fast_axis, panel.slow_axis), ((1, 0, 0), (0, -1, 0)), atol=1e-12)


@pytest.mark.parametrize("changes", [
    {"CCD_SPATIAL_DISTORTION_VECTORS": "1 0.1 0 1"}, {"CCD_GONIO_UNITS": "deg deg deg mm mm inch"},
    {"CCD_GONIO_VALUES": "0 0 0"}, {"ROTATION": "1 2"}, {"ROTATION_VECTOR": "0 0 0"}, {"SOURCE_VECTORS": "x"},
    {"DETECTOR_NAMES": "IP_"},
])  # fmt: skip
def test_what_cannot_be_understood_is_refused(tmp_path, changes):
    write_dtrek(tmp_path / "x_0001.img", counts(), **changes)
    with pytest.raises(BadHeader, match="geometry"):
        read_experiment(tmp_path / "x_0001.img")


def test_imaging_plates_are_refused(tmp_path):
    write_dtrek(tmp_path / "x_0001.img", counts(), RAXIS_COMPRESSION_RATIO=32)
    with pytest.raises(UnsupportedFile, match="imaging plates"):
        read_image(tmp_path / "x_0001.img")


@settings(max_examples=50)
@given(st.text("0123456789.- e+", max_size=40), st.sampled_from(
    ["ROTATION", "SOURCE_VECTORS", "CCD_GONIO_VECTORS", "CCD_SPATIAL_DISTORTION_INFO", "SOURCE_POLARZ"]
))  # fmt: skip
def test_any_numbers_are_read_or_refused_by_name(tmp_path_factory, text, key):
    path = tmp_path_factory.mktemp("x") / "x_0001.img"
    write_dtrek(path, counts(), **{key: text})
    try:
        panel = read_experiment(path).detector[0]
    except AutoprocError:
        return
    assert np.all(np.isfinite(panel.origin))
