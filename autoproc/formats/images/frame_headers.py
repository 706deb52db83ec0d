"""What stands before the pixels of SMV, d*TREK, MarCCD, EDF, Bruker and TIFF images, and how many bytes they take."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from autoproc.errors import CorruptFile, UnsupportedFile
from autoproc.formats.boundary import reads_file
from autoproc.formats.compressed import LARGEST_FILE, expanded, read_raw, read_start, read_whole
from autoproc.formats.header_values import quoted
from autoproc.formats.images.cbf import MOST_PIXELS
from autoproc.formats.images.text_headers import braced_fields, record_fields
from autoproc.formats.images.tiff_tags import MAGIC as TIFF_MAGIC
from autoproc.formats.images.tiff_tags import byte_order, directory_end, tiff_picture

TOLD_BY = 2048
"""Bytes at the start of a file that tell what it is."""
LONGEST_HEADER = 1 << 16
"""Bytes; those of SMV and EDF take 512 to some thousand."""
MAR_HEADER = 4096
BESIDE_PIXELS = 1 << 24
"""Bytes that a TIFF file may have between and behind its pixels; directories and comments take some thousand."""
LEAST_SIDE = 16
"""Pixels; a smaller picture is no detector's."""
NAMES = {"smv": "SMV", "edf": "EDF", "marccd": "MarCCD / Rayonix", "tiff": "TIFF", "bruker": "Bruker"}
SMV_BYTES = {
    "unsigned_short": 2, "unsigned short int": 2, "short int": 2, "long int": 4, "unsigned long int": 4, "": 2,
}  # fmt: skip
EDF_BYTES = {
    "UnsignedByte": 1, "SignedByte": 1, "UnsignedShort": 2, "SignedShort": 2, "UnsignedInteger": 4, "SignedInteger": 4,
    "UnsignedLong": 4, "SignedLong": 4, "FloatValue": 4, "Float": 4, "Real": 4,
}  # fmt: skip
BRUKER_START = b"FORMAT :"
BRUKER_SIDE = 1024
"""Pixels; of other sizes it is not settled in what units their headers give the centre."""
BRUKER_OVERFLOW = 16
"""Bytes of a value too large for its pixel, with its place, behind the pixels."""
BRUKER_STAGE = "FixedChiStage"
RAXIS_START = b"R-AXIS"
EDF_LAYOUT = {"dim_1", "dim_2", "datatype", "byteorder", "compression", "size", "edf_binarysize"}
"""What decides where pixels are; twice in one header, readers would differ in what they take."""
EDF_ELSEWHERE = ("edf_binaryfile", "edf_dataformatversion", "dim_3")


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """What stands before the pixels.

    kind : of NAMES; fields : keyword and value, those of EDF in lower case; image_size : (fast, slow) pixels
    raw : the first bytes of the file, for headers that are binary; n_bytes : that header and pixels take
    turns : by 90 degrees that the stored pixels are to be turned, counter-clockwise, to be those of image_size
    bias : counts in every pixel that are to be taken off as it is read, as DIALS does; a pedestal is for the models
    """

    kind: str
    fields: Mapping[str, str]
    image_size: tuple[int, int]
    raw: bytes
    n_bytes: int
    bias: int = 0
    turns: int = 0


def frame_kind(start: bytes) -> str:
    """The kind of an image, of NAMES, told by the first TOLD_BY bytes of its file; "" for none of them."""
    if start.startswith(TIFF_MAGIC):
        return "marccd" if start[1028:1032].rstrip(b"\0") in (b"MMX", b"XMM") else "tiff"
    if start.startswith(BRUKER_START):
        return "bruker"
    head = start.lstrip()
    if not head.startswith(b"{"):
        return ""
    if head[1:].lstrip().startswith(b"HEADER_BYTES"):
        return "smv"
    return "edf" if b"dim_1" in start.lower() or b"EDF_" in start else ""


