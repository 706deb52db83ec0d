"""Small CBF files for tests, written without the product's own writer of headers."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

from autoproc.kernels.byte_offset_write import encode_byte_offset

SIZE = (20, 30)  # slow, fast
PILATUS = {
    "Detector:": "PILATUS 300K, S/N 3-0999",
    "Pixel_size": "172e-6 m x 172e-6 m",
    "Silicon": "sensor, thickness 0.000320 m",
    "Exposure_time": "0.0190000 s",
    "Exposure_period": "0.0200000 s",
    "Count_cutoff": "1000000 counts",
    "Wavelength": "0.97630 A",
    "Detector_distance": "0.08500 m",
    "Beam_xy": "(14.50, 9.25) pixels",
    "Flux": "0.000000",
    "Start_angle": "0.0000 deg.",
    "Angle_increment": "0.5000 deg.",
    "Detector_2theta": "0.0000 deg.",
    "Polarization": "0.990",
}


def image(seed: int = 0, size: tuple[int, int] = SIZE) -> np.ndarray:
    pixels = np.random.default_rng(seed).poisson(3.0, size).astype(np.int32)
    pixels[0, :3] = (-1, 70000, 300)
    return pixels


def header(changes: dict[str, str | None] | None = None) -> str:
    fields = {**PILATUS, **(changes or {})}
    lines = ["2026-03-02T10:42:00.000", *(f"{k} {v}" for k, v in fields.items() if v is not None)]
    return "".join(f"# {line}\r\n" for line in lines)


def cbf_bytes(
    pixels: np.ndarray,
    comments: str,
    items: str = "",
    data: bytes | None = None,
    mime: dict[str, str | None] | None = None,
    compression: str = "x-CBF_BYTE_OFFSET",
) -> bytes:
    """A CBF file; `items` are CIF items between the comments and the image, `mime` changes to the binary header."""
    packed = encode_byte_offset(pixels) if data is None else data
    n_slow, n_fast = pixels.shape
    fields = {
        "Content-Type": f'application/octet-stream;\r\n     conversions="{compression}"',
        "Content-Transfer-Encoding": "BINARY",
        "X-Binary-Size": str(len(packed)),
        "X-Binary-Element-Type": '"signed 32-bit integer"',
        "X-Binary-Number-of-Elements": str(pixels.size),
        "X-Binary-Size-Fastest-Dimension": str(n_fast),
        "X-Binary-Size-Second-Dimension": str(n_slow),
        **(mime or {}),
    }
    text = (
        "###CBF: VERSION 1.5, CBFlib v0.7.8 - PILATUS detectors\r\n\r\ndata_x\r\n\r\n"
        '_array_data.header_convention "PILATUS_1.2"\r\n_array_data.header_contents\r\n;\r\n'
        f"{comments};\r\n\r\n{items}\r\n_array_data.data\r\n;\r\n--CIF-BINARY-FORMAT-SECTION--\r\n"
        + "".join(f"{k}: {v}\r\n" for k, v in fields.items() if v is not None)
        + "\r\n"
    )
    end = b"\x00" * 4095 + b"\r\n--CIF-BINARY-FORMAT-SECTION----\r\n;\r\n\r\n"
    return text.encode("latin-1") + b"\x0c\x1a\x04\xd5" + packed + end


def write_image(path: Path, changes: dict[str, str | None] | None = None, seed: int = 0) -> Path:
    content = cbf_bytes(image(seed), header(changes))
    path.write_bytes(gzip.compress(content, 1) if path.suffix == ".gz" else content)
    return path


def write_sweep(
    directory: Path,
    template: str = "x_####.cbf",
    numbers: range | list[int] = range(1, 11),
    start: float = 10.0,
    width: float = 0.5,
    changes: dict[str, str | None] | None = None,
) -> list[Path]:
    """A sweep whose angle is start at number 1."""
    directory.mkdir(parents=True, exist_ok=True)
    digits = template.count("#")
    paths = []
    for number in numbers:
        angle = start + (number - 1) * width
        angles = {"Start_angle": f"{angle:.4f} deg.", "Angle_increment": f"{width:.4f} deg."}
        name = template.replace("#" * digits, f"{number:0{digits}d}")
        paths.append(write_image(directory / name, {**angles, **(changes or {})}, number))
    return paths
