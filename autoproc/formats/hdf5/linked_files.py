"""Which files hold the frames of an HDF5 master file, as far as links and virtual data sets tell."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import h5py

from autoproc.formats.boundary import BAD_BYTES
from autoproc.formats.hdf5.confined_hdf5 import LONGEST_CHAIN, allowed, source_name
from autoproc.formats.hdf5.image_data import entry_of, image_names
from autoproc.formats.hdf5.open_hdf5 import open_hdf5


def linked_files(path: Path | str) -> set[Path]:
    """Files with frames of a master file; none where it cannot be read, and none of those that are not there."""
    found: set[Path] = set()
    with suppress(*BAD_BYTES), open_hdf5(path) as handle:
        entry = entry_of(handle)
        group, names = (image_names(entry) if entry is not None else None) or (handle, [])
        for name in names:
            with suppress(*BAD_BYTES):
                found.update(_holders(group, name, LONGEST_CHAIN))
    return found


def _holders(group: h5py.Group, name: str, depth: int) -> Iterator[Path]:
    """The file of a data set, and those that a virtual one has its frames from."""
    dataset = group[name]
    own = Path(os.fsdecode(dataset.file.filename))
    yield own
    for source in dataset.virtual_sources() if dataset.is_virtual and depth > 0 else ():
        file = source_name(source.file_name)
        inner, _, last = source_name(source.dset_name).rpartition("/")
        if file == ".":
            yield from _holders(dataset.file[inner or "/"], last, depth - 1)
            continue
        with suppress(*BAD_BYTES):
            target = allowed(file, own.parent)
            yield target
            with open_hdf5(target) as other:
                yield from _holders(other[inner or "/"], last, depth - 1)