def why_unknown(start: bytes) -> str:
    """Why a file is of no kind, in words."""
    if start.startswith(RAXIS_START):
        return "images of R-AXIS imaging plates are not read; convert them to CBF"
    return "its content is none of the formats of detectors"


@reads_file
def read_frame_header(path: str | Path) -> FrameHeader:
    """The header of an image; only the start of the file is read, as a rule.

    Raises UnreadableFile, UnsupportedFile or CorruptFile.
    """
    start = read_start(path, LONGEST_HEADER)
    is_tiff = start.startswith(TIFF_MAGIC)
    return parsed_header(path, read_whole(path) if is_tiff and not directory_end(start) else start)


def read_header_and_content(path: str | Path) -> tuple[FrameHeader, bytes]:
    """The header of an image, and its file as far as that says that pixels reach, however far it would expand.

    Raises UnreadableFile, UnsupportedFile or CorruptFile.
    """
    raw = read_raw(path)
    start = expanded(path, raw, LONGEST_HEADER)
    is_tiff = start.startswith(TIFF_MAGIC)
    if is_tiff and not directory_end(start):
        start = expanded(path, raw, LARGEST_FILE)
    header = parsed_header(path, start)
    n_bytes = header.n_bytes + (BESIDE_PIXELS if is_tiff else 0)
    return header, start if len(start) >= n_bytes else expanded(path, raw, n_bytes)


def parsed_header(path: str | Path, content: bytes) -> FrameHeader:
    """The header of an image of which the start, or all, is there. Raises UnsupportedFile or CorruptFile."""
    kind = frame_kind(content[:TOLD_BY])
    if not kind:
        raise UnsupportedFile(path=path, reason=why_unknown(content))
    try:
        header = _PARSED[kind](path, content)
    except (ValueError, LookupError, struct.error) as error:
        raise CorruptFile(path=path, reason=f"its {NAMES[kind]} header does not say where the pixels are") from error
    n_fast, n_slow = header.image_size
    if min(n_fast, n_slow) < LEAST_SIDE or n_fast * n_slow > MOST_PIXELS:
        raise CorruptFile(path=path, reason=f"its header says {n_fast} x {n_slow} pixels, which no detector has")
    return header


def _smv(path: str | Path, content: bytes) -> FrameHeader:
    end = content.find(b"\n}", 0, LONGEST_HEADER)
    if end < 0:
        raise CorruptFile(path=path, reason="its header does not end")
    fields = dict(braced_fields(content[content.find(b"{") + 1 : end].decode("latin-1"), "\n"))
    header_bytes = int(fields["HEADER_BYTES"])
    if not end <= header_bytes <= LONGEST_HEADER:
        said = quoted(fields["HEADER_BYTES"])
        raise CorruptFile(path=path, reason=f"its header cannot take the number of bytes that it says, {said}")
    stored = fields.get("Data_type", fields.get("TYPE", ""))
    packed = fields.get("COMPRESSION", "None")
    if stored not in SMV_BYTES or packed.lower() not in ("none", "") or fields.get("DIM", "2") != "2":
        raise UnsupportedFile(path=path, reason=f"its pixels are stored as {quoted(stored)}, or compressed")
    if float(fields.get("RAXIS_COMPRESSION_RATIO", "1").split()[0]) != 1:
        raise UnsupportedFile(path=path, reason="its strong pixels are stored divided, as imaging plates do")
    size = (int(fields["SIZE1"]), int(fields["SIZE2"]))
    return FrameHeader("smv", fields, size, b"", header_bytes + size[0] * size[1] * SMV_BYTES[stored])


