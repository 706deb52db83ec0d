"""A data file of a recorded sweep: frames put into their places as they came, which readers see at once."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from autoproc.recording.typed_arrays import Compression, Packed, compressor
from autoproc.recording.write_master import DATA, Layout

FORMAT = ("v110", "v110")
"""Of HDF5: the first that can be read while it is written. Later ones have data sets that many programs cannot read:
DIALS 3.12 with HDF5 1.10 cannot read those of HDF5 2.0."""
NOT_FILTERED = 0
"""The mask of filters that were left out in making a chunk: none."""


class DataFile:
    """A file of frames that is open for writing, in HDF5's mode of one writer and many readers."""

    def __init__(self, path: Path, n: int | None, layout: Layout, compression: Compression) -> None:
        """Make the file for n frames, or any number where that is not known; or go on with one. Raises OSError."""
        mode = "r+" if path.exists() else "w"
        # Many file systems of beamlines have no locks, and nobody else writes to these files.
        self._file = h5py.File(path, mode, libver=FORMAT, locking=False)
        try:
            if DATA not in self._file:
                self._make(n, layout, compression)
            self._dataset = self._file[DATA]
            self._file.swmr_mode = True
        except BaseException:
            self._file.close()
            raise
        self._layout, self._compression = layout, compression

    def _make(self, n: int | None, layout: Layout, compression: Compression) -> None:
        for name, nx_class in (("/entry", "NXentry"), ("/entry/data", "NXdata")):
            self._file.require_group(name).attrs["NX_class"] = np.bytes_(nx_class)
        channels = (len(layout.channels),) if len(layout.channels) > 1 else ()
        frame = (*channels, *layout.shape)
        dataset = self._file.create_dataset(
            DATA, (n or 0, *frame), layout.dtype.newbyteorder("<"), maxshape=(n, *frame),
            chunks=(*(1,) * (1 + len(channels)), *layout.shape), **compressor(compression),
        )  # fmt: skip
        if channels:
            dataset.attrs["channels"] = [name.encode() for name in layout.channels]

    def write(self, place: int, channels: list[Packed]) -> None:
        """Put the channels of a frame into their places. Raises OSError, or BadMessage for what cannot be unpacked."""
        if self._dataset.shape[0] <= place:
            self._dataset.resize(place + 1, axis=0)
        for number, pixels in enumerate(channels):
            where = (place, number) if len(self._layout.channels) > 1 else (place,)
            if self._is_as_stored(pixels):
                self._dataset.id.write_direct_chunk((*where, 0, 0), pixels.content, NOT_FILTERED)
            else:
                self._dataset[where] = pixels.unpacked()

    def _is_as_stored(self, pixels: Packed) -> bool:
        """Its bytes are what the data set would hold for it: nothing need be unpacked."""
        size = pixels.dtype.itemsize
        return (
            pixels.compression == self._compression
            and (size == 1 or pixels.dtype == pixels.dtype.newbyteorder("<"))
            and pixels.item_size in (0, size)
        )

    def stored(self) -> np.ndarray:
        """(n,) bool: the frames whose channels are all in the file."""
        found = np.zeros(self._dataset.shape[0], int)

        def count(chunk: h5py.h5d.StoreInfo) -> None:
            found[chunk.chunk_offset[0]] += chunk.size > 0

        self._dataset.id.chunk_iter(count)
        return found >= len(self._layout.channels)

    def flush(self) -> None:
        """Let readers see what was written."""
        self._dataset.flush()

    def close(self) -> None:
        """Write what is left. Raises OSError."""
        self._file.close()
