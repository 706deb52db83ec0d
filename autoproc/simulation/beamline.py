"""A beamline's detector: writes a sweep that exists already once more, image by image, as slowly and oddly as asked.

Writing is a generator that yields the seconds until the next image, so that tests step through it without
waiting; `collect` waits.
"""

from __future__ import annotations

import bz2
import gzip
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from autoproc.formats.compressed import read_whole

Arrival = Literal["written", "slowly", "renamed", "rsync"]
SNAPSHOT = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xd9"
"""The least that is a JPEG file."""


@dataclass(frozen=True, slots=True)
class Collection:
    """How a sweep comes.

    rate : images a second, 0 for as fast as possible; in_order : else in random order, of seed
    arrival : in place; in place in two halves, one image time apart; under a name that ends in .tmp, then renamed;
    or as rsync does: hidden under a temporary name, and as old as the original in the end
    stalls : (images written before it, seconds) of every pause; n_images : after which the collection is aborted
    """

    rate: float = 10.0
    in_order: bool = True
    arrival: Arrival = "written"
    stalls: tuple[tuple[int, float], ...] = ()
    n_images: int | None = None
    seed: int = 1

    def order(self, n: int) -> list[int]:
        """Indices of n images in the order in which they come, as far as they come at all."""
        indices = np.arange(n) if self.in_order else np.random.default_rng(self.seed).permutation(n)
        return [int(i) for i in indices[: self.n_images]]

    def pauses(self, n_written: int) -> float:
        """Seconds until the next image when so many are written."""
        stalled = sum(seconds for after, seconds in self.stalls if after == n_written)
        return stalled + (1 / self.rate if self.rate else 0.0)


Steps = Iterator[float]


def write_cbf(sources: Sequence[Path], directory: Path, template: str, collection: Collection, first: int = 1) -> Steps:
    """Write CBF images as DIRECTORY/TEMPLATE, whose last run of # is the counter, from number `first` on.

    A template that ends in .gz or .bz2 compresses what it writes.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for n_written, index in enumerate(collection.order(len(sources)), 1):
        path = directory / numbered(template, first + index)
        content = _compressed(read_whole(sources[index]), path.suffix)
        yield from _appear(path, content, sources[index], collection)
        yield collection.pauses(n_written)


def numbered(template: str, number: int) -> str:
    """The name of an image: the template's # replaced by the number."""
    n_hashes = template.count("#")
    return template.replace("#" * n_hashes, f"{number:0{n_hashes}d}")


def _compressed(content: bytes, suffix: str) -> bytes:
    if suffix == ".gz":
        return gzip.compress(content, 1, mtime=0)
    return bz2.compress(content, 1) if suffix == ".bz2" else content


def _appear(path: Path, content: bytes, source: Path, collection: Collection) -> Steps:
    if collection.arrival == "written":
        path.write_bytes(content)
    elif collection.arrival == "slowly":
        with path.open("wb") as file:
            file.write(content[: len(content) // 2])
            file.flush()
            yield 1 / collection.rate if collection.rate else 0.0
            file.write(content[len(content) // 2 :])
    elif collection.arrival == "renamed":
        temporary = path.with_name(f"{path.name}.tmp")
        temporary.write_bytes(content)
        temporary.rename(path)
    else:
        temporary = path.with_name(f".{path.name}.aB3xYz")
        temporary.write_bytes(content)
        times = source.stat()
        os.utime(temporary, ns=(times.st_atime_ns, times.st_mtime_ns))
        temporary.rename(path)


def write_screening(sources: Sequence[Path], directory: Path, template: str, n_shots: int = 2) -> Steps:
    """Write single shots from far apart in a sweep as the numbers 1, 2, ... of another series."""
    chosen = np.linspace(0, len(sources) - 1, n_shots).round().astype(int)
    yield from write_cbf([sources[i] for i in chosen], directory, template, Collection(rate=1.0))


def write_snapshots(directory: Path, name: str, angles: Iterable[int] = (0, 90)) -> Steps:
    """Write photographs of the crystal in its loop beside its images."""
    directory.mkdir(parents=True, exist_ok=True)
    for angle in angles:
        (directory / f"{name}_{angle}.0.jpg").write_bytes(SNAPSHOT)
        yield 0.1


def collect(
    steps: Steps, sleep: Callable[[float], None] = time.sleep, clock: Callable[[], float] = time.monotonic
) -> None:
    """Write a sweep at its own pace: a detector does not wait for the disk, and what comes late is caught up with."""
    due = clock()
    for seconds in steps:
        due += seconds
        if (left := due - clock()) > 0:
            sleep(left)
