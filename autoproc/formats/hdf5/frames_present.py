"""Which frames of an HDF5 sweep are there, told by their chunks, while its files are still being written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from autoproc.formats.boundary import BAD_BYTES
from autoproc.formats.hdf5.confined_hdf5 import MOST_FRAMES, allowed, source_name
from autoproc.formats.hdf5.image_data import entry_of, image_names, is_image_stack
from autoproc.formats.hdf5.nexus_fields import groups_of_class, number
from autoproc.formats.hdf5.open_hdf5 import open_hdf5
from autoproc.formats.hdf5.virtual_frames import frames_of

DEEPEST = 4
"""Virtual data sets upon virtual data sets that are followed."""
LONGEST_IDENTITY = 1 << 20


@dataclass(frozen=True, slots=True, eq=False)
class FramesPresent:
    """What is there of an HDF5 sweep.

    present : (n,) bool, for every frame that is there or expected; n_expected : None if the files do not say
    n_announced : that the detector was armed for, or that an axis of the sample has angles for, else None; it is told
        before any frame is there, and stays
    is_sure : frames lie in chunks of their own, which are there or not; else only rest says that they are written
    obstacle : why not all can be told, in plain words; first_frame : bytes of the first frame as stored, b"" if absent
    """

    present: np.ndarray
    n_expected: int | None
    is_sure: bool = True
    obstacle: str = ""
    first_frame: bytes = b""
    n_announced: int | None = None

    @property
    def n_present(self) -> int:
        """Number of frames that are there."""
        return int(self.present.sum())


@dataclass(slots=True)
class _Stack:
    """Frames of one data set."""

    present: np.ndarray
    is_fixed: bool
    is_sure: bool = True
    obstacle: str = ""
    first_frame: bytes = b""


def frames_present(path: Path) -> FramesPresent:
    """The frames of a master file that are there now. Never raises for what a half-written file may look like."""
    try:
        with open_hdf5(path) as handle:
            return _frames_present(path, handle)
    except BAD_BYTES as error:
        return FramesPresent(np.zeros(0, bool), None, obstacle=_why_not(path, error))


def _why_not(path: Path, error: Exception) -> str:
    said = str(error)
    if "SWMR writing" in said or "open for write" in said:
        return f"{path.name} is still open for writing, or its writer died"
    if "truncated" in said or "signature" in said:
        return f"{path.name} is not written to its end"
    return f"{path.name} cannot be read yet ({said})"


def _frames_present(path: Path, handle: h5py.File) -> FramesPresent:
    entry = entry_of(handle)
    if entry is None:
        return FramesPresent(np.zeros(0, bool), None, obstacle=f"{path.name} holds no NXentry yet")
    group, names = image_names(entry) or (entry, [])
    stacks = [_stack(group, name, DEEPEST) for name in names]
    announced = _announced(entry)
    present = np.concatenate([stack.present for stack in stacks]) if stacks else np.zeros(0, bool)
    n_expected = _expected(len(present), stacks, announced)
    if n_expected is not None and n_expected > len(present):
        present = np.append(present, np.zeros(n_expected - len(present), bool))
    there = [stack for stack in stacks if len(stack.present)]
    enough = n_expected is not None and int(present.sum()) >= n_expected
    nothing = "" if present.any() else f"{path.name} holds no images yet"
    obstacle = next((stack.obstacle for stack in stacks if stack.obstacle), nothing)
    return FramesPresent(
        present,
        n_expected,
        is_sure=all(stack.is_sure for stack in there),
        obstacle="" if enough else obstacle,
        first_frame=stacks[0].first_frame if stacks else b"",
        n_announced=announced or _n_angles(entry),
    )


def _n_angles(entry: h5py.Group) -> int | None:
    """Number of angles of the sample's axis that has most, in an array whose length does not change."""
    samples = groups_of_class(entry, "NXsample") or _group(entry, "sample")
    groups = [group for sample in samples for group in (*groups_of_class(sample, "NXtransformations"), sample)]
    items = [item for group in groups for item in group.values() if isinstance(item, h5py.Dataset)]
    most = max((len(item) for item in items if item.ndim == 1 and item.maxshape == item.shape), default=0)
    return most if 1 < most <= MOST_FRAMES else None


