"""Write images of CCD detectors: SMV as ADSC has it, and MarCCD, both of unsigned 16-bit counts."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from autoproc.models.experiment import Experiment

FULL = 65535
"""Counts at which a pixel of 16 bits stays."""
SMV_HEADER_BYTES = 512
MARCCD_HEADER_BYTES = 4096
MARCCD_MAIN, MARCCD_DATE = 1024, 2368
"""Where the main part of a MarCCD header begins, and where the date stands."""
PHI = 4
"""The number of the axis that turns, among those of a MarCCD header."""


@dataclass(frozen=True, slots=True)
class CcdFacts:
    """What the header of one image says.

    wavelength : Angstrom; distance : mm; pixel_size : (fast, slow) mm; centre : (fast, slow) px at two_theta = 0
    start, width, two_theta : degrees; exposure_time : s; saturation, bias : counts
    """

    wavelength: float
    distance: float
    pixel_size: tuple[float, float]
    centre: tuple[float, float]
    start: float
    width: float
    exposure_time: float
    started: datetime
    two_theta: float = 0.0
    saturation: int = FULL
    bias: int = 0


def ccd_facts(
    experiment: Experiment, frame: int, exposure_time: float, started: datetime, saturation: int, two_theta: float = 0.0
) -> CcdFacts:
    """Of frame `frame`, counted from 0, of a detector square to the beam before it is swung by two_theta, degrees."""
    panel, (start, width) = experiment.detector[0], experiment.scan.oscillation
    pixel = np.asarray(panel.pixel_size)
    foot = -panel.origin @ np.column_stack([panel.fast_axis, panel.slow_axis]) / pixel
    return CcdFacts(
        experiment.beam.wavelength, panel.distance, (float(pixel[0]), float(pixel[1])),
        (float(foot[0]), float(foot[1])), start + frame * width, width, exposure_time,
        started + timedelta(seconds=frame * exposure_time), two_theta, min(saturation, FULL),
    )  # fmt: skip


def counts_16_bit(image: np.ndarray) -> np.ndarray:
    """(slow, fast) little-endian uint16: pixels without a value, which are negative, read 0 as those of a CCD do."""
    return np.clip(image, 0, FULL).astype("<u2")


def smv_fields(facts: CcdFacts, image_size: tuple[int, int]) -> dict[str, Any]:
    """The keywords of ADSC; BEAM_CENTER_X goes down the columns, _Y along the rows, mm. image_size : (fast, slow)."""
    return {
        "HEADER_BYTES": f"{SMV_HEADER_BYTES:5d}", "DIM": 2, "BYTE_ORDER": "little_endian", "TYPE": "unsigned_short",
        "SIZE1": image_size[0], "SIZE2": image_size[1], "PIXEL_SIZE": f"{facts.pixel_size[0]:g}", "BIN": "none",
        "DETECTOR_SN": 999, "GAIN": 1, "DATE": f"{facts.started:%a %b %d %H:%M:%S %Y}",
        "TIME": f"{facts.exposure_time:g}", "DISTANCE": f"{facts.distance:.4f}", "TWOTHETA": f"{facts.two_theta:g}",
        "OSC_START": f"{facts.start:.5f}", "OSC_RANGE": f"{facts.width:.5f}", "PHI": f"{facts.start:.5f}",
        "WAVELENGTH": f"{facts.wavelength:.6f}", "BEAM_CENTER_X": f"{facts.centre[1] * facts.pixel_size[1]:.4f}",
        "BEAM_CENTER_Y": f"{facts.centre[0] * facts.pixel_size[0]:.4f}", "CCD_IMAGE_SATURATION": facts.saturation,
    }  # fmt: skip


def smv_bytes(image: np.ndarray, fields: Mapping[str, Any]) -> bytes:
    """A whole SMV file. fields : keywords and values, HEADER_BYTES among them. Raises ValueError for too many."""
    text = "{\n" + "".join(f"{key}={value};\n" for key, value in fields.items()) + "}\n\f"
    length = int(fields["HEADER_BYTES"])
    if len(text) > length:
        raise ValueError(f"a header of {len(text)} bytes does not fit into {length}")
    return text.encode("ascii").ljust(length) + counts_16_bit(image).tobytes()


def marccd_bytes(image: np.ndarray, facts: CcdFacts) -> bytes:
    """A whole MarCCD file: a TIFF header, the detector's own from byte 1024 in thousandths of its units, and counts."""
    header = bytearray(MARCCD_HEADER_BYTES)
    n_slow, n_fast = image.shape
    tags = [(254, 4, 0), (256, 4, n_fast), (257, 4, n_slow), (258, 3, 16), (259, 3, 1), (262, 3, 1),
            (273, 4, MARCCD_HEADER_BYTES), (277, 3, 1), (278, 4, n_slow), (279, 4, 2 * image.size),
            (34710, 4, MARCCD_MAIN)]  # fmt: skip
    struct.pack_into("<2sHIH", header, 0, b"II", 42, 8, len(tags))
    for n, (tag, kind, value) in enumerate(tags):
        struct.pack_into("<HHII", header, 10 + 12 * n, tag, kind, 1, value)
    struct.pack_into("<I16s", header, MARCCD_MAIN, 2, b"MMX")
    angles = [round(1000 * facts.two_theta), *[0] * 6]
    starts, ends = list(angles), list(angles)
    starts[PHI], ends[PHI] = round(1000 * facts.start), round(1000 * (facts.start + facts.width))
    for offset, values in {
        1052: (1234,), 1104: (n_fast, n_slow, 2), 1128: (facts.saturation,), 1136: (1, 0, 0, 0),
        1664: (round(1000 * facts.distance),), 1668: tuple(round(1000 * x) for x in facts.centre),
        1676: (round(1000 * facts.exposure_time),) * 2, 1692: starts, 1724: ends,
        1756: (PHI, round(1000 * facts.width)), 1796: tuple(round(1e6 * x) for x in facts.pixel_size),
        1804: (1000 * facts.bias,), 1932: (round(1e5 * facts.wavelength),),
    }.items():  # fmt: skip
        struct.pack_into(f"<{len(values)}i", header, offset, *values)
    header[MARCCD_DATE : MARCCD_DATE + 32] = f"{facts.started:%m%d%H%M%Y.%S}".encode().ljust(32, b"\0")
    return bytes(header) + counts_16_bit(image).tobytes()
