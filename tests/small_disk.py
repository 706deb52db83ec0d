"""A disk that is full in truth: a small one in memory, for those who may mount it.

It is mounted for this process and its children only, so that the kernel removes it with them however they end.
"""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

CLONE_NEWNS = 0x20000


def require_own_mounts() -> None:
    """What is mounted from now on is seen by this process and its children alone."""
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "unshare") or library.unshare(CLONE_NEWNS):
        pytest.skip("mounts of one's own need their rights")
    if subprocess.run(["mount", "--make-rprivate", "/"], capture_output=True, check=False).returncode:
        pytest.skip("mounts of one's own need their rights")


@contextmanager
def mounted(folder: Path, size: str) -> Iterator[Path]:
    """A disk of a size, as mount has it, at a folder that is made."""
    folder.mkdir()
    mounting = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounting.returncode:
        pytest.skip("mounting a small disk needs its rights")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path, left: int = 0) -> Path:
    """Fill a disk but for so many bytes; returns the file that does."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        with suppress(OSError):
            while True:
                file.write(bytes(4096))
        file.truncate(file.tell() - left)
    return filler
