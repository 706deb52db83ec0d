"""All files of a sweep as one zip, made while it is sent: a piece of each file is in memory at a time."""

from __future__ import annotations

import io
import os
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

from autoproc.dashboard.files import PIECE, NotHandedOut, ResultFolder

LEVEL = 1
"""Of compression: tables of reflections and logs come to half, at 60 MB/s; more effort wins next to nothing."""

EARLIEST = 315_619_200.0
"""Seconds since 1970 of the second day of 1980: a zip knows no time before."""


class _Outlet(io.RawIOBase):
    """What was written since it was last taken."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self._waiting += piece
        return len(piece)

    def taken(self) -> bytes:
        """What waits, which waits no longer."""
        taken, self._waiting = bytes(self._waiting), bytearray()
        return taken


def zipped(folder: ResultFolder) -> Iterator[bytes]:
    """The zip, piece by piece; a file that goes away meanwhile is not in it."""
    outlet = _Outlet()
    with zipfile.ZipFile(outlet, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        for listed in folder.listed():
            with suppress(NotHandedOut), folder.open(listed.path) as file:
                yield from _one(archive, file, f"{folder.name.replace('/', '_')}/{listed.path}", outlet)
    yield outlet.taken()


def _one(archive: zipfile.ZipFile, file: BinaryIO, name: str, outlet: _Outlet) -> Iterator[bytes]:
    status = os.fstat(file.fileno())
    about = zipfile.ZipInfo(name, time.localtime(max(status.st_mtime, EARLIEST))[:6])
    about.compress_type, about.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    about._compresslevel = LEVEL  # type: ignore[attr-defined]
    with archive.open(about, "w", force_zip64=status.st_size >= zipfile.ZIP64_LIMIT // 2) as inner:
        while piece := file.read(PIECE):
            inner.write(piece)
            yield outlet.taken()
