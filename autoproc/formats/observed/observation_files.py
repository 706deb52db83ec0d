"""Files of observations that other programs wrote, recognised by their content."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from autoproc.formats.compressed import read_start
from autoproc.formats.observed.foreign_data import ForeignData
from autoproc.formats.observed.read_shelx import is_shelx_hkl, read_shelx
from autoproc.formats.observed.read_unmerged_mtz import is_mtz, read_unmerged_mtz
from autoproc.formats.observed.read_xds_ascii import is_xds_ascii, read_xds_ascii

START = 4096
"""Bytes that tell what a file is."""
Reader = Callable[[Path], ForeignData]
READERS: tuple[tuple[Callable[[bytes], bool], Reader], ...] = (
    (is_xds_ascii, read_xds_ascii),
    (is_mtz, read_unmerged_mtz),
    (is_shelx_hkl, read_shelx),
)


def reader_of_observations(
    path: str | Path, cell: tuple[float, ...] | None = None, space_group: str | None = None
) -> Reader | None:
    """What reads a file; None for one of another kind, and for what is none. Raises UnreadableFile or CorruptFile.

    cell, space_group : as the user says, for files that tell no lattice
    """
    if not os.path.isfile(path):  # unlike Path.is_file, never raises: names come from anybody
        return None
    start = read_start(path, START)
    read = next((read for knows, read in READERS if knows(start)), None)
    return partial(read_shelx, cell=cell, space_group=space_group) if read is read_shelx else read
