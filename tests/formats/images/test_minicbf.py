from __future__ import annotations

import numpy as np
import pytest
from cbf_files import cbf_bytes, header, write_image

from autoproc.errors import BadHeader, UnsupportedFile
from autoproc.formats.header_values import HeaderOverrides
from autoproc.formats.images.beamlines import day_in, goniometer_for, known_goniometer
from autoproc.formats.images.minicbf import header_fields, sensor
from autoproc.formats.images.modules import module_gaps
from autoproc.formats.registry import read_experiment, read_image_models
from autoproc.geometry.detector import beam_centre_px


def models(tmp_path, changes=None, **overrides):
    path = write_image(tmp_path / "x_0007.cbf", changes)
    return read_image_models(path, HeaderOverrides(**overrides))


def test_geometry_of_a_pilatus(tmp_path):
    found = models(tmp_path)
    panel = found.detector[0]
    np.testing.assert_allclose(panel.origin, [-14.5 * 0.172, 9.25 * 0.172, -85.0], atol=1e-12)
    np.testing.assert_array_equal([panel.fast_axis, panel.slow_axis], [[1, 0, 0], [0, -1, 0]])
    assert panel.pixel_size == pytest.approx((0.172, 0.172))
    assert panel.trusted_range == (-1.0, 1e6)
    assert (panel.material, panel.thickness) == ("Si", pytest.approx(0.32))
    assert panel.mu == pytest.approx(3.92262, rel=1e-5)
    assert beam_centre_px(found.detector, found.beam) == pytest.approx((14.5, 9.25))
    assert found.oscillation == (0.0, 0.5)
    assert found.exposure == 0.02
    np.testing.assert_array_equal(found.goniometer.lab_axis, [1, 0, 0])
    assert not found.warnings


def test_one_image_is_a_scan_of_its_number(tmp_path):
    write_image(tmp_path / "x_0007.cbf")
    experiment = read_experiment(tmp_path / "x_0007.cbf")
    assert experiment.scan.image_range == (7, 7)
    assert experiment.imageset.template == str(tmp_path / "x_####.cbf")


@pytest.mark.parametrize(
    ("changes", "field", "override", "rescue"),
    [
        ({"Wavelength": None}, "wavelength is missing", "wavelength=", {"wavelength": 1.0}),
        ({"Wavelength": "0.0 A"}, "wavelength is 0 A", "wavelength=", {"wavelength": 1.0}),
        ({"Wavelength": "-1.0 A"}, "wavelength is -1 A", "wavelength=", {"wavelength": 1.0}),
        ({"Wavelength": "97.63 A"}, "wavelength is 97.63 A", "wavelength=", {"wavelength": 1.0}),
        ({"Wavelength": "(nil)"}, r"wavelength is '\(nil\)', which is no number", "wavelength=", {"wavelength": 1.0}),
        ({"Detector_distance": None}, "detector distance is missing", "distance=", {"distance": 100.0}),
        ({"Detector_distance": "0.0 m"}, "detector distance is 0 mm", "distance=", {"distance": 100.0}),
        ({"Detector_distance": "85 m"}, "detector distance is 85000 mm", "distance=", {"distance": 100.0}),
        ({"Beam_xy": None}, "beam centre is missing", "beam_centre=", {"beam_centre": (5.0, 6.0)}),
        ({"Beam_xy": "(0.00, 0.00) pixels"}, r"beam centre is \(0, 0\)", "beam_centre=", {"beam_centre": (5.0, 6.0)}),
    ],
)  # fmt: skip
def test_what_a_header_lacks_can_be_given(tmp_path, changes, field, override, rescue):
    with pytest.raises(BadHeader, match=rf"x_0007.cbf: the header's {field}.*{override}"):
        models(tmp_path, changes)
    found = models(tmp_path, changes, **rescue)
    given = {
        "wavelength": found.beam.wavelength,
        "distance": found.detector[0].distance,
        "beam_centre": pytest.approx(beam_centre_px(found.detector, found.beam)),
    }
    for name, value in rescue.items():
        assert given[name] == value


