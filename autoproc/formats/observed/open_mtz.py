"""MTZ files opened with care: what lies outside of a file is not looked for."""

from __future__ import annotations

import struct
from pathlib import Path

import gemmi

from autoproc.errors import CorruptFile
from autoproc.formats.compressed import read_start

MAGIC = b"MTZ "
FIXED = 20
"""Bytes of a file that stand before reflections and header."""


def open_mtz(path: str | Path) -> gemmi.Mtz:
    """The content of an MTZ file. Raises UnreadableFile or CorruptFile."""
    start = read_start(path, FIXED)  # raises UnreadableFile, which gemmi's errors do not tell from damage
    if start.startswith(MAGIC) and not _may_hold_header(start, Path(path).stat().st_size):
        raise CorruptFile(path=path, reason="it is truncated: its header would lie behind its end")
    try:
        return gemmi.read_mtz_file(str(path))
    except (OSError, RuntimeError, ValueError) as error:
        raise CorruptFile(path=path, reason=f"it is not an MTZ file ({error})") from error


def _may_hold_header(start: bytes, size: int) -> bool:
    """Whether the header lies within the file, in either order of bytes; else space up to it would be read, and taken.

    start : the fixed first bytes: the header's place in words from 1 after the name, or -1 and the place in 8 bytes
    """
    if len(start) < FIXED:
        return False
    for order in ("<", ">"):
        (word,) = struct.unpack_from(f"{order}i", start, 4)
        (long_word,) = struct.unpack_from(f"{order}q", start, 12)
        if FIXED // 4 < (long_word if word == -1 else word) <= size // 4:
            return True
    return False
