"""Images that fabio decodes: pixels and geometry are those that were written."""

import contextlib
import gzip
import struct

import fabio.edfimage
import fabio.tifimage
import numpy as np
import pytest
from ccd_files import WRITERS, counts, write_edf, write_marccd, write_smv
from hypothesis import given, settings
from hypothesis import strategies as st

from autoproc.errors import AutoprocError, BadHeader, CorruptFile, UnsupportedFile
from autoproc.formats.compressed import expanded
from autoproc.formats.header_values import HeaderOverrides
from autoproc.formats.registry import kind_of, open_reader, read_experiment, read_image
from autoproc.geometry.detector import beam_centre_px
from autoproc.models.experiment import Beam

GIVEN = HeaderOverrides(0.98, 150.0, (30.0, 20.0), (0.0, 0.5), (0.1, 0.1))


@pytest.mark.parametrize("name", WRITERS)
def test_pixels_are_those_that_were_written(tmp_path, name):
    pixels = counts()
    WRITERS[name](tmp_path / name, pixels)
    assert kind_of(tmp_path / name) == "files"
    np.testing.assert_array_equal(read_image(tmp_path / name), pixels)


@pytest.mark.parametrize("name", WRITERS)
def test_geometry_is_that_of_the_header(tmp_path, name):
    WRITERS[name](tmp_path / name, counts())
    experiment = read_experiment(tmp_path / name)
    panel = experiment.detector[0]
    assert panel.image_size == (64, 64)
    np.testing.assert_allclose(panel.pixel_size, 0.1)
    assert experiment.beam.wavelength == pytest.approx(0.98)
    assert panel.distance == pytest.approx(150.0)
    assert experiment.scan.oscillation[1] == pytest.approx(0.5)


def test_a_plain_tiff_takes_its_geometry_from_the_user(tmp_path):
    path = tmp_path / "x_0001.tif"
    fabio.tifimage.TifImage(data=counts()).write(str(path))
    np.testing.assert_array_equal(read_image(path), counts())
    with pytest.raises(BadHeader, match=r"wavelength, distance, pixel size, beam centre, oscillation"):
        read_experiment(path)
    panel = read_experiment(path, GIVEN).detector[0]
    np.testing.assert_allclose(panel.origin, (-3.0, 2.0, -150.0))


def test_a_photograph_is_no_diffraction_image(tmp_path):
    path = tmp_path / "x_0001.tif"
    fabio.tifimage.TifImage(data=counts().astype(np.uint8)).write(str(path))
    with pytest.raises(UnsupportedFile, match="photograph"):
        read_image(path)


@pytest.mark.parametrize("bias", [0, 10])
def test_the_bias_of_marccd_is_taken_off(tmp_path, bias):
    write_marccd(tmp_path / "x_001.mccd", counts(), bias=bias)
    np.testing.assert_array_equal(read_image(tmp_path / "x_001.mccd"), counts().astype(int) - bias)


@pytest.mark.parametrize("name", WRITERS)
def test_files_that_are_cut_off_are_damaged(tmp_path, name):
    path = tmp_path / name
    WRITERS[name](path, counts())
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CorruptFile, match=r"truncated|decoded"):
        read_image(path)


def test_a_size_beyond_the_file_is_refused_before_pixels_are_made(tmp_path):
    write_smv(tmp_path / "x_001.img", counts(), SIZE1=10**9, SIZE2=10**9)
    with pytest.raises(CorruptFile, match="no detector has"):
        read_image(tmp_path / "x_001.img")


def test_a_size_beyond_the_file_is_found_before_pixels_are_made(tmp_path):
    write_smv(tmp_path / "x_001.img", counts(), SIZE1=8000, SIZE2=8000)
    with pytest.raises(CorruptFile, match="truncated: 8704 of 128000512"):
        read_image(tmp_path / "x_001.img")


def test_the_pedestal_of_smv_is_of_the_models(tmp_path):
    write_smv(tmp_path / "x_001.img", counts(), IMAGE_PEDESTAL=40)
    experiment = read_experiment(tmp_path / "x_001.img")
    assert experiment.detector[0].trusted_range == (-41.0, 65495.0)
    np.testing.assert_array_equal(read_image(tmp_path / "x_001.img"), counts())
    np.testing.assert_array_equal(open_reader(experiment).read(0), counts().astype(int) - 40)


@pytest.mark.parametrize("key", ["EDF_BinaryFileName", "edf_dataformatversion", "Dim_3", "dim_1"])
def test_edf_leads_nowhere_else(tmp_path, key):
    write_edf(tmp_path / "x_001.edf", counts())
    content = (tmp_path / "x_001.edf").read_bytes()
    place = content.index(b"PSize_1")
    line = f"{key} = 64 ;\n".encode()
    after = content[place:].replace(b" " * len(line), b"", 1)
    (tmp_path / "x_001.edf").write_bytes(content[:place] + line + after)
    with pytest.raises((CorruptFile, UnsupportedFile), match="another file|twice"):
        read_image(tmp_path / "x_001.edf")


def test_a_tiff_whose_directories_go_in_circles(tmp_path):
    write_marccd(tmp_path / "x_001.mccd", counts())
    content = bytearray((tmp_path / "x_001.mccd").read_bytes())
    struct.pack_into("<I", content, 10 + 12 * struct.unpack_from("<H", content, 8)[0], 8)
    (tmp_path / "x_001.mccd").write_bytes(bytes(content))
    with pytest.raises(UnsupportedFile, match="several pictures"):
        read_image(tmp_path / "x_001.mccd")