def test_attenuation_follows_a_given_wavelength(tmp_path):
    assert models(tmp_path, wavelength=0.6889).detector[0].mu == pytest.approx(1.41535, rel=1e-5)


def test_missing_pixel_size(tmp_path):
    with pytest.raises(BadHeader, match="pixel size is missing"):
        models(tmp_path, {"Pixel_size": None})


def test_units_other_than_usual(tmp_path):
    found = models(tmp_path, {"Detector_distance": "120.5 mm", "Beam_xy": "(1.72, 3.44) mm"})
    assert found.detector[0].distance == pytest.approx(120.5)
    assert beam_centre_px(found.detector, found.beam) == pytest.approx((10.0, 20.0))


def test_no_angles_in_the_header(tmp_path):
    assert models(tmp_path, {"Start_angle": None}).oscillation is None
    assert models(tmp_path, {"Start_angle": None}, oscillation=(5.0, 0.1)).oscillation == (5.0, 0.1)


def test_negative_width_turns_the_axis_round(tmp_path):
    found = models(tmp_path, {"Start_angle": "30.0 deg.", "Angle_increment": "-0.5 deg."})
    assert found.oscillation == (-30.0, 0.5)
    np.testing.assert_array_equal(found.goniometer.axis, [-1, 0, 0])


def test_two_theta_without_direction_is_told(tmp_path):
    assert "2theta = 20" in models(tmp_path, {"Detector_2theta": "20.0 deg."}).warnings[0]


def test_sensor_lines():
    assert sensor("# CdTe sensor, thickness 0.001000 m\n") == ("CdTe", 1.0)
    assert sensor("# CZT sensor, thickness 0.75 mm\n") == ("CZT", 0.75)
    assert sensor("# nothing\n", ("Si", 0.45)) == ("Si", 0.45)


def test_an_eiger_without_sensor_line_is_silicon(tmp_path):
    panel = models(tmp_path, {"Detector:": "EIGER2 X 4M, S/N E-08", "Silicon": None}).detector[0]
    assert (panel.material, panel.thickness) == ("Si", 0.45)


def test_fields():
    assert header_fields("# A: 1 b\n# Tau = 0 s\n#x\nno\n# A: 2\n") == {"A": "1 b", "Tau": "0 s", "x": ""}


@pytest.mark.parametrize(
    ("detector", "size", "n", "first"),
    [
        ("PILATUS 300K", (487, 619), 2, (0, 195, 487, 212)),
        ("PILATUS3 6M", (2463, 2527), 15, (487, 0, 494, 2527)),
        ("PILATUS 2M", (1475, 1679), 9, (487, 0, 494, 1679)),
        ("EIGER 16M", (4148, 4362), 10, (1028, 0, 1040, 4362)),
        ("Dectris Eiger 16M", (4150, 4371), 10, (1030, 0, 1040, 4371)),
        ("PILATUS 100K", (487, 195), 0, None),
        ("PILATUS 300K", (487, 620), 0, None),
        ("unknown", (487, 619), 0, None),
    ],
)
def test_gaps_between_modules(detector, size, n, first):
    gaps = module_gaps(detector, size)
    assert len(gaps) == n
    assert not n or gaps[0] == first
    assert all(0 <= x0 < x1 <= size[0] and 0 <= y0 < y1 <= size[1] for x0, y0, x1, y1 in gaps)


def test_curved_detector_is_refused(tmp_path):
    content = cbf_bytes(np.zeros((5071, 2463), np.int32), header())
    (tmp_path / "x_1.cbf").write_bytes(content)
    with pytest.raises(UnsupportedFile, match="12M"):
        read_image_models(tmp_path / "x_1.cbf")


def test_known_beamlines(tmp_path):
    assert known_goniometer("PILATUS 300K, S/N 3-0999", "2026") is None
    assert known_goniometer("PILATUS 6M, S/N 60-0119, Diamond", "2012") is None
    assert known_goniometer("no serial number", "2020") is None
    found = models(tmp_path, {"Detector:": "PILATUS3 6M, S/N 60-0132, APS"})
    np.testing.assert_array_equal(found.goniometer.axis, [-1, 0, 0])
    assert "APS 19-ID" in found.warnings[0]