def _edf(path: str | Path, content: bytes) -> FrameHeader:
    ends = [(place, len(mark)) for mark in (b"}\n", b"}\r\n") if (place := content.find(mark, 0, LONGEST_HEADER)) >= 0]
    if not ends:
        raise CorruptFile(path=path, reason="its header does not end")
    end, width = min(ends)
    records = braced_fields(content[content.find(b"{") + 1 : end].decode("latin-1"), ";")
    keys = [key.lower() for key, _ in records]
    fields = {key.lower(): value for key, value in records}
    if any(key.startswith(EDF_ELSEWHERE) for key in keys):
        raise UnsupportedFile(path=path, reason="its pixels are in another file, or in several blocks")
    if any(keys.count(key) > 1 for key in EDF_LAYOUT):
        raise CorruptFile(path=path, reason="its header says twice where the pixels are")
    stored = fields.get("datatype", "")
    if stored not in EDF_BYTES or not fields.get("compression", "none").lower().startswith("no"):
        raise UnsupportedFile(path=path, reason=f"its pixels are stored as {quoted(stored)}, or compressed")
    size = (int(fields["dim_1"]), int(fields["dim_2"]))
    n_pixels = size[0] * size[1] * EDF_BYTES[stored]
    if any(int(fields.get(key, n_pixels)) < n_pixels for key in ("size", "edf_binarysize")):
        raise CorruptFile(path=path, reason=f"{size[0]} x {size[1]} pixels take more bytes than its header says")
    return FrameHeader("edf", fields, size, b"", end + width + n_pixels)


def _marccd(path: str | Path, content: bytes) -> FrameHeader:
    if len(content) < MAR_HEADER:
        raise CorruptFile(path=path, reason="it is truncated within its header")
    picture = tiff_picture(path, content)
    n_fast, n_slow, depth = struct.unpack_from(f"{byte_order(content)}3i", content, 1104)
    if (n_fast, n_slow) != picture.image_size or depth != picture.pixel_bytes:
        raise CorruptFile(path=path, reason="its TIFF tags and its own header differ in the number of pixels")
    bias = round(struct.unpack_from(f"{byte_order(content)}i", content, 1804)[0] * 1e-3)
    return FrameHeader("marccd", {}, picture.image_size, content[:MAR_HEADER], MAR_HEADER + picture.n_bytes, bias)


def _tiff(path: str | Path, content: bytes) -> FrameHeader:
    picture = tiff_picture(path, content)
    return FrameHeader("tiff", {}, picture.image_size, content[:MAR_HEADER], picture.n_bytes)


def _bruker(path: str | Path, content: bytes) -> FrameHeader:
    fields = record_fields(content[:LONGEST_HEADER].decode("latin-1"))
    header_bytes = 512 * int(fields["HDRBLKS"])
    if fields["FORMAT"] != "86" or BRUKER_STAGE not in fields.get("MODEL", ""):
        raise UnsupportedFile(
            path=path,
            reason="of Bruker's images only those of format 86 from diffractometers with a fixed chi are read",
        )
    size = (int(fields["NROWS"].split()[0]), int(fields["NCOLS"].split()[0]))
    if size != (BRUKER_SIDE, BRUKER_SIDE):
        raise UnsupportedFile(
            path=path, reason=f"it has {size[0]} x {size[1]} pixels; of Bruker's only 1024 x 1024 are read"
        )
    width, n_over = int(fields["NPIXELB"].split()[0]), int(fields["NOVERFL"].split()[0])
    if width not in (1, 2, 4) or not 0 <= n_over <= size[0] * size[1] or not 0 < header_bytes <= LONGEST_HEADER:
        raise CorruptFile(path=path, reason="its Bruker header does not say where the pixels are")
    n_bytes = header_bytes + size[0] * size[1] * width + BRUKER_OVERFLOW * n_over
    return FrameHeader("bruker", fields, size, b"", n_bytes, turns=3)


_PARSED: dict[str, Callable[[str | Path, bytes], FrameHeader]] = {
    "smv": _smv, "edf": _edf, "marccd": _marccd, "tiff": _tiff, "bruker": _bruker,
}  # fmt: skip
