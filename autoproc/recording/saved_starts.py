"""Start messages of series under way, kept on the disk: whoever records after a crash has no other description."""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from pathlib import Path

FOLDER = ".autoproc_record"
"""Below the folder of sweeps; names that begin with a dot are passed over by whoever watches it."""
LONGEST_SERIES = 86400.0
"""Seconds after which a series that was never told to be over is not under way any more."""


class SavedStarts:
    """The messages, by series. A disk that is full costs none but them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER

    def save(self, series: str, content: bytes) -> None:
        """Keep a start message until the series is over; drop those of long ago."""
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            for path in self._folder.iterdir():
                if time.time() - path.stat().st_mtime > LONGEST_SERIES:
                    path.unlink()
            part = self._path(series).with_suffix(".part")
            part.write_bytes(content)
            part.replace(self._path(series))

    def find(self, series: str) -> bytes | None:
        """The start message of a series, if it is kept."""
        try:
            return self._path(series).read_bytes()
        except OSError:
            return None

    def forget(self, series: str) -> None:
        """Drop the message of a series that is over."""
        with suppress(OSError):
            self._path(series).unlink()

    def _path(self, series: str) -> Path:
        return self._folder / f"{hashlib.sha256(series.encode(errors='replace')).hexdigest()[:24]}.cbor"
