"""Frames of HDF5 images: fast access from several threads."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from pathlib import Path

import h5py
import numpy as np

from autoproc.errors import AutoprocError, CorruptFile, InputError, UnreadableFile
from autoproc.formats.boundary import BAD_BYTES, understood
from autoproc.formats.hdf5.chunks_apart import ChunksApart, StoredChunk
from autoproc.formats.hdf5.confined_hdf5 import allowed
from autoproc.formats.hdf5.image_data import choose_detector, entry_of
from autoproc.formats.hdf5.nexus_fields import groups_of_class
from autoproc.formats.hdf5.open_hdf5 import open_hdf5
from autoproc.formats.hdf5.pixel_masks import pixel_mask
from autoproc.formats.hdf5.segments import MissingDataFile, image_datasets, reason_of
from autoproc.formats.hdf5.virtual_frames import FrameSources, frame_sources
from autoproc.formats.images.frames import NO_COUNT
from autoproc.formats.images.kept_images import KeptImages
from autoproc.formats.images.stamps import Stamp
from autoproc.kernels.bitshuffle_lz4 import decode_bitshuffle_lz4
from autoproc.models.experiment import Detector, ImageSet

BITSHUFFLE = 32008
LZ4 = 2
MOST_OPEN = 64
"""Data files that stay open at the same time; a process may often open 1024 in all."""


class MissingFilter(InputError):
    """The images are compressed by a filter that this HDF5 library lacks."""

    what = "{path}: the images are compressed by HDF5 filter {filter}, which is not available"
    hint = "install the filter (pip install hdf5plugin) or set HDF5_PLUGIN_PATH to the folder of its plugin"


class ImageNotWritten(CorruptFile):
    """A data set has room for an image that is not there (yet)."""

    what = "{path}: image {image} is not written"
    hint = (
        "wait until the collection is over; of one that was stopped, process what is there with "
        "import_sweep.image_range=FIRST,LAST"
    )
    retryable = True


class NexusReader:
    """An ImageReader (see formats.images.frames) of the frames of an HDF5 image set.

    The HDF5 library is entered by one thread at a time; bitshuffle/LZ4 chunks are only copied out
    under its lock and decompressed outside, so that several threads decode at once.
    """

    def __init__(self, imageset: ImageSet, detector: Detector, room: int = 0) -> None:
        """Room : bytes that compressed images may take in memory, for a second reading."""
        self._kept = KeptImages(room)
        self._path = Path(imageset.template)
        self._lock = threading.Lock()
        self._last = threading.local()
        with understood(self._path):
            self._open_all(imageset, detector)

    def _open_all(self, imageset: ImageSet, detector: Detector) -> None:
        try:
            self._handle = open_hdf5(self._path)
        except OSError as error:
            raise UnreadableFile(path=self._path, reason=str(error)) from error
        self._segments = image_datasets(self._path, self._handle)
        self._open: OrderedDict[int, h5py.Dataset] = OrderedDict()
        self._sources: dict[tuple[str, str], FrameSources | None] = {}
        self._origins: OrderedDict[tuple[str, str, str], h5py.Dataset] = OrderedDict()
        self._starts = np.cumsum([0, *(len(s) for s in self._segments)])
        self._indices = imageset.indices or tuple(range(int(self._starts[-1])))
        panel = detector[0]
        self.n_frames = len(self._indices)
        self.shape = (panel.image_size[1], panel.image_size[0])
        self.min_trusted, self.max_trusted = panel.min_trusted, panel.trusted_range[1]
        if any(segment.dtype.kind == "u" for segment in self._segments):
            self.min_trusted = max(self.min_trusted, 0)  # what is below are markers, whatever the model says
        if self._indices and max(self._indices) >= self._starts[-1]:
            raise CorruptFile(
                path=self._path, reason=f"it holds {self._starts[-1]} images, not {max(self._indices) + 1}"
            )
        if self._indices:
            self._dataset(self._segment(0)[0])
        self.mask = self._static_mask(panel.mask)

    def path(self, frame: int) -> Path:
        """The file that holds a frame."""
        return self._segments[self._segment(frame)[0]].file

    def read(self, frame: int) -> np.ndarray:
        """(slow, fast) int32 counts; the largest two values of an unsigned type are -1 and -2."""
        number, index = self._segment(frame)
        try:
            dataset = self._dataset(number)
            kept = self._kept.find(frame)
            if kept is not None:
                return self._decoded(dataset, kept)
            dataset, index = self._stored(frame, dataset, index)
            if not self._is_written(dataset, index):
                raise ImageNotWritten(path=self.path(frame), image=self._indices[frame] + 1, is_missing=True)
            chunk = self._chunk(dataset, index)
            if chunk is not None:
                image = self._decoded(dataset, chunk)
                self._kept.keep(frame, chunk)
                return image
            with self._lock:
                return signed(dataset[self._place(dataset, index)[:-2]])
        except AutoprocError:
            raise
        except BAD_BYTES as error:
            reason = f"image {self._indices[frame] + 1} cannot be read; {reason_of(error)}"
            raise CorruptFile(path=self.path(frame), reason=reason) from error

    def stamp(self, frame: int) -> Stamp:
        """Of a frame as it is stored, or of its pixels where it is not stored by itself.

        Neither times nor places would tell: the file changes with each frame that is added, and pixels that are not
        compressed are written again where they were. Raises CorruptFile or UnreadableFile.
        """
        number, index = self._segment(frame)
        try:
            dataset, place = self._stored(frame, self._dataset(number), index)
            if not self._is_written(dataset, place):
                raise ImageNotWritten(path=self.path(frame), image=self._indices[frame] + 1, is_missing=True)
            chunk = self._chunk(dataset, place)
            if chunk is not None:
                self._kept.keep(frame, chunk)
                return self._digest_of(dataset.dtype.str, chunk)
        except AutoprocError:
            raise
        except BAD_BYTES as error:
            reason = f"image {self._indices[frame] + 1} cannot be read; {reason_of(error)}"
            raise CorruptFile(path=self.path(frame), reason=reason) from error
        return _digest("", self.read(frame))

    def _digest_of(self, how: str, chunk: bytes) -> Stamp:
        """Worked out once for what a thread asks about twice in a row: before a frame is read, and after."""
        if (how, chunk) != getattr(self._last, "asked", None):
            self._last.stamp, self._last.asked = _digest(how, chunk), (how, chunk)
        return self._last.stamp

    def apart(self, n_frames: int) -> ChunksApart | None:
        """See formats.images.frames. None where a frame is not stored by itself, compressed by bitshuffle/LZ4."""
        chunks: list[StoredChunk] = []
        for frame in range(n_frames):
            number, index = self._segment(frame)
            dataset, place = self._stored(frame, self._dataset(number), index)
            if not self._is_direct(dataset):
                return None
            with self._lock:
                info = dataset.id.get_chunk_info_by_coord(self._place(dataset, place))
            if info.byte_offset is None or info.filter_mask:
                return None
            path = Path(os.fsdecode(dataset.file.filename))
            chunks.append(StoredChunk(path, info.byte_offset, info.size, dataset.dtype.itemsize))
        return ChunksApart(self.mask, (self.min_trusted, self.max_trusted), chunks)

    def remarks(self, first_image: int) -> list[str]:
        """Nothing: what HDF5 files say of their own soundness is checked as they are read."""
        return []

    def close(self) -> None:
        """Let go of the files: whoever opens them again sees what was written to them since."""
        with self._lock:
            self._open.clear()
            self._origins.clear()
            self._sources.clear()
            self._handle.close()

    def _dataset(self, number: int) -> h5py.Dataset:
        """A data set by number. Only some stay open, as a sweep may have more files than a process may open."""
        with self._lock:
            dataset = self._open.pop(number, None)
            if dataset is None:
                dataset = self._handle[self._segments[number].dataset]
                self._check(dataset)
            self._open[number] = dataset
            if len(self._open) > MOST_OPEN:
                self._open.popitem(last=False)
            return dataset

    def _stored(self, frame: int, dataset: h5py.Dataset, index: int) -> tuple[h5py.Dataset, int]:
        """The data set that a frame is read from, and its place there: the source that a virtual one has it from.

        The virtual one itself where sources are put together in other ways, or have other types, which the library
        does. Raises ImageNotWritten for a frame that no source has.
        """
        while dataset.is_virtual:
            with self._lock:
                sources = self._sources_of(dataset)
                if sources is None:
                    break
                if sources.source[index] < 0:
                    raise ImageNotWritten(path=self.path(frame), image=self._indices[frame] + 1)
                origin = self._origin(dataset, *sources.names[sources.source[index]])
                place = int(sources.index[index])
            if origin.ndim != dataset.ndim or origin.shape[1:] != dataset.shape[1:]:
                break
            if place >= origin.shape[0] or not self._is_written(origin, place):
                raise ImageNotWritten(path=Path(os.fsdecode(origin.file.filename)), image=self._indices[frame] + 1)
            if origin.dtype != dataset.dtype:
                break
            dataset, index = origin, place
        return dataset, index

    def _sources_of(self, dataset: h5py.Dataset) -> FrameSources | None:
        key = (dataset.file.filename, dataset.name)
        if key not in self._sources:
            self._sources[key] = frame_sources(dataset)
        return self._sources[key]

    def _origin(self, dataset: h5py.Dataset, file_name: str, name: str) -> h5py.Dataset:
        """A source of a virtual data set. Raises MissingDataFile, or CorruptFile where it is no data set."""
        own = Path(os.fsdecode(dataset.file.filename))
        key = (str(own), file_name, name)
        if key not in self._origins:
            try:
                file = dataset.file if file_name == "." else open_hdf5(allowed(file_name, own.parent))
            except FileNotFoundError as error:
                raise MissingDataFile(path=own, target=own.parent / Path(file_name).name) from error
            item = file.get(name)
            if not isinstance(item, h5py.Dataset):
                raise CorruptFile(path=own, reason=f"the source of its images is no data set of {Path(file_name).name}")
            self._origins[key] = item
            if len(self._origins) > MOST_OPEN:
                self._origins.popitem(last=False)
        return self._origins[key]

    def _is_written(self, dataset: h5py.Dataset, index: int) -> bool:
        """Storage is allocated for a frame, where that can be told."""
        if dataset.is_virtual or not dataset.chunks or dataset.chunks[0] != 1:
            return True
        with self._lock:
            return dataset.id.get_chunk_info_by_coord(self._place(dataset, index)).byte_offset is not None

    def _segment(self, frame: int) -> tuple[int, int]:
        position = self._indices[frame]
        number = int(np.searchsorted(self._starts, position, side="right")) - 1
        return number, position - int(self._starts[number])

    @staticmethod
    def _place(dataset: h5py.Dataset, index: int) -> tuple[int, ...]:
        """The first pixel of a frame, in the first channel where there are several."""
        return (index, *(0,) * (dataset.ndim - 1))

    def _chunk(self, dataset: h5py.Dataset, index: int) -> bytes | None:
        """A frame as it is stored; None where the library has to read it: compressed in other ways, or not at all."""
        if not self._is_direct(dataset):
            return None
        with self._lock:
            left_out, stored = dataset.id.read_direct_chunk(self._place(dataset, index))
        return None if left_out else stored

    def _decoded(self, dataset: h5py.Dataset, chunk: bytes) -> np.ndarray:
        n_pixels = self.shape[0] * self.shape[1]
        return decode_bitshuffle_lz4(chunk, dataset.dtype.itemsize, n_pixels).reshape(self.shape)

    def _is_direct(self, dataset: h5py.Dataset) -> bool:
        """One whole frame a chunk, unsigned, compressed by bitshuffle/LZ4 and nothing else."""
        if (
            dataset.is_virtual
            or not dataset.chunks
            or dataset.chunks[:-2].count(1) != dataset.ndim - 2
            or dataset.chunks[-2:] != self.shape
            or dataset.dtype.kind != "u"
        ):
            return False
        creation = dataset.id.get_create_plist()
        if creation.get_nfilters() != 1:
            return False
        code, _, options, _ = creation.get_filter(0)
        return code == BITSHUFFLE and len(options) >= 5 and options[4] == LZ4 and dataset.dtype.itemsize <= 4

    def _check(self, dataset: h5py.Dataset) -> None:
        if dataset.shape[-2:] != self.shape:
            reason = f"its images have {dataset.shape[-2:]} pixels, the detector {self.shape}"
            raise CorruptFile(path=self._path, reason=reason)
        if not np.issubdtype(dataset.dtype, np.integer) and not np.issubdtype(dataset.dtype, np.floating):
            raise CorruptFile(path=self._path, reason=f"its images are of type {dataset.dtype}")
        creation = dataset.id.get_create_plist()
        for n in range(creation.get_nfilters()):
            code = creation.get_filter(n)[0]
            if not h5py.h5z.filter_avail(code):
                raise MissingFilter(path=self._path, filter=code)

    def _static_mask(self, rectangles: tuple[tuple[int, int, int, int], ...]) -> np.ndarray:
        """The file's pixel_mask; without one, the pixels that the first frame marks as bad."""
        mask = np.ones(self.shape, bool)
        for x0, y0, x1, y1 in rectangles:
            mask[y0:y1, x0:x1] = False
        given = self._pixel_mask()
        if given is not None:
            return mask & given
        return mask & (self.read(0) >= self.min_trusted) if self.n_frames else mask

    def _pixel_mask(self) -> np.ndarray | None:
        entry = entry_of(self._handle)
        instruments = groups_of_class(entry, "NXinstrument") if entry is not None else []
        detector = choose_detector(instruments[0], self.shape)[0] if instruments else None
        return pixel_mask(detector, self.shape).good if detector is not None else None


def _digest(how: str, stored: bytes | np.ndarray) -> Stamp:
    told = hashlib.blake2b(stored if isinstance(stored, bytes) else stored.data, digest_size=16)
    told.update(how.encode())
    return Stamp(told.digest())


def signed(frame: np.ndarray) -> np.ndarray:
    """Counts as int32; the largest value of an unsigned type and the one below become -1 and -2."""
    if frame.dtype.kind == "f":
        return np.where(np.isfinite(frame), np.rint(frame).clip(NO_COUNT, -(NO_COUNT + 1)), NO_COUNT).astype(np.int32)
    if frame.dtype.kind == "u":
        top = np.iinfo(frame.dtype).max
        counts = frame.astype(np.int64)
        counts[frame >= top - 1] -= top + 1
        return counts.astype(np.int32)
    return frame.astype(np.int32)
