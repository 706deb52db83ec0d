"""The same for HDF5: a sweep written frame by frame into files that stay open meanwhile."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from autoproc.formats.hdf5.hdf5_frames import BITSHUFFLE
from autoproc.formats.hdf5.open_hdf5 import open_hdf5
from autoproc.formats.hdf5.segments import image_datasets
from autoproc.simulation.beamline import Collection, Steps

DATA = "/entry/data/data"


@dataclass(frozen=True, slots=True)
class Hdf5Writing:
    """How the files are written.

    swmr : readable meanwhile as HDF5's single-writer multiple-readers mode has it; else as flushed after each frame
    recent : without SWMR, the format of HDF5 1.10 or later, which nobody can open until the writer closes it
    virtual : the master joins the data files in a virtual data set; else it links to them
    growing : data sets start empty and grow; else they have their size at once
    master_last : the master is written when all else is
    """

    swmr: bool = True
    recent: bool = False
    virtual: bool = False
    growing: bool = False
    master_last: bool = False
    images_per_file: int = 1000


@dataclass(frozen=True, slots=True)
class StoredFrames:
    """Stored frames of a sweep: raw chunks and how to make a data set for them."""

    chunks: list[tuple[int, bytes]]
    shape: tuple[int, int]
    dtype: np.dtype
    creation: h5py.h5p.PropDCID


def write_hdf5(
    source: Path, directory: Path, name: str, collection: Collection, writing: Hdf5Writing | None = None
) -> Steps:
    """Write DIRECTORY/NAME_master.h5 and NAME_data_000001.h5 ... with the frames and the description of a master.

    Every frame of the source must be one chunk. Data files are closed at the end, or when the generator is.
    """
    writing = writing or Hdf5Writing()
    directory.mkdir(parents=True, exist_ok=True)
    frames = stored_frames(source)
    n = len(frames.chunks)
    starts = range(0, n, writing.images_per_file)
    paths = [directory / f"{name}_data_{k:06d}.h5" for k in range(1, len(starts) + 1)]
    sizes = [min(writing.images_per_file, n - start) for start in starts]
    master = directory / f"{name}_master.h5"
    if not writing.master_last:
        write_copy_of_master(source, master, list(zip(paths, sizes, strict=True)), frames, writing.virtual)
        yield 0.0
    with ExitStack() as open_files:
        datasets: dict[int, h5py.Dataset] = {}
        for n_written, index in enumerate(collection.order(n), 1):
            number, place = divmod(index, writing.images_per_file)
            if number not in datasets:
                datasets[number] = _data_file(paths[number], sizes[number], frames, writing, open_files)
            _write_frame(datasets[number], place, frames.chunks[index])
            yield collection.pauses(n_written)
    if writing.master_last:
        write_copy_of_master(source, master, list(zip(paths, sizes, strict=True)), frames, writing.virtual)


def stored_frames(source: Path) -> StoredFrames:
    """The frames of a master, each one chunk."""
    with open_hdf5(source) as handle:
        segments = image_datasets(source, handle)
        chunks = [
            handle[segment.dataset].id.read_direct_chunk((i, 0, 0)) for segment in segments for i in range(len(segment))
        ]
        first = handle[segments[0].dataset]
        return StoredFrames(chunks, first.shape[1:], first.dtype, _compressed_as(first))


def _compressed_as(dataset: h5py.Dataset) -> h5py.h5p.PropDCID:
    """For a data set with the same chunks and filters."""
    given, wanted = dataset.id.get_create_plist(), h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    wanted.set_chunk(dataset.chunks)
    for number in range(given.get_nfilters()):
        code, flags, options, _ = given.get_filter(number)
        # Bitshuffle puts three numbers of its own before those that it is given.
        wanted.set_filter(code, flags, options[3:] if code == BITSHUFFLE else options)
    return wanted


def _data_file(path: Path, n: int, frames: StoredFrames, writing: Hdf5Writing, open_files: ExitStack) -> h5py.Dataset:
    libver = "latest" if writing.swmr or writing.recent else None
    file = open_files.enter_context(h5py.File(path, "w", libver=libver))
    group = file.require_group("/entry/data")
    group.attrs["NX_class"] = np.bytes_("NXdata")
    file["entry"].attrs["NX_class"] = np.bytes_("NXentry")
    now, most = (0, h5py.h5s.UNLIMITED) if writing.growing else (n, n)
    space = h5py.h5s.create_simple((now, *frames.shape), (most, *frames.shape))
    kind = h5py.h5t.py_create(frames.dtype, logical=True)
    h5py.h5d.create(group.id, b"data", kind, space, dcpl=frames.creation)
    if writing.swmr:
        file.swmr_mode = True
    file.flush()
    return file[DATA]


def _write_frame(dataset: h5py.Dataset, place: int, chunk: tuple[int, bytes]) -> None:
    if dataset.shape[0] <= place:
        dataset.resize(place + 1, axis=0)
    mask, content = chunk
    dataset.id.write_direct_chunk((place, 0, 0), content, mask)
    dataset.flush()
    dataset.file.flush()


def write_copy_of_master(
    source: Path, master: Path, data_files: list[tuple[Path, int]], frames: StoredFrames, virtual: bool
) -> None:
    """A copy of a master whose data are in other files: (file, number of frames)."""
    temporary = master.with_name(f".{master.name}.part")
    shutil.copyfile(source, temporary)
    with h5py.File(temporary, "r+") as file:
        for name in list(_data_names(file)):
            del file["/entry/data"][name]
        group = file["/entry/data"]
        if not virtual:
            for number, (path, _) in enumerate(data_files, 1):
                group[f"data_{number:06d}"] = h5py.ExternalLink(path.name, DATA)
        else:
            layout = h5py.VirtualLayout((sum(n for _, n in data_files), *frames.shape), frames.dtype)
            start = 0
            for path, n in data_files:
                layout[start : start + n] = h5py.VirtualSource(path.name, DATA, (n, *frames.shape))
                start += n
            group.create_virtual_dataset("data", layout, fillvalue=0)
    temporary.rename(master)


def _data_names(file: h5py.File) -> Iterator[str]:
    return (name for name in file["/entry/data"] if name == "data" or name.startswith("data_"))
