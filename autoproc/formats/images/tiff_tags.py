"""The structure of TIFF files (TIFF 6.0): what one says of its picture before anything is made of it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from autoproc.errors import CorruptFile, UnsupportedFile

MAGIC = (b"II*\0", b"MM\0*")
MOST_TAGS = 200
"""Entries of a directory; baseline TIFF has a dozen, files of microscopes some tens."""
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, STRIPS, SAMPLES = 256, 257, 258, 259, 262, 273, 277
DEFAULTS = {BITS: 1, COMPRESSION: 1, PHOTOMETRIC: 1, SAMPLES: 1}
TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
SHORT, LONG = 3, 4
READ = (WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, STRIPS, SAMPLES)
COLOURS = -1
LARGEST_GREY = 1
"""Photometric interpretations 0 and 1 are shades; those above it colours."""


@dataclass(frozen=True, slots=True)
class TiffPicture:
    """The only picture of a file: image_size, (fast, slow); bytes of a pixel; bytes of all."""

    image_size: tuple[int, int]
    pixel_bytes: int
    n_bytes: int


def byte_order(start: bytes) -> str:
    """The order of a TIFF file's bytes, as struct has it."""
    return "<" if start.startswith(b"II") else ">"


def tiff_picture(path: str | Path, content: bytes) -> TiffPicture:
    """What the file says of its picture; content : from its first byte on, as far as the directory at least.

    Raises UnsupportedFile (several pictures, colours, compression) or CorruptFile.
    """
    tags = _tags(path, content)
    if tags[SAMPLES] != 1 or tags[PHOTOMETRIC] > LARGEST_GREY or tags[BITS] not in (16, 32):
        raise UnsupportedFile(path=path, reason="it is a photograph: its pixels are colours or 8-bit shades of grey")
    if tags[COMPRESSION] != 1:
        raise UnsupportedFile(path=path, reason="it is a compressed TIFF")
    if not {WIDTH, HEIGHT, STRIPS} <= tags.keys():
        raise UnsupportedFile(path=path, reason="it is a TIFF without rows of pixels (in tiles, perhaps)")
    size = (tags[WIDTH], tags[HEIGHT])
    pixel_bytes = tags[BITS] // 8
    return TiffPicture(size, pixel_bytes, size[0] * size[1] * pixel_bytes)


def directory_end(content: bytes) -> int:
    """Where the directory of the first picture ends, as far as can be told; 0 where it cannot."""
    order = byte_order(content)
    (offset,) = struct.unpack_from(f"{order}I", content, 4)
    if offset + 2 > len(content):
        return 0
    (count,) = struct.unpack_from(f"{order}H", content, offset)
    end: int = offset + 2 + 12 * count + 4
    return end if end <= len(content) else 0


def _tags(path: str | Path, content: bytes) -> dict[int, int]:
    """Values of the tags in READ; where they have several, as colours have bits, COLOURS."""
    end = directory_end(content)
    if not end:
        raise CorruptFile(path=path, reason="it is truncated: the directory of its picture is not there")
    order = byte_order(content)
    (offset,) = struct.unpack_from(f"{order}I", content, 4)
    (count,) = struct.unpack_from(f"{order}H", content, offset)
    if count > MOST_TAGS:
        raise CorruptFile(path=path, reason=f"it says that its picture has {count} tags")
    if struct.unpack_from(f"{order}I", content, end - 4) != (0,):
        raise UnsupportedFile(path=path, reason="it is a TIFF of several pictures")
    tags: dict[int, int] = {}
    for place in range(offset + 2, end - 4, 12):
        tag, kind, n = struct.unpack_from(f"{order}HHI", content, place)
        if n * TYPE_BYTES.get(kind, 1) > max(len(content), 4):
            raise CorruptFile(path=path, reason=f"its tag {tag} is larger than the file")
        if tag not in READ:
            continue
        if tag in tags or kind not in (SHORT, LONG):
            raise CorruptFile(path=path, reason=f"its tag {tag} is there twice, or no number")
        several = tag == BITS and n > 1
        (value,) = struct.unpack_from(f"{order}H" if kind == SHORT else f"{order}I", content, place + 8)
        tags[tag] = COLOURS if several else value
    return DEFAULTS | tags
