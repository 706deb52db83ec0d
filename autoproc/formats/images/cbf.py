"""CBF images: the container, its header text and its binary section."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from autoproc.errors import CorruptFile, UnsupportedFile
from autoproc.formats.boundary import reads_file
from autoproc.formats.compressed import KEPT, expanded, read_raw, read_start
from autoproc.formats.header_values import quoted
from autoproc.kernels.byte_offset import decode_byte_offset

MAGIC = b"###CBF"
SECTION_START = b"--CIF-BINARY-FORMAT-SECTION--"
DATA_START = b"\x0c\x1a\x04\xd5"
HEADER_BYTES = 1 << 16
LONGEST_HEADER = 1 << 20
"""Bytes before the pixels; the headers of full CBF files take 10 to 100 kB."""
LONGEST_MIME = 1 << 13
"""Bytes of the lines that describe the binary section: they are a dozen short ones."""
MOST_PIXELS = 1 << 27
"""Of an image; the largest detectors in use have 2^24 to 2^26."""
MOST_BYTES_A_PIXEL = 15
"""Byte-offset compression takes from 1 to so many."""
BYTE_OFFSET = "x-CBF_BYTE_OFFSET"
UNCOMPRESSED = ("x-CBF_NONE", "")
ELEMENT_TYPES: dict[str, np.dtype] = {
    "signed 32-bit integer": np.dtype("<i4"),
    "unsigned 32-bit integer": np.dtype("<u4"),
    "signed 16-bit integer": np.dtype("<i2"),
    "unsigned 16-bit integer": np.dtype("<u2"),
    "unsigned 8-bit integer": np.dtype("u1"),
}


@dataclass(frozen=True, slots=True)
class CbfHeader:
    """What stands before the pixels.

    text : the CIF text before the binary section, lines ended by newlines
    image_size : (fast, slow) pixels
    n_bytes : of the binary data, as the header says; data_offset : where they begin in the file
    compression : "x-CBF_BYTE_OFFSET" or "x-CBF_NONE"; element_type : of a pixel; md5 : base64 or ""
    """

    text: str
    image_size: tuple[int, int]
    n_bytes: int
    data_offset: int
    compression: str
    element_type: str
    md5: str


@reads_file
def read_cbf_header(path: str | Path) -> CbfHeader:
    """The header of a CBF file, plain, gzip or bzip2; only the start of the file is read.

    Raises UnreadableFile, UnsupportedFile (not a CBF image, or a kind not known) or CorruptFile.
    """
    n = HEADER_BYTES
    while True:
        start = read_start(path, n)
        _check_magic(path, start)
        if DATA_START in start or n >= LONGEST_HEADER:
            return _parsed_once(path, start)
        n *= 8


@lru_cache(maxsize=KEPT)  # a file's beginning is the same object as long as it is kept, and is hashed once
def _parsed_once(path: str | Path, start: bytes) -> CbfHeader:
    return _parsed(path, start)


@reads_file
def read_cbf(path: str | Path) -> tuple[CbfHeader, np.ndarray]:
    """Header and (slow, fast) pixels of a CBF file, int32, or int16 where all fit; its checksum is not looked at.

    Unsigned values at the top of their range (the markers of bad pixels) come out negative.
    Raises UnreadableFile, UnsupportedFile or CorruptFile.
    """
    return decode_cbf(path, read_content(path))


@reads_file
def read_content(path: str | Path) -> bytes:
    """A CBF file's bytes, uncompressed, to the end of its pixels. Raises what read_cbf raises."""
    raw = read_raw(path)
    start = expanded(path, raw, HEADER_BYTES)
    header = _parsed(path, start) if DATA_START in start else read_cbf_header(path)
    return expanded(path, raw, header.data_offset + header.n_bytes)


@reads_file
def decode_cbf(path: str | Path, content: bytes) -> tuple[CbfHeader, np.ndarray]:
    """Header and pixels, as read_cbf gives them, of the content of a CBF file; path : its name, for messages."""
    header = _parsed(path, content)
    data = memoryview(content)[header.data_offset : header.data_offset + header.n_bytes]
    if len(data) < header.n_bytes:
        raise CorruptFile(
            path=path, reason=f"it is truncated: {len(data)} of {header.n_bytes} bytes of pixels are there"
        )
    n_fast, n_slow = header.image_size
    return header, _decoded(path, header, data).reshape(n_slow, n_fast)


@reads_file
def agrees_with_md5(path: str | Path, content: bytes) -> bool | None:
    """Whether the pixels of a CBF file's content are those of its Content-MD5, of their bytes as they are compressed.

    None where it has none, or one that is no MD5 in base64 (RFC 1864). Raises CorruptFile or UnsupportedFile.
    """
    header = _parsed(path, content)
    try:
        stated = base64.b64decode(header.md5, validate=True)
    except (binascii.Error, ValueError):
        return None
    data = memoryview(content)[header.data_offset : header.data_offset + header.n_bytes]
    found = hashlib.md5(data, usedforsecurity=False)  # without the interpreter's lock
    return found.digest() == stated if len(stated) == found.digest_size else None


