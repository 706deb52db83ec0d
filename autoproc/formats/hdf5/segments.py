"""Which data sets of an HDF5 master hold its frames."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from autoproc.errors import CorruptFile, InputError, UnreadableFile
from autoproc.formats.confinement import LeadsOut
from autoproc.formats.hdf5.confined_hdf5 import ForbiddenHdf5, allowed, source_name
from autoproc.formats.hdf5.image_data import entry_of, image_names, is_image_stack
from autoproc.formats.hdf5.virtual_frames import frames_of
from autoproc.formats.header_values import told


class MissingDataFile(InputError):
    """A master links to a data file that is not there."""

    what = "{path} links to {target}, which is missing"
    hint = "copy the data files beside their master, or wait until they are written"
    retryable = True


@dataclass(frozen=True, slots=True)
class Segment:
    """Frames of one data set: n of them, at `dataset` in the master, held by `file`.

    shape : (slow, fast) of a frame; dtype : of its pixels; n_channels : frames at each angle, of which the first counts
    """

    dataset: str
    n: int
    file: Path
    shape: tuple[int, int]
    dtype: np.dtype
    n_channels: int = 1

    def __len__(self) -> int:
        return self.n


def image_datasets(path: Path, handle: h5py.File) -> list[Segment]:
    """The data sets with the frames, in order. Raises MissingDataFile for links that lead nowhere."""
    entry = entry_of(handle)
    found = image_names(entry) if entry is not None else None
    if found is None:
        return []
    group, names = found
    segments = []
    for name in names:
        dataset = _linked(path, group, name)
        if dataset is None:
            continue
        n = _frames_with_source(dataset) if dataset.is_virtual else dataset.shape[0]
        shape = (int(dataset.shape[-2]), int(dataset.shape[-1]))
        n_channels = int(dataset.shape[1]) if dataset.ndim > 3 else 1
        file = Path(dataset.file.filename)
        segments.append(Segment(f"{group.name}/{name}", n, file, shape, dataset.dtype, n_channels))
    return segments


def _linked(path: Path, group: h5py.Group, name: str) -> h5py.Dataset | None:
    link = group.get(name, getlink=True)
    target = path.parent / link.filename if isinstance(link, h5py.ExternalLink) else None
    try:
        dataset = group[name]
    except (KeyError, OSError) as error:
        if target is not None and not target.exists():
            if _belongs_to_later_trigger(group, name):
                return None
            raise MissingDataFile(path=path, target=target) from error
        at_fault = path if target is None or isinstance(error, (ForbiddenHdf5, LeadsOut)) else target
        kind = UnreadableFile if isinstance(error, LeadsOut) else CorruptFile
        raise kind(path=at_fault, reason=reason_of(error)) from error
    if not is_image_stack(dataset):
        raise CorruptFile(path=path, reason=f"{group.name}/{name} is not a stack of images")
    return dataset


def _frames_with_source(dataset: h5py.Dataset) -> int:
    """Frames of a virtual data set before those whose files are missing: a collection that was stopped leaves the last.

    Raises MissingDataFile where the first is missing, or one between others.
    """
    n = int(dataset.shape[0])
    own = Path(os.fsdecode(dataset.file.filename))
    lacking = np.zeros(n, bool)
    missing = None
    for source in dataset.virtual_sources():
        name = source_name(source.file_name)
        try:
            if name != ".":
                allowed(name, own.parent)
        except FileNotFoundError:
            frames = frames_of(source.vspace, n)
            lacking[frames] = True
            missing = missing or own.parent / Path(name).name
    n_there = int(np.argmax(lacking)) if lacking.any() else n
    if missing is not None and (n_there == 0 or not lacking[n_there:].all()):
        raise MissingDataFile(path=own, target=missing)
    return n_there


def reason_of(error: Exception) -> str:
    """What the HDF5 library says of a file, in plain words where that is possible."""
    text = str(error).strip("'\"")
    sizes = re.search(r"truncated file: eof = (\d+).*stored_eof = (\d+)", text)
    if sizes:
        return f"it is truncated: {sizes[1]} of {sizes[2]} bytes are there"
    if "signature" in text:
        return "it is not an HDF5 file"
    if isinstance(error, (ForbiddenHdf5, LeadsOut)):
        return text
    inner = re.fullmatch(r"[^(]*\((.*)\)", text, re.DOTALL)
    return f"the HDF5 library says: {told(OSError(inner[1])) if inner else told(error)}"


def _belongs_to_later_trigger(group: h5py.Group, name: str) -> bool:
    """DECTRIS masters list more links than there are files when nothing was collected after an earlier one."""
    names = sorted(n for n in group if n.startswith("data_"))
    return names.index(name) > 0 and all(_is_missing(group, n) for n in names[names.index(name) :])


def _is_missing(group: h5py.Group, name: str) -> bool:
    link = group.get(name, getlink=True)
    return isinstance(link, h5py.ExternalLink) and not (Path(group.file.filename).parent / link.filename).exists()
