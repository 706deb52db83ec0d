"""Bruker's frames: turned as DIALS turns them, with the conventions of diffractometers of fixed chi."""

import numpy as np
import pytest
from ccd_files import counts, write_bruker

from autoproc.errors import BadHeader, CorruptFile, UnsupportedFile
from autoproc.formats.registry import format_name, kind_of, read_experiment, read_image, read_image_models

PIXELS = counts(shape=(1024, 1024))


def test_pixels_are_turned(tmp_path):
    path = tmp_path / "x_01_0001.sfrm"
    write_bruker(path, PIXELS)
    assert format_name(path) == "Bruker"
    np.testing.assert_array_equal(read_image(path), PIXELS[::-1].T)


def test_counts_too_large_for_their_pixels(tmp_path):
    path = tmp_path / "x_01_0001.sfrm"
    write_bruker(path, PIXELS, overflows=[(123456, 1024 * 30 + 7)])
    assert read_image(path)[7, 1023 - 30] == 123456


def test_geometry(tmp_path):
    path = tmp_path / "x_01_0001.sfrm"
    write_bruker(path, PIXELS)
    models = read_image_models(path)
    panel = models.detector[0]
    np.testing.assert_allclose(panel.origin, (-53, -50, -150), atol=1e-9)
    np.testing.assert_allclose((panel.fast_axis, panel.slow_axis), ((1, 0, 0), (0, 1, 0)))
    np.testing.assert_allclose(models.goniometer.axis, (-1, 0, 0))
    assert panel.pixel_size == (0.1, 0.1)
    assert models.oscillation == (20.0, 0.5)
    assert models.beam.wavelength == 0.98


def test_a_swung_detector_looks_at_the_sample(tmp_path):
    write_bruker(tmp_path / "x_01_0001.sfrm", PIXELS, ANGLES="12.0 20.0 30.0 54.7")
    panel = read_experiment(tmp_path / "x_01_0001.sfrm").detector[0]
    foot = panel.origin + 53 * panel.fast_axis + 50 * panel.slow_axis
    turned = np.radians(12)
    np.testing.assert_allclose(foot, (0, -150 * np.sin(turned), -150 * np.cos(turned)), atol=1e-9)


def test_a_scan_of_phi_turns_about_the_inclined_axis(tmp_path):
    write_bruker(tmp_path / "x_01_0001.sfrm", PIXELS, AXIS="3", ANGLES="0 0 30 54.7")
    axis = read_experiment(tmp_path / "x_01_0001.sfrm").goniometer.axis
    np.testing.assert_allclose(axis, (np.cos(np.radians(54.7)), -np.sin(np.radians(54.7)), 0), atol=1e-12)


@pytest.mark.parametrize("changes", [{"AXIS": "4"}, {"ANGLES": "0 0"}, {"DETTYPE": "CCD"}, {"DISTANC": ""}])
def test_what_cannot_be_understood_is_refused(tmp_path, changes):
    write_bruker(tmp_path / "x_01_0001.sfrm", PIXELS, **changes)
    with pytest.raises(BadHeader, match="geometry"):
        read_experiment(tmp_path / "x_01_0001.sfrm")


@pytest.mark.parametrize(("changes", "why"), [
    ({"FORMAT": "100"}, "fixed chi"), ({"MODEL": "D8"}, "fixed chi"), ({"NROWS": "512"}, "1024 x 1024"),
])  # fmt: skip
def test_others_are_refused_with_the_reason(tmp_path, changes, why):
    write_bruker(tmp_path / "x_01_0001.sfrm", PIXELS, **changes)
    with pytest.raises(UnsupportedFile, match=why):
        read_image(tmp_path / "x_01_0001.sfrm")


@pytest.mark.parametrize("changes", [
    {"NPIXELB": "3"}, {"NOVERFL": "9999999"}, {"NOVERFL": "2"}, {"HDRBLKS": "-1"}, {"HDRBLKS": "99999"}, {"NCOLS": "x"},
])  # fmt: skip
def test_headers_that_cannot_be_are_damaged(tmp_path, changes):
    write_bruker(tmp_path / "x_01_0001.sfrm", PIXELS, **changes)
    with pytest.raises(CorruptFile):
        read_image(tmp_path / "x_01_0001.sfrm")


def test_imaging_plates_are_refused_with_the_reason(tmp_path):
    (tmp_path / "x_0001.osc").write_bytes(b"R-AXIS4   ".ljust(4096, b"\0"))
    with pytest.raises(UnsupportedFile, match="imaging plates"):
        kind_of(tmp_path / "x_0001.osc")