def _announced(entry: h5py.Group) -> int | None:
    """Number of frames that the detector was armed for."""
    for instrument in groups_of_class(entry, "NXinstrument") or _group(entry, "instrument"):
        for detector in groups_of_class(instrument, "NXdetector") or _group(instrument, "detector"):
            specific = (_group(detector, "detectorSpecific") or [detector])[0]
            n_images, n_triggers = number(specific, "nimages"), number(specific, "ntrigger")
            if n_images and 0 < n_images * (n_triggers or 1) <= MOST_FRAMES:
                return int(n_images * (n_triggers or 1))
    return None


def _group(parent: h5py.Group, name: str) -> list[h5py.Group]:
    """The group of that name, if there is one and it is a group."""
    item = parent.get(name)
    return [item] if isinstance(item, h5py.Group) else []


def _expected(n_frames: int, stacks: list[_Stack], announced: int | None) -> int | None:
    if announced is not None:
        return max(announced, n_frames)
    if stacks and all(stack.is_fixed for stack in stacks) and n_frames:
        return n_frames
    return None


def _stack(group: h5py.Group, name: str, depth: int) -> _Stack:
    """The frames of a data set; none where its file is not there yet."""
    link = group.get(name, getlink=True)
    target = Path(link.filename).name if isinstance(link, h5py.ExternalLink) else name
    try:
        dataset = group[name]
        if not is_image_stack(dataset):
            return _Stack(np.zeros(0, bool), False, obstacle=f"{target} holds no images yet")
        return _virtual(dataset, depth) if dataset.is_virtual else _stored(dataset)
    except BAD_BYTES:
        return _Stack(np.zeros(0, bool), False, obstacle=f"{target} is missing or not readable yet")


def _stored(dataset: h5py.Dataset) -> _Stack:
    n = dataset.shape[0]
    is_fixed = dataset.maxshape[0] is not None
    if dataset.chunks is None:
        written = dataset.id.get_offset() is not None
        return _Stack(np.full(n, written), is_fixed, is_sure=False, first_frame=dataset[0].tobytes() if n else b"")
    depth = dataset.chunks[0]
    tiles = int(np.prod([-(-size // chunk) for size, chunk in zip(dataset.shape[1:], dataset.chunks[1:], strict=True)]))
    counts = np.zeros(-(-n // depth), int)

    def count(chunk: h5py.h5d.StoreInfo) -> None:
        if chunk.size > 0 and chunk.chunk_offset[0] < n:
            counts[chunk.chunk_offset[0] // depth] += 1

    dataset.id.chunk_iter(count)
    present = np.repeat(counts >= tiles, depth)[:n]
    first = b""
    if n and present[0]:
        first = dataset.id.read_direct_chunk((0,) * dataset.ndim)[1][:LONGEST_IDENTITY]
    return _Stack(present, is_fixed, first_frame=first)


def _virtual(dataset: h5py.Dataset, depth: int) -> _Stack:
    """The frames of a virtual data set: those whose source frames are there."""
    present = np.zeros(dataset.shape[0], bool)
    stack = _Stack(present, dataset.maxshape[0] is not None)
    directory = Path(dataset.file.filename).parent
    for source in dataset.virtual_sources():
        part = _source(dataset, directory, source, depth - 1)
        stack.is_sure &= part.is_sure
        stack.obstacle = stack.obstacle or part.obstacle
        places = frames_of(source.vspace, len(present))
        origins = frames_of(source.src_space, len(part.present))
        n = min(len(places), len(origins))
        present[places[:n]] = part.present[origins[:n]]
        if n and places[0] == 0 and origins[0] == 0:
            stack.first_frame = part.first_frame
    return stack


def _source(dataset: h5py.Dataset, directory: Path, source: h5py.h5d.VDSmap, depth: int) -> _Stack:
    if depth <= 0:
        return _Stack(np.zeros(0, bool), False, obstacle="virtual data sets lead round in a circle")
    group, _, name = source_name(source.dset_name).rpartition("/")
    if source.file_name == ".":
        return _stack(dataset.file[group or "/"], name, depth)
    try:
        with open_hdf5(allowed(source_name(source.file_name), directory)) as file:
            return _stack(file[group or "/"], name, depth)
    except BAD_BYTES:
        obstacle = f"{Path(source_name(source.file_name)).name} is missing or not readable yet"
        return _Stack(np.zeros(0, bool), False, obstacle=obstacle)
