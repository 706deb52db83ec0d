"""Files whose content was found to agree with the checksum in it, which need not be worked out at each reading."""

from __future__ import annotations

import os
import time
from pathlib import Path
from threading import Lock

from autoproc.formats.images.stamps import Stamp

MOST = 10_000
"""Files that are remembered: of a few long sweeps, 0.8 kB each."""


class AgreedChecksums:
    """Remembers the files, of all readers of a process: a sweep's images are read two or three times.

    An MD5 checksum takes 4 of the 8 ms of reading 2.5 million pixels of a CBF.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._known: dict[tuple[Path, Stamp], None] = {}
        self._lock = Lock()

    def has(self, path: Path, stamp: Stamp | None) -> bool:
        """The file with this stamp agreed."""
        return stamp is not None and (path, stamp) in self._known

    def keep(self, path: Path, stamp: Stamp | None) -> None:
        """The file with this stamp agrees; None where it may be another before the stamp is."""
        if stamp is None:
            return
        with self._lock:
            self._known[path, stamp] = None
            if len(self._known) > self._most:
                del self._known[next(iter(self._known))]


def lasting_stamp(before: os.stat_result | None, after: os.stat_result) -> Stamp | None:
    """Of a file that was read between these; None where it may have been written meanwhile, or may be unseen."""
    stamp = Stamp.of_file(after)
    has_stood = time.time() - max(after.st_mtime, after.st_ctime) >= stamp.grain
    return stamp if has_stood and before is not None and Stamp.of_file(before) == stamp else None


AGREED = AgreedChecksums()
