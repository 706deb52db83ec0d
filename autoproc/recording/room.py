"""Room for sweeps in a folder of a limited size, in memory for example: the oldest recorded ones give way."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autoproc.formats.boundary import BAD_BYTES
from autoproc.formats.hdf5.nexus_fields import text_of
from autoproc.formats.hdf5.open_hdf5 import open_hdf5
from autoproc.recording.naming import WITHOUT_START, data_path, master_path
from autoproc.recording.write_master import PROGRAM

GIGABYTE = 1 << 30


@dataclass(frozen=True, slots=True)
class Recorded:
    """A sweep that was recorded: its stem, its files, their bytes on the disk, when the last of them was written."""

    stem: Path
    files: tuple[Path, ...]
    n_bytes: int
    written: float


def make_room(folder: Path, max_size: float, keep_time: float, under_way: Collection[Path]) -> list[Recorded]:
    """Delete the oldest recorded sweeps while all together take more than a size; returns those that were deleted.

    max_size : gigabytes; keep_time : seconds since it was written for which each is kept
    under_way : stems of sweeps that are still recorded
    """
    sweeps = sorted(recorded_sweeps(folder), key=lambda sweep: sweep.written)
    total, deleted = sum(sweep.n_bytes for sweep in sweeps), []
    for sweep in sweeps:
        if total <= max_size * GIGABYTE:
            break
        if sweep.stem in under_way or time.time() - sweep.written < keep_time:
            continue
        for path in sweep.files:
            with suppress(OSError):
                path.unlink()
        with suppress(OSError):  # others are in it, or it is the folder itself
            if sweep.stem.parent != folder:
                sweep.stem.parent.rmdir()
        total -= sweep.n_bytes
        deleted.append(sweep)
    return deleted


def recorded_sweeps(folder: Path) -> Iterator[Recorded]:
    """The sweeps below a folder that this program has recorded; nobody else's files are among them."""
    for master in folder.rglob("*_master.h5"):
        if _is_ours(master):
            yield from _recorded(master.with_name(master.name.removesuffix("_master.h5")))
    for first in folder.rglob(f"*{WITHOUT_START}_data_000001.h5"):
        stem = first.with_name(first.name.removesuffix("_data_000001.h5"))
        if not master_path(stem).exists():
            yield from _recorded(stem)


def _is_ours(master: Path) -> bool:
    try:
        with open_hdf5(master) as handle:
            return text_of(handle["entry"], "program_name") == PROGRAM
    except BAD_BYTES:
        return False


def _recorded(stem: Path) -> Iterator[Recorded]:
    files = [master_path(stem)]
    while (path := data_path(stem, len(files) - 1)).exists() or len(files) == 1:
        files.append(path)
    found = []
    for path in files:
        with suppress(OSError):
            found.append((path, path.stat()))
    if found:
        n_bytes = sum(512 * status.st_blocks for _, status in found)
        yield Recorded(stem, tuple(path for path, _ in found), n_bytes, max(status.st_mtime for _, status in found))