def decode_pixels(path: str | Path, content: bytes) -> np.ndarray:
    """The pixels alone, as decode_cbf gives them."""
    return decode_cbf(path, content)[1]


def _check_magic(path: str | Path, start: bytes) -> None:
    if not start:
        raise CorruptFile(path=path, reason="it is empty")
    if not start.startswith(MAGIC):
        raise UnsupportedFile(path=path, reason="it does not begin with ###CBF")


def _parsed(path: str | Path, content: bytes) -> CbfHeader:
    _check_magic(path, content)
    section = content.find(SECTION_START)
    data = content.find(DATA_START, max(section, 0))
    if section < 0 or data < 0:
        raise CorruptFile(path=path, reason="it is truncated or holds no image: no binary section was found")
    if section > LONGEST_HEADER or data - section > LONGEST_MIME:
        raise CorruptFile(path=path, reason="its header is too long for that of an image")
    text = content[:section].decode("latin-1").replace("\r\n", "\n").replace("\r", "\n")
    mime = content[section + len(SECTION_START) : data].decode("latin-1")
    lines = [line.partition(":") for line in mime.splitlines()]
    fields = {name.lower(): value.strip().strip('"') for name, colon, value in lines if colon}
    conversion = re.search(r'conversions\s*=\s*"?([\w-]*)', mime, re.IGNORECASE)
    size = _image_size(path, fields)
    n_bytes = _integer(path, fields, "X-Binary-Size")
    if not size[0] * size[1] <= n_bytes <= MOST_BYTES_A_PIXEL * size[0] * size[1] + HEADER_BYTES:
        reason = f"its header says that {size[0]} x {size[1]} pixels take {n_bytes} bytes, which cannot be"
        raise CorruptFile(path=path, reason=reason)
    return CbfHeader(
        text,
        size,
        n_bytes,
        data + len(DATA_START),
        conversion.group(1) if conversion else "",
        fields.get("x-binary-element-type", "signed 32-bit integer").lower(),
        fields.get("content-md5", ""),
    )


def _image_size(path: str | Path, fields: dict[str, str]) -> tuple[int, int]:
    n_fast = _integer(path, fields, "X-Binary-Size-Fastest-Dimension")
    n_slow = _integer(path, fields, "X-Binary-Size-Second-Dimension")
    n = _integer(path, fields, "X-Binary-Number-of-Elements", n_fast * n_slow)
    if _integer(path, fields, "X-Binary-Size-Third-Dimension", 1) > 1:
        raise UnsupportedFile(path=path, reason="its image has three dimensions")
    if n_fast <= 0 or n_slow <= 0 or n != n_fast * n_slow:
        raise CorruptFile(path=path, reason=f"its header says {n} pixels, but {n_fast} x {n_slow} as dimensions")
    if n > MOST_PIXELS:
        raise CorruptFile(path=path, reason=f"its header says {n_fast} x {n_slow} pixels, more than any detector has")
    return n_fast, n_slow


def _integer(path: str | Path, fields: dict[str, str], name: str, default: int | None = None) -> int:
    value = fields.get(name.lower())
    if value is None and default is not None:
        return default
    try:
        return int(value or "")
    except ValueError:
        said = "missing" if value is None else quoted(value)
        raise CorruptFile(path=path, reason=f"{name} of its binary section is {said}") from None


def _decoded(path: str | Path, header: CbfHeader, data: memoryview) -> np.ndarray:
    n = header.image_size[0] * header.image_size[1]
    element = ELEMENT_TYPES.get(header.element_type)
    if element is None:
        raise UnsupportedFile(path=path, reason=f"its pixels are of type {quoted(header.element_type)}")
    if header.compression.lower() == BYTE_OFFSET.lower():
        try:
            pixels, used = decode_byte_offset(data, n)
        except ValueError as error:
            raise CorruptFile(path=path, reason=str(error)) from error
        if used != len(data):
            reason = f"its {n} pixels take {used} bytes, but its header says {len(data)}"
            raise CorruptFile(path=path, reason=reason)
    elif header.compression in UNCOMPRESSED:
        if len(data) != n * element.itemsize:
            raise CorruptFile(path=path, reason=f"{n} pixels of {header.element_type} cannot take {len(data)} bytes")
        pixels = np.frombuffer(data, element).astype(np.int32)
    else:
        raise UnsupportedFile(path=path, reason=f"its pixels are compressed with {quoted(header.compression)}")
    if element == np.dtype("<u2") and pixels.dtype == np.int32:  # in 16 bits there is none so high
        pixels[pixels >= 0xFFFE] -= 0x10000
    return pixels
