"""Small whole images of CCD detectors, of every format that has them, plain and compressed."""

from __future__ import annotations

import bz2
import gzip
import struct
import sys
from pathlib import Path

import fabio.tifimage
import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[2] / "tests"))
from ccd_files import write_bruker, write_dtrek, write_edf, write_marccd, write_smv

from autoproc.formats.images.frame_headers import BRUKER_SIDE

MAR_HEADER = 4096
MAR_TAGS, MAR_OWN = 8, 1024
"""Where a MarCCD header's TIFF directory and its own numbers begin."""
PACKED = {"x_001.img": gzip.compress, "x_0001.edf": bz2.compress, "x_001.mccd": gzip.compress}
"""How further images are compressed, by the plain one that is in them."""


def frame_seeds(folder: Path, size: tuple[int, int]) -> dict[str, bytes]:
    """Contents of images of (fast, slow) pixels by name; what reads them is told by the content."""
    folder.mkdir()
    pixels = np.random.default_rng(3).integers(50, 60000, size[::-1]).astype("<u2")
    write_smv(folder / "x_001.img", pixels)
    write_smv(folder / "big_001.img", pixels, BYTE_ORDER="big_endian")
    write_dtrek(folder / "d_0001.img", pixels)
    write_marccd(folder / "x_001.mccd", pixels, bias=10)
    write_edf(folder / "x_0001.edf", pixels)
    fabio.tifimage.TifImage(data=pixels).write(str(folder / "x_0001.tif"))
    write_bruker(folder / "x_0001.sfrm", np.full((BRUKER_SIDE, BRUKER_SIDE), 7), overflows=[(70000, 5)])
    made = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    made["m_001.mccd"] = _big_endian(made["x_001.mccd"])
    packed = {f"z_{name}.packed": pack(made[name]) for name, pack in PACKED.items()}
    return made | packed | {"z_x_0001.sfrm": gzip.compress(made.pop("x_0001.sfrm"), 1)}


def _big_endian(content: bytes) -> bytes:
    """A little-endian MarCCD image, as a big-endian computer writes it."""
    (n_tags,) = struct.unpack_from("<H", content, MAR_TAGS)
    head = bytearray(struct.pack(">2sHIH", b"MM", 42, MAR_TAGS, n_tags))
    for n in range(n_tags):
        tag, kind, count, value = struct.unpack_from("<HHII", content, MAR_TAGS + 2 + 12 * n)
        head += struct.pack(">HHII", tag, kind, count, value << 16 if kind == 3 else value)
    head = head.ljust(MAR_OWN, b"\0")
    own = np.frombuffer(content[MAR_OWN:MAR_HEADER], "<u4").astype(">u4").tobytes()
    return bytes(head) + own + np.frombuffer(content[MAR_HEADER:], "<u2").astype(">u2").tobytes()
