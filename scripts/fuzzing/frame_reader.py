"""How images of CCD detectors are tried."""

from __future__ import annotations

import bz2
import gzip
import random
from pathlib import Path

import numpy as np

from autoproc.formats.header_values import HeaderOverrides
from autoproc.formats.registry import format_name, open_reader, read_experiment
from autoproc.reports.show import format_experiments
from autoproc.service.probing.answers import cut_off, pace_of
from fuzzing import bytes_damage
from fuzzing.frame_damage import damaged_header
from fuzzing.readers import Reader, refused
from fuzzing.seeds import Seeds

GIVEN = HeaderOverrides(0.98, 150.0, (20.0, 15.0), (0.0, 0.5), (0.1, 0.1))
"""What a user may say, so that pixels are reached whatever a header lacks."""
HEADER = 4096
"""Bytes before the pixels, at most, of the whole images here."""
PACKERS = (lambda content: gzip.compress(content, 1), bz2.compress)


class Frames(Reader):
    """Images of CCD detectors: headers, pixels, what they are compressed with."""

    name, what = "frames", "SMV, d*TREK, MarCCD, EDF, TIFF and Bruker images, plain and compressed"

    def __init__(self, seeds: Seeds) -> None:
        self.seeds = list(seeds.frames.items())

    def write(self, folder: Path, chance: random.Random) -> None:
        name, content = chance.choice(self.seeds)
        other = chance.choice(self.seeds)[1]
        packed = name.startswith("z_")
        if packed and chance.random() < 0.3:
            content = bytes_damage.damaged(content, chance, other)
        else:
            content = self._damaged(_plain(content), chance, other)
            content = chance.choice(PACKERS)(content) if packed else content
        (folder / name.removeprefix("z_").removesuffix(".packed")).write_bytes(content)

    def _damaged(self, plain: bytes, chance: random.Random, other: bytes) -> bytes:
        kind = chance.random()
        if kind < 0.7:
            plain = damaged_header(plain, chance)
        if kind > 0.6:
            head = chance.choice((HEADER, len(plain)))
            plain = bytes_damage.damaged(plain[:head], chance, other) + plain[head:]
        return plain

    def read(self, folder: Path) -> None:
        (path,) = folder.iterdir()
        pace_of(path)
        cut_off(folder, {path.name: path.stat().st_size})
        refused(lambda: format_name(path))
        refused(lambda: format_experiments([read_experiment(path)]))
        reader = open_reader(read_experiment(path, GIVEN))
        _ = reader.mask
        counts = reader.read(0)
        if counts.shape != reader.shape or counts.dtype != np.int32:
            raise AssertionError(f"{counts.dtype} {counts.shape} where {reader.shape} were told")


def _plain(content: bytes) -> bytes:
    if content.startswith(b"\x1f\x8b"):
        return gzip.decompress(content)
    return bz2.decompress(content) if content.startswith(b"BZh") else content
