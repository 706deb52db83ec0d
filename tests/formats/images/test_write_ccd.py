"""Images of CCD detectors, as other programs read them."""

from __future__ import annotations

from datetime import datetime

import fabio
import numpy as np
import pytest
from fabio import marccdimage
from hypothesis import given
from hypothesis import strategies as st

from autoproc.formats.images.write_ccd import CcdFacts, counts_16_bit, marccd_bytes, smv_bytes, smv_fields

FACTS = CcdFacts(
    0.9763, 123.4567, (0.1, 0.1), (300.25, 200.5), 12.0, 0.25, 1.5, datetime(2026, 3, 2, 10, 42, 7), saturation=60000
)


def image(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 65536, (40, 48)).astype(np.int32)


def bytes_of(kind: str, pixels: np.ndarray) -> bytes:
    if kind == "img":
        return smv_bytes(pixels, smv_fields(FACTS, (pixels.shape[1], pixels.shape[0])))
    return marccd_bytes(pixels, FACTS)


@pytest.mark.parametrize("kind", ["img", "mccd"])
def test_fabio_reads_the_same_pixels(tmp_path, kind):
    path = tmp_path / f"x_00001.{kind}"
    path.write_bytes(bytes_of(kind, image()))
    np.testing.assert_array_equal(fabio.open(path).data, image())


def test_fabio_reads_the_keywords_of_adsc(tmp_path):
    path = tmp_path / "x_00001.img"
    path.write_bytes(bytes_of("img", image()))
    header = fabio.open(path).header
    wanted = {"DISTANCE": 123.4567, "WAVELENGTH": 0.9763, "OSC_START": 12.0, "OSC_RANGE": 0.25, "PIXEL_SIZE": 0.1,
              "BEAM_CENTER_X": 20.05, "BEAM_CENTER_Y": 30.025, "CCD_IMAGE_SATURATION": 60000, "TIME": 1.5}  # fmt: skip
    assert {key: float(header[key]) for key in wanted} == pytest.approx(wanted)
    assert header["DATE"] == "Mon Mar 02 10:42:07 2026"


def test_fabio_reads_the_numbers_of_marccd():
    raw = bytes_of("mccd", image())[1024:4096]
    header = marccdimage.interpret_header(raw, marccdimage.HEADER_FORMAT, marccdimage.HEADER_NAMES)
    wanted = {"xtal_to_detector": 123457, "beam_x": 300250, "beam_y": 200500, "exposure_time": 1500,
              "start_phi": 12000, "end_phi": 12250, "rotation_range": 250, "rotation_axis": 4, "pixelsize_x": 100000,
              "pixelsize_y": 100000, "source_wavelength": 97630, "saturated_value": 60000}  # fmt: skip
    assert {key: int(header[key]) for key in wanted} == wanted


@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=9))
def test_counts_stay_within_16_bits(values):
    written = counts_16_bit(np.array([values], np.int32))
    assert written.dtype == np.dtype("<u2")
    assert written[0].tolist() == [min(max(v, 0), 65535) for v in values]


def test_a_header_that_is_too_long_is_no_image():
    with pytest.raises(ValueError, match="does not fit"):
        smv_bytes(image(), {"HEADER_BYTES": 512, "COMMENT": "x" * 600})
