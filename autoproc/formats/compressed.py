"""Whole files and their beginnings, through gzip or bzip2 where the content is so compressed."""

from __future__ import annotations

import bz2
import zlib
from pathlib import Path

from autoproc.errors import CorruptFile, UnreadableFile

GZIP_MAGIC = b"\x1f\x8b"
BZIP2_MAGIC = b"BZh"
GZIP_WINDOW = 31
BZIP2_BLOCK = 1 << 20


def read_whole(path: str | Path) -> bytes:
    """The uncompressed content of a file. Raises UnreadableFile or CorruptFile."""
    raw = _read(path, -1)
    try:
        if raw.startswith(GZIP_MAGIC):
            return _gunzip(raw)
        if raw.startswith(BZIP2_MAGIC):
            return bz2.decompress(raw)
    except (zlib.error, OSError, EOFError, ValueError) as error:
        raise CorruptFile(path=path, reason=f"it is truncated or not properly compressed ({error})") from error
    return raw


def read_start(path: str | Path, n: int) -> bytes:
    """At most the first n bytes of the uncompressed content; no more of the file is read than that needs."""
    raw = _read(path, n)
    try:
        if raw.startswith(GZIP_MAGIC):
            return zlib.decompressobj(GZIP_WINDOW).decompress(raw, n)
        if raw.startswith(BZIP2_MAGIC):
            # bzip2 works in blocks of 900 kB: the first must be there as a whole.
            return bz2.BZ2Decompressor().decompress(_read(path, max(n, BZIP2_BLOCK)), n)
    except (zlib.error, OSError, EOFError, ValueError) as error:
        raise CorruptFile(path=path, reason=f"it is truncated or not properly compressed ({error})") from error
    return raw


def _read(path: str | Path, n: int) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read(n)
    except OSError as error:
        is_missing = isinstance(error, FileNotFoundError)
        raise UnreadableFile(path=path, reason=error.strerror or error, is_missing=is_missing) from error


def _gunzip(raw: bytes) -> bytes:
    """All members of a gzip file; zlib gives the interpreter's lock up while it works."""
    parts = []
    while raw.startswith(GZIP_MAGIC):
        member = zlib.decompressobj(GZIP_WINDOW)
        parts.append(member.decompress(raw))
        if not member.eof:
            raise EOFError("the compressed data end too early")
        raw = member.unused_data
    return parts[0] if len(parts) == 1 else b"".join(parts)
