"""Write miniCBF images as a PILATUS or an EIGER at a synchrotron does."""

from __future__ import annotations

import gzip
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import md5
from pathlib import Path

import numpy as np

from autoproc.kernels.byte_offset_write import encode_byte_offset
from autoproc.models.experiment import Experiment

BINARY_START = b"\x0c\x1a\x04\xd5"
PADDING = 4095
GZIP_LEVEL = 4


@dataclass(frozen=True, slots=True)
class MiniCbfFacts:
    """What a header says besides the geometry.

    detector : "PILATUS 300K" or the like; exposure_time : s; started : of the first image; two_theta : degrees
    n_excluded : pixels without a value; count_cutoff : counts at which a pixel stays
    n_images : of the sweep, as some beamlines note it; None as most do not
    """

    detector: str
    exposure_time: float
    started: datetime
    n_excluded: int = 0
    count_cutoff: int = 1_000_000
    two_theta: float = 0.0
    n_images: int | None = None


def minicbf_header(experiment: Experiment, facts: MiniCbfFacts, frame: int) -> str:
    """The lines of _array_data.header_contents of frame `frame`, counted from 0.

    Beam centre and distance are those of a detector square to the beam before it is swung by two_theta: miniCBF
    has no room for more.
    """
    beam, panel, scan = experiment.beam, experiment.detector[0], experiment.scan
    pixel = np.asarray(panel.pixel_size)
    foot = -panel.origin @ np.column_stack([panel.fast_axis, panel.slow_axis]) / pixel
    start, width = scan.oscillation[0] + frame * scan.oscillation[1], scan.oscillation[1]
    moment = facts.started + timedelta(seconds=frame * facts.exposure_time)
    serial = "E-32-0999" if facts.detector.startswith("EIGER") else "3-0999"
    lines = [
        f"Detector: {facts.detector}, S/N {serial}",
        f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}",
        f"Pixel_size {pixel[0] * 1000:.0f}e-6 m x {pixel[1] * 1000:.0f}e-6 m",
        *([f"Silicon sensor, thickness {panel.thickness / 1000:.6f} m"] if panel.thickness > 0 else []),
        f"Exposure_time {facts.exposure_time * 0.95:.7f} s",
        f"Exposure_period {facts.exposure_time:.7f} s",
        "Tau = 0 s",
        f"Count_cutoff {facts.count_cutoff} counts",
        f"Threshold_setting: {0.5 * 12398.42 / beam.wavelength:.0f} eV",
        "Gain_setting: not implemented (vrf = -9.900)",
        f"N_excluded_pixels = {facts.n_excluded}",
        "Excluded_pixels: badpix_mask.tif",
        "Flat_field: (nil)",
        "Trim_file: (nil)",
        "Image_path: /ramdisk/",
        f"Wavelength {beam.wavelength:.5f} A",
        f"Detector_distance {panel.distance / 1000:.5f} m",
        f"Beam_xy ({foot[0]:.2f}, {foot[1]:.2f}) pixels",
        "Flux 0.000000",
        f"Filter_transmission {beam.transmission:.4f}",
        f"Start_angle {start:.4f} deg.",
        f"Angle_increment {width:.4f} deg.",
        f"Detector_2theta {facts.two_theta:.4f} deg.",
        f"Polarization {beam.polarization_fraction:.3f}",
        "Alpha 0.0000 deg.",
        "Kappa 0.0000 deg.",
        "Phi 0.0000 deg.",
        "Phi_increment 0.0000 deg.",
        f"Omega {start:.4f} deg.",
        f"Omega_increment {width:.4f} deg.",
        "Chi 0.0000 deg.",
        "Chi_increment 0.0000 deg.",
        "Oscillation_axis OMEGA",
        "N_oscillations 1",
        *([f"N_images {facts.n_images}"] if facts.n_images is not None else []),
    ]
    return "".join(f"# {line}\r\n" for line in lines)


def minicbf_bytes(image: np.ndarray, header: str, name: str) -> bytes:
    """A whole miniCBF file: image (slow, fast) int32, header of minicbf_header, name of the data block."""
    data = encode_byte_offset(image)
    slow, fast = image.shape
    family = "Eiger" if header.startswith("# Detector: EIGER") else "PILATUS"
    text = [
        f"###CBF: VERSION 1.5, CBFlib v0.7.8 - {family} detectors", "", f"data_{name}", "",
        '_array_data.header_convention "PILATUS_1.2"', "_array_data.header_contents", ";", f"{header};", "",
        "_array_data.data", ";", "--CIF-BINARY-FORMAT-SECTION--", "Content-Type: application/octet-stream;",
        '     conversions="x-CBF_BYTE_OFFSET"', "Content-Transfer-Encoding: BINARY", f"X-Binary-Size: {len(data)}",
        "X-Binary-ID: 1", 'X-Binary-Element-Type: "signed 32-bit integer"',
        "X-Binary-Element-Byte-Order: LITTLE_ENDIAN",
        f"Content-MD5: {b64encode(md5(data, usedforsecurity=False).digest()).decode()}",
        f"X-Binary-Number-of-Elements: {slow * fast}", f"X-Binary-Size-Fastest-Dimension: {fast}",
        f"X-Binary-Size-Second-Dimension: {slow}", f"X-Binary-Size-Padding: {PADDING}", "", "",
    ]  # fmt: skip
    end = "\r\n--CIF-BINARY-FORMAT-SECTION----\r\n;\r\n\r\n"
    return "\r\n".join(text).encode("ascii") + BINARY_START + data + bytes(PADDING) + end.encode("ascii")


def write_minicbf(path: Path, image: np.ndarray, header: str) -> None:
    """Write one image; a path that ends in .gz is compressed, with the same bytes every time."""
    name = path.name.removesuffix(".gz").removesuffix(".cbf")
    content = minicbf_bytes(image, header, name)
    if path.suffix == ".gz":
        content = gzip.compress(content, compresslevel=GZIP_LEVEL, mtime=0)
    path.write_bytes(content)