@settings(max_examples=30)
@given(st.integers(0, 4095), st.binary(min_size=1, max_size=8), st.sampled_from(sorted(WRITERS)))
def test_changed_bytes_are_read_or_refused_by_name(tmp_path_factory, place, changed, name):
    path = tmp_path_factory.mktemp("x") / name
    WRITERS[name](path, counts())
    content = bytearray(path.read_bytes())
    content[place : place + len(changed)] = changed
    path.write_bytes(bytes(content))
    for read in (read_image, read_experiment):
        with contextlib.suppress(AutoprocError):
            read(path)


@pytest.mark.parametrize(("serial", "axis"), [(915, (-1, 0, 0)), (916, (1, 0, 0))])
def test_detectors_at_reversed_goniometers(tmp_path, serial, axis):
    write_smv(tmp_path / "x_001.img", counts(), DETECTOR_SN=serial)
    np.testing.assert_array_equal(read_experiment(tmp_path / "x_001.img").goniometer.axis, axis)


def test_a_swung_marccd_keeps_its_centre_and_takes_the_users(tmp_path):
    write_marccd(tmp_path / "x_001.mccd", counts())
    content = bytearray((tmp_path / "x_001.mccd").read_bytes())
    for offset in (1692, 1724):
        struct.pack_into("<i", content, offset, 20000)
    (tmp_path / "x_001.mccd").write_bytes(bytes(content))
    panel = read_experiment(tmp_path / "x_001.mccd").detector[0]
    foot = panel.origin + 3.0 * panel.fast_axis + 2.0 * panel.slow_axis
    np.testing.assert_allclose(foot, 150 * np.array([0, np.sin(np.radians(20)), -np.cos(np.radians(20))]), atol=1e-9)
    moved = read_experiment(tmp_path / "x_001.mccd", HeaderOverrides(beam_centre=(30.0, 20.0))).detector
    np.testing.assert_allclose(beam_centre_px(moved, Beam(0.98)), (30, 20), atol=1e-9)
    assert moved[0].distance == pytest.approx(150)


@pytest.mark.parametrize(("pixels", "expected"), [
    (np.array([1.0, np.nan, np.inf, -3.0, 3e9], "f4"), [1, -1, -1, -3, -1]),
    (np.array([1, 2**32 - 1, 2**31 - 1], "u4"), [1, -1, 2**31 - 1]),
    (np.array([65535, 0], "u2"), [65535, 0]),
])  # fmt: skip
def test_pixels_become_counts(tmp_path, pixels, expected):
    image = np.resize(pixels, (32, 32))
    fabio.edfimage.EdfImage(data=image).write(str(tmp_path / "x.edf"))
    np.testing.assert_array_equal(read_image(tmp_path / "x.edf").ravel()[: len(expected)], expected)


def test_fractions_are_no_counts(tmp_path):
    fabio.edfimage.EdfImage(data=np.full((32, 32), 0.5, "f4")).write(str(tmp_path / "x.edf"))
    with pytest.raises(UnsupportedFile, match="fractions"):
        read_image(tmp_path / "x.edf")


@pytest.mark.parametrize("change", [{"OSC_RANGE": "1e999"}, {"IMAGE_PEDESTAL": "1e12"}, {"PIXEL_SIZE": "1e999"}])
def test_numbers_beyond_all_numbers(tmp_path, change):
    write_smv(tmp_path / "x_001.img", counts(), **change)
    with pytest.raises(BadHeader):
        read_experiment(tmp_path / "x_001.img")


@pytest.mark.parametrize("said", ["-5", "0", "x"])
def test_a_detector_is_full_somewhere(tmp_path, said):
    write_smv(tmp_path / "x_001.img", counts(), CCD_IMAGE_SATURATION=said)
    assert read_experiment(tmp_path / "x_001.img").detector[0].trusted_range[1] == 65535


def test_an_impossible_length_of_a_header_is_not_quoted_at_length(tmp_path):
    path = tmp_path / "x_001.img"
    write_smv(path, counts())
    path.write_bytes(path.read_bytes().replace(b"HEADER_BYTES=  512", b"HEADER_BYTES=" + b"9" * 300))
    with pytest.raises(CorruptFile) as caught:
        read_experiment(path)
    assert "cannot take the number of bytes" in str(caught.value)
    assert "9" * 80 not in str(caught.value)


@pytest.mark.parametrize("name", ["x_001.img", "x_0001.edf"])
def test_no_more_is_expanded_than_the_header_says_there_are_pixels(tmp_path, name, monkeypatch):
    WRITERS[name](tmp_path / name, counts())
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(gzip.compress(whole) + gzip.compress(bytes(1 << 24)) * 8)
    asked = []
    monkeypatch.setattr(
        "autoproc.formats.images.frame_headers.expanded", lambda path, raw, n: asked.append(n) or expanded(path, raw, n)
    )
    np.testing.assert_array_equal(read_image(tmp_path / name), counts())
    assert asked
    assert max(asked) <= 1 << 17


@pytest.mark.parametrize(
    ("write", "more", "gain"),
    [(write_smv, {}, "1 counts are"), (write_smv, {"DETECTOR_SN": 457}, "2.4 counts are"),
     (write_marccd, {}, "1 counts"),
     (write_smv, {"DETECTOR_SN": 442}, "2.4 counts above a pedestal of 40 are")],
)  # fmt: skip
def test_what_is_assumed_of_the_sensor_is_said(tmp_path, write, more, gain):
    write(tmp_path / "x_001.img", counts(), **more)
    found = read_experiment(tmp_path / "x_001.img")
    (said,) = [remark for remark in found.remarks if "sensor" in remark]
    assert "not corrected for its depth" in said
    assert gain in said
    assert not found.detector[0].has_parallax