def test_known_axes_take_the_header_angles():
    known = known_goniometer("EIGER 16M XR4i S/N 160-0001 Diamond", "2019")
    goniometer = goniometer_for(known, {"Phi": 90.0, "Chi": 0.0}, 174.0)
    assert goniometer.angles == (90.0, 0.0, 174.0)
    np.testing.assert_allclose(goniometer.fixed @ [0, 1, 0], [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(goniometer.setting, np.eye(3))


def test_a_detector_that_moved_stands_where_it_stood_on_the_day():
    assert known_goniometer("EIGER 16M, S/N E-32-0107", "2020-01-31").beamline == "PETRA III P14"
    assert known_goniometer("EIGER 16M, S/N E-32-0107", "2021-05-22") is None
    assert known_goniometer("EIGER2 16M, S/N E-32-0129", "2021-05-21") is None
    assert known_goniometer("EIGER2 16M, S/N E-32-0129", "2021-05-22") is not None
    assert known_goniometer("E-32-0105", "2019-02-03").axes == ((0, 1, 0),)


@pytest.mark.parametrize(
    ("header", "day"),
    [("# 2007/Jun/17 15:12:36.928", "2007-06-17"), ("# 2016-12-16T07:06", "2016-12-16"), ("# 1", "")],
)
def test_days_of_headers(header, day):
    assert day_in(header) == day


def image_models(tmp_path, name, **changes):
    return read_image_models(write_image(tmp_path / name, changes))


def test_images_of_a_sweep_share_what_their_headers_say_alike(tmp_path):
    """The start's angle and the date alone are another in each of them."""
    first = image_models(tmp_path, "x_0001.cbf", Omega="0.0000 deg.")
    second = image_models(tmp_path, "x_0002.cbf", Start_angle="0.5000 deg.", Omega="0.5000 deg.")
    assert (first.oscillation, second.oscillation) == ((0.0, 0.5), (0.5, 0.5))
    assert first.detector is second.detector
    assert first.goniometer is second.goniometer


@pytest.mark.parametrize(
    ("field", "value", "found"),
    [
        ("Detector_distance", "0.09500 m", lambda m: m.detector[0].distance),
        ("Beam_xy", "(15.50, 9.25) pixels", lambda m: m.detector[0].origin[0]),
        ("Wavelength", "1.00000 A", lambda m: m.beam.wavelength),
        ("Polarization", "0.500", lambda m: m.beam.polarization_fraction),
        ("Angle_increment", "0.2500 deg.", lambda m: m.oscillation),
        ("Exposure_period", "0.0300000 s", lambda m: m.exposure),
        ("Count_cutoff", "65000 counts", lambda m: m.detector[0].trusted_range),
        ("Silicon", "sensor, thickness 0.000450 m", lambda m: m.detector[0].thickness),
        ("Detector:", "PILATUS 300K, S/N 60-0127", lambda m: m.goniometer.axis[0]),
        ("Detector_2theta", "5.0000 deg.", lambda m: m.warnings),
        ("Flat_field:", "ff.tif", lambda m: m.remarks),
    ],
)
def test_another_header_is_understood_anew(tmp_path, field, value, found):
    before = found(image_models(tmp_path, "x_0001.cbf"))
    assert found(image_models(tmp_path, "y_0001.cbf", **{field: value})) != before


def test_what_a_user_gives_counts_though_the_header_is_known(tmp_path):
    models(tmp_path)
    assert models(tmp_path, wavelength=1.1).beam.wavelength == 1.1
    assert models(tmp_path).beam.wavelength == pytest.approx(0.9763)


def test_kappa_angles_follow_the_image_though_its_header_is_known(tmp_path):
    detector = {"Detector:": "PILATUS 6M, S/N 60-0126", "Kappa": "10.0 deg.", "Phi": "5.0 deg."}
    first = image_models(tmp_path, "x_0001.cbf", **detector)
    second = image_models(tmp_path, "x_0002.cbf", **detector, Start_angle="0.5000 deg.")
    assert (first.goniometer.angles[-1], second.goniometer.angles[-1]) == (0.0, 0.5)
