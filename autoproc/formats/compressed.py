"""Whole files and their beginnings, through gzip or bzip2 where the content is so compressed."""

from __future__ import annotations

import bz2
import os
import stat
import time
import zlib
from collections import OrderedDict
from pathlib import Path

from autoproc.errors import CorruptFile, UnreadableFile
from autoproc.formats.confinement import open_descriptor
from autoproc.formats.header_values import told
from autoproc.formats.no_files import not_a_file, require_file

GZIP_MAGIC = b"\x1f\x8b"
BZIP2_MAGIC = b"BZh"
GZIP_WINDOW = 31
BZIP2_BLOCK = 1 << 20
LARGEST_FILE = 1 << 30
"""Bytes of one image's file; the images of the largest detectors take 2^26 to 2^28 uncompressed."""
START = 1 << 16
"""Bytes of a file's beginning that are read at once: the headers of nearly all images. A disk gives as many anyway."""
KEPT = 32
"""Beginnings of files that are kept, 2 MB: the same header is asked about several times in a row."""
RESTED = 2.0
"""Seconds that a file must have stood unchanged for its beginning to be kept: the coarsest times of file systems (FAT)
tell no changes that come sooner."""

Looks = tuple[int, int, int, int, int]
_starts: OrderedDict[str, tuple[Looks, bytes]] = OrderedDict()


def read_raw(path: str | Path) -> bytes:
    """The content of an image's file as it is stored. Raises UnreadableFile or CorruptFile (far too large)."""
    return _read(path, -1)


def read_whole(path: str | Path) -> bytes:
    """The uncompressed content of a file, at most LARGEST_FILE bytes of it. Raises UnreadableFile or CorruptFile."""
    return expanded(path, read_raw(path), LARGEST_FILE)


def read_start(path: str | Path, n: int) -> bytes:
    """At most the first n bytes of the uncompressed content; no more of the file is read than that needs."""
    raw = _start_of(path) if n <= START else _read(path, n)
    if raw.startswith(BZIP2_MAGIC):  # which works in blocks of 900 kB: the first must be there as a whole
        raw = _read(path, max(n, BZIP2_BLOCK))
    return expanded(path, raw, n, is_start=True)[:n]


def _start_of(path: str | Path) -> bytes:
    """The first START bytes of a file as it is stored: read once as long as it stays the same."""
    key, looks = os.fspath(path), _looks(path)
    kept = _starts.get(key)
    if kept is not None and kept[0] == looks:
        return kept[1]
    raw = _read(path, START)
    if looks is not None and looks == _looks(path):
        _starts[key] = looks, raw
        while len(_starts) > KEPT:
            _starts.popitem(last=False)
    return raw


def _looks(path: str | Path) -> Looks | None:
    """What makes a file another one; None for links, what has just been written, and what is not there."""
    try:
        status = os.lstat(path)
    except (OSError, ValueError):
        return None
    latest = max(status.st_mtime, status.st_ctime)
    if not stat.S_ISREG(status.st_mode) or not 0 <= latest < time.time() - RESTED:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def expanded(path: str | Path, raw: bytes, n: int, is_start: bool = False) -> bytes:
    """At least the first n uncompressed bytes of a file's content, and never much more, however far it would expand.

    is_start : `raw` is only the beginning of the file, and may end anywhere
    Raises CorruptFile where the compressed data are damaged or end early.
    """
    try:
        if raw.startswith(GZIP_MAGIC):
            return _gunzip(raw, n, is_start)
        if raw.startswith(BZIP2_MAGIC):
            return _bunzip(raw, n, is_start)
    except (zlib.error, OSError, EOFError, ValueError) as error:
        raise CorruptFile(path=path, reason=f"it is truncated or not properly compressed ({told(error)})") from error
    return raw


def _read(path: str | Path, n: int) -> bytes:
    try:
        file = open_descriptor(path)
    except (OSError, ValueError) as error:
        require_file(path)
        is_missing = isinstance(error, FileNotFoundError)
        reason = getattr(error, "strerror", None) or error
        raise UnreadableFile(path=path, reason=reason, is_missing=is_missing) from error
    try:
        with open(file, "rb", buffering=0, closefd=True) as opened:
            status = os.fstat(file)
            if not stat.S_ISREG(status.st_mode):
                raise not_a_file(path, status.st_mode)
            if n < 0 and status.st_size > LARGEST_FILE:
                raise CorruptFile(path=path, reason=f"its {status.st_size} bytes are more than an image can take")
            return opened.read(n)
    except OSError as error:
        raise UnreadableFile(path=path, reason=error.strerror or error, is_missing=False) from error


def _gunzip(raw: bytes, n: int, is_start: bool) -> bytes:
    """Members of a gzip file until n bytes are there; zlib gives the interpreter's lock up while it works."""
    parts: list[bytes] = []
    while raw.startswith(GZIP_MAGIC) and n > 0:
        member = zlib.decompressobj(GZIP_WINDOW)
        part = member.decompress(raw, n)
        n -= len(part)
        parts.append(part)
        if not member.eof:
            if n > 0 and not is_start:
                raise EOFError("the compressed data end too early")
            break
        raw = member.unused_data
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _bunzip(raw: bytes, n: int, is_start: bool) -> bytes:
    member = bz2.BZ2Decompressor()
    content = member.decompress(raw, n)
    if len(content) < n and not member.eof and not is_start:
        raise EOFError("the compressed data end too early")
    return content
