"""Small pictures of sweeps, made when somebody first sees them, and kept beside the queue."""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from pathlib import Path

from autoproc.errors import AutoprocError
from autoproc.formats.registry import open_reader, read_experiment
from autoproc.formats.templates import split_template
from autoproc.service.job_queue.job import Job
from autoproc.service.sweeps.sweep_names import in_one_name
from autoproc.viewing.thumbnail import thumbnail

FOLDER = "thumbnails"
MOST_BYTES = 64 << 20
"""Of all pictures on the disk: those of ten thousand sweeps. Then the oldest go."""
MOST_WAITING = 200
"""Pictures that wait to be made: those of two pages. Who asks for more is told that there is none, and asks again."""
PATIENCE = 60.0
"""Seconds until a picture that could not be made is tried again: files may come late, or disks come back. As long as
a browser keeps what it was given in its place."""


class Thumbnails:
    """The pictures; made one at a time in a thread, as images of strangers may take their time to be read.

    folder : where they are kept; most_bytes : of all of them; clock : seconds, of any beginning
    """

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._most, self._clock = folder, most_bytes, clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="thumbnails")
        self._waiting = 0
        self._n_bytes: int | None = None
        self._failed: dict[str, float] = {}

    async def of(self, job: Job) -> bytes | None:
        """The picture of a sweep; None where its images could not be read lately, or too many others are wanted."""
        key = f"{in_one_name(job.name)}.{job.n_images}.png"
        has_failed = self._clock() < self._failed.get(key, -math.inf) + PATIENCE
        if has_failed or self._waiting >= MOST_WAITING:
            return None
        self._waiting += 1
        try:
            kept = partial(copy_context().run, self._kept, key, job)
            return await asyncio.get_running_loop().run_in_executor(self._thread, kept)
        finally:
            self._waiting -= 1

    def _kept(self, key: str, job: Job) -> bytes | None:
        path = self._folder / key
        with suppress(OSError):
            return path.read_bytes()
        try:
            picture = picture_of(job)
        except (AutoprocError, OSError):
            if len(self._failed) > 10 * MOST_WAITING:
                self._failed.clear()
            self._failed[key] = self._clock()
            return None
        with suppress(OSError):  # a full disk, or a folder of somebody else's: it is made again
            self._keep(path, picture)
        return picture

    def _keep(self, path: Path, picture: bytes) -> None:
        self._folder.mkdir(exist_ok=True)
        part = path.with_suffix(".part")
        part.write_bytes(picture)
        part.replace(path)
        if self._n_bytes is None:
            self._n_bytes = sum(entry.stat().st_size for entry in os.scandir(self._folder))
        else:
            self._n_bytes += len(picture)
        if self._n_bytes > self._most:
            self._n_bytes = _remove_oldest(self._folder, self._most // 2)

    def close(self) -> None:
        """Make no more."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _remove_oldest(folder: Path, most_bytes: int) -> int:
    """Remove the pictures that were made first; returns the bytes of those left."""
    entries = sorted(((entry.stat(), entry.path) for entry in os.scandir(folder)), key=lambda one: -one[0].st_mtime)
    kept = 0
    for status, path in entries:
        if kept + status.st_size > most_bytes:
            with suppress(OSError):
                os.unlink(path)
        else:
            kept += status.st_size
    return kept


def picture_of(job: Job) -> bytes:
    """The first image of a sweep in small. Raises what reading images raises."""
    reader = open_reader(read_experiment(_first_image(job)))
    counts = reader.read(0)
    return thumbnail(counts, reader.mask & (counts >= reader.min_trusted))


def _first_image(job: Job) -> Path:
    path = Path(job.path)
    before, hashes, after = split_template(path.name)
    if not hashes:
        return path
    number = 1 if job.image_range is None else job.image_range[0]
    return path.with_name(f"{before}{number:0{len(hashes)}d}{after}")
